//! The C types, by topic, under their C names.
//!
//! A structure `X` is `struct _X` in Rust and in C, with the typedefs `X` and `PX`. cbindgen
//! copies these files into the headers, with their comments (see build.rs). No structure is
//! packed.
#![allow(
    non_camel_case_types, // the names are C's
    non_snake_case,
    missing_docs, // the comment of `X` is also that of `PX`
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

// The C form of these types is written by hand in src/abi/headers, because cbindgen cannot
// generate it from Rust.

/// A UTF-16 code unit: `char16_t` in C, so that u"..." can be assigned to it.
pub type WCHAR = u16;
/// `enum _MGM_ENUM_TYPES` in C. A caller may pass any number, which in a Rust
/// enum would be undefined behaviour.
pub type MGM_ENUM_TYPES = u32;
