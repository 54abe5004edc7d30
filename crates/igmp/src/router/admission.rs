//! Which parts of a report count: the checks before the table of I32 (I15, I16, I31, I39, I41, I46,
//! I51).

use crate::codec::RecordType;
use crate::config::LinkConfig;
use crate::counters::{Counters, DropReason};
use crate::router::group::Group;
use mgm_types::{is_host_source, Flow, Time};
use std::net::Ipv4Addr;

/// The message that a record comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    V1Report,
    V2Report,
    Leave,
    V3Report,
}

/// A record of a v3 report, or what an older message means as one.
#[derive(Clone, Debug)]
pub(super) struct ReceivedRecord {
    pub message: MessageKind,
    pub host: Ipv4Addr,
    pub kind: RecordType,
    pub group: Ipv4Addr,
    pub sources: Vec<Ipv4Addr>,
}

impl ReceivedRecord {
    /// A message of version 1 or 2: IS_EX({}) or, for a Leave, TO_IN({}).
    pub fn old(message: MessageKind, host: Ipv4Addr, group: Ipv4Addr) -> ReceivedRecord {
        let kind = match message {
            MessageKind::Leave => RecordType::ToIn,
            _ => RecordType::IsEx,
        };
        ReceivedRecord { message, host, kind, group, sources: Vec::new() }
    }
}

/// What the checks need to know of the link.
pub(super) struct Rules<'a> {
    pub config: &'a LinkConfig,
    /// The version of the link: 1, 2 or 3.
    pub version: u8,
    pub now: Time,
}

impl Rules<'_> {
    /// Changes the record to what it means here. `Ok(false)`: nothing, and that is in order.
    pub fn admit(
        &self,
        report: &mut ReceivedRecord,
        group: Option<&Group>,
        counters: &mut Counters,
    ) -> Result<bool, DropReason> {
        self.check_group(report)?;
        self.check_sources(report, counters)?;
        if self.config.is_ssm(report.group) {
            let valid = report.message == MessageKind::V3Report
                && !matches!(report.kind, RecordType::IsEx | RecordType::ToEx);
            return if valid { Ok(true) } else { Err(DropReason::SsmRange) };
        }
        Ok(self.translate(report) && group.is_none_or(|group| self.older_hosts(report, group)))
    }

    fn check_group(&self, report: &ReceivedRecord) -> Result<(), DropReason> {
        if report.message == MessageKind::V1Report && self.config.ignore_v1 {
            return Err(DropReason::IgnoredV1);
        }
        permits_group(self.config, report.group)
    }

    /// Removes sources that cannot send or are denied; sorts the others.
    fn check_sources(
        &self,
        report: &mut ReceivedRecord,
        counters: &mut Counters,
    ) -> Result<(), DropReason> {
        if report.sources.is_empty() {
            return Ok(());
        }
        let reported = report.sources.len();
        report.sources.retain(|source| is_host_source(*source));
        let none_left = report.sources.is_empty();
        report.sources.retain(|source| self.config.sources.permits(*source));
        counters.sources_removed += (reported - report.sources.len()) as u64;
        report.sources.sort_unstable();
        report.sources.dedup();
        if none_left {
            Err(DropReason::VoidRecord)
        } else {
            Ok(())
        }
    }

    /// What a v3 record means on a link of version 1 or 2. False: nothing.
    fn translate(&self, report: &mut ReceivedRecord) -> bool {
        if self.version == 3 {
            return true;
        }
        let leaves = report.kind == RecordType::ToIn && report.sources.is_empty();
        if leaves {
            return self.version == 2;
        }
        let joins = match report.kind {
            RecordType::IsEx | RecordType::ToEx => true,
            RecordType::IsIn | RecordType::ToIn | RecordType::Allow => !report.sources.is_empty(),
            RecordType::Block => false,
        };
        report.kind = RecordType::IsEx;
        report.sources.clear();
        joins
    }

    /// What a record means for a group that v1 or v2 hosts have reported. False: nothing.
    fn older_hosts(&self, report: &mut ReceivedRecord, group: &Group) -> bool {
        let (v1, v2) = (group.v1_until > self.now, group.v2_until > self.now);
        match report.kind {
            RecordType::Block => !(v1 || v2),
            RecordType::ToIn => !v1,
            RecordType::ToEx if v1 || v2 => {
                report.sources.clear();
                true
            }
            _ => true,
        }
    }
}

/// Whether hosts may report this group at all.
pub(super) fn permits_group(config: &LinkConfig, group: Ipv4Addr) -> Result<(), DropReason> {
    if !group.is_multicast() {
        Err(DropReason::NotAGroup)
    } else if Flow::any_source(group).is_link_local() && !config.track_link_local {
        Err(DropReason::LinkLocal)
    } else if !config.groups.permits(group) {
        Err(DropReason::DeniedGroup)
    } else {
        Ok(())
    }
}
