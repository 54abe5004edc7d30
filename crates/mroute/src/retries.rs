//! Repeats requests that mgmd refused after the connection was lost and made again, until mgmd
//! accepts them, because the daemon believes that all of them have succeeded. Also watches the
//! flows of deleted entries.

use crate::daemon::{everything, Daemon, Router};
use crate::refused::Refused;
use mgm_types::Flow;
use std::collections::BTreeSet;

impl Daemon {
    /// Whether `tick` is to be called now and then.
    #[must_use]
    pub fn wants_ticks(&self) -> bool {
        let Refused { takes, adds, .. } = &self.refused;
        let is_calm = takes.is_empty() && adds.is_empty() && self.watched.is_empty();
        self.is_connected() && !is_calm
    }

    /// Some time has passed: asks again for what mgmd has refused, and looks for packets of flows
    /// without an entry.
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
        let mut flows: BTreeSet<Flow> =
            self.entries.keys().chain(self.joins.keys()).copied().collect();
        flows.extend(self.is_wild().then_some(everything()));
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
