//! The 17 functions of mgm.h.
//!
//! Plain text on purpose, no macro: cbindgen reads these files, and what stands
//! above a function here stands above its prototype in the header. Each body is
//! one call of `entry` or `entry_for`; a test looks for that.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::too_many_arguments, // theirs, not ours
    clippy::doc_markdown
)]

pub mod enumeration;
pub mod membership;
pub mod mfe;
pub mod ownership;
pub mod registration;
pub mod statistics;
