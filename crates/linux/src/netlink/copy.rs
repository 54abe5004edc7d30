//! A copy of one of the kernel's unicast tables: RTM_GETROUTE follows the policy rules and
//! cannot be told to ask a certain table. No I/O here.

use super::reply;
use super::wire::Message;
use crate::types::{Ipv4Addr, NextHop, Prefix, Route, RouteOrigin};
use foldhash::fast::RandomState;
use netlink_packet_core::Parseable;
use netlink_packet_route::route::{RouteAttribute, RouteMessage, RouteType};
use std::collections::{BTreeMap, HashMap};

/// The table of this machine's addresses.
const LOCAL_TABLE: u32 = 255;

pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_DELROUTE: u16 = 25;

/// From <linux/netlink.h>: how a route came into its table.
const NLM_F_REPLACE: u16 = 0x100;
const NLM_F_APPEND: u16 = 0x800;

/// One route of a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PrefixRoute {
    tos: u8,
    priority: u32,
    protocol: u32,
    kind: PrefixRouteKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PrefixRouteKind {
    /// An address of this machine.
    Local,
    /// Packets are not forwarded.
    Nowhere,
    Hops(Vec<NextHop>),
    /// A next hop object.
    Object(u32),
}

/// The routes of one table, those of each prefix in the kernel's order: by priority, then by age.
#[derive(Debug, Default)]
struct KernelTable {
    by_length: BTreeMap<u8, HashMap<Ipv4Addr, Vec<PrefixRoute>, RandomState>>,
}

/// The table that the host named, and with it the machine's own addresses.
#[derive(Debug)]
pub(super) struct TableCopy {
    number: u32,
    named: KernelTable,
    local: KernelTable,
    /// Whether all routes have been read.
    is_complete: bool,
}

impl TableCopy {
    pub fn of(number: u32) -> TableCopy {
        TableCopy {
            number,
            named: KernelTable::default(),
            local: KernelTable::default(),
            is_complete: false,
        }
    }

    /// The number of the table that the host named.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The tables to be dumped.
    pub fn tables(&self) -> Vec<u32> {
        let mut tables = vec![self.number, LOCAL_TABLE];
        tables.dedup();
        tables
    }

    /// All routes of a dump have been processed.
    pub fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Processes an announcement about a route, or a part of a dump.
    pub fn take(&mut self, message: &Message<'_>) {
        let route = match RouteMessage::parse(message.body) {
            Ok(route) => route,
            Err(error) => return log::debug!("ignoring an invalid route: {error}"),
        };
        match message.kind {
            RTM_NEWROUTE => self.add(&route, message.flags),
            RTM_DELROUTE => self.delete(&route),
            _ => {}
        }
    }

    /// Adds a route.
    fn add(&mut self, route: &RouteMessage, flags: u16) {
        let (prefix, entry) = (reply::prefix(route), entry(route));
        if let Some(table) = self.table(route) {
            table.add(prefix, entry, flags);
        }
    }

    /// Deletes a route.
    fn delete(&mut self, route: &RouteMessage) {
        let (prefix, entry) = (reply::prefix(route), entry(route));
        if let Some(table) = self.table(route) {
            table.delete(prefix, &entry);
        }
    }

    fn table(&mut self, route: &RouteMessage) -> Option<&mut KernelTable> {
        match table(route) {
            number if number == self.number => Some(&mut self.named),
            LOCAL_TABLE => Some(&mut self.local),
            _ => None,
        }
    }

    /// The route towards `source`; `None` if the table has not been read yet. `object` returns
    /// the next hops of an object, `None` if the kernel does not answer.
    pub fn lookup(
        &self,
        source: Ipv4Addr,
        mut object: impl FnMut(u32) -> Option<Vec<NextHop>>,
    ) -> Option<Route> {
        if !self.is_complete {
            return None;
        }
        // An address of this machine, or the broadcast address of a network, which has none.
        match self.local.lookup(source, &mut object)? {
            Some(found) => Some(found),
            None => Some(self.named.lookup(source, &mut object)?.unwrap_or(Route::NONE)),
        }
    }
}

impl KernelTable {
    fn add(&mut self, prefix: Prefix, entry: PrefixRoute, flags: u16) {
        let by_network = self.by_length.entry(prefix.length()).or_default();
        let entries = by_network.entry(prefix.network()).or_default();
        if entries.contains(&entry) {
            return; // a dump has brought it already
        }
        let rank = |entry: &PrefixRoute| (entry.priority, entry.tos);
        let first = entries.partition_point(|other| rank(other) < rank(&entry));
        let behind = entries.partition_point(|other| rank(other) <= rank(&entry));
        if flags & NLM_F_REPLACE != 0 && first < behind {
            entries[first] = entry;
        } else if flags & NLM_F_APPEND != 0 {
            entries.insert(behind, entry);
        } else {
            entries.insert(first, entry);
        }
    }

    fn delete(&mut self, prefix: Prefix, entry: &PrefixRoute) {
        let Some(by_network) = self.by_length.get_mut(&prefix.length()) else { return };
        let Some(entries) = by_network.get_mut(&prefix.network()) else { return };
        let rank = |entry: &PrefixRoute| (entry.priority, entry.tos);
        let same = entries.iter().position(|other| other == entry);
        // Its next hops may have died since.
        let like = || entries.iter().position(|other| rank(other) == rank(entry));
        if let Some(at) = same.or_else(like) {
            entries.remove(at);
        }
        if entries.is_empty() {
            by_network.remove(&prefix.network());
        }
        if by_network.is_empty() {
            self.by_length.remove(&prefix.length());
        }
    }

    /// As the kernel does: the longest prefix that has a living route. `None` if an object's
    /// next hops are not known; `Some(None)` if there is no route.
    fn lookup(
        &self,
        source: Ipv4Addr,
        object: &mut impl FnMut(u32) -> Option<Vec<NextHop>>,
    ) -> Option<Option<Route>> {
        for (&length, by_network) in self.by_length.iter().rev() {
            let prefix = Prefix::of(source, length);
            let Some(entries) = by_network.get(&prefix.network()) else { continue };
            for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.tos == 0) {
                let mut hops = match &entry.kind {
                    PrefixRouteKind::Nowhere => return Some(Some(Route::NONE)),
                    PrefixRouteKind::Local => {
                        let own = NextHop { origin: RouteOrigin::Local, if_index: 0 };
                        return Some(Some(reply::by(own, &[], prefix, entry.protocol)));
                    }
                    PrefixRouteKind::Hops(hops) => hops.clone(),
                    PrefixRouteKind::Object(id) => object(*id)?,
                };
                let Some(&first) = hops.first() else { continue };
                if first.origin == RouteOrigin::Connected {
                    hops.extend(connected(&entries[at + 1..]));
                }
                return Some(Some(reply::by(first, &hops, prefix, entry.protocol)));
            }
        }
        Some(None)
    }
}

/// The links that a prefix is connected by.
fn connected(entries: &[PrefixRoute]) -> impl Iterator<Item = NextHop> + '_ {
    let hops =
        entries.iter().filter(|entry| entry.tos == 0).filter_map(|entry| match &entry.kind {
            PrefixRouteKind::Hops(hops) => Some(hops),
            _ => None,
        });
    hops.flatten().copied().filter(|hop| hop.origin == RouteOrigin::Connected)
}

/// The number of the table that a route is in.
fn table(route: &RouteMessage) -> u32 {
    let told = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(number) => Some(*number),
        _ => None,
    });
    told.unwrap_or(route.header.table.into())
}

fn entry(route: &RouteMessage) -> PrefixRoute {
    let priority = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Priority(priority) => Some(*priority),
        _ => None,
    });
    let kind = match route.header.kind {
        RouteType::Local => PrefixRouteKind::Local,
        RouteType::Unicast => match reply::object(route) {
            Some(id) => PrefixRouteKind::Object(id),
            None => PrefixRouteKind::Hops(reply::next_hops(route)),
        },
        _ => PrefixRouteKind::Nowhere,
    };
    PrefixRoute {
        tos: route.header.tos,
        priority: priority.unwrap_or(0),
        protocol: reply::protocol(route.header.protocol),
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::route::{RouteAddress, RouteProtocol};

    const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);

    /// A route by one link, or nowhere by link 0.
    fn route(table: u32, network: [u8; 4], length: u8, priority: u32, link: u32) -> RouteMessage {
        let mut route = RouteMessage::default();
        route.header.kind = if link > 0 { RouteType::Unicast } else { RouteType::Unreachable };
        route.header.protocol = RouteProtocol::Static;
        route.header.destination_prefix_length = length;
        route.header.table = if table < 256 { table as u8 } else { 0 };
        route.attributes = vec![
            RouteAttribute::Table(table),
            RouteAttribute::Destination(RouteAddress::Inet(network.into())),
            RouteAttribute::Priority(priority),
        ];
        route.attributes.extend((link > 0).then_some(RouteAttribute::Oif(link)));
        route
    }

    fn by_gateway(mut route: RouteMessage) -> RouteMessage {
        let gateway = RouteAddress::Inet([192, 0, 2, 1].into());
        route.attributes.push(RouteAttribute::Gateway(gateway));
        route
    }

    fn full() -> TableCopy {
        let mut copy = TableCopy::of(1000);
        copy.complete();
        copy
    }

    fn links(copy: &TableCopy) -> Vec<u32> {
        let route = copy.lookup(SOURCE, |_| None).expect("it is complete");
        match &route.paths {
            Some(paths) => {
                assert_eq!(paths[0].if_index, route.if_index, "the first is the choice");
                paths.iter().map(|way| way.if_index).collect()
            }
            None => vec![route.if_index],
        }
    }

    #[test]
    fn t5_1_the_longest_prefix_of_the_named_table_wins() {
        let mut copy = TableCopy::of(1000);
        copy.add(&route(1000, [0, 0, 0, 0], 0, 0, 1), 0);
        assert_eq!(copy.lookup(SOURCE, |_| None), None, "it has not been read yet");
        copy.complete();
        copy.add(&route(1000, [10, 1, 0, 0], 16, 0, 3), 0);
        copy.add(&route(1000, [10, 0, 0, 0], 8, 0, 2), 0);
        copy.add(&route(254, [10, 1, 2, 0], 24, 0, 9), 0);
        assert_eq!(links(&copy), [3], "what is in another table does not count");
        copy.delete(&route(1000, [10, 1, 0, 0], 16, 0, 3));
        assert_eq!(links(&copy), [2]);
        copy.delete(&route(1000, [10, 0, 0, 0], 8, 0, 2));
        assert_eq!(links(&copy), [1]);
        copy.delete(&route(1000, [0, 0, 0, 0], 0, 0, 1));
        assert_eq!(copy.lookup(SOURCE, |_| None), Some(Route::NONE));
        copy.add(&route(1000, [10, 1, 0, 0], 16, 0, 3), 0);
        copy.add(&route(1000, [10, 1, 2, 0], 24, 0, 0), 0);
        assert_eq!(copy.lookup(SOURCE, |_| None), Some(Route::NONE), "unreachable");
    }

    #[test]
    fn t5_1_an_own_address_is_local_whatever_the_table_says() {
        let mut copy = full();
        copy.add(&route(1000, SOURCE.octets(), 32, 0, 3), 0);
        let mut own = route(LOCAL_TABLE, SOURCE.octets(), 32, 0, 1);
        own.header.kind = RouteType::Local;
        copy.add(&own, 0);
        let found = copy.lookup(SOURCE, |_| None).unwrap();
        assert_eq!((found.origin, found.if_index), (RouteOrigin::Local, 0));
        copy.delete(&own);
        assert_eq!(links(&copy), [3]);
    }

    #[test]
    fn t5_1_the_lowest_priority_wins_and_connected_prefixes_count_alike() {
        let mut copy = full();
        copy.add(&route(1000, [10, 1, 0, 0], 16, 20, 4), 0);
        copy.add(&route(1000, [10, 1, 0, 0], 16, 10, 3), 0);
        assert_eq!(links(&copy), [3, 4], "both are connected to the source");
        copy.add(&by_gateway(route(1000, [10, 1, 0, 0], 16, 30, 5)), 0);
        assert_eq!(links(&copy), [3, 4], "a gateway of another priority is no equal way");
        copy.add(&by_gateway(route(1000, [10, 1, 0, 0], 16, 5, 6)), 0);
        assert_eq!(links(&copy), [6]);
    }

    #[test]
    fn t5_10_announcements_replace_append_and_prepend_as_the_kernel_does() {
        let mut copy = full();
        let via = |link| by_gateway(route(1000, [10, 1, 0, 0], 16, 0, link));
        copy.add(&via(3), 0);
        copy.add(&via(4), NLM_F_APPEND);
        assert_eq!(links(&copy), [3]);
        copy.add(&via(5), 0); // prepended
        assert_eq!(links(&copy), [5]);
        copy.add(&via(6), NLM_F_REPLACE);
        assert_eq!(links(&copy), [6]);
        copy.add(&via(6), NLM_F_APPEND); // it is there
        copy.delete(&via(6));
        assert_eq!(links(&copy), [3]);
        copy.delete(&via(9)); // as it was when its next hops lived
        assert_eq!(links(&copy), [4]);
        copy.delete(&via(4));
        assert_eq!(copy.lookup(SOURCE, |_| None), Some(Route::NONE));
        copy.delete(&via(4)); // gone already
    }

    #[test]
    fn t5_1_objects_and_dead_routes() {
        let mut copy = full();
        copy.add(&by_gateway(route(1000, [10, 0, 0, 0], 8, 0, 2)), 0);
        let mut object = route(1000, [10, 1, 0, 0], 16, 0, 3);
        object.attributes.push(RouteAttribute::NhId(7));
        copy.add(&object, 0);
        assert_eq!(copy.lookup(SOURCE, |_| None), None, "the kernel does not say what it is");
        let origin = RouteOrigin::Via([192, 0, 2, 1].into());
        let hops = [5, 6].map(|if_index| NextHop { origin, if_index });
        let found = copy.lookup(SOURCE, |id| (id == 7).then(|| hops.to_vec())).unwrap();
        assert_eq!((found.if_index, found.paths.as_deref()), (5, Some(&hops[..])));
        let found = copy.lookup(SOURCE, |_| Some(Vec::new())).unwrap();
        assert_eq!(found.if_index, 2, "a route with no living next hop is passed over");
    }
}
