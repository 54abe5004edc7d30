//! The loops of one thread. tests/delivery_model and tests/stress run those of several.

use super::*;
use crate::{About, Key, Pushed};
use std::cell::{Cell, RefCell, RefMut};
use std::panic::{catch_unwind, AssertUnwindSafe};

const FEW: Bounds = Bounds { others: 2, own: 2, waiting: 9, tickets: 9, notes: 9, batch: 1 };
const OWN: Cause = Cause(1);

/// A callback for one client, with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said(u32);

impl Key for u32 {
    fn topic(self) -> usize {
        0
    }
    fn becomes_one(_: usize) -> bool {
        true
    }
}

impl Item for Said {
    type Key = u32;
    fn about(&self) -> About<u32> {
        About::Itself
    }
}

/// Two clients, and a thread that makes their callbacks.
struct Thread {
    queues: RefCell<[Queue<Said>; 2]>,
    outbox: RefCell<Outbox<usize>>,
    /// The clients that wait for a worker.
    listed: RefCell<Vec<usize>>,
    heard: RefCell<Vec<(usize, u32)>>,
    /// How often the thread had to look for clients without a worker.
    adopted: Cell<usize>,
    /// The callback with this number makes a call that finds that there is no worker.
    finds_no_worker: Option<u32>,
    /// The callback with this number panics.
    panics: Option<u32>,
    is_lost: bool,
}

impl Thread {
    fn new() -> Thread {
        Thread {
            queues: RefCell::default(),
            outbox: RefCell::new(Outbox::new(OWN)),
            listed: RefCell::default(),
            heard: RefCell::default(),
            adopted: Cell::new(0),
            finds_no_worker: None,
            panics: None,
            is_lost: false,
        }
    }

    /// A call causes callbacks for a client.
    fn causes(&self, client: usize, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            let pushed = self.queues.borrow_mut()[client].push(&FEW, OWN, Said(number));
            let Pushed::Queued(number) = pushed else { panic!("{pushed:?}") };
            let ticket = Ticket { place: client, number: Some(number) };
            assert!(self.outbox.borrow_mut().push(&FEW, ticket));
        }
    }

    /// The library has something for a client.
    fn upcall(&self, client: usize, number: u32) {
        let mut queues = self.queues.borrow_mut();
        assert!(matches!(
            queues[client].push(&FEW, Cause::WORKER, Said(number)),
            Pushed::Queued(_)
        ));
        assert!(queues[client].needs_worker());
        self.listed.borrow_mut().push(client);
    }

    fn heard(&self) -> Vec<(usize, u32)> {
        self.heard.take()
    }

    fn is_running(&self, client: usize) -> bool {
        self.queues.borrow()[client].is_running()
    }
}

impl Client for &mut Queue<Said> {
    type Item = Said;
    type Callee = ();

    fn queue(&mut self) -> &mut Queue<Said> {
        self
    }
    fn take(&mut self) -> Option<()> {
        Some(())
    }
    fn begins(&mut self, said: Said, (): &mut ()) -> Option<Said> {
        Some(said)
    }
    fn put_back(&mut self, (): ()) -> bool {
        false
    }
}

impl Host for Thread {
    type Place = usize;
    type Item = Said;
    type Callee = ();
    type Guard<'a> = RefMut<'a, [Queue<Said>; 2]>;
    type Client<'g> = &'g mut Queue<Said>;

    fn bounds(&self) -> &Bounds {
        &FEW
    }
    fn lock(&self) -> Self::Guard<'_> {
        self.queues.borrow_mut()
    }
    fn client<'g>(
        &'g self,
        guard: &'g mut Self::Guard<'_>,
        client: usize,
    ) -> Option<&'g mut Queue<Said>> {
        guard.get_mut(client)
    }
    fn schedule(&self, _: &mut Self::Guard<'_>, client: usize) {
        self.listed.borrow_mut().push(client);
    }
    fn adopt(&self, _: &mut Self::Guard<'_>) {
        self.adopted.set(self.adopted.get() + 1);
        for place in self.listed.take() {
            assert!(self.outbox.borrow_mut().push(&FEW, Ticket { place, number: None }));
        }
    }
    fn outbox<R>(&self, with: impl FnOnce(&mut Outbox<usize>) -> R) -> R {
        with(&mut self.outbox.borrow_mut())
    }
    fn look<'a>(
        &'a self,
        guard: Self::Guard<'a>,
        _: usize,
        _: Lane,
        (): &mut (),
    ) -> Self::Guard<'a> {
        guard
    }
    fn call(&self, client: usize, (): &(), &mut Said(number): &mut Said) {
        self.heard.borrow_mut().push((client, number));
        assert!(self.panics != Some(number), "as the test wants");
        if self.finds_no_worker == Some(number) {
            self.outbox.borrow_mut().adopts_later = true;
        }
    }
    fn returned(&self, _: &mut Self::Guard<'_>, _: usize, _: Said, _: Lane) {}
    fn ended(&self, _: &mut Self::Guard<'_>, _: usize, _: bool) {}
    fn catch_up(&self, _: &mut Self::Guard<'_>, _: usize) {}
    fn caught_up(&self, _: &mut Self::Guard<'_>, _: usize) {}
    fn is_lost(&self) -> bool {
        self.is_lost
    }
}

#[test]
fn t8_3_what_a_thread_passes_on_is_a_workers() {
    let thread = Thread::new();
    thread.causes(0, [1, 2]);
    thread.causes(1, [3]);
    pass_on(&thread);
    assert_eq!(*thread.listed.borrow(), [0, 1]);
    drain(&thread);
    assert_eq!(thread.heard(), []);
    for client in thread.listed.take() {
        drop(work(&thread, thread.lock(), client));
    }
    assert_eq!(thread.heard(), [(0, 1), (0, 2), (1, 3)]);
}

#[test]
fn t8_3_a_call_takes_over_for_a_missing_worker_only_if_a_callback_has_found_none() {
    let thread = Thread::new();
    thread.upcall(1, 7);
    thread.causes(0, [1]);
    drain(&thread);
    assert_eq!((thread.adopted.get(), thread.heard()), (0, vec![(0, 1)]));
    let thread = Thread { finds_no_worker: Some(2), ..thread };
    thread.causes(0, [2]);
    drain(&thread);
    assert_eq!((thread.adopted.get(), thread.heard()), (1, vec![(0, 2), (1, 7)]));
    assert!(!thread.outbox.borrow().adopts_later);
}

#[test]
fn t8_1_a_call_can_deliver_everything_and_keep_the_lock() {
    let thread = Thread { finds_no_worker: Some(1), ..Thread::new() };
    thread.upcall(1, 7);
    thread.causes(0, [1]);
    let guard = drain_held(&thread, thread.lock());
    assert!(thread.queues.try_borrow().is_err(), "it is held");
    drop(guard);
    assert_eq!((thread.adopted.get(), thread.heard()), (1, vec![(0, 1), (1, 7)]));
    assert!(thread.outbox.borrow().is_empty());
}

#[test]
fn t8_3_a_call_at_its_bound_takes_over_nothing() {
    let thread = Thread { finds_no_worker: Some(1), ..Thread::new() };
    thread.upcall(1, 7);
    thread.causes(0, [1, 2, 3]);
    drain(&thread);
    assert_eq!((thread.adopted.get(), thread.heard()), (0, vec![(0, 1), (0, 2)]));
    assert_eq!(*thread.listed.borrow(), [1, 0]);
}

#[test]
fn t8_1_after_a_panic_a_worker_makes_the_rest() {
    let thread = Thread { panics: Some(1), ..Thread::new() };
    thread.causes(0, [1, 2]);
    catch_unwind(AssertUnwindSafe(|| drain(&thread))).expect_err("panics");
    assert!(!thread.is_running(0));
    for client in thread.listed.take() {
        drop(work(&thread, thread.lock(), client));
    }
    assert_eq!(thread.heard(), [(0, 1), (0, 2)]);
}

#[test]
fn t8_7_a_panic_in_a_forked_child_leaves_everything_as_it_is() {
    let thread = Thread { panics: Some(1), is_lost: true, ..Thread::new() };
    thread.causes(0, [1, 2]);
    catch_unwind(AssertUnwindSafe(|| drain(&thread))).expect_err("panics");
    assert!(thread.is_running(0) && thread.listed.borrow().is_empty());
}
