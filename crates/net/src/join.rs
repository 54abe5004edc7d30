//! Joining groups on a link as a host, so that network cards and switches let their packets pass.

use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use std::io;
use std::net::Ipv4Addr;

/// The groups of IGMP routers: leaves go to 224.0.0.2, v3 reports to 224.0.0.22.
pub const ROUTER_GROUPS: [Ipv4Addr; 2] =
    [Ipv4Addr::new(224, 0, 0, 2), Ipv4Addr::new(224, 0, 0, 22)];

/// This machine's membership in [`ROUTER_GROUPS`] on one link, until it is dropped. The kernel
/// reports it to the link, and such reports do not reach a [`Receiver`](crate::receive::Receiver)
/// on the same machine.
///
/// There is one socket for each link, because a socket can join 20 groups only
/// (`net.ipv4.igmp_max_memberships`). It receives no packets. The membership survives when the link
/// goes down. It ends when the device is removed: make another one for the next device.
#[derive(Debug)]
pub struct HostJoin {
    _socket: Socket,
}

impl HostJoin {
    /// Joins the groups, in the network namespace of the calling thread. The link needs no address
    /// and may be down. No capability is needed.
    ///
    /// # Errors
    /// ENODEV: the link has gone. ENOBUFS: `igmp_max_memberships` is less than 2. EMFILE, ENFILE,
    /// ENOMEM: the system lacks resources.
    pub fn open(if_index: u32) -> io::Result<HostJoin> {
        // A UDP socket without a port.
        let socket = Socket::new(Domain::IPV4, Type::DGRAM.cloexec(), None)?;
        for group in ROUTER_GROUPS {
            socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(if_index))?;
        }
        Ok(HostJoin { _socket: socket })
    }
}
