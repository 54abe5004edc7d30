//! The host routes of `sources` (I59).

use crate::step::Step;
use crate::{Action, MgmCall, NEVER};
use mgm_types::{Prefix, Time};
use std::collections::BTreeMap;

/// After this time, a refused route is tried again, in milliseconds.
const RETRY: u64 = 60_000;

/// The routes that were added to the library.
#[derive(Debug, Default)]
pub(super) struct Routes {
    added: BTreeMap<Prefix, u32>,
    retry: Option<Time>,
}

impl Routes {
    /// Adds and deletes routes, so that the library has the routes `wanted`. Adding a route
    /// replaces the one of the same network.
    pub fn settle(&mut self, wanted: BTreeMap<Prefix, u32>, step: &mut Step) {
        for (network, link) in &wanted {
            if self.added.get(network) != Some(link) {
                let call = MgmCall::AddRoute { network: *network, link: *link };
                step.actions.push(Action::Mgm(call));
            }
        }
        for (network, link) in &self.added {
            if !wanted.contains_key(network) {
                let call = MgmCall::DeleteRoute { network: *network, link: *link };
                step.actions.push(Action::Mgm(call));
            }
        }
        self.added = wanted;
    }

    /// Notes that the library refused a route, so that it is tried
    /// again later.
    pub fn refused(&mut self, network: Prefix, now: Time) {
        self.added.remove(&network);
        self.retry.get_or_insert(Time(now.0 + RETRY));
    }

    /// When the refused routes are tried again.
    pub fn deadline(&self) -> Time {
        self.retry.unwrap_or(NEVER)
    }

    /// Whether the refused routes are to be tried again at
    /// `at`. Returns true once.
    pub fn retry_is_due(&mut self, at: Time) -> bool {
        self.retry.take_if(|due| *due <= at).is_some()
    }
}
