//! How hosts that leave are treated (I40).

use super::lan::*;
use crate::codec::{RecordType, RecordType::*};
use crate::*;

const GMI: u64 = 270_000;

fn mode(leave: LeaveMode) -> LinkConfig {
    LinkConfig { leave, ..config() }
}

/// A link that has been up for GMI: its hosts are known.
fn settled(config: LinkConfig) -> Lan {
    let mut lan = Lan::new(config);
    lan.wait(GMI);
    lan.done();
    lan
}

/// What a record does to a group after these reports: library calls and queries, and the state.
fn after(
    leave: LeaveMode,
    reports: &[(&str, RecordType, &[u32])],
    last: (&str, RecordType, &[u32]),
) -> (Vec<String>, String) {
    let mut lan = settled(mode(leave));
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
    let mut lan = settled(mode(LeaveMode::Tracked));
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
fn i40_an_operator_sees_the_known_hosts_and_the_timers() {
    let mut lan = settled(mode(LeaveMode::Tracked));
    lan.report(HOST, ToEx, G, &[1]);
    lan.report(HOST2, Allow, G, &[2, 3]);
    lan.report(HOST2, ToEx, "239.1.1.2", &[]);
    let states: Vec<GroupStatus> = lan.igmp.group_states(LINK, None).collect();
    assert_eq!(
        states.iter().map(|state| state.group).collect::<Vec<_>>(),
        [addr(G), addr("239.1.1.2")]
    );
    let state = &states[0];
    let end = state.until.expect("the group timer runs");
    assert!(state.exclude && state.v1_until <= end && state.v2_until <= end);
    let sources: Vec<_> =
        state.sources.iter().map(|known| (known.source, known.until.is_some())).collect();
    assert_eq!(sources, [(source(1), false), (source(2), true), (source(3), true)]);
    let hosts: Vec<_> =
        state.hosts.iter().map(|h| (h.host, h.exclude, h.sources.clone())).collect();
    assert_eq!(
        hosts,
        [(addr(HOST), true, vec![source(1)]), (addr(HOST2), false, vec![source(2), source(3)])]
    );
    let after: Vec<GroupStatus> = lan.igmp.group_states(LINK, Some(addr(G))).collect();
    assert_eq!(after, states[1..]);
    assert_eq!(lan.igmp.group_states(99, None).count(), 0, "no such link");
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
    let mut lan = settled(mode(LeaveMode::Tracked));
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
    let mut lan = settled(LinkConfig { max_tracked: 2, ..mode(LeaveMode::Tracked) });
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

/// Hosts that report while others are unknown are known when that ends.
#[test]
fn i40_hosts_that_report_during_a_suspension_are_known_after_it() {
    for before in [
        (|lan: &mut Lan| {
            let (group, wanted, excluded) = (addr(G), vec![], vec![]);
            let groups = vec![SavedGroup { group, exclude: true, wanted, excluded }];
            lan.event(Event::Restore { link: LINK, groups });
        }) as fn(&mut Lan),
        |lan| lan.configure(LinkConfig { max_groups: 9, ..mode(LeaveMode::Tracked) }),
        |lan| lan.report("0.0.0.0", ToEx, G, &[]),
        |lan| lan.v2_report("10.0.0.52", G),
        |lan| (0..65).for_each(|n| lan.report(&format!("10.0.0.{}", 60 + n), ToEx, G, &[])),
    ] {
        let mut lan = settled(mode(LeaveMode::Tracked));
        before(&mut lan);
        lan.report(HOST2, ToEx, G, &[]);
        lan.wait(260_000);
        lan.report(HOST, IsEx, G, &[]);
        lan.report(HOST2, IsEx, G, &[]);
        lan.wait(11_000);
        lan.done();
        lan.report(HOST2, ToIn, G, &[]);
        assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()), "HOST wants it");
        lan.report(HOST, ToIn, G, &[]);
        assert_eq!(lan.done(), ["-(*,239.1.1.1)"]);
    }
}

#[test]
fn i40_of_more_hosts_than_are_tracked_none_is_cut() {
    let mut lan = settled(mode(LeaveMode::Tracked));
    let host = |n: u32| format!("10.0.0.{}", 100 + n);
    for round in 0..6 {
        for n in 0..100 {
            lan.report(&host(n), if round == 0 { ToEx } else { IsEx }, G, &[]);
        }
        lan.wait(21_000);
        lan.done();
        lan.report(&host(7), ToIn, G, &[]);
        assert_eq!((lan.done(), lan.state(G)), (vec!["Q(239.1.1.1)".into()], "EX(;)".into()));
        lan.report(&host(8), IsEx, G, &[]);
        lan.wait(104_000);
    }
    assert_eq!(lan.counters().tracking_ended, 1, "it never began again");
    // When they are few again, they are known.
    for _ in 0..4 {
        for n in 0..2 {
            lan.report(&host(n), IsEx, G, &[]);
        }
        lan.wait(100_000);
    }
    lan.done();
    lan.report(&host(0), ToIn, G, &[]);
    assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()));
    lan.report(&host(1), ToIn, G, &[]);
    assert_eq!(lan.done(), ["-(*,239.1.1.1)"]);
}

#[test]
fn g49_hosts_that_reported_to_nobody_are_unknown() {
    let tracked = mode(LeaveMode::Tracked);
    let asks = |mut lan: Lan| {
        lan.report(HOST2, ToEx, G, &[]);
        lan.done();
        lan.report(HOST2, ToIn, G, &[]);
        assert_eq!(lan.done(), ["Q(239.1.1.1)"]);
    };
    // Before the link came up.
    asks(Lan::new(tracked.clone()));
    // When there was no room for the group.
    let mut lan = settled(LinkConfig { max_groups: 1, ..tracked.clone() });
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, "239.1.1.2", &[]);
    asks(lan);
    // When the configuration did not permit it.
    let mut lan = settled(LinkConfig { max_groups: 0, ..tracked.clone() });
    lan.report(HOST, ToEx, G, &[]);
    lan.wait(GMI / 2);
    lan.configure(tracked);
    lan.wait(GMI / 2);
    asks(lan);
}
