//! Packets (spec 5.1, 5.7).

use super::rpf_path::RpfPath;
use super::{First, Model, Origin, Purpose, Rival};
use mgm_engine::{Notice, Outcome, Packet, Refused};
use mgm_types::{Flow, Interface, Time};

impl Model {
    fn refuse(&mut self, why: Refused) -> Outcome {
        self.refused.push(why);
        Outcome::Refused(why)
    }

    /// A packet that the host passes on, or (`by_kernel`) for which the kernel has no entry.
    pub fn packet(&mut self, packet: &Packet, by_kernel: bool) -> Outcome {
        let has_mfe = self.mfe(packet.flow).is_some();
        let outcome = match by_kernel && has_mfe {
            true => Outcome::Resolving,
            false => self.take_packet(packet, by_kernel),
        };
        // No question about such a flow follows, so the forwarder is told that it is resolved.
        if by_kernel && (has_mfe || matches!(outcome, Outcome::Refused(_))) {
            self.resolved.push(packet.flow);
        }
        outcome
    }

    fn take_packet(&mut self, packet: &Packet, by_kernel: bool) -> Outcome {
        let Packet { flow, arrival, header, .. } = packet;
        if self.master(*arrival).is_none() {
            return self.refuse(Refused::ForeignArrival);
        }
        if flow.is_link_local() {
            return self.refuse(Refused::LinkLocal);
        }
        if self.is_bounded(*arrival, flow.group()) {
            if by_kernel && self.asking(*flow).is_none() {
                if let Some(refusal) = self.refusals.iter_mut().find(|one| one.flow == *flow) {
                    refusal.first.by_kernel = true;
                } else {
                    let first = First { arrival: *arrival, header: (*header).into(), by_kernel };
                    self.remember(*flow, self.domain_of(*arrival), first, Refused::Boundary);
                }
            }
            return self.refuse(Refused::Boundary);
        }
        let thresholds: Vec<_> =
            self.places.iter().map(|place| (place.name, self.threshold(place.name))).collect();
        let Some(mfe) = self.mfes.iter_mut().find(|mfe| mfe.flow == *flow) else {
            return self.first_packet(packet, by_kernel);
        };
        if mfe.iif != *arrival {
            mfe.wrong_if += 1;
            self.wrong_if(*flow, *arrival, header);
            return self.refuse(Refused::WrongInterface);
        }
        mfe.used = true;
        mfe.packets += 1;
        mfe.accepted += 1;
        mfe.octets += u64::from(packet.length);
        if mfe.oifs.is_empty() {
            mfe.negative += 1;
        }
        let mut out = Vec::new();
        for oif in &mut mfe.oifs {
            if thresholds.iter().any(|(name, least)| *name == oif.name && packet.ttl > *least) {
                oif.packets += 1;
                mfe.sent += 1;
                out.push(oif.name);
            } else {
                oif.ttl_too_low += 1;
            }
        }
        Outcome::Forwarded(out.into())
    }

    /// A packet of a flow without an MFE.
    fn first_packet(&mut self, packet: &Packet, by_kernel: bool) -> Outcome {
        let &Packet { flow, arrival, header, .. } = packet;
        if self.asking(flow).is_some() {
            self.again.push(flow);
            return Outcome::Resolving;
        }
        if let Some(why) = self.refused_lately(flow, arrival, by_kernel) {
            return self.refuse(why);
        }
        let first = First { arrival, header: header.into(), by_kernel };
        if let Some(why) = self.begin_flow(arrival) {
            if why == Refused::FlowRate {
                self.remember(flow, self.domain_of(arrival), first, why);
            }
            return self.refuse(why);
        }
        match self.ask(flow, Purpose::Create, self.domain_of(arrival), first) {
            true => Outcome::Resolving,
            false => self.refuse(Refused::NoUpstream),
        }
    }

    /// A packet that the kernel forwards and counts, without reporting it.
    pub fn kernel_forwards(&mut self, flow: Flow) {
        if let Some(mfe) = self.mfe_mut(flow) {
            mfe.used = true;
            mfe.accepted += 1;
        }
    }

    /// WRONG_IF_CALLBACK, at most once in 3 s (spec 5.7, D19).
    pub fn wrong_if(&mut self, flow: Flow, arrival: Interface, header: &[u8]) {
        let Some(owner) = self.master(arrival) else { return };
        let is_right = self.mfes.iter().any(|mfe| mfe.flow == flow && mfe.iif == arrival);
        if is_right || self.is_bounded(arrival, flow.group()) {
            return;
        }
        if self.refusal(flow).is_some() {
            // 5.1: no client is told, but on a legitimate interface it counts as a first packet.
            if self.refused_lately(flow, arrival, true).is_some() {
                return;
            }
            let first = First { arrival, header: header.into(), by_kernel: true };
            let domain = self.domain_of(arrival);
            match self.begin_flow(arrival) {
                None => _ = self.ask(flow, Purpose::Create, domain, first),
                Some(Refused::FlowRate) => self.remember(flow, domain, first, Refused::FlowRate),
                Some(_) => {}
            }
            return;
        }
        let now = self.now;
        let is_recent = |told: &Time| now.0 < told.0 + 3000;
        let lately = self
            .wrong_told
            .iter()
            .any(|(other, name, told)| (*other, *name) == (flow, arrival) && is_recent(told));
        if !lately {
            self.wrong_told.retain(|(.., told)| is_recent(told));
            self.wrong_told.push((flow, arrival, now));
            let header = header.into();
            self.tell(owner, Notice::WrongIf { flow, arrival, header });
        }
        self.follow_flow(flow, arrival);
    }

    /// Two packets on another legitimate interface, at least 3 s apart, and none accepted in
    /// between: the MFE goes over to it (spec 5.1).
    fn follow_flow(&mut self, flow: Flow, arrival: Interface) {
        let Some(mfe) = self.mfe(flow) else { return };
        let (number, accepted) = (mfe.number, mfe.accepted);
        if mfe.origin != Origin::Route || self.asking(flow).is_some() {
            return;
        }
        if !matches!(self.present_way(flow, Some(arrival)), RpfPath::In(name, _) if name == arrival)
        {
            return;
        }
        let now = self.now;
        let is_it = |rival: &Rival| (rival.flow, rival.name) == (flow, arrival);
        let is_first = |rival: &Rival| (rival.mfe, rival.accepted) == (number, accepted);
        let seen = self.rivals.iter().copied().find(|rival| is_it(rival) && is_first(rival));
        let since = seen.map_or(now, |rival| rival.since);
        self.rivals.retain(|rival| !is_it(rival));
        if now.0 >= since.0 + 3000 {
            self.ask_again(flow, Purpose::Reroute, Some(arrival));
        } else {
            self.rivals.push(Rival { flow, name: arrival, mfe: number, since, accepted });
        }
    }

    /// The limit that forbids another flow on an interface (spec 0.9).
    pub fn over_limit(&self, arrival: Interface) -> Option<Refused> {
        let creating = self.asking.iter().filter(|asking| asking.purpose == Purpose::Create);
        let of_mfes = self.mfes.iter().map(|mfe| mfe.arrived);
        let begun: Vec<_> = of_mfes.chain(creating.map(|asking| asking.arrived)).collect();
        let there = begun.iter().filter(|arrived| **arrived == Some(arrival)).count();
        if begun.len() >= self.max_flows {
            return Some(Refused::FlowLimit);
        }
        let is_crowded = 2 * begun.len() > self.max_flows && 2 * there > begun.len();
        is_crowded.then_some(Refused::ArrivalLimit)
    }

    /// The interface is no longer taken: flows that began there count for no interface.
    pub fn forget_arrival(&mut self, name: Interface) {
        let of_mfes = self.mfes.iter_mut().map(|mfe| &mut mfe.arrived);
        let all = of_mfes.chain(self.asking.iter_mut().map(|asking| &mut asking.arrived));
        all.filter(|arrived| **arrived == Some(name)).for_each(|arrived| *arrived = None);
    }
}
