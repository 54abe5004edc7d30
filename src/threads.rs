//! MGM's own threads.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread that takes none of the process's signals: those are the
/// program's own, and its handlers may expect its own threads.
///
/// # Errors
/// The system's, if it gives no thread.
pub fn spawn<R: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> R + Send + 'static,
) -> io::Result<JoinHandle<R>> {
    without_signals(|| Builder::new().name(name.to_owned()).spawn(body))
}

/// Runs `start` with all signals blocked; a thread that it starts inherits that.
#[cfg(unix)]
fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    use std::mem::MaybeUninit;
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: sigfillset initialises `all`, pthread_sigmask `before`; both live
    // through the calls, which only change this thread's signal mask.
    let changed = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr())
    };
    let result = start();
    if changed == 0 {
        // SAFETY: the first call succeeded, so `before` holds the old mask.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
    }
    result
}

/// There are no signals here.
#[cfg(not(unix))]
fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    start()
}
