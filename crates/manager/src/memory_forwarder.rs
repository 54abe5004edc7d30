//! The embedded forwarder.

use crate::forwarder::{Counters, Forwarder, ForwarderEntry};
use crate::types::{Flow, IfId, Interface, Result};

/// Forwards in memory: packets are handed in by the host, and MGM answers with
/// the outgoing interfaces straight from the engine's own table, which counts
/// them too. So there is nothing to install, and any interface index will do.
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
