//! What a host wants of one group, and what of it is still to be reported.

use crate::codec::{OwnRecord, RecordType, SourceList};
use crate::filter::{missing, Filter};
use mgm_types::Time;
use std::net::Ipv4Addr;

/// How many queried sources are remembered. A query for more is answered as one for the group.
const QUERIED: usize = 1_024;

/// A record of a report that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingRecord {
    pub kind: RecordType,
    pub group: Ipv4Addr,
    pub sources: Vec<Ipv4Addr>,
}

impl PendingRecord {
    pub fn record(&self) -> OwnRecord<'_> {
        OwnRecord { kind: self.kind, group: self.group, sources: &self.sources }
    }
}

/// A group on a link of which this host wants something, or has just ceased to.
#[derive(Debug, Default)]
pub(super) struct HostGroup {
    /// What is wanted.
    pub wanted: Filter,
    /// v3: reports that are left with the filter mode and the whole list.
    mode_left: u8,
    /// v3: sources that changed, in ascending order, each with the reports that are left for it.
    sources_left: Vec<(Ipv4Addr, u8)>,
    /// v1 and v2: reports that are left.
    reports_left: u8,
    /// v2: a Leave is to be sent.
    leaving: bool,
    /// Whether this host was the last to report the group, as far as it knows.
    last_reporter: bool,
    /// When another host reported the group last; only in v1 and v2.
    heard: Option<Time>,
    /// The sources of pending source-specific queries, in ascending order; empty if the whole
    /// group was queried.
    queried: Vec<Ipv4Addr>,
    /// Whether an answer to a specific query is pending.
    answering: bool,
}

impl HostGroup {
    /// Notes what has to be reported because something else is wanted from now on.
    pub fn changes_to(&mut self, wanted: &Filter, version: u8, robustness: u8) {
        if version < 3 {
            self.leaving = wanted.is_nothing() && self.last_reporter && version == 2;
            match (self.wanted.is_nothing(), wanted.is_nothing()) {
                (_, true) => self.reports_left = 0,
                (true, false) => self.reports_left = robustness,
                (false, false) => {}
            }
        } else if self.wanted.exclude != wanted.exclude {
            self.mode_left = robustness;
        } else {
            let (old, new) = (&self.wanted.sources, &wanted.sources);
            let mut changed = missing(old, new);
            changed.append(&mut missing(new, old));
            changed.sort_unstable();
            self.sources_left.retain(|(source, _)| changed.binary_search(source).is_err());
            self.sources_left.extend(changed.iter().map(|source| (*source, robustness)));
            self.sources_left.sort_unstable();
        }
    }

    /// Notes that everything that is wanted has to be reported.
    pub fn begin(&mut self, version: u8, robustness: u8) {
        let wanted = std::mem::take(&mut self.wanted);
        self.last_reporter = false;
        self.changes_to(&wanted, version, robustness);
        self.wanted = wanted;
    }

    /// Drops what is still to be reported.
    pub fn cancel(&mut self) {
        self.mode_left = 0;
        self.sources_left.clear();
        self.reports_left = 0;
        self.leaving = false;
        self.queried = Vec::new();
        self.answering = false;
    }

    /// Whether nothing is wanted, and nothing left to be said.
    pub fn is_idle(&self) -> bool {
        self.wanted.is_nothing() && !self.has_reports()
    }

    /// Whether reports of a change are left.
    pub fn has_reports(&self) -> bool {
        self.mode_left > 0 || !self.sources_left.is_empty() || self.reports_left > 0
    }

    /// The records of the next report of a change (RFC 9776, 5.1), which counts as sent.
    pub fn next_change(&mut self, group: Ipv4Addr) -> Vec<PendingRecord> {
        let records = if self.mode_left > 0 {
            self.mode_left -= 1;
            let kind = if self.wanted.exclude { RecordType::ToEx } else { RecordType::ToIn };
            vec![PendingRecord { kind, group, sources: self.wanted.sources.clone() }]
        } else {
            let changed = self.sources_left.iter().map(|(source, _)| *source);
            let (allow, block) =
                changed.partition::<Vec<_>, _>(|source| self.wanted.wants(*source));
            let lists = [(RecordType::Allow, allow), (RecordType::Block, block)];
            let lists = lists.into_iter().filter(|(_, sources)| !sources.is_empty());
            lists.map(|(kind, sources)| PendingRecord { kind, group, sources }).collect()
        };
        // A report of the mode contains the sources, too.
        self.sources_left.retain_mut(|(_, left)| {
            *left -= 1;
            *left > 0
        });
        self.sources_left.shrink_to_fit();
        self.last_reporter = true;
        records
    }

    /// The record that says everything about the group.
    pub fn current(&self, group: Ipv4Addr) -> PendingRecord {
        let kind = if self.wanted.exclude { RecordType::IsEx } else { RecordType::IsIn };
        PendingRecord { kind, group, sources: self.wanted.sources.clone() }
    }

    /// Notes a query of this group for these sources, or for all if there are none. Returns
    /// whether an answer was pending already.
    pub fn note_query(&mut self, sources: SourceList) -> bool {
        let whole_group = sources.is_empty() || self.answering && self.queried.is_empty();
        if whole_group || self.queried.len() + sources.len() > QUERIED {
            self.queried = Vec::new();
        } else {
            self.queried.extend(sources.iter());
            self.queried.sort_unstable();
            self.queried.dedup();
        }
        std::mem::replace(&mut self.answering, true)
    }

    /// The answer to the pending queries (RFC 9776, 5.2), if there is something to be said.
    pub fn next_answer(&mut self, group: Ipv4Addr) -> Option<PendingRecord> {
        self.answering = false;
        let queried = std::mem::take(&mut self.queried);
        if self.wanted.is_nothing() {
            return None;
        }
        if queried.is_empty() {
            return Some(self.current(group));
        }
        let sources: Vec<Ipv4Addr> =
            queried.into_iter().filter(|source| self.wanted.wants(*source)).collect();
        let record = PendingRecord { kind: RecordType::IsIn, group, sources };
        (!record.sources.is_empty()).then_some(record)
    }

    /// v1 and v2: what the next message about a change is; it counts as sent.
    pub fn next_old_change(&mut self) -> OldMessage {
        if std::mem::take(&mut self.leaving) {
            self.last_reporter = false;
            return OldMessage::Leave;
        }
        if self.reports_left == 0 {
            return OldMessage::Nothing;
        }
        self.reports_left -= 1;
        OldMessage::Report
    }

    /// v1 and v2: this host reported the group.
    pub fn reported(&mut self) {
        self.last_reporter = true;
    }

    /// v1 and v2: another host reported the group at `now`, so this one need not.
    pub fn heard_report(&mut self, now: Time) {
        self.heard = Some(now);
        self.last_reporter = false;
        self.reports_left = 0;
        self.answering = false;
    }

    /// Whether another host has reported the group since then.
    pub fn was_heard_since(&self, time: Time) -> bool {
        self.heard.is_some_and(|heard| heard >= time)
    }
}

/// What a host of version 1 or 2 sends about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldMessage {
    Report,
    Leave,
    Nothing,
}
