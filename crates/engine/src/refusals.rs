//! Flows that were refused lately, and why (spec 5.1, 5.2).
//!
//! A forwarder such as the kernel tells of a flow's first packet only. So that a flow is
//! not muted when what it was refused for changes, it is remembered: until then, or for
//! 10 s. Meanwhile nobody is asked about it again, and the kernel has an entry for it that
//! forwards nothing: else the flow would stay in its list of unresolved flows, which is
//! looked through for each packet of all others.

use super::resolve::Purpose;
use super::sources::SourceId;
use super::ways::Way;
use super::{Effects, Engine, NoticeKind, Refused};
use crate::types::{Domain, Flow, IfId, Interface, Result, Route, Scope, Time};
use foldhash::fast::RandomState;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// A refused flow is remembered so long.
const MEMORY_MS: u64 = 10_000;

/// So many are remembered; the oldest makes room.
const MOST: usize = 65_536;

/// What one takes in the nodes of trees, and in its packet.
const REFUSAL_BYTES: usize = 256;

/// So many flows are looked at again within the call that they have waited for.
pub(super) const AT_ONCE: usize = 64;

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
    serial: u64,
    /// It is among those to be looked at again.
    is_awake: bool,
}

/// All that are remembered.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    by_flow: HashMap<Flow, Refusal, RandomState>,
    by_source: BTreeSet<(SourceId, Flow)>,
    /// When they are forgotten, in order. Those that have gone before are left in.
    ends: VecDeque<(Time, Flow, u64)>,
    /// Those to be looked at again.
    awake: VecDeque<Flow>,
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
        self.ends.try_reserve(1)?;
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
        self.awake.len() | self.ends.len() != 0
    }

    pub fn has_awake(&self) -> bool {
        !self.awake.is_empty()
    }

    /// When the next one is forgotten.
    pub fn next_end(&self) -> Option<Time> {
        self.ends.front().map(|(end, ..)| *end)
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
        self.ends.push_back((Time(now.0 + MEMORY_MS), flow, serial));
    }

    fn remove(&mut self, flow: Flow) -> Option<Refusal> {
        let refusal = self.by_flow.remove(&flow)?;
        self.by_source.remove(&(refusal.source, flow));
        if self.by_flow.is_empty() {
            let Refusals { last, most, .. } = *self;
            *self = Refusals { last, most, ..Refusals::default() }; // gives the memory back
        } else if self.ends.len() > 2 * MOST {
            let Refusals { ends, by_flow, .. } = self;
            ends.retain(|(_, flow, serial)| {
                by_flow.get(flow).is_some_and(|refusal| refusal.serial == *serial)
            });
        }
        Some(refusal)
    }

    /// The oldest.
    fn oldest(&mut self) -> Option<Flow> {
        loop {
            let (_, flow, serial) = self.ends.pop_front()?;
            if self.by_flow.get(&flow).is_some_and(|refusal| refusal.serial == serial) {
                return Some(flow);
            }
        }
    }

    fn set_source(&mut self, flow: Flow, source: SourceId) {
        if let Some(refusal) = self.by_flow.get_mut(&flow) {
            self.by_source.remove(&(refusal.source, flow));
            self.by_source.insert((source, flow));
            refusal.source = source;
        }
    }

    /// Without memory to note it, the flow is forgotten at its time.
    fn wake(&mut self, flow: Flow) {
        if let Some(refusal) = self.by_flow.get_mut(&flow).filter(|refusal| !refusal.is_awake) {
            if self.awake.try_reserve(1).is_ok() {
                refusal.is_awake = true;
                self.awake.push_back(flow);
            }
        }
    }

    /// The first flow of a source.
    fn of_source(&self, source: SourceId) -> Option<Flow> {
        let mut all = self.by_source.range((source, Flow::WILDCARD)..=(source, Flow::MAX));
        all.next().map(|(_, flow)| *flow)
    }

    /// Those that `is_among` is true of, in order; `None` if there is no memory for the list.
    fn sorted(&self, is_among: impl Fn(Flow, &Refusal) -> bool) -> Option<Vec<Flow>> {
        let among = || self.by_flow.iter().filter(|(flow, refusal)| is_among(**flow, refusal));
        let mut flows = Vec::new();
        flows.try_reserve_exact(among().count()).ok()?;
        flows.extend(among().map(|(flow, _)| *flow));
        flows.sort_unstable();
        Some(flows)
    }
}

impl Engine {
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

    /// There is no memory to look for those that concern a change. Their next packets are
    /// first ones.
    #[cold]
    fn forget_refusals(&mut self, fx: &mut Effects) {
        while let Some(&(_, flow)) = self.refusals.by_source.first() {
            self.forget_refusal(flow, fx);
        }
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
        if refusal.is_awake || elsewhere && may_pass() {
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

    /// The route of a source has changed, and with it its number: flows of it that were refused
    /// may pass now. They go over to the new number at once, though they may be looked at
    /// later: without a reference to it the new route would be forgotten till then.
    pub(super) fn wake_source(&mut self, old: SourceId, new: SourceId) {
        while let Some(flow) = self.refusals.of_source(old) {
            self.refusals.set_source(flow, new);
            self.flows.sources.hold(new);
            self.flows.sources.release(old);
            self.refusals.wake(flow);
        }
    }

    /// Somebody else speaks for an interface: refused flows that arrived there, or whose
    /// route leads there, may pass now.
    pub(super) fn wake_interface(&mut self, interface: Interface, fx: &mut Effects) {
        let is_there = self.interfaces.served(interface).is_some();
        let sources = &self.flows.sources;
        let concerned = self.refusals.sorted(|_, refusal| {
            refusal.packet.arrival == interface
                || leads_to(sources.route(refusal.source), interface.index)
        });
        let Some(concerned) = concerned else { return self.forget_refusals(fx) };
        for flow in concerned {
            let arrival = self.refusals.get(flow).map(|refusal| refusal.packet.arrival);
            if arrival == Some(interface) && !is_there {
                self.forget_refusal(flow, fx);
            } else {
                self.refusals.wake(flow);
            }
        }
        self.wake_some(AT_ONCE, fx);
    }

    /// A boundary has gone: refused flows of its groups may pass now.
    pub(super) fn wake_scope(&mut self, scope: Scope, fx: &mut Effects) {
        let flows = scope.flows();
        let within = self.refusals.sorted(|flow, _| flows.contains(&flow));
        let Some(within) = within else { return self.forget_refusals(fx) };
        within.into_iter().for_each(|flow| self.refusals.wake(flow));
        self.wake_some(AT_ONCE, fx);
    }

    /// Looks again at some of the flows that wait for it. How many.
    pub(super) fn wake_some(&mut self, most: usize, fx: &mut Effects) -> usize {
        let mut done = 0;
        while done < most {
            let Some(flow) = self.refusals.awake.pop_front() else { break };
            let Some(refusal) = self.refusals.get(flow).filter(|refusal| refusal.is_awake) else {
                continue; // it was forgotten meanwhile
            };
            done += 1;
            let source = self.flows.sources.current(refusal.source);
            self.flows.sources.hold(source);
            let Some(packet) = self.forget_refusal(flow, fx) else { continue };
            self.story(fx, || format!("{flow} was refused, and is looked at again"));
            match self.interfaces.served(packet.arrival) {
                None => self.flows.sources.release(source),
                Some(id) if self.is_bounded(id, flow.group()) => {
                    self.remember_refusal(flow, source, packet, Refused::Boundary, fx);
                }
                Some(id) => match self.admit_flow(self.now, id, fx) {
                    Ok(()) => self.ask(flow, Purpose::Create, source, packet, fx),
                    Err(why) => {
                        self.flows.sources.release(source);
                        self.count_refused(why);
                    }
                },
            }
        }
        done
    }

    /// Forgets flows that were refused 10 s ago. How many entries were looked at.
    pub(super) fn end_refusals(&mut self, now: Time, most: usize, fx: &mut Effects) -> usize {
        let mut done = 0;
        while done < most && self.refusals.next_end().is_some_and(|end| end <= now) {
            done += 1;
            let Some((_, flow, serial)) = self.refusals.ends.pop_front() else { break };
            if self.refusals.get(flow).is_some_and(|refusal| refusal.serial == serial) {
                self.story(fx, || {
                    format!("{flow} was refused: its next packet is looked at again")
                });
                self.forget_refusal(flow, fx);
            }
        }
        done
    }

    /// The interface of a refused flow's first packet changes its domain: the flow is looked
    /// up there. Wants the table gone through, which is done by the caller.
    pub(super) fn move_refusals(&mut self, interface: Interface, domain: Domain, fx: &mut Effects) {
        let here = self.refusals.sorted(|_, refusal| refusal.packet.arrival == interface);
        let Some(flows) = here else { return self.forget_refusals(fx) };
        for flow in flows {
            let Some(refusal) = self.refusals.get(flow) else { continue };
            let (packet, why) = (refusal.packet.clone(), refusal.why);
            self.rehome(flow, packet, why, domain, fx);
        }
    }

    /// Remembers a flow as refused until its source has been looked up in another domain.
    pub(super) fn rehome(
        &mut self,
        flow: Flow,
        packet: FirstPacket,
        why: Refused,
        domain: Domain,
        fx: &mut Effects,
    ) {
        if self.room(fx).is_err() {
            self.forget_refusal(flow, fx);
            return;
        }
        let known = self.flows.find_source(flow, domain).is_some();
        let source = self.flows.hold_source(flow, domain, None);
        self.remember_refusal(flow, source, packet, why, fx);
        if known {
            self.refusals.wake(flow);
        }
    }
}

/// Whether one of the ways of a route leads to this index.
fn leads_to(route: &Route, if_index: u32) -> bool {
    let ways = route.ways.as_deref().unwrap_or_default();
    route.if_index == if_index || ways.iter().any(|hop| hop.if_index == if_index)
}
