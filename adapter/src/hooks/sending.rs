//! The functions that send. What is sent on mgm0 does not reach the kernel.
#![allow(clippy::too_many_arguments, reason = "the functions are those of libc")]

use super::guarded;
use super::messages::{destination, gathered, interface, of_one};
use crate::sockets;
use crate::system;
use libc::{c_int, c_void, iovec, msghdr, sockaddr, socklen_t, ssize_t};

/// If a packet is for mgm0, handles it, and returns its length.
///
/// # Safety
/// As for sendmsg.
unsafe fn is_for_rest(fd: c_int, message: &msghdr) -> Option<ssize_t> {
    if !sockets::is_marked(fd) {
        return None;
    }
    // SAFETY: as for the caller.
    let (packet, on, to) =
        unsafe { (gathered(message), interface(message), destination(message)?) };
    guarded(|| sockets::sends(fd, &packet, on, to), || false).then_some(packet.len() as ssize_t)
}

#[no_mangle]
unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe {
        let done = message.as_ref().and_then(|message| is_for_rest(fd, message));
        done.unwrap_or_else(|| system::sendmsg(sockets::target(fd), message, flags))
    }
}

#[no_mangle]
unsafe extern "C" fn sendmmsg(
    fd: c_int,
    messages: *mut libc::mmsghdr,
    count: libc::c_uint,
    flags: c_int,
) -> c_int {
    if !sockets::is_marked(fd) || messages.is_null() {
        // SAFETY: as for the caller.
        return unsafe { system::sendmmsg(fd, messages, count, flags) };
    }
    for at in 0..count {
        // SAFETY: the caller says that there are so many messages.
        let one = unsafe { &mut *messages.add(at as usize) };
        // SAFETY: as for the caller.
        match unsafe { sendmsg(fd, &raw const one.msg_hdr, flags) } {
            sent if sent >= 0 => one.msg_len = sent as u32,
            failed if at == 0 => return failed as c_int,
            _ => return at as c_int,
        }
    }
    count as c_int
}

#[no_mangle]
unsafe extern "C" fn sendto(
    fd: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    to: *const sockaddr,
    size: socklen_t,
) -> ssize_t {
    let mut piece = iovec { iov_base: buffer.cast_mut(), iov_len: length };
    let message = of_one(&mut piece, to.cast_mut(), size);
    // SAFETY: as for the caller.
    unsafe {
        is_for_rest(fd, &message)
            .unwrap_or_else(|| system::sendto(sockets::target(fd), buffer, length, flags, to, size))
    }
}

#[no_mangle]
unsafe extern "C" fn send(
    fd: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { system::send(sockets::target(fd), buffer, length, flags) }
}

#[no_mangle]
unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, length: usize) -> ssize_t {
    // Without an address, a packet is for no interface. A mark may be that of a number which the daemon
    // has closed without a function of this library, so that the number may be no socket any longer.
    // SAFETY: as for the caller.
    unsafe { system::write(sockets::target(fd), buffer, length) }
}

#[no_mangle]
unsafe extern "C" fn writev(fd: c_int, pieces: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe { system::writev(sockets::target(fd), pieces, count) }
}
