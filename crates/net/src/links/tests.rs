use super::*;
use crate::netlink::wire::{attr, message, messages};

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_WIRELESS: u16 = 11;
const IFLA_LINKINFO: u16 = 18;
const IFLA_LINK_NETNSID: u16 = 37;
const UP: u32 = (libc::IFF_UP | libc::IFF_RUNNING) as u32;

/// An announcement of a link.
pub(crate) fn link(kind: u16, index: u32, flags: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut head = [0u8; LINK_HEAD];
    head[2..4].copy_from_slice(&libc::ARPHRD_ETHER.to_ne_bytes());
    head[4..8].copy_from_slice(&index.to_ne_bytes());
    head[8..12].copy_from_slice(&flags.to_ne_bytes());
    let mut parts = vec![&head[..]];
    parts.extend(attributes.iter().map(Vec::as_slice));
    message(kind, 0, 0, &parts)
}

/// An announcement of a link with a name and nothing else.
pub(crate) fn named(index: u32, name: &str, flags: u32) -> Vec<u8> {
    link(RTM_NEWLINK, index, flags, &[attr(IFLA_IFNAME, name.as_bytes())])
}

/// An announcement of an address.
pub(crate) fn address(kind: u16, index: u32, local: [u8; 4], peer: [u8; 4], len: u8) -> Vec<u8> {
    let mut head = [0u8; ADDRESS_HEAD];
    (head[0], head[1]) = (libc::AF_INET as u8, len);
    head[4..].copy_from_slice(&index.to_ne_bytes());
    message(kind, 0, 0, &[&head, &attr(1, &peer), &attr(2, &local)])
}

pub(crate) fn take(links: &mut Links, bytes: &[u8]) -> Change {
    let found: Vec<_> = messages(bytes).map(|message| links.take(&message)).collect();
    assert_eq!(found.len(), 1);
    found.into_iter().next().unwrap()
}

fn info(kind: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    attr(IFLA_LINKINFO | 0x8000, &[attr(1, kind), more.concat()].concat())
}

#[test]
fn a_link_has_its_name_state_mtu_and_address() {
    let mut links = Links::default();
    let bytes = link(
        RTM_NEWLINK,
        7,
        UP | libc::IFF_POINTOPOINT as u32 | libc::IFF_ALLMULTI as u32,
        &[
            attr(IFLA_IFNAME, b"ppp0\0"),
            attr(IFLA_MTU, &1492u32.to_ne_bytes()),
            attr(IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1]),
        ],
    );
    assert_eq!(take(&mut links, &bytes), Change::LinkAdded { index: 7 });
    let ppp = links.named("ppp0").unwrap();
    assert_eq!((ppp.index, ppp.mtu, ppp.hardware), (7, 1492, libc::ARPHRD_ETHER));
    assert_eq!(ppp.address, [2, 0, 0, 0, 0, 1]);
    assert!(ppp.is_up() && ppp.is_running() && ppp.is_point_to_point());
    assert!(!ppp.is_loopback() && !ppp.is_multicast() && !ppp.is_vrf());
    assert_eq!((ppp.master, &ppp.kind, ppp.vlan), (None, &None, None));
    assert!(links.named("ppp").is_none() && links.get(8).is_none());
}

#[test]
fn i74_a_rename_keeps_the_index_and_a_listener_changes_nothing() {
    let mut links = Links::default();
    take(&mut links, &named(3, "eth0", UP));
    let promiscuous = UP | (libc::IFF_PROMISC | libc::IFF_ALLMULTI) as u32;
    assert_eq!(take(&mut links, &named(3, "eth0", promiscuous)), Change::Nothing);
    let before = links.get(3).unwrap().clone();
    let renamed = take(&mut links, &named(3, "lan0", UP));
    assert_eq!(renamed, Change::LinkChanged { before: Box::new(before) });
    assert!(links.named("eth0").is_none());
    assert_eq!(links.named("lan0").unwrap().index, 3);
    take(&mut links, &named(3, "lan0", libc::IFF_UP as u32));
    assert!(links.get(3).unwrap().is_up() && !links.get(3).unwrap().is_running());
}

#[test]
fn i68_a_port_names_its_master_and_a_vrf_has_no_ports() {
    let mut links = Links::default();
    let port = |index: u32, name: &str, master: u32, kind: &[u8]| {
        let slave = if kind.is_empty() { vec![] } else { vec![attr(4, kind)] };
        let master = attr(IFLA_MASTER, &master.to_ne_bytes());
        let attributes = [attr(IFLA_IFNAME, name.as_bytes()), master, info(b"veth\0", &slave)];
        link(RTM_NEWLINK, index, UP, &attributes)
    };
    take(&mut links, &port(2, "eth2", 8, b"bridge\0"));
    let text = |links: &Links, index| links.port(index).map(|port| port.to_string());
    assert_eq!(
        text(&links, 2).unwrap(),
        "eth2 is a port of the bridge the link 8, which takes its packets: configure the link 8 \
         instead of eth2",
        "its master is not known yet"
    );
    let master = |index, name: &str, kind: &[u8]| {
        link(RTM_NEWLINK, index, UP, &[attr(IFLA_IFNAME, name.as_bytes()), info(kind, &[])])
    };
    take(&mut links, &master(8, "br0", b"bridge\0"));
    take(&mut links, &master(9, "red", b"vrf\0"));
    take(&mut links, &master(10, "ovs-system", b"openvswitch\0"));
    take(&mut links, &port(3, "eth3", 9, b"vrf\0"));
    take(&mut links, &port(4, "eth4", 10, b""));
    assert_eq!(
        text(&links, 2).unwrap(),
        "eth2 is a port of the bridge br0, which takes its packets: configure br0 instead of eth2"
    );
    let four = links.port(4).unwrap();
    assert_eq!((four.kind.as_str(), four.master.as_str()), ("openvswitch", "ovs-system"));
    assert_eq!((links.port(3), links.port(8), links.port(77)), (None, None, None));
    assert!(links.get(9).unwrap().is_vrf());
    // It leaves the bridge. What the bridge says of it is about the port, not the link.
    let mut of_bridge = link(RTM_DELLINK, 2, UP, &[]);
    of_bridge[16] = libc::AF_BRIDGE as u8;
    assert_eq!(take(&mut links, &of_bridge), Change::Nothing);
    take(&mut links, &named(2, "eth2", UP));
    assert_eq!(links.port(2), None);
}

#[test]
fn i68_a_vlan_is_a_link_of_its_own() {
    let mut links = Links::default();
    let vlan = |more: &[Vec<u8>]| {
        let data = attr(2, &attr(1, &35u16.to_ne_bytes()));
        let mut attributes = vec![attr(IFLA_IFNAME, b"eth0.35"), info(b"vlan\0", &[data])];
        attributes.push(attr(IFLA_LINK, &3u32.to_ne_bytes()));
        attributes.extend_from_slice(more);
        link(RTM_NEWLINK, 9, UP, &attributes)
    };
    take(&mut links, &vlan(&[]));
    assert_eq!(links.get(9).unwrap().vlan, Some(Vlan { id: 35, parent: Some(3) }));
    assert_eq!(links.port(9), None);
    take(&mut links, &vlan(&[attr(IFLA_LINK_NETNSID, &[0; 4])]));
    assert_eq!(links.get(9).unwrap().vlan, Some(Vlan { id: 35, parent: None }));
}

#[test]
fn i74_a_link_that_goes_takes_its_addresses_along() {
    let mut links = Links::default();
    take(&mut links, &named(3, "eth0", UP));
    let one = Address { local: [10, 0, 0, 1].into(), peer: [10, 0, 0, 1].into(), prefix_len: 24 };
    let announce = |kind, last: u8| address(kind, 3, [10, 0, 0, last], [10, 0, 0, last], 24);
    let added = take(&mut links, &announce(RTM_NEWADDR, 1));
    assert_eq!(added, Change::AddressAdded { index: 3, address: one, is_only: true });
    assert_eq!(take(&mut links, &announce(RTM_NEWADDR, 1)), Change::Nothing);
    let second = take(&mut links, &announce(RTM_NEWADDR, 2));
    assert!(matches!(second, Change::AddressAdded { is_only: false, .. }));
    let removed = take(&mut links, &announce(RTM_DELADDR, 2));
    assert!(matches!(removed, Change::AddressRemoved { was_known: true, .. }));
    let again = take(&mut links, &announce(RTM_DELADDR, 2));
    assert!(matches!(again, Change::AddressRemoved { was_known: false, .. }));
    assert_eq!(links.addresses(3), [one]);
    let before = links.get(3).cloned().map(Box::new);
    let gone = link(RTM_DELLINK, 3, 0, &[]);
    assert_eq!(take(&mut links, &gone), Change::LinkRemoved { link: before });
    assert_eq!(take(&mut links, &gone), Change::LinkRemoved { link: None });
    assert!(links.iter().next().is_none() && links.all_addresses().next().is_none());
}

#[test]
fn the_network_of_an_address_is_that_of_its_peer() {
    let address = |peer: [u8; 4], prefix_len| Address {
        local: [192, 0, 2, 1].into(),
        peer: peer.into(),
        prefix_len,
    };
    let lan = address([10, 0, 1, 1], 24);
    assert!(lan.connects([10, 0, 1, 200].into()) && !lan.connects([10, 0, 2, 1].into()));
    let link = address([10, 0, 1, 1], 32);
    assert!(link.connects([10, 0, 1, 1].into()) && !link.connects([10, 0, 1, 0].into()));
    assert!(address([10, 0, 1, 1], 0).connects([1, 2, 3, 4].into()));
}

#[test]
fn wireless_events_and_other_families_are_no_change_and_nonsense_is_invalid() {
    let mut links = Links::default();
    take(&mut links, &named(3, "wlan0", UP));
    let event = link(RTM_NEWLINK, 3, UP, &[attr(IFLA_WIRELESS, &[0; 8])]);
    assert_eq!(take(&mut links, &event), Change::Nothing);
    assert_eq!(links.get(3).unwrap().name, "wlan0");
    let mut six = address(RTM_NEWADDR, 3, [1, 2, 3, 4], [1, 2, 3, 4], 24);
    six[16] = libc::AF_INET6 as u8;
    assert_eq!(take(&mut links, &six), Change::Nothing);
    assert_eq!(take(&mut links, &message(24, 0, 0, &[&[0; 12]])), Change::Nothing);
    for kind in [RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR] {
        assert_eq!(take(&mut links, &message(kind, 0, 0, &[&[2; 7]])), Change::Invalid, "{kind}");
    }
    let no_address = message(RTM_NEWADDR, 0, 0, &[&[2, 24, 0, 0, 3, 0, 0, 0]]);
    assert_eq!(take(&mut links, &no_address), Change::Invalid);
    // Any prefix of a valid message is refused or understood, never a panic.
    let whole = named(3, "wlan0", UP);
    for length in 16..whole.len() {
        let mut cut = whole[..length].to_vec();
        cut[..4].copy_from_slice(&(length as u32).to_ne_bytes());
        messages(&cut).for_each(|message| drop(links.take(&message)));
    }
}

#[test]
fn i73_a_bridge_hides_reports_if_it_snoops_and_is_no_permanent_router() {
    for (snooping, router, hides) in [(1, 1, true), (1, 0, true), (1, 2, false), (0, 1, false)] {
        let mut links = Links::default();
        let data = [attr(22, &[router]), attr(23, &[snooping])].concat();
        let attributes = [attr(IFLA_IFNAME, b"br0"), info(b"bridge\0", &[attr(2, &data)])];
        take(&mut links, &link(RTM_NEWLINK, 4, UP, &attributes));
        assert_eq!(links.get(4).unwrap().hides_reports, hides, "{snooping} {router}");
    }
    let mut links = Links::default();
    take(&mut links, &named(5, "eth0", UP));
    assert!(!links.get(5).unwrap().hides_reports);
}
