//! A TAP device: an Ethernet interface whose other end is this process.
//!
//! mgmd makes one that stands for the rest of the router, for daemons that need an interface to
//! name. No program reads what is sent on it: the queue is short, and the kernel drops the rest.

use crate::sys;
use nix::errno::Errno;
use socket2::{Domain, Socket, Type};
use std::fs::{File, OpenOptions};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};

const TUN: &str = "/dev/net/tun";

/// How many packets wait for a reader.
const QUEUE: libc::c_int = 1;

/// A TAP device, which exists as long as this value.
#[derive(Debug)]
pub struct Tap(#[allow(dead_code, reason = "the device ends with the file")] File);

impl Tap {
    /// Makes a device in the network namespace of the calling thread, gives it an address, and sets it
    /// up.
    ///
    /// # Errors
    /// The system's error: EBUSY or EEXIST if there is a device of this name, EPERM without
    /// CAP_NET_ADMIN, ENOENT or EPERM if /dev/net/tun is missing or forbidden.
    pub fn open(name: &str, address: Ipv4Addr, prefix_len: u8) -> io::Result<Tap> {
        let file = OpenOptions::new().read(true).write(true).open(TUN)?;
        let flags = (libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_TUN_EXCL) as libc::c_short;
        let socket = Socket::new(Domain::IPV4, Type::DGRAM.cloexec(), None)?;
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix_len)).unwrap_or(0);
        let up = (libc::IFF_UP | libc::IFF_MULTICAST | libc::IFF_BROADCAST) as libc::c_short;
        set(&file, name, libc::TUNSETIFF, |of| of.ifru_flags = flags)?;
        set(&socket, name, libc::SIOCSIFTXQLEN, |of| of.ifru_metric = QUEUE)?;
        set(&socket, name, libc::SIOCSIFADDR, |of| of.ifru_addr = inet(address))?;
        set(&socket, name, libc::SIOCSIFNETMASK, |of| of.ifru_netmask = inet(mask.into()))?;
        set(&socket, name, libc::SIOCSIFFLAGS, |of| of.ifru_flags = up)?;
        Ok(Tap(file))
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
