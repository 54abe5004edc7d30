//! The functions of libc that this library replaces. functions.txt lists them, and a test compares the
//! list with these definitions and with what the daemons use.
//!
//! For a descriptor that does not matter, each passes the call on as it is. The work is in `sockets`;
//! here are only the C arguments.
//!
//! ioctl and fcntl have a variable number of arguments in C. On all 64-bit systems of Linux, a third
//! argument is passed as to a function with three arguments.

mod messages;
mod receiving;
mod sending;

use crate::log;
use crate::sockets;
use crate::system::{self, fails, Marks, PRIVATE};
use libc::{c_int, c_uint, c_ulong, c_void, sockaddr, socklen_t};
use mgm_mroute_calls::memberships::is_membership;
use mgm_mroute_calls::options::{
    fill_sg, fill_vif, sg_of, vif_of, MRT_BASE, MRT_MAX, SG_REQ, SIOCGETSGCNT, SIOCGETVIFCNT,
    VIF_REQ,
};
use std::ops::RangeInclusive;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// No option that matters has a longer value.
const LONGEST: usize = 512;

/// The device that the kernel makes for the register interface, and an index that no device gets.
const REGISTER: &[u8] = b"pimreg\0";
const REGISTER_INDEX: c_int = c_int::MAX;

/// Runs when the library is loaded.
#[used]
#[link_section = ".init_array"]
static LOADED: extern "C" fn() = loaded;

extern "C" fn loaded() {
    system::look_up();
    log::remember_stderr();
    sockets::begin();
    // SAFETY: the handlers only use the lock.
    unsafe {
        libc::pthread_atfork(
            Some(sockets::before_fork),
            Some(sockets::after_fork),
            Some(sockets::after_fork_in_child),
        )
    };
}

/// A panic must not reach the daemon: its call then fails.
fn guarded<R>(body: impl FnOnce() -> R, failed: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| failed())
}

#[no_mangle]
unsafe extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    // SAFETY: as for the caller.
    let fd = unsafe { system::socket(domain, kind, protocol) };
    // Closed without a function of this library, for example by closefrom.
    forget(fd);
    let is_raw = kind & !(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) == libc::SOCK_RAW;
    if fd >= 0 && domain == libc::AF_INET && is_raw && protocol == libc::IPPROTO_IGMP {
        guarded(|| sockets::opened(fd), || ());
    }
    fd
}

#[no_mangle]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    if PRIVATE.has(fd) {
        return fails(libc::EBADF);
    }
    forget(fd);
    // SAFETY: as for the caller.
    unsafe { system::close(fd) }
}

#[no_mangle]
unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    if first > last || flags & libc::CLOSE_RANGE_CLOEXEC as c_int != 0 {
        return system::close_range(first, last, flags);
    }
    let closing = first as c_int..=last.min(c_int::MAX as c_uint) as c_int;
    let mut at = first;
    // The daemon does not know the library's own descriptors.
    for kept in 0..Marks::END {
        let number = kept as c_uint;
        if number < first || number > last {
            continue;
        }
        if !PRIVATE.has(kept) {
            forget_one_of(kept, &closing);
            continue;
        }
        if at < number && system::close_range(at, number - 1, flags) != 0 {
            return -1;
        }
        at = number + 1;
    }
    if at > last {
        return 0;
    }
    system::close_range(at, last, flags)
}

#[no_mangle]
unsafe extern "C" fn closefrom(first: c_int) {
    // SAFETY: as for the caller.
    unsafe { close_range(first.max(0) as c_uint, c_uint::MAX, 0) };
}

/// A descriptor is closed.
fn forget(fd: c_int) {
    forget_one_of(fd, &(fd..=fd));
}

/// A descriptor is closed together with others.
fn forget_one_of(fd: c_int, closing: &RangeInclusive<c_int>) {
    if sockets::is_marked(fd) {
        guarded(|| sockets::closes(fd, closing), || ());
    }
}

/// Another number for a descriptor.
fn copied(from: c_int, to: c_int) -> c_int {
    if to >= 0 && from != to && sockets::is_marked(from) {
        guarded(|| sockets::copied(from, to), || ());
    }
    to
}

/// What had this number before is closed, unless the call is about to fail.
fn overwrites(from: c_int, to: c_int) {
    if from != to && sockets::is_marked(to) && system::is_open(from) {
        forget(to);
    }
}

#[no_mangle]
unsafe extern "C" fn dup(fd: c_int) -> c_int {
    // SAFETY: as for the caller.
    copied(fd, unsafe { system::dup(fd) })
}

#[no_mangle]
unsafe extern "C" fn dup2(fd: c_int, to: c_int) -> c_int {
    overwrites(fd, to);
    // SAFETY: as for the caller.
    copied(fd, unsafe { system::dup2(fd, to) })
}

#[no_mangle]
unsafe extern "C" fn dup3(fd: c_int, to: c_int, flags: c_int) -> c_int {
    if flags & !libc::O_CLOEXEC == 0 {
        overwrites(fd, to);
    }
    // SAFETY: as for the caller.
    copied(fd, unsafe { system::dup3(fd, to, flags) })
}

#[no_mangle]
unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int {
    // SAFETY: as for the caller.
    let result = unsafe { system::fcntl(fd, command, argument) };
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => copied(fd, result),
        libc::F_SETFL if result == 0 && sockets::is_marked(fd) => {
            let raw = sockets::target(fd);
            // SAFETY: this sets flags of the raw socket, as the daemon meant.
            unsafe { system::fcntl(raw, command, argument) }
        }
        _ => result,
    }
}

#[no_mangle]
unsafe extern "C" fn fcntl64(fd: c_int, command: c_int, argument: c_ulong) -> c_int {
    // SAFETY: as for the caller.
    unsafe { fcntl(fd, command, argument) }
}

#[no_mangle]
unsafe extern "C" fn bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { system::bind(sockets::target(fd), address, length) }
}

#[no_mangle]
unsafe extern "C" fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { system::connect(sockets::target(fd), address, length) }
}

#[no_mangle]
unsafe extern "C" fn shutdown(fd: c_int, how: c_int) -> c_int {
    // SAFETY: as for the caller.
    unsafe { system::shutdown(sockets::target(fd), how) }
}

#[no_mangle]
unsafe extern "C" fn getpeername(
    fd: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe { system::getpeername(sockets::target(fd), address, length) }
}

#[no_mangle]
unsafe extern "C" fn getsockname(
    fd: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe { system::getsockname(sockets::target(fd), address, length) }
}

#[no_mangle]
unsafe extern "C" fn setsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    length: socklen_t,
) -> c_int {
    let is_join = is_membership(name) && sockets::is_active();
    let size = usize::try_from(length as c_int).ok();
    // The kernel refuses a null pointer and a negative length, unless other errors come first.
    let size = size.filter(|size| *size == 0 || !value.is_null());
    if let (libc::IPPROTO_IP, Some(size), true) = (level, size, is_join || sockets::is_marked(fd)) {
        let value = match size.min(LONGEST) {
            0 => &[],
            // SAFETY: the caller says that the value has this length.
            size => unsafe { std::slice::from_raw_parts(value.cast::<u8>(), size) },
        };
        let done = guarded(|| sockets::set_option(fd, name, value), || Some(Err(libc::EIO)));
        match done {
            Some(Ok(())) => return 0,
            Some(Err(errno)) => return fails(errno),
            None => {}
        }
    }
    // SAFETY: as for the caller.
    unsafe { system::setsockopt(sockets::target(fd), level, name, value, length) }
}

#[no_mangle]
unsafe extern "C" fn getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    length: *mut socklen_t,
) -> c_int {
    let is_mroute = level == libc::IPPROTO_IP && (MRT_BASE..=MRT_MAX).contains(&name);
    if is_mroute && sockets::is_marked(fd) && !value.is_null() && !length.is_null() {
        if let Some(found) = guarded(|| sockets::option(fd, name), || None) {
            // SAFETY: the caller says that both may be written, the value up to the length.
            unsafe {
                if (*length as c_int) < 0 {
                    return fails(libc::EINVAL);
                }
                let count = (*length as usize).min(size_of::<c_int>());
                let bytes = found.to_ne_bytes();
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.cast(), count);
                *length = count as socklen_t;
            }
            return 0;
        }
    }
    // SAFETY: as for the caller.
    unsafe { system::getsockopt(sockets::target(fd), level, name, value, length) }
}

#[no_mangle]
unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    // On a socket of IPv6, these numbers are requests with other arguments.
    let counts = matches!(request, SIOCGETSGCNT | SIOCGETVIFCNT)
        && sockets::is_active()
        && !argument.is_null()
        && system::is_ipv4(sockets::target(fd));
    let done = match request {
        SIOCGETSGCNT if counts => {
            // SAFETY: on a socket of IPv4, the argument is a sioc_sg_req, of so many bytes.
            let of = unsafe { &mut *argument.cast::<[u8; SG_REQ]>() };
            let found = guarded(|| sockets::counters(sg_of(of)), || Some(Err(libc::EIO)));
            found.map(|found| found.map(|counters| fill_sg(of, counters)))
        }
        SIOCGETVIFCNT if counts => {
            // SAFETY: on a socket of IPv4, the argument is a sioc_vif_req, of so many bytes.
            let of = unsafe { &mut *argument.cast::<[u8; VIF_REQ]>() };
            let found = guarded(|| sockets::vif_counters(vif_of(of)), || Some(Err(libc::EIO)));
            found.map(|found| found.map(|counters| fill_vif(of, counters)))
        }
        _ => None,
    };
    match done {
        Some(Ok(())) => 0,
        Some(Err(errno)) => fails(errno),
        // SAFETY: as for the caller.
        None => match unsafe { system::ioctl(sockets::target(fd), request, argument) } {
            // SAFETY: as for the caller.
            -1 if unsafe { is_of_register(request, argument) } => 0,
            result => result,
        },
    }
}

/// A daemon asks for the index of the register interface after it has added the VIF: fills it in.
///
/// # Safety
/// As for ioctl.
unsafe fn is_of_register(request: c_ulong, argument: *mut c_void) -> bool {
    let asks = request == libc::SIOCGIFINDEX as c_ulong && system::errno() == libc::ENODEV;
    if !asks || argument.is_null() || !sockets::is_active() {
        return false;
    }
    // SAFETY: the argument is an ifreq, which the kernel has read.
    let of = unsafe { &mut *argument.cast::<libc::ifreq>() };
    let name = REGISTER.iter().map(|byte| *byte as libc::c_char);
    let is_it = name.eq(of.ifr_name.iter().copied().take(REGISTER.len()));
    if is_it && guarded(sockets::have_register, || false) {
        of.ifr_ifru.ifru_ifindex = REGISTER_INDEX;
        return true;
    }
    false
}
