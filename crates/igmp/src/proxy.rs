//! The proxy (RFC 4605): reports on the upstreams what the hosts of the downstreams want.
//!
//! ```text
//!   downstream routers ─┐
//!   other components ───┼─► Proxy::wanted(link, group) ──► Link::want ──► reports
//!   join ───────────────┘
//! ```

mod others;
mod questions;
mod raised;
mod routes;

use crate::config::{check_upstreams, ProxyUpstream, Role};
use crate::filter::Filter;
use crate::link::Link;
use crate::log_event::{LogEvent, Warnings};
use crate::router::RouterSide;
use crate::step::Step;
use crate::{Code, MgmCall};
use mgm_types::{Flow, Prefix, Time};
use others::{Effect, Others};
use questions::Accepted;
use raised::{Moved, Raised};
use routes::Routes;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

pub(crate) use questions::Question;

/// The link index in a log line that is about all links.
const NO_LINK: u32 = 0;

/// The links of a router, by index.
pub(crate) type Links = BTreeMap<u32, Link>;

/// The upstreams of all proxies together.
#[derive(Debug, Default)]
pub(crate) struct Proxy {
    upstreams: Vec<ProxyUpstream>,
    /// The link that each upstream uses now, in the order of the upstreams.
    serving: Vec<Option<u32>>,
    others: Others,
    raised: Raised,
    accepted: Accepted,
    routes: Routes,
    /// Groups of which another component's membership changed.
    changed: BTreeSet<Ipv4Addr>,
    /// Whether all groups have to be checked, not only those
    /// in `changed`.
    stale: bool,
    /// Whether the program is about to end, and all groups
    /// were left.
    stopped: bool,
    warnings: Warnings,
}

impl Proxy {
    /// Applies a configuration, unless it is invalid.
    pub fn configure(&mut self, upstreams: Vec<ProxyUpstream>, step: &mut Step) {
        match check_upstreams(&upstreams) {
            Ok(()) => {
                self.accepted.upstreams_changed(&upstreams);
                self.serving = vec![None; upstreams.len()];
                self.upstreams = upstreams;
                self.stale = true;
            }
            Err(error) => self.log(NO_LINK, LogEvent::ProxyRefused(error), step),
        }
    }

    /// Notes that links, or their configuration, have changed.
    pub fn links_changed(&mut self) {
        self.stale = true;
    }

    /// Handles an alert: another component wants a flow, or no longer wants
    /// it (I54).
    pub fn other_wants(&mut self, flow: Flow, wanted: bool, step: &mut Step) {
        if flow == Flow::WILDCARD {
            if wanted {
                self.log(NO_LINK, LogEvent::WildcardNotReported, step);
            } else {
                self.others.end_shared();
                self.stale = true;
            }
            return;
        }
        let effect = match wanted {
            true => self.others.add(flow, step.settings.max_entries as usize),
            false => self.others.remove(flow),
        };
        match effect {
            Effect::Changed => {
                self.changed.insert(flow.group());
            }
            Effect::Refused => self.log(NO_LINK, LogEvent::OthersLimit(flow), step),
            Effect::Unchanged => {}
        }
    }

    /// How many memberships of other components were refused at the limit (G45).
    pub fn others_refused(&self) -> u64 {
        self.others.refused()
    }

    /// Adds the memberships that other components had before this one registered. Those with a
    /// source are left out: when this component takes an upstream, the library announces those
    /// that it has to report there (G37).
    pub fn found(&mut self, flows: &[Flow], step: &mut Step) {
        for flow in flows.iter().filter(|flow| !flow.has_source()) {
            self.other_wants(*flow, true, step);
        }
    }

    /// When [`Proxy::run`] is due.
    pub fn deadline(&self) -> Time {
        self.raised.deadline().min(self.accepted.deadline()).min(self.routes.deadline())
    }

    /// Runs what is due at `at`.
    pub fn run(&mut self, at: Time, links: &mut Links, step: &mut Step) {
        for (flow, link) in self.raised.expire(at) {
            raise(links, link, flow, false, step);
        }
        self.accepted.expire(at);
        self.stale |= self.routes.retry_is_due(at);
    }

    /// Ends a step: passes the changes of downstreams and other components
    /// to the upstreams.
    pub fn settle(&mut self, links: &mut Links, step: &mut Step) {
        let mut changed = std::mem::take(&mut self.changed);
        changed.extend(step.changed.drain(..).map(|(_, group)| group));
        if self.stopped {
            return;
        }
        let serving = self.choose(links);
        if std::mem::take(&mut self.stale) || serving != self.serving {
            self.serving = serving;
            changed = self.all_groups(links);
            self.move_flows(links, step);
        }
        if changed.is_empty() {
            return;
        }
        let hosts: Vec<u32> = links
            .iter()
            .filter(|(_, link)| link.host().is_some())
            .map(|(index, _)| *index)
            .collect();
        for index in hosts {
            for group in &changed {
                let wanted = self.wanted(index, *group, links);
                if let Some(link) = links.get_mut(&index) {
                    link.want(*group, wanted);
                }
            }
            if let Some(link) = links.get_mut(&index) {
                link.flush(step);
            }
        }
    }

    /// Chooses the link that each upstream uses: the first one that can send, otherwise the first
    /// one that exists.
    fn choose(&self, links: &Links) -> Vec<Option<u32>> {
        let choose = |upstream: &ProxyUpstream| {
            let mut exist = upstream.links.iter().copied().filter(|link| is_upstream(links, *link));
            exist.clone().find(|link| is_served(links, *link)).or_else(|| exist.next())
        };
        self.upstreams.iter().map(choose).collect()
    }

    /// Moves routes, flows and MFEs after upstreams, or the links that they use, have changed.
    fn move_flows(&mut self, links: &mut Links, step: &mut Step) {
        let routes = self.wanted_routes();
        self.routes.settle(routes, step);
        let mut raised = std::mem::take(&mut self.raised);
        let moved = raised.replan(|flow, from| self.way_up(flow, from, links));
        self.raised = raised;
        for Moved { flow, from, to } in moved {
            // The new membership first, so that no packet is lost.
            raise(links, to, flow, true, step);
            raise(links, from, flow, false, step);
        }
        self.accepted.follow(&self.serving, step);
    }

    /// All groups that an upstream may have to report.
    fn all_groups(&self, links: &Links) -> BTreeSet<Ipv4Addr> {
        let mut groups: BTreeSet<Ipv4Addr> = self.others.groups().collect();
        for link in links.values() {
            groups.extend(link.host().into_iter().flat_map(|host| host.groups()));
            groups.extend(link.base.config.join.iter().map(|flow| flow.group()));
            if link.base.config.role == Role::Downstream {
                groups.extend(link.router().into_iter().flat_map(RouterSide::groups));
                groups.extend(link.base.statics().iter().map(|flow| flow.group()));
            }
        }
        groups
    }

    /// The database of a link for one group: the union of the memberships that belong to
    /// the upstreams of this link (I54).
    fn wanted(&self, link: u32, group: Ipv4Addr, links: &Links) -> Filter {
        let mut wanted = Filter::default();
        if Flow::any_source(group).is_link_local() {
            return wanted;
        }
        // In the SSM range, a (*,g) is left out before the merge, because it would remove the
        // sources of the others.
        let is_ssm = links.get(&link).is_some_and(|link| link.base.config.is_ssm(group));
        for (n, upstream) in self.upstreams.iter().enumerate() {
            if self.serving[n] != Some(link) || !upstream.groups.permits(group) {
                continue;
            }
            for downstream in &upstream.downstreams {
                let reception = reception(links, *downstream, group, is_ssm);
                wanted = wanted.merge(self.share(n, reception, group, Some(*downstream)));
            }
            let others = self.others.filter(group, is_ssm);
            wanted = wanted.merge(self.share(n, others, group, None));
        }
        wanted
    }

    /// The part of a filter that belongs to upstream number `n`. A source belongs to the first
    /// matching upstream of its downstream (I60).
    fn share(&self, n: usize, mut filter: Filter, group: Ipv4Addr, from: Option<u32>) -> Filter {
        if !filter.exclude {
            filter.sources.retain(|source| self.first_for(*source, group, from) == Some(n));
        }
        filter
    }

    /// The first upstream that matches a source and a group, for one of its downstreams.
    fn first_for(&self, source: Ipv4Addr, group: Ipv4Addr, from: Option<u32>) -> Option<usize> {
        self.upstreams.iter().position(|upstream| {
            from.is_none_or(|link| upstream.downstreams.contains(&link))
                && upstream.groups.permits(group)
                && upstream.has_source(source)
        })
    }

    /// The upstream to which a flow from this downstream is sent up now (I58). `None` if no
    /// upstream has its group; `Some(None)` if none that has it can be used now.
    fn way_up(&self, flow: Flow, from: u32, links: &Links) -> Option<Option<u32>> {
        let group = flow.group();
        let is_for = |upstream: &ProxyUpstream| {
            upstream.downstreams.contains(&from)
                && upstream.groups.permits(group)
                && upstream.forward_up.permits(group)
        };
        let ways =
            self.upstreams.iter().zip(&self.serving).filter(|(upstream, _)| is_for(upstream));
        let mut ways = ways.map(|(_, link)| link.filter(|link| is_served(links, *link))).peekable();
        ways.peek()?;
        Some(ways.flatten().next())
    }

    /// The host routes: one for each network that only one upstream names (I59).
    fn wanted_routes(&self) -> BTreeMap<Prefix, u32> {
        // The upstreams that name each network.
        let mut named: BTreeMap<Prefix, BTreeSet<usize>> = BTreeMap::new();
        for (n, upstream) in self.upstreams.iter().enumerate() {
            for network in upstream.sources.iter().flatten() {
                named.entry(*network).or_default().insert(n);
            }
        }
        let alone = named.into_iter().filter(|(_, upstreams)| upstreams.len() == 1);
        alone.filter_map(|(network, by)| Some((network, self.serving[*by.first()?]?))).collect()
    }

    /// Handles the refusal of a call that is not about a membership.
    pub fn refused(&mut self, call: MgmCall, code: Code, step: &mut Step) {
        match call {
            MgmCall::AddRoute { network, link } => {
                self.routes.refused(network, step.now);
                self.log(link, LogEvent::RouteRefused { network, code }, step);
            }
            // The MFE no longer exists. At its next packet, the library asks
            // again.
            MgmCall::SetMfe { flow, .. } => self.accepted.forget(flow),
            _ => {}
        }
    }

    /// Logs a line that is not about a configured link, unless a line of the same kind was
    /// logged within the last minute.
    pub fn log(&mut self, link: u32, event: LogEvent, step: &mut Step) {
        step.log(&mut self.warnings, link, event);
    }

    /// Leaves all groups, and deletes the host routes (I62).
    pub fn stop(&mut self, links: &mut Links, step: &mut Step) {
        self.stopped = true;
        for link in links.values_mut() {
            link.stop(step);
        }
        self.routes.settle(BTreeMap::new(), step);
    }
}

/// The sources of a group that the hosts of a downstream want, as an upstream reports them.
/// `is_ssm`: whether the group is in the SSM range of the upstream.
fn reception(links: &Links, link: u32, group: Ipv4Addr, is_ssm: bool) -> Filter {
    let link = links.get(&link).filter(|link| link.base.config.role == Role::Downstream);
    let router = link.and_then(|link| Some((link, link.router()?)));
    router.map(|(link, router)| router.reception(&link.base, group, is_ssm)).unwrap_or_default()
}

fn is_upstream(links: &Links, link: u32) -> bool {
    links.get(&link).is_some_and(Link::is_upstream)
}

fn is_served(links: &Links, link: u32) -> bool {
    links.get(&link).and_then(Link::host).is_some_and(|host| host.is_served())
}

fn raise(links: &mut Links, link: Option<u32>, flow: Flow, raised: bool, step: &mut Step) {
    if let Some(link) = link.and_then(|link| links.get_mut(&link)) {
        link.raise(flow, raised, step);
    }
}
