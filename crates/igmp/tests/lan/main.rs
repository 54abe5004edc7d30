//! Routers, hosts and proxies on simulated LANs: each machine is an instance of the crate, and
//! what one sends, the others of its LAN receive a millisecond later, in virtual time.

mod backups;
mod database;
mod decisions;
mod election;
mod forward_up;
mod joins;
mod named_groups;
mod named_packets;
mod network;
mod questions;
mod random;
mod router;
mod streams;
mod upstreams;
