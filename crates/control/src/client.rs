//! A connection to mgmd, or to the status socket of a library, for programs that wait for the
//! answers.

use crate::error::{ErrorAnswer, Failure};
use crate::http::{read_reply, write_request, HttpReply, ReplyError};
use crate::request::Request;
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest answer of mgmd that a client accepts.
const MAX_REPLY: usize = 64 << 20;

/// The longest status of a library that a client accepts: that of 16 million MFEs.
const MAX_STATUS: usize = 4 << 30;

/// How a status socket answers to a path of mgmd.
const STATUS_SOCKET_ANSWER: &str = "valid paths: /status";

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
    NotPermitted(PathBuf, Permitted),
    /// The connection broke, or mgmd did not answer in time.
    Io(PathBuf, io::Error),
    /// What was received is not an answer of mgmd.
    NotMgmd(PathBuf),
    /// The status socket of a library listens there, which has another protocol:
    /// [`Client::library_status`].
    StatusSocket(PathBuf),
    /// mgmd refused the request.
    Refused(Failure),
}

/// Who may connect to a socket, by the mode of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permitted {
    /// Root, and the user that the router runs as.
    User,
    /// Also the members of the group that owns the file.
    Group,
    /// Root; the mode cannot be read.
    Unknown,
}

/// Which part of a library's status is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// With the memberships and flows.
    Whole,
    /// Without them.
    Summary,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NotRunning(path) => write!(
                f,
                "mgmd does not listen at {}: start mgmd, or name its socket with --socket",
                path.display()
            ),
            ClientError::NotPermitted(path, permitted) => write!(
                f,
                "no permission to connect to {}: run the command as root{}",
                path.display(),
                match permitted {
                    Permitted::User => ", or as the user that the router runs as",
                    Permitted::Group => {
                        ", or as a member of the group that owns the socket (mgm)"
                    }
                    Permitted::Unknown => "",
                }
            ),
            ClientError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            ClientError::NotMgmd(path) => write!(f, "{}: {ReplyError}", path.display()),
            ClientError::StatusSocket(path) => write!(
                f,
                "{} is a status socket, which answers only the commands status, flows, top and \
                 explain: name the control socket of mgmd with --socket",
                path.display()
            ),
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
        let reply = match self.exchange(&bytes, MAX_REPLY) {
            Err(ClientError::Io(_, error)) if reused && is_closed(&error) => {
                self.stream = None;
                self.exchange(&bytes, MAX_REPLY)
            }
            other => other,
        };
        let (status, text) = self.text_of(reply)?;
        if status == 200 {
            return Ok(text);
        }
        Err(match serde_json::from_str::<ErrorAnswer>(&text) {
            Ok(answer) => ClientError::Refused(answer.error),
            Err(_) if text.starts_with(STATUS_SOCKET_ANSWER) => {
                ClientError::StatusSocket(self.path.clone())
            }
            Err(_) => ClientError::NotMgmd(self.path.clone()),
        })
    }

    /// Reads the status of a library at its status socket, as JSON.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn library_status(&mut self, detail: Detail) -> Result<String, ClientError> {
        let path = match detail {
            Detail::Whole => "/status",
            Detail::Summary => "/summary",
        };
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        let reply = self.exchange(request.as_bytes(), MAX_STATUS);
        match self.text_of(reply)? {
            (200, text) => Ok(text),
            _ => Err(ClientError::NotMgmd(self.path.clone())),
        }
    }

    /// Reads the explanation of one flow by a library at its status socket, as JSON. `arrival` is
    /// the index of the interface on which its packets arrive.
    ///
    /// # Errors
    /// See [`ClientError`]. `StatusSocket`: the library is older than this request.
    pub fn library_explanation(
        &mut self,
        (source, group): (Ipv4Addr, Ipv4Addr),
        arrival: Option<u32>,
    ) -> Result<String, ClientError> {
        let arrival = arrival.map(|index| format!("/{index}")).unwrap_or_default();
        let request = format!("GET /explain/{source}/{group}{arrival} HTTP/1.0\r\n\r\n");
        let reply = self.exchange(request.as_bytes(), MAX_REPLY);
        match self.text_of(reply)? {
            (200, text) => Ok(text),
            (_, text) if text.starts_with(STATUS_SOCKET_ANSWER) => {
                Err(ClientError::StatusSocket(self.path.clone()))
            }
            _ => Err(ClientError::NotMgmd(self.path.clone())),
        }
    }

    /// The status and the text of a reply. Gives up the connection if it cannot be used again.
    fn text_of(
        &mut self,
        reply: Result<HttpReply, ClientError>,
    ) -> Result<(u16, String), ClientError> {
        let reply = reply.inspect_err(|_| self.stream = None)?;
        if !reply.keep_alive {
            self.stream = None;
        }
        let text = String::from_utf8(reply.body);
        Ok((reply.status, text.map_err(|_| ClientError::NotMgmd(self.path.clone()))?))
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
                ErrorKind::PermissionDenied => {
                    ClientError::NotPermitted(self.path.clone(), permitted(&self.path))
                }
                _ => ClientError::Io(self.path.clone(), error),
            })?,
        };
        Ok(self.stream.insert(stream))
    }

    fn exchange(&mut self, request: &[u8], most: usize) -> Result<HttpReply, ClientError> {
        let path = self.path.clone();
        let stream = self.connect()?;
        let end = Instant::now() + PATIENCE;
        // mgmd may refuse a user or one connection too many, without reading the request.
        let sent = write_all(stream, request, end);
        match (receive(stream, end, most), sent) {
            (Ok(Some(reply)), _) => Ok(reply),
            (Ok(None), _) => Err(ClientError::NotMgmd(path)),
            (Err(_), Err(error)) | (Err(error), Ok(())) => Err(ClientError::Io(path, error)),
        }
    }
}

fn permitted(socket: &Path) -> Permitted {
    match std::fs::metadata(socket) {
        // A connection needs the right to write.
        Ok(file) if file.mode() & 0o020 != 0 => Permitted::Group,
        Ok(_) => Permitted::User,
        Err(_) => Permitted::Unknown,
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

/// The answer; `None` if the bytes are not one, or more than `most`.
fn receive(stream: &mut UnixStream, end: Instant, most: usize) -> io::Result<Option<HttpReply>> {
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
            Ok(None) if bytes.len() <= most => {}
            Ok(None) | Err(ReplyError) => return Ok(None),
            Ok(reply) => return Ok(reply),
        }
    }
}
