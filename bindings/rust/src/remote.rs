//! Client processes: who may do what, batches, grace, and the end of the router (rules 9.8, 9.9, 9.10
//! and 9.14 of the library).
//!
//! A process with MGM_ROUTER in its environment is a client process: its calls go to the router at
//! that path. [`host::serve_clients`](crate::host::serve_clients) makes a process such a router.

use crate::client_processes::{set_filter, set_lost};
use crate::{ffi, Error, Result};

pub use crate::client_processes::{ClientFilter, ClientRequest, ClientService, RouterLost};

/// Sets what is called when the router has ended, or the connection to it is broken; `None` ends
/// that. All clients and listings are invalid then. The next registration connects again. In a
/// router it is never called.
///
/// # Errors
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_router_lost(callback: Option<RouterLost>) -> Result<()> {
    ffi::report_router_lost(callback.is_some())?;
    set_lost(callback);
    Ok(())
}

/// Sets what decides about registrations and takes of client processes from now on; `None` permits
/// all of them.
///
/// # Errors
/// [`Code::CanNotComplete`](crate::Code::CanNotComplete): this is a forked child.
pub fn set_client_filter(filter: Option<ClientFilter>) -> Result<()> {
    let is_some = filter.is_some();
    set_filter(filter);
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
