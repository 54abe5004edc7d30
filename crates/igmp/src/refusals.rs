//! What a link refused lately, for operators who ask why a host does not get a stream.

use crate::codec::{Datagram, Message, RecordType};
use crate::counters::DropReason;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// How many refusals a link remembers. If there are more, the oldest is forgotten, so a flood of
/// reports needs no memory.
const REMEMBERED: usize = 64;

/// Why a host's report of a group had no effect, or not all of its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// The packet or record was dropped.
    Dropped(DropReason),
    /// The link has as many groups as `max_groups` permits (I52).
    MaxGroups,
    /// All links together have as many groups and sources as `max_entries` permits (I52).
    MaxEntries,
    /// The group has as many sources as `max_sources` permits (I52).
    MaxSources,
    /// New groups and sources came too fast (I76).
    Rate,
    /// The list of sources denies one that the report names (I51).
    DeniedSource,
}

/// A refused report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The group.
    pub group: Ipv4Addr,
    /// Why.
    pub why: RefusalReason,
    /// The host that reported the group last; 0.0.0.0 if it has no address.
    pub host: Ipv4Addr,
    /// When the last report came.
    pub at: Time,
    /// How many such reports came.
    pub count: u32,
}

/// The latest refusals of a link, one for each group and reason.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(Vec<Refusal>);

impl Refusals {
    /// Notes a refusal.
    pub fn note(&mut self, group: Ipv4Addr, why: RefusalReason, host: Ipv4Addr, at: Time) {
        if let Some(known) =
            self.0.iter_mut().find(|known| (known.group, known.why) == (group, why))
        {
            *known = Refusal { host, at, count: known.count.saturating_add(1), ..*known };
            return;
        }
        let new = Refusal { group, why, host, at, count: 1 };
        if self.0.len() < REMEMBERED {
            self.0.push(new);
        } else if let Some(oldest) = self.0.iter_mut().min_by_key(|known| known.at) {
            *oldest = new;
        }
    }

    /// Notes what a dropped packet reports, if it is a report.
    pub fn note_packet(&mut self, octets: &[u8], why: DropReason, at: Time) {
        // Other packets are not IGMP messages, or are not sent by hosts.
        let is_report = matches!(
            why,
            DropReason::BadTtl
                | DropReason::NoRouterAlert
                | DropReason::BadSource
                | DropReason::OffLink
                | DropReason::BadDestination
        );
        let Some(datagram) = Datagram::read(octets).ok().filter(|_| is_report) else { return };
        let mut note = |group| self.note(group, RefusalReason::Dropped(why), datagram.source, at);
        match Message::read(datagram.message) {
            Ok(Message::ReportV1(group) | Message::ReportV2(group)) => note(group),
            Ok(Message::ReportV3(records)) => {
                let joins = records
                    .filter(|record| joins(record.kind, record.sources.iter().next().is_some()));
                joins.for_each(|record| note(record.group));
            }
            _ => {}
        }
    }

    /// The refusals of a group since a time, the latest first.
    pub fn of(&self, group: Ipv4Addr, since: Time) -> Vec<Refusal> {
        let is_wanted = |known: &&Refusal| known.group == group && known.at >= since;
        let mut found: Vec<Refusal> = self.0.iter().filter(is_wanted).copied().collect();
        found.sort_by_key(|known| std::cmp::Reverse(known.at));
        found
    }
}

/// Whether a record asks for packets. If not, nothing is lost by its refusal.
pub(crate) fn joins(kind: RecordType, has_sources: bool) -> bool {
    match kind {
        RecordType::IsEx | RecordType::ToEx => true,
        RecordType::IsIn | RecordType::ToIn | RecordType::Allow => has_sources,
        RecordType::Block => false,
    }
}
