//! From the first packet of a flow to its MFE (spec 5.1 to 5.5), and the same questions again
//! for an MFE that is renewed or gets another route. `answers` processes the answers.
//!
//! ```text
//!  packet ──► route ──► RPF_CALLBACK ──► CREATION_ALERT ──► MFE installed
//!               ▲       owner of iif     owners of oifs
//!               └─────── state has changed meanwhile ───┘
//! ```

use super::creation::CreationAsked;
use super::flow_limit::NOWHERE;
use super::origins::IifOrigin;
use super::resolution::{AllAsked, AwaitedAnswers, FirstPacket, Purpose, Resolution};
use super::rpf_path::RpfPath;
use super::sources::SourceId;
use super::{ClientId, Effects, Engine, Notice, NoticeKind, Packet, QuestionId, Refused};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Route, Time};
use std::sync::Arc;

/// After an owner was asked about a flow that no route covers, no client is asked again for
/// this time (spec 5.2).
const PATIENCE_MS: u64 = 10_000;

/// The memory that a question needs besides its notice, for what waits for the answer.
const RESOLUTION_BYTES: usize = 768;

/// The expected iif of a flow, and the client to ask about it.
struct WayIn {
    /// `None` if the route leads through no interface of a client.
    expected: Option<(IfId, Ipv4Addr)>,
    asked: IfId,
    owner: ClientId,
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
                origin: IifOrigin::Route,
                waiting: AwaitedAnswers::Creation(asked.questions),
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
        let is_there = |id: &IfId| matches!(self.rpf_path(flow, source, Some(*id)), RpfPath::In(to, _) if to == *id);
        let present = present.filter(is_there).unwrap_or(iif);
        let arrival = self.interfaces.name(present);
        let packet = FirstPacket { arrival, header: Arc::default(), by_forwarder: false };
        if let IifOrigin::Unrouted(asked) = self.origins.of(flow) {
            let leads_nowhere = self.rpf_path(flow, source, Some(iif)) == RpfPath::Nowhere;
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
                        origin: IifOrigin::Unrouted(asked),
                        waiting: AwaitedAnswers::Creation(AllAsked::new()),
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
        let way = self.rpf_path(flow, source, arrived);
        self.debug(fx, || format!("{flow}: {}", self.towards_source(source, way)));
        match way {
            RpfPath::In(id, upstream) => {
                let owner = self.interfaces.master(id)?;
                Some(WayIn { expected: Some((id, upstream)), asked: id, owner })
            }
            RpfPath::Bounded => None, // what comes in there is refused (spec 3.7)
            RpfPath::Nowhere => {
                let may_ask = match purpose {
                    Purpose::Create => true,
                    Purpose::Renew => matches!(self.origins.of(flow), IifOrigin::Unrouted(_)),
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
                (self.interfaces.name(iif), route, IifOrigin::Route)
            }
            None => (Interface::NONE, Route::NONE, IifOrigin::Unrouted(self.now)),
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
            waiting: AwaitedAnswers::Rpf(question),
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
        self.debug(fx, || {
            let source = flow.source();
            format!(
                "no MFE for {flow}: no route to {source} leads through an interface that a \
                 client owns and where no boundary blocks the group, and no owner of its arrival \
                 interface accepts it"
            )
        });
    }
}
