//! Flows that were refused lately, and why (spec 5.1, 5.2).
//!
//! A forwarder such as the kernel tells of a flow's first packet only. So that a flow is
//! not muted when what it was refused for changes, it is remembered: until then, or for
//! 10 s. Meanwhile nobody is asked about it again, and the kernel has an entry for it that
//! forwards nothing: else the flow would stay in its list of unresolved flows, which is
//! looked through for each packet of all others.

use super::sources::SourceId;
use super::wakes::Wakes;
use super::ways::Way;
use super::{Effects, Engine, NoticeKind, Refused};
use crate::types::{Flow, IfId, Interface, Result, Time};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A refused flow is remembered so long.
const MEMORY_MS: u64 = 10_000;

/// So many are remembered; the oldest makes room.
const MOST: usize = 65_536;

/// What one takes in the nodes of trees, and in its packet.
const REFUSAL_BYTES: usize = 256;

/// The packet that a flow began with.
#[derive(Clone, Debug)]
pub(super) struct FirstPacket {
    pub arrival: Interface,
    pub header: Arc<[u8]>,
    /// The forwarder told of it, and of no further one: it wants an entry.
    pub by_forwarder: bool,
}

/// A refused flow.
#[derive(Debug)]
pub(super) struct Refusal {
    /// A reference is held to it.
    pub source: SourceId,
    pub packet: FirstPacket,
    pub why: Refused,
    /// Tells it from another one of the same flow.
    pub serial: u64,
    /// It is among those to be looked at again.
    pub is_awake: bool,
}

/// All that are remembered.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    by_flow: HashMap<Flow, Refusal, RandomState>,
    by_source: BTreeSet<(SourceId, Flow)>,
    /// By their numbers, and so in the order in which they are forgotten; when that is.
    by_age: BTreeMap<u64, (Time, Flow)>,
    /// Those to be looked at again. Those that have gone meanwhile are left in.
    pub awake: VecDeque<Flow>,
    /// Changes that concern some of them, to be found yet.
    pub wakes: Wakes,
    last: u64,
    /// Never more than so many were there at once, or had room.
    most: usize,
}

impl Refusals {
    /// Makes sure that there is room for another one.
    ///
    /// # Errors
    /// `NoMemory`.
    fn room(&mut self) -> Result<()> {
        self.by_flow.try_reserve(1)?;
        self.most = self.most.max(self.by_flow.capacity().min(MOST));
        Ok(())
    }

    /// There will be no more than so many until there is [room](Refusals::room) for more.
    #[inline]
    pub fn most(&self) -> usize {
        self.most
    }

    pub fn len(&self) -> usize {
        self.by_flow.len()
    }

    #[inline]
    pub fn get(&self, flow: Flow) -> Option<&Refusal> {
        if self.by_flow.is_empty() {
            return None; // nearly always
        }
        self.by_flow.get(&flow)
    }

    /// Whether there is something to do at some time.
    #[inline]
    pub fn has_any(&self) -> bool {
        !self.by_age.is_empty()
    }

    /// Whether some are to be looked at again, or to be found for that.
    pub fn has_awake(&self) -> bool {
        !self.awake.is_empty() || !self.wakes.is_empty()
    }

    /// The number of the youngest: later ones were refused after all changes so far.
    #[inline]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Those with these numbers, the oldest first.
    pub fn aged(&self, numbers: RangeInclusive<u64>) -> impl Iterator<Item = (u64, Flow)> + '_ {
        self.by_age.range(numbers).map(|(&serial, &(_, flow))| (serial, flow))
    }

    /// When the next one is forgotten.
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
        self.by_flow.insert(flow, Refusal { source, packet, why, serial, is_awake: false });
        self.by_source.insert((source, flow));
        self.by_age.insert(serial, (Time(now.0 + MEMORY_MS), flow));
    }

    fn remove(&mut self, flow: Flow) -> Option<Refusal> {
        let refusal = self.by_flow.remove(&flow)?;
        self.by_source.remove(&(refusal.source, flow));
        self.by_age.remove(&refusal.serial);
        if self.by_flow.is_empty() {
            let Refusals { last, most, .. } = *self;
            *self = Refusals { last, most, ..Refusals::default() }; // gives the memory back
        }
        Some(refusal)
    }

    /// The oldest.
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

    /// Without memory to note it, the flow is forgotten at its time.
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
    /// Whether a flow was refused lately: a packet of it on another interface than the one
    /// of the forwarder's entry may be a first one.
    #[must_use]
    #[inline]
    pub fn is_refused(&self, flow: Flow) -> bool {
        self.refusals.get(flow).is_some()
    }

    /// Remembers a flow that is refused, as far as there is memory. The reference to its
    /// source goes over to it.
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
            self.flows.sources.release(source); // the system gives no more packets from there
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
        self.flows.sources.release(refusal.source);
        if refusal.packet.by_forwarder {
            fx.changed(flow);
        }
        Some(refusal.packet)
    }

    /// Why another packet of a flow that was refused lately is refused, too; `None` if it is a
    /// first one again, because it arrives where the flow may come in.
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
        // Where the first packet arrived nobody was asked, because of a boundary or because its
        // owner has no RPF_CALLBACK: it is asked here, if no route covers the flow.
        let was_asked = why != Refused::Boundary && self.accepts_unrouted(refusal.packet.arrival);
        let may_pass = || match self.way(flow, source, Some(arrival)) {
            Way::In(..) => true,
            Way::Bounded => false,
            Way::Nowhere => !was_asked && self.accepts_unrouted(self.interfaces.name(arrival)),
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

    /// The forwarder tells of a refused flow again: its entry was lost, or is still on its way.
    pub(super) fn refused_again(&mut self, flow: Flow, fx: &mut Effects) {
        if let Some(refusal) = self.refusals.by_flow.get_mut(&flow) {
            refusal.packet.by_forwarder = true;
            fx.changed(flow);
        }
    }

    /// Forgets flows that were refused 10 s ago. How many.
    pub(super) fn end_refusals(&mut self, now: Time, most: usize, fx: &mut Effects) -> usize {
        let mut done = 0;
        while done < most && self.refusals.next_end().is_some_and(|end| end <= now) {
            done += 1;
            let Some(flow) = self.refusals.oldest() else { break };
            self.story(fx, || format!("{flow} was refused: its next packet is processed again"));
            self.forget_refusal(flow, fx);
        }
        done
    }
}
