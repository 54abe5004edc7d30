//! What waits in the library: records that were read, upcalls for the sink, and first packets. The
//! only I/O here is reading the ring.

use super::memory::Ring;
use super::queues::Queues;
use super::resend::{Kept, Packet};
use super::table::Table;
use crate::forwarder::Upcall;
use crate::types::Flow;
use std::time::{Duration, Instant};

/// How many upcalls are passed to the sink at a time.
const AT_A_TIME: usize = 64;

/// How many flows without an entry the sink may know of. The others wait here, where interfaces
/// take turns: behind the sink, the newest flow is the next one, wherever it arrived.
const IN_FLIGHT: usize = 512;

/// How many records are read before others get the locks.
pub(super) const BATCH: usize = 4096;

/// How long entries are held, and how many packets are sent meanwhile, before they are opened though
/// more packets wait. Other threads get the locks then, too.
pub(super) const MOST_HELD: Duration = Duration::from_millis(2);
pub(super) const MOST_SENT: usize = 64;

/// The pause before upcalls are offered again.
pub(super) const PAUSE: Duration = Duration::from_millis(1);

/// The time after which flows count no longer as known to the sink if none has got an entry: there are
/// flows that never get one.
const PATIENCE: Duration = Duration::from_millis(5);

/// What has been read.
pub(super) struct Inbox {
    pub ring: Ring,
    pub queues: Queues,
    /// What the sink could not take, oldest first.
    pub returned: Vec<Upcall>,
    /// Flows that the sink knows of, and that have no entry yet.
    pub in_flight: usize,
    /// When upcalls were last passed to the sink, or a flow got its entry.
    pub moved: Instant,
    /// Upcalls for which there was no room.
    pub dropped: u32,
}

impl Inbox {
    pub(super) fn new(ring: Ring) -> Inbox {
        let (queues, returned) = (Queues::default(), Vec::new());
        Inbox { ring, queues, returned, in_flight: 0, moved: Instant::now(), dropped: 0 }
    }

    pub(super) fn has_upcalls(&self) -> bool {
        !self.queues.is_empty() || !self.returned.is_empty()
    }

    /// How many upcalls may be passed on now.
    pub(super) fn room(&mut self) -> usize {
        if self.moved.elapsed() >= PATIENCE {
            self.in_flight = 0;
        }
        AT_A_TIME.min(IN_FLIGHT.saturating_sub(self.in_flight))
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
