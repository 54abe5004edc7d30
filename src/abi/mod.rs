//! The C interface of the library: see docs/architecture.md.
//!
//! Every exported function is in `exports`, or in one of the modules `host…`. Its body runs inside
//! `entry::entry`, or `entry_for` if it takes a handle, which check for a fork, catch
//! panics and log errors. The body checks and converts the arguments (`args`, `handle`),
//! calls the manager, and copies the results to the caller (`buffer`, `rows`). It decides
//! nothing itself.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the library has the ABI of 64-bit Windows and needs a 64-bit target");

pub mod exports;
pub mod host;
pub mod host_clients;
pub mod host_limits;
pub mod host_log;
pub mod host_names;
pub mod host_status;
pub mod types;

mod args;
mod arrival;
mod backend;
mod batch;
mod buffer;
mod callbacks;
mod entry;
mod handle;
mod host_config;
mod invoke;
mod last_message;
mod layout;
mod rows;
