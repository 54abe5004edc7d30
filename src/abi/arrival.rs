//! The arrival interface during an RPF callback, whose parameters do not include it.

use crate::types::Interface;
use std::cell::Cell;

// It has no destructor, because a thread that is ending can still call the library (see
// manager::context).
thread_local! {
    static ARRIVAL: Cell<Option<Interface>> = const { Cell::new(None) };
}

/// Runs an RPF callback. During the callback, [`get`] returns the arrival interface.
pub fn within<R>(arrival: Interface, call: impl FnOnce() -> R) -> R {
    let before = ARRIVAL.replace(Some(arrival));
    let result = call();
    ARRIVAL.set(before);
    result
}

/// Returns the arrival interface if this thread is inside an RPF callback.
pub fn get() -> Option<Interface> {
    ARRIVAL.get()
}
