//! System calls that several modules use: waiting for a socket or a stop signal, and a clock.

use crate::fork::GuardedFd;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Wakes a waiting thread: to make it end, or, if the thread clears the signal, to make it check
/// other state.
#[derive(Debug)]
pub struct StopSignal(GuardedFd);

impl StopSignal {
    pub fn new() -> io::Result<StopSignal> {
        let fd = GuardedFd::open(|| {
            // SAFETY: creates a descriptor, which is then this value's own.
            match unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) } {
                -1 => Err(io::Error::last_os_error()),
                // SAFETY: just opened, and owned by nothing else.
                fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            }
        })?;
        Ok(StopSignal(fd))
    }

    pub fn raise(&self) {
        if crate::fork::is_child() {
            return;
        }
        let one = 1u64.to_ne_bytes();
        // SAFETY: writes eight bytes from a buffer of eight.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    pub fn clear(&self) {
        let mut count = [0u8; 8];
        // SAFETY: reads eight bytes into a buffer of eight, without waiting.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

/// The pause after a failed wait, so that the caller does not spin if waits keep failing.
const PAUSE: Duration = Duration::from_millis(20);

/// Why [`wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// The stop signal was raised.
    Stop,
    /// The socket is readable, or has an error.
    Readable,
    /// The time has passed.
    Timeout,
}

/// Waits until `socket` is readable (`None`: only for the time) or `stop` is raised.
pub fn wait(
    socket: Option<&impl AsRawFd>,
    stop: &StopSignal,
    timeout: Option<Duration>,
) -> WaitEnd {
    // poll ignores negative descriptors.
    let socket = socket.map_or(-1, AsRawFd::as_raw_fd);
    let mut fds = [socket, stop.0.as_raw_fd()].map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    // Rounded up, because a wait that ends too early would make its caller spin.
    let millis = timeout
        .map_or(-1, |time| i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
    // SAFETY: the array outlives the call, and its length is right.
    let ready = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, millis) };
    if fds[1].revents != 0 && ready > 0 {
        WaitEnd::Stop
    } else if ready > 0 {
        WaitEnd::Readable
    } else {
        // Report a failed wait as one whose time has passed: callers check the clock and wait
        // again.
        if ready < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            std::thread::sleep(PAUSE);
        }
        WaitEnd::Timeout
    }
}

/// A writable pipe accepts this many bytes at once; other descriptors accept more.
pub const STDERR_BYTES: usize = libc::PIPE_BUF;

/// Waits at most `patience` until [`STDERR_BYTES`] can be written to stderr, because a pipe or
/// terminal whose reader has stopped accepts none. Does not wait if stderr is closed.
pub fn stderr_is_ready(most: Duration) -> bool {
    let mut stderr = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    let millis = i32::try_from(most.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one pollfd, which outlives the call.
    unsafe { libc::poll(&raw mut stderr, 1, millis) > 0 }
}

/// A monotonic clock in milliseconds, as of the last tick: a few milliseconds late, but many
/// times cheaper than the exact clock, which matters because nearly every call reads it.
pub fn coarse_clock() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// Runs code of the layer above that processes incoming events. Catches and logs a panic there,
/// because the thread must continue to read events (spec 8.5).
pub fn shield(what: &str, body: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
        log::error!("internal error: a panic while processing {what}; please report it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end_by_time_and_by_signal() {
        let stop = StopSignal::new().unwrap();
        let nothing = None::<&GuardedFd>;
        assert_eq!(wait(nothing, &stop, Some(Duration::from_millis(1))), WaitEnd::Timeout);
        stop.raise();
        assert_eq!(wait(nothing, &stop, None), WaitEnd::Stop);
        assert_eq!(wait(nothing, &stop, None), WaitEnd::Stop, "it stays raised");
        stop.clear();
        assert_eq!(wait(nothing, &stop, Some(Duration::from_millis(1))), WaitEnd::Timeout);
    }

    #[test]
    fn the_coarse_clock_goes_with_the_exact_one() {
        let (coarse, exact) = (coarse_clock(), std::time::Instant::now());
        std::thread::sleep(Duration::from_millis(100));
        let gone = Duration::from_millis(coarse_clock() - coarse);
        let late = exact.elapsed().abs_diff(gone);
        assert!(gone >= Duration::from_millis(80) && late < Duration::from_secs(10), "{gone:?}");
    }

    #[test]
    fn a_readable_socket_ends_a_wait() {
        let stop = StopSignal::new().unwrap();
        let (reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
        io::Write::write_all(&mut writer, b"x").unwrap();
        assert_eq!(wait(Some(&reader), &stop, None), WaitEnd::Readable);
    }
}
