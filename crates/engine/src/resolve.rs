//! From the first packet of a flow to its MFE (spec 5.1 to 5.5), and the same questions again
//! for an MFE that is renewed or gets another route. `answers` processes the answers.
//!
//! ```text
//!  packet ──► route ──► RPF_CALLBACK ──► CREATION_ALERT ──► MFE installed
//!               ▲       owner of iif     owners of oifs
//!               └─────── state has changed meanwhile ───┘
//! ```

use super::creation::{AllAsked, CreationAsked};
use super::flow_limit::NOWHERE;
use super::mfe::Touch;
use super::origins::Origin;
use super::planted::{self, Bug};
use super::refusals::FirstPacket;
use super::sources::SourceId;
use super::ways::Way;
use super::{ClientId, Effects, Engine, Notice, NoticeKind, Packet, QuestionId, Refused};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Route, Time};
use std::sync::Arc;

/// The purpose of a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To create the MFE of a new flow.
    Create,
    /// To renew an MFE that has forwarded; it keeps forwarding meanwhile (spec 5.6).
    Renew,
    /// To change the iif after a route change; meanwhile the old iif stays (spec 5.10).
    Reroute,
}

/// After an owner was asked about a flow that no route covers, no client is asked again for
/// this time (spec 5.2).
const PATIENCE_MS: u64 = 10_000;

/// The memory that a question needs besides its notice, for what waits for the answer.
const RESOLUTION_BYTES: usize = 768;

/// A flow whose clients are being asked.
#[derive(Debug)]
pub(super) struct Resolution {
    pub purpose: Purpose,
    /// The source of a new flow; the resolution holds a reference. The entry has that of an MFE.
    pub source: SourceId,
    /// The first packet. If there is an MFE: the interface on which its packets arrive.
    pub packet: FirstPacket,
    /// The number of that interface, for which a new flow counts (spec 0.9).
    pub arrived: IfId,
    /// The iif and neighbour by the route when RPF_CALLBACK was called; `None` if the route leads
    /// through no interface of a client.
    pub expected: Option<(IfId, Ipv4Addr)>,
    /// The interface whose owner was asked.
    pub asked: IfId,
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    /// How the iif was found.
    pub origin: Origin,
    pub waiting: Waiting,
    /// Interfaces whose owners were asked. If one changes its owner, the resolution starts again.
    pub asked_about: IfSet,
    /// Interfaces that CREATION_ALERT answers switched off, and those left on.
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
    pub fn is_for(&self, question: QuestionId) -> bool {
        match self {
            Waiting::Rpf(due) => *due == question,
            Waiting::Creation(asked) => asked.iter().any(|asked| asked.question == question),
        }
    }
}

/// The expected iif of a flow, and the client to ask about it.
struct WayIn {
    /// `None` if the route leads through no interface of a client.
    expected: Option<(IfId, Ipv4Addr)>,
    asked: IfId,
    owner: ClientId,
}

impl Resolution {
    /// The owner of an interface has called meanwhile: the call overrules its answer (spec 3.5).
    /// A FORWARD acts on existing MFEs, so it overrules only the answers of a renewal.
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

    /// Starts to create an MFE; false if it is impossible. Takes over the reference to the source.
    #[inline]
    pub(super) fn resolve(
        &mut self,
        now: Time,
        &Packet { flow, arrival, header, .. }: &Packet<'_>,
        arrived: IfId,
        (source, by_forwarder): (SourceId, bool),
        fx: &mut Effects,
    ) -> bool {
        let way = self.way_in(flow, source, Purpose::Create, Some(arrived), fx);
        let first_packet = || FirstPacket { arrival, header: header.into(), by_forwarder };
        let Some(way) = way else {
            self.give_up(flow, Purpose::Create, source, first_packet(), fx);
            return false;
        };
        let Some((iif, upstream)) = way.expected else {
            self.ask_rpf(flow, Purpose::Create, source, first_packet(), way, fx);
            return true;
        };
        if self.clients.hears(way.owner, NoticeKind::Rpf) {
            self.ask_rpf(flow, Purpose::Create, source, first_packet(), way, fx);
            return true;
        }
        // A missing callback counts as one that changes nothing (spec 1.3), so a flow without any
        // client to ask gets its MFE at once.
        let asked = if self.clients.anybody_hears(NoticeKind::Creation) {
            self.creation_questions(flow, iif, fx)
        } else {
            CreationAsked { oifs: self.possible_oifs(flow, iif), ..CreationAsked::default() }
        };
        if asked.questions.is_empty() {
            let packet = (arrival, arrived, header);
            self.create(now, flow, source, (iif, upstream), asked.oifs, packet, fx);
            self.flows.sources.release(source);
        } else {
            let resolution = Resolution {
                purpose: Purpose::Create,
                source,
                packet: first_packet(),
                arrived,
                expected: way.expected,
                asked: way.asked,
                iif,
                upstream,
                origin: Origin::Route,
                waiting: Waiting::Creation(asked.questions),
                asked_about: asked.about,
                off: IfSet::default(),
                on: asked.on,
            };
            self.begin_resolution(flow, resolution);
        }
        true
    }

    /// Asks the clients about a flow, or drops the flow. Takes over the reference to the source of
    /// a new flow.
    pub(super) fn ask(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        source: SourceId,
        packet: FirstPacket,
        fx: &mut Effects,
    ) {
        let arrived = self.interfaces.served(packet.arrival);
        match self.way_in(flow, source, purpose, arrived, fx) {
            Some(way) => self.ask_rpf(flow, purpose, source, packet, way, fx),
            None => self.give_up(flow, purpose, source, packet, fx),
        }
    }

    /// Asks again about an existing MFE, which keeps forwarding meanwhile. The expected iif is
    /// `present`, or else the present one, as long as that is legitimate.
    pub(super) fn resolve_again(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        present: Option<IfId>,
        fx: &mut Effects,
    ) {
        let Some((source, mfe)) = self.flows.row(flow) else { return };
        let (iif, upstream) = (mfe.iif, mfe.upstream);
        let is_there =
            |id: &IfId| matches!(self.way(flow, source, Some(*id)), Way::In(to, _) if to == *id);
        let present = present.filter(is_there).unwrap_or(iif);
        let arrival = self.interfaces.name(present);
        let packet = FirstPacket { arrival, header: Arc::default(), by_forwarder: false };
        if let Origin::Unrouted(asked) = self.origins.of(flow) {
            let leads_nowhere = self.way(flow, source, Some(iif)) == Way::Nowhere;
            match purpose {
                Purpose::Reroute if leads_nowhere => return,
                Purpose::Renew if leads_nowhere && self.now.since(asked) < PATIENCE_MS => {
                    let resolution = Resolution {
                        purpose,
                        source: SourceId::NONE,
                        packet,
                        arrived: present,
                        expected: None,
                        asked: iif,
                        iif,
                        upstream,
                        origin: Origin::Unrouted(asked),
                        waiting: Waiting::Creation(AllAsked::new()),
                        asked_about: IfSet::default(),
                        off: IfSet::default(),
                        on: IfSet::default(),
                    };
                    self.begin_resolution(flow, resolution);
                    return self.ask_creation(self.now, flow, iif, fx);
                }
                _ => {}
            }
        }
        self.ask(flow, purpose, source, packet, fx);
    }

    /// Looks the source up (spec 5.1), and decides whom to ask (5.2).
    fn way_in(
        &mut self,
        flow: Flow,
        source: SourceId,
        purpose: Purpose,
        arrived: Option<IfId>,
        fx: &mut Effects,
    ) -> Option<WayIn> {
        let way = self.way(flow, source, arrived);
        self.story(fx, || format!("{flow}: {}", self.towards_source(source, way)));
        match way {
            Way::In(id, upstream) => {
                let owner = self.interfaces.master(id)?;
                Some(WayIn { expected: Some((id, upstream)), asked: id, owner })
            }
            Way::Bounded => None, // what comes in there is refused (spec 3.7)
            Way::Nowhere => {
                let may_ask = match purpose {
                    Purpose::Create => true,
                    Purpose::Renew => matches!(self.origins.of(flow), Origin::Unrouted(_)),
                    Purpose::Reroute => false, // the MFE ends (spec 5.10)
                };
                let asked = arrived.filter(|&id| may_ask && !self.is_bounded(id, flow.group()))?;
                let owner = self.interfaces.master(asked)?;
                let hears = self.clients.hears(owner, NoticeKind::Rpf);
                hears.then_some(WayIn { expected: None, asked, owner })
            }
        }
    }

    /// Asks the owner of the interface towards the source, or else of the one where the
    /// packet arrived (spec 5.2).
    fn ask_rpf(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        source: SourceId,
        packet: FirstPacket,
        WayIn { expected, asked, owner }: WayIn,
        fx: &mut Effects,
    ) {
        let question = QuestionId(self.next_serial());
        let (iif, upstream) = expected.unwrap_or((asked, Ipv4Addr::UNSPECIFIED));
        let (named, route, origin) = match expected {
            Some(_) => {
                let route = self.flows.sources.route(source).clone();
                (self.interfaces.name(iif), route, Origin::Route)
            }
            None => (Interface::NONE, Route::NONE, Origin::Unrouted(self.now)),
        };
        let FirstPacket { arrival, header, .. } = &packet;
        let (arrival, header) = (*arrival, Arc::clone(header));
        let rpf = Notice::Rpf { question, flow, iif: named, upstream, header, route, arrival };
        if fx.headroom.take(RESOLUTION_BYTES).is_err() || !fx.tell(owner, rpf) {
            return self.give_up_unasked(flow, purpose, source, fx);
        }
        let arrived = self.interfaces.find(arrival).unwrap_or(NOWHERE);
        let resolution = Resolution {
            purpose,
            source: if purpose == Purpose::Create { source } else { SourceId::NONE },
            packet,
            arrived,
            expected,
            asked,
            iif,
            upstream,
            origin,
            waiting: Waiting::Rpf(question),
            asked_about: IfSet::default(),
            off: IfSet::default(),
            on: IfSet::default(),
        };
        self.begin_resolution(flow, resolution);
    }

    /// Refuses a flow for which there can be no MFE (spec 5.1, 5.2), or ends its MFE (5.10).
    pub(super) fn give_up(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        source: SourceId,
        packet: FirstPacket,
        fx: &mut Effects,
    ) {
        self.end_resolution(flow);
        if purpose == Purpose::Create {
            self.remember_refusal(flow, source, packet, Refused::NoUpstream, fx);
            fx.ended(flow);
        } else {
            self.remove_mfe(flow, fx);
        }
        self.story(fx, || {
            let source = flow.source();
            format!(
                "no MFE for {flow}: no route to {source} leads through an interface that a \
                 client owns and where no boundary blocks the group, and no owner of its arrival \
                 interface accepts it"
            )
        });
    }
}
