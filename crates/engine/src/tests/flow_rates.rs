//! How many flows may begin on an interface in a second (spec 0.9).

use super::*;
use mgm_types::Rate;

/// A has interfaces 1 to 3. The sources 10.x are connected on interface 1, 20.x on interface 2.
fn stage() -> Router {
    let mut r = Router::with(&["A"]);
    r.owns("A", &[1, 2, 3]);
    for n in 1..=200 {
        r.source(&format!("10.0.0.{n}"), connected(1));
        r.source(&format!("20.0.0.{n}"), connected(2));
    }
    r
}

/// Permits so many new flows a second on an interface, and so many at once.
fn limit(r: &mut Router, index: u32, per_second: u32, burst: u32) {
    set(r, index, Some(Rate { per_second, burst }));
}

fn set(r: &mut Router, index: u32, rate: Option<Rate>) {
    r.run(|engine, fx| engine.set_flow_rate(index, rate, fx));
}

fn name(interface: u32, n: u32) -> String {
    format!("({interface}0.0.0.{n}, 239.1.1.1)")
}

/// How many of these flows begin on the interface of their sources.
fn begun(r: &mut Router, interface: u32, flows: std::ops::RangeInclusive<u32>) -> usize {
    flows.filter(|&n| r.packet(&name(interface, n), interface) == Outcome::Resolving).count()
}

fn refused(r: &Router) -> u64 {
    r.engine.refused(Refused::FlowRate)
}

const TOO_MANY: Outcome = Outcome::Refused(Refused::FlowRate);

#[test]
fn t0_9_an_interface_gets_its_burst_and_then_so_many_flows_a_second() {
    let mut r = stage();
    limit(&mut r, 1, 10, 5);
    assert_eq!(begun(&mut r, 1, 1..=20), 5);
    assert_eq!((r.engine.sizes().mfes, refused(&r)), (5, 15));
    r.now = Time(r.now.0 + 99);
    assert_eq!(begun(&mut r, 1, 21..=30), 0);
    r.now = Time(r.now.0 + 1);
    assert_eq!(begun(&mut r, 1, 31..=40), 1, "one each 100 ms");
    r.now = Time(r.now.0 + 60_000);
    assert_eq!(begun(&mut r, 1, 41..=60), 5, "unused room does not add up beyond the burst");
}

#[test]
fn t0_9_the_limit_of_an_interface_is_that_of_where_a_flow_arrives() {
    let mut r = stage();
    limit(&mut r, 1, 1, 1);
    assert_eq!(begun(&mut r, 2, 1..=50), 50, "another interface has no limit");
    assert_eq!(begun(&mut r, 1, 1..=50), 1);
    // Towards the sources is 1; these arrive on 3.
    assert_eq!(r.packet(&name(1, 60), 3), Outcome::Resolving);
    assert_eq!(r.packet(&name(2, 60), 1), TOO_MANY);
}

#[test]
fn t0_9_a_flow_beyond_the_limit_costs_its_senders_and_nobody_else() {
    let mut r = stage();
    limit(&mut r, 1, 1, 1);
    begun(&mut r, 1, 1..=1);
    r.heard.clear();
    assert_eq!(r.upcall(&name(1, 2), 1), TOO_MANY);
    r.expect(&[]);
    assert_eq!(r.entry(&name(1, 2)), "refusal from interface 1");
    assert!(r.dirty.contains(&flow(&name(1, 2))));
    // Flows with an MFE are still forwarded and renewed.
    assert!(matches!(r.packet(&name(1, 1), 1), Outcome::Forwarded(_)));
    r.join("A", "(*, 239.1.1.1)", 2);
    r.packet(&name(1, 1), 1);
    r.seconds_pass(900);
    assert_eq!(r.entry(&name(1, 1)), "MFE from interface 1");
}

#[test]
fn t0_9_a_flow_beyond_the_limit_is_refused_for_ten_seconds() {
    for upcall in [false, true] {
        let packet = if upcall { Router::upcall } else { Router::packet };
        let mut r = stage();
        limit(&mut r, 1, 1, 1);
        assert_eq!(packet(&mut r, &name(1, 1), 1.there()), Outcome::Resolving);
        assert_eq!(packet(&mut r, &name(1, 2), 1.there()), TOO_MANY);
        assert_eq!(r.engine.sizes().refused_flows, 1);
        // Its packets do not use the limit of the others, and begin no flow.
        r.seconds_pass(9);
        assert_eq!(packet(&mut r, &name(1, 2), 1.there()), TOO_MANY);
        assert_eq!(packet(&mut r, &name(1, 3), 1.there()), Outcome::Resolving);
        assert_eq!(packet(&mut r, &name(1, 4), 1.there()), TOO_MANY);
        let rates: Vec<_> = r.engine.flow_rates().collect();
        assert_eq!(rates, [(1, Rate { per_second: 1, burst: 1 }, 2)], "two flows");
        assert_eq!(refused(&r), 3, "and three packets");
        r.seconds_pass(1);
        assert_eq!(r.engine.sizes().refused_flows, 1);
        assert_eq!(packet(&mut r, &name(1, 2), 1.there()), Outcome::Resolving);
    }
}

#[test]
fn t0_9_one_line_a_minute_for_each_interface_names_the_limit() {
    let mut r = stage();
    limit(&mut r, 1, 7, 3);
    limit(&mut r, 2, 1, 1);
    begun(&mut r, 1, 1..=50);
    assert_eq!(r.log.len(), 1, "{:?}", r.log);
    for words in ["interface 1", "7 a second", "3 at once", "mgmtop", "MgmHostSetFlowLimit"] {
        assert!(r.log[0].contains(words), "{words}: {:?}", r.log);
    }
    begun(&mut r, 2, 1..=50);
    assert_eq!(r.log.len(), 2);
    assert!(r.log[1].contains("interface 2"));
    r.seconds_pass(59);
    begun(&mut r, 1, 51..=99);
    assert_eq!(r.log.len(), 2);
    r.seconds_pass(1);
    begun(&mut r, 1, 100..=150);
    assert_eq!(r.log.len(), 3);
}

#[test]
fn d81_the_neighbours_of_a_link_share_its_limit() {
    let mut r = Router::with(&["A"]);
    let neighbours =
        ["10.0.0.1", "10.0.0.2"].map(|hop| Interface { index: 5, next_hop: addr(hop) });
    r.owns("A", &neighbours);
    for hop in neighbours {
        r.source(&hop.next_hop.to_string(), connected(5));
    }
    limit(&mut r, 5, 1, 1);
    let packets = ["(10.0.0.1, 239.1.1.1)", "(10.0.0.2, 239.1.1.1)"];
    assert_eq!(r.packet(packets[0], neighbours[0]), Outcome::Resolving);
    assert_eq!(r.packet(packets[1], neighbours[1]), TOO_MANY);
}

#[test]
fn d81_a_limit_outlives_the_owner_of_the_interface() {
    let mut r = stage();
    limit(&mut r, 9, 1, 1); // nobody has it
    r.source("90.0.0.1", connected(9)).source("90.0.0.2", connected(9));
    r.owns("A", &[9]);
    assert_eq!(begun(&mut r, 9, 1..=2), 1);
    r.release("A", 9);
    assert_eq!(r.engine.sizes().refused_flows, 0, "there are no packets from there");
    r.owns("A", &[9]);
    assert_eq!(begun(&mut r, 9, 1..=1), 0);
}

#[test]
fn d81_another_limit_begins_full_and_the_same_one_changes_nothing() {
    let mut r = stage();
    limit(&mut r, 1, 1, 3);
    assert_eq!(begun(&mut r, 1, 1..=10), 3);
    limit(&mut r, 1, 1, 3);
    assert_eq!(begun(&mut r, 1, 11..=20), 0);
    let refused = r.engine.flow_rates().next().unwrap().2;
    limit(&mut r, 1, 2, 4);
    let (_, rate, now) = r.engine.flow_rates().next().unwrap();
    assert_eq!(rate, Rate { per_second: 2, burst: 4 });
    assert!(now >= refused, "it goes on counting");
}

#[test]
fn d81_another_limit_lets_flows_pass_that_the_former_has_refused() {
    let mut r = stage();
    limit(&mut r, 1, 1, 1);
    r.upcall(&name(1, 1), 1);
    for n in 2..=9 {
        assert_eq!(r.upcall(&name(1, n), 1), TOO_MANY);
    }
    limit(&mut r, 1, 1, 4);
    assert_eq!((r.engine.sizes().mfes, r.engine.sizes().refused_flows), (5, 4));
    assert_eq!(r.entry(&name(1, 9)), "refusal from interface 1", "refused again");
    set(&mut r, 1, None);
    assert_eq!((r.engine.sizes().mfes, r.engine.sizes().refused_flows), (9, 0));
    assert_eq!(r.engine.flow_rates().count(), 0);
    assert_eq!(begun(&mut r, 1, 10..=200), 191);
}

#[test]
fn d81_a_new_limit_concerns_only_what_the_former_has_refused() {
    let mut r = stage();
    limit(&mut r, 1, 1, 2);
    r.upcall("(30.0.0.1, 239.1.1.1)", 1); // no route leads there
    limit(&mut r, 2, 1, 1);
    r.upcall(&name(2, 1), 2);
    r.upcall(&name(2, 2), 2);
    assert_eq!(r.engine.sizes().refused_flows, 2);
    r.heard.clear();
    set(&mut r, 1, None);
    r.expect(&[]);
    assert_eq!(r.engine.sizes().refused_flows, 2);
}

#[test]
fn d81_very_many_refused_flows_follow_a_new_limit_in_turns() {
    let mut r = stage();
    limit(&mut r, 1, 1, 1);
    for n in 1..=200 {
        r.upcall(&name(1, n), 1);
    }
    set(&mut r, 1, None);
    assert_eq!(r.engine.sizes().mfes, 1 + 64, "at once");
    // A packet does not wait until it is the turn of its flow.
    assert_eq!(r.upcall(&name(1, 200), 1), Outcome::Resolving);
    while r.engine.has_reroutes() {
        let now = r.now;
        r.run(|engine, fx| engine.reroute_some(now, 16, fx));
    }
    assert_eq!((r.engine.sizes().mfes, r.engine.sizes().refused_flows), (200, 0));
}

#[test]
fn d81_a_flow_that_is_looked_at_again_takes_as_any_other() {
    let mut r = stage();
    limit(&mut r, 1, 1, 2);
    assert_eq!(r.upcall("(30.0.0.1, 239.1.1.1)", 1), Outcome::Resolving, "A is asked");
    assert_eq!(r.engine.sizes().refused_flows, 1, "and does not accept it");
    begun(&mut r, 1, 1..=1);
    r.reroute("30.0.0.1", connected(1));
    assert_eq!(refused(&r), 1);
    assert_eq!(r.entry("(30.0.0.1, 239.1.1.1)"), "refusal from interface 1");
    r.seconds_pass(10);
    assert_eq!(r.upcall("(30.0.0.1, 239.1.1.1)", 1), Outcome::Resolving);
}

#[test]
fn d81_a_flow_that_another_limit_refuses_takes_nothing() {
    let config = Config { mfe_timeout: 900, max_flows: 1, ..Config::default() };
    let mut r = Router::of(config, &["A"]);
    r.owns("A", &[1]);
    for n in 1..=3 {
        r.source(&format!("10.0.0.{n}"), connected(1));
    }
    limit(&mut r, 1, 1, 2);
    assert_eq!(begun(&mut r, 1, 1..=3), 1);
    assert_eq!(r.engine.refused(Refused::FlowLimit), 2);
    assert_eq!(r.engine.flow_rates().next().unwrap().2, 0);
    assert_eq!(r.engine.sizes().refused_flows, 0, "only this limit is remembered");
}

#[test]
fn d81_a_refused_flow_that_comes_from_elsewhere_is_a_first_packet_there() {
    let mut r = stage();
    r.source("40.0.0.1", equal(&[(1, ""), (2, "")]));
    limit(&mut r, 1, 1, 1);
    begun(&mut r, 1, 1..=1);
    assert_eq!(r.upcall("(40.0.0.1, 239.1.1.1)", 1), TOO_MANY);
    assert_eq!(r.upcall("(40.0.0.1, 239.1.1.1)", 2), Outcome::Resolving);
    // No client was asked about this one yet, so the owner of the other interface is asked.
    assert_eq!(r.upcall("(30.0.0.1, 239.1.1.1)", 1), TOO_MANY);
    r.heard.clear();
    assert_eq!(r.upcall("(30.0.0.1, 239.1.1.1)", 3), Outcome::Resolving);
    assert_eq!(r.heard.len(), 1, "{:?}", r.heard);
}
