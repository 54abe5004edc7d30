//! From the first packet of a flow to its MFE (spec 5.1 to 5.5), and the same
//! questions again for an MFE that gets another life or another route.
//!
//! ```text
//!  packet ──► route ──► RPF_CALLBACK ──► CREATION_ALERT ──► MFE installed
//!               ▲       owner of iif     owners of oifs
//!               └────── the world has moved meanwhile ──┘
//! ```

use super::creation::{AllAsked, CreationAsked};
use super::mfe::{Mfe, Touch};
use super::planted::{self, Bug};
use super::sources::SourceId;
use super::{ClientId, Effects, Engine, Notice, NoticeKind, Packet, QuestionId};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Result, Route, Time};
use std::sync::Arc;

/// What a resolution is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The MFE of a new flow.
    Create,
    /// Another life for an MFE that forwarded; it goes on doing so (spec 5.6).
    Renew,
    /// The iif that the new route gives; until then the old one serves (spec 5.10).
    Reroute,
}

/// A flow whose clients are being asked.
#[derive(Debug)]
pub(super) struct Resolution {
    purpose: Purpose,
    arrival: Interface,
    header: Arc<[u8]>,
    /// What the route gave, when RPF_CALLBACK was asked.
    expected: (IfId, Ipv4Addr),
    iif: IfId,
    upstream: Ipv4Addr,
    pub waiting: Waiting,
    /// Interfaces whose owners were asked: should one change hands, all starts again.
    pub asked_about: IfSet,
    /// Interfaces that CREATION_ALERT answers switched off, and left on.
    pub off: IfSet,
    pub on: IfSet,
}

/// The answers that a resolution waits for.
#[derive(Debug)]
pub(super) enum Waiting {
    Rpf(QuestionId),
    Creation(AllAsked),
}

impl Waiting {
    fn is_for(&self, question: QuestionId) -> bool {
        match self {
            Waiting::Rpf(due) => *due == question,
            Waiting::Creation(asked) => asked.iter().any(|asked| asked.question == question),
        }
    }
}

/// Where the packets of a source come in.
struct WayIn {
    expected: (IfId, Ipv4Addr),
    owner: ClientId,
    /// The name of that interface.
    iif: Interface,
}

impl Resolution {
    /// The owner of an interface has acted on it meanwhile: that beats what it
    /// answers (spec 3.5). A FORWARD acts on MFEs that exist, so it beats the
    /// answers of a renewal only.
    pub fn overtaken(&mut self, id: IfId, touch: Touch) {
        match touch {
            Touch::Members => return,
            Touch::Force(_) if self.purpose == Purpose::Create => return,
            Touch::Clear | Touch::Gone | Touch::Force(_) => {}
        }
        if planted::has(Bug::AnswerBeatsJoin) {
            return;
        }
        self.off.remove(id);
        self.on.remove(id);
        if let Waiting::Creation(asked) = &mut self.waiting {
            for asked in asked.iter_mut().filter(|asked| asked.oifs.contains(id)) {
                asked.overtaken.insert(id);
            }
        }
    }
}

impl Engine {
    /// Whether a flow is between its first packet and its MFE.
    #[must_use]
    pub fn is_resolving(&self, flow: Flow) -> bool {
        self.resolutions.contains_key(&flow) && !self.flows.has_mfe(flow)
    }

    /// Starts to make an MFE; false if no route leads to one.
    pub(super) fn resolve(
        &mut self,
        now: Time,
        &Packet { flow, arrival, header, .. }: &Packet<'_>,
        arrived: IfId,
        route: Option<Route>,
        fx: &mut Effects,
    ) -> bool {
        let source = self.flows.hold_source(flow, route);
        let way = self.way_in(flow, source, Purpose::Create, Some(arrived), fx);
        let Some(way) = way else { return false };
        if self.clients.hears(way.owner, NoticeKind::Rpf) {
            self.ask_rpf(flow, Purpose::Create, arrival, header.into(), way, fx);
            return true;
        }
        // A callback that is not there is one that changes nothing (spec 1.3): a
        // flow that nobody has a say in takes the short way.
        let (iif, upstream) = way.expected;
        let asked = if self.clients.anybody_hears(NoticeKind::Creation) {
            self.creation_questions(flow, iif, fx)
        } else {
            CreationAsked { oifs: self.possible_oifs(flow, iif), ..CreationAsked::default() }
        };
        if asked.questions.is_empty() {
            self.create(now, flow, (iif, upstream), asked.oifs, (arrival, header), fx);
            self.flows.sources.release(source);
        } else {
            let resolution = Resolution {
                purpose: Purpose::Create,
                arrival,
                header: header.into(),
                expected: way.expected,
                iif,
                upstream,
                waiting: Waiting::Creation(asked.questions),
                asked_about: asked.about,
                off: IfSet::default(),
                on: asked.on,
            };
            self.resolutions.insert(flow, Box::new(resolution));
        }
        true
    }

    /// Asks again for an MFE that is there, and goes on forwarding meanwhile.
    pub(super) fn resolve_again(&mut self, flow: Flow, purpose: Purpose, fx: &mut Effects) {
        if let Some(mfe) = self.flows.mfe(flow) {
            let iif = mfe.iif;
            if let Some(way) = self.way_in(flow, self.flows.source(flow), purpose, Some(iif), fx) {
                let arrival = self.interfaces.name(iif);
                self.ask_rpf(flow, purpose, arrival, Arc::default(), way, fx);
            }
        }
    }

    /// Looks the source up (spec 5.1); where no way leads, the matter ends.
    fn way_in(
        &mut self,
        flow: Flow,
        source: SourceId,
        purpose: Purpose,
        arrival: Option<IfId>,
        fx: &mut Effects,
    ) -> Option<WayIn> {
        let looked_up = self.expected_iif(source, arrival);
        self.story(fx, || {
            let towards = looked_up.map(|(id, _)| id);
            format!("{flow}: {}", self.towards_source(source, towards))
        });
        let way = looked_up.and_then(|expected| {
            if self.is_bounded(expected.0, flow.group()) {
                return None; // what comes in there is refused (spec 3.7)
            }
            let slot = self.interfaces.get(expected.0)?;
            Some(WayIn { expected, owner: slot.master()?, iif: slot.interface })
        });
        if way.is_none() {
            self.give_up(flow, purpose, fx);
        }
        way
    }

    /// Asks the owner of the interface towards the source (spec 5.2).
    fn ask_rpf(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        arrival: Interface,
        header: Arc<[u8]>,
        WayIn { expected, owner, iif }: WayIn,
        fx: &mut Effects,
    ) {
        let question = QuestionId(self.next_serial());
        fx.tell(
            owner,
            Notice::Rpf {
                question,
                flow,
                iif,
                upstream: expected.1,
                header: Arc::clone(&header),
                route: self.flows.sources.route(self.flows.source(flow)).clone(),
            },
        );
        let resolution = Box::new(Resolution {
            purpose,
            arrival,
            header,
            expected,
            iif: expected.0,
            upstream: expected.1,
            waiting: Waiting::Rpf(question),
            asked_about: IfSet::default(),
            off: IfSet::default(),
            on: IfSet::default(),
        });
        self.resolutions.insert(flow, resolution);
    }

    /// No route leads to an MFE (spec 5.1), or to the one that was there any more (5.10).
    fn give_up(&mut self, flow: Flow, purpose: Purpose, fx: &mut Effects) {
        self.resolutions.remove(&flow);
        if purpose == Purpose::Create {
            self.flows.sources.release(self.flows.source(flow));
            fx.resolved.push(flow);
        } else {
            self.remove_mfe(flow, fx);
        }
        self.story(fx, || {
            let source = flow.source();
            format!(
                "no MFE {flow}: no route to {source} leads through an interface that a client \
                 has and that no boundary keeps the group off"
            )
        });
    }

    /// A question that nobody was asked yet is given up, and with it the flow, if
    /// it is a new one that still waits for that. Its next packet starts afresh.
    pub fn forget(&mut self, notice: &Notice, fx: &mut Effects) {
        let (Notice::Rpf { question, flow, .. } | Notice::Creation { question, flow, .. }) = notice
        else {
            return;
        };
        let waits = self.resolutions.get(flow).is_some_and(|resolution| {
            resolution.purpose == Purpose::Create && resolution.waiting.is_for(*question)
        });
        if waits {
            self.resolutions.remove(flow);
            self.flows.sources.release(self.flows.source(*flow));
            fx.resolved.push(*flow);
            self.story(fx, || format!("{flow} is forgotten: nobody could be asked in time"));
        }
    }

    /// Asks again from the start, because the world has moved (spec 5.4).
    fn restart(&mut self, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.resolutions.remove(&flow) else { return };
        let Resolution { purpose, arrival, header, .. } = *resolution;
        self.story(fx, || format!("{flow}: the world has moved meanwhile, once again"));
        match purpose {
            Purpose::Create => {
                let (source, arrived) = (self.flows.source(flow), self.interfaces.find(arrival));
                if let Some(way) = self.way_in(flow, source, purpose, arrived, fx) {
                    self.ask_rpf(flow, purpose, arrival, header, way, fx);
                }
            }
            // MgmSetMfe may have moved it since: what was its iif may be gone.
            Purpose::Renew | Purpose::Reroute => self.resolve_again(flow, purpose, fx),
        }
    }

    /// MgmSetMfe beats what RPF_CALLBACK has answered before it, but not what
    /// it still has to answer (D20).
    pub(super) fn overrule_rpf(&mut self, flow: Flow) {
        let Some(resolution) = self.resolutions.get_mut(&flow) else { return };
        let Some(mfe) = self.flows.mfe(flow) else { return };
        if let Waiting::Creation(_) = resolution.waiting {
            resolution.iif = mfe.iif;
            resolution.upstream = mfe.upstream;
        }
    }

    /// Whether what was asked still holds: the same route, and no boundary on
    /// the way.
    fn still_holds(&self, flow: Flow, resolution: &Resolution) -> bool {
        let arrival = self.interfaces.find(resolution.arrival);
        let ends = [resolution.iif, resolution.expected.0];
        !ends.iter().any(|&id| self.is_bounded(id, flow.group()))
            && self.expected_iif(self.flows.source(flow), arrival) == Some(resolution.expected)
    }

    /// A question has been answered: the notice carries that now. An answer to
    /// PRUNE_ALERT begins a life: `packets` is as in [`Engine::tick`].
    pub fn answer(
        &mut self,
        now: Time,
        client: ClientId,
        notice: &Notice,
        packets: impl FnOnce(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        match notice {
            Notice::Rpf { question, flow, iif, upstream, .. } => {
                self.rpf_answered(now, client, *flow, *question, *iif, *upstream, fx);
            }
            Notice::Creation { question, flow, oifs, .. } => {
                self.creation_answered(now, *flow, *question, oifs, fx);
            }
            Notice::PruneMfe { question, flow, timeout, .. } => {
                self.set_timeout(now, client, (*flow, *question), *timeout, packets, fx);
            }
            Notice::DisableIgmp { question, interface } => {
                self.igmp_disabled(client, *interface, *question, fx);
            }
            _ => {}
        }
    }

    /// RPF_CALLBACK may have named another interface of its client's.
    #[allow(clippy::too_many_arguments)]
    fn rpf_answered(
        &mut self,
        now: Time,
        client: ClientId,
        flow: Flow,
        question: QuestionId,
        iif: Interface,
        upstream: Ipv4Addr,
        fx: &mut Effects,
    ) {
        let Some(resolution) = self.resolutions.get(&flow) else { return };
        let Waiting::Rpf(due) = resolution.waiting else { return };
        if due != question && !planted::has(Bug::StaleRpfAnswer) {
            return;
        }
        debug_assert!(self.still_holds(flow, resolution), "or the change would have voided it");
        let (looked_up, neighbour) = resolution.expected;
        let named = self.interfaces.find(iif);
        let (iif, upstream) = match named {
            Some(id)
                if self.interfaces.master(id) == Some(client)
                    && !self.is_bounded(id, flow.group()) =>
            {
                (id, upstream)
            }
            _ => {
                fx.log.push((
                    log::Level::Warn,
                    format!(
                        "RPF_CALLBACK for {flow} named {iif}, which is not its client's, or has a \
                         boundary: {} stands",
                        self.interfaces.name(looked_up)
                    ),
                ));
                (looked_up, neighbour)
            }
        };
        let Some(resolution) = self.resolutions.get_mut(&flow) else { return };
        resolution.iif = iif;
        resolution.upstream = upstream;
        if resolution.purpose == Purpose::Reroute {
            self.resolutions.remove(&flow);
            let nothing = IfSet::default();
            self.reshape(flow, (iif, upstream), (&nothing, &nothing), None, fx);
        } else {
            self.ask_creation(now, flow, iif, fx);
        }
    }

    /// All answers are there.
    pub(super) fn finish(&mut self, now: Time, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.resolutions.remove(&flow) else { return };
        debug_assert!(self.still_holds(flow, &resolution), "or the change would have voided it");
        if resolution.purpose == Purpose::Create {
            let Resolution { iif, upstream, off, arrival, header, .. } = *resolution;
            let mut oifs = self.possible_oifs(flow, iif);
            oifs.subtract(&off);
            self.create(now, flow, (iif, upstream), oifs, (arrival, &header), fx);
            self.flows.sources.release(self.flows.source(flow));
            if let Some(mfe) = self.flows.mfe_mut(flow).filter(|_| !off.is_empty()) {
                mfe.rare().off = off;
            }
        } else {
            self.renew(now, flow, &resolution, fx);
        }
    }

    /// The MFE of a new flow (spec 5.4, 5.5), and what comes of the packet that it
    /// is made for.
    #[inline]
    fn create(
        &mut self,
        now: Time,
        flow: Flow,
        (iif, upstream): (IfId, Ipv4Addr),
        oifs: IfSet,
        (arrival, header): (Interface, &[u8]),
        fx: &mut Effects,
    ) {
        let is_negative = oifs.is_empty();
        let serial = self.next_serial();
        let mfe = Mfe::new(iif, upstream, oifs, now, serial);
        let deadline = mfe.deadline(self.config.mfe_timeout);
        let place = self.flows.insert_mfe(flow, mfe);
        self.schedule(place, serial as u32, deadline);
        fx.dirty.push(flow);
        fx.resolved.push(flow);
        self.story(fx, || format!("{flow} installed: {}", self.path(flow)));
        if is_negative {
            self.tell_negative(flow, fx);
        }
        if self.interfaces.name(iif) != arrival {
            self.wrong_if(now, flow, arrival, header, fx);
        }
    }

    /// Another life for an MFE: the new answers replace its overrides (spec 5.6).
    fn renew(&mut self, now: Time, flow: Flow, resolution: &Resolution, fx: &mut Effects) {
        let Resolution { iif, upstream, off, on, .. } = resolution;
        self.reshape(flow, (*iif, *upstream), (off, on), None, fx);
        if let Some(mfe) = self.flows.mfe_mut(flow) {
            mfe.born = now.into();
        }
        self.schedule_end(flow);
        self.story(fx, || format!("{flow} gets another life: {}", self.path(flow)));
    }

    /// An interface changed hands: flows that were to come in through it start
    /// again, and so do those whose oif it was to be: what its former owner
    /// answers, or has answered, is void (spec 5.4).
    pub(super) fn restart_resolutions_about(&mut self, id: IfId, fx: &mut Effects) {
        let is_about_it = |resolution: &Resolution| {
            resolution.iif == id
                || resolution.expected.0 == id
                || resolution.asked_about.contains(id)
        };
        self.restart_those(|_, _, resolution| is_about_it(resolution), fx);
    }

    /// Routes or boundaries have changed: resolutions that the old ones led to
    /// start again now and not when they are answered, which may be never (D34).
    pub(super) fn restart_outdated_resolutions(&mut self, fx: &mut Effects) {
        self.restart_those(|engine, flow, resolution| !engine.still_holds(flow, resolution), fx);
    }

    fn restart_those(
        &mut self,
        is_void: impl Fn(&Engine, Flow, &Resolution) -> bool,
        fx: &mut Effects,
    ) {
        let all = self.resolutions.iter();
        let void = all.filter(|&(&flow, resolution)| is_void(self, flow, resolution));
        let flows: Vec<Flow> = void.map(|(&flow, _)| flow).collect();
        for flow in flows {
            self.restart(flow, fx);
        }
    }
}
