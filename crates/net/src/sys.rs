//! Socket options that several modules use.

use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use socket2::SockRef;
use std::io;
use std::os::fd::AsFd;

/// Sets the size of a receive buffer in bytes, or the largest that an ordinary user may set.
/// Then returns the error of SO_RCVBUFFORCE.
pub(crate) fn set_receive_buffer(socket: &impl AsFd, bytes: usize) -> io::Result<()> {
    setsockopt(socket, RcvBufForce, &bytes).map_err(|errno| {
        let _ = SockRef::from(socket).set_recv_buffer_size(bytes);
        errno.into()
    })
}
