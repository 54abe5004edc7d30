//! What the kernel permits to which processes, and what is refused (spec 2.7).

use super::*;
use mgm_netns::Capability::{CAP_NET_ADMIN, CAP_NET_RAW};
use mgm_netns::{ip, ip_batch};

#[test]
fn t2_7_what_the_kernel_cannot_serve_is_refused() {
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (mut forwarder, _upcalls) = open(0).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        let next_hop = Interface { index: 1, next_hop: [10, 0, 0, 1].into() };
        assert_eq!(
            forwarder.add_interface(IfId(1), next_hop),
            Err(Refusal::KernelNextHop(next_hop))
        );
        for index in [999, u32::MAX] {
            assert_eq!(
                forwarder.add_interface(IfId(1), Interface::link(index)),
                Err(Refusal::NoSuchInterface(index))
            );
        }
        let served = Interface::link(wires[0].router);
        assert_eq!(forwarder.add_interface(IfId(0), served), Ok(()), "again is no error");
        let twice = forwarder.add_interface(IfId(1), served).unwrap_err().to_string();
        assert!(twice.contains("already served"), "{twice}");

        let loopback = Interface::link(netns::index("lo"));
        assert_eq!(forwarder.add_interface(IfId(1), loopback), Ok(()), "the kernel does not mind");
        forwarder.remove_interface(IfId(1));
        ip("link set lo mtu 60");
        let refused = forwarder.add_interface(IfId(1), loopback).unwrap_err().to_string();
        assert!(refused.contains("(lo) has no IPv4"), "{refused}");
    });
}

#[test]
fn t2_7_thirty_two_interfaces_are_the_most() {
    netns::run(|| {
        let pair = |n| format!("link add d{n} type veth peer name d{}\n", n + 1);
        ip_batch(&(0..34).step_by(2).map(pair).collect::<String>());
        let (mut forwarder, _upcalls) = open(0).unwrap();
        let device = |n: u16| Interface::link(netns::index(&format!("d{n}")));
        for n in 0..32 {
            forwarder.add_interface(IfId(n), device(n)).unwrap();
        }
        let refused = forwarder.add_interface(IfId(32), device(32)).unwrap_err();
        assert!(matches!(&refused, Refusal::Forwarder(text) if text.contains("at most 32")));
        // An interface that is removed makes room for another one.
        forwarder.remove_interface(IfId(7));
        forwarder.add_interface(IfId(33), device(33)).unwrap();
        assert!(forwarder.add_interface(IfId(7), device(7)).is_err());
        assert_eq!(forwarder.lost_interfaces(), Ok(vec![]));
    });
}

#[test]
fn t2_7_a_second_router_is_refused_unless_it_takes_another_table() {
    netns::run(|| {
        let (_first, _upcalls) = open(0).unwrap();
        let refused = open(0).map(drop).unwrap_err().to_string();
        assert!(refused.contains("another multicast routing daemon"), "{refused}");
        assert!(refused.contains("MGM_TABLE"), "{refused}");
        let (_second, _upcalls) = open(77).unwrap();
        let refused = open(77).map(drop).unwrap_err().to_string();
        assert!(refused.contains("table 77"), "{refused}");
        let refused = open(u32::MAX).map(drop).unwrap_err().to_string();
        assert!(refused.contains("set MGM_TABLE to another"), "{refused}");
    });
}

#[test]
fn t2_7_without_privilege_the_refusal_names_the_capabilities() {
    for (gone, table) in
        [(&[CAP_NET_ADMIN, CAP_NET_RAW][..], 0), (&[CAP_NET_RAW], 0), (&[CAP_NET_ADMIN], 77)]
    {
        netns::run(|| {
            netns::drop_capabilities(gone);
            let refused = open(table).map(drop).unwrap_err();
            assert_eq!(refused.code(), mgm_types::Code::CanNotComplete);
            assert!(refused.to_string().contains("CAP_NET_ADMIN and CAP_NET_RAW"), "{refused}");
        });
    }
}

#[test]
fn privileges_can_be_dropped_after_the_start() {
    netns::run(|| {
        let wires = netns::wires();
        let (forwarder, _upcalls) = open(0).unwrap();
        netns::drop_capabilities(&[CAP_NET_ADMIN, CAP_NET_RAW]);
        assert_forwards(forwarder, &wires);
    });
}

/// MRT_INIT asks for nothing but the raw socket.
#[test]
fn the_usual_table_can_be_had_with_cap_net_raw_alone() {
    netns::run(|| {
        let wires = netns::wires();
        netns::drop_capabilities(&[CAP_NET_ADMIN]);
        let (forwarder, _upcalls) = open(0).unwrap();
        assert_forwards(forwarder, &wires);
    });
}

fn assert_forwards(mut forwarder: KernelForwarder, wires: &[Wire; 2]) {
    for (wire, n) in wires.iter().zip(0..) {
        forwarder.add_interface(IfId(n), Interface::link(wire.router)).unwrap();
    }
    let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &[(IfId(1), 1)] };
    forwarder.install(&entry).unwrap();
    wires[0].send(SOURCE, GROUP, 64);
    assert!(wires[1].receive(SURE).is_some());
    assert_eq!(forwarder.counters(flow()).unwrap().unwrap().packets, 1);
}

#[test]
fn a_table_of_its_own_gets_packets_by_rule() {
    netns::run(|| {
        let wires: [Wire; 2] = netns::wires();
        let (mut forwarder, upcalls) = open(77).unwrap();
        for (wire, n) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(n), Interface::link(wire.router)).unwrap();
        }
        ip("mrule add iif r0 lookup 77");
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(upcalls.recv_timeout(SURE).unwrap().flow, flow());
        forwarder
            .install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &[(IfId(1), 1)] })
            .unwrap();
        assert!(wires[1].receive(SURE).is_some());
        assert_eq!(forwarder.counters(flow()).unwrap().unwrap().packets, 1);
        assert!(ip("mroute show table 77").contains("239.1.2.3"));
    });
}
