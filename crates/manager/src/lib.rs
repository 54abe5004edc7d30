//! The shell around the engine: the one lock, callback queues, threads, time.
//!
//! docs/architecture.md documents how callbacks are delivered. The parts:
//!
//! - [`state`](self): what the lock guards.
//! - `calls`: the functions of mgm.h. `host_calls`, `limit_calls`: those of mgmhost.h.
//! - The crate `mgm-dispatch`: how callbacks are delivered, whatever they are. `delivery`,
//!   `shell`, `client_records`, `igmp_pairs`, `context`: how notices become callbacks.
//! - `workers`, `pool`, `timer`: MGM's own threads.
//! - `counters`, `status`: what is counted, and what can be seen of it all.
//! - `serving`: the socket at which that can be seen.
//! - `system_state`: the forwarder and the routes. `incoming_events`: what they report.
//!   `refresh`: look-ups. `latest_changes`: what those are compared with. `retries`: what
//!   the system did not tell, to be asked again.
//! - `log`, `log_line`, `writer`, `sink`: a thread's log messages, a message, the thread that
//!   writes those of others, the host's log callback.
//! - `interface_names`: the names of the system's interfaces.
//! - `memory_forwarder`: the memory forwarder. `route_table`: the host's routes.
//! - `platform`: what Linux provides, and its replacement on other systems.
#![forbid(unsafe_code)]

mod callbacks;
mod calls;
mod client_records;
mod context;
mod counters;
mod delivery;
mod host_calls;
mod igmp_pairs;
mod incoming_events;
mod installer;
mod interface_names;
mod latest_changes;
mod limit_calls;
mod log;
mod log_line;
mod memory_forwarder;
#[cfg_attr(target_os = "linux", path = "platform/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "platform/elsewhere.rs")]
mod platform;
mod pool;
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

pub use callbacks::Callbacks;
pub use host_calls::{PacketIn, Verdict};
pub use interface_names::{interface_index, interface_name};
pub use mgm_engine::{EnumKind, Join, MfeRow, OifRow};
pub use platform::fork;
pub use settings::{ForwarderChoice, HostSettings, Settings, MOST_FLOWS};
pub use sink::LogSink;
pub use status::{Detail, Status};

use mgm_dispatch as dispatch;
use mgm_engine as engine;
use mgm_types::{self as types, forwarder, route_view};
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
