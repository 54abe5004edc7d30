//! Chapters 4.6 and 5.10: routes that change, for few flows or for very many; and the domains
//! that sources are looked up in.

use super::*;

const MAIN: Domain = Domain::MAIN;

/// A owns 1, towards the source, B owns 2, where all its groups are wanted, C owns 3.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "C"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("C", &[3]);
    r.source("10.0.0.1", connected(1)).source("10.0.0.2", connected(1));
    r.join("B", "(*, *)", 2);
    r.heard.clear();
    r
}

/// So many MFEs of one source, each wanted on 2 by itself, too.
fn crowd(r: &mut Router, count: usize) -> Vec<String> {
    let flows: Vec<String> =
        (0..count).map(|i| format!("(10.0.0.1, 239.1.{}.{})", i / 200, i % 200)).collect();
    for flow in &flows {
        r.packet(flow, 1);
        r.join("B", flow, 2);
    }
    r.heard.clear();
    flows
}

fn on(r: &Router, flows: &[String], iif: u32) -> usize {
    flows.iter().filter(|flow| r.mfe(flow) == format!("interface {iif} to interface 2")).count()
}

fn heard(r: &Router, words: &str) -> usize {
    r.heard.iter().filter(|line| line.contains(words)).count()
}

#[test]
fn sources_within_prefixes_come_in_order_and_in_parts() {
    let mut r = Router::with(&["A"]);
    r.owns("A", &[1]);
    for last in [9, 1, 5, 200] {
        r.join("A", &format!("(10.0.{last}.1, 239.1.1.1)"), 1);
    }
    let within = |prefixes: &[Prefix], after, most| {
        let mut out = Vec::new();
        r.engine.sources_within(prefixes, after, most, &mut out);
        out.into_iter().map(|(source, domain)| (source.octets()[2], domain.0)).collect::<Vec<_>>()
    };
    let prefix = |text, len| Prefix::of(addr(text), len);
    assert_eq!(within(&[Prefix::ALL], None, 9), [(1, 0), (5, 0), (9, 0), (200, 0)]);
    assert_eq!(within(&[Prefix::ALL], Some((addr("10.0.5.1"), MAIN)), 1), [(9, 0)]);
    assert_eq!(within(&[prefix("10.0.8.0", 21)], None, 9), [(9, 0)]);
    // Overlapping, twice, in no order.
    let prefixes = [
        prefix("10.0.200.0", 24),
        prefix("10.0.0.0", 21),
        prefix("10.0.5.0", 24),
        prefix("10.0.0.0", 21),
    ];
    assert_eq!(within(&prefixes, None, 9), [(1, 0), (5, 0), (200, 0)]);
    assert_eq!(within(&prefixes, Some((addr("10.0.1.1"), MAIN)), 9), [(5, 0), (200, 0)]);
    assert_eq!(within(&prefixes, Some((addr("10.0.1.1"), Domain(u32::MAX))), 1), [(5, 0)]);
    assert_eq!(within(&[prefix("10.1.0.0", 16)], None, 9), []);
    assert_eq!(within(&[], None, 9), []);
    assert_eq!(within(&[Prefix::ALL], None, 0), []);
}

#[test]
fn t5_10_a_route_that_changes_for_few_flows_is_followed_at_once() {
    let mut r = stage();
    let flows = crowd(&mut r, 32);
    r.reroute("10.0.0.1", connected(3));
    assert!(!r.engine.has_reroutes());
    assert_eq!(on(&r, &flows, 3), 32);
}

#[test]
fn t5_10_for_very_many_it_is_followed_in_turns_and_each_hears_once() {
    let mut r = stage();
    let flows = crowd(&mut r, 500);
    r.packet("(10.0.0.2, 239.1.1.1)", 1);
    r.heard.clear();
    r.reroute("10.0.0.1", connected(3));
    assert!(r.engine.has_reroutes());
    assert_eq!((on(&r, &flows, 1), r.heard.len()), (500, 0), "nothing is half done");
    let now = r.now;
    r.run(|engine, fx| engine.reroute_some(now, 10, fx));
    assert_eq!((on(&r, &flows, 1), on(&r, &flows, 3)), (490, 10));
    r.goes_on(10);
    assert_eq!(on(&r, &flows, 3), 500);
    // 4.6 and 5.10, for each flow once.
    for (words, count) in [
        ("A: prune (10.0.0.1, 239.1.", 1000),
        ("C: join (10.0.0.1, 239.1.", 1000),
        (" member", 500),
        ("C: rpf", 500),
    ] {
        assert_eq!(heard(&r, words), count, "{words}");
    }
    assert_eq!(r.mfe("(10.0.0.2, 239.1.1.1)"), "interface 1 to interface 2");
}

#[test]
fn t5_10_calls_in_between_find_each_flow_on_one_of_the_two_routes() {
    let mut r = stage();
    let flows = crowd(&mut r, 100);
    r.reroute("10.0.0.1", connected(3));
    let now = r.now;
    r.run(|engine, fx| engine.reroute_some(now, 50, fx));
    let (first, last) = (&flows[0], &flows[99]);
    assert_eq!((on(&r, &flows[..1], 3), on(&r, &flows[99..], 1)), (1, 1));
    r.heard.clear();
    // A client that was told of a membership is told of its end (4.6).
    for flow in [first, last] {
        r.leave("B", flow, 2);
    }
    r.expect(&[
        &format!("C: prune {first} on interface 2"),
        &format!("A: prune {last} on interface 2"),
    ]);
    r.join("B", last, 2);
    r.expect(&[&format!("A: join {last} member")]);
    // A membership that ends, and a new one, which gets the new route.
    r.packet("(10.0.0.1, 239.9.9.9)", 3);
    assert_eq!(r.mfe("(10.0.0.1, 239.9.9.9)"), "interface 3 to interface 2");
    r.heard.clear();
    r.goes_on(7);
    assert_eq!(heard(&r, &format!("A: prune {last} on")), 1);
    assert_eq!(heard(&r, &format!("C: join {last} member")), 1);
    assert_eq!(heard(&r, first), 0);
    assert_eq!(on(&r, &flows, 3), 100);
}

#[test]
fn t5_10_a_route_that_changes_once_more_meanwhile_is_followed_to_the_last() {
    let mut r = stage();
    let flows = crowd(&mut r, 100);
    let now = r.now;
    r.reroute("10.0.0.1", connected(3));
    r.run(|engine, fx| engine.reroute_some(now, 50, fx));
    r.reroute("10.0.0.1", via(2, "10.2.0.9"));
    r.run(|engine, fx| engine.reroute_some(now, 20, fx));
    r.reroute("10.0.0.1", connected(3));
    r.heard.clear();
    r.goes_on(16);
    assert_eq!(on(&r, &flows, 3), 100);
    // And back to the route that the rest still has, so for the rest nothing changes.
    r.reroute("10.0.0.1", connected(1));
    r.run(|engine, fx| engine.reroute_some(now, 50, fx));
    r.reroute("10.0.0.1", connected(3));
    r.heard.clear();
    r.goes_on(16);
    assert_eq!((on(&r, &flows, 3), heard(&r, "rpf")), (100, 50));
}

#[test]
fn t5_10_so_is_one_that_changes_again_before_any_flow_has_followed() {
    for times in 1..=3 {
        let mut r = stage();
        let flows = crowd(&mut r, 100);
        for time in 0..times {
            r.reroute("10.0.0.1", connected(4 + time));
        }
        r.reroute("10.0.0.1", connected(3));
        assert_eq!(r.known_sources(), [addr("10.0.0.1")]);
        assert_eq!(r.goes_on(16), 7);
        assert_eq!(on(&r, &flows, 3), 100);
        r.seconds_pass(1000);
        r.seconds_pass(2); // those that it was just the turn of
        for flow in &flows {
            r.leave("B", flow, 2);
        }
        assert_eq!((r.engine.mfe_count(), r.known_sources()), (0, vec![]));
    }
}

#[test]
fn t5_10_a_lost_route_deletes_very_many_in_turns() {
    let mut r = stage();
    let flows = crowd(&mut r, 100);
    r.reroute("10.0.0.1", Route::NONE);
    r.goes_on(16);
    assert_eq!(r.engine.mfe_count(), 0);
    assert_eq!(heard(&r, "A: prune"), flows.len());
}

#[test]
fn the_timer_goes_on_with_what_was_too_much_for_a_call() {
    let mut r = stage();
    let flows = crowd(&mut r, 100);
    r.reroute("10.0.0.1", connected(3));
    assert_eq!(r.engine.next_deadline(), Some(Time(0)));
    for _ in 0..3 {
        r.seconds_pass(0);
    }
    assert_eq!(on(&r, &flows, 3), 100);
    assert!(r.engine.next_deadline() > Some(r.now));
}

#[test]
fn sources_that_have_gone_are_forgotten_in_the_midst_of_it() {
    let mut r = stage();
    let flows = crowd(&mut r, 100);
    r.reroute("10.0.0.1", connected(3));
    for flow in &flows {
        r.leave("B", flow, 2);
    }
    r.seconds_pass(1000);
    r.goes_on(16);
    r.seconds_pass(2); // those that it was just the turn of
    assert_eq!((r.engine.mfe_count(), r.known_sources()), (0, vec![]));
}

#[test]
fn t5_1_a_packet_is_looked_up_in_the_domain_of_its_arrival() {
    let mut r = stage();
    r.owns("C", &[4]);
    r.domains.insert((addr("10.0.0.1"), Domain(7)), connected(3));
    r.moves_to_domain(3, 7);
    let needs =
        |r: &Router, at: u32| r.engine.needs_route(flow("(10.0.0.1, 239.1.1.1)"), at.there());
    assert_eq!(needs(&r, 3), Some((addr("10.0.0.1"), Domain(7))));
    assert_eq!(needs(&r, 4), Some((addr("10.0.0.1"), MAIN)));
    r.packet("(10.0.0.1, 239.1.1.1)", 3);
    assert_eq!(r.mfe("(10.0.0.1, 239.1.1.1)"), "interface 3 to interface 2");
    assert_eq!((needs(&r, 3), needs(&r, 4)), (None, None), "the flow has a route");
    r.packet("(10.0.0.1, 239.1.1.2)", 4);
    assert_eq!(r.mfe("(10.0.0.1, 239.1.1.2)"), "interface 1 to interface 2");
}

#[test]
fn t4_6_a_membership_is_looked_up_in_the_domain_of_its_interface() {
    let mut r = stage();
    r.domains.insert((addr("10.0.0.1"), Domain(7)), connected(3));
    r.moves_to_domain(2, 7);
    r.join("B", "(10.0.0.1, 239.1.1.1)", 2);
    r.expect(&["C: join (10.0.0.1, 239.1.1.1) member"]);
    // An MFE brings the flow into its own domain: it has one route.
    r.packet("(10.0.0.1, 239.1.1.1)", 1);
    assert_eq!(r.mfe("(10.0.0.1, 239.1.1.1)"), "interface 1 to interface 2");
    assert_eq!(heard(&r, "C: prune (10.0.0.1, 239.1.1.1) on interface 0"), 1);
    assert_eq!(heard(&r, "A: join (10.0.0.1, 239.1.1.1) member"), 1);
}

#[test]
fn t4_6_so_it_is_while_the_flow_is_being_resolved_elsewhere() {
    let mut r = stage();
    r.domains.insert((addr("10.0.0.1"), Domain(7)), connected(3));
    r.moves_to_domain(2, 7);
    r.stays_in("A", NoticeKind::Rpf);
    r.packet("(10.0.0.1, 239.1.1.1)", 1);
    r.heard.clear();
    r.join("B", "(10.0.0.1, 239.1.1.1)", 2);
    r.expect(&["C: join (10.0.0.1, 239.1.1.1) member"]);
}

#[test]
fn an_interface_that_changes_its_domain_takes_what_is_looked_up_there_along() {
    let mut r = stage();
    for interface in [4, 5] {
        r.owns("C", &[interface]);
    }
    r.domains.insert((addr("10.0.0.1"), Domain(7)), connected(3));
    let names = ["(10.0.0.1, 239.1.1.1)", "(10.0.0.1, 239.1.1.2)"];
    r.packet(names[0], 1);
    r.join("B", names[1], 2);
    r.expect(&[
        "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
        "A: join (10.0.0.1, 239.1.1.2) member",
    ]);
    // MFEs that come in there end; memberships there are looked up in the new domain.
    r.moves_to_domain(1, 7);
    assert_eq!(r.mfe(names[0]), "no MFE");
    r.expect_nothing();
    r.moves_to_domain(2, 7);
    r.expect(&[
        "A: prune (10.0.0.1, 239.1.1.2) on interface 0",
        "C: join (10.0.0.1, 239.1.1.2) member",
    ]);
    r.moves_to_domain(2, 7);
    r.expect_nothing();
    // A first packet that is being asked about, and one that was refused.
    r.source("10.0.0.3", via(9, "10.9.0.9"));
    r.domains.insert((addr("10.0.0.3"), Domain(8)), connected(3));
    r.stays_in("C", NoticeKind::Rpf);
    for (group, arrival) in [(1, 4), (2, 5)] {
        r.upcall(&format!("(10.0.0.3, 239.1.1.{group})"), arrival);
    }
    for arrival in [4, 5] {
        r.moves_to_domain(arrival, 8);
    }
    r.returns("C");
    for group in 1..=2 {
        assert_eq!(r.mfe(&format!("(10.0.0.3, 239.1.1.{group})")), "interface 3 to interface 2");
    }
}

#[test]
fn t5_4_a_new_route_asks_again_about_new_flows_of_its_source_only() {
    let mut r = stage();
    r.stays_in("A", NoticeKind::Rpf);
    r.packet("(10.0.0.1, 239.1.1.1)", 1);
    r.packet("(10.0.0.1, 239.1.1.2)", 1);
    r.packet("(10.0.0.2, 239.1.1.1)", 1);
    r.heard.clear();
    r.reroute("10.0.0.1", connected(3));
    r.returns("A");
    let about = |r: &Router, owner: &str, flow: &str| {
        r.heard.iter().filter(|line| line.starts_with(owner) && line.contains(flow)).count()
    };
    assert_eq!(about(&r, "C: rpf", "(10.0.0.1, 239.1.1.1)"), 1, "{:?}", r.heard);
    assert_eq!(about(&r, "C: rpf", "(10.0.0.1, 239.1.1.2)"), 1, "{:?}", r.heard);
    assert_eq!(about(&r, "C: rpf", "(10.0.0.2, 239.1.1.1)"), 0, "{:?}", r.heard);
    assert!(r.mfe("(10.0.0.1, 239.1.1.1)").starts_with("interface 3"));
    assert!(r.mfe("(10.0.0.1, 239.1.1.2)").starts_with("interface 3"));
    r.reroute("10.0.0.2", connected(3));
    assert!(r.mfe("(10.0.0.2, 239.1.1.1)").starts_with("interface 3"));
    assert!(r.engine.tables.resolutions.new_flows() == 0 && r.engine.tables.resolutions.is_empty());
}
