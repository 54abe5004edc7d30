//! The pool of call connections, in the interleavings of a few threads in which at most
//! [`PREEMPTIONS`] times a thread is stopped where it could have gone on (loom).
#![cfg(target_os = "linux")]

#[path = "../src/client/pool.rs"]
mod pool;

/// The locks of loom with the functions of `parking_lot`.
mod sync {
    use std::ops::{Deref, DerefMut};

    pub struct Mutex<T>(loom::sync::Mutex<T>);

    pub struct Guard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

    pub struct Condvar(loom::sync::Condvar);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> Guard<'_, T> {
            Guard(Some(self.0.lock().unwrap()))
        }
    }

    impl<T> Deref for Guard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().unwrap()
        }
    }

    impl<T> DerefMut for Guard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().unwrap()
        }
    }

    impl Condvar {
        pub fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub fn wait<T>(&self, guard: &mut Guard<'_, T>) {
            let inner = guard.0.take().unwrap();
            guard.0 = Some(self.0.wait(inner).unwrap());
        }

        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;
use pool::{Pool, Pooled};
use std::io;

const PREEMPTIONS: usize = 3;

fn explore(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(body);
}

/// A connection: whether it has ended.
struct Line(Arc<AtomicBool>);

impl Pooled for Line {
    type Handle = Arc<AtomicBool>;

    fn handle(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    fn end(has_ended: &Arc<AtomicBool>) {
        has_ended.store(true, Ordering::SeqCst);
    }
}

/// What the threads of a model share.
#[derive(Default)]
struct World<const MOST: usize> {
    pool: Pool<Line, MOST>,
    open: AtomicUsize,
    in_use: AtomicUsize,
}

impl<const MOST: usize> World<MOST> {
    fn take(&self) -> io::Result<Line> {
        let line = self.pool.take(|| {
            assert!(self.open.fetch_add(1, Ordering::SeqCst) < MOST, "too many are open");
            Ok(Line(Arc::new(AtomicBool::new(false))))
        })?;
        assert!(self.in_use.fetch_add(1, Ordering::SeqCst) < MOST, "too many are in use");
        Ok(line)
    }

    fn give_back(&self, line: Line) {
        self.in_use.fetch_sub(1, Ordering::SeqCst);
        self.pool.give_back(line);
    }
}

#[test]
fn t9_4_threads_take_turns_and_none_waits_for_ever() {
    explore(|| {
        let world = Arc::new(World::<1>::default());
        let threads = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let line = world.take().unwrap();
                thread::yield_now();
                world.give_back(line);
            })
        });
        let line = world.take().unwrap();
        world.give_back(line);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(world.open.load(Ordering::SeqCst), 1, "the one connection is used again");
    });
}

#[test]
fn t9_4_a_thread_that_cannot_open_a_further_connection_waits_for_another() {
    explore(|| {
        let world = Arc::new(World::<2>::default());
        let line = world.take().unwrap();
        let threads = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let line = world.pool.take(|| Err(io::ErrorKind::PermissionDenied.into())).unwrap();
                world.pool.give_back(line);
            })
        });
        world.give_back(line);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(world.open.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn t9_4_a_refused_thread_waits_for_a_connection_that_another_thread_opens() {
    explore(|| {
        let pool = Arc::new(Pool::<Line, 2>::default());
        let opening = Arc::new(AtomicBool::new(false));
        let threads = [true, false].map(|is_first| {
            let (pool, opening) = (Arc::clone(&pool), Arc::clone(&opening));
            thread::spawn(move || {
                // Of two threads that open connections at the same time, only one has room.
                let open = || match opening.swap(true, Ordering::SeqCst) {
                    false => Ok(Line(Arc::new(AtomicBool::new(is_first)))),
                    true => Err(io::ErrorKind::PermissionDenied.into()),
                };
                let line = pool.take(open).expect("there is a connection, or will be");
                pool.give_back(line);
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn t9_9_if_the_first_connection_cannot_be_opened_no_thread_waits() {
    explore(|| {
        let pool = Arc::new(Pool::<Line, 1>::default());
        let take = |pool: &Pool<Line, 1>| {
            let refused = pool.take(|| Err(io::ErrorKind::PermissionDenied.into()));
            assert_eq!(refused.map(drop).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        };
        let other = Arc::clone(&pool);
        let thread = thread::spawn(move || take(&other));
        take(&pool);
        thread.join().unwrap();
    });
}

#[test]
fn t9_9_the_end_reaches_a_thread_that_waits_because_it_cannot_open_one() {
    explore(|| {
        let world = Arc::new(World::<2>::default());
        let _busy = world.take().unwrap();
        let other = Arc::clone(&world);
        let thread = thread::spawn(move || {
            assert!(other.pool.take(|| Err(io::ErrorKind::PermissionDenied.into())).is_err());
        });
        world.pool.end();
        thread.join().unwrap();
    });
}

#[test]
fn t9_9_the_end_reaches_each_thread_that_waits_for_a_connection_or_an_answer() {
    explore(|| {
        let world = Arc::new(World::<1>::default());
        let threads = [(); 2].map(|()| {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                let Ok(line) = world.take() else { return };
                // As a thread that waits for an answer: only the end wakes it.
                while !line.0.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
            })
        });
        world.pool.end();
        assert!(world.take().is_err());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
