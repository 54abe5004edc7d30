//! The callbacks of clients.

use crate::{Flow, Incoming, Interface, Outgoing};
use std::net::Ipv4Addr;
use std::ops::BitOr;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, PoisonError, RwLock};

/// A set of callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Events(u32);

impl Events {
    /// No callback.
    pub const NONE: Events = Events(0);
    /// [`Callbacks::rpf`]
    pub const RPF: Events = Events(1);
    /// [`Callbacks::creation_alert`]
    pub const CREATION_ALERT: Events = Events(1 << 1);
    /// [`Callbacks::prune_alert`]
    pub const PRUNE_ALERT: Events = Events(1 << 2);
    /// [`Callbacks::join_alert`]
    pub const JOIN_ALERT: Events = Events(1 << 3);
    /// [`Callbacks::wrong_if`]
    pub const WRONG_IF: Events = Events(1 << 4);
    /// [`Callbacks::local_join`]
    pub const LOCAL_JOIN: Events = Events(1 << 5);
    /// [`Callbacks::local_leave`]
    pub const LOCAL_LEAVE: Events = Events(1 << 6);
    /// [`Callbacks::disable_igmp`]
    pub const DISABLE_IGMP: Events = Events(1 << 7);
    /// [`Callbacks::enable_igmp`]
    pub const ENABLE_IGMP: Events = Events(1 << 8);
    /// All callbacks.
    pub const ALL: Events = Events((1 << 9) - 1);

    /// Returns whether this set contains all callbacks of another one.
    #[must_use]
    pub fn contains(self, other: Events) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Events {
    type Output = Events;

    fn bitor(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }
}

/// What a client is told and asked.
///
/// Each other method has a default, which is also what the library does without the callback. The
/// methods run on the thread of the call that causes them, or on a thread of the library, one at a
/// time for each client. They may call every function of this crate, except
/// [`host::packet_in`](crate::host::packet_in), [`host::stop`](crate::host::stop) and
/// [`host::serve_clients`](crate::host::serve_clients), which could wait for them. While you call a
/// function of this crate, do not hold a lock that a callback takes.
///
/// If a method panics, the panic ends there: the library gets the default answer, and the crate
/// logs an error (crate `log`).
pub trait Callbacks: Send + Sync + 'static {
    /// Returns the callbacks that the library makes; name those that this type implements. The
    /// crate calls it once, at the registration. Each callback costs work: with `WRONG_IF`, for
    /// example, the kernel reports packets on wrong interfaces.
    fn events(&self) -> Events;

    /// How must packets of the flow arrive? A client that agrees returns `suggested`. `header` is
    /// the IP header of the packet, as far as it is known.
    /// [`host::arrival`](crate::host::arrival) returns the interface on which it arrived.
    fn rpf(&self, flow: Flow, suggested: Incoming, header: &[u8]) -> Incoming {
        let _ = (flow, header);
        suggested
    }

    /// May the flow be forwarded out of these interfaces of the client? Where it may not, set
    /// `enabled` to false.
    fn creation_alert(&self, flow: Flow, incoming: Interface, outgoing: &mut [Outgoing]) {
        let _ = (flow, incoming, outgoing);
    }

    /// If `nobody_else` is true, no other client wants the packets any longer. If it is false, an
    /// MFE whose incoming interface the client owns has no outgoing interface; the method returns
    /// the lifetime of that MFE in seconds, or `timeout` for the default. `u32::MAX` means that it
    /// never expires.
    fn prune_alert(
        &self,
        flow: Flow,
        interface: Interface,
        nobody_else: bool,
        timeout: u32,
    ) -> u32 {
        let _ = (flow, interface, nobody_else);
        timeout
    }

    /// If `somebody_else` is true, another client wants the packets. If it is false, the MFE of the
    /// flow has an outgoing interface again; or the client now owns its incoming interface; or
    /// another client forwards a flow without an MFE whose source is towards this client.
    fn join_alert(&self, flow: Flow, somebody_else: bool) {
        let _ = (flow, somebody_else);
    }

    /// A packet of a source to a group arrived on an interface of the client that is not the
    /// incoming interface.
    fn wrong_if(&self, source: Ipv4Addr, group: Ipv4Addr, interface: Interface, header: &[u8]) {
        let _ = (source, group, interface, header);
    }

    /// IGMP has added a membership on an interface of the client.
    fn local_join(&self, flow: Flow, interface: Interface) {
        let _ = (flow, interface);
    }

    /// IGMP has deleted a membership on an interface of the client.
    fn local_leave(&self, flow: Flow, interface: Interface) {
        let _ = (flow, interface);
    }

    /// For IGMP: the owner of the interface is about to change, or the system has lost the
    /// interface. IGMP must not change memberships there until [`Callbacks::enable_igmp`].
    fn disable_igmp(&self, interface: Interface) {
        let _ = interface;
    }

    /// For IGMP: the owner of the interface has changed, or a lost interface has returned.
    fn enable_igmp(&self, interface: Interface) {
        let _ = interface;
    }
}

/// A client without callbacks.
impl Callbacks for () {
    fn events(&self) -> Events {
        Events::NONE
    }
}

/// How many clients can be registered at the same time. The callbacks of mgm.h do not receive the
/// handle of their client, so the crate has C functions for each client.
pub const MAX_CLIENTS: usize = 64;

static SLOTS: [RwLock<Option<Arc<dyn Callbacks>>>; MAX_CLIENTS] =
    [const { RwLock::new(None) }; MAX_CLIENTS];

/// Reserves a slot for the callbacks of a client; `None` if all are in use.
pub(crate) fn claim(callbacks: Arc<dyn Callbacks>) -> Option<usize> {
    (0..MAX_CLIENTS).find(|&slot| {
        let mut content = SLOTS[slot].write().unwrap_or_else(PoisonError::into_inner);
        let is_free = content.is_none();
        if is_free {
            *content = Some(Arc::clone(&callbacks));
        }
        is_free
    })
}

/// Frees a slot. The library makes no new callback of its client; one that is running has the
/// callbacks of its own.
pub(crate) fn give_back(slot: usize) {
    let callbacks = SLOTS[slot].write().unwrap_or_else(PoisonError::into_inner).take();
    drop(callbacks); // without the lock: this may run code of the program
}

/// Makes a callback of the client in a slot; returns whether it came to its end. A panic ends
/// here, because it must not unwind through C.
pub(crate) fn make(slot: usize, name: &str, call: impl FnOnce(&dyn Callbacks)) -> bool {
    let content = SLOTS[slot].read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(callbacks) = content else { return true };
    // The callbacks go inside, too, because this may be their last use.
    guarded(name, move || call(&*callbacks))
}

/// Runs code of the program, and logs a panic.
pub(crate) fn guarded(name: &str, call: impl FnOnce()) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(call)) else { return true };
    // Not dropped, because dropping what was thrown may panic again.
    std::mem::forget(panic);
    let report = || log::error!("{name} panicked: the library gets the default answer");
    if let Err(panic) = catch_unwind(report) {
        std::mem::forget(panic);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// The slots are the process's, so the tests take turns.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn there_are_as_many_slots_as_clients_and_a_free_one_is_used_again() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let slots: Vec<_> = (0..MAX_CLIENTS).map(|_| claim(Arc::new(())).unwrap()).collect();
        assert_eq!(claim(Arc::new(())), None);
        give_back(slots[7]);
        assert_eq!(claim(Arc::new(())), Some(slots[7]));
        slots.into_iter().for_each(give_back);
    }

    struct Panics {
        _alive: Arc<()>,
    }

    impl Callbacks for Panics {
        fn events(&self) -> Events {
            Events::ALL
        }

        fn join_alert(&self, _: Flow, _: bool) {
            panic!("a test's panic");
        }
    }

    #[test]
    fn a_panic_ends_at_the_callback() {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = Arc::new(());
        let slot = claim(Arc::new(Panics { _alive: Arc::clone(&alive) })).unwrap();
        assert!(!make(slot, "JOIN_ALERT", |callbacks| callbacks.join_alert(Flow::ALL, true)));
        assert!(make(slot, "PRUNE_ALERT", |callbacks| {
            assert_eq!(callbacks.prune_alert(Flow::ALL, 1.into(), false, 7), 7);
        }));
        give_back(slot);
        assert_eq!(Arc::strong_count(&alive), 1, "nothing keeps the callbacks");
        assert!(make(slot, "JOIN_ALERT", |_| unreachable!("the slot is free")));
    }

    #[test]
    fn sets_of_callbacks() {
        let two = Events::RPF | Events::WRONG_IF;
        assert!(two.contains(Events::RPF) && !two.contains(Events::JOIN_ALERT));
        assert!(Events::ALL.contains(two) && !Events::NONE.contains(two));
        assert_eq!(().events(), Events::NONE);
    }
}
