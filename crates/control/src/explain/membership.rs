//! The reasons why a flow is not wanted on an interface.

use super::facts::{Facts, Finding};
use super::{Exit, HostsWant, IgmpShare, Reason, RefusedReport, RouteShare};
use crate::interfaces::Role;
use std::net::Ipv4Addr;

/// What to do if the router is not mgmd.
const LET_A_CLIENT: &str = "let a client add a membership";

/// The first reason why no membership of the interface matches.
pub(super) fn first(facts: &Facts, exit: &Exit) -> Finding {
    let igmp = exit.igmp.as_ref();
    igmp.and_then(|igmp| rests(exit, igmp))
        .or_else(|| exit.refusals.first().map(|refused| refusal(facts, exit, refused)))
        .or_else(|| excluded(facts, exit))
        .or_else(|| facts.all.routes.iter().find_map(|known| route(facts, exit, known)))
        .or_else(|| igmp.and_then(|igmp| not_heard(facts, exit, igmp)))
        .or_else(|| igmp.and_then(|igmp| upward(facts, exit, igmp)))
        .unwrap_or_else(|| no_member(facts, exit))
}

/// A downstream whose querier is another router (I57).
fn rests(exit: &Exit, igmp: &IgmpShare) -> Option<Finding> {
    let is_wanted =
        igmp.hosts.as_ref().is_some_and(|hosts| hosts.source_wanted) || !exit.wanted_by.is_empty();
    if !igmp.rests || !is_wanted {
        return None;
    }
    let name = &exit.interface;
    let (text, advice) = match igmp.other_querier {
        Some(querier) => (
            format!("mgmd does not forward to {name}, because {querier} is the querier there"),
            format!(
                "let {querier} forward; or give this router a lower address there; or set \
                 forward-always = true, if {querier} does not forward"
            ),
        ),
        None => (
            format!("mgmd does not forward to {name}, because it is not the querier there"),
            format!("give {name} an address, or set forward-always = true"),
        ),
    };
    Some(Finding::new(Reason::NotQuerier, text).on(name).advise(advice))
}

/// Hosts that want the group, but not this source.
pub(super) fn excluded(facts: &Facts, exit: &Exit) -> Option<Finding> {
    let hosts = exit.igmp.as_ref()?.hosts.as_ref().filter(|hosts| !hosts.source_wanted)?;
    let HostsWant { all_except, sources, .. } = hosts;
    let (name, source, group) = (&exit.interface, facts.all.source, facts.all.group);
    Some(if *all_except {
        let text = format!("the hosts on {name} want {group}, but exclude {source}");
        let advice = "a program there has blocked the source; another one must ask for it";
        Finding::new(Reason::SourceExcluded, text).on(name).advise(advice)
    } else {
        let text =
            format!("the hosts on {name} want only other sources of {group}: {}", list(sources));
        let advice = format!("a program there must join ({source}, {group}), or all sources");
        Finding::new(Reason::OtherSources, text).on(name).advise(advice)
    })
}

fn list(addresses: &[Ipv4Addr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// A report that IGMP refused.
fn refusal(facts: &Facts, exit: &Exit, refused: &RefusedReport) -> Finding {
    let (name, group, host) = (&exit.interface, facts.all.group, refused.host);
    let (why, advice) = match refused.why.as_str() {
        "denied_group" => (
            format!("the key groups of {name} denies {group}"),
            format!("permit the group in groups of the interface {name}"),
        ),
        "denied_source" => (
            format!("the key sources of {name} denies a source that the report names"),
            format!("permit the source in sources of the interface {name}"),
        ),
        "ssm_range" => (
            format!("{group} is in ssm-range, and the report names no source"),
            "its program must join the source and the group, with IGMPv3; or take the group out of \
             ssm-range"
                .into(),
        ),
        "max_groups" => (
            format!("{name} has as many groups as max-groups permits"),
            format!("raise max-groups of the interface {name} if the hosts are genuine"),
        ),
        "max_entries" => (
            "the router has as many groups and sources as max-igmp-entries permits".into(),
            "raise max-igmp-entries in [router] if the hosts are genuine".into(),
        ),
        "max_sources" => (
            format!("{group} has as many sources on {name} as max-sources permits"),
            format!("raise max-sources of the interface {name} if the hosts are genuine"),
        ),
        "rate" => (
            "new groups and sources came faster than 1,000 a second".into(),
            "hosts repeat genuine reports; find the host that sends so many".into(),
        ),
        "ignored_v1" => (
            format!("ignore-v1 of {name} drops reports of IGMPv1"),
            format!("set ignore-v1 = false, or let {host} use IGMPv2 or IGMPv3"),
        ),
        "off_link" => (
            format!("its address is in no network of {name}"),
            format!("add its network to hosts of the interface {name}, or give {name} an address in it"),
        ),
        "bad_ttl" => (
            "its report has another TTL than 1".into(),
            format!("set ttl = \"any\" for the interface {name} if the host is genuine"),
        ),
        "no_router_alert" => (
            "its report lacks the IP option Router Alert".into(),
            format!("set require-router-alert = false for the interface {name}"),
        ),
        "link_local" => (
            "groups of 224.0.0.0/24 are not forwarded".into(),
            "use another group".into(),
        ),
        other => (
            format!("the report is invalid ({other})"),
            "correct the program on the host; RFC 9776 has the format".into(),
        ),
    };
    let host = if host.is_unspecified() { "a host".into() } else { host.to_string() };
    let text = format!("{host} on {name} has asked for {group}, but {why}");
    Finding::new(Reason::IgmpRefused, text).on(name).advise(advice)
}

/// A static route that would send the flow to the interface.
fn route(facts: &Facts, exit: &Exit, route: &RouteShare) -> Option<Finding> {
    let name = &exit.interface;
    if !route.to_interfaces.contains(name) || route.joined {
        return None;
    }
    let shown = format!("the static route {} to {}", route.source, route.group);
    if let Some(from) = &route.rests_because_of {
        let text = format!("{shown} has no effect, because a routing protocol owns {from}");
        let advice = "let the protocol send the flow, or use a route for one source and one group";
        return Some(Finding::new(Reason::RouteRests, text).on(from).advise(advice));
    }
    let arrival = facts.arrival();
    let is_known = facts.arrived().is_some() || facts.library.mfe.is_some();
    if is_known && !route.from_interfaces.iter().any(|from| from == arrival) {
        let text = format!("packets arrive on {arrival}, but {shown} begins at {}", route.from);
        let advice = format!("set from = \"{arrival}\" in the route, or correct the network");
        return Some(Finding::new(Reason::RouteElsewhere, text).on(arrival).advise(advice));
    }
    if route.from_interfaces.is_empty() {
        let text = format!("{shown} waits for {}, which is missing or down", route.from);
        let advice = format!("ip link set {} up; or correct from of the route", route.from);
        return Some(Finding::new(Reason::RouteWaiting, text).on(&route.from).advise(advice));
    }
    if route.at_limit {
        let text = format!("{shown} has not joined the flow: there are max-flows flows already");
        let advice = "raise max-flows in [router] if the senders are genuine";
        return Some(Finding::new(Reason::RouteLimit, text).on(name).advise(advice));
    }
    let text = format!("{shown} joins the flow when its first packet arrives on {}", route.from);
    let advice =
        format!("check that {} sends, and that its packets reach {}", facts.all.source, route.from);
    Some(Finding::new(Reason::RouteWaiting, text).on(name).advise(advice))
}

/// Reasons why mgmd may not know what hosts want.
fn not_heard(facts: &Facts, exit: &Exit, igmp: &IgmpShare) -> Option<Finding> {
    let name = &exit.interface;
    let group = facts.all.group;
    if !matches!(igmp.role, Some(Role::Router | Role::Downstream)) {
        return None;
    }
    if igmp.hides_reports {
        let querier = igmp.other_querier.map_or_else(|| "another router".into(), |a| a.to_string());
        let text = format!(
            "the bridge {name} hides the reports of hosts from this router, because {querier} is \
             the querier"
        );
        let advice = format!("ip link set {name} type bridge mcast_router 2");
        return Some(Finding::new(Reason::BridgeHidesReports, text).on(name).advise(advice));
    }
    if !igmp.has_address && !igmp.passive {
        let text = format!(
            "{name} has no address, so mgmd sends no queries there, and hosts do not report {group}"
        );
        let advice = format!("give {name} an address, or set source of its igmp");
        return Some(Finding::new(Reason::NoAddress, text).on(name).advise(advice));
    }
    if igmp.ssm && igmp.version < 3 {
        let why = match igmp.other_querier {
            _ if igmp.configured_version < 3 => format!("version = {}", igmp.configured_version),
            Some(querier) => format!("its querier {querier} has that version"),
            None => "a querier of that version was heard".into(),
        };
        let text = format!(
            "{name} speaks IGMPv{} ({why}), in which hosts cannot ask for a source, as {group} needs",
            igmp.version
        );
        let advice = "use IGMPv3 on all routers and hosts there, or set older-queriers = \"warn\"";
        return Some(Finding::new(Reason::IgmpVersion, text).on(name).advise(advice));
    }
    None
}

/// An upstream, to which the flow would be sent up.
fn upward(facts: &Facts, exit: &Exit, igmp: &IgmpShare) -> Option<Finding> {
    let arrival = facts.arrival();
    let is_for = |proxy: &&super::ProxyShare| {
        proxy.is_active_on(&exit.interface) && proxy.downstreams.iter().any(|name| name == arrival)
    };
    let proxy = facts.all.proxies.iter().find(is_for)?;
    if igmp.role != Some(Role::Upstream) || proxy.sends_up {
        return None;
    }
    let name = &exit.interface;
    let text = format!(
        "forward-up of the proxy does not send {} from {arrival} up to {name}",
        facts.all.group
    );
    let advice = "permit the group in forward-up of the proxy, if it may leave the site";
    Some(Finding::new(Reason::NotSentUp, text).on(name).advise(advice))
}

fn no_member(facts: &Facts, exit: &Exit) -> Finding {
    let (name, group) = (&exit.interface, facts.all.group);
    let text = match exit.igmp.as_ref().and_then(|igmp| igmp.role) {
        Some(Role::Router | Role::Downstream) => {
            let dropped = exit.igmp.as_ref().map(dropped).unwrap_or_default();
            format!("no host on {name} has asked for {group}{dropped}")
        }
        Some(Role::NoIgmp) => {
            format!("nothing sends {group} to {name}, on which mgmd has no IGMP")
        }
        Some(Role::Upstream) => format!("nothing sends {group} up to {name}"),
        None => format!("no client of the library wants {group} on {name}"),
    };
    let advice = match exit.igmp.as_ref().and_then(|igmp| igmp.role) {
        Some(Role::Router | Role::Downstream) => {
            format!("join the group on a host there; to send it anyway: mgmctl join {name} {group}")
        }
        Some(_) => format!("mgmctl join {name} {group}, or a [[route]] with to = [\"{name}\"]"),
        None => LET_A_CLIENT.into(),
    };
    Finding::new(Reason::NoMember, text).on(name).advise(advice)
}

/// IGMP packets that were dropped, which may be the reports that are missed.
fn dropped(igmp: &IgmpShare) -> String {
    if igmp.dropped.is_empty() {
        return String::new();
    }
    let all: Vec<String> =
        igmp.dropped.iter().map(|(why, count)| format!("{why} {count}")).collect();
    format!(" (IGMP packets were dropped there: {})", all.join(", "))
}

/// No interface wants the flow.
pub(super) fn nobody(facts: &Facts) -> Finding {
    let group = facts.all.group;
    let text = format!("no interface wants {group}: no host, membership, route or protocol");
    let is_router = facts.all.outgoing.iter().any(|exit| exit.igmp.is_some());
    let advice = match is_router {
        true => format!("join the group on a host; to send it anyway: mgmctl join IF {group}"),
        false => LET_A_CLIENT.into(),
    };
    Finding::new(Reason::NoMember, text).advise(advice)
}
