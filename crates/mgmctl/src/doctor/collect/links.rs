//! The links, with what multicast depends on.

use super::super::facts::{Bridge, BridgeQuerier, LinkFacts, RpFilter};
use mgm_net::links::Links;
use mgm_net::netlink::wire::{addr, attribute, u32_at, Message};
use mgm_net::netlink::Dumper;
use mgm_net::reverse_path::setting;
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::io;

/// From <linux/rtnetlink.h> and <linux/if_link.h>.
const RTM_GETLINK: u16 = 18;
const LINK_HEAD: usize = 16;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_BR_MCAST_ROUTER: u16 = 22;
const IFLA_BR_MCAST_SNOOPING: u16 = 23;
const IFLA_BR_MCAST_QUERIER: u16 = 25;
const IFLA_BR_MCAST_QUERIER_STATE: u16 = 47;
const BRIDGE_QUERIER_IP_ADDRESS: u16 = 1;
const BRIDGE_QUERIER_IP_PORT: u16 = 2;

/// MDB_RTR_TYPE_PERM.
const ROUTER_PERMANENT: u8 = 2;

/// The first version of Linux whose bridges say who the querier is.
const TELLS_QUERIER: Version = (5, 16);
/// The first version of Linux whose bridges receive all multicast packets while a program of this
/// machine has asked for that (IFF_ALLMULTI), as all multicast routers do.
const PASSES_ALL: Version = (6, 16);

/// The version of a kernel.
type Version = (u32, u32);

/// All links, by index.
///
/// # Errors
/// Those of netlink.
pub fn read(links: &Links, dumper: &mut Dumper) -> io::Result<BTreeMap<u32, LinkFacts>> {
    let mut bridges = BTreeMap::new();
    let version = version().unwrap_or_default();
    dumper.dump(RTM_GETLINK, &[0; LINK_HEAD], &[], |message| {
        bridges.extend(bridge(message, version));
    })?;
    let all = links.iter().map(|link| {
        let master = link.master.and_then(|master| links.get(master));
        let addresses = links.addresses(link.index).iter();
        let facts = LinkFacts {
            name: link.name.clone(),
            is_up: link.is_up(),
            is_running: link.is_running(),
            mtu: link.mtu,
            is_loopback: link.is_loopback(),
            addresses: addresses.map(|known| (known.local, known.prefix_len)).collect(),
            in_vrf: master.is_some_and(|master| master.is_vrf()),
            bridge: bridges.get(&link.index).copied(),
            rp_filter: rp_filter(&link.name),
        };
        (link.index, facts)
    });
    Ok(all.collect())
}

/// The version of the kernel: 6 and 12 of "6.12.3-amd64".
fn version() -> Option<Version> {
    parse_version(&read_to_string("/proc/sys/kernel/osrelease").ok()?)
}

fn parse_version(text: &str) -> Option<Version> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn bridge(message: &Message<'_>, version: Version) -> Option<(u32, Bridge)> {
    let (head, rest) = message.split(LINK_HEAD)?;
    let info = attribute(rest, IFLA_LINKINFO)?;
    let kind = attribute(info, IFLA_INFO_KIND)?;
    if !kind.starts_with(b"bridge") {
        return None;
    }
    let data = attribute(info, IFLA_INFO_DATA)?;
    let value = |kind| attribute(data, kind).and_then(|value| value.first().copied());
    let bridge = Bridge {
        snoops: value(IFLA_BR_MCAST_SNOOPING).is_some_and(|snoops| snoops != 0),
        is_router_port: value(IFLA_BR_MCAST_ROUTER) == Some(ROUTER_PERMANENT),
        passes_all: version >= PASSES_ALL,
        queries_itself: value(IFLA_BR_MCAST_QUERIER).is_some_and(|queries| queries != 0),
        querier: querier(attribute(data, IFLA_BR_MCAST_QUERIER_STATE), version),
    };
    Some((u32_at(head, 4)?, bridge))
}

/// The kernel tells of a querier as long as there is one.
fn querier(state: Option<&[u8]>, version: Version) -> BridgeQuerier {
    let address = state.and_then(|state| attribute(state, BRIDGE_QUERIER_IP_ADDRESS));
    match address.and_then(addr) {
        Some(address) => {
            let port = state.and_then(|state| attribute(state, BRIDGE_QUERIER_IP_PORT));
            let port = port.and_then(|value| u32_at(value, 0));
            BridgeQuerier::Present { address, is_behind_port: port.is_some_and(|port| port != 0) }
        }
        None if version >= TELLS_QUERIER => BridgeQuerier::Absent,
        None => BridgeQuerier::Unknown,
    }
}

fn rp_filter(link: &str) -> Option<RpFilter> {
    Some(RpFilter { all: setting("all")?, own: setting(link)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mgm_net::netlink::wire::{attr, message, messages};
    use std::net::Ipv4Addr;

    fn parsed(kind: &[u8], data: &[u8], version: Version) -> Option<(u32, Bridge)> {
        let info = [attr(IFLA_INFO_KIND, kind), attr(IFLA_INFO_DATA, data)].concat();
        let mut head = [0; LINK_HEAD];
        head[4..8].copy_from_slice(&7u32.to_ne_bytes());
        let bytes = message(16, 0, 1, &[&head, &attr(IFLA_LINKINFO, &info)]);
        let all: Vec<Message<'_>> = messages(&bytes).collect();
        bridge(&all[0], version)
    }

    #[test]
    fn a_bridge_says_how_it_treats_multicast() {
        let state = [
            attr(BRIDGE_QUERIER_IP_ADDRESS, &[10, 2, 0, 5]),
            attr(BRIDGE_QUERIER_IP_PORT, &9u32.to_ne_bytes()),
        ]
        .concat();
        let data = [
            attr(IFLA_BR_MCAST_ROUTER, &[1]),
            attr(IFLA_BR_MCAST_SNOOPING, &[1]),
            attr(IFLA_BR_MCAST_QUERIER, &[0]),
            attr(IFLA_BR_MCAST_QUERIER_STATE, &state),
        ]
        .concat();
        let address = Ipv4Addr::new(10, 2, 0, 5);
        let expected = Bridge {
            snoops: true,
            is_router_port: false,
            passes_all: false,
            queries_itself: false,
            querier: BridgeQuerier::Present { address, is_behind_port: true },
        };
        assert_eq!(parsed(b"bridge\0", &data, (6, 1)), Some((7, expected)));
        assert_eq!(parsed(b"vlan\0", &data, (6, 1)), None);
    }

    #[test]
    fn a_querier_of_this_machine_is_behind_no_port() {
        let address = attr(BRIDGE_QUERIER_IP_ADDRESS, &[10, 2, 0, 5]);
        let port = |port: u32| attr(BRIDGE_QUERIER_IP_PORT, &port.to_ne_bytes());
        let is_behind_port = |state: &[u8]| match querier(Some(state), (6, 1)) {
            BridgeQuerier::Present { is_behind_port, .. } => is_behind_port,
            other => panic!("{other:?}"),
        };
        assert!(is_behind_port(&[address.clone(), port(9)].concat()));
        assert!(!is_behind_port(&[address.clone(), port(0)].concat()));
        assert!(!is_behind_port(&address));
    }

    #[test]
    fn a_bridge_without_a_querier_is_told_from_one_that_says_nothing() {
        let data = [attr(IFLA_BR_MCAST_ROUTER, &[2]), attr(IFLA_BR_MCAST_QUERIER, &[1])].concat();
        let expected = |querier, passes_all| {
            let (snoops, is_router_port, queries_itself) = (false, true, true);
            Some((7, Bridge { snoops, is_router_port, passes_all, queries_itself, querier }))
        };
        let (absent, unknown) = (BridgeQuerier::Absent, BridgeQuerier::Unknown);
        assert_eq!(parsed(b"bridge", &data, (6, 16)), expected(absent, true));
        assert_eq!(parsed(b"bridge", &data, (5, 16)), expected(absent, false));
        assert_eq!(parsed(b"bridge", &data, (4, 19)), expected(unknown, false));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse_version("6.12.3-amd64\n"), Some((6, 12)));
        assert_eq!(parse_version("5.4"), Some((5, 4)));
        assert_eq!(parse_version("unknown"), None);
    }
}
