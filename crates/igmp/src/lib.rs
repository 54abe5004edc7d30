//! IGMP as a pure state machine: IGMPv1, v2 and v3, router side, host side and proxy.
//!
//! [`Igmp::handle`] takes an event and its time, and lists actions: packets to be sent, calls
//! of MGM, lines of the log. There is no socket, clock, thread or `unsafe` here.
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
//! A `port::Port` is what both sides of a link share: configuration, addresses, MTU, counters,
//! warnings. A `port::Step` is one call of `handle`: the time, and the lists it appends to. Code
//! of a link gets `(&mut Port, &mut Step)` and never sees another link.
//!
//! # Where the host side and the proxy belong
//!
//! - `host/` is the host side of one link. `Link` has one as `host: Option<Host>`, beside
//!   `router: Option<Router>`: an upstream has a host only, a downstream a router only, a router
//!   link has a router, and a host too if `join` is configured. `Link::received` hands every
//!   `receive::Received` to both. Each side makes its own checks of a query's source and
//!   destination: the router refuses queries from 0.0.0.0, to unicast addresses and in unicast
//!   frames, the host answers them (I10, I11).
//! - `proxy/` is the database of the upstreams. `memberships::Memberships::changed` and a router
//!   that ends append `(link, group)` of a downstream to `step.changed`. At the end of `handle`, the
//!   machine gives the list to the proxy, which reads each downstream's `router::Router::reception`:
//!   a [`Filter`], static memberships included. It merges them ([`Filter::merge`]), and tells the
//!   host sides of the upstreams their new state.
//! - Actions are appended to `step.actions` at once, in the order in which they shall be done.
//!   `port::Port::send` makes a packet, `port::Port::log` a line (and keeps all but errors rare).
//! - Deadlines: each part has `deadline()`, `Time(u64::MAX)` for never, and `run(at, …)`. The
//!   deadline of a link is the earliest of its parts; the machine runs the earliest link again and
//!   again until none is due. After `run(at, …)` the part's deadline must be later than `at`.
//! - `link::Link::withhold` takes all memberships of a link out of MGM, or adds them again: what
//!   a downstream does that loses or wins the election (I57; `router::Router::is_querier`).
//!
#![forbid(unsafe_code)]

mod action;
pub mod codec;
pub mod config;
mod counters;
mod event;
mod filter;
mod host;
mod link;
mod log_event;
mod machine;
mod memberships;
mod port;
mod proxy;
mod receive;
mod router;
mod saved;
#[cfg(test)]
mod tests;

pub use action::{Action, Answer, Flag, Membership, MgmCall, Transmission};
pub use config::{LeaveMode, LinkConfig, ProxyUpstream, Role, Settings};
pub use counters::{Counters, DropReason};
pub use event::{Callback, Event, LinkAddress, LinkInfo, Ownership, Packet};
pub use filter::Filter;
pub use link::LinkStatus;
pub use log_event::{Level, LogEvent, LogLine};
pub use machine::Igmp;
pub use mgm_types::{Code, Flow, Interface, Prefix, Time};
pub use router::QuerierStatus;
pub use saved::SavedGroup;
