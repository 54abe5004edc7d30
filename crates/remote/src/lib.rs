//! The calls of mgm.h between two processes: a *client process*, and the *router*, which serves it.
//! docs/remote.md documents what a user sees of it.
//!
//! - `wire`, `rows`: the encoding. `frame`: the frames of a connection. `hello`: the first messages.
//! - `messages`: all other messages. `convert`: notices of the engine in messages.
//! - `polling`: when a thread polls before it waits.
//! - `server`: the router's side. `access`: what the host permits. `client`: the client's side.
#![forbid(unsafe_code)]

pub mod access;
#[cfg_attr(not(target_os = "linux"), path = "client_elsewhere.rs")]
pub mod client;
mod convert;
pub mod frame;
pub mod hello;
pub mod messages;
#[cfg(target_os = "linux")]
mod polling;
pub mod rows;
#[cfg(target_os = "linux")]
pub mod server;
#[path = "server_current.rs"]
pub mod service;
pub mod wire;
