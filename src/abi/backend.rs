//! Which manager a call goes to: the one in this process, or that of a router (spec 9.1).

use super::batch;
use crate::manager::{self, Callbacks, EnumId, EnumKind, Join, Manager};
use crate::remote::client::{self, Router};
use crate::remote::messages::Change;
use crate::remote::service;
use crate::types::{Flow, Interface, Ipv4Addr, Refusal, Result};
use std::path::{Path, PathBuf};

pub use crate::engine::ClientId;

/// Where the manager is.
pub enum Backend {
    /// In this process.
    Here(&'static Manager),
    /// At a router in another process.
    There(Router),
}
use Backend::{Here, There};

/// The manager that has given out a serial number.
#[inline]
fn of(serial: u64) -> Result<Backend> {
    batch::flush();
    Ok(match client::of_serial(serial)? {
        None => Here(Manager::global()),
        Some(router) => There(router),
    })
}

/// The manager of a call without a handle. If none runs yet, MGM_ROUTER decides.
#[inline]
pub fn any() -> Result<Backend> {
    batch::flush();
    let manager = Manager::global();
    if manager.is_started() {
        return Ok(Here(manager));
    }
    match client::current() {
        Some(router) => Ok(There(router)),
        None => choose(manager),
    }
}

#[cold]
fn choose(manager: &'static Manager) -> Result<Backend> {
    match manager::router_path()? {
        None => Ok(Here(manager)),
        Some(path) => Ok(There(connect(&path)?)),
    }
}

/// Connects to a router, with the grace that the environment asks for.
fn connect(path: &Path) -> Result<Router> {
    client::default_grace(manager::grace)?;
    client::connect(path)
}

/// The manager in this process, for a call that only the router itself can make (spec 9.3).
pub fn here() -> Result<&'static Manager> {
    let manager = Manager::global();
    let is_client =
        !manager.is_started() && (client::current().is_some() || manager::router_path()?.is_some());
    if is_client {
        return Err(Refusal::Router(
            "this process is a client of the router that MGM_ROUTER or its host names: only the \
             router's own process can make this call"
                .into(),
        ));
    }
    Ok(manager)
}

/// Refuses a start in a process that is connected to a router.
pub fn refuse_client() -> Result<()> {
    match client::current() {
        Some(_) => Err(Refusal::AlreadyStarted),
        None => Ok(()),
    }
}

/// Connects to the router at this path, otherwise to the one that MGM_ROUTER names. False if there
/// is none.
pub fn start_as_client(router: Option<PathBuf>) -> Result<bool> {
    if Manager::global().is_started() {
        return if router.is_some() { Err(Refusal::AlreadyStarted) } else { Ok(false) };
    }
    if let Some(path) = router {
        connect(&path)?;
        manager::set_router(Some(path)); // later registrations connect there again
        return Ok(true);
    }
    let Some(path) = manager::router_path()? else { return Ok(false) };
    connect(&path)?;
    Ok(true)
}

/// Stops the manager in this process, or disconnects from the router.
pub fn stop() -> Result<()> {
    client::disconnect()?;
    manager::set_router(None);
    Manager::global().stop()?;
    service::stop();
    Ok(())
}

/// Refuses what concerns client processes in a process that is connected to a router.
pub fn refuse_service() -> Result<()> {
    match client::current() {
        Some(_) => here().map(drop),
        None => Ok(()),
    }
}

/// Serves client processes at a path; `None` ends that.
pub fn serve(path: Option<&Path>, settings: service::Settings) -> Result<()> {
    if manager::inside().is_some() {
        return Err(Refusal::InsideCallback);
    }
    refuse_service()?;
    let manager = Manager::global();
    match path {
        Some(path) => {
            manager.ensure_started()?;
            service::serve(manager, path, settings)
        }
        None => {
            service::stop();
            Ok(())
        }
    }
}

/// See [`Manager::register`]. Returns the serial number.
pub fn register(callbacks: Box<dyn Callbacks>, protocol: u32, component: u32) -> Result<u64> {
    match any()? {
        Here(manager) => Ok(manager.register(callbacks, protocol, component)?.0),
        There(router) => router.register(callbacks, protocol, component),
    }
}

/// See [`Manager::deregister`].
pub fn deregister(serial: u64) -> Result<()> {
    batch::flush();
    match client::of_client(serial)? {
        None => Manager::global().deregister(ClientId(serial)),
        Some(router) => router.deregister(serial),
    }
}

/// Ends what a client has not taken or added again of its predecessor's state. In a router no
/// client of its own process has a predecessor.
pub fn grace_done(serial: u64) -> Result<()> {
    match of(serial)? {
        Here(manager) => manager.grace_done(ClientId(serial)),
        There(router) => router.grace_done(serial),
    }
}

/// See [`Manager::take`].
pub fn take(serial: u64, interface: Interface) -> Result<()> {
    match of(serial)? {
        Here(manager) => manager.take(ClientId(serial), interface),
        There(router) => router.take(serial, interface),
    }
}

/// See [`Manager::release`].
pub fn release(serial: u64, interface: Interface) -> Result<()> {
    match of(serial)? {
        Here(manager) => manager.release(ClientId(serial), interface),
        There(router) => router.release(serial, interface),
    }
}

/// See [`Manager::protocol_on`].
pub fn protocol_on(interface: Interface) -> Result<(u32, u32)> {
    match any()? {
        Here(manager) => manager.protocol_on(interface),
        There(router) => router.protocol_on(interface),
    }
}

/// See [`Manager::add_membership`].
#[inline]
pub fn add_membership(serial: u64, flow: Flow, interface: Interface, join: Join) -> Result<()> {
    let change = Change { adds: true, client: serial, flow, interface, join };
    if let Ok(collected) = batch::collect(change) {
        return collected;
    }
    match of(serial)? {
        Here(manager) => manager.add_membership(ClientId(serial), flow, interface, join),
        There(router) => router.add_membership(serial, flow, interface, join),
    }
}

/// See [`Manager::delete_membership`].
#[inline]
pub fn delete_membership(serial: u64, flow: Flow, interface: Interface, join: Join) -> Result<()> {
    let change = Change { adds: false, client: serial, flow, interface, join };
    if let Ok(collected) = batch::collect(change) {
        return collected;
    }
    match of(serial)? {
        Here(manager) => manager.delete_membership(ClientId(serial), flow, interface, join),
        There(router) => router.delete_membership(serial, flow, interface, join),
    }
}

/// See [`Manager::set_mfe`].
pub fn set_mfe(serial: u64, flow: Flow, upstream: Ipv4Addr, if_index: u32) -> Result<()> {
    match of(serial)? {
        Here(manager) => manager.set_mfe(ClientId(serial), flow, upstream, if_index),
        There(router) => router.set_mfe(serial, flow, upstream, if_index),
    }
}

/// See [`Manager::enum_start`]. Returns the serial number.
pub fn enum_start(serial: u64, kind: EnumKind) -> Result<u64> {
    match of(serial)? {
        Here(manager) => Ok(manager.enum_start(ClientId(serial), kind)?.0),
        There(router) => router.enum_start(serial, kind),
    }
}

/// See [`Manager::enum_next`].
pub fn enum_next(serial: u64, capacity: usize, visit: &mut dyn FnMut(Flow)) -> Result<bool> {
    match of(serial)? {
        Here(manager) => manager.enum_next(EnumId(serial), capacity, visit),
        There(router) => router.enum_next(serial, capacity, visit),
    }
}

/// See [`Manager::enum_end`].
pub fn enum_end(serial: u64) -> Result<()> {
    match of(serial)? {
        Here(manager) => manager.enum_end(EnumId(serial)),
        There(router) => router.enum_end(serial),
    }
}

#[cfg(all(test, target_os = "linux"))]
pub mod tests;
