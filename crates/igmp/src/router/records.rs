//! Reports and leaves: from the message to the group (I31 to I40).

use crate::codec::{Message, RecordType};
use crate::config::LeaveMode;
use crate::counters::DropReason;
use crate::log_event::LogEvent;
use crate::receive::Received;
use crate::router::admission::{self, Report, Rules};
use crate::router::queries::Asker;
use crate::router::room::{Limit, Room};
use crate::router::tracking::Reported;
use crate::router::transitions::{apply, creates, Change, Questions};
use crate::router::{Context, Router};
use mgm_types::{Flow, Time};
use std::net::Ipv4Addr;

impl Router {
    /// A report or a leave.
    pub(super) fn reported(&mut self, received: &Received, context: &mut Context) {
        let host = received.source;
        let old = |message, group| Report::old(message, host, group);
        match &received.message {
            Message::Query(_) => {}
            Message::ReportV1(group) => {
                self.record(old(admission::Message::V1Report, *group), context);
            }
            Message::ReportV2(group) => {
                self.record(old(admission::Message::V2Report, *group), context);
            }
            Message::Leave(group) => self.record(old(admission::Message::Leave, *group), context),
            Message::ReportV3(records) => {
                let mut known = 0;
                for record in records.clone() {
                    known += 1;
                    let report = Report {
                        message: admission::Message::V3Report,
                        host,
                        kind: record.kind,
                        group: record.group,
                        sources: record.sources.iter().collect(),
                    };
                    self.record(report, context);
                }
                context.port.counters.unknown_records += (records.len() - known) as u64;
            }
        }
    }

    /// One record, of a v3 report or of an older message.
    fn record(&mut self, mut report: Report, context: &mut Context) {
        let (address, now) = (report.group, context.step.now);
        let version = self.version(context.port, now);
        let rules = Rules { config: &context.port.config, version, now };
        let group = self.groups.get(address);
        match rules.admit(&mut report, group, &mut context.port.counters) {
            Ok(true) => {}
            Ok(false) => return,
            Err(reason) => return refuse(&report, reason, context),
        }
        if report.message == admission::Message::Leave {
            context.port.counters.leaves += 1;
        } else {
            context.port.counters.reports += 1;
        }
        let before = self.desired(address, context.port);
        let Some(questions) = self.change(&report, context) else { return };
        self.note_host(&report, context);
        self.follow(&report, questions, context);
        self.finish(address, &before, context);
    }

    /// Applies the table to the group, which is created if necessary. `None` if there is no
    /// group and the record makes none.
    fn change(&mut self, report: &Report, context: &mut Context) -> Option<Questions> {
        let (address, now) = (report.group, context.step.now);
        let intervals = self.querier.intervals(&context.port.config);
        let membership_end = Time(now.0 + intervals.group_membership);
        let change = Change { kind: report.kind, sources: &report.sources, membership_end };
        let config = &context.port.config;
        let mut room = Room {
            entries: &mut *context.step.entries,
            max_entries: context.step.settings.max_entries,
            max_sources: config.max_sources.into(),
            bucket: Some(&mut self.creations),
            counters: &mut context.port.counters,
            now,
            reached: None,
        };
        let is_new = self.groups.get(address).is_none();
        let (mut questions, mut added) = (None, false);
        let wanted = !is_new || creates(&change);
        if wanted && (!is_new || room.group(self.groups.len(), config.max_groups as usize)) {
            let group = self.groups.create(address);
            questions = Some(apply(group, &change, &mut room));
            let older_end = Time(now.0 + intervals.older_host_present);
            match report.message {
                admission::Message::V1Report => group.v1_until = older_end,
                admission::Message::V2Report => group.v2_until = older_end,
                _ => {}
            }
            added = is_new && !group.is_empty();
        }
        let event = match room.reached {
            None => None,
            Some(Limit::Rate) => Some(LogEvent::CreationLimit),
            Some(Limit::Number) if questions.is_some() => Some(LogEvent::SourceLimit(address)),
            Some(Limit::Number) => Some(LogEvent::GroupLimit(address)),
        };
        context.port.counters.groups_added += u64::from(added);
        if let Some(event) = event {
            context.port.log(context.step, event);
        }
        questions
    }

    /// Notes which host wants what, if hosts are tracked (I40).
    fn note_host(&mut self, report: &Report, context: &mut Context) {
        let config = &context.port.config;
        if config.leave != LeaveMode::Tracked {
            return;
        }
        let now = context.step.now;
        let intervals = self.querier.intervals(config);
        let Some(group) = self.groups.get_mut(report.group) else { return };
        let until = Time(now.0 + intervals.group_membership);
        match report.message {
            // Older hosts do not report what others have reported.
            admission::Message::V1Report | admission::Message::V2Report => {
                group.tracking.suspend(Time(now.0 + intervals.older_host_present).max(until));
            }
            _ if report.host.is_unspecified() => group.tracking.suspend(until),
            _ => {
                let record =
                    Reported { host: report.host, kind: report.kind, sources: &report.sources };
                if group.tracking.is_complete(now)
                    && !group.tracking.note(record, now, until, config.max_tracked.into())
                {
                    group.tracking.suspend(until);
                    context.port.counters.tracking_ended += 1;
                }
            }
        }
    }

    /// Asks the hosts, or ends at once, what the record may have been the last interest in.
    fn follow(&mut self, report: &Report, questions: Questions, context: &mut Context) {
        let (address, now) = (report.group, context.step.now);
        // A group of 224.0.0.0/24 is never asked about, and v2 and v1 have no Q(G,X).
        let unasked = Flow::any_source(address).is_link_local();
        if questions.is_empty() || !self.is_querier() || unasked {
            return;
        }
        let version = self.version(context.port, now);
        let questions = match version {
            3 => questions,
            _ => Questions { group: questions.group && version == 2, sources: Vec::new() },
        };
        let leaves = matches!(report.kind, RecordType::ToIn | RecordType::Block);
        let mode = context.port.config.leave;
        let Some(group) = self.groups.get_mut(address) else { return };
        match mode {
            LeaveMode::Immediate if leaves => *context.step.entries -= group.end(&questions),
            LeaveMode::Tracked if leaves && group.tracking.is_complete(now) => {
                let wanted = group.tracking.wanted_by_others(report.host, now);
                let mut ended = questions;
                ended.group &= !wanted.exclude;
                ended.sources.retain(|source| !wanted.wants(*source));
                *context.step.entries -= group.end(&ended);
            }
            _ => self.ask(address, &questions, context),
        }
    }

    /// Starts the specific queries, if not too many have been started (I76).
    fn ask(&mut self, address: Ipv4Addr, questions: &Questions, context: &mut Context) {
        let now = context.step.now;
        let version = self.version(context.port, now);
        let Some(group) = self.groups.get_mut(address) else { return };
        let (port, step) = (&mut *context.port, &mut *context.step);
        let mut asker = Asker { address, version, port, step };
        let sources = asker.starting_sources(group, &questions.sources);
        let ask_group = questions.group && Asker::starts_group(group);
        if sources.is_empty() && !ask_group {
            return;
        }
        if !self.sequences.take(now) {
            asker.port.counters.queries_limited += 1;
            return asker.port.log(asker.step, LogEvent::QueryLimit);
        }
        if !sources.is_empty() {
            asker.start_sources(group, &sources);
        }
        if ask_group {
            asker.start_group(group);
        }
    }
}

fn refuse(report: &Report, reason: DropReason, context: &mut Context) {
    context.port.drop(reason);
    if reason == DropReason::SsmRange {
        let event = LogEvent::SsmReport { host: report.host, group: report.group };
        context.port.log(context.step, event);
    }
}
