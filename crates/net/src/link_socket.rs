//! Sockets that read the packets of one link, by AF_PACKET.

use crate::batch::Batch;
use crate::sys;
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::io;

/// The size of the receive buffer in bytes. The kernel doubles it, and small packets count as
/// some 800 bytes each, so it holds some 10,000 packets.
const UNREAD: usize = 4 << 20;

/// A socket with a filter, which reads nothing until [`bind`] has chosen the link.
pub(crate) fn new(filter: &[SockFilter]) -> io::Result<Socket> {
    // Of protocol 0, so that nothing arrives until the filter is there and the link is known.
    let kind = Type::DGRAM.cloexec().nonblocking();
    let socket = Socket::new(Domain::PACKET, kind, Some(Protocol::from(0)))?;
    socket.attach_filter(filter)?;
    // Without CAP_NET_ADMIN the buffer is smaller.
    let _ = sys::set_receive_buffer(&socket, UNREAD);
    Ok(socket)
}

/// Has the socket read the packets of a link, which receives all groups as long as the socket is
/// open.
pub(crate) fn bind(socket: &Socket, if_index: u32) -> io::Result<()> {
    let membership = libc::packet_mreq {
        mr_ifindex: if_index as libc::c_int,
        mr_type: libc::PACKET_MR_ALLMULTI as libc::c_ushort,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    sys::set_packet_option(socket, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    sys::bind_to_link(socket, &sys::link_address(if_index, libc::ETH_P_ALL as u16))
}

/// Reads the waiting packets without blocking, and returns their number.
pub(crate) fn read(socket: &Socket, batch: &mut Batch) -> io::Result<usize> {
    loop {
        match batch.fill(socket) {
            Ok(()) => return Ok(batch.len()),
            Err(Errno::EAGAIN) => return Ok(0),
            // The socket tells once that the link has gone down. It works on when the link
            // is up again.
            Err(Errno::ENETDOWN | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The number of packets that the kernel has dropped since the last call because the receive
/// buffer was full.
pub(crate) fn losses(socket: &Socket) -> io::Result<u32> {
    let empty = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    // The kernel sets its count back to 0.
    Ok(sys::packet_option(socket, libc::PACKET_STATISTICS, empty)?.tp_drops)
}
