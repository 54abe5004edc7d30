//! Socket options that several modules use.

use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use socket2::SockRef;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Sets the size of a receive buffer in bytes, or the largest that an ordinary user may set.
/// Then returns the error of SO_RCVBUFFORCE.
pub(crate) fn set_receive_buffer(socket: &impl AsFd, bytes: usize) -> io::Result<()> {
    setsockopt(socket, RcvBufForce, &bytes).map_err(|errno| {
        let _ = SockRef::from(socket).set_recv_buffer_size(bytes);
        errno.into()
    })
}

/// A type that the kernel reads or writes as the value of a socket option.
///
/// # Safety
/// Any bytes must be a valid value, and the type must not have padding.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: an integer.
unsafe impl Plain for libc::c_int {}
// SAFETY: integers and an array of bytes, 16 bytes in all.
unsafe impl Plain for libc::packet_mreq {}
// SAFETY: two integers of the same size.
unsafe impl Plain for libc::tpacket_stats {}

/// Sets an option of AF_PACKET (SOL_PACKET), which nix and socket2 lack.
pub(crate) fn set_packet_option<T: Plain>(
    socket: &impl AsFd,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let size = size_of::<T>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel reads as many bytes as the value has, and all are initialized.
    let result =
        unsafe { libc::setsockopt(fd, libc::SOL_PACKET, name, (&raw const *value).cast(), size) };
    Errno::result(result)?;
    Ok(())
}

/// Reads an option of AF_PACKET into `value`.
pub(crate) fn packet_option<T: Plain>(
    socket: &impl AsFd,
    name: libc::c_int,
    mut value: T,
) -> io::Result<T> {
    let mut size = size_of::<T>() as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel writes at most as many bytes as the value has, and any bytes are valid.
    let result = unsafe {
        libc::getsockopt(fd, libc::SOL_PACKET, name, (&raw mut value).cast(), &raw mut size)
    };
    Errno::result(result)?;
    Ok(value)
}

/// The address of a link for AF_PACKET, with a protocol in network byte order.
pub(crate) fn link_address(if_index: u32, protocol: u16) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol.to_be(),
        sll_ifindex: if_index as libc::c_int,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}

/// Binds an AF_PACKET socket to a link and a protocol.
pub(crate) fn bind_to_link(socket: &impl AsFd, address: &libc::sockaddr_ll) -> io::Result<()> {
    let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the address has the size given.
    let result =
        unsafe { libc::bind(socket.as_fd().as_raw_fd(), (&raw const *address).cast(), size) };
    Errno::result(result)?;
    Ok(())
}

/// Sends a packet by an AF_PACKET socket to the link of the address.
pub(crate) fn send_to_link(
    socket: &impl AsFd,
    octets: &[u8],
    address: &libc::sockaddr_ll,
) -> io::Result<()> {
    let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the buffer and the address have the sizes given, and the kernel only reads them.
    let result = unsafe {
        libc::sendto(
            socket.as_fd().as_raw_fd(),
            octets.as_ptr().cast(),
            octets.len(),
            0,
            (&raw const *address).cast(),
            size,
        )
    };
    Errno::result(result)?;
    Ok(())
}

/// A `struct ifreq` with the name of a device.
pub(crate) fn ifreq(name: &str) -> io::Result<libc::ifreq> {
    if name.is_empty() || name.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: all bytes zero is a valid value.
    let mut of: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in of.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(of)
}
