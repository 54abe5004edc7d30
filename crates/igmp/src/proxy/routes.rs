//! The host routes of `sources` (I59).

use crate::step::Step;
use crate::{Action, MgmCall, NEVER};
use mgm_types::{Prefix, Time};
use std::collections::BTreeMap;

/// How long a refused route waits for its next try, in milliseconds.
const RETRY: u64 = 60_000;

/// The routes that the library has.
#[derive(Debug, Default)]
pub(super) struct Routes {
    added: BTreeMap<Prefix, u32>,
    retry: Option<Time>,
}

impl Routes {
    /// Adds and deletes what differs from `wanted`. An add replaces a route of the same network.
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

    /// The library refused to add a route: it is tried again later.
    pub fn refused(&mut self, network: Prefix, now: Time) {
        self.added.remove(&network);
        self.retry.get_or_insert(Time(now.0 + RETRY));
    }

    /// When a refused route is due again.
    pub fn deadline(&self) -> Time {
        self.retry.unwrap_or(NEVER)
    }

    /// Whether it is due at `at`; asked once.
    pub fn retry_is_due(&mut self, at: Time) -> bool {
        self.retry.take_if(|due| *due <= at).is_some()
    }
}
