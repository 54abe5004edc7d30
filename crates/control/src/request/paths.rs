//! The paths, and the methods that they have.

use crate::error::{ErrorCode, Failure};

/// A path of the control socket.
#[derive(Debug)]
pub struct Endpoint {
    /// "GET" or "POST".
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Whether the request has a body.
    pub has_body: bool,
    /// What it does, in a few words.
    pub about: &'static str,
}

const fn get(path: &'static str, about: &'static str) -> Endpoint {
    Endpoint { method: "GET", path, has_body: false, about }
}

const fn post(path: &'static str, has_body: bool, about: &'static str) -> Endpoint {
    Endpoint { method: "POST", path, has_body, about }
}

/// All paths.
pub static ENDPOINTS: &[Endpoint] = &[
    get("/v1/status", "the router as a whole"),
    get("/v1/interfaces", "the configured interfaces"),
    get("/v1/igmp", "IGMP on the interfaces"),
    get("/v1/groups", "what the hosts want"),
    get("/v1/flows", "the flows, with their counters"),
    get("/v1/clients", "the clients of the library, with their processes"),
    get("/v1/explain", "one flow, and why its packets do not go out"),
    get("/v1/proxies", "the upstreams of the IGMP proxy"),
    get("/v1/routes", "the static routes"),
    post("/v1/join", true, "adds a static membership"),
    post("/v1/leave", true, "removes a static membership"),
    post("/v1/reload", false, "reads the configuration file again"),
    post("/v1/log", true, "changes the level of the log"),
];

/// The path, if it exists and has this method.
pub(super) fn find(method: &str, path: &str) -> Result<&'static Endpoint, Failure> {
    let Some(endpoint) = ENDPOINTS.iter().find(|endpoint| endpoint.path == path) else {
        return Err(unknown(path));
    };
    if endpoint.method != method {
        let text = format!("{path} does not have the method {method}: use {}", endpoint.method);
        return Err(Failure::new(ErrorCode::WrongMethod, text));
    }
    Ok(endpoint)
}

/// The error for a path that does not exist. It lists all paths.
pub(super) fn unknown(path: &str) -> Failure {
    let paths = ENDPOINTS.iter().map(|e| format!("{} {}: {}", e.method, e.path, e.about));
    let text = format!("unknown path {path:?}: use one of the paths in \"details\"");
    Failure::new(ErrorCode::UnknownPath, text).with_details(paths.collect())
}
