//! A connection to mgmd, for programs that wait for the answers.

use crate::error::{ErrorAnswer, Failure};
use crate::http::{read_reply, write_request, HttpReply, ReplyError};
use crate::request::Request;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest answer that a client accepts.
const MAX_REPLY: usize = 64 << 20;

/// How long a client waits for an answer. mgmd itself waits at most 5 s for the router, and at most
/// 5 s for a client that reads slowly.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection. It is opened at the first request, and again after mgmd has closed it.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: Option<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no socket at the path, or no process listens at it.
    NotRunning(PathBuf),
    /// The user may not connect.
    NotPermitted(PathBuf),
    /// The connection broke, or mgmd did not answer in time.
    Io(PathBuf, io::Error),
    /// What was received is not an answer of mgmd.
    NotMgmd(PathBuf),
    /// mgmd refused the request.
    Refused(Failure),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NotRunning(path) => write!(
                f,
                "mgmd does not listen at {}: start mgmd, or name its socket with --socket",
                path.display()
            ),
            ClientError::NotPermitted(path) => write!(
                f,
                "no permission to connect to {}: run the command as root, or as a member of the \
                 group that owns the socket (mgm)",
                path.display()
            ),
            ClientError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            ClientError::NotMgmd(path) => write!(f, "{}: {ReplyError}", path.display()),
            ClientError::Refused(failure) => {
                f.write_str(&failure.message)?;
                failure.details.iter().try_for_each(|detail| write!(f, "\n  {detail}"))
            }
        }
    }
}

impl std::error::Error for ClientError {}

impl Client {
    /// A client of the mgmd that listens at `path`. Does not connect yet.
    #[must_use]
    pub fn new(path: &Path) -> Client {
        Client { path: path.into(), stream: None }
    }

    /// Sends a request, waits for its answer, and returns the JSON text.
    ///
    /// # Errors
    /// See [`ClientError`]. A change that ends with [`ClientError::Io`] may have been carried out.
    pub fn ask_json(&mut self, request: &Request) -> Result<String, ClientError> {
        let bytes = write_request(&request.write());
        // If mgmd has closed a connection that was used before, it has not read this request, so
        // the request is sent again.
        let reused = self.stream.is_some();
        let reply = match self.exchange(&bytes) {
            Err(ClientError::Io(_, error)) if reused && is_closed(&error) => {
                self.stream = None;
                self.exchange(&bytes)
            }
            other => other,
        };
        let reply = reply.inspect_err(|_| self.stream = None)?;
        if !reply.keep_alive {
            self.stream = None;
        }
        let not_mgmd = || ClientError::NotMgmd(self.path.clone());
        let text = String::from_utf8(reply.body).map_err(|_| not_mgmd())?;
        if reply.status == 200 {
            return Ok(text);
        }
        let answer: ErrorAnswer = serde_json::from_str(&text).map_err(|_| not_mgmd())?;
        Err(ClientError::Refused(answer.error))
    }

    /// Sends a request, waits for its answer, and parses it.
    ///
    /// # Errors
    /// As for [`Client::ask_json`].
    pub fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, ClientError> {
        let text = self.ask_json(request)?;
        serde_json::from_str(&text).map_err(|_| ClientError::NotMgmd(self.path.clone()))
    }

    fn connect(&mut self) -> Result<&mut UnixStream, ClientError> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => UnixStream::connect(&self.path).map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                    ClientError::NotRunning(self.path.clone())
                }
                ErrorKind::PermissionDenied => ClientError::NotPermitted(self.path.clone()),
                _ => ClientError::Io(self.path.clone(), error),
            })?,
        };
        Ok(self.stream.insert(stream))
    }

    fn exchange(&mut self, request: &[u8]) -> Result<HttpReply, ClientError> {
        let path = self.path.clone();
        let stream = self.connect()?;
        let end = Instant::now() + PATIENCE;
        // mgmd may refuse a user or one connection too many, without reading the request.
        let sent = write_all(stream, request, end);
        match (receive(stream, end), sent) {
            (Ok(Some(reply)), _) => Ok(reply),
            (Ok(None), _) => Err(ClientError::NotMgmd(path)),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(ClientError::Io(path, error)),
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
    )
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::Error::new(ErrorKind::TimedOut, "mgmd did not answer in time"));
    }
    Ok(left)
}

fn write_all(stream: &mut UnixStream, bytes: &[u8], end: Instant) -> io::Result<()> {
    stream.set_write_timeout(Some(left(end)?))?;
    stream.write_all(bytes)
}

/// The answer; `None` if the bytes are not one.
fn receive(stream: &mut UnixStream, end: Instant) -> io::Result<Option<HttpReply>> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 << 10]);
    loop {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(&mut piece) {
            Ok(0) if bytes.is_empty() => {
                let text = "mgmd has closed the connection";
                return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
            }
            Ok(0) => return Ok(None),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        match read_reply(&bytes) {
            Ok(None) if bytes.len() <= MAX_REPLY => {}
            Ok(None) | Err(ReplyError) => return Ok(None),
            Ok(reply) => return Ok(reply),
        }
    }
}
