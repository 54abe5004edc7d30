//! New flows that arrive faster than clients answer, with the ebpf forwarder.

use super::ebpf::on_both;
use super::*;
use mgm_types::forwarder::UpcallKind;

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
