//! The threads of the library.

use std::cell::Cell;
use std::io;
use std::thread::Builder;

thread_local! {
    /// Whether this is one of them. Without a destructor, like all thread-local state of the
    /// library: see `manager::context`.
    static OURS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a thread of the library.
pub fn is_ours() -> bool {
    OURS.get()
}

/// Starts a thread that blocks the process's signals, because the program's handlers may expect
/// to run on the program's own threads. Signals that a fault raises are not blocked, so that the
/// program's crash handler runs if a callback crashes on this thread (spec 8.10).
///
/// # Errors
/// The system's error, if it cannot start a thread.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let body = move || {
        OURS.set(true);
        body();
    };
    without_signals(|| Builder::new().name(name.to_owned()).spawn(body)).map(drop)
}

/// The signals that a fault raises on its thread.
const FAULTS: [libc::c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGSYS,
    libc::SIGTRAP,
    libc::SIGABRT,
];

/// Runs `start` with all other signals blocked; a thread that it starts inherits that.
fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    use std::mem::MaybeUninit;
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: sigfillset initialises `all`, which sigdelset changes, and pthread_sigmask
    // `before`; both live through the calls, which only change this thread's signal mask.
    let changed = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for signal in FAULTS {
            libc::sigdelset(all.as_mut_ptr(), signal);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Which of these signals this thread blocks.
    fn blocked(signals: &[libc::c_int]) -> Vec<libc::c_int> {
        // SAFETY: reads this thread's mask into a set of its own.
        let mask = unsafe {
            let mut mask = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
            mask
        };
        // SAFETY: reads that set.
        let is_blocked = |&signal: &_| unsafe { libc::sigismember(&mask, signal) == 1 };
        signals.iter().copied().filter(is_blocked).collect()
    }

    #[test]
    fn t8_10_threads_have_their_name_and_only_signals_of_faults() {
        const OTHERS: [libc::c_int; 4] =
            [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD, libc::SIGUSR1];
        let (tell, told) = mpsc::channel();
        spawn("mgm-test", move || {
            let name = std::thread::current().name().map(String::from);
            tell.send((name, blocked(&FAULTS), blocked(&OTHERS), is_ours())).unwrap();
        })
        .unwrap();
        let (name, faults, others, ours) = told.recv().unwrap();
        assert_eq!(name.as_deref(), Some("mgm-test"));
        assert_eq!((faults, others), (vec![], OTHERS.to_vec()));
        assert!(ours && !is_ours());
        assert!(blocked(&OTHERS).is_empty(), "this thread has them again");
    }
}
