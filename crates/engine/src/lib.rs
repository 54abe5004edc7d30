//! The rules, as a state machine: events in, effects out.
//!
//! No I/O, no clock, no lock, no unsafe, no callback: time and routes are
//! arguments, callbacks are [`Notice`]s among the [`Effects`]. See
//! docs/architecture.md for the idea and docs/semantics.md for the rules.
//!
//! [`Engine`] passes each call to a function in `rules`, which changes the `tables` and adds to
//! the effects.
#![forbid(unsafe_code)]

mod alert_topic;
mod effects;
mod engine;
mod notice;
mod notice_text;
mod packet;
mod rules;
mod tables;

#[cfg(test)]
mod tests;

pub use alert_topic::{AlertTopic, Thing};
pub use effects::Effects;
pub use engine::Engine;
pub use notice::{
    CreationOif, CreationOifs, Notice, NoticeBox, NoticeKind, NoticeKinds, QuestionId,
};
pub use notice_text::Answer;
pub use packet::{Header, Out, Outcome, Packet, Refused};
pub use rules::enumeration::EnumKind;
pub use rules::forwarder::WantedEntry;
pub use rules::listing::{ClientRow, InterfaceRow, MembershipRow, Sizes};
pub use rules::membership::Join;
pub use rules::retrieval::{MfeRow, OifRow};
pub use tables::begun_flows::USUAL_MAX_FLOWS;
pub use tables::clients::is_igmp;
pub use tables::{ClientId, Config};
