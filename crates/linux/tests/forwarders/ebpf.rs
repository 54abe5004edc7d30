//! The data path of the ebpf forwarder: which packets it forwards, and how.

use super::*;
use mgm_netns::{ip, ip_batch, Packet};
use mgm_types::forwarder::UpcallKind;
use mgm_types::Rate;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Runs a test with both ways to attach.
pub fn on_both(test: impl Fn(Kind) + Send + Sync) {
    on_each(|kind| {
        if kind != Kind::Kernel {
            test(kind);
        }
    });
}

pub fn udp(ttl: u8, payload: &[u8]) -> Packet<'_> {
    Packet { protocol: 17, options: &[], source: SOURCE, group: GROUP, ttl, payload }
}

#[test]
fn packets_larger_than_an_oifs_mtu_are_counted_and_not_sent_there() {
    on_both(|kind| {
        let mut router = Router::<3>::new(kind);
        router.install(0, &[(1, 1), (2, 1)]);
        ip("link set r1 mtu 500");
        let payload = [0; 481]; // 501 octets
        let end = Instant::now() + SURE;
        // The forwarder learns of the MTU in a moment.
        while router.oif(1).too_large == 0 {
            assert!(Instant::now() < end, "{:?}", router.oifs());
            router.wires[0].send_packet(udp(64, &payload));
            assert!(router.wires[2].receive_frame(17, SURE).is_some());
            while router.wires[1].receive_frame(17, NEVER).is_some() {}
        }
        router.wires[0].send_packet(udp(64, &payload[..480]));
        let frame = router.wires[1].receive_frame(17, SURE).expect("500 octets fit");
        assert_eq!(frame.len(), 514);
    });
}

#[test]
fn the_stack_gets_what_came_in() {
    on_both(|kind| {
        ip("link set lo up");
        let mut router = Router::<3>::new(kind);
        ip("addr add 10.1.0.1/24 dev r0");
        // A raw socket receives the IP header as well.
        let protocol = Some(Protocol::UDP);
        let mut socket = Socket::new(Domain::IPV4, Type::RAW, protocol).unwrap();
        socket.join_multicast_v4(&GROUP.into(), &[10, 1, 0, 1].into()).unwrap();
        socket.set_read_timeout(Some(SURE)).unwrap();
        router.install(0, &[(1, 1), (2, 1)]);
        for _ in 0..2 {
            router.packet(0, 64);
            router.assert_out(1, 63);
            router.assert_out(2, 63);
            let mut data = [0; 100];
            assert_eq!(socket.read(&mut data).expect("a local member hears it, too"), 32);
            let sent = udp(64, &[]).to_frame();
            assert_eq!(data[4..10], sent[18..24], "as it came, with its TTL");
            assert_eq!(data[12..20], sent[26..34]);
        }
        assert_eq!(router.forwarder.counters(flow()).unwrap().unwrap().packets, 2);
    });
}

#[test]
fn d55_the_routers_own_packets_arrive_where_they_leave() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        ip_batch("addr add 10.1.0.9/24 dev r0\nroute add 239.0.0.0/8 dev r0\n");
        let socket = UdpSocket::bind("10.1.0.9:0").unwrap();
        socket.set_multicast_ttl_v4(16).unwrap();
        let send = || assert_eq!(socket.send_to(b"own", (Ipv4Addr::from(GROUP), 5000)).unwrap(), 3);
        send();
        assert_eq!(router.upcall().arrival, Interface::link(router.wires[0].router));
        router.install(0, &[(1, 1)]);
        router.assert_out(1, 15); // the first one
        send();
        router.assert_out(1, 15);
        for _ in 0..2 {
            router.assert_out(0, 16); // as it was sent, once each
        }
        router.assert_silent(0);
        router.assert_silent(1);
        // The copies are not packets of the router.
        router.assert_no_upcall();
        assert_eq!(router.forwarder.counters(flow()).unwrap().unwrap().wrong_if, 0);
        // On another interface than the iif.
        router.install(1, &[]);
        send();
        assert_eq!(router.upcall().kind, UpcallKind::WrongIf);
    });
}

#[test]
fn frames_of_a_trunk_are_left_to_its_vlan_devices() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        let mut frame = udp(64, &[0; 12]).to_frame();
        for (tag, is_forwarded) in [(10u8, false), (0, true)] {
            let mut tagged = frame.clone();
            tagged.splice(12..12, [0x81, 0, 0x20, tag]);
            router.wires[0].send_frame(&tagged);
            let time = if is_forwarded { SURE } else { NEVER };
            assert_eq!(router.wires[1].receive(time).is_some(), is_forwarded, "VLAN {tag}");
        }
        // Nor frames to other hosts.
        frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0x77]);
        router.wires[0].send_frame(&frame);
        router.assert_silent(1);
        router.packet(0, 64);
        router.assert_out(1, 63);
    });
}

#[test]
fn invalid_packets_and_source_routes_are_not_forwarded() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        let good = udp(64, &[0; 12]).to_frame();
        for (at, value) in [(14, 0x55), (14, 0x44), (17, 200), (24, 0)] {
            let mut bad = good.clone();
            bad[at] = value; // version, header length, total length, checksum
            router.wires[0].send_frame(&bad);
            assert!(router.wires[1].receive_frame(17, NEVER).is_none(), "byte {at} is {value}");
        }
        // No-operation, then loose source route, strict source route; a length of 1, and one beyond
        // the header.
        for bad in [[1, 131, 3, 4], [137, 3, 4, 0], [7, 1, 0, 0], [7, 9, 4, 0]] {
            router.wires[0].send_packet(Packet { options: &bad, ..udp(64, &[0; 12]) });
            assert!(router.wires[1].receive_frame(17, NEVER).is_none(), "{bad:?}");
        }
        // Router alert; record route; one behind the end of the list.
        for good in [[0x94, 4, 0, 0], [7, 3, 4, 0], [0, 131, 3, 4]] {
            router.wires[0].send_packet(Packet { options: &good, ..udp(64, &[0; 12]) });
            let frame = router.wires[1].receive_frame(17, SURE).expect("it is valid");
            assert_eq!(frame[34..38], good);
        }
    });
}

#[test]
fn first_packets_come_in_order_before_later_ones() {
    on_both(|kind| {
        let mut late_packets = 0;
        for round in 0..8u8 {
            let mut router = Router::<2>::new_again(kind, round);
            let is_installed = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let (sender, is_installed) = (&router.wires[0], &is_installed);
                scope.spawn(move || {
                    let mut left = 20;
                    for number in 0..u16::MAX {
                        let [high, low] = number.to_be_bytes();
                        sender.send_packet(udp(64, &[0, 1, 0, 2, 0, 12, 0, 0, high, low, 0, 0]));
                        left -= u32::from(is_installed.load(Ordering::Relaxed));
                        if left == 0 {
                            break;
                        }
                    }
                });
                let upcall = router.upcalls.recv_timeout(SURE).unwrap();
                assert_eq!(upcall.kind, UpcallKind::NoCache);
                let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &[(IfId(1), 1)] };
                router.forwarder.install(&entry).unwrap();
                is_installed.store(true, Ordering::Relaxed);
            });
            let numbers: Vec<u16> = std::iter::from_fn(|| router.wires[1].receive_frame(17, NEVER))
                .map(|frame| u16::from_be_bytes([frame[42], frame[43]]))
                .collect();
            // Of an unresolved flow, the first four are kept.
            assert!(numbers.len() >= 20, "round {round}: {numbers:?}");
            assert_eq!(numbers[0], 0, "round {round}: {numbers:?}");
            let late = numbers.windows(2).filter(|pair| pair[0] >= pair[1]).count();
            late_packets += late;
        }
        // A few may be overtaken by those that arrive when the entry is opened.
        assert!(late_packets <= 2, "{late_packets} packets came late in 8 rounds");
    });
}

impl<const N: usize> Router<N> {
    /// The first time with new wires, later with those of the first time.
    fn new_again(kind: Kind, round: u8) -> Router<N> {
        if round == 0 {
            return Router::new(kind);
        }
        let wires = std::array::from_fn(|n| Wire::new(&format!("r{n}"), &format!("h{n}")));
        let (mut forwarder, upcalls) = open(kind).unwrap();
        for (wire, n) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(n), Interface::link(wire.router)).unwrap();
        }
        Router { forwarder, upcalls, wires }
    }
}

#[test]
fn d91_the_limit_of_new_flows_holds_in_the_program() {
    on_both(|kind| {
        // A busy machine may take a second for ten packets, but not each time.
        assert!((0..10).any(|round| holds_the_limit(kind, round)), "ten packets take a second");
    });
}

/// False if the packets took so long that the limit permits more of them.
fn holds_the_limit(kind: Kind, round: u8) -> bool {
    let mut router = Router::<2>::new_again(kind, round);
    let index = router.wires[0].router;
    assert!(router.forwarder.limits_flows());
    let begun = Instant::now();
    router.forwarder.set_flow_limit(index, Some(Rate { per_second: 1, burst: 3 }));
    for last in 1..=10 {
        router.wires[0].send(SOURCE, [239, 1, 1, last], 64);
    }
    if begun.elapsed() > Duration::from_millis(900) {
        return false;
    }
    let upcalls = &router.upcalls;
    let told = |time| upcalls.recv_timeout(time).ok().map(|it| it.flow.group().octets()[3]);
    let mut first = [told(SURE), told(SURE), told(SURE)];
    first.sort_unstable(); // of a batch, the sink takes the last one first
    assert_eq!((first, told(NEVER)), ([Some(1), Some(2), Some(3)], None));
    assert_eq!(router.forwarder.refused_packets(index), 7);
    let limited =
        |last| router.forwarder.limited_on(Flow::new(SOURCE.into(), [239, 1, 1, last].into()));
    assert_eq!(limited(3), None);
    assert_eq!(limited(4), Some(Interface::link(index)));
    router.wires[1].send(SOURCE, [239, 1, 1, 50], 64);
    assert_eq!(told(SURE), Some(50), "the other interface has no limit");
    router.forwarder.set_flow_limit(index, None);
    let four = Flow::new(SOURCE.into(), [239, 1, 1, 4].into());
    assert_eq!(router.forwarder.limited_on(four), None);
    router.wires[0].send(SOURCE, [239, 1, 1, 9], 64);
    assert_eq!(told(SURE), Some(9));
    true
}
