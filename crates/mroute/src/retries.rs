//! What mgmd refused when the daemon's state was told to it again is asked for until mgmd agrees, because
//! the daemon believes that it has all of it. And flows of deleted entries are watched.

use crate::daemon::{Daemon, Router};
use crate::refused::{Refused, AT_ONCE};
use mgm_engine::MfeRow;
use mgm_remote::messages::{Reply, Request};
use mgm_types::Flow;
use std::collections::BTreeSet;

impl Daemon {
    /// Whether `tick` is to be called now and then.
    #[must_use]
    pub fn wants_ticks(&self) -> bool {
        let Refused { takes, adds, .. } = &self.refused;
        let is_calm = takes.is_empty() && adds.is_empty() && self.deleted.is_empty();
        self.is_connected() && !is_calm
    }

    /// The daemon has deleted an entry. If mgmd goes on forwarding the flow, it does not ask about it,
    /// but the daemon expects an upcall for the next packet, as from the kernel.
    pub(crate) fn watch_deleted(&mut self, router: &mut impl Router, flow: Flow) {
        if !flow.has_source() || self.deleted.len() >= AT_ONCE {
            return;
        }
        if let Some(row) = self.mfe(router, flow) {
            self.deleted.insert(flow, row.packets + row.wrong_if);
        }
    }

    /// Upcalls for the deleted entries of which packets have arrived since.
    fn look_for_packets(&mut self, router: &mut impl Router) {
        for (flow, packets) in self.deleted.clone() {
            let row = self.mfe(router, flow);
            if row.as_ref().is_some_and(|row| row.packets + row.wrong_if == packets) {
                continue;
            }
            self.deleted.remove(&flow);
            if let Some(row) = row.filter(|_| self.entry(flow).is_none()) {
                self.ask_again(flow, row.iif);
            }
        }
    }

    fn mfe(&self, router: &mut impl Router, flow: Flow) -> Option<MfeRow> {
        match self.ask(router, Request::GetMfe { flow, stats: true }) {
            Ok(Reply::Mfe { row }) => Some(row),
            _ => None,
        }
    }

    /// Some time has passed: asks again for what mgmd has refused, and looks for packets of deleted
    /// entries.
    pub fn tick(&mut self, router: &mut impl Router) {
        for index in self.refused.takes.clone() {
            if self.take(router, index).is_ok() {
                self.refused.takes.remove(&index);
                self.log.push(format!("{} belongs to this daemon again", router.name(index)));
                self.sync_all(router);
            }
        }
        for flow in self.refused.next() {
            self.sync_or_retry(router, flow);
        }
        self.look_for_packets(router);
    }

    /// Adds all memberships that are missing. Those that mgmd refuses are retried.
    pub(crate) fn sync_all(&mut self, router: &mut impl Router) {
        let flows: BTreeSet<Flow> = self.entries.keys().chain(self.joins.keys()).copied().collect();
        for flow in flows {
            self.sync_or_retry(router, flow);
        }
    }

    /// The same for one flow.
    fn sync_or_retry(&mut self, router: &mut impl Router, flow: Flow) {
        self.add_missing(router, flow);
        let missing = self.missing(flow);
        let is_owned = |place: &(Flow, u32)| !self.refused.takes.contains(&place.1);
        let refused: Vec<_> = missing.into_iter().filter(is_owned).collect();
        self.refused.adds.extend(refused);
    }
}
