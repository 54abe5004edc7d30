//! The version of the link (I29 to I31).

use super::lan::*;
use crate::codec::{QueryBody, RecordType, RecordType::*};
use crate::*;

const LOWER: &str = "10.0.0.1";
const HIGHER: &str = "10.0.0.99";
const OQPI: u64 = 255_000;

fn of_version(version: u8) -> Lan {
    Lan::new(LinkConfig { version, ..config() })
}

#[test]
fn i29_older_queriers_lower_the_version_from_any_address() {
    for from in [LOWER, HIGHER] {
        let mut lan = Lan::new(config());
        lan.query(from, "0.0.0.0", 10_000, QueryBody::V2);
        assert_eq!(lan.status().version, 2);
        lan.query(from, "0.0.0.0", 0, QueryBody::V1);
        assert_eq!(lan.status().version, 1);
        lan.wait(OQPI - 1);
        assert_eq!(lan.status().version, 1);
        lan.wait(1);
        assert_eq!(lan.status().version, 3);
    }
    let mut lan = of_version(2);
    lan.general_query(HIGHER, 2, 125);
    assert_eq!(lan.status().version, 2, "a newer version does not raise it");
}

#[test]
fn i29_specific_queries_do_not_lower_the_version() {
    let mut lan = Lan::new(config());
    lan.query(LOWER, G, 1_000, QueryBody::V2);
    assert_eq!(lan.status().version, 3);
}

#[test]
fn i29_a_link_can_keep_its_version() {
    let mut lan = Lan::new(LinkConfig { keep_version: true, ..config() });
    lan.query(HIGHER, "0.0.0.0", 10_000, QueryBody::V2);
    assert_eq!(lan.status().version, 3);
    let querier = addr(HIGHER);
    let mismatch = LogEvent::VersionMismatch { querier, theirs: 2, ours: 3 };
    assert_eq!(lan.logged()[0].event, mismatch);
}

#[test]
fn i29_a_mismatch_is_warned_of_once_a_minute() {
    let mut lan = Lan::new(config());
    for _ in 0..=60 {
        lan.query(HIGHER, "0.0.0.0", 10_000, QueryBody::V2);
        lan.wait(1_000);
    }
    let lines = lan.logged();
    let left_out: Vec<u32> = lines.iter().map(|line| line.left_out).collect();
    assert_eq!(left_out, [0, 59]);
    assert_eq!(lan.counters().wrong_version_queries, 61);
}

#[test]
fn t44_back_to_v3() {
    let mut lan = Lan::new(config());
    lan.query(LOWER, "0.0.0.0", 10_000, QueryBody::V2);
    lan.wait(OQPI - 1);
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(1);
    assert_eq!(lan.done(), ["Q"]);
    let mut lan = Lan::new(config());
    lan.query(HIGHER, "0.0.0.0", 10_000, QueryBody::V2);
    lan.wait(31_250);
    assert_eq!(lan.done(), ["Q v2"], "the querier of the lower version itself");
    lan.wait(OQPI);
    assert_eq!(lan.done(), ["Q v2", "Q"]);
}

#[test]
fn i30_queries_of_versions_1_and_2() {
    let mut lan = Lan::down(LinkConfig { version: 2, query_response_interval: 20_000, ..config() });
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    assert_eq!(lan.sent()[0].octets[24..], [0x11, 200, 0xee, 0x37, 0, 0, 0, 0]);
    lan.report(HOST, ToEx, G, &[]);
    lan.leave(HOST, G);
    assert_eq!(lan.done(), ["Q(239.1.1.1) v2"]);
    assert_eq!(lan.ends_after(G), 2_000);
    let mut lan = Lan::down(LinkConfig { version: 1, ..config() });
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    assert_eq!(lan.sent()[0].octets[24..], [0x11, 0, 0xee, 0xff, 0, 0, 0, 0]);
    lan.report(HOST, ToEx, G, &[]);
    lan.leave(HOST, G);
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!(lan.done(), [""; 0]);
    assert_eq!(lan.ends_after(G), 270_000);
}

#[test]
fn i30_a_v3_querier_sends_all_queries_as_v3() {
    let mut lan = Lan::new(config());
    lan.v2_report(HOST, G);
    lan.leave(HOST, G);
    assert_eq!(lan.done(), ["+(*,239.1.1.1)", "Q(239.1.1.1)"], "also for a group of v2 hosts");
}

/// The state that one record makes on a link of version 2.
fn on_v2(kind: RecordType, group: &str, sources: &[u32]) -> String {
    let mut lan = of_version(2);
    lan.report(HOST, kind, group, sources);
    lan.state(group)
}

#[test]
fn i31_v3_reports_join_on_a_v2_link() {
    for kind in [IsEx, ToEx, IsIn, Allow, ToIn] {
        assert_eq!(on_v2(kind, G, &[1]), "EX(;)", "{kind:?}");
    }
    for kind in [IsEx, ToEx] {
        assert_eq!(on_v2(kind, G, &[]), "EX(;)", "{kind:?}");
    }
    for kind in [IsIn, Allow, ToIn] {
        assert_eq!(on_v2(kind, G, &[]), "-", "{kind:?}");
    }
    assert_eq!(on_v2(Block, G, &[1]), "-");
}

#[test]
fn i31_v3_leaves_on_v2_and_v1_links() {
    let mut lan = of_version(2);
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Block, G, &[1]);
    assert_eq!((lan.state(G), lan.done()), ("EX(;)".into(), vec!["+(*,239.1.1.1)".into()]));
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!(lan.done(), ["Q(239.1.1.1) v2"]);
    let mut lan = of_version(1);
    lan.report(HOST, ToIn, G, &[1]);
    assert_eq!(lan.state(G), "EX(;)", "a host that wants a source must not starve");
}

#[test]
fn i31_the_ssm_range_works_on_a_v2_link_and_ends_by_timer() {
    let ssm = "232.1.1.1";
    assert_eq!(on_v2(Allow, ssm, &[1]), "IN(1)");
    let mut lan = of_version(2);
    lan.report(HOST, Allow, ssm, &[1, 2]);
    lan.report(HOST, Block, ssm, &[1]);
    lan.report(HOST, ToIn, ssm, &[]);
    assert_eq!(lan.state(ssm), "IN(1,2)");
    assert_eq!(lan.done(), ["+(10.0.0.1,232.1.1.1)", "+(10.0.0.2,232.1.1.1)"]);
    assert_eq!(lan.ends_after(ssm), 270_000);
}
