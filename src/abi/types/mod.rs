//! The C types, by topic, under the names that C knows them by.
//!
//! A structure `X` is `struct _X` here and there, with the typedefs `X` and
//! `PX`. cbindgen copies these files into the headers (see build.rs), comments
//! included. Nothing is packed: every field stands at its natural place.
#![allow(
    non_camel_case_types, // the names are C's
    non_snake_case,
    missing_docs, // `PX` needs no more words than `X` has
)]

mod callbacks;
mod errors;
mod host;
mod mgm;
mod mib;
mod rtm;
mod scalars;

pub use callbacks::*;
pub use errors::*;
pub use host::*;
pub use mgm::*;
pub use mib::*;
pub use rtm::*;
pub use scalars::*;

// The types whose C form is written by hand in src/abi/headers, because Rust
// has nothing that cbindgen would turn into it.

/// A UTF-16 code unit: `char16_t` in C, so that u"..." can be assigned to it.
pub type WCHAR = u16;
/// `enum _MGM_ENUM_TYPES` in C. A caller may pass any number, which in a Rust
/// enum would be undefined behaviour.
pub type MGM_ENUM_TYPES = u32;
