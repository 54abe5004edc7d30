//! One connection: it waits for a request, for the answer, or until the client has read it.

use super::limits::Limits;
use super::mailbox::Slot;
use super::socket::{self, Peer};
use mgm_control::http::{failure_reply, read_request, reply, Ending, HttpRequest, MAX_REQUEST};
use mgm_control::{ErrorCode, Failure, Request, Versioned};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{send, MsgFlags};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

/// How many bytes are read at a time.
const PIECE: usize = 16 << 10;

/// What a connection waits for.
#[derive(Debug)]
enum Phase {
    /// The first byte of a request.
    Idle,
    /// The rest of a request.
    Reading,
    /// The answer of the router.
    Waiting(Waiting),
    /// The client, until it has read the answer.
    Writing { bytes: Vec<u8>, sent: usize, ending: Ending },
    /// Nothing: it is to be closed.
    Closed,
}

/// A request that the router has.
#[derive(Debug)]
struct Waiting {
    slot: Arc<Slot>,
    ending: Ending,
    /// The method and the path, for the log.
    what: String,
}

/// What the rest of the service does for a connection.
pub(super) trait Desk {
    /// Passes a request on. The connection then waits for its answer.
    fn ask(&mut self, request: Request, peer: Option<Peer>) -> Result<Arc<Slot>, Failure>;
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    peer: Option<Peer>,
    phase: Phase,
    /// The bytes that have arrived after the last complete request.
    input: Vec<u8>,
    /// The client has sent its last byte.
    ended: bool,
    /// When the phase ends if nothing happens before.
    deadline: Instant,
}

impl Connection {
    /// A connection that was accepted just now.
    pub fn new(stream: UnixStream, limits: &Limits) -> io::Result<Connection> {
        stream.set_nonblocking(true)?;
        let peer = socket::peer(&stream);
        let (phase, input, ended) = (Phase::Idle, Vec::new(), false);
        let deadline = Instant::now() + limits.request;
        Ok(Connection { stream, peer, phase, input, ended, deadline })
    }

    /// The events that `poll` has to report. It always reports that a client has
    /// closed the connection.
    pub fn interest(&self) -> PollFlags {
        match self.phase {
            Phase::Idle | Phase::Reading => PollFlags::POLLIN,
            Phase::Writing { .. } => PollFlags::POLLOUT,
            Phase::Waiting(_) | Phase::Closed => PollFlags::empty(),
        }
    }

    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// How many bytes of an answer the client has not read yet.
    pub fn unread(&self) -> usize {
        match &self.phase {
            Phase::Writing { bytes, sent, .. } => bytes.len() - sent,
            _ => 0,
        }
    }

    /// Reads or sends as much as is possible after `poll` has reported these events.
    pub fn ready(&mut self, events: PollFlags, limits: &Limits, desk: &mut impl Desk) {
        match self.phase {
            Phase::Idle | Phase::Reading => {
                self.read();
                self.advance(limits, desk);
            }
            Phase::Writing { .. } => {
                self.send(limits);
                self.advance(limits, desk);
            }
            // The client has closed its end, so it would not read the
            // answer.
            Phase::Waiting(_) if !events.is_empty() => self.close(),
            Phase::Waiting(_) | Phase::Closed => {}
        }
    }

    /// Sends the answer of the router, if it is there. `room` is how many bytes the answer may
    /// have.
    pub fn look_for_answer(&mut self, room: usize, limits: &Limits, desk: &mut impl Desk) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        let Some(outcome) = waiting.slot.fetch() else { return };
        let ending = waiting.ending;
        let bytes = match outcome {
            Ok(answer) => reply(&Versioned::new(answer).to_json(), ending),
            Err(failure) => failure_reply(failure, "", ending),
        };
        if bytes.len() > room {
            let text = "too many answers wait for clients that do not read them: try again later";
            self.refuse(Failure::new(ErrorCode::Busy, text), "", ending, limits);
        } else {
            self.write(bytes, ending, limits);
        }
        self.send(limits);
        self.advance(limits, desk);
    }

    /// Ends the present phase if its deadline has passed. Returns the request if the router is
    /// late with the answer.
    pub fn expire(&mut self, now: Instant, limits: &Limits) -> Option<String> {
        if now < self.deadline {
            return None;
        }
        match &self.phase {
            Phase::Idle | Phase::Writing { .. } | Phase::Closed => self.close(),
            Phase::Reading => {
                let text = format!("the request was not complete after {:?}", limits.request);
                let failure = Failure::new(ErrorCode::RequestTimeout, text);
                self.refuse(failure, "", Ending::Close, limits);
                self.send(limits);
            }
            Phase::Waiting(Waiting { slot, ending, what }) => {
                let (ending, what) = (*ending, what.clone());
                let begun = if slot.withdraw() {
                    "it has not begun and will not carry out the request"
                } else {
                    "it has begun, and may carry out the request later"
                };
                let text = format!("the router did not answer after {:?}: {begun}", limits.answer);
                self.refuse(Failure::new(ErrorCode::Timeout, text), "", ending, limits);
                self.send(limits);
                return Some(what);
            }
        }
        None
    }

    fn close(&mut self) {
        if let Phase::Waiting(waiting) = &self.phase {
            waiting.slot.withdraw();
        }
        self.phase = Phase::Closed;
    }

    /// Reads once, so that a client that sends fast does not delay the others.
    fn read(&mut self) {
        let mut piece = [0; PIECE];
        let room = MAX_REQUEST.saturating_sub(self.input.len()).min(PIECE);
        match self.stream.read(&mut piece[..room]) {
            Ok(0) => self.ended = true,
            Ok(count) => self.input.extend_from_slice(&piece[..count]),
            Err(error) if is_temporary(&error) => {}
            Err(_) => self.close(),
        }
    }

    /// Handles the requests that have arrived, until one has to wait for its answer.
    fn advance(&mut self, limits: &Limits, desk: &mut impl Desk) {
        while matches!(self.phase, Phase::Idle | Phase::Reading) {
            match read_request(&self.input) {
                Ok(Some(request)) => {
                    self.input.drain(..request.length);
                    self.handle(request, limits, desk);
                }
                // It is not known where the next request would begin.
                Err(failure) => self.refuse(failure, "", Ending::Close, limits),
                Ok(None) if self.ended => return self.close(),
                Ok(None) if self.input.is_empty() => return,
                Ok(None) => {
                    if matches!(self.phase, Phase::Idle) {
                        self.phase = Phase::Reading;
                        self.deadline = Instant::now() + limits.request;
                    }
                    return;
                }
            }
            self.send(limits);
        }
    }

    fn handle(&mut self, http: HttpRequest, limits: &Limits, desk: &mut impl Desk) {
        let ending = if http.keep_alive { Ending::KeepAlive } else { Ending::Close };
        let asked = Request::read(&http.method, &http.target, &http.body)
            .and_then(|request| desk.ask(request, self.peer));
        match asked {
            Ok(slot) => {
                let what = format!("{} {}", http.method, http.target);
                self.phase = Phase::Waiting(Waiting { slot, ending, what });
                self.deadline = Instant::now() + limits.answer;
            }
            Err(failure) => self.refuse(failure, &http.target, ending, limits),
        }
    }

    fn refuse(&mut self, failure: Failure, target: &str, ending: Ending, limits: &Limits) {
        self.write(failure_reply(failure, target, ending), ending, limits);
    }

    fn write(&mut self, bytes: Vec<u8>, ending: Ending, limits: &Limits) {
        self.phase = Phase::Writing { bytes, sent: 0, ending };
        self.deadline = Instant::now() + limits.reading;
    }

    /// Sends as much of the answer as the kernel takes.
    fn send(&mut self, limits: &Limits) {
        let Phase::Writing { bytes, sent, ending } = &mut self.phase else { return };
        while *sent < bytes.len() {
            // MSG_NOSIGNAL: if the client has closed the connection, the result is
            // an error, not SIGPIPE.
            let fd = self.stream.as_raw_fd();
            match send(fd, &bytes[*sent..], MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => *sent += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return,
                Err(_) => return self.close(),
            }
        }
        if *ending == Ending::Close {
            return self.close();
        }
        self.phase = Phase::Idle;
        self.deadline = Instant::now() + limits.request;
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}
