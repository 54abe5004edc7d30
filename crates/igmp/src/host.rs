//! The host side of a link (RFC 9776, section 5): reports what the proxy, or `join`, wants there.
//!
//! The caller sets what is wanted of each group with [`HostSide::set`], as often as it likes, and ends the step
//! with [`HostSide::flush`], which sends the first report of all changes together. The repetitions
//! and the answers to queries follow by timer.

mod answers;
mod group;
mod older;
mod pack;
mod reports;
mod sweep;

#[cfg(test)]
mod tests;

use crate::codec::{self, Message, Query, QueryBody};
use crate::config::{LinkConfig, Role};
use crate::counters::DropReason;
use crate::event::LinkAddress;
use crate::filter::Filter;
use crate::link_base::LinkBase;
use crate::receive::Received;
use crate::step::Step;
use crate::NEVER;
use answers::Answers;
use group::HostGroup;
use mgm_types::Time;
use older::HostCompatibility;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use sweep::Sweep;

/// The host side of a link.
#[derive(Debug)]
pub(crate) struct HostSide {
    groups: BTreeMap<Ipv4Addr, HostGroup>,
    /// Groups with a change whose first report is due in this step.
    fresh: BTreeSet<Ipv4Addr>,
    /// Groups with reports to be repeated.
    repeating: BTreeSet<Ipv4Addr>,
    /// When they are repeated.
    repeat_at: Time,
    /// The answer to General Queries.
    sweep: Sweep,
    /// The answers to specific queries.
    answers: Answers,
    older: HostCompatibility,
    /// The version in which this host speaks.
    version: u8,
    /// The address that reports come from; `None` while nothing can be sent.
    source: Option<Ipv4Addr>,
}

impl HostSide {
    /// A host that wants nothing. It sends nothing before [`HostSide::adapt`].
    pub fn new(config: &LinkConfig) -> HostSide {
        HostSide {
            groups: BTreeMap::new(),
            fresh: BTreeSet::new(),
            repeating: BTreeSet::new(),
            repeat_at: NEVER,
            sweep: Sweep::default(),
            answers: Answers::default(),
            older: HostCompatibility::default(),
            version: config.version,
            source: None,
        }
    }

    /// Whether reports can be sent: the link is up, and an upstream has an address (I62).
    pub fn is_served(&self) -> bool {
        self.source.is_some()
    }

    /// The version in which this host speaks: 1, 2 or 3.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The groups of which something is wanted, in ascending order.
    pub fn groups(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        let wanted = self.groups.iter().filter(|(_, group)| !group.wanted.is_nothing());
        wanted.map(|(address, _)| *address)
    }

    /// What is wanted of a group.
    pub fn wanted(&self, group: Ipv4Addr) -> Filter {
        self.groups.get(&group).map(|group| group.wanted.clone()).unwrap_or_default()
    }

    /// Sets what is wanted of a group from now on.
    pub fn set(&mut self, address: Ipv4Addr, wanted: Filter, config: &LinkConfig) {
        let group = self.groups.entry(address).or_default();
        if group.wanted != wanted {
            if self.source.is_some() {
                group.changes_to(&wanted, self.version, config.robustness);
                self.fresh.insert(address);
            }
            group.wanted = wanted;
        }
        if self.source.is_none() || !self.fresh.contains(&address) {
            self.forget_if_idle(address);
        }
    }

    /// Sends the first reports of what has changed in this step (I55).
    pub fn flush(&mut self, base: &mut LinkBase, step: &mut Step) {
        if self.fresh.is_empty() {
            return;
        }
        let fresh = std::mem::take(&mut self.fresh);
        self.report_changes(fresh, base, step);
        if self.repeat_at == NEVER {
            self.schedule_repetition(base, step);
        }
    }

    /// The link, its addresses or its configuration may have changed (I62).
    pub fn adapt(&mut self, base: &mut LinkBase, step: &mut Step) {
        let source = source_of(base);
        if !base.info.up {
            // The next network behind this link may have other queriers.
            self.older = HostCompatibility::default();
        }
        let version = self.older.version(&base.config, step.now);
        if source == self.source && version == self.version {
            return;
        }
        self.source = source;
        self.version = version;
        self.announce(base, step);
    }

    /// Reports everything as if nothing had been reported yet.
    fn announce(&mut self, base: &mut LinkBase, step: &mut Step) {
        self.cancel();
        if self.source.is_none() {
            return;
        }
        for (address, group) in &mut self.groups {
            group.begin(self.version, base.config.robustness);
            self.fresh.insert(*address);
        }
        self.flush(base, step);
    }

    /// Drops all reports that are to be repeated and all pending answers.
    fn cancel(&mut self) {
        self.fresh.clear();
        self.repeating.clear();
        self.repeat_at = NEVER;
        self.sweep = Sweep::default();
        self.answers = Answers::default();
        self.groups.retain(|_, group| {
            group.cancel();
            !group.wanted.is_nothing()
        });
    }

    /// Leaves all groups, with one message for each packetful and no repetition (I62).
    pub fn stop(&mut self, base: &mut LinkBase, step: &mut Step) {
        self.cancel();
        let all: Vec<Ipv4Addr> = self.groups.keys().copied().collect();
        for group in all {
            self.set(group, Filter::default(), &base.config);
        }
        self.flush(base, step);
        self.cancel();
    }

    /// The earliest deadline.
    pub fn deadline(&self) -> Time {
        let older = self.older.deadline();
        self.repeat_at.min(self.sweep.deadline()).min(self.answers.deadline()).min(older)
    }

    /// Runs what is due at `at`, the earliest deadline.
    pub fn run(&mut self, at: Time, base: &mut LinkBase, step: &mut Step) {
        if self.older.deadline() <= at {
            self.older.expire(at);
            self.adapt(base, step);
        }
        if self.repeat_at <= at {
            let repeating = std::mem::take(&mut self.repeating);
            self.report_changes(repeating, base, step);
            self.schedule_repetition(base, step);
        }
        while let Some(group) = self.answers.due(at) {
            self.answer(group, base, step);
        }
        if self.sweep.deadline() <= at {
            self.sweep(base, step);
        }
    }

    /// A packet that passed the checks of both sides.
    pub fn received(&mut self, received: &Received, base: &mut LinkBase, step: &mut Step) {
        let result = match &received.message {
            Message::Query(query) => check_query(received, query, base).map(|()| {
                count_query(query, base);
                self.asked(query, base, step);
            }),
            Message::ReportV1(group) | Message::ReportV2(group) => {
                self.heard_report(*group, step.now);
                Ok(())
            }
            Message::ReportV3(_) | Message::Leave(_) => Ok(()),
        };
        if let (Err(reason), true) = (result, counts(base)) {
            base.drop(reason);
        }
    }

    /// A query, of another router or of this one, wants an answer (I63, I64).
    pub fn asked(&mut self, query: &Query, base: &mut LinkBase, step: &mut Step) {
        if query.is_general() {
            // Also without an address: one may come before the next query.
            self.older.heard(query, &base.config, step.now);
        }
        if self.source.is_none() {
            return;
        }
        if query.is_general() {
            let version = self.older.version(&base.config, step.now);
            if version != self.version {
                self.version = version;
                self.cancel();
            }
            return self.sweep.asked(self.groups.len(), response_time(query), step);
        }
        let sources = match query.body {
            QueryBody::V3 { sources, .. } if self.version == 3 => sources,
            _ => codec::SourceList::default(),
        };
        let Some(group) = self.groups.get_mut(&query.group) else { return };
        if group.wanted.is_nothing() {
            return;
        }
        let at = Time(step.now.0 + step.random.u64(1..=response_time(query)));
        // The answer to General Queries leaves out what another host has reported since.
        let is_said =
            self.sweep.reports_by(at, query.group) && !group.was_heard_since(self.sweep.asked_at());
        if !is_said {
            self.answers.add(query.group, at, group.note_query(sources));
        }
    }

    /// Removes a group of which nothing is wanted and nothing is left to be said.
    fn forget_if_idle(&mut self, address: Ipv4Addr) {
        if self.groups.get(&address).is_some_and(HostGroup::is_idle) {
            self.groups.remove(&address);
            self.repeating.remove(&address);
            self.answers.remove(address);
        }
    }
}

/// The address that reports come from, if they can be sent. An upstream waits for its address;
/// a host on a link with a router side uses 0.0.0.0, as RFC 9776, 4.2.14 permits (G30).
fn source_of(base: &LinkBase) -> Option<Ipv4Addr> {
    let address = base.election_address();
    match base.config.role {
        _ if !base.info.up => None,
        Role::Upstream => address,
        Role::Router | Role::Downstream => address.or(Some(Ipv4Addr::UNSPECIFIED)),
    }
}

/// How long an answer may take, in milliseconds. v1 queries do not say it and mean ten seconds
/// (RFC 2236, section 4).
fn response_time(query: &Query) -> u64 {
    match query.body {
        QueryBody::V1 => 10_000,
        _ => u64::from(query.max_response.max(1)),
    }
}

/// Which queries the host side answers (I11, I15): also those to a unicast address of the link.
fn check_query(received: &Received, query: &Query, base: &LinkBase) -> Result<(), DropReason> {
    let own = |known: &LinkAddress| known.address == received.destination;
    received.check_query(query, base.info.addresses.iter().any(own))
}

/// Whether the host side counts what it hears: where there is a router side, too, that one does.
fn counts(base: &LinkBase) -> bool {
    base.config.role == Role::Upstream
}

fn count_query(query: &Query, base: &mut LinkBase) {
    if counts(base) {
        let counters = &mut base.counters;
        let counter = match query.is_general() {
            true => &mut counters.general_queries,
            false => &mut counters.specific_queries,
        };
        *counter += 1;
    }
}
