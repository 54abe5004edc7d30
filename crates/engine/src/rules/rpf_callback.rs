//! RPF_CALLBACK: asks the owner of the expected iif, or of the arrival interface (spec 5.2).

use super::debug_log::{self, debug};
use super::iif::{self, Shape};
use super::rpf::{self, RpfPath};
use super::{creation_alert, deletion, flow_limit, limits, questions, refusals};
use crate::effects::Effects;
use crate::notice::{Notice, NoticeKind, QuestionId};
use crate::packet::Refused;
use crate::tables::begun_flows::NOWHERE;
use crate::tables::{
    AwaitedAnswers, ClientId, FirstPacket, FlowRefusal, IifOrigin, Overrides, Purpose, Resolution,
    Rpf, SourceId, Tables,
};
use mgm_types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Route};

/// The memory that a question needs besides its notice, for what waits for the answer.
const RESOLUTION_BYTES: usize = 768;

/// The expected iif of a flow, and the client to ask about it.
pub struct WayIn {
    /// `None` if the route leads through no interface of a client.
    pub expected: Option<Rpf>,
    pub asked: IfId,
    pub owner: ClientId,
}

/// What the clients are asked about.
pub struct Inquiry {
    pub flow: Flow,
    pub purpose: Purpose,
    /// If the flow is new, the receiver of the inquiry takes over a reference to the source.
    pub source: SourceId,
    pub packet: FirstPacket,
}

/// Asks the clients about a flow, or drops the flow.
pub fn ask(t: &mut Tables, inquiry: Inquiry, fx: &mut Effects) {
    let Inquiry { flow, purpose, source, ref packet } = inquiry;
    let found = t.interfaces.find(packet.arrival);
    let arrived = found.filter(|&id| t.interfaces.master(id).is_some());
    let path = look_up(t, flow, source, arrived, fx);
    match way_in(t, flow, purpose, path, arrived) {
        Some(way) => ask_owner(t, inquiry, found.unwrap_or(NOWHERE), way, fx),
        None => give_up(t, inquiry, fx),
    }
}

/// Looks the source up (spec 5.1).
pub fn look_up(
    t: &Tables,
    flow: Flow,
    source: SourceId,
    arrived: Option<IfId>,
    fx: &mut Effects,
) -> RpfPath {
    let path = rpf::rpf_path(t, flow, source, arrived);
    debug(t, fx, || format!("{flow}: {}", debug_log::towards_source(t, source, path)));
    path
}

/// Decides whom to ask (spec 5.2).
pub fn way_in(
    t: &Tables,
    flow: Flow,
    purpose: Purpose,
    path: RpfPath,
    arrived: Option<IfId>,
) -> Option<WayIn> {
    match path {
        RpfPath::In(rpf) => {
            let owner = t.interfaces.master(rpf.iif)?;
            Some(WayIn { expected: Some(rpf), asked: rpf.iif, owner })
        }
        RpfPath::Bounded => None, // what comes in there is refused (spec 3.7)
        RpfPath::Nowhere => {
            let may_ask = match purpose {
                Purpose::Create => true,
                Purpose::Renew => matches!(t.origins.of(flow), IifOrigin::Unrouted(_)),
                Purpose::Reroute => false, // the MFE ends (spec 5.10)
            };
            let asked =
                arrived.filter(|&id| may_ask && !limits::is_bounded(t, id, flow.group()))?;
            let owner = t.interfaces.master(asked)?;
            let hears = t.clients.has_callback(owner, NoticeKind::Rpf);
            hears.then_some(WayIn { expected: None, asked, owner })
        }
    }
}

/// Asks the owner of the interface towards the source, or else of the one where the
/// packet arrived (spec 5.2). `arrived` is the number of that one.
pub fn ask_owner(t: &mut Tables, inquiry: Inquiry, arrived: IfId, way: WayIn, fx: &mut Effects) {
    let Inquiry { flow, purpose, source, packet } = inquiry;
    let WayIn { expected, asked, owner } = way;
    let question = QuestionId(t.next_serial());
    let rpf = expected.unwrap_or(Rpf { iif: asked, upstream: Ipv4Addr::UNSPECIFIED });
    let (iif, origin) = match expected {
        Some(_) => (t.interfaces.name(rpf.iif), IifOrigin::Route),
        None => (Interface::NONE, IifOrigin::Unrouted(t.now)),
    };
    let is_told = fx.headroom.take(RESOLUTION_BYTES).is_ok()
        && fx.tell(
            owner,
            Notice::Rpf {
                question,
                flow,
                iif,
                upstream: rpf.upstream,
                header: packet.header.clone(),
                route: match expected {
                    Some(_) => t.flows.sources.route(source).clone(),
                    None => Route::NONE,
                },
                arrival: packet.arrival,
            },
        );
    if !is_told {
        return questions::give_up_unasked(t, flow, purpose, source, fx);
    }
    let resolution = Resolution {
        purpose,
        source: if purpose == Purpose::Create { source } else { SourceId::NONE },
        packet,
        arrived,
        expected,
        asked,
        rpf,
        origin,
        waiting: AwaitedAnswers::Rpf(question),
        asked_about: IfSet::default(),
        overrides: Overrides::default(),
    };
    flow_limit::begin_resolution(t, flow, resolution);
}

/// Refuses a flow for which there can be no MFE (spec 5.1, 5.2), or ends its MFE (5.10).
pub fn give_up(t: &mut Tables, inquiry: Inquiry, fx: &mut Effects) {
    let Inquiry { flow, purpose, source, packet } = inquiry;
    flow_limit::end_resolution(t, flow);
    if purpose == Purpose::Create {
        let refusal = FlowRefusal { packet, why: Refused::NoUpstream };
        refusals::remember(t, flow, source, refusal, fx);
        fx.ended(flow);
    } else {
        deletion::delete(t, flow, fx);
    }
    debug(t, fx, || {
        let source = flow.source();
        format!(
            "no MFE for {flow}: no route to {source} leads through an interface that has an \
             owner and no boundary for the group, and the flow was not accepted without a route"
        )
    });
}

/// The answer to RPF_CALLBACK.
pub struct RpfAnswer {
    pub client: ClientId,
    pub flow: Flow,
    pub question: QuestionId,
    pub iif: Interface,
    pub upstream: Ipv4Addr,
}

/// Processes the answer to RPF_CALLBACK, which may name another interface of the client.
pub fn answered(t: &mut Tables, answer: RpfAnswer, fx: &mut Effects) {
    let RpfAnswer { client, flow, question, iif, upstream } = answer;
    let Some(resolution) = t.resolutions.get(flow) else { return };
    let AwaitedAnswers::Rpf(due) = resolution.waiting else { return };
    if due != question {
        return;
    }
    debug_assert!(
        questions::still_holds(t, flow, resolution),
        "or the change would have voided it"
    );
    let expected = resolution.expected;
    let is_left = expected.is_none() && iif.index == 0;
    let named = t.interfaces.find(iif).filter(|&id| {
        t.interfaces.master(id) == Some(client) && !limits::is_bounded(t, id, flow.group())
    });
    if named.is_none() && !is_left {
        let stands = match expected {
            Some(rpf) => format!("the iif stays {}", t.interfaces.name(rpf.iif)),
            None => "no MFE is created".into(),
        };
        fx.log.push((
            log::Level::Warn,
            format!(
                "RPF_CALLBACK for {flow} returned {iif}, but the client does not own it, or a \
                 boundary there blocks the group: {stands}"
            ),
        ));
    }
    let Some(rpf) = named.map(|iif| Rpf { iif, upstream }).or(expected) else {
        return decline(t, flow, fx);
    };
    let Some(resolution) = t.resolutions.get_mut(flow) else { return };
    resolution.rpf = rpf;
    if expected.is_some_and(|expected| expected.iif != rpf.iif) {
        resolution.origin = IifOrigin::Client;
    }
    if resolution.purpose == Purpose::Reroute {
        let origin = resolution.origin;
        flow_limit::end_resolution(t, flow);
        t.origins.set(flow, origin);
        iif::reshape(t, flow, &Shape::of(rpf, None), fx);
    } else {
        creation_alert::ask(t, flow, rpf.iif, fx);
    }
}

/// The owner of the arrival interface does not accept a flow that no route covers (spec 5.2).
fn decline(t: &mut Tables, flow: Flow, fx: &mut Effects) {
    let Some(resolution) = flow_limit::end_resolution(t, flow) else { return };
    let Resolution { purpose, mut source, packet, .. } = resolution;
    if purpose == Purpose::Create {
        if packet.by_forwarder {
            t.count_refused(Refused::NoUpstream); // no caller asks about this flow again
        }
        return give_up(t, Inquiry { flow, purpose, source, packet }, fx);
    }
    source = if source == SourceId::NONE { t.flows.source(flow) } else { source };
    t.flows.sources.hold(source);
    give_up(t, Inquiry { flow, purpose, source, packet: packet.clone() }, fx);
    refusals::remember(t, flow, source, FlowRefusal { packet, why: Refused::NoUpstream }, fx);
}
