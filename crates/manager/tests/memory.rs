//! Out of memory (spec 0.9): an allocator that fails at each growth of a table, one after the other.
//!
//! A scenario fills all tables and empties them again. It is repeated: in the first run the first large
//! allocation of a call fails, in the next one the second, and so on. A call that adds something must
//! return `NoMemory`, change nothing, and succeed afterwards. A call that removes something must succeed
//! at once. Small allocations do not fail, because the library asks for their memory in advance.

use mgm_dispatch::{Backlog, ForgetWalk, Origin, Question};
use mgm_engine::{
    AlertTopic, ClientId, Config, Effects, Engine, Join, NoticeKinds, Outcome, Packet, Refused,
};
use mgm_types::{
    Domain, Flow, Interface, Ipv4Addr, Prefix, Refusal, Result, Route, RouteOrigin, Time,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeSet;

/// An allocation of at least this size counts as the growth of a table. Nodes of trees and boxes are
/// smaller.
const LARGE: usize = 700;

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

thread_local! {
    /// How many large allocations succeed from now on. `None` means all.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    static FAILED: Cell<usize> = const { Cell::new(0) };
    /// The size of the last large one that succeeded.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

fn fails(size: usize) -> bool {
    if size < LARGE {
        return false;
    }
    LEFT.with(|left| match left.get() {
        None => false,
        Some(0) => {
            FAILED.with(|failed| failed.set(failed.get() + 1));
            true
        }
        // `Headroom` asks for equal blocks, which count as one.
        Some(_) if LAST.get() == size && size > 100_000 => false,
        Some(more) => {
            LAST.set(size);
            left.set(Some(more - 1));
            false
        }
    })
}

// SAFETY: either null, which means that there is no memory, or what the system's gives.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise; all memory is the system's.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > layout.size() && fails(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Makes a call in which only the first `allowed` large allocations succeed. Returns whether one has
/// failed.
fn short_of_memory<R>(allowed: usize, call: impl FnOnce() -> R) -> (R, bool) {
    FAILED.set(0);
    LAST.set(0);
    LEFT.set(Some(allowed));
    let result = call();
    LEFT.set(None);
    (result, FAILED.get() > 0)
}

const NOW: Time = Time(1_000);

/// An engine with its effects, as a manager has them.
struct Fixture {
    engine: Engine,
    fx: Effects,
    /// Another engine, which gets the same calls with enough memory.
    twin: Engine,
    /// The number of refused calls.
    refused: usize,
}

/// The whole state of an engine.
#[derive(Debug, PartialEq)]
struct Seen {
    clients: Vec<mgm_engine::ClientRow>,
    interfaces: Vec<mgm_engine::InterfaceRow>,
    memberships: Vec<mgm_engine::MembershipRow>,
    mfes: Vec<mgm_engine::MfeRow>,
    sizes: mgm_engine::Sizes,
    begun: usize,
    sources: Vec<(Ipv4Addr, Domain)>,
}

impl Seen {
    fn of(engine: &Engine) -> Seen {
        let mut mfes = Vec::new();
        engine.walk_mfes(NOW, None, &mut mgm_engine::MfeRow::default(), |row| {
            mfes.push(row.clone());
            true
        });
        Seen {
            clients: engine.clients().collect(),
            interfaces: engine.interfaces().collect(),
            memberships: engine.memberships(Flow::WILDCARD).collect(),
            mfes,
            sizes: engine.sizes(),
            begun: engine.begun_flows(),
            sources: {
                let mut sources = Vec::new();
                engine.sources_within(&[Prefix::ALL], None, usize::MAX, &mut sources);
                sources
            },
        }
    }
}

impl Fixture {
    fn new() -> Fixture {
        let config = Config { mfe_timeout: 900, ..Config::default() };
        let (engine, twin) = (Engine::new(config), Engine::new(config));
        Fixture { engine, fx: Effects::default(), twin, refused: 0 }
    }

    fn check(&self) {
        assert_eq!(Seen::of(&self.engine), Seen::of(&self.twin));
    }

    /// A call that adds something. It is refused at each growth without an effect, until no allocation
    /// fails. `refusal` is the result of a refused call.
    fn adds<R: PartialEq + std::fmt::Debug>(
        &mut self,
        refusal: &R,
        mut call: impl FnMut(&mut Engine, &mut Effects) -> R,
    ) -> R {
        for allowed in 0.. {
            let Fixture { engine, fx, .. } = self;
            let (result, failed) = short_of_memory(allowed, || call(engine, fx));
            if result == *refusal {
                assert!(failed, "refused without a reason");
                self.check();
                assert!(self.fx.take_notices().is_empty() && self.fx.dirty.is_empty());
                self.fx.log.clear();
                self.refused += 1;
                continue;
            }
            assert_eq!(result, call(&mut self.twin, &mut Effects::default()));
            self.carried_out();
            return result;
        }
        unreachable!()
    }

    /// A call that removes something. It succeeds without any large allocation.
    fn removes<R: PartialEq + std::fmt::Debug>(
        &mut self,
        mut call: impl FnMut(&mut Engine, &mut Effects) -> R,
    ) -> R {
        let Fixture { engine, fx, .. } = self;
        let (result, _) = short_of_memory(0, || call(engine, fx));
        assert_eq!(result, call(&mut self.twin, &mut Effects::default()));
        self.carried_out();
        result
    }

    fn carried_out(&mut self) {
        self.fx.take_notices();
        self.fx.carried_out();
        self.fx.take_untold();
    }

    fn join(&mut self, client: ClientId, flow: Flow, interface: u32) {
        let interface = Interface::link(interface);
        let joined = self.adds(&Err(Refusal::NoMemory), |engine, fx| {
            engine.join(client, flow, interface, Join::State, Some(&route(flow.source(), 1)), fx)
        });
        assert_eq!(joined, Ok(()));
    }

    fn packet(&mut self, flow: Flow, arrival: u32) -> Outcome {
        let arrival = Interface::link(arrival);
        let packet = Packet { flow, arrival, header: &[], length: 100, ttl: 64 };
        self.adds(&Outcome::Refused(Refused::NoMemory), |engine, fx| {
            engine.packet(NOW, &packet, Some(&route(flow.source(), 1)), fx)
        })
    }
}

/// Each source has a route of its own, so that the table of routes grows as well.
fn route(source: Ipv4Addr, if_index: u32) -> Route {
    Route {
        origin: RouteOrigin::Connected,
        if_index,
        network: source,
        prefix_len: 32,
        ..Route::NONE
    }
}

fn flow(source: u32, group: u32) -> Flow {
    let source = if source == 0 { 0 } else { 0x0a00_0000 + source };
    Flow::new(source.into(), (0xef01_0000 + group).into())
}

fn registered(w: &mut Fixture, clients: u32, kinds: NoticeKinds) -> Vec<ClientId> {
    (0..clients)
        .map(|n| {
            let id = w.adds(&Err(Refusal::NoMemory), |engine, _| engine.register(200, n, kinds));
            id.expect("registers")
        })
        .collect()
}

fn taken(w: &mut Fixture, client: ClientId, interface: u32) {
    let name = Interface::link(interface);
    let prepared: Result<_> =
        w.adds(&Err(Refusal::NoMemory), |engine, fx| engine.prepare_take(client, name, fx));
    let (id, _) = prepared.expect("is free");
    w.removes(|engine, fx| engine.take(client, id, true, fx));
}

#[test]
fn t0_9_each_growth_of_each_table_may_fail() {
    let mut w = Fixture::new();
    let clients = registered(&mut w, 100, NoticeKinds::default());
    // Also numbers above 64, so that sets of interfaces need more than a word.
    for interface in 1..=200 {
        taken(&mut w, clients[interface as usize % 100], interface);
    }
    let (first, last) = (clients[1], clients[99]); // of interface 1, and of 199
    for n in 1..=3_000 {
        w.join(first, flow(n, n % 7), 1);
        if n % 3 == 0 {
            w.join(first, flow(n, n % 7), 101);
        }
        assert!(matches!(w.packet(flow(n, n % 7), 1), Outcome::Forwarded(_)));
    }
    // Sources with some flows each, which are listed, and one with many.
    for n in 1..=60 {
        w.join(first, flow(n, 100), 1);
        w.join(first, flow(n, 101), 1);
        w.join(first, flow(61, 100 + n), 1);
    }
    for n in 1..=3_000 {
        let source = flow(n, 0).source();
        let other = [(source, Domain::MAIN, Route { protocol: 9, ..route(source, 1) })];
        w.adds(&Err(Refusal::NoMemory), |engine, fx| engine.update_routes(&other, fx)).unwrap();
        while w.engine.has_reroutes() {
            w.removes(|engine, fx| engine.reroute_some(NOW, 64, fx));
        }
    }
    w.check();
    // Memberships that concern many MFEs at once.
    w.join(last, Flow::any_source(flow(0, 3).group()), 199);
    w.join(last, Flow::WILDCARD, 199);
    assert_eq!(w.engine.sizes().mfes, 3_000);
    assert!(w.refused > 40, "{} growth steps", w.refused);

    for n in (1..=3_000).step_by(2) {
        let interface = Interface::link(1);
        w.removes(|engine, fx| engine.leave(first, flow(n, n % 7), interface, Join::State, fx))
            .expect("leaves");
    }
    w.check();
    // All MFEs end with their iif, and memberships with their interfaces.
    for interface in 1..=200u32 {
        let (client, name) = (clients[interface as usize % 100], Interface::link(interface));
        w.removes(|engine, fx| engine.release(client, name, true, fx)).expect("releases");
    }
    let empty = w.engine.sizes();
    assert_eq!((empty.memberships, empty.mfes, empty.interfaces), (0, 0, 0));
    for client in clients {
        w.removes(|engine, fx| engine.deregister(client, fx)).expect("goes");
    }
    w.check();
    assert_eq!(Seen::of(&w.engine), Seen::of(&Fixture::new().engine));
}

#[test]
fn t0_9_refused_flows_are_remembered_as_far_as_there_is_memory() {
    const FLOWS: u32 = 2_000;
    for has_memory_at_the_end in [true, false] {
        let mut w = Fixture::new();
        let clients = registered(&mut w, 1, NoticeKinds::default());
        taken(&mut w, clients[0], 1);
        let Fixture { engine, fx, .. } = &mut w;
        let (mut failures, mut forgotten) = (0, 0);
        for n in 1..=FLOWS {
            let (flow, arrival) = (flow(n, 1), Interface::link(1));
            let packet = Packet { flow, arrival, header: &[0x45; 20], length: 100, ttl: 64 };
            for allowed in 0.. {
                let (outcome, failed) = short_of_memory(allowed, || {
                    engine.no_entry(NOW, &packet, Some(&Route::NONE), fx)
                });
                assert!(matches!(
                    outcome,
                    Outcome::Refused(Refused::NoUpstream | Refused::NoMemory)
                ));
                failures += usize::from(failed);
                fx.carried_out();
                if engine.sizes().refused_flows == n as usize {
                    break;
                }
                forgotten += 1;
            }
        }
        assert!(failures >= forgotten && forgotten > 10, "{failures}, {forgotten}");
        // All end with their interface, in turns, whether or not there is memory.
        let allowed = if has_memory_at_the_end { usize::MAX } else { 0 };
        let (released, _) = short_of_memory(allowed, || {
            let released = engine.release(clients[0], Interface::link(1), true, fx);
            (0..FLOWS).for_each(|_| engine.reroute_some(NOW, 64, fx));
            released
        });
        released.expect("releases");
        assert!(!engine.has_reroutes());
        assert_eq!((engine.sizes().refused_flows, fx.dirty.len()), (0, FLOWS as usize));
        let mut sources = Vec::new();
        engine.sources_within(&[Prefix::ALL], None, usize::MAX, &mut sources);
        assert_eq!(sources, []);
    }
}

#[test]
fn t0_9_lives_end_without_memory() {
    let mut w = Fixture::new();
    let clients = registered(&mut w, 1, NoticeKinds::default());
    taken(&mut w, clients[0], 1);
    for n in 1..=2_000 {
        w.packet(flow(n, 1), 1);
    }
    let later = Time(NOW.0 + 3_600_000);
    let mut ended = 0;
    while w.engine.next_deadline().is_some_and(|due| due <= later) {
        let before = w.engine.sizes().mfes;
        w.removes(|engine, fx| engine.tick(later, 256, |_| Ok(None), fx));
        ended += before - w.engine.sizes().mfes;
    }
    assert_eq!((ended, w.engine.sizes().mfes), (2_000, 0));
}

#[test]
fn t0_9_who_misses_alerts_for_want_of_memory_is_told_later() {
    let mut w = Fixture::new();
    let clients = registered(&mut w, 3, NoticeKinds::ALL);
    taken(&mut w, clients[0], 1);
    taken(&mut w, clients[1], 2);
    for n in 1..=2_000 {
        w.join(clients[0], flow(0, n), 1);
    }
    // The end of the memberships tells two clients 2,000 times each.
    let Fixture { engine, fx, .. } = &mut w;
    let (released, failed) =
        short_of_memory(0, || engine.release(clients[0], Interface::link(1), true, fx));
    assert!(released.is_ok() && failed);
    assert_eq!(engine.sizes().memberships, 0);
    let told = fx.take_notices().len();
    assert!(told < 4_000, "{told}");
    let untold = [clients[1], clients[2]].map(|client| (client, AlertTopic::Groups));
    assert_eq!(fx.take_untold(), (untold.to_vec(), false));
    assert!(!fx.has_untold());
}

/// The question about a flow.
#[derive(Debug)]
struct Asked(u32);

impl Question for Asked {
    type Subject = u32;

    fn subject(&self) -> Option<u32> {
        Some(self.0)
    }
}

#[test]
fn t0_9_questions_that_are_held_back_come_out_without_memory() {
    /// A table of 8,192 places must grow for a further entry, even if the entry replaces another one.
    const QUESTIONS: u32 = 8_192 / 8 * 7;
    let mut backlog = Backlog::default();
    while backlog.admits(&Asked(0)) {}
    let mut given_up = 0;
    for n in 1..=QUESTIONS {
        for allowed in 0.. {
            let before = backlog.len();
            let (one, origin) = (Asked(n), Origin::Upcalls(n.into()));
            let (held, failed) = short_of_memory(allowed, || backlog.hold(one, origin, false, NOW));
            assert_eq!(backlog.len(), before + usize::from(held));
            if held {
                break;
            }
            assert!(failed, "given up without a reason");
            given_up += 1;
        }
    }
    assert!(given_up > 4, "{given_up}");

    // From now on there is no memory at all. Half of the flows still send.
    let later = Time(NOW.0 + 20_000);
    short_of_memory(0, || {
        (1..=QUESTIONS).step_by(2).for_each(|n| backlog.upcalled_again(n, later));
    });
    assert_eq!(backlog.len(), QUESTIONS as usize);
    let mut out = BTreeSet::new();
    assert!(backlog.looks_for_forgotten(later));
    let mut walk = ForgetWalk::default();
    while let (Some(one), _) = short_of_memory(0, || backlog.forget_next(later, &mut walk)) {
        assert!(one.0 % 2 == 0 && out.insert(one.0), "{one:?}");
    }
    assert_eq!(backlog.len(), QUESTIONS as usize / 2);
    while let (Some(one), _) = short_of_memory(0, || backlog.popped(&Asked(0))) {
        assert!(out.insert(one.0), "{one:?} twice");
    }
    assert_eq!((out.len(), backlog.len()), (QUESTIONS as usize, 0));
}
