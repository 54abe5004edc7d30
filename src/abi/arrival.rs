//! Where the packet arrived that RPF_CALLBACK is about: its parameters do not say.

use crate::types::Interface;
use std::cell::Cell;

// It has no destructor: a thread that is ending still calls MGM (see manager::context).
thread_local! {
    static ARRIVAL: Cell<Option<Interface>> = const { Cell::new(None) };
}

/// Makes an RPF_CALLBACK: within it, [`get`] returns the arrival interface.
pub fn within<R>(arrival: Interface, call: impl FnOnce() -> R) -> R {
    let before = ARRIVAL.replace(Some(arrival));
    let result = call();
    ARRIVAL.set(before);
    result
}

/// The arrival interface, if this thread is inside an RPF_CALLBACK.
pub fn get() -> Option<Interface> {
    ARRIVAL.get()
}
