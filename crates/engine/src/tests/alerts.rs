//! Chapter 4: which clients are told of the memberships of others.

use super::*;

const G: &str = "(*, 239.1.1.1)";
const G2: &str = "(*, 239.2.2.2)";
const ALL: &str = "(*, *)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";

/// A, B and C with an interface of the same number each, and IGMP.
fn three() -> Router {
    let mut r = Router::with(&["A", "B", "C", "I"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("C", &[3]);
    r
}

#[test]
fn t4_1_igmp_speaks_for_the_protocol_on_whose_interface_it_is() {
    let mut r = three();
    r.owns("I", &[1]);
    r.join("I", G, 1);
    r.expect(&[
        "A: local join (*, 239.1.1.1) on interface 1",
        "B: join (*, 239.1.1.1) member",
        "C: join (*, 239.1.1.1) member",
    ]);
    // A's own membership is of the same component, so no client is told.
    r.join("A", G, 1);
    r.expect_nothing();
    r.leave("I", G, 1);
    r.expect(&["A: local leave (*, 239.1.1.1) on interface 1"]);
    r.leave("A", G, 1);
    // IGMP is not the caller now, and no part of A's component.
    r.expect(&[
        "B: prune (*, 239.1.1.1) on interface 1",
        "C: prune (*, 239.1.1.1) on interface 1",
        "I: prune (*, 239.1.1.1) on interface 1",
    ]);
}

#[test]
fn t4_1_the_calling_client_is_not_told_of_its_own_act() {
    let mut r = three();
    r.owns("I", &[1, 9]);
    // IGMP is a component of its own through interface 9, and still hears nothing
    // of what it does for A.
    for text in [G, ALL, SG] {
        r.join("I", text, 1);
        r.leave("I", text, 1);
    }
    assert!(r.heard.iter().all(|line| !line.starts_with("I:")), "{:?}", r.heard);
}

#[test]
fn t0_1_all_interfaces_that_igmp_has_alone_are_one_component() {
    let mut r = Router::with(&["A", "I"]);
    r.owns("A", &[1]).owns("I", &[7, 8]);
    r.join("I", G, 7);
    r.expect(&["A: join (*, 239.1.1.1) member"]);
    r.join("I", G, 8);
    r.leave("I", G, 7);
    r.expect_nothing();
    r.leave("I", G, 8);
    r.expect(&["A: prune (*, 239.1.1.1) on interface 8"]);
}

#[test]
fn t4_2_a_wildcard_hides_the_groups_of_others() {
    let mut r = three();
    r.join("A", ALL, 1);
    r.expect(&["B: join (*, *) member", "C: join (*, *) member", "I: join (*, *) member"]);
    // B, C and I want everything to be sent already; only A learns of the group.
    r.join("B", G, 2);
    r.expect(&["A: join (*, 239.1.1.1) member"]);
    r.leave("B", G, 2);
    r.expect(&["A: prune (*, 239.1.1.1) on interface 2"]);
}

#[test]
fn t4_2_after_the_last_wildcard_the_groups_that_remain_are_joined_again() {
    let mut r = three();
    r.join("A", ALL, 1);
    r.join("B", G2, 2);
    r.join("B", G, 2);
    r.heard.clear();
    r.leave("A", ALL, 1);
    r.expect(&[
        "B: prune (*, *) on interface 1",
        "C: prune (*, *) on interface 1",
        "C: join (*, 239.1.1.1) member",
        "C: join (*, 239.2.2.2) member",
        "I: prune (*, *) on interface 1",
        "I: join (*, 239.1.1.1) member",
        "I: join (*, 239.2.2.2) member",
    ]);
}

#[test]
fn t4_2_a_group_that_ends_behind_a_wildcard_is_not_joined_again() {
    let mut r = three();
    r.join("B", G, 2);
    r.join("A", ALL, 1);
    r.heard.clear();
    r.leave("B", G, 2);
    r.expect(&["A: prune (*, 239.1.1.1) on interface 2"]);
    r.leave("A", ALL, 1);
    r.expect(&[
        "B: prune (*, *) on interface 1",
        "C: prune (*, *) on interface 1",
        "I: prune (*, *) on interface 1",
    ]);
}

#[test]
fn t4_2_the_second_wildcard_is_news_to_the_first_alone() {
    let mut r = three();
    r.join("A", ALL, 1);
    r.heard.clear();
    r.join("B", ALL, 2);
    r.expect(&["A: join (*, *) member"]);
    r.join("C", ALL, 3);
    r.expect_nothing();
    r.leave("C", ALL, 3);
    r.expect_nothing();
    r.leave("A", ALL, 1);
    // B is told of no other flow, and the others still have B's memberships.
    r.expect(&["B: prune (*, *) on interface 1"]);
}

#[test]
fn t4_3_first_join_alerts_all_others() {
    let mut r = three();
    r.join("A", G, 1);
    r.expect(&[
        "B: join (*, 239.1.1.1) member",
        "C: join (*, 239.1.1.1) member",
        "I: join (*, 239.1.1.1) member",
    ]);
}

#[test]
fn t4_3_second_components_join_alerts_the_first_alone() {
    let mut r = three();
    r.join("A", G, 1);
    r.heard.clear();
    r.join("B", G, 2);
    r.expect(&["A: join (*, 239.1.1.1) member"]);
    r.join("C", G, 3);
    r.expect_nothing();
}

#[test]
fn t4_3_another_interface_of_the_same_component_is_no_news() {
    let mut r = three();
    r.owns("A", &[4]);
    r.join("A", G, 1);
    r.heard.clear();
    r.join("A", G, 4);
    r.leave("A", G, 1);
    r.expect_nothing();
}

#[test]
fn t4_4_second_to_last_leave_alerts_the_one_that_remains() {
    let mut r = three();
    r.join("A", G, 1);
    r.join("B", G, 2);
    r.join("C", G, 3);
    r.heard.clear();
    r.leave("C", G, 3);
    r.expect_nothing();
    r.leave("A", G, 1);
    r.expect(&["B: prune (*, 239.1.1.1) on interface 1"]);
}

#[test]
fn t4_4_last_leave_alerts_all_others() {
    let mut r = three();
    r.join("B", G, 2);
    r.heard.clear();
    r.leave("B", G, 2);
    r.expect(&[
        "A: prune (*, 239.1.1.1) on interface 2",
        "C: prune (*, 239.1.1.1) on interface 2",
        "I: prune (*, 239.1.1.1) on interface 2",
    ]);
}

#[test]
fn t4_5_a_wildcard_receiver_counts_as_interested_in_every_group() {
    let mut r = three();
    r.source("10.0.0.1", connected(1));
    r.join("B", ALL, 2);
    r.expect(&["A: join (*, *) member", "C: join (*, *) member", "I: join (*, *) member"]);
    // So a group's traffic reaches it, and its join of the group is no news.
    r.join("B", G, 2);
    r.leave("B", G, 2);
    r.expect_nothing();
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t4_6_a_source_join_goes_to_the_owner_towards_the_source() {
    let mut r = three();
    r.source("10.0.0.1", via(1, "10.9.9.9"));
    r.join("B", SG, 2);
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) member"]);
    r.join("C", SG, 3);
    r.leave("B", SG, 2);
    r.expect_nothing();
    r.leave("C", SG, 3);
    r.expect(&["A: prune (10.0.0.1, 239.1.1.1) on interface 3"]);
}

#[test]
fn t4_6_the_owners_own_source_join_does_not_count_for_it() {
    let mut r = three();
    r.source("10.0.0.1", connected(1));
    r.owns("A", &[4]);
    r.join("A", SG, 4);
    r.expect_nothing();
    r.join("B", SG, 2);
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) member"]);
    r.leave("B", SG, 2);
    r.expect(&["A: prune (10.0.0.1, 239.1.1.1) on interface 2"]);
}

#[test]
fn t4_6_without_a_route_or_an_owner_nobody_is_told() {
    let mut r = three();
    r.source("10.0.0.2", connected(77));
    r.join("B", SG, 2);
    r.join("B", "(10.0.0.2, 239.1.1.1)", 2);
    r.leave("B", SG, 2);
    r.expect_nothing();
}

#[test]
fn t4_6_the_router_itself_as_a_source_has_nobody_towards_it() {
    let mut r = three();
    r.source("10.0.0.1", local());
    r.join("B", SG, 2);
    r.expect_nothing();
}

#[test]
fn t4_6_a_wildcard_does_not_hide_a_source_join() {
    let mut r = three();
    r.source("10.0.0.1", connected(1));
    r.join("C", ALL, 3);
    r.heard.clear();
    r.join("B", SG, 2);
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) member"]);
}

#[test]
fn t4_6_a_source_prune_says_nothing_about_the_group() {
    let mut r = three();
    r.source("10.0.0.1", connected(1));
    r.join("B", G, 2);
    r.join("B", SG, 2);
    r.packet(SG, 1);
    r.heard.clear();
    r.leave("B", SG, 2);
    // B still takes from this source by its group: A must not leave it upstream.
    r.expect(&["A: prune (10.0.0.1, 239.1.1.1) on interface 2"]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    r.leave("B", G, 2);
    let last = "A: prune (*, 239.1.1.1) on interface 2";
    assert!(r.heard.iter().any(|line| line == last), "{:?}", r.heard);
}

#[test]
fn t4_6_a_route_change_moves_the_role() {
    let mut r = three();
    r.source("10.0.0.1", connected(1));
    r.join("B", SG, 2);
    r.heard.clear();
    r.reroute("10.0.0.1", connected(3));
    r.expect(&[
        "A: prune (10.0.0.1, 239.1.1.1) on interface 0",
        "C: join (10.0.0.1, 239.1.1.1) member",
    ]);
    // Towards B itself, only B wants it.
    r.reroute("10.0.0.1", connected(2));
    r.expect(&["C: prune (10.0.0.1, 239.1.1.1) on interface 0"]);
    r.reroute("10.0.0.1", Route::NONE);
    r.reroute("10.0.0.1", connected(1));
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) member"]);
}

#[test]
fn t4_6_a_change_of_hands_moves_the_role() {
    let mut r = three();
    r.source("10.0.0.1", connected(1));
    r.join("B", SG, 2);
    r.heard.clear();
    r.release("A", 1);
    r.expect(&["A: prune (10.0.0.1, 239.1.1.1) on interface 0"]);
    r.take("I", 1);
    r.expect(&["I: join (10.0.0.1, 239.1.1.1) member"]);
    r.take("C", 1);
    r.expect(&[
        "I: disable interface 1",
        "C: join (10.0.0.1, 239.1.1.1) member",
        "I: prune (10.0.0.1, 239.1.1.1) on interface 0",
        "I: enable interface 1",
    ]);
}

#[test]
fn t4_6_on_an_nbma_link_the_neighbours_interface_bears_the_role() {
    let mut r = Router::with(&["A", "B", "C"]);
    r.owns("A", &[(1, "10.0.0.8")]).owns("B", &[(1, "10.0.0.9")]).owns("C", &[3]);
    r.source("10.0.0.1", via(1, "10.0.0.9"));
    r.join("C", SG, 3);
    r.expect(&["B: join (10.0.0.1, 239.1.1.1) member"]);
    r.reroute("10.0.0.1", via(1, "10.0.0.8"));
    r.expect(&[
        "A: join (10.0.0.1, 239.1.1.1) member",
        "B: prune (10.0.0.1, 239.1.1.1) on interface 0",
    ]);
}

#[test]
fn t4_7_the_prune_names_the_interface_of_the_delete() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("B", &[(5, "10.0.0.9")]);
    r.join("B", G, (5, "10.0.0.9"));
    r.heard.clear();
    r.leave("B", G, (5, "10.0.0.9"));
    r.expect(&["A: prune (*, 239.1.1.1) on interface 5 (next hop 10.0.0.9)"]);
}

#[test]
fn t4_8_a_release_ends_the_memberships_groups_before_the_wildcard() {
    let mut r = three();
    r.source("10.0.0.1", connected(3));
    for text in [ALL, G2, G, SG] {
        r.join("A", text, 1);
    }
    r.join("B", G, 2);
    r.heard.clear();
    r.release("A", 1);
    // Of the groups nobody heard while A wanted everything; what B still wants
    // is told to the others now.
    r.expect(&[
        "B: prune (*, *) on interface 1",
        "C: prune (10.0.0.1, 239.1.1.1) on interface 1",
        "C: prune (*, *) on interface 1",
        "C: join (*, 239.1.1.1) member",
        "I: prune (*, *) on interface 1",
        "I: join (*, 239.1.1.1) member",
    ]);
}

#[test]
fn t4_8_a_leaving_owner_gets_no_local_leave() {
    let mut r = three();
    r.owns("I", &[1]);
    r.join("I", G, 1);
    r.heard.clear();
    r.release("A", 1);
    r.expect(&[
        "I: disable interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "C: prune (*, 239.1.1.1) on interface 1",
        "I: prune (*, 239.1.1.1) on interface 1",
        "I: enable interface 1",
    ]);
}

#[test]
fn t4_8_an_owner_whose_release_waits_gets_no_local_leave_either() {
    let mut r = three();
    r.owns("I", &[1]);
    r.join("I", G, 1);
    r.heard.clear();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.release("I", 1);
    r.expect(&[
        "I: disable interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "C: prune (*, 239.1.1.1) on interface 1",
    ]);
}

#[test]
fn t8_2_a_prune_may_end_what_its_client_joined_itself_and_was_not_told_of() {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1, 4]).owns("B", &[2]).owns("I", &[1]);
    // By IGMP, on A's interface: the caller is not told of its own call (4.1).
    r.join("I", G, 1);
    r.expect(&["A: local join (*, 239.1.1.1) on interface 1", "B: join (*, 239.1.1.1) member"]);
    // With the release A's component has it no longer. IGMP is told, because it is not its call (D57).
    r.release("A", 1);
    r.expect(&[
        "I: disable interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "I: prune (*, 239.1.1.1) on interface 1",
        "I: enable interface 1",
    ]);
    // Not telling it would be worse: here the same PRUNE ends what IGMP was told of.
    r.take("A", 1);
    r.heard.clear();
    r.join("B", G, 2);
    r.join("I", G, 1);
    r.leave("B", G, 2);
    r.expect(&[
        "A: join (*, 239.1.1.1) member",
        "I: join (*, 239.1.1.1) member",
        "A: local join (*, 239.1.1.1) on interface 1",
        "B: join (*, 239.1.1.1) member",
        "A: prune (*, 239.1.1.1) on interface 2",
    ]);
    r.release("A", 1);
    assert!(r.heard.contains(&"I: prune (*, 239.1.1.1) on interface 1".into()), "{:?}", r.heard);
}

#[test]
fn t8_2_recipients_hear_in_the_order_of_registration() {
    let mut r = Router::with(&["C", "I", "A", "B"]);
    r.owns("B", &[1]);
    r.join("B", G, 1);
    r.expect(&[
        "C: join (*, 239.1.1.1) member",
        "I: join (*, 239.1.1.1) member",
        "A: join (*, 239.1.1.1) member",
    ]);
}

#[test]
fn t8_2_local_alerts_come_first_then_members_then_mfes() {
    let mut r = Router::with(&["A", "B", "I"]);
    r.source("10.0.0.1", connected(1));
    r.owns("A", &[1]).owns("B", &[2]).owns("I", &[2]);
    r.packet(SG, 1);
    r.heard.clear();
    r.join("I", G, 2);
    r.expect(&[
        "B: local join (*, 239.1.1.1) on interface 2",
        "A: join (*, 239.1.1.1) member",
        "A: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    r.leave("I", G, 2);
    r.expect(&[
        "B: local leave (*, 239.1.1.1) on interface 2",
        "A: prune (*, 239.1.1.1) on interface 2",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
    ]);
}
