//! The threads of the library.

use nix::sys::signal::Signal::{self, *};
use nix::sys::signal::{SigSet, SigmaskHow};
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

/// Whether this thread may use more than one processor. Opens no file, unlike the standard library,
/// which also looks for a limit on processor time.
#[must_use]
pub fn has_processors() -> bool {
    // SAFETY: a set of processors is a plain array of numbers, of which none is invalid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set can be written to, and has this size. Thread 0 is this one.
    let result = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &mut set) };
    // SAFETY: counts the bits of the set.
    let count = unsafe { libc::CPU_COUNT(&set) };
    // The call fails on machines with more processors than the set has room for.
    result != 0 || count > 1
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
const FAULTS: [Signal; 7] = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT];

/// Runs `start` with all other signals blocked; a thread that it starts inherits that.
pub(crate) fn without_signals<R>(start: impl FnOnce() -> R) -> R {
    let mut blocked = SigSet::all();
    for signal in FAULTS {
        blocked.remove(signal);
    }
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let result = start();
    if let Ok(before) = before {
        // It cannot fail: the mask was this thread's.
        let _ = before.thread_set_mask();
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Which of these signals this thread blocks.
    fn blocked(signals: &[Signal]) -> Vec<Signal> {
        let mask = SigSet::thread_get_mask().unwrap();
        signals.iter().copied().filter(|&signal| mask.contains(signal)).collect()
    }

    #[test]
    fn t9_4_a_thread_that_is_bound_to_a_processor_has_only_this_one() {
        let bound = std::thread::spawn(|| {
            // SAFETY: as in the function.
            let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
            // SAFETY: asks for the number of a processor.
            let here = unsafe { libc::sched_getcpu() };
            // SAFETY: the set has room for this processor, unless there are more than 1,024.
            unsafe { libc::CPU_SET(here as usize, &mut set) };
            // SAFETY: the set has this size.
            assert_eq!(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) }, 0);
            has_processors()
        });
        assert!(!bound.join().unwrap());
        let count = std::thread::available_parallelism().unwrap().get();
        assert!(has_processors() || count == 1, "this thread may use {count}");
    }

    #[test]
    fn t8_10_threads_have_their_name_and_only_signals_of_faults() {
        const OTHERS: [Signal; 4] = [SIGTERM, SIGINT, SIGCHLD, SIGUSR1];
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
