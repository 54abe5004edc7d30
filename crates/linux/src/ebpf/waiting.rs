//! What waits in the library: records that were read, upcalls for the sink, and first packets. The
//! only I/O here is reading the ring.

use super::kept::Kept;
use super::memory::Ring;
use super::queues::Queues;
use super::resend::Packet;
use super::table::Table;
use crate::forwarder::Upcall;
use crate::types::Flow;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How many upcalls are passed to the sink at a time.
pub(super) const AT_A_TIME: usize = 64;

/// How many records are read before some upcalls are passed on.
pub(super) const BATCH: usize = 4096;

/// How many records are read before others get the locks, and before the time is looked at. In a flood
/// they take half a millisecond.
pub(super) const STEP: usize = 512;

/// After this time, a thread that installs an entry reads no more records, and opens the held entries
/// even if packets wait. It keeps the locks until it has sent those that it has read.
pub(super) const MOST_HELD: Duration = Duration::from_millis(2);

/// How many packets are sent before the thread looks at that time. It does so after each packet that has
/// very many oifs.
pub(super) const MOST_SENT: usize = 64;

/// The pause before upcalls are offered again.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// What has been read.
pub(super) struct Inbox {
    pub ring: Ring,
    pub queues: Queues,
    /// What the sink could not take, oldest first.
    pub returned: Vec<Upcall>,
    /// Indexes that have lost their device since upcalls were last passed to the sink.
    pub gone: BTreeSet<u32>,
    /// Upcalls for which there was no room.
    pub dropped: u32,
}

impl Inbox {
    pub(super) fn new(ring: Ring) -> Inbox {
        let (queues, returned) = (Queues::default(), Vec::new());
        Inbox { ring, queues, returned, gone: BTreeSet::new(), dropped: 0 }
    }

    /// Whether upcalls may be passed on now.
    pub(super) fn has_upcalls(&self) -> bool {
        self.queues.is_ready() || !self.returned.is_empty()
    }
}

/// The entries, and the packets that wait for one.
pub(super) struct State {
    pub table: Table,
    pub kept: Kept,
    pub outbox: Outbox,
}

/// First packets whose flow has an entry by now, until they are sent on.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub packets: Vec<Packet>,
    /// The flows whose entries are held until then.
    pub flows: Vec<Flow>,
    /// There is one flow, with so many oifs that its packets are sent one at a time.
    pub is_alone: bool,
    /// When the first of them was added.
    pub since: Option<Instant>,
}

impl Outbox {
    pub(super) fn has(&self, flow: Flow) -> bool {
        self.flows.contains(&flow)
    }
}
