//! Packets, and what is decided about them (spec 5.1, 5.7).

use super::interfaces::Interfaces;
use super::limits::Limits;
use super::mfe::Mfe;
use super::{Effects, Engine, Notice};
use crate::types::{Flow, IfId, Interface, Route, Time};
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::collections::HashMap;

/// After a WRONG_IF_CALLBACK the same packets are left unmentioned so long (spec 5.7).
const WRONG_IF_SILENCE_MS: u64 = 3000;

/// A packet that came in.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// Source and group.
    pub flow: Flow,
    /// The interface it came in on.
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
    /// Nobody has the interface it came in on.
    ForeignArrival,
    /// 224.0.0.0/24 never leaves its link.
    LinkLocal,
    /// Its group does not pass the interface that it came in on (spec 3.7).
    Boundary,
    /// No route to the source, or none through an interface that somebody has.
    NoUpstream,
    /// It came in on another interface than the MFE's.
    WrongInterface,
}

impl Refused {
    /// All reasons, in their order.
    pub const ALL: [Refused; 5] = [
        Refused::ForeignArrival,
        Refused::LinkLocal,
        Refused::Boundary,
        Refused::NoUpstream,
        Refused::WrongInterface,
    ];
}

/// The interfaces that a packet goes out on.
pub type Out = SmallVec<[Interface; 4]>;

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted, and sent out there.
    Forwarded(Out),
    /// Its MFE is being made, or (for the kernel) there: ask again when the flow is resolved.
    Resolving,
    /// Dropped.
    Refused(Refused),
}

/// When WRONG_IF_CALLBACK was last made, for each flow and interface.
#[derive(Debug, Default)]
pub(super) struct WrongIfs {
    told: HashMap<(Flow, Interface), Time, RandomState>,
    /// When those whose silence is over are next thrown out.
    sweep: Option<Time>,
}

impl WrongIfs {
    /// Whether the silence is over; if so another one begins.
    fn may_tell(&mut self, now: Time, flow: Flow, arrival: Interface) -> bool {
        let told = self.told.get(&(flow, arrival));
        if told.is_some_and(|&told| now.since(told) < WRONG_IF_SILENCE_MS) {
            return false;
        }
        self.told.insert((flow, arrival), now);
        self.sweep.get_or_insert(Time(now.0 + WRONG_IF_SILENCE_MS));
        true
    }

    /// When [`WrongIfs::sweep`] has something to do.
    pub fn next_sweep(&self) -> Option<Time> {
        self.sweep
    }

    /// Throws out what does not matter any more.
    pub fn sweep(&mut self, now: Time) {
        if self.sweep.is_some_and(|due| due <= now) {
            self.told.retain(|_, told| now.since(*told) < WRONG_IF_SILENCE_MS);
            let more = !self.told.is_empty();
            self.sweep = more.then_some(Time(now.0 + WRONG_IF_SILENCE_MS));
        }
    }
}

impl Engine {
    /// A packet that the embedded forwarder is to forward. `route` is that of
    /// the source, if [`Engine::needs_route`].
    pub fn packet(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<Route>,
        fx: &mut Effects,
    ) -> Outcome {
        let arrival = match self.admit(packet) {
            Ok(arrival) => arrival,
            Err(why) => return self.refuse(why),
        };
        if !self.flows.has_mfe(packet.flow) && !self.first_packet(now, packet, arrival, route, fx) {
            return self.refuse(Refused::NoUpstream);
        }
        match self.flows.mfe_mut(packet.flow) {
            Some(mfe) if mfe.iif == arrival => forward(mfe, &self.limits, &self.interfaces, packet),
            Some(mfe) => {
                mfe.count_wrong_if();
                self.wrong_if(now, packet.flow, packet.arrival, packet.header, fx);
                self.refuse(Refused::WrongInterface)
            }
            None => Outcome::Resolving,
        }
    }

    /// The interface that a packet came in on, if its group may pass there.
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

    /// A packet for which the kernel has no entry. Tells nothing of its further fate.
    pub fn no_entry(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        route: Option<Route>,
        fx: &mut Effects,
    ) -> Outcome {
        if self.flows.has_mfe(packet.flow) {
            fx.dirty.push(packet.flow); // the entry was lost, or is still on its way
            return Outcome::Resolving;
        }
        match self.admit(packet) {
            Err(why) => self.refuse(why),
            Ok(arrival) if self.first_packet(now, packet, arrival, route, fx) => Outcome::Resolving,
            Ok(_) => self.refuse(Refused::NoUpstream),
        }
    }

    /// The first packet of a flow starts its resolution, which is over at once if
    /// nobody has to be asked; later ones wait for it. False if no route leads to
    /// an MFE.
    #[inline]
    fn first_packet(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        arrival: IfId,
        route: Option<Route>,
        fx: &mut Effects,
    ) -> bool {
        if self.resolutions.contains_key(&packet.flow) {
            fx.again.push(packet.flow);
            return true;
        }
        self.story(fx, || format!("first packet of {}, on {}", packet.flow, packet.arrival));
        self.resolve(now, packet, arrival, route, fx)
    }

    fn refuse(&mut self, why: Refused) -> Outcome {
        if let Some(count) = self.refused.get_mut(why as usize) {
            *count += 1;
        }
        Outcome::Refused(why)
    }

    /// How many packets were not forwarded for this reason.
    #[must_use]
    pub fn refused(&self, why: Refused) -> u64 {
        self.refused.get(why as usize).copied().unwrap_or(0)
    }

    /// WRONG_IF_CALLBACK to the owner of the interface that a packet came in
    /// on, at most once in 3 s for each flow and interface (spec 5.7).
    pub fn wrong_if(
        &mut self,
        now: Time,
        flow: Flow,
        arrival: Interface,
        header: &[u8],
        fx: &mut Effects,
    ) {
        let Some(id) = self.interfaces.find(arrival) else { return };
        let Some(owner) = self.interfaces.master(id) else { return };
        if self.flows.mfe(flow).is_some_and(|mfe| mfe.iif == id) {
            return; // it was the wrong one when the packet came, and is not any more
        }
        if self.is_bounded(id, flow.group()) {
            return; // refused before anybody could ask where it should have come in
        }
        if !self.wrong_ifs.may_tell(now, flow, arrival) {
            return;
        }
        self.alert(owner, Notice::WrongIf { flow, arrival, header: header.into() }, fx);
    }
}

/// Counts a packet in, and out on each oif that its TTL reaches.
fn forward(
    mfe: &mut Mfe,
    limits: &Limits,
    interfaces: &Interfaces,
    packet: &Packet<'_>,
) -> Outcome {
    let reaches = |id| packet.ttl > limits.threshold(interfaces.name(id));
    let all = packet.ttl > limits.highest_threshold() || mfe.oifs.iter().all(reaches);
    mfe.count(packet.length, all, reaches);
    let mut out = Out::new();
    for id in mfe.oifs.iter().filter(|&id| all || reaches(id)) {
        out.push(interfaces.name(id));
    }
    Outcome::Forwarded(out)
}
