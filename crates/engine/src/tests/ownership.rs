//! Chapter 2: interface ownership. Changes of owner beside IGMP are in ownership_igmp.rs.

use super::*;

pub(super) const G: &str = "(*, 239.1.1.1)";
pub(super) const SG: &str = "(10.0.0.1, 239.1.1.1)";

pub(super) fn owner_of(r: &Router, interface: impl Where) -> Result<(u32, u32)> {
    r.engine.protocol_on(interface.there())
}

/// A owns 1 with IGMP beside it, B owns 2.
pub(super) fn beside() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("I", &[1]);
    r
}

/// IGMP alone has 1, B owns 2.
pub(super) fn alone() -> Router {
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
    assert_eq!(owner_of(&r, 0).unwrap_err().code(), Code::NotFound, "it is looked for only");
}

#[test]
fn t0_2_an_index_is_a_link_or_has_next_hops_but_not_both() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("A", &[(2, "10.0.0.8")]);
    r.refuses(Code::InvalidParameter, |r| r.try_take("B", (1, "10.0.0.9")));
    r.refuses(Code::InvalidParameter, |r| r.try_take("B", 2));
    r.take("B", (2, "10.0.0.9"));
    // When the last of one kind is released, the other kind may be taken.
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
    // No owner changes when IGMP is enabled on an owned interface.
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
        let id = r.engine.register(protocol, 0, NoticeKinds::ALL).expect("registers");
        assert!(r.engine.tables.clients.record(id).expect("is there").is_igmp);
    }
    assert!(!is_igmp(0x0137_000a));
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
    assert_eq!(r.known_sources(), [addr("10.0.0.2")]);
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
    // It is forwarded again under the new owner.
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
    let (number, is_new) =
        r.engine.prepare_take(r.id("A"), 1.there(), &mut Effects::default()).expect("prepares");
    assert!(is_new, "the forwarder is asked about new interfaces");
    r.engine.abandon_take(number);
    assert_eq!(r.whole_state(), before);
    // The next interface gets its number. The forwarder is not asked about an interface that is taken.
    r.owns("A", &[5]);
    assert_eq!(r.number(5), number);
    r.register("I");
    let again = r.engine.prepare_take(r.id("I"), 5.there(), &mut Effects::default());
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
