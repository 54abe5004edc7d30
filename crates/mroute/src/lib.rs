//! A routing daemon that was written for the kernel's multicast routing socket, as a client of
//! mgmd. docs/daemons.md documents what each call becomes.
//!
//! - [`options`]: the socket options and ioctls of multicast routing, decoded.
//! - [`memberships`]: the socket options with which a daemon joins and leaves groups.
//! - [`packets`]: upcalls and IGMP packets as a daemon reads them, and IGMP queries that it sends.
//! - [`daemon`]: the state of one daemon, and what its calls and mgmd's callbacks cause.
//!   `vifs` adds and deletes VIFs, `answers` answers the callbacks, `rest` is the interface mgm0, `counters` the counters,
//!   `inbox` what waits to be read, and `retries` asks again for what mgmd `refused`. `watched` has
//!   the flows without an entry.
//!
//! The crate makes no system calls. `adapter/` stands between the daemon and its C library, and passes
//! on to this crate what concerns multicast routing.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod answers;
mod counters;
pub mod daemon;
mod inbox;
pub mod memberships;
pub mod options;
pub mod packets;
mod refused;
mod rest;
mod retries;
mod vifs;
mod watched;
