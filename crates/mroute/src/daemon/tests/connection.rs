//! A connection to mgmd that breaks and comes back.

use super::*;

#[test]
fn everything_is_said_again_after_a_lost_connection() {
    let (mut daemon, mut router) = started();
    daemon.join(&mut router, Flow::any_source(GROUP)).unwrap();
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    daemon.arrived(&mut router, rpf(IN));
    daemon.lost();
    assert!(!daemon.is_connected());
    router.calls.clear();
    daemon.set(&mut router, mfc(flow(), 2, &[0, 1])).unwrap();
    assert!(router.calls.is_empty(), "nobody to tell");
    daemon.connected(&mut router, 2);
    let is_take = |call: &&Request| matches!(call, Request::Take { client: 2, .. });
    assert_eq!(router.calls.iter().filter(is_take).count(), 2);
    assert_eq!(router.changes(), ["+*@3", "+*@5", "+s@3", "+s@5"]);
}

#[test]
fn what_is_refused_after_a_lost_connection_is_asked_for_again() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 2, &[0, 1])).unwrap();
    daemon.lost();
    assert!(!daemon.wants_ticks());
    (router.taken, router.full) = (vec![OUT], vec![IN]);
    router.calls.clear();
    daemon.connected(&mut router, 2);
    assert_eq!(router.changes(), ["+s@3"], "OUT belongs to another");
    assert_eq!(daemon.log.len(), 2, "{:?}", daemon.log);
    daemon.tick(&mut router);
    assert_eq!(router.changes(), ["+s@3"]);
    assert_eq!(daemon.log.len(), 2, "logged once: {:?}", daemon.log);
    router.full.clear();
    daemon.tick(&mut router);
    assert_eq!(router.changes(), ["+s@3"]);
    assert!(daemon.wants_ticks());
    router.taken.clear();
    daemon.tick(&mut router);
    assert_eq!(router.changes(), ["+s@5"]);
    assert!(!daemon.wants_ticks());
    assert!(daemon.log[2].contains("again"), "{:?}", daemon.log);
}

#[test]
fn what_is_no_longer_wanted_is_not_asked_for_again() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 2, &[0])).unwrap();
    daemon.lost();
    (router.taken, router.full) = (vec![OUT], vec![IN]);
    daemon.connected(&mut router, 2);
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.set(&mut router, MrouteOption::DelVif { vif: 1 }).unwrap();
    assert!(!daemon.wants_ticks());
}
