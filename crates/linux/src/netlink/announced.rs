//! The effects of announcements: which sources must be looked up again. No I/O here.

use super::copy::{RTM_DELROUTE, RTM_NEWROUTE};
use super::links::{Effect, RoutingLinks, RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK};
use super::wire::{addr, attribute, u32_at, Message};
use crate::route_view::RouteChanges;
use crate::types::{Ipv4Addr, Prefix};
use std::collections::BTreeSet;

const RTM_NEWNETCONF: u16 = 80;
const RTM_DELNETCONF: u16 = 81;

/// The length of `struct rtmsg`, and the positions and kinds of its fields and attributes.
const ROUTE_HEAD: usize = 12;
const RTA_DST: u16 = 1;
/// RTM_F_CLONED: an exception to a route, learned from ICMP.
const CLONED: u32 = 0x200;

/// With more prefixes than this, all sources are looked up again.
const MOST_PREFIXES: usize = 4096;

/// The combined effects of some announcements.
#[derive(Debug, Default)]
pub(super) struct AnnouncedChanges {
    prefixes: BTreeSet<Prefix>,
    /// Any route may have changed.
    everything: bool,
    /// The interfaces among which multicast is routed may have changed. The library's own changes
    /// are announced, too, and looking up all sources for them would cost too much.
    interfaces: bool,
    /// A device has gone, and its VIF with it.
    pub has_lost_link: bool,
    /// Routes of the table that the host named may have been deleted without announcement.
    pub is_copy_stale: bool,
    /// Next hop objects have changed, or may have.
    pub are_objects_stale: bool,
    /// Announcements were lost.
    pub has_gap: bool,
}

impl AnnouncedChanges {
    /// Whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && !self.everything && !self.interfaces
    }

    /// The sources to look up again, if there may be any.
    pub fn changes(&self) -> Option<RouteChanges> {
        match (self.everything, self.prefixes.is_empty()) {
            (true, _) => Some(RouteChanges::everything()),
            (false, false) => Some(RouteChanges::within(self.prefixes.iter().copied())),
            (false, true) => None,
        }
    }

    /// Announcements were lost: anything may have changed.
    pub fn gap(&mut self) {
        self.has_gap = true;
        self.all();
    }

    /// Any route may have changed, without being announced.
    fn all(&mut self) {
        self.everything = true;
        self.is_copy_stale = true;
        self.are_objects_stale = true;
        self.prefixes.clear();
    }

    fn prefix(&mut self, prefix: Prefix) {
        if self.everything {
            return;
        }
        self.prefixes.insert(prefix);
        if self.prefixes.len() > MOST_PREFIXES {
            self.everything = true;
            self.prefixes.clear();
        }
    }

    /// Processes an announcement, and updates `links`.
    pub fn take(&mut self, message: &Message<'_>, links: &mut RoutingLinks) {
        match message.kind {
            RTM_NEWROUTE | RTM_DELROUTE => match destination(message) {
                Some(Some(prefix)) => self.prefix(prefix),
                Some(None) => {}
                None => self.all(),
            },
            RTM_NEWLINK | RTM_DELLINK | RTM_NEWADDR | RTM_DELADDR => {
                self.has_lost_link |= message.kind == RTM_DELLINK;
                match links.take(message) {
                    Effect::Nothing => {}
                    Effect::Link => self.interfaces = true,
                    Effect::Prefixes(prefixes) => {
                        prefixes.into_iter().for_each(|prefix| self.prefix(prefix));
                    }
                    Effect::Everything => self.all(),
                }
            }
            RTM_NEWNETCONF | RTM_DELNETCONF => self.interfaces = true,
            _ => self.all(), // a rule, a next hop object
        }
    }
}

/// The destination of an announced route; `Some(None)` if no look-up depends on it, `None`
/// if the announcement is invalid.
fn destination(message: &Message<'_>) -> Option<Option<Prefix>> {
    let (head, rest) = message.split(ROUTE_HEAD)?;
    if i32::from(head[0]) != libc::AF_INET || u32_at(head, 8)? & CLONED != 0 {
        return Some(None);
    }
    let network = match attribute(rest, RTA_DST) {
        Some(value) => addr(value)?,
        None if head[1] == 0 => Ipv4Addr::UNSPECIFIED,
        None => return None,
    };
    Some(Some(Prefix::of(network, head[1])))
}

/// Reads anything, as an answer and as announcements.
#[cfg(fuzzing)]
pub fn fuzz(datagram: &[u8]) {
    super::reply::fuzz(datagram);
    let (mut announced, mut links) = (AnnouncedChanges::default(), RoutingLinks::default());
    let mut copy = super::copy::TableCopy::of(254);
    copy.complete();
    for message in super::wire::messages(datagram) {
        announced.take(&message, &mut links);
        copy.take(&message);
        let _ = super::nexthops::read(&message);
    }
    assert!(copy.lookup(Ipv4Addr::new(10, 0, 0, 1), |_| Some(Vec::new())).is_some());
}

#[cfg(test)]
mod tests {
    use super::super::links::tests::{address, link};
    use super::super::sample::{attr, message};
    use super::super::wire::messages;
    use super::*;

    fn route(kind: u16, family: i32, network: [u8; 4], length: u8, flags: u32) -> Vec<u8> {
        let mut head = [0u8; ROUTE_HEAD];
        (head[0], head[1]) = (family as u8, length);
        head[8..].copy_from_slice(&flags.to_ne_bytes());
        let table = attr(15, &100u32.to_ne_bytes());
        let destination = if length > 0 { attr(RTA_DST, &network) } else { Vec::new() };
        message(kind, 0, &[&head, &table, &destination])
    }

    fn hear(announcements: &[Vec<u8>]) -> AnnouncedChanges {
        let (mut announced, mut links) = (AnnouncedChanges::default(), RoutingLinks::default());
        for bytes in announcements {
            messages(bytes).for_each(|message| announced.take(&message, &mut links));
        }
        announced
    }

    const INET: i32 = libc::AF_INET;

    #[test]
    fn t5_10_a_route_names_its_prefix() {
        let announced = hear(&[
            route(RTM_NEWROUTE, INET, [10, 1, 0, 0], 16, 0),
            route(RTM_DELROUTE, INET, [10, 2, 3, 4], 32, 0),
            route(RTM_NEWROUTE, INET, [10, 9, 0, 0], 16, CLONED),
            route(RTM_NEWROUTE, libc::AF_INET6, [10, 8, 0, 0], 16, 0),
        ]);
        let expected = RouteChanges::within([
            Prefix::of([10, 1, 0, 0].into(), 16),
            Prefix::of([10, 2, 3, 4].into(), 32),
        ]);
        assert_eq!(announced.changes(), Some(expected));
        assert!(
            !announced.is_copy_stale && !announced.are_objects_stale && !announced.has_lost_link
        );
        let default = hear(&[route(RTM_DELROUTE, INET, [0; 4], 0, 0)]);
        assert_eq!(default.changes(), Some(RouteChanges::everything()));
        assert!(!default.is_copy_stale, "what goes is told");
    }

    #[test]
    fn t5_10_what_moves_routes_silently_concerns_everything() {
        const RTM_NEWRULE: u16 = 32;
        const RTM_DELNEXTHOP: u16 = 105;
        let up = libc::IFF_UP;
        for announcement in [
            link(RTM_NEWLINK, 2, up, 0, false),
            link(RTM_DELLINK, 2, up, 0, false),
            address(RTM_DELADDR, 2, [10, 0, 0, 1], [10, 0, 0, 1], 24),
            message(RTM_NEWRULE, 0, &[&[0; 12]]),
            message(RTM_DELNEXTHOP, 0, &[&[0; 8]]),
            message(RTM_NEWROUTE, 0, &[&[0; 4]]), // makes no sense
        ] {
            let announced = hear(&[route(RTM_NEWROUTE, INET, [10, 1, 0, 0], 16, 0), announcement]);
            assert_eq!(announced.changes(), Some(RouteChanges::everything()));
            assert!(announced.is_copy_stale && announced.are_objects_stale);
        }
        let mut lost = AnnouncedChanges::default();
        assert!(lost.is_empty());
        lost.gap();
        assert!(lost.has_gap && lost.changes() == Some(RouteChanges::everything()));
    }

    #[test]
    fn t5_11_own_changes_concern_no_source() {
        let announced = hear(&[message(RTM_NEWNETCONF, 0, &[&[0; 4]])]);
        assert!(!announced.is_empty());
        assert_eq!(announced.changes(), None);
        let announced = hear(&[link(RTM_NEWLINK, 2, 0, 0, false)]);
        assert!(!announced.is_empty() && announced.changes().is_none(), "a new link that is down");
        assert!(hear(&[link(RTM_DELLINK, 2, 0, 0, false)]).has_lost_link);
    }

    #[test]
    fn too_many_prefixes_are_everything() {
        let announce =
            |n: usize| route(RTM_NEWROUTE, INET, [10, 0, (n / 256) as u8, n as u8], 32, 0);
        let mut all: Vec<_> = (0..MOST_PREFIXES).map(announce).collect();
        assert_eq!(hear(&all).changes().map(|c| c.prefixes().len()), Some(MOST_PREFIXES));
        all.push(announce(MOST_PREFIXES));
        let announced = hear(&all);
        assert_eq!(announced.changes(), Some(RouteChanges::everything()));
        assert!(!announced.is_copy_stale, "nothing was missed");
    }
}
