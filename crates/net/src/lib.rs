//! The links of this machine, and the sending and receiving of IGMP packets on them, on Linux.
//!
//! - [`links`]: the links and addresses of a network namespace, as a table without I/O.
//! - [`monitor`]: the same table kept up to date by the kernel's announcements, and the events.
//! - [`receive`]: the IGMP packets that arrive on a link.
//! - [`capture`]: all multicast packets that arrive on a link or leave it.
//! - [`send`]: sending IGMP packets on a chosen link.
//! - [`join`]: joining the groups of routers on a link.
//! - [`watch`]: the packets of one flow as they enter and leave this machine.
//! - [`mroute`]: the entries, tables and rules of the kernel's multicast routing, read back.
//! - [`registers`]: the PIM registers that arrive, and the packets in them.
//! - [`reverse_path`]: the kernel's check of the source of packets.
//! - [`tap`]: an interface whose other end is this process.
//! - [`netlink`]: messages, a socket and dumps, for code that reads other tables of the kernel.
//!
//! The crate knows nothing of the multicast group manager, uses none of the project's other crates,
//! and does not read IGMP messages. It has no threads. Every socket can be polled by its
//! [`AsFd`](std::os::fd::AsFd), so that one event loop serves all of them. No call waits for the
//! network. All sockets belong to the network namespace of the thread that opened them, and are
//! close-on-exec. docs/linux.md, "IGMP packets", documents how the kernel behaves.
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

mod batch;
mod bpf;
pub mod capture;
pub mod join;
mod link_socket;
pub mod links;
pub mod monitor;
pub mod mroute;
pub mod netlink;
pub mod receive;
pub mod registers;
pub mod reverse_path;
pub mod send;
mod sys;
pub mod tap;
pub mod watch;
