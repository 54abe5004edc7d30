//! The types that all crates share: flows, interfaces, routes, refusals.
//!
//! This crate decides nothing. Addresses inside the library are [`Ipv4Addr`]s; network byte order
//! exists only in the C interface. The manager uses the system through two traits,
//! [`forwarder::Forwarder`] and [`route_view::RouteView`].
#![forbid(unsafe_code)]

mod counters;
mod error;
mod flow;
pub mod forwarder;
mod if_set;
mod interface;
mod room;
mod route;
pub mod route_view;
mod scope;
mod token_bucket;

pub use counters::{Counters, OifCounters, OifsCounters};
pub use error::{Code, Refusal, Result};
pub use flow::{is_host_source, Flow};
pub use if_set::{IfSet, IfView};
pub use interface::{IfId, Interface};
pub use room::{grow_numbered, Headroom};
pub use route::{Domain, NextHop, Prefix, Route, RouteOrigin};
pub use scope::Scope;
pub use token_bucket::{Rate, TokenBucket};

pub use std::net::Ipv4Addr;

/// Milliseconds since the library started: the only time that the engine uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// The moment `seconds` later.
    #[must_use]
    pub fn plus_secs(self, seconds: u32) -> Time {
        Time(self.0 + u64::from(seconds) * 1000)
    }

    /// Milliseconds from `earlier` to this moment, 0 if that is in the future.
    #[must_use]
    pub fn since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The earlier of two times; `None` means never.
    #[must_use]
    #[inline]
    pub fn sooner(one: Option<Time>, other: Option<Time>) -> Option<Time> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}
