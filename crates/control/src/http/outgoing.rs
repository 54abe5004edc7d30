//! Writes the answers of mgmd, and the requests of a
//! client. Parses the answers for the client.

use super::incoming::body_length;
use super::MAX_HEADERS;
use crate::error::{ErrorAnswer, ErrorCode, Failure};
use crate::request::{Written, ENDPOINTS};
use crate::Versioned;
use httparse::{Status, EMPTY_HEADER};
use std::fmt;

/// What happens to a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client may send another request.
    KeepAlive,
    /// mgmd closes it.
    Close,
}

/// The answer with this JSON text to a request that was accepted.
#[must_use]
pub fn reply(json: &str, ending: Ending) -> Vec<u8> {
    message(200, "", json, ending)
}

/// The answer to a request that was refused. `target` is its path, if it is known.
#[must_use]
pub fn failure_reply(failure: Failure, target: &str, ending: Ending) -> Vec<u8> {
    let code = failure.code;
    let json = Versioned::new(ErrorAnswer { error: failure }).to_json();
    message(code.status(), &allow(code, target), &json, ending)
}

/// The header that names the method that the path has.
fn allow(code: ErrorCode, target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let known = ENDPOINTS.iter().find(|endpoint| endpoint.path == path);
    match known.filter(|_| code == ErrorCode::WrongMethod) {
        Some(endpoint) => format!("Allow: {}\r\n", endpoint.method),
        None => String::new(),
    }
}

fn message(status: u16, extra: &str, json: &str, ending: Ending) -> Vec<u8> {
    let connection = match ending {
        Ending::KeepAlive => "keep-alive",
        Ending::Close => "close",
    };
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: {connection}\r\nCache-Control: no-store\r\n{extra}\r\n",
        phrase(status),
        json.len()
    );
    let mut text = head.into_bytes();
    text.extend_from_slice(json.as_bytes());
    text
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

/// A request as a client sends it.
#[must_use]
pub fn write_request(request: &Written) -> Vec<u8> {
    let body = request.body.as_deref().unwrap_or_default();
    let content = match request.body {
        Some(_) => format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
        None => String::new(),
    };
    format!("{request} HTTP/1.1\r\nHost: mgmd\r\n{content}\r\n{body}").into_bytes()
}

/// An answer as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// The status of HTTP: 200 if the request was accepted.
    pub status: u16,
    /// The JSON text.
    pub body: Vec<u8>,
    /// Whether the connection can be used again.
    pub keep_alive: bool,
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyError;

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is not from mgmd: does another program listen there?")
    }
}

impl std::error::Error for ReplyError {}

/// Reads the answer in `bytes`. Returns `None` if its end has not arrived yet.
///
/// # Errors
/// The bytes are not an answer of mgmd.
pub fn read_reply(bytes: &[u8]) -> Result<Option<HttpReply>, ReplyError> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(bytes).map_err(|_| ReplyError)? {
        Status::Complete(length) => length,
        Status::Partial => return Ok(None),
    };
    let length = body_length(response.headers).map_err(|_| ReplyError)?;
    let end = head.checked_add(length).ok_or(ReplyError)?;
    let Some(body) = bytes.get(head..end) else { return Ok(None) };
    let closes = |header: &httparse::Header| {
        header.name.eq_ignore_ascii_case("connection")
            && header.value.eq_ignore_ascii_case(b"close")
    };
    Ok(Some(HttpReply {
        status: response.code.ok_or(ReplyError)?,
        body: body.to_vec(),
        keep_alive: !response.headers.iter().any(closes),
    }))
}
