//! How many flows packets may begin (spec 0.9).

use super::*;

/// A router with three interfaces of A's and room for so many flows. Sources 10.x
/// are connected on interface 1, 20.x on interface 2.
fn stage(max_flows: u32) -> Router {
    let mut r = Router::of(Config { mfe_timeout: 900, max_flows, ..Config::default() }, &["A"]);
    r.owns("A", &[1, 2, 3]);
    for n in 1..=200 {
        r.source(&format!("10.0.0.{n}"), connected(1));
        r.source(&format!("20.0.0.{n}"), connected(2));
    }
    r
}

/// The first packet of the n-th flow whose sources are on this interface. Returns the outcome of the
/// second packet.
fn begins(r: &mut Router, interface: u32, n: u32) -> Outcome {
    let flow = format!("({interface}0.0.0.{n}, 239.1.1.1)");
    match r.packet(&flow, interface) {
        Outcome::Resolving => r.packet(&flow, interface),
        outcome => outcome,
    }
}

/// How many of these flows get an MFE.
fn accepted(r: &mut Router, interface: u32, flows: std::ops::RangeInclusive<u32>) -> usize {
    let outcomes = flows.map(|n| begins(r, interface, n));
    outcomes.filter(|outcome| matches!(outcome, Outcome::Forwarded(_))).count()
}

/// The counts are those of the tables.
fn check(r: &Router) {
    let sizes = r.engine.sizes();
    assert_eq!(r.engine.begun_flows(), sizes.mfes + sizes.resolving);
}

#[test]
fn t0_9_an_interface_that_is_flooded_keeps_the_other_half_free() {
    let mut r = stage(100);
    assert_eq!(accepted(&mut r, 1, 1..=200), 51, "half of the limit, and the one beyond it");
    assert_eq!(r.engine.refused(Refused::ArrivalLimit), 149);
    check(&r);
    // During the flood another interface begins flows, until neither has more than half.
    assert_eq!(begins(&mut r, 2, 1), Outcome::Forwarded(Out::new()));
    assert_eq!(begins(&mut r, 1, 60), Outcome::Refused(Refused::ArrivalLimit));
    assert_eq!(accepted(&mut r, 2, 1..=200), 49);
    assert_eq!(r.engine.refused(Refused::FlowLimit), 151);
    assert_eq!(r.engine.sizes().mfes, 100);
    // Flows with an MFE are still forwarded.
    assert_eq!(begins(&mut r, 1, 7), Outcome::Forwarded(Out::new()));
    check(&r);
}

#[test]
fn t0_9_of_two_that_share_the_flows_none_is_held_back_before_the_end() {
    let mut r = stage(100);
    for n in 1..=50 {
        assert!(matches!(begins(&mut r, 1, n), Outcome::Forwarded(_)), "{n}");
        assert!(matches!(begins(&mut r, 2, n), Outcome::Forwarded(_)), "{n}");
    }
    assert_eq!(begins(&mut r, 2, 51), Outcome::Refused(Refused::FlowLimit));
    check(&r);
}

#[test]
fn t0_9_flows_that_end_make_room() {
    let mut r = stage(2);
    assert_eq!(accepted(&mut r, 1, 1..=2), 2);
    assert_eq!(begins(&mut r, 2, 1), Outcome::Refused(Refused::FlowLimit));
    r.seconds_pass(900); // negative ones are not renewed
    assert_eq!(r.engine.begun_flows(), 0);
    assert_eq!(begins(&mut r, 2, 1), Outcome::Forwarded(Out::new()));
    r.release("A", 2);
    check(&r);
    assert_eq!(r.engine.begun_flows(), 0);
}

#[test]
fn t0_9_flows_under_way_count_and_those_that_come_to_nothing_do_not() {
    let mut r = stage(2);
    r.stalls("A");
    assert_eq!(begins(&mut r, 1, 1), Outcome::Resolving);
    assert_eq!(begins(&mut r, 1, 2), Outcome::Resolving);
    assert_eq!(begins(&mut r, 2, 3), Outcome::Refused(Refused::FlowLimit));
    assert_eq!(begins(&mut r, 1, 1), Outcome::Resolving, "it is there already");
    check(&r);
    // One loses its route, and the owner of the interface where it arrives is asked instead.
    r.reroute("10.0.0.1", Route::NONE);
    check(&r);
    assert_eq!(r.engine.begun_flows(), 2);
    assert_eq!(begins(&mut r, 2, 3), Outcome::Refused(Refused::FlowLimit));
    // Both are forgotten.
    while let Some(notice) = r.party("A").waiting.pop_front() {
        r.run(|engine, fx| engine.forget(&notice, fx));
    }
    assert_eq!(r.engine.begun_flows(), 0);
    r.resumes("A");
    assert_eq!(r.packet("(30.0.0.1, 239.1.1.1)", 1), Outcome::Resolving, "A is asked");
    assert_eq!(r.packet("(30.0.0.1, 239.1.1.1)", 1), Outcome::Refused(Refused::NoUpstream));
    assert_eq!((r.engine.begun_flows(), r.engine.sizes().refused_flows), (0, 1));
}

#[test]
fn t0_9_a_refused_flow_that_is_looked_at_again_counts_as_any_other() {
    let mut r = stage(2);
    assert_eq!(r.packet("(30.0.0.1, 239.1.1.1)", 1), Outcome::Resolving);
    assert_eq!(r.engine.sizes().refused_flows, 1);
    assert_eq!(accepted(&mut r, 1, 1..=2), 2);
    let before = r.engine.refused(Refused::FlowLimit);
    r.reroute("30.0.0.1", connected(1));
    assert_eq!(r.engine.sizes().refused_flows, 0, "its next packet is a first one");
    assert_eq!(r.engine.refused(Refused::FlowLimit), before + 1);
    assert_eq!(r.packet("(30.0.0.1, 239.1.1.1)", 1), Outcome::Refused(Refused::FlowLimit));
    check(&r);
    r.seconds_pass(900);
    assert!(matches!(r.packet("(30.0.0.1, 239.1.1.1)", 1), Outcome::Resolving));
    assert_eq!(r.engine.begun_flows(), 1);
    check(&r);
}

#[test]
fn t0_9_a_flow_counts_for_the_interface_that_it_arrived_on_and_not_for_the_iif() {
    let mut r = stage(10);
    for n in 1..=6 {
        // Their packets arrive on 3, and their iif is 1.
        r.packet(&format!("(10.0.0.{n}, 239.1.1.1)"), 3);
    }
    assert_eq!(r.engine.sizes().mfes, 6);
    let outcome = r.packet("(10.0.0.7, 239.1.1.1)", 3);
    assert_eq!(outcome, Outcome::Refused(Refused::ArrivalLimit));
    assert_eq!(begins(&mut r, 1, 8), Outcome::Forwarded(Out::new()));
    // The next interface with this number does not inherit them.
    let number = r.number(3);
    r.release("A", 3);
    r.owns("A", &[4]);
    assert_eq!(r.number(4), number);
    assert_eq!(r.engine.sizes().mfes, 7, "their iif is another");
    r.packet("(10.0.0.9, 239.1.1.1)", 4);
    assert_eq!(r.engine.sizes().mfes, 8);
    check(&r);
}

#[test]
fn t0_9_one_line_a_minute_names_the_interface_and_what_to_do() {
    let mut r = stage(2);
    accepted(&mut r, 1, 1..=20);
    assert_eq!(r.log.len(), 1, "{:?}", r.log);
    assert!(r.log[0].contains("interface 1") && r.log[0].contains("MGM_MAX_FLOWS"), "{:?}", r.log);
    assert!(r.log[0].contains("mgmtop"));
    r.seconds_pass(59);
    begins(&mut r, 2, 1);
    assert_eq!(r.log.len(), 1);
    r.seconds_pass(1);
    begins(&mut r, 2, 1);
    assert_eq!(r.log.len(), 2);
    assert!(r.log[1].contains("interface 2"));
}

#[test]
fn t0_9_memberships_have_no_such_limit() {
    let mut r = stage(1);
    for n in 1..=50 {
        r.join("A", &format!("(10.0.0.{n}, 239.1.1.1)"), 2);
    }
    assert_eq!(r.engine.sizes().memberships, 50);
    assert!(matches!(begins(&mut r, 1, 1), Outcome::Forwarded(_)));
}

#[test]
fn t5_7_wrong_interfaces_are_told_of_for_a_limited_number_of_flows() {
    let mut r = stage(0);
    let told = (0..70_000u32)
        .filter(|n| {
            r.heard.clear();
            let flow = Flow::new((0x0a00_0001 + n).into(), addr("239.1.1.1"));
            let (now, arrival) = (r.now, Interface::link(2));
            r.run(|engine, fx| engine.wrong_if(now, &wrong(flow, arrival), None, |_| Ok(None), fx));
            !r.heard.is_empty()
        })
        .count();
    assert_eq!(told, 65_536);
    r.seconds_pass(3);
    r.heard.clear();
    let now = r.now;
    let flow = flow("(10.0.0.1, 239.1.1.1)");
    r.run(|engine, fx| engine.wrong_if(now, &wrong(flow, 2.there()), None, |_| Ok(None), fx));
    r.expect(&["A: wrong if (10.0.0.1, 239.1.1.1) on interface 2"]);
}
