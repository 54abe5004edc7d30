//! SSM range and lists (I46, I51).

use super::lan::*;
use crate::codec::{OwnRecord, RecordType::*};
use crate::config::{AccessList, Rule};
use crate::*;

const SSM: &str = "232.1.1.1";

#[test]
fn i46_only_source_lists_act_in_the_ssm_range() {
    let mut lan = Lan::new(config());
    lan.v1_report(HOST, SSM);
    lan.v2_report(HOST, SSM);
    lan.leave(HOST, SSM);
    lan.report(HOST, IsEx, SSM, &[]);
    lan.report(HOST, ToEx, SSM, &[1]);
    assert_eq!((lan.state(SSM), lan.dropped(DropReason::SsmRange)), ("-".into(), 5));
    let lines = lan.logged();
    assert_eq!(lines.len(), 1, "once a minute");
    assert_eq!(lines[0].event, LogEvent::SsmReport { host: addr(HOST), group: addr(SSM) });
    lan.report(HOST, Allow, SSM, &[1]);
    assert_eq!(
        (lan.state(SSM), lan.done()),
        ("IN(1)".into(), vec!["+(10.0.0.1,232.1.1.1)".into()])
    );
    lan.report(HOST, ToIn, SSM, &[2]);
    assert_eq!(lan.done(), ["Q(232.1.1.1,{10.0.0.1})", "+(10.0.0.2,232.1.1.1)"]);
}

#[test]
fn i46_the_range_is_configured_and_may_be_empty() {
    let mut lan = Lan::new(LinkConfig { ssm_range: vec![], ..config() });
    lan.v2_report(HOST, SSM);
    assert_eq!(lan.state(SSM), "EX(;)");
    lan.report(HOST, Allow, G, &[1]);
    lan.report(HOST, ToEx, "239.2.2.2", &[]);
    lan.done();
    let ssm_range = vec![Prefix::of(addr("232.0.0.0"), 5)];
    lan.configure(LinkConfig { ssm_range, ..config() });
    assert_eq!(lan.done(), ["-(*,232.1.1.1)", "-(*,239.2.2.2)"]);
    assert_eq!(lan.state(G), "IN(1)");
}

fn deny(prefix: Prefix) -> AccessList {
    AccessList { rules: vec![Rule { permit: false, prefix }], otherwise: true }
}

#[test]
fn i51_lists_decide_by_their_first_match() {
    let list = AccessList {
        rules: vec![
            Rule { permit: true, prefix: Prefix::of(addr("239.1.1.0"), 24) },
            Rule { permit: false, prefix: Prefix::of(addr("239.1.0.0"), 16) },
        ],
        otherwise: true,
    };
    let mut lan = Lan::new(LinkConfig { groups: list.clone(), ..config() });
    for (group, permitted) in [(G, true), ("239.1.2.1", false), ("239.2.0.1", true)] {
        lan.v2_report(HOST, group);
        assert_eq!(lan.state(group) != "-", permitted, "{group}");
    }
    assert_eq!(lan.dropped(DropReason::DeniedGroup), 1);
    let groups = AccessList { otherwise: false, ..list };
    let mut lan = Lan::new(LinkConfig { groups, ..config() });
    lan.v2_report(HOST, "239.2.0.1");
    assert_eq!(lan.state("239.2.0.1"), "-");
}

#[test]
fn i51_a_denied_source_is_as_if_not_reported() {
    let sources = deny(Prefix::of(addr("10.0.0.1"), 32));
    let mut lan = Lan::new(LinkConfig { sources, ..config() });
    lan.report(HOST, Allow, G, &[1]);
    assert_eq!(lan.state(G), "-");
    lan.report(HOST, Allow, G, &[1, 2]);
    assert_eq!(lan.state(G), "IN(2)");
    lan.report(HOST, ToEx, G, &[1, 2]);
    assert_eq!(lan.state(G), "EX(2;)");
    lan.done();
    lan.report(HOST, ToIn, G, &[1]);
    assert!(lan.done().contains(&"Q(239.1.1.1)".into()), "the host has left");
    assert_eq!(lan.dropped(DropReason::VoidRecord), 0);
    assert_eq!(lan.counters().sources_removed, 4);
}

#[test]
fn i51_each_record_is_judged_alone() {
    let groups = deny(Prefix::of(addr("239.9.0.0"), 16));
    let mut lan = Lan::new(LinkConfig { groups, ..config() });
    let record = |group| OwnRecord { kind: ToEx, group: addr(group), sources: &[] };
    let message = codec::report_v3(&[record("239.9.1.1"), record(G)]);
    lan.message(HOST, "224.0.0.22", &message);
    assert_eq!((lan.state("239.9.1.1"), lan.state(G)), ("-".into(), "EX(;)".into()));
}

#[test]
fn i51_a_new_list_acts_at_once_on_what_is_there() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, "239.2.2.2", &[1, 2]);
    lan.report(HOST, Allow, "239.3.3.3", &[1]);
    lan.report(HOST, ToEx, "239.4.4.4", &[1]);
    lan.done();
    let groups = deny(Prefix::of(addr("239.1.0.0"), 16));
    let sources = deny(Prefix::of(addr("10.0.0.1"), 32));
    lan.configure(LinkConfig { groups, sources, ..config() });
    let mut calls = lan.done();
    calls.sort();
    assert_eq!(
        calls,
        [
            "+F(10.0.0.1,239.4.4.4)",
            "-(*,239.1.1.1)",
            "-(10.0.0.1,239.2.2.2)",
            "-(10.0.0.1,239.3.3.3)"
        ]
    );
    assert_eq!((lan.state("239.2.2.2"), lan.state("239.3.3.3")), ("IN(2)".into(), "-".into()));
}
