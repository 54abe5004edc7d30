//! The router side, rule by rule, as a program sees it: events in, actions out.
//!
//! [`Lan`] is one router on one link, with a clock that stops at every deadline. What it does
//! is compared as text: `Q` is a General Query, `Q(g)` and `Q(g,{s,…})` are specific ones, `+` and
//! `-` are library calls with JOIN, `+F` and `-F` with FORWARD.

mod faults;
mod groups;
mod lan;
mod leaving;
mod limits;
mod membership;
mod older_hosts;
mod packets;
mod policy;
mod querier;
mod queries;
mod refusals;
mod shape;
mod version;
