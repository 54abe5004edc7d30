//! What only the ebpf forwarder does, and what a forwarder at the hooks of traffic control must not
//! forget.

use super::*;
use mgm_netns::{ip, ip_batch, Packet};
use mgm_types::forwarder::UpcallKind;
use mgm_types::{OifsCounters, Rate};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
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
            assert_eq!(router.wires[1].receive(NEVER).is_some(), is_forwarded, "VLAN {tag}");
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
        let mut router = Router::<2>::new(kind);
        let index = router.wires[0].router;
        assert!(router.forwarder.limits_flows());
        router.forwarder.set_flow_limit(index, Some(Rate { per_second: 1, burst: 3 }));
        for last in 1..=10 {
            router.wires[0].send(SOURCE, [239, 1, 1, last], 64);
        }
        let told = || router.upcalls.recv_timeout(NEVER).ok().map(|it| it.flow.group().octets()[3]);
        assert_eq!([told(), told(), told(), told()], [Some(1), Some(2), Some(3), None]);
        assert_eq!(router.forwarder.refused_packets(index), 7);
        router.wires[1].send(SOURCE, [239, 1, 1, 50], 64);
        assert_eq!(told(), Some(50), "the other interface has no limit");
        router.forwarder.set_flow_limit(index, None);
        let told = || router.upcalls.recv_timeout(NEVER).ok().map(|it| it.flow.group().octets()[3]);
        router.wires[0].send(SOURCE, [239, 1, 1, 9], 64);
        assert_eq!(told(), Some(9));
    });
}

#[test]
fn interfaces_receive_all_multicast_while_they_are_served() {
    on_both(|kind| {
        let router = Router::<1>::new(kind);
        let all = || ip("-d link show dev r0").contains("allmulti 1");
        assert!(all());
        drop(router);
        let end = Instant::now() + SURE;
        while all() {
            assert!(Instant::now() < end, "it stays so");
        }
    });
}

/// Adds what tc is told, and returns whether tc is there.
fn tc(arguments: &str) -> bool {
    let done = Command::new("tc").args(arguments.split_whitespace()).status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn filters_of_others_stay_and_see_the_packets() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        let _ = Command::new("tc").args(["qdisc", "add", "dev", "r0", "clsact"]).output();
        let filter =
            "filter add dev r0 ingress protocol ip prio 60000 u32 match u32 0 0 action pass";
        if !tc(filter) {
            println!("SKIPPED: this kernel has no filter u32, or tc is not there");
            return;
        }
        router.packet(0, 64);
        router.assert_out(1, 63);
        drop(router);
        assert!(netns::filters("r0").contains("60000"), "{}", netns::filters("r0"));
        assert!(!netns::filters("r0").contains("mgm"));
    });
}

#[test]
fn one_forwarder_serves_an_interface() {
    on_both(|kind| {
        let router = Router::<1>::new(kind);
        let (mut second, _upcalls) = open(kind).unwrap();
        let link = Interface::link(router.wires[0].router);
        let refusal = second.add_interface(IfId(0), link).unwrap_err().to_string();
        assert!(refusal.contains("another ebpf forwarder"), "{refusal}");
        assert_eq!(second.lost_interfaces(), Ok(vec![]), "nothing is half attached");
        drop(router);
        assert_eq!(second.add_interface(IfId(0), link), Ok(()));
    });
}

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
        let mut to = Vec::new();
        while let Some(frame) = wires[1].receive_frame(17, NEVER) {
            to.push(frame[5]);
            assert_eq!((frame[0], frame[22]), (2, 63));
        }
        assert_eq!(to, [2, 4]);
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
        ip("neigh add 10.9.0.77 lladdr 02:00:00:00:09:4d dev r1");
        let end = Instant::now() + SURE;
        while wires[1].receive_frame(17, NEVER).is_none() {
            assert!(Instant::now() < end, "it is known now");
            wires[0].send(SOURCE, GROUP, 64);
        }
    });
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

#[test]
fn an_interface_belongs_to_one_multicast_router() {
    on_both(|kind| {
        let mut router = Router::<3>::new(kind);
        let [others, spare] = [1, 2].map(|wire| Interface::link(router.wires[wire].router));
        router.install(0, &[(1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        router.forwarder.remove_interface(IfId(2));
        // Another daemon gets the kernel's multicast routing, with an interface of ours.
        let (mut kernel, _upcalls) = open(Kind::Kernel).unwrap();
        kernel.add_interface(IfId(0), others).unwrap();
        kernel.add_interface(IfId(1), spare).unwrap();
        let end = Instant::now() + SURE;
        loop {
            router.packet(0, 64);
            if router.wires[1].receive(NEVER).is_none() {
                break;
            }
            assert!(Instant::now() < end, "it goes on there");
        }
        let refusal = router.forwarder.add_interface(IfId(2), spare).unwrap_err().to_string();
        assert!(refusal.contains("another multicast daemon"), "{refusal}");
        drop(kernel);
        let end = Instant::now() + SURE;
        loop {
            router.packet(0, 64);
            if router.wires[1].receive(NEVER).is_some() {
                break;
            }
            assert!(Instant::now() < end, "it does not come back");
        }
        assert_eq!(router.forwarder.add_interface(IfId(2), spare), Ok(()));
    });
}

#[test]
fn a_vif_of_another_daemon_ends_our_part_within_100_ms() {
    on_both(|kind| {
        let _ = log::set_logger(&Lines);
        log::set_max_level(log::LevelFilter::Warn);
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        let others = Interface::link(router.wires[1].router);
        // A busy machine may hold up the thread once, but not each time.
        let fastest = (0..10)
            .map(|_| {
                let (mut kernel, _upcalls) = open(Kind::Kernel).unwrap();
                let begin = Instant::now();
                kernel.add_interface(IfId(0), others).unwrap();
                wait_until(|| !router.sends_to(1));
                let time = begin.elapsed();
                drop(kernel);
                wait_until(|| router.sends_to(1));
                time
            })
            .min();
        assert!(fastest < Some(Duration::from_millis(100)), "{fastest:?}");
        let line = format!("r1 (index {}): another multicast daemon", others.index);
        assert!(LINES.lock().unwrap().iter().any(|it| it.contains(&line)), "{line}");
    });
}

impl<const N: usize> Router<N> {
    /// Whether the programs send a packet to this oif. Other daemons' copies do not count.
    fn sends_to(&mut self, wire: usize) -> bool {
        let before = self.oif(wire).packets;
        self.packet(0, 64);
        std::thread::sleep(Duration::from_millis(2));
        self.oif(wire).packets > before
    }
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + SURE;
    while !condition() {
        assert!(Instant::now() < end);
    }
}

/// Adds a chain to nftables that drops what is forwarded.
fn drop_what_is_forwarded() {
    use mgm_net::netlink::wire::{attr, message};
    const NFTABLES: u16 = 10 << 8;
    const IP: [u8; 4] = [2, 0, 0, 0];
    let table = attr(1, b"mgm_test\0");
    let hook = [attr(1, &2u32.to_be_bytes()), attr(2, &0u32.to_be_bytes())].concat();
    let chain = [
        table.clone(),
        attr(3, b"drops\0"),
        attr(4 | 0x8000, &hook),
        attr(5, &0u32.to_be_bytes()),
        attr(7, b"filter\0"),
    ]
    .concat();
    let batch = [
        message(0x10, 1, 1, &[&[0, 0, 0, 10]]),
        message(NFTABLES, 0x401, 2, &[&IP, &attr(1, b"mgm_test\0")]),
        message(NFTABLES | 3, 0x405, 3, &[&IP, &chain]),
        message(0x11, 1, 4, &[&[0, 0, 0, 10]]),
    ]
    .concat();
    let socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_NETFILTER).unwrap();
    socket.send(&batch, 0).unwrap();
    let (answer, _) = socket.recv_from_full().unwrap();
    assert_eq!(answer[16..20], [0; 4], "nftables in the kernel");
}

/// Log lines of all tests.
struct Lines;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(format!("{}: {}", record.level(), record.args()));
    }
    fn flush(&self) {}
}

#[test]
fn chains_that_are_gone_round_are_named() {
    netns::run(|| {
        let _ = log::set_logger(&Lines);
        log::set_max_level(log::LevelFilter::Warn);
        drop_what_is_forwarded();
        let mut router = Router::<2>::new(Kind::Ebpf);
        let named = |line: &String| line.contains("ip mgm_test drops") && line.contains("netdev");
        assert_eq!(LINES.lock().unwrap().iter().filter(|line| named(line)).count(), 1);
        router.install(0, &[(1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
    });
}
