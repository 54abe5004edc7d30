//! A netlink dump of the kernel's multicast table.

use crate::kernel::checked;
use std::io;

const RTNL_FAMILY_IPMR: u8 = 128;

/// `struct nlmsghdr` and `struct rtmsg`
#[repr(C)]
struct Request {
    length: u32,
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
    family: u8,
    rest: [u8; 11],
}

/// `struct nlmsghdr`
const HEADER: usize = 16;

/// Reads all entries with their counters. Returns their number.
pub fn entries() -> io::Result<usize> {
    // SAFETY: a plain system call.
    let socket = checked(unsafe {
        libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE)
    })?;
    let count = ask(socket).and_then(|()| read(socket));
    // SAFETY: it is ours, and not used any more.
    unsafe { libc::close(socket) };
    count
}

fn ask(socket: libc::c_int) -> io::Result<()> {
    let request = Request {
        length: size_of::<Request>() as u32,
        kind: libc::RTM_GETROUTE,
        flags: (libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16,
        sequence: 1,
        port: 0,
        family: RTNL_FAMILY_IPMR,
        rest: [0; 11],
    };
    // SAFETY: the request is as long as is said, and has no padding.
    let sent =
        unsafe { libc::send(socket, std::ptr::from_ref(&request).cast(), size_of::<Request>(), 0) };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn read(socket: libc::c_int) -> io::Result<usize> {
    let mut buffer = vec![0u8; 1 << 16];
    let mut count = 0;
    loop {
        // SAFETY: the buffer has that size.
        let length = unsafe { libc::recv(socket, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        if length < 0 {
            return Err(io::Error::last_os_error());
        }
        let mut rest = &buffer[..length as usize];
        while rest.len() >= HEADER {
            let length = u32::from_ne_bytes(rest[..4].try_into().expect("four bytes")) as usize;
            match libc::c_int::from(u16::from_ne_bytes([rest[4], rest[5]])) {
                libc::NLMSG_DONE => return Ok(count),
                libc::NLMSG_ERROR => return Err(io::Error::other("the kernel refuses the dump")),
                _ => count += 1,
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
}
