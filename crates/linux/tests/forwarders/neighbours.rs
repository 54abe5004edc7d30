//! Oifs of the ebpf forwarder: neighbours on a link, and many of them.

use super::ebpf::on_both;
use super::*;
use mgm_netns::{ip, ip_batch};
use mgm_types::OifsCounters;
use std::time::Instant;

#[test]
fn t0_2_copies_go_to_the_neighbours_that_want_them() {
    on_both(|kind| {
        let wires: [Wire; 2] = netns::wires();
        ip_batch("addr add 10.9.0.1/24 dev r1\n");
        let macs = ["02:00:00:00:09:02", "02:00:00:00:09:03", "02:00:00:00:09:04"];
        for (mac, last) in macs.iter().zip(2..) {
            ip(&format!("neigh add 10.9.0.{last} lladdr {mac} dev r1"));
        }
        let (mut forwarder, _upcalls) = open(kind).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        for last in 2..5 {
            let next_hop = [10, 9, 0, last].into();
            let pair = Interface { index: wires[1].router, next_hop };
            forwarder.add_interface(IfId(last.into()), pair).unwrap();
        }
        let oifs = &[(IfId(2), 1), (IfId(4), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs }).unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        for to in [2, 4] {
            let frame = wires[1].receive_frame(17, SURE).expect("a copy");
            assert_eq!((frame[0], frame[5], frame[22]), (2, to, 63));
        }
        assert_eq!(wires[1].receive(NEVER), None);
        // From one neighbour to another, back out of the same link.
        let oifs = &[(IfId(3), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(2), oifs }).unwrap();
        wires[1].send(SOURCE, GROUP, 64);
        let frame = wires[1].receive_frame(17, SURE).expect("the other neighbour gets it");
        assert_eq!((frame[5], frame[22]), (3, 63));
        // A neighbour that nobody knows.
        let unknown = Interface { index: wires[1].router, next_hop: [10, 9, 0, 77].into() };
        forwarder.add_interface(IfId(7), unknown).unwrap();
        let oifs = &[(IfId(7), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs }).unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        assert!(wires[1].receive_frame(17, NEVER).is_none());
        let mut counters = OifsCounters::default();
        forwarder.oif_counters(flow(), &mut counters);
        assert_eq!((counters.oifs[0].interface, counters.oifs[0].discards), (unknown, 1));
        // It appears.
        ip("neigh replace 10.9.0.77 lladdr 02:00:00:00:09:4d dev r1");
        let end = Instant::now() + SURE;
        while wires[1].receive_frame(17, NEVER).is_none() {
            assert!(Instant::now() < end, "it is known now");
            wires[0].send(SOURCE, GROUP, 64);
        }
    });
}

#[test]
fn d88_packets_arrive_on_the_first_of_the_next_hops_that_were_taken() {
    on_both(|kind| {
        let wires: [Wire; 1] = netns::wires();
        let (mut forwarder, upcalls) = open(kind).unwrap();
        let pair = |last| Interface { index: wires[0].router, next_hop: [10, 9, 0, last].into() };
        for last in [3, 2] {
            forwarder.add_interface(IfId(last.into()), pair(last)).unwrap();
        }
        // The sender is neither of them: its Ethernet address is not compared.
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(upcalls.recv_timeout(SURE).unwrap().arrival, pair(3));
        forwarder.remove_interface(IfId(3));
        wires[0].send(SOURCE, [239, 1, 2, 4], 64);
        assert_eq!(upcalls.recv_timeout(SURE).unwrap().arrival, pair(2));
    });
}

#[test]
fn d93_an_unknown_neighbour_is_resolved() {
    on_both(|kind| {
        let wires: [Wire; 2] = netns::wires();
        ip_batch("addr add 10.9.0.1/24 dev r1\n");
        let (mut forwarder, _upcalls) = open(kind).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        let neighbour = Interface { index: wires[1].router, next_hop: [10, 9, 0, 2].into() };
        let is_asked = || ip("neigh show 10.9.0.2 dev r1").contains("INCOMPLETE");
        assert!(!is_asked());
        forwarder.add_interface(IfId(1), neighbour).unwrap();
        assert!(is_asked(), "the kernel asks by ARP");
        let oifs = &[(IfId(1), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs }).unwrap();
        ip("neigh replace 10.9.0.2 lladdr 02:00:00:00:09:02 dev r1 nud reachable");
        let end = Instant::now() + SURE;
        while wires[1].receive_frame(17, NEVER).is_none() {
            assert!(Instant::now() < end, "it is known now");
            wires[0].send(SOURCE, GROUP, 64);
        }
        // The kernel forgets it.
        ip("neigh del 10.9.0.2 dev r1");
        let end = Instant::now() + SURE;
        while !is_asked() {
            assert!(Instant::now() < end, "it is not asked again");
        }
    });
}

/// Waits until so many pairs of devices x0, y0, x1 … can send.
fn await_pairs(pairs: u16) {
    let names = (0..pairs).flat_map(|n| [format!("x{n}"), format!("y{n}")]);
    netns::await_up(&names.collect::<Vec<_>>());
}

#[test]
fn an_mfe_may_have_many_oifs() {
    const MANY: u16 = 500;
    netns::run(|| {
        let lines: String = (0..=MANY / 2)
            .map(|n| {
                format!(
                    "link add x{n} type veth peer name y{n}\nlink set x{n} up\nlink set y{n} up\n"
                )
            })
            .collect();
        ip_batch(&lines);
        await_pairs(MANY / 2 + 1);
        let wires: [Wire; 1] = netns::wires();
        let (mut forwarder, _upcalls) = open(Kind::Ebpf).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        let mut oifs = Vec::new();
        for n in 1..=MANY {
            let name = format!("{}{}", if n % 2 == 0 { "x" } else { "y" }, n / 2);
            forwarder.add_interface(IfId(n), Interface::link(netns::index(&name))).unwrap();
            oifs.push((IfId(n), 1));
        }
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &oifs }).unwrap();
        for _ in 0..3 {
            wires[0].send(SOURCE, GROUP, 64);
        }
        let mut counters = OifsCounters::default();
        let end = Instant::now() + SURE;
        loop {
            assert!(forwarder.oif_counters(flow(), &mut counters));
            if counters.oifs.iter().all(|oif| oif.packets == 3) {
                break;
            }
            assert!(Instant::now() < end, "{:?}", counters.oifs.iter().find(|it| it.packets != 3));
        }
        assert_eq!(counters.oifs.len(), usize::from(MANY));
        // Each oif is the other end of another one: nothing comes back.
        assert_eq!(wires[0].receive(NEVER), None);

        let too_many: Vec<(IfId, u8)> = (0..2113).map(|_| (IfId(1), 1)).collect();
        let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &too_many };
        let refusal = forwarder.install(&entry).unwrap_err().to_string();
        assert!(refusal.contains("2112"), "{refusal}");
    });
}

/// 100 interfaces, because each device that is made or deleted takes the kernel some milliseconds.
/// The slow tests set MGM_MANY_INTERFACES to 1,000, which takes a minute.
#[test]
fn a_thousand_interfaces_are_served_and_half_of_them_are_oifs() {
    let all = std::env::var("MGM_MANY_INTERFACES").map_or(100, |all| all.parse().unwrap());
    let half = all / 2;
    netns::run(|| {
        let lines = (0..half).map(|n| {
            format!("link add x{n} type veth peer name y{n}\nlink set x{n} up\nlink set y{n} up\n")
        });
        ip_batch(&lines.collect::<String>());
        await_pairs(half);
        let wires: [Wire; 1] = netns::wires();
        let (mut forwarder, _upcalls) = open(Kind::Ebpf).unwrap();
        let own = |forwarder: &mut dyn Forwarder, id: u16| {
            let name = format!("{}{}", if id % 2 == 0 { "x" } else { "y" }, (id - 1) / 2);
            forwarder.add_interface(IfId(id), Interface::link(netns::index(&name))).unwrap();
        };
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        (1..=all).for_each(|id| own(&mut *forwarder, id));
        let mut counters = OifsCounters::default();
        let mut expect = |forwarder: &mut dyn Forwarder, packets: u64, count: u16| {
            let end = Instant::now() + SURE;
            loop {
                assert!(forwarder.oif_counters(flow(), &mut counters));
                assert_eq!(counters.oifs.len(), usize::from(count));
                if counters.oifs.iter().all(|oif| oif.packets == packets) {
                    return;
                }
                let other = counters.oifs.iter().filter(|oif| oif.packets != packets);
                let (other, all) = (other.count(), forwarder.counters(flow()));
                assert!(Instant::now() < end, "{other} have not sent {packets} of {all:?}");
            }
        };
        // One end of each pair, so that nothing comes back to an oif.
        let oifs: Vec<(IfId, u8)> = (1..=all).step_by(2).map(|id| (IfId(id), 1)).collect();
        assert_eq!(oifs.len(), usize::from(half));
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &oifs }).unwrap();
        (0..3).for_each(|_| wires[0].send(SOURCE, GROUP, 64));
        expect(&mut *forwarder, 3, half);
        // Two of them go; the others keep their counters.
        let last = usize::from(half) - 1;
        for (fewer, id) in [(&oifs[1..], 1), (&oifs[1..last], all - 1)] {
            let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: fewer };
            forwarder.install(&entry).unwrap();
            forwarder.remove_interface(IfId(id));
            expect(&mut *forwarder, 3, fewer.len() as u16);
            own(&mut *forwarder, id);
        }
        let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &oifs[1..last] };
        forwarder.install(&entry).unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        expect(&mut *forwarder, 4, half - 2);
    });
}
