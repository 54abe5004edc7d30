//! The changes of routes and interfaces that are reported.

use super::*;
use mgm_linux::kernel::KernelForwarder;
use mgm_netns::NEVER;
use mgm_types::forwarder::{Forwarder, Upcall, UpcallSink};
use mgm_types::IfId;

#[test]
fn t5_10_each_way_to_change_a_route_is_told() {
    netns::run(|| {
        let (routes, changes) = router();
        ip("nexthop add id 1 via 192.0.2.1 dev r0");
        ip("addr add 198.51.100.3/32 dev r1"); // so that it does not lose its last one
        for change in [
            "route add 10.0.0.0/8 via 192.0.2.1",
            "route replace 10.0.0.0/8 via 198.51.100.1",
            "addr add 10.0.0.2/24 dev r1",
            "addr del 198.51.100.3/32 dev r1",
            "nexthop replace id 1 via 192.0.2.9 dev r0",
            "link set r1 down",
            "link set r1 up",
            "link del r1",
        ] {
            settle(&changes);
            ip(change);
            let mut told = std::iter::from_fn(|| changes.recv_timeout(SURE).ok());
            assert!(told.any(|notification| notification.concerns([10, 0, 0, 1])), "{change}");
        }
        assert_eq!(look(&routes, [10, 0, 0, 1]), Route::NONE, "it went with its interface");
    });
}

/// Beside the notifications of routes, which are collected.
#[test]
fn t5_11_a_device_that_goes_is_told_of_by_itself() {
    netns::run(|| {
        let (_routes, changes) = router();
        settle(&changes);
        ip("link del r1");
        let mut told = std::iter::from_fn(|| changes.recv_timeout(SURE).ok());
        assert!(told.any(|notification| notification == Notification::Interfaces));
    });
}

#[test]
fn t5_10_many_changes_are_told_as_few() {
    netns::run(|| {
        let (_routes, changes) = router();
        settle(&changes);
        let lines: String = (0..5000)
            .map(|n| format!("route add 10.{}.{}.0/24 via 192.0.2.1\n", n / 250, n % 250))
            .collect();
        let before = std::time::Instant::now();
        ip_batch(&lines);
        let took = before.elapsed();
        changes.recv_timeout(SURE).expect("they are told");
        let mut told = 1;
        while changes.recv_timeout(Duration::from_millis(150)).is_ok() {
            told += 1;
        }
        let most = 3 + took.as_millis() / 50;
        assert!(told <= most, "{told} calls in {took:?}");
    });
}

#[test]
fn t5_10_a_route_that_changes_concerns_its_prefix_only() {
    netns::run(|| {
        let (_routes, changes) = router();
        settle(&changes);
        let within = |prefixes: &[([u8; 4], u8)]| {
            let prefixes = prefixes.iter().map(|&(network, len)| Prefix::of(network.into(), len));
            Ok(Notification::Routes(RouteChanges::within(prefixes)))
        };
        for (change, concerned) in [
            ("route add 10.1.0.0/16 via 192.0.2.1", &[([10, 1, 0, 0], 16)][..]),
            ("route replace 10.1.0.0/16 via 198.51.100.1 table 77", &[([10, 1, 0, 0], 16)]),
            ("route del 10.1.0.0/16", &[([10, 1, 0, 0], 16)]),
            // Its network, and its own and the broadcast address.
            ("addr add 203.0.113.1/24 dev r1", &[([203, 0, 113, 0], 24)]),
            ("route add default via 192.0.2.1", &[([0, 0, 0, 0], 0)]),
        ] {
            ip(change);
            assert_eq!(changes.recv_timeout(SURE), within(concerned), "{change}");
        }
    });
}

/// However short it is: what was looked up in between must not stand.
#[test]
fn t5_10_a_gap_in_a_route_is_told() {
    netns::run(|| {
        let (routes, changes) = router();
        ip("route add 10.1.0.0/16 via 192.0.2.1");
        settle(&changes);
        ip_batch("route del 10.1.0.0/16\nroute add 10.1.0.0/16 via 192.0.2.1\n");
        let told = changes.recv_timeout(SURE).expect("it is told");
        assert!(told.concerns([10, 1, 0, 1]) && !told.concerns([10, 2, 0, 1]), "{told:?}");
        assert_eq!(look(&routes, [10, 1, 0, 1]).upstream(), GATEWAY);
    });
}

#[test]
fn no_change_is_told_without_one() {
    netns::run(|| {
        let (routes, changes) = router();
        settle(&changes);
        look(&routes, [10, 0, 0, 1]);
        assert_eq!(changes.recv_timeout(NEVER), Err(RecvTimeoutError::Timeout));
    });
}

#[test]
fn t5_11_a_vif_that_comes_or_goes_is_no_change_of_routes() {
    struct Deaf;
    impl UpcallSink for Deaf {
        fn upcalls(&self, _: Vec<Upcall>) -> Vec<Upcall> {
            Vec::new()
        }
    }
    netns::run(|| {
        let (_routes, changes) = router();
        let mut forwarder = KernelForwarder::open(0, Arc::new(Deaf)).unwrap();
        settle(&changes);
        forwarder.add_interface(IfId(1), Interface::link(index("r0"))).unwrap();
        assert_eq!(changes.recv_timeout(SURE), Ok(Notification::Interfaces));
        forwarder.remove_interface(IfId(1));
        assert_eq!(changes.recv_timeout(SURE), Ok(Notification::Interfaces));
        // Together with what is one.
        forwarder.add_interface(IfId(1), Interface::link(index("r0"))).unwrap();
        ip_batch("route add 10.0.0.0/8 via 192.0.2.1\n");
        forwarder.remove_interface(IfId(1));
        let mut told = std::iter::from_fn(|| changes.recv_timeout(SURE).ok());
        assert!(told.any(|notification| notification.concerns([10, 0, 0, 1])));
    });
}
