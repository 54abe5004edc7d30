//! Threads that post callbacks for client processes, and the thread that sends them, in all
//! interleavings with at most [`PREEMPTIONS`] preemptions (loom).
//!
//! Each callback is sent exactly once. The sender never sleeps while callbacks wait and no thread will
//! wake it. Callbacks for which there was no room are sent later.
#![cfg(target_os = "linux")]

#[path = "../src/server/mailbox.rs"]
mod mailbox;

/// The lock of loom with the functions of `parking_lot`.
mod sync {
    #[derive(Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use mailbox::{Changed, Mailbox};

const PREEMPTIONS: usize = 3;
/// Callbacks, of a byte each, for which a process has room.
const ROOM: usize = 1;

fn explore(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(body);
}

/// What the sender waits for, like an eventfd: wakes before a wait end it at once.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    rings: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.rings.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.rings.wait(rung).unwrap();
        }
        *rung = false;
    }
}

/// The router of a model, with so many processes.
struct World<const PROCESSES: usize> {
    mailboxes: [Mailbox; PROCESSES],
    changed: Changed,
    bell: Bell,
    /// What had no room, and the lock of the manager.
    held: Mutex<[usize; PROCESSES]>,
}

impl<const PROCESSES: usize> World<PROCESSES> {
    fn new() -> Arc<Self> {
        Arc::new(World {
            mailboxes: [(); PROCESSES].map(|()| Mailbox::default()),
            changed: Changed::default(),
            bell: Bell::default(),
            held: Mutex::new([0; PROCESSES]),
        })
    }

    /// As the outlet of a process. The thread that sends need not be woken.
    fn post(&self, process: usize, is_sender: bool) {
        let (_, is_first) = self.mailboxes[process].post(|bytes| bytes.push(0));
        if is_first && self.changed.add(process as u64) && !is_sender {
            self.bell.ring();
        }
    }

    /// As the manager, which holds back what has no room.
    fn post_if_room(&self, process: usize) {
        let mut held = self.held.lock().unwrap();
        if held[process] == 0 && self.mailboxes[process].has_room(ROOM) {
            self.post(process, false);
        } else {
            held[process] += 1;
        }
    }

    fn post_more(&self, process: usize) {
        let mut held = self.held.lock().unwrap();
        while held[process] > 0 && self.mailboxes[process].has_room(ROOM) {
            held[process] -= 1;
            self.post(process, true);
        }
    }

    /// As the thread that sends, until it has sent so many callbacks.
    fn send(&self, all: usize) {
        let mut sent = 0;
        loop {
            for process in self.changed.take() {
                sent += self.send_to(process as usize);
            }
            assert!(sent <= all, "a callback is sent twice");
            if sent == all {
                return;
            }
            if self.changed.is_empty() {
                self.bell.wait();
            }
        }
    }

    /// Sends what waits for a process, and what is posted meanwhile. Returns how many callbacks.
    fn send_to(&self, process: usize) -> usize {
        let mut sent = 0;
        loop {
            let mut bytes = Vec::new();
            let was_full = self.mailboxes[process].swap(&mut bytes);
            sent += bytes.len();
            if was_full {
                self.post_more(process);
            }
            if !self.mailboxes[process].is_waiting() {
                return sent;
            }
        }
    }
}

/// Threads post while another one sends. `posts` says what each of them posts, and where.
fn all_is_sent<const PROCESSES: usize, const THREADS: usize>(
    all: usize,
    posts: [fn(&World<PROCESSES>); THREADS],
) {
    explore(move || {
        let world = World::<PROCESSES>::new();
        let threads = posts.map(|post| {
            let world = Arc::clone(&world);
            thread::spawn(move || post(&world))
        });
        world.send(all);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn t9_4_what_two_threads_post_for_one_process_is_sent() {
    let twice = |world: &World<1>| [0, 0].into_iter().for_each(|one| world.post(one, false));
    all_is_sent(4, [twice, twice]);
}

#[test]
fn t9_4_what_two_threads_post_for_two_processes_is_sent() {
    all_is_sent(
        4,
        [
            |world: &World<2>| [0, 1].into_iter().for_each(|process| world.post(process, false)),
            |world: &World<2>| [1, 0].into_iter().for_each(|process| world.post(process, false)),
        ],
    );
}

#[test]
fn t9_5_what_had_no_room_is_sent_and_so_is_what_follows() {
    all_is_sent(
        4,
        [
            |world: &World<1>| {
                [0, 0, 0].into_iter().for_each(|process| world.post_if_room(process))
            },
            |world: &World<1>| world.post_if_room(0),
        ],
    );
}
