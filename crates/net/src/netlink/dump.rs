//! Reads existing state from the kernel: a request, and an answer in one message or many.

use super::socket::RouteSocket;
use super::wire::{self, messages, u32_at, Message};
use crate::links::{Links, ADDRESS_HEAD, LINK_HEAD, RTM_GETADDR, RTM_GETLINK};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST};
use netlink_sys::SocketAddr;
use socket2::SockRef;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Without the counters of links, which are most of their announcement.
const IFLA_EXT_MASK: u16 = 29;
const RTEXT_FILTER_SKIP_STATS: u32 = 8;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

/// The longest wait for an answer. The kernel normally answers while the request is being sent.
pub const ANSWER: Duration = Duration::from_secs(1);

/// The kernel fills as much of a buffer as it is given.
const PIECE: usize = 65_536;
/// How often a dump that changes have interrupted is repeated. The announcements of these
/// changes are read after it.
const TRIES: usize = 3;

/// A socket for requests. Each call waits for its answer.
#[derive(Debug)]
pub struct Dumper {
    socket: RouteSocket,
    sequence: u32,
    piece: Vec<u8>,
}

impl Dumper {
    /// Opens the socket, in the network namespace of the calling thread.
    ///
    /// # Errors
    /// Those of [`RouteSocket::open`].
    pub fn open() -> io::Result<Dumper> {
        Dumper::of(RouteSocket::open()?)
    }

    /// Opens a socket for the tables of the packet filter (NETLINK_NETFILTER) instead. The kernel
    /// answers only programs with CAP_NET_ADMIN.
    ///
    /// # Errors
    /// Those of [`RouteSocket::open`].
    pub fn open_netfilter() -> io::Result<Dumper> {
        Dumper::of(RouteSocket::of_netfilter()?)
    }

    fn of(socket: RouteSocket) -> io::Result<Dumper> {
        socket.connect(&SocketAddr::new(0, 0))?;
        SockRef::from(&socket).set_read_timeout(Some(ANSWER))?;
        if let Err(error) = socket.set_netlink_get_strict_chk(true) {
            // Before Linux 4.20. Then a dump has more than was requested, such as the routes of
            // all tables, and takes longer.
            log::debug!("NETLINK_GET_STRICT_CHK failed: {error}");
        }
        Ok(Dumper { socket, sequence: 0, piece: vec![0; PIECE] })
    }

    /// Reads all links and IPv4 addresses.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`].
    pub fn links(&mut self) -> io::Result<Links> {
        self.repeatedly(|dumper| {
            let mut links = Links::default();
            let mut intact = true;
            let mut address_head = [0; ADDRESS_HEAD];
            address_head[0] = libc::AF_INET as u8;
            let mask = [(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)];
            for (kind, head, attributes) in [
                (RTM_GETLINK, [0; LINK_HEAD].as_slice(), mask.as_slice()),
                (RTM_GETADDR, &address_head, &[]),
            ] {
                intact &= dumper.dump(kind, head, attributes, |message| {
                    links.take(message);
                })?;
            }
            Ok((links, intact))
        })
    }

    /// Calls `read` until it returns true, up to three times. Returns the last result.
    ///
    /// # Errors
    /// The first error of `read`.
    pub fn repeatedly<R>(
        &mut self,
        mut read: impl FnMut(&mut Dumper) -> io::Result<(R, bool)>,
    ) -> io::Result<R> {
        let mut tries = 1;
        loop {
            let (result, intact) = read(self)?;
            if intact || tries == TRIES {
                return Ok(result);
            }
            tries += 1;
        }
    }

    /// Requests a dump and passes its messages on. Returns false if the dump lacks something
    /// that changed meanwhile.
    ///
    /// # Errors
    /// The kernel's answer, if it is an error; those of the socket; EAGAIN if there was no answer
    /// within a second; `InvalidData` if the answer is invalid.
    pub fn dump(
        &mut self,
        kind: u16,
        head: &[u8],
        attributes: &[(u16, u32)],
        take: impl FnMut(&Message<'_>),
    ) -> io::Result<bool> {
        self.exchange(NLM_F_DUMP, kind, (head, attributes), take)
    }

    /// Requests one thing and passes it on.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`].
    pub fn get(
        &mut self,
        kind: u16,
        head: &[u8],
        attributes: &[(u16, u32)],
        take: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        // With NLM_F_ACK, a last message ends the answer, as that of a dump.
        self.exchange(NLM_F_ACK, kind, (head, attributes), take).map(|_| ())
    }

    fn exchange(
        &mut self,
        flag: u16,
        kind: u16,
        (head, attributes): (&[u8], &[(u16, u32)]),
        take: impl FnMut(&Message<'_>),
    ) -> io::Result<bool> {
        let sequence = self.next_sequence();
        let request = wire::request(kind, NLM_F_REQUEST | flag, sequence, head, attributes);
        self.answer_to(&request, take)
    }

    /// Makes any other request: `flags` are those beside NLM_F_REQUEST, and `parts` the body. Passes
    /// on what the kernel answers.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`].
    pub fn request(
        &mut self,
        (kind, flags): (u16, u16),
        parts: &[&[u8]],
        take: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        // Only a dump has an end of its own.
        let flags =
            NLM_F_REQUEST | flags | if flags & NLM_F_DUMP == NLM_F_DUMP { 0 } else { NLM_F_ACK };
        let request = wire::message(kind, flags, self.next_sequence(), parts);
        self.answer_to(&request, take).map(|_| ())
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Sends a request with the present sequence number, and reads the answer. Returns false if a
    /// dump lacks something.
    fn answer_to(
        &mut self,
        request: &[u8],
        mut take: impl FnMut(&Message<'_>),
    ) -> io::Result<bool> {
        self.socket.send(request, 0)?;
        let mut intact = true;
        loop {
            let length = match self.socket.recv(&mut &mut self.piece[..], 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length?,
            };
            let mut count = 0;
            let ours = messages(&self.piece[..length]);
            for message in ours.inspect(|_| count += 1).filter(|m| m.sequence == self.sequence) {
                intact &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.kind {
                    NLMSG_DONE | NLMSG_ERROR => {
                        let code = u32_at(message.body, 0).unwrap_or(0) as i32;
                        return match code.checked_neg() {
                            Some(0) => Ok(intact),
                            Some(errno) if errno > 0 => Err(io::Error::from_raw_os_error(errno)),
                            _ => Err(io::ErrorKind::InvalidData.into()),
                        };
                    }
                    _ => take(&message),
                }
            }
            if count == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

impl AsFd for Dumper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
