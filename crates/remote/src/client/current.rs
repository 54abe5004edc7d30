//! The router of this process, if it is a client process.

use super::{thread, Router, REMOTE};
use mgm_manager::{inside, within, Inside};
use mgm_types::{Refusal, Result};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

static CURRENT: Mutex<Option<Router>> = Mutex::new(None);

/// Routers that were lost before this process connected again: their callbacks may still run.
static LOST_ROUTERS: Mutex<Vec<Router>> = Mutex::new(Vec::new());

/// Whether there is one, so that other processes need not look further.
static IS_SET: AtomicBool = AtomicBool::new(false);

/// Called once when a router is lost.
pub type LostCallback = Box<dyn Fn() + Send + Sync>;

static LOST: Mutex<Option<Arc<LostCallback>>> = Mutex::new(None);

/// Sets what is called when the router is lost; `None` for nothing. A call that is running may
/// still be that of the former one.
pub fn set_lost(callback: Option<LostCallback>) {
    *LOST.lock() = callback.map(Arc::new);
}

/// Calls it, with no lock held.
pub(super) fn call_lost() {
    let callback = LOST.lock().clone();
    if let Some(callback) = callback {
        within(Inside::Host, || callback());
    }
}

/// The router to which this process is connected.
#[inline]
#[must_use]
pub fn current() -> Option<Router> {
    IS_SET.load(Ordering::Relaxed).then(find).flatten()
}

#[cold]
fn find() -> Option<Router> {
    CURRENT.lock().clone().filter(|router| !router.is_over())
}

/// The router of a serial number; `None` if the number belongs to the manager in this process.
///
/// # Errors
/// `BadHandle`, if the number is a router's, but this process is not connected.
#[inline]
pub fn of_serial(serial: u64) -> Result<Option<Router>> {
    if serial & REMOTE == 0 {
        return Ok(None);
    }
    find().map(Some).ok_or(Refusal::BadHandle(serial))
}

/// The router of a client that is to be deregistered: also one that is lost, while a callback of
/// the client is still running (D124).
///
/// # Errors
/// As [`of_serial`].
pub fn of_client(serial: u64) -> Result<Option<Router>> {
    if serial & REMOTE == 0 {
        return Ok(None);
    }
    // In this order: a router that is lost later is added to the others before it is replaced.
    let current = CURRENT.lock().clone();
    let lost = LOST_ROUTERS.lock().clone();
    let mut all = current.into_iter().chain(lost);
    all.find(|router| router.has_client(serial)).map(Some).ok_or(Refusal::BadHandle(serial))
}

/// Whether this thread still has to deliver callbacks of calls that it made inside the log
/// callback.
#[inline]
#[must_use]
pub fn owes() -> bool {
    thread::with(|thread| thread.cause.get()) != 0 && inside().is_none()
}

/// Delivers them (spec 8.1).
pub fn drain_owed() {
    match CURRENT.lock().clone() {
        Some(router) => router.0.deliver_owed(),
        None => thread::with(|thread| thread.cause.set(0)),
    }
}

/// Connects this process to a router, unless it is connected.
///
/// # Errors
/// `Router`.
pub fn connect(path: &Path) -> Result<Router> {
    let mut current = CURRENT.lock();
    if let Some(router) = current.as_ref().filter(|router| !router.is_over()) {
        return Ok(router.clone());
    }
    let router = Router::connect(path)?;
    if let Some(lost) = current.replace(router.clone()) {
        let mut all = LOST_ROUTERS.lock();
        all.retain(|lost| !lost.is_quiet());
        all.push(lost);
    }
    IS_SET.store(true, Ordering::Relaxed);
    Ok(router)
}

/// Disconnects this process. When it returns, no callback is running, not even one of a router that
/// was lost before. False if it was not connected.
///
/// # Errors
/// `InsideCallback`.
pub fn disconnect() -> Result<bool> {
    let router = CURRENT.lock().clone();
    let lost = LOST_ROUTERS.lock().clone();
    for router in router.iter().chain(&lost) {
        router.disconnect()?;
    }
    LOST_ROUTERS.lock().retain(|lost| !lost.is_quiet());
    let Some(router) = router else { return Ok(false) };
    let mut current = CURRENT.lock();
    current.take_if(|current| current.is(&router));
    IS_SET.store(current.is_some(), Ordering::Relaxed);
    Ok(true)
}
