//! What a program needs of Linux to speak IGMP on the links of this machine.
//!
//! - [`links`]: the links and addresses of a network namespace, as a table without I/O.
//! - [`monitor`]: the same table kept up to date by the kernel's announcements, and the events.
//! - [`receive`]: the IGMP packets that arrive on a link.
//! - [`netlink`]: messages, a socket and dumps, for whoever reads other tables of the kernel.
//!
//! The crate knows nothing of MGM and uses none of its other crates. It has no threads: every
//! socket can be polled by its [`AsFd`](std::os::fd::AsFd), so that one event loop serves all. All sockets belong to the
//! network namespace of the thread that opened them, and are close-on-exec.
#![cfg(target_os = "linux")]

pub mod links;
pub mod monitor;
pub mod netlink;
pub mod receive;
mod sys;
