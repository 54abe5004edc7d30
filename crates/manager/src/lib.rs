//! The shell around the engine: the one lock, callback queues, threads, time.
//!
//! docs/architecture.md documents how callbacks are delivered. The parts:
//!
//! - [`state`](self): what the lock guards.
//! - `calls`: the functions of mgm.h. `host`: those of mgmhost.h.
//! - `dispatch`: how callbacks are delivered, whatever they are. `delivery`, `shell`,
//!   `backlog`, `records`, `context`: how notices become callbacks.
//! - `workers`, `timer`: the threads of the library.
//! - `tally`, `status`: counters, and the status snapshot.
//! - `serving`: the status socket.
//! - `world`, `below`: the forwarder and the routes, what they report. `refresh`: look-ups.
//! - `log`, `writer`, `sink`: a thread's log lines, the thread that writes those of others, the
//!   host's log callback.
//! - `memory`: the memory forwarder. `table`: the host's routes.
//! - `system`: what Linux provides, and its replacement on other systems.
#![forbid(unsafe_code)]

mod backlog;
mod below;
mod callbacks;
mod calls;
mod context;
mod delivery;
mod doubts;
mod host;
mod installer;
mod limits;
mod log;
mod memory;
mod records;
mod refresh;
mod serving;
mod settings;
mod shell;
mod sink;
mod state;
mod status;
#[cfg_attr(target_os = "linux", path = "system/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "system/elsewhere.rs")]
mod system;
mod table;
mod tally;
mod threads;
mod timer;
mod workers;
mod world;
mod writer;

#[cfg(test)]
mod tests;

pub use callbacks::Callbacks;
pub use host::{PacketIn, Verdict};
pub use mgm_engine::{EnumKind, Join, MfeRow, OifRow};
pub use settings::{ForwarderChoice, HostSettings, Settings, MOST_FLOWS};
pub use sink::LogSink;
pub use status::{Detail, Status};
pub use system::fork;

use mgm_dispatch as dispatch;
use mgm_engine as engine;
use mgm_types::{self as types, forwarder, routes};
use once_cell::sync::Lazy;
use parking_lot::{Condvar, Mutex};
use serving::Serving;
use state::State;
use std::sync::atomic::AtomicUsize;
use std::sync::Arc;

/// An open group enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnumId(pub u64);

/// MGM itself. Cheap to clone: all clones are the same one.
#[derive(Clone)]
pub struct Manager {
    shared: Arc<Shared>,
}

/// What MGM's threads have in common.
struct Shared {
    state: Mutex<State>,
    /// How many threads wait for that.
    waiting: AtomicUsize,
    /// A callback or a resolution for which a thread waits has ended.
    ended: Condvar,
    /// There is work for a worker.
    work: Condvar,
    /// The timer has something to do earlier than it thought.
    alarm: Condvar,
    /// Where the status is served.
    serving: Serving,
}

impl Manager {
    /// The process's one instance. It starts itself with the environment's
    /// settings when it is first needed.
    #[must_use]
    pub fn global() -> &'static Manager {
        static GLOBAL: Lazy<Manager> = Lazy::new(|| {
            // Calls may be refused, and say why, before MGM runs.
            log::init(settings::log_level());
            Manager::new()
        });
        &GLOBAL
    }

    /// Whether both are the same one.
    fn is(&self, other: &Manager) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// An instance of its own, for tests.
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
            }),
        }
    }
}

impl Default for Manager {
    fn default() -> Self {
        Manager::new()
    }
}
