//! The multicast group manager of Windows RRAS, remade as a C-ABI library.
//!
//! C programs see `mgm.h` and `mgmhost.h`; `docs/architecture.md` tells how
//! the house is built. From the front door inwards:
//!
//! - [`abi`]: the exported functions, types, buffers and the panic barrier.
//! - [`manager`]: the one lock, the callback queues, threads and time.
//! - [`engine`]: the rules, as a pure state machine.
//! - [`forwarder`] and [`routes`]: the world below.
//! - [`fork`]: what becomes of all that in a forked child.
//! - [`types`]: the words that they share.

#[cfg(panic = "abort")]
compile_error!(
    "mgm needs panic = \"unwind\": the barrier that keeps panics out of C callers is catch_unwind"
);

pub mod abi;
pub mod forwarder {
    //! Where packets really flow.
    mod memory;

    pub use memory::MemoryForwarder;
    pub use mgm_types::forwarder::*;
}
pub mod manager;
pub mod routes {
    //! The multicast view of the routes.
    mod table;

    pub use mgm_types::routes::*;
    pub use table::RouteTable;
}

pub use manager::fork;
use manager::threads;
pub use mgm_engine as engine;
pub use mgm_types as types;
