//! Connections between a router and its client processes: UNIX stream sockets, and waiting for many
//! of them.

use crate::fork::{self, Guarded, GuardedFd};
use crate::serve::PathListener;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{getrlimit, setrlimit, Resource};
use nix::sys::socket::{getsockopt, recv, sockopt, MsgFlags};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// The process at the other end of a connection, as the kernel saw it when the process connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process id.
    pub pid: i32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// A connection.
#[derive(Debug)]
pub struct Connection(GuardedFd);

impl Connection {
    /// Connects to a listener; reads and writes wait.
    ///
    /// # Errors
    /// The system's error.
    pub fn open(path: &Path) -> io::Result<Connection> {
        let address = SockAddr::unix(path)?;
        // Forks wait for the closure, so it must not look up a path.
        let fd =
            GuardedFd::open(|| Ok(OwnedFd::from(Socket::new(Domain::UNIX, Type::STREAM, None)?)))?;
        SockRef::from(&fd).connect(&address)?;
        Ok(Connection(fd))
    }

    /// The process at the other end.
    ///
    /// # Errors
    /// The system's error.
    pub fn peer(&self) -> io::Result<Peer> {
        let peer = getsockopt(&self.0, sockopt::PeerCredentials)?;
        Ok(Peer { pid: peer.pid(), uid: peer.uid(), gid: peer.gid() })
    }

    /// Reads the bytes that have arrived into `piece`, as many as it has room for. Returns their
    /// number, which is 0 at the end of the stream.
    ///
    /// # Errors
    /// The system's error; `WouldBlock` if nothing has arrived and the connection does not wait.
    pub fn receive(&self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut socket: &Socket = &SockRef::from(&self.0);
            match socket.read(piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// As [`receive`](Connection::receive), but does not wait.
    ///
    /// # Errors
    /// The system's error; `WouldBlock` if nothing has arrived.
    pub fn receive_at_once(&self, piece: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.0.as_fd().as_raw_fd(), piece, MsgFlags::MSG_DONTWAIT)?)
    }

    /// Sends as many of the bytes as there is room for; all of them if the connection waits.
    ///
    /// # Errors
    /// The system's error; `WouldBlock` if there is no room and the connection does not wait.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            // Without SIGPIPE, which the program may not expect.
            match SockRef::from(&self.0).send_with_flags(bytes, libc::MSG_NOSIGNAL) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Sends all bytes; for a connection that waits.
    ///
    /// # Errors
    /// The system's error.
    pub fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.send(bytes)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                sent => bytes = &bytes[sent..],
            }
        }
        Ok(())
    }

    /// Ends the connection: both sides read its end, and threads that wait for it stop waiting.
    pub fn shut_down(&self) {
        if !fork::is_child() {
            // It fails only if the other side has ended it already.
            let _ = SockRef::from(&self.0).shutdown(std::net::Shutdown::Both);
        }
    }

    /// Whether the other side has ended the connection, also if not everything that it has sent
    /// before is read.
    #[must_use]
    pub fn has_hung_up(&self) -> bool {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::empty())];
        let is_ready = poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
        is_ready && fds[0].revents().is_some_and(|is| is.contains(PollFlags::POLLHUP))
    }

    /// The longest time that a read or write waits; `None`: for ever.
    ///
    /// # Errors
    /// The system's error.
    pub fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        let socket = SockRef::from(&self.0);
        socket.set_read_timeout(patience)?;
        socket.set_write_timeout(patience)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Who may connect to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The user that owns the file; `None` for that of this process.
    pub owner: Option<u32>,
    /// The group of the file; `None` for that of this process.
    pub group: Option<u32>,
    /// The mode of the file. The umask does not apply to it.
    pub mode: u32,
}

impl Access {
    /// Only the user of this process.
    pub const OWN: Access = Access { owner: None, group: None, mode: 0o600 };

    /// Changes the file of a socket.
    ///
    /// # Errors
    /// The system's error.
    pub fn apply(self, path: &Path) -> io::Result<()> {
        let owner = self.owner.unwrap_or_else(|| nix::unistd::geteuid().as_raw());
        let group = self.group.unwrap_or_else(|| nix::unistd::getegid().as_raw());
        let closed = fs::Permissions::from_mode(0o0);
        let meta = fs::metadata(path)?;
        if (meta.uid(), meta.gid()) != (owner, group) {
            // At no time may the former mode be that of the new owner and group.
            fs::set_permissions(path, closed)?;
            std::os::unix::fs::lchown(path, Some(owner), Some(group))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(self.mode))
    }
}

/// Accepts connections at a path. Dropping it removes its file.
#[derive(Debug)]
pub struct Listener(PathListener);

impl Listener {
    /// Listens at `path`, and replaces a socket that a terminated router has left there.
    ///
    /// # Errors
    /// The system's error; `AddrInUse` if another router listens there.
    pub fn open(path: &Path, access: Access) -> io::Result<Listener> {
        let listener = PathListener::open(path, BACKLOG)?;
        // Until now the mode let nobody else in.
        access.apply(path)?;
        Ok(Listener(listener))
    }

    /// The next connection that waits, which does not wait itself; `None` if there is none.
    ///
    /// # Errors
    /// The system's error.
    pub fn accept(&self) -> io::Result<Option<Connection>> {
        let accepted = GuardedFd::open(|| {
            let (socket, _) = SockRef::from(&self.0.socket).accept()?;
            socket.set_nonblocking(true)?;
            Ok(OwnedFd::from(socket))
        });
        match accepted {
            Ok(fd) => Ok(Some(Connection(fd))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.socket.as_fd()
    }
}

/// Raises the soft limit on descriptors so that this number can be opened, as far as the hard limit
/// permits. Returns the soft limit then.
pub fn allow_descriptors(count: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return count };
    let raised = count.min(hard);
    // Without it, fewer processes can connect; the log says so when one is refused.
    if soft < count && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_ok() {
        return raised;
    }
    soft
}

/// Waits for many descriptors.
#[derive(Debug)]
pub struct Poller {
    epoll: Guarded<EpollFd>,
    wake: GuardedFd,
}

#[derive(Debug)]
struct EpollFd(Epoll);

impl AsFd for EpollFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0 .0.as_fd()
    }
}

/// A descriptor that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The number with which it was added.
    pub token: u64,
    /// It can be read, has ended, or has an error.
    pub readable: bool,
    /// It can be written.
    pub writable: bool,
}

/// The token of [`Poller::wake`].
const WAKE: u64 = u64::MAX;

/// How many ready descriptors one wait returns.
const MOST: usize = 64;

impl Poller {
    /// A poller without descriptors.
    ///
    /// # Errors
    /// The system's error.
    pub fn new() -> io::Result<Poller> {
        let epoll: Guarded<EpollFd> =
            Guarded::open(|| Ok(EpollFd(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?)))?;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let wake = GuardedFd::open(|| Ok(EventFd::from_value_and_flags(0, flags)?))?;
        epoll.0.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        Ok(Poller { epoll, wake })
    }

    /// Waits for a descriptor, too.
    ///
    /// # Errors
    /// The system's error.
    pub fn add(&self, fd: &impl AsFd, token: u64) -> io::Result<()> {
        Ok(self.epoll.0.add(fd.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, token))?)
    }

    /// Changes what is waited for.
    ///
    /// # Errors
    /// The system's error.
    pub fn change(&self, fd: &impl AsFd, token: u64, reads: bool, writes: bool) -> io::Result<()> {
        let mut flags = EpollFlags::empty();
        flags.set(EpollFlags::EPOLLIN, reads);
        flags.set(EpollFlags::EPOLLOUT, writes);
        Ok(self.epoll.0.modify(fd.as_fd(), &mut EpollEvent::new(flags, token))?)
    }

    /// Waits no longer for a descriptor, which is about to be closed.
    pub fn remove(&self, fd: &impl AsFd) {
        // It fails only if the descriptor was not added.
        let _ = self.epoll.0.delete(fd.as_fd());
    }

    /// Ends the present wait, or the next one.
    pub fn wake(&self) {
        if !fork::is_child() {
            // It fails only if it is woken already.
            let _ = nix::unistd::write(&self.wake, &1u64.to_ne_bytes());
        }
    }

    /// Waits until a descriptor is ready, the time is over, or [`Poller::wake`] is called. Appends
    /// the ready descriptors to `ready`. Returns false if the time is over.
    pub fn wait(&self, most: Option<Duration>, ready: &mut Vec<Ready>) -> bool {
        let mut events = [EpollEvent::empty(); MOST];
        let timeout = most.map_or(EpollTimeout::NONE, |most| {
            EpollTimeout::try_from(most.as_micros().div_ceil(1000)).unwrap_or(EpollTimeout::MAX)
        });
        let count = self.epoll.0.wait(&mut events, timeout).unwrap_or_else(|error| {
            if error != nix::errno::Errno::EINTR {
                std::thread::sleep(Duration::from_millis(20)); // so that the caller does not spin
            }
            0
        });
        for event in &events[..count] {
            if event.data() == WAKE {
                let _ = nix::unistd::read(&self.wake, &mut [0u8; 8]);
                continue;
            }
            let flags = event.events();
            ready.push(Ready {
                token: event.data(),
                readable: flags
                    .intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR),
                writable: flags.contains(EpollFlags::EPOLLOUT),
            });
        }
        count > 0
    }
}

#[cfg(test)]
mod tests;
