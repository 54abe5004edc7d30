//! MGM with the kernel forwarder, started and stopped again and again, in a
//! network namespace of its own. Needs root and iproute2; skips, and says so,
//! without.
#![cfg(target_os = "linux")]

mod netns;

use mgm::manager::{ForwarderChoice, Join, Manager, PacketIn, Settings};
use mgm::types::{Flow, Interface, Route, RouteOrigin};
use netns::{Deaf, SURE};
use std::time::{Duration, Instant};

/// Entries of a folder in /proc/self: descriptors, or threads.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// One life of MGM that serves an interface.
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
        // The threads leave by themselves, soon.
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
            Route { origin, if_index: inside, ways: None, network, prefix_len, protocol: 2 };
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
