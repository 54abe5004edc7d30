//! What the engine is to offer for routes by domain, in terms of what it offers so far.

use crate::engine::{Effects, Engine};
use crate::types::{Domain, Flow, IfId, Interface, Ipv4Addr, Prefix, Route, Time};

pub(super) fn needs_route(engine: &Engine, flow: Flow, _: Interface) -> Option<(Ipv4Addr, Domain)> {
    engine.needs_route(flow).then(|| (flow.source(), Domain::MAIN))
}

pub(super) fn sources_within(
    engine: &Engine,
    prefixes: &[Prefix],
    after: Option<(Ipv4Addr, Domain)>,
    most: usize,
    out: &mut Vec<(Ipv4Addr, Domain)>,
) {
    let known = engine.known_sources(|source| {
        after.is_none_or(|(last, _)| source > last)
            && prefixes.iter().any(|prefix| prefix.contains(source))
    });
    out.extend(known.into_iter().take(most).map(|source| (source, Domain::MAIN)));
}

pub(super) fn update_routes(
    engine: &mut Engine,
    routes: &[(Ipv4Addr, Domain, Route)],
    fx: &mut Effects,
) {
    let routes: Vec<_> = routes.iter().map(|(source, _, route)| (*source, route.clone())).collect();
    engine.update_routes(&routes, fx);
}

pub(super) fn has_reroutes(_: &Engine) -> bool {
    false
}

pub(super) fn reroute_some(_: &mut Engine, _now: Time, _most: usize, _: &mut Effects) {}

pub(super) fn set_domain(_: &mut Engine, _: IfId, _: Domain, _: &mut Effects) {}
