//! What the kernel's multicast routing has, read back by netlink: entries, tables, and the rules
//! that choose a table. It also says whether the kernel accepts a source on a link.
//!
//! Nothing here changes the kernel's state, and no capability is needed.

#[cfg(test)]
mod tests;

use crate::netlink::wire::{addr, attribute, attributes, u16_at, u32_at, Message};
use crate::netlink::Dumper;
use std::io;
use std::net::Ipv4Addr;

/// The kernel's table 0 of MRT_TABLE, as netlink numbers it.
pub const DEFAULT_TABLE: u32 = 253;

/// RTNL_FAMILY_IPMR, which libc lacks.
const IPMR: u8 = 128;
const RTM_NEWLINK: u16 = libc::RTM_NEWLINK;
const RTM_GETLINK: u16 = libc::RTM_GETLINK;
const RTM_NEWROUTE: u16 = libc::RTM_NEWROUTE;
const RTM_GETROUTE: u16 = libc::RTM_GETROUTE;
const RTM_NEWRULE: u16 = libc::RTM_NEWRULE;
const RTM_GETRULE: u16 = libc::RTM_GETRULE;
/// `struct rtmsg`, `struct fib_rule_hdr` and `struct ifinfomsg`.
const ROUTE_HEAD: usize = 12;
const RULE_HEAD: usize = 12;
const LINK_HEAD: usize = 16;
const RTA_DST: u16 = libc::RTA_DST;
const RTA_SRC: u16 = libc::RTA_SRC;
const RTA_IIF: u16 = libc::RTA_IIF;
const RTA_MULTIPATH: u16 = libc::RTA_MULTIPATH;
const RTA_TABLE: u16 = libc::RTA_TABLE;
const RTA_MFC_STATS: u16 = 17;
/// `struct rtnexthop`: length, flags, hops (here the TTL threshold), index.
const NEXT_HOP: usize = 8;
const FRA_IIFNAME: u16 = 3;
const FRA_FWMARK: u16 = 10;
const FRA_TABLE: u16 = 15;
const FRA_L3MDEV: u16 = 19;
const FIB_RULE_INVERT: u32 = 2;
const FR_ACT_TO_TBL: u8 = 1;
const IFLA_AF_SPEC: u16 = 26;
const IPMRA_TABLE_ID: u16 = 1;
const IPMRA_TABLE_VIFS: u16 = 6;
const IPMRA_VIF: u16 = 1;
const IPMRA_VIFA_IFINDEX: u16 = 1;
const IPMRA_VIFA_FLAGS: u16 = 3;
/// VIFF_TUNNEL and VIFF_REGISTER, from <linux/mroute.h>.
const VIRTUAL: u16 = 1 | 4;
const RTNH_F_OFFLOAD: u32 = 8;

/// A group that every link has joined, and that multicast routing ignores.
const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

/// The entry of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The index of the incoming link; `None` if its VIF does not exist.
    pub incoming: Option<u32>,
    /// The outgoing links, with their TTL thresholds.
    pub outgoing: Vec<(u32, u8)>,
    /// Packets of the flow, including those on other links.
    pub packets: u64,
    /// Their octets.
    pub octets: u64,
    /// Packets on other links.
    pub wrong_link: u64,
}

/// An entry in a list of all entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The number of its table.
    pub table: u32,
    /// The source; 0.0.0.0 for all sources.
    pub source: Ipv4Addr,
    /// The group; 0.0.0.0 for all groups.
    pub group: Ipv4Addr,
    /// Whether a network card forwards the packets, so that the kernel need not see them.
    pub is_offloaded: bool,
    /// The entry itself.
    pub entry: Entry,
}

/// A multicast routing table that some program has, or the default one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its number.
    pub id: u32,
    /// The indices of the links that have a VIF in it.
    pub links: Vec<u32>,
}

/// A rule (`ip mrule`): the packets that arrive on a link go to a table. Rules for packets with a
/// mark, for those of a VRF, and inverted ones, are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name of the link; `None` for all links.
    pub link: Option<String>,
    /// The number of the table.
    pub table: u32,
}

/// Reads the multicast routing of one network namespace.
#[derive(Debug)]
pub struct Reader(Dumper);

impl Reader {
    /// Opens a socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// Those of [`Dumper::open`].
    pub fn open() -> io::Result<Reader> {
        Ok(Reader(Dumper::open()?))
    }

    /// The entry of a flow in a table; `None` if there is none, or no such table.
    ///
    /// # Errors
    /// Those of [`Dumper::get`].
    pub fn entry(
        &mut self,
        table: u32,
        source: Ipv4Addr,
        group: Ipv4Addr,
    ) -> io::Result<Option<Entry>> {
        let mut head = [0; ROUTE_HEAD];
        head[..3].copy_from_slice(&[IPMR, 32, 32]);
        let wanted = [(RTA_SRC, word(source)), (RTA_DST, word(group)), (RTA_TABLE, table)];
        let mut found = None;
        let result = self.0.get(RTM_GETROUTE, &head, &wanted, |message| {
            found = entry(message);
        });
        match result.map_err(|error| error.raw_os_error()) {
            Ok(()) => Ok(found),
            Err(Some(libc::ENOENT)) => Ok(None),
            Err(errno) => Err(errno.map_or(io::ErrorKind::InvalidData.into(), from_errno)),
        }
    }

    /// The entries of all tables. An unresolved flow has an entry without an incoming link.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`].
    pub fn entries(&mut self) -> io::Result<Vec<Listed>> {
        self.list(RTM_GETROUTE, ROUTE_HEAD, |message, entries| entries.extend(listed(message)))
    }

    /// The links of all tables that are no devices of their own: packets to them go to the routing
    /// daemon (PIM's register interface) or into a tunnel.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`].
    pub fn virtual_links(&mut self) -> io::Result<Vec<u32>> {
        self.list(RTM_GETLINK, LINK_HEAD, |message, found| {
            let flags = |vif| attribute(vif, IPMRA_VIFA_FLAGS).and_then(|value| u16_at(value, 0));
            let all = vifs(message).filter(|vif| flags(vif).is_some_and(|f| f & VIRTUAL != 0));
            found.extend(all.filter_map(link_of));
        })
    }

    /// All tables. The default one always exists, whether or not a program uses it.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`].
    pub fn tables(&mut self) -> io::Result<Vec<Table>> {
        self.list(RTM_GETLINK, LINK_HEAD, |message, tables| tables.extend(table(message)))
    }

    /// The rules in their order.
    ///
    /// # Errors
    /// Those of [`Dumper::dump`]. A kernel with only one table has no rules.
    pub fn rules(&mut self) -> io::Result<Vec<Rule>> {
        let rules = self.list(RTM_GETRULE, RULE_HEAD, |message, rules| rules.extend(rule(message)));
        match rules {
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(Vec::new()),
            other => other,
        }
    }

    /// What a dump of multicast routing has. Its request begins with `length` bytes, of which the
    /// first is the family.
    fn list<T>(
        &mut self,
        kind: u16,
        length: usize,
        take: impl Fn(&Message<'_>, &mut Vec<T>),
    ) -> io::Result<Vec<T>> {
        let mut head = vec![0; length];
        head[0] = IPMR;
        self.0.repeatedly(|dumper| {
            let mut found = Vec::new();
            let intact = dumper.dump(kind, &head, &[], |message| take(message, &mut found))?;
            Ok((found, intact))
        })
    }

    /// Whether the kernel accepts packets from a source on a link. If not, rp_filter drops them,
    /// or no host can have the address. The source must not be an address of this machine, because
    /// the kernel refuses these in any case.
    ///
    /// # Errors
    /// Those of [`Dumper::get`].
    pub fn accepts_source(&mut self, source: Ipv4Addr, link: u32) -> io::Result<bool> {
        let mut head = [0; ROUTE_HEAD];
        head[..3].copy_from_slice(&[libc::AF_INET as u8, 32, 32]);
        let wanted = [(RTA_DST, word(ALL_HOSTS)), (RTA_SRC, word(source)), (RTA_IIF, link)];
        let result = self.0.get(RTM_GETROUTE, &head, &wanted, |_| {});
        match result.map_err(|error| error.raw_os_error()) {
            Ok(()) => Ok(true),
            // Linux 6.14 and later return EINVAL for both reasons.
            Err(Some(libc::EXDEV | libc::EINVAL)) => Ok(false),
            Err(errno) => Err(errno.map_or(io::ErrorKind::InvalidData.into(), from_errno)),
        }
    }
}

/// The table to which the packets go that arrive on the link of this name; `None` if no rule
/// leads them to a table that exists.
#[must_use]
pub fn table_of(link: &str, rules: &[Rule], tables: &[Table]) -> Option<u32> {
    let is_for = |rule: &&Rule| rule.link.as_deref().is_none_or(|name| name == link);
    let exists = |rule: &&Rule| tables.iter().any(|table| table.id == rule.table);
    // Without rules, the kernel has only one table.
    let only = || tables.first().map(|table| table.id).filter(|_| rules.is_empty());
    rules.iter().filter(is_for).find(exists).map(|rule| rule.table).or_else(only)
}

fn from_errno(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

fn word(address: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(address.octets())
}

fn entry(message: &Message) -> Option<Entry> {
    let (_, rest) = message.split(ROUTE_HEAD).filter(|_| message.kind == RTM_NEWROUTE)?;
    // An entry without a source would be another kind of entry.
    attribute(rest, RTA_SRC).and_then(addr)?;
    let counter = |at: usize| {
        let stats = attribute(rest, RTA_MFC_STATS)?;
        Some(u64::from_ne_bytes(stats.get(8 * at..8 * at + 8)?.try_into().ok()?))
    };
    Some(Entry {
        incoming: attribute(rest, RTA_IIF).and_then(|value| u32_at(value, 0)),
        outgoing: next_hops(attribute(rest, RTA_MULTIPATH).unwrap_or_default()),
        packets: counter(0).unwrap_or(0),
        octets: counter(1).unwrap_or(0),
        wrong_link: counter(2).unwrap_or(0),
    })
}

fn next_hops(mut bytes: &[u8]) -> Vec<(u32, u8)> {
    let mut found = Vec::new();
    while let (Some(length), Some(index)) = (u16_at(bytes, 0), u32_at(bytes, 4)) {
        found.push((index, bytes[3]));
        bytes = bytes.get(usize::from(length).max(NEXT_HOP)..).unwrap_or_default();
    }
    found
}

fn listed(message: &Message) -> Option<Listed> {
    let entry = entry(message)?;
    let (head, rest) = message.split(ROUTE_HEAD)?;
    let address = |kind| attribute(rest, kind).and_then(addr);
    let table = attribute(rest, RTA_TABLE).and_then(|value| u32_at(value, 0));
    Some(Listed {
        table: table.unwrap_or_else(|| head[4].into()),
        source: address(RTA_SRC)?,
        group: address(RTA_DST)?,
        is_offloaded: u32_at(head, 8)? & RTNH_F_OFFLOAD != 0,
        entry,
    })
}

fn table(message: &Message) -> Option<Table> {
    let of_family = of_family(message)?;
    Some(Table {
        id: attribute(of_family, IPMRA_TABLE_ID).and_then(|value| u32_at(value, 0))?,
        links: vifs(message).filter_map(link_of).collect(),
    })
}

/// What the message about a table says.
fn of_family<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let (_, rest) = message.split(LINK_HEAD).filter(|_| message.kind == RTM_NEWLINK)?;
    attribute(rest, IFLA_AF_SPEC)
}

/// The VIFs of the table.
fn vifs<'a>(message: &Message<'a>) -> impl Iterator<Item = &'a [u8]> {
    let vifs = of_family(message).and_then(|known| attribute(known, IPMRA_TABLE_VIFS));
    let all = attributes(vifs.unwrap_or_default()).filter(|(kind, _)| *kind == IPMRA_VIF);
    all.map(|(_, vif)| vif)
}

fn link_of(vif: &[u8]) -> Option<u32> {
    attribute(vif, IPMRA_VIFA_IFINDEX).and_then(|value| u32_at(value, 0))
}

fn rule(message: &Message) -> Option<Rule> {
    let (head, rest) = message.split(RULE_HEAD).filter(|_| message.kind == RTM_NEWRULE)?;
    let is_inverted = u32_at(head, 8).is_none_or(|flags| flags & FIB_RULE_INVERT != 0);
    // Rules that choose packets by other properties than their link are for few of them.
    let is_special = attributes(rest).any(|(kind, _)| matches!(kind, FRA_FWMARK | FRA_L3MDEV));
    if head[7] != FR_ACT_TO_TBL || is_inverted || is_special {
        return None;
    }
    let name = attribute(rest, FRA_IIFNAME).map(|name| {
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        String::from_utf8_lossy(&name[..end]).into_owned()
    });
    let table = attribute(rest, FRA_TABLE).and_then(|value| u32_at(value, 0));
    Some(Rule { link: name, table: table.unwrap_or_else(|| head[4].into()) })
}
