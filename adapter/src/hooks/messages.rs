//! The buffers of a `struct msghdr`, to which all functions that receive and send are reduced.

use libc::{c_int, c_void, iovec, msghdr, sockaddr, socklen_t};
use mgm_mroute_calls::packets::Datagram;
use mgm_types::Ipv4Addr;

/// A message of one buffer.
pub(super) fn of_one(piece: &mut iovec, name: *mut sockaddr, size: socklen_t) -> msghdr {
    // SAFETY: all bytes zero is a valid value.
    let mut message: msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = name.cast();
    message.msg_namelen = if name.is_null() { 0 } else { size };
    message.msg_iov = piece;
    message.msg_iovlen = 1;
    message
}

/// The buffers of a message.
///
/// # Safety
/// The message has as many as it says.
pub(super) unsafe fn pieces<'a>(message: &msghdr) -> &'a [iovec] {
    if message.msg_iov.is_null() {
        return &[];
    }
    // SAFETY: as for the caller.
    unsafe { std::slice::from_raw_parts(message.msg_iov, message.msg_iovlen) }
}

/// All bytes of a message that is sent.
///
/// # Safety
/// As for sendmsg.
pub(super) unsafe fn gathered(message: &msghdr) -> Vec<u8> {
    let mut bytes = Vec::new();
    // SAFETY: as for the caller.
    for piece in unsafe { pieces(message) } {
        if piece.iov_len > 0 && !piece.iov_base.is_null() {
            // SAFETY: as for the caller.
            bytes.extend_from_slice(unsafe {
                std::slice::from_raw_parts(piece.iov_base.cast::<u8>(), piece.iov_len)
            });
        }
    }
    bytes
}

/// The interface that a message names for its packet (IP_PKTINFO).
///
/// # Safety
/// As for sendmsg.
pub(super) unsafe fn interface(message: &msghdr) -> Option<u32> {
    if message.msg_control.is_null() {
        return None;
    }
    // SAFETY: the control data has the length that the message says.
    let mut at = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !at.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return headers inside of the control data.
        unsafe {
            let is_info =
                (*at).cmsg_level == libc::IPPROTO_IP && (*at).cmsg_type == libc::IP_PKTINFO;
            let size = libc::CMSG_LEN(size_of::<libc::in_pktinfo>() as u32) as usize;
            if is_info && (*at).cmsg_len as usize >= size {
                let info = libc::CMSG_DATA(at).cast::<libc::in_pktinfo>().read_unaligned();
                return u32::try_from(info.ipi_ifindex).ok().filter(|index| *index != 0);
            }
            at = libc::CMSG_NXTHDR(message, at);
        }
    }
    None
}

/// The address of IPv4 to which a message is sent.
///
/// # Safety
/// As for sendmsg.
pub(super) unsafe fn destination(message: &msghdr) -> Option<Ipv4Addr> {
    let is_long_enough = message.msg_namelen as usize >= size_of::<libc::sockaddr_in>();
    if message.msg_name.is_null() || !is_long_enough {
        return None;
    }
    // SAFETY: the address has the length that the message says.
    let to = unsafe { message.msg_name.cast::<libc::sockaddr_in>().read_unaligned() };
    // The kernel takes AF_UNSPEC for AF_INET.
    let is_ipv4 = matches!(i32::from(to.sin_family), libc::AF_INET | libc::AF_UNSPEC);
    is_ipv4.then(|| Ipv4Addr::from(to.sin_addr.s_addr.to_ne_bytes()))
}

/// Puts a datagram into the buffers of a message that is received. Returns the length that recvmsg
/// returns. `info` is the index of the interface, if the daemon wants to know it.
///
/// # Safety
/// As for recvmsg.
pub(super) unsafe fn deliver(
    datagram: &Datagram,
    info: Option<u32>,
    message: &mut msghdr,
    flags: c_int,
) -> isize {
    let (mut rest, mut copied) = (&datagram.bytes[..], 0);
    // SAFETY: as for the caller.
    for piece in unsafe { pieces(message) } {
        let count = rest.len().min(piece.iov_len);
        if count > 0 {
            // SAFETY: the buffer has at least this length, and is the caller's own.
            unsafe { std::ptr::copy_nonoverlapping(rest.as_ptr(), piece.iov_base.cast(), count) };
        }
        (rest, copied) = (&rest[count..], copied + count);
    }
    message.msg_flags = if rest.is_empty() { 0 } else { libc::MSG_TRUNC };
    // SAFETY: as for the caller.
    unsafe {
        deliver_name(datagram, message);
        deliver_info(datagram, info, message);
    }
    let is_cut = flags & libc::MSG_TRUNC != 0;
    (if is_cut { datagram.bytes.len() } else { copied }) as isize
}

/// # Safety
/// As for recvmsg.
unsafe fn deliver_name(datagram: &Datagram, message: &mut msghdr) {
    if message.msg_name.is_null() {
        return;
    }
    let name = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: 0,
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(datagram.source().octets()) },
        sin_zero: [0; 8],
    };
    let size = size_of_val(&name);
    let count = size.min(message.msg_namelen as usize);
    let from = (&raw const name).cast::<c_void>();
    // SAFETY: the buffer has at least this length.
    unsafe { std::ptr::copy_nonoverlapping(from, message.msg_name, count) };
    message.msg_namelen = size as socklen_t;
}

/// # Safety
/// As for recvmsg.
unsafe fn deliver_info(datagram: &Datagram, info: Option<u32>, message: &mut msghdr) {
    let room = message.msg_controllen;
    message.msg_controllen = 0;
    let Some(index) = info.filter(|_| !message.msg_control.is_null()) else { return };
    let size = size_of::<libc::in_pktinfo>() as u32;
    // SAFETY: only lengths are computed.
    let (length, space) = unsafe { (libc::CMSG_LEN(size), libc::CMSG_SPACE(size)) };
    if room < space as usize {
        message.msg_flags |= libc::MSG_CTRUNC;
        return;
    }
    let to = libc::in_addr { s_addr: u32::from_ne_bytes(datagram.destination().octets()) };
    let info = libc::in_pktinfo { ipi_ifindex: index as c_int, ipi_spec_dst: to, ipi_addr: to };
    let head = message.msg_control.cast::<libc::cmsghdr>();
    // SAFETY: the control buffer has room for a header and the data.
    unsafe {
        (*head).cmsg_len = length as _;
        (*head).cmsg_level = libc::IPPROTO_IP;
        (*head).cmsg_type = libc::IP_PKTINFO;
        libc::CMSG_DATA(head).cast::<libc::in_pktinfo>().write_unaligned(info);
    }
    message.msg_controllen = space as _;
}
