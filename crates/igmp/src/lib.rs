//! IGMP as a pure state machine: IGMPv1, v2 and v3, router side, host side and proxy.
//!
//! [`Igmp::handle`] takes an event and its time, and returns a list of actions: packets to be sent,
//! calls of the library, and log messages. There is no socket, clock, thread or `unsafe` here.
//! docs/igmp.md documents the rules (I1 …) and the decisions (G1 …).
//!
//! ```text
//!   Event ──► machine ── packet ──► receive (the checks of section 1) ──► Link
//!                │                                                         │
//!                │ Time: the link with the earliest deadline, again and    ├─► router: querier,
//!                │ again, until none is due                                │   version, groups
//!                ▼                                                         ├─► host: reports
//!             proxy ◄── step.changed: (link, group) of downstreams         └─► memberships ─► Action::Mgm
//! ```
//!
//! A `link_base::LinkBase` is the state that both sides of a link share: configuration, addresses,
//! MTU, counters, warnings. A `step::Step` is one call of `handle`: the time, and the lists to
//! which it appends. The code of a link gets `(&mut LinkBase, &mut Step)` and cannot access other
//! links.
//!
//! # The parts of a link, and the proxy
//!
//! - A `Link` has a `router::RouterSide` unless it is an upstream, and a `host::HostSide` if it is
//!   an upstream or has a `join`. `Link::received` hands each packet to both. Each side makes its
//!   own checks of a query's source and destination: the router refuses queries from 0.0.0.0, to
//!   unicast addresses and in unicast frames, the host answers them (I10, I11).
//! - `memberships::Memberships` is what the link tells the library. It also appends the
//!   `(link, group)` of a downstream to `step.changed`, as does a router that ends.
//! - `proxy::Proxy::settle` ends each `handle`: it reads `router::RouterSide::reception` of those
//!   groups, static memberships included. It merges them ([`Filter::merge`]), and passes the result
//!   to the host sides.
//! - `Link::settle` ends each step of a link: the host adapts to the addresses and answers the queries
//!   of its own router, and a downstream does not forward unless it is the querier (I57).
//! - Actions are appended to `step.actions` at once, in the order in which they must be carried
//!   out. `link_base::LinkBase::send` makes a packet. `link_base::LinkBase::log` logs a message, at
//!   most one a minute for each kind unless it is an error.
//! - Deadlines: each part has `deadline()`, which returns `NEVER` if there is none, and
//!   `run(at, …)`. The machine runs the part with the earliest deadline, until none is due. After
//!   `run(at, …)` the part's deadline must be later than `at`.
#![forbid(unsafe_code)]

mod action;
pub mod codec;
pub mod config;
mod counters;
mod event;
mod filter;
mod host;
mod link;
mod link_base;
mod log_event;
mod machine;
mod memberships;
mod proxy;
mod receive;
mod refusals;
mod router;
mod saved;
mod step;
#[cfg(test)]
mod tests;

/// The deadline of what is not due.
pub(crate) const NEVER: Time = Time(u64::MAX);

pub use action::{Action, Answer, Flag, Membership, MgmCall, Transmission};
pub use config::{LeaveMode, LinkConfig, ProxyUpstream, Role, Settings};
pub use counters::{Counters, DropReason};
pub use event::{Callback, Event, LinkAddress, LinkInfo, Ownership, Packet};
pub use filter::Filter;
pub use link::LinkStatus;
pub use log_event::{Level, LogEvent, LogLine, Names};
pub use machine::Igmp;
pub use mgm_types::{Code, Flow, Interface, Prefix, Time};
pub use refusals::{Refusal, RefusalReason};
pub use router::{GroupStatus, HostStatus, QuerierStatus, SourceStatus};
pub use saved::SavedGroup;
