//! Chapter 2: the change of owner of an interface beside IGMP.

use super::ownership::{alone, beside, owner_of, G, SG};
use super::*;

#[test]
fn t2_3_a_take_beside_igmp_disables_changes_enables() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.expect(&["I: disable interface 1"]);
    // The take is accepted, although the change has not been made yet.
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
    r.refuses(Code::AlreadyExists, |r| r.try_take("B", 1));
    r.join("A", G, 1);
    r.expect(&["B: join (*, 239.1.1.1) member"]); // I is still inside its callback
    r.returns("I");
    r.expect(&["I: join (*, 239.1.1.1) member", "I: enable interface 1"]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
}

#[test]
fn t2_3_a_release_beside_igmp_does_the_same() {
    let mut r = beside();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.expect(&["I: disable interface 1"]);
    r.refuses(Code::InvalidParameter, |r| r.try_join("A", flow(G), 1, Join::State));
    r.refuses(Code::InvalidParameter, |r| r.try_release("A", 1));
    r.returns("I");
    r.expect(&["I: enable interface 1"]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
}

#[test]
fn t2_3_igmp_may_not_act_between_the_callbacks() {
    let mut r = alone();
    r.owns("I", &[7]);
    r.join("I", G, 1);
    r.heard.clear();
    // Not before DISABLE_IGMP starts …
    r.stalls("I");
    r.take("A", 1);
    r.leave("I", G, 1);
    r.join("I", G, 1);
    r.heard.clear();
    // … but from its start on.
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.resumes("I");
    for join in [Join::State, Join::Forward] {
        r.refuses(Code::CanNotComplete, |r| r.try_join("I", flow(G), 1, join));
        r.refuses(Code::CanNotComplete, |r| r.try_leave("I", flow(G), 1, join));
    }
    r.join("I", G, 7); // elsewhere it may
    r.heard.clear();
    r.stays_in("I", NoticeKind::EnableIgmp);
    r.returns("I");
    // Inside ENABLE_IGMP it may again.
    r.join("I", G, 1);
    assert_eq!(
        r.heard.last().map(String::as_str),
        Some("A: local join (*, 239.1.1.1) on interface 1")
    );
}

#[test]
fn t2_3_igmp_is_barred_until_enable_starts_not_until_disable_ends() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.stalls("I");
    r.returns("I");
    r.refuses(Code::CanNotComplete, |r| r.try_join("I", flow(G), 1, Join::State));
    r.resumes("I");
    r.join("I", G, 1);
}

#[test]
fn t2_3_if_igmp_leaves_in_between_there_is_no_enable() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.release("I", 1);
    // The change need not wait for it any longer.
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    r.returns("I");
    r.expect(&["I: disable interface 1"]);
}

#[test]
fn t2_3_if_igmp_leaves_while_a_release_waits_the_interface_is_free() {
    let mut r = beside();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.release("I", 1);
    assert_eq!(owner_of(&r, 1).unwrap_err().code(), Code::NotFound);
    assert_eq!(r.freed.len(), 1);
    r.returns("I");
    r.expect(&["I: disable interface 1"]);
}

#[test]
fn t2_3_a_disable_that_igmp_has_outrun_does_not_bar_it() {
    let mut r = alone();
    r.stalls("I");
    r.take("A", 1);
    r.release("I", 1);
    r.take("I", 1); // beside A now, and enabled afresh
    r.resumes("I");
    r.expect_nothing();
    r.join("I", G, 1);
    r.expect(&["A: local join (*, 239.1.1.1) on interface 1", "B: join (*, 239.1.1.1) member"]);
}

#[test]
fn t2_3_an_enable_that_igmp_has_outrun_does_not_lift_a_new_bar() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.stalls("I");
    r.returns("I"); // its ENABLE_IGMP waits
    r.release("I", 1);
    r.take("I", 1); // beside A now, and enabled afresh
    r.release("A", 1);
    r.heard.clear();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.resumes("I");
    r.expect(&["I: disable interface 1"]);
    r.refuses(Code::CanNotComplete, |r| r.try_join("I", flow(G), 1, Join::State));
    r.returns("I");
    r.expect(&["I: enable interface 1"]);
}

#[test]
fn t2_3_a_stale_disable_does_not_stand_in_for_a_new_one() {
    let mut r = alone();
    r.stalls("I");
    r.take("A", 1);
    r.release("I", 1);
    r.take("I", 1);
    r.release("A", 1);
    r.resumes("I");
    r.expect(&["I: disable interface 1", "I: enable interface 1"]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
    r.join("I", G, 1);
}

#[test]
fn t2_3_changes_that_come_while_one_waits_are_absorbed() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.release("A", 1);
    r.take("B", 1);
    r.expect(&["I: disable interface 1"]);
    r.returns("I");
    r.expect(&["I: enable interface 1"]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("B")));
}

#[test]
fn t2_3_a_release_and_a_take_in_one_change_end_the_first_owners_memberships() {
    let mut r = beside();
    r.join("A", G, 1);
    r.heard.clear();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.take("B", 1);
    // The memberships of the new IGMP client are its own, and stay after the change.
    r.join("B", "(*, 239.2.2.2)", 1);
    r.returns("I");
    r.expect(&[
        "I: disable interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "A: join (*, 239.2.2.2) member",
        "I: prune (*, 239.1.1.1) on interface 1",
        "I: join (*, 239.2.2.2) member",
        "I: enable interface 1",
    ]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("B")));
    r.leave("B", "(*, 239.2.2.2)", 1);
    r.expect(&["A: prune (*, 239.2.2.2) on interface 1", "I: prune (*, 239.2.2.2) on interface 1"]);
}

#[test]
fn t2_3_an_owner_may_take_back_what_it_has_just_released() {
    let mut r = beside();
    r.join("A", G, 1);
    r.heard.clear();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.take("A", 1);
    r.join("A", "(*, 239.2.2.2)", 1);
    r.returns("I");
    r.expect(&[
        "I: disable interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "B: join (*, 239.2.2.2) member",
        "I: prune (*, 239.1.1.1) on interface 1",
        "I: join (*, 239.2.2.2) member",
        "I: enable interface 1",
    ]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
}

#[test]
fn t2_3_a_claim_given_up_again_takes_its_memberships_along() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.join("A", G, 1);
    r.release("A", 1);
    r.returns("I");
    r.expect(&[
        "I: disable interface 1",
        "B: join (*, 239.1.1.1) member",
        "B: prune (*, 239.1.1.1) on interface 1",
        "I: join (*, 239.1.1.1) member",
        "I: prune (*, 239.1.1.1) on interface 1",
        "I: enable interface 1",
    ]);
    assert_eq!(r.engine.tables.flows.wanted_len(), 0);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
}

#[test]
fn t2_3_inside_a_callback_the_change_comes_first() {
    let mut r = beside();
    r.join("I", G, 1);
    r.heard.clear();
    r.inside_a_callback(|r| r.release("A", 1));
    r.expect(&[
        "B: prune (*, 239.1.1.1) on interface 1",
        "I: prune (*, 239.1.1.1) on interface 1",
        "I: disable interface 1",
        "I: enable interface 1",
    ]);
    r.stalls("I");
    r.inside_a_callback(|r| r.take("A", 1));
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    r.expect_nothing();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.resumes("I");
    r.refuses(Code::CanNotComplete, |r| r.try_join("I", flow(G), 1, Join::State));
    r.returns("I");
    r.expect(&["I: disable interface 1", "I: enable interface 1"]);
    r.join("I", G, 1);
}

#[test]
fn t2_4_what_igmp_adds_ahead_of_a_late_disable_ends_with_it() {
    let mut r = alone();
    r.source("10.0.0.1", connected(2));
    r.packet(SG, 2);
    r.heard.clear();
    r.stalls("I");
    r.inside_a_callback(|r| r.take("A", 1));
    r.join("I", G, 1);
    r.expect(&[
        "A: local join (*, 239.1.1.1) on interface 1",
        "B: join (*, 239.1.1.1) member",
        "B: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.resumes("I");
    assert_eq!(r.mfe(SG), "interface 2 to interface 1");
    r.heard.clear();
    r.returns("I");
    // I is told, too: its call was for A's interface (D1).
    r.expect(&[
        "I: enable interface 1",
        "A: local leave (*, 239.1.1.1) on interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "I: prune (*, 239.1.1.1) on interface 1",
        "B: prune (10.0.0.1, 239.1.1.1) mfe on interface 2, 900 s",
    ]);
    assert_eq!(r.engine.tables.flows.wanted_len(), 0);
    assert_eq!(r.mfe(SG), "interface 2 to nowhere");
}

#[test]
fn t2_4_an_owner_that_is_leaving_hears_nothing_of_a_late_disable() {
    let mut r = alone();
    r.stalls("I");
    r.inside_a_callback(|r| r.take("A", 1));
    r.join("A", "(*, 239.2.2.2)", 1);
    r.join("I", G, 1);
    r.release("A", 1); // waits for a DISABLE_IGMP of its own
    r.heard.clear();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.resumes("I");
    r.heard.clear();
    r.returns("I");
    assert!(r.heard.iter().all(|line| !line.contains("local")), "{:?}", r.heard);
    assert_eq!(r.engine.tables.flows.wanted_len(), 0);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
}

#[test]
fn t2_4_a_late_disable_to_igmp_of_former_times_ends_nothing() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.inside_a_callback(|r| r.take("A", 1));
    r.release("I", 1);
    r.take("I", 1);
    r.join("I", G, 1);
    r.heard.clear();
    r.returns("I");
    assert_eq!(r.engine.tables.flows.wanted_len(), 1);
    r.leave("I", G, 1);
}

#[test]
fn t2_4_what_igmp_held_goes_with_the_change_and_igmp_adds_it_again() {
    let mut r = alone();
    r.source("10.0.0.1", connected(2));
    r.join("I", G, 1);
    r.packet(SG, 2);
    assert_eq!(r.mfe(SG), "interface 2 to interface 1");
    r.heard.clear();
    r.stays_in("I", NoticeKind::EnableIgmp);
    r.take("A", 1);
    r.expect(&[
        "I: disable interface 1",
        // A is told, too, because the take is not a leave by A.
        "A: prune (*, 239.1.1.1) on interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "B: prune (10.0.0.1, 239.1.1.1) mfe on interface 2, 900 s",
        "I: enable interface 1",
    ]);
    assert_eq!(r.mfe(SG), "interface 2 to nowhere");
    // Inside ENABLE_IGMP, which was a deadlock on Windows.
    r.inside_a_callback(|r| r.join("I", G, 1));
    r.expect(&[
        "A: local join (*, 239.1.1.1) on interface 1",
        "B: join (*, 239.1.1.1) member",
        "B: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    assert_eq!(r.mfe(SG), "interface 2 to interface 1");
}
