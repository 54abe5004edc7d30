//! Asks again about an existing MFE, which is renewed (spec 5.6) or gets another route (5.10).

use super::rpf::{self, RpfPath};
use super::rpf_callback::{self, Inquiry};
use super::{creation_alert, flow_limit};
use crate::effects::Effects;
use crate::packet::Header;
use crate::tables::{
    AllAsked, AwaitedAnswers, FirstPacket, IifOrigin, Overrides, Purpose, Resolution, SourceId,
    Tables,
};
use mgm_types::{Flow, IfId, IfSet};

/// After an owner was asked about a flow that no route covers, no client is asked again for
/// this time (spec 5.2).
const PATIENCE_MS: u64 = 10_000;

/// Asks again about an existing MFE, which keeps forwarding meanwhile. The expected iif is
/// `present`, or else the present one, as long as that is legitimate.
pub fn ask_again(
    t: &mut Tables,
    flow: Flow,
    purpose: Purpose,
    present: Option<IfId>,
    fx: &mut Effects,
) {
    let Some((source, mfe)) = t.flows.row(flow) else { return };
    let rpf = mfe.rpf();
    let is_there = |id: &IfId| rpf::leads_to(t, flow, source, *id);
    let present = present.filter(is_there).unwrap_or(rpf.iif);
    let arrival = t.interfaces.name(present);
    let packet = FirstPacket { arrival, header: Header::default(), by_forwarder: false };
    if let IifOrigin::Unrouted(asked) = t.origins.of(flow) {
        let leads_nowhere = rpf::rpf_path(t, flow, source, Some(rpf.iif)) == RpfPath::Nowhere;
        match purpose {
            Purpose::Reroute if leads_nowhere => return,
            Purpose::Renew if leads_nowhere && t.now.since(asked) < PATIENCE_MS => {
                let resolution = Resolution {
                    purpose,
                    source: SourceId::NONE,
                    packet,
                    arrived: present,
                    expected: None,
                    asked: rpf.iif,
                    rpf,
                    origin: IifOrigin::Unrouted(asked),
                    waiting: AwaitedAnswers::Creation(AllAsked::new()),
                    asked_about: IfSet::default(),
                    overrides: Overrides::default(),
                };
                flow_limit::begin_resolution(t, flow, resolution);
                return creation_alert::ask(t, flow, rpf.iif, fx);
            }
            _ => {}
        }
    }
    rpf_callback::ask(t, Inquiry { flow, purpose, source, packet }, fx);
}
