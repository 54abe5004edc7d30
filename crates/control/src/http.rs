//! The part of HTTP/1.1 that the control socket needs, without I/O. httparse parses the heads.
//! hyper is not used, because it needs an asynchronous runtime. tiny_http is not used, because it
//! has a thread for each connection, and no deadline for a slow client. A body needs
//! Content-Length: chunked bodies are refused.

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
