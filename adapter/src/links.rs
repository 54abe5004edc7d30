//! IGMP packets as they arrive on the daemon's interfaces.
//!
//! The kernel passes IGMP with Router Alert to raw sockets only while it has VIFs, and IGMP without it
//! only to the owner of MRT_INIT, which is mgmd. So the library reads them from packet sockets, one for
//! each interface of the daemon, as mgmd does. A filter of the raw socket drops these packets, so that
//! no packet is read twice (D134).

use crate::system::{self, errno, Fd};
use libc::{c_int, sock_filter, socklen_t};
use mgm_mroute_calls::options::MAXVIFS;
use mgm_mroute_calls::packets::{arrived, Datagram};

/// From <linux/if_packet.h>, which libc lacks; ETH_P_IP as in a `sockaddr_ll`.
const ETH_P_IP: u16 = (libc::ETH_P_IP as u16).to_be();
const PACKET_OTHERHOST: u32 = 3;
const PACKET_LOOPBACK: u32 = 5;
const SOL_PACKET: c_int = 263;
const PACKET_ADD_MEMBERSHIP: c_int = 1;
const PACKET_DROP_MEMBERSHIP: c_int = 2;

/// The bytes that wait for the daemon. Debian's daemons choose as many.
pub(crate) const UNREAD: c_int = 256 << 10;

/// The longest packet: no router sends longer ones in frames of Ethernet.
const LONGEST: usize = 9216;

/// The sockets, and the packet that the daemon has peeked at.
#[derive(Debug, Default)]
pub(crate) struct Links {
    sockets: Vec<(u32, Fd)>,
    /// Sockets without an interface.
    spare: Vec<Fd>,
    peeked: Option<(Datagram, u32)>,
}

impl Links {
    /// MRT_INIT. Later, the daemon may not have CAP_NET_RAW any longer.
    ///
    /// # Errors
    /// The errno.
    pub fn open() -> Result<Links, c_int> {
        let spare = (0..MAXVIFS).map(|_| open()).collect::<Result<_, _>>()?;
        Ok(Links { spare, ..Links::default() })
    }

    /// The daemon has these interfaces now. Returns those that cannot be listened on, with the errno:
    /// there the daemon receives what the kernel passes to its raw socket.
    pub fn follow(&mut self, raw: &Fd, epoll: c_int, indices: &[u32]) -> Vec<(u32, c_int)> {
        let known = self.indices();
        if known == indices {
            return Vec::new();
        }
        let mut failed = Vec::new();
        let (kept, former) =
            std::mem::take(&mut self.sockets).into_iter().partition(|of| indices.contains(&of.0));
        self.sockets = kept;
        for (index, fd) in former {
            system::unwatch(epoll, &fd);
            unbind(&fd, index);
            self.spare.push(fd);
        }
        for index in indices.iter().filter(|index| !known.contains(index)) {
            // There are as many as VIFs, unless MRT_INIT could not open them.
            let Some(fd) = self.spare.pop() else { continue };
            match listen(&fd, *index).and_then(|()| system::watch(epoll, &fd)) {
                Ok(()) => self.sockets.push((*index, fd)),
                Err(errno) => {
                    failed.push((*index, errno));
                    self.spare.push(fd);
                }
            }
        }
        // Not earlier: a packet that is read twice does less harm than one that is not read.
        filter(raw, &program(&self.indices()));
        failed
    }

    /// Has another epoll instance wait for the sockets.
    ///
    /// # Errors
    /// The errno.
    pub fn watch(&self, epoll: c_int) -> Result<(), c_int> {
        self.sockets.iter().try_for_each(|(_, fd)| system::watch(epoll, fd))
    }

    fn indices(&self) -> Vec<u32> {
        self.sockets.iter().map(|(index, _)| *index).collect()
    }

    /// The next packet, and the index of its interface. The interfaces take turns.
    pub fn read(&mut self, peeks: bool) -> Option<(Datagram, u32)> {
        let found = self.peeked.take().or_else(|| self.receive());
        if peeks {
            self.peeked.clone_from(&found);
        }
        found
    }

    /// Whether a packet waits that no socket has any longer.
    pub fn has_peeked(&self) -> bool {
        self.peeked.is_some()
    }

    fn receive(&mut self) -> Option<(Datagram, u32)> {
        let mut packet = [0; LONGEST];
        for _ in 0..self.sockets.len() {
            self.sockets.rotate_left(1);
            let (index, fd) = self.sockets.last()?;
            loop {
                match system::receive(fd, &mut packet, false) {
                    Ok(count) => {
                        if let Some(datagram) = arrived(&packet[..count]) {
                            return Some((datagram, *index));
                        }
                    }
                    // The socket says once that the interface has gone down.
                    Err(libc::ENETDOWN) => {}
                    Err(_) => break,
                }
            }
        }
        None
    }
}

/// A socket for IGMP packets, which receives nothing yet.
fn open() -> Result<Fd, c_int> {
    let fd = system::packet_socket()?;
    filter(&fd, &IGMP);
    system::set_option(&fd, libc::SOL_SOCKET, libc::SO_RCVBUF, &UNREAD)?;
    Ok(fd)
}

/// Has a socket receive what arrives on an interface, which then receives all groups.
fn listen(fd: &Fd, index: u32) -> Result<(), c_int> {
    system::set_option(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all_groups(index))?;
    bind(fd, index, ETH_P_IP)
}

/// The socket receives nothing any longer.
fn unbind(fd: &Fd, index: u32) {
    // Both fail if there is no such interface any longer, which has the same effect.
    let _ = system::set_option(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &all_groups(index));
    let _ = bind(fd, 0, 0);
    while system::receive(fd, &mut [0; 64], false).is_ok() {}
}

fn all_groups(index: u32) -> libc::packet_mreq {
    let mr_type = libc::PACKET_MR_ALLMULTI as u16;
    libc::packet_mreq { mr_ifindex: index as c_int, mr_type, mr_alen: 0, mr_address: [0; 8] }
}

pub(crate) fn bind(fd: &Fd, index: u32, protocol: u16) -> Result<(), c_int> {
    // SAFETY: all bytes zero is a valid address.
    let mut of: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    (of.sll_family, of.sll_protocol) = (libc::AF_PACKET as u16, protocol);
    of.sll_ifindex = index as c_int;
    let size = size_of_val(&of) as socklen_t;
    // SAFETY: the address has the size given.
    match unsafe { system::bind(fd.0, (&raw const of).cast(), size) } {
        0 => Ok(()),
        _ => Err(errno()),
    }
}

pub(crate) const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
pub(crate) const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const AND: u32 = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
pub(crate) const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
pub(crate) const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

pub(crate) const fn step(code: u32, k: u32, skips: [u8; 2]) -> sock_filter {
    sock_filter { code: code as u16, jt: skips[0], jf: skips[1], k }
}

/// In the IP header.
const PROTOCOL: u32 = libc::SKF_NET_OFF as u32 + 9;
const DESTINATION: u32 = libc::SKF_NET_OFF as u32 + 16;

/// What the kernel knows of a packet beside its bytes.
pub(crate) const fn ancillary(field: c_int) -> u32 {
    (libc::SKF_AD_OFF + field) as u32
}

/// IGMP to a group, in a frame that is not another machine's.
const IGMP: [sock_filter; 9] = [
    step(LOAD_WORD, ancillary(libc::SKF_AD_PKTTYPE), [0, 0]),
    step(IF_EQUAL, PACKET_OTHERHOST, [5, 0]),
    step(LOAD_BYTE, PROTOCOL, [0, 0]),
    step(IF_EQUAL, libc::IPPROTO_IGMP as u32, [0, 3]),
    step(LOAD_BYTE, DESTINATION, [0, 0]),
    step(AND, 0xf0, [0, 0]),
    step(IF_EQUAL, 0xe0, [1, 0]),
    step(RETURN, 0, [0, 0]),
    step(RETURN, u32::MAX, [0, 0]),
];

/// All but what `IGMP` accepts on one of these interfaces.
fn program(indices: &[u32]) -> Vec<sock_filter> {
    let count = indices.len() as u8;
    let mut steps = vec![
        step(LOAD_WORD, ancillary(libc::SKF_AD_PKTTYPE), [0, 0]),
        // What this machine says itself arrives at no packet socket.
        step(IF_EQUAL, PACKET_LOOPBACK, [count + 4, 0]),
        step(LOAD_BYTE, DESTINATION, [0, 0]),
        step(AND, 0xf0, [0, 0]),
        step(IF_EQUAL, 0xe0, [0, count + 1]),
        step(LOAD_WORD, ancillary(libc::SKF_AD_IFINDEX), [0, 0]),
    ];
    for (at, index) in indices.iter().enumerate() {
        steps.push(step(IF_EQUAL, *index, [count - at as u8, 0]));
    }
    steps.extend([step(RETURN, u32::MAX, [0, 0]), step(RETURN, 0, [0, 0])]);
    steps
}

/// Has a socket receive only what a program accepts. It is refused without memory only: then the
/// daemon reads packets twice, or other packets.
pub(crate) fn filter(fd: &Fd, steps: &[sock_filter]) {
    let len = steps.len() as u16;
    let program = libc::sock_fprog { len, filter: steps.as_ptr().cast_mut() };
    let _ = system::set_option(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program);
}

/// The raw socket is the kernel's again (MRT_DONE).
pub(crate) fn unfilter(raw: &Fd) {
    let none: c_int = 0;
    let _ = system::set_option(raw, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &none);
}
