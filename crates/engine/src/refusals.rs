//! Recently refused flows, and why they were refused (spec 5.1, 5.2).
//!
//! A forwarder such as the kernel reports only the first packet of a flow. A refused flow is
//! therefore remembered for 10 s, or until the reason of its refusal changes, so that it can
//! be accepted then. Meanwhile no client is asked about it again, and the kernel has an entry
//! without oifs for it. Without this entry the flow would stay in the kernel's list of
//! unresolved flows, which the kernel searches for each packet of every other such flow.

use super::resolution::FirstPacket;
use super::rpf_path::RpfPath;
use super::sources::SourceId;
use super::{Effects, Engine, NoticeKind, Refused};
use crate::types::{Flow, IfId, Interface, Result, Time};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;

/// How long a refused flow is remembered.
const MEMORY_MS: u64 = 10_000;

/// How many refused flows are remembered; beyond that the oldest is forgotten.
const MOST: usize = 65_536;

/// The memory that a refused flow needs, in tree nodes and for its packet.
const REFUSAL_BYTES: usize = 256;

/// A refused flow.
#[derive(Debug)]
pub(super) struct RefusedFlow {
    /// The refusal holds a reference to the source.
    pub source: SourceId,
    pub packet: FirstPacket,
    pub why: Refused,
    /// Distinguishes this refusal from another one of the same flow.
    pub serial: u64,
    /// The flow is queued to be processed again.
    pub is_awake: bool,
}

/// All remembered refusals.
#[derive(Debug, Default)]
pub(super) struct RefusedFlows {
    by_flow: HashMap<Flow, RefusedFlow, RandomState>,
    by_source: BTreeSet<(SourceId, Flow)>,
    /// The time at which each is forgotten, by number, which is also the order of time.
    by_age: BTreeMap<u64, (Time, Flow)>,
    /// Flows that are queued to be processed again. Flows forgotten meanwhile stay in the queue.
    pub awake: VecDeque<Flow>,
    last: u64,
    /// The greatest number of refusals at one time, or that had room.
    most: usize,
}

impl RefusedFlows {
    /// Makes sure that there is room for another refusal.
    ///
    /// # Errors
    /// `NoMemory`.
    fn room(&mut self) -> Result<()> {
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

    /// Whether there is anything to do, now or later.
    #[inline]
    pub fn has_any(&self) -> bool {
        !self.by_age.is_empty()
    }

    /// Whether some are to be looked at again.
    pub fn has_awake(&self) -> bool {
        !self.awake.is_empty()
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

    fn insert(
        &mut self,
        now: Time,
        flow: Flow,
        source: SourceId,
        packet: FirstPacket,
        why: Refused,
    ) {
        self.last += 1;
        let serial = self.last;
        self.by_flow.insert(flow, RefusedFlow { source, packet, why, serial, is_awake: false });
        self.by_source.insert((source, flow));
        self.by_age.insert(serial, (Time(now.0 + MEMORY_MS), flow));
    }

    fn remove(&mut self, flow: Flow) -> Option<RefusedFlow> {
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
    fn oldest(&self) -> Option<Flow> {
        self.by_age.values().next().map(|(_, flow)| *flow)
    }

    pub fn set_source(&mut self, flow: Flow, source: SourceId) {
        if let Some(refusal) = self.by_flow.get_mut(&flow) {
            self.by_source.remove(&(refusal.source, flow));
            self.by_source.insert((source, flow));
            refusal.source = source;
        }
    }

    /// Queues a flow to be processed again. Without memory for that, it is forgotten at its time.
    pub fn wake(&mut self, flow: Flow) {
        if let Some(refusal) = self.by_flow.get_mut(&flow).filter(|refusal| !refusal.is_awake) {
            if self.awake.try_reserve(1).is_ok() {
                refusal.is_awake = true;
                self.awake.push_back(flow);
            }
        }
    }

    /// The first flow of a source.
    pub fn of_source(&self, source: SourceId) -> Option<Flow> {
        let mut all = self.by_source.range((source, Flow::WILDCARD)..=(source, Flow::MAX));
        all.next().map(|(_, flow)| *flow)
    }
}

impl Engine {
    /// Whether a flow was refused recently. A packet of it on another interface than that of the
    /// forwarder's entry can then be a first packet.
    #[must_use]
    #[inline]
    pub fn is_refused(&self, flow: Flow) -> bool {
        self.refusals.get(flow).is_some()
    }

    /// Remembers a refused flow, if there is memory. Takes over the reference to its source.
    pub(super) fn remember_refusal(
        &mut self,
        flow: Flow,
        source: SourceId,
        packet: FirstPacket,
        why: Refused,
        fx: &mut Effects,
    ) {
        self.forget_refusal(flow, fx);
        if self.interfaces.served(packet.arrival).is_none() {
            self.flows.sources.release(source); // the system delivers no more packets from there
            return;
        }
        while self.refusals.len() >= MOST {
            let Some(oldest) = self.refusals.oldest() else { break };
            self.forget_refusal(oldest, fx);
        }
        if self.room_for_refusal(fx).is_err() {
            self.flows.sources.release(source); // its next packet is a first one
            return;
        }
        if packet.by_forwarder {
            fx.changed(flow);
        }
        self.refusals.insert(self.now, flow, source, packet, why);
    }

    fn room_for_refusal(&mut self, fx: &mut Effects) -> Result<()> {
        self.refusals.room()?;
        fx.headroom.take(REFUSAL_BYTES)?;
        fx.room_for_changes(self.changeable())
    }

    /// Forgets a refused flow; its next packet is a first one.
    pub(super) fn forget_refusal(&mut self, flow: Flow, fx: &mut Effects) -> Option<FirstPacket> {
        let refusal = self.refusals.remove(flow)?;
        if self.refusals.len() == 0 {
            self.forget_wakes();
        }
        self.flows.sources.release(refusal.source);
        if refusal.packet.by_forwarder {
            fx.changed(flow);
        }
        Some(refusal.packet)
    }

    /// Why another packet of a recently refused flow is refused, too; `None` if it counts as a
    /// first packet, because it arrives on a possible iif.
    pub(super) fn refused_lately(
        &mut self,
        flow: Flow,
        arrival: IfId,
        source: SourceId,
        by_forwarder: bool,
        fx: &mut Effects,
    ) -> Option<Refused> {
        let refusal = self.refusals.get(flow)?;
        let why = refusal.why;
        let elsewhere = refusal.packet.arrival != self.interfaces.name(arrival);
        // For the first packet no client was asked, because of a boundary or because the owner has
        // no RPF_CALLBACK. The owner of this interface is asked, if no route covers the flow.
        let was_asked = why != Refused::Boundary && self.accepts_unrouted(refusal.packet.arrival);
        let may_pass = || match self.rpf_path(flow, source, Some(arrival)) {
            RpfPath::In(..) => true,
            RpfPath::Bounded => false,
            RpfPath::Nowhere => !was_asked && self.accepts_unrouted(self.interfaces.name(arrival)),
        };
        if self.is_concerned(flow, refusal) || elsewhere && may_pass() {
            self.forget_refusal(flow, fx);
            return None;
        }
        if by_forwarder {
            self.refused_again(flow, fx);
        }
        Some(why)
    }

    /// Whether an owner of the interface could accept flows that no route covers (spec 5.2).
    fn accepts_unrouted(&self, interface: Interface) -> bool {
        let owner = self.interfaces.find(interface).and_then(|id| self.interfaces.master(id));
        owner.is_some_and(|owner| self.clients.hears(owner, NoticeKind::Rpf))
    }

    /// The forwarder reports a refused flow again: its entry was lost, or is not installed yet.
    pub(super) fn refused_again(&mut self, flow: Flow, fx: &mut Effects) {
        if let Some(refusal) = self.refusals.by_flow.get_mut(&flow) {
            refusal.packet.by_forwarder = true;
            fx.changed(flow);
        }
    }

    /// Forgets flows that were refused 10 s ago. Returns their number.
    pub(super) fn end_refusals(&mut self, now: Time, most: usize, fx: &mut Effects) -> usize {
        let mut done = 0;
        while done < most && self.refusals.next_end().is_some_and(|end| end <= now) {
            done += 1;
            let Some(flow) = self.refusals.oldest() else { break };
            self.debug(fx, || format!("{flow} was refused: its next packet is processed again"));
            self.forget_refusal(flow, fx);
        }
        done
    }
}
