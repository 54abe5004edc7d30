//! The calls of mgm.h between two processes: a *client process*, and the *router*, which serves it.
//! docs/remote.md documents what a user sees of it.
//!
//! - `wire`: the encoding. `frame`: the frames of a connection. `hello`: the first messages.
//! - `messages`: all other messages.
#![forbid(unsafe_code)]

pub mod frame;
pub mod hello;
pub mod messages;
pub mod wire;
