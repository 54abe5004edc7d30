//! Parses the requests that arrive at mgmd.

use super::MAX_HEADERS;
use crate::error::{ErrorCode, Failure};
use httparse::{Error, Header, Status, EMPTY_HEADER};

/// The longest request in bytes, head and body together.
pub const MAX_REQUEST: usize = 64 << 10;

/// The longest path in bytes, with the parameters.
const MAX_TARGET: usize = 2_048;

/// The longest method in bytes. HTTP has none that is longer than 16.
const MAX_METHOD: usize = 32;

/// A whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// "GET", "POST" or another method.
    pub method: String,
    /// The path, with the parameters.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the client may send another request on this connection.
    pub keep_alive: bool,
    /// The length of the request in bytes.
    pub length: usize,
}

/// The fields of a head that describe the rest of the request.
struct Head {
    method: String,
    target: String,
    keep_alive: bool,
    head_length: usize,
    body_length: usize,
}

/// Reads the request at the beginning of `bytes`. Returns `None` if its end has not arrived yet.
///
/// # Errors The bytes are not the beginning of a valid request. It is then not known where the next
/// request begins, so the connection has to be closed after the error is sent.
pub fn read_request(bytes: &[u8]) -> Result<Option<HttpRequest>, Failure> {
    let Some(head) = read_head(bytes)? else {
        return if bytes.len() >= MAX_REQUEST { Err(too_large()) } else { Ok(None) };
    };
    let length = head.head_length.saturating_add(head.body_length);
    if length > MAX_REQUEST {
        return Err(too_large());
    }
    let Some(body) = bytes.get(head.head_length..length) else { return Ok(None) };
    Ok(Some(HttpRequest {
        method: head.method,
        target: head.target,
        body: body.to_vec(),
        keep_alive: head.keep_alive,
        length,
    }))
}

fn too_large() -> Failure {
    Failure::new(ErrorCode::TooLarge, "the request is longer than 65536 bytes")
}

fn read_head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let head_length = match request.parse(bytes).map_err(not_http)? {
        Status::Complete(length) => length,
        Status::Partial => {
            limit(request.method, MAX_METHOD, "method")?;
            limit(request.path, MAX_TARGET, "path")?;
            return Ok(None);
        }
    };
    limit(request.method, MAX_METHOD, "method")?;
    limit(request.path, MAX_TARGET, "path")?;
    Ok(Some(Head {
        method: request.method.unwrap_or_default().into(),
        target: request.path.unwrap_or_default().into(),
        keep_alive: keeps_alive(request.version, request.headers),
        head_length,
        body_length: body_length(request.headers)?,
    }))
}

fn limit(text: Option<&str>, most: usize, what: &str) -> Result<(), Failure> {
    if text.is_some_and(|text| text.len() > most) {
        let text = format!("the {what} of the request is longer than {most} bytes");
        return Err(Failure::invalid(text));
    }
    Ok(())
}

fn not_http(error: Error) -> Failure {
    match error {
        Error::Version => Failure::new(
            ErrorCode::HttpVersion,
            "unknown version of HTTP: use HTTP/1.1, such as GET /v1/status HTTP/1.1",
        ),
        Error::TooManyHeaders => {
            Failure::invalid(format!("the request has more than {MAX_HEADERS} headers"))
        }
        error => Failure::invalid(format!("not a request of HTTP/1.1: {error}")),
    }
}

/// Whether the connection is kept: with HTTP/1.1, unless the client asks to close it; with
/// HTTP/1.0, only if the client asks to keep it.
fn keeps_alive(version: Option<u8>, headers: &[Header]) -> bool {
    let says = |word: &str| {
        let tokens = values(headers, "connection").flat_map(|value| value.split(|b| *b == b','));
        tokens.into_iter().any(|token| token.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    };
    !says("close") && (version == Some(1) || says("keep-alive"))
}

fn values<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value)
}

/// The length of the body. A request with two lengths, or with a length and a transfer
/// encoding, is refused, because different programs would read it differently.
pub(super) fn body_length(headers: &[Header]) -> Result<usize, Failure> {
    if values(headers, "transfer-encoding").next().is_some() {
        let text = "a transfer encoding is not supported: send Content-Length";
        return Err(Failure::new(ErrorCode::LengthRequired, text));
    }
    let mut lengths = values(headers, "content-length");
    let Some(length) = lengths.next() else { return Ok(0) };
    if lengths.next().is_some() {
        return Err(Failure::invalid("Content-Length is given twice"));
    }
    let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(length).ok().filter(|_| digits);
    let number = number.ok_or_else(|| Failure::invalid("invalid Content-Length: use a number"))?;
    // A number that does not fit is beyond the limit in any case.
    Ok(number.parse().unwrap_or(usize::MAX))
}
