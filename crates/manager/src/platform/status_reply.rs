//! The answers of the status socket, which docs/status.md documents.

use crate::types::{is_host_source, Flow, Interface, Ipv4Addr};
use crate::{Detail, Manager};
use mgm_linux::serve::Responder;

impl Responder for Manager {
    fn reply(&self, request: &str) -> String {
        reply(self, request)
    }

    fn answered(&self) {
        self.pass_on(); // calls made inside the host's log callback
    }
}

/// The answer: an HTTP response to an HTTP request, otherwise only the JSON text.
fn reply(manager: &Manager, request: &str) -> String {
    let status = |detail| manager.status(detail);
    let Some(rest) = request.strip_prefix("GET ") else {
        return status(Detail::FULL).to_json() + "\n";
    };
    let target = rest.split_ascii_whitespace().next().unwrap_or("/");
    let (code, kind, body) = match target {
        "/" | "/status" => (OK, JSON, status(Detail::FULL).to_json()),
        "/summary" => (OK, JSON, status(Detail::SUMMARY).to_json()),
        "/metrics" => (OK, METRICS, status(Detail::SUMMARY).to_metrics()),
        "/metrics/mfes" => {
            let detail = Detail { mfes: true, ..Detail::SUMMARY };
            (OK, METRICS, status(detail).to_metrics())
        }
        _ => match target.strip_prefix("/explain/").map(asked) {
            Some(Some((flow, arrival))) => (OK, JSON, manager.explain(flow, arrival).to_json()),
            Some(None) => ("400 Bad Request", PLAIN, EXPLAIN.into()),
            None => (
                "404 Not Found",
                PLAIN,
                "valid paths: /status, /summary, /metrics, /metrics/mfes, /explain/SOURCE/GROUP\n"
                    .into(),
            ),
        },
    };
    format!(
        "HTTP/1.0 {code}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The flow of a path such as "10.0.0.5/239.1.1.1", or "10.0.0.5/239.1.1.1/2" with the index of the
/// interface on which its packets arrive.
fn asked(path: &str) -> Option<(Flow, Option<Interface>)> {
    let mut parts = path.split('/');
    let mut address = || parts.next()?.parse::<Ipv4Addr>().ok();
    let (source, group) = (address()?, address()?);
    let arrival = match parts.next() {
        Some(index) => {
            let index = index.parse().ok().filter(|index| *index != 0)?;
            Some(Interface::link(index))
        }
        None => None,
    };
    let is_flow = is_host_source(source) && group.is_multicast() && parts.next().is_none();
    is_flow.then(|| (Flow::new(source, group), arrival))
}

const OK: &str = "200 OK";
const JSON: &str = "application/json";
const PLAIN: &str = "text/plain";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const EXPLAIN: &str = "use /explain/SOURCE/GROUP, such as /explain/10.0.0.5/239.1.1.1, or \
                       /explain/SOURCE/GROUP/INDEX with the index of the interface on which the \
                       packets arrive\n";
