//! IGMP with the real rules of the library: the engine answers the calls of the crate and makes its
//! callbacks, and another client looks on. Packets of streams go through the engine.

mod owners;
mod proxy;
mod router;
