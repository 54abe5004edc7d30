//! The multicast group manager of Windows RRAS, remade as a C-ABI library.
//!
//! C programs use `mgm.h` and `mgmhost.h`. This package holds [`abi`], the C boundary, and
//! nothing else. Everything else is in the crates under `crates/`; see
//! `docs/architecture.md`.

#[cfg(panic = "abort")]
compile_error!(
    "the library needs panic = \"unwind\": it catches panics with catch_unwind before they reach C"
);

pub mod abi;

use mgm_engine as engine;
use mgm_manager::{self as manager, fork};
use mgm_remote as remote;
use mgm_types as types;
