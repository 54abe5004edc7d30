//! Chapter 5.2: sources that no route through a client's interface leads to.

use super::*;

const SG: &str = "(10.0.0.1, 239.1.1.1)";
const ASKED: &str = "A: rpf (10.0.0.1, 239.1.1.1) on interface 0 from 0.0.0.0";

/// A owns 1 and 4; B owns 2, where the group is wanted; C owns 3. The source's route leads to 9, which
/// no client has taken.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "C"]);
    r.owns("A", &[1, 4]).owns("B", &[2]).owns("C", &[3]);
    r.source("10.0.0.1", via(9, "10.9.0.9"));
    r.join("B", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    r
}

/// The same; A accepts the source where it arrives.
fn accepted() -> Router {
    let mut r = stage();
    r.names_iif("A", 1, "10.1.0.9");
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    r.heard.clear();
    r
}

#[test]
fn t5_2_the_owner_of_the_arrival_is_asked_with_zeros_and_no_route() {
    for route in [via(9, "10.9.0.9"), Route::NONE, equal(&[(8, ""), (9, "")])] {
        let mut r = stage();
        r.source("10.0.0.1", route);
        r.stays_in("A", NoticeKind::Rpf);
        assert_eq!(r.packet(SG, 1), Outcome::Resolving);
        r.expect(&[ASKED]);
        match r.party("A").inside.as_ref().expect("is asked") {
            Notice::Rpf { iif, upstream, header, route, arrival, .. } => {
                assert_eq!((*iif, *upstream), (Interface::NONE, addr("0.0.0.0")));
                assert_eq!((&**header, route, *arrival), (&[0x45][..], &Route::NONE, 1.there()));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn t5_2_it_may_name_one_of_its_own_interfaces() {
    let mut r = stage();
    r.names_iif("A", 1, "10.1.0.9");
    r.packet(SG, 1);
    r.expect(&[ASKED, "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2"]);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.iif, row.upstream), (1.there(), addr("10.1.0.9")));
    // Another one than that of the arrival, where packets are on the wrong interface then.
    let mut r = stage();
    r.names_iif("A", 4, "10.4.0.9");
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 4 to interface 2");
    assert_eq!(r.heard.last().unwrap(), "A: wrong if (10.0.0.1, 239.1.1.1) on interface 1");
}

#[test]
fn t5_2_one_that_leaves_the_zero_gets_no_mfe() {
    let mut r = stage();
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    r.expect(&[ASKED]);
    assert_eq!((r.mfe(SG), r.resolved.as_slice()), ("no MFE".into(), &[flow(SG)][..]));
    assert!(r.log.is_empty(), "{:?}", r.log);
    assert_eq!(r.packet(SG, 1), Outcome::Refused(Refused::NoUpstream));
}

#[test]
fn t5_2_a_foreign_or_unknown_interface_makes_no_mfe_and_is_logged() {
    for named in [2, 99] {
        let mut r = stage();
        r.names_iif("A", named, "10.2.0.9");
        r.packet(SG, 1);
        assert_eq!((r.mfe(SG), r.log.len()), ("no MFE".into(), 1));
    }
}

#[test]
fn t5_2_one_without_the_callback_gets_no_mfe() {
    let mut r = stage();
    let id = r.engine.register(0x200, 0, NoticeKinds::default()).unwrap();
    r.enters("Q", id);
    r.owns("Q", &[7]);
    assert_eq!(r.packet(SG, 7), Outcome::Refused(Refused::NoUpstream));
    r.expect_nothing();
}

#[test]
fn t5_2_nobody_is_asked_about_what_a_boundary_keeps_off() {
    let mut r = stage();
    r.source("10.0.0.1", connected(3));
    let scope = Scope::new(addr("239.1.1.1"), 32).unwrap();
    r.run(|engine, fx| engine.add_boundary(3, scope, fx));
    // The iif has an owner, and a boundary (D30).
    assert_eq!(r.packet(SG, 1), Outcome::Refused(Refused::NoUpstream));
    r.expect_nothing();
}

#[test]
fn t5_2_it_is_asked_at_most_once_in_ten_seconds_for_a_flow() {
    let mut r = stage();
    for _ in 0..3 {
        r.packet(SG, 1);
        r.packet(SG, 3); // nor is C
        r.seconds_pass(3);
    }
    r.expect(&[ASKED]);
    r.packet("(10.0.0.1, 239.1.1.2)", 1); // of another flow it is
    assert_eq!(r.heard.len(), 1);
    r.heard.clear();
    r.seconds_pass(1);
    r.packet(SG, 3);
    r.expect(&["C: rpf (10.0.0.1, 239.1.1.1) on interface 0 from 0.0.0.0"]);
}

#[test]
fn t5_2_except_after_a_change_that_covers_its_source() {
    let mut r = stage();
    r.packet(SG, 1);
    r.expect(&[ASKED]);
    // It still leads to no client's interface, but it is another route.
    r.reroute("10.0.0.1", via(8, "10.8.0.9"));
    r.expect(&[ASKED]);
    r.reroute("10.0.0.2", via(7, "10.8.0.9")); // of another source
    r.packet(SG, 1);
    r.expect_nothing();
}

#[test]
fn t5_2_a_renewal_asks_the_owner_of_the_iif_the_same_way() {
    let mut r = accepted();
    r.packet(SG, 1);
    r.stays_in("A", NoticeKind::Rpf);
    r.seconds_pass(900);
    r.expect(&[ASKED]);
    let arrival = match r.party("A").inside.as_ref().expect("is asked") {
        Notice::Rpf { arrival, .. } => *arrival,
        other => panic!("{other:?}"),
    };
    assert_eq!(arrival, 1.there(), "where its packets arrive");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2", "it forwards meanwhile");
    r.returns("A");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    // The next time it no longer accepts it.
    r.packet(SG, 1);
    r.party("A").habits.names = None;
    r.heard.clear();
    r.seconds_pass(900);
    r.expect(&[ASKED]);
    assert_eq!(r.mfe(SG), "no MFE");
    assert_eq!(r.packet(SG, 1), Outcome::Refused(Refused::NoUpstream));
    r.expect_nothing();
}

#[test]
fn t5_2_nor_does_a_short_life_ask_more_often() {
    let mut r = accepted();
    // B leaves, so A is told that the MFE has no oif, and answers with a time-out of 4 s.
    r.answers_time_out("A", 4);
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.join("B", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    for _ in 0..2 {
        r.packet(SG, 1);
        r.seconds_pass(4);
        r.expect(&["B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2"]);
    }
    r.packet(SG, 1);
    r.seconds_pass(4);
    assert_eq!(r.heard[0], ASKED);
}

#[test]
fn t5_2_a_route_through_a_clients_interface_moves_it() {
    let mut r = accepted();
    r.reroute("10.0.0.1", via(3, "10.3.0.9"));
    r.expect(&[
        "C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.0.9",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "C: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
    // From now on it is an ordinary MFE.
    r.heard.clear();
    r.reroute("10.0.0.1", Route::NONE);
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t5_2_so_does_a_client_that_takes_the_interface_of_the_route() {
    let mut r = accepted();
    r.take("C", 9);
    r.expect(&[
        "C: rpf (10.0.0.1, 239.1.1.1) on interface 9 from 10.9.0.9",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "C: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
}

#[test]
fn t5_2_a_route_to_nobody_leaves_it_alone() {
    let mut r = accepted();
    for route in [via(8, "10.8.0.9"), Route::NONE, via(9, "10.9.0.9")] {
        r.reroute("10.0.0.1", route);
        r.expect_nothing();
    }
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_4_a_route_that_comes_while_it_is_asked_makes_its_answer_void() {
    let mut r = stage();
    r.names_iif("A", 1, "10.1.0.9");
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(SG, 1);
    r.reroute("10.0.0.1", via(3, "10.3.0.9"));
    r.returns("A");
    r.expect(&[
        ASKED,
        "C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.0.9",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 3 to interface 2",
        "A: wrong if (10.0.0.1, 239.1.1.1) on interface 1",
    ]);
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
}

#[test]
fn t5_4_a_take_of_the_routes_interface_does_so_too() {
    let mut r = stage();
    r.names_iif("A", 1, "10.1.0.9");
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(SG, 1);
    r.heard.clear();
    r.take("C", 9);
    assert_eq!(r.heard[0], "C: rpf (10.0.0.1, 239.1.1.1) on interface 9 from 10.9.0.9");
    r.returns("A");
    assert_eq!(r.mfe(SG), "interface 9 to interface 2");
}

#[test]
fn t5_4_an_arrival_in_new_hands_is_asked_anew() {
    let mut r = stage();
    r.names_iif("A", 1, "10.1.0.9");
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(SG, 1);
    r.release("A", 1);
    assert!(!r.engine.is_resolving(flow(SG)), "there is nobody to ask");
    r.returns("A");
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t5_4_a_boundary_that_comes_while_it_is_asked_ends_it() {
    let mut r = stage();
    r.names_iif("A", 1, "10.1.0.9");
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(SG, 1);
    let scope = Scope::new(addr("239.1.1.1"), 32).unwrap();
    r.run(|engine, fx| engine.add_boundary(1, scope, fx));
    assert!(!r.engine.is_resolving(flow(SG)));
    r.returns("A");
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t5_2_a_question_that_a_change_of_routes_asks_begins_its_own_ten_seconds() {
    let mut r = Router::with(&["A", "B", "C"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("C", &[3]);
    r.join("C", "(*, 239.1.1.1)", 3);
    let asked = ["B: rpf (10.0.0.1, 239.1.1.1) on interface 0 from 0.0.0.0"];
    let sg = "(10.0.0.1, 239.1.1.1)";
    r.heard.clear();
    r.upcall(sg, 2);
    r.expect(&asked);
    r.now = r.now.plus_secs(9);
    r.reroute("10.0.0.1", via(77, "10.7.0.9"));
    r.expect(&asked);
    r.seconds_pass(9);
    r.upcall(sg, 2);
    r.expect_nothing();
    r.seconds_pass(1);
    r.upcall(sg, 2);
    r.expect(&asked);
}

#[test]
fn t5_1_a_flow_that_is_declined_late_is_remembered_from_then_on() {
    let mut r = Router::with(&["B", "C"]);
    r.owns("B", &[2]).owns("C", &[3]);
    let sg = "(10.0.0.1, 239.1.1.1)";
    r.stays_in("B", NoticeKind::Rpf);
    r.upcall(sg, 2);
    r.now = r.now.plus_secs(9);
    r.returns("B");
    r.seconds_pass(9);
    assert_eq!(r.entry(sg), "refusal from interface 2");
    r.seconds_pass(1);
    assert_eq!(r.entry(sg), "nothing");
}
