//! System calls that several modules use: waiting for a socket or a stop signal, and a clock.

use crate::fork::GuardedFd;
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::time::{clock_gettime, ClockId};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Wakes a waiting thread: to make it end, or, if the thread clears the signal, to make it check
/// other state.
#[derive(Debug)]
pub struct StopSignal(GuardedFd);

impl StopSignal {
    pub fn new() -> io::Result<StopSignal> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let fd = GuardedFd::open(|| Ok(EventFd::from_value_and_flags(0, flags)?))?;
        Ok(StopSignal(fd))
    }

    pub fn raise(&self) {
        if crate::fork::is_child() {
            return;
        }
        // It fails only if the signal is raised already.
        let _ = nix::unistd::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Readable while the signal is raised.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub fn clear(&self) {
        // It fails only if the signal is not raised.
        let _ = nix::unistd::read(&self.0, &mut [0u8; 8]);
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
pub fn wait(socket: Option<&impl AsFd>, stop: &StopSignal, timeout: Option<Duration>) -> WaitEnd {
    let fd = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let stop = stop.0.as_fd();
    let mut fds = [fd(stop), fd(socket.map_or(stop, AsFd::as_fd))];
    let count = 1 + usize::from(socket.is_some());
    match poll(&mut fds[..count], poll_timeout(timeout)) {
        Ok(0) | Err(Errno::EINTR) => WaitEnd::Timeout,
        Ok(_) if fds[0].any() != Some(false) => WaitEnd::Stop,
        Ok(_) => WaitEnd::Readable,
        // Report a failed wait as one whose time has passed: callers check the clock and wait
        // again.
        Err(_) => {
            std::thread::sleep(PAUSE);
            WaitEnd::Timeout
        }
    }
}

/// Rounded up, because a wait that ends too early would make its caller spin.
fn poll_timeout(timeout: Option<Duration>) -> PollTimeout {
    let Some(time) = timeout else { return PollTimeout::NONE };
    PollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
}

/// A writable pipe accepts this many bytes at once; other descriptors accept more.
pub const STDERR_BYTES: usize = libc::PIPE_BUF;

/// Waits at most `most` until [`STDERR_BYTES`] can be written to stderr, because a pipe or
/// terminal whose reader has stopped accepts none. Does not wait if stderr is closed.
pub fn stderr_is_ready(most: Duration) -> bool {
    let stderr = io::stderr();
    let mut fds = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, poll_timeout(Some(most))).is_ok_and(|ready| ready > 0)
}

/// A monotonic clock in milliseconds, as of the last tick: a few milliseconds late, but many
/// times cheaper than the exact clock, which matters because nearly every call reads it.
pub fn coarse_clock() -> u64 {
    // It cannot fail: every Linux that Rust supports has this clock.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).unwrap_or(TimeSpec::new(0, 0));
    now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000
}

/// CLOCK_MONOTONIC, as programs in the kernel read it.
pub fn monotonic_time() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap_or(TimeSpec::new(0, 0)).into()
}

/// The processor time that this thread has used.
pub fn thread_time() -> Duration {
    // It cannot fail, either.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap_or(TimeSpec::new(0, 0)).into()
}

/// An environment variable, unless the program runs with privileges that its caller does not have:
/// then the caller must not choose what it connects to (as secure_getenv).
pub fn secure_variable(name: &str) -> Option<OsString> {
    // SAFETY: reads a number that the kernel has passed to the process.
    match unsafe { libc::getauxval(libc::AT_SECURE) } {
        0 => std::env::var_os(name),
        _ => None,
    }
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

    const CHOSEN: &str = "MGM_TESTS_CHOSEN";

    /// Succeeds in the copy of this program that the next test runs if the copy sees the variable.
    #[test]
    fn sees_the_variable() {
        assert_eq!(secure_variable(CHOSEN), std::env::var_os(CHOSEN));
    }

    #[test]
    fn t9_1_a_program_with_more_privileges_than_its_caller_ignores_the_variable() {
        use std::os::unix::fs::{chown, PermissionsExt};
        use std::process::Command;

        let copy = std::env::temp_dir().join(format!("mgm-secure-{}", std::process::id()));
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        let sees = || {
            let mut command = Command::new(&copy);
            command.args(["--exact", "sys::tests::sees_the_variable"]);
            command.env(CHOSEN, "1");
            let output = loop {
                match command.output() {
                    // A child that another test has just forked still has the copy open.
                    Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
                    output => break output.unwrap(),
                }
            };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("running 1 test"), "{text}");
            output.status.success()
        };
        let sees_as_itself = sees();
        let other_group = nix::unistd::getegid().as_raw() + 64_200;
        let is_set = chown(&copy, None, Some(other_group)).is_ok();
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o2755)).unwrap();
        let sees_as_others = is_set && sees();
        std::fs::remove_file(&copy).unwrap();
        assert!(sees_as_itself);
        // Only root can give the file to another group.
        assert!(
            !sees_as_others,
            "its caller chooses the router of a program with a group of its own"
        );
    }

    #[test]
    fn a_readable_socket_ends_a_wait() {
        let stop = StopSignal::new().unwrap();
        let (reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
        io::Write::write_all(&mut writer, b"x").unwrap();
        assert_eq!(wait(Some(&reader), &stop, None), WaitEnd::Readable);
    }
}
