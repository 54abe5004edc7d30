//! The multicast group manager of Windows RRAS, remade as a C-ABI library.
//!
//! C programs use `mgm.h` and `mgmhost.h`. This package holds [`abi`], the C boundary, and
//! nothing else. Everything else is in the crates under `crates/`; see
//! `docs/architecture.md`.

#[cfg(panic = "abort")]
compile_error!(
    "mgm needs panic = \"unwind\": the barrier that keeps panics out of C callers is catch_unwind"
);

pub mod abi;

use mgm_engine as engine;
use mgm_manager::{self as manager, fork};
use mgm_types as types;
