//! The manager with the kernel forwarder, started and stopped again and again, in a network namespace of
//! its own. Needs root and iproute2, and is skipped with a message without them.
#![cfg(target_os = "linux")]

mod deaf;

use deaf::Deaf;
use mgm_manager::{ForwarderChoice, Join, Manager, PacketIn, Settings};
use mgm_netns::{self as netns, Wire, NEVER, SURE};
use mgm_types::{Flow, Interface, Route, RouteOrigin};
use socket2::SockRef;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Entries of a folder in /proc/self: descriptors, or threads.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// Starts the manager, takes an interface, and stops the manager.
fn live_once() {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Kernel, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
    manager.take(client, Interface::link(netns::index("lo"))).unwrap();
    manager.stop().unwrap();
    let vifs = std::fs::read_to_string("/proc/thread-self/net/ip_mr_vif").unwrap();
    assert_eq!(vifs.lines().count(), 1, "the kernel's table is empty after a stop:\n{vifs}");
}

#[test]
fn a_stop_gives_back_descriptors_and_threads() {
    netns::run(|| {
        live_once();
        let (descriptors, threads) = (count("fd"), count("task"));
        for _ in 0..20 {
            live_once();
        }
        // The threads end by themselves, soon.
        let start = Instant::now();
        while count("fd") > descriptors || count("task") > threads {
            let now = (count("fd"), count("task"));
            assert!(start.elapsed() < SURE, "{now:?} and not {:?}", (descriptors, threads));
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

/// The kernel counts for an entry, not for its oifs (spec 6.7).
#[test]
fn t6_7_what_the_kernel_does_not_count_is_zero() {
    netns::run(|| {
        netns::ip("link add d1 type veth peer name d2");
        let (inside, outside) = (netns::index("d1"), netns::index("d2"));
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Kernel, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
        for index in [inside, outside] {
            manager.take(client, Interface::link(index)).unwrap();
        }
        let (source, group) = ([10, 0, 0, 1].into(), [239, 1, 1, 1].into());
        let origin = RouteOrigin::Connected;
        let (network, prefix_len) = ([10, 0, 0, 0].into(), 8);
        let route =
            Route { origin, if_index: inside, paths: None, network, prefix_len, protocol: 2 };
        manager.add_route(route).unwrap();
        let any = Flow::any_source(group);
        manager.add_membership(client, any, Interface::link(outside), Join::State).unwrap();
        let flow = Flow::new(source, group);
        let arrival = Interface::link(inside);
        // A packet that the kernel has never seen.
        let packet = PacketIn { flow, arrival, header: &[], length: 100, ttl: 64 };
        assert!(manager.packet_in(packet).unwrap().accepted);
        let row = manager.with_mfe(flow, true, Clone::clone).unwrap();
        assert_eq!((row.packets, row.octets, row.wrong_if), (0, 0, 0));
        let oifs: Vec<_> = row.oifs.iter().map(|oif| (oif.packets, oif.ttl_too_low)).collect();
        assert_eq!(oifs, [(0, 0)]);
        manager.stop().unwrap();
    });
}

/// A program on the router sends to a group, from an address that all interfaces share. When the stream
/// moves to another interface, the kernel goes on counting, and reports nothing. The rule about several
/// legitimate interfaces (5.1) does not help, because it needs reports of packets on the wrong interface,
/// which the kernel does not make for packets of the router itself.
#[test]
fn t5_6_the_routers_own_stream_may_move_to_another_interface() {
    const OWN: [u8; 4] = [192, 0, 2, 7];
    const GROUP: [u8; 4] = [239, 1, 2, 3];
    netns::run(|| {
        let wires: [Wire; 3] = netns::wires();
        netns::ip_batch("addr add 192.0.2.7/32 dev lo\naddr add 10.0.0.1/24 dev r0\naddr add 10.2.0.1/24 dev r2\n");
        let manager = Manager::new();
        let mfe_timeout = 1;
        let settings =
            Settings { forwarder: ForwarderChoice::Kernel, mfe_timeout, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
        for wire in &wires {
            manager.take(client, Interface::link(wire.router)).unwrap();
        }
        let any = Flow::any_source(GROUP.into());
        manager.add_membership(client, any, Interface::link(wires[1].router), Join::State).unwrap();

        let sender = std::net::UdpSocket::bind((Ipv4Addr::from(OWN), 0)).unwrap();
        sender.set_multicast_ttl_v4(9).unwrap();
        let flow = Flow::new(OWN.into(), GROUP.into());
        let iif = || manager.with_mfe(flow, true, |row| row.iif.index).ok();
        for leaves_by in [0, 2] {
            while wires[1].receive(NEVER).is_some() {}
            let address = Ipv4Addr::new(10, leaves_by, 0, 1);
            SockRef::from(&sender).set_multicast_if_v4(&address).unwrap();
            let (index, start) = (wires[usize::from(leaves_by)].router, Instant::now());
            while iif() != Some(index) || wires[1].receive(NEVER).is_none() {
                sender.send_to(b"own", (Ipv4Addr::from(GROUP), 5000)).unwrap();
                assert!(start.elapsed() < 2 * SURE, "by {index}, and not {:?}", iif());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        manager.stop().unwrap();
    });
}
