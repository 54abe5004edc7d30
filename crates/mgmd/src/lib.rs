//! mgmd, a multicast router.
//!
//! - `arguments`: what the arguments ask for.
//! - `config`: the file, as typed structures, with all its problems; what a reload may change.
//! - `control`: the control socket, through which mgmctl looks into mgmd and steers it.
//! - `daemon`: the event loop, and everything that it does.
//! - `log`: lines on stderr, for the journal, a terminal or a file.
//! - `modules`: shared objects with a routing protocol.
//! - `notify`: readiness, status and watchdog of the service manager.
//! - `manual`: mgmd.toml(5), from the same tables of keys as the messages of the parser.

#![cfg(target_os = "linux")]
#![deny(unsafe_code)] // except for modules, which are shared objects

pub mod arguments;
pub mod config;
pub mod control;
pub mod daemon;
pub mod log;
pub mod manual;
pub mod modules;
pub mod notify;
