//! The multicast routing of the kernel, and its unicast routes.

use super::super::facts::{Entry, Table, TableRule, Vif};
use mgm_net::mroute::{Listed, Reader};
use mgm_net::netlink::wire::{attribute, u16_at, u32_at, Message};
use mgm_net::netlink::Dumper;
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

/// AF_INET, and from <linux/rtnetlink.h>.
const INET: u8 = 2;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_MULTIPATH: u16 = 9;
const RTM_F_FIB_MATCH: u32 = 0x2000;
const RTN_UNICAST: u8 = 1;
/// `struct rtmsg`.
const ROUTE_HEAD: usize = 12;

/// The tables with their interfaces, without entries.
pub fn tables(reader: &mut Reader) -> io::Result<Vec<Table>> {
    let (tables, others) = (reader.tables()?, reader.virtual_links()?);
    let vif = |link: &u32| Vif { link: *link, is_virtual: others.contains(link) };
    let with_vifs = tables.iter().map(|table| Table {
        id: table.id,
        vifs: table.links.iter().map(vif).collect(),
        entries: Vec::new(),
    });
    Ok(with_vifs.collect())
}

/// The resolved entries of all tables.
pub fn entries(reader: &mut Reader) -> io::Result<BTreeMap<u32, Vec<Entry>>> {
    let mut entries: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
    for listed in reader.entries()? {
        if let Some((table, entry)) = resolved(listed) {
            entries.entry(table).or_default().push(entry);
        }
    }
    Ok(entries)
}

/// `None` for an unresolved entry, which has no incoming interface.
fn resolved(listed: Listed) -> Option<(u32, Entry)> {
    let Listed { table, source, group, is_offloaded, entry } = listed;
    let entry = Entry {
        source,
        group,
        arrives_on: entry.incoming?,
        sent_to: entry.outgoing,
        // The kernel counts packets on other links, too.
        packets: entry.packets.saturating_sub(entry.wrong_link),
        is_offloaded,
    };
    Some((table, entry))
}

/// The rules that lead packets to multicast routing tables.
pub fn rules(reader: &mut Reader) -> io::Result<Vec<TableRule>> {
    let rules = reader.rules()?.into_iter();
    // The rule of VRFs names no table.
    let table = |table| (table != 0).then_some(table);
    Ok(rules.map(|rule| TableRule { interface: rule.link, table: table(rule.table) }).collect())
}

/// A string of the kernel's, which may end with a zero.
pub fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// The links through which the route to an address leads, in the routing domain of a VRF. The list
/// is empty if there is no route.
pub fn route(dumper: &mut Dumper, to: Ipv4Addr, vrf: Option<u32>) -> io::Result<Vec<u32>> {
    let mut head = [0; ROUTE_HEAD];
    head[..2].copy_from_slice(&[INET, 32]);
    head[8..].copy_from_slice(&RTM_F_FIB_MATCH.to_ne_bytes());
    let mut wanted = vec![(RTA_DST, u32::from_ne_bytes(to.octets()))];
    wanted.extend(vrf.map(|vrf| (RTA_OIF, vrf)));
    let mut links = Vec::new();
    let asked = dumper.get(RTM_GETROUTE, &head, &wanted, |message| {
        links.extend(through(message).unwrap_or_default());
    });
    match asked {
        Ok(()) => Ok(links),
        Err(error) if is_unreachable(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The kernel refuses to answer for an address without a route, and for one whose route says
/// unreachable, prohibit or blackhole.
fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, InvalidInput, NetworkUnreachable, PermissionDenied};
    let kinds = [HostUnreachable, InvalidInput, NetworkUnreachable, PermissionDenied];
    kinds.contains(&error.kind())
}

fn through(message: &Message<'_>) -> Option<Vec<u32>> {
    let (head, rest) = message.split(ROUTE_HEAD)?;
    if head[7] != RTN_UNICAST {
        return None;
    }
    if let Some(hops) = attribute(rest, RTA_MULTIPATH) {
        return Some(next_hops(hops).collect());
    }
    Some(vec![u32_at(attribute(rest, RTA_OIF)?, 0)?])
}

/// The link of each `struct rtnexthop`.
fn next_hops(mut rest: &[u8]) -> impl Iterator<Item = u32> + '_ {
    std::iter::from_fn(move || {
        let (length, link) = (usize::from(u16_at(rest, 0)?), u32_at(rest, 4)?);
        // Attributes may follow each. A length below 8 is invalid, and would make this loop
        // endless.
        rest = rest.get(length.max(8).next_multiple_of(4)..).unwrap_or_default();
        Some(link)
    })
}

/// How many packets `rp_filter` has dropped in this network namespace.
pub fn reverse_path_drops() -> Option<u64> {
    counter(&std::fs::read_to_string("/proc/self/net/netstat").ok()?, "IPReversePathFilter")
}

/// A counter of `/proc/net/netstat`: each line of names precedes a line of values.
fn counter(text: &str, name: &str) -> Option<u64> {
    let lines: Vec<&str> = text.lines().collect();
    lines.chunks_exact(2).find_map(|pair| {
        let at = pair[0].split_whitespace().position(|word| word == name)?;
        pair[1].split_whitespace().nth(at)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_net::netlink::wire::{attr, message, messages};

    fn parsed<T>(parts: &[&[u8]], parse: impl Fn(&Message<'_>) -> T) -> T {
        let bytes = message(24, 0, 1, parts);
        let all: Vec<Message<'_>> = messages(&bytes).collect();
        parse(&all[0])
    }

    fn hop(link: u32) -> Vec<u8> {
        [&8u16.to_ne_bytes()[..], &[0, 0], &link.to_ne_bytes()].concat()
    }

    #[test]
    fn an_entry_has_its_own_packets_and_an_incoming_link() {
        let entry = |incoming| mgm_net::mroute::Entry {
            incoming,
            outgoing: vec![(4, 1)],
            packets: 10,
            octets: 5_000,
            wrong_link: 3,
        };
        let (source, group) = (Ipv4Addr::new(10, 1, 0, 11), Ipv4Addr::new(239, 1, 1, 1));
        let listed = |entry| Listed { table: 77, source, group, is_offloaded: true, entry };
        let sent_to = vec![(4, 1)];
        let expected =
            Entry { source, group, arrives_on: 3, sent_to, packets: 7, is_offloaded: true };
        assert_eq!(resolved(listed(entry(Some(3)))), Some((77, expected)));
        assert_eq!(resolved(listed(entry(None))), None);
    }

    #[test]
    fn next_hops_that_are_nonsense_end() {
        let mut short = hop(4);
        short[0] = 0;
        assert_eq!(next_hops(&short).collect::<Vec<_>>(), [4]);
        assert_eq!(next_hops(&[8, 0, 0]).count(), 0);
    }

    #[test]
    fn a_route_leads_through_one_link_or_several() {
        let mut head = [0; 12];
        head[7] = RTN_UNICAST;
        let one = attr(RTA_OIF, &3u32.to_ne_bytes());
        assert_eq!(parsed(&[&head, &one], through), Some(vec![3]));
        let two = attr(RTA_MULTIPATH, &[hop(4), hop(5)].concat());
        assert_eq!(parsed(&[&head, &two], through), Some(vec![4, 5]));
        head[7] = 2; // an address of this machine
        assert_eq!(parsed(&[&head, &one], through), None);
    }

    #[test]
    fn counters_are_found_by_name() {
        let text = "TcpExt: A IPReversePathFilter B\nTcpExt: 1 42 3\nIpExt: C\nIpExt: 4\n";
        assert_eq!(counter(text, "IPReversePathFilter"), Some(42));
        assert_eq!(counter(text, "C"), Some(4));
        assert_eq!(counter(text, "D"), None);
    }
}
