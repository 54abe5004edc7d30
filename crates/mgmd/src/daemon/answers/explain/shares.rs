//! The static routes and the proxies that a flow concerns.

use super::super::forwarding::{active, downstreams, shown};
use super::Asked;
use crate::config::{Proxy, Route};
use crate::daemon::plan::{comes_from, leads_to};
use crate::daemon::routes::Join;
use crate::daemon::state::State;
use mgm_control::explain::{ProxyShare, RouteShare};
use mgm_control::interfaces::InterfaceState;
use mgm_types::Flow;

/// Whether a route is for a flow, wherever its packets arrive.
pub fn is_for(route: &Route, flow: Flow) -> bool {
    route.source.contains(flow.source()) && route.group.contains(flow.group())
}

/// "10.1.0.0/16 to 239.2.0.0/16".
pub fn title(route: &Route) -> String {
    format!("{} to {}", shown(route.source), shown(route.group))
}

/// The static routes for a flow.
pub fn routes(asked: &Asked, state: &State) -> Vec<RouteShare> {
    let routes = asked.view.context.config.routes.iter();
    let routes = routes.filter(|route| is_for(route, asked.flow()));
    routes.map(|route| share(asked, state, route)).collect()
}

fn share(asked: &Asked, state: &State, route: &Route) -> RouteShare {
    let meant = |means: fn(&Route, &str) -> bool| {
        asked.links.iter().filter(move |(name, _)| means(route, name))
    };
    let begins = || meant(comes_from).filter(|(_, link)| link.state() == InterfaceState::Up);
    let is_owned = |index: Option<u32>| index.is_some_and(|index| state.is_owned(index));
    let owned = begins().find(|(_, link)| !route.is_exact() && is_owned(link.index));
    let flow = asked.flow();
    let mut joins = meant(leads_to).filter_map(|(_, link)| Some(Join { link: link.index?, flow }));
    RouteShare {
        from: route.from.to_string(),
        from_interfaces: begins().map(|(name, _)| name.clone()).collect(),
        source: shown(route.source),
        group: shown(route.group),
        to_interfaces: meant(leads_to).map(|(name, _)| name.clone()).collect(),
        exact: route.is_exact(),
        rests_because_of: owned.map(|(name, _)| name.clone()),
        joined: route.is_exact() || joins.any(|join| state.routes.wants(join)),
        at_limit: state.routes.is_full(),
    }
}

/// All proxies.
pub fn proxies(asked: &Asked, state: &State) -> Vec<ProxyShare> {
    let proxies = asked.view.context.config.proxies.iter();
    proxies.map(|known| proxy(asked, state, known)).collect()
}

fn proxy(asked: &Asked, state: &State, proxy: &Proxy) -> ProxyShare {
    let (source, group) = (asked.query.source, asked.query.group);
    let active = active(asked.view, proxy, asked.links);
    let index = active.and_then(|(_, index)| index);
    let reports = index.is_some_and(|index| state.igmp.reported_of(index, group).wants(source));
    let listed = proxy.sources.as_ref();
    let has_source = listed.is_none_or(|list| list.iter().any(|net| net.contains(source)));
    let permits = proxy.groups.permits(group);
    let not_accepted = match (permits, has_source) {
        (false, _) => Some(format!("its groups deny {group}")),
        (true, false) => Some(format!("its sources do not contain {source}")),
        (true, true) => None,
    };
    let downstreams = downstreams(asked.view, state, proxy, asked.links);
    let not_reported = (!reports).then(|| match index {
        _ if !permits => format!("its groups deny {group}"),
        None => "no interface of it is up and has an address".into(),
        Some(index) => match state.igmp.status(index).map(|status| status.version) {
            Some(version @ 1..=2) if asked.is_ssm(active) => format!(
                "a router there queries with IGMPv{version}, which has no source-specific multicast"
            ),
            _ if !has_source => format!("its sources do not contain {source}"),
            _ => "no downstream wants it".into(),
        },
    });
    ProxyShare {
        upstream: proxy.upstream.to_string(),
        active: active.map(|(name, _)| name.to_owned()),
        is_backup: active.is_some_and(|(name, _)| !proxy.upstream.matches(name)),
        downstreams: downstreams.into_iter().map(|known| known.interface).collect(),
        accepts: not_accepted.is_none(),
        reports,
        sends_up: permits && proxy.forward_up.permits(group),
        not_reported,
        not_accepted,
    }
}

impl Asked<'_> {
    /// Whether the group is in the SSM range of an upstream.
    fn is_ssm(&self, upstream: Option<(&str, Option<u32>)>) -> bool {
        let link = upstream.and_then(|(name, _)| self.links.get(name));
        let plan = link.and_then(|link| link.plan);
        plan.is_some_and(|plan| plan.igmp.is_ssm(self.query.group))
    }
}
