//! MGM's own threads.

use std::io;
use std::thread::Builder;

/// Starts a thread that takes none of the process's signals: those are the
/// program's own, and its handlers may expect its own threads.
///
/// # Errors
/// The system's, if it gives no thread.
pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[cfg(test)]
    if REFUSING.get() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    without_signals(|| Builder::new().name(name.to_owned()).spawn(body)).map(drop)
}

#[cfg(test)]
thread_local! {
    /// Whether this thread finds that the system gives no more threads.
    pub(crate) static REFUSING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::sync::mpsc;

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
