//! Reads the ring: new flows and their first packets, and packets on a wrong interface. The thread
//! `mgm-upcall` reads it. A thread that looks for upcalls itself also reads it, and so does one that
//! installs an entry, because first packets of the flow may be waiting there (`installs`).
//!
//! The locks are taken in this order: the manager's, [`Reader::inbox`], [`Reader::state`],
//! the view of [`Reader::interfaces`]. No thread waits for the manager's lock while it holds one of the others.

use super::interfaces::Interfaces;
use super::kept::Kept;
use super::layout::{FlowKey, Pendings, Record, Told, ROUND, SETS};
use super::load::Loaded;
use super::memory::Ring;
use super::queues::{Place, Waiting};
use super::resend::Packet;
use super::table::Table;
use super::waiting::{Inbox, Outbox, State, AT_A_TIME, BATCH, MOST_HELD, MOST_SENT, PAUSE, STEP};
use crate::forwarder::{Upcall, UpcallKind, UpcallSink, UpcallSource};
use crate::sys::{self, StopSignal};
use crate::types::{Flow, IfId, Interface, Ipv4Addr};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::changes::LinkChanges;

/// How often the thread looks after what is retired or expires.
pub(super) const UPKEEP: Duration = Duration::from_millis(50);

/// How often the thread looks whether a limit has refused flows, and tries again what the kernel has
/// refused.
pub(super) const REPORTS: Duration = Duration::from_secs(1);

/// How long a flow that the limit of new flows has refused is remembered after its last packet: as
/// long as the engine remembers one.
const REFUSAL: Duration = Duration::from_secs(10);

/// The time between two log messages about the same problem.
const LINES: Duration = Duration::from_secs(10);

/// Lost records as they were last reported.
#[derive(Debug, Default)]
struct Losses {
    seen: u64,
    untold: u64,
    last_line: Option<Instant>,
}

/// Everything that the forwarder and its thread share.
pub(super) struct Reader {
    /// What the programs hash flows with.
    factors: [u64; 2],
    pub loaded: Loaded,
    pub interfaces: Interfaces,
    pub inbox: Mutex<Inbox>,
    pub state: Mutex<State>,
    /// Held while the tables grow.
    pub growth: Mutex<()>,
    /// Held by the thread that passes upcalls to the sink.
    delivery: Mutex<Losses>,
    sink: Arc<dyn UpcallSink>,
    /// Read by the thread of the upkeep.
    pub changes: LinkChanges,
    signal: StopSignal,
    /// Wakes the thread of the upkeep.
    pub upkeep: StopSignal,
    /// The thread of the upcalls sleeps until something arrives. Set with the inbox locked.
    is_asleep: AtomicBool,
    pub ending: AtomicBool,
    /// The tables are to grow soon.
    pub is_low: AtomicBool,
}

/// A record of the ring about a packet of a flow.
struct First {
    flow: Flow,
    is_new: bool,
    packet: Option<Packet>,
}

/// What has become of this packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// The sink must know of the flow.
    New,
    Kept,
    /// Its flow has an entry: it is sent on, or will be soon.
    Sent,
    /// It was sent on by so many oifs that this has taken long.
    SentAlone,
}

impl Taken {
    /// How many packets with few oifs take as long.
    fn cost(self) -> usize {
        match self {
            Taken::New | Taken::Kept => 0,
            Taken::Sent => 1,
            Taken::SentAlone => MOST_SENT,
        }
    }
}

impl Reader {
    pub(super) fn new(
        loaded: Loaded,
        interfaces: Interfaces,
        sink: Arc<dyn UpcallSink>,
    ) -> io::Result<Reader> {
        let ring = Ring::of(&loaded.maps.ring)?;
        let factors =
            [0, 1].map(|at: usize| loaded.maps.config.get(0).factors[at].load(Ordering::Relaxed));
        let reader = Reader {
            factors,
            loaded,
            interfaces,
            inbox: Mutex::new(Inbox::new(ring)),
            state: Mutex::new(State {
                table: Table::new(factors),
                kept: Kept::default(),
                outbox: Outbox::default(),
            }),
            growth: Mutex::new(()),
            delivery: Mutex::default(),
            sink,
            changes: LinkChanges::open()?,
            signal: StopSignal::new()?,
            upkeep: StopSignal::new()?,
            is_asleep: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            is_low: AtomicBool::new(false),
        };
        while reader.grow()? {}
        reader.loaded.maps.config.get(0).on.store(1, Ordering::Release);
        Ok(reader)
    }

    /// Starts the threads, which end after [`Reader::end`].
    pub(super) fn spawn(self: &Arc<Reader>) -> io::Result<()> {
        self.spawn_loop("mgm-upcall", Reader::serve)?;
        let spawned = self.spawn_loop("mgm-upkeep", Reader::keep_up);
        if spawned.is_err() {
            self.end();
        }
        spawned
    }

    fn spawn_loop(
        self: &Arc<Reader>,
        name: &str,
        turn: fn(&Reader, &mut Instant),
    ) -> io::Result<()> {
        let own = Arc::clone(self);
        crate::threads::spawn(name, move || {
            let sink = Arc::clone(&own.sink);
            let mut last = Instant::now();
            while !own.ending.load(Ordering::SeqCst) {
                sink.quietly(&mut || turn(&own, &mut last));
            }
        })
    }

    /// The programs do nothing from now on, and the thread ends.
    pub(super) fn end(&self) {
        self.loaded.maps.config.get(0).on.store(0, Ordering::Release);
        self.interfaces.clear(&self.loaded);
        self.ending.store(true, Ordering::SeqCst);
        self.signal.raise();
        self.upkeep.raise();
    }

    /// One turn of the thread of the upcalls.
    fn serve(&self, looked: &mut Instant) {
        // The sink's threads pass upcalls on, too, when they have answered some.
        let is_busy = {
            let inbox = self.inbox.lock();
            let is_busy = inbox.has_upcalls() || self.state.lock().outbox.since.is_some();
            self.is_asleep.store(!is_busy, Ordering::Relaxed);
            is_busy
        };
        let timeout = if is_busy { PAUSE } else { REPORTS };
        self.wait(timeout);
        if self.ending.load(Ordering::SeqCst) {
            return;
        }
        *looked = Instant::now();
        while self.read_and_deliver() && looked.elapsed() < UPKEEP {
            self.end_burst();
        }
        self.end_burst();
    }

    /// Reads what is in the ring, and passes some upcalls on. Returns whether there may be more to do
    /// at once.
    fn read_and_deliver(&self) -> bool {
        let mut is_left = true;
        {
            let mut inbox = self.inbox.lock();
            for _ in 0..BATCH / STEP {
                is_left = self.drain(&mut inbox, &mut self.state.lock(), STEP);
                if !is_left {
                    break;
                }
                // A thread that installs an entry holds the manager's lock while it waits for this one.
                MutexGuard::bump(&mut inbox);
            }
        }
        self.deliver() || is_left
    }

    /// Waits for records or the signal.
    fn wait(&self, timeout: Duration) {
        // SAFETY: the map lives as long as `self`.
        let ring = unsafe { BorrowedFd::borrow_raw(self.loaded.maps.ring.raw_fd()) };
        let fd = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [fd(self.signal.as_fd()), fd(ring)];
        let timeout = PollTimeout::try_from(timeout.as_millis()).unwrap_or(PollTimeout::MAX);
        if poll(&mut fds, timeout).is_err() {
            std::thread::sleep(PAUSE);
        } else if fds[0].any() == Some(true) {
            self.signal.clear();
        }
    }

    /// Reads records. Sends packets on whose flow has an entry, and keeps the others. Stops after a
    /// few of the former, because they take longest, and the manager's lock may be held. Returns
    /// whether any may be left.
    pub(super) fn drain(&self, inbox: &mut Inbox, state: &mut State, most: usize) -> bool {
        let Inbox { ring, queues, dropped, .. } = inbox;
        let mut sent = 0;
        ring.read(most, |bytes| {
            let Some(record) = Record::parse(bytes) else { return true };
            let FlowKey { group, source } = record.key;
            let flow = Flow::new(Ipv4Addr::from(source), Ipv4Addr::from(group));
            let place = Place { if_index: record.ifindex, number: record.number };
            let kind = match record.told {
                Told::Wrong => UpcallKind::WrongIf,
                Told::New | Told::More => {
                    let packet = record.is_whole.then(|| Packet::new(&record));
                    let first = First { flow, is_new: record.told == Told::New, packet };
                    match self.take_first(state, first) {
                        Taken::New => UpcallKind::NoCache,
                        taken => {
                            self.took(place);
                            sent += taken.cost();
                            return sent < MOST_SENT;
                        }
                    }
                }
            };
            if !queues.push(place, Waiting::new(kind, flow, record.packet)) {
                *dropped = dropped.saturating_add(1);
                if kind == UpcallKind::NoCache {
                    self.forget_new(state, flow);
                }
                self.took(place);
            }
            true
        })
    }

    /// Reads what is in the ring, unless that takes long.
    pub(super) fn drain_all(&self, inbox: &mut Inbox, state: &mut State) {
        if inbox.ring.is_empty() {
            return;
        }
        let end = Instant::now() + MOST_HELD;
        while self.drain(inbox, state, STEP) && Instant::now() < end {}
    }

    /// The programs may report one more packet that arrives there.
    fn took(&self, place: Place) {
        let arrivals = self.loaded.maps.arrivals.get(place.number.into());
        arrivals.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the packet of a flow.
    fn take_first(&self, state: &mut State, first: First) -> Taken {
        let First { flow, is_new, packet } = first;
        if state.outbox.has(flow) {
            state.outbox.packets.extend(packet);
            return Taken::Sent;
        }
        if let Some(oifs) = state.table.oif_count(flow) {
            if let Some(packet) = packet {
                self.send(&[packet]);
            }
            return if oifs > ROUND { Taken::SentAlone } else { Taken::Sent };
        }
        if is_new {
            state.kept.renew(flow);
        }
        // While a packet of the flow is kept, the sink knows of the flow or will: the programs forget
        // flows early in a flood, and report them again. If none is kept, either its first record was
        // dropped, or only its packet. So the sink may be told twice, but it must be told.
        let is_new = !state.kept.has(flow);
        if let Some(packet) = packet {
            state.kept.keep(flow, packet);
        }
        if is_new {
            Taken::New
        } else {
            Taken::Kept
        }
    }

    /// The sink is not told of a flow: its next packet is the first of a new one.
    fn forget_new(&self, state: &mut State, flow: Flow) {
        state.kept.take(flow);
        self.forget_pending(flow.into());
    }

    /// Upcalls of an interface that has gone are not passed on.
    fn forget_all(&self, state: &mut State, upcalls: Vec<Upcall>) {
        let new = upcalls.iter().filter(|upcall| upcall.kind == UpcallKind::NoCache);
        new.for_each(|upcall| self.forget_new(state, upcall.flow));
    }

    /// The next packet of the flow is reported again.
    pub(super) fn forget_pending(&self, key: FlowKey) {
        self.pendings(key).forget(key);
    }

    /// The flows that the programs remember beside this one.
    pub(super) fn pendings(&self, key: impl Into<FlowKey>) -> &Pendings {
        let set = key.into().hash(self.factors) as usize % SETS;
        self.loaded.maps.pendings.get(set)
    }

    /// Wakes the thread if something is left for it. Another thread that has read records calls
    /// this before it unlocks the inbox: the kernel wakes the thread only for a record that comes
    /// when all earlier ones were read, and does not know that records that were read still wait.
    pub(super) fn leave_rest(&self, inbox: &Inbox, state: &State) {
        let is_done = inbox.ring.is_empty() && !inbox.has_upcalls() && state.outbox.since.is_none();
        if !is_done && self.is_asleep.swap(false, Ordering::Relaxed) {
            self.signal.raise();
        }
    }

    /// Passes some upcalls to the sink, unless another thread is doing so. Returns whether more can be
    /// passed at once.
    fn deliver(&self) -> bool {
        let Some(mut losses) = self.delivery.try_lock() else { return false };
        self.count_losses(&mut losses);
        let mut upcalls = self.next_upcalls();
        if upcalls.is_empty() {
            return false;
        }
        upcalls.reverse(); // the sink begins with the last one, and the oldest is to be first
        let flows: Vec<Flow> = upcalls.iter().map(|upcall| upcall.flow).collect();
        let mut left = None;
        sys::shield("upcalls", || left = Some(self.sink.upcalls(upcalls)));
        match left {
            Some(left) if left.is_empty() => true,
            Some(mut left) => {
                left.reverse();
                let mut inbox = self.inbox.lock();
                let (gone, left) =
                    left.into_iter().partition(|it| inbox.gone.contains(&it.arrival.index));
                inbox.returned = left;
                self.forget_all(&mut self.state.lock(), gone);
                false
            }
            None => {
                let mut inbox = self.inbox.lock();
                let mut state = self.state.lock();
                for flow in flows {
                    inbox.queues.done(flow);
                    self.forget_new(&mut state, flow);
                }
                true
            }
        }
    }

    fn next_upcalls(&self) -> Vec<Upcall> {
        let mut inbox = self.inbox.lock();
        inbox.gone.clear();
        if !inbox.returned.is_empty() {
            return std::mem::take(&mut inbox.returned);
        }
        let mut upcalls = Vec::with_capacity(if inbox.queues.is_ready() { AT_A_TIME } else { 0 });
        let mut arrival = ArrivalCache { interfaces: &self.interfaces, last: None };
        inbox.queues.take(AT_A_TIME, |place, waiting| {
            let Waiting { kind, flow, .. } = waiting;
            let Some(arrival) = arrival.find(place.if_index) else {
                if kind == UpcallKind::NoCache {
                    self.forget_new(&mut self.state.lock(), flow);
                }
                return false;
            };
            // Not before: another index may count its arrivals in the element by now.
            self.took(place);
            upcalls.push(Upcall { kind, flow, arrival, header: waiting.header().to_vec() });
            true
        });
        upcalls
    }

    /// Reports records that the ring had no room for.
    fn count_losses(&self, losses: &mut Losses) {
        let dropped = std::mem::take(&mut self.inbox.lock().dropped);
        let interfaces = self.interfaces.view();
        let all: u64 =
            interfaces.arrivals(&self.loaded).map(|(_, it)| it.lost.load(Ordering::Relaxed)).sum();
        drop(interfaces);
        // The sum no longer includes interfaces that are no longer served.
        let new = all.saturating_sub(losses.seen) + u64::from(dropped);
        losses.seen = all;
        losses.untold += new;
        if new > 0 {
            let count = u32::try_from(new).unwrap_or(u32::MAX);
            sys::shield("a count", || self.sink.lost(count));
        }
        if losses.untold > 0 && losses.last_line.is_none_or(|last| last.elapsed() >= LINES) {
            log::warn!(
                "{} upcalls lost, because new flows arrive too fast: the next packet of each flow \
                 causes another upcall",
                losses.untold
            );
            (losses.untold, losses.last_line) = (0, Some(Instant::now()));
        }
    }

    /// Drops upcalls of the device that had this index before. The next packet of each flow is
    /// reported again, because the sink may have forgotten flows of interfaces that are no longer
    /// served.
    pub(super) fn forget(&self, if_index: u32) {
        let mut inbox = self.inbox.lock();
        let mut state = self.state.lock();
        // Not those that arrive meanwhile: they can arrive faster than they are read.
        let end = inbox.ring.written();
        while !inbox.ring.has_read(end) && self.drain(&mut inbox, &mut state, STEP) {}
        inbox.queues.forget(if_index);
        inbox.gone.insert(if_index);
        state.kept.forget_index(if_index);
        inbox.returned.retain(|upcall| upcall.arrival.index != if_index);
        (0..SETS).for_each(|set| self.loaded.maps.pendings.get(set).clear());
        self.leave_rest(&inbox, &state);
    }

    /// Drops the upcalls of an index that is no longer served. The next packet of each flow is
    /// reported again, should it arrive elsewhere.
    pub(super) fn drop_upcalls(&self, if_index: u32) {
        let mut inbox = self.inbox.lock();
        let mut state = self.state.lock();
        let waiting = inbox.queues.forget(if_index);
        waiting.iter().for_each(|waiting| self.forget_new(&mut state, waiting.flow));
        inbox.gone.insert(if_index);
        let returned = std::mem::take(&mut inbox.returned);
        let (gone, returned) =
            returned.into_iter().partition(|upcall| upcall.arrival.index == if_index);
        inbox.returned = returned;
        self.forget_all(&mut state, gone);
        // The sink may forget those that it was told of.
        let told = state.kept.forget_index(if_index);
        told.into_iter().for_each(|flow| self.forget_pending(flow.into()));
    }

    /// Where a packet of the flow has arrived lately that the limit of new flows has refused.
    pub(super) fn limited_on(&self, flow: Flow) -> Option<Interface> {
        let key = FlowKey::from(flow);
        let place = self.loaded.maps.refusals.get(key.hash(self.factors) as usize % SETS);
        let if_index = place.of(key, sys::monotonic_time(), REFUSAL)?;
        let interfaces = self.interfaces.view();
        interfaces.arrival(if_index).filter(|_| interfaces.is_limited(if_index))
    }

    /// The index of an interface, if it is served.
    pub(super) fn index(&self, id: IfId) -> Option<u32> {
        self.interfaces.view().index(id)
    }
}

/// The interface of an index, so that each record of a burst needs no look-up.
struct ArrivalCache<'a> {
    interfaces: &'a Interfaces,
    last: Option<(u32, Option<Interface>)>,
}

impl ArrivalCache<'_> {
    fn find(&mut self, if_index: u32) -> Option<Interface> {
        match self.last {
            Some((index, found)) if index == if_index => found,
            _ => {
                let found = self.interfaces.view().arrival(if_index);
                self.last = Some((if_index, found));
                found
            }
        }
    }
}

impl UpcallSource for Reader {
    fn look(&self) {
        self.sink.quietly(&mut || {
            if self.inbox.is_locked() {
                return;
            }
            self.read_and_deliver();
            let inbox = self.inbox.lock();
            self.leave_rest(&inbox, &self.state.lock());
        });
    }
}
