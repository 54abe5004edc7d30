//! Every system call that the library makes on Linux.
//!
//! - [`kernel`]: multicast routing, a [`Forwarder`](forwarder::Forwarder).
//! - [`netlink`]: the system's routes, a [`RouteView`](route_view::RouteView).
//! - [`fork`]: what becomes of all that in a forked child.
//! - [`names`]: the names of interfaces.
//! - [`threads`]: MGM's own threads, which take none of the process's signals.
//! - [`serve`]: a socket that the status is served at.
//! - [`sys`]: waiting for a socket, or for the signal to stop; a clock.
//!
//! This crate knows neither the engine nor the manager.
#![cfg(target_os = "linux")]

pub mod fork;
pub mod kernel;
pub mod names;
pub mod netlink;
pub mod serve;
pub mod sys;
pub mod threads;

use mgm_types::{self as types, forwarder, route_view};
