//! Chapter 2: interface ownership, and IGMP beside it.

use super::*;

const G: &str = "(*, 239.1.1.1)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";

fn owner_of(r: &Router, interface: impl Where) -> Result<(u32, u32)> {
    r.engine.protocol_on(interface.there())
}

/// A owns 1 with IGMP beside it, B owns 2.
fn beside() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("I", &[1]);
    r
}

/// IGMP alone has 1, B owns 2.
fn alone() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("I", &[1]).owns("B", &[2]);
    r
}

#[test]
fn t0_2_interface_zero_is_none() {
    let mut r = Router::with(&["A", "I"]);
    for name in ["A", "I"] {
        r.refuses(Code::InvalidParameter, |r| r.try_take(name, 0));
        r.refuses(Code::InvalidParameter, |r| r.try_release(name, 0));
        r.refuses(Code::InvalidParameter, |r| r.try_join(name, flow(G), 0, Join::State));
        r.refuses(Code::InvalidParameter, |r| r.try_leave(name, flow(G), 0, Join::State));
    }
    assert_eq!(owner_of(&r, 0).unwrap_err().code(), Code::InvalidParameter);
}

#[test]
fn t0_2_an_index_is_a_link_or_has_next_hops_but_not_both() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("A", &[(2, "10.0.0.8")]);
    r.refuses(Code::InvalidParameter, |r| r.try_take("B", (1, "10.0.0.9")));
    r.refuses(Code::InvalidParameter, |r| r.try_take("B", 2));
    r.take("B", (2, "10.0.0.9"));
    // The last of a kind gone, the other kind may come.
    r.release("A", (2, "10.0.0.8"));
    r.refuses(Code::InvalidParameter, |r| r.try_take("A", 2));
    r.release("B", (2, "10.0.0.9"));
    r.take("A", 2);
}

#[test]
fn t0_2_next_hops_are_interfaces_of_their_own() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[(1, "10.0.0.8")]).owns("B", &[(1, "10.0.0.9")]);
    assert_eq!(owner_of(&r, (1, "10.0.0.8")), Ok(Router::ids("A")));
    assert_eq!(owner_of(&r, (1, "10.0.0.9")), Ok(Router::ids("B")));
    assert_eq!(owner_of(&r, 1).unwrap_err().code(), Code::NotFound);
}

#[test]
fn t2_1_one_protocol_an_interface() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]);
    r.refuses(Code::AlreadyExists, |r| r.try_take("B", 1));
    r.refuses(Code::AlreadyExists, |r| r.try_take("A", 1));
    r.release("A", 1);
    r.take("B", 1);
}

#[test]
fn t2_2_igmp_goes_beside_an_owner_or_without_one() {
    let mut r = Router::with(&["A", "I"]);
    r.owns("A", &[1]);
    r.take("I", 1);
    r.take("I", 2);
    // Nothing changes hands when IGMP comes to an owned interface.
    r.expect_nothing();
}

#[test]
fn t2_2_one_igmp_an_interface() {
    let mut r = Router::with(&["I", "I2"]);
    r.owns("I", &[1]);
    r.refuses(Code::AlreadyExists, |r| r.try_take("I2", 1));
    r.refuses(Code::AlreadyExists, |r| r.try_take("I", 1));
    r.take("I2", 2);
}

#[test]
fn t0_6_both_numbers_of_igmp_are_igmp() {
    let mut r = Router::with(&[]);
    for protocol in [10, 0x4137_000a] {
        assert!(is_igmp(protocol));
        let id = r.engine.register(protocol, 0).expect("registers");
        assert!(r.engine.client(id).expect("is there").is_igmp);
    }
    assert!(!is_igmp(0x0137_000a));
}

#[test]
fn t2_3_a_take_beside_igmp_disables_changes_enables() {
    let mut r = alone();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.expect(&["I: disable interface 1"]);
    // Accepted is accepted, though the change is still to come.
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
fn t2_3_without_igmp_the_change_is_at_once_and_silent() {
    let mut r = Router::with(&["A", "I"]);
    r.take("A", 1);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    r.release("A", 1);
    r.expect_nothing();
    assert_eq!(r.freed, [IfId(0)]);
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
    // The newcomer's are its own, and outlive the change.
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
    assert!(r.engine.flows.wanted_len() == 0);
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
        // A is told as well: the take is not its act of leaving.
        "A: prune (*, 239.1.1.1) on interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
        "B: prune (10.0.0.1, 239.1.1.1) mfe on interface 2, 900 s",
        "I: enable interface 1",
    ]);
    assert_eq!(r.mfe(SG), "interface 2 to nowhere");
    // Inside ENABLE_IGMP, which on the original was a deadlock.
    r.inside_a_callback(|r| r.join("I", G, 1));
    r.expect(&[
        "A: local join (*, 239.1.1.1) on interface 1",
        "B: join (*, 239.1.1.1) member",
        "B: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    assert_eq!(r.mfe(SG), "interface 2 to interface 1");
}

#[test]
fn t2_5_only_who_has_an_interface_can_release_it() {
    let mut r = beside();
    r.refuses(Code::InvalidParameter, |r| r.try_release("B", 1));
    r.refuses(Code::InvalidParameter, |r| r.try_release("A", 99));
    r.refuses(Code::InvalidParameter, |r| r.try_release("I", 2));
}

#[test]
fn t2_5_a_release_ends_memberships_and_mfes_and_leaves_every_oif_list() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1, 3]).owns("B", &[2]);
    r.source("10.0.0.1", connected(1)).source("10.0.0.2", connected(2));
    for interface in [1, 3] {
        r.join("A", G, interface);
    }
    r.join("B", G, 2);
    r.packet(SG, 1);
    r.packet("(10.0.0.2, 239.1.1.1)", 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3, interface 2");
    assert_eq!(r.mfe("(10.0.0.2, 239.1.1.1)"), "interface 2 to interface 1, interface 3");
    r.heard.clear();
    r.dirty.clear();
    r.release("A", 1);
    assert_eq!(r.mfe(SG), "no MFE");
    assert_eq!(r.mfe("(10.0.0.2, 239.1.1.1)"), "interface 2 to interface 3");
    r.dirty.sort_unstable();
    assert_eq!(r.dirty, [flow(SG), flow("(10.0.0.2, 239.1.1.1)")]);
    // A still wants the group, on 3.
    r.expect_nothing();
    assert_eq!(r.engine.known_sources(), [addr("10.0.0.2")]);
}

#[test]
fn t2_5_igmp_leaving_an_owned_interface_takes_only_its_memberships_away() {
    let mut r = beside();
    r.source("10.0.0.1", connected(1));
    r.owns("A", &[3]);
    r.join("I", G, 1);
    r.join("I", "(*, 239.2.2.2)", 1);
    r.join("A", "(*, 239.2.2.2)", 1);
    r.packet(SG, 1);
    r.heard.clear();
    r.release("I", 1);
    r.expect(&[
        "A: local leave (*, 239.1.1.1) on interface 1",
        "A: local leave (*, 239.2.2.2) on interface 1",
        "B: prune (*, 239.1.1.1) on interface 1",
    ]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t2_5_a_take_from_igmp_deletes_the_mfes_that_come_in_there() {
    let mut r = alone();
    r.source("10.0.0.1", connected(1));
    r.join("B", G, 2);
    r.packet(SG, 1);
    r.heard.clear();
    r.take("A", 1);
    assert_eq!(r.mfe(SG), "no MFE");
    r.expect(&["I: disable interface 1", "I: enable interface 1"]);
    // It comes again under the new owner.
    r.packet(SG, 1);
    r.expect(&[
        "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
    ]);
}

#[test]
fn t2_6_the_owning_protocol_is_named_or_igmp_or_nobody() {
    let mut r = beside();
    r.owns("I", &[7]);
    assert_eq!(owner_of(&r, 1), Ok(Router::ids("A")));
    assert_eq!(owner_of(&r, 7), Ok(Router::ids("I")));
    assert_eq!(owner_of(&r, 99).unwrap_err().code(), Code::NotFound);
}

#[test]
fn t2_7_a_take_that_the_forwarder_refuses_leaves_nothing() {
    let mut r = Router::with(&["A"]);
    let before = r.whole_state();
    let (number, is_new) = r.engine.prepare_take(r.id("A"), 1.there()).expect("prepares");
    assert!(is_new, "the forwarder is asked about new interfaces");
    r.engine.abandon_take(number);
    assert_eq!(r.whole_state(), before);
    // Its number goes to the next, and an interface that is known is not asked about.
    r.owns("A", &[5]);
    assert_eq!(r.number(5), number);
    r.register("I");
    let again = r.engine.prepare_take(r.id("I"), 5.there());
    assert_eq!(again, Ok((number, false)));
}

#[test]
fn interface_numbers_are_reused_lowest_first() {
    let mut r = Router::with(&["A"]);
    r.owns("A", &[11, 12, 13]);
    r.release("A", 12);
    r.release("A", 11);
    assert_eq!(r.freed, [IfId(1), IfId(0)]);
    r.owns("A", &[14, 15]);
    assert_eq!((r.number(14), r.number(15)), (IfId(0), IfId(1)));
    assert_eq!(r.engine.protocol_on(13.there()), Ok(Router::ids("A")));
}
