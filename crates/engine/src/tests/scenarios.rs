//! The rules of RFC 2715: several protocols in one router, and which of them is told what, in which
//! order.
//!
//! The clients, unless a scenario says otherwise:
//!
//! | client | is | has |
//! | --- | --- | --- |
//! | D | a dense mode protocol, a wildcard receiver: it wants every packet to flood it | 1, where the sources are, and 4 |
//! | S | a sparse mode protocol: it joins groups | 2 |
//! | B | a border protocol | 3 |
//! | I | IGMP | 5 and 6, alone; elsewhere beside the owner |

use super::*;
use smallvec::smallvec;

const G: &str = "(*, 239.1.1.1)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";
const EVERYTHING: &str = "(*, *)";

/// The clients with their interfaces. The source is on D's network 1.
fn cast() -> Router {
    let mut r = Router::with(&["D", "S", "B", "I"]);
    r.owns("D", &[1, 4]).owns("S", &[2]).owns("B", &[3]).owns("I", &[5, 6]);
    r.source("10.0.0.1", connected(1));
    r
}

// ---- RFC 2715 rule 1: one owner of the incoming interface for all ----------

#[test]
fn t5_2_rule_1_only_the_owner_of_the_way_to_the_source_is_asked_for_it() {
    let mut r = cast();
    r.join("S", G, 2);
    r.join("B", G, 3);
    r.join("I", G, 5);
    r.heard.clear();
    r.packet(SG, 1);
    r.expect(&[
        "D: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "S: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3",
        "I: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 5 (igmp)",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3, interface 5");
}

#[test]
fn t5_10_rule_1_both_owners_hear_when_the_way_to_the_source_moves() {
    let mut r = cast();
    r.join("S", G, 2);
    r.join("B", G, 3);
    r.packet(SG, 1);
    r.heard.clear();
    r.reroute("10.0.0.1", via(3, "10.3.0.1"));
    r.expect(&[
        "B: rpf (10.0.0.1, 239.1.1.1) on interface 3 from 10.3.0.1",
        "D: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "B: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    // The packets arrive on B's own link now, so it is no oif. S is not told.
    assert_eq!(r.mfe(SG), "interface 3 to interface 2");
}

// ---- RFC 2715 rule 2: who owns an interface decides about its packets ------

#[test]
fn t5_7_rule_2_a_stray_packet_is_for_the_owner_of_the_link_it_strayed_to() {
    let mut r = cast();
    r.join("S", G, 2);
    r.packet(SG, 1);
    r.heard.clear();
    // In PIM this starts an assert: the neighbours of B and of S forward the same packets.
    assert_eq!(r.packet(SG, 3), Outcome::Refused(Refused::WrongInterface));
    r.expect(&["B: wrong if (10.0.0.1, 239.1.1.1) on interface 3"]);
    // On a link without a protocol, IGMP is told.
    assert_eq!(r.packet(SG, 6), Outcome::Refused(Refused::WrongInterface));
    r.expect(&["I: wrong if (10.0.0.1, 239.1.1.1) on interface 6"]);
    assert!(matches!(r.packet(SG, 1), Outcome::Forwarded(_)), "the flow does not mind");
}

// ---- RFC 2715 rule 3: all are asked before the first packet goes out -------

#[test]
fn t5_4_rule_3_no_packet_goes_out_before_the_slowest_has_answered() {
    let mut r = cast();
    r.join("S", G, 2);
    r.join("B", G, 3);
    r.heard.clear();
    r.stays_in("S", NoticeKind::Creation);
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    r.expect(&[
        "D: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "S: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3",
    ]);
    // B has answered, and still has to wait. No client is asked a second time.
    assert_eq!(r.packet(SG, 1), Outcome::Resolving);
    r.expect_nothing();
    assert_eq!(r.mfe(SG), "no MFE");
    r.switches_off("S", 2);
    r.returns("S");
    assert_eq!(r.packet(SG, 1), Outcome::Forwarded(smallvec![3.there()]));
    r.expect_nothing();
}

// ---- RFC 2715 rules 4 and 5: the last oif goes, the first one comes --------

#[test]
fn t5_8_rules_4_and_5_the_iifs_owner_hears_of_the_last_oif_and_of_the_first() {
    let mut r = cast();
    r.owns("I", &[2]);
    r.join("I", G, 2);
    r.join("B", G, 3);
    r.packet(SG, 1);
    r.heard.clear();
    // One of two ends: B remains, and is told that no other client wants it.
    r.leave("I", G, 2);
    r.expect(&[
        "S: local leave (*, 239.1.1.1) on interface 2",
        "B: prune (*, 239.1.1.1) on interface 2",
    ]);
    r.leave("B", G, 3);
    r.expect(&[
        "D: prune (*, 239.1.1.1) on interface 3",
        "S: prune (*, 239.1.1.1) on interface 3",
        "I: prune (*, 239.1.1.1) on interface 3",
        "D: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
    ]);
    // A host on a link that only IGMP has wants it: D must graft.
    r.join("I", G, 6);
    r.expect(&[
        "D: join (*, 239.1.1.1) member",
        "S: join (*, 239.1.1.1) member",
        "B: join (*, 239.1.1.1) member",
        "D: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    // Only the component that was alone is told of the second oif.
    r.join("S", G, 2);
    r.expect(&["I: join (*, 239.1.1.1) member"]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 6");
}

#[test]
fn t5_5_rule_4_a_flow_that_nobody_wants_is_pruned_at_once() {
    let mut r = cast();
    r.packet(SG, 1);
    r.expect(&[
        "D: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "D: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
    ]);
}

// ---- The dispatcher --------------------------------------------------------

#[test]
fn t4_2_the_dispatchers_table_row_by_row() {
    let mut r = cast();
    // The first wildcard receiver: all others have to send everything.
    r.join("D", EVERYTHING, 4);
    r.expect(&["S: join (*, *) member", "B: join (*, *) member", "I: join (*, *) member"]);
    // Beside it, only D is told of the first group (spec 4.5).
    r.join("S", G, 2);
    r.expect(&["D: join (*, 239.1.1.1) member"]);
    r.join("B", G, 3);
    r.expect_nothing();
    r.join("I", G, 5);
    r.expect_nothing();
    // A second wildcard receiver: D is told that another client wants everything.
    r.join("B", EVERYTHING, 3);
    r.expect(&["D: join (*, *) member"]);
    r.join("I", EVERYTHING, 6);
    r.expect_nothing();
    r.leave("I", EVERYTHING, 6);
    r.expect_nothing();
    // The second one ends: D is told again of the groups that others want.
    r.leave("B", EVERYTHING, 3);
    r.expect(&["D: prune (*, *) on interface 3", "D: join (*, 239.1.1.1) member"]);
}

#[test]
fn t4_4_igmps_links_are_one_component_among_others() {
    let mut r = cast();
    r.join("I", G, 5);
    r.expect(&[
        "D: join (*, 239.1.1.1) member",
        "S: join (*, 239.1.1.1) member",
        "B: join (*, 239.1.1.1) member",
    ]);
    r.join("I", G, 6);
    r.expect_nothing();
    r.join("S", G, 2);
    r.expect(&["I: join (*, 239.1.1.1) member"]);
    r.leave("I", G, 5);
    r.expect_nothing();
    r.leave("I", G, 6);
    r.expect(&["S: prune (*, 239.1.1.1) on interface 6"]);
    r.leave("S", G, 2);
    r.expect(&[
        "D: prune (*, 239.1.1.1) on interface 2",
        "B: prune (*, 239.1.1.1) on interface 2",
        "I: prune (*, 239.1.1.1) on interface 2",
    ]);
}

#[test]
fn t4_1_igmp_beside_two_owners_speaks_for_each_of_them() {
    let mut r = cast();
    r.owns("I", &[2, 3]);
    // The same client, the same group, two links, two components.
    r.join("I", G, 2);
    r.expect(&[
        "S: local join (*, 239.1.1.1) on interface 2",
        "D: join (*, 239.1.1.1) member",
        "B: join (*, 239.1.1.1) member",
    ]);
    r.join("I", G, 3);
    r.expect(&["B: local join (*, 239.1.1.1) on interface 3", "S: join (*, 239.1.1.1) member"]);
}

// ---- Black holes -----------------------------------------------------------

#[test]
fn t4_2_a_wildcard_receiver_leaves_while_others_hold_the_group() {
    let mut r = cast();
    r.join("S", G, 2);
    r.join("D", EVERYTHING, 4);
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 4, interface 2");
    r.heard.clear();
    // B and IGMP were told "everything", and that is taken back: without the JOIN
    // behind it they would stop to send what S still wants. S has only itself left.
    r.leave("D", EVERYTHING, 4);
    r.expect(&[
        "S: prune (*, *) on interface 4",
        "B: prune (*, *) on interface 4",
        "B: join (*, 239.1.1.1) member",
        "I: prune (*, *) on interface 4",
        "I: join (*, 239.1.1.1) member",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t4_8_a_wildcard_receiver_that_loses_its_link_leaves_no_black_hole_either() {
    let mut r = cast();
    r.join("S", G, 2);
    r.join("D", EVERYTHING, 4);
    r.join("D", G, 4);
    r.heard.clear();
    r.release("D", 4);
    // D is not told of its own call, and its group is hidden by its wildcard. But S is then the
    // only one that wants the group.
    r.expect(&[
        "S: prune (*, *) on interface 4",
        "B: prune (*, *) on interface 4",
        "B: join (*, 239.1.1.1) member",
        "I: prune (*, *) on interface 4",
        "I: join (*, 239.1.1.1) member",
    ]);
}

#[test]
fn t3_5_after_a_veto_a_host_joins_and_the_owner_has_the_last_word() {
    let mut r = cast();
    r.owns("I", &[2]);
    r.join("S", G, 2);
    r.switches_off("S", 2);
    r.packet(SG, 1);
    r.heard.clear();
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    // The host's join is recorded, and the owner is told, but the owner's veto remains.
    r.join("I", G, 2);
    r.expect(&["S: local join (*, 239.1.1.1) on interface 2"]);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    // S is told of the host, and joins again. The membership exists already, but this ends the veto,
    // and D has to fetch the flow.
    r.join("S", G, 2);
    r.expect(&["D: join (10.0.0.1, 239.1.1.1) mfe"]);
    assert_eq!(r.packet(SG, 1), Outcome::Forwarded(smallvec![2.there()]));
}

#[test]
fn t4_6_the_owner_of_the_way_to_the_source_leaves_its_own_join() {
    let mut r = cast();
    // D's receivers on 4 want the source, and then B's do. S is never told.
    r.join("D", SG, 4);
    r.expect_nothing();
    r.join("B", SG, 3);
    r.expect(&["D: join (10.0.0.1, 239.1.1.1) member"]);
    r.packet(SG, 1);
    r.heard.clear();
    // D leaves: it is not told of its own call, and B's join, of which it was told, remains.
    r.leave("D", SG, 4);
    r.expect_nothing();
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    r.leave("B", SG, 3);
    r.expect(&[
        "D: prune (10.0.0.1, 239.1.1.1) on interface 3",
        "D: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
    ]);
}

#[test]
fn t4_6_the_way_to_the_source_gets_a_new_owner_and_it_hears_of_the_join() {
    let mut r = cast();
    r.join("D", SG, 4);
    r.join("B", SG, 3);
    r.packet(SG, 1);
    r.heard.clear();
    // D releases the link. No client is towards the source, and the MFE ends.
    r.release("D", 1);
    r.expect(&["D: prune (10.0.0.1, 239.1.1.1) on interface 0"]);
    assert_eq!(r.mfe(SG), "no MFE");
    // S takes it: two others want the source.
    r.take("S", 1);
    r.expect(&["S: join (10.0.0.1, 239.1.1.1) member"]);
    r.packet(SG, 1);
    r.expect(&[
        "S: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "D: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 4",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3",
    ]);
}

// ---- The original's traps --------------------------------------------------

#[test]
fn t0_5_a_receiver_on_the_senders_own_lan_never_turns_a_negative_mfe_active() {
    let mut r = cast();
    r.owns("I", &[1]);
    r.packet(SG, 1);
    r.heard.clear();
    // KB279096: the host gets the packets without any router.
    r.join("I", G, 1);
    r.expect(&[
        "D: local join (*, 239.1.1.1) on interface 1",
        "S: join (*, 239.1.1.1) member",
        "B: join (*, 239.1.1.1) member",
    ]);
    r.join("D", G, 1);
    r.forward_on("D", SG, 1);
    r.expect_nothing();
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    assert_eq!(r.packet(SG, 1), Outcome::Forwarded(smallvec![]));
    // Another link's receiver does.
    r.join("S", G, 2);
    r.expect(&["D: join (*, 239.1.1.1) member", "D: join (10.0.0.1, 239.1.1.1) mfe"]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t2_4_igmp_adds_inside_enable_and_the_flow_comes_back_under_the_new_owner() {
    let mut r = cast();
    r.join("I", G, 5);
    r.packet(SG, 1);
    r.heard.clear();
    r.stays_in("I", NoticeKind::EnableIgmp);
    r.take("S", 5);
    r.expect(&[
        "I: disable interface 5",
        "D: prune (*, 239.1.1.1) on interface 5",
        "S: prune (*, 239.1.1.1) on interface 5",
        "B: prune (*, 239.1.1.1) on interface 5",
        "D: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "I: enable interface 5",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    // Still inside the callback: this was a deadlock on Windows.
    r.inside_a_callback(|r| r.join("I", G, 5));
    r.expect(&[
        "S: local join (*, 239.1.1.1) on interface 5",
        "D: join (*, 239.1.1.1) member",
        "B: join (*, 239.1.1.1) member",
        "D: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    r.returns("I");
    r.expect_nothing();
    assert_eq!(r.mfe(SG), "interface 1 to interface 5");
}

#[test]
fn t6_7_a_reader_sees_one_life_or_the_other_when_the_time_out_changes() {
    let mut r = cast();
    let life = |r: &Router| {
        let row = r.row(SG).expect("the MFE is there");
        let left = row.expiry_ms().expect("it ends");
        assert_eq!(row.up_ms + left, u64::from(row.timeout) * 1000, "its parts fit together");
        (row.timeout, left / 1000)
    };
    r.stays_in("D", NoticeKind::Prune);
    r.packet(SG, 1);
    r.seconds_pass(100);
    assert_eq!(life(&r), (900, 800), "D has not answered yet");
    r.answers_time_out("D", 30);
    r.returns("D");
    assert_eq!(life(&r), (30, 30), "its answer counts from when it came");
    r.seconds_pass(10);
    assert_eq!(life(&r), (30, 20));
    // A host joins and leaves. The next answer is a longer time-out.
    r.join("S", G, 2);
    r.answers_time_out("D", 60);
    r.leave("S", G, 2);
    assert_eq!(life(&r), (60, 60));
    r.seconds_pass(25);
    assert_eq!(life(&r), (60, 35), "the end of the former life is nobody's any more");
    r.seconds_pass(35);
    assert_eq!(r.mfe(SG), "no MFE");
}
