//! The 17 functions of mgm.h.
//!
//! The functions are written without macros, because cbindgen reads these files and copies
//! the comment of each function to its prototype in the header. Each body is one call of
//! `entry` or `entry_for`; a test checks that.
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
