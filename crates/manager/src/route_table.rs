//! The routes of the host.

use crate::types::{Ipv4Addr, Result, Route};
use std::collections::{BTreeMap, HashMap};

/// The host's multicast routes; the longest prefix that covers a source is used.
///
/// There is one hash table for each prefix length. A look-up makes at most 33 probes, in practice
/// as many as there are lengths in use.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    by_length: BTreeMap<u8, HashMap<u32, Own, foldhash::fast::RandomState>>,
}

/// A route of the host.
#[derive(Clone, Debug)]
struct Own {
    route: Route,
    /// Whether the route is preferred to longer prefixes of the system.
    is_preferred: bool,
}

/// The first `length` bits of an address.
fn prefix(addr: Ipv4Addr, length: u8) -> u32 {
    u32::from(addr) & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

impl RouteTable {
    /// Adds a route, in place of the one with the same prefix if there is one.
    /// Host bits of `network` are ignored; lengths beyond 32 count as 32.
    ///
    /// # Errors
    /// `NoMemory`, and nothing has changed.
    pub fn add(&mut self, mut route: Route, is_preferred: bool) -> Result<()> {
        route.prefix_len = route.prefix_len.min(32);
        let network = prefix(route.network, route.prefix_len);
        route.network = network.into();
        let routes = self.by_length.entry(route.prefix_len).or_default();
        if let Err(error) = routes.try_reserve(1) {
            if routes.is_empty() {
                self.by_length.remove(&route.prefix_len);
            }
            return Err(error.into());
        }
        routes.insert(network, Own { route, is_preferred });
        Ok(())
    }

    /// Deletes the route of exactly this prefix; false if there is none.
    pub fn delete(&mut self, network: Ipv4Addr, prefix_len: u8) -> bool {
        let Some(routes) = self.by_length.get_mut(&prefix_len) else { return false };
        let deleted = routes.remove(&prefix(network, prefix_len)).is_some();
        if routes.is_empty() {
            self.by_length.remove(&prefix_len);
        }
        deleted
    }

    /// The most specific route that covers `source`.
    #[must_use]
    pub fn lookup(&self, source: Ipv4Addr) -> Option<Route> {
        self.covering(source).next().map(|own| own.route.clone())
    }

    /// The same, and whether no route of the system can replace it: because a preferred route
    /// covers the source, or the route has prefix length 32.
    #[must_use]
    pub fn lookup_final(&self, source: Ipv4Addr) -> (Option<Route>, bool) {
        let found = self.lookup(source);
        let is_final = found.as_ref().is_some_and(|route| route.prefix_len == 32)
            || self.covering(source).any(|own| own.is_preferred);
        (found, is_final)
    }

    /// The routes that cover a source, the most specific first.
    fn covering(&self, source: Ipv4Addr) -> impl Iterator<Item = &Own> {
        self.by_length
            .iter()
            .rev()
            .filter_map(move |(&length, routes)| routes.get(&prefix(source, length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::RouteOrigin;

    fn route(network: [u8; 4], prefix_len: u8, if_index: u32) -> Route {
        Route {
            origin: RouteOrigin::Connected,
            if_index,
            paths: None,
            network: network.into(),
            prefix_len,
            protocol: 3,
        }
    }

    fn interface(table: &RouteTable, source: [u8; 4]) -> Option<u32> {
        table.lookup(source.into()).map(|route| route.if_index)
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order() {
        let routes = [
            route([0, 0, 0, 0], 0, 1),
            route([10, 0, 0, 0], 8, 2),
            route([10, 1, 0, 0], 16, 3),
            route([10, 1, 2, 3], 32, 4),
        ];
        for backwards in [false, true] {
            let mut table = RouteTable::default();
            let order: Vec<_> =
                if backwards { routes.iter().rev().collect() } else { routes.iter().collect() };
            order.into_iter().for_each(|route| table.add(route.clone(), false).unwrap());
            assert_eq!(interface(&table, [10, 1, 2, 3]), Some(4));
            assert_eq!(interface(&table, [10, 1, 2, 4]), Some(3));
            assert_eq!(interface(&table, [10, 2, 0, 0]), Some(2));
            assert_eq!(interface(&table, [11, 0, 0, 0]), Some(1));
            assert_eq!(interface(&table, [255, 255, 255, 255]), Some(1));
        }
    }

    #[test]
    fn no_match_is_no_route() {
        let mut table = RouteTable::default();
        assert_eq!(table.lookup([10, 0, 0, 1].into()), None);
        table.add(route([10, 0, 0, 0], 8, 2), false).unwrap();
        assert_eq!(table.lookup([11, 0, 0, 1].into()), None);
    }

    #[test]
    fn host_bits_do_not_count() {
        let mut table = RouteTable::default();
        table.add(route([10, 1, 2, 3], 8, 2), false).unwrap();
        let found = table.lookup([10, 9, 9, 9].into()).unwrap();
        assert_eq!(found.network, Ipv4Addr::new(10, 0, 0, 0));
        assert!(table.delete([10, 7, 7, 7].into(), 8));
        assert!(table.by_length.is_empty());
    }

    #[test]
    fn a_second_route_replaces_the_first_of_its_prefix() {
        let mut table = RouteTable::default();
        table.add(route([10, 0, 0, 0], 8, 2), false).unwrap();
        table.add(route([10, 0, 0, 0], 8, 5), false).unwrap();
        assert_eq!(interface(&table, [10, 0, 0, 1]), Some(5));
        assert!(table.delete([10, 0, 0, 0].into(), 8));
        assert!(!table.delete([10, 0, 0, 0].into(), 8));
        assert_eq!(interface(&table, [10, 0, 0, 1]), None);
    }

    #[test]
    fn deleting_uncovers_the_shorter_prefix() {
        let mut table = RouteTable::default();
        table.add(route([0, 0, 0, 0], 0, 1), false).unwrap();
        table.add(route([10, 0, 0, 0], 32, 2), false).unwrap();
        assert!(!table.delete([10, 0, 0, 0].into(), 8), "another length is another route");
        assert!(table.delete([10, 0, 0, 0].into(), 32));
        assert_eq!(interface(&table, [10, 0, 0, 0]), Some(1));
        assert!(table.delete([0, 0, 0, 0].into(), 0));
        assert_eq!(interface(&table, [10, 0, 0, 0]), None);
    }

    #[test]
    fn t5_1_a_preferred_route_is_final_as_is_one_to_the_address_itself() {
        let mut table = RouteTable::default();
        let source = Ipv4Addr::new(10, 1, 2, 3);
        let ask = |table: &RouteTable| {
            let (found, is_final) = table.lookup_final(source);
            (found.map(|route| route.if_index), is_final)
        };
        assert_eq!(ask(&table), (None, false));
        table.add(route([10, 1, 0, 0], 16, 2), false).unwrap();
        assert_eq!(ask(&table), (Some(2), false));
        table.add(route([10, 1, 2, 3], 32, 3), false).unwrap();
        assert_eq!(ask(&table), (Some(3), true));
        table.delete([10, 1, 2, 3].into(), 32);
        table.add(route([10, 0, 0, 0], 8, 4), true).unwrap();
        assert_eq!(ask(&table), (Some(2), true), "among the host's own the longest wins");
        table.add(route([10, 0, 0, 0], 8, 4), false).unwrap();
        assert_eq!(ask(&table), (Some(2), false), "it is preferred no more");
    }

    #[test]
    fn agrees_with_a_plain_scan() {
        let mut seed = 7u32;
        let mut random = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        let (mut table, mut list) = (RouteTable::default(), Vec::<Route>::new());
        for n in 0..3000 {
            // Few distinct bits, so that prefixes nest and collide.
            let network = Ipv4Addr::from(((random() % 64) << 26) | (random() % 8));
            let length = [0, 1, 3, 6, 29, 30, 31, 32][random() as usize % 8];
            let same = |other: &Route| {
                other.prefix_len == length && prefix(network, length) == u32::from(other.network)
            };
            if random() % 3 == 0 {
                let found = list.iter().position(same);
                assert_eq!(table.delete(network, length), found.is_some());
                found.map(|at| list.swap_remove(at));
            } else {
                list.retain(|other| !same(other));
                let mut new = route([0; 4], length, n);
                new.network = prefix(network, length).into();
                list.push(new.clone());
                table.add(Route { network, ..new }, false).unwrap();
            }
            let source = Ipv4Addr::from(((random() % 64) << 26) | (random() % 8));
            let covers =
                |route: &&Route| prefix(source, route.prefix_len) == u32::from(route.network);
            let expected = list.iter().filter(covers).max_by_key(|route| route.prefix_len);
            assert_eq!(table.lookup(source), expected.cloned());
        }
    }
}
