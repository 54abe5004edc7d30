//! The multicast packets that arrive on a link and that leave it, for programs that observe a
//! router.

use crate::batch::Batch;
use crate::link_socket;
use crate::receive::MULTICAST;
use socket2::Socket;
use std::io;

/// A socket that reads the beginning of all IPv4 multicast packets of one link, in both directions:
/// the header and 36 more bytes. [`Packet::is_outgoing`](crate::receive::Packet::is_outgoing) tells
/// the directions apart.
///
/// A packet that arrives is read before the packet filter and `rp_filter` may drop it, and a
/// packet that leaves is read after all hooks of the packet filter and after the queue of the
/// device. So a packet that the router forwards is read on both links, and one that it drops only
/// on the first. Frames of VLANs are those of the VLAN device, as for a
/// [`Receiver`](crate::receive::Receiver). The device receives all groups while the socket is open.
#[derive(Debug)]
pub struct Capture {
    socket: Socket,
    if_index: u32,
}

impl Capture {
    /// Opens the socket, in the network namespace of the calling thread. The link may be down, and
    /// may be a port of a bridge. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// EPERM or EACCES: CAP_NET_RAW is missing. ENODEV or ENXIO: there is no such link.
    /// EAFNOSUPPORT: the kernel has no packet sockets. EMFILE, ENFILE, ENOMEM, ENOBUFS: the system
    /// lacks resources.
    pub fn open(if_index: u32) -> io::Result<Capture> {
        let socket = link_socket::new(&MULTICAST)?;
        link_socket::bind(&socket, if_index)?;
        Ok(Capture { socket, if_index })
    }

    /// The index of the link, at the time of [`Capture::open`].
    #[must_use]
    pub fn if_index(&self) -> u32 {
        self.if_index
    }

    /// Reads the waiting packets into `batch`, at most [`BATCH`](crate::receive::BATCH), without
    /// blocking. Returns their number, 0 if none waits.
    ///
    /// # Errors
    /// ENOMEM or ENOBUFS, seldom: try again later.
    pub fn read(&self, batch: &mut Batch) -> io::Result<usize> {
        link_socket::read(&self.socket, batch)
    }

    /// The number of packets that were lost since the last call because they were not read in
    /// time.
    ///
    /// # Errors
    /// Those of PACKET_STATISTICS: none is known.
    pub fn losses(&self) -> io::Result<u32> {
        link_socket::losses(&self.socket)
    }
}
