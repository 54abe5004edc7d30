//! The kernel's netlink interface: messages as bytes, a socket, and dumps.

mod dump;
mod socket;
pub mod wire;

pub use dump::{Dumper, ANSWER};
pub use socket::RouteSocket;
