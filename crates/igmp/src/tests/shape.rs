//! The shape of the state machine (I1 to I4).

use super::lan::*;
use crate::codec::RecordType::*;
use crate::config::ConfigError;
use crate::*;

/// A short history with the given seed.
fn history(seed: u64) -> Vec<Action> {
    let mut igmp = Igmp::new(seed);
    let mut actions = Vec::new();
    let config = Box::new(config());
    igmp.handle(
        Time(0),
        Event::Configure { interface: Interface::link(LINK), config },
        &mut actions,
    );
    igmp.handle(Time(5), Event::Link { link: LINK, info: up(&[ROUTER]) }, &mut actions);
    igmp.handle(Time(6), Event::Taken { link: LINK, result: Ok(Ownership::Alone) }, &mut actions);
    for n in 0..50_u64 {
        let report = codec::report_v2(addr(&format!("239.1.{n}.1")));
        let to = addr(&format!("239.1.{n}.1"));
        let octets = codec::datagram(addr(HOST), to, &report);
        let packet = Packet { link: LINK, unicast_frame: false, octets: &octets };
        igmp.handle(Time(n * 7_000), Event::Packet(packet), &mut actions);
    }
    actions
}

#[test]
fn i1_equal_input_gives_equal_output() {
    assert_eq!(history(1), history(1));
    assert!(history(1).len() > 40);
}

#[test]
fn i2_no_timer_fires_early() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.wait(100_000);
    lan.done();
    lan.jump(269_999 - 100_000);
    assert_eq!(lan.state(G), "EX(;)");
    lan.jump(1);
    assert_eq!(lan.state(G), "-");
}

#[test]
fn i2_a_late_call_runs_timers_in_the_order_of_their_deadlines() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    lan.wait(1_000);
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, G, &[1]);
    lan.done();
    lan.jump(400_000);
    let calls: Vec<String> = lan.done().into_iter().filter(|what| what != "Q").collect();
    assert_eq!(calls, ["-(*,239.1.1.2)", "-(*,239.1.1.1)"]);
}

#[test]
fn i2_time_does_not_run_backwards() {
    let mut lan = Lan::new(config());
    lan.wait(100_000);
    lan.now = 50_000;
    lan.report(HOST, ToEx, G, &[]);
    lan.now = 100_000 + 269_999;
    lan.event(Event::Time);
    assert_eq!(lan.state(G), "EX(;)");
}

#[test]
fn i3_a_next_hop_is_refused() {
    let mut lan = Lan::down(config());
    let next_hop = addr("10.0.0.2");
    let interface = Interface { index: 9, next_hop };
    lan.event(Event::Configure { interface, config: Box::new(config()) });
    let refused = LogEvent::ConfigRefused(ConfigError::NextHop(next_hop));
    assert_eq!(lan.logged()[0].event, refused);
    assert_eq!(lan.igmp.status(9), None);
}

#[test]
fn i3_an_upstream_has_no_router_side() {
    let mut lan = Lan::new(LinkConfig { role: Role::Upstream, ..config() });
    lan.v2_report(HOST, G);
    lan.wait(1_000_000);
    let queries = lan.done().into_iter().filter(|what| what.starts_with('Q')).count();
    assert_eq!((queries, lan.state(G)), (0, "-".into()));
    let mut lan = Lan::new(LinkConfig { role: Role::Downstream, ..config() });
    lan.v2_report(HOST, G);
    assert_eq!(lan.state(G), "EX(;)");
}

#[test]
fn i3_a_new_role_begins_anew() {
    let mut lan = Lan::new(config());
    lan.v2_report(HOST, G);
    lan.done();
    lan.configure(LinkConfig { role: Role::Upstream, ..config() });
    assert_eq!(lan.done(), ["-(*,239.1.1.1)"]);
    lan.wait(500_000);
    assert_eq!(lan.done(), [""; 0]);
    lan.configure(config());
    assert_eq!(lan.done(), ["Q"]);
}

#[test]
fn i4_state_survives_changes_of_addresses_and_configuration() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.wait(10_000);
    lan.event(Event::Link { link: LINK, info: up(&["10.0.0.77"]) });
    lan.configure(LinkConfig { query_interval: 20_000, ..config() });
    lan.done();
    assert_eq!(lan.ends_after(G), 260_000, "a running timer keeps its deadline");
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.ends_after(G), 60_000, "2 × 20 s + 2 × 10 s from now on");
}

#[test]
fn i4_configurations_that_cannot_work_are_refused() {
    for (config, error) in [
        (LinkConfig { version: 0, ..config() }, ConfigError::Version(0)),
        (LinkConfig { version: 4, ..config() }, ConfigError::Version(4)),
        (LinkConfig { robustness: 0, ..config() }, ConfigError::Robustness),
        (LinkConfig { query_interval: 10_000, ..config() }, ConfigError::ResponseInterval),
        (LinkConfig { query_interval: 0, ..config() }, ConfigError::Interval("query-interval")),
        (
            LinkConfig { startup_query_count: Some(0), ..config() },
            ConfigError::Count("startup-query-count"),
        ),
        (
            LinkConfig { last_member_query_count: Some(0), ..config() },
            ConfigError::Count("last-member-query-count"),
        ),
        (
            LinkConfig { source: Some(addr("224.0.0.1")), ..config() },
            ConfigError::Source(addr("224.0.0.1")),
        ),
    ] {
        let mut lan = Lan::new(self::config());
        lan.configure(config);
        assert_eq!(lan.logged()[0].event, LogEvent::ConfigRefused(error));
        lan.v2_report(HOST, G);
        assert_eq!(lan.state(G), "EX(;)", "the former configuration stays");
    }
}

#[test]
fn i4_a_robustness_of_1_is_warned_of() {
    let mut lan = Lan::down(LinkConfig { robustness: 1, ..config() });
    assert_eq!(lan.logged()[0].event, LogEvent::NoRobustness);
}

#[test]
fn i4_the_defaults_are_those_of_the_rfc() {
    let config = config();
    let intervals = config.intervals();
    assert_eq!(intervals.group_membership, 270_000);
    assert_eq!(intervals.older_host_present, 260_000);
    assert_eq!(intervals.other_querier_present, 255_000);
    assert_eq!((config.last_member_time(), config.last_member_count()), (2_000, 2));
    assert_eq!((config.startup_interval(), config.startup_count()), (31_250, 2));
    assert_eq!(config.check(Interface::link(LINK)), Ok(()));
}
