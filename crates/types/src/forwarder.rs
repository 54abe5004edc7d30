//! Where packets really flow: the embedded table, or the Linux kernel.
//!
//! The engine holds the *desired* state. A forwarder is told about it with
//! idempotent calls, always under the manager's lock and therefore in the order
//! in which the state changed. It never calls back; the kernel forwarder's
//! upcalls arrive on a thread of its own through [`UpcallSink`].

use crate::{Flow, IfId, Interface, Result};
use std::sync::Arc;

pub use crate::Counters;

/// One MFE as a forwarder needs it. The iif is never among the oifs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwarderEntry<'a> {
    /// Source and group.
    pub flow: Flow,
    /// The incoming interface.
    pub iif: IfId,
    /// The outgoing interfaces with their TTL thresholds: a packet goes out
    /// only if its TTL is greater.
    pub oifs: &'a [(IfId, u8)],
}

/// What the system drops before the forwarder sees it (RFC 3704), by the routes to a packet's
/// source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversePath {
    /// Nothing.
    Off,
    /// What the routes expect by another interface.
    Strict,
    /// What no route leads to.
    Loose,
}

/// A forwarding plane. See the module's text for the rules of calling.
pub trait Forwarder: Send {
    /// `memory` or `kernel`, for the log and the status page.
    fn name(&self) -> &'static str;

    /// Whether MFEs must be installed at all: the embedded table forwards
    /// straight from the engine's and needs no second copy.
    fn needs_entries(&self) -> bool;

    /// Where threads can look for upcalls that the forwarder's own has not taken in yet.
    fn upcalls(&self) -> Option<Arc<dyn UpcallSource>> {
        None
    }

    /// Starts serving an interface under this number (spec 2.7).
    ///
    /// # Errors
    /// `NoSuchInterface`, `KernelNextHop` or `Forwarder` with advice; nothing has changed then.
    fn add_interface(&mut self, id: IfId, interface: Interface) -> Result<()>;

    /// Stops serving it. No entry refers to it any more.
    fn remove_interface(&mut self, id: IfId);

    /// Whether nothing is left of the interfaces that were removed.
    fn is_settled(&self) -> bool {
        true
    }

    /// Tries again to remove what is left of them.
    fn settle(&mut self) {}

    /// The interfaces whose device has gone (spec 5.11): they are served no
    /// more, and stay so, even if a device with the same index appears, until
    /// they are removed and added again. Asked after each
    /// [`routes_changed`](crate::route_view::RouteWatcher::routes_changed).
    ///
    /// # Errors
    /// `Forwarder`, if that cannot be told just now; the manager asks again later.
    fn lost_interfaces(&mut self) -> Result<Vec<IfId>> {
        Ok(Vec::new())
    }

    /// How strictly the system checks where packets that come in there have come from; `None`
    /// if it does not, or does not tell.
    fn reverse_path(&self, _interface: Interface) -> Option<ReversePath> {
        None
    }

    /// Installs an entry or replaces the one of the same flow.
    ///
    /// # Errors
    /// `Forwarder` with the system's reason; the manager tries again later.
    fn install(&mut self, entry: &ForwarderEntry<'_>) -> Result<()>;

    /// Removes an entry; one that is not there is no error.
    ///
    /// # Errors
    /// `Forwarder` with the system's reason; the manager tries again later.
    fn remove(&mut self, flow: Flow) -> Result<()>;

    /// The counters of an entry, `None` where the forwarder has or keeps none.
    ///
    /// # Errors
    /// `Forwarder`, if they cannot be told just now.
    fn counters(&mut self, flow: Flow) -> Result<Option<Counters>>;
}

/// What a forwarder heard from below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcall {
    /// What happened.
    pub kind: UpcallKind,
    /// Source and group of the packet.
    pub flow: Flow,
    /// The interface it arrived on.
    pub arrival: Interface,
    /// Its header bytes, with what the kernel overwrote in them set to zero.
    pub header: Vec<u8>,
}

/// The kinds of upcall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpcallKind {
    /// The first packet of a flow for which there is no entry.
    NoCache,
    /// A packet on another interface than the entry's incoming one.
    WrongIf,
}

/// Takes upcalls on the forwarder's own thread, or on one that has looked for them. Returns
/// soon: it queues what callbacks there are, and waits neither for one nor for a lock that
/// somebody has for long.
pub trait UpcallSink: Send + Sync {
    /// Takes what there is, in order of arrival. Gives back what it cannot take for now,
    /// the oldest: that is offered again, with what has come in meanwhile.
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall>;

    /// So many upcalls more have been lost, because there was no room for them.
    fn lost(&self, _count: u32) {}

    /// Does `work`, a look at the upcalls. Whoever takes the log lines of that must not
    /// hold it up.
    fn quietly(&self, work: &mut dyn FnMut()) {
        work();
    }
}

/// Upcalls that were not taken in yet. The forwarder's own thread takes them in, whatever
/// others are at; but in a burst threads that answer upcalls had better look for
/// themselves every few answers: nobody has to be woken up, and new flows are known soon.
pub trait UpcallSource: Send + Sync {
    /// Hands those that there are to the sink, unless another thread is at it. Not to
    /// be called under the manager's lock.
    fn look(&self);
}
