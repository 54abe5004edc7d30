//! The answer to `GET /v1/groups`.

use super::igmp::left;
use super::links::{all, chosen};
use super::View;
use crate::daemon::plan::Plan;
use crate::daemon::shared::now;
use crate::daemon::state::State;
use mgm_control::groups::{FilterMode, Group, Groups, Host, Source, StaticMembership};
use mgm_control::request::GroupsQuery;
use mgm_control::{Failure, PageBuilder};
use mgm_igmp::{GroupStatus, HostStatus, LeaveMode};
use mgm_types::Flow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The static memberships of the groups of an interface.
type Statics = BTreeMap<Ipv4Addr, Vec<StaticMembership>>;

/// A page of the groups.
pub fn page(view: &View, query: &GroupsQuery) -> Result<Groups, Failure> {
    let links = all(view);
    let after = query.page.after.as_ref();
    let mut page = PageBuilder::new(query.page.limit);
    'links: for (name, link) in chosen(&links, query.interface.as_ref(), None)? {
        let (Some(index), Some(plan)) = (link.index, link.plan) else { continue };
        let after = match after.map(|after| (name.cmp(after.interface.as_str()), after.group)) {
            Some((std::cmp::Ordering::Less, _)) => continue,
            Some((std::cmp::Ordering::Equal, group)) => Some(group),
            _ => None,
        };
        let full = view.context.shared.with(|state| {
            let one = ListedLink { name, index, plan, hosts: query.hosts };
            add(&one, state, (query.group, after), &mut page)
        });
        if full {
            break 'links;
        }
    }
    let (groups, more) = page.finish();
    let next = groups.last().filter(|_| more);
    let next = next.map(|last: &Group| format!("{}/{}", last.interface, last.group));
    Ok(Groups { groups, next })
}

/// An interface whose groups are listed.
struct ListedLink<'a> {
    name: &'a str,
    index: u32,
    plan: &'a Plan,
    hosts: bool,
}

/// Adds groups of one interface to the page: only the group `only`, or those after the group
/// `after`. Returns whether the page is full.
fn add(
    link: &ListedLink,
    state: &State,
    (only, after): (Option<Ipv4Addr>, Option<Ipv4Addr>),
    page: &mut PageBuilder<Group>,
) -> bool {
    let is_asked = |group: Ipv4Addr| {
        only.is_none_or(|only| only == group) && after.is_none_or(|after| group > after)
    };
    let mut statics = statics(link, state);
    statics.retain(|group, _| is_asked(*group));
    // To find one group, start after the address before it.
    let before = only.map(|only| Ipv4Addr::from(u32::from(only).saturating_sub(1)));
    let learned = state.igmp.group_states(link.index, before.max(after));
    let learned = learned.take_while(|known| only.is_none_or(|only| known.group <= only));
    for known in learned.filter(|known| is_asked(known.group)) {
        // Static memberships of groups that no host wants come in between.
        let later = statics.split_off(&known.group);
        let earlier = std::mem::replace(&mut statics, later);
        if earlier.into_iter().any(|(group, list)| !push(page, alone(link, group, list))) {
            return true;
        }
        let list = statics.remove(&known.group).unwrap_or_default();
        if !push(page, learned_group(link, &known, list)) {
            return true;
        }
    }
    statics.into_iter().any(|(group, list)| !push(page, alone(link, group, list)))
}

fn push(page: &mut PageBuilder<Group>, group: Group) -> bool {
    let parts = group.parts();
    page.push(group, parts)
}

fn statics(link: &ListedLink, state: &State) -> Statics {
    let mut statics = Statics::new();
    let igmp = &link.plan.igmp;
    let configured: BTreeSet<Flow> =
        igmp.static_memberships.iter().chain(&igmp.join).copied().collect();
    let added = state.joins.get(link.name).into_iter().flatten();
    let added: BTreeSet<Flow> = added.filter(|flow| !configured.contains(flow)).copied().collect();
    for (flows, until_restart) in [(configured, false), (added, true)] {
        for flow in flows {
            let source = flow.has_source().then(|| flow.source());
            let membership = StaticMembership { source, until_restart };
            statics.entry(flow.group()).or_default().push(membership);
        }
    }
    statics
}

/// A group that no host wants.
fn alone(link: &ListedLink, group: Ipv4Addr, static_memberships: Vec<StaticMembership>) -> Group {
    Group {
        interface: link.name.to_owned(),
        index: link.index,
        group,
        mode: FilterMode::Include,
        expires_in_ms: None,
        sources: Vec::new(),
        static_memberships,
        v1_host_present_ms: None,
        v2_host_present_ms: None,
        hosts_known: None,
        host_count: None,
        hosts: None,
    }
}

fn learned_group(
    link: &ListedLink,
    known: &GroupStatus,
    static_memberships: Vec<StaticMembership>,
) -> Group {
    let tracked = link.plan.igmp.leave == LeaveMode::Tracked;
    let sources = known.sources.iter().map(|source| Source {
        source: source.source,
        forwarded: source.until.is_some(),
        expires_in_ms: source.until.map(|until| until.since(now())),
    });
    Group {
        mode: mode(known.exclude),
        expires_in_ms: known.until.map(|until| until.since(now())),
        sources: sources.collect(),
        v1_host_present_ms: left(known.v1_until),
        v2_host_present_ms: left(known.v2_until),
        hosts_known: tracked.then(|| left(known.unknown_until).is_none()),
        host_count: tracked.then_some(known.hosts.len() as u64),
        hosts: (tracked && link.hosts).then(|| known.hosts.iter().map(host).collect()),
        ..alone(link, known.group, static_memberships)
    }
}

fn host(known: &HostStatus) -> Host {
    Host {
        host: known.host,
        mode: mode(known.exclude),
        sources: known.sources.clone(),
        expires_in_ms: known.until.since(now()),
    }
}

fn mode(exclude: bool) -> FilterMode {
    if exclude {
        FilterMode::Exclude
    } else {
        FilterMode::Include
    }
}
