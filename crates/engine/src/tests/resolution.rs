//! Chapter 5, first half: from a first packet to its MFE, and what may happen in between.

use super::*;
use smallvec::smallvec;

const G: &str = "(*, 239.1.1.1)";
const ALL: &str = "(*, *)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";

const RPF_A: &str = "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0";
const CREATION_B: &str = "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2";

/// A owns 1, towards the source, and 4; B owns 2, where the group is wanted; C owns 3.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "C", "I"]);
    r.owns("A", &[1, 4]).owns("B", &[2]).owns("C", &[3]);
    r.source("10.0.0.1", connected(1));
    r.join("B", G, 2);
    r.heard.clear();
    r
}

#[test]
fn t5_1_the_route_decides_the_iif_and_the_neighbour() {
    let mut r = stage();
    r.source("10.0.0.1", via(1, "10.9.9.9"));
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    assert_eq!(r.heard[0], "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 10.9.9.9");
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.iif, row.upstream), (1.there(), addr("10.9.9.9")));
    // A connected source has no neighbour before it.
    r.source("10.0.0.2", connected(1));
    r.packet("(10.0.0.2, 239.1.1.1)", 1);
    assert_eq!(r.row("(10.0.0.2, 239.1.1.1)").expect("an MFE").upstream, addr("0.0.0.0"));
}

#[test]
fn t5_1_a_next_hop_interface_is_preferred_then_the_link() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[(1, "10.0.0.8"), (1, "10.0.0.1")]).owns("B", &[2]);
    // The gateway; the source itself where it is connected.
    r.source("10.0.0.1", connected(1)).source("10.7.0.1", via(1, "10.0.0.8"));
    r.source("10.7.0.2", via(2, "10.0.0.8")).source("10.7.0.3", via(1, "10.0.0.7"));
    for (source, from) in [
        ("10.0.0.1", "interface 1 (next hop 10.0.0.1) to nowhere"),
        ("10.7.0.1", "interface 1 (next hop 10.0.0.8) to nowhere"),
        ("10.7.0.2", "interface 2 to nowhere"),
        ("10.7.0.3", "no MFE"),
    ] {
        let text = format!("({source}, 239.1.1.1)");
        r.packet(&text, 2);
        assert_eq!(r.mfe(&text), from);
    }
}

#[test]
fn t5_1_where_nobody_serves_the_arrival_nothing_is_looked_up() {
    let mut r = stage();
    assert_eq!(r.packet(SG, 99), Outcome::Refused(Refused::ForeignArrival));
    let refused = Refused::ALL.map(|why| r.engine.refused(why));
    assert_eq!(refused, [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(r.known_sources().is_empty());
    r.expect_nothing();
}

#[test]
fn t5_1_the_router_itself_is_connected_where_its_packet_arrives() {
    let mut r = stage();
    r.source("10.0.0.1", local());
    r.packet(SG, 3);
    r.expect(&[
        "C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 3 to interface 2",
    ]);
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
}

#[test]
fn t5_2_the_owner_may_name_another_interface_of_its_own() {
    let mut r = stage();
    r.names_iif("A", 4, "10.4.4.4");
    r.packet(SG, 4);
    r.expect(&[RPF_A, "B: creation (10.0.0.1, 239.1.1.1) from interface 4 to interface 2"]);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.iif, row.upstream), (4.there(), addr("10.4.4.4")));
}

#[test]
fn t5_2_a_foreign_or_unknown_interface_is_logged_and_the_look_up_stands() {
    for interface in [2, 99, 0] {
        let mut r = stage();
        r.names_iif("A", interface, "10.4.4.4");
        r.packet(SG, 1);
        let row = r.row(SG).expect("an MFE");
        assert_eq!((row.iif, row.upstream), (1.there(), addr("0.0.0.0")));
        assert_eq!(r.log.len(), 1, "{:?}", r.log);
    }
}

#[test]
fn t5_2_the_question_carries_the_packet_and_the_route() {
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(SG, 1);
    match r.party("A").inside.as_ref().expect("is asked") {
        Notice::Rpf { header, route, .. } => {
            assert_eq!(**header, [0x45]);
            assert_eq!(*route, connected(1));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn t5_3_each_client_is_asked_once_about_its_own_oifs() {
    let mut r = stage();
    r.owns("C", &[5]).owns("I", &[2, 6]);
    for interface in [3, 5] {
        r.join("C", SG, interface);
    }
    r.join("I", ALL, 6);
    r.join("A", G, 1);
    r.heard.clear();
    r.packet(SG, 1);
    r.expect(&[
        RPF_A,
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2 (igmp)",
        "C: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3, interface 5",
        "I: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 6 (igmp)",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3, interface 5, interface 6");
}

#[test]
fn t5_3_what_is_set_false_is_switched_off() {
    let mut r = stage();
    r.owns("B", &[5]);
    r.join("B", G, 5);
    r.switches_off("B", 2);
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 5");
}

#[test]
fn t5_3_the_iifs_owner_is_asked_about_its_other_interfaces_as_well() {
    let mut r = stage();
    r.join("A", G, 4);
    r.heard.clear();
    r.packet(SG, 1);
    r.expect(&[
        RPF_A,
        "A: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 4",
        CREATION_B,
    ]);
}

#[test]
fn t5_4_nothing_is_installed_before_the_last_answer() {
    let mut r = stage();
    r.join("C", G, 3);
    r.stays_in("A", NoticeKind::Rpf);
    r.stays_in("B", NoticeKind::Creation);
    r.stays_in("C", NoticeKind::Creation);
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    r.returns("A");
    r.returns("C");
    assert_eq!(r.mfe(SG), "no MFE");
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    assert!(r.dirty.is_empty() && r.resolved.is_empty());
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    assert_eq!((&r.dirty[..], &r.resolved[..]), (&[flow(SG)][..], &[flow(SG)][..]));
    assert_eq!(r.packet(SG, 1), Outcome::Forwarded(smallvec![2.there(), 3.there()]));
}

#[test]
fn t5_4_one_resolution_a_flow_at_a_time() {
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    for _ in 0..3 {
        assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    }
    r.returns("A");
    r.expect(&[RPF_A, CREATION_B]);
}

#[test]
fn t5_4_memberships_that_change_meanwhile_are_honoured() {
    let mut r = stage();
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    r.join("C", G, 3);
    r.join("A", G, 1);
    r.leave("B", G, 2);
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
}

#[test]
fn t5_4_a_join_beats_the_answer_that_it_overtakes() {
    let mut r = stage();
    r.stays_in("B", NoticeKind::Creation);
    r.switches_off("B", 2);
    r.packet(SG, 1);
    r.join("B", ALL, 2);
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_a_join_also_beats_an_answer_while_others_are_awaited() {
    let mut r = stage();
    r.join("C", G, 3);
    r.switches_off("B", 2);
    r.stays_in("C", NoticeKind::Creation);
    r.packet(SG, 1); // B has answered
    r.join("B", G, 2); // redundant, and yet
    r.returns("C");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t5_4_igmps_join_does_not_beat_the_owners_answer() {
    let mut r = stage();
    r.owns("I", &[2]);
    r.stays_in("B", NoticeKind::Creation);
    r.switches_off("B", 2);
    r.packet(SG, 1);
    r.join("I", G, 2);
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t5_4_an_answer_about_one_oif_leaves_the_others_alone() {
    let mut r = stage();
    r.owns("B", &[5]);
    r.join("B", G, 5);
    r.stays_in("B", NoticeKind::Creation);
    r.switches_off("B", 2);
    r.switches_off("B", 5);
    r.packet(SG, 1);
    r.join("B", SG, 5);
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to interface 5");
}

#[test]
fn t5_4_a_new_owner_of_the_iif_is_asked_anew() {
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    r.names_iif("A", 4, "10.4.4.4");
    r.packet(SG, 3);
    r.release("A", 1);
    assert!(!r.engine.is_resolving(flow(SG))); // there is nobody to ask
    r.take("C", 1);
    r.packet(SG, 1);
    r.heard.clear();
    r.returns("A"); // void
    r.expect_nothing();
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    assert_eq!(r.row(SG).expect("an MFE").iif_protocol, Router::ids("C").0);
}

#[test]
fn t5_4_a_take_from_igmp_meanwhile_asks_the_protocol() {
    let mut r = Router::with(&["A", "I"]);
    r.owns("I", &[1]);
    r.source("10.0.0.1", connected(1));
    r.stays_in("I", NoticeKind::Rpf);
    r.packet(SG, 1);
    r.inside_a_callback(|r| r.take("A", 1));
    r.returns("I");
    r.expect(&[
        "I: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        RPF_A,
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "I: disable interface 1",
        "I: enable interface 1",
    ]);
}

#[test]
fn t5_4_the_same_client_after_a_change_of_hands_is_asked_anew() {
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    r.names_iif("A", 4, "10.4.4.4");
    r.packet(SG, 3);
    r.release("A", 1);
    r.take("A", 1);
    r.packet(SG, 1);
    r.party("A").habits.names = None;
    // Two questions: the first one's answer does not count.
    let mut first = r.party("A").inside.take().expect("is asked");
    let id = r.id("A");
    let Notice::Rpf { iif, upstream, .. } = &mut first else { panic!("another question") };
    (*iif, *upstream) = (4.there(), addr("10.4.4.4"));
    r.run(|engine, fx| engine.answer(Time(0), id, &first, |_| Ok(None), fx));
    assert!(r.engine.is_resolving(flow(SG)));
    r.resumes("A");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_a_named_iif_that_changes_hands_starts_it_again() {
    let mut r = stage();
    r.names_iif("A", 4, "10.4.4.4");
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 4);
    r.release("A", 4);
    r.returns("B");
    // A still names 4, which it no longer owns: the interface of the look-up is used.
    r.expect(&[
        RPF_A,
        "B: creation (10.0.0.1, 239.1.1.1) from interface 4 to interface 2",
        RPF_A,
        CREATION_B,
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_an_oif_in_new_hands_starts_it_again() {
    let mut r = stage();
    r.switches_off("B", 2);
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    r.stays_in("A", NoticeKind::Rpf);
    r.release("B", 2);
    r.take("C", 2);
    r.join("C", G, 2);
    r.returns("B"); // void
    r.heard.clear();
    r.returns("A");
    // C is asked now. Only now A is told what has happened meanwhile.
    r.expect(&[
        "A: join (*, 239.1.1.1) member",
        "C: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_an_answered_oif_that_changes_hands_starts_it_again() {
    let mut r = stage();
    r.join("C", G, 3);
    r.heard.clear();
    r.stays_in("C", NoticeKind::Creation);
    r.packet(SG, 1); // B has answered for 2
    r.release("B", 2);
    r.returns("C");
    assert_eq!(r.heard.iter().filter(|line| *line == RPF_A).count(), 2, "{:?}", r.heard);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
}

#[test]
fn t5_4_a_number_used_again_does_not_inherit_an_answer() {
    let mut r = stage();
    r.join("C", G, 3);
    r.switches_off("B", 2);
    r.stays_in("B", NoticeKind::Creation);
    r.stays_in("C", NoticeKind::Creation);
    r.packet(SG, 1);
    let number = r.number(2);
    r.release("B", 2);
    r.take("A", 8);
    assert_eq!(r.number(8), number);
    r.join("A", G, 8);
    r.returns("B");
    r.returns("C");
    assert_eq!(r.mfe(SG), "interface 1 to interface 8, interface 3");
}

#[test]
fn t5_4_a_route_that_changes_meanwhile_starts_it_again() {
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(SG, 1);
    r.reroute("10.0.0.1", via(3, "10.3.3.3"));
    // A still does not return.
    r.expect(&[
        RPF_A,
        "C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.3.3",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 3 to interface 2",
    ]);
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
    r.returns("A");
    r.expect(&["A: wrong if (10.0.0.1, 239.1.1.1) on interface 1"]);
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
}

#[test]
fn t5_4_a_route_that_changes_otherwise_asks_nobody_again() {
    let mut r = stage();
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    // A route of another protocol to the same interface, and a route of another source.
    r.reroute("10.0.0.1", Route { protocol: 13, ..connected(1) });
    r.reroute("10.0.0.2", via(3, "10.3.3.3"));
    r.returns("B");
    r.expect(&[RPF_A, CREATION_B]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_a_route_lost_while_creation_is_asked_ends_it() {
    let mut r = stage();
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    r.reroute("10.0.0.1", Route::NONE);
    assert_eq!(r.resolved, [flow(SG)], "its packet waits no longer");
    r.returns("B");
    assert_eq!(r.mfe(SG), "no MFE");
    assert_eq!(r.resolved, [flow(SG)]);
    assert!(r.dirty.is_empty());
    r.seconds_pass(10); // as long as a refused flow is remembered
    assert!(r.known_sources().is_empty() && r.dirty.is_empty());
}

#[test]
fn t5_4_an_answer_that_nobody_waits_for_is_void() {
    let mut r = stage();
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    let asked = r.party("B").inside.clone().expect("is asked");
    r.returns("B");
    r.switches_off("B", 2);
    let before = r.whole_state();
    r.party("B").inside = Some(asked);
    r.returns("B");
    assert_eq!(r.whole_state(), before);
}

#[test]
fn t5_5_an_mfe_without_oifs_is_pruned_at_its_birth() {
    let mut r = stage();
    r.leave("B", G, 2);
    r.heard.clear();
    r.packet(SG, 1);
    r.expect(&[RPF_A, "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s"]);
}

#[test]
fn t5_5_also_if_every_oif_was_refused() {
    let mut r = stage();
    r.switches_off("B", 2);
    r.packet(SG, 1);
    r.expect(&[RPF_A, CREATION_B, "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s"]);
}

#[test]
fn t5_7_a_first_packet_on_the_wrong_interface_is_told_when_the_mfe_is_made() {
    let mut r = stage();
    r.packet(SG, 3);
    r.expect(&[RPF_A, CREATION_B, "C: wrong if (10.0.0.1, 239.1.1.1) on interface 3"]);
    // Asked again, as the forwarder does once the flow is resolved.
    assert_eq!(r.packet(SG, 3), Outcome::Refused(Refused::WrongInterface));
    r.expect_nothing();
}

#[test]
fn the_kernels_upcalls_resolve_like_packets() {
    let mut r = stage();
    let packet = |text, arrival: u32| Packet {
        flow: flow(text),
        arrival: arrival.there(),
        header: &[0x45],
        length: 20,
        ttl: 1,
    };
    let upcall = |r: &mut Router, text, arrival| {
        let packet = packet(text, arrival);
        let route = r.look_up(packet.flow, packet.arrival);
        let now = r.now;
        r.run(|engine, fx| engine.no_entry(now, &packet, route.as_ref(), fx))
    };
    assert_eq!(upcall(&mut r, SG, 99), Outcome::Refused(Refused::ForeignArrival));
    let local = "(10.0.0.1, 224.0.0.5)";
    assert_eq!(upcall(&mut r, local, 1), Outcome::Refused(Refused::LinkLocal));
    assert_eq!(upcall(&mut r, SG, 1), Outcome::Resolving);
    r.expect(&[RPF_A, CREATION_B]);
    // The kernel has lost its entry: the entry is installed again, and no client is asked.
    r.dirty.clear();
    assert_eq!(upcall(&mut r, SG, 1), Outcome::Resolving);
    r.expect_nothing();
    assert_eq!(r.dirty, [flow(SG)]);
    // Upcalls are not counted, because the kernel counts.
    assert_eq!(r.row(SG).expect("an MFE").packets, 0);
}
