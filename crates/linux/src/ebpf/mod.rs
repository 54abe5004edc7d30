//! The ebpf forwarder: eBPF programs at the hooks of traffic control forward the packets.
//! docs/ebpf.md describes it.
//!
//! ```text
//!            manager's lock                              mgm-upcall
//!  ┌───────────────────────────────────┐          ┌──────────────────────┐
//!  │ EbpfForwarder                     │          │ reader ─→ UpcallSink │
//!  │   interfaces: IfId → port         │          └──────────▲───────────┘
//!  │   table: flow → slot, oifs        │ resend              │ ring
//!  └─────────┬─────────────────────────┘  │                  │
//!            │ maps, memory               │                  │
//!  ┌─────────▼────────────────────────────▼──────────────────┴───────────┐
//!  │ bpf/mgm.bpf.c: mgm_l2, mgm_l3, mgm_own … ─→ mgm_copies              │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - `sys` makes the system call bpf(), `memory` shares memory with programs; `layout` has the
//!   structures.
//! - `object` parses the compiled programs, `load` loads them.
//! - `attach` attaches them to an interface, `interfaces` does so for those that are served, `refresh`
//!   reads their state again, and `unfinished` tries again what the kernel has refused, all by means of
//!   `work`. `view` is what other threads see of them, `ports` writes what the programs know of them.
//! - `chains` finds the packet filters that forwarded packets bypass, `legacy` those of older iptables.
//! - `requests` makes requests by netlink.
//! - `links` asks about interfaces, `changes` reads announcements about them.
//! - `table` has the entries, `flows` their hash tables, `runs` and `chunks` their memory, `counts` the counters of oifs.
//! - `reader` reads what the programs report, `waiting` and `queues` have what waits, `installs` adds
//!   entries, `kept` keeps the first packets of new flows, `resend` sends them on.
//! - `upkeep` does what must be done now and then, on a thread of its own.
//! - `advice` turns errors into messages that say what to do.

mod advice;
mod attach;
mod chains;
mod changes;
mod chunks;
mod counts;
mod flows;
mod installs;
mod interfaces;
mod kept;
mod layout;
mod legacy;
mod links;
mod load;
mod memory;
mod object;
mod ports;
mod queues;
mod reader;
mod refresh;
mod requests;
mod resend;
mod runs;
mod sys;
mod table;
#[cfg(test)]
mod tests;
mod unfinished;
mod upkeep;
mod view;
mod waiting;
mod work;

pub use attach::Attachment;

use crate::fork;
use crate::forwarder::{
    Counters, Forwarder, ForwarderEntry, InstalledEntry, InstalledOif, OifsCounters, UpcallSink,
    UpcallSource,
};
use crate::types::{Flow, IfId, Interface, OifCounters, Rate, Refusal, Result};
use counts::OutCounts;
use interfaces::Interfaces;
use layout::UP;
use load::{LoadError, Loaded};
use reader::Reader;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use table::Wanted;

/// Forwards by programs that are attached to the interfaces.
///
/// They are detached when it is dropped. If the process dies, what is attached by tcx goes with it;
/// filters of clsact stay, but forward nothing from then on.
pub struct EbpfForwarder {
    reader: Arc<Reader>,
}

impl EbpfForwarder {
    /// Loads the programs, and passes upcalls to `sink` from then on. Serves interfaces of the
    /// network namespace of the calling thread; threads that call it must be in the same.
    ///
    /// # Errors
    /// `Forwarder`, which says what is missing and what to do.
    pub fn open(how: Attachment, sink: Arc<dyn UpcallSink>) -> Result<EbpfForwarder> {
        let loaded = Loaded::new().or_else(|error| match error {
            // What kernels before 5.11 answer when the limit on locked memory is too low.
            LoadError::Map(_, cause) if cause.raw_os_error() == Some(libc::EPERM) => {
                sys::raise_memory_limit();
                Loaded::new()
            }
            other => Err(other),
        });
        let loaded = loaded.map_err(|error| advice::unloaded(&error))?;
        let interfaces = Interfaces::open(how).map_err(|error| advice::resources(&error))?;
        let reader = Reader::new(loaded, interfaces, sink);
        let reader = Arc::new(reader.map_err(|error| advice::resources(&error))?);
        reader.spawn().map_err(|error| advice::resources(&error))?;
        if let Some(warning) = advice::bypassed(&chains::bypassed()) {
            log::warn!("{warning}");
        }
        Ok(EbpfForwarder { reader })
    }

    /// The oifs of an entry as the programs know them.
    fn oifs(&self, entry: &ForwarderEntry<'_>) -> Vec<(u32, u8)> {
        let served: Vec<bool> = {
            let interfaces = self.reader.interfaces.view();
            entry.oifs.iter().map(|(id, _)| interfaces.index(*id).is_some()).collect()
        };
        let is_served = |((id, ttl), is_served): (&(IfId, u8), bool)| {
            if !is_served {
                log::error!("{}: the oif with number {} is not served", entry.flow, id.0);
            }
            (is_served && *id != entry.iif).then_some((id.0.into(), *ttl))
        };
        entry.oifs.iter().zip(served).filter_map(is_served).collect()
    }
}

impl Forwarder for EbpfForwarder {
    fn name(&self) -> &'static str {
        "ebpf"
    }

    fn needs_entries(&self) -> bool {
        true
    }

    fn upcalls(&self) -> Option<Arc<dyn UpcallSource>> {
        Some(self.reader.clone())
    }

    fn add_interface(&mut self, id: IfId, interface: Interface) -> Result<()> {
        let reader = &*self.reader;
        let (is_new, is_stale) = {
            let view = reader.interfaces.view();
            (!view.has(interface.index), view.is_stale(id))
        };
        if is_stale {
            reader.wait_for_programs().map_err(|error| advice::unknown(&error, interface))?;
            let settled = reader.interfaces.view().settle();
            let mut state = reader.state.lock();
            settled.iter().for_each(|id| state.table.forget_port(id.0.into()));
        }
        if is_new {
            reader.forget(interface.index);
        }
        let added = reader.interfaces.add(&reader.loaded, id, interface);
        reader.signal_unfinished();
        added
    }

    fn remove_interface(&mut self, id: IfId) {
        let reader = &*self.reader;
        let index = reader.index(id);
        reader.interfaces.remove(&reader.loaded, id);
        reader.signal_unfinished();
        reader.state.lock().table.forget_port(id.0.into());
        if let Some(index) = index.filter(|index| !reader.interfaces.view().has(*index)) {
            reader.drop_upcalls(index);
        }
    }

    fn lost_interfaces(&mut self) -> Result<Vec<IfId>> {
        let lost = self.reader.interfaces.lost(&self.reader.loaded);
        self.reader.signal_unfinished();
        lost
    }

    fn bypassed_chains(&self) -> Vec<String> {
        chains::bypassed()
    }

    fn limits_flows(&self) -> bool {
        true
    }

    fn set_flow_limit(&mut self, if_index: u32, rate: Option<Rate>) {
        self.reader.interfaces.view().set_limit(&self.reader.loaded, if_index, rate);
        self.reader.signal_upkeep();
    }

    fn refused_packets(&self, if_index: u32) -> u64 {
        self.reader.interfaces.view().refused(&self.reader.loaded, if_index)
    }

    fn limited_on(&self, flow: Flow) -> Option<Interface> {
        self.reader.limited_on(flow)
    }

    fn install(&mut self, entry: &ForwarderEntry<'_>) -> Result<()> {
        let Some(iif) = self.reader.index(entry.iif) else {
            return Err(Refusal::Forwarder(format!("{}: its iif is not served", entry.flow)));
        };
        let wanted = Wanted { flow: entry.flow, iif, oifs: &self.oifs(entry), is_held: false };
        self.reader.set(&wanted).map_err(|error| advice::entry(&error, entry.flow))
    }

    fn remove(&mut self, flow: Flow) -> Result<()> {
        self.reader.remove(flow);
        Ok(())
    }

    fn reports_in_order(&self) -> bool {
        true
    }

    fn done(&mut self, flows: &[Flow]) {
        self.reader.done(flows);
    }

    fn counters(&mut self, flow: Flow) -> Result<Option<Counters>> {
        self.reader.settle(flow);
        Ok(self.reader.state.lock().table.counters(flow))
    }

    fn installed(&self, flow: Flow) -> Option<InstalledEntry> {
        let state = self.reader.state.lock();
        let interfaces = self.reader.interfaces.view();
        let mut oifs = Vec::new();
        let iif = state.table.installed(flow, |port, threshold| {
            let Some(interface) = interfaces.interface(IfId(port as u16)) else { return };
            let flags = self.reader.loaded.maps.ports.get(port as usize).flags.load(Relaxed);
            oifs.push(InstalledOif { interface, threshold, is_ready: flags & UP != 0 });
        })?;
        Some(InstalledEntry { iif, takes_packets: interfaces.is_attached(iif), oifs })
    }

    fn counts_oifs(&self) -> bool {
        true
    }

    fn oif_counters(&mut self, flow: Flow, counters: &mut OifsCounters) -> bool {
        self.reader.settle(flow);
        let state = self.reader.state.lock();
        let interfaces = self.reader.interfaces.view();
        counters.oifs.clear();
        let found = state.table.out_counters(flow, |out| {
            let id = IfId(out.port as u16);
            let Some(interface) = interfaces.interface(id) else { return };
            let OutCounts { packets, ttl_too_low, too_large, discards, .. } = out;
            counters.oifs.push(OifCounters {
                interface,
                packets,
                ttl_too_low,
                too_large,
                discards,
            });
        });
        let Some((sent_by_former, negative)) = found else { return false };
        (counters.sent_by_former, counters.negative) = (sent_by_former, negative);
        true
    }
}

impl Drop for EbpfForwarder {
    /// Nothing is attached when this returns. The thread ends by itself: it may be waiting for the
    /// manager's lock, which is held here.
    fn drop(&mut self) {
        if !fork::is_child() {
            self.reader.end();
        }
    }
}
