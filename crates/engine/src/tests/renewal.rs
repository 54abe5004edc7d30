//! MFEs that are renewed (spec 5.6), and MFEs whose route changes (spec 5.10).

use super::*;

pub(super) const FLOW: &str = "(10.0.0.1, 239.1.1.1)";

/// A owns 1, towards the source, B wants the group on 2, C owns 3.
pub(super) fn flowing() -> Router {
    let mut r = Router::with(&["A", "B", "C"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("C", &[3]).source("10.0.0.1", connected(1));
    r.join("B", "(*, 239.1.1.1)", 2);
    r.packet(FLOW, 1);
    r.heard.clear();
    r
}

/// The iif and the oifs of the MFE, as interface indexes.
pub(super) fn entry(r: &Router) -> Option<(u32, Vec<u32>)> {
    let mut row = MfeRow::default();
    r.engine
        .read_mfe(r.now, flow(FLOW), &mut row)
        .then(|| (row.iif.index, row.oifs.iter().map(|oif| oif.interface.index).collect()))
}

#[test]
fn t5_6_an_mfe_that_forwarded_lives_on_and_asks_again() {
    let mut r = flowing();
    r.packet(FLOW, 1);
    r.heard.clear();
    r.seconds_pass(900);
    r.expect(&[
        "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
    ]);
    assert_eq!(entry(&r), Some((1, vec![2])));
    r.seconds_pass(899);
    assert_eq!(entry(&r), Some((1, vec![2])), "its life started again");
    r.seconds_pass(1);
    assert_eq!(entry(&r), None, "nothing came in its second life");
}

#[test]
fn t5_6_forwarding_goes_on_while_the_renewal_asks() {
    let mut r = flowing();
    r.packet(FLOW, 1);
    r.stays_in("A", NoticeKind::Rpf);
    r.seconds_pass(900);
    assert_eq!(entry(&r), Some((1, vec![2])));
    assert!(matches!(r.packet(FLOW, 1), Outcome::Forwarded(_)));
    r.seconds_pass(60);
    assert_eq!(entry(&r), Some((1, vec![2])), "however long the answer takes");
    r.returns("A");
    r.seconds_pass(899);
    assert_eq!(entry(&r), Some((1, vec![2])));
}

#[test]
fn t5_6_overrides_hold_until_the_new_answers_replace_them() {
    let mut r = flowing();
    r.join("C", "(*, 239.1.1.1)", 3);
    r.forward_off("C", FLOW, 3);
    assert_eq!(entry(&r), Some((1, vec![2])));
    r.packet(FLOW, 1);
    r.switches_off("B", 2);
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    assert_eq!(entry(&r), Some((1, vec![2])), "the old overrides still hold");
    r.returns("B");
    assert_eq!(entry(&r), Some((1, vec![3])), "B switched its own off, C left its own on");
}

#[test]
fn t5_6_a_join_during_the_renewal_beats_its_answer() {
    let mut r = flowing();
    r.packet(FLOW, 1);
    r.switches_off("B", 2);
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    r.join("B", FLOW, 2);
    r.returns("B");
    assert_eq!(entry(&r), Some((1, vec![2])));
}

#[test]
fn t5_6_a_forward_delete_during_the_renewal_beats_its_answer() {
    let mut r = flowing();
    r.packet(FLOW, 1);
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    r.forward_off("B", FLOW, 2);
    r.returns("B");
    assert_eq!(entry(&r), Some((1, vec![])));
}

#[test]
fn t5_9_what_is_set_during_the_renewal_beats_the_rpf_answer_before_it() {
    let mut r = flowing();
    r.owns("A", &[4]);
    r.packet(FLOW, 1);
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    r.set_mfe("A", FLOW, "10.4.0.9", 4);
    r.returns("B");
    let set = |r: &Router| r.row(FLOW).map(|row| (row.iif, row.upstream, row.up_ms));
    assert_eq!(set(&r), Some((4.there(), addr("10.4.0.9"), 0)), "and it is renewed");
    // Only the neighbour, and from an interface with another owner.
    r.packet(FLOW, 4);
    r.names_iif("A", 1, "10.1.0.1");
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    r.set_mfe("A", FLOW, "10.4.0.8", 2);
    r.returns("B");
    assert_eq!(set(&r), Some((4.there(), addr("10.4.0.8"), 0)));
}

#[test]
fn t5_9_the_rpf_answer_of_a_renewal_beats_what_was_set_before_it() {
    let mut r = flowing();
    r.owns("A", &[4]);
    r.packet(FLOW, 1);
    r.stays_in("A", NoticeKind::Rpf);
    r.seconds_pass(900);
    r.set_mfe("A", FLOW, "10.4.0.9", 4);
    assert_eq!(entry(&r), Some((4, vec![2])));
    r.returns("A");
    assert_eq!(entry(&r), Some((1, vec![2])));
}

#[test]
fn t5_9_an_mfe_that_was_moved_during_its_renewal_outlives_its_former_iif() {
    let mut r = flowing();
    // For a source that is the router itself, the iif is where its packets arrive.
    r.reroute("10.0.0.1", local());
    r.owns("A", &[4]);
    r.packet(FLOW, 1);
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    r.set_mfe("A", FLOW, "0.0.0.0", 4);
    r.release("A", 1);
    r.returns("B");
    assert_eq!(entry(&r), Some((4, vec![2])));
}

#[test]
fn t5_10_a_route_that_moves_during_the_renewal_does_not_wait_for_its_answers() {
    for asleep in [("A", NoticeKind::Rpf), ("B", NoticeKind::Creation)] {
        let mut r = flowing();
        r.packet(FLOW, 1);
        r.stays_in(asleep.0, asleep.1);
        r.seconds_pass(900);
        r.stays_in("C", NoticeKind::Rpf);
        r.heard.clear();
        r.reroute("10.0.0.1", via(3, "10.3.0.1"));
        r.expect(&["C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.0.1"]);
        assert_eq!(entry(&r), Some((1, vec![2])), "forwards meanwhile");
        // And a second time, to where C's answer is not waited for either.
        r.reroute("10.0.0.1", Route::NONE);
        assert_eq!(entry(&r), None);
        r.returns("C");
        r.returns(asleep.0);
        assert_eq!(entry(&r), None, "the answers come to nothing");
    }
}

#[test]
fn t5_8_a_renewal_that_swaps_its_only_oif_is_no_news() {
    let mut r = flowing();
    r.join("C", "(*, 239.1.1.1)", 3);
    r.forward_off("C", FLOW, 3);
    r.packet(FLOW, 1);
    r.switches_off("B", 2);
    r.heard.clear();
    r.seconds_pass(900);
    r.expect(&[
        "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
        "C: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3",
    ]);
    assert_eq!(entry(&r), Some((1, vec![3])));
}

#[test]
fn t5_6_time_outs_far_away_do_not_pile_up() {
    let mut r = flowing();
    r.answers_time_out("A", u32::MAX - 1);
    for _ in 0..5_000 {
        r.leave("B", "(*, 239.1.1.1)", 2);
        r.join("B", "(*, 239.1.1.1)", 2);
    }
    assert!(
        r.engine.tables.expiry.len() < 2_000,
        "{} entries for one MFE",
        r.engine.tables.expiry.len()
    );
}

#[test]
fn t5_6_an_mfe_released_during_its_renewal_stays_deleted() {
    let mut r = flowing();
    r.packet(FLOW, 1);
    r.stays_in("B", NoticeKind::Creation);
    r.seconds_pass(900);
    r.release("A", 1);
    r.returns("B");
    assert_eq!(entry(&r), None);
    assert!(!r.engine.is_resolving(flow(FLOW)));
}

#[test]
fn t5_6_a_renewed_mfe_keeps_the_time_out_that_its_owner_gave_it() {
    let mut r = flowing();
    r.answers_time_out("A", 30);
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.join("B", "(*, 239.1.1.1)", 2);
    r.packet(FLOW, 1);
    r.heard.clear();
    r.seconds_pass(30);
    assert_eq!(r.heard.len(), 2, "RPF and CREATION_ALERT are asked again");
    assert_eq!(r.row(FLOW).map(|row| (row.timeout, row.up_ms)), Some((30, 0)));
    r.seconds_pass(30);
    assert_eq!(entry(&r), None);
}

#[test]
fn t5_6_packets_that_the_forwarder_counts_itself_count() {
    let mut r = flowing();
    for (counted, lives) in [(7, true), (7, false)] {
        r.counted = Ok(Some(counted));
        r.seconds_pass(900);
        assert_eq!(entry(&r).is_some(), lives);
    }
}

#[test]
fn t5_6_packets_before_a_time_out_was_set_are_of_another_life() {
    let mut r = flowing();
    r.counted = Ok(Some(7));
    r.answers_time_out("A", 30);
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.join("B", "(*, 239.1.1.1)", 2);
    r.seconds_pass(30);
    assert_eq!(entry(&r), None);
}

/// The forwarder does not return its counters.
fn no_answer() -> Result<Option<u64>> {
    Err(mgm_types::Refusal::Forwarder("on purpose".into()))
}

#[test]
fn t5_6_what_the_forwarder_cannot_tell_now_ends_no_life() {
    let mut r = flowing();
    r.counted = no_answer();
    r.seconds_pass(900);
    r.seconds_pass(1);
    assert_eq!(entry(&r), Some((1, vec![2])), "it may have forwarded");
    assert!(r.heard.is_empty(), "nor is it known that it did: {:?}", r.heard);
    r.counted = Ok(Some(7));
    r.seconds_pass(1);
    assert_eq!(r.heard.len(), 2, "RPF and CREATION_ALERT: it did, and is renewed");
    r.counted = no_answer();
    r.seconds_pass(900);
    r.counted = Ok(Some(7));
    r.seconds_pass(1);
    assert_eq!(entry(&r), None, "nothing came in its second life");
}

#[test]
fn t5_6_an_mfe_without_oifs_ends_whatever_came_in() {
    let mut r = flowing();
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.counted = no_answer();
    r.seconds_pass(900);
    assert_eq!(entry(&r), None);
}

#[test]
fn t5_6_a_count_that_is_unknown_when_a_life_begins_is_the_last_one_known() {
    let mut r = flowing();
    r.counted = Ok(Some(7));
    r.seconds_pass(900);
    assert_eq!(entry(&r), Some((1, vec![2])), "renewed");
    r.counted = no_answer();
    r.answers_time_out("A", 30);
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.join("B", "(*, 239.1.1.1)", 2);
    r.counted = Ok(Some(7));
    r.seconds_pass(30);
    assert_eq!(entry(&r), None, "the seven are of the first life");
}

#[test]
fn t5_6_a_time_out_of_a_former_owner_begins_no_life() {
    let mut r = flowing();
    r.stays_in("A", NoticeKind::Prune);
    r.reroute("10.0.0.1", via(3, "10.3.0.1"));
    r.counted = Ok(Some(7));
    r.returns("A"); // it is C's by now
    r.seconds_pass(900);
    assert_eq!(entry(&r), Some((3, vec![2])), "it forwarded, and lives on");
}

#[test]
fn t5_6_an_own_stream_ends_where_the_forwarder_cannot_tell_by_which_interface_it_came() {
    let mut r = flowing();
    r.reroute("10.0.0.1", local());
    r.counted = Ok(Some(7)); // on whichever interface
    r.seconds_pass(900);
    assert_eq!(entry(&r), None);
    r.expect(&[]);
    r.packet(FLOW, 3.there());
    assert_eq!(entry(&r), Some((3, vec![2])), "it is made anew where the stream comes in now");

    // With a forwarder for which the engine counts, this is known.
    let mut r = flowing();
    r.reroute("10.0.0.1", local());
    r.packet(FLOW, 1);
    r.seconds_pass(900);
    assert_eq!(entry(&r), Some((1, vec![2])));
    r.packet(FLOW, 3);
    r.seconds_pass(900);
    assert_eq!(entry(&r), None, "a packet on another interface is not accepted");
}

#[test]
fn t5_6_no_packet_caused_the_questions_of_a_renewal() {
    let mut r = flowing();
    r.packet(FLOW, 1);
    r.now = r.now.plus_secs(900);
    let mut fx = Effects::default();
    r.engine.tick(r.now, 1000, |_| Ok(None), &mut fx);
    let asked: Vec<_> = fx.take_notices().into_iter().map(|(_, notice)| notice).collect();
    assert!(
        matches!(&asked[..], [Notice::Rpf { header, .. }] if header.is_empty()),
        "a header of former times would be a lie: {asked:?}"
    );
}

#[test]
fn t5_10_an_iif_that_the_owner_chose_stays_until_its_look_up_moves() {
    let mut r = flowing();
    r.owns("A", &[4]);
    r.set_mfe("A", FLOW, "10.4.0.9", 4);
    // The route is another one, but leads to the same interface and neighbour.
    r.reroute("10.0.0.1", Route { protocol: 13, ..connected(1) });
    r.expect(&[]);
    assert_eq!(entry(&r), Some((4, vec![2])));
    r.reroute("10.0.0.1", via(1, "10.1.0.1"));
    r.expect(&["A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 10.1.0.1"]);
    assert_eq!(entry(&r), Some((1, vec![2])));
}

#[test]
fn t5_10_a_moved_route_asks_the_new_owner_and_forwards_on_the_old_iif_meanwhile() {
    let mut r = flowing();
    r.stays_in("C", NoticeKind::Rpf);
    r.reroute("10.0.0.1", via(3, "10.3.0.1"));
    r.expect(&["C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.0.1"]);
    assert_eq!(entry(&r), Some((1, vec![2])));
    r.returns("C");
    r.expect(&[
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "C: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    assert_eq!(entry(&r), Some((3, vec![2])));
}

#[test]
fn t5_10_a_negative_mfe_prunes_towards_its_new_owner() {
    let mut r = flowing();
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    r.reroute("10.0.0.1", via(3, "10.3.0.1"));
    r.expect(&[
        "C: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.0.1",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "C: prune (10.0.0.1, 239.1.1.1) mfe on interface 3, 900 s",
    ]);
}

#[test]
fn t5_10_the_same_owner_is_told_nothing() {
    let mut r = flowing();
    r.owns("A", &[4]);
    r.reroute("10.0.0.1", via(4, "10.4.0.1"));
    r.expect(&["A: rpf (10.0.0.1, 239.1.1.1) on interface 4 from 10.4.0.1"]);
    assert_eq!(entry(&r), Some((4, vec![2])));
}

#[test]
fn t5_10_without_a_route_the_mfe_is_deleted() {
    let mut r = flowing();
    r.reroute("10.0.0.1", Route::NONE);
    r.expect(&[]);
    assert_eq!(entry(&r), None);
}

#[test]
fn t5_10_an_mfe_that_waits_for_a_rerouting_still_ends_in_time() {
    let mut r = flowing();
    r.stays_in("C", NoticeKind::Rpf);
    r.reroute("10.0.0.1", via(3, "10.3.0.1"));
    r.seconds_pass(900);
    r.returns("C");
    r.seconds_pass(2);
    assert_eq!(entry(&r), None);
}

#[test]
fn t5_7_what_has_become_the_right_interface_is_not_told_wrong() {
    let mut r = flowing();
    r.reroute("10.0.0.1", via(3, "10.3.0.1"));
    r.heard.clear();
    // The kernel's upcall was on its way when the MFE moved to 3.
    let now = r.now;
    r.run(|engine, fx| engine.wrong_if(now, &wrong(flow(FLOW), 3.there()), None, |_| Ok(None), fx));
    r.expect(&[]);
    r.run(|engine, fx| engine.wrong_if(now, &wrong(flow(FLOW), 1.there()), None, |_| Ok(None), fx));
    r.expect(&["A: wrong if (10.0.0.1, 239.1.1.1) on interface 1"]);
}
