//! The answers of the status socket, which docs/status.md documents.

use crate::{Detail, Manager, Status};
use mgm_linux::serve::Responder;

impl Responder for Manager {
    fn reply(&self, request: &str) -> String {
        reply(request, |detail| self.status(detail))
    }

    fn answered(&self) {
        self.pass_on(); // calls made inside the host's log callback
    }
}

/// The answer: an HTTP response to an HTTP request, otherwise only the JSON text.
fn reply(request: &str, status: impl FnOnce(Detail) -> Status) -> String {
    let Some(rest) = request.strip_prefix("GET ") else {
        return status(Detail::FULL).to_json() + "\n";
    };
    let target = rest.split_ascii_whitespace().next().unwrap_or("/");
    let (code, kind, body) = match target {
        "/" | "/status" => ("200 OK", "application/json", status(Detail::FULL).to_json()),
        "/summary" => ("200 OK", "application/json", status(Detail::SUMMARY).to_json()),
        "/metrics" => ("200 OK", METRICS, status(Detail::SUMMARY).to_metrics()),
        "/metrics/mfes" => {
            let detail = Detail { mfes: true, ..Detail::SUMMARY };
            ("200 OK", METRICS, status(detail).to_metrics())
        }
        _ => (
            "404 Not Found",
            "text/plain",
            "valid paths: /status, /summary, /metrics, /metrics/mfes\n".into(),
        ),
    };
    format!(
        "HTTP/1.0 {code}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
