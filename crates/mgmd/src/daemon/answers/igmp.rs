//! The answer to `GET /v1/igmp`.

use super::links::{all, chosen, key, role, Link};
use super::View;
use crate::daemon::shared::now;
use mgm_control::igmp::{IgmpCounters, IgmpLink, IgmpLinks, Querier, Timers};
use mgm_control::interfaces::Role;
use mgm_control::request::InterfacesQuery;
use mgm_control::{Failure, PageBuilder};
use mgm_igmp::{Counters, DropReason, LeaveMode, LinkConfig, LinkStatus};
use mgm_types::Time;

/// A page of the links that have IGMP.
pub fn page(view: &View, query: &InterfacesQuery) -> Result<IgmpLinks, Failure> {
    let links = all(view);
    let mut page = PageBuilder::new(query.page.limit);
    for (name, link) in chosen(&links, query.interface.as_ref(), query.page.after.as_ref())? {
        let config = view.context.config.link(name).and_then(|link| link.igmp);
        if let Some(config) = config {
            if !page.push(igmp(view, name, link, &config), 1) {
                break;
            }
        }
    }
    let (links, more) = page.finish();
    let next = links.last().filter(|_| more).and_then(|last: &IgmpLink| key(&last.interface));
    Ok(IgmpLinks { links, next })
}

fn igmp(view: &View, name: &str, link: &Link, config: &LinkConfig) -> IgmpLink {
    let role = role(view.context.config, name);
    view.context.shared.with(|state| {
        let status = link.index.and_then(|index| state.igmp.status(index));
        let counters = link.index.and_then(|index| state.igmp.counters(index));
        let own = link.index.and_then(|index| state.igmp.querier_address(index));
        let querier = status.filter(|_| role != Role::Upstream).and_then(|s| querier(&s, own));
        IgmpLink {
            interface: name.to_owned(),
            index: link.index,
            state: link.state(),
            role,
            version: status.map_or(config.version, |status| status.version),
            configured_version: config.version,
            querier,
            timers: timers(config),
            leave: match config.leave {
                LeaveMode::Query => "query",
                LeaveMode::Immediate => "immediate",
                LeaveMode::Tracked => "tracked",
            }
            .into(),
            groups: status.map_or(0, |status| status.groups as u64),
            max_groups: config.max_groups,
            memberships_in_library: status.is_some_and(|status| status.told),
            counters: counters.map(counted).unwrap_or_default(),
        }
    })
}

/// The milliseconds until a time; `None` if it has passed.
pub fn left(until: Time) -> Option<u64> {
    Some(until.since(now())).filter(|left| *left > 0)
}

fn querier(status: &LinkStatus, own: Option<std::net::Ipv4Addr>) -> Option<Querier> {
    let election = status.election?;
    Some(Querier {
        own: status.querier,
        address: if status.querier { own } else { status.other_querier },
        since_ms: now().since(election.since),
        other_expires_in_ms: election.other_until.and_then(left),
        v1_querier_present_ms: election.v1_until.and_then(left),
    })
}

fn timers(config: &LinkConfig) -> Timers {
    let intervals = config.intervals();
    Timers {
        robustness: config.robustness,
        query_interval_ms: config.query_interval.into(),
        query_response_interval_ms: config.query_response_interval.into(),
        last_member_query_interval_ms: config.last_member_query_interval.into(),
        last_member_query_count: config.last_member_count(),
        startup_query_interval_ms: config.startup_interval().into(),
        startup_query_count: config.startup_count(),
        group_membership_interval_ms: intervals.group_membership,
        other_querier_present_interval_ms: intervals.other_querier_present,
        older_host_present_interval_ms: intervals.older_host_present,
    }
}

fn counted(known: &Counters) -> IgmpCounters {
    let dropped = DropReason::ALL.iter();
    IgmpCounters {
        received: known.received,
        accepted: known.accepted,
        dropped: dropped.map(|why| (why.name().to_owned(), known.dropped(*why))).collect(),
        long_messages: known.long_messages,
        without_router_alert: known.without_router_alert,
        general_queries: known.general_queries,
        specific_queries: known.specific_queries,
        wrong_version_queries: known.wrong_version_queries,
        reports: known.reports,
        leaves: known.leaves,
        unknown_records: known.unknown_records,
        sources_removed: known.sources_removed,
        groups_added: known.groups_added,
        groups_refused: known.groups_refused,
        sources_refused: known.sources_refused,
        creations_limited: known.creations_limited,
        queries_limited: known.queries_limited,
        tracking_ended: known.tracking_ended,
        exclusions_not_applied: known.exclusions_not_applied,
        flows_not_sent_up: known.flows_not_sent_up,
        queries_sent: known.queries_sent,
        reports_sent: known.reports_sent,
        send_failures: known.send_failures,
        packets_lost: known.packets_lost,
        mgm_refusals: known.mgm_refusals,
    }
}
