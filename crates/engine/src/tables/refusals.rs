//! Recently refused flows: by flow, by source, and by age (spec 5.1).

use super::resolutions::FirstPacket;
use super::sources::SourceId;
use crate::packet::Refused;
use foldhash::fast::RandomState;
use mgm_types::{Flow, Result, Time};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;

/// How long a refused flow is remembered.
const MEMORY_MS: u64 = 10_000;

/// How many refused flows are remembered; beyond that the oldest is forgotten.
pub const MOST: usize = 65_536;

/// Why a flow was refused, and the packet that it began with.
#[derive(Clone, Debug)]
pub struct FlowRefusal {
    pub packet: FirstPacket,
    pub why: Refused,
}

/// A refused flow.
#[derive(Debug)]
pub struct RefusedFlow {
    /// The entry holds a reference to the source.
    pub source: SourceId,
    pub refusal: FlowRefusal,
    /// Distinguishes this refusal from another one of the same flow.
    pub serial: u64,
    /// The flow is queued to be processed again.
    pub is_queued: bool,
}

/// All remembered refusals.
#[derive(Debug, Default)]
pub struct RefusedFlows {
    by_flow: HashMap<Flow, RefusedFlow, RandomState>,
    by_source: BTreeSet<(SourceId, Flow)>,
    /// The time at which each is forgotten, by number, which is also the order of time.
    by_age: BTreeMap<u64, (Time, Flow)>,
    /// Flows that are queued to be processed again. Flows forgotten meanwhile stay in the queue.
    pub queue: VecDeque<Flow>,
    last: u64,
    /// The greatest number of refusals at one time, or that had room.
    most: usize,
}

impl RefusedFlows {
    /// Makes sure that there is room for another refusal.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn room(&mut self) -> Result<()> {
        self.by_flow.try_reserve(1)?;
        self.most = self.most.max(self.by_flow.capacity().min(MOST));
        Ok(())
    }

    /// The greatest number of refusals until [`RefusedFlows::room`] is called again.
    #[inline]
    pub fn most(&self) -> usize {
        self.most
    }

    pub fn len(&self) -> usize {
        self.by_flow.len()
    }

    #[inline]
    pub fn get(&self, flow: Flow) -> Option<&RefusedFlow> {
        if self.by_flow.is_empty() {
            return None; // the usual case
        }
        self.by_flow.get(&flow)
    }

    /// When a refused flow is forgotten.
    pub fn end_of(&self, refused: &RefusedFlow) -> Option<Time> {
        self.by_age.get(&refused.serial).map(|(end, _)| *end)
    }

    /// Whether there is anything to do, now or later.
    #[inline]
    pub fn has_any(&self) -> bool {
        !self.by_age.is_empty()
    }

    /// Whether some are to be looked at again.
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The number of the newest refusal: later ones come after all changes so far.
    #[inline]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The refusals with these numbers, the oldest first.
    pub fn aged(&self, numbers: RangeInclusive<u64>) -> impl Iterator<Item = (u64, Flow)> + '_ {
        self.by_age.range(numbers).map(|(&serial, &(_, flow))| (serial, flow))
    }

    /// When the next refusal is forgotten.
    pub fn next_end(&self) -> Option<Time> {
        self.by_age.values().next().map(|(end, _)| *end)
    }

    pub fn insert(&mut self, now: Time, flow: Flow, source: SourceId, refusal: FlowRefusal) {
        self.last += 1;
        let serial = self.last;
        self.by_flow.insert(flow, RefusedFlow { source, refusal, serial, is_queued: false });
        self.by_source.insert((source, flow));
        self.by_age.insert(serial, (Time(now.0 + MEMORY_MS), flow));
    }

    pub fn remove(&mut self, flow: Flow) -> Option<RefusedFlow> {
        let refusal = self.by_flow.remove(&flow)?;
        self.by_source.remove(&(refusal.source, flow));
        self.by_age.remove(&refusal.serial);
        if self.by_flow.is_empty() {
            let RefusedFlows { last, most, .. } = *self;
            *self = RefusedFlows { last, most, ..RefusedFlows::default() }; // frees the memory
        }
        Some(refusal)
    }

    /// The oldest refusal.
    pub fn oldest(&self) -> Option<Flow> {
        self.by_age.values().next().map(|(_, flow)| *flow)
    }

    /// A refused flow, to be changed.
    pub fn get_mut(&mut self, flow: Flow) -> Option<&mut RefusedFlow> {
        self.by_flow.get_mut(&flow)
    }

    pub fn set_source(&mut self, flow: Flow, source: SourceId) {
        if let Some(refusal) = self.by_flow.get_mut(&flow) {
            self.by_source.remove(&(refusal.source, flow));
            self.by_source.insert((source, flow));
            refusal.source = source;
        }
    }

    /// Queues a flow to be processed again. Without memory for that, it is forgotten at its time.
    pub fn enqueue(&mut self, flow: Flow) {
        if let Some(refusal) = self.by_flow.get_mut(&flow).filter(|refusal| !refusal.is_queued) {
            if self.queue.try_reserve(1).is_ok() {
                refusal.is_queued = true;
                self.queue.push_back(flow);
            }
        }
    }

    /// The first flow of a source.
    pub fn of_source(&self, source: SourceId) -> Option<Flow> {
        let mut all = self.by_source.range((source, Flow::WILDCARD)..=(source, Flow::MAX));
        all.next().map(|(_, flow)| *flow)
    }
}
