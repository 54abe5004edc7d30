//! The file of the socket: creates it, and decides who may connect.

use super::lock::{self, Lock};
use crate::config::LogLevel;
use crate::log::Log;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::{chown, Group};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// How many connections the kernel accepts before this process does.
const BACKLOG: i32 = 64;

/// The process at the other end of a connection, when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its user.
    pub user: u32,
    /// Its number; 0 if it is in another PID namespace.
    pub process: i32,
}

/// The process at the other end; `None` if the kernel does not
/// report it.
pub(super) fn peer(connection: &impl AsFd) -> Option<Peer> {
    let known = getsockopt(connection, PeerCredentials).ok()?;
    Some(Peer { user: known.uid(), process: known.pid() })
}

/// What a user can do if the file is in the way.
const CURE: &str = "or set another path as \"control\" in [router]";

/// A listening socket. Dropping it removes its file.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Its device and inode, because another process may replace the file.
    node: (u64, u64),
    /// Dropped after the file is removed.
    _lock: Lock,
}

/// Listens at `path`. Root and the user of this process can connect. So can the members of the
/// group, if it exists and this process may use it.
///
/// # Errors
/// One line with the path, and what to do.
pub(super) fn listen(
    path: &Path,
    group: &str,
    log: &Log,
) -> Result<(UnixListener, SocketFile), String> {
    let lock = lock(path)?;
    make_way(path)?;
    let failed = |error: io::Error| not_created(path, &error);
    let listener = bind(path).map_err(failed)?;
    let meta = fs::symlink_metadata(path).map_err(failed)?;
    let file = SocketFile { path: path.into(), node: (meta.dev(), meta.ino()), _lock: lock };
    admit(path, group, log);
    Ok((listener, file))
}

/// A socket with a file that no other user can access yet.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    // Set before bind, which creates the file with the mode of the socket.
    let file = File::from(OwnedFd::from(socket));
    file.set_permissions(Permissions::from_mode(0o600))?;
    let socket = Socket::from(OwnedFd::from(file));
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(UnixListener::from(OwnedFd::from(socket)))
}

/// Lets the group connect.
fn admit(path: &Path, group: &str, log: &Log) {
    let only = "only root and mgmd's own user can use the control socket";
    let known = match Group::from_name(group) {
        Ok(Some(known)) => known,
        Ok(None) => return log.write(LogLevel::Info, &format!("no group {group}: {only}")),
        Err(error) => {
            let text = format!("the group {group} cannot be looked up: {error}: {only}");
            return log.write(LogLevel::Warn, &text);
        }
    };
    let admitted = chown(path, None, Some(known.gid))
        .map_err(io::Error::from)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o660)));
    if let Err(error) = admitted {
        let cure = format!("make mgmd's user a member of the group {group}");
        let text = format!("{}: group {group}: {error}: {only}: {cure}", path.display());
        log.write(LogLevel::Warn, &text);
    }
}

fn not_created(path: &Path, error: &io::Error) -> String {
    let cure = "use a directory that exists and that mgmd may write to";
    format!("{}: the control socket cannot be created: {error}: {cure}", path.display())
}

/// Takes the lock of the socket, which no other mgmd may have.
fn lock(path: &Path) -> Result<Lock, String> {
    match Lock::take(path) {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => {
            let probe = probe(path).map(|(probe, _)| probe);
            let holder = probe.map_or_else(|_| "another process".into(), |probe| holder(&probe));
            Err(format!("{}: {holder} uses it: stop that process, {CURE}", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(not_created(path, &error)),
        Err(error) => {
            let file = lock::path_of(path);
            Err(format!("{}: cannot be locked: {error}: remove it, {CURE}", file.display()))
        }
    }
}

/// Connects to the socket, and returns the result beside the probe.
fn probe(path: &Path) -> io::Result<(Socket, io::Result<()>)> {
    let probe = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    let connected = probe.connect(&SockAddr::unix(path)?);
    Ok((probe, connected))
}

/// Removes the file at the path if it is a socket on which no process listens. Any other
/// file is an error.
fn make_way(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let meta = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{shown}: {error}: let mgmd read it, {CURE}")),
        Ok(meta) => meta,
    };
    if !meta.file_type().is_socket() {
        return Err(format!("{shown}: the file exists and is not a socket: remove it, {CURE}"));
    }
    let failed = |error: io::Error| format!("{shown}: {error}: remove the file, {CURE}");
    let (probe, connected) = probe(path).map_err(failed)?;
    match connected {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(failed(error)),
        // If the backlog of the socket is full, a process listens, too, but the kernel does
        // not name it.
        _ => Err(format!("{shown}: {} listens there: stop that process, {CURE}", holder(&probe))),
    }
}

/// The process that listens at the other end.
fn holder(probe: &Socket) -> String {
    let process = peer(probe).map_or(0, |peer| peer.process);
    if process <= 0 {
        return "another process".into();
    }
    match fs::read_to_string(format!("/proc/{process}/comm")) {
        Ok(name) => format!("process {process} ({})", name.trim_end()),
        Err(_) => format!("process {process}"),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|meta| (meta.dev(), meta.ino()) == self.node);
        if ours {
            fs::remove_file(&self.path).ok();
        }
    }
}
