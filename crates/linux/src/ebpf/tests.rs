//! The forwarder against the running kernel, as the tests of crates/linux/tests/forwarders, where
//! a test must look at what only the forwarder itself can see, or must take something away from it.
//!
//! Needs root and iproute2; skips, and says so, without.

#[path = "../../tests/sink/mod.rs"]
mod sink;

use super::layout::ROUND;
use super::queues::{Place, Waiting, EACH};
use super::requests::Netlink;
use super::waiting::STEP;
use super::*;
use crate::forwarder::{Upcall, UpcallKind};
use crate::kernel::KernelForwarder;
use mgm_netns::{self as netns, Capability, Packet, Wire, NEVER, SURE};
use sink::sink;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::thread::sleep;
use std::time::{Duration, Instant};

const SOURCE: [u8; 4] = [10, 1, 0, 9];
const GROUP: [u8; 4] = [239, 1, 2, 3];

fn open() -> (EbpfForwarder, Receiver<Upcall>) {
    let (sink, upcalls) = sink();
    (EbpfForwarder::open(Attachment::Auto, sink).unwrap(), upcalls)
}

fn wanted(number: u16) -> [u8; 4] {
    let [high, low] = number.to_be_bytes();
    [239, 9, high, low]
}

#[test]
fn a_fast_flow_does_not_keep_the_locks_of_who_adds_an_interface() {
    /// The flood ends after this time if it does keep them.
    const LONG: Duration = Duration::from_secs(10);
    /// More records than the ring has room for.
    const MOST: usize = 200_000;
    netns::run(|| {
        let (mut forwarder, _upcalls) = open();
        let [wire]: [Wire; 1] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        forwarder.add_interface(IfId(0), Interface::link(wire.router)).unwrap();
        // The entry of the flow is held, so each of its packets is reported.
        let flow = Flow::new(SOURCE.into(), GROUP.into());
        {
            let mut state = reader.state.lock();
            let wanted = Wanted { flow, iif: wire.router, oifs: &[], is_held: true };
            state.table.create(&wanted).unwrap();
            state.outbox.flows.push(flow);
        }
        let packet = Packet {
            protocol: 17,
            options: &[],
            source: SOURCE,
            group: GROUP,
            ttl: 64,
            payload: &[0; 8],
        };
        let (frame, is_done) = (packet.to_frame(), AtomicBool::new(false));
        let read = || reader.state.lock().outbox.packets.len();
        let read_meanwhile = std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let end = Instant::now() + LONG;
                    while !is_done.load(Relaxed) && Instant::now() < end {
                        wire.send_frame(&frame);
                    }
                });
            }
            sleep(NEVER);
            let before = read();
            reader.forget(wire.router + 1);
            is_done.store(true, Relaxed);
            read() - before
        });
        assert!(read() > 0, "they are not reported");
        assert!(read_meanwhile < MOST, "{read_meanwhile}");
    });
}

#[test]
fn upcalls_do_not_wait_for_questions_about_interfaces() {
    netns::run(|| {
        let (mut forwarder, upcalls) = open();
        let wires: [Wire; 2] = netns::wires();
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        // As if the kernel did not answer because another process has the lock of its links.
        let held = forwarder.reader.interfaces.work();
        netns::ip("link set r1 mtu 1000");
        sleep(NEVER);
        wires[0].send(SOURCE, GROUP, 64);
        upcalls.recv_timeout(SURE).expect("the upcall");
        drop(held);
    });
}

#[test]
fn upcalls_of_a_former_interface_are_not_counted_for_the_next_one() {
    /// More than are with the sink at a time, so that some wait.
    const MANY: u16 = 300;
    netns::run(|| {
        let (mut forwarder, upcalls) = open();
        let wires: [Wire; 2] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        (0..MANY).for_each(|number| wires[0].send(SOURCE, wanted(number), 64));
        let mut told = vec![upcalls.recv_timeout(SURE).expect("an upcall").flow];
        while let Ok(upcall) = upcalls.recv_timeout(5 * NEVER) {
            told.push(upcall.flow);
        }
        assert!(told.len() < MANY.into(), "{}", told.len());
        forwarder.remove_interface(IfId(0));
        assert!(reader.inbox.lock().queues.is_idle());
        forwarder.add_interface(IfId(0), Interface::link(wires[1].router)).unwrap();
        forwarder.done(&told);
        sleep(NEVER);
        let arrivals = reader.loaded.maps.arrivals.get(0);
        assert_eq!((arrivals.written.load(Relaxed), arrivals.taken.load(Relaxed)), (0, 0));
        // A flow that waited there is reported again.
        wires[1].send(SOURCE, wanted(MANY - 1), 64);
        let upcall = upcalls.recv_timeout(SURE).expect("the upcall");
        assert_eq!(upcall.arrival, Interface::link(wires[1].router));
        assert_eq!((arrivals.written.load(Relaxed), arrivals.taken.load(Relaxed)), (1, 1));
    });
}

#[test]
fn t2_7_without_cap_perfmon_alone_the_refusal_names_it() {
    netns::run(|| {
        netns::drop_capabilities(&[Capability::CAP_SYS_ADMIN, Capability::CAP_PERFMON]);
        let (sink, _upcalls) = sink();
        let refusal = EbpfForwarder::open(Attachment::Auto, sink).map(drop).unwrap_err();
        assert!(refusal.to_string().contains("capability CAP_PERFMON, too"), "{refusal}");
    });
}

#[test]
fn t2_7_an_interface_is_refused_if_the_kernel_does_not_say_whether_it_is_a_vif() {
    netns::run(|| {
        let (mut forwarder, _upcalls) = open();
        let [wire]: [Wire; 1] = netns::wires();
        let Ok(useless) = Netlink::useless() else {
            return netns::skip("this kernel has no packet filter");
        };
        let reader = Arc::clone(&forwarder.reader);
        let requests = std::mem::replace(&mut reader.interfaces.work().requests, useless);
        let refusal = forwarder.add_interface(IfId(0), Interface::link(wire.router)).unwrap_err();
        assert!(refusal.to_string().contains("cannot read"), "{refusal}");
        assert!(!reader.interfaces.view().has(wire.router));
        reader.interfaces.work().requests = requests;
        assert_eq!(forwarder.add_interface(IfId(0), Interface::link(wire.router)), Ok(()));
    });
}

#[test]
fn a_flow_whose_upcall_has_no_room_is_reported_again() {
    netns::run(|| {
        let (mut forwarder, upcalls) = open();
        let [wire]: [Wire; 1] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        forwarder.add_interface(IfId(0), Interface::link(wire.router)).unwrap();
        let place = Place { if_index: wire.router, number: 0 };
        let mut numbers = 0u32..;
        // The sink takes some of them.
        for _ in 0..2 {
            let mut inbox = reader.inbox.lock();
            let mut next = || Flow::new(numbers.next().unwrap().into(), [239, 8, 8, 8].into());
            while inbox.queues.push(place, Waiting::new(UpcallKind::NoCache, next(), &[])) {}
            reader.leave_rest(&inbox, &reader.state.lock());
            drop(inbox);
            while upcalls.recv_timeout(5 * NEVER).is_ok() {}
        }
        wire.send(SOURCE, GROUP, 64);
        assert!(upcalls.recv_timeout(NEVER).is_err());
        reader.inbox.lock().queues.forget(wire.router);
        wire.send(SOURCE, GROUP, 64);
        assert_eq!(
            upcalls.recv_timeout(SURE).expect("the upcall").flow,
            Flow::new(SOURCE.into(), GROUP.into())
        );
    });
}

#[test]
fn all_ports_that_a_grace_period_frees_are_forgotten() {
    netns::run(|| {
        let (mut forwarder, _upcalls) = open();
        let wires: [Wire; 3] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        let flow = Flow::new(SOURCE.into(), GROUP.into());
        let oifs = [(IfId(1), 1), (IfId(2), 1)];
        let entry = ForwarderEntry { flow, iif: IfId(0), oifs: &oifs };
        forwarder.install(&entry).unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        assert!(wires[1].receive(SURE).is_some() && wires[2].receive(SURE).is_some());
        forwarder.remove_interface(IfId(1));
        forwarder.remove_interface(IfId(2));
        // Programs that run at this moment count for these ports when they have been forgotten. Here
        // the entry has named them longer than the manager permits, which has the same effect.
        forwarder.install(&ForwarderEntry { oifs: &[], ..entry }).unwrap();
        assert!(reader.state.lock().table.has_former());
        forwarder.add_interface(IfId(1), Interface::link(wires[1].router)).unwrap();
        assert!(!reader.state.lock().table.has_former());
    });
}

#[test]
fn t5_11_a_device_is_lost_that_another_one_has_replaced_while_it_was_a_vif() {
    netns::run(|| {
        let (mut forwarder, _upcalls) = open();
        let wires: [Wire; 2] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        let is_attached = |wire: &Wire| reader.interfaces.view().is_attached(wire.router);
        let wait_until = |is_so: &dyn Fn() -> bool| {
            let end = Instant::now() + SURE;
            while !is_so() {
                assert!(Instant::now() < end);
                sleep(Duration::from_millis(1));
            }
        };
        let (other_sink, _other_upcalls) = sink();
        let mut other = KernelForwarder::open(0, other_sink).unwrap();
        for (wire, id) in wires.iter().zip(0..) {
            other.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
            wait_until(&|| !is_attached(wire));
        }
        assert_eq!(forwarder.lost_interfaces(), Ok(vec![]));
        // The forwarder looks when there is a device with this index again.
        let held = reader.interfaces.work();
        netns::ip("link del r1");
        netns::ip(&format!("link add r1 index {} type veth peer name h1", wires[1].router));
        drop(held);
        assert_eq!(forwarder.lost_interfaces(), Ok(vec![IfId(1)]));
        // The other interface is served again when the other router has left.
        drop(other);
        wait_until(&|| is_attached(&wires[0]));
        assert_eq!(forwarder.lost_interfaces(), Ok(vec![IfId(1)]));
        assert!(!is_attached(&wires[1]));
    });
}

#[test]
fn d83_new_flows_do_not_use_up_the_room_for_packets_on_a_wrong_interface() {
    netns::run(|| {
        let (mut forwarder, upcalls) = open();
        let wires: [Wire; 2] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        let flow = Flow::new(SOURCE.into(), GROUP.into());
        forwarder.install(&ForwarderEntry { flow, iif: IfId(1), oifs: &[] }).unwrap();
        // As if so many new flows of the interface waited, which the library has read.
        let arrivals = reader.loaded.maps.arrivals.get(0);
        arrivals.written.store(EACH as u64, Relaxed);
        wires[0].send(SOURCE, wanted(0), 64);
        assert!(upcalls.recv_timeout(NEVER).is_err());
        assert_eq!(arrivals.lost.load(Relaxed), 1);
        wires[0].send(SOURCE, GROUP, 64);
        let upcall = upcalls.recv_timeout(SURE).expect("the upcall");
        assert_eq!((upcall.kind, upcall.flow), (UpcallKind::WrongIf, flow));
    });
}

#[test]
fn d83_a_full_ring_has_room_for_packets_on_a_wrong_interface() {
    /// More than three quarters of the ring have room for.
    const MANY: u32 = 200_000;
    netns::run(|| {
        let (mut forwarder, upcalls) = open();
        let wires: [Wire; 2] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        let flow = Flow::new(SOURCE.into(), GROUP.into());
        forwarder.install(&ForwarderEntry { flow, iif: IfId(1), oifs: &[] }).unwrap();
        let arrivals = reader.loaded.maps.arrivals.get(0);
        {
            let _inbox = reader.inbox.lock(); // nobody reads
            for number in 0..MANY {
                wires[0].send(number.to_be_bytes().map(|byte| byte.max(1)), [239, 9, 9, 9], 64);
                if arrivals.lost.load(Relaxed) > 0 {
                    break;
                }
            }
            assert!(arrivals.lost.load(Relaxed) > 0, "it is not full");
            wires[0].send(SOURCE, GROUP, 64);
        }
        let told = std::iter::from_fn(|| upcalls.recv_timeout(SURE).ok());
        let mut wrong = told.filter(|upcall| upcall.kind == UpcallKind::WrongIf);
        assert_eq!(wrong.next().map(|upcall| upcall.flow), Some(flow));
    });
}

#[test]
fn after_a_packet_with_very_many_oifs_the_reader_stops() {
    netns::run(|| {
        let (mut forwarder, _upcalls) = open();
        let [wire]: [Wire; 1] = netns::wires();
        let reader = Arc::clone(&forwarder.reader);
        forwarder.add_interface(IfId(0), Interface::link(wire.router)).unwrap();
        let mut inbox = reader.inbox.lock(); // nobody else reads
        let mut drains_of = |group: u8, oifs: usize| {
            let flow = Flow::new(SOURCE.into(), [239, 1, 2, group].into());
            let oifs: Vec<(u32, u8)> = (100..).map(|port| (port, 1)).take(oifs).collect();
            let mut state = reader.state.lock();
            let wanted = Wanted { flow, iif: wire.router, oifs: &oifs, is_held: true };
            state.table.create(&wanted).unwrap();
            (0..5).for_each(|_| wire.send(SOURCE, [239, 1, 2, group], 64));
            assert!(!inbox.ring.is_empty(), "they are reported");
            let mut count = 0;
            while !inbox.ring.is_empty() {
                reader.drain(&mut inbox, &mut state, STEP);
                count += 1;
            }
            count
        };
        assert_eq!((drains_of(3, ROUND), drains_of(4, ROUND + 1)), (1, 5));
    });
}

#[test]
fn packets_of_a_held_entry_that_cannot_wait_are_forwarded_at_once() {
    netns::run(|| {
        let (mut forwarder, upcalls) = open();
        let wires: [Wire; 2] = netns::wires();
        for device in ["r0", "h0", "r1", "h1"] {
            netns::ip(&format!("link set {device} mtu 9000"));
        }
        let reader = Arc::clone(&forwarder.reader);
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        let flow = Flow::new(SOURCE.into(), GROUP.into());
        {
            let mut state = reader.state.lock();
            let wanted = Wanted { flow, iif: wires[0].router, oifs: &[(1, 1)], is_held: true };
            state.table.create(&wanted).unwrap();
            state.outbox.flows.push(flow);
        }
        let packet = |ttl, payload| {
            let (source, group, options) = (SOURCE, GROUP, &[][..]);
            wires[0].send_packet(Packet { protocol: 17, options, source, group, ttl, payload });
        };
        packet(64, &[0; 8]);
        assert_eq!(wires[1].receive(NEVER), None, "it waits");
        packet(32, &[0; 3000]);
        assert_eq!(wires[1].receive(SURE).map(|seen| seen.ttl), Some(31), "too large to wait");
        // As if the limit of records that may wait were reached.
        let arrivals = reader.loaded.maps.arrivals.get(0);
        arrivals.written.fetch_add(EACH as u64, Relaxed);
        packet(16, &[0; 8]);
        assert_eq!(wires[1].receive(SURE).map(|seen| seen.ttl), Some(15), "no room");
        assert_eq!((arrivals.lost.load(Relaxed), arrivals.cut.load(Relaxed)), (0, 0));
        assert!(upcalls.try_recv().is_err());
    });
}
