//! The functions of libc that this library replaces, as libc has them, and other system calls. Each
//! function here that is safe checks what the kernel needs.

use libc::{c_char, c_int, c_ulong, c_void, msghdr, sockaddr, socklen_t, ssize_t};
use mgm_types::Ipv4Addr;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Defines functions that call the next function of the same name after this library.
macro_rules! next {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        /// Where these functions are; null until they were looked up.
        #[allow(non_upper_case_globals, reason = "the names are those of the functions")]
        mod places {
            use super::*;
            $(pub(super) static $name: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());)*
        }

        $(
            /// The function of libc.
            ///
            /// # Safety
            /// As for the function of libc.
            #[allow(clippy::too_many_arguments, reason = "the functions are those of libc")]
            pub(crate) unsafe fn $name($($arg: $type),*) -> $result {
                let mut place = places::$name.load(Ordering::Relaxed);
                if place.is_null() {
                    look_up();
                    place = places::$name.load(Ordering::Relaxed);
                }
                // SAFETY: libc has the function, with this type. The caller guarantees the rest.
                unsafe {
                    std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> $result>(
                        place,
                    )($($arg),*)
                }
            }
        )*

        /// Looks up all of them: when the library is loaded, because a signal handler may not do it.
        pub(crate) fn look_up() {
            $(
                let name = concat!(stringify!($name), "\0");
                // SAFETY: the name is terminated.
                let place = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast()) };
                places::$name.store(place, Ordering::Relaxed);
            )*
        }
    };
}

next! {
    socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    close(fd: c_int) -> c_int;
    dup(fd: c_int) -> c_int;
    dup2(fd: c_int, to: c_int) -> c_int;
    dup3(fd: c_int, to: c_int, flags: c_int) -> c_int;
    fcntl(fd: c_int, command: c_int, argument: c_ulong) -> c_int;
    bind(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int;
    connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int;
    shutdown(fd: c_int, how: c_int) -> c_int;
    getpeername(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int;
    getsockname(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int;
    setsockopt(fd: c_int, level: c_int, name: c_int, value: *const c_void, length: socklen_t) -> c_int;
    getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut socklen_t) -> c_int;
    ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int;
    recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t;
    recvmmsg(fd: c_int, messages: *mut libc::mmsghdr, count: libc::c_uint, flags: c_int, time: *mut libc::timespec) -> c_int;
    recv(fd: c_int, buffer: *mut c_void, length: usize, flags: c_int) -> ssize_t;
    recvfrom(fd: c_int, buffer: *mut c_void, length: usize, flags: c_int, from: *mut sockaddr, size: *mut socklen_t) -> ssize_t;
    read(fd: c_int, buffer: *mut c_void, length: usize) -> ssize_t;
    readv(fd: c_int, pieces: *const libc::iovec, count: c_int) -> ssize_t;
    sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t;
    sendmmsg(fd: c_int, messages: *mut libc::mmsghdr, count: libc::c_uint, flags: c_int) -> c_int;
    send(fd: c_int, buffer: *const c_void, length: usize, flags: c_int) -> ssize_t;
    sendto(fd: c_int, buffer: *const c_void, length: usize, flags: c_int, to: *const sockaddr, size: socklen_t) -> ssize_t;
    write(fd: c_int, buffer: *const c_void, length: usize) -> ssize_t;
    writev(fd: c_int, pieces: *const libc::iovec, count: c_int) -> ssize_t;
}

extern "C-unwind" {
    /// A point at which a thread may be cancelled.
    fn poll(of: *mut libc::pollfd, count: libc::nfds_t, milliseconds: c_int) -> c_int;
}

extern "C" {
    fn pthread_setcancelstate(state: c_int, former: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE.
const CANCEL_DISABLE: c_int = 1;

/// Whether the thread may be cancelled from now on. Returns the former state.
pub(crate) fn set_cancel_state(state: c_int) -> c_int {
    let mut former = 0;
    // SAFETY: the pointer is valid.
    unsafe { pthread_setcancelstate(state, &raw mut former) };
    former
}

/// The thread cannot be cancelled any longer. Returns the former state.
pub(crate) fn forbid_cancellation() -> c_int {
    set_cancel_state(CANCEL_DISABLE)
}

/// Private descriptors begin here, so that they take no number that the daemon would get.
const HIGH: c_ulong = 900;

/// The errno of the last call.
pub(crate) fn errno() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Sets errno, and returns -1.
pub(crate) fn fails(errno: c_int) -> c_int {
    // SAFETY: the pointer is valid for this thread.
    unsafe { *libc::__errno_location() = errno };
    -1
}

fn result(value: c_int) -> Result<c_int, c_int> {
    if value < 0 {
        return Err(errno());
    }
    Ok(value)
}

/// A descriptor of this library, which the daemon does not know. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Fd(pub c_int);

/// A bit for each descriptor below `Marks::END`.
pub(crate) struct Marks([AtomicU64; 16]);

impl Marks {
    pub const END: c_int = 1024;

    pub const fn new() -> Marks {
        Marks([const { AtomicU64::new(0) }; 16])
    }

    fn of(&self, fd: c_int) -> Option<(&AtomicU64, u64)> {
        let fd = usize::try_from(fd).ok()?;
        Some((self.0.get(fd / 64)?, 1 << (fd % 64)))
    }

    pub fn set(&self, fd: c_int, on: bool) {
        match self.of(fd) {
            Some((word, bit)) if on => word.fetch_or(bit, Ordering::Relaxed),
            Some((word, bit)) => word.fetch_and(!bit, Ordering::Relaxed),
            None => 0,
        };
    }

    pub fn has(&self, fd: c_int) -> bool {
        self.of(fd).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }
}

/// The descriptors of this library, which a daemon that closes all numbers must not close.
pub(crate) static PRIVATE: Marks = Marks::new();

impl Drop for Fd {
    fn drop(&mut self) {
        PRIVATE.set(self.0, false);
        // SAFETY: nobody else uses this number.
        unsafe { close(self.0) };
    }
}

/// close_range(2). The function of libc need not exist. If the kernel lacks the call, the open numbers
/// are closed one by one.
pub(crate) fn close_range(first: u32, last: u32, flags: c_int) -> c_int {
    // SAFETY: the daemon closes its own descriptors.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if done == 0 || errno() != libc::ENOSYS || flags != 0 {
        return done as c_int;
    }
    // SAFETY: as above.
    let close_one = |number| _ = unsafe { close(number as c_int) };
    match open_numbers() {
        Some(open) => open.into_iter().filter(|of| (first..=last).contains(of)).for_each(close_one),
        None => {
            // SAFETY: sysconf has no conditions.
            let end = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) }.try_into().unwrap_or(1 << 20);
            (first..last.saturating_add(1).min(end)).for_each(close_one);
        }
    }
    0
}

/// The numbers of all open descriptors; `None` without /proc. The limit of open files may be a thousand
/// million, and a number may be open although it is above the limit.
fn open_numbers() -> Option<Vec<u32>> {
    let entries = std::fs::read_dir("/proc/self/fd").ok()?;
    Some(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

/// A second descriptor of an open file, close-on-exec and with a high number.
pub(crate) fn private_copy(fd: c_int) -> Result<Fd, c_int> {
    for least in [HIGH, 64, 3] {
        // SAFETY: this only makes a descriptor.
        if let Ok(copy) = result(unsafe { fcntl(fd, libc::F_DUPFD_CLOEXEC, least) }) {
            PRIVATE.set(copy, true);
            return Ok(Fd(copy));
        }
    }
    Err(errno())
}

fn private(made: c_int) -> Result<Fd, c_int> {
    let low = Fd(result(made)?);
    private_copy(low.0)
}

/// A new UNIX stream socket.
pub(crate) fn unix_socket() -> Result<Fd, c_int> {
    // SAFETY: this only makes a descriptor.
    private(unsafe { socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })
}

/// From now on, connecting, reads and writes wait at most `patience`.
pub(crate) fn set_patience(fd: &Fd, patience: Duration) -> Result<(), c_int> {
    let (seconds, micros) = (patience.as_secs(), patience.subsec_micros());
    let time = libc::timeval { tv_sec: seconds as i64, tv_usec: micros.into() };
    for option in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO] {
        set_option(fd, libc::SOL_SOCKET, option, &time)?;
    }
    Ok(())
}

/// Connects a UNIX socket to a path.
pub(crate) fn connect_unix(fd: &Fd, path: &std::path::Path) -> Result<(), c_int> {
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: all bytes zero is a valid address.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() >= address.sun_path.len() {
        return Err(libc::ENAMETOOLONG);
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as c_char;
    }
    let size = size_of_val(&address) as socklen_t;
    // SAFETY: the address has the size given.
    result(unsafe { connect(fd.0, (&raw const address).cast(), size) })?;
    Ok(())
}

/// Reads what has arrived: 0 at the end.
pub(crate) fn receive(fd: &Fd, piece: &mut [u8], waits: bool) -> Result<usize, c_int> {
    let flags = if waits { 0 } else { libc::MSG_DONTWAIT };
    loop {
        // SAFETY: the buffer has the size given.
        let count = unsafe { recv(fd.0, piece.as_mut_ptr().cast(), piece.len(), flags) };
        match usize::try_from(count) {
            Ok(count) => return Ok(count),
            Err(_) if errno() == libc::EINTR => {}
            Err(_) => return Err(errno()),
        }
    }
}

/// Reads a frame from a packet socket, without waiting. `true`: the sender has left the checksum of UDP
/// or TCP to a network card.
pub(crate) fn receive_frame(fd: &Fd, piece: &mut [u8]) -> Result<(usize, bool), c_int> {
    let mut buffer = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: piece.len() };
    let mut control = [0u64; 16];
    // SAFETY: all bytes zero is a valid value.
    let mut message: msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut buffer, 1);
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    loop {
        // SAFETY: the buffers have the sizes given.
        let count = unsafe { recvmsg(fd.0, &raw mut message, libc::MSG_DONTWAIT) };
        match usize::try_from(count) {
            Ok(count) => return Ok((count, lacks_checksum(&message))),
            Err(_) if errno() == libc::EINTR => {}
            Err(_) => return Err(errno()),
        }
    }
}

/// Whether the kernel says of a frame that its checksum is missing (PACKET_AUXDATA).
fn lacks_checksum(message: &msghdr) -> bool {
    // SAFETY: the kernel has filled in the control data, which has the length that the message says.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(message);
        while !at.is_null() {
            if ((*at).cmsg_level, (*at).cmsg_type) == (libc::SOL_PACKET, libc::PACKET_AUXDATA) {
                let of = libc::CMSG_DATA(at).cast::<libc::tpacket_auxdata>().read_unaligned();
                return of.tp_status & libc::TP_STATUS_CSUMNOTREADY != 0;
            }
            at = libc::CMSG_NXTHDR(message, at);
        }
    }
    false
}

/// Sends all bytes, without SIGPIPE.
pub(crate) fn send_all(fd: &Fd, mut bytes: &[u8]) -> Result<(), c_int> {
    while !bytes.is_empty() {
        // SAFETY: the buffer has the size given.
        let sent = unsafe { send(fd.0, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
        match usize::try_from(sent) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(_) if errno() == libc::EINTR => {}
            Err(_) => return Err(errno()),
        }
    }
    Ok(())
}

/// A packet socket, which receives nothing until it is bound.
pub(crate) fn packet_socket() -> Result<Fd, c_int> {
    let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: this only makes a descriptor.
    private(unsafe { socket(libc::AF_PACKET, kind, 0) })
}

/// Sets an option whose value is a plain structure of C.
pub(crate) fn set_option<T>(fd: &Fd, level: c_int, name: c_int, value: &T) -> Result<(), c_int> {
    let size = size_of::<T>() as socklen_t;
    // SAFETY: the value has the size given, and the kernel only reads it.
    result(unsafe { setsockopt(fd.0, level, name, (&raw const *value).cast(), size) })?;
    Ok(())
}

/// An epoll instance.
pub(crate) fn epoll() -> Result<Fd, c_int> {
    // SAFETY: this only makes a descriptor.
    private(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })
}

/// An epoll instance is ready as soon as this descriptor is.
pub(crate) fn watch(epoll: c_int, fd: &Fd) -> Result<(), c_int> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: fd.0 as u64 };
    // SAFETY: the event is valid during the call.
    result(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd.0, &raw mut event) })?;
    Ok(())
}

/// Ends this.
pub(crate) fn unwatch(epoll: c_int, fd: &Fd) {
    // SAFETY: no event is needed. It fails only if there is nothing to end.
    unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, fd.0, std::ptr::null_mut()) };
}

/// A flag that can be waited for.
pub(crate) fn event_flag() -> Result<Fd, c_int> {
    // SAFETY: this only makes a descriptor.
    private(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })
}

/// Sets or clears a flag.
pub(crate) fn set_flag(flag: &Fd, on: bool) {
    let mut value = 1u64;
    let buffer = (&raw mut value).cast::<c_void>();
    // SAFETY: the buffer has 8 bytes. Both calls fail only if there is nothing to change.
    unsafe {
        match on {
            true => write(flag.0, buffer, 8),
            false => read(flag.0, buffer, 8),
        };
    }
}

/// A timer that is ready every `seconds`; 0: never.
pub(crate) fn timer() -> Result<Fd, c_int> {
    let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
    // SAFETY: this only makes a descriptor.
    private(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })
}

/// Sets a timer.
pub(crate) fn set_timer(timer: &Fd, seconds: i64) {
    let time = libc::timespec { tv_sec: seconds, tv_nsec: 0 };
    let every = libc::itimerspec { it_interval: time, it_value: time };
    // SAFETY: the value is valid during the call, and the former one is not asked for.
    unsafe { libc::timerfd_settime(timer.0, 0, &raw const every, std::ptr::null_mut()) };
}

/// Waits until a descriptor is ready to read, or a signal comes; false: a signal, or the time is over.
pub(crate) fn wait(fd: c_int, milliseconds: c_int) -> bool {
    let mut of = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one entry.
    unsafe { poll(&raw mut of, 1, milliseconds) > 0 }
}

/// How long a socket waits for something to receive (SO_RCVTIMEO); `None`: for ever.
pub(crate) fn patience(fd: c_int) -> Option<Duration> {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut size = size_of_val(&time) as socklen_t;
    let (value, length) = ((&raw mut time).cast(), &raw mut size);
    // SAFETY: the value has the size given.
    unsafe { getsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVTIMEO, value, length) };
    let of = Duration::new(time.tv_sec.try_into().unwrap_or(0), 0)
        + Duration::from_micros(time.tv_usec.try_into().unwrap_or(0));
    (!of.is_zero()).then_some(of)
}

/// Waits until a descriptor is ready to read, as a call that receives on a socket waits.
///
/// # Errors
/// EAGAIN: the time is over. EINTR: a signal came.
pub(crate) fn wait_as_receiving(fd: c_int, end: Option<Instant>) -> Result<(), c_int> {
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        // Rounded up, so that it does not spin at the end.
        let left = left.map_or(-1, |left| left.as_micros().div_ceil(1000).try_into().unwrap_or(-1));
        let mut of = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: there is one entry.
        match unsafe { poll(&raw mut of, 1, left) } {
            0 => return Err(libc::EAGAIN),
            1.. => return Ok(()),
            // poll never goes on after a signal. Receiving does, unless there is a time-out.
            _ if errno() == libc::EINTR && end.is_none() && do_handlers_restart() => {}
            _ => return Err(errno()),
        }
    }
}

/// Whether all handlers of signals have SA_RESTART. It is not known which one has run.
fn do_handlers_restart() -> bool {
    (1..=libc::SIGRTMAX()).all(|signal| {
        // SAFETY: all bytes zero is a valid value, and sigaction only fills it in.
        let of = unsafe {
            let mut of: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut of);
            of
        };
        let has_handler = !matches!(of.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN);
        !has_handler || of.sa_flags & libc::SA_RESTART != 0
    })
}

/// Whether a process exists that has not ended. A zombie has ended.
pub(crate) fn exists(pid: u32) -> bool {
    let status = CString::new(format!("/proc/{pid}/stat"));
    let status = status.map(|path| short_file(&path)).unwrap_or_default();
    // After the name, which is in parentheses, follows the state.
    let state = status.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The beginning of a file, empty if there is none.
///
/// It is read by libc: the number of the descriptor may be one that the daemon has closed without a
/// function of this library, which would then take its lock a second time.
fn short_file(path: &CStr) -> String {
    let mut piece = [0u8; 512];
    // SAFETY: the path is terminated, and the buffer has the size given.
    let count = unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        let count = read(fd, piece.as_mut_ptr().cast(), piece.len());
        close(fd);
        count
    };
    let count = usize::try_from(count).unwrap_or(0);
    String::from_utf8_lossy(&piece[..count]).into_owned()
}

/// Whether a descriptor is open.
pub(crate) fn is_open(fd: c_int) -> bool {
    // SAFETY: this only reads flags.
    unsafe { fcntl(fd, libc::F_GETFD, 0) >= 0 }
}

/// Whether calls on this descriptor do not wait.
pub(crate) fn is_nonblocking(fd: c_int) -> bool {
    // SAFETY: this only reads flags.
    let flags = unsafe { fcntl(fd, libc::F_GETFL, 0) };
    flags >= 0 && flags & libc::O_NONBLOCK != 0
}

/// Has calls on this descriptor wait, or not.
pub(crate) fn set_nonblocking(fd: &Fd, on: bool) {
    // SAFETY: this only reads and writes flags.
    unsafe {
        let flags = fcntl(fd.0, libc::F_GETFL, 0) & !libc::O_NONBLOCK;
        let flags = if on { flags | libc::O_NONBLOCK } else { flags };
        fcntl(fd.0, libc::F_SETFL, flags as c_ulong);
    }
}

/// Whether two numbers are those of the same socket.
pub(crate) fn is_same_socket(one: c_int, other: c_int) -> bool {
    let of = |fd| {
        // SAFETY: all bytes zero is a valid value, and fstat fills it in.
        let mut of: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let is_open = unsafe { libc::fstat(fd, &raw mut of) } == 0;
        let is_socket = is_open && of.st_mode & libc::S_IFMT == libc::S_IFSOCK;
        is_socket.then_some((of.st_dev, of.st_ino))
    };
    of(one).is_some_and(|known| of(other) == Some(known))
}

/// Whether a descriptor is a socket of IPv4.
pub(crate) fn is_ipv4(fd: c_int) -> bool {
    let (mut domain, mut size) = (0 as c_int, size_of::<c_int>() as socklen_t);
    let (value, length) = ((&raw mut domain).cast(), &raw mut size);
    // SAFETY: the value has the size given.
    let got = unsafe { getsockopt(fd, libc::SOL_SOCKET, libc::SO_DOMAIN, value, length) };
    got == 0 && domain == libc::AF_INET
}

/// Makes `to` another number for the open file of `from`, and keeps whether it is close-on-exec.
pub(crate) fn replace(from: c_int, to: c_int) -> Result<(), c_int> {
    // SAFETY: this only reads flags.
    let flags = unsafe { fcntl(to, libc::F_GETFD, 0) };
    let flags = if flags & libc::FD_CLOEXEC != 0 { libc::O_CLOEXEC } else { 0 };
    // SAFETY: the daemon goes on using `to`.
    result(unsafe { dup3(from, to, flags) })?;
    Ok(())
}

/// The source address of the packet that waits at a raw socket; `None` if none waits.
pub(crate) fn waiting_source(fd: &Fd) -> Result<Option<Ipv4Addr>, c_int> {
    let mut head = [0u8; 20];
    let flags = libc::MSG_DONTWAIT | libc::MSG_PEEK;
    // SAFETY: the buffer has the size given.
    let count = unsafe { recv(fd.0, head.as_mut_ptr().cast(), head.len(), flags) };
    match usize::try_from(count) {
        Ok(_) => Ok(Some(Ipv4Addr::new(head[12], head[13], head[14], head[15]))),
        Err(_) if matches!(errno(), libc::EAGAIN | libc::EINTR) => Ok(None),
        Err(_) => Err(errno()),
    }
}

/// An interface of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub index: u32,
    pub address: Ipv4Addr,
    pub mask: Ipv4Addr,
}

/// An interface by its name. `fd` is any socket.
pub(crate) fn device(fd: &Fd, name: &str) -> Option<Device> {
    let ask = |request: c_ulong| {
        // SAFETY: all bytes zero is a valid value.
        let mut of: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in of.ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
            *to = from as c_char;
        }
        // SAFETY: the kernel reads and writes one ifreq.
        result(unsafe { ioctl(fd.0, request, (&raw mut of).cast()) }).ok()?;
        Some(of)
    };
    let address = |request| {
        let of = ask(request)?;
        // SAFETY: the kernel has written an address of IPv4, which is plain data.
        let address = unsafe { of.ifr_ifru.ifru_addr };
        let octets: Vec<u8> = address.sa_data[2..6].iter().map(|octet| *octet as u8).collect();
        Some(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
    };
    // SAFETY: the kernel has written the index.
    let index = unsafe { ask(libc::SIOCGIFINDEX as c_ulong)?.ifr_ifru.ifru_ifindex };
    Some(Device {
        index: u32::try_from(index).ok()?,
        address: address(libc::SIOCGIFADDR as c_ulong)?,
        mask: address(libc::SIOCGIFNETMASK as c_ulong)?,
    })
}

/// The index of the interface that has an address.
pub(crate) fn index_of(address: Ipv4Addr) -> Option<u32> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the pointer is valid; the list is freed below.
    result(unsafe { libc::getifaddrs(&raw mut list) }).ok()?;
    let (mut at, mut found) = (list, None);
    while !at.is_null() {
        // SAFETY: an entry of the list, which ends with a null pointer.
        let entry = unsafe { &*at };
        at = entry.ifa_next;
        let of = entry.ifa_addr;
        // SAFETY: an address begins with its family.
        if of.is_null() || i32::from(unsafe { (*of).sa_family }) != libc::AF_INET {
            continue;
        }
        // SAFETY: an address of IPv4, possibly unaligned.
        let of = unsafe { of.cast::<libc::sockaddr_in>().read_unaligned() };
        if of.sin_addr.s_addr == u32::from_ne_bytes(address.octets()) {
            // SAFETY: the name is terminated.
            found = Some(unsafe { libc::if_nametoindex(entry.ifa_name) });
            break;
        }
    }
    // SAFETY: the list is not used any longer.
    unsafe { libc::freeifaddrs(list) };
    found.filter(|index| *index != 0)
}

/// The index of the interface with this name.
pub(crate) fn index_named(name: &CStr) -> Option<u32> {
    // SAFETY: the name is terminated.
    Some(unsafe { libc::if_nametoindex(name.as_ptr()) }).filter(|index| *index != 0)
}

/// The name of the interface with this index.
pub(crate) fn name_of(index: u32) -> Option<String> {
    let mut name = [0u8; libc::IFNAMSIZ];
    // SAFETY: the buffer has the size that an interface's name needs.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    let text = CStr::from_bytes_until_nul(&name).ok().filter(|_| !found.is_null())?;
    Some(text.to_string_lossy().into_owned())
}

/// Blocks all signals of this thread. Returns the former mask.
pub(crate) fn block_signals() -> libc::sigset_t {
    // SAFETY: both sets are filled in before they are used.
    unsafe {
        let (mut all, mut former) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut former);
        former
    }
}

/// Sets the mask of this thread.
pub(crate) fn restore_signals(mask: &libc::sigset_t) {
    // SAFETY: the set is valid.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) };
}
