//! Reading many datagrams with one system call.
//!
//! Not with nix: its `recvmmsg` needs room for addresses and control messages, which are not used
//! here.

use super::upcall::LONGEST;
use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd};

/// Datagrams for each call. At 70,000 upcalls a second this is one batch in two milliseconds.
/// A burst fills the batches, which makes it cheap.
pub(super) const BATCH: usize = 128;

/// Room for the datagrams of one call, cut off after the last byte of interest.
pub(super) struct UpcallBatch {
    data: Box<[[u8; LONGEST]; BATCH]>,
    lengths: [usize; BATCH],
    filled: usize,
}

impl UpcallBatch {
    pub(super) fn new() -> UpcallBatch {
        UpcallBatch { data: Box::new([[0; LONGEST]; BATCH]), lengths: [0; BATCH], filled: 0 }
    }

    /// Reads the waiting datagrams, without waiting for others.
    pub(super) fn read(&mut self, socket: &impl AsFd) -> io::Result<()> {
        self.filled = 0;
        // SAFETY: all zeros is a valid `iovec` and `mmsghdr`: no buffers.
        let (mut parts, mut messages): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) =
            unsafe { (zeroed(), zeroed()) };
        for (at, message) in messages.iter_mut().enumerate() {
            parts[at].iov_base = self.data[at].as_mut_ptr().cast();
            parts[at].iov_len = LONGEST;
            message.msg_hdr.msg_iov = &mut parts[at];
            message.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: every message points to buffers of the lengths given, which
        // live as long as `self` and this frame.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_fd().as_raw_fd(),
                messages.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        self.filled = count as usize;
        let filled = &messages[..self.filled];
        for (length, message) in self.lengths.iter_mut().zip(filled) {
            *length = (message.msg_len as usize).min(LONGEST);
        }
        Ok(())
    }

    /// Whether the last [`UpcallBatch::read`] may have left datagrams.
    pub(super) fn is_full(&self) -> bool {
        self.filled == BATCH
    }

    /// The datagrams that the last [`UpcallBatch::read`] read.
    pub(super) fn datagrams(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.data[..self.filled].iter().zip(&self.lengths).map(|(data, length)| &data[..*length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn reads_as_many_as_fit_and_cuts_long_ones() {
        let (sender, receiver) = UnixDatagram::pair().unwrap();
        let mut batch = UpcallBatch::new();
        assert_eq!(batch.read(&receiver).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        for length in [0, 1, 80, 81, 2000] {
            sender.send(&vec![length as u8; length]).unwrap();
        }
        batch.read(&receiver).unwrap();
        let lengths: Vec<usize> = batch.datagrams().map(<[u8]>::len).collect();
        assert_eq!(lengths, [0, 1, 80, 80, 80]);
        assert!(batch.datagrams().nth(2).unwrap().iter().all(|byte| *byte == 80));
        assert!(batch.read(&receiver).is_err());
        assert_eq!(batch.datagrams().len(), 0, "a failed read leaves nothing behind");
    }
}
