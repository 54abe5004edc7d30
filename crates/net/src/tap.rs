//! A TAP device: an Ethernet interface whose other end is this process.
//!
//! mgmd makes one that stands for the rest of the router, for daemons that need an interface to
//! name, and one on which the packets in PIM registers arrive. No program reads what is sent on them:
//! the queue is short, and the kernel drops the rest.

use crate::sys;
use nix::errno::Errno;
use socket2::{Domain, Socket, Type};
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};

const TUN: &str = "/dev/net/tun";

/// How many packets wait for a reader.
const QUEUE: libc::c_int = 1;

/// A sender of frames on the device. The kernel drops frames whose sender is the device itself.
const PEER: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// A TAP device, which exists as long as this value.
#[derive(Debug)]
pub struct Tap {
    file: File,
    index: u32,
}

impl Tap {
    /// Makes a device in the network namespace of the calling thread, gives it an address, and sets it
    /// up.
    ///
    /// # Errors
    /// The system's error: EBUSY or EEXIST if there is a device of this name, EPERM without
    /// CAP_NET_ADMIN, ENOENT or EPERM if /dev/net/tun is missing or forbidden.
    pub fn open(name: &str, address: Ipv4Addr, prefix_len: u8) -> io::Result<Tap> {
        Tap::make(name, Some((address, prefix_len)))
    }

    /// Makes a device without an address.
    ///
    /// # Errors
    /// As for [`Tap::open`].
    pub fn without_address(name: &str) -> io::Result<Tap> {
        Tap::make(name, None)
    }

    fn make(name: &str, address: Option<(Ipv4Addr, u8)>) -> io::Result<Tap> {
        let file = OpenOptions::new().read(true).write(true).open(TUN)?;
        let flags = (libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_TUN_EXCL) as libc::c_short;
        let socket = Socket::new(Domain::IPV4, Type::DGRAM.cloexec(), None)?;
        let up = (libc::IFF_UP | libc::IFF_MULTICAST | libc::IFF_BROADCAST) as libc::c_short;
        set(&file, name, libc::TUNSETIFF, |of| of.ifru_flags = flags)?;
        set(&socket, name, libc::SIOCSIFTXQLEN, |of| of.ifru_metric = QUEUE)?;
        if let Some((address, prefix_len)) = address {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix_len)).unwrap_or(0);
            set(&socket, name, libc::SIOCSIFADDR, |of| of.ifru_addr = inet(address))?;
            set(&socket, name, libc::SIOCSIFNETMASK, |of| of.ifru_netmask = inet(mask.into()))?;
        }
        set(&socket, name, libc::SIOCSIFFLAGS, |of| of.ifru_flags = up)?;
        let index = nix::net::if_::if_nametoindex(name)?;
        Ok(Tap { file, index })
    }

    /// The index of the device.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Has an IPv4 multicast packet arrive on the device.
    ///
    /// # Errors
    /// The system's error: EIO if the device is down, EINVAL if the packet is too long.
    pub fn arrive(&self, packet: &[u8], group: Ipv4Addr) -> io::Result<()> {
        let [_, b, c, d] = group.octets();
        let mut header = [0; 14];
        header[..6].copy_from_slice(&[1, 0, 0x5e, b & 0x7f, c, d]);
        header[6..12].copy_from_slice(&PEER);
        header[12..].copy_from_slice(&(libc::ETH_P_IP as u16).to_be_bytes());
        // One call is one frame, which the kernel accepts as a whole.
        let written =
            (&self.file).write_vectored(&[IoSlice::new(&header), IoSlice::new(packet)])?;
        if written != header.len() + packet.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

/// An ioctl with a `struct ifreq` for a device.
fn set(
    on: &impl AsFd,
    name: &str,
    request: libc::Ioctl,
    fill_in: impl FnOnce(&mut libc::__c_anonymous_ifr_ifru),
) -> io::Result<()> {
    let mut of = sys::ifreq(name)?;
    fill_in(&mut of.ifr_ifru);
    // SAFETY: the kernel reads and writes one ifreq.
    Errno::result(unsafe { libc::ioctl(on.as_fd().as_raw_fd(), request, &raw mut of) })?;
    Ok(())
}

fn inet(address: Ipv4Addr) -> libc::sockaddr {
    let mut of = libc::sockaddr { sa_family: libc::AF_INET as u16, sa_data: [0; 14] };
    for (to, from) in of.sa_data[2..6].iter_mut().zip(address.octets()) {
        *to = from as libc::c_char;
    }
    of
}
