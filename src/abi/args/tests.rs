//! Tests which arguments are accepted, and which are refused.

use super::*;

fn ip(text: &str) -> DWORD {
    dword(text.parse().unwrap())
}

#[test]
fn t0_3_addresses_are_in_network_byte_order() {
    assert_eq!(dword(Ipv4Addr::new(239, 1, 2, 3)).to_ne_bytes(), [239, 1, 2, 3]);
    assert_eq!(addr(ip("10.0.0.1")), Ipv4Addr::new(10, 0, 0, 1));
}

#[test]
fn t0_4_memberships_and_their_masks() {
    let (s, g, all) = (ip("10.0.0.1"), ip("239.1.1.1"), DWORD::MAX);
    assert_eq!(membership(0, 0, 0, 0), Ok(Flow::WILDCARD));
    assert_eq!(membership(0, 0, g, all), Ok(Flow::any_source(addr(g))));
    assert_eq!(membership(s, all, g, all), Ok(Flow::new(addr(s), addr(g))));
    assert_eq!(membership(s, all, 0, 0), Err(Refusal::SourceWithoutGroup(addr(s))));
    for (sm, gm) in [(0, all), (all, 0), (ip("255.255.255.0"), all), (all, ip("240.0.0.0"))] {
        assert!(matches!(membership(s, sm, g, gm), Err(Refusal::BadMask(..))), "{sm:x} {gm:x}");
    }
    assert!(matches!(membership(0, all, g, all), Err(Refusal::BadMask("source", ..))));
    assert!(matches!(membership(0, 0, 0, all), Err(Refusal::BadMask("group", ..))));
}

#[test]
fn t3_2_sources_and_groups() {
    for good in ["1.0.0.1", "10.0.0.1", "126.0.0.1", "128.0.0.1", "223.255.255.255"] {
        assert!(source(ip(good)).is_ok(), "{good}");
    }
    for bad in ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"] {
        assert!(source(ip(bad)).is_err(), "{bad}");
    }
    for good in ["224.0.0.1", "232.1.1.1", "239.255.255.255"] {
        assert!(group(ip(good)).is_ok(), "{good}");
    }
    for bad in ["0.0.0.0", "223.255.255.255", "240.0.0.0", "10.0.0.1"] {
        assert!(group(ip(bad)).is_err(), "{bad}");
    }
}

#[test]
fn t3_3_flags() {
    assert_eq!(join(1), Ok(Join::State));
    assert_eq!(join(2), Ok(Join::Forward));
    assert_eq!(join(3), Ok(Join::State));
    for bad in [0, 4, 5, DWORD::MAX] {
        assert_eq!(join(bad), Err(Refusal::BadFlags(bad)));
    }
}

#[test]
fn t6_6_statistics_flags_and_t7_1_types() {
    assert_eq!(stats_form(1), Ok(Form::Stats));
    assert_eq!(stats_form(2), Ok(Form::StatsEx));
    for bad in [0, 3, 4] {
        assert_eq!(stats_form(bad), Err(Refusal::BadFlags(bad)));
    }
    assert_eq!(enum_kind(0), Ok(EnumKind::AnySource));
    assert_eq!(enum_kind(1), Ok(EnumKind::AllSources));
    assert_eq!(enum_kind(2), Err(Refusal::BadEnumType(2)));
}

#[test]
fn interface_zero_is_none() {
    assert_eq!(interface(0, 0), Err(Refusal::ZeroInterface));
    assert_eq!(interface(3, 0), Ok(Interface::link(3)));
    assert_eq!(
        interface(3, ip("10.0.0.9")),
        Ok(Interface { index: 3, next_hop: Ipv4Addr::new(10, 0, 0, 9) })
    );
}

#[test]
fn an_mfe_structure_may_stand_anywhere() {
    let mut bytes = [0u8; 1 + size_of::<MIB_IPMCAST_MFE>()];
    bytes[1..5].copy_from_slice(&[239, 1, 1, 1]);
    bytes[5..9].copy_from_slice(&[10, 0, 0, 1]);
    // SAFETY: the pointer points to a whole structure, which is unaligned.
    let flow = unsafe { mfe_flow(bytes.as_ptr().add(1).cast()) };
    assert_eq!(flow, Ok(Flow::new(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(239, 1, 1, 1))));
}

#[test]
fn headers_of_all_sizes() {
    let bytes = [7u8; 20];
    let at = bytes.as_ptr();
    // SAFETY: never more than 20 bytes are read, the others are refused.
    unsafe {
        assert_eq!(header(std::ptr::null(), 0, 0), Ok(&[][..]));
        assert_eq!(header(at, 20, 0), Ok(&bytes[..]));
        assert_eq!(header(at, 20, 1500), Ok(&bytes[..]));
        assert_eq!(header(std::ptr::null(), 1, 0), Err(Refusal::Null("pbPacketHdr")));
        assert!(header(at, 20, 19).is_err());
        assert!(header(at, 65536, 0).is_err());
    }
}

#[test]
fn prefixes() {
    assert_eq!(prefix_len(0, 0), Ok(0));
    assert_eq!(prefix_len(ip("10.0.0.0"), ip("255.0.0.0")), Ok(8));
    assert_eq!(prefix_len(ip("10.0.0.1"), DWORD::MAX), Ok(32));
    assert!(prefix_len(ip("10.0.0.1"), ip("255.0.0.0")).is_err());
    assert!(prefix_len(0, ip("255.0.255.0")).is_err());
    assert!(prefix_len(0, ip("0.0.0.255")).is_err());
}

#[test]
fn routes_of_the_host() {
    let net = Ipv4Addr::new(10, 0, 0, 0);
    let gateway = Ipv4Addr::new(192, 0, 2, 1);
    let on_link = Ipv4Addr::UNSPECIFIED;
    let given = HostRoute { network: net, prefix_len: 8, if_index: 4, gateway, protocol: 0 };
    let via = given.remote().unwrap();
    assert_eq!((via.origin, via.if_index, via.protocol), (RouteOrigin::Via(gateway), 4, 3));
    let given = HostRoute { gateway: on_link, ..given };
    let connected = given.remote().unwrap();
    assert_eq!((connected.origin, connected.protocol), (RouteOrigin::Connected, 2));
    assert_eq!(HostRoute { protocol: 13, ..given }.remote().unwrap().protocol, 13);
    assert_eq!(HostRoute { if_index: 0, ..given }.remote(), Err(Refusal::ZeroInterface));
    assert!(given.local().is_err(), "a prefix is no address");
    let given = HostRoute { prefix_len: 32, ..given };
    let local = given.local().unwrap();
    assert_eq!((local.origin, local.if_index, local.protocol), (RouteOrigin::Local, 0, 2));
    assert!(HostRoute { gateway, ..given }.local().is_err());
}
