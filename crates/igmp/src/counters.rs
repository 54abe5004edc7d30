//! What a link counts, and why packets are dropped.

use std::fmt;

/// Declares the reasons with their names, so that no list of them is written twice.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// Why a packet, or a record of a report, has no effect (igmp.md, section 1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DropReason { $($(#[$doc])+ $variant,)+ }

        impl DropReason {
            /// All reasons.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$variant,)+];

            /// The name of the counter, as the status shows it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(DropReason::$variant => $name,)+ }
            }
        }
    };
}

reasons! {
    /// No IPv4 header, one under 20 octets (I5), or one with a wrong checksum (G53).
    BadHeader = "bad_header",
    /// The total length is larger than the number of octets received, or smaller than the header
    /// (I5).
    BadLength = "bad_length",
    /// A fragment (I5).
    Fragment = "fragment",
    /// Another protocol than IGMP.
    NotIgmp = "not_igmp",
    /// A message under 8 octets (I12).
    ShortMessage = "short_message",
    /// A wrong checksum (I6).
    BadChecksum = "bad_checksum",
    /// A TTL other than 1 (I7).
    BadTtl = "bad_ttl",
    /// No Router Alert, which is required here (I8).
    NoRouterAlert = "no_router_alert",
    /// A type that is not handled here, such as PIMv1, DVMRP or mtrace (I9).
    UnknownType = "unknown_type",
    /// Sent by this router itself (I10).
    OwnPacket = "own_packet",
    /// A source that no host has (I10).
    BadSource = "bad_source",
    /// A source outside of the link's prefixes (I10).
    OffLink = "off_link",
    /// A query from 0.0.0.0, which only the host side answers (I10).
    QueryFromZero = "query_from_zero",
    /// A destination that does not fit the message (I11).
    BadDestination = "bad_destination",
    /// A query in a unicast frame (I11).
    UnicastFrame = "unicast_frame",
    /// A query with a length that no version has (I12, I13).
    QueryLength = "query_length",
    /// A report in which a record overruns the message (I13).
    RecordOverrun = "record_overrun",
    /// An address that is no multicast group (I15).
    NotAGroup = "not_a_group",
    /// A group of 224.0.0.0/24 (I15).
    LinkLocal = "link_local",
    /// A General Query with sources (I15).
    GeneralWithSources = "general_with_sources",
    /// A record with sources, none of which can send (I16).
    VoidRecord = "void_record",
    /// A query of a host that may not be querier here (I28).
    QuerierNotAllowed = "querier_not_allowed",
    /// A General Query that lets hosts take very long for their answers (G47).
    SlowQuery = "slow_query",
    /// A v1 report, which this link ignores (I41).
    IgnoredV1 = "ignored_v1",
    /// A record that has no meaning in the SSM range (I46).
    SsmRange = "ssm_range",
    /// A group that the link's list denies (I51).
    DeniedGroup = "denied_group",
    /// A packet on a link that is not configured, or down.
    LinkNotServed = "link_not_served",
}

/// How many reasons there are.
const REASONS: usize = DropReason::ALL.len();

/// The counters of one link. None of them ever falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    drops: [u64; REASONS],
    /// IGMP packets that arrived, dropped ones included.
    pub received: u64,
    /// Packets that passed the checks of both sides.
    pub accepted: u64,
    /// Messages of version 1 or 2 with more than 8 octets; they are accepted (I12).
    pub long_messages: u64,
    /// Packets without Router Alert; they are accepted unless it is required (I8).
    pub without_router_alert: u64,
    /// General Queries that were accepted.
    pub general_queries: u64,
    /// Specific queries that were accepted.
    pub specific_queries: u64,
    /// Queries of another version than that of the link.
    pub wrong_version_queries: u64,
    /// Records and reports that were accepted, leaves excluded.
    pub reports: u64,
    /// Leave messages that were accepted.
    pub leaves: u64,
    /// Records of an unknown type (I14).
    pub unknown_records: u64,
    /// Sources that were taken off a list: no host can have them, or the link denies them.
    pub sources_removed: u64,
    /// Group records that were created.
    pub groups_added: u64,
    /// New groups that a limit refused (I52).
    pub groups_refused: u64,
    /// New sources that a limit refused (I52).
    pub sources_refused: u64,
    /// New groups and sources that came too fast (I76).
    pub creations_limited: u64,
    /// Sequences of specific queries that came too fast (I76).
    pub queries_limited: u64,
    /// Times that the tracking of a group's hosts ended because there were too many (I40).
    pub tracking_ended: u64,
    /// Sources that hosts exclude and the library cannot be told to exclude (I45).
    pub exclusions_not_applied: u64,
    /// Flows that a limit keeps from being sent up (I58).
    pub flows_not_sent_up: u64,
    /// Queries that were sent.
    pub queries_sent: u64,
    /// Reports and leaves that were sent.
    pub reports_sent: u64,
    /// Packets that the system did not send (I79).
    pub send_failures: u64,
    /// Packets that the kernel's buffer lost (I79).
    pub packets_lost: u64,
    /// Calls that the library refused.
    pub mgm_refusals: u64,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters {
            drops: [0; REASONS],
            received: 0,
            accepted: 0,
            long_messages: 0,
            without_router_alert: 0,
            general_queries: 0,
            specific_queries: 0,
            wrong_version_queries: 0,
            reports: 0,
            leaves: 0,
            unknown_records: 0,
            sources_removed: 0,
            groups_added: 0,
            groups_refused: 0,
            sources_refused: 0,
            creations_limited: 0,
            queries_limited: 0,
            tracking_ended: 0,
            exclusions_not_applied: 0,
            flows_not_sent_up: 0,
            queries_sent: 0,
            reports_sent: 0,
            send_failures: 0,
            packets_lost: 0,
            mgm_refusals: 0,
        }
    }
}

impl Counters {
    /// How many packets or records were dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    pub(crate) fn count_drop(&mut self, reason: DropReason) {
        self.drops[reason as usize] += 1;
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
