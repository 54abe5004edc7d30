//! Every system call that the library makes on Linux.
//!
//! - [`ebpf`]: eBPF programs that forward packets, a [`Forwarder`](forwarder::Forwarder).
//! - [`kernel`]: multicast routing, a [`Forwarder`](forwarder::Forwarder).
//! - [`netlink`]: the system's routes, a [`RouteView`](route_view::RouteView).
//! - [`channel`]: connections between a router and its client processes.
//! - [`fork`]: closes the library's descriptors in a forked child.
//! - [`names`]: the names of interfaces.
//! - [`threads`]: the library's own threads, which block the process's signals.
//! - [`serve`]: the socket at which the status is served.
//! - [`sys`]: waiting for a socket or for the signal to stop, and a clock.
//!
//! This crate knows neither the engine nor the manager.
#![cfg(target_os = "linux")]

pub mod channel;
pub mod ebpf;
pub mod fork;
pub mod kernel;
pub mod names;
pub mod netlink;
pub mod serve;
pub mod sys;
pub mod threads;

use mgm_types::{self as types, forwarder, route_view};
