//! Call connections: each carries one call at a time, and the calling thread reads the answer.

use super::pool::{Pool, Pooled};
use crate::frame::{frame, FrameReader, LONGEST_TO_CLIENT};
use crate::hello::{greeting, read_greeting, Hello, Version, Welcome, VERSION};
use crate::messages::{decode, Answer, Call};
use crate::polling::Polling;
use crate::wire::Wire;
use mgm_linux::channel::Connection;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How many calls can be under way at a time. Further threads take turns.
const MOST: usize = 60;

/// How long a router may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// There is room for at least so many bytes when the thread reads.
const PIECE: usize = 64 << 10;

/// A connection on which the greeting is over.
pub(super) struct Channel {
    pub connection: Arc<Connection>,
    reader: FrameReader,
    out: Vec<u8>,
    polling: Polling,
    /// The version that both sides speak.
    pub version: Version,
}

/// What the router has said in its greeting.
pub(super) struct Greeted {
    pub session: u64,
    pub token: u64,
}

impl Channel {
    /// Connects, and says who this is.
    pub fn open(path: &Path, hello: &Hello) -> io::Result<(Channel, Greeted)> {
        let connection = Arc::new(Connection::open(path)?);
        let reader = FrameReader::new(LONGEST_TO_CLIENT);
        let (out, polling) = (Vec::new(), Polling::default());
        let mut channel = Channel { connection, reader, out, polling, version: VERSION };
        channel.connection.set_patience(Some(PATIENCE))?;
        frame(&mut channel.out, |to| to.extend_from_slice(&greeting(hello)));
        channel.connection.send_all(&channel.out)?;
        let refused = |why: String| io::Error::new(ErrorKind::ConnectionRefused, why);
        let (version, welcome) =
            channel.read(read_greeting::<Welcome>)?.map_err(|bad| refused(bad.to_string()))?;
        channel.version = version;
        channel.connection.set_patience(None)?;
        match welcome {
            Welcome::Welcome { session, token, .. } => Ok((channel, Greeted { session, token })),
            Welcome::Refused { why } => Err(refused(why)),
        }
    }

    /// Makes a call and waits for the answer.
    pub fn call(&mut self, call: &Call) -> io::Result<Answer> {
        self.send(call)?;
        self.receive()
    }

    /// Makes a call, whose answer [`receive`](Channel::receive) returns.
    pub fn send(&mut self, call: &Call) -> io::Result<()> {
        self.out.clear();
        frame(&mut self.out, |to| call.put(to));
        self.connection.send_all(&self.out)
    }

    /// Waits for the answer to a call.
    pub fn receive(&mut self) -> io::Result<Answer> {
        self.read(decode::<Answer>)?.map_err(io::Error::other)
    }

    /// Reads the next message.
    pub fn read<R>(&mut self, with: impl FnOnce(&[u8]) -> R) -> io::Result<R> {
        loop {
            if let Some(message) = self.reader.take().map_err(io::Error::other)? {
                return Ok(with(message));
            }
            match self.receive_bytes()? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.reader.added(count),
            }
        }
    }

    /// Reads bytes that have arrived. While the router answers, the thread polls, if that pays.
    fn receive_bytes(&mut self) -> io::Result<usize> {
        let Channel { connection, reader, polling, .. } = self;
        let piece = reader.room(PIECE);
        let polled = polling.poll(|| match connection.receive_at_once(piece) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            other => Some(other),
        });
        match polled {
            Some(Err(error)) if error.kind() != ErrorKind::Interrupted => Err(error),
            Some(Ok(count)) => Ok(count),
            _ => connection.receive(piece),
        }
    }

    /// Bytes that have arrived after the greeting.
    pub fn into_parts(self) -> (Arc<Connection>, FrameReader) {
        (self.connection, self.reader)
    }
}

impl Pooled for Channel {
    type Handle = Arc<Connection>;

    fn handle(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    fn end(connection: &Arc<Connection>) {
        connection.shut_down();
    }
}

/// The call connections of this process.
pub(super) type Channels = Pool<Channel, MOST>;
