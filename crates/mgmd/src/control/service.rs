//! The thread that serves all connections.

use super::connection::{Connection, Desk};
use super::explain::Explainers;
use super::limits::Limits;
use super::mailbox::{Asked, Outbox, Slot};
use super::socket::Peer;
use super::stop::Stop;
use crate::config::LogLevel;
use crate::log::Log;
use mgm_control::http::{failure_reply, Ending};
use mgm_control::{ErrorCode, Failure, Request};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::eventfd::EventFd;
use nix::sys::socket::{send, MsgFlags};
use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::SyncSender;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long no connection is accepted after an error, because the reason may persist: for
/// example, no descriptors are left.
const PAUSE: Duration = Duration::from_millis(200);

/// How long answers are sent before the other events are handled.
const TURN: Duration = Duration::from_millis(20);

/// How often a router that does not answer is logged.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The data of the thread.
#[derive(Debug)]
pub(super) struct Service {
    pub listener: UnixListener,
    pub connections: Vec<Connection>,
    /// The event loop.
    pub router: Outbox,
    /// The thread that lists the flows.
    pub flows: SyncSender<Asked>,
    /// The threads that explain flows.
    pub explainers: Explainers,
    /// Signalled when an answer is there, or the thread has
    /// to end.
    pub wake: Arc<EventFd>,
    /// The user that may make changes, in addition to root.
    pub user: u32,
    pub limits: Limits,
    pub stop: Stop,
    pub log: Arc<Log>,
}

/// What the thread remembers between its turns.
#[derive(Debug, Default)]
struct Memory {
    /// Until when no connection is accepted.
    resting: Option<Instant>,
    /// When a late answer was last logged.
    warned: Option<Instant>,
    /// How many were not logged since then.
    unlogged: u32,
}

impl Service {
    /// Serves the connections until it is told to stop.
    pub fn run(mut self) {
        let mut memory = Memory::default();
        let mut events = Vec::new();
        while !self.stop.is_raised() {
            if let Err(error) = self.wait(&memory, &mut events) {
                // Memory is short, or this file has a fault. Pause, so that the thread does not
                // spin.
                self.log(LogLevel::Warn, &format!("poll: {error}"));
                std::thread::sleep(PAUSE);
                continue;
            }
            self.wake.read().ok();
            let mut connections = std::mem::take(&mut self.connections);
            for (connection, events) in connections.iter_mut().zip(&events[2..]) {
                if !events.is_empty() {
                    connection.ready(*events, &self.limits.clone(), &mut self);
                }
            }
            self.send_answers(&mut connections);
            self.end_late(&mut connections, &mut memory);
            connections.retain(|connection| !connection.is_closed());
            // Another connection is first the next time, so that none is
            // always last.
            let first = usize::from(!connections.is_empty());
            connections.rotate_left(first);
            self.connections = connections;
            if !events[1].is_empty() {
                self.accept(&mut memory);
            }
        }
    }

    /// Waits until something happens. `events` then has the events of `wake`, the listener,
    /// and each connection, in this order.
    fn wait(&self, memory: &Memory, events: &mut Vec<PollFlags>) -> nix::Result<()> {
        let now = Instant::now();
        let resting = memory.resting.filter(|until| *until > now);
        let wanted = if resting.is_some() { PollFlags::empty() } else { PollFlags::POLLIN };
        let mut fds = vec![
            PollFd::new(self.wake.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), wanted),
        ];
        fds.extend(self.connections.iter().map(|one| PollFd::new(one.as_fd(), one.interest())));
        let deadlines = self.connections.iter().map(Connection::deadline).chain(resting);
        let timeout = match deadlines.min() {
            None => PollTimeout::NONE,
            // One more millisecond, because the time was rounded down.
            Some(end) => {
                let left = end.saturating_duration_since(now).as_millis() + 1;
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        };
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
        events.clear();
        events.extend(fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())));
        Ok(())
    }

    fn send_answers(&mut self, connections: &mut [Connection]) {
        let (limits, begun) = (self.limits, Instant::now());
        let mut unread: usize = connections.iter().map(Connection::unread).sum();
        for connection in connections {
            let before = connection.unread();
            connection.look_for_answer(limits.unread.saturating_sub(unread), &limits, self);
            unread = unread + connection.unread() - before;
            if begun.elapsed() > TURN {
                // The next turn handles the others.
                self.wake.write(1).ok();
                return;
            }
        }
    }

    fn end_late(&mut self, connections: &mut [Connection], memory: &mut Memory) {
        let now = Instant::now();
        for connection in connections {
            let Some(what) = connection.expire(now, &self.limits) else { continue };
            if memory.warned.is_some_and(|last| now < last + WARN_EVERY) {
                memory.unlogged += 1;
                continue;
            }
            let limit = self.limits.answer;
            let others = match std::mem::take(&mut memory.unlogged) {
                0 => String::new(),
                others => format!(" (and {others} earlier requests)"),
            };
            let text = format!("no answer to {what}{others} after {limit:?}: mgmd is busy");
            self.log(LogLevel::Warn, &text);
            memory.warned = Some(now);
        }
    }

    fn accept(&mut self, memory: &mut Memory) {
        memory.resting = None;
        // At most this many at once, so that the connections are served in between.
        for _ in 0..self.limits.connections {
            match self.listener.accept() {
                Ok((stream, _)) if self.connections.len() >= self.limits.connections => {
                    turn_away(&stream, self.limits.connections);
                }
                Ok((stream, _)) => match Connection::new(stream, &self.limits) {
                    Ok(connection) => self.connections.push(connection),
                    Err(error) => self.log(LogLevel::Debug, &error.to_string()),
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.log(LogLevel::Debug, &format!("accept: {error}"));
                    memory.resting = Some(Instant::now() + PAUSE);
                    return;
                }
            }
        }
    }
}

/// Sends an error to a connection that exceeds the limit. It is closed when the caller drops
/// it.
fn turn_away(stream: &UnixStream, most: usize) {
    let text = format!("there are {most} connections already: close one, or try again later");
    let bytes = failure_reply(Failure::new(ErrorCode::Busy, text), "", Ending::Close);
    // The buffer of a new connection is empty, so the answer fits.
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    send(stream.as_raw_fd(), &bytes, flags).ok();
}

impl Desk for Service {
    fn ask(&mut self, request: Request, peer: Option<Peer>) -> Result<Arc<Slot>, Failure> {
        if request.is_change() {
            self.permit(&request, peer)?;
        }
        let (asked, slot) = Asked::new(request, Arc::clone(&self.wake));
        let sent = match asked.request() {
            Request::Flows(_) => self.flows.try_send(asked).is_ok(),
            Request::Explain(_) => self.explainers.begin(asked),
            _ => self.router.send(asked).is_ok(),
        };
        if sent {
            return Ok(slot);
        }
        Err(Failure::new(ErrorCode::Busy, "too many requests wait for the router: try again later"))
    }
}

impl Service {
    fn log(&self, level: LogLevel, text: &str) {
        self.log.write(level, &format!("control socket: {text}"));
    }

    /// Only root and mgmd's own user may change the router.
    fn permit(&self, request: &Request, peer: Option<Peer>) -> Result<(), Failure> {
        let what = request.write();
        match peer {
            Some(Peer { user, process }) if user == 0 || user == self.user => {
                let text = format!("{what} by user {user} (process {process})");
                self.log(LogLevel::Info, &text);
                Ok(())
            }
            _ => {
                let text = "only root and mgmd's own user may change the router: use sudo";
                Err(Failure::new(ErrorCode::Forbidden, text))
            }
        }
    }
}
