//! The state that the lock guards, and the guard.

use super::client_records::ClientRecords;
use super::counters::RunCounters;
use super::log::Hold;
use super::platform;
use super::pool::Pool;
use super::settings::{HostSettings, Settings};
use super::system_state::SystemState;
use super::{EnumId, Manager, Shared};
use crate::engine::{ClientId, Config, Effects, Engine, EnumKind, MfeRow};
use crate::types::{Flow, Refusal, Result, Time};
use foldhash::fast::RandomState;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::Weak;
use std::time::{Duration, Instant};

/// The manager, started or stopped.
///
/// Not in the same cache line as its lock, because threads that poll the lock would slow down the
/// thread that holds it.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct State {
    /// From the start until the stop.
    pub run: Option<Run>,
    /// The manager was stopped, but not everything that it owned is released yet: until then it
    /// cannot start again.
    pub is_ending: bool,
    /// Threads that wait on `Shared::ended`.
    pub waiters: usize,
    /// Numbers that continue after a stop, because no handle is issued twice.
    last_client: u64,
    last_enumeration: u64,
    starts: u64,
    /// The manager that this belongs to, because a start may need it for a thread.
    me: Weak<Shared>,
}

/// Without a timer: every deadline is earlier, and so starts one.
pub(super) const NEVER: Time = Time(u64::MAX);

/// The state from a start to the stop.
pub(super) struct Run {
    pub engine: Engine,
    pub clients: ClientRecords,
    pub enumerations: HashMap<EnumId, Enumeration, RandomState>,
    pub system: SystemState,
    pub pool: Pool,
    pub counters: RunCounters,
    /// What the engine wants done: filled by a call, emptied by
    /// [`Manager::publish`] before the lock is released.
    pub fx: Effects,
    /// The row that retrieval calls fill, kept so that the next call needs no allocation.
    pub row: MfeRow,
    /// When the timer will wake up; [`NEVER`] if there is no timer.
    pub timer_due: Time,
    pub timer_runs: bool,
    /// The manager is being stopped: calls are refused.
    pub stopping: bool,
    /// The number of this start.
    pub start: u64,
    born: u64,
    last_enumeration: u64,
}

/// An open group enumeration, which stores only its position (spec 7.3).
pub(super) struct Enumeration {
    pub client: ClientId,
    pub kind: EnumKind,
    pub last: Option<Flow>,
    /// It has returned NO_MORE_ITEMS, and keeps returning it (spec 7.2).
    pub ended: bool,
}

impl Run {
    /// The time since this start.
    pub fn now(&self) -> Time {
        Time(platform::clock().saturating_sub(self.born))
    }

    /// Passes the time to the engine: see [`Engine::set_now`].
    pub fn set_clock(&mut self) {
        let now = self.now();
        self.engine.set_now(now);
    }

    /// Whether no callback is running and all threads of the library have ended.
    pub fn is_quiet(&self) -> bool {
        self.clients.is_empty() && self.pool.is_empty() && !self.timer_runs
    }

    /// A number for an enumeration that was never used before.
    pub fn next_enumeration(&mut self) -> EnumId {
        self.last_enumeration += 1;
        EnumId(self.last_enumeration)
    }
}

impl State {
    /// The state of a manager that has not started.
    pub fn of(me: Weak<Shared>) -> State {
        State { me, ..State::default() }
    }

    /// Starts the manager.
    pub fn start(&mut self, settings: &Settings, system: SystemState) {
        super::log::init(settings.log_level);
        for warning in &settings.warnings {
            ::log::warn!("{warning}");
        }
        platform::move_in();
        self.starts += 1;
        let config = Config {
            mfe_timeout: settings.mfe_timeout,
            max_flows: settings.max_flows,
            last_client: self.last_client,
            debug: super::log::is_debug(),
        };
        self.run = Some(Run {
            engine: Engine::new(config),
            clients: ClientRecords::default(),
            enumerations: HashMap::default(),
            system,
            pool: Pool::default(),
            counters: RunCounters::default(),
            fx: Effects::default(),
            row: MfeRow::default(),
            timer_due: NEVER,
            timer_runs: false,
            stopping: false,
            start: self.starts,
            born: platform::clock(),
            last_enumeration: self.last_enumeration,
        });
        if let Some(run) = &mut self.run {
            run.system.pass_on_flow_limits(&mut run.engine);
        }
        let Some(shared) = self.me.upgrade() else { return };
        shared.is_started.store(true, Ordering::Relaxed);
        shared.serving.begin(self.starts);
        if let Some(path) = &settings.status_socket {
            shared.serve_from_start(self.starts, path);
        }
    }

    /// Stops the manager. The caller must drop the returned state, which releases everything, and
    /// then set `is_ending` to false.
    pub fn end(&mut self) -> Option<Run> {
        let run = self.run.take()?;
        self.last_client = run.engine.last_client();
        self.last_enumeration = run.last_enumeration;
        self.is_ending = true;
        if let Some(shared) = self.me.upgrade() {
            shared.is_started.store(false, Ordering::Relaxed);
        }
        Some(run)
    }

    /// The running state, if the manager has started.
    pub fn running(&mut self) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| !run.stopping)
    }

    /// The running state, for a call with this handle. Without it, the handle is invalid.
    pub fn run_for(&mut self, handle: u64) -> Result<&mut Run> {
        self.running().ok_or(Refusal::BadHandle(handle))
    }

    /// Whether a thread makes callbacks of a client, also of one that was deregistered meanwhile,
    /// or whose manager is just being stopped.
    pub fn is_calling(&self, client: ClientId) -> bool {
        let record = self.run.as_ref().and_then(|run| run.clients.get(client));
        record.is_some_and(|record| record.queue.is_running())
    }

    /// The running state. Starts the manager with the environment's settings if necessary.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    #[inline(always)]
    pub fn started(&mut self) -> Result<&mut Run> {
        if self.run.is_none() && !self.is_ending {
            self.start_by_itself()?;
        }
        self.running().ok_or(Refusal::Stopping)
    }

    #[cold]
    fn start_by_itself(&mut self) -> Result<()> {
        let settings = Settings::resolve(&HostSettings::default())?;
        self.start(&settings, SystemState::new(&settings));
        Ok(())
    }
}

/// The lock, held. Log lines wait until it is released.
pub(super) struct Guard<'a> {
    // Fields are dropped in this order: the lock is released first.
    state: MutexGuard<'a, State>,
    _hold: Hold,
}

impl Guard<'_> {
    /// Releases the lock, as dropping it does: inlined, for the calls that are made most.
    #[inline(always)]
    pub fn release(self) {
        let Guard { state, _hold } = self;
        drop(state);
        drop(_hold);
    }

    /// Gives the lock to a thread that waits for it, if there is one, and takes it again.
    pub fn hand_over(&mut self) {
        MutexGuard::bump(&mut self.state);
    }

    /// Gives the lock away until the condition is signalled.
    pub fn wait(&mut self, condition: &Condvar) {
        condition.wait(&mut self.state);
    }

    /// The same, for at most this time; false if the time ran out.
    pub fn wait_for(&mut self, condition: &Condvar, most: Duration) -> bool {
        !condition.wait_for(&mut self.state, most).timed_out()
    }
}

impl Deref for Guard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

/// How often a thread polls the lock before it sleeps. This takes some microseconds: less than
/// waking the thread up, and longer than nearly all calls.
const LOOKS: u32 = 200;

/// About the longest time that a thread leaves the lock to others.
const LONGEST_ASIDE: Duration = Duration::from_micros(10);

/// How long a thread waits for the lock if it has other work to do.
const PATIENCE: Duration = Duration::from_millis(2);

/// Called with the lock released: leaves it to other threads for three times as long as it was held in
/// this turn, so that a thread that adds memberships keeps half of its speed. A thread that is
/// awake can take the lock several times; this does not wait for one that sleeps.
pub(super) fn step_aside(turn: Duration) {
    let back = Instant::now() + (3 * turn).min(LONGEST_ASIDE);
    while Instant::now() < back {
        std::hint::spin_loop();
    }
}

/// Looks whether the lock becomes free at once.
fn look_for(state: &Mutex<State>) -> Option<MutexGuard<'_, State>> {
    (0..LOOKS).find_map(|_| {
        std::hint::spin_loop();
        state.try_lock()
    })
}

impl Manager {
    /// Takes the lock.
    #[inline]
    pub(super) fn lock(&self) -> Guard<'_> {
        let _hold = Hold::new();
        let state = &self.shared.state;
        let state = state.try_lock().unwrap_or_else(|| self.wait_for_lock());
        Guard { state, _hold }
    }

    #[cold]
    fn wait_for_lock(&self) -> MutexGuard<'_, State> {
        let state = &self.shared.state;
        self.while_waiting(|| look_for(state).unwrap_or_else(|| state.lock()))
    }

    /// Takes the lock, unless another thread holds it for long.
    pub(super) fn lock_soon(&self) -> Option<Guard<'_>> {
        let _hold = Hold::new();
        let state = &self.shared.state;
        let state = state.try_lock().or_else(|| {
            self.while_waiting(|| look_for(state).or_else(|| state.try_lock_for(PATIENCE)))
        })?;
        Some(Guard { state, _hold })
    }

    /// Shows other threads that the lock is wanted.
    fn while_waiting<R>(&self, wait: impl FnOnce() -> R) -> R {
        let waiting = &self.shared.waiting;
        waiting.fetch_add(1, Ordering::Relaxed);
        let got = wait();
        waiting.fetch_sub(1, Ordering::Relaxed);
        got
    }

    /// Whether another thread waits for the lock. A thread that holds it for long should check.
    pub(super) fn is_wanted(&self) -> bool {
        self.shared.waiting.load(Ordering::Relaxed) > 0
    }

    /// Waits until the work of other threads has ended. Never called inside a callback.
    pub(super) fn wait_until(&self, mut ended: impl FnMut(&mut State) -> bool) -> Guard<'_> {
        let mut guard = self.lock();
        guard.waiters += 1;
        while !ended(&mut guard) {
            guard.wait(&self.shared.ended);
        }
        guard.waiters -= 1;
        guard
    }
}
