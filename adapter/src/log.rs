//! Lines for the operator: on stderr, or in the system's log if the daemon has closed or redirected
//! stderr, as a daemon in the background does.

use crate::system;
use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a line.
pub(crate) fn line(text: &str) {
    let text = format!("mgm-mroute: {text}");
    if has_stderr() {
        write_stderr(format!("{text}\n").as_bytes());
    } else if let Ok(text) = CString::new(text) {
        // SAFETY: the format takes one string, and both are terminated.
        unsafe {
            libc::syslog(libc::LOG_WARNING | libc::LOG_DAEMON, c"%s".as_ptr(), text.as_ptr())
        };
    }
}

/// The file that was stderr when the library was loaded.
static STDERR: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Device and inode of stderr, if it is open and something else than /dev/null.
fn stderr_file() -> Option<[u64; 2]> {
    // SAFETY: all bytes zero is a valid value, and fstat fills it in.
    let mut of: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let is_open = unsafe { libc::fstat(2, &raw mut of) } == 0;
    // The device of /dev/null is 1:3.
    let is_null = of.st_mode & libc::S_IFMT == libc::S_IFCHR && of.st_rdev == libc::makedev(1, 3);
    (is_open && !is_null).then_some([of.st_dev, of.st_ino])
}

/// The library is loaded.
pub(crate) fn remember_stderr() {
    let file = stderr_file().unwrap_or_default();
    STDERR.iter().zip(file).for_each(|(to, from)| to.store(from, Ordering::Relaxed));
}

/// Whether a line can be written to stderr. The number may belong to another file by now, into which
/// no line must get.
fn has_stderr() -> bool {
    let known = [STDERR[0].load(Ordering::Relaxed), STDERR[1].load(Ordering::Relaxed)];
    stderr_file() == Some(known)
}

/// Writes to stderr, as far as it takes it. If its reader has ended, the daemon must not get SIGPIPE.
fn write_stderr(bytes: &[u8]) {
    // SAFETY: the sets are filled in before they are used, and the buffer has the size given. Nothing
    // can be done about an error.
    unsafe {
        let (mut pipe, mut former) = (std::mem::zeroed(), std::mem::zeroed());
        let mut waiting: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut pipe);
        libc::sigaddset(&raw mut pipe, libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut former);
        libc::sigpending(&raw mut waiting);
        let is_new = libc::sigismember(&raw const waiting, libc::SIGPIPE) == 0;
        let written = system::write(2, bytes.as_ptr().cast(), bytes.len());
        if written < 0 && system::errno() == libc::EPIPE && is_new {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::sigtimedwait(&raw const pipe, std::ptr::null_mut(), &raw const now);
        }
        system::restore_signals(&former);
    }
}
