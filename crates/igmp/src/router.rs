//! The router side of a link (RFC 9776, section 6): one querier, and what the hosts want.

mod admission;
mod compact;
mod group;
mod groups;
mod policy;
mod querier;
mod queries;
mod records;
mod room;
mod tracking;
mod transitions;
mod version;
mod view;

pub use tracking::HostStatus;
pub use view::{GroupStatus, SourceStatus};

use crate::codec::{Message, Query, QueryBody};
use crate::counters::DropReason;
use crate::filter::Filter;
use crate::link_base::LinkBase;
use crate::memberships::{Changed, Desired, Memberships};
use crate::receive::Received;
use crate::step::Step;
use crate::NEVER;
use group::Group;
use groups::Groups;
use mgm_types::{Rate, Time, TokenBucket};
use querier::Querier;
use queries::Asker;
use std::net::Ipv4Addr;
use transitions::Scope;

/// The parts of a link that a step of its router works on.
pub(crate) struct Context<'c, 's> {
    pub base: &'c mut LinkBase,
    pub memberships: &'c mut Memberships,
    pub step: &'c mut Step<'s>,
}

/// New groups and sources of a link: a thousand in a second, two thousand at once (I76).
const CREATIONS: Rate = Rate { per_second: 1_000, burst: 2_000 };
/// Sequences of specific queries of a link: two hundred in a second, four hundred at once (I76).
const SEQUENCES: Rate = Rate { per_second: 200, burst: 400 };

/// Since when a link has its querier, and until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuerierStatus {
    /// When this router, or the other one, became the querier.
    pub since: Time,
    /// When the other router counts as gone, if it does not query again.
    pub other_until: Option<Time>,
    /// When a v1 querier counts as gone, if there is one.
    pub v1_until: Option<Time>,
}

/// The router side of a link that is up.
#[derive(Debug)]
pub(crate) struct RouterSide {
    querier: Querier,
    groups: Groups,
    creations: TokenBucket,
    sequences: TokenBucket,
    /// Until then, hosts that have not been noted may want any group (G49).
    unknown_until: Time,
}

impl RouterSide {
    pub fn new(base: &LinkBase, now: Time) -> RouterSide {
        RouterSide {
            querier: Querier::new(),
            groups: Groups::default(),
            creations: TokenBucket::full(CREATIONS, now),
            sequences: TokenBucket::full(SEQUENCES, now),
            // Until then, there may be hosts whose reports no router has received.
            unknown_until: Time(now.0 + base.config.intervals().group_membership),
        }
    }

    /// The addresses or the configuration of the link may have changed (I19, I27).
    pub fn address_changed(
        &mut self,
        former: Option<Ipv4Addr>,
        base: &mut LinkBase,
        step: &mut Step,
    ) {
        self.querier.address_changed(former, base, step);
    }

    /// Whether this router is the querier of the link.
    pub fn is_querier(&self) -> bool {
        self.querier.is_active()
    }

    /// The other router that is the querier.
    pub fn other_querier(&self) -> Option<Ipv4Addr> {
        self.querier.elected()
    }

    /// Who queries, and since and until when.
    pub fn querier(&self, now: Time) -> QuerierStatus {
        QuerierStatus {
            since: self.querier.changed(),
            other_until: self.querier.elected_until(),
            v1_until: self.querier.v1_until(now),
        }
    }

    /// The version of the link: 1, 2 or 3.
    pub fn version(&self, base: &LinkBase, now: Time) -> u8 {
        self.querier.version(&base.config, now)
    }

    /// What the hosts of the link want of a group.
    pub fn filter(&self, group: Ipv4Addr) -> Filter {
        self.groups.get(group).map(Group::filter).unwrap_or_default()
    }

    /// The groups that hosts want, in ascending order.
    pub fn groups(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.groups.iter().map(|(address, _)| address)
    }

    /// How many groups hosts want.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// What the hosts of the link and its configuration want of a group, for a proxy to merge.
    /// `is_ssm` if the group is in the SSM range of the upstream.
    pub fn reception(&self, base: &LinkBase, group: Ipv4Addr, is_ssm: bool) -> Filter {
        self.filter(group).reportable(is_ssm).merge(base.static_filter(group, is_ssm))
    }

    /// Groups and sources that have a record.
    pub fn entries(&self) -> u32 {
        self.groups.iter().map(|(_, group)| 1 + group.sources.len() as u32).sum()
    }

    /// The earliest deadline.
    pub fn deadline(&self) -> Time {
        let groups = self.groups.first().map_or(NEVER, |(deadline, _)| deadline);
        groups.min(self.querier.deadline())
    }

    /// Runs what is due at `at`, the earliest deadline.
    pub fn run(&mut self, at: Time, context: &mut Context) {
        if self.querier.deadline() <= at {
            self.querier.run(at, context.base, context.step);
        }
        while let Some((_, group)) = self.groups.first().filter(|(deadline, _)| *deadline <= at) {
            self.run_group(at, group, context);
        }
    }

    /// The timers of one group that are due at `at` (I34).
    fn run_group(&mut self, at: Time, address: Ipv4Addr, context: &mut Context) {
        if self.groups.get(address).is_some_and(|group| group.earliest() > at) {
            return self.groups.settle(address);
        }
        let version = self.version(context.base, context.step.now);
        let Some(group) = self.groups.get_mut(address) else { return };
        let due = group.due(at);
        let changes_mode = group.exclude && group.timer <= at;
        let scope = if changes_mode { Scope::All } else { Scope::Listed(&due) };
        let before = Snapshot::of(Some(&*group), address, scope, context);
        *context.step.entries -= expire(group, at);
        if !group.is_empty() {
            let (base, step) = (&mut *context.base, &mut *context.step);
            Asker { address, version, base, step }.repeat(group, at);
        }
        self.groups.settle(address);
        self.finish(&before, context);
    }

    /// A packet that passed the checks of both sides.
    pub fn received(&mut self, received: &Received, context: &mut Context) {
        match &received.message {
            Message::Query(query) => {
                if let Err(reason) = self.query(received, query, context) {
                    context.base.drop(reason);
                }
            }
            _ => self.reported(received, context),
        }
    }

    /// I11, I15, I22, I26, I28, G47.
    fn query(
        &mut self,
        received: &Received,
        query: &Query,
        context: &mut Context,
    ) -> Result<(), DropReason> {
        let source = received.source;
        if source.is_unspecified() {
            return Err(DropReason::QueryFromZero);
        }
        if received.unicast_frame {
            return Err(DropReason::UnicastFrame);
        }
        received.check_query(query, false)?;
        querier::check_allowed(source, context.base, context.step)?;
        querier::check_response(source, query, context.base, context.step)?;
        if query.is_general() {
            context.base.counters.general_queries += 1;
            self.querier.heard(source, query, context.base, context.step);
        } else {
            context.base.counters.specific_queries += 1;
            self.lower(source, query, context);
        }
        Ok(())
    }

    /// A specific query of the elected querier lowers timers here, too (I26).
    fn lower(&mut self, source: Ipv4Addr, query: &Query, context: &mut Context) {
        if self.is_querier() || self.other_querier() != Some(source) {
            return;
        }
        let config = &context.base.config;
        let (response, sources) = match query.body {
            QueryBody::V3 { suppress: true, .. } | QueryBody::V1 => return,
            QueryBody::V2 => (query.max_response, None),
            // Not before the hosts have answered (G48).
            QueryBody::V3 { sources, .. } => (
                query.max_response.max(config.last_member_query_interval),
                Some(sources).filter(|sources| !sources.is_empty()),
            ),
        };
        let time = u64::from(config.last_member_count()) * u64::from(response);
        let end = Time(context.step.now.0 + time);
        let Some(group) = self.groups.get_mut(query.group) else { return };
        match sources {
            None => group.timer = group.timer.min(end),
            Some(sources) => {
                for source in sources.iter() {
                    group.lower_source(source, end);
                }
            }
        }
        self.groups.settle(query.group);
    }

    /// The memberships that the library should have of a group.
    pub fn desired(&self, group: Ipv4Addr, base: &LinkBase) -> Desired {
        Desired::of(self.filter(group), base.statics_of(group))
    }

    /// Ends a step that may have changed a group: deletes the record if nothing is left of it, and
    /// reports what changed. The caller has set the deadline.
    fn finish(&mut self, before: &Snapshot, context: &mut Context) {
        let group = before.group;
        if self.groups.get(group).is_some_and(Group::is_empty) {
            let sources = self.groups.remove(group).unwrap_or(0);
            *context.step.entries -= 1 + sources as u32;
        }
        let after = Snapshot::of(self.groups.get(group), group, before.scope, context);
        let changed = Changed { group, before: &before.desired, after: &after.desired };
        context.memberships.changed(changed, context.base, context.step);
    }
}

/// The memberships that the library should have of a group, before or after a step that may change
/// them.
struct Snapshot<'a> {
    group: Ipv4Addr,
    /// What the step may change. The rest is left out.
    scope: Scope<'a>,
    desired: Desired,
}

impl<'a> Snapshot<'a> {
    fn of(record: Option<&Group>, group: Ipv4Addr, scope: Scope<'a>, context: &Context) -> Self {
        let hosts = record.map(|record| match scope {
            Scope::All => record.filter(),
            Scope::Listed(sources) => record.filter_of(sources),
        });
        let statics = context.base.statics_of(group);
        Snapshot { group, scope, desired: Desired::of(hosts.unwrap_or_default(), statics) }
    }
}

/// Ends what is over at `at`: sources first, then the group timer. Returns how many sources went.
fn expire(group: &mut Group, at: Time) -> u32 {
    let mut gone = 0;
    if group.exclude {
        for source in &mut group.sources {
            if source.timer().is_some_and(|timer| timer <= at) {
                source.stop();
            }
        }
        if group.timer <= at {
            gone = group.leave_exclude();
        }
    } else {
        gone = group.retain(|source| source.timer().is_some_and(|timer| timer > at));
    }
    gone
}
