//! A netlink socket that is closed in every forked child.

use crate::fork::GuardedFd;
use netlink_sys::{protocols::NETLINK_ROUTE, Socket, SocketAddr};
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use socket2::SockRef;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

/// The netlink-sys socket sends and receives; the guard owns the descriptor.
pub(super) struct RouteSocket {
    socket: ManuallyDrop<Socket>,
    guard: GuardedFd,
}

impl RouteSocket {
    /// Opens a socket of the NETLINK_ROUTE family, close-on-exec.
    pub(super) fn open() -> io::Result<RouteSocket> {
        let guard = GuardedFd::open(|| {
            let mut socket = Socket::new(NETLINK_ROUTE)?;
            // A socket without its own port receives no announcements.
            socket.bind(&SocketAddr::new(0, 0))?;
            // SAFETY: the socket has just given the descriptor away.
            Ok(unsafe { OwnedFd::from_raw_fd(socket.into_raw_fd()) })
        })?;
        // SAFETY: the guard lives as long as the socket, which never closes
        // the descriptor as it is never dropped.
        let socket = unsafe { Socket::from_raw_fd(guard.as_raw_fd()) };
        Ok(RouteSocket { socket: ManuallyDrop::new(socket), guard })
    }

    /// Sets the size of the receive buffer in bytes, or the largest that an ordinary user may set.
    pub(super) fn set_receive_buffer(&self, bytes: usize) {
        let forced = setsockopt(&self.guard, RcvBufForce, &bytes);
        if let Err(error) = forced.map_err(io::Error::from) {
            let result = SockRef::from(&self.socket as &Socket).set_recv_buffer_size(bytes);
            log::debug!(
                "route changes: SO_RCVBUFFORCE failed ({error}), SO_RCVBUF: {result:?}: after a \
                 larger burst every source is looked up again"
            );
        }
    }
}

impl Deref for RouteSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.guard.as_fd()
    }
}
