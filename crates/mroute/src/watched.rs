//! Flows that mgmd forwards, and for which the daemon has no entry. mgmd does not ask about such a flow
//! again. But the kernel would make an upcall of its next packet after a while, so this module does.

use crate::refused::AT_ONCE;
use mgm_types::Flow;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

/// At most so many flows are watched.
const MOST: usize = 1 << 14;

/// After so many ticks, the kernel forgets a flow to which the daemon has not answered.
pub(crate) const PAUSE: u64 = 10;

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
pub(crate) struct Watch {
    /// The packets of the flow at that time.
    pub packets: u64,
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

    pub fn add(&mut self, flow: Flow, packets: u64, pause: u64) {
        if self.flows.len() < MOST || self.flows.contains_key(&flow) {
            self.flows.insert(flow, Watch { packets, due: self.now + pause });
        }
    }

    /// A tick has passed.
    pub fn tick(&mut self) {
        self.now += 1;
    }

    /// A flow whose next packet is an upcall.
    pub fn due(&self, flow: Flow) -> Option<Watch> {
        self.flows.get(&flow).copied().filter(|watch| watch.due <= self.now)
    }

    /// The next flows, in a circle.
    pub fn next(&mut self) -> Vec<Flow> {
        let after = self.last.map_or(Unbounded, Excluded);
        let later = self.flows.range((after, Unbounded)).map(|(flow, _)| *flow);
        let all = self.flows.keys().copied();
        let count = AT_ONCE.min(self.flows.len());
        let found: Vec<Flow> = later.chain(all).take(count).collect();
        self.last = found.last().copied();
        found
    }
}
