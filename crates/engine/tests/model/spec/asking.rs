//! RPF and CREATION questions, and the effects of their answers (spec 5.1 to 5.5).

use super::rpf_path::RpfPath;
use super::{Asking, First, Mfe, Model, Origin, Purpose};
use mgm_engine::{ClientId, CreationOif, Header, Notice, QuestionId, Refused};
use mgm_types::{Domain, Flow, Interface, Ipv4Addr, Route};

/// The subject of an RPF question.
struct RpfAsked {
    expected: Option<(Interface, Ipv4Addr)>,
    /// The interface whose owner is asked.
    asked: Interface,
    origin: Origin,
    /// Where the source was looked up, and the result.
    domain: Domain,
    route: Route,
    first: First,
}

impl Model {
    pub fn answer(&mut self, client: ClientId, notice: &Notice) {
        match notice {
            Notice::Rpf { .. } => self.rpf_answered(client, notice),
            Notice::Creation { question, flow, oifs, .. } => {
                self.creation_answered(*flow, *question, oifs);
            }
            Notice::PruneMfe { question, flow, timeout, .. } => {
                self.timeout_answered(client, *flow, *question, *timeout);
            }
            Notice::DisableIgmp { question, interface } => {
                self.igmp_disabled(client, *interface, *question);
            }
            _ => {}
        }
    }

    /// Looks the source up, and asks the owner of the interface towards it. If no route leads to a
    /// client's interface, asks the owner of the arrival interface (spec 5.1, 5.2). Otherwise there
    /// is no MFE, or no longer. Returns whether a client was asked.
    pub fn ask(&mut self, flow: Flow, purpose: Purpose, domain: Domain, first: First) -> bool {
        self.asking.retain(|asking| asking.flow != flow);
        let arrived = Some(first.arrival).filter(|name| self.master(*name).is_some());
        let is_marked = matches!(self.mfe(flow).map(|mfe| mfe.origin), Some(Origin::Unrouted(_)));
        let route = self.asked_route(flow, purpose, domain);
        let expected = match self.rpf_path(flow, &route, arrived) {
            RpfPath::In(name, upstream) => Some((name, upstream)),
            RpfPath::Bounded => None,
            RpfPath::Nowhere => {
                let may_ask = match purpose {
                    Purpose::Create => true,
                    Purpose::Renew => is_marked,
                    Purpose::Reroute => false,
                };
                let arrived = arrived.filter(|name| !self.is_bounded(*name, flow.group()));
                let owner = arrived.and_then(|name| Some((name, self.master(name)?)));
                match owner.filter(|(_, owner)| may_ask && !self.mute.contains(owner)) {
                    Some((asked, owner)) => {
                        let (origin, route) = (Origin::Unrouted(self.now), Route::NONE);
                        let asked =
                            RpfAsked { expected: None, asked, origin, domain, route, first };
                        self.tell_rpf(flow, purpose, asked, owner);
                        return true;
                    }
                    None => None,
                }
            }
        };
        let Some((name, owner)) = expected.and_then(|way| Some((way.0, self.master(way.0)?)))
        else {
            if purpose == Purpose::Create {
                self.resolved.push(flow);
                self.remember(flow, domain, first, Refused::NoUpstream);
            } else {
                self.delete_mfe(flow);
            }
            return false;
        };
        let origin = Origin::Route;
        let asked = RpfAsked { expected, asked: name, origin, domain, route, first };
        self.tell_rpf(flow, purpose, asked, owner);
        true
    }

    fn tell_rpf(&mut self, flow: Flow, purpose: Purpose, ask: RpfAsked, owner: ClientId) {
        let RpfAsked { expected, asked, origin, domain, route, first } = ask;
        let question = self.number();
        let named = expected.map_or(Interface::NONE, |(name, _)| name);
        let (iif, upstream) = expected.unwrap_or((asked, Ipv4Addr::UNSPECIFIED));
        let (arrival, header) = (first.arrival, first.header.clone());
        let arrived = self.place(arrival).map(|place| place.name);
        self.asking.push(Asking {
            flow,
            purpose,
            first,
            domain,
            expected,
            arrived,
            asked,
            origin,
            iif,
            upstream,
            rpf: Some(question),
            creation: Vec::new(),
            named: Vec::new(),
            overtaken: Vec::new(),
            answers: Vec::new(),
        });
        self.tell(
            owner,
            Notice::Rpf { question, flow, iif: named, upstream, header, route, arrival },
        );
    }

    /// Asks about an existing MFE, whose packets are expected on `present`, or on its iif.
    pub fn ask_again(&mut self, flow: Flow, purpose: Purpose, present: Option<Interface>) {
        self.asking.retain(|asking| asking.flow != flow);
        let Some(mfe) = self.mfe(flow) else { return };
        let (iif, upstream, origin) = (mfe.iif, mfe.upstream, mfe.origin);
        let is_rpf_path = |name: &Interface| matches!(self.present_way(flow, Some(*name)), RpfPath::In(there, _) if there == *name);
        let arrival = present.filter(is_rpf_path).unwrap_or(iif);
        let first = First { arrival, header: Header::default(), by_kernel: false };
        if let Origin::Unrouted(asked) = origin {
            let leads_nowhere = self.present_way(flow, Some(iif)) == RpfPath::Nowhere;
            if purpose == Purpose::Reroute && leads_nowhere {
                return;
            }
            if purpose == Purpose::Renew && leads_nowhere && self.now.0 < asked.0 + 10_000 {
                self.asking.push(Asking {
                    flow,
                    purpose,
                    first,
                    domain: self.home(flow),
                    expected: None,
                    arrived: None,
                    asked: iif,
                    origin,
                    iif,
                    upstream,
                    rpf: None,
                    creation: Vec::new(),
                    named: Vec::new(),
                    overtaken: Vec::new(),
                    answers: Vec::new(),
                });
                return self.ask_creation(flow, iif);
            }
        }
        self.ask(flow, purpose, self.home(flow), first);
    }

    fn restart(&mut self, flow: Flow) {
        match self.asking(flow).cloned() {
            Some(Asking { purpose: Purpose::Create, first, domain, .. }) => {
                self.ask(flow, Purpose::Create, domain, first);
            }
            Some(Asking { purpose: Purpose::Renew, .. }) => {
                self.ask_again(flow, Purpose::Renew, None);
            }
            Some(Asking { purpose: Purpose::Reroute, first, .. }) => {
                self.ask_again(flow, Purpose::Reroute, Some(first.arrival));
            }
            None => {}
        }
    }

    /// The owner of an interface has changed: an MFE that was found by no route moves if a route leads
    /// to an owned interface now.
    pub fn route_unrouted(&mut self) {
        let unrouted = self.mfes.iter().filter(|mfe| {
            matches!(mfe.origin, Origin::Unrouted(_))
                && matches!(self.present_way(mfe.flow, Some(mfe.iif)), RpfPath::In(..))
                && self.asking(mfe.flow).is_none()
        });
        let mut flows: Vec<_> = unrouted.map(|mfe| mfe.flow).collect();
        flows.sort_unstable();
        for flow in flows {
            self.ask_again(flow, Purpose::Reroute, None);
        }
    }

    /// MgmSetMfe takes precedence over an earlier answer to RPF_CALLBACK (D20).
    pub fn overrule_rpf(&mut self, flow: Flow) {
        let Some(mfe) = self.mfe(flow) else { return };
        let (iif, upstream, origin) = (mfe.iif, mfe.upstream, mfe.origin);
        if let Some(asking) = self.asking_mut(flow).filter(|asking| asking.rpf.is_none()) {
            asking.origin = origin;
            asking.iif = iif;
            asking.upstream = upstream;
        }
    }

    /// The owner of an interface has changed: questions about it are void (spec 5.4).
    pub fn restart_those_about(&mut self, name: Interface) {
        let mut flows: Vec<_> = self
            .asking
            .iter()
            .filter(|asking| {
                asking.iif == name
                    || asking.asked == name
                    || asking.named.contains(&name)
                    || !self.still_holds(asking)
            })
            .map(|asking| asking.flow)
            .collect();
        flows.sort_unstable();
        for flow in flows {
            self.restart(flow);
        }
    }

    /// Routes or boundaries have changed: questions that depended on the former ones are void
    /// (D34).
    pub fn restart_outdated(&mut self) {
        let outdated = self.asking.iter().filter(|asking| !self.still_holds(asking));
        let mut flows: Vec<_> = outdated.map(|asking| asking.flow).collect();
        flows.sort_unstable();
        for flow in flows {
            self.restart(flow);
        }
    }

    /// Whether the route and the boundaries still lead to the interface that the questions are about.
    fn still_holds(&self, asking: &Asking) -> bool {
        if self.is_bounded(asking.iif, asking.flow.group()) {
            return false;
        }
        let route = self.asked_route(asking.flow, asking.purpose, asking.domain);
        match asking.expected {
            Some(way) => self.is_rpf_path(asking.flow, &route, way),
            None => self.rpf_path(asking.flow, &route, Some(asking.asked)) == RpfPath::Nowhere,
        }
    }

    fn asking_mut(&mut self, flow: Flow) -> Option<&mut Asking> {
        self.asking.iter_mut().find(|asking| asking.flow == flow)
    }

    fn rpf_answered(&mut self, client: ClientId, answer: &Notice) {
        let &Notice::Rpf { question, flow, iif, upstream, .. } = answer else { return };
        let Some(asking) = self.asking(flow).filter(|asking| asking.rpf == Some(question)) else {
            return;
        };
        let is_its = self.master(iif) == Some(client) && !self.is_bounded(iif, flow.group());
        let Asking { purpose, expected, first, domain, mut origin, .. } = asking.clone();
        let named = Some((iif, upstream)).filter(|_| is_its);
        let Some((iif, upstream)) = named.or(expected) else {
            // The owner of the arrival interface does not accept it (spec 5.2).
            self.asking.retain(|asking| asking.flow != flow);
            if purpose == Purpose::Create {
                self.resolved.push(flow);
            } else {
                self.delete_mfe(flow);
            }
            if first.by_kernel {
                self.refused.push(Refused::NoUpstream);
            }
            return self.remember(flow, domain, first, Refused::NoUpstream);
        };
        if expected.is_some_and(|(name, _)| name != iif) {
            origin = Origin::Client;
        }
        if purpose == Purpose::Reroute {
            self.asking.retain(|asking| asking.flow != flow);
            self.mfe_mut(flow).into_iter().for_each(|mfe| mfe.origin = origin);
            self.move_mfe(flow, iif, upstream, &[]);
            return;
        }
        if let Some(asking) = self.asking_mut(flow) {
            asking.origin = origin;
            asking.rpf = None;
            asking.iif = iif;
            asking.upstream = upstream;
        }
        self.ask_creation(flow, iif);
    }

    /// CREATION_ALERT to each client that owns oifs (spec 5.3).
    fn ask_creation(&mut self, flow: Flow, iif: Interface) {
        let forced = |name: &Interface| {
            self.mfe(flow).is_some_and(|mfe| mfe.switched.contains(&(*name, true)))
        };
        let oifs: Vec<Interface> = self
            .places
            .iter()
            .map(|place| place.name)
            .filter(|name| *name != iif && !self.is_bounded(*name, flow.group()))
            .filter(|name| self.is_wanted_on(flow, *name) || forced(name))
            .collect();
        for client in self.clients.clone() {
            let mine: Vec<_> =
                oifs.iter().copied().filter(|name| self.master(*name) == Some(client.id)).collect();
            if mine.is_empty() {
                continue;
            }
            let question = self.number();
            let entries = mine
                .iter()
                .map(|&interface| CreationOif {
                    interface,
                    igmp: self.place(interface).is_some_and(|place| place.igmp.is_some()),
                    enabled: true,
                })
                .collect();
            self.tell(client.id, Notice::Creation { question, flow, iif, oifs: entries });
            if let Some(asking) = self.asking_mut(flow) {
                asking.named.extend(&mine);
                asking.creation.push((question, mine));
            }
        }
        self.finish_if_answered(flow);
    }

    fn creation_answered(&mut self, flow: Flow, question: QuestionId, oifs: &[CreationOif]) {
        let Some(asking) = self.asking_mut(flow) else { return };
        let Some(at) = asking.creation.iter().position(|(due, _)| *due == question) else {
            return;
        };
        let (_, asked) = asking.creation.remove(at);
        for (name, answer) in asked.into_iter().zip(oifs) {
            if !asking.overtaken.contains(&name) {
                asking.answers.push((name, answer.enabled));
            }
        }
        self.finish_if_answered(flow);
    }

    /// All answers have arrived: the MFE is installed or renewed (spec 5.4, 5.6).
    fn finish_if_answered(&mut self, flow: Flow) {
        let Some(asking) = self.asking(flow).cloned() else { return };
        if asking.rpf.is_some() || !asking.creation.is_empty() {
            return;
        }
        self.asking.retain(|asking| asking.flow != flow);
        if asking.purpose == Purpose::Renew {
            self.move_mfe(flow, asking.iif, asking.upstream, &asking.answers);
            let now = self.now;
            if let Some(mfe) = self.mfes.iter_mut().find(|mfe| mfe.flow == flow) {
                mfe.origin = asking.origin;
                mfe.born = now;
            }
            return;
        }
        let number = self.number();
        self.mfes.push(Mfe {
            flow,
            iif: asking.iif,
            upstream: asking.upstream,
            origin: asking.origin,
            oifs: Vec::new(),
            switched: asking.answers.iter().copied().filter(|(_, on)| !on).collect(),
            timeout: self.timeout,
            born: self.now,
            used: false,
            number,
            packets: 0,
            octets: 0,
            wrong_if: 0,
            negative: 0,
            sent: 0,
            former: Vec::new(),
            accepted: 0,
            arrived: asking.arrived,
        });
        // Its memberships may have been looked up elsewhere, or by a former route (D69).
        self.moving_roles(|model| {
            model.late.retain(|late| late.flow != flow);
            model.homes.insert(flow, asking.domain);
        });
        self.resolved.push(flow);
        self.settle_one(flow);
        let is_negative = self.mfe(flow).is_some_and(|mfe| mfe.oifs.is_empty());
        if let Some(owner) = self.master(asking.iif).filter(|_| is_negative) {
            self.ask_timeout(owner, flow, asking.iif);
        }
        let First { arrival, header, .. } = asking.first;
        if arrival != asking.iif {
            self.wrong_if(flow, arrival, &header);
        }
    }
}
