//! Flows that mgmd forwards, and for which the daemon has no entry. mgmd does not ask about them again,
//! but the kernel would: after a while, the next packet of such a flow is an upcall.

use crate::daemon::{Daemon, Router};
use crate::refused::AT_ONCE;
use mgm_engine::MfeRow;
use mgm_remote::messages::{Reply, Request};
use mgm_types::Flow;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

/// At most so many flows are watched.
const MOST: usize = 1 << 14;

/// After so many ticks, the kernel forgets a flow to which the daemon has not answered.
const PAUSE: u64 = 10;

/// The flows.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    flows: BTreeMap<Flow, Watch>,
    /// The last of them that was looked at.
    last: Option<Flow>,
    /// Ticks so far.
    now: u64,
}

#[derive(Clone, Copy, Debug)]
struct Watch {
    /// The packets of the flow at that time.
    packets: u64,
    /// From this tick on, the next packet is an upcall.
    due: u64,
}

impl Watched {
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    pub fn clear(&mut self) {
        self.flows.clear();
    }

    pub fn remove(&mut self, flow: Flow) {
        self.flows.remove(&flow);
    }

    fn add(&mut self, flow: Flow, packets: u64, pause: u64) {
        if self.flows.len() < MOST || self.flows.contains_key(&flow) {
            self.flows.insert(flow, Watch { packets, due: self.now + pause });
        }
    }

    /// The next flows, in a circle.
    fn next(&mut self) -> Vec<Flow> {
        let after = self.last.map_or(Unbounded, Excluded);
        let later = self.flows.range((after, Unbounded)).map(|(flow, _)| *flow);
        let all = self.flows.keys().copied();
        let count = AT_ONCE.min(self.flows.len());
        let found: Vec<Flow> = later.chain(all).take(count).collect();
        self.last = found.last().copied();
        found
    }
}

impl Daemon {
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
        self.watched.now += 1;
        for flow in self.watched.next() {
            let Some(watch) = self.watched.flows.get(&flow).copied() else { continue };
            if watch.due > self.watched.now {
                continue;
            }
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

    fn mfe(&self, router: &mut impl Router, flow: Flow) -> Option<MfeRow> {
        match self.ask(router, Request::GetMfe { flow, stats: true }) {
            Ok(Reply::Mfe { row }) => Some(row),
            _ => None,
        }
    }
}
