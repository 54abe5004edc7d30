//! The lock itself: a futex. A lock of the standard library could not be held during a fork.

use libc::{c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

/// The word of a lock whose waiters sleep: 0 free, 1 held, 2 held, and others may sleep.
pub(crate) struct Word(AtomicU32);

impl Word {
    pub const fn new() -> Word {
        Word(AtomicU32::new(0))
    }

    pub fn acquire(&self) {
        let word = &self.0;
        if word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return;
        }
        while word.swap(2, Ordering::Acquire) != 0 {
            self.futex(libc::FUTEX_WAIT, 2);
        }
    }

    pub fn release(&self) {
        if self.0.swap(0, Ordering::Release) == 2 {
            self.futex(libc::FUTEX_WAKE, 1);
        }
    }

    fn futex(&self, what: c_int, value: u32) {
        let (operation, none) = (what | libc::FUTEX_PRIVATE_FLAG, std::ptr::null::<c_void>());
        // SAFETY: the word lives as long as the library; no time-out is given.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, none) };
    }
}
