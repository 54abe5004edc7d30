//! One connection to a client process: what has arrived, and what waits to be sent.

use super::listing::Listing;
use crate::frame::{frame, FrameReader, Oversized, KEPT, LONGEST_TO_ROUTER};
use mgm_linux::channel::{Connection, Poller};
use std::io::{self, ErrorKind};
use std::time::Instant;

/// How many bytes are read at a time.
const PIECE: usize = 64 << 10;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It has not said yet.
    New,
    /// The event connection of this session.
    Events(u64),
    /// A call connection of this session.
    Calls(u64),
}

/// A connection.
pub(super) struct Link {
    connection: Connection,
    /// The user at the other end; `None` if the system does not say.
    pub user: Option<u32>,
    pub role: Role,
    reader: FrameReader,
    /// Whether `take` has returned a message since it last returned none.
    has_taken: bool,
    /// Messages wait that were not taken, so that others are served: nothing is read meanwhile.
    pub is_behind: bool,
    /// What waits to be sent.
    out: Vec<u8>,
    sent: usize,
    /// What the poller waits for: reading, writing.
    waits: (bool, bool),
    /// No further message is taken before the answer to the last one is known.
    pub is_busy: bool,
    /// Closed as soon as everything is sent.
    pub is_closing: bool,
    /// When it was accepted, and since when half a message waits.
    pub since: Instant,
    /// The listing of MFEs of which more is to be sent.
    pub listing: Option<Listing>,
    /// The rest of a text that is being read.
    pub text: Vec<u8>,
    pub text_at: usize,
    /// When a part of it was last sent. Other messages of the process do not change that.
    pub text_since: Instant,
}

impl Link {
    pub fn new(connection: Connection) -> Link {
        let user = connection.peer().ok().map(|peer| peer.uid);
        Link {
            connection,
            user,
            role: Role::New,
            reader: FrameReader::new(LONGEST_TO_ROUTER),
            has_taken: false,
            is_behind: false,
            out: Vec::new(),
            sent: 0,
            waits: (true, false),
            is_busy: false,
            is_closing: false,
            since: Instant::now(),
            listing: None,
            text: Vec::new(),
            text_at: 0,
            text_since: Instant::now(),
        }
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Reads what has arrived. False at the end of the stream.
    pub fn read(&mut self, piece: &mut Vec<u8>) -> bool {
        piece.resize(PIECE, 0);
        match self.connection.receive(piece) {
            Ok(0) => false,
            Ok(count) => {
                if !self.reader.is_partial() {
                    self.since = Instant::now();
                }
                self.reader.add(&piece[..count]);
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }

    /// The next message that has arrived. If part of another one is left after the last, its time
    /// begins now. If a process sends without a pause, part of a message always waits, but each time
    /// of another message.
    ///
    /// # Errors
    /// `Oversized`.
    pub fn take(&mut self) -> Result<Option<&[u8]>, Oversized> {
        let taken = self.reader.take();
        match taken {
            Ok(Some(_)) => self.has_taken = true,
            Ok(None) if std::mem::take(&mut self.has_taken) => self.since = Instant::now(),
            _ => {}
        }
        taken
    }

    /// Whether the process has sent half a message, and the router would read the rest.
    pub fn is_half(&self) -> bool {
        self.role == Role::New || (self.is_ready() && !self.is_behind && self.reader.is_partial())
    }

    /// The answer to the last message is known. Half a message that has arrived meanwhile has its time
    /// from now on, because the router has not read the rest.
    pub fn becomes_ready(&mut self) {
        self.is_busy = false;
        self.since = Instant::now();
    }

    /// Whether nothing waits to be sent.
    pub fn is_drained(&self) -> bool {
        self.sent == self.out.len()
    }

    /// Sends a message, or keeps it until there is room.
    pub fn send(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        frame(&mut self.out, put);
    }

    /// As [`Link::send`], but `put` may fail: then nothing is sent.
    pub fn try_send(&mut self, put: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let (length, mut is_whole) = (self.out.len(), false);
        frame(&mut self.out, |to| is_whole = put(to));
        if !is_whole {
            self.out.truncate(length);
        }
        is_whole
    }

    /// Takes frames to be sent, if nothing waits. The buffer is empty afterwards.
    pub fn fill(&mut self, bytes: &mut Vec<u8>) {
        debug_assert!(self.is_drained(), "frames would get lost");
        std::mem::swap(&mut self.out, bytes);
        empty(bytes);
        self.sent = 0;
    }

    /// Whether the next message may be taken. On a call connection, one call is made at a time, and
    /// the next one only when the process has read the answer. So a process that does not read its
    /// answers uses no memory.
    pub fn is_ready(&self) -> bool {
        let is_call = matches!(self.role, Role::Calls(_));
        !self.is_busy && !self.is_closing && (!is_call || self.is_drained())
    }

    /// Sends what waits, as far as there is room. False if the connection is broken.
    pub fn flush(&mut self, token: u64, poller: &Poller) -> bool {
        while !self.is_drained() {
            match self.connection.send(&self.out[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        if self.is_drained() {
            empty(&mut self.out);
            self.sent = 0;
        }
        self.wait(token, poller).is_ok()
    }

    /// Tells the poller what to wait for.
    fn wait(&mut self, token: u64, poller: &Poller) -> io::Result<()> {
        let waits = (self.is_ready(), !self.is_drained());
        if self.waits != waits {
            self.waits = waits;
            poller.change(&self.connection, token, waits.0, waits.1)?;
        }
        Ok(())
    }
}

/// Empties a buffer, which then has little memory: it may have been that of a burst of callbacks or
/// of a long text.
fn empty(bytes: &mut Vec<u8>) {
    bytes.clear();
    if bytes.capacity() > KEPT {
        *bytes = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_linux::channel::{Access, Listener};
    use std::time::Duration;

    const LONG: usize = 1 << 20;

    /// A connection, and the end of the process.
    fn connected(name: &str) -> (Link, Connection) {
        let path = std::env::temp_dir().join(format!("mgm-link-{name}-{}", std::process::id()));
        let listener = Listener::open(&path, Access::OWN).unwrap();
        let process = Connection::open(&path).unwrap();
        (Link::new(listener.accept().unwrap().expect("it has connected")), process)
    }

    #[test]
    fn t9_11_half_a_message_has_its_time_from_its_beginning() {
        let (mut link, process) = connected("half");
        link.role = Role::Events(1);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let mut message = Vec::new();
        frame(&mut message, |to| to.extend_from_slice(&[7; 20]));
        // Each read ends within another message.
        let send = |link: &mut Link, bytes: &[u8]| {
            process.send_all(bytes).unwrap();
            link.since = long_ago;
            assert!(link.read(&mut Vec::new()));
            let mut count = 0;
            while link.take().unwrap().is_some() {
                count += 1;
            }
            (count, link.is_half(), link.since > long_ago)
        };
        let (half, rest) = message.split_at(10);
        let next = [rest, half].concat();
        assert_eq!(send(&mut link, half), (0, true, true), "it begins");
        assert_eq!(send(&mut link, &next), (1, true, true), "the former one has ended");
        assert_eq!(send(&mut link, &next), (1, true, true), "so has that one");
        assert_eq!(send(&mut link, &rest[..5]), (0, true, false), "it has begun before");
        assert_eq!(send(&mut link, &rest[5..6]), (0, true, false), "it goes on slowly");
        assert_eq!(send(&mut link, &rest[6..]), (1, false, true));
        assert_eq!(send(&mut link, &message), (1, false, true));
        // While the router makes a call, it reads nothing, so this is not the fault of the process.
        link.role = Role::Calls(1);
        (link.is_busy, link.since) = (true, long_ago);
        link.becomes_ready();
        assert!(link.since > long_ago && link.is_ready());
    }

    #[test]
    fn t9_11_a_buffer_keeps_little_memory_when_everything_is_sent() {
        let ((mut link, process), poller) = (connected("memory"), Poller::new().unwrap());
        poller.add(link.connection(), 1).unwrap();
        let send = |link: &mut Link, length: usize| {
            let (mut left, mut piece) = (length, vec![0; PIECE]);
            while left > 0 {
                assert!(link.flush(1, &poller));
                left -= process.receive(&mut piece).unwrap();
            }
            assert!(link.flush(1, &poller) && link.is_drained());
        };
        link.send(|to| to.resize(to.len() + 1000, 0));
        send(&mut link, 1004);
        let small = link.out.capacity();
        assert!((1004..=KEPT).contains(&small), "a small buffer is used again: {small}");
        link.send(|to| to.resize(to.len() + LONG, 0));
        send(&mut link, LONG + 4);
        assert_eq!(link.out.capacity(), 0);
        // The same for the buffer that the thread gets back.
        link.out.reserve(LONG);
        let mut events = vec![0; LONG];
        link.fill(&mut events);
        assert_eq!(events.capacity(), 0);
        send(&mut link, LONG);
        assert_eq!(link.out.capacity(), 0);
    }
}
