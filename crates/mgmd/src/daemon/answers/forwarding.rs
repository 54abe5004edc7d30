//! The answers to `GET /v1/proxies` and `GET /v1/routes`.

use super::links::{all, Link};
use super::View;
use crate::config::{Pattern, Proxy, Route};
use crate::daemon::plan::{comes_from, leads_to};
use crate::daemon::state::State;
use mgm_control::forwarding::{self, Downstream, Proxies, RouteState, Routes};
use mgm_control::interfaces::InterfaceState;
use mgm_igmp::config::AccessList;
use mgm_igmp::Role;
use mgm_types::Prefix;
use std::collections::BTreeMap;

pub(super) type Links<'a> = BTreeMap<String, Link<'a>>;

/// The upstreams of the proxies.
pub fn proxies(view: &View) -> Proxies {
    let links = all(view);
    let proxies = view.context.config.proxies.iter();
    let proxies = view
        .context
        .shared
        .with(|state| proxies.map(|configured| proxy(view, state, configured, &links)).collect());
    Proxies { proxies }
}

fn proxy(view: &View, state: &State, proxy: &Proxy, links: &Links) -> forwarding::Proxy {
    let active = active(view, proxy, links);
    let index = active.and_then(|(_, index)| index);
    forwarding::Proxy {
        upstream: proxy.upstream.to_string(),
        backup: proxy.backup.iter().map(Pattern::to_string).collect(),
        active: active.map(|(name, _)| name.to_owned()),
        active_index: index,
        groups: rules(&proxy.groups),
        sources: proxy.sources.as_ref().map(|list| list.iter().map(|net| shown(*net)).collect()),
        reported_groups: index.map_or(0, |index| state.igmp.reported(index).count() as u64),
        downstreams: downstreams(view, state, proxy, links),
    }
}

/// The interface that reports now: the first that is up and has an address.
pub(super) fn active<'a>(
    view: &View,
    proxy: &Proxy,
    links: &'a Links,
) -> Option<(&'a str, Option<u32>)> {
    let config = view.context.config;
    let mut upstreams = std::iter::once(&proxy.upstream)
        .chain(&proxy.backup)
        .flat_map(|pattern| links.iter().filter(move |(name, _)| pattern.matches(name)));
    let serves = |(name, link): &(&String, &Link)| {
        let has_address = link.device.is_some_and(|device| !device.info.addresses.is_empty());
        let has_source = link.plan.is_some_and(|plan| plan.igmp.source.is_some());
        config.role(name) == Role::Upstream
            && link.state() == InterfaceState::Up
            && (has_address || has_source)
    };
    upstreams.find(serves).map(|(name, link)| (name.as_str(), link.index))
}

pub(super) fn downstreams(
    view: &View,
    state: &State,
    proxy: &Proxy,
    links: &Links,
) -> Vec<Downstream> {
    let is_downstream = |name: &str, link: &Link| {
        proxy.downstream.iter().any(|pattern| pattern.matches(name) || pattern.as_str() == name)
            && (link.index.is_none() || view.context.config.role(name) == Role::Downstream)
    };
    let downstreams = links.iter().filter(|(name, link)| is_downstream(name, link));
    let downstreams = downstreams.map(|(name, link)| {
        let status = link.index.and_then(|index| state.igmp.status(index));
        Downstream {
            interface: name.clone(),
            index: link.index,
            forwarding: status.is_some_and(|status| status.told),
            other_querier: status.and_then(|status| status.other_querier),
        }
    });
    downstreams.collect()
}

fn rules(list: &AccessList) -> Vec<String> {
    let word = |permit| if permit { "permit" } else { "deny" };
    let rules =
        list.rules.iter().map(|rule| format!("{} {}", word(rule.permit), shown(rule.prefix)));
    rules.chain([format!("{} 224.0.0.0/4", word(list.otherwise))]).collect()
}

pub(super) fn shown(prefix: Prefix) -> String {
    format!("{}/{}", prefix.network(), prefix.length())
}

/// The static routes.
pub fn routes(view: &View) -> Routes {
    let links = all(view);
    let routes = view.context.config.routes.iter();
    let routes =
        view.context.shared.with(|state| routes.map(|known| route(state, known, &links)).collect());
    Routes { routes }
}

fn route(state: &State, route: &Route, links: &Links) -> forwarding::Route {
    let is_up = |means: fn(&Route, &str) -> bool| {
        let mut meant = links.iter().filter(|(name, _)| means(route, name));
        meant.any(|(_, link)| link.state() == InterfaceState::Up)
    };
    let owned = links.iter().filter(|(name, _)| comes_from(route, name));
    let mut owned = owned.filter(|(_, link)| link.index.is_some_and(|index| state.is_owned(index)));
    let (condition, reason) = if !is_up(comes_from) {
        (RouteState::Waiting, Some(format!("{} is missing or down", route.from)))
    } else if !is_up(leads_to) {
        (RouteState::Waiting, Some("each interface of \"to\" is missing or down".to_owned()))
    } else if let Some((name, _)) = owned.next().filter(|_| !route.is_exact()) {
        (RouteState::Resting, Some(format!("a routing protocol owns {name}")))
    } else {
        (RouteState::Active, None)
    };
    forwarding::Route {
        from: route.from.to_string(),
        source: shown(route.source),
        group: shown(route.group),
        to: route.to.iter().map(Pattern::to_string).collect(),
        flows: match (condition, route.is_exact()) {
            (RouteState::Active, true) => 1,
            _ => state.routes.count(route.source, route.group) as u64,
        },
        state: condition,
        reason,
    }
}
