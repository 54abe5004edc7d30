//! Hosts of versions 1 and 2 (I39, I41).

use super::lan::*;
use crate::codec::RecordType::*;
use crate::*;

const OHPI: u64 = 260_000;

#[test]
fn i39_v1_and_v2_reports_are_is_ex_of_nothing() {
    for v1 in [false, true] {
        let mut lan = Lan::new(config());
        if v1 {
            lan.v1_report(HOST, G);
        } else {
            lan.v2_report(HOST, G);
        }
        assert_eq!(lan.state(G), "EX(;)");
        assert_eq!(lan.done(), ["+(*,239.1.1.1)"]);
        assert_eq!(lan.ends_after(G), 270_000);
    }
}

#[test]
fn i39_while_a_v1_host_is_present_leaves_are_ignored() {
    let mut lan = Lan::new(config());
    lan.v1_report(HOST, G);
    lan.wait(OHPI - 1);
    lan.report(HOST2, IsEx, G, &[]);
    lan.done();
    lan.leave(HOST2, G);
    lan.report(HOST2, ToIn, G, &[]);
    lan.report(HOST2, ToIn, G, &[1]);
    lan.report(HOST2, Block, G, &[2]);
    assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()));
    lan.wait(1);
    lan.leave(HOST2, G);
    assert_eq!(lan.done(), ["Q(239.1.1.1)"]);
}

#[test]
fn t48_v2_host_blocks_block() {
    let mut lan = Lan::new(config());
    lan.v2_report(HOST, G);
    lan.report(HOST2, Block, G, &[1]);
    assert_eq!(lan.state(G), "EX(;)");
    lan.report(HOST2, ToEx, G, &[1]);
    assert_eq!((lan.state(G), lan.done()), ("EX(;)".into(), vec!["+(*,239.1.1.1)".into()]));
    lan.wait(OHPI);
    lan.report(HOST2, ToEx, G, &[1]);
    assert_eq!(lan.state(G), "EX(1;)", "the source is asked about now");
}

#[test]
fn i39_while_a_v2_host_is_present_other_records_act() {
    let mut lan = Lan::new(config());
    lan.v2_report(HOST, G);
    lan.report(HOST2, Allow, G, &[1]);
    lan.done();
    lan.report(HOST2, ToIn, G, &[]);
    assert_eq!(lan.done(), ["Q(239.1.1.1,{10.0.0.1})", "Q(239.1.1.1)"]);
}

#[test]
fn i39_a_leave_is_to_in_of_nothing() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, G, &[1]);
    lan.done();
    lan.leave(HOST, G);
    assert_eq!(lan.done(), ["Q(239.1.1.1,{10.0.0.1})", "Q(239.1.1.1)"]);
    lan.leave(HOST, "239.1.1.2");
    assert_eq!((lan.done(), lan.state("239.1.1.2")), (vec![], "-".into()));
}

#[test]
fn i41_v1_reports_can_be_ignored() {
    let mut lan = Lan::new(LinkConfig { ignore_v1: true, ..config() });
    lan.v1_report(HOST, G);
    assert_eq!(lan.state(G), "-");
    assert_eq!(lan.dropped(DropReason::IgnoredV1), 1);
    lan.v2_report(HOST, G);
    assert_eq!(lan.state(G), "EX(;)");
}

#[test]
fn i2_the_clock_jumps_and_older_hosts_are_gone() {
    let mut lan = Lan::new(config());
    lan.v1_report(HOST, G);
    lan.jump(265_000);
    lan.leave(HOST, G);
    assert!(lan.done().contains(&"Q(239.1.1.1)".into()));
}
