//! Repeats requests that mgmd refused after the connection was lost and made again, until mgmd
//! accepts them, because the daemon believes that all of them have succeeded. Also watches the
//! flows without an entry.

use crate::daemon::{everything, Daemon, Router};
use crate::refused::Refused;
use crate::watched::PAUSE;
use mgm_engine::MfeRow;
use mgm_remote::messages::{Reply, Request};
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

    /// The daemon has deleted an entry, and mgmd may go on forwarding the flow: the next packet is an
    /// upcall.
    pub(crate) fn watch_deleted(&mut self, router: &mut impl Router, flow: Flow) {
        if !flow.has_source() {
            return;
        }
        if let Some(row) = self.mfe(router, flow) {
            self.watched.add(flow, row.packets + row.wrong_if, 0);
        }
    }

    /// The daemon has not answered an upcall.
    pub(crate) fn watch_silent(&mut self, flow: Flow) {
        self.watched.add(flow, 0, PAUSE);
    }

    /// The daemon wants everything on an interface from now on. The flows that exist leave there by
    /// themselves: not before the daemon has said so.
    pub(crate) fn ask_about_all(&mut self, router: &mut impl Router, index: u32) {
        let mut leaving = Vec::new();
        self.walk(router, |row| {
            let leaves = row.oifs.iter().any(|oif| oif.interface.index == index);
            let vif = self.vif_or_rest(row.iif.index);
            leaving.extend(leaves.then_some((row.flow, vif, row.packets + row.wrong_if)));
        });
        for (flow, vif, packets) in leaving {
            if self.entry(flow, vif).is_none_or(|mfc| !self.indices(mfc).contains(&index)) {
                self.forward(router, (flow, index), false);
                self.watched.add(flow, packets, 0);
            }
        }
    }

    /// Upcalls for the flows of which packets have arrived since.
    pub(crate) fn look_for_packets(&mut self, router: &mut impl Router) {
        self.watched.tick();
        for flow in self.watched.next() {
            let Some(watch) = self.watched.due(flow) else { continue };
            match self.mfe(router, flow) {
                Some(row) if self.entry(flow, self.vif_or_rest(row.iif.index)).is_none() => {
                    let packets = row.packets + row.wrong_if;
                    if packets != watch.packets {
                        self.watched.add(flow, packets, PAUSE);
                        self.ask_again(flow, row.iif);
                    }
                }
                // Without an MFE, mgmd asks.
                _ => self.watched.remove(flow),
            }
        }
    }

    pub(crate) fn mfe(&self, router: &mut impl Router, flow: Flow) -> Option<MfeRow> {
        match self.ask(router, Request::GetMfe { flow, stats: true }) {
            Ok(Reply::Mfe { row }) => Some(row),
            _ => None,
        }
    }
}
