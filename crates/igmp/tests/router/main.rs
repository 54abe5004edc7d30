//! IGMP with the real rules of the library: the engine carries out the calls of the crate and makes its
//! callbacks, and another client gets its alerts. Packets of streams pass through the engine.

mod owners;
mod proxy;
mod router;
