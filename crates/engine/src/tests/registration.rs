//! Chapter 1: registration.

use super::*;

const G: &str = "(*, 239.1.1.1)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";

#[test]
fn t1_1_a_registered_client_may_call() {
    let mut r = Router::with(&["A"]);
    r.take("A", 1);
    assert_eq!(r.engine.client_key(r.id("A")), Some(Router::ids("A")));
}

#[test]
fn t1_2_protocol_and_component_together_are_unique() {
    let mut r = Router::with(&[]);
    r.engine.register(100, 1, NoticeKinds::ALL).expect("the first");
    r.engine.register(100, 2, NoticeKinds::ALL).expect("another component of the protocol");
    r.engine.register(101, 1, NoticeKinds::ALL).expect("another protocol");
    r.refuses(Code::AlreadyExists, |r| r.engine.register(100, 1, NoticeKinds::ALL).map(|_| ()));
}

#[test]
fn t1_2_ids_are_free_again_after_deregistration() {
    let mut r = Router::with(&["A"]);
    let first = r.id("A");
    r.deregister("A");
    assert!(r.register("A") > first);
}

#[test]
fn t1_4_a_client_that_is_gone_or_never_was_is_refused_everywhere() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("B", &[2]);
    r.source("10.0.0.1", connected(2));
    r.packet(SG, 2);
    r.deregister("A");
    // Even a registration with the same ids does not make the old number valid.
    r.engine
        .register(Router::ids("A").0, Router::ids("A").1, NoticeKinds::ALL)
        .expect("free again");
    r.enters("X", ClientId(4711));
    for name in ["A", "X"] {
        r.refuses(Code::InvalidParameter, |r| r.try_take(name, 1));
        r.refuses(Code::InvalidParameter, |r| r.try_release(name, 2));
        r.refuses(Code::InvalidParameter, |r| r.try_deregister(name));
        for join in [Join::State, Join::Forward] {
            r.refuses(Code::InvalidParameter, |r| r.try_join(name, flow(G), 2, join));
            r.refuses(Code::InvalidParameter, |r| r.try_leave(name, flow(G), 2, join));
            // The handle is checked before the interface.
            r.refuses(Code::InvalidParameter, |r| r.try_leave(name, flow(G), 99, join));
        }
        r.refuses(Code::InvalidParameter, |r| r.try_set_mfe(name, flow(SG), "10.9.9.9", 2));
    }
}

#[test]
fn t1_4_client_numbers_are_never_issued_twice() {
    let mut r = Router::with(&["A"]);
    let mut last = r.id("A");
    for _ in 0..3 {
        r.deregister("A");
        let next = r.register("A");
        assert!(next > last);
        last = next;
    }
}

#[test]
fn t1_4_nor_by_the_next_engine() {
    let mut engine = Engine::new(Config { last_client: 7, ..Config::default() });
    assert_eq!(engine.register(1, 0, NoticeKinds::ALL), Ok(ClientId(8)));
}

#[test]
fn t1_5_an_owner_may_not_deregister() {
    let mut r = Router::with(&["A"]);
    r.owns("A", &[1, 2]);
    r.refuses(Code::CanNotComplete, |r| r.try_deregister("A"));
    r.release("A", 1);
    r.refuses(Code::CanNotComplete, |r| r.try_deregister("A"));
    r.release("A", 2);
    r.deregister("A");
}

#[test]
fn t1_5_nor_igmp_while_it_is_enabled_somewhere() {
    let mut r = Router::with(&["A", "I"]);
    r.owns("A", &[1]).owns("I", &[1]);
    r.refuses(Code::CanNotComplete, |r| r.try_deregister("I"));
    r.release("I", 1);
    r.deregister("I");
}

#[test]
fn t1_5_a_take_that_waits_for_igmp_counts_as_ownership() {
    let mut r = Router::with(&["A", "I"]);
    r.owns("I", &[1]);
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.take("A", 1);
    r.refuses(Code::CanNotComplete, |r| r.try_deregister("A"));
}

#[test]
fn t1_6_a_client_whose_release_still_waits_may_deregister_and_leaves_nothing() {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("I", &[1]).owns("B", &[2]);
    r.join("A", G, 1);
    r.heard.clear();
    r.stays_in("I", NoticeKind::DisableIgmp);
    r.release("A", 1);
    r.deregister("A");
    // The change waits no longer, although I is still inside its callback.
    r.expect(&["I: disable interface 1", "B: prune (*, 239.1.1.1) on interface 1"]);
    assert_eq!(r.engine.protocol_on(1.there()), Ok(Router::ids("I")));
    r.returns("I");
    r.expect(&["I: prune (*, 239.1.1.1) on interface 1", "I: enable interface 1"]);
    // IGMP acts for itself there now.
    r.join("I", G, 1);
    r.expect(&["B: join (*, 239.1.1.1) member"]);
}

#[test]
fn t1_6_the_answer_of_a_client_that_is_gone_is_void() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("B", &[2]);
    r.source("10.0.0.1", connected(1));
    r.join("B", G, 2);
    r.heard.clear();
    r.stays_in("B", NoticeKind::Creation);
    r.switches_off("B", 2);
    r.packet(SG, 1);
    r.release("B", 2);
    r.deregister("B");
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t1_6_if_the_rpf_owner_goes_the_flow_is_not_left_hanging() {
    let mut r = Router::with(&["A"]);
    r.owns("A", &[1, 2]);
    r.source("10.0.0.1", connected(1));
    r.stays_in("A", NoticeKind::Rpf);
    assert_eq!(r.packet(SG, 2), Outcome::Resolving);
    r.release("A", 1);
    r.release("A", 2);
    r.deregister("A");
    assert!(!r.engine.is_resolving(flow(SG)));
    assert_eq!(r.resolved, [flow(SG)]);
    assert_eq!(r.mfe(SG), "no MFE");
    assert!(r.known_sources().is_empty());
}

#[test]
fn t1_7_a_newcomer_is_not_sent_old_joins() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]);
    r.join("A", G, 1);
    r.heard.clear();
    r.register("C");
    r.owns("B", &[2]);
    r.expect_nothing();
    // It is told of the next change like all others.
    r.join("A", "(*, *)", 1);
    r.expect(&["B: join (*, *) member", "C: join (*, *) member"]);
}
