//! HTTP/1.1 as far as the control socket needs it, without I/O. httparse reads the heads.
//!
//! Not hyper, which needs an asynchronous runtime, and not tiny_http, which has a thread for each
//! connection and no deadline for a slow client. A body needs Content-Length: chunked bodies are
//! refused.

mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

pub use incoming::{read_request, HttpRequest, MAX_REQUEST};
pub use outgoing::{
    failure_reply, read_reply, reply, write_request, Ending, HttpReply, ReplyError,
};

/// How many lines a head has at most.
const MAX_HEADERS: usize = 64;
