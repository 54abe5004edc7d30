//! The multicast group manager of Windows RRAS, remade as a C-ABI library.
//!
//! C programs see `mgm.h` and `mgmhost.h`. This package is their door, [`abi`], and nothing
//! else; behind it stand the crates in `crates/`. `docs/architecture.md` tells how the house
//! is built.

#[cfg(panic = "abort")]
compile_error!(
    "mgm needs panic = \"unwind\": the barrier that keeps panics out of C callers is catch_unwind"
);

pub mod abi;

use mgm_engine as engine;
use mgm_manager::{self as manager, fork};
use mgm_types as types;
