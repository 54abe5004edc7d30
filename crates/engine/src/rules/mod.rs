//! The rules: functions over the tables, a file for each section of docs/semantics.md.
//!
//! A rule may call the rules listed before it, and none listed after it.

pub mod alerts;
pub mod answers;
pub mod boundaries;
pub mod catching_up;
pub mod change_of_owner;
pub mod creation_alert;
pub mod debug_log;
pub mod deletion;
pub mod domains;
pub mod enumeration;
pub mod expiry;
pub mod first_packet;
pub mod flow_limit;
pub mod forwarder;
pub mod forwarding;
pub mod iif;
pub mod installation;
pub mod joining;
pub mod leaving;
pub mod limits;
pub mod listing;
pub mod lost_interfaces;
pub mod membership;
pub mod memory;
pub mod oif_alerts;
pub mod oifs;
pub mod ownership;
pub mod packets;
pub mod portions;
pub mod questions;
pub mod reconsider;
pub mod refusals;
pub mod registration;
pub mod renewal;
pub mod restart;
pub mod retrieval;
pub mod roles;
pub mod route_changes;
pub mod rpf;
pub mod rpf_callback;
pub mod sources;
pub mod timeouts;
pub mod unrouted;
pub mod wrong_interface;
