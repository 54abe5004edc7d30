//! Flows of senders on downstreams, which are sent up (I58).

use crate::NEVER;
use mgm_types::{Flow, Time};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of flows that are sent up.
pub(super) const MOST: usize = 4_096;

/// The flows, and when each of them ends unless the library asks about it again.
#[derive(Debug, Default)]
pub(super) struct Raised {
    flows: BTreeMap<Flow, Way>,
    ends: BTreeSet<(Time, Flow)>,
}

#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The downstream of the sender.
    pub from: u32,
    /// The upstream, if one can be used.
    pub to: Option<u32>,
    pub until: Time,
}

/// A flow, with its former and its present upstream.
pub(super) struct Moved {
    pub flow: Flow,
    pub from: Option<u32>,
    pub to: Option<u32>,
}

impl Raised {
    /// Handles a question of the library about a flow. `way` has its downstream and upstream.
    /// Returns how the upstream of the flow changes; `Err` if there are too many flows.
    pub fn asked(&mut self, flow: Flow, way: Way) -> Result<Moved, ()> {
        if !self.flows.contains_key(&flow) && self.flows.len() >= MOST {
            return Err(());
        }
        let from = self.remove(flow);
        self.flows.insert(flow, way);
        self.ends.insert((way.until, flow));
        Ok(Moved { flow, from, to: way.to })
    }

    /// Forgets a flow. Returns its upstream.
    pub fn remove(&mut self, flow: Flow) -> Option<u32> {
        let way = self.flows.remove(&flow)?;
        self.ends.remove(&(way.until, flow));
        way.to
    }

    /// Adapts all flows after the upstreams have changed. `way_up` returns the new upstream of
    /// a flow, or `None` if the flow is no longer sent up.
    pub fn replan(&mut self, way_up: impl Fn(Flow, u32) -> Option<Option<u32>>) -> Vec<Moved> {
        let mut moved = Vec::new();
        let ends = &mut self.ends;
        self.flows.retain(|flow, way| {
            let new = way_up(*flow, way.from);
            let to = new.flatten();
            if way.to != to {
                let from = std::mem::replace(&mut way.to, to);
                moved.push(Moved { flow: *flow, from, to });
            }
            if new.is_none() {
                ends.remove(&(way.until, *flow));
            }
            new.is_some()
        });
        moved
    }

    /// When the next flow ends.
    pub fn deadline(&self) -> Time {
        self.ends.first().map_or(NEVER, |(until, _)| *until)
    }

    /// Removes the flows that end at `at`; returns them with their upstreams.
    pub fn expire(&mut self, at: Time) -> Vec<(Flow, Option<u32>)> {
        let mut ended = Vec::new();
        while let Some((_, flow)) = self.ends.first().copied().filter(|(until, _)| *until <= at) {
            ended.push((flow, self.remove(flow)));
        }
        ended
    }
}
