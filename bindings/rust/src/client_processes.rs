//! Client processes, as the callbacks of the library see them: the settings of their service, what
//! they ask for, and what the program has set to decide about them.

use crate::Interface;
use std::sync::{Arc, PoisonError, RwLock};

/// Is called when the router of this client process is lost, on a thread of the library.
pub type RouterLost = Arc<dyn Fn() + Send + Sync>;

static ROUTER_LOST: RwLock<Option<RouterLost>> = RwLock::new(None);

pub(crate) fn router_is_lost() {
    let callback = ROUTER_LOST.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(callback) = callback {
        callback();
    }
}

/// Replaces what is called when the router is lost.
pub(crate) fn set_lost(callback: Option<RouterLost>) {
    *ROUTER_LOST.write().unwrap_or_else(PoisonError::into_inner) = callback;
}

/// How client processes are served. A member that is 0 or `None` selects the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientService {
    /// The user that owns the socket's file; by default that of this process.
    pub owner: Option<u32>,
    /// The group of the socket's file; by default that of this process.
    pub group: Option<u32>,
    /// The mode of the socket's file; by default 0660.
    pub mode: u32,
    /// How many processes may be connected; by default 1,000.
    pub max_processes: u32,
    /// How many processes of one user may be connected; by default there is no such limit.
    pub max_user_processes: u32,
    /// How long a question waits for its answer, in milliseconds; by default 1,000.
    pub answer_ms: u32,
}

/// What a client process asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientRequest {
    /// The process id.
    pub process: u32,
    /// The effective user of the process when it connected.
    pub user: u32,
    /// The protocol id of the client.
    pub protocol: u32,
    /// The component id of the client.
    pub component: u32,
    /// The interface that the client takes; `None` if it registers.
    pub interface: Option<Interface>,
}

/// Decides whether a client process may register a client, or take an interface. All client
/// processes wait for it. A panic in it is a refusal.
pub type ClientFilter = Arc<dyn Fn(&ClientRequest) -> bool + Send + Sync>;

static CLIENT_FILTER: RwLock<Option<ClientFilter>> = RwLock::new(None);

pub(crate) fn permits(request: &ClientRequest) -> bool {
    let filter = CLIENT_FILTER.read().unwrap_or_else(PoisonError::into_inner).clone();
    filter.is_none_or(|permits| permits(request))
}

/// Replaces what decides about client processes.
pub(crate) fn set_filter(filter: Option<ClientFilter>) {
    *CLIENT_FILTER.write().unwrap_or_else(PoisonError::into_inner) = filter;
}
