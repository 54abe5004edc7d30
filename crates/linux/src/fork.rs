//! Forked children: the library works only in the router's process (spec 8.7).
//!
//! A child that outlives the router would keep the kernel's multicast routing
//! socket open, and with it every VIF and MFE. So each descriptor of the library is
//! a [`GuardedFd`], and a fork handler closes them in the child. (A program
//! that is *exec*ed does not need it: they are all close-on-exec.)

pub use unix::{after_callback, install, is_child, Guarded, GuardedFd};

mod unix {
    use std::io;
    use std::mem::ManuallyDrop;
    use std::ops::{Deref, DerefMut};
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
    use std::panic::resume_unwind;
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};
    use std::sync::Once;

    /// Places for guarded descriptors in a block. The library needs half a dozen, and with the ebpf
    /// forwarder two or three for each interface, so blocks are added. None is ever freed.
    const SLOTS: usize = 256;
    const FREE: RawFd = -1;

    struct Block {
        slots: [AtomicI32; SLOTS],
        next: AtomicPtr<Block>,
    }

    impl Block {
        const fn new() -> Block {
            Block {
                slots: [const { AtomicI32::new(FREE) }; SLOTS],
                next: AtomicPtr::new(null_mut()),
            }
        }

        /// The next block, if there is one. Async-signal-safe.
        fn next(&self) -> Option<&'static Block> {
            // SAFETY: null, or a block that is never freed.
            unsafe { self.next.load(Ordering::Acquire).as_ref() }
        }

        /// The next block, which is added if there is none.
        fn next_or_new(&self) -> &'static Block {
            if let Some(next) = self.next() {
                return next;
            }
            let new = Box::into_raw(Box::new(Block::new()));
            let order = Ordering::AcqRel;
            match self.next.compare_exchange(null_mut(), new, order, Ordering::Acquire) {
                // SAFETY: never freed from now on.
                Ok(_) => unsafe { &*new },
                Err(other) => {
                    // SAFETY: no other thread has seen it.
                    drop(unsafe { Box::from_raw(new) });
                    // SAFETY: another thread has added it, and it is never freed.
                    unsafe { &*other }
                }
            }
        }
    }

    static FORKED: AtomicBool = AtomicBool::new(false);
    static GUARDED: Block = Block::new();

    // A child must not inherit a descriptor that its handler does not know. So a fork waits
    // while a descriptor is open but not in its slot, and no descriptor is opened during a fork.
    // A signal handler that has interrupted either may fork, so there is no lock, and all
    // waiting is limited.

    /// Threads that have opened a descriptor and not yet put it into its slot, or have taken it out
    /// and not yet closed it.
    static CHANGING: AtomicUsize = AtomicUsize::new(0);
    /// Threads that are forking.
    static FORKING: AtomicUsize = AtomicUsize::new(0);

    /// How often a waiting thread checks, and how long it sleeps in between. Opening takes
    /// microseconds, but a fork made by a signal handler that has interrupted it would wait for
    /// ever.
    const LOOKS: u32 = 1000;
    const NAP: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 100_000 };

    /// How often a thread that opens a descriptor waits this long. Limited, so that the thread
    /// makes progress however many forks there are.
    const ROUNDS: u32 = 10;

    /// Waits until the count is 0, for some tenths of a second at most. Async-signal-safe.
    fn wait_for_none(count: &AtomicUsize) {
        for _ in 0..LOOKS {
            if count.load(Ordering::SeqCst) == 0 {
                return;
            }
            // SAFETY: reads one timespec; async-signal-safe.
            unsafe { libc::nanosleep(&NAP, std::ptr::null_mut()) };
        }
    }

    /// While this exists, forks wait.
    struct Changing(());

    impl Changing {
        fn new() -> Changing {
            for _ in 0..ROUNDS {
                CHANGING.fetch_add(1, Ordering::SeqCst);
                if FORKING.load(Ordering::SeqCst) == 0 {
                    return Changing(());
                }
                CHANGING.fetch_sub(1, Ordering::SeqCst);
                wait_for_none(&FORKING);
            }
            CHANGING.fetch_add(1, Ordering::SeqCst);
            Changing(())
        }
    }

    impl Drop for Changing {
        fn drop(&mut self) {
            CHANGING.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether this process was forked from the one that uses the library.
    #[must_use]
    pub fn is_child() -> bool {
        FORKED.load(Ordering::Relaxed)
    }

    /// Called after a callback has returned. Returns only in the router's process. A child that
    /// the callback has forked must not continue, because a thread that does not exist in the
    /// child may hold any lock. On a thread of the library, the child exits. On another thread,
    /// this unwinds to the exported function, which refuses the call (spec 8.7, 8.10).
    pub fn after_callback() {
        if is_child() {
            leave();
        }
    }

    #[cold]
    fn leave() {
        if crate::threads::is_ours() {
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(1) };
        }
        // A panic that is already unwinding gets there as well.
        if !std::thread::panicking() {
            // Without calling the panic hook, which takes locks.
            resume_unwind(Box::new("in a forked child"));
        }
    }

    /// Installs the fork handlers. Calling it again does nothing.
    pub fn install() {
        static ONCE: Once = Once::new();
        let mut error = 0;
        ONCE.call_once(|| {
            // SAFETY: the three handlers are functions of this library, which
            // libc forgets when the library is unloaded; all they make are
            // async-signal-safe calls.
            error = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
        });
        // Not inside the closure, because the log callback may call the library.
        if error != 0 {
            log::warn!(
                "cannot install a fork handler ({}): a forked child that outlives this router \
                 will keep the kernel's multicast routing table",
                io::Error::from_raw_os_error(error)
            );
        }
    }

    unsafe extern "C" fn before() {
        if !is_child() {
            FORKING.fetch_add(1, Ordering::SeqCst);
            wait_for_none(&CHANGING);
        }
    }

    unsafe extern "C" fn in_parent() {
        if !is_child() {
            FORKING.fetch_sub(1, Ordering::SeqCst);
        }
    }

    unsafe extern "C" fn in_child() {
        FORKED.store(true, Ordering::Relaxed);
        let mut block = Some(&GUARDED);
        while let Some(Block { slots, .. }) = block {
            for slot in slots {
                let fd = slot.swap(FREE, Ordering::Relaxed);
                if fd != FREE {
                    // SAFETY: the slot's owner never closes it in a child.
                    unsafe { libc::close(fd) };
                }
            }
            block = block.and_then(Block::next);
        }
    }

    /// A descriptor that is closed in every forked child.
    pub type GuardedFd = Guarded<OwnedFd>;

    /// A value that owns one descriptor, which is closed in every forked child.
    #[derive(Debug)]
    pub struct Guarded<T> {
        /// Its descriptor is closed in a child, although the value still exists there: the library
        /// refuses every call before it uses the descriptor.
        value: ManuallyDrop<T>,
        slot: &'static AtomicI32,
    }

    impl<T: AsFd> Guarded<T> {
        /// Guards what `open` opens. The closure should do nothing else, because a fork on another
        /// thread waits for it, for a limited time.
        ///
        /// # Errors
        /// Those of `open`; EPERM in a child.
        pub fn open<F: Into<T>>(open: impl FnOnce() -> io::Result<F>) -> io::Result<Guarded<T>> {
            install();
            if is_child() {
                return Err(io::Error::from_raw_os_error(libc::EPERM));
            }
            let _changing = Changing::new();
            let value: T = open()?.into();
            let number = value.as_fd().as_raw_fd();
            let mut block = &GUARDED;
            loop {
                for slot in &block.slots {
                    // Another thread may be looking for a slot at the same time.
                    let order = Ordering::Relaxed;
                    if slot.compare_exchange(FREE, number, order, order).is_ok() {
                        return Ok(Guarded { value: ManuallyDrop::new(value), slot });
                    }
                }
                block = block.next_or_new();
            }
        }
    }

    impl<T> Drop for Guarded<T> {
        fn drop(&mut self) {
            // In a child, the handler has closed it, and the number may now
            // stand for a file of the child's own.
            if is_child() {
                return;
            }
            let _changing = Changing::new();
            self.slot.store(FREE, Ordering::Relaxed);
            // SAFETY: dropped once, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }

    impl<T> Deref for Guarded<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.value
        }
    }

    impl<T> DerefMut for Guarded<T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.value
        }
    }

    impl<T: AsFd> AsRawFd for Guarded<T> {
        fn as_raw_fd(&self) -> RawFd {
            self.value.as_fd().as_raw_fd()
        }
    }

    impl<T: AsFd> AsFd for Guarded<T> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.value.as_fd()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use nix::sys::signal::{raise, Signal};
        use nix::sys::wait::{waitpid, WaitStatus};
        use nix::unistd::Pid;
        use std::fs::File;

        fn is_open(fd: RawFd) -> bool {
            // SAFETY: asks about a number, whatever it stands for.
            unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
        }

        fn guarded() -> GuardedFd {
            GuardedFd::open(|| File::open("/dev/null")).unwrap()
        }

        /// Runs `child` in a forked child; its answer is the exit status.
        fn in_a_child(child: impl FnOnce() -> i32) -> i32 {
            // SAFETY: the child makes only async-signal-safe calls, then exits.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                let answer = child();
                // SAFETY: ends the child without the parent's exit handlers.
                unsafe { libc::_exit(answer) };
            }
            assert!(pid > 0);
            match waitpid(Pid::from_raw(pid), None).unwrap() {
                WaitStatus::Exited(_, answer) => answer,
                other => panic!("the child died: {other:?}"),
            }
        }

        #[test]
        fn t8_7_a_forked_child_knows_and_keeps_no_descriptor() {
            let (first, second) = (guarded(), guarded());
            let (a, b) = (first.as_raw_fd(), second.as_raw_fd());
            let answer = in_a_child(|| {
                i32::from(!is_child()) | i32::from(is_open(a)) << 1 | i32::from(is_open(b)) << 2
            });
            assert_eq!(answer, 0);
            assert!(!is_child() && is_open(a) && is_open(b), "the parent is as it was");
        }

        #[test]
        fn t8_7_a_drop_in_the_child_spares_recycled_numbers() {
            let guard = guarded();
            let number = guard.as_raw_fd();
            let answer = in_a_child(|| {
                // SAFETY: plain system calls; the number is free in the child.
                let recycled = unsafe { libc::dup2(0, number) };
                drop(guard);
                i32::from(recycled != number) | i32::from(!is_open(number)) << 1
            });
            assert_eq!(answer, 0);
        }

        #[test]
        fn t8_7_no_new_descriptors_and_no_deadlock_in_children_of_children() {
            let answer = in_a_child(|| {
                let refused = GuardedFd::open(|| File::open("/dev/null")).is_err();
                i32::from(!refused) | in_a_child(|| i32::from(!is_child())) << 1
            });
            assert_eq!(answer, 0);
        }

        #[test]
        fn t8_7_forks_and_opens_on_many_threads_leak_nothing() {
            // The descriptor that each thread has open, while it has one.
            let opened = [const { AtomicI32::new(FREE) }; 4];
            let is_over = AtomicBool::new(false);
            let leaks = std::thread::scope(|scope| {
                for number in &opened {
                    scope.spawn(|| {
                        while !is_over.load(Ordering::Relaxed) {
                            let guard = guarded();
                            number.store(guard.as_raw_fd(), Ordering::SeqCst);
                            std::thread::yield_now();
                            number.store(FREE, Ordering::SeqCst);
                        }
                    });
                }
                let leaks = (0..20).map(|_| {
                    in_a_child(|| {
                        let all = opened.iter().map(|number| number.load(Ordering::SeqCst));
                        i32::from(all.filter(|&number| number != FREE).any(is_open))
                    })
                });
                let leaks: i32 = leaks.sum();
                is_over.store(true, Ordering::Relaxed);
                leaks
            });
            assert_eq!(leaks, 0);
        }

        /// Forks, as a signal handler that has interrupted anything.
        extern "C" fn fork_in_handler(_: libc::c_int) {
            // SAFETY: the child ends at once; waitpid is async-signal-safe.
            unsafe {
                let pid = libc::fork();
                if pid == 0 {
                    libc::_exit(0);
                }
                libc::waitpid(pid, std::ptr::null_mut(), 0);
            }
        }

        #[test]
        fn t8_7_a_signal_handler_may_fork_while_a_descriptor_is_being_opened() {
            install();
            let handler: extern "C" fn(libc::c_int) = fork_in_handler;
            // SAFETY: the handler is such a function; no other test uses the signal.
            unsafe { libc::signal(libc::SIGUSR2, handler as libc::sighandler_t) };
            let opening = || {
                GuardedFd::open(|| {
                    // Runs the handler on this thread, before it returns.
                    raise(Signal::SIGUSR2)?;
                    File::open("/dev/null")
                })
            };
            // Other threads open and fork at the same time, and all come to an end.
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| (0..5).for_each(|_| drop(opening().unwrap())));
                }
                for _ in 0..5 {
                    assert_eq!(in_a_child(|| i32::from(!is_child())), 0);
                }
            });
        }

        #[test]
        fn t8_7_descriptors_that_are_opened_at_once_have_slots_of_their_own() {
            let barrier = std::sync::Barrier::new(4);
            let clashes = AtomicUsize::new(0);
            let slots = std::sync::Mutex::new(Vec::new());
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..3000 {
                            barrier.wait();
                            let one = guarded();
                            slots.lock().unwrap().push(std::ptr::from_ref(one.slot) as usize);
                            barrier.wait();
                            {
                                let mut all = slots.lock().unwrap();
                                all.sort();
                                if all.windows(2).any(|two| two[0] == two[1]) {
                                    clashes.fetch_add(1, Ordering::Relaxed);
                                }
                                all.clear();
                            }
                            barrier.wait();
                            drop(one);
                        }
                    });
                }
            });
            assert_eq!(clashes.load(Ordering::Relaxed), 0);
        }

        #[test]
        fn t8_7_a_child_has_none_of_many_descriptors() {
            let many: Vec<GuardedFd> = (0..3 * SLOTS).map(|_| guarded()).collect();
            let numbers: Vec<RawFd> = many.iter().map(AsRawFd::as_raw_fd).collect();
            let open = in_a_child(|| i32::from(numbers.iter().any(|number| is_open(*number))));
            assert_eq!(open, 0);
            assert!(numbers.iter().all(|number| is_open(*number)));
        }

        #[test]
        fn a_drop_frees_the_descriptor() {
            let path = |fd: RawFd| std::fs::read_link(format!("/proc/self/fd/{fd}"));
            let file = std::env::temp_dir().join(format!("mgm-guarded-{}", std::process::id()));
            let guard = GuardedFd::open(|| File::create(&file)).unwrap();
            let number = guard.as_raw_fd();
            assert_eq!(path(number).unwrap(), file);
            drop(guard);
            // Another thread may have the number by now, but not this file.
            assert_ne!(path(number).ok(), Some(file.clone()));
            std::fs::remove_file(file).unwrap();
        }
    }
}
