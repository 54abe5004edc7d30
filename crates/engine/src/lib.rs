//! The rules, as a state machine: events in, effects out.
//!
//! The crate has no I/O, clock, lock or unsafe code, and makes no callbacks. Time and routes are
//! arguments, and the callbacks to be made are [`Notice`]s among the [`Effects`]. The structure is
//! documented in docs/architecture.md, and the rules in docs/semantics.md.
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
pub use rules::explain::ExplainedFlow;
pub use rules::explanation::{
    ArrivalRow, Explanation, FoundBy, Holder, Incoming, Obstacle, OifAnswer, PathRow, Reason,
    RefusalRow, ResolutionPurpose, RpfQuestion, RpfState, WantedRow,
};
pub use rules::forwarder::WantedEntry;
pub use rules::listing::{ClientRow, InterfaceRow, MembershipRow, Sizes};
pub use rules::membership::Join;
pub use rules::retrieval::{MfeRow, OifRow};
pub use tables::begun_flows::USUAL_MAX_FLOWS;
pub use tables::clients::is_igmp;
pub use tables::{ClientId, Config, ReleaseProgress};
