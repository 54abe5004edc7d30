//! mgmd, a multicast router.
//! - `arguments`: the arguments of the program.
//! - `config`: reads the configuration file into typed structures, and reports all its errors;
//!   compares two configurations for a reload.
//! - `control`: the control socket, with which mgmctl reads and changes the state of mgmd.
//! - `daemon`: the event loop, and everything that it does.
//! - `holders`: which processes may hold the table of the kernel.
//! - `log`: writes lines to stderr, for the journal, a terminal or a file.
//! - `modules`: loads shared objects that contain a routing protocol.
//! - `notify`: tells the service manager that mgmd is ready, its status, and that it still
//!   runs.
//! - `manual`: writes mgmd.toml(5) from the tables of keys that the parser uses.

#![cfg(target_os = "linux")]
#![deny(unsafe_code)] // except for modules, which are shared objects

pub mod arguments;
pub mod config;
pub mod control;
pub mod daemon;
pub mod holders;
pub mod log;
pub mod manual;
pub mod modules;
pub mod notify;
