//! Reading many datagrams with one system call.

use super::upcall::LONGEST;
use std::io;
use std::mem::zeroed;
use std::os::fd::AsRawFd;

/// Datagrams a call. At 70,000 upcalls a second this is a batch each two
/// milliseconds; a burst comes in full batches, which is what makes it cheap.
const BATCH: usize = 128;

/// Space for the one control message there can be (SO_RXQ_OVFL, four bytes).
const CONTROL: usize = 64;

/// Room for one call's datagrams, cut off where they are of no interest any more.
pub(super) struct Batch {
    data: Box<[[u8; LONGEST]; BATCH]>,
    control: Box<[Control; BATCH]>,
    lengths: [usize; BATCH],
    filled: usize,
}

/// Control messages are aligned as `cmsghdr`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL]);

impl Batch {
    pub(super) fn new() -> Batch {
        Batch {
            data: Box::new([[0; LONGEST]; BATCH]),
            control: Box::new([Control([0; CONTROL]); BATCH]),
            lengths: [0; BATCH],
            filled: 0,
        }
    }

    /// Reads what there is, without waiting. Returns the kernel's count of
    /// datagrams that found the socket's buffer full since it was opened, if
    /// it told.
    pub(super) fn read(&mut self, socket: &impl AsRawFd) -> io::Result<Option<u32>> {
        self.filled = 0;
        // SAFETY: all zeros is a valid `iovec` and `mmsghdr`: no buffers.
        let (mut parts, mut messages): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) =
            unsafe { (zeroed(), zeroed()) };
        for (at, message) in messages.iter_mut().enumerate() {
            parts[at].iov_base = self.data[at].as_mut_ptr().cast();
            parts[at].iov_len = LONGEST;
            message.msg_hdr.msg_iov = &mut parts[at];
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_control = self.control[at].0.as_mut_ptr().cast();
            message.msg_hdr.msg_controllen = CONTROL as _;
        }
        // SAFETY: every message points to buffers of the lengths given, which
        // live as long as `self` and this frame.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
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
        Ok(filled.last().and_then(|message| overflows(&message.msg_hdr)))
    }

    /// Whether the last [`Batch::read`] may have left something.
    pub(super) fn is_full(&self) -> bool {
        self.filled == BATCH
    }

    /// What the last [`Batch::read`] read.
    pub(super) fn datagrams(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.data[..self.filled].iter().zip(&self.lengths).map(|(data, length)| &data[..*length])
    }
}

/// SO_RXQ_OVFL among a message's control messages.
fn overflows(message: &libc::msghdr) -> Option<u32> {
    // SAFETY: the kernel has filled in the control buffer and its length, and
    // the buffer is aligned for the headers in it.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(message);
        while let Some(header) = control.as_ref() {
            if (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) {
                return Some(libc::CMSG_DATA(control).cast::<u32>().read_unaligned());
            }
            control = libc::CMSG_NXTHDR(message, control);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn reads_as_many_as_fit_and_cuts_long_ones() {
        let (sender, receiver) = UnixDatagram::pair().unwrap();
        let mut batch = Batch::new();
        assert_eq!(batch.read(&receiver).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        for length in [0, 1, 80, 81, 2000] {
            sender.send(&vec![length as u8; length]).unwrap();
        }
        assert_eq!(batch.read(&receiver).unwrap(), None);
        let lengths: Vec<usize> = batch.datagrams().map(<[u8]>::len).collect();
        assert_eq!(lengths, [0, 1, 80, 80, 80]);
        assert!(batch.datagrams().nth(2).unwrap().iter().all(|byte| *byte == 80));
        assert!(batch.read(&receiver).is_err());
        assert_eq!(batch.datagrams().len(), 0, "a failed read leaves nothing behind");
    }
}
