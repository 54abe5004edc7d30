//! Processes the answers about a flow and makes its MFE (spec 5.2 to 5.6): the second half of
//! `resolve`.

use super::mfe::Mfe;
use super::origins::IifOrigin;
use super::resolution::{AwaitedAnswers, FirstPacket, Purpose, Resolution};
use super::sources::SourceId;
use super::{ClientId, Effects, Engine, Notice, Packet, QuestionId, Refused};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Result, Time};

impl Engine {
    /// Drops a question that no client was asked yet, and the flow, if it is new and waits for
    /// this answer. The next packet of the flow starts a new resolution.
    pub fn forget(&mut self, notice: &Notice, fx: &mut Effects) {
        let (Notice::Rpf { question, flow, .. } | Notice::Creation { question, flow, .. }) = notice
        else {
            return;
        };
        let waits = self.resolutions.get(flow).is_some_and(|resolution| {
            resolution.purpose == Purpose::Create && resolution.waiting.is_for(*question)
        });
        if waits {
            if let Some(resolution) = self.end_resolution(*flow) {
                self.flows.sources.release(resolution.source);
            }
            fx.ended(*flow);
            self.debug(fx, || format!("{flow} dropped: its clients could not be asked in time"));
        }
    }

    /// MgmSetMfe overrules an earlier answer to RPF_CALLBACK, but not a later one (D20).
    pub(super) fn overrule_rpf(&mut self, flow: Flow) {
        let Some(resolution) = self.resolutions.get_mut(&flow) else { return };
        let Some(mfe) = self.flows.mfe(flow) else { return };
        if let AwaitedAnswers::Creation(_) = resolution.waiting {
            resolution.iif = mfe.iif;
            resolution.upstream = mfe.upstream;
            resolution.origin = self.origins.of(flow);
        }
    }

    /// Processes the answer to a question; the notice contains it. An answer to PRUNE_ALERT
    /// starts the time-out again: `packets` is as in [`Engine::tick`].
    pub fn answer(
        &mut self,
        now: Time,
        client: ClientId,
        notice: &Notice,
        packets: impl FnOnce(Flow) -> Result<Option<u64>>,
        fx: &mut Effects,
    ) {
        self.now = now;
        if self.reroutes.is_on() {
            if let Notice::Rpf { flow, .. } | Notice::Creation { flow, .. } = notice {
                self.follow_before_answer(*flow, fx);
            }
        }
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

    /// Processes the answer to RPF_CALLBACK, which may name another interface of the client.
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
        let AwaitedAnswers::Rpf(due) = resolution.waiting else { return };
        if due != question {
            return;
        }
        debug_assert!(self.still_holds(flow, resolution), "or the change would have voided it");
        let expected = resolution.expected;
        let is_left = expected.is_none() && iif.index == 0;
        let named = self.interfaces.find(iif).filter(|&id| {
            self.interfaces.master(id) == Some(client) && !self.is_bounded(id, flow.group())
        });
        if named.is_none() && !is_left {
            let stands = match expected {
                Some((id, _)) => format!("the iif stays {}", self.interfaces.name(id)),
                None => "no MFE is created".into(),
            };
            fx.log.push((
                log::Level::Warn,
                format!(
                    "RPF_CALLBACK for {flow} returned {iif}, which the client does not own, or \
                     where a boundary blocks the group: {stands}"
                ),
            ));
        }
        let Some((iif, upstream)) = named.map(|id| (id, upstream)).or(expected) else {
            return self.decline(flow, fx);
        };
        let Some(resolution) = self.resolutions.get_mut(&flow) else { return };
        resolution.iif = iif;
        resolution.upstream = upstream;
        if expected.is_some_and(|(id, _)| id != iif) {
            resolution.origin = IifOrigin::Client;
        }
        if resolution.purpose == Purpose::Reroute {
            let origin = resolution.origin;
            self.end_resolution(flow);
            self.origins.set(flow, origin);
            let nothing = IfSet::default();
            self.reshape(flow, (iif, upstream), (&nothing, &nothing), None, fx);
        } else {
            self.ask_creation(now, flow, iif, fx);
        }
    }

    /// The owner of the arrival interface does not accept a flow that no route covers (spec 5.2).
    fn decline(&mut self, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.end_resolution(flow) else { return };
        let Resolution { purpose, mut source, packet, .. } = *resolution;
        if purpose == Purpose::Create {
            if packet.by_forwarder {
                self.count_refused(Refused::NoUpstream); // no caller asks about this flow again
            }
            return self.give_up(flow, purpose, source, packet, fx);
        }
        source = if source == SourceId::NONE { self.flows.source(flow) } else { source };
        self.flows.sources.hold(source);
        self.give_up(flow, purpose, source, packet.clone(), fx);
        self.remember_refusal(flow, source, packet, Refused::NoUpstream, fx);
    }

    /// All answers have arrived.
    pub(super) fn finish(&mut self, now: Time, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.end_resolution(flow) else { return };
        debug_assert!(self.still_holds(flow, &resolution), "or the change would have voided it");
        if resolution.purpose == Purpose::Create {
            let Resolution { source, iif, upstream, origin, off, packet, arrived, .. } =
                *resolution;
            if self.room(fx).is_err() {
                return self.give_up_unasked(flow, Purpose::Create, source, fx);
            }
            let mut oifs = self.possible_oifs(flow, iif);
            oifs.subtract(&off);
            let FirstPacket { arrival, header, .. } = packet;
            self.origins.set(flow, origin);
            let packet = (arrival, arrived, &*header);
            self.create(now, flow, source, (iif, upstream), oifs, packet, fx);
            self.flows.sources.release(source);
            if let Some(mfe) = self.flows.mfe_mut(flow).filter(|_| !off.is_empty()) {
                mfe.rare().off = off;
            }
        } else {
            self.renew(now, flow, &resolution, fx);
        }
    }

    /// Creates the MFE of a new flow (spec 5.4, 5.5), and forwards the packet that caused it.
    #[inline]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn create(
        &mut self,
        now: Time,
        flow: Flow,
        source: SourceId,
        (iif, upstream): (IfId, Ipv4Addr),
        oifs: IfSet,
        (arrival, arrived, header): (Interface, IfId, &[u8]),
        fx: &mut Effects,
    ) {
        let is_negative = oifs.is_empty();
        let serial = self.next_serial();
        let mut mfe = Mfe::new(iif, upstream, oifs, now, serial);
        mfe.arrival = arrived;
        self.flow_limit.begin(arrived);
        let deadline = mfe.deadline(self.config.mfe_timeout);
        let place = self.flows.insert_mfe(flow, source, mfe);
        if self.flows.at(place).source != source {
            self.move_entry(place, source, fx); // its memberships were looked up in another domain
        }
        self.schedule(place, serial as u32, deadline);
        fx.changed(flow);
        fx.ended(flow);
        self.debug(fx, || format!("{flow} installed: {}", self.path(flow)));
        if is_negative {
            self.tell_negative(flow, fx);
        }
        if self.interfaces.name(iif) != arrival {
            let packet = Packet { flow, arrival, header, length: 0, ttl: 0 };
            self.wrong_if(now, &packet, None, |_| Ok(Some(0)), fx);
        }
    }

    /// Renews an MFE: the new answers replace its overrides (spec 5.6).
    fn renew(&mut self, now: Time, flow: Flow, resolution: &Resolution, fx: &mut Effects) {
        let Resolution { iif, upstream, origin, off, on, .. } = resolution;
        self.origins.set(flow, *origin);
        self.reshape(flow, (*iif, *upstream), (off, on), None, fx);
        if let Some(mfe) = self.flows.mfe_mut(flow) {
            mfe.begin_life(now);
        }
        self.schedule_end(flow);
        self.debug(fx, || format!("{flow} renewed: {}", self.path(flow)));
    }
}
