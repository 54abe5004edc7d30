//! What the kernel forwarder and the netlink view share: threads that wait for
//! a socket and can be told to leave.

use crate::fork::GuardedFd;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// Tells a waiting thread to leave. Signalled once and for good.
#[derive(Debug)]
pub(crate) struct StopSignal(GuardedFd);

impl StopSignal {
    pub(crate) fn new() -> io::Result<StopSignal> {
        let fd = GuardedFd::open(|| {
            // SAFETY: creates a descriptor, which is then this value's own.
            match unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) } {
                -1 => Err(io::Error::last_os_error()),
                // SAFETY: just opened, and nobody else knows it.
                fd => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
            }
        })?;
        Ok(StopSignal(fd))
    }

    pub(crate) fn raise(&self) {
        if crate::fork::is_child() {
            return;
        }
        let one = 1u64.to_ne_bytes();
        // SAFETY: writes eight bytes from a buffer of eight.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }
}

/// Why [`wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The stop signal was raised.
    Stop,
    /// The socket has something to read, or an error to tell.
    Readable,
    /// The time has passed.
    Timeout,
}

/// Waits until `socket` is readable (`None`: for the time only), or told to stop.
pub(crate) fn wait(
    socket: Option<&impl AsRawFd>,
    stop: &StopSignal,
    timeout: Option<Duration>,
) -> Wake {
    // poll ignores negative descriptors.
    let socket = socket.map_or(-1, AsRawFd::as_raw_fd);
    let mut fds = [socket, stop.0.as_raw_fd()].map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    // Rounded up: a wait that ends too early would make its caller spin.
    let millis = timeout
        .map_or(-1, |time| i32::try_from(time.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
    // SAFETY: the array outlives the call, and its length is right.
    let ready = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, millis) };
    if fds[1].revents != 0 && ready > 0 {
        Wake::Stop
    } else if ready > 0 {
        Wake::Readable
    } else {
        // An interrupted wait looks like one whose time has passed: callers
        // look at the clock, and wait again.
        Wake::Timeout
    }
}

/// Starts a thread that none of the program's signals interrupt: the handlers
/// of a host run on the host's own threads.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // A new thread inherits the mask, so it is set before and restored after.
    // SAFETY: both sets are initialised by the calls that take them.
    let before = unsafe {
        let mut all = std::mem::zeroed();
        let mut before = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        before
    };
    let spawned = std::thread::Builder::new().name(name.into()).spawn(body);
    // SAFETY: restores the mask read above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    spawned.map(drop)
}

/// Runs what the layer above does with news. A panic there is logged and ends
/// there: the thread has to go on, or MGM would be deaf (spec 8.5).
pub(crate) fn shield(what: &str, body: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
        log::error!("a panic while taking in {what}: please report it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn waits_end_by_time_and_by_signal() {
        let stop = StopSignal::new().unwrap();
        let nothing = None::<&GuardedFd>;
        assert_eq!(wait(nothing, &stop, Some(Duration::from_millis(1))), Wake::Timeout);
        stop.raise();
        assert_eq!(wait(nothing, &stop, None), Wake::Stop);
        assert_eq!(wait(nothing, &stop, None), Wake::Stop, "it stays raised");
    }

    #[test]
    fn a_readable_socket_ends_a_wait() {
        let stop = StopSignal::new().unwrap();
        let (reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
        io::Write::write_all(&mut writer, b"x").unwrap();
        assert_eq!(wait(Some(&reader), &stop, None), Wake::Readable);
    }

    #[test]
    fn threads_have_their_name_and_no_signals() {
        let (tell, told) = mpsc::channel();
        spawn("mgm-test", move || {
            // SAFETY: reads this thread's mask into a set of its own.
            let masked = unsafe {
                let mut mask = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
                libc::sigismember(&mask, libc::SIGTERM) == 1
            };
            tell.send((std::thread::current().name().map(String::from), masked)).unwrap();
        })
        .unwrap();
        assert_eq!(told.recv().unwrap(), (Some("mgm-test".into()), true));
    }
}
