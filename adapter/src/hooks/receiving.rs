//! The functions that receive. A thread that is cancelled while it waits in one of them unwinds its
//! stack through it, so they are `extern "C-unwind"`.
#![allow(clippy::too_many_arguments, reason = "the functions are those of libc")]

use super::messages::{deliver, of_one};
use super::{fails, guarded};
use crate::mroute::Read;
use crate::sockets;
use crate::system::{self, errno};
use libc::{c_int, c_void, iovec, msghdr, sockaddr, socklen_t, ssize_t};
use mgm_mroute_calls::packets::nothing;
use std::time::{Duration, Instant};

/// Receives on a socket of multicast routing. `None`: it is none, and libc receives.
///
/// # Safety
/// As for recvmsg.
unsafe fn receive(fd: c_int, message: &mut msghdr, flags: c_int) -> Option<ssize_t> {
    if !sockets::is_marked(fd) {
        return None;
    }
    let was_ready = sockets::is_ready(fd);
    let mut end = None;
    loop {
        let peeks = flags & libc::MSG_PEEK != 0;
        let (read, wants_info) = guarded(|| sockets::read(fd, peeks), || None)?;
        match read {
            Err(errno) => return Some(fails(errno) as ssize_t),
            Ok(Read::Datagram(datagram, index)) => {
                let info = wants_info.then_some(index);
                // SAFETY: as for the caller.
                return Some(unsafe { deliver(&datagram, info, message, flags) });
            }
            Ok(Read::Raw(raw)) => {
                // SAFETY: as for the caller.
                let count = unsafe { system::recvmsg(raw, message, flags | libc::MSG_DONTWAIT) };
                if count >= 0 || errno() != libc::EAGAIN {
                    return Some(count);
                }
            }
            Ok(Read::Nothing(epoll)) => {
                let raw = sockets::target(fd);
                let waits = !(system::is_nonblocking(raw) || system::is_nonblocking(fd));
                if flags & libc::MSG_DONTWAIT != 0 || !waits {
                    return Some(fails(libc::EAGAIN) as ssize_t);
                }
                if was_ready {
                    // The daemon does not expect to wait.
                    // SAFETY: as for the caller.
                    return Some(unsafe { deliver(&nothing(), None, message, flags) });
                }
                let until = || system::patience(raw).map(|patience| Instant::now() + patience);
                if let Err(errno) = system::wait_as_receiving(epoll, *end.get_or_insert_with(until))
                {
                    return Some(fails(errno) as ssize_t);
                }
            }
        }
    }
}

#[no_mangle]
unsafe extern "C-unwind" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    let done = match unsafe { message.as_mut() } {
        // SAFETY: as for the caller.
        Some(message) => unsafe { receive(fd, message, flags) },
        None => None,
    };
    // SAFETY: as for the caller.
    done.unwrap_or_else(|| unsafe { system::recvmsg(sockets::target(fd), message, flags) })
}

#[no_mangle]
unsafe extern "C-unwind" fn recvmmsg(
    fd: c_int,
    messages: *mut libc::mmsghdr,
    count: libc::c_uint,
    flags: c_int,
    time: *mut libc::timespec,
) -> c_int {
    if !sockets::is_marked(fd) || messages.is_null() {
        // SAFETY: as for the caller.
        return unsafe { system::recvmmsg(fd, messages, count, flags, time) };
    }
    // SAFETY: as for the caller. The kernel looks at the time only after a message has arrived.
    let end = match unsafe { time.as_ref() }.map(end_of) {
        Some(Err(errno)) => return fails(errno),
        Some(Ok(end)) => end,
        None => None,
    };
    for at in 0..count {
        // The kernel knows this flag in recvmmsg only.
        let waits = at == 0 || flags & libc::MSG_WAITFORONE == 0;
        let flags = flags & !libc::MSG_WAITFORONE | if waits { 0 } else { libc::MSG_DONTWAIT };
        // SAFETY: the caller says that there are so many messages.
        let one = unsafe { &mut *messages.add(at as usize) };
        // SAFETY: as for the caller.
        match unsafe { recvmsg(fd, &raw mut one.msg_hdr, flags) } {
            received if received >= 0 => one.msg_len = received as u32,
            failed if at == 0 => return failed as c_int,
            _ => return at as c_int,
        }
        if end.is_some_and(|end| end <= Instant::now()) {
            return at as c_int + 1;
        }
    }
    count as c_int
}

/// When a time will have passed; `None`: never.
fn end_of(time: &libc::timespec) -> Result<Option<Instant>, c_int> {
    let (Ok(seconds), Ok(nanos @ 0..1_000_000_000)) =
        (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec))
    else {
        return Err(libc::EINVAL);
    };
    Ok(Instant::now().checked_add(Duration::new(seconds, nanos)))
}

#[no_mangle]
unsafe extern "C-unwind" fn recvfrom(
    fd: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
    from: *mut sockaddr,
    size: *mut socklen_t,
) -> ssize_t {
    let mut piece = iovec { iov_base: buffer, iov_len: length };
    // SAFETY: as for the caller.
    let room = unsafe { size.as_ref() }.copied().unwrap_or(0);
    let from_known = if size.is_null() { std::ptr::null_mut() } else { from };
    let mut message = of_one(&mut piece, from_known, room);
    // SAFETY: as for the caller.
    unsafe {
        match receive(fd, &mut message, flags) {
            Some(count) => {
                if count >= 0 && !from_known.is_null() {
                    *size = message.msg_namelen;
                }
                count
            }
            None => system::recvfrom(fd, buffer, length, flags, from, size),
        }
    }
}

#[no_mangle]
unsafe extern "C-unwind" fn recv(
    fd: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
) -> ssize_t {
    let mut piece = iovec { iov_base: buffer, iov_len: length };
    let mut message = of_one(&mut piece, std::ptr::null_mut(), 0);
    // SAFETY: as for the caller.
    unsafe {
        receive(fd, &mut message, flags).unwrap_or_else(|| system::recv(fd, buffer, length, flags))
    }
}

#[no_mangle]
unsafe extern "C-unwind" fn read(fd: c_int, buffer: *mut c_void, length: usize) -> ssize_t {
    let mut piece = iovec { iov_base: buffer, iov_len: length };
    let mut message = of_one(&mut piece, std::ptr::null_mut(), 0);
    // SAFETY: as for the caller.
    unsafe { receive(fd, &mut message, 0).unwrap_or_else(|| system::read(fd, buffer, length)) }
}

#[no_mangle]
unsafe extern "C-unwind" fn readv(fd: c_int, pieces: *const iovec, count: c_int) -> ssize_t {
    if !sockets::is_marked(fd) || pieces.is_null() || count < 0 {
        // SAFETY: as for the caller.
        return unsafe { system::readv(fd, pieces, count) };
    }
    let mut nothing = iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
    let mut message = of_one(&mut nothing, std::ptr::null_mut(), 0);
    (message.msg_iov, message.msg_iovlen) = (pieces.cast_mut(), count as _);
    // SAFETY: as for the caller.
    unsafe { receive(fd, &mut message, 0).unwrap_or_else(|| system::readv(fd, pieces, count)) }
}

// What a program calls that was compiled with _FORTIFY_SOURCE: the same, with the size of the buffer.

#[no_mangle]
unsafe extern "C-unwind" fn __recv_chk(
    fd: c_int,
    buffer: *mut c_void,
    length: usize,
    size: usize,
    flags: c_int,
) -> ssize_t {
    check(length, size);
    // SAFETY: as for the caller.
    unsafe { recv(fd, buffer, length, flags) }
}

#[no_mangle]
unsafe extern "C-unwind" fn __recvfrom_chk(
    fd: c_int,
    buffer: *mut c_void,
    length: usize,
    size: usize,
    flags: c_int,
    from: *mut sockaddr,
    from_size: *mut socklen_t,
) -> ssize_t {
    check(length, size);
    // SAFETY: as for the caller.
    unsafe { recvfrom(fd, buffer, length, flags, from, from_size) }
}

#[no_mangle]
unsafe extern "C-unwind" fn __read_chk(
    fd: c_int,
    buffer: *mut c_void,
    length: usize,
    size: usize,
) -> ssize_t {
    check(length, size);
    // SAFETY: as for the caller.
    unsafe { read(fd, buffer, length) }
}

/// Ends the program, as libc does, instead of writing past the end of a buffer.
fn check(length: usize, size: usize) {
    if length > size {
        // SAFETY: it has no conditions.
        unsafe { libc::abort() }
    }
}
