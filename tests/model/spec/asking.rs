//! RPF and CREATION questions, and what comes of their answers (spec 5.1 to 5.5).

use super::{Asking, Mfe, Model, Purpose};
use mgm::engine::{ClientId, CreationOif, Notice, QuestionId};
use mgm::types::{Flow, Interface, Ipv4Addr};
use std::sync::Arc;

impl Model {
    pub fn answer(&mut self, client: ClientId, notice: &Notice) {
        match notice {
            Notice::Rpf { question, flow, iif, upstream, .. } => {
                self.rpf_answered(client, *flow, *question, *iif, *upstream);
            }
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

    /// Looks the source up and asks the owner of the interface towards it
    /// (spec 5.1, 5.2); without one there is no MFE, or no longer. True if asked.
    pub fn ask_rpf(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        arrival: Interface,
        header: &Arc<[u8]>,
    ) -> bool {
        self.asking.retain(|asking| asking.flow != flow);
        let expected = self
            .expected(flow.source(), Some(arrival))
            .filter(|(iif, _)| !self.is_bounded(*iif, flow.group()));
        let asked = expected.and_then(|expected| Some((expected, self.master(expected.0)?)));
        let Some((expected, owner)) = asked else {
            if purpose == Purpose::Create {
                self.resolved.push(flow);
            } else {
                self.delete_mfe(flow);
            }
            return false;
        };
        let question = self.number();
        let (iif, upstream) = expected;
        self.asking.push(Asking {
            flow,
            purpose,
            arrival,
            header: Arc::clone(header),
            expected,
            iif,
            upstream,
            rpf: Some(question),
            creation: Vec::new(),
            named: Vec::new(),
            overtaken: Vec::new(),
            answers: Vec::new(),
        });
        let (header, route) = (Arc::clone(header), self.route(flow.source()));
        self.tell(owner, Notice::Rpf { question, flow, iif, upstream, header, route });
        true
    }

    /// Asks for an MFE that is there.
    pub fn ask_again(&mut self, flow: Flow, purpose: Purpose) {
        if let Some(arrival) = self.mfe(flow).map(|mfe| mfe.iif) {
            self.ask_rpf(flow, purpose, arrival, &Arc::default());
        }
    }

    fn restart(&mut self, flow: Flow) {
        match self.asking(flow).cloned() {
            Some(Asking { purpose: Purpose::Create, arrival, header, .. }) => {
                self.ask_rpf(flow, Purpose::Create, arrival, &header);
            }
            Some(asking) => self.ask_again(flow, asking.purpose),
            None => {}
        }
    }

    /// MgmSetMfe beats what RPF_CALLBACK answered before it (D20).
    pub fn overrule_rpf(&mut self, flow: Flow) {
        let Some(mfe) = self.mfe(flow) else { return };
        let (iif, upstream) = (mfe.iif, mfe.upstream);
        if let Some(asking) = self.asking_mut(flow).filter(|asking| asking.rpf.is_none()) {
            asking.iif = iif;
            asking.upstream = upstream;
        }
    }

    /// An interface changed hands: what was asked about it is void (spec 5.4).
    pub fn restart_those_about(&mut self, name: Interface) {
        let mut flows: Vec<_> = self
            .asking
            .iter()
            .filter(|asking| {
                asking.iif == name || asking.expected.0 == name || asking.named.contains(&name)
            })
            .map(|asking| asking.flow)
            .collect();
        flows.sort_unstable();
        for flow in flows {
            self.restart(flow);
        }
    }

    /// Routes or boundaries have changed: what was asked by the old ones is
    /// void (D34).
    pub fn restart_outdated(&mut self) {
        let outdated = self.asking.iter().filter(|asking| !self.still_holds(asking));
        let mut flows: Vec<_> = outdated.map(|asking| asking.flow).collect();
        flows.sort_unstable();
        for flow in flows {
            self.restart(flow);
        }
    }

    /// Whether the routes still say what they said, and no boundary has come
    /// in between.
    fn still_holds(&self, asking: &Asking) -> bool {
        let is_bounded = |name| self.is_bounded(name, asking.flow.group());
        if is_bounded(asking.iif) || is_bounded(asking.expected.0) {
            return false;
        }
        self.expected(asking.flow.source(), Some(asking.arrival)) == Some(asking.expected)
    }

    fn asking_mut(&mut self, flow: Flow) -> Option<&mut Asking> {
        self.asking.iter_mut().find(|asking| asking.flow == flow)
    }

    fn rpf_answered(
        &mut self,
        client: ClientId,
        flow: Flow,
        question: QuestionId,
        iif: Interface,
        upstream: Ipv4Addr,
    ) {
        let Some(asking) = self.asking(flow).filter(|asking| asking.rpf == Some(question)) else {
            return;
        };
        let is_its = self.master(iif) == Some(client) && !self.is_bounded(iif, flow.group());
        let (iif, upstream) = if is_its { (iif, upstream) } else { asking.expected };
        let purpose = asking.purpose;
        if purpose == Purpose::Reroute {
            self.asking.retain(|asking| asking.flow != flow);
            self.move_mfe(flow, iif, upstream, &[]);
            return;
        }
        if let Some(asking) = self.asking_mut(flow) {
            asking.rpf = None;
            asking.iif = iif;
            asking.upstream = upstream;
        }
        self.ask_creation(flow, iif);
    }

    /// CREATION_ALERT to each that has interfaces among the oifs (spec 5.3).
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

    /// All answers are there: the MFE is installed, or lives on (spec 5.4, 5.6).
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
                mfe.born = now;
            }
            return;
        }
        let number = self.number();
        self.mfes.push(Mfe {
            flow,
            iif: asking.iif,
            upstream: asking.upstream,
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
        });
        self.resolved.push(flow);
        self.settle_one(flow);
        let is_negative = self.mfe(flow).is_some_and(|mfe| mfe.oifs.is_empty());
        if let Some(owner) = self.master(asking.iif).filter(|_| is_negative) {
            self.ask_timeout(owner, flow, asking.iif);
        }
        if asking.arrival != asking.iif {
            self.wrong_if(flow, asking.arrival, &asking.header);
        }
    }
}
