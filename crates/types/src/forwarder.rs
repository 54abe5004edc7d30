//! What forwards packets: the memory forwarder, the Linux kernel, or programs in it.
//!
//! The engine holds the *desired* state. The manager passes it to the forwarder with
//! idempotent calls, always with its lock held and therefore in the order in which the
//! state changed. The forwarder never calls the manager during such a call; it delivers upcalls
//! on its own thread through [`UpcallSink`].

use crate::{Flow, IfId, Interface, Rate, Result};
use std::sync::Arc;

pub use crate::{Counters, OifsCounters};

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

/// Which packets the system drops before the forwarder sees them, judged by the routes to
/// their source (RFC 3704).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReversePath {
    /// Nothing.
    Off,
    /// Packets whose source is routed through another interface.
    Strict,
    /// Packets whose source no route covers.
    Loose,
}

/// What a forwarder has for a flow, read back from where its data path reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledEntry {
    /// The index of the interface on which it accepts packets.
    pub iif: u32,
    /// Whether it looks at packets that arrive there.
    pub takes_packets: bool,
    /// Where it sends copies.
    pub oifs: Vec<InstalledOif>,
}

/// An oif of an [`InstalledEntry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstalledOif {
    /// The interface.
    pub interface: Interface,
    /// A packet goes out only if its TTL is greater.
    pub threshold: u8,
    /// Whether copies can be sent now: the interface is up, its neighbour is known, and no other
    /// multicast daemon has it.
    pub is_ready: bool,
}

/// A forwarding plane. The module documentation says how it is called.
pub trait Forwarder: Send {
    /// `memory`, `kernel` or `ebpf`, for the log and the status page.
    fn name(&self) -> &'static str;

    /// Whether MFEs must be installed: the memory forwarder forwards from the engine's table
    /// and needs no copy of it.
    fn needs_entries(&self) -> bool;

    /// Lets other threads process upcalls that the forwarder's own thread has not read yet.
    fn upcalls(&self) -> Option<Arc<dyn UpcallSource>> {
        None
    }

    /// Starts serving an interface under this number (spec 2.7).
    ///
    /// # Errors
    /// `NoSuchInterface`, `KernelNextHop` or `Forwarder` with advice; nothing has changed then.
    fn add_interface(&mut self, id: IfId, interface: Interface) -> Result<()>;

    /// Stops serving an interface. No entry refers to it any longer.
    fn remove_interface(&mut self, id: IfId);

    /// Whether the removed interfaces are gone from the system, too.
    fn is_settled(&self) -> bool {
        true
    }

    /// Retries the removals that have failed.
    fn settle(&mut self) {}

    /// The interfaces whose device has gone (spec 5.11). They are not served until they are
    /// removed and added again, even if a device with the same index appears. Called after each
    /// [`routes_changed`](crate::route_view::RouteWatcher::routes_changed).
    ///
    /// # Errors
    /// `Forwarder`, if the system does not return them now; the manager retries later.
    fn lost_interfaces(&mut self) -> Result<Vec<IfId>> {
        Ok(Vec::new())
    }

    /// How strictly the system checks the source of packets that arrive on an interface; `None`
    /// if it has no such check, or its setting cannot be read.
    fn reverse_path(&self, _interface: Interface) -> Option<ReversePath> {
        None
    }

    /// The chains of the system's packet filter, by name, that forwarded packets bypass, although
    /// an operator may expect them to pass these chains. The call reads them from the system.
    fn bypassed_chains(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the forwarder itself refuses the packets of flows beyond the limits of
    /// [`set_flow_limit`](Forwarder::set_flow_limit), so that the engine need not (spec 0.9).
    fn limits_flows(&self) -> bool {
        false
    }

    /// Limits how many flows packets may begin on the interfaces of an index in a second; `None`
    /// removes the limit. The interfaces need not be served yet.
    fn set_flow_limit(&mut self, _if_index: u32, _rate: Option<Rate>) {}

    /// Where a packet of the flow has arrived lately that the limit of its interface has refused, if
    /// the forwarder limits flows and remembers this one.
    fn limited_on(&self, _flow: Flow) -> Option<Interface> {
        None
    }

    /// How many packets the limit of an index has refused since an interface of it was added.
    fn refused_packets(&self, _if_index: u32) -> u64 {
        0
    }

    /// Installs an entry or replaces the one of the same flow.
    ///
    /// # Errors
    /// `Forwarder` with the system's reason; the manager retries later.
    fn install(&mut self, entry: &ForwarderEntry<'_>) -> Result<()>;

    /// Removes an entry. A missing entry is not an error.
    ///
    /// # Errors
    /// `Forwarder` with the system's reason; the manager retries later.
    fn remove(&mut self, flow: Flow) -> Result<()>;

    /// The counters of an entry; `None` if the forwarder has no such entry or no counters.
    ///
    /// # Errors
    /// `Forwarder`, if the counters cannot be read now.
    fn counters(&mut self, flow: Flow) -> Result<Option<Counters>>;

    /// Reads the entry of a flow back; `None` if there is none, or if the forwarder cannot tell.
    fn installed(&self, _flow: Flow) -> Option<InstalledEntry> {
        None
    }

    /// Whether the forwarder reports new flows in the order in which they are to be resolved. With
    /// others, the newest flow is the cheapest.
    fn reports_in_order(&self) -> bool {
        false
    }

    /// The upcalls of these flows are done with: they have their entry, or get none. For each flow
    /// that was reported as new, this is called, or its entry is installed; unless there is no memory.
    fn done(&mut self, _flows: &[Flow]) {}

    /// Whether the forwarder also counts for each oif.
    fn counts_oifs(&self) -> bool {
        false
    }

    /// Replaces `counters` by those of the oifs of an entry; false if the forwarder has no such
    /// entry or does not count for each oif.
    fn oif_counters(&mut self, _flow: Flow, _counters: &mut OifsCounters) -> bool {
        false
    }
}

/// An upcall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcall {
    /// What happened.
    pub kind: UpcallKind,
    /// Source and group of the packet.
    pub flow: Flow,
    /// The interface it arrived on.
    pub arrival: Interface,
    /// Its header bytes; those that the kernel has overwritten are zero.
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

/// Takes upcalls, on the forwarder's own thread or on one that called [`UpcallSource::look`].
/// Returns soon: it queues the callbacks, and waits neither for a callback nor for a lock that
/// is held for long.
pub trait UpcallSink: Send + Sync {
    /// Takes upcalls, the last one first. They are in order of arrival, or in the reverse order if the
    /// forwarder [reports in order](Forwarder::reports_in_order). Returns those that it cannot take
    /// now, in the same order: they are offered again later, together with newer ones.
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall>;

    /// Reports that this number of further upcalls was lost, because the buffer was full.
    fn lost(&self, _count: u32) {}

    /// Calls `work`, which reads upcalls. A slow log callback must not delay `work`.
    fn quietly(&self, work: &mut dyn FnMut()) {
        work();
    }
}

/// Upcalls that have not been read yet. The forwarder's own thread reads them. In a burst,
/// threads that answer upcalls also read them every few answers: this saves waking up the
/// forwarder's thread, and new flows are known sooner.
pub trait UpcallSource: Send + Sync {
    /// Passes the waiting upcalls to the sink, unless another thread is doing so. Must not be
    /// called with the manager's lock held.
    fn look(&self);
}
