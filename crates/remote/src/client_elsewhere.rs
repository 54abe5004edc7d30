//! The client's side on systems without UNIX sockets: no process is ever connected.

use crate::messages::{Change, Room};
use mgm_engine::{EnumKind, Join, MfeRow};
use mgm_manager::{Callbacks, Detail};
use mgm_types::{Flow, Interface, Ipv4Addr, Refusal, Result};
use std::ops::ControlFlow;
use std::path::Path;

/// There is none.
#[derive(Clone)]
pub enum Router {}

/// There is none.
#[must_use]
pub fn current() -> Option<Router> {
    None
}

/// No number belongs to a router, because there is none.
///
/// # Errors
/// None.
pub fn of_serial(_: u64) -> Result<Option<Router>> {
    Ok(None)
}

/// No number belongs to a router, because there is none.
///
/// # Errors
/// None.
pub fn of_client(_: u64) -> Result<Option<Router>> {
    Ok(None)
}

/// Called once when a router is lost.
pub type LostCallback = Box<dyn Fn() + Send + Sync>;

/// No router is ever lost.
pub fn set_lost(_: Option<LostCallback>) {}

/// No process is ever a client process, so grace has no effect.
pub fn set_grace(_: u32) {}

/// No default is needed.
///
/// # Errors
/// None.
pub fn default_grace(_: impl FnOnce() -> Result<u32>) -> Result<()> {
    Ok(())
}

/// Nothing is owed.
#[must_use]
pub fn owes() -> bool {
    false
}

/// Does nothing.
pub fn drain_owed() {}

/// Refuses.
///
/// # Errors
/// `Router`.
pub fn connect(_: &Path) -> Result<Router> {
    Err(Refusal::Router("MGM_ROUTER is supported only on Linux: unset it".into()))
}

/// Nothing is connected.
///
/// # Errors
/// None.
pub fn disconnect() -> Result<bool> {
    Ok(false)
}

#[allow(missing_docs, clippy::missing_errors_doc)]
impl Router {
    pub fn register(&self, _: Box<dyn Callbacks>, _: u32, _: u32) -> Result<u64> {
        match *self {}
    }
    pub fn deregister(&self, _: u64) -> Result<()> {
        match *self {}
    }
    pub fn grace_done(&self, _: u64) -> Result<()> {
        match *self {}
    }
    pub fn take(&self, _: u64, _: Interface) -> Result<()> {
        match *self {}
    }
    pub fn release(&self, _: u64, _: Interface) -> Result<()> {
        match *self {}
    }
    pub fn protocol_on(&self, _: Interface) -> Result<(u32, u32)> {
        match *self {}
    }
    pub fn add_membership(&self, _: u64, _: Flow, _: Interface, _: Join) -> Result<()> {
        match *self {}
    }
    pub fn delete_membership(&self, _: u64, _: Flow, _: Interface, _: Join) -> Result<()> {
        match *self {}
    }
    pub fn change_all(&self, _: &[Change]) -> Result<Option<(usize, Refusal)>> {
        match *self {}
    }
    pub fn set_mfe(&self, _: u64, _: Flow, _: Ipv4Addr, _: u32) -> Result<()> {
        match *self {}
    }
    pub fn mfe(&self, _: Flow, _: bool) -> Result<MfeRow> {
        match *self {}
    }
    pub fn walk_mfes(
        &self,
        _: Option<Flow>,
        _: bool,
        _: Room,
        _: impl FnMut(&MfeRow) -> ControlFlow<()>,
    ) -> Result<Option<usize>> {
        match *self {}
    }
    pub fn enum_start(&self, _: u64, _: EnumKind) -> Result<u64> {
        match *self {}
    }
    pub fn enum_next(&self, _: u64, _: usize, _: &mut dyn FnMut(Flow)) -> Result<bool> {
        match *self {}
    }
    pub fn enum_end(&self, _: u64) -> Result<()> {
        match *self {}
    }
    pub fn status(&self, _: Detail) -> Result<Vec<u8>> {
        match *self {}
    }
    pub fn metrics(&self, _: Detail) -> Result<Vec<u8>> {
        match *self {}
    }
}
