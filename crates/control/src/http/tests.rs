//! Messages as bytes, whole, in parts and broken.

use super::incoming::HttpRequest;
use super::*;
use crate::error::{ErrorAnswer, ErrorCode, Failure};
use crate::request::Request;

fn whole(text: &str) -> HttpRequest {
    let request = read_request(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    request.unwrap_or_else(|| panic!("{text} is not complete"))
}

fn refused(text: &[u8]) -> ErrorCode {
    match read_request(text) {
        Err(failure) => failure.code,
        Ok(request) => panic!("{} is read as {request:?}", String::from_utf8_lossy(text)),
    }
}

#[test]
fn a_request_is_read_when_its_last_byte_has_arrived() {
    let text =
        b"POST /v1/log HTTP/1.1\r\nHost: mgmd\r\nContent-Length: 16\r\n\r\n{\"level\":\"info\"}";
    for length in 0..text.len() {
        assert_eq!(read_request(&text[..length]), Ok(None), "after {length} bytes");
    }
    let request = read_request(text).expect("valid").expect("complete");
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/log"));
    assert_eq!(request.body, b"{\"level\":\"info\"}");
    assert_eq!(request.length, text.len());
    // What follows belongs to the next request.
    let request = read_request(&[text, &b"GET /"[..]].concat()).expect("valid").expect("complete");
    assert_eq!(request.length, text.len());
}

#[test]
fn the_version_and_the_header_decide_whether_the_connection_stays() {
    let keeps = |text: &str| whole(text).keep_alive;
    assert!(keeps("GET / HTTP/1.1\r\n\r\n"));
    assert!(!keeps("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
    assert!(!keeps("GET / HTTP/1.1\r\nconnection: Keep-Alive, CLOSE\r\n\r\n"));
    assert!(!keeps("GET / HTTP/1.0\r\n\r\n"));
    assert!(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

#[test]
fn what_is_not_http_is_refused() {
    use ErrorCode::{HttpVersion, Invalid, LengthRequired};
    let cases: [(&[u8], ErrorCode); 10] = [
        (b"\x16\x03\x01\x02\x00\x01\x00", Invalid),
        (b"\xff\xfe\x00\x00", Invalid),
        (b"GET /v1/status HTTP/2.0\r\n\r\n", HttpVersion),
        (b"GET /v1/status HTTP/1.1\r\nno colon\r\n\r\n", Invalid),
        (b"POST /v1/log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", LengthRequired),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", Invalid),
        (b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", Invalid),
        (b"POST / HTTP/1.1\r\nContent-Length: \r\n\r\nx", Invalid),
        (b"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx", Invalid),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nx", Invalid),
    ];
    for (text, code) in cases {
        assert_eq!(refused(text), code, "{}", String::from_utf8_lossy(text));
    }
    let headers = "a: b\r\n".repeat(MAX_HEADERS + 1);
    assert_eq!(refused(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes()), Invalid);
}

#[test]
fn a_request_has_64_kb_at_most() {
    let request = |body: usize| {
        let head = format!("POST /v1/log HTTP/1.1\r\nContent-Length: {body:05}\r\n\r\n");
        [head.as_bytes(), &vec![b' '; body]].concat()
    };
    let head = request(0).len();
    let longest = request(MAX_REQUEST - head);
    assert_eq!(longest.len(), MAX_REQUEST);
    assert_eq!(read_request(&longest).expect("valid").expect("complete").length, MAX_REQUEST);
    let longer = request(MAX_REQUEST - head + 1);
    assert_eq!(refused(&longer), ErrorCode::TooLarge);
    assert_eq!(refused(&longer[..head]), ErrorCode::TooLarge, "before the body is there");
    let huge = b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n";
    assert_eq!(refused(huge), ErrorCode::TooLarge);
    // A head that does not end.
    let head = format!("GET / HTTP/1.1\r\na: {}", "b".repeat(MAX_REQUEST));
    assert_eq!(refused(&head.as_bytes()[..MAX_REQUEST]), ErrorCode::TooLarge);
    // The error does not repeat a path or a method without end.
    assert_eq!(
        refused(format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(2_048)).as_bytes()),
        ErrorCode::Invalid
    );
    assert_eq!(
        refused(format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(33)).as_bytes()),
        ErrorCode::Invalid
    );
}

#[test]
fn what_the_client_writes_is_read_and_the_other_way_round() {
    let body = "{\"interface\":\"eth1\",\"source\":null,\"group\":\"239.1.1.1\"}";
    let request = Request::read("POST", "/v1/join", body.as_bytes()).expect("valid");
    let http = read_request(&write_request(&request.write())).expect("valid").expect("complete");
    assert_eq!(Request::read(&http.method, &http.target, &http.body), Ok(request));

    let bytes = reply("{\"api\":1}\n", Ending::KeepAlive);
    for length in 0..bytes.len() {
        assert_eq!(read_reply(&bytes[..length]), Ok(None));
    }
    let expected = HttpReply { status: 200, body: b"{\"api\":1}\n".into(), keep_alive: true };
    assert_eq!(read_reply(&bytes), Ok(Some(expected)));
    assert_eq!(read_reply(b"hello\n"), Err(ReplyError));
}

#[test]
fn a_refusal_has_its_status_and_says_which_method_is_allowed() {
    let failure = Failure::new(ErrorCode::WrongMethod, "use GET");
    let bytes = failure_reply(failure.clone(), "/v1/status?x=1", Ending::Close);
    let text = String::from_utf8(bytes.clone()).expect("text");
    assert!(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{text}");
    assert!(text.contains("\r\nAllow: GET\r\n"), "{text}");
    let reply = read_reply(&bytes).expect("valid").expect("complete");
    assert!(!reply.keep_alive);
    let answer: ErrorAnswer = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(answer.error, failure);
}

/// Requests with a few wrong bytes, in pieces of any length: no panic, and the same result however
/// they are cut.
#[test]
fn random_bytes_are_read_the_same_way_however_they_are_cut() {
    let mut random = fastrand::Rng::with_seed(1);
    let seed = b"POST /v1/log HTTP/1.1\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{\"level\":\"info\"}";
    for _ in 0..20_000 {
        let mut bytes = seed.to_vec();
        for _ in 0..random.usize(0..4) {
            let at = random.usize(0..bytes.len());
            bytes[at] = random.u8(..);
        }
        let at_once = read_request(&bytes);
        let mut length = 0;
        let in_pieces = loop {
            length = bytes.len().min(length + random.usize(1..20));
            let read = read_request(&bytes[..length]);
            if length == bytes.len() || read != Ok(None) {
                break read;
            }
        };
        if at_once.is_ok() {
            assert_eq!(in_pieces, at_once, "{}", String::from_utf8_lossy(&bytes));
        } else {
            assert!(in_pieces.is_err(), "{}", String::from_utf8_lossy(&bytes));
        }
        if let Ok(Some(http)) = at_once {
            let _ = Request::read(&http.method, &http.target, &http.body);
        }
    }
}
