//! A netlink socket of the NETLINK_ROUTE family.

use crate::sys;
use netlink_sys::protocols::{NETLINK_NETFILTER, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};

/// A socket with a port of its own, so that it can receive announcements. Close-on-exec, and in
/// the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct RouteSocket(Socket);

impl RouteSocket {
    /// Opens a socket, which blocks and has no connection.
    ///
    /// # Errors
    /// EAFNOSUPPORT, EPROTONOSUPPORT, EPERM or EACCES: netlink is missing, or a sandbox blocks it.
    /// EMFILE, ENFILE, ENOMEM: the system lacks resources.
    pub fn open() -> io::Result<RouteSocket> {
        RouteSocket::of(NETLINK_ROUTE)
    }

    /// The same for NETLINK_NETFILTER, the tables of the packet filter.
    pub(super) fn of_netfilter() -> io::Result<RouteSocket> {
        RouteSocket::of(NETLINK_NETFILTER)
    }

    fn of(protocol: isize) -> io::Result<RouteSocket> {
        let mut socket = Socket::new(protocol)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        Ok(RouteSocket(socket))
    }

    /// Sets the size of the receive buffer in bytes.
    ///
    /// # Errors
    /// That of SO_RCVBUFFORCE, which needs CAP_NET_ADMIN. The buffer then has the largest size
    /// that an ordinary user may set (`net.core.rmem_max`).
    pub fn set_receive_buffer(&self, bytes: usize) -> io::Result<()> {
        sys::set_receive_buffer(self, bytes)
    }
}

impl Deref for RouteSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.0
    }
}

impl AsFd for RouteSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
