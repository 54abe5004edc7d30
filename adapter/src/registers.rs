//! The packets of flows that leave by the register interface of PIM. The daemon sends them to a
//! rendezvous point on another router (D138).
//!
//! The library reads them from a packet socket of all interfaces, before a forwarder can take them. The
//! filter of the socket accepts only packets of these flows.

use crate::links::{ancillary, bind, filter, step, IF_EQUAL, LOAD_WORD, RETURN, UNREAD};
use crate::system::{self, Fd};
use libc::{c_int, sock_filter};
use mgm_mroute_calls::packets::{complete, whole, Datagram};
use mgm_types::Flow;

/// At most so many flows: the kernel's limit of a filter is 4,096 steps.
const MOST: usize = 500;

/// Longer than any packet.
const LONGEST: usize = 1 << 16;

const ETH_P_ALL: u16 = (libc::ETH_P_ALL as u16).to_be();
const IF_GREATER: u32 = libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K;

/// PACKET_HOST, PACKET_BROADCAST and PACKET_MULTICAST are what arrives for this machine.
const PACKET_MULTICAST: u32 = 2;

/// In the IP header.
const SOURCE: u32 = libc::SKF_NET_OFF as u32 + 12;
const GROUP: u32 = libc::SKF_NET_OFF as u32 + 16;

/// The flows, and where they arrive, if that is known.
type Flows = Vec<(Flow, Option<u32>)>;

/// The socket.
#[derive(Debug)]
pub(crate) struct Registers {
    socket: Fd,
    vif: u16,
    flows: Flows,
    peeked: Option<Datagram>,
}

impl Registers {
    /// MRT_INIT. Later, the daemon may not have CAP_NET_RAW any longer.
    ///
    /// # Errors
    /// The errno.
    pub fn open() -> Result<Registers, c_int> {
        let socket = system::packet_socket()?;
        system::set_option(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, &UNREAD)?;
        let on: c_int = 1;
        system::set_option(&socket, libc::SOL_PACKET, libc::PACKET_AUXDATA, &on)?;
        Ok(Registers { socket, vif: 0, flows: Flows::new(), peeked: None })
    }

    /// These flows leave by the register interface now. Returns the errno if that is impossible.
    pub fn follow(&mut self, epoll: c_int, (vif, mut flows): (u16, Flows)) -> Result<(), c_int> {
        flows.truncate(MOST);
        if self.flows == flows {
            return Ok(());
        }
        filter(&self.socket, &program(&flows));
        let was_empty = std::mem::replace(&mut self.flows, flows).is_empty();
        self.vif = vif;
        match (was_empty, self.flows.is_empty()) {
            (true, false) => {
                bind(&self.socket, 0, ETH_P_ALL)?;
                system::watch(epoll, &self.socket)
            }
            (false, true) => {
                system::unwatch(epoll, &self.socket);
                self.peeked = None;
                let done = bind(&self.socket, 0, 0);
                while system::receive(&self.socket, &mut [0; 64], false).is_ok() {}
                done
            }
            _ => Ok(()),
        }
    }

    /// Has another epoll instance wait for the socket.
    ///
    /// # Errors
    /// The errno.
    pub fn watch(&self, epoll: c_int) -> Result<(), c_int> {
        match self.flows.is_empty() {
            true => Ok(()),
            false => system::watch(epoll, &self.socket),
        }
    }

    /// The next packet.
    pub fn read(&mut self, peeks: bool) -> Option<Datagram> {
        let found = self.peeked.take().or_else(|| self.receive());
        if peeks {
            self.peeked.clone_from(&found);
        }
        found
    }

    /// Whether a packet waits that the socket does not have any longer.
    pub fn has_peeked(&self) -> bool {
        self.peeked.is_some()
    }

    fn receive(&mut self) -> Option<Datagram> {
        if self.flows.is_empty() {
            return None;
        }
        let mut packet = vec![0; LONGEST];
        loop {
            match system::receive_frame(&self.socket, &mut packet) {
                Ok((count, lacks_checksum)) => {
                    if lacks_checksum {
                        complete(&mut packet[..count]);
                    }
                    if let Some(datagram) = whole(self.vif, &packet[..count]) {
                        return Some(datagram);
                    }
                }
                Err(libc::ENETDOWN) => {}
                Err(_) => return None,
            }
        }
    }
}

/// The packets of these flows that arrive.
fn program(flows: &[(Flow, Option<u32>)]) -> Vec<sock_filter> {
    let mut steps = vec![
        step(LOAD_WORD, ancillary(libc::SKF_AD_PKTTYPE), [0, 0]),
        step(IF_GREATER, PACKET_MULTICAST, [4, 0]),
        step(LOAD_WORD, ancillary(libc::SKF_AD_PROTOCOL), [0, 0]),
        step(IF_EQUAL, libc::ETH_P_IP as u32, [0, 2]),
        // A packet of a VLAN arrives on the device of the VLAN, too.
        step(LOAD_WORD, ancillary(libc::SKF_AD_VLAN_TAG_PRESENT), [0, 0]),
        step(IF_EQUAL, 0, [1, 0]),
        step(RETURN, 0, [0, 0]),
    ];
    for (flow, arrival) in flows {
        let mut conditions =
            vec![(SOURCE, u32::from(flow.source())), (GROUP, u32::from(flow.group()))];
        conditions.extend(arrival.map(|index| (ancillary(libc::SKF_AD_IFINDEX), index)));
        for (at, (place, value)) in conditions.iter().enumerate() {
            let left = 2 * (conditions.len() - at) as u8 - 1;
            steps.extend([step(LOAD_WORD, *place, [0, 0]), step(IF_EQUAL, *value, [0, left])]);
        }
        steps.push(step(RETURN, u32::MAX, [0, 0]));
    }
    steps.push(step(RETURN, 0, [0, 0]));
    steps
}
