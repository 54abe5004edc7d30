//! The interfaces by which the packets of a flow go out, or might.

use super::super::links::{role, Link};
use super::{shares, Asked};
use crate::daemon::plan::leads_to;
use crate::daemon::routes::Join;
use crate::daemon::shared::now;
use crate::daemon::state::State;
use mgm_control::explain::library::{is_igmp, LibraryFlow, WantedRow};
use mgm_control::explain::{
    Arrival, Exit, Explanation, HostsWant, IgmpShare, RefusedReport, Want, WantedBy,
};
use mgm_control::interfaces::{Boundary, Role};
use mgm_igmp::{DropReason, GroupStatus, LeaveMode, Refusal, RefusalReason};
use mgm_types::{Flow, Scope};
use serde::Deserialize;
use std::net::Ipv4Addr;

/// The most sources of hosts that are shown.
const SOURCES: usize = 8;

/// The reasons for which reports of genuine hosts are dropped.
const OF_REPORTS: &[DropReason] = &[
    DropReason::BadHeader,
    DropReason::BadLength,
    DropReason::Fragment,
    DropReason::ShortMessage,
    DropReason::BadChecksum,
    DropReason::BadTtl,
    DropReason::NoRouterAlert,
    DropReason::BadSource,
    DropReason::OffLink,
    DropReason::BadDestination,
    DropReason::RecordOverrun,
    DropReason::VoidRecord,
    DropReason::IgnoredV1,
    DropReason::SsmRange,
    DropReason::DeniedGroup,
];

/// All interfaces except that on which packets arrive: the configured ones, and those that only
/// the library knows.
pub fn all(
    asked: &Asked,
    explanation: &Explanation,
    arrival: Option<&Arrival>,
) -> serde_json::Result<Vec<Exit>> {
    let flow = LibraryFlow::deserialize(&explanation.library)?;
    let is_arrival = |name: &str| arrival.is_some_and(|arrival| arrival.interface == name);
    let mut exits: Vec<Exit> = Vec::new();
    for (name, link) in asked.links.iter().filter(|(name, _)| !is_arrival(name)) {
        exits.push(exit(asked, name, link, flow.wanted(link.index)));
    }
    let arrives_at = arrival.map(|arrival| arrival.index);
    for exit in &explanation.outgoing {
        let is_known = exits.iter().any(|known| known.index == exit.index);
        if !is_known && exit.index != arrives_at {
            exits.push(exit.clone());
        }
    }
    let listening = asked.evidence.listening.as_ref().filter(|known| known.error.is_none());
    for exit in &mut exits {
        let left = |known: &mgm_control::explain::Listening| {
            let on_it =
                |seen: &&mgm_control::explain::Seen| seen.leaving && Some(seen.index) == exit.index;
            known.seen.iter().filter(on_it).map(|seen| seen.packets).sum()
        };
        exit.seen_leaving = listening.map(left);
    }
    exits.sort_by(|one, other| one.interface.cmp(&other.interface));
    Ok(exits)
}

fn exit(asked: &Asked, name: &str, link: &Link, row: Option<&WantedRow>) -> Exit {
    let mut exit = Exit::named(name.to_owned(), link.index);
    let settings = asked.view.context.config.link(name);
    let group = asked.query.group;
    let boundary = settings.iter().flat_map(|known| &known.boundaries);
    let mut boundary = boundary.filter(|boundary| Scope::contains(boundary.scope, group));
    exit.boundary = boundary
        .next()
        .map(|known| Boundary { scope: known.scope.to_string(), name: known.name.clone() });
    exit.ttl_threshold = settings.as_ref().map_or(1, |known| known.ttl_threshold);
    exit.trouble = asked.trouble(name);
    exit.mtu = link.device.map(|device| device.info.mtu);
    if let Some(row) = row {
        exit.add_library(row);
    }
    asked.view.context.shared.with(|state| {
        exit.igmp = link.index.map(|index| igmp(asked, state, (name, index), link));
        if let Some(index) = link.index {
            let refusals = state.igmp.refusals(index, group);
            exit.refusals = refusals.iter().map(refused).collect();
        }
        wants(asked, state, (&mut exit, row));
    });
    exit
}

// --- who wants the flow

fn wants(asked: &Asked, state: &State, (exit, row): (&mut Exit, Option<&WantedRow>)) {
    let flow = asked.flow();
    let name = exit.interface.clone();
    let config = asked.view.context.config;
    let mut add = |by, source, detail, expires_in_ms| {
        exit.wanted_by.push(Want { by, source, detail, expires_in_ms });
    };
    let hosts = exit.igmp.as_ref().and_then(|igmp| igmp.hosts.as_ref());
    if let Some(hosts) = hosts.filter(|hosts| hosts.source_wanted) {
        let source = (!hosts.all_except).then(|| flow.source());
        add(WantedBy::Hosts, source, None, hosts.expires_in_ms);
    }
    let matching = [flow, flow.shared()];
    let source_of = |flow: &Flow| flow.has_source().then(|| flow.source());
    let igmp = config.link(&name).and_then(|link| link.igmp);
    let role = role(config, &name);
    let configured = igmp.iter().flat_map(|igmp| {
        // What an upstream joins is only reported there.
        let joins = igmp.join.iter().filter(|_| role != Role::Upstream);
        igmp.static_memberships.iter().chain(joins)
    });
    for known in configured.filter(|known| matching.contains(known)) {
        add(WantedBy::Static, source_of(known), None, None);
    }
    let joins = state.joins.get(&name).into_iter().flatten();
    for known in joins.filter(|known| matching.contains(known)) {
        add(WantedBy::Join, source_of(known), None, None);
    }
    let link = exit.index;
    for route in config.routes.iter().filter(|route| shares::is_for(route, flow)) {
        let is_joined =
            route.is_exact() || link.is_some_and(|link| state.routes.wants(Join { link, flow }));
        if leads_to(route, &name) && is_joined {
            add(WantedBy::Route, Some(flow.source()), Some(shares::title(route)), None);
        }
    }
    // An upstream has memberships for flows that are sent up, beside static ones.
    let held = row.into_iter().flat_map(|row| &row.memberships);
    let is_raised = held.filter(|held| is_igmp(held.holder)).any(|held| held.source.is_some());
    if role == Role::Upstream && is_raised && exit.wanted_by.is_empty() {
        let by = WantedBy::ForwardUp;
        let source = Some(flow.source());
        exit.wanted_by.push(Want { by, source, detail: None, expires_in_ms: None });
    }
}

// --- IGMP

fn igmp(asked: &Asked, state: &State, (name, index): (&str, u32), link: &Link) -> IgmpShare {
    let role = role(asked.view.context.config, name);
    let Some(plan) = link.plan else {
        return IgmpShare { role: Some(role), ..IgmpShare::default() };
    };
    let status = state.igmp.status(index);
    let is_querier = status.is_some_and(|status| status.querier);
    let other_querier = status.and_then(|status| status.other_querier);
    let has_address = link.device.is_some_and(|device| !device.info.addresses.is_empty());
    let counters = state.igmp.counters(index);
    let dropped = OF_REPORTS.iter().filter_map(|why| {
        let count = counters.map_or(0, |counters| counters.dropped(*why));
        (count > 0).then(|| (why.name().to_owned(), count))
    });
    IgmpShare {
        role: Some(role),
        version: status.map_or(plan.igmp.version, |status| status.version),
        configured_version: plan.igmp.version,
        ssm: plan.igmp.is_ssm(asked.query.group),
        querier: is_querier,
        other_querier,
        has_address: has_address || plan.igmp.source.is_some(),
        passive: plan.igmp.passive,
        rests: role == Role::Downstream && !plan.igmp.forward_always && !is_querier,
        hides_reports: other_querier.is_some() && asked.view.interfaces.hides_reports(index),
        hosts: hosts(asked, state, index, plan.igmp.leave == LeaveMode::Tracked),
        dropped: dropped.collect(),
    }
}

fn hosts(asked: &Asked, state: &State, index: u32, tracked: bool) -> Option<HostsWant> {
    let group = asked.query.group;
    let before = Ipv4Addr::from(u32::from(group).saturating_sub(1));
    let known = state.igmp.group_states(index, Some(before)).next();
    let known: GroupStatus = known.filter(|known| known.group == group)?;
    // In mode exclude, sources with a timer are wanted.
    let listed = known.sources.iter().filter(|source| source.until.is_none() == known.exclude);
    let this = known.sources.iter().find(|source| source.source == asked.query.source);
    let source_wanted = match this {
        Some(source) => source.until.is_some(),
        None => known.exclude,
    };
    let until = if known.exclude { known.until } else { this.and_then(|source| source.until) };
    Some(HostsWant {
        source_wanted,
        all_except: known.exclude,
        sources: listed.map(|source| source.source).take(SOURCES).collect(),
        expires_in_ms: until.map(|until| until.since(now())),
        host_count: tracked.then_some(known.hosts.len() as u64),
    })
}

fn refused(refusal: &Refusal) -> RefusedReport {
    RefusedReport {
        why: match refusal.why {
            RefusalReason::Dropped(why) => why.name(),
            RefusalReason::MaxGroups => "max_groups",
            RefusalReason::MaxEntries => "max_entries",
            RefusalReason::MaxSources => "max_sources",
            RefusalReason::Rate => "rate",
            RefusalReason::DeniedSource => "denied_source",
        }
        .into(),
        host: refusal.host,
        age_ms: now().since(refusal.at),
        count: refusal.count.into(),
    }
}
