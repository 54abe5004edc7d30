//! The rules, as a state machine: events in, effects out.
//!
//! No I/O, no clock, no lock, no unsafe, no callback. See docs/architecture.md.
#![forbid(unsafe_code)]

mod effects;

pub use effects::{Answer, CreationOif, Effects, Notice, NoticeKind, QuestionId};

/// A registered client. Numbers grow with each registration and never repeat,
/// so their order is the order of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);
