//! The kernel forwarder against the running kernel, each test in a network
//! namespace of its own. Needs root and iproute2; skips, and says so, without.
#![cfg(target_os = "linux")]

mod netns;

use mgm::forwarder::kernel::KernelForwarder;
use mgm::forwarder::{Entry, Forwarder, Upcall, UpcallKind, UpcallSink};
use mgm::types::{Flow, IfId, Interface, Refusal};
use netns::{ip, ip_batch, Wire, NEVER, SURE};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOURCE: [u8; 4] = [10, 1, 0, 9];
const GROUP: [u8; 4] = [239, 1, 2, 3];

fn flow() -> Flow {
    Flow::new(SOURCE.into(), GROUP.into())
}

/// Hands upcalls to the test.
struct Sink(Mutex<Sender<Upcall>>);

impl UpcallSink for Sink {
    fn upcalls(&self, batch: Vec<Upcall>) {
        let sender = self.0.lock().unwrap();
        // The test may be over.
        batch.into_iter().for_each(|upcall| drop(sender.send(upcall)));
    }
}

fn open(table: u32) -> Result<(KernelForwarder, Receiver<Upcall>), Refusal> {
    let (sender, receiver) = mpsc::channel();
    KernelForwarder::open(table, Arc::new(Sink(Mutex::new(sender)))).map(|it| (it, receiver))
}

/// A router with the interfaces 0 to N-1, their far ends, and its upcalls.
struct Router<const N: usize> {
    forwarder: KernelForwarder,
    upcalls: Receiver<Upcall>,
    wires: [Wire; N],
}

impl<const N: usize> Router<N> {
    fn new() -> Router<N> {
        let wires = netns::wires();
        let (mut forwarder, upcalls) = open(0).unwrap();
        for (wire, n) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(n), Interface::link(wire.router)).unwrap();
        }
        Router { forwarder, upcalls, wires }
    }

    fn install(&mut self, iif: u16, oifs: &[(u16, u8)]) {
        let oifs: Vec<_> = oifs.iter().map(|(id, ttl)| (IfId(*id), *ttl)).collect();
        let entry = Entry { flow: flow(), iif: IfId(iif), oifs: &oifs };
        self.forwarder.install(&entry).unwrap();
    }

    fn packet(&self, wire: usize, ttl: u8) {
        self.wires[wire].send(SOURCE, GROUP, ttl);
    }

    /// Nothing comes out of this wire.
    fn assert_silent(&self, wire: usize) {
        assert_eq!(self.wires[wire].receive(NEVER), None);
    }

    /// Our flow's packet comes out of this wire, with this TTL.
    fn assert_out(&self, wire: usize, ttl: u8) {
        let seen = self.wires[wire].receive(SURE).expect("no packet came out");
        assert_eq!((seen.source, seen.group, seen.ttl), (SOURCE.into(), GROUP.into(), ttl));
    }

    fn upcall(&self) -> Upcall {
        self.upcalls.recv_timeout(SURE).expect("no upcall")
    }

    fn assert_no_upcall(&self) {
        assert_eq!(self.upcalls.recv_timeout(NEVER), Err(RecvTimeoutError::Timeout));
    }
}

#[test]
fn t5_1_a_flows_first_packet_makes_an_upcall_and_waits_for_its_entry() {
    netns::run(|| {
        let mut router = Router::<3>::new();
        router.packet(0, 64);
        let upcall = router.upcall();
        assert_eq!(upcall.kind, UpcallKind::NoCache);
        assert_eq!(upcall.flow, flow());
        assert_eq!(upcall.arrival, Interface::link(router.wires[0].router));
        assert_eq!(
            upcall.header,
            [0x45, 0, 0, 0, 0xab, 0xcd, 0, 0, 0, 0, 0, 0, 10, 1, 0, 9, 239, 1, 2, 3]
        );
        router.packet(0, 64);
        router.assert_no_upcall();

        router.install(0, &[(1, 1), (2, 0)]);
        for wire in [1, 2] {
            router.assert_out(wire, 63);
            router.assert_out(wire, 63);
            router.assert_silent(wire);
        }
        router.assert_silent(0);
        router.assert_no_upcall();
    });
}

#[test]
fn t5_2_ip_options_are_in_the_header() {
    netns::run(|| {
        let router = Router::<1>::new();
        let options = [7, 7, 4, 0, 0, 0, 0, 0]; // record route
        router.wires[0].send_ip(17, &options, SOURCE, GROUP, 9, &[0; 8]);
        let header = router.upcall().header;
        assert_eq!((header.len(), header[0]), (28, 0x47));
        assert_eq!(header[20..22], [7, 7]);
    });
}

#[test]
fn t6_7_counters_leave_out_packets_on_the_wrong_interface() {
    netns::run(|| {
        let mut router = Router::<3>::new();
        assert_eq!(router.forwarder.counters(flow()), None);
        router.install(0, &[(1, 1)]);
        for _ in 0..5 {
            router.packet(0, 64);
            router.assert_out(1, 63);
        }
        for _ in 0..2 {
            router.packet(2, 64);
        }
        assert_eq!(router.upcall().kind, UpcallKind::WrongIf);
        let counters = router.forwarder.counters(flow()).unwrap();
        assert_eq!((counters.packets, counters.wrong_if), (5, 2));
        assert_eq!(counters.octets, 7 * 32, "those of wrong-interface packets are in it");

        router.install(0, &[(1, 1), (2, 1)]);
        assert_eq!(router.forwarder.counters(flow()), Some(counters), "they outlive a change");
        router.forwarder.remove(flow()).unwrap();
        assert_eq!(router.forwarder.counters(flow()), None);
    });
}

#[test]
fn t5_7_a_packet_on_another_interface_is_told_even_if_that_is_no_oif() {
    netns::run(|| {
        let mut router = Router::<3>::new();
        router.install(0, &[(1, 1)]);
        router.packet(2, 64);
        let upcall = router.upcall();
        assert_eq!(upcall.kind, UpcallKind::WrongIf);
        assert_eq!(upcall.flow, flow());
        assert_eq!(upcall.arrival, Interface::link(router.wires[2].router));
        assert_eq!(upcall.header.len(), 20);
        router.assert_no_upcall();
        router.assert_silent(1);
    });
}

#[test]
fn t5_7_a_packet_on_an_oif_is_told_too() {
    netns::run(|| {
        let mut router = Router::<2>::new();
        router.install(0, &[(1, 1)]);
        router.packet(1, 64);
        let upcall = router.upcall();
        assert_eq!(upcall.kind, UpcallKind::WrongIf);
        assert_eq!(upcall.arrival, Interface::link(router.wires[1].router));
    });
}

#[test]
fn t3_7_a_packet_goes_out_only_if_its_ttl_is_greater_than_the_threshold() {
    netns::run(|| {
        let mut router = Router::<5>::new();
        router.install(0, &[(1, 10), (2, 11), (3, 0), (4, 255)]);
        router.packet(0, 11);
        router.assert_out(1, 10);
        router.assert_out(3, 10);
        router.assert_silent(2);
        router.packet(0, 255);
        router.assert_out(2, 254);
        router.assert_silent(4);
        router.packet(0, 1);
        router.assert_out(3, 254);
        router.assert_silent(3);
    });
}

#[test]
fn t0_5_the_iif_is_never_an_oif() {
    netns::run(|| {
        let mut router = Router::<2>::new();
        router.install(0, &[(0, 1), (1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        router.assert_silent(0);
    });
}

#[test]
fn an_entry_without_oifs_swallows_packets_without_upcalls() {
    netns::run(|| {
        let mut router = Router::<2>::new();
        router.install(0, &[]);
        router.packet(0, 64);
        router.assert_silent(1);
        router.assert_no_upcall();
        assert_eq!(router.forwarder.counters(flow()).unwrap().packets, 1);
    });
}

#[test]
fn a_removed_entry_forwards_no_more_and_the_next_packet_is_new() {
    netns::run(|| {
        let mut router = Router::<2>::new();
        router.install(0, &[(1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        router.forwarder.remove(flow()).unwrap();
        router.forwarder.remove(flow()).unwrap();
        router.packet(0, 64);
        assert_eq!(router.upcall().kind, UpcallKind::NoCache);
        router.assert_silent(1);
    });
}

#[test]
fn an_entry_may_change_its_interfaces() {
    netns::run(|| {
        let mut router = Router::<3>::new();
        router.install(0, &[(1, 1)]);
        router.install(1, &[(2, 1)]);
        router.packet(1, 64);
        router.assert_out(2, 63);
        router.packet(0, 64);
        assert_eq!(router.upcall().kind, UpcallKind::WrongIf);
        router.assert_silent(1);
    });
}

#[test]
fn interfaces_that_are_not_served_are_left_out_of_entries() {
    netns::run(|| {
        let mut router = Router::<2>::new();
        router.install(0, &[(1, 1), (77, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        let entry = Entry { flow: flow(), iif: IfId(77), oifs: &[] };
        assert!(matches!(router.forwarder.install(&entry), Err(Refusal::Forwarder(_))));
    });
}

#[test]
fn t2_7_what_the_kernel_cannot_serve_is_refused() {
    netns::run(|| {
        let mut router = Router::<1>::new();
        let forwarder = &mut router.forwarder;
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
        let served = Interface::link(router.wires[0].router);
        assert_eq!(forwarder.add_interface(IfId(0), served), Ok(()), "again is no error");
        let twice = forwarder.add_interface(IfId(1), served).unwrap_err().to_string();
        assert!(twice.contains("served already"), "{twice}");

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
        // One that goes makes room for one that comes.
        forwarder.remove_interface(IfId(7));
        forwarder.add_interface(IfId(33), device(33)).unwrap();
        assert!(forwarder.add_interface(IfId(7), device(7)).is_err());
        assert_eq!(forwarder.lost_interfaces(), []);
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
        assert!(refused.contains("choose another MGM_TABLE"), "{refused}");
    });
}

/// Takes capabilities away from this thread: CAP_NET_ADMIN, CAP_NET_RAW.
fn drop_capabilities(net_admin: bool, net_raw: bool) {
    let gone = u32::from(net_admin) << 12 | u32::from(net_raw) << 13;
    let header = [0x2008_0522u32, 0];
    let mut sets = [0u32; 6];
    // SAFETY: version 3 has a header of two words and sets of two times three.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()), 0);
        sets[..3].iter_mut().for_each(|set| *set &= !gone);
        assert_eq!(libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()), 0);
    }
}

#[test]
fn t2_7_without_privilege_the_refusal_names_the_capabilities() {
    for (net_admin, net_raw, table) in [(true, true, 0), (false, true, 0), (true, false, 77)] {
        netns::run(|| {
            drop_capabilities(net_admin, net_raw);
            let refused = open(table).map(drop).unwrap_err();
            assert_eq!(refused.code(), mgm::types::Code::CanNotComplete);
            assert!(refused.to_string().contains("CAP_NET_ADMIN and CAP_NET_RAW"), "{refused}");
        });
    }
}

#[test]
fn privileges_can_be_dropped_after_the_start() {
    netns::run(|| {
        let wires = netns::wires();
        let (forwarder, _upcalls) = open(0).unwrap();
        drop_capabilities(true, true);
        assert_forwards(forwarder, &wires);
    });
}

/// MRT_INIT asks for nothing but the raw socket.
#[test]
fn the_usual_table_can_be_had_with_cap_net_raw_alone() {
    netns::run(|| {
        let wires = netns::wires();
        drop_capabilities(true, false);
        let (forwarder, _upcalls) = open(0).unwrap();
        assert_forwards(forwarder, &wires);
    });
}

fn assert_forwards(mut forwarder: KernelForwarder, wires: &[Wire; 2]) {
    for (wire, n) in wires.iter().zip(0..) {
        forwarder.add_interface(IfId(n), Interface::link(wire.router)).unwrap();
    }
    let entry = Entry { flow: flow(), iif: IfId(0), oifs: &[(IfId(1), 1)] };
    forwarder.install(&entry).unwrap();
    wires[0].send(SOURCE, GROUP, 64);
    assert!(wires[1].receive(SURE).is_some());
    assert_eq!(forwarder.counters(flow()).unwrap().packets, 1);
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
        forwarder.install(&Entry { flow: flow(), iif: IfId(0), oifs: &[(IfId(1), 1)] }).unwrap();
        assert!(wires[1].receive(SURE).is_some());
        assert_eq!(forwarder.counters(flow()).unwrap().packets, 1);
        assert!(ip("mroute show table 77").contains("239.1.2.3"));
    });
}

#[test]
fn the_kernel_is_clean_as_soon_as_the_forwarder_is_dropped() {
    netns::run(|| {
        for _ in 0..3 {
            let wires: [Wire; 1] = std::array::from_fn(|_| {
                ip("link add r0 type veth peer name h0");
                ip_batch("link set r0 up\nlink set h0 up\n");
                Wire::new("r0", "h0")
            });
            let (mut forwarder, _upcalls) = open(0).unwrap();
            forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
            forwarder.install(&Entry { flow: flow(), iif: IfId(0), oifs: &[] }).unwrap();
            drop(forwarder);
            assert_eq!(ip("mroute show"), "");
            ip("link del r0");
        }
    });
}

#[test]
fn the_upcall_thread_leaves_after_the_drop() {
    netns::run(|| {
        let (forwarder, upcalls) = open(0).unwrap();
        drop(forwarder);
        // The sink goes with the thread, and the channel's sender with the sink.
        assert_eq!(upcalls.recv_timeout(SURE), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn a_sink_that_panics_does_not_end_the_upcalls() {
    struct Panics(Mutex<Sender<()>>);
    impl UpcallSink for Panics {
        fn upcalls(&self, _: Vec<Upcall>) {
            // Poisoned by the panics.
            let sender = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            sender.send(()).unwrap();
            panic!("on purpose");
        }
    }
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (sender, called) = mpsc::channel();
        let sink = Arc::new(Panics(Mutex::new(sender)));
        let mut forwarder = KernelForwarder::open(0, sink).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        for last in 1..3 {
            wires[0].send(SOURCE, [239, 0, 0, last], 64);
            called.recv_timeout(SURE).unwrap();
        }
    });
}

#[test]
fn t5_11_the_kernel_loses_an_interface_with_its_device() {
    netns::run(|| {
        let mut router = Router::<3>::new();
        let link = Interface::link(router.wires[1].router);
        router.install(0, &[(1, 1), (2, 1)]);
        ip("link set r1 down");
        assert_eq!(router.forwarder.lost_interfaces(), [], "a link that is down stays");
        ip("link del r1");
        assert_eq!(router.forwarder.lost_interfaces(), [IfId(1)]);
        assert_eq!(
            router.forwarder.add_interface(IfId(3), link),
            Err(Refusal::NoSuchInterface(link.index))
        );

        // A new device under the old index is another one.
        ip(&format!("link add r1 index {} type veth peer name h1", link.index));
        ip_batch("link set r1 up\nlink set h1 up\n");
        let wire = Wire::new("r1", "h1");
        assert_eq!(router.forwarder.lost_interfaces(), [IfId(1)]);
        router.packet(0, 64);
        router.assert_out(2, 63);
        assert_eq!(wire.receive(NEVER), None);

        router.install(0, &[(2, 1)]);
        router.forwarder.remove_interface(IfId(1));
        router.forwarder.add_interface(IfId(1), link).unwrap();
        assert_eq!(router.forwarder.lost_interfaces(), []);
        router.install(0, &[(1, 1), (2, 1)]);
        router.packet(0, 64);
        router.assert_out(2, 63);
        assert!(wire.receive(SURE).is_some());
    });
}

#[test]
fn a_released_interface_makes_no_upcalls() {
    netns::run(|| {
        let mut router = Router::<2>::new();
        router.forwarder.remove_interface(IfId(0));
        router.forwarder.remove_interface(IfId(0));
        router.packet(0, 64);
        router.assert_no_upcall();
        router.packet(1, 64);
        assert_eq!(router.upcall().arrival, Interface::link(router.wires[1].router));
    });
}

#[test]
fn igmp_packets_are_not_upcalls() {
    netns::run(|| {
        let router = Router::<1>::new();
        let alert = [0x94, 4, 0, 0];
        // A report of version 2; to the raw socket with and without Router Alert.
        let report = [0x16, 0, 0xfa, 0xf9, 239, 1, 2, 4];
        for options in [&alert[..], &[]] {
            router.wires[0].send_ip(2, options, SOURCE, [239, 1, 2, 4], 1, &report);
            router.wires[0].send_ip(2, options, SOURCE, [224, 0, 0, 2], 1, &report);
        }
        router.packet(0, 64);
        let mut flows = vec![router.upcall().flow];
        while let Ok(upcall) = router.upcalls.recv_timeout(NEVER) {
            flows.push(upcall.flow);
        }
        assert!(flows.contains(&flow()), "{flows:?}");
        assert!(flows.iter().all(|flow| !flow.is_link_local()), "{flows:?}");
    });
}

#[test]
fn a_burst_of_new_flows_is_not_lost_while_the_sink_is_slow() {
    const FLOWS: u16 = 3000;
    struct Slow(Mutex<Sender<usize>>);
    impl UpcallSink for Slow {
        fn upcalls(&self, batch: Vec<Upcall>) {
            std::thread::sleep(Duration::from_millis(2));
            let _ = self.0.lock().unwrap().send(batch.len());
        }
    }
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (sender, batches) = mpsc::channel();
        let mut forwarder = KernelForwarder::open(0, Arc::new(Slow(Mutex::new(sender)))).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        for n in 0..FLOWS {
            let [high, low] = n.to_be_bytes();
            wires[0].send(SOURCE, [239, 7, high, low], 64);
        }
        let mut heard = 0;
        while heard < usize::from(FLOWS) {
            heard += batches.recv_timeout(SURE).expect("upcalls are missing");
        }
        assert_eq!(heard, usize::from(FLOWS));
    });
}

/// The variable that makes the test below the process that is to be killed.
const TO_BE_KILLED: &str = "MGM_TEST_TO_BE_KILLED";

/// This very test in another process, in this thread's namespace, routing.
fn start_router(kind: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "t8_7_nothing_is_left_of_a_router_that_was_killed", "--nocapture"])
        .env(TO_BE_KILLED, kind)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("ROUTING")), "no router");
    child
}

/// Routes until it is killed.
fn route_for_ever(kind: &str) {
    let (mut forwarder, _upcalls) = open(0).unwrap();
    forwarder.add_interface(IfId(0), Interface::link(netns::index("r0"))).unwrap();
    forwarder.install(&Entry { flow: flow(), iif: IfId(0), oifs: &[] }).unwrap();
    if kind == "with a child" {
        // SAFETY: the child only sleeps, then exits.
        unsafe {
            if libc::fork() == 0 {
                libc::sleep(3);
                libc::_exit(0);
            }
        }
    }
    println!("\nROUTING");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn t8_7_nothing_is_left_of_a_router_that_was_killed() {
    if let Ok(kind) = std::env::var(TO_BE_KILLED) {
        return route_for_ever(&kind);
    }
    for kind in ["alone", "with a child"] {
        netns::run(|| {
            let _wires: [Wire; 1] = netns::wires();
            let mut child = start_router(kind);
            let held = open(0).map(drop).unwrap_err().to_string();
            let shown = ip("mroute show");
            child.kill().unwrap();
            child.wait().unwrap();
            assert!(held.contains("another multicast routing daemon"), "{held}");
            assert!(shown.contains("239.1.2.3"), "{shown}");
            let (_forwarder, _upcalls) = open(0).expect(kind);
            assert_eq!(ip("mroute show"), "");
        });
    }
}
