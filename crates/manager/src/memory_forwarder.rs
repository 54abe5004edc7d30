//! The memory forwarder.

use crate::forwarder::{Counters, Forwarder, ForwarderEntry};
use crate::types::{Flow, IfId, Interface, Result};

/// The host hands in packets, and the library returns the outgoing interfaces from the engine's
/// table, which also counts the packets. So there are no entries to install, and any interface
/// index is valid.
#[derive(Debug, Default)]
pub struct MemoryForwarder;

impl Forwarder for MemoryForwarder {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn needs_entries(&self) -> bool {
        false
    }

    fn add_interface(&mut self, _: IfId, _: Interface) -> Result<()> {
        Ok(())
    }

    fn remove_interface(&mut self, _: IfId) {}

    fn install(&mut self, _: &ForwarderEntry<'_>) -> Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: Flow) -> Result<()> {
        Ok(())
    }

    fn counters(&mut self, _: Flow) -> Result<Option<Counters>> {
        Ok(None)
    }
}
