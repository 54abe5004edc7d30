//! Parses the kernel's answers to RTM_GETROUTE.

use crate::types::{Ipv4Addr, NextHop, Prefix, Route, RouteOrigin};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteNextHopFlags, RouteProtocol,
    RouteType, RouteVia,
};
use netlink_packet_route::RouteNetlinkMessage;
use std::io;

/// PROTO_IP_*: the origin of a route.
mod proto {
    pub const OTHER: u32 = 1;
    pub const LOCAL: u32 = 2;
    pub const NETMGMT: u32 = 3;
    pub const ICMP: u32 = 4;
    pub const RIP: u32 = 8;
    pub const IS_IS: u32 = 9;
    pub const OSPF: u32 = 13;
    pub const BGP: u32 = 14;
    pub const EIGRP: u32 = 16;
    pub const DHCP: u32 = 19;
}

/// The origin of a route as a PROTO_IP_* number. Daemons that use one number for several protocols
/// (zebra, bird, gated, xorp) are OTHER.
pub(super) fn protocol(protocol: RouteProtocol) -> u32 {
    match protocol {
        RouteProtocol::Kernel => proto::LOCAL,
        RouteProtocol::Boot | RouteProtocol::Static => proto::NETMGMT,
        RouteProtocol::IcmpRedirect | RouteProtocol::Ra => proto::ICMP,
        RouteProtocol::Rip => proto::RIP,
        RouteProtocol::Isis => proto::IS_IS,
        RouteProtocol::Ospf => proto::OSPF,
        RouteProtocol::Bgp => proto::BGP,
        RouteProtocol::Eigrp => proto::EIGRP,
        RouteProtocol::Dhcp => proto::DHCP,
        _ => proto::OTHER,
    }
}

/// Why a request returned no route.
#[derive(Debug)]
pub(super) enum NoRoute {
    /// The kernel's answer is an error number, which can mean that there is no route.
    Answered(io::Error),
    /// The request or the answer was not delivered, or is invalid. The error number says nothing
    /// about routes: a sandbox may have caused it.
    Unheard(io::Error),
}

impl From<io::Error> for NoRoute {
    fn from(error: io::Error) -> NoRoute {
        NoRoute::Unheard(error)
    }
}

/// Parses `datagram` as the answer to the request with this number; `None` if it answers an
/// abandoned request.
pub(super) fn read(datagram: &[u8], sequence: u32) -> Option<Result<RouteMessage, NoRoute>> {
    let answer = match NetlinkMessage::<RouteNetlinkMessage>::deserialize(datagram) {
        Ok(answer) => answer,
        Err(error) => return Some(Err(io::Error::new(io::ErrorKind::InvalidData, error).into())),
    };
    if answer.header.sequence_number != sequence {
        return None;
    }
    Some(match answer.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) => Ok(route),
        // Not netlink's to_io, which panics at the number that has no negation.
        NetlinkPayload::Error(error) => Err(NoRoute::Answered(io::Error::from_raw_os_error(
            error.raw_code().checked_neg().unwrap_or(libc::EIO),
        ))),
        other => Err(io::Error::other(format!("unexpected answer {other:?}")).into()),
    })
}

/// Whether the matching route does not determine where packets are sent: it has several next hops,
/// or refers to a next hop object. Then the kernel's decision for the source is needed.
pub(super) fn needs_decision(matched: &RouteMessage) -> bool {
    matches!(matched.header.kind, RouteType::Unicast)
        && (!matched.attributes.iter().any(|a| matches!(a, RouteAttribute::Oif(_)))
            || matched
                .attributes
                .iter()
                .any(|a| matches!(a, RouteAttribute::MultiPath(_) | RouteAttribute::NhId(_))))
}

/// The living next hops of a route, in its order, except those of a next hop object ([`object`]).
pub(super) fn next_hops(route: &RouteMessage) -> Vec<NextHop> {
    if !matches!(route.header.kind, RouteType::Unicast) {
        return Vec::new();
    }
    let several = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::MultiPath(hops) => Some(hops),
        _ => None,
    });
    let Some(several) = several else {
        let is_dead = route.header.flags.intersects(RouteFlags::Dead | RouteFlags::Linkdown);
        return interface(&route.attributes)
            .filter(|_| !is_dead)
            .map(|if_index| NextHop { origin: gateway(&route.attributes), if_index })
            .into_iter()
            .collect();
    };
    let dead = RouteNextHopFlags::Dead | RouteNextHopFlags::Linkdown;
    several
        .iter()
        .filter(|hop| hop.interface_index != 0 && !hop.flags.intersects(dead))
        .map(|hop| NextHop { origin: gateway(&hop.attributes), if_index: hop.interface_index })
        .collect()
}

/// The number of the next hop object that a route refers to, if any.
pub(super) fn object(route: &RouteMessage) -> Option<u32> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::NhId(id) => Some(*id),
        _ => None,
    })
}

/// The route to `source`: prefix and protocol as in the route that `matched`
/// (unknown if the kernel did not return it), interface and gateway as in `decided`,
/// which is one of the equal-cost `paths`.
pub(super) fn route(
    source: Ipv4Addr,
    matched: Option<&RouteMessage>,
    decided: &RouteMessage,
    paths: &[NextHop],
) -> Route {
    let (prefix, protocol) = match matched {
        Some(matched) => (prefix(matched), protocol(matched.header.protocol)),
        None => (Prefix::of(source, 32), proto::OTHER),
    };
    let path = match decided.header.kind {
        RouteType::Local => NextHop { origin: RouteOrigin::Local, if_index: 0 },
        RouteType::Unicast => match interface(&decided.attributes) {
            Some(if_index) => NextHop { origin: gateway(&decided.attributes), if_index },
            None => return Route::NONE,
        },
        // Blackholes and the like; the broadcast address of a network.
        _ => return Route::NONE,
    };
    by(path, paths, prefix, protocol)
}

/// The route of this prefix by `path`, the system's choice among the equal-cost `paths`.
pub(super) fn by(path: NextHop, paths: &[NextHop], prefix: Prefix, protocol: u32) -> Route {
    let mut all: Vec<NextHop> = Vec::with_capacity(paths.len() + 1);
    for hop in paths.iter().copied().chain([path]) {
        if !all.contains(&hop) {
            all.push(hop);
        }
    }
    let is_unicast = path.origin != RouteOrigin::Local;
    Route {
        origin: path.origin,
        if_index: path.if_index,
        paths: (all.len() > 1 && is_unicast).then(|| all.into()),
        network: prefix.network(),
        prefix_len: prefix.length(),
        protocol,
    }
}

/// The prefix of a route.
pub(super) fn prefix(message: &RouteMessage) -> Prefix {
    Prefix::of(destination(message), message.header.destination_prefix_length)
}

/// The network of a route; the default route comes without one.
fn destination(message: &RouteMessage) -> Ipv4Addr {
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(network)) => Some(*network),
            _ => None,
        })
        .unwrap_or(Ipv4Addr::UNSPECIFIED)
}

fn interface(attributes: &[RouteAttribute]) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) if *index != 0 => Some(*index),
        _ => None,
    })
}

fn gateway(attributes: &[RouteAttribute]) -> RouteOrigin {
    attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(gateway))
            | RouteAttribute::Via(RouteVia::Inet(gateway)) => Some(RouteOrigin::Via(*gateway)),
            // A gateway with an IPv6 address: the source is not on this
            // network, but the upstream neighbour has no address for us.
            RouteAttribute::Via(_) => Some(RouteOrigin::Via(Ipv4Addr::UNSPECIFIED)),
            _ => None,
        })
        .unwrap_or(RouteOrigin::Connected)
}

/// Parses any bytes, and checks the result.
#[cfg(fuzzing)]
pub fn fuzz(datagram: &[u8]) {
    // The question that it answers, if it has a header.
    let sequence = datagram.get(8..12).and_then(|bytes| bytes.try_into().ok());
    let sequence = u32::from_ne_bytes(sequence.unwrap_or_default());
    let other = read(datagram, sequence.wrapping_add(1));
    assert!(other.is_none_or(|answer| answer.is_err()), "not what was asked");
    let Some(Ok(message)) = read(datagram, sequence) else { return };
    let _ = needs_decision(&message);
    let source = Ipv4Addr::new(10, 0, 0, 1);
    let paths = next_hops(&message);
    for matched in [Some(&message), None] {
        let route = route(source, matched, &message, &paths);
        assert!(route.prefix_len <= 32);
        let chosen = NextHop { origin: route.origin, if_index: route.if_index };
        assert!(route.paths.as_ref().is_none_or(|paths| paths.contains(&chosen)));
        assert!(
            route == Route::NONE || (route.if_index == 0) == (route.origin == RouteOrigin::Local)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::route::RouteNextHop;
    use std::net::Ipv6Addr;

    const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);
    const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn message(
        kind: RouteType,
        made_by: RouteProtocol,
        network: [u8; 4],
        length: u8,
        rest: Vec<RouteAttribute>,
    ) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.kind = kind;
        message.header.protocol = made_by;
        message.header.destination_prefix_length = length;
        if length > 0 {
            let network = RouteAddress::Inet(network.into());
            message.attributes.push(RouteAttribute::Destination(network));
        }
        message.attributes.extend(rest);
        message
    }

    fn unicast(made_by: RouteProtocol, rest: Vec<RouteAttribute>) -> RouteMessage {
        message(RouteType::Unicast, made_by, [10, 0, 0, 0], 8, rest)
    }

    /// An NLMSG_ERROR in answer to question 7.
    fn error(code: i32) -> Vec<u8> {
        let words = [36, 2, 7, 0, code as u32, 16, 0x0301_001a, 7, 0];
        words.into_iter().flat_map(u32::to_ne_bytes).collect()
    }

    #[test]
    fn answers_are_told_apart_by_their_question() {
        assert!(read(&error(-libc::ENETUNREACH), 8).is_none());
        let answer = read(&error(-libc::ENETUNREACH), 7).unwrap().unwrap_err();
        assert!(
            matches!(&answer, NoRoute::Answered(e) if e.raw_os_error() == Some(libc::ENETUNREACH)),
            "{answer:?}"
        );
    }

    #[test]
    fn nonsense_is_an_error() {
        let no_errno = read(&error(i32::MIN), 7).unwrap().unwrap_err();
        assert!(
            matches!(&no_errno, NoRoute::Answered(e) if e.raw_os_error() == Some(libc::EIO)),
            "{no_errno:?}"
        );
        for length in 0..36 {
            let cut = read(&error(-libc::ENETUNREACH)[..length], 7).unwrap().unwrap_err();
            let is_nonsense =
                matches!(&cut, NoRoute::Unheard(e) if e.kind() == io::ErrorKind::InvalidData);
            assert!(is_nonsense, "{length} bytes: {cut:?}");
        }
    }

    #[test]
    fn t5_1_a_connected_source_has_no_gateway() {
        let matched = unicast(RouteProtocol::Kernel, vec![RouteAttribute::Oif(4)]);
        assert!(!needs_decision(&matched));
        let route = route(SOURCE, Some(&matched), &matched, &next_hops(&matched));
        assert_eq!(
            route,
            Route {
                origin: RouteOrigin::Connected,
                if_index: 4,
                paths: None,
                network: Ipv4Addr::new(10, 0, 0, 0),
                prefix_len: 8,
                protocol: 2,
            }
        );
    }

    #[test]
    fn t5_1_a_source_behind_a_gateway_on_the_default_route() {
        let rest =
            vec![RouteAttribute::Gateway(RouteAddress::Inet(GATEWAY)), RouteAttribute::Oif(4)];
        let matched = message(RouteType::Unicast, RouteProtocol::Static, [0; 4], 0, rest);
        let route = route(SOURCE, Some(&matched), &matched, &next_hops(&matched));
        assert_eq!(route.origin, RouteOrigin::Via(GATEWAY));
        assert_eq!((route.network, route.prefix_len), (Ipv4Addr::UNSPECIFIED, 0));
        assert_eq!(route.protocol, 3);
    }

    #[test]
    fn several_next_hops_are_the_kernels_decision() {
        let matched = unicast(RouteProtocol::Bgp, vec![RouteAttribute::MultiPath(vec![])]);
        assert!(needs_decision(&matched));
        let object = vec![RouteAttribute::NhId(7), RouteAttribute::Oif(4)];
        assert!(needs_decision(&unicast(RouteProtocol::Bgp, object)));
        let decided = unicast(
            RouteProtocol::Unspec,
            vec![RouteAttribute::Oif(5), RouteAttribute::Gateway(RouteAddress::Inet(GATEWAY))],
        );
        let route = route(SOURCE, Some(&matched), &decided, &next_hops(&decided));
        assert_eq!((route.origin, route.if_index), (RouteOrigin::Via(GATEWAY), 5));
        assert_eq!((route.prefix_len, route.protocol), (8, 14));
    }

    fn hop(flags: RouteNextHopFlags, if_index: u32, gateway: Option<Ipv4Addr>) -> RouteNextHop {
        let mut hop = RouteNextHop::default();
        hop.flags = flags;
        hop.interface_index = if_index;
        let gateway = gateway.map(|addr| RouteAttribute::Gateway(RouteAddress::Inet(addr)));
        hop.attributes.extend(gateway);
        hop
    }

    #[test]
    fn t5_1_all_equal_cost_ways_are_known_and_the_kernels_choice_among_them() {
        let none = RouteNextHopFlags::empty();
        let hops = vec![
            hop(none, 4, Some(GATEWAY)),
            hop(RouteNextHopFlags::Dead, 5, Some(GATEWAY)),
            hop(RouteNextHopFlags::Linkdown, 6, Some(GATEWAY)),
            hop(RouteNextHopFlags::Onlink, 7, None),
            hop(none, 0, None),
        ];
        let matched = unicast(RouteProtocol::Bgp, vec![RouteAttribute::MultiPath(hops)]);
        let via = |if_index| NextHop { origin: RouteOrigin::Via(GATEWAY), if_index };
        let connected = |if_index| NextHop { origin: RouteOrigin::Connected, if_index };
        assert_eq!(next_hops(&matched), [via(4), connected(7)], "dead legs are left out");
        let decided = unicast(RouteProtocol::Unspec, vec![RouteAttribute::Oif(7)]);
        let found = route(SOURCE, Some(&matched), &decided, &next_hops(&matched));
        assert_eq!((found.origin, found.if_index), (RouteOrigin::Connected, 7));
        assert_eq!(found.paths.as_deref(), Some(&[via(4), connected(7)][..]));
        // The choice is always one of the paths, and a single path is no list.
        let decided = unicast(RouteProtocol::Unspec, vec![RouteAttribute::Oif(9)]);
        let found = route(SOURCE, Some(&matched), &decided, &next_hops(&matched));
        assert_eq!(found.paths.as_deref(), Some(&[via(4), connected(7), connected(9)][..]));
        assert_eq!(route(SOURCE, Some(&matched), &decided, &[connected(9)]).paths, None);
    }

    #[test]
    fn t5_1_a_dead_route_has_no_way() {
        let mut dead = unicast(RouteProtocol::Static, vec![RouteAttribute::Oif(4)]);
        assert_eq!(next_hops(&dead).len(), 1);
        dead.header.flags = RouteFlags::Linkdown;
        assert_eq!(next_hops(&dead), []);
        let blackhole = message(
            RouteType::BlackHole,
            RouteProtocol::Static,
            [10, 0, 0, 0],
            8,
            vec![RouteAttribute::Oif(4)],
        );
        assert_eq!(next_hops(&blackhole), []);
    }

    #[test]
    fn an_ipv6_gateway_has_no_address_here() {
        let via = RouteAttribute::Via(RouteVia::Inet6(Ipv6Addr::LOCALHOST));
        let matched = unicast(RouteProtocol::Static, vec![via, RouteAttribute::Oif(4)]);
        let route = route(SOURCE, Some(&matched), &matched, &next_hops(&matched));
        assert_eq!(route.origin, RouteOrigin::Via(Ipv4Addr::UNSPECIFIED));
    }

    #[test]
    fn t5_1_an_own_address_is_local() {
        let rest = vec![RouteAttribute::Oif(1)];
        let matched = message(RouteType::Local, RouteProtocol::Kernel, SOURCE.octets(), 32, rest);
        assert!(!needs_decision(&matched));
        let route = route(SOURCE, Some(&matched), &matched, &next_hops(&matched));
        assert_eq!((route.origin, route.if_index), (RouteOrigin::Local, 0));
        assert_eq!((route.network, route.prefix_len), (SOURCE, 32));
    }

    #[test]
    fn what_cannot_be_reached_has_no_route() {
        for kind in [
            RouteType::BlackHole,
            RouteType::Unreachable,
            RouteType::Prohibit,
            RouteType::Throw,
            RouteType::Broadcast,
            RouteType::Multicast,
            RouteType::Other(99),
        ] {
            let matched = message(
                kind,
                RouteProtocol::Static,
                [10, 0, 0, 0],
                8,
                vec![RouteAttribute::Oif(4)],
            );
            assert_eq!(route(SOURCE, Some(&matched), &matched, &next_hops(&matched)), Route::NONE);
        }
        let nowhere = unicast(RouteProtocol::Static, vec![]);
        assert_eq!(route(SOURCE, Some(&nowhere), &nowhere, &next_hops(&nowhere)), Route::NONE);
    }

    #[test]
    fn a_decision_alone_covers_its_source_only() {
        let decided = unicast(RouteProtocol::Unspec, vec![RouteAttribute::Oif(5)]);
        let route = route(SOURCE, None, &decided, &next_hops(&decided));
        assert_eq!((route.network, route.prefix_len, route.protocol), (SOURCE, 32, 1));
    }

    #[test]
    fn t6_8_routing_protocols_have_their_windows_numbers() {
        let numbers: Vec<u32> = [
            RouteProtocol::Kernel,
            RouteProtocol::Boot,
            RouteProtocol::Static,
            RouteProtocol::IcmpRedirect,
            RouteProtocol::Rip,
            RouteProtocol::Isis,
            RouteProtocol::Ospf,
            RouteProtocol::Bgp,
            RouteProtocol::Dhcp,
            RouteProtocol::Zebra,
            RouteProtocol::Other(77),
        ]
        .into_iter()
        .map(protocol)
        .collect();
        assert_eq!(numbers, [2, 3, 3, 4, 8, 9, 13, 14, 19, 1, 1]);
    }
}
