//! libmgm-mroute.so stands between a multicast routing daemon and its C library. The raw IGMP socket
//! on which the daemon says MRT_INIT becomes a client of mgmd; everything else passes untouched.
//! docs/daemons.md documents its use, and what each call becomes.
//!
//! - `hooks`: the functions of libc that it replaces. Each either passes the call on, or has the
//!   arguments decoded and calls `sockets`.
//! - `sockets`: the sockets of the daemon that matter, behind one lock.
//! - `mroute`: a socket of multicast routing: its descriptors, and what the daemon reads from it.
//! - `links`: the IGMP packets of the daemon's interfaces.
//! - `registers`: the packets that a router of PIM sends to a rendezvous point.
//! - `connection`: the connection to mgmd, without a thread.
//! - `system`: the functions of libc that this library replaces, as libc has them, and other calls.
//! - `log`: lines for the operator. `word`: the lock.
//!
//! The library has no thread, because the daemon may fork. So nothing happens until the daemon calls
//! it: its descriptor becomes ready to read as soon as mgmd has said something (`mroute`).
#![cfg(target_os = "linux")]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the structures of multicast routing are those of 64-bit systems");

mod connection;
mod hooks;
mod links;
mod log;
mod mroute;
mod registers;
mod sockets;
mod system;
mod word;
