//! Client processes: who may do what, batches, grace, and the end of the router (rules 9.8, 9.9, 9.10
//! and 9.14 of the library).
//!
//! A process with MGM_ROUTER in its environment is a client process: its calls go to the router at
//! that path. [`host::serve_clients`](crate::host::serve_clients) makes a process such a router.

use crate::{ffi, Error, Interface, Result};
use std::sync::{Arc, PoisonError, RwLock};

/// Is called when the router of this client process is lost, on a thread of the library.
pub type RouterLost = Arc<dyn Fn() + Send + Sync>;

static ROUTER_LOST: RwLock<Option<RouterLost>> = RwLock::new(None);

pub(crate) fn router_is_lost() {
    let callback = ROUTER_LOST.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(callback) = callback {
        callback();
    }
}

/// Sets what is called when the router has ended, or the connection to it is broken; `None` ends
/// that. All clients and listings are invalid then. The next registration connects again. In a
/// router it is never called.
///
/// # Errors
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_router_lost(callback: Option<RouterLost>) -> Result<()> {
    ffi::report_router_lost(callback.is_some())?;
    *ROUTER_LOST.write().unwrap_or_else(PoisonError::into_inner) = callback;
    Ok(())
}

/// How client processes are served. A member that is 0 or `None` selects the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientService {
    /// The user that owns the socket's file; by default that of this process.
    pub owner: Option<u32>,
    /// The group of the socket's file; by default that of this process.
    pub group: Option<u32>,
    /// The mode of the socket's file; by default 0660.
    pub mode: u32,
    /// How many processes may be connected; by default 1,000.
    pub max_processes: u32,
    /// How many processes of one user may be connected; by default there is no such limit.
    pub max_user_processes: u32,
    /// How long a question waits for its answer, in milliseconds; by default 1,000.
    pub answer_ms: u32,
}

/// What a client process asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    /// The process id.
    pub process: u32,
    /// The effective user of the process when it connected.
    pub user: u32,
    /// The protocol id of the client.
    pub protocol: u32,
    /// The component id of the client.
    pub component: u32,
    /// The interface that the client takes; `None` if it registers.
    pub interface: Option<Interface>,
}

/// Decides whether a client process may register a client, or take an interface. All client
/// processes wait for it. A panic in it is a refusal.
pub type ClientFilter = Arc<dyn Fn(&ClientRequest) -> bool + Send + Sync>;

static CLIENT_FILTER: RwLock<Option<ClientFilter>> = RwLock::new(None);

pub(crate) fn permits(request: &ClientRequest) -> bool {
    let filter = CLIENT_FILTER.read().unwrap_or_else(PoisonError::into_inner).clone();
    filter.is_none_or(|permits| permits(request))
}

/// Sets what decides about registrations and takes of client processes from now on; `None` permits
/// all of them.
///
/// # Errors
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_client_filter(filter: Option<ClientFilter>) -> Result<()> {
    let is_some = filter.is_some();
    *CLIENT_FILTER.write().unwrap_or_else(PoisonError::into_inner) = filter;
    ffi::filter_clients(is_some)
}

/// Lets the state of the clients that this process registers later stay for this time, when the
/// process ends without deregistering them; at most 300 s. In a router it has no effect. See
/// [`Client::grace_done`](crate::Client::grace_done).
///
/// # Errors
/// [`Code::InvalidParameter`](crate::Code::InvalidParameter): more than 300 s.
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_grace(seconds: u32) -> Result<()> {
    ffi::set_grace(seconds)
}

/// The first call of a batch that was refused.
#[derive(Debug)]
pub struct Refused {
    /// Its number in the batch, counted from 1; 0 if the batch itself was refused.
    pub number: u32,
    /// The reason.
    pub error: Error,
}

/// Makes the adds and deletes of a closure together: each of them only checks its arguments at
/// first, and is made when the closure has returned. In a client process that needs far fewer
/// messages. Any other call of this thread makes those that are collected so far first.
///
/// # Errors
/// The first call that was refused; the later ones are made nevertheless.
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete) with the number 0: a batch of this thread
/// has begun already; or the connection to the router has ended, so that it is unknown which calls
/// were made.
pub fn batch<R>(calls: impl FnOnce() -> R) -> std::result::Result<R, Refused> {
    /// Ends the batch even if the closure panics.
    struct Batch(bool);

    impl Batch {
        fn end(&mut self) -> (Result<()>, u32) {
            self.0 = false;
            ffi::end_batch()
        }
    }

    impl Drop for Batch {
        fn drop(&mut self) {
            if self.0 {
                self.end().0.ok();
            }
        }
    }

    ffi::begin_batch().map_err(|error| Refused { number: 0, error })?;
    let mut batch = Batch(true);
    let returned = calls();
    let (result, number) = batch.end();
    result.map(|()| returned).map_err(|error| Refused { number, error })
}
