//! What a client of mgmd's control socket can send: the bytes of a connection.
#![no_main]

use mgm_control::http::{failure_reply, read_reply, read_request, write_request, Ending};
use mgm_control::Request;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    loop {
        match read_request(rest) {
            Ok(Some(http)) => {
                assert!(http.length <= rest.len() && http.body.len() <= http.length);
                rest = &rest[http.length..];
                request(&http.method, &http.target, &http.body);
            }
            Ok(None) => return,
            Err(failure) => {
                let reply = failure_reply(failure, "", Ending::Close);
                assert!(matches!(read_reply(&reply), Ok(Some(reply)) if reply.status >= 400));
                break;
            }
        }
    }
    // Without the head, which the fuzzer seldom gets right.
    let text = String::from_utf8_lossy(bytes);
    let (target, body) = text.split_once('\n').unwrap_or((&text, ""));
    for (method, path) in [("GET", "/v1/groups?"), ("GET", "/v1/flows?"), ("POST", "/v1/join")] {
        let path = if method == "GET" { format!("{path}{target}") } else { path.into() };
        request(method, &path, if method == "GET" { b"" } else { body.as_bytes() });
    }
});

fn request(method: &str, target: &str, body: &[u8]) {
    match Request::read(method, target, body) {
        Ok(request) => {
            // What the client would write for it is read as the same request.
            let written = write_request(&request.write());
            let http = match read_request(&written) {
                Ok(Some(http)) => http,
                other => panic!("{request:?} is written as {written:?}, and read as {other:?}"),
            };
            let again = Request::read(&http.method, &http.target, &http.body);
            assert_eq!(again, Ok(request));
        }
        Err(failure) => {
            let reply = failure_reply(failure.clone(), target, Ending::KeepAlive);
            let reply = read_reply(&reply).expect("an answer").expect("a whole one");
            assert_eq!(reply.status, failure.code.status());
            assert!(reply.body.len() < 8_192, "{} bytes", reply.body.len());
        }
    }
}
