//! New flows that arrive faster than clients answer, with the ebpf forwarder.

use super::ebpf::on_both;
use super::*;
use mgm_types::forwarder::UpcallKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

/// How many flows of an interface are with the sink at a time.
const WITH_SINK: usize = 256;

fn wanted(number: u16) -> [u8; 4] {
    let [high, low] = number.to_be_bytes();
    [239, 9, high, low]
}

#[test]
fn d125_an_interface_has_few_flows_with_the_sink_and_others_have_their_own() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        for number in 0..300 {
            router.wires[0].send(SOURCE, wanted(number), 64);
        }
        let flows: Vec<Flow> = (0..WITH_SINK).map(|_| router.upcall().flow).collect();
        router.assert_no_upcall();
        router.wires[1].send(SOURCE, GROUP, 64);
        assert_eq!(router.upcall().flow, flow());
        // One has its entry, another one is refused.
        let entry = ForwarderEntry { flow: flows[0], iif: IfId(0), oifs: &[(IfId(1), 1)] };
        router.forwarder.install(&entry).unwrap();
        router.forwarder.done(&[flows[0], flows[1]]);
        let next: Vec<Flow> = (0..2).map(|_| router.upcall().flow).collect();
        assert!(next.iter().all(|flow| !flows.contains(flow)));
        router.assert_no_upcall();
    });
}

#[test]
fn d125_first_packets_of_a_refused_flow_are_dropped_and_it_is_not_told_of_again() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        router.packet(0, 64);
        assert_eq!(router.upcall().flow, flow());
        router.forwarder.done(&[flow()]);
        router.packet(0, 64);
        router.assert_no_upcall();
        // Its packets are not kept, should it get an entry after all.
        router.install(0, &[(1, 1)]);
        router.assert_silent(1);
        router.packet(0, 64);
        router.assert_out(1, 63);
    });
}

#[test]
fn d83_a_packet_on_a_wrong_interface_does_not_wait_behind_a_flood() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(1, &[]);
        for number in 0..300 {
            router.wires[0].send(SOURCE, wanted(number), 64);
        }
        (0..WITH_SINK).for_each(|_| assert_eq!(router.upcall().kind, UpcallKind::NoCache));
        router.assert_no_upcall();
        router.packet(0, 64);
        let upcall = router.upcall();
        assert_eq!((upcall.kind, upcall.flow), (UpcallKind::WrongIf, flow()));
        router.assert_no_upcall();
    });
}

#[test]
fn d84_a_flow_that_is_reported_twice_is_told_once_while_its_packets_are_kept() {
    on_both(|kind| {
        let [wire, out]: [Wire; 2] = netns::wires();
        let (mut forwarder, upcalls) = open(kind).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wire.router)).unwrap();
        wire.send(SOURCE, GROUP, 64);
        assert_eq!(upcalls.recv_timeout(SURE).expect("the upcall").flow, flow());
        // The programs forget all flows that they have reported.
        forwarder.add_interface(IfId(1), Interface::link(out.router)).unwrap();
        wire.send(SOURCE, GROUP, 63);
        assert_eq!(upcalls.recv_timeout(NEVER), Err(RecvTimeoutError::Timeout));
        let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &[(IfId(1), 1)] };
        forwarder.install(&entry).unwrap();
        let ttls = [63, 62].map(|_| out.receive(SURE).expect("a first packet").ttl);
        assert_eq!(ttls, [63, 62]);
    });
}

/// Passes upcalls to the test, and does not return while the test holds the gate.
#[derive(Default)]
struct Gated {
    gate: Mutex<()>,
    /// The number of the call whose upcalls it returns.
    refused: AtomicUsize,
    calls: Mutex<Vec<Vec<Flow>>>,
}

impl Gated {
    /// The upcalls of each call, if there have been so many.
    fn calls(&self, count: usize) -> MutexGuard<'_, Vec<Vec<Flow>>> {
        let end = Instant::now() + SURE;
        loop {
            let calls = self.calls.lock().unwrap();
            if calls.len() >= count {
                return calls;
            }
            drop(calls);
            assert!(Instant::now() < end, "only {:?}", self.calls);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl UpcallSink for Gated {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(upcalls.iter().map(|upcall| upcall.flow).collect());
            calls.len()
        };
        drop(self.gate.lock().unwrap());
        let is_refused = number == self.refused.load(Ordering::SeqCst);
        if is_refused {
            upcalls
        } else {
            Vec::new()
        }
    }
}

fn gated(kind: Kind) -> (Box<dyn Forwarder>, [Wire; 2], Arc<Gated>) {
    let wires: [Wire; 2] = netns::wires();
    let sink = Arc::new(Gated::default());
    let mut forwarder = kind.open(sink.clone()).unwrap();
    for (wire, id) in wires.iter().zip(0..) {
        forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
    }
    (forwarder, wires, sink)
}

#[test]
fn d82_the_oldest_flow_is_the_last_of_a_batch_because_the_sink_begins_there() {
    on_both(|kind| {
        let (_forwarder, wires, sink) = gated(kind);
        let gate = sink.gate.lock().unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(*sink.calls(1), [[flow()]]);
        (0..5).for_each(|number| wires[0].send(SOURCE, wanted(number), 64));
        sink.refused.store(2, Ordering::SeqCst);
        drop(gate);
        let oldest_last: Vec<Flow> =
            (0..5).rev().map(|number| Flow::new(SOURCE.into(), wanted(number).into())).collect();
        let expected = [vec![flow()], oldest_last.clone(), oldest_last];
        assert_eq!(*sink.calls(3), expected, "in the same order when they are offered again");
    });
}

#[test]
fn d125_a_refused_flow_is_not_told_of_again_for_packets_that_were_not_read_yet() {
    on_both(|kind| {
        let (mut forwarder, wires, sink) = gated(kind);
        let gate = sink.gate.lock().unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(*sink.calls(1), [[flow()]]);
        // The thread that reads them is in the sink.
        (0..2).for_each(|_| wires[0].send(SOURCE, GROUP, 64));
        forwarder.done(&[flow()]);
        drop(gate);
        std::thread::sleep(NEVER);
        assert_eq!(*sink.calls(1), [[flow()]]);
    });
}

#[test]
fn t5_11_upcalls_that_the_sink_returns_are_dropped_if_their_interface_has_gone_meanwhile() {
    on_both(|kind| {
        let (mut forwarder, wires, sink) = gated(kind);
        let gate = sink.gate.lock().unwrap();
        sink.refused.store(1, Ordering::SeqCst);
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(*sink.calls(1), [[flow()]]);
        forwarder.remove_interface(IfId(0));
        drop(gate);
        std::thread::sleep(NEVER);
        let other = Flow::new(SOURCE.into(), wanted(1).into());
        wires[1].send(SOURCE, wanted(1), 64);
        assert_eq!(*sink.calls(2), [[flow()], [other]]);
        // The flow is reported again where it arrives now.
        wires[1].send(SOURCE, GROUP, 64);
        assert_eq!(*sink.calls(3), [[flow()], [other], [flow()]]);
    });
}
