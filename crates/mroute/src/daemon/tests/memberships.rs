//! What the daemon wants on its interfaces, and what others want on mgm0.

use super::*;

#[test]
fn a_group_joined_on_mgm0_is_wanted_on_all_interfaces_and_switched_by_entries() {
    let (mut daemon, mut router) = started();
    let shared = Flow::any_source(GROUP);
    daemon.join(&mut router, shared).unwrap();
    assert_eq!(router.changes(), ["+*@3", "+*@5"]);
    daemon.join(&mut router, shared).unwrap();
    assert_eq!(router.changes(), [""; 0], "a second socket");
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    assert_eq!(router.changes(), ["+s@5", "-fs@3"]);
    daemon.set(&mut router, mfc(flow(), 2, &[])).unwrap();
    assert_eq!(router.changes(), ["-s@5", "-fs@5"]);
    daemon.set(&mut router, mfc(flow(), 2, &[])).unwrap();
    assert_eq!(router.changes(), [""; 0], "the same again");
    daemon.leave(&mut router, shared);
    assert_eq!(router.changes(), [""; 0]);
    daemon.leave(&mut router, shared);
    assert_eq!(router.changes(), ["-*@3", "-*@5"]);
    assert_eq!(daemon.join(&mut router, Flow::any_source(SOURCE)), Err(libc::EINVAL));
}

#[test]
fn a_vif_that_is_deleted_takes_its_memberships_along() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.calls.clear();
    daemon.set(&mut router, MrouteOption::DelVif { vif: 1 }).unwrap();
    let released = Request::Release { client: 1, interface: Interface::link(OUT) };
    assert_eq!(router.calls, [released]);
    daemon.add_vif(&mut router, 1, Vif::Real(OUT)).unwrap();
    assert_eq!(router.changes(), ["+s@5"], "the entry still names the VIF");
    daemon.set(&mut router, MrouteOption::Flush { entries: true, vifs: true }).unwrap();
    assert!(daemon.interfaces().is_empty() && daemon.entries.is_empty());
}

#[test]
fn what_others_want_is_heard_as_reports_and_leaves() {
    let (mut daemon, mut router) = started();
    let shared = Flow::any_source(GROUP);
    let mut hear = |daemon: &mut Daemon, body| {
        daemon.arrived(&mut router, callback(body));
        let datagram = daemon.read(&mut router, false)?;
        assert_eq!((datagram.source(), datagram.is_of_rest), (HOST, true));
        Some((datagram.bytes[24], datagram.destination()))
    };
    let join = |flow| CallbackBody::Join { flow, member: true };
    let prune = |flow| CallbackBody::Prune { flow, interface: Interface::link(OTHER) };
    let leave = (0x17, Ipv4Addr::new(224, 0, 0, 2));
    assert_eq!(hear(&mut daemon, join(shared)), Some((0x16, GROUP)));
    assert_eq!(hear(&mut daemon, join(shared)), None, "known already");
    assert_eq!(hear(&mut daemon, join(flow())), Some((0x16, GROUP)));
    assert_eq!(hear(&mut daemon, prune(shared)), None, "one source is still wanted");
    assert_eq!(hear(&mut daemon, prune(flow())), Some(leave));
    let mfe = CallbackBody::Join { flow: shared, member: false };
    assert_eq!(hear(&mut daemon, mfe), None, "JOIN_ALERT about an MFE");
    assert_eq!(router.said(), vec![Said::Nothing {}; 6]);
}

#[test]
fn queries_on_mgm0_are_answered() {
    let (mut daemon, mut router) = started();
    let second = Ipv4Addr::new(239, 1, 2, 4);
    for group in [GROUP, second] {
        let flow = Flow::any_source(group);
        daemon.arrived(&mut router, callback(CallbackBody::Join { flow, member: true }));
    }
    let mut heard = |daemon: &mut Daemon, query: [u8; 4]| {
        while daemon.read(&mut router, false).is_some() {}
        let [a, b, c, d] = query;
        daemon.sent_on_rest(&[0x11, 10, 0, 0, a, b, c, d], false);
        let mut groups = Vec::new();
        while let Some(datagram) = daemon.read(&mut router, false) {
            groups.push(datagram.destination());
        }
        groups
    };
    assert_eq!(heard(&mut daemon, [0; 4]), [GROUP, second]);
    assert_eq!(heard(&mut daemon, second.octets()), [second]);
    assert_eq!(heard(&mut daemon, [239, 9, 9, 9]), [Ipv4Addr::UNSPECIFIED; 0]);
    let third = Ipv4Addr::new(239, 9, 9, 9);
    daemon.set(&mut Noted::default(), mfc(Flow::new(SOURCE, third), 0, &[])).unwrap();
    assert_eq!(heard(&mut daemon, [0; 4]), [GROUP, second], "others do not want all groups");
    daemon.wanted(Flow::any_source(Ipv4Addr::UNSPECIFIED));
    assert_eq!(heard(&mut daemon, [0; 4]), [GROUP, second, third]);
}

#[test]
fn a_newcomer_learns_what_others_want_already() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, MrouteOption::DelVif { vif: 2 }).unwrap();
    let own = Flow::any_source(Ipv4Addr::new(239, 5, 5, 5));
    daemon.join(&mut router, own).unwrap();
    router.groups = vec![own, Flow::any_source(GROUP)];
    daemon.add_vif(&mut router, 2, Vif::Rest).unwrap();
    let heard = daemon.read(&mut router, false).expect("a report");
    assert_eq!((heard.bytes[24], heard.destination()), (0x16, GROUP));
    assert_eq!(daemon.read(&mut router, false), None, "its own group is not wanted by others");
}

#[test]
fn what_others_want_is_learnt_before_the_daemon_says_what_it_wants() {
    let (mut daemon, mut router) = started();
    daemon.join(&mut router, Flow::any_source(GROUP)).unwrap();
    router.groups = vec![Flow::any_source(GROUP)];
    daemon.lost();
    daemon.connected(&mut router, 2);
    let heard = daemon.read(&mut router, false).expect("a report");
    assert_eq!(heard.destination(), GROUP);
}
