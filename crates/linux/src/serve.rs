//! The status socket, which MGM_STATUS_SOCKET or MgmHostServeStatus opens. docs/status.md
//! documents its answers.
//!
//! Not a crate such as tiny_http: those bring threads of their own, which a fork and MgmHostStop
//! would have to know, and of HTTP there is one request line to read and one fixed head to write.
//!
//! Serves one connection at a time. A connection lasts at most 10 s (`PATIENCE`), however slow
//! the client is, and ends soon after the socket is closed.

use crate::fork::{self, GuardedFd};
use crate::sys::{self, StopSignal, WaitEnd};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A client that sends nothing for this time gets the JSON text.
const SILENCE: Duration = Duration::from_millis(200);
/// The longest time that a connection may last. A million MFEs take some 2 s.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the thread checks whether it must stop.
const STEP: Duration = Duration::from_millis(250);
/// The pause after an error, which may persist.
const PAUSE: Duration = Duration::from_millis(100);
/// A longer request is not a valid one.
const LONGEST: usize = 8192;
/// The number of bytes sent at a time: so few that the kernel waits for room only once, because
/// the time limit applies to each wait.
const PIECE: usize = 16 << 10;

/// Makes the answers.
pub trait Responder {
    /// The answer to what the client says: a line, or the head of an HTTP request, or nothing.
    fn reply(&self, request: &str) -> String;

    /// Called after a connection, to deliver its log messages.
    fn answered(&self) {}
}

/// A socket that listens at a path. Dropping it removes its file, but not in a forked child.
#[derive(Debug)]
pub(crate) struct PathListener {
    path: PathBuf,
    /// Device and inode, because another program may have replaced the file meanwhile.
    node: (u64, u64),
    pub(crate) socket: GuardedFd,
}

impl PathListener {
    /// Listens at `path`, and replaces a socket that a terminated router has left there. Only the
    /// user can connect. `backlog` connections can wait to be accepted.
    pub(crate) fn open(path: &Path, backlog: i32) -> io::Result<PathListener> {
        make_way(path)?;
        let socket = listen(path, backlog)?;
        let meta = fs::symlink_metadata(path)?;
        Ok(PathListener { path: path.into(), node: (meta.dev(), meta.ino()), socket })
    }
}

impl Drop for PathListener {
    fn drop(&mut self) {
        if fork::is_child() {
            return;
        }
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|meta| (meta.dev(), meta.ino()) == self.node);
        if ours {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// The socket. Dropping it removes its file.
#[derive(Debug)]
pub struct StatusServer(PathListener);

impl StatusServer {
    /// Listens at `path`, and replaces a socket that a terminated router has left there. On a file
    /// system that does not respond this never returns, nor does dropping the socket.
    pub fn open(path: &Path) -> io::Result<StatusServer> {
        PathListener::open(path, 16).map(StatusServer)
    }

    /// Serves connections until `stop` is raised.
    pub fn serve(&self, stop: &StopSignal, responder: &impl Responder) {
        serve(&self.0.socket, stop, responder);
    }
}

/// Removes a socket on which no process listens, and nothing else.
fn make_way(path: &Path) -> io::Result<()> {
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !meta.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "the file exists and is not a socket",
        ));
    }
    let probe = socket()?;
    // If the backlog is full, connect returns an error instead of waiting.
    match SockRef::from(&probe).connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another router listens on it")),
    }
}

/// A socket whose file, if it gets one, only its user can access.
fn socket() -> io::Result<GuardedFd> {
    // Forks wait for this closure, so it must not look up a path.
    GuardedFd::open(|| {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        // Before bind, which creates the file with the mode of the socket, so that other users can
        // never access it.
        let file = File::from(OwnedFd::from(socket));
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(OwnedFd::from(file))
    })
}

/// A listening socket that only this user, and root, can connect to.
fn listen(path: &Path, backlog: i32) -> io::Result<GuardedFd> {
    let socket = socket()?;
    let listener = SockRef::from(&socket);
    listener.bind(&SockAddr::unix(path)?)?;
    listener.listen(backlog)?;
    Ok(socket)
}

/// The main function of the thread.
fn serve(listener: &GuardedFd, stop: &StopSignal, responder: &impl Responder) {
    loop {
        match sys::wait(Some(listener), stop, None) {
            WaitEnd::Stop => return,
            WaitEnd::Timeout => {}
            WaitEnd::Readable => {
                let accepted = GuardedFd::open(|| Ok(SockRef::from(listener).accept()?.0));
                match accepted {
                    Ok(client) => sys::shield("a request for the status", || {
                        let deadline = Deadline::after(PATIENCE, stop);
                        if let Err(error) = answer(&client, deadline, responder) {
                            log::debug!("status socket: {error}");
                        }
                        responder.answered();
                    }),
                    Err(_) => {
                        if sys::wait(None::<&GuardedFd>, stop, Some(PAUSE)) == WaitEnd::Stop {
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// The end of a connection, whatever the client does.
#[derive(Clone, Copy)]
struct Deadline<'a> {
    end: Instant,
    stop: &'a StopSignal,
}

impl Deadline<'_> {
    fn after(patience: Duration, stop: &StopSignal) -> Deadline<'_> {
        Deadline { end: Instant::now() + patience, stop }
    }

    /// How long the next step may take; an error if the time is over or `stop` is raised.
    fn left(self) -> io::Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "the other side dawdles"));
        }
        match sys::wait(None::<&GuardedFd>, self.stop, Some(Duration::ZERO)) {
            WaitEnd::Stop => Err(io::Error::new(ErrorKind::Interrupted, "it is to stop")),
            _ => Ok(left.min(STEP)),
        }
    }
}

fn answer(
    client: &GuardedFd,
    deadline: Deadline<'_>,
    responder: &impl Responder,
) -> io::Result<()> {
    let socket = SockRef::from(client);
    let reply = responder.reply(&request(&socket, deadline)?);
    send(&socket, deadline, reply.as_bytes())
}

/// The request: a line, or the head of an HTTP request, or nothing.
fn request(mut socket: &Socket, deadline: Deadline<'_>) -> io::Result<String> {
    let (mut said, mut piece) = (Vec::new(), [0; 1024]);
    while said.len() < LONGEST {
        socket.set_read_timeout(Some(SILENCE.min(deadline.left()?)))?;
        match socket.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                deadline.left()?; // an error if the time of the connection is over
                break;
            }
            Err(error) => return Err(error),
        }
        let http = said.starts_with(b"GET ");
        let end: &[u8] = if http { b"\r\n\r\n" } else { b"\n" };
        if said.windows(end.len()).any(|window| window == end) {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn send(socket: &Socket, deadline: Deadline<'_>, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        socket.set_write_timeout(Some(deadline.left()?))?;
        let piece = &rest[..rest.len().min(PIECE)];
        // Without SIGPIPE, which the program may not expect.
        match socket.send_with_flags(piece, libc::MSG_NOSIGNAL) {
            Ok(sent) => rest = &rest[sent..],
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
