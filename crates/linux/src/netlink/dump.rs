//! Reads the existing links, addresses and routes of a table.

use super::copy::TableCopy;
use super::links::{Links, ADDRESS_HEAD, LINK_HEAD, RTM_GETADDR, RTM_GETLINK};
use super::lookups::ANSWER;
use super::socket::RouteSocket;
use super::wire::{self, messages, u32_at, Message};
use super::Known;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST};
use netlink_sys::SocketAddr;
use socket2::SockRef;
use std::io;

const RTM_GETROUTE: u16 = 26;
const ROUTE_HEAD: usize = 12;
const RTA_TABLE: u16 = 15;
/// Without the counters of links, which are most of their announcement.
const IFLA_EXT_MASK: u16 = 29;
const RTEXT_FILTER_SKIP_STATS: u32 = 8;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// The dump misses what changed meanwhile.
const NLM_F_DUMP_INTR: u16 = 0x10;

/// The kernel fills as much of a buffer as it is given.
const PIECE: usize = 65_536;
/// How often a dump that changes have interrupted is repeated. The announcements of these
/// changes are read after it.
const TRIES: usize = 3;

/// The socket for dumps.
pub(super) struct Dumper {
    socket: RouteSocket,
    sequence: u32,
    piece: Vec<u8>,
}

impl Dumper {
    pub fn open() -> io::Result<Dumper> {
        let socket = RouteSocket::open()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        SockRef::from(&*socket).set_read_timeout(Some(ANSWER))?;
        if let Err(error) = socket.set_netlink_get_strict_chk(true) {
            // Before Linux 4.20. Then a dump has all tables, and takes longer.
            log::debug!("NETLINK_GET_STRICT_CHK failed: {error}");
        }
        Ok(Dumper { socket, sequence: 0, piece: vec![0; PIECE] })
    }

    /// Reads all links and addresses again.
    pub fn links(&mut self, known: &Known) -> io::Result<()> {
        let links = self.repeatedly(|dumper| {
            let mut links = Links::default();
            let mut intact = true;
            let mask = [(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)];
            for (kind, head, attributes) in [
                (RTM_GETLINK, [0; LINK_HEAD].as_slice(), mask.as_slice()),
                (RTM_GETADDR, &address_head(), &[]),
            ] {
                intact &= dumper.dump(kind, head, attributes, |message| {
                    links.take(message);
                })?;
            }
            Ok((links, intact))
        })?;
        *known.links.write() = links;
        Ok(())
    }

    /// Reads the table that the host named again, if it named one.
    pub fn routes(&mut self, known: &Known) -> io::Result<()> {
        let Some(copy) = &known.copy else { return Ok(()) };
        let number = copy.read().number();
        let read = self.repeatedly(|dumper| {
            let mut copy = TableCopy::of(number);
            let mut intact = true;
            for table in copy.tables() {
                let mut head = [0; ROUTE_HEAD];
                head[0] = libc::AF_INET as u8;
                let attributes = [(RTA_TABLE, table)];
                let result = dumper.dump(RTM_GETROUTE, &head, &attributes, |message| {
                    copy.take(message);
                });
                match result {
                    // There is no such table yet.
                    Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {}
                    result => intact &= result?,
                }
            }
            copy.complete();
            Ok((copy, intact))
        })?;
        *copy.write() = read;
        Ok(())
    }

    fn repeatedly<R>(
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

    /// Requests a dump and passes its messages on; false if it misses something.
    fn dump(
        &mut self,
        kind: u16,
        head: &[u8],
        attributes: &[(u16, u32)],
        mut take: impl FnMut(&Message<'_>),
    ) -> io::Result<bool> {
        self.sequence = self.sequence.wrapping_add(1);
        let flags = NLM_F_REQUEST | NLM_F_DUMP;
        let request = wire::request(kind, flags, self.sequence, head, attributes);
        self.socket.send(&request, 0)?;
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

fn address_head() -> [u8; ADDRESS_HEAD] {
    let mut head = [0; ADDRESS_HEAD];
    head[0] = libc::AF_INET as u8;
    head
}
