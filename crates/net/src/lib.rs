//! What a program needs of Linux to speak IGMP on the links of this machine.
//!
//! - [`links`]: the links and addresses of a network namespace, as a table without I/O.
//! - [`monitor`]: the same table kept up to date by the kernel's announcements, and the events.
//! - [`receive`]: the IGMP packets that arrive on a link.
//! - [`send`]: sending IGMP packets on a chosen link.
//! - [`join`]: joining the groups of routers on a link.
//! - [`netlink`]: messages, a socket and dumps, for whoever reads other tables of the kernel.
//!
//! The crate knows nothing of MGM, uses none of its other crates, and does not look into
//! IGMP messages. It has no threads: every socket can be polled by its
//! [`AsFd`](std::os::fd::AsFd), so that one event loop serves all. Nothing waits for the network.
//! All sockets belong to the network namespace of the thread that opened them, and are
//! close-on-exec. The kernel's facts behind it are in docs/linux.md, "IGMP packets".
//!
//! ```no_run
//! use mgm_net::{join::HostJoin, monitor::Monitor, receive::{Batch, Receiver}, send::Sender};
//!
//! let mut monitor = Monitor::open()?;
//! let index = monitor.links().named("eth1").expect("it is there").index;
//! let receiver = Receiver::open(monitor.links(), index)?;
//! let _membership = HostJoin::open(index)?;
//! let mut sender = Sender::open()?; // sender.send(&Outgoing { … })
//! let (mut batch, mut events) = (Batch::new(), Vec::new());
//! // Whenever the receiver is readable:
//! receiver.read(&mut batch)?;
//! for packet in batch.packets() {
//!     println!("{} octets on link {}", packet.octets.len(), packet.if_index);
//! }
//! // Whenever the monitor is readable, and a second after an error:
//! monitor.read(&mut events)?;
//! for event in events.drain(..) {
//!     println!("{event:?}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg(target_os = "linux")]

pub mod join;
pub mod links;
pub mod monitor;
pub mod netlink;
pub mod receive;
pub mod send;
mod sys;
