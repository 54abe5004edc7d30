//! The control socket with a router that the tests play.

mod file;
mod hostile;
mod requests;

use super::*;
use crate::log::Log;
use mgm_control::changes::{LogLevelChanged, MembershipChanged};
use mgm_control::client::Client;
use mgm_control::groups::{FilterMode, Group, Groups};
use mgm_control::request::{GroupKey, GroupsQuery, LogLevel};
use mgm_control::{ErrorCode, PageBuilder, Request};
use nix::poll::{poll, PollFd, PollFlags};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A path that no other test uses.
fn some_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("mgmd-control-{}-{number}", std::process::id()))
}

/// Longer than anything here takes, however busy the machine is.
const LONG: Duration = Duration::from_secs(30);

/// The usual options, with limits that no test reaches unless it sets another one.
fn options() -> Options {
    let status = Box::new(|| Ok(r#"{"mfes":[]}"#.to_owned()));
    let explain: ExplainReader = Arc::new(|_, _| Err("the tests have no library".into()));
    let log = Arc::new(Log::new(crate::config::LogLevel::Off));
    let limits = Limits { request: LONG, answer: LONG, reading: LONG, ..Limits::default() };
    Options {
        limits,
        group: "no such group".into(),
        ..Options::new(some_path(), status, explain, log)
    }
}

/// A socket, and an event loop that answers its requests.
struct Router {
    server: Option<Server>,
    path: PathBuf,
    /// While it is set, the event loop takes no requests.
    busy: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    /// The changes that were carried out.
    thread: Option<JoinHandle<Vec<Request>>>,
}

impl Router {
    fn start(options: Options) -> Router {
        let path = options.path.clone();
        let (server, inbox) = Server::open(options).expect("the socket opens");
        let (busy, stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let flags = (Arc::clone(&busy), Arc::clone(&stop));
        let thread = std::thread::spawn(move || event_loop(inbox, &flags.0, &flags.1));
        Router { server: Some(server), path, busy, stop, thread: Some(thread) }
    }

    fn client(&self) -> Client {
        Client::new(&self.path)
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.path).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("a time limit");
        stream
    }

    /// Stops everything, and returns the changes that were carried out.
    fn stop(mut self) -> Vec<Request> {
        self.end()
    }

    fn end(&mut self) -> Vec<Request> {
        self.stop.store(true, Ordering::SeqCst);
        self.server = None;
        self.thread.take().map(|thread| thread.join().expect("the loop ends")).unwrap_or_default()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.end();
    }
}

fn event_loop(mut inbox: Inbox, busy: &AtomicBool, stop: &AtomicBool) -> Vec<Request> {
    let mut changes = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let mut fds = [PollFd::new(inbox.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, 10u8).expect("it polls");
        if busy.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        while let Some(asked) = inbox.receive() {
            let outcome = answer(asked.request());
            if asked.request().is_change() {
                changes.push(asked.request().clone());
            }
            asked.answer(outcome);
        }
    }
    changes
}

fn answer(request: &Request) -> Outcome {
    match request {
        Request::Groups(query) => Ok(Answer::Groups(groups(query))),
        Request::Join(membership) | Request::Leave(membership) => {
            let membership = membership.clone();
            Ok(Answer::Membership(MembershipChanged { membership, changed: true }))
        }
        Request::LogLevel(level) => {
            Ok(Answer::LogLevel(LogLevelChanged { before: LogLevel::Info, level: *level }))
        }
        Request::Proxies => Ok(Answer::Proxies(Default::default())),
        other => Err(Failure::new(ErrorCode::NotFound, format!("no {}", other.write()))),
    }
}

/// 20,000 groups with 3 sources each.
fn groups(query: &GroupsQuery) -> Groups {
    const FIRST: u32 = 0xef01_0000; // 239.1.0.0
    let next = |key: &GroupKey| u32::from(key.group) + 1;
    let first = query.page.after.as_ref().map_or(FIRST, next);
    let source = mgm_control::groups::Source {
        source: std::net::Ipv4Addr::new(10, 0, 0, 1),
        forwarded: true,
        expires_in_ms: Some(1),
    };
    let mut page = PageBuilder::new(query.page.limit);
    for group in first..FIRST + 20_000 {
        let group = Group {
            interface: "eth1".into(),
            index: 3,
            group: group.into(),
            mode: FilterMode::Include,
            expires_in_ms: None,
            sources: vec![source; 3],
            static_memberships: Vec::new(),
            v1_host_present_ms: None,
            v2_host_present_ms: None,
            hosts_known: None,
            host_count: None,
            hosts: None,
        };
        let parts = group.parts();
        if !page.push(group, parts) {
            break;
        }
    }
    let (groups, more) = page.finish();
    let last = groups.last().filter(|_| more);
    let next = last.map(|group| format!("{}/{}", group.interface, group.group));
    Groups { groups, next }
}

/// Asks until there is an answer: the server may not yet have noticed that connections are closed, or
/// the event loop that it is no longer busy.
fn answered_in_the_end(router: &Router, request: &Request) {
    let end = Instant::now() + LONG;
    while let Err(error) = router.client().ask_json(request) {
        assert!(Instant::now() < end, "{error}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The same with the list of flows, which does not need the event loop.
fn served_in_the_end(router: &Router) {
    answered_in_the_end(router, &Request::Flows(Default::default()));
}

/// All that the socket sends until it closes.
fn rest(stream: &mut UnixStream) -> String {
    let mut text = Vec::new();
    // A connection that is closed while bytes of ours are unread ends with an error.
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// One answer, with its head.
fn one_reply(stream: &mut UnixStream) -> mgm_control::http::HttpReply {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    loop {
        stream.read_exact(&mut byte).expect("an answer in time");
        bytes.push(byte[0]);
        if let Some(reply) = mgm_control::http::read_reply(&bytes).expect("HTTP") {
            return reply;
        }
    }
}
