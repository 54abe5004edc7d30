//! Safe Rust bindings of libmgm, the multicast group manager with the API of Windows RRAS (mgm.h).
//!
//! A [`Client`] is a registered routing protocol, or IGMP; its [`Callbacks`] are a trait. [`mfes`],
//! [`mfe_stats`] and [`Client::groups`] are iterators. The module [`host`] has the functions of
//! mgmhost.h, for the router itself. Error codes are [`Error`]s in the library's own words.
//!
//! ```no_run
//! use mgm_client::{protocol, Callbacks, Client, Events, Flow};
//!
//! struct Watcher;
//!
//! impl Callbacks for Watcher {
//!     fn events(&self) -> Events {
//!         Events::JOIN_ALERT
//!     }
//!
//!     fn join_alert(&self, flow: Flow, somebody_else: bool) {
//!         if somebody_else {
//!             println!("somebody else wants {flow}");
//!         }
//!     }
//! }
//!
//! # fn main() -> mgm_client::Result<()> {
//! let pim = Client::register(protocol::OTHER, 1, Watcher)?;
//! let edge = Client::register(protocol::OTHER, 2, ())?;
//! edge.take(2)?;
//! edge.join(2, Flow::any_source([239, 1, 2, 3].into()))?;
//! # Ok(())
//! # }
//! ```
//!
//! The general rules are documented in mgm(7): [`Callbacks`] has the most important ones. A forked
//! child cannot use the library: every call returns [`Code::CanNotComplete`]. So does a call in
//! which the library finds a fault of its own. The documentation of the functions does not repeat
//! this.
#![cfg(target_os = "linux")]
#![warn(missing_docs)]
#![deny(unsafe_code)]

mod callbacks;
mod client;
mod client_processes;
mod error;
#[allow(unsafe_code)]
mod ffi;
pub mod host;
mod log_sinks;
mod names;
pub mod remote;
#[cfg(feature = "status")]
pub mod status;
mod tables;
mod values;

pub use callbacks::{Callbacks, Events, MAX_CLIENTS};
pub use client::{owner_of, Client, Groups, Owner};
pub use error::{Code, Error, Result};
pub use tables::{get_mfe, get_mfe_stats, mfe_stats, mfes, Listing, Mfe, MfeStats, OutgoingStats};
pub use values::{protocol, Flow, Incoming, Interface, InvalidPrefix, Outgoing, Prefix};
