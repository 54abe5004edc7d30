//! Packets, and the decisions about them (spec 5.1, 5.7).

use super::interfaces::Interfaces;
use super::limits::ForwardingLimits;
use super::mfe::Mfe;
use super::origins::IifOrigin;
use super::resolution::{FirstPacket, Purpose};
use super::rpf_path::RpfPath;
use super::{Effects, Engine, Notice};
use crate::types::{self, Flow, IfId, Interface, Route, Time};
use smallvec::SmallVec;

/// A flow has moved to another legitimate interface if it has arrived there, and not on its
/// iif, for this time (spec 5.1).
const MOVED_MS: u64 = 3000;

/// The same if a kernel reports such packets: it reports one only if the last report was more
/// than 3 s ago by its own clock, and reports arrive a little later.
const MOVED_BY_KERNEL_MS: u64 = 2500;

/// A packet that arrived.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Source and group.
    pub flow: Flow,
    /// The interface it arrived on.
    pub arrival: Interface,
    /// Its header bytes, for the callbacks.
    pub header: &'a [u8],
    /// Length in octets.
    pub length: u32,
    /// Time to live on arrival.
    pub ttl: u8,
}

/// Why a packet is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No client owns the interface it arrived on.
    ForeignArrival,
    /// Groups in 224.0.0.0/24 are never forwarded.
    LinkLocal,
    /// A boundary blocks its group on the interface it arrived on (spec 3.7).
    Boundary,
    /// No route to the source, or none through an interface that a client owns.
    NoUpstream,
    /// It arrived on another interface than the iif of the MFE.
    WrongInterface,
    /// The number of flows has reached the limit (spec 0.9).
    FlowLimit,
    /// There are many flows, and more than half of them began on its interface (spec 0.9).
    ArrivalLimit,
    /// There is no memory for the flow.
    NoMemory,
}

impl Refused {
    /// All reasons, in their order.
    pub const ALL: [Refused; 8] = [
        Refused::ForeignArrival,
        Refused::LinkLocal,
        Refused::Boundary,
        Refused::NoUpstream,
        Refused::WrongInterface,
        Refused::FlowLimit,
        Refused::ArrivalLimit,
        Refused::NoMemory,
    ];
}

/// The interfaces that a packet is forwarded on.
pub type Out = SmallVec<[Interface; 4]>;

/// The decision about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted, and forwarded on these interfaces.
    Forwarded(Out),
    /// Its flow is being resolved; with the kernel forwarder also: its MFE exists. Ask again when
    /// the resolution has ended.
    Resolving,
    /// Dropped.
    Refused(Refused),
}

impl Engine {
    /// Processes a packet for the memory forwarder. `route` is that of the source, if
    /// [`Engine::needs_route`].
    pub fn packet(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        fx: &mut Effects,
    ) -> Outcome {
        let arrival = match self.admit(packet) {
            Ok(arrival) => arrival,
            Err(why) => return self.refuse(why),
        };
        if !self.flows.has_mfe(packet.flow) {
            if let Err(why) = self.first_packet(now, packet, arrival, (route, false), fx) {
                return self.refuse(why);
            }
        }
        match self.flows.mfe_mut(packet.flow) {
            Some(mfe) if mfe.iif == arrival => {
                forward(mfe, &self.limits, &self.interfaces, packet, fx)
            }
            Some(mfe) => {
                mfe.count_wrong_if(&mut fx.headroom);
                self.wrong_if(now, packet, None, |_| Ok(None), fx);
                self.refuse(Refused::WrongInterface)
            }
            None => Outcome::Resolving,
        }
    }

    /// The interface that a packet arrived on, if no boundary blocks the group there.
    #[inline]
    fn admit(&self, packet: &Packet<'_>) -> Result<IfId, Refused> {
        let arrival = self.interfaces.served(packet.arrival).ok_or(Refused::ForeignArrival)?;
        if packet.flow.is_link_local() {
            return Err(Refused::LinkLocal);
        }
        if self.is_bounded(arrival, packet.flow.group()) {
            return Err(Refused::Boundary);
        }
        Ok(arrival)
    }

    /// Processes a packet for which the kernel has no entry. Returns no decision.
    pub fn no_entry(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        fx: &mut Effects,
    ) -> Outcome {
        if self.flows.has_mfe(packet.flow) {
            fx.changed(packet.flow); // the entry was lost, or is not installed yet
            return Outcome::Resolving;
        }
        let arrival = match self.admit(packet) {
            Ok(arrival) => arrival,
            Err(why) => {
                if why == Refused::Boundary {
                    self.remember_bounded(now, packet, route, fx);
                }
                return self.refuse(why);
            }
        };
        match self.first_packet(now, packet, arrival, (route, true), fx) {
            Ok(()) => Outcome::Resolving,
            Err(why) => self.refuse(why),
        }
    }

    /// Remembers a flow whose group a boundary blocks on its arrival interface: it may pass later,
    /// or arrive elsewhere.
    fn remember_bounded(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        fx: &mut Effects,
    ) {
        let &Packet { flow, arrival, header, .. } = packet;
        let Some(id) = self.interfaces.served(arrival) else { return };
        if self.resolutions.contains_key(&flow) {
            return;
        }
        if self.refusals.get(flow).is_some() {
            return self.refused_again(flow, fx);
        }
        self.now = now;
        if self.room(fx).is_err() {
            return;
        }
        let source = self.flows.hold_source(flow, self.interfaces.domain(id), route);
        let packet = FirstPacket { arrival, header: header.into(), by_forwarder: true };
        self.remember_refusal(flow, source, packet, Refused::Boundary, fx);
    }

    /// The first packet of a flow starts its resolution, which ends at once if no client must be
    /// asked; later packets wait for it. `by_forwarder`: the forwarder reports no further
    /// packet of this flow.
    ///
    /// # Errors
    /// Why there is no MFE: it cannot be created, or a limit or the lack of memory does not
    /// permit another flow.
    #[inline]
    fn first_packet(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        arrival: IfId,
        (route, by_forwarder): (Option<&Route>, bool),
        fx: &mut Effects,
    ) -> Result<(), Refused> {
        if self.resolutions.contains_key(&packet.flow) {
            if fx.again.try_reserve(1).is_ok() {
                fx.again.push(packet.flow);
            }
            return Ok(());
        }
        self.now = now;
        let flow = packet.flow;
        let was_refused = self.refusals.get(flow).is_some();
        if was_refused {
            self.room(fx).map_err(|_| Refused::NoMemory)?; // not another flow yet
        } else {
            self.admit_flow(now, arrival, fx)?;
        }
        let source = self.flows.hold_source(flow, self.interfaces.domain(arrival), route);
        if was_refused {
            let why = self.refused_lately(flow, arrival, source, by_forwarder, fx);
            if let Some(why) = why.or_else(|| self.admit_flow(now, arrival, fx).err()) {
                self.flows.sources.release(source);
                return Err(why);
            }
        }
        self.debug(fx, || format!("first packet of {flow}, on {}", packet.arrival));
        let is_on = self.resolve(now, packet, arrival, (source, by_forwarder), fx);
        is_on.then_some(()).ok_or(Refused::NoUpstream)
    }

    pub(super) fn refuse(&mut self, why: Refused) -> Outcome {
        self.count_refused(why);
        Outcome::Refused(why)
    }

    pub(super) fn count_refused(&mut self, why: Refused) {
        if let Some(count) = self.refused.get_mut(why as usize) {
            *count += 1;
        }
    }

    /// The number of packets not forwarded for this reason.
    #[must_use]
    pub fn refused(&self, why: Refused) -> u64 {
        self.refused.get(why as usize).copied().unwrap_or(0)
    }

    /// Sends WRONG_IF_CALLBACK to the owner of the interface that a packet arrived on, at most
    /// once in 3 s for each flow and interface (spec 5.7). If the flow has moved there, its MFE
    /// follows (5.1): `packets` is as in [`Engine::tick`]. `route` is that of the source, if the
    /// flow [is refused](Engine::is_refused) and [`Engine::needs_route`].
    pub fn wrong_if(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<&Route>,
        packets: impl FnOnce(Flow) -> types::Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        self.now = now;
        let &Packet { flow, arrival, header, .. } = packet;
        let Some(id) = self.interfaces.find(arrival) else { return };
        let Some(owner) = self.interfaces.master(id) else { return };
        if self.flows.mfe(flow).is_some_and(|mfe| mfe.iif == id) {
            return; // it was the wrong one when the packet arrived, but is the iif now
        }
        if self.is_bounded(id, flow.group()) {
            return; // refused before the expected interface could be determined
        }
        if self.refusals.get(flow).is_some() {
            // The forwarder's entry has the interface where a refused flow arrived.
            if route.is_some() || self.needs_route(flow, arrival).is_none() {
                let _ = self.first_packet(now, packet, id, (route, true), fx);
            }
            return;
        }
        if self.wrong_ifs.may_tell(now, flow, arrival) {
            self.alert(owner, Notice::WrongIf { flow, arrival, header: header.into() }, fx);
        }
        self.follow_flow(now, flow, id, packets, fx);
    }

    /// A flow has arrived on another interface than its iif. If that interface is legitimate, and
    /// nothing has arrived on the iif meanwhile, it becomes the iif (spec 5.1).
    fn follow_flow(
        &mut self,
        now: Time,
        flow: Flow,
        arrival: IfId,
        packets: impl FnOnce(Flow) -> types::Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        let Some((source, mfe)) = self.flows.row(flow) else { return };
        let accepted = mfe.packets;
        if self.origins.of(flow) != IifOrigin::Route || self.resolutions.contains_key(&flow) {
            return;
        }
        if !matches!(self.rpf_path(flow, source, Some(arrival)), RpfPath::In(id, _) if id == arrival)
        {
            return;
        }
        let (accepted, gap) = match packets(flow) {
            Ok(None) => (accepted, MOVED_MS),
            Ok(Some(counted)) => (counted, MOVED_BY_KERNEL_MS),
            Err(_) => return, // the next packet tries again
        };
        let rival = self.interfaces.name(arrival);
        if self.wrong_ifs.has_moved(now, (flow, rival), accepted, gap, &mut fx.headroom) {
            self.debug(fx, || format!("{flow} now arrives on {rival}, not on its iif"));
            self.resolve_again(flow, Purpose::Reroute, Some(arrival), fx);
        }
    }
}

/// Counts a packet as accepted, and as sent on each oif whose threshold its TTL exceeds.
fn forward(
    mfe: &mut Mfe,
    limits: &ForwardingLimits,
    interfaces: &Interfaces,
    packet: &Packet<'_>,
    fx: &mut Effects,
) -> Outcome {
    let reaches = |id| packet.ttl > limits.threshold(interfaces.name(id));
    let all = packet.ttl > limits.highest_threshold() || mfe.oifs.iter().all(reaches);
    mfe.count(packet.length, all, reaches, &mut fx.headroom);
    let mut out = Out::new();
    for id in mfe.oifs.iter().filter(|&id| all || reaches(id)) {
        out.push(interfaces.name(id));
    }
    Outcome::Forwarded(out)
}
