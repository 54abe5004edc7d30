//! The properties of links and addresses on which routes depend: the routing domain of a link, and
//! which links share a connected prefix. No I/O here.

use super::wire::Message;
use crate::types::{Domain, Prefix};
use mgm_net::links::{self, Address, Change, Link};

pub(super) use mgm_net::links::{RTM_DELADDR, RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK};

/// The effect of an announcement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// No route depends on what changed.
    Nothing,
    /// A link came, or changed its domain; no route led through it before.
    Link,
    /// Routes to these may have changed.
    Prefixes([Prefix; 2]),
    /// Any route may have changed, without further announcements.
    Everything,
}

/// All links and IPv4 addresses of this network namespace.
#[derive(Debug, Default)]
pub(super) struct RoutingLinks(pub links::Links);

impl RoutingLinks {
    /// The domain of a link: the VRF that it belongs to, or is.
    pub fn domain(&self, index: u32) -> Domain {
        let Some(link) = self.0.get(index) else { return Domain::MAIN };
        if link.is_vrf() {
            return Domain(index);
        }
        let is_vrf = |master: &u32| self.0.get(*master).is_some_and(Link::is_vrf);
        link.master.filter(is_vrf).map_or(Domain::MAIN, Domain)
    }

    /// The links beside `index` that connect the same prefix in the same domain, ascending.
    pub fn sharing(&self, wanted: Prefix, domain: Domain, index: u32) -> Vec<u32> {
        let shares = |addresses: &[Address]| addresses.iter().any(|known| prefix(known) == wanted);
        let mut found: Vec<u32> = self
            .0
            .all_addresses()
            .filter(|&(other, known)| other != index && shares(known))
            .map(|(other, _)| other)
            .filter(|&other| self.domain(other) == domain)
            .collect();
        found.sort_unstable();
        found
    }

    /// Processes an announcement.
    pub fn take(&mut self, message: &Message<'_>) -> Effect {
        match self.0.take(message) {
            Change::Nothing => Effect::Nothing,
            Change::LinkAdded { index } => match self.0.get(index) {
                Some(link) if !link.is_up() && !link.is_vrf() => Effect::Link,
                _ => Effect::Everything,
            },
            Change::LinkChanged { before } => {
                let is_same = |link: &Link| facts(link) == facts(&before);
                match self.0.get(before.index).is_some_and(is_same) {
                    true => Effect::Nothing,
                    false => Effect::Everything,
                }
            }
            // A link's first address revives next hops of other routes, without announcement.
            Change::AddressAdded { is_only: true, .. } => Effect::Everything,
            Change::AddressAdded { address, .. } => {
                Effect::Prefixes([prefix(&address), Prefix::of(address.local, 32)])
            }
            // The kernel deletes routes without an announcement: those that prefer this address as
            // their source, and with a link's last address all routes through the link.
            Change::AddressRemoved { .. } | Change::LinkRemoved { .. } | Change::Invalid => {
                Effect::Everything
            }
        }
    }
}

/// The properties of a link on which routes depend.
fn facts(link: &Link) -> (u32, Option<u32>, bool) {
    (link.state_flags(), link.master, link.is_vrf())
}

/// The network that is connected by an address.
fn prefix(address: &Address) -> Prefix {
    Prefix::of(address.peer, address.prefix_len)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::sample::{attr, message};
    use super::super::wire::messages;
    use super::*;
    use mgm_net::links::{ADDRESS_HEAD, LINK_HEAD};

    const IFLA_MASTER: u16 = 10;
    const IFLA_LINKINFO: u16 = 18;
    const IFLA_INFO_KIND: u16 = 1;
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;

    pub fn link(kind: u16, index: u32, flags: i32, master: u32, vrf: bool) -> Vec<u8> {
        let mut head = [0u8; LINK_HEAD];
        head[4..8].copy_from_slice(&index.to_ne_bytes());
        head[8..12].copy_from_slice(&(flags as u32).to_ne_bytes());
        let info = if vrf { attr(IFLA_INFO_KIND, b"vrf\0") } else { attr(IFLA_INFO_KIND, b"veth") };
        let mut parts =
            vec![head.to_vec(), attr(3, b"name\0"), attr(IFLA_LINKINFO | 0x8000, &info)];
        if master != 0 {
            parts.push(attr(IFLA_MASTER, &master.to_ne_bytes()));
        }
        message(kind, 0, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    pub fn address(kind: u16, index: u32, local: [u8; 4], peer: [u8; 4], length: u8) -> Vec<u8> {
        let mut head = [0u8; ADDRESS_HEAD];
        (head[0], head[1]) = (libc::AF_INET as u8, length);
        head[4..].copy_from_slice(&index.to_ne_bytes());
        message(kind, 0, &[&head, &attr(IFA_ADDRESS, &peer), &attr(IFA_LOCAL, &local)])
    }

    fn take(links: &mut RoutingLinks, bytes: &[u8]) -> Effect {
        let found: Vec<_> = messages(bytes).map(|message| links.take(&message)).collect();
        assert_eq!(found.len(), 1);
        found.into_iter().next().unwrap()
    }

    const UP: i32 = libc::IFF_UP | libc::IFF_RUNNING;

    #[test]
    fn t5_1_the_domain_of_a_link_is_its_vrf() {
        let mut links = RoutingLinks::default();
        take(&mut links, &link(RTM_NEWLINK, 2, UP, 9, false)); // before its master is known
        take(&mut links, &link(RTM_NEWLINK, 9, UP, 0, true));
        take(&mut links, &link(RTM_NEWLINK, 3, UP, 0, false));
        take(&mut links, &link(RTM_NEWLINK, 8, UP, 0, false)); // a bridge
        take(&mut links, &link(RTM_NEWLINK, 4, UP, 8, false));
        let domains = |links: &RoutingLinks| [2, 3, 4, 8, 9, 77].map(|index| links.domain(index).0);
        assert_eq!(domains(&links), [9, 0, 0, 0, 9, 0]);
        // It leaves the VRF, another joins it.
        let moved = link(RTM_NEWLINK, 2, UP, 0, false);
        assert_eq!(take(&mut links, &moved), Effect::Everything);
        assert_eq!(take(&mut links, &moved), Effect::Nothing, "the same again");
        assert_eq!(take(&mut links, &link(RTM_NEWLINK, 3, UP, 9, false)), Effect::Everything);
        assert_eq!(domains(&links), [0, 9, 0, 0, 9, 0]);
        assert_eq!(take(&mut links, &link(RTM_DELLINK, 9, UP, 0, true)), Effect::Everything);
        assert_eq!(domains(&links), [0; 6]);
    }

    #[test]
    fn t5_10_links_matter_where_their_state_changes() {
        let mut links = RoutingLinks::default();
        let mut told = |flags| take(&mut links, &link(RTM_NEWLINK, 2, flags, 0, false));
        assert_eq!(told(0), Effect::Link, "new, and no route leads there");
        assert_eq!(told(libc::IFF_PROMISC), Effect::Nothing);
        assert_eq!(told(libc::IFF_UP), Effect::Everything);
        assert_eq!(told(UP), Effect::Everything, "the carrier comes");
        assert_eq!(told(UP | libc::IFF_ALLMULTI), Effect::Nothing);
        let mut bridge = link(RTM_NEWLINK, 2, 0, 0, false);
        bridge[16] = libc::AF_BRIDGE as u8;
        assert_eq!(take(&mut links, &bridge), Effect::Nothing);
        let short = message(RTM_NEWLINK, 0, &[&[0; 9]]);
        assert_eq!(take(&mut links, &short), Effect::Everything, "it makes no sense");
    }

    #[test]
    fn t5_1_links_that_share_a_connected_prefix_are_found() {
        let mut links = RoutingLinks::default();
        for (index, master) in [(2, 0), (3, 0), (4, 9), (5, 0)] {
            take(&mut links, &link(RTM_NEWLINK, index, UP, master, false));
        }
        take(&mut links, &link(RTM_NEWLINK, 9, UP, 0, true));
        for (index, local, length) in [
            (2, [10, 0, 0, 1], 24),
            (3, [10, 0, 0, 2], 24),
            (4, [10, 0, 0, 3], 24),
            (5, [10, 0, 0, 4], 16),
        ] {
            take(&mut links, &address(RTM_NEWADDR, index, local, local, length));
        }
        let prefix = Prefix::of([10, 0, 0, 0].into(), 24);
        assert_eq!(
            links.sharing(prefix, Domain::MAIN, 2),
            [3],
            "4 is in a VRF, 5 has another length"
        );
        assert_eq!(links.sharing(prefix, Domain(9), 4), [0u32; 0]);
        take(&mut links, &address(RTM_DELADDR, 3, [10, 0, 0, 2], [10, 0, 0, 2], 24));
        assert_eq!(links.sharing(prefix, Domain::MAIN, 2), [0u32; 0]);
        // Of a point-to-point link the peer's address tells.
        take(&mut links, &address(RTM_NEWADDR, 3, [192, 0, 2, 1], [10, 0, 0, 9], 24));
        assert_eq!(links.sharing(prefix, Domain::MAIN, 2), [3]);
    }

    #[test]
    fn t5_10_a_new_address_names_its_prefix_and_itself() {
        let mut links = RoutingLinks::default();
        let first = address(RTM_NEWADDR, 2, [10, 0, 0, 1], [10, 0, 0, 1], 24);
        assert_eq!(take(&mut links, &first), Effect::Everything, "the link's first one");
        let second = address(RTM_NEWADDR, 2, [10, 0, 1, 1], [10, 0, 1, 1], 24);
        let prefixes = [Prefix::of([10, 0, 1, 0].into(), 24), Prefix::of([10, 0, 1, 1].into(), 32)];
        assert_eq!(take(&mut links, &second), Effect::Prefixes(prefixes));
        assert_eq!(take(&mut links, &second), Effect::Nothing, "its lifetime is prolonged");
        let gone = address(RTM_DELADDR, 2, [10, 0, 1, 1], [10, 0, 1, 1], 24);
        assert_eq!(take(&mut links, &gone), Effect::Everything);
        let mut other = second.clone();
        other[16] = libc::AF_INET6 as u8;
        assert_eq!(take(&mut links, &other), Effect::Nothing);
    }
}
