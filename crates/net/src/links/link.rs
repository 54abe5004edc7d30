//! One link, and one address.

use crate::netlink::wire::{addr, attribute, attributes, u16_at, u32_at};
use std::fmt;
use std::net::Ipv4Addr;

/// Attributes, from <linux/if_link.h> and <linux/if_addr.h>.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_VLAN_ID: u16 = 1;
const IFLA_BR_MCAST_ROUTER: u16 = 22;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

const IFF_LOWER_UP: u32 = 1 << 16;

/// MDB_RTR_TYPE_PERM of `IFLA_BR_MCAST_ROUTER`, from <linux/if_bridge.h>.
const ROUTER_PERMANENT: u8 = 2;

/// The flags that are kept. Others (IFF_PROMISC, IFF_ALLMULTI) change when a program listens on the
/// link, which is not a change of the link.
const FLAGS: u32 = (libc::IFF_UP
    | libc::IFF_RUNNING
    | libc::IFF_BROADCAST
    | libc::IFF_LOOPBACK
    | libc::IFF_POINTOPOINT
    | libc::IFF_MULTICAST) as u32
    | IFF_LOWER_UP;

/// A link: a network device, by whatever name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it. Another device may get the number when it has gone.
    pub index: u32,
    /// Its name at present. Bytes that are not UTF-8 are replaced.
    pub name: String,
    /// The number of bytes that an IP packet may have.
    pub mtu: u32,
    /// ARPHRD_*: 1 for Ethernet, 512 for PPP.
    pub hardware: u16,
    /// The link-layer address; empty if it has none.
    pub address: Vec<u8>,
    /// The index of the link that it is a port of, or of its VRF.
    pub master: Option<u32>,
    /// The kind of device that software makes: "veth", "bridge", "vlan", "vrf" …
    pub kind: Option<String>,
    /// Its kind as a port: "bridge", "bond", "team", "vrf" …
    pub port_kind: Option<String>,
    /// Present if the link is a VLAN of another link.
    pub vlan: Option<Vlan>,
    /// Whether it is a bridge that may keep IGMP reports from the programs of this machine: it
    /// snoops, and takes this machine for a router only while it sends queries.
    pub hides_reports: bool,
    flags: u32,
}

/// What makes a link a VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// The VLAN number.
    pub id: u16,
    /// The index of the link that carries the tagged frames; `None` if that is in another
    /// network namespace.
    pub parent: Option<u32>,
}

impl Link {
    /// `None` if the announcement does not contain a name.
    pub(super) fn parse(head: &[u8], rest: &[u8]) -> Option<Link> {
        let mut link = Link {
            index: u32_at(head, 4)?,
            name: String::new(),
            mtu: 0,
            hardware: u16_at(head, 2)?,
            address: Vec::new(),
            master: None,
            kind: None,
            port_kind: None,
            vlan: None,
            hides_reports: false,
            flags: u32_at(head, 8)? & FLAGS,
        };
        let (mut parent, mut is_foreign, mut info) = (None, false, [].as_slice());
        for (kind, value) in attributes(rest) {
            match kind {
                IFLA_IFNAME => link.name = text(value),
                IFLA_MTU => link.mtu = u32_at(value, 0)?,
                IFLA_ADDRESS => link.address = value.to_vec(),
                IFLA_MASTER => link.master = u32_at(value, 0).filter(|index| *index != 0),
                IFLA_LINK => parent = u32_at(value, 0).filter(|index| *index != 0),
                IFLA_LINK_NETNSID => is_foreign = true,
                IFLA_LINKINFO => info = value,
                _ => {}
            }
        }
        link.kind = attribute(info, IFLA_INFO_KIND).map(text);
        link.port_kind = attribute(info, IFLA_INFO_SLAVE_KIND).map(text);
        let data = attribute(info, IFLA_INFO_DATA).unwrap_or_default();
        link.hides_reports = link.kind.as_deref() == Some("bridge") && hides_reports(data);
        if link.kind.as_deref() == Some("vlan") {
            let id = attribute(data, IFLA_VLAN_ID).and_then(|value| u16_at(value, 0));
            let parent = parent.filter(|_| !is_foreign);
            link.vlan = id.map(|id| Vlan { id, parent });
        }
        (!link.name.is_empty()).then_some(link)
    }

    fn has(&self, flag: libc::c_int) -> bool {
        self.flags & flag as u32 != 0
    }

    /// Whether it is switched on (IFF_UP).
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.has(libc::IFF_UP)
    }

    /// Whether it is up and can carry packets: it has a carrier, or cannot tell (IFF_RUNNING).
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.has(libc::IFF_UP) && self.has(libc::IFF_RUNNING)
    }

    /// IFF_UP, IFF_RUNNING and IFF_LOWER_UP: the flags that routes depend on.
    #[must_use]
    pub fn state_flags(&self) -> u32 {
        self.flags & ((libc::IFF_UP | libc::IFF_RUNNING) as u32 | IFF_LOWER_UP)
    }

    /// Whether there is just one other end, as with PPP (IFF_POINTOPOINT).
    #[must_use]
    pub fn is_point_to_point(&self) -> bool {
        self.has(libc::IFF_POINTOPOINT)
    }

    /// Whether it is the loopback (IFF_LOOPBACK).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.has(libc::IFF_LOOPBACK)
    }

    /// Whether it can carry multicast (IFF_MULTICAST).
    #[must_use]
    pub fn is_multicast(&self) -> bool {
        self.has(libc::IFF_MULTICAST)
    }

    /// Whether it is a VRF.
    #[must_use]
    pub fn is_vrf(&self) -> bool {
        self.kind.as_deref() == Some("vrf")
    }

    /// Whether this is the same device as `other`, as far as one can tell without having seen all
    /// announcements in between: a device may have gone, and another may have its index.
    #[must_use]
    pub fn is_same_device(&self, other: &Link) -> bool {
        let identity =
            |link: &Link| (link.index, link.hardware, link.vlan.map(|vlan| (vlan.id, vlan.parent)));
        identity(self) == identity(other)
            && self.kind == other.kind
            && self.address == other.address
    }
}

/// Whether these are the values of a bridge that may keep reports from this machine.
fn hides_reports(data: &[u8]) -> bool {
    let value = |kind| attribute(data, kind).and_then(|value| value.first().copied());
    value(IFLA_BR_MCAST_SNOOPING).is_some_and(|snooping| snooping != 0)
        && value(IFLA_BR_MCAST_ROUTER).is_some_and(|router| router != ROUTER_PERMANENT)
}

/// A string of the kernel's, which may end with a zero.
fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// An IPv4 address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address itself.
    pub local: Ipv4Addr,
    /// The address of the other end of a point-to-point link; elsewhere equal to `local`.
    pub peer: Ipv4Addr,
    /// The number of leading bits that all addresses of the connected network share, 0 to 32. The
    /// network is that of `peer`.
    pub prefix_len: u8,
}

impl Address {
    /// `None` if the announcement does not contain an address.
    pub(super) fn parse(head: &[u8], rest: &[u8]) -> Option<Address> {
        let (mut peer, mut local) = (None, None);
        for (kind, value) in attributes(rest) {
            match kind {
                IFA_ADDRESS => peer = addr(value),
                IFA_LOCAL => local = addr(value),
                _ => {}
            }
        }
        let local = local.or(peer)?;
        Some(Address { local, peer: peer.unwrap_or(local), prefix_len: head[1].min(32) })
    }

    /// Whether `other` is in the connected network.
    #[must_use]
    pub fn connects(&self, other: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_len)).unwrap_or(0);
        (u32::from(self.peer) ^ u32::from(other)) & mask == 0
    }
}

/// A link whose packets all go to another link, its master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The name of the link.
    pub name: String,
    /// The kind of its master: "bridge", "bond", "team" …
    pub kind: String,
    /// The name of its master.
    pub master: String,
}

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Port { name, kind, master } = self;
        let space = if kind.is_empty() { "" } else { " " };
        write!(
            formatter,
            "{name} is a port of the {kind}{space}{master}, which takes its packets: configure \
             {master} instead of {name}"
        )
    }
}
