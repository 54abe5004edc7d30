//! Chapters 5.1, 5.2 and 5.10: changes that concern very many flows are carried out in turns, with the
//! same result as in one turn.

use super::*;

const SOURCE: &str = "10.0.0.1";
/// So many flows are processed by the call itself.
const AT_ONCE: usize = 64;

/// A owns 1, B owns 2, where all groups are wanted, C owns 3; Q, which has no callbacks,
/// owns 4.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "C"]);
    let id = r.engine.register(0x200, 0, NoticeKinds::default()).unwrap();
    r.enters("Q", id);
    r.owns("A", &[1]).owns("B", &[2]).owns("C", &[3]).owns("Q", &[4]);
    r.join("B", "(*, *)", 2);
    r.heard.clear();
    r
}

/// In the order of their names, too.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("({SOURCE}, 239.1.{}.{})", i / 200, 10 + i % 200)).collect()
}

/// So many flows of the source, for which no iif is found on 4.
fn refused(r: &mut Router, count: usize) -> Vec<String> {
    let flows = names(count);
    for flow in &flows {
        assert!(matches!(r.upcall(flow, 4), Outcome::Refused(_)));
    }
    assert_eq!(remembered(r), count);
    r.dirty.clear();
    flows
}

fn remembered(r: &Router) -> usize {
    r.engine.sizes().refused_flows
}

fn step(r: &mut Router, most: usize) {
    let now = r.now;
    r.run(|engine, fx| engine.reroute_some(now, most, fx));
}

/// The number of flows about which the client was told this; checks that it was told once of each.
fn told(r: &Router, words: &str, flows: &[String]) -> usize {
    let heard = |flow: &String| {
        let line = format!("{words} {flow}");
        r.heard.iter().filter(|heard| heard.starts_with(&line)).count()
    };
    let counts: Vec<usize> = flows.iter().map(heard).collect();
    assert!(counts.iter().all(|&count| count <= 1), "{words}: twice");
    counts.iter().sum()
}

fn coming_in_by(r: &Router, iif: u32, flows: &[String]) -> usize {
    let text = format!("interface {iif} ");
    flows.iter().filter(|flow| r.mfe(flow).starts_with(&text)).count()
}

/// A is being asked about so many new flows, and has answered none.
fn asked(count: usize) -> (Router, Vec<String>) {
    let mut r = stage();
    r.source(SOURCE, connected(1));
    r.stays_in("A", NoticeKind::Rpf);
    let flows = names(count);
    for flow in &flows {
        r.packet(flow, 1);
    }
    r.heard.clear();
    (r, flows)
}

#[test]
fn t5_10_new_flows_follow_their_route_a_few_at_a_time() {
    let (mut r, flows) = asked(500);
    r.reroute(SOURCE, connected(3));
    assert_eq!(told(&r, "C: rpf", &flows), AT_ONCE, "with the call");
    for turn in 1..=3 {
        step(&mut r, 10);
        assert_eq!(told(&r, "C: rpf", &flows), AT_ONCE + 10 * turn);
    }
    r.goes_on(10);
    assert_eq!(told(&r, "C: rpf", &flows), 500, "each once");
    r.returns("A"); // all its answers are void
    assert_eq!(coming_in_by(&r, 3, &flows), 500);
    assert_eq!(told(&r, "B: creation", &flows), 500);
    assert!(r.engine.tables.resolutions.is_empty() && r.engine.tables.resolutions.new_flows() == 0);
    assert_eq!(r.known_sources(), [addr(SOURCE)]);
}

#[test]
fn t5_10_an_answer_that_the_route_has_overtaken_is_void_before_the_flow_has_followed() {
    let (mut r, flows) = asked(500);
    r.reroute(SOURCE, connected(3));
    r.returns("A");
    assert_eq!(coming_in_by(&r, 1, &flows), 0);
    assert_eq!((coming_in_by(&r, 3, &flows), told(&r, "C: rpf", &flows)), (500, 500));
    r.goes_on(10);
    assert_eq!((coming_in_by(&r, 3, &flows), told(&r, "C: rpf", &flows)), (500, 500));
}

#[test]
fn t5_10_new_flows_follow_the_last_of_several_routes() {
    let (mut r, flows) = asked(200);
    r.reroute(SOURCE, via(2, "10.2.0.9"));
    r.reroute(SOURCE, Route::NONE);
    r.reroute(SOURCE, connected(3));
    r.goes_on(7);
    r.returns("A");
    assert_eq!(coming_in_by(&r, 3, &flows), 200);
    assert!(r.engine.tables.resolutions.new_flows() == 0);
}

#[test]
fn t5_10_a_new_flow_that_is_asked_about_anew_takes_the_present_route() {
    let (mut r, flows) = asked(200);
    r.reroute(SOURCE, connected(3));
    // Its turn has not come. A's interface is released, and its former iif has no owner.
    r.release("A", 1);
    assert_eq!(told(&r, "C: rpf", &flows), 200);
    r.goes_on(7);
    assert_eq!(told(&r, "C: rpf", &flows), 200);
    assert_eq!(coming_in_by(&r, 3, &flows), 200);
}

#[test]
fn t5_10_refused_flows_follow_their_route_a_few_at_a_time() {
    let mut r = stage();
    let flows = refused(&mut r, 500);
    r.reroute(SOURCE, connected(1));
    assert_eq!(coming_in_by(&r, 1, &flows), AT_ONCE, "with the call");
    step(&mut r, 10);
    assert_eq!(coming_in_by(&r, 1, &flows), AT_ONCE + 10);
    // A packet of a flow whose turn has not come is a first packet.
    assert_eq!(r.upcall(&flows[499], 4), Outcome::Resolving);
    assert_eq!(coming_in_by(&r, 1, &flows), AT_ONCE + 11);
    r.goes_on(10);
    assert_eq!((coming_in_by(&r, 1, &flows), remembered(&r)), (500, 0));
    assert_eq!(told(&r, "A: rpf", &flows), 500, "each once");
}

#[test]
fn t5_1_a_new_owner_has_refused_flows_looked_at_a_few_at_a_time() {
    let mut r = stage();
    r.source(SOURCE, via(9, "10.9.0.9"));
    let flows = refused(&mut r, 500);
    r.take("A", 9);
    assert_eq!(coming_in_by(&r, 9, &flows), AT_ONCE, "with the call");
    step(&mut r, 10);
    assert_eq!(coming_in_by(&r, 9, &flows), AT_ONCE + 10);
    assert_eq!(r.upcall(&flows[499], 4), Outcome::Resolving);
    assert_eq!(coming_in_by(&r, 9, &flows), AT_ONCE + 11);
    r.goes_on(10);
    assert_eq!((coming_in_by(&r, 9, &flows), remembered(&r)), (500, 0));
    assert_eq!(told(&r, "A: rpf", &flows), 500, "each once");
}

#[test]
fn t5_1_a_release_forgets_the_flows_that_were_refused_there_a_few_at_a_time() {
    let mut r = stage();
    let flows = refused(&mut r, 500);
    r.release("Q", 4);
    assert_eq!((remembered(&r), r.dirty.len()), (500 - AT_ONCE, AT_ONCE), "with the call");
    // No entry may remain for any of them, whether its turn has come or not.
    assert!(flows.iter().all(|flow| r.entry(flow) == "nothing"));
    r.dirty.clear();
    step(&mut r, 10);
    assert_eq!((remembered(&r), r.dirty.len()), (490 - AT_ONCE, 10));
    // The interface is taken again, and a packet arrives: no client is asked about the former flows.
    r.take("A", 4);
    r.heard.clear();
    assert_eq!(r.upcall(&flows[499], 4), Outcome::Resolving);
    r.goes_on(10);
    assert_eq!(told(&r, "A: rpf", &flows), 1);
    assert_eq!(remembered(&r), 1, "A has declined the one that came");
    assert_eq!(r.entry(&flows[499]), "refusal from interface 4");
}

#[test]
fn t5_1_without_a_boundary_refused_flows_are_looked_at_a_few_at_a_time() {
    let mut r = stage();
    r.source(SOURCE, connected(4));
    let scope = Scope::new(addr("239.1.0.0"), 16).unwrap();
    r.run(|engine, fx| engine.add_boundary(4, scope, fx));
    let flows = refused(&mut r, 500);
    r.run(|engine, fx| engine.delete_boundary(4, scope, fx)).unwrap();
    assert_eq!(coming_in_by(&r, 4, &flows), AT_ONCE, "with the call");
    step(&mut r, 10);
    assert_eq!(coming_in_by(&r, 4, &flows), AT_ONCE + 10);
    // The boundary is back: flows that have not been examined stay refused.
    r.run(|engine, fx| engine.add_boundary(4, scope, fx));
    r.goes_on(10);
    assert_eq!((coming_in_by(&r, 4, &flows), remembered(&r)), (0, 500 - AT_ONCE - 10));
    r.run(|engine, fx| engine.delete_boundary(4, scope, fx)).unwrap();
    r.goes_on(10);
    assert_eq!((coming_in_by(&r, 4, &flows), remembered(&r)), (500 - AT_ONCE - 10, 0));
}

#[test]
fn t5_1_flows_that_a_change_does_not_concern_are_gone_through_a_few_at_a_time() {
    let mut r = stage();
    refused(&mut r, 5000);
    r.take("A", 9); // nothing arrives there, and no route leads there
                    // 16 for each flow that might have been woken, 1,024 of them in the call.
    assert_eq!(r.goes_on(10), (5000 - 1024usize).div_ceil(160));
    assert_eq!((remembered(&r), r.dirty.len()), (5000, 0));
    r.expect_nothing();
}

#[test]
fn t5_1_what_was_refused_after_a_change_is_not_looked_at_for_it() {
    let mut r = stage();
    refused(&mut r, 2000);
    r.release("Q", 4);
    r.owns("Q", &[4]);
    // The turn of the old ones has not come. These are decided by the present state.
    let news = ["(10.0.0.2, 239.9.1.1)", "(10.0.0.2, 239.9.1.2)"];
    for flow in news {
        assert!(matches!(r.upcall(flow, 4), Outcome::Refused(_)));
    }
    r.goes_on(10);
    assert_eq!(remembered(&r), 2);
    assert!(news.iter().all(|flow| r.entry(flow) == "refusal from interface 4"));
}

#[test]
fn t5_1_more_changes_than_are_kept_apart_lose_no_flow() {
    let mut r = stage();
    r.source(SOURCE, via(9, "10.9.0.9"));
    let flows = refused(&mut r, 2000);
    for index in 100..200 {
        r.take("C", index);
    }
    r.take("A", 9);
    r.goes_on(10);
    // Their next packets are first packets, if they have not been examined.
    for flow in flows.iter().filter(|flow| r.mfe(flow) == "no MFE").cloned().collect::<Vec<_>>() {
        assert_eq!(r.upcall(&flow, 4), Outcome::Resolving);
    }
    assert_eq!((coming_in_by(&r, 9, &flows), remembered(&r)), (2000, 0));
}

#[test]
fn t5_1_flows_of_an_interface_in_another_domain_are_looked_up_there() {
    let mut r = stage();
    r.domains.insert((addr(SOURCE), Domain(7)), connected(1));
    let flows = refused(&mut r, 500);
    r.moves_to_domain(1, 7);
    r.moves_to_domain(4, 7);
    assert_eq!(coming_in_by(&r, 1, &flows), AT_ONCE, "with the call");
    assert_eq!(r.upcall(&flows[499], 4), Outcome::Resolving);
    assert_eq!(coming_in_by(&r, 1, &flows), AT_ONCE + 1);
    r.goes_on(10);
    assert_eq!(remembered(&r), 0);
    for flow in &flows[AT_ONCE..499] {
        assert_eq!(r.upcall(flow, 4), Outcome::Resolving);
    }
    assert_eq!(coming_in_by(&r, 1, &flows), 500);
}

#[test]
fn t5_2_a_new_owner_of_the_route_moves_flows_that_none_led_to_a_few_at_a_time() {
    let mut r = stage();
    r.source(SOURCE, via(9, "10.9.0.9"));
    r.names_iif("A", 1, "10.1.0.9");
    let flows = names(500);
    for flow in &flows {
        r.packet(flow, 1);
    }
    assert_eq!(coming_in_by(&r, 1, &flows), 500);
    r.heard.clear();
    r.take("C", 9);
    assert_eq!(coming_in_by(&r, 9, &flows), AT_ONCE, "with the call");
    step(&mut r, 10);
    assert_eq!(coming_in_by(&r, 9, &flows), AT_ONCE + 10);
    // Another change meanwhile: they are examined again after that.
    r.release("C", 9);
    r.take("C", 9);
    r.goes_on(10);
    assert_eq!(coming_in_by(&r, 9, &flows), 500 - AT_ONCE - 10, "the others ended with it");
    assert_eq!(coming_in_by(&r, 1, &flows), 0);
    assert!(!r.engine.has_reroutes());
}

#[test]
fn t5_10_flows_whose_route_changes_twice_before_their_turn_follow_the_last() {
    let mut r = stage();
    r.source(SOURCE, connected(1));
    let flows = names(100);
    for flow in &flows {
        r.packet(flow, 1);
    }
    r.reroute(SOURCE, via(9, "10.9.0.9"));
    r.reroute(SOURCE, connected(3));
    r.goes_on(10);
    assert_eq!(coming_in_by(&r, 3, &flows), 100);
    assert!(!r.engine.has_reroutes());
}

/// One of two boundaries of 239.1.0.0/16 on 4 comes and goes; the other one stays.
fn flaps(r: &mut Router) {
    let scope = Scope::new(addr("239.1.0.0"), 16).unwrap();
    r.run(|engine, fx| engine.add_boundary(4, scope, fx));
    r.run(|engine, fx| engine.delete_boundary(4, scope, fx)).unwrap();
}

#[test]
fn t5_10_flows_follow_their_route_however_many_refused_ones_are_looked_at_meanwhile() {
    let mut r = stage();
    let wider = Scope::new(addr("239.0.0.0"), 12).unwrap();
    r.run(|engine, fx| engine.add_boundary(4, wider, fx));
    refused(&mut r, 1000);
    let flows: Vec<String> = names(100).iter().map(|f| f.replace(SOURCE, "10.0.0.2")).collect();
    r.source("10.0.0.2", connected(1));
    for flow in &flows {
        r.packet(flow, 1);
    }
    r.reroute("10.0.0.2", connected(3));
    for _ in 0..20 {
        flaps(&mut r);
        step(&mut r, AT_ONCE);
    }
    assert_eq!(coming_in_by(&r, 3, &flows), 100);
    assert_eq!(remembered(&r), 1000);
}

#[test]
fn t5_1_a_change_that_comes_again_and_again_holds_up_no_other() {
    let mut r = stage();
    r.source(SOURCE, via(9, "10.9.0.9"));
    let flows = refused(&mut r, 5000);
    for turn in 0..40 {
        // It concerns none of them, and comes again before the flows have been examined.
        let scope = Scope::new(addr("239.2.0.0"), 16).unwrap();
        r.run(|engine, fx| engine.add_boundary(4, scope, fx));
        r.run(|engine, fx| engine.delete_boundary(4, scope, fx)).unwrap();
        if turn == 0 {
            r.take("A", 9);
        }
        step(&mut r, 10);
    }
    assert!(coming_in_by(&r, 9, &flows) >= AT_ONCE);
}
