//! The rules: functions over the tables, a file for each subject. The head of a file names its
//! sections of docs/semantics.md.
//!
//! A file may use the files of the groups above its own. Within a group, no two files use each
//! other, not even through others.

// What many rules need: settings and limits (0.9, 3.7), the way towards a source (5.1), the log.
pub mod debug_log;
pub mod flow_limit;
pub mod limits;
pub mod memory;
pub mod rpf;
pub mod sources;

// Alerts (4, 5.5, 5.8, 8.9).
pub mod alerts;
pub mod catching_up;
pub mod oif_alerts;
pub mod roles;

// Memberships and the oifs of MFEs (3).
pub mod deletion;
pub mod forwarding;
pub mod joining;
pub mod leaving;
pub mod membership;
pub mod oifs;

// From the first packet of a flow to its MFE, and from its renewal to its end (5.1 to 5.9).
pub mod creation_alert;
pub mod first_packet;
pub mod iif;
pub mod installation;
pub mod packets;
pub mod questions;
pub mod refusals;
pub mod renewal;
pub mod rpf_callback;
pub mod timeouts;
pub mod wrong_interface;

// Changes that start this again: of routes, boundaries, limits, domains and owners (5.10, 3.7,
// 0.9, 5.1, 2), and of processes (9.8).
pub mod answers;
pub mod boundaries;
pub mod change_of_owner;
pub mod domains;
pub mod expiry;
pub mod flow_rates;
pub mod grace;
pub mod lost_interfaces;
pub mod ownership;
pub mod reconsider;
pub mod registration;
pub mod releasing;
pub mod restart;
pub mod route_changes;
pub mod taking_over;
pub mod unrouted;

// What is read (6, 7), and what a forwarder must have installed.
pub mod enumeration;
pub mod explain;
pub mod explain_reason;
pub mod explanation;
pub mod forwarder;
pub mod listing;
pub mod retrieval;
