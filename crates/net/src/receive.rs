//! IGMP packets as they arrive on a link, by AF_PACKET.
//!
//! No raw IGMP socket hears all of them: docs/linux.md, "IGMP packets".

mod filter;

pub use crate::batch::{Batch, Packet, BATCH};

pub(crate) use filter::MULTICAST;

use crate::link_socket;
use crate::links::{Links, Port};
use crate::sys;
use socket2::Socket;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Why a link cannot be listened on. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The packets of the link go to a bridge, bond or team.
    #[error("{0}")]
    Port(Port),
    /// There is no such link, or it has gone meanwhile.
    #[error("no link has the index {0}")]
    NoLink(u32),
    /// The system refuses the socket.
    #[error("cannot listen for IGMP on {name}: {error}: {}", advice(.error))]
    System {
        /// The name of the link.
        name: String,
        /// The system's error.
        error: io::Error,
    },
}

fn advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "give the program CAP_NET_RAW",
        Some(libc::EAFNOSUPPORT) => {
            "the kernel has no packet sockets, or a sandbox blocks them: allow AF_PACKET \
             (RestrictAddressFamilies= of a systemd unit)"
        }
        _ => "raise the limits on open files and socket memory",
    }
}

/// A socket that receives the IGMP packets of one link. One thread uses it.
///
/// It receives a packet whatever its group, its source, rp_filter and netfilter, and whether the
/// link has an address or not. It does not receive what this machine sends, frames for other
/// machines, and frames of VLANs: a VLAN device is a link of its own. Frames of VLAN 0, which only
/// have a priority, are those of the link. The socket also makes the device receive all multicast
/// frames (PACKET_MR_ALLMULTI) as long as it is open.
///
/// The socket belongs to the device, not to its name or index. When the device has gone, no packet
/// arrives any longer: open another socket for the next device.
#[derive(Debug)]
pub struct Receiver {
    socket: Socket,
    if_index: u32,
}

impl Receiver {
    /// Opens the socket, in the network namespace of the calling thread, from which `links` must
    /// be. The link may be down. Needs CAP_NET_RAW.
    ///
    /// # Errors
    /// [`ListenError`]. If the link becomes a port of a bridge later, the socket goes on receiving
    /// packets that are the bridge's: check [`Links::port`] whenever the link changes.
    pub fn open(links: &Links, if_index: u32) -> Result<Receiver, ListenError> {
        let link = links.get(if_index).ok_or(ListenError::NoLink(if_index))?;
        if let Some(port) = links.port(if_index) {
            return Err(ListenError::Port(port));
        }
        Receiver::try_open(if_index).map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV | libc::ENXIO) => ListenError::NoLink(if_index),
            _ => ListenError::System { name: link.name.clone(), error },
        })
    }

    fn try_open(if_index: u32) -> io::Result<Receiver> {
        let socket = link_socket::new(&filter::IGMP)?;
        if let Err(error) = sys::set_packet_option(&socket, libc::PACKET_IGNORE_OUTGOING, &1) {
            // Before Linux 4.20. The filter drops them, which takes longer.
            log::debug!("PACKET_IGNORE_OUTGOING failed: {error}");
        }
        link_socket::bind(&socket, if_index)?;
        Ok(Receiver { socket, if_index })
    }

    /// The index of the link, at the time of [`Receiver::open`].
    #[must_use]
    pub fn if_index(&self) -> u32 {
        self.if_index
    }

    /// Reads the waiting packets into `batch`, at most [`BATCH`], without blocking. Returns their
    /// number, 0 if none waits. If the batch is full, others may wait: serve your timers, then
    /// read again.
    ///
    /// # Errors
    /// ENOMEM or ENOBUFS, seldom: try again later. It is not an error if the link is down.
    pub fn read(&self, batch: &mut Batch) -> io::Result<usize> {
        link_socket::read(&self.socket, batch)
    }

    /// The number of packets that the kernel has dropped since the last call because the receive
    /// buffer was full.
    ///
    /// # Errors
    /// Those of PACKET_STATISTICS: none is known.
    pub fn losses(&self) -> io::Result<u32> {
        link_socket::losses(&self.socket)
    }
}

impl AsFd for Receiver {
    /// Readable when packets wait, or when the link has gone down.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
