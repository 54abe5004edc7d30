//! The manager: it owns the engine, and has the lock, the callback queues, the threads and the time.
//!
//! docs/architecture.md documents how callbacks are delivered. The parts:
//!
//! - [`state`](self): what the lock guards.
//! - `calls`: the functions of mgm.h. `host_calls`, `limit_calls`: those of mgmhost.h.
//! - The crate `mgm-dispatch`: how callbacks are delivered, whatever they are. `delivery`,
//!   `shell`, `client_records`, `igmp_pairs`, `context`: how notices become callbacks.
//! - `posting`, `posted_client`: clients in other processes. `absence`: those that do not answer.
//!   `departure`: the end of such a process.
//! - `workers`, `pool`, `timer`: the library's own threads.
//! - `counters`, `status`: the counters, and the status with its metrics.
//! - `serving`: the socket at which the status is served.
//! - `system_state`: the forwarder and the routes. `incoming_events`: their upcalls and changes.
//!   `refresh`: look-ups. `latest_changes`: the changes with which look-ups are compared.
//!   `retries`: queries that the system did not answer, which are made again.
//! - `log`: the log messages of a thread. `log_message`: one message. `writer`: the thread that
//!   writes the messages of other threads. `sink`: the host's log callback.
//! - `interface_names`: the names of the system's interfaces.
//! - `memory_forwarder`: the memory forwarder. `route_table`: the host's routes.
//! - `platform`: what Linux provides, and its replacement on other systems.
#![forbid(unsafe_code)]

mod absence;
mod callbacks;
mod calls;
mod client_records;
mod context;
mod counters;
mod delivery;
mod departure;
mod host_calls;
mod igmp_pairs;
mod incoming_events;
mod installer;
mod interface_names;
mod latest_changes;
mod limit_calls;
mod log;
mod log_message;
mod memory_forwarder;
#[cfg_attr(target_os = "linux", path = "platform/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "platform/elsewhere.rs")]
mod platform;
mod pool;
mod posted_client;
mod posting;
mod refresh;
mod retries;
mod route_table;
mod serving;
mod settings;
mod shell;
mod sink;
mod state;
mod status;
mod system_state;
mod threads;
mod timer;
mod workers;
mod writer;

#[cfg(test)]
mod tests;

pub use absence::Backlogged;
pub use callbacks::Callbacks;
pub use context::{inside, within, Inside};
pub use departure::Departure;
pub use host_calls::{PacketIn, Verdict};
pub use interface_names::{interface_index, interface_name};
pub use mgm_engine::{EnumKind, Join, MfeRow, OifRow};
pub use platform::fork;
pub use posted_client::{Outlet, PeerProcess, PostedCallback, Unanswered, WINDOW};
pub use posting::Acknowledgement;
pub use settings::{
    answer_ms, grace, router_path, set_router, unanswered, ForwarderChoice, HostSettings, Settings,
    LONGEST_ANSWER_MS, LONGEST_GRACE, MOST_FLOWS,
};
pub use sink::LogSink;
pub use status::{Detail, FlowStatus, Status};

use mgm_dispatch as dispatch;
use mgm_engine as engine;
use mgm_types::{self as types, forwarder, route_view};
use once_cell::sync::Lazy;
use parking_lot::{Condvar, Mutex};
use serving::Serving;
use state::State;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

/// An open group enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumId(pub u64);

/// The manager. Clones are cheap, and all of them are the same manager.
#[derive(Clone)]
pub struct Manager {
    shared: Arc<Shared>,
}

/// The state that the library's threads share.
struct Shared {
    state: Mutex<State>,
    /// How many threads wait for the lock.
    waiting: AtomicUsize,
    /// A callback or a resolution for which a thread waits has ended.
    ended: Condvar,
    /// There is work for a worker.
    work: Condvar,
    /// The timer must wake up earlier than planned.
    alarm: Condvar,
    /// Where the status is served.
    serving: Serving,
    /// Whether it is started: can be read without the lock.
    is_started: AtomicBool,
}

impl Manager {
    /// The only instance of the process. The first call that needs it starts it with the
    /// settings of the environment.
    #[must_use]
    pub fn global() -> &'static Manager {
        static GLOBAL: Lazy<Manager> = Lazy::new(|| {
            // A call may be refused, and logged, before the library is started.
            log::init(settings::log_level());
            Manager::new()
        });
        &GLOBAL
    }

    /// Whether it is started, or is just being stopped.
    #[inline]
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.shared.is_started.load(Ordering::Relaxed)
    }

    /// Starts it with the settings of the environment, if it is not started.
    ///
    /// # Errors
    /// `BadSetting`, `Stopping`.
    pub fn ensure_started(&self) -> types::Result<()> {
        self.lock().started().map(drop)
    }

    /// Whether both are the same manager.
    fn is(&self, other: &Manager) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A separate instance, for tests.
    #[must_use]
    pub fn new() -> Manager {
        Manager {
            shared: Arc::new_cyclic(|me| Shared {
                state: Mutex::new(State::of(me.clone())),
                waiting: AtomicUsize::new(0),
                ended: Condvar::new(),
                work: Condvar::new(),
                alarm: Condvar::new(),
                serving: Serving::default(),
                is_started: AtomicBool::new(false),
            }),
        }
    }
}

impl Default for Manager {
    fn default() -> Self {
        Manager::new()
    }
}
