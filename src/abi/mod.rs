//! The front door: see docs/architecture.md.
//!
//! Every exported function is in `exports`, `host`, `host_limits` or `sight` and does
//! its work inside `entry::entry`, or `entry_for` if it takes a handle: fork check,
//! panic barrier, log line. What it does there is to turn what C handed in into the
//! library's own words (`args`, `handle`), ask the manager, and copy the answer out
//! (`buffer`, `rows`). Nothing is decided here.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("mgm's ABI is that of 64-bit Windows: a 64-bit target is needed");

pub mod exports;
pub mod host;
pub mod host_limits;
pub mod sight;
pub mod types;

mod args;
mod arrival;
mod buffer;
mod callbacks;
mod entry;
mod handle;
mod host_config;
mod invoke;
mod layout;
mod rows;
