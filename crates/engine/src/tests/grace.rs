//! Section 9.8: what a client leaves when its process ends, and its successor.

use super::ownership::{owner_of, G, SG};
use super::*;

const G2: &str = "(*, 239.1.1.2)";
const ALL: &str = "(*, *)";

/// A owns 1, towards the source, and 3, with IGMP beside it on 1. B owns 2. A and B want a flow, which
/// is forwarded from 1 to 2 and 3.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("A", &[3]).owns("I", &[1]);
    r.source("10.0.0.1", connected(1));
    r.join("B", G, 2);
    r.join("A", G, 3);
    r.packet(SG, 1);
    r.heard.clear();
    r.dirty.clear();
    r
}

/// The same after A has ended.
fn left() -> Router {
    let mut r = stage();
    r.dies("A", 60);
    r.expect_nothing();
    r
}

#[test]
fn t9_8_interfaces_memberships_and_mfes_stay_and_forward() {
    let mut r = left();
    for interface in [1, 3] {
        assert_eq!(owner_of(&r, interface), Ok(Router::ids("A")));
    }
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    assert!(r.dirty.is_empty() && r.freed.is_empty(), "the forwarder has nothing to do");
    assert!(matches!(r.packet(SG, 1), Outcome::Forwarded { .. }), "it forwards");
    // New flows are forwarded, too.
    r.packet("(10.0.0.1, 239.1.1.2)", 1);
    r.join("B", G2, 2);
    assert_eq!(r.mfe("(10.0.0.1, 239.1.1.2)"), "interface 1 to interface 2");
}

#[test]
fn t9_8_nobody_is_told_of_the_end() {
    let mut r = stage();
    r.dies("A", 60);
    r.expect_nothing();
}

#[test]
fn t9_8_the_client_that_has_ended_is_told_nothing() {
    let mut r = left();
    r.join("B", G2, 2);
    r.leave("B", G, 2);
    r.join("I", "(*, 239.3.3.3)", 1);
    r.packet(SG, 3);
    r.forward_off("B", SG, 2);
    // Only the others are told.
    r.expect(&["I: join (*, 239.1.1.2) member", "B: join (*, 239.3.3.3) member"]);
}

#[test]
fn t9_8_its_questions_get_the_default() {
    let mut r = left();
    let sg = "(10.0.0.1, 239.1.1.2)";
    r.join("B", G2, 2);
    r.heard.clear();
    r.packet(sg, 1);
    r.expect(&["B: creation (10.0.0.1, 239.1.1.2) from interface 1 to interface 2"]);
    assert_eq!(r.mfe(sg), "interface 1 to interface 2");
    // PRUNE_ALERT gets the default time-out.
    r.leave("B", G2, 2);
    assert_eq!(r.row(sg).map(|row| row.timeout), Some(900));
    // So does the question that waits when the process ends.
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(sg, 1);
    assert_eq!(r.mfe(sg), "no MFE");
    r.dies("A", 60);
    assert_eq!(r.mfe(sg), "interface 1 to nowhere");
}

#[test]
fn t9_8_enumerations_show_what_is_left() {
    let r = left();
    let all: Vec<_> = r.engine.groups(EnumKind::AllSources, None).collect();
    assert_eq!(all, [flow(G)]);
    let row = r.engine.memberships(Flow::WILDCARD).next().expect("there is one");
    assert_eq!(row.owner, [Interface::link(2), Interface::link(3)]);
    let client = r.engine.clients().find(|client| client.id == r.id("A"));
    assert_eq!(client.map(|client| client.interfaces), Some(2));
    assert_eq!(r.engine.grace_ends(r.id("A")), Some(r.now.plus_secs(60)));
    assert_eq!(r.engine.grace_ends(r.id("B")), None);
}

#[test]
fn t9_8_a_successor_is_a_newcomer_with_a_new_handle() {
    let mut r = left();
    let old = r.id("A");
    r.succeeds("A");
    r.expect_nothing(); // by 1.7
                        // It does not have the interfaces yet, and the old handle is no longer its own.
    r.refuses(Code::InvalidParameter, |r| r.try_join("A", flow(G2), 1, Join::State));
    r.refuses(Code::CanNotComplete, |r| r.try_set_mfe("A", flow(SG), "10.9.9.9", 0));
    assert_ne!(r.id("A"), old);
    assert_eq!(r.engine.left_by(Router::ids("A")), None, "there is one successor");
    let again = r.engine.register(Router::ids("A").0, Router::ids("A").1, NoticeKinds::ALL);
    assert_eq!(again.unwrap_err().code(), Code::AlreadyExists);
    // It is told what others want from now on, but not what its component wants.
    r.join("B", G2, 2);
    r.expect(&["I: join (*, 239.1.1.2) member", "A: join (*, 239.1.1.2) member"]);
    r.leave("B", G, 2);
    r.expect(&["A: prune (*, 239.1.1.1) on interface 2"]);
}

#[test]
fn t9_8_without_a_successor_the_ids_are_not_free() {
    let mut r = left();
    let ids = Router::ids("A");
    let refused = r.engine.register(ids.0, ids.1, NoticeKinds::ALL).unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(r.engine.left_by(ids), Some(r.id("A")));
    assert_eq!(r.engine.left_by((ids.0, 77)), None);
}

#[test]
fn t9_8_its_take_is_without_disable_and_enable_and_followed_by_local_joins() {
    let mut r = stage();
    r.join("I", G2, 1);
    r.dies("A", 60);
    r.join("I", ALL, 1); // IGMP goes on meanwhile
    r.succeeds("A");
    r.heard.clear();
    r.take("A", 1);
    r.expect(&[
        "A: local join (*, *) on interface 1",
        "A: local join (*, 239.1.1.2) on interface 1",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    assert!(r.dirty.is_empty(), "no entry of the forwarder has changed");
    r.take("A", 3);
    r.expect_nothing();
    // From now on it gets questions and alerts.
    r.packet("(10.0.0.1, 239.1.1.3)", 1);
    assert!(r.heard.iter().any(|line| line.starts_with("A: rpf")), "{:?}", r.heard);
    r.refuses(Code::AlreadyExists, |r| r.try_take("A", 1));
}

#[test]
fn t9_8_a_take_gives_the_successor_the_role_towards_sources() {
    let mut r = left();
    r.join("B", SG, 2);
    r.expect_nothing();
    r.succeeds("A");
    r.take("A", 1);
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) member"]); // by 4.6
}

#[test]
fn t9_8_an_igmp_successor_likewise() {
    let mut r = stage();
    r.owns("I", &[4]);
    r.join("I", G2, 1);
    r.join("I", G2, 4);
    r.dies("I", 60);
    r.heard.clear();
    r.succeeds("I");
    r.take("I", 1);
    r.take("I", 4);
    r.expect_nothing();
    r.join("I", G2, 1); // there already: its owner is not told again
    r.expect_nothing();
    r.grace_is_done("I");
    // On 4 it was not added again. A, on whose interface 1 it stays, was told of the other component.
    r.expect(&["A: prune (*, 239.1.1.2) on interface 4"]);
    r.leave("I", G2, 1);
    assert!(r.heard.contains(&"A: local leave (*, 239.1.1.2) on interface 1".into()));
}

#[test]
fn t9_8_an_igmp_client_that_ends_between_disable_and_enable_does_not_bar_its_successor() {
    let mut r = stage();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.stalls("I");
    r.returns("I"); // ENABLE_IGMP waits
    r.refuses(Code::CanNotComplete, |r| r.try_join("I", flow(G2), 1, Join::State));
    r.party("I").waiting.clear();
    r.dies("I", 60);
    r.succeeds("I");
    r.take("I", 1);
    r.join("I", G2, 1);
}

#[test]
fn t9_8_takes_of_others_are_refused() {
    let mut r = left();
    r.refuses(Code::AlreadyExists, |r| r.try_take("B", 1));
    r.succeeds("A");
    r.refuses(Code::AlreadyExists, |r| r.try_take("B", 1));
    // Where only IGMP was, too: its memberships would end (D107).
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("I", &[1]);
    r.dies("I", 60);
    r.refuses(Code::AlreadyExists, |r| r.try_take("A", 1));
}

#[test]
fn t9_8_igmp_may_be_enabled_beside_a_client_that_has_ended() {
    let mut r = left();
    r.take("I", 3);
    r.join("I", G2, 3);
    r.expect(&["B: join (*, 239.1.1.2) member"]);
    r.succeeds("A");
    r.take("A", 3);
    r.expect(&["A: local join (*, 239.1.1.2) on interface 3"]);
}

#[test]
fn t9_8_a_release_beside_igmp_that_has_ended_waits_for_no_answer() {
    let mut r = stage();
    r.join("I", G2, 1);
    r.dies("I", 60);
    r.heard.clear();
    r.release("A", 1);
    r.expect(&["B: prune (*, 239.1.1.2) on interface 1"]); // IGMP's memberships end, as in 2.4
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
    r.succeeds("I");
    r.take("I", 1);
    r.expect_nothing();
}

#[test]
fn t9_8_overrides_stay_with_their_mfes() {
    let mut r = stage();
    r.forward_off("A", SG, 3);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    r.dies("A", 60);
    r.succeeds("A");
    r.take("A", 1);
    r.take("A", 3);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    // An override that is on stays, although no membership is added again.
    let mut r = stage();
    r.forward_on("A", SG, 3);
    r.dies("A", 60);
    r.succeeds("A");
    r.take("A", 1);
    r.take("A", 3);
    r.grace_is_done("A");
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    // An add clears it, as always (3.5).
    r.join("A", G2, 3);
    r.join("A", G, 3);
    r.leave("A", G, 3);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t9_8_done_ends_what_was_not_taken_or_added_again() {
    let mut r = stage();
    r.join("A", G2, 3);
    r.join("A", ALL, 3);
    r.join("A", "(*, 239.1.1.3)", 1);
    r.dies("A", 60);
    r.succeeds("A");
    r.take("A", 3);
    r.join("A", G2, 3);
    r.heard.clear();
    r.grace_is_done("A");
    let wants = |r: &Router| -> Vec<_> {
        let rows = r.engine.memberships(Flow::WILDCARD);
        rows.map(|row| (row.flow.to_string(), row.owner.len())).collect()
    };
    assert_eq!(wants(&r), [(G.to_string(), 1), (G2.to_string(), 1)]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")), "IGMP was beside A");
    assert_eq!(r.mfe(SG), "no MFE", "its iif was not taken again");
    let (of_a, of_others): (Vec<_>, Vec<_>) =
        r.heard.drain(..).partition(|line| line.starts_with('A'));
    assert!(of_a.is_empty(), "its own component: {of_a:?}");
    let of_b: Vec<_> = of_others.iter().filter(|line| line.starts_with('B')).collect();
    assert_eq!(
        of_b,
        [
            "B: prune (*, *) on interface 3",
            "B: join (*, 239.1.1.2) member",
            "B: join (*, 239.1.1.3) member",
            "B: prune (*, 239.1.1.3) on interface 1",
        ]
    );
    assert!(of_others.contains(&"I: disable interface 1".into()));
    assert!(of_others.contains(&"I: enable interface 1".into()));
}

#[test]
fn t9_8_what_the_successor_has_released_is_no_longer_left() {
    let mut r = left();
    r.succeeds("A");
    r.take("A", 3);
    r.release("A", 3);
    r.take("B", 9); // it gets the number of 3
    r.join("B", G2, 9);
    r.grace_is_done("A");
    assert_eq!(r.engine.memberships(flow(G2)).count(), 1);
}

#[test]
fn t9_8_the_end_does_not_wait_for_igmp_beside() {
    let mut r = left();
    r.succeeds("A");
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.grace_is_done("A");
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("I")));
    assert_eq!(r.engine.clients().count(), 3);
    r.returns("I");
    assert!(r.heard.contains(&"I: enable interface 1".into()));
}

#[test]
fn t9_8_done_keeps_what_was_added_again() {
    let mut r = left();
    r.succeeds("A");
    r.take("A", 1);
    r.take("A", 3);
    r.join("A", G, 3);
    r.expect_nothing();
    r.dirty.clear();
    r.grace_is_done("A");
    r.expect_nothing();
    assert!(r.dirty.is_empty());
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    assert_eq!(r.engine.clients().count(), 3, "the former A is gone");
    r.release("A", 1);
    r.release("A", 3);
    r.deregister("A");
}

#[test]
fn t9_8_the_end_of_the_time_is_the_end() {
    let mut r = left();
    r.seconds_pass(59);
    r.expect_nothing();
    assert_eq!(r.engine.next_deadline(), Some(r.now.plus_secs(1)));
    r.seconds_pass(1);
    r.graces_end();
    assert_eq!(owner_of(&r, 3).unwrap_err().code(), Code::NotFound);
    assert_eq!(r.engine.clients().count(), 2);
    r.register("A");
}

/// The process of A, which has 200 MFEs and 200 memberships on 1, has ended; its time ends, too.
fn over() -> Router {
    let mut r = stage();
    r.join("B", ALL, 2);
    for n in 0..200 {
        r.packet(&format!("(10.0.0.1, 239.2.0.{n})"), 1);
        r.join("A", &format!("(*, 239.3.0.{n})"), 3);
    }
    r.dies("A", 60);
    r.heard.clear();
    assert_eq!(sizes(&r), (201, 202));
    r.now = r.now.plus_secs(60);
    r
}

/// How many MFEs and memberships there are.
fn sizes(r: &Router) -> (usize, usize) {
    let sizes = r.engine.sizes();
    (sizes.mfes, sizes.memberships)
}

/// Ends the state whose time is over. Returns the size of the largest portion.
fn largest_portion(
    r: &mut Router,
    end_portion: impl Fn(&mut Engine, &mut Effects) -> bool,
) -> usize {
    let (mut before, mut largest, mut goes_on) = (sizes(r), 0, true);
    while goes_on {
        goes_on = r.run(&end_portion);
        let now = sizes(r);
        largest = largest.max(before.0 - now.0).max(before.1 - now.1);
        before = now;
    }
    assert_eq!(r.engine.clients().count(), 2, "all has ended");
    largest
}

#[test]
fn d115_what_a_process_has_left_ends_in_portions_with_its_mfes() {
    let mut r = over();
    r.run(|_, _| ());
    assert_eq!(largest_portion(&mut r, |engine, fx| engine.end_graces(64, fx)), 64);
    assert_eq!(sizes(&r), (0, 2));
}

#[test]
fn d115_the_timer_ends_it_in_the_same_portions() {
    let mut r = over();
    let now = r.now;
    let tick = |engine: &mut Engine, fx: &mut Effects| {
        engine.tick(now, 256, |_| Ok(None), fx);
        engine.next_deadline().is_some_and(|due| due <= now)
    };
    assert_eq!(largest_portion(&mut r, tick), 64);
    assert_eq!(sizes(&r), (0, 2));
}

#[test]
fn t9_8_what_is_over_is_no_longer_taken_over() {
    let mut r = left();
    r.succeeds("A");
    r.now = r.now.plus_secs(60);
    r.refuses(Code::AlreadyExists, |r| {
        r.run(|_, _| ());
        r.try_take("A", 1)
    });
    r.graces_end();
    r.take("A", 3);
}

#[test]
fn t9_8_a_second_death_does_not_lengthen_the_time() {
    let mut r = left();
    r.now = r.now.plus_secs(50);
    r.succeeds("A");
    r.take("A", 1);
    r.take("A", 4);
    r.join("A", G2, 4);
    r.join("A", G2, 1);
    r.heard.clear();
    r.dies("A", 60);
    r.expect_nothing();
    let first = r.engine.left_by(Router::ids("A")).expect("a third one may come");
    assert_eq!(r.engine.grace_ends(first), Some(r.now.plus_secs(10)));
    assert_eq!(r.engine.clients().count(), 3, "the second one is gone");
    // The third one takes what each of them had.
    r.succeeds("A");
    for interface in [1, 3, 4] {
        r.take("A", interface);
    }
    r.expect_nothing();
    r.seconds_pass(10);
    r.graces_end();
    assert_eq!(r.engine.memberships(flow(G2)).count(), 0, "nobody has added it again");
    assert_eq!(owner_of(&r, 4), Ok(Router::ids("A")));
}

#[test]
fn t9_8_a_death_after_the_end_of_the_first_time_begins_a_new_one() {
    let mut r = left();
    r.succeeds("A");
    r.take("A", 1);
    r.grace_is_done("A");
    r.heard.clear();
    r.now = r.now.plus_secs(100);
    r.dies("A", 60);
    r.expect_nothing();
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    assert_eq!(r.engine.grace_ends(r.id("A")), Some(r.now.plus_secs(60)));
}

#[test]
fn t9_8_a_successor_that_leaves_without_grace_leaves_the_rest_to_the_next() {
    let mut r = left();
    r.succeeds("A");
    r.take("A", 3);
    r.release("A", 3);
    r.deregister("A");
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    r.succeeds("A");
    r.take("A", 1);
}

#[test]
fn t9_8_an_interface_that_is_lost_meanwhile_returns_to_its_owner() {
    let mut r = left();
    let id = r.number(3);
    r.run(|engine, fx| engine.interface_lost(id, fx));
    r.succeeds("A");
    r.refuses(Code::InvalidParameter, |r| r.try_take("A", 3));
    r.run(|engine, fx| engine.interface_back(id, fx));
    r.take("A", 3);
    assert_eq!(owner_of(&r, 3), Ok(Router::ids("A")));
}
