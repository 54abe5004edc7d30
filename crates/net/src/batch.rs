//! Reading many packets with one system call.
//!
//! Not by nix: its `MultiHeaders` are not [`Send`], and it keeps the lengths of the addresses that
//! the last call wrote.

use nix::errno::Errno;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd};

/// The number of packets that are read at once.
pub const BATCH: usize = 256;

/// Longer than any IPv4 packet with the padding of its frame.
const SLOT: usize = 65_536;

/// From <linux/if_packet.h>.
const PACKET_HOST: u8 = 0;
const PACKET_OUTGOING: u8 = 4;

/// Room for the packets of one read, for all links in turn. It
/// reserves 16 MB of addresses, of which the system provides what packets fill: 1 MB as a rule.
pub struct Batch {
    data: Vec<u8>,
    packets: Vec<PacketInfo>,
}

/// What the kernel says of one packet.
struct PacketInfo {
    length: usize,
    if_index: u32,
    is_unicast_frame: bool,
    is_outgoing: bool,
}

/// A packet that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The index of the link that it arrived on.
    pub if_index: u32,
    /// Whether the frame was addressed to this machine alone. False on links without
    /// link-layer addresses, such as tunnels.
    pub is_unicast_frame: bool,
    /// Whether this machine sent it. Only a [`Capture`](crate::capture::Capture) reads such packets.
    pub is_outgoing: bool,
    /// The packet from its IPv4 header on, unchecked, followed by the padding of the frame.
    /// Fragments come singly, as they arrived.
    pub octets: &'a [u8],
}

impl Default for Batch {
    fn default() -> Batch {
        Batch::new()
    }
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Batch {
        Batch { data: vec![0; SLOT * BATCH], packets: Vec::with_capacity(BATCH) }
    }

    /// The number of packets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether the last read brought no packet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The packets of the last read, in the order of their arrival.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = Packet<'_>> {
        self.data.chunks_exact(SLOT).zip(&self.packets).map(|(slot, header)| Packet {
            if_index: header.if_index,
            is_unicast_frame: header.is_unicast_frame,
            is_outgoing: header.is_outgoing,
            octets: &slot[..header.length],
        })
    }

    pub(crate) fn fill(&mut self, socket: &impl AsFd) -> nix::Result<()> {
        self.packets.clear();
        // SAFETY: all zeros are valid in these structures: no buffers, no addresses.
        let (mut addresses, mut parts, mut messages): (
            [libc::sockaddr_ll; BATCH],
            [libc::iovec; BATCH],
            [libc::mmsghdr; BATCH],
        ) = unsafe { (zeroed(), zeroed(), zeroed()) };
        for (at, slot) in self.data.chunks_exact_mut(SLOT).enumerate() {
            parts[at] = libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: SLOT };
            let header = &mut messages[at].msg_hdr;
            header.msg_iov = &raw mut parts[at];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut addresses[at]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        }
        // SAFETY: every message points to a slot of `self` and an address of this frame, of the
        // sizes given, and both live longer than the call.
        let count = Errno::result(unsafe {
            libc::recvmmsg(
                socket.as_fd().as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        })?;
        let filled = messages.iter().zip(&addresses).take(count as usize);
        self.packets.extend(filled.map(|(message, address)| PacketInfo {
            length: (message.msg_len as usize).min(SLOT),
            if_index: address.sll_ifindex as u32,
            is_unicast_frame: address.sll_pkttype == PACKET_HOST && address.sll_halen > 0,
            is_outgoing: address.sll_pkttype == PACKET_OUTGOING,
        }));
        Ok(())
    }
}
