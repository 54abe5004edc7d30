//! How hosts that leave are treated (I40).

use super::lan::*;
use crate::codec::{RecordType, RecordType::*};
use crate::*;

fn mode(leave: LeaveMode) -> LinkConfig {
    LinkConfig { leave, ..config() }
}

/// What a record does to a group after these reports: MGM calls and queries, and the state.
fn after(
    leave: LeaveMode,
    reports: &[(&str, RecordType, &[u32])],
    last: (&str, RecordType, &[u32]),
) -> (Vec<String>, String) {
    let mut lan = Lan::new(mode(leave));
    for (host, kind, sources) in reports {
        lan.report(host, *kind, G, sources);
    }
    lan.wait(10_000);
    lan.done();
    lan.report(last.0, last.1, G, last.2);
    (lan.done(), lan.state(G))
}

#[test]
fn i40_immediate_ends_at_once_what_would_be_asked_about() {
    let after = |reports, last| after(LeaveMode::Immediate, reports, last);
    let group = "(*,239.1.1.1)";
    assert_eq!(
        after(&[(HOST, ToEx, &[])], (HOST, ToIn, &[])),
        (vec![format!("-{group}")], "-".into())
    );
    assert_eq!(
        after(&[(HOST, Allow, &[1, 2])], (HOST, Block, &[1])),
        (vec!["-(10.0.0.1,239.1.1.1)".into()], "IN(2)".into())
    );
    assert_eq!(
        after(&[(HOST, Allow, &[1, 2])], (HOST, ToIn, &[2, 3])),
        (vec!["+(10.0.0.3,239.1.1.1)".into(), "-(10.0.0.1,239.1.1.1)".into()], "IN(2,3)".into())
    );
    let (done, state) = after(&[(HOST, ToEx, &[4]), (HOST, Allow, &[1])], (HOST, ToIn, &[2]));
    assert_eq!(done, ["+(10.0.0.2,239.1.1.1)".to_string(), format!("-{group}")]);
    assert_eq!(state, "IN(2)");
    let (_, state) = after(&[(HOST, ToEx, &[])], (HOST, Block, &[1]));
    assert_eq!(state, "EX(;1)");
}

#[test]
fn i40_immediate_takes_leaves_and_to_ex_asks() {
    let mut lan = Lan::new(mode(LeaveMode::Immediate));
    lan.v2_report(HOST, G);
    lan.leave(HOST, G);
    assert_eq!(lan.done(), ["+(*,239.1.1.1)", "-(*,239.1.1.1)"]);
    let (done, _) = after(LeaveMode::Immediate, &[(HOST, ToEx, &[])], (HOST, ToEx, &[1]));
    assert_eq!(done, ["Q(239.1.1.1,{10.0.0.1})"]);
}

#[test]
fn i40_tracked_waits_for_the_last_known_host() {
    let two: &[(&str, RecordType, &[u32])] = &[(HOST, ToEx, &[]), (HOST2, ToEx, &[])];
    let mut lan = Lan::new(mode(LeaveMode::Tracked));
    for (host, kind, sources) in two {
        lan.report(host, *kind, G, sources);
    }
    lan.done();
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()), "no query, no gap");
    lan.report(HOST2, ToIn, G, &[]);
    assert_eq!((lan.done(), lan.state(G)), (vec!["-(*,239.1.1.1)".into()], "-".into()));
}

#[test]
fn i40_tracked_knows_the_sources_of_each_host() {
    let after = |reports, last| after(LeaveMode::Tracked, reports, last).1;
    let allows: &[(&str, RecordType, &[u32])] = &[(HOST, Allow, &[1, 2]), (HOST2, Allow, &[2, 3])];
    assert_eq!(after(allows, (HOST, Block, &[1, 2])), "IN(2,3)");
    assert_eq!(after(allows, (HOST, ToIn, &[])), "IN(2,3)");
    assert_eq!(after(allows, (HOST2, ToIn, &[1])), "IN(1,2)");
    // A host in EXCLUDE mode wants all but what it excludes.
    let mixed: &[(&str, RecordType, &[u32])] = &[(HOST, ToEx, &[1]), (HOST2, Allow, &[1, 2])];
    assert_eq!(after(mixed, (HOST2, Block, &[1, 2])), "EX(2;1)");
    assert_eq!(after(mixed, (HOST, ToIn, &[])), "IN(1,2)");
    // Changes of the list of a host in EXCLUDE mode.
    let lists: &[(&str, RecordType, &[u32])] =
        &[(HOST, ToEx, &[1]), (HOST, Allow, &[1]), (HOST, Block, &[2]), (HOST2, Allow, &[1, 2])];
    assert_eq!(after(lists, (HOST2, ToIn, &[])), "EX(1;2)");
}

#[test]
fn i40_what_a_tracked_host_wants_ends_by_time() {
    let mut lan = Lan::new(mode(LeaveMode::Tracked));
    lan.report(HOST, ToEx, G, &[]);
    lan.wait(200_000);
    lan.report(HOST2, ToEx, G, &[]);
    lan.wait(70_000);
    lan.done();
    lan.report(HOST2, ToIn, G, &[]);
    assert_eq!(lan.state(G), "-", "the other host has been silent for GMI");
}

/// Whether a leave of HOST2 asks, after `before` has been done and both hosts have reported.
fn asks_after(before: impl FnOnce(&mut Lan)) -> Lan {
    let mut lan = Lan::new(LinkConfig { max_tracked: 2, ..mode(LeaveMode::Tracked) });
    before(&mut lan);
    lan.report(HOST2, ToEx, G, &[]);
    lan.done();
    lan.report(HOST2, ToIn, G, &[]);
    lan
}

#[test]
fn i40_tracking_is_off_while_older_or_unknown_hosts_report() {
    for before in [
        (|lan: &mut Lan| lan.v2_report(HOST, G)) as fn(&mut Lan),
        |lan| lan.report("0.0.0.0", ToEx, G, &[]),
        |lan| lan.report(HOST, ToEx, G, &[1, 2, 3]),
    ] {
        let mut lan = asks_after(before);
        assert!(lan.done().contains(&"Q(239.1.1.1)".into()));
        assert_ne!(lan.state(G), "-");
        lan.report(HOST2, ToEx, G, &[]);
        lan.wait(270_000 - 1);
        lan.report(HOST2, ToEx, G, &[]);
        lan.wait(1);
        lan.report(HOST2, ToEx, G, &[]);
        lan.done();
        lan.report(HOST2, ToIn, G, &[]);
        assert_eq!(lan.done(), ["-(*,239.1.1.1)"], "after GMI all hosts are known again");
    }
    let mut lan = asks_after(|lan| lan.v1_report(HOST, G));
    assert_eq!(lan.done(), [""; 0], "a v1 host is present");
}

#[test]
fn i40_too_many_hosts_are_counted() {
    let lan = asks_after(|lan| {
        for last in 100..103 {
            lan.report(&format!("10.0.0.{last}"), ToEx, G, &[]);
        }
    });
    assert_eq!(lan.counters().tracking_ended, 1);
}

#[test]
fn i40_a_change_to_tracked_does_not_know_the_hosts_before_it() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.configure(mode(LeaveMode::Tracked));
    lan.report(HOST2, ToEx, G, &[]);
    lan.done();
    lan.report(HOST2, ToIn, G, &[]);
    assert_eq!(lan.done(), ["Q(239.1.1.1)"]);
}

#[test]
fn i40_only_the_querier_ends_memberships() {
    for leave in [LeaveMode::Immediate, LeaveMode::Tracked] {
        let mut lan = Lan::new(mode(leave));
        lan.general_query("10.0.0.1", 2, 125);
        lan.report(HOST, ToEx, G, &[]);
        lan.report(HOST, ToIn, G, &[]);
        assert_eq!(lan.state(G), "EX(;)");
    }
}
