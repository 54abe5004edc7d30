//! Entries, and how packets are forwarded and counted by them.

use super::*;
use mgm_netns::Packet;
use mgm_types::forwarder::UpcallKind;

#[test]
fn t5_1_a_flows_first_packet_makes_an_upcall_and_waits_for_its_entry() {
    on_each(|kind| {
        let mut router = Router::<3>::new(kind);
        router.packet(0, 64);
        let upcall = router.upcall();
        assert_eq!(upcall.kind, UpcallKind::NoCache);
        assert_eq!(upcall.flow, flow());
        assert_eq!(upcall.arrival, Interface::link(router.wires[0].router));
        let mut header = [0x45, 0, 0, 0, 0xab, 0xcd, 0, 0, 0, 0, 0, 0, 10, 1, 0, 9, 239, 1, 2, 3];
        if kind != Kind::Kernel {
            header[2..4].copy_from_slice(&[0, 32]); // the kernel overwrites these
            header[8..12].copy_from_slice(&[64, 17, 0xd3, 0xf1]);
        }
        assert_eq!(upcall.header, header);
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
fn t5_1_four_packets_of_a_new_flow_are_kept() {
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        for ttl in 11..=17 {
            router.packet(0, ttl);
        }
        assert_eq!(router.upcall().kind, UpcallKind::NoCache);
        router.assert_no_upcall();
        router.install(0, &[(1, 1)]);
        for ttl in 10..=13 {
            router.assert_out(1, ttl);
        }
        router.assert_silent(1);
        assert_eq!(router.forwarder.counters(flow()).unwrap().unwrap().packets, 4);
    });
}

#[test]
fn t5_2_ip_options_are_in_the_header() {
    on_each(|kind| {
        let router = Router::<1>::new(kind);
        router.wires[0].send_packet(Packet {
            protocol: 17,
            options: &[7, 7, 4, 0, 0, 0, 0, 0], // record route
            source: SOURCE,
            group: GROUP,
            ttl: 9,
            payload: &[0; 8],
        });
        let header = router.upcall().header;
        assert_eq!((header.len(), header[0]), (28, 0x47));
        assert_eq!(header[20..22], [7, 7]);
    });
}

#[test]
fn t6_7_counters_leave_out_packets_on_the_wrong_interface() {
    on_each(|kind| {
        let mut router = Router::<3>::new(kind);
        assert_eq!(router.forwarder.counters(flow()), Ok(None));
        router.install(0, &[(1, 1)]);
        for _ in 0..5 {
            router.packet(0, 64);
            router.assert_out(1, 63);
        }
        for _ in 0..2 {
            router.packet(2, 64);
        }
        assert_eq!(router.upcall().kind, UpcallKind::WrongIf);
        let counters = router.forwarder.counters(flow()).unwrap().unwrap();
        assert_eq!((counters.packets, counters.wrong_if), (5, 2));
        // The kernel's octets include those of wrong-interface packets.
        assert_eq!(counters.octets, if kind == Kind::Kernel { 7 * 32 } else { 5 * 32 });

        router.install(0, &[(1, 1), (2, 1)]);
        assert_eq!(router.forwarder.counters(flow()), Ok(Some(counters)), "they outlive a change");
        router.forwarder.remove(flow()).unwrap();
        assert_eq!(router.forwarder.counters(flow()), Ok(None));
    });
}

#[test]
fn t5_7_a_packet_on_another_interface_is_told_even_if_that_is_no_oif() {
    on_each(|kind| {
        let mut router = Router::<3>::new(kind);
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
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        router.packet(1, 64);
        let upcall = router.upcall();
        assert_eq!(upcall.kind, UpcallKind::WrongIf);
        assert_eq!(upcall.arrival, Interface::link(router.wires[1].router));
    });
}

#[test]
fn t3_7_a_packet_goes_out_only_if_its_ttl_is_greater_than_the_threshold() {
    on_each(|kind| {
        let mut router = Router::<5>::new(kind);
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
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(0, 1), (1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        router.assert_silent(0);
    });
}

#[test]
fn an_entry_without_oifs_swallows_packets_without_upcalls() {
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[]);
        router.packet(0, 64);
        router.assert_silent(1);
        router.assert_no_upcall();
        assert_eq!(router.forwarder.counters(flow()).unwrap().unwrap().packets, 1);
    });
}

#[test]
fn a_removed_entry_forwards_no_more_and_the_next_packet_is_new() {
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
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
    on_each(|kind| {
        let mut router = Router::<3>::new(kind);
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
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1), (77, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        let entry = ForwarderEntry { flow: flow(), iif: IfId(77), oifs: &[] };
        assert!(matches!(router.forwarder.install(&entry), Err(Refusal::Forwarder(_))));
    });
}
