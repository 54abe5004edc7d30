//! Reports and leaves: from the message to the group (I31 to I40).

use crate::codec::{Message, RecordType};
use crate::config::{Intervals, LeaveMode};
use crate::log_event::LogEvent;
use crate::receive::Received;
use crate::refusals::{joins, RefusalReason};
use crate::router::admission::{MessageKind, ReceivedRecord, Rules};
use crate::router::group::{Group, Questions};
use crate::router::queries::Asker;
use crate::router::room::{Limit, Room};
use crate::router::tracking::Reported;
use crate::router::transitions::{apply, creates, may_change, CheckedRecord};
use crate::router::{Context, RouterSide, Snapshot};
use crate::DropReason;
use mgm_types::{Flow, Time, TokenBucket};

impl RouterSide {
    /// A report or a leave.
    pub(super) fn reported(&mut self, received: &Received, context: &mut Context) {
        let host = received.source;
        let old = |message, group| ReceivedRecord::old(message, host, group);
        match &received.message {
            Message::Query(_) => {}
            Message::ReportV1(group) => {
                self.record(old(MessageKind::V1Report, *group), context);
            }
            Message::ReportV2(group) => {
                self.record(old(MessageKind::V2Report, *group), context);
            }
            Message::Leave(group) => self.record(old(MessageKind::Leave, *group), context),
            Message::ReportV3(records) => {
                let mut known = 0;
                for record in records.clone() {
                    known += 1;
                    let report = ReceivedRecord {
                        message: MessageKind::V3Report,
                        host,
                        kind: record.kind,
                        group: record.group,
                        sources: record.sources.iter().collect(),
                    };
                    self.record(report, context);
                }
                context.base.counters.unknown_records += (records.len() - known) as u64;
            }
        }
    }

    /// One record, of a v3 report or of an older message.
    fn record(&mut self, mut report: ReceivedRecord, context: &mut Context) {
        let (address, now) = (report.group, context.step.now);
        let version = self.version(context.base, now);
        let rules = Rules { config: &context.base.config, version, now };
        let known = self.groups.get(address);
        let removed = context.base.counters.sources_removed;
        match rules.admit(&mut report, known, &mut context.base.counters) {
            Ok(true) => {}
            Ok(false) => return,
            Err(reason) => return refuse(&report, reason, context),
        }
        if context.base.counters.sources_removed > removed {
            note(&report, RefusalReason::DeniedSource, context);
        }
        if report.message == MessageKind::Leave {
            context.base.counters.leaves += 1;
        } else {
            context.base.counters.reports += 1;
        }
        let is_new = known.is_none();
        let intervals = self.querier.intervals(&context.base.config);
        let membership_end = Time(now.0 + intervals.group_membership);
        let change = CheckedRecord { kind: report.kind, sources: &report.sources, membership_end };
        if is_new && !(creates(&change) && self.create(&report, context)) {
            return;
        }
        let asks = self.is_querier();
        let Some(group) = self.groups.get_mut(address) else { return };
        let mut work = Work { group, report: &report, intervals, version, now };
        let ends = asks && context.base.config.leave != LeaveMode::Query;
        let scope = may_change(work.group, &change, ends);
        let before = scope.map(|scope| Snapshot::of(Some(&*work.group), address, scope, context));
        let questions = work.change(&change, &mut self.creations, context);
        work.note_host(context);
        let asked = asks && work.follow(questions, &mut self.sequences, context);
        if is_new {
            context.base.counters.groups_added += u64::from(!work.group.is_empty());
        }
        // The record sets timers to GMI or to the group timer, and queries lower some. Timers that
        // rise leave the deadline too early, which does no harm.
        let round = u64::from(context.base.config.last_member_query_interval);
        let earliest = if asked { Time(now.0 + round) } else { membership_end };
        self.groups.lower(address, earliest.min(membership_end));
        if let Some(before) = before {
            self.finish(&before, context);
        }
    }

    /// Creates the record of a group, if there is room for it.
    fn create(&mut self, report: &ReceivedRecord, context: &mut Context) -> bool {
        let address = report.group;
        let config = &context.base.config;
        let max_groups = config.max_groups as usize;
        let mut room = Room {
            entries: &mut *context.step.entries,
            max_entries: context.step.settings.max_entries,
            max_sources: config.max_sources.into(),
            bucket: Some(&mut self.creations),
            counters: &mut context.base.counters,
            now: context.step.now,
            reached: None,
        };
        if room.group(self.groups.len(), max_groups) {
            self.groups.create(address).tracking.suspend(self.unknown_until);
            return true;
        }
        let (event, why) = match room.reached {
            Some(Limit::Rate) => (LogEvent::CreationLimit, RefusalReason::Rate),
            Some(Limit::Total) => (LogEvent::EntryLimit(address), RefusalReason::MaxEntries),
            _ => (LogEvent::GroupLimit(address), RefusalReason::MaxGroups),
        };
        note(report, why, context);
        // The host may still want the group when another one creates it.
        self.hosts_unknown(context.base, context.step.now);
        context.base.log(context.step, event);
        false
    }
}

/// A record that is applied to its group.
struct Work<'a> {
    group: &'a mut Group,
    report: &'a ReceivedRecord,
    intervals: Intervals,
    version: u8,
    now: Time,
}

impl Work<'_> {
    /// Applies the table. Returns what it says must be asked.
    fn change(
        &mut self,
        change: &CheckedRecord,
        creations: &mut TokenBucket,
        context: &mut Context,
    ) -> Questions {
        let mut room = Room {
            entries: &mut *context.step.entries,
            max_entries: context.step.settings.max_entries,
            max_sources: context.base.config.max_sources.into(),
            bucket: Some(creations),
            counters: &mut context.base.counters,
            now: self.now,
            reached: None,
        };
        let questions = apply(self.group, change, &mut room);
        let reached = room.reached;
        let older_end = Time(self.now.0 + self.intervals.older_host_present);
        match self.report.message {
            MessageKind::V1Report => self.group.v1_until = older_end,
            MessageKind::V2Report => self.group.v2_until = older_end,
            _ => {}
        }
        if let Some(reached) = reached {
            let group = self.report.group;
            let (event, why) = match reached {
                Limit::Rate => (LogEvent::CreationLimit, RefusalReason::Rate),
                Limit::Total => (LogEvent::EntryLimit(group), RefusalReason::MaxEntries),
                Limit::Number => (LogEvent::SourceLimit(group), RefusalReason::MaxSources),
            };
            note(self.report, why, context);
            context.base.log(context.step, event);
        }
        questions
    }

    /// Notes which host wants what, if hosts are tracked (I40).
    fn note_host(&mut self, context: &mut Context) {
        let config = &context.base.config;
        if config.leave != LeaveMode::Tracked {
            return;
        }
        let (now, tracking) = (self.now, &mut self.group.tracking);
        let until = Time(now.0 + self.intervals.group_membership);
        match self.report.message {
            // Older hosts do not report what others have reported.
            MessageKind::V1Report | MessageKind::V2Report => {
                let older_end = Time(now.0 + self.intervals.older_host_present);
                tracking.suspend(older_end.max(until));
            }
            _ if self.report.host.is_unspecified() => tracking.suspend(until),
            _ => {
                let ReceivedRecord { host, kind, ref sources, .. } = *self.report;
                let record = Reported { host, kind, sources };
                let limit = config.max_tracked.into();
                let was_complete = tracking.is_complete(now);
                if !tracking.note(record, now, until, limit) && was_complete {
                    context.base.counters.tracking_ended += 1;
                }
            }
        }
    }

    /// Asks the hosts about memberships that the record may have ended, or ends them at once.
    /// Returns whether timers were lowered.
    fn follow(
        &mut self,
        questions: Questions,
        sequences: &mut TokenBucket,
        context: &mut Context,
    ) -> bool {
        // A group of 224.0.0.0/24 is never asked about, and v2 and v1 have no Q(G,X).
        let unasked = Flow::any_source(self.report.group).is_link_local();
        if questions.is_empty() || unasked {
            return false;
        }
        let questions = match self.version {
            3 => questions,
            version => Questions { group: questions.group && version == 2, sources: Vec::new() },
        };
        let leaves = matches!(self.report.kind, RecordType::ToIn | RecordType::Block);
        match context.base.config.leave {
            LeaveMode::Immediate if leaves => self.end(&questions, context),
            LeaveMode::Tracked if leaves && self.group.tracking.is_complete(self.now) => {
                let wanted = self.group.tracking.wanted_by_others(self.report.host, self.now);
                let mut ended = questions;
                ended.group &= !wanted.exclude;
                ended.sources.retain(|source| !wanted.wants(*source));
                self.end(&ended, context);
            }
            _ => return self.ask(&questions, sequences, context),
        }
        false
    }

    fn end(&mut self, questions: &Questions, context: &mut Context) {
        *context.step.entries -= self.group.end(questions);
    }

    /// Starts the specific queries, if not too many have been started (I76).
    fn ask(
        &mut self,
        questions: &Questions,
        sequences: &mut TokenBucket,
        context: &mut Context,
    ) -> bool {
        let (base, step) = (&mut *context.base, &mut *context.step);
        let mut asker = Asker { address: self.report.group, version: self.version, base, step };
        let sources = asker.starting_sources(self.group, &questions.sources);
        let ask_group = questions.group && Asker::starts_group(self.group);
        if sources.is_empty() && !ask_group {
            return false;
        }
        if !sequences.take(self.now) {
            asker.base.counters.queries_limited += 1;
            asker.base.log(asker.step, LogEvent::QueryLimit);
            return false;
        }
        if !sources.is_empty() {
            asker.start_sources(self.group, &sources);
        }
        if ask_group {
            asker.start_group(self.group);
        }
        true
    }
}

fn refuse(report: &ReceivedRecord, reason: DropReason, context: &mut Context) {
    context.base.drop(reason);
    if joins(report.kind, !report.sources.is_empty()) {
        note(report, RefusalReason::Dropped(reason), context);
    }
    if reason == DropReason::SsmRange {
        let event = LogEvent::SsmReport { host: report.host, group: report.group };
        context.base.log(context.step, event);
    }
}

fn note(report: &ReceivedRecord, why: RefusalReason, context: &mut Context) {
    context.base.refusals.note(report.group, why, report.host, context.step.now);
}
