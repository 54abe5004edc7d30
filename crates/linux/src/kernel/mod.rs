//! Linux multicast routing.
//!
//! ```text
//!            manager's lock                          mgm-upcall
//!      ┌──────────────────────────┐           ┌──────────────────────┐
//!      │ KernelForwarder          │           │ reader ─→ UpcallSink │
//!      │   vifs: IfId → VIF ······│··devices··│··→ upcall: parse     │
//!      └──────────┬───────────────┘           └─────────▲────────────┘
//!                 │ MRT_*, SIOCGET*                     │ recvmmsg
//!      ┌──────────▼─────────────────────────────────────┴────────────┐
//!      │ mroute: the raw IGMP socket                                 │
//!      └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! - `mroute` sets the socket options, `batch` reads: the two modules with unsafe code.
//! - `vifs` maps interfaces to VIFs.
//! - `upcall` parses upcalls, `intake` reads and keeps them, `reader` passes them on.
//! - `rp_filter` finds out which packets the kernel drops before multicast routing.
//! - `advice` turns errors into messages that say what to do.

mod advice;
mod batch;
mod intake;
mod mroute;
mod reader;
mod rp_filter;
mod upcall;
mod vifs;

#[cfg(fuzzing)]
pub use upcall::fuzz;

use crate::fork;
use crate::forwarder::{
    Counters, Forwarder, ForwarderEntry, ReversePath, UpcallSink, UpcallSource,
};
use crate::sys::StopSignal;
use crate::types::{Flow, IfId, Interface, Refusal, Result};
use foldhash::fast::RandomState;
use mroute::{MrouteSocket, Ttls};
use reader::{Reader, ReaderShared};
use rp_filter::ReversePaths;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use vifs::{VifTable, MAX_VIFS};

/// Room for unread upcalls. The kernel doubles it and charges 832 bytes for
/// each, so that 80,000 fit; no memory is taken before it is needed.
const RECEIVE_BUFFER: usize = 32 << 20;

/// The tables that the kernel searches without a rule of the operator; 0 means RT_TABLE_DEFAULT.
const LOOKED_UP: [u32; 2] = [0, 253];

/// Forwards in the Linux kernel.
///
/// It owns one of the kernel's multicast routing tables until it is dropped or the process ends
/// in any way. The kernel then deletes all VIFs and entries of the table.
pub struct KernelForwarder {
    shared: Arc<ReaderShared>,
    upcalls: Arc<Reader>,
    vifs: VifTable,
    reverse_paths: ReversePaths,
    table: u32,
    /// Flows whose entry the kernel refused to change: the entry may name VIFs that have been
    /// released since.
    refused: HashSet<Flow, RandomState>,
    /// There was no memory to add such a flow, so no VIF is reused.
    refused_more: bool,
}

impl KernelForwarder {
    /// Becomes the owner of the kernel's multicast routing `table` (0: the default one) in the
    /// network namespace of the calling thread, and passes upcalls to `sink` from then on.
    ///
    /// # Errors
    /// `Forwarder`, which says what is missing and what to do.
    pub fn open(table: u32, sink: Arc<dyn UpcallSink>) -> Result<KernelForwarder> {
        let socket =
            MrouteSocket::open(table).map_err(|(step, error)| advice::open(step, &error, table))?;
        socket.set_receive_buffer(RECEIVE_BUFFER);
        if let Err(error) = socket.accept_upcalls_only() {
            log::debug!("cannot filter the multicast routing socket: {error}");
        }
        if let Err(error) = socket.overflows() {
            log::debug!("cannot count lost upcalls: {error}");
        }
        let signal = StopSignal::new().map_err(|error| advice::resources(&error))?;
        let shared = Arc::new(ReaderShared { socket, signal, ending: AtomicBool::new(false) });
        let vifs = VifTable::new();
        let upcalls = reader::spawn(Arc::clone(&shared), vifs.devices(), sink)
            .map_err(|error| advice::resources(&error))?;
        Ok(KernelForwarder {
            shared,
            upcalls,
            vifs,
            reverse_paths: ReversePaths::open(),
            table,
            refused: HashSet::default(),
            refused_more: false,
        })
    }

    /// The kernel's form of a list of oifs.
    fn ttls(&self, entry: &ForwarderEntry<'_>) -> Ttls {
        let mut ttls = [0; MAX_VIFS];
        for (oif, threshold) in entry.oifs {
            match self.vifs.get(*oif) {
                // For the kernel, 0 means off, so use 1 instead: a packet with TTL 1 cannot be
                // forwarded anyway. 255 means off for both.
                Some(vif) => ttls[vif.slot()] = (*threshold).max(1),
                None => log::error!(
                    "internal error: {}: its oif with number {} has no VIF; please report it",
                    entry.flow,
                    oif.0
                ),
            }
        }
        ttls
    }

    /// Notes whether the kernel accepted the change of a flow's entry.
    fn note(&mut self, flow: Flow, result: io::Result<()>) -> Result<()> {
        match result {
            Ok(()) if self.refused.is_empty() => Ok(()),
            Ok(()) => {
                self.refused.remove(&flow);
                self.release_vifs();
                Ok(())
            }
            Err(error) => {
                if self.refused.try_reserve(1).is_ok() {
                    self.refused.insert(flow);
                } else {
                    self.refused_more = true;
                }
                Err(advice::entry(&error, flow))
            }
        }
    }

    /// Deletes the released VIFs in the kernel.
    fn delete_vifs(&mut self) -> Result<()> {
        let mut result = Ok(());
        for vif in self.vifs.undeleted() {
            match self.shared.socket.delete_vif(vif) {
                Ok(()) => self.vifs.deleted(vif),
                // The kernel returns this if it has removed the VIF together with its device.
                Err(_) if self.shared.socket.has_vif(vif).is_ok_and(|has| !has) => {
                    self.vifs.deleted(vif);
                }
                Err(error) => result = Err(advice::undeleted(&error, vif.number())),
            }
        }
        self.release_vifs();
        result
    }

    /// Frees the released VIFs, unless an entry may still name one.
    fn release_vifs(&mut self) {
        if self.refused.is_empty() && !self.refused_more {
            self.vifs.release();
        }
    }
}

impl Forwarder for KernelForwarder {
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn needs_entries(&self) -> bool {
        true
    }

    fn upcalls(&self) -> Option<Arc<dyn UpcallSource>> {
        Some(self.upcalls.clone())
    }

    fn add_interface(&mut self, id: IfId, interface: Interface) -> Result<()> {
        if !interface.next_hop.is_unspecified() {
            return Err(Refusal::KernelNextHop(interface));
        }
        // A device must not have two VIFs, because the kernel would use the first one for
        // arriving packets.
        self.delete_vifs()?;
        let socket = &self.shared.socket;
        let gone = Refusal::NoSuchInterface(interface.index);
        let name = match socket.device_name(interface.index) {
            Ok(Some(name)) => name,
            Ok(None) => return Err(gone),
            Err(error) => return Err(advice::unknown(&error, interface)),
        };
        // If that fails, use a number that no waiting upcall can name.
        if self.upcalls.drain().is_ok() {
            self.vifs.drained();
        }
        let claimed = self.vifs.claim(id, interface.index);
        let Some(vif) = claimed.map_err(|why| advice::no_vif(why, interface))? else {
            return Ok(());
        };
        self.upcalls.forget(interface.index);
        socket.add_vif(vif, interface.index).map_err(|error| {
            self.vifs.free(id);
            // The device may have gone since its name was read.
            match socket.device_name(interface.index) {
                Ok(None) => gone,
                _ => advice::add_vif(&error, interface, &name),
            }
        })?;
        log::debug!("{interface} ({name}) is VIF {}", vif.number());
        let has_address = || socket.has_address(&name);
        if let Some(complaint) = self.reverse_paths.complaint(&name, interface.index, has_address) {
            log::warn!("{complaint}");
        }
        if !LOOKED_UP.contains(&self.table) {
            log::warn!("{}", advice::rule(self.table, &name));
        }
        Ok(())
    }

    /// Entries should no longer name the interface. Keeps the VIF of an entry that the kernel
    /// refused to rewrite until the rewrite succeeds.
    fn remove_interface(&mut self, id: IfId) {
        self.vifs.leave(id);
        if let Err(refusal) = self.delete_vifs() {
            log::warn!("retrying: {refusal}");
        }
    }

    fn is_settled(&self) -> bool {
        self.vifs.is_settled()
    }

    fn settle(&mut self) {
        if let Err(refusal) = self.delete_vifs() {
            log::debug!("retrying: {refusal}");
        }
    }

    fn lost_interfaces(&mut self) -> Result<Vec<IfId>> {
        let mut lost = Vec::new();
        for (vif, id) in self.vifs.iter() {
            match self.shared.socket.has_vif(vif) {
                Ok(true) => {}
                Ok(false) => lost.push(id),
                Err(error) => {
                    let index = self.vifs.devices().get(vif).unwrap_or_default();
                    return Err(advice::unknown(&error, Interface::link(index)));
                }
            }
        }
        Ok(lost)
    }

    fn reverse_path(&self, interface: Interface) -> Option<ReversePath> {
        let name = self.shared.socket.device_name(interface.index).ok()??;
        self.reverse_paths.of(&name)
    }

    fn install(&mut self, entry: &ForwarderEntry<'_>) -> Result<()> {
        let Some(iif) = self.vifs.get(entry.iif) else {
            return Err(Refusal::Forwarder(format!(
                "{}: its iif has no VIF in the kernel",
                entry.flow
            )));
        };
        let mut ttls = self.ttls(entry);
        // Otherwise the kernel would send packets back on the interface they arrived on.
        ttls[iif.slot()] = 0;
        let result = self.shared.socket.add_mfc(entry.flow, iif, ttls);
        self.note(entry.flow, result)
    }

    fn remove(&mut self, flow: Flow) -> Result<()> {
        let result = match self.shared.socket.delete_mfc(flow) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            result => result,
        };
        self.note(flow, result)
    }

    fn counters(&mut self, flow: Flow) -> Result<Option<Counters>> {
        self.shared.socket.counters(flow).map_err(|error| advice::uncounted(&error, flow))
    }
}

impl Drop for KernelForwarder {
    /// The kernel's tables are clean when this returns. The thread ends by itself. Waiting for it
    /// here could deadlock, because the manager's lock is held and the thread may be waiting for
    /// that lock.
    fn drop(&mut self) {
        if fork::is_child() {
            return;
        }
        self.shared.socket.release();
        self.shared.end();
    }
}
