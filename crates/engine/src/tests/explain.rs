//! The explanation of one flow: which clients were asked, and the first reason why a packet would not
//! go out.

use super::*;

const FLOW: &str = "(10.0.0.5, 239.1.1.1)";

/// A owns 1, through which the source is reached, and 4; B owns 2 and 3.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1, 4]).owns("B", &[2, 3]).source("10.0.0.5", via(1, "10.9.0.1"));
    r
}

fn explain_from(r: &Router, arrival: Option<u32>) -> Explanation {
    let (flow, arrival) = (flow(FLOW), arrival.map(Interface::link));
    let route = r.look_up(flow, arrival.unwrap_or(Interface::NONE));
    explain_with(r, ExplainedFlow { flow, arrival, route: route.as_ref(), limited_on: None })
}

fn explain_with(r: &Router, asked: ExplainedFlow<'_>) -> Explanation {
    r.engine.explain(r.now, asked)
}

fn explain(r: &Router) -> Explanation {
    explain_from(r, None)
}

fn reason(r: &Router) -> Option<Reason> {
    explain(r).reason
}

fn row(r: &Router, interface: u32) -> WantedRow {
    let all = explain(r).wanted_by;
    let found = all.into_iter().find(|row| row.interface == Interface::link(interface));
    found.expect("the interface wants the flow")
}

#[test]
fn t5_1_a_flow_without_packets_is_explained_by_its_route() {
    let mut r = stage();
    let all = explain(&r);
    let expected = Incoming { interface: Interface::link(1), upstream: addr("10.9.0.1") };
    assert_eq!((all.expected, all.mfe.is_none()), (Some(expected), true));
    assert_eq!(all.paths.len(), 1);
    assert!(all.paths[0].is_legitimate());
    assert_eq!(all.question.client.map(|client| client.id), Some(r.id("A")));
    assert_eq!((all.question.state, all.question.about), (RpfState::NotAsked, Some(expected)));
    assert_eq!(all.reason, Some(Reason::NoMember));
    r.join("B", "(*, 239.1.1.1)", 2);
    assert_eq!(reason(&r), Some(Reason::NoPacket));
    assert_eq!(explain_from(&r, Some(4)).reason, Some(Reason::WrongInterface));
    assert_eq!(explain_from(&r, Some(9)).reason, Some(Reason::ForeignArrival));
    assert_eq!(r.engine.sizes().mfes, 0, "nothing has changed");
    assert!(r.known_sources().is_empty(), "nor is the source remembered");
}

#[test]
fn t5_1_every_equal_cost_path_is_legitimate_that_a_client_owns() {
    let mut r = stage();
    r.source("10.0.0.5", equal(&[(7, "10.7.0.1"), (1, "10.9.0.1"), (4, "")]));
    let legitimate: Vec<_> = explain(&r).paths.iter().map(PathRow::is_legitimate).collect();
    assert_eq!(legitimate, [false, true, true]);
    assert_eq!(explain(&r).expected.map(|to| to.interface), Some(Interface::link(1)));
    let on_four = explain_from(&r, Some(4));
    let expected = Incoming { interface: Interface::link(4), upstream: Ipv4Addr::UNSPECIFIED };
    assert_eq!(on_four.expected, Some(expected));
    r.engine.add_boundary(1, Scope::new(addr("239.1.0.0"), 16).unwrap(), &mut Effects::default());
    assert_eq!(explain(&r).expected.map(|to| to.interface), Some(Interface::link(4)));
}

#[test]
fn t5_1_the_reason_names_what_the_route_lacks() {
    let mut r = stage();
    r.join("B", "(*, 239.1.1.1)", 2);
    r.source("10.0.0.5", Route::NONE);
    assert_eq!(reason(&r), Some(Reason::NoRoute));
    r.source("10.0.0.5", connected(7));
    assert_eq!(reason(&r), Some(Reason::UnownedInterface));
    assert_eq!(explain(&r).paths[0].interface, None);
}

#[test]
fn t5_2_the_answer_to_rpf_callback_is_the_iif() {
    let mut r = stage();
    r.join("B", "(*, 239.1.1.1)", 2);
    r.names_iif("A", 4, "10.4.0.1");
    r.packet(FLOW, 1);
    let all = explain_from(&r, Some(1));
    let accepted = Incoming { interface: Interface::link(4), upstream: addr("10.4.0.1") };
    assert_eq!(all.question.state, RpfState::Answered);
    assert_eq!(all.question.client.map(|client| client.id), Some(r.id("A")));
    assert_eq!(all.question.accepted, Some(accepted));
    assert_eq!(all.question.about.map(|about| about.interface), Some(Interface::link(1)));
    assert_eq!(all.mfe.map(|(_, found)| found), Some(FoundBy::Client));
    assert_eq!(all.reason, Some(Reason::WrongInterface));
    assert_eq!(reason(&r), None, "packets on the iif go out");
}

#[test]
fn t5_2_a_client_that_declines_or_does_not_answer_is_the_reason() {
    let mut r = stage();
    r.source("10.0.0.5", Route::NONE).join("B", "(*, 239.1.1.1)", 2);
    assert_eq!(explain_from(&r, Some(4)).question.state, RpfState::NotAsked);
    assert_eq!(explain_from(&r, Some(4)).reason, Some(Reason::NoPacket), "A may accept it");
    r.stays_in("A", NoticeKind::Rpf);
    r.packet(FLOW, 4);
    let all = explain(&r);
    assert_eq!((all.question.state, all.question.about), (RpfState::Waiting, None));
    assert_eq!(
        (all.reason, all.resolving),
        (Some(Reason::Waiting), Some(ResolutionPurpose::Create))
    );
    r.returns("A");
    let all = explain(&r);
    assert_eq!(all.question.state, RpfState::Declined);
    assert_eq!(all.reason, Some(Reason::Declined));
    let refusal = all.refusal.expect("it is remembered");
    assert_eq!((refusal.why, refusal.ends_in_ms), (Refused::NoUpstream, 10_000));
    assert_eq!(refusal.arrival, Interface::link(4));
}

#[test]
fn t5_3_an_answer_to_creation_alert_is_remembered_until_the_owner_joins() {
    let mut r = stage();
    r.join("B", "(*, 239.1.1.1)", 2);
    r.switches_off("B", 2);
    r.stays_in("B", NoticeKind::Creation);
    r.packet(FLOW, 1);
    assert_eq!(row(&r, 2).answer, Some(OifAnswer::Waiting));
    assert_eq!(reason(&r), Some(Reason::Waiting));
    r.returns("B");
    assert_eq!(row(&r, 2).answer, Some(OifAnswer::Off));
    assert_eq!((row(&r, 2).forced, row(&r, 2).obstacle), (None, Some(Obstacle::CreationAlert)));
    assert_eq!(reason(&r), Some(Reason::CreationAlert));
    r.forward_off("B", FLOW, 2);
    assert_eq!((row(&r, 2).answer, row(&r, 2).forced), (None, Some(false)));
    assert_eq!(reason(&r), Some(Reason::SwitchedOff));
    r.join("B", FLOW, 2);
    assert_eq!((row(&r, 2).forced, row(&r, 2).is_oif), (None, true));
    assert_eq!(row(&r, 2).memberships, [(flow(FLOW), false), (flow("(*, 239.1.1.1)"), false)]);
    assert_eq!(reason(&r), None);
}

#[test]
fn t5_6_an_answer_at_a_renewal_replaces_the_former_one() {
    let mut r = stage();
    r.join("B", "(*, 239.1.1.1)", 2);
    r.join("B", "(*, 239.1.1.1)", 3);
    r.packet(FLOW, 1);
    r.packet(FLOW, 1);
    r.switches_off("B", 2);
    r.seconds_pass(900);
    assert_eq!(row(&r, 2).answer, Some(OifAnswer::Off));
    assert_eq!(reason(&r), None, "3 wants it");
    r.party("B").habits.switches_off.clear();
    r.packet(FLOW, 1);
    r.seconds_pass(900);
    assert_eq!((row(&r, 2).answer, row(&r, 2).is_oif), (None, true));
}

#[test]
fn t3_5_the_reason_names_what_keeps_the_interfaces_off() {
    let mut r = stage();
    r.packet(FLOW, 1);
    assert_eq!(reason(&r), Some(Reason::NoMember));
    r.join("A", "(*, *)", 1);
    assert_eq!((reason(&r), row(&r, 1).obstacle), (Some(Reason::OnlyIif), Some(Obstacle::Iif)));
    r.forward_on("B", FLOW, 3);
    assert_eq!((row(&r, 3).forced, reason(&r)), (Some(true), None));
    assert!(row(&r, 3).memberships.is_empty());
}

#[test]
fn t3_7_boundaries_and_thresholds_are_reasons() {
    let mut r = stage();
    r.join("B", "(*, 239.1.1.1)", 2);
    r.packet(FLOW, 1);
    r.packet(FLOW, 1);
    let scope = Scope::new(addr("239.1.0.0"), 16).unwrap();
    r.run(|engine, fx| engine.set_threshold(Interface::link(2), 255, fx));
    assert_eq!((reason(&r), row(&r, 2).threshold), (Some(Reason::TtlThreshold), 255));
    r.run(|engine, fx| engine.set_threshold(Interface::link(2), 1, fx));
    assert_eq!(reason(&r), None);
    r.run(|engine, fx| engine.add_boundary(2, scope, fx));
    assert_eq!((reason(&r), row(&r, 2).boundary), (Some(Reason::OifBoundary), Some(scope)));
    r.run(|engine, fx| engine.add_boundary(1, scope, fx));
    assert_eq!(explain_from(&r, Some(1)).reason, Some(Reason::ArrivalBoundary));
    assert_eq!(reason(&r), Some(Reason::ArrivalBoundary), "whichever interface is meant");
}

#[test]
fn t3_7_a_threshold_that_has_stopped_every_packet_is_the_reason() {
    let mut r = stage();
    r.run(|engine, fx| engine.set_threshold(Interface::link(2), 32, fx));
    r.join("B", "(*, 239.1.1.1)", 2);
    r.packet_with_ttl(FLOW, 1, 9);
    r.packet_with_ttl(FLOW, 1, 9);
    assert_eq!(reason(&r), Some(Reason::TtlThreshold));
    r.packet_with_ttl(FLOW, 1, 64);
    assert_eq!(reason(&r), None);
}

#[test]
fn t0_9_a_limit_is_the_reason_of_a_flow_that_could_not_begin() {
    let mut r = Router::of(Config { mfe_timeout: 900, max_flows: 1, ..Config::default() }, &["A"]);
    r.owns("A", &[1, 2]).source("10.0.0.5", connected(1)).source("10.0.0.6", connected(1));
    r.join("A", "(*, 239.1.1.1)", 2);
    r.packet("(10.0.0.6, 239.1.1.1)", 1);
    assert_eq!(reason(&r), Some(Reason::Limit(Refused::FlowLimit)));
}

#[test]
fn d91_the_limit_of_the_forwarder_is_the_reason_until_the_flow_begins() {
    let mut r = stage();
    r.join("B", "(*, 239.1.1.1)", 2);
    let arriving = |r: &Router, arrival: Option<u32>| {
        let (flow, arrival) = (flow(FLOW), arrival.map(Interface::link));
        let route = r.look_up(flow, Interface::NONE);
        let limited_on = Some(Interface::link(1));
        explain_with(r, ExplainedFlow { flow, arrival, route: route.as_ref(), limited_on })
    };
    let limited = |r: &Router| arriving(r, None);
    let all = limited(&r);
    assert_eq!(all.reason, Some(Reason::Limit(Refused::FlowRate)));
    assert_eq!(all.arrival.map(|row| row.interface), Some(Interface::link(1)));
    let refusal = all.refusal.expect("the refusal");
    assert_eq!((refusal.arrival, refusal.ends_in_ms), (Interface::link(1), 0));
    assert_eq!(arriving(&r, Some(1)).refusal.map(|row| row.why), Some(Refused::FlowRate));
    let elsewhere = arriving(&r, Some(2));
    assert_eq!(elsewhere.refusal, None);
    assert_ne!(elsewhere.reason, Some(Reason::Limit(Refused::FlowRate)));
    r.packet(FLOW, 1);
    let all = limited(&r);
    assert_eq!((all.reason, all.refusal), (None, None));
}

#[test]
fn d91_a_flow_that_a_limit_has_refused_is_not_refused_on_another_interface() {
    let mut r = stage();
    r.source("10.0.0.6", connected(1)).join("B", "(*, 239.1.1.1)", 2);
    let limit = mgm_types::Rate { per_second: 1, burst: 1 };
    r.run(|engine, fx| engine.set_flow_rate(1, Some(limit), fx));
    r.packet("(10.0.0.6, 239.1.1.1)", 1);
    r.packet(FLOW, 1);
    for arrival in [None, Some(1)] {
        let all = explain_from(&r, arrival);
        assert_eq!(all.reason, Some(Reason::Limit(Refused::FlowRate)), "{arrival:?}");
        assert!(all.refusal.is_some_and(|row| row.ends_in_ms > 0), "it is remembered");
    }
    let elsewhere = explain_from(&r, Some(2));
    assert_eq!(elsewhere.refusal, None);
    assert_eq!(elsewhere.reason, Some(Reason::WrongInterface));
}

#[test]
fn t3_2_the_link_local_groups_are_never_forwarded() {
    let mut r = stage();
    r.join("B", "(*, *)", 2);
    let (flow, route) = (flow("(10.0.0.5, 224.0.0.9)"), connected(1));
    let asked = ExplainedFlow { flow, arrival: None, route: Some(&route), limited_on: None };
    let all = explain_with(&r, asked);
    assert_eq!(all.reason, Some(Reason::LinkLocal));
}

#[test]
fn t3_4_each_membership_names_its_holder() {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("I", &[2]).source("10.0.0.5", connected(1));
    r.join("I", "(*, 239.1.1.1)", 2);
    r.join("B", FLOW, 2);
    let row = row(&r, 2);
    assert_eq!(row.owner.map(|owner| owner.id), Some(r.id("B")));
    assert_eq!(row.igmp.map(|igmp| igmp.id), Some(r.id("I")));
    assert_eq!(row.memberships, [(flow(FLOW), false), (flow("(*, 239.1.1.1)"), true)]);
}
