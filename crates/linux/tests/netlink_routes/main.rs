//! The kernel's routes as the multicast view, against the running kernel, each
//! test in a network namespace of its own. Needs root and iproute2, and is skipped
//! with a message without them.
#![cfg(target_os = "linux")]

mod changes;

use mgm_linux::netlink::NetlinkRoutes;
use mgm_netns::{self as netns, index, ip, ip_batch, SURE};
use mgm_types::route_view::{RouteChanges, RouteView, RouteWatcher};
use mgm_types::{Domain, Interface, NextHop, Prefix, Route, RouteOrigin};
use std::net::Ipv4Addr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

#[derive(Debug, PartialEq, Eq)]
enum Notification {
    Routes(RouteChanges),
    Interfaces,
}

impl Notification {
    /// Whether look-ups of this source may give another result.
    fn concerns(&self, source: [u8; 4]) -> bool {
        matches!(self, Notification::Routes(changes) if changes.contain(source.into()))
    }
}

struct Watcher(Mutex<Sender<Notification>>);

impl RouteWatcher for Watcher {
    fn routes_changed(&self, changes: &RouteChanges, meanwhile: &mut dyn FnMut()) {
        // The test may be over.
        let _ = self.0.lock().unwrap().send(Notification::Routes(changes.clone()));
        meanwhile();
    }

    fn interfaces_changed(&self) {
        let _ = self.0.lock().unwrap().send(Notification::Interfaces);
    }
}

/// r0 is 192.0.2.2/24, r1 is 198.51.100.2/24.
fn router() -> (NetlinkRoutes, Receiver<Notification>) {
    router_with(None)
}

/// The same, which looks sources up in this unicast table.
fn router_with(table: Option<u32>) -> (NetlinkRoutes, Receiver<Notification>) {
    let _wires: [netns::Wire; 2] = netns::wires();
    ip_batch("addr add 192.0.2.2/24 dev r0\naddr add 198.51.100.2/24 dev r1\n");
    let (sender, changes) = mpsc::channel();
    (NetlinkRoutes::open(Arc::new(Watcher(Mutex::new(sender))), table).unwrap(), changes)
}

/// Waits until no further change is reported.
fn settle(changes: &Receiver<Notification>) {
    while changes.recv_timeout(Duration::from_millis(150)).is_ok() {}
}

fn look(routes: &NetlinkRoutes, source: [u8; 4]) -> Route {
    routes.lookup(source.into(), Domain::MAIN).expect("the kernel answers")
}

fn route(
    origin: RouteOrigin,
    if_index: u32,
    network: [u8; 4],
    prefix_len: u8,
    protocol: u32,
) -> Route {
    Route { origin, if_index, paths: None, network: network.into(), prefix_len, protocol }
}

#[test]
fn t5_1_each_kind_of_route_is_told_apart() {
    netns::run(|| {
        let (routes, _changes) = router();
        let (r0, r1) = (index("r0"), index("r1"));
        ip_batch(
            "route add 10.0.0.0/8 via 192.0.2.1\n\
             route add 10.1.0.0/16 via 198.51.100.1 proto ospf\n\
             route add 10.2.0.0/16 dev r1 proto static\n\
             route add 10.3.0.0/16 via 192.0.2.1 proto bgp\n\
             route add 10.4.0.0/16 via 192.0.2.1 proto zebra\n\
             route add 10.5.0.7/32 via 192.0.2.1 proto rip\n",
        );
        let via = RouteOrigin::Via(GATEWAY);
        let connected = RouteOrigin::Connected;
        let local = RouteOrigin::Local;
        for (source, expected) in [
            ([192, 0, 2, 77], route(connected, r0, [192, 0, 2, 0], 24, 2)),
            ([192, 0, 2, 2], route(local, 0, [192, 0, 2, 2], 32, 2)),
            ([127, 0, 0, 1], route(local, 0, [127, 0, 0, 0], 8, 2)),
            ([10, 9, 0, 1], route(via, r0, [10, 0, 0, 0], 8, 3)),
            ([10, 1, 0, 1], route(RouteOrigin::Via(OTHER), r1, [10, 1, 0, 0], 16, 13)),
            ([10, 2, 0, 1], route(connected, r1, [10, 2, 0, 0], 16, 3)),
            ([10, 3, 0, 1], route(via, r0, [10, 3, 0, 0], 16, 14)),
            ([10, 4, 0, 1], route(via, r0, [10, 4, 0, 0], 16, 1)),
            ([10, 5, 0, 7], route(via, r0, [10, 5, 0, 7], 32, 8)),
            ([10, 5, 0, 8], route(via, r0, [10, 0, 0, 0], 8, 3)),
        ] {
            let found = look(&routes, source);
            // The loopback's own address has a /32 beside the /8 on some kernels.
            let found = if source[0] == 127 {
                Route { network: expected.network, prefix_len: 8, ..found }
            } else {
                found
            };
            assert_eq!(found, expected, "{source:?}");
        }
        assert_eq!(look(&routes, [11, 0, 0, 1]), Route::NONE);
        ip("route add default via 192.0.2.1");
        assert_eq!(look(&routes, [11, 0, 0, 1]), route(via, r0, [0; 4], 0, 3));
    });
}

#[test]
fn t5_1_what_cannot_be_reached_has_no_route() {
    netns::run(|| {
        let (routes, _changes) = router();
        ip_batch(
            "route add default via 192.0.2.1\n\
             route add unreachable 10.1.0.0/16\n\
             route add blackhole 10.2.0.0/16\n\
             route add prohibit 10.3.0.0/16\n",
        );
        for source in [[10, 1, 0, 1], [10, 2, 0, 1], [10, 3, 0, 1], [192, 0, 2, 255]] {
            assert_eq!(look(&routes, source), Route::NONE, "{source:?}");
        }
        for nonsense in [[0, 0, 0, 0], [239, 1, 1, 1], [255, 255, 255, 255]] {
            look(&routes, nonsense);
        }
    });
}

#[test]
fn a_source_with_several_next_hops_has_the_one_that_the_kernel_takes() {
    netns::run(|| {
        let (routes, _changes) = router();
        let (r0, r1) = (index("r0"), index("r1"));
        ip("route add 10.0.0.0/8 proto bgp nexthop via 192.0.2.1 nexthop via 198.51.100.1");
        let found = look(&routes, [10, 1, 1, 1]);
        let ends = [(RouteOrigin::Via(GATEWAY), r0), (RouteOrigin::Via(OTHER), r1)];
        assert!(ends.contains(&(found.origin, found.if_index)), "{found:?}");
        let paths = ends.map(|(origin, if_index)| NextHop { origin, if_index });
        let one = route(found.origin, found.if_index, [10, 0, 0, 0], 8, 14);
        assert_eq!(found, Route { paths: Some(paths.into()), ..one });
        for _ in 0..50 {
            assert_eq!(look(&routes, [10, 1, 1, 1]), found, "it stays the same one");
        }
        // Its interface goes down: the other one is left.
        let (gone, left) = if found.if_index == r0 { ("r0", ends[1]) } else { ("r1", ends[0]) };
        ip(&format!("link set {gone} down"));
        let found = look(&routes, [10, 1, 1, 1]);
        assert_eq!((found.origin, found.if_index, &found.paths), (left.0, left.1, &None));
    });
}

#[test]
fn more_next_hops_than_fit_one_answer() {
    netns::run(|| {
        let (routes, _changes) = router();
        let hops: String =
            (0..240).map(|n| format!(" nexthop via 198.51.100.{} dev r1", n + 10)).collect();
        ip(&format!("route add 10.0.0.0/8 proto bgp{hops}"));
        let found = look(&routes, [10, 1, 1, 1]);
        assert_eq!(found.if_index, index("r1"), "{found:?}");
        assert!(matches!(found.origin, RouteOrigin::Via(_)));
    });
}

#[test]
fn next_hop_objects_are_followed() {
    netns::run(|| {
        let (routes, _changes) = router();
        let r0 = index("r0");
        ip_batch(
            "nexthop add id 1 via 192.0.2.1 dev r0\n\
             nexthop add id 2 group 1\n\
             route add 10.1.0.0/16 nhid 1\n\
             route add 10.2.0.0/16 nhid 2\n",
        );
        for compatible in ["1", "0"] {
            let file = "/proc/sys/net/ipv4/nexthop_compat_mode";
            std::fs::write(file, compatible).unwrap();
            for second in [1, 2] {
                let found = look(&routes, [10, second, 0, 1]);
                let via = RouteOrigin::Via(GATEWAY);
                assert_eq!(found, route(via, r0, [10, second, 0, 0], 16, 3));
            }
        }
    });
}

#[test]
fn a_gateway_with_an_ipv6_address_has_none_here() {
    netns::run(|| {
        let (routes, _changes) = router();
        if std::fs::write("/proc/sys/net/ipv6/conf/r0/disable_ipv6", "0").is_err() {
            return; // a kernel without IPv6
        }
        ip("route add 10.0.0.0/8 via inet6 fe80::1 dev r0");
        let found = look(&routes, [10, 0, 0, 1]);
        let via = RouteOrigin::Via(Ipv4Addr::UNSPECIFIED);
        assert_eq!(found, route(via, index("r0"), [10, 0, 0, 0], 8, 3));
    });
}

#[test]
fn policy_rules_are_followed() {
    netns::run(|| {
        let (routes, changes) = router();
        settle(&changes);
        ip_batch(
            "route add 10.0.0.0/8 via 192.0.2.1\n\
             route add 10.0.0.0/8 via 198.51.100.1 table 100\n",
        );
        settle(&changes);
        ip("rule add to 10.7.0.0/16 lookup 100");
        changes.recv_timeout(SURE).expect("a rule is a change");
        assert_eq!(look(&routes, [10, 7, 0, 1]).upstream(), OTHER);
        assert_eq!(look(&routes, [10, 8, 0, 1]).upstream(), GATEWAY);
    });
}

#[test]
fn t5_1_connected_prefixes_of_equal_length_count_alike() {
    netns::run(|| {
        let (routes, changes) = router();
        let (r0, r1) = (index("r0"), index("r1"));
        ip_batch(
            "addr add 10.0.0.1/24 dev r0 metric 10\n\
             addr add 10.0.0.2/24 dev r1 metric 20\n\
             addr add 10.0.1.1/24 dev r0\n\
             addr add 10.0.1.2/25 dev r1\n",
        );
        settle(&changes);
        let connected = |if_index| NextHop { origin: RouteOrigin::Connected, if_index };
        let found = look(&routes, [10, 0, 0, 9]);
        let one = route(RouteOrigin::Connected, r0, [10, 0, 0, 0], 24, 2);
        let paths = [connected(r0), connected(r1)];
        assert_eq!(found, Route { paths: Some(paths.into()), ..one.clone() });
        assert_eq!(look(&routes, [10, 0, 1, 9]).paths, None, "another length");
        assert_eq!(look(&routes, [10, 0, 0, 2]).origin, RouteOrigin::Local);
        // Its link goes down, so the path ends.
        ip("link set r1 down");
        settle(&changes);
        assert_eq!(look(&routes, [10, 0, 0, 9]), one);
        ip("link set r1 up");
        settle(&changes);
        assert_eq!(look(&routes, [10, 0, 0, 9]).paths.as_deref(), Some(&paths[..]));
        ip("addr del 10.0.0.2/24 dev r1");
        settle(&changes);
        assert_eq!(look(&routes, [10, 0, 0, 9]), one);
    });
}

#[test]
fn t5_1_legs_of_a_next_hop_group_count_alike_but_for_blackholes() {
    netns::run(|| {
        let (routes, changes) = router();
        let (r0, r1) = (index("r0"), index("r1"));
        ip_batch(
            "nexthop add id 1 via 192.0.2.1 dev r0\n\
             nexthop add id 2 via 198.51.100.1 dev r1\n\
             nexthop add id 3 blackhole\n\
             nexthop add id 10 group 1/2\n\
             nexthop add id 11 via 192.0.2.7 dev r0\n\
             route add 10.1.0.0/16 nhid 10\n\
             route add 10.2.0.0/16 nhid 3\n\
             route add 10.3.0.0/16 nhid 11\n",
        );
        settle(&changes);
        let paths = [
            NextHop { origin: RouteOrigin::Via(GATEWAY), if_index: r0 },
            NextHop { origin: RouteOrigin::Via(OTHER), if_index: r1 },
        ];
        let file = "/proc/sys/net/ipv4/nexthop_compat_mode";
        for compatible in ["1", "0"] {
            std::fs::write(file, compatible).unwrap();
            let found = look(&routes, [10, 1, 0, 1]);
            assert_eq!(found.paths.as_deref(), Some(&paths[..]));
            assert!(paths.contains(&NextHop { origin: found.origin, if_index: found.if_index }));
            assert_eq!(look(&routes, [10, 2, 0, 1]), Route::NONE);
            assert_eq!(look(&routes, [10, 3, 0, 1]).paths, None);
        }
        // An object changes, and then a group.
        ip("nexthop replace id 2 via 198.51.100.9 dev r1");
        settle(&changes);
        let found = look(&routes, [10, 1, 0, 1]).paths.expect("two legs");
        assert_eq!(found[1].origin, RouteOrigin::Via([198, 51, 100, 9].into()));
        ip("nexthop replace id 10 group 1");
        settle(&changes);
        let found = look(&routes, [10, 1, 0, 1]);
        assert_eq!((found.if_index, &found.paths), (r0, &None));
    });
}

#[test]
fn t5_1_sources_are_looked_up_in_the_table_that_the_host_names() {
    netns::run(|| {
        for number in [100, 1000] {
            let (routes, changes) = router_with(Some(number));
            let (r0, r1) = (index("r0"), index("r1"));
            let via = |gateway, if_index, network| {
                route(RouteOrigin::Via(gateway), if_index, network, 16, 3)
            };
            assert_eq!(look(&routes, [10, 1, 0, 1]), Route::NONE, "the table is empty");
            assert_eq!(look(&routes, [192, 0, 2, 2]).origin, RouteOrigin::Local);
            ip_batch(&format!(
                "route add 10.1.0.0/16 via 192.0.2.1\n\
                 route add 10.1.0.0/16 via 198.51.100.1 table {number}\n\
                 route add 10.2.0.0/16 via 192.0.2.1 table {number}\n\
                 route add 10.3.0.0/16 table {number} nexthop via 192.0.2.1 \
                 nexthop via 198.51.100.1\n"
            ));
            settle(&changes);
            assert_eq!(look(&routes, [10, 1, 0, 1]), via(OTHER, r1, [10, 1, 0, 0]));
            assert_eq!(look(&routes, [10, 3, 0, 1]).paths.map(|paths| paths.len()), Some(2));
            assert_eq!(look(&routes, [192, 0, 2, 77]), Route::NONE, "only the main table has it");
            ip_batch(&format!(
                "route replace 10.1.0.0/16 via 192.0.2.1 table {number}\n\
                 route del 10.2.0.0/16 table {number}\n"
            ));
            settle(&changes);
            assert_eq!(look(&routes, [10, 1, 0, 1]), via(GATEWAY, r0, [10, 1, 0, 0]));
            assert_eq!(look(&routes, [10, 2, 0, 1]), Route::NONE);
            // One that opens later finds the same, and what goes with a link is missed.
            let (sender, _changes) = mpsc::channel();
            let watcher = Arc::new(Watcher(Mutex::new(sender)));
            let later = NetlinkRoutes::open(watcher, Some(number)).unwrap();
            assert_eq!(look(&later, [10, 1, 0, 1]), via(GATEWAY, r0, [10, 1, 0, 0]));
            ip("link set r0 down");
            settle(&changes);
            for routes in [&routes, &later] {
                assert_eq!(look(routes, [10, 1, 0, 1]), Route::NONE);
                assert_eq!(look(routes, [10, 3, 0, 1]).upstream(), OTHER);
            }
            ip("link del r0");
            ip("link del r1");
            ip(&format!("route flush table {number}"));
            ip("route flush table main");
        }
    });
}

/// More announcements arrive at once than the socket holds.
#[test]
fn t5_1_the_named_table_is_right_after_lost_announcements() {
    netns::run(|| {
        let (routes, changes) = router_with(Some(100));
        settle(&changes);
        let add = |via: &str| -> String {
            (0..30_000)
                .map(|n| {
                    format!("route replace 10.{}.{}.0/24 via {via} table 100\n", n / 250, n % 250)
                })
                .collect()
        };
        ip_batch(&add("192.0.2.1"));
        ip_batch(&add("198.51.100.1"));
        settle(&changes);
        for n in (0..30_000u32).step_by(999) {
            let found = look(&routes, [10, (n / 250) as u8, (n % 250) as u8, 1]);
            assert_eq!(found.upstream(), OTHER, "{n}");
        }
        ip("route flush table 100");
        settle(&changes);
        assert_eq!(look(&routes, [10, 1, 1, 1]), Route::NONE);
    });
}

#[test]
fn t5_1_a_link_outside_of_any_vrf_is_in_the_main_domain() {
    netns::run(|| {
        let (routes, _changes) = router();
        assert_eq!(routes.domain(index("r0")), Domain::MAIN);
        assert_eq!(routes.lookup([10, 0, 0, 1].into(), Domain(12_345)), Some(Route::NONE));
    });
}

#[test]
fn the_route_thread_leaves_after_the_drop() {
    netns::run(|| {
        let (routes, changes) = router();
        settle(&changes);
        drop(routes);
        assert_eq!(changes.recv_timeout(SURE), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn many_threads_may_look_up() {
    netns::run(|| {
        let (routes, _changes) = router();
        ip_batch(
            "route add 10.0.0.0/8 via 192.0.2.1\n\
             route add 11.0.0.0/8 via 198.51.100.1\n",
        );
        std::thread::scope(|scope| {
            for (first, gateway) in [(10, GATEWAY), (11, OTHER), (10, GATEWAY), (11, OTHER)] {
                let routes = &routes;
                scope.spawn(move || {
                    for n in 0..500u16 {
                        let [high, low] = n.to_be_bytes();
                        let found = look(routes, [first, high, low, 1]);
                        assert_eq!(found.upstream(), gateway);
                    }
                });
            }
        });
    });
}
