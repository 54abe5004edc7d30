//! Daemons of PIM-SM.

use super::*;

/// As `started`, of PIM-SM: the register interface is VIF 3.
fn of_pim() -> (Daemon, Noted) {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, MrouteOption::Pim(true)).unwrap();
    assert_eq!(router.changes(), [""; 0], "smcroute sets MRT_PIM, too");
    daemon.add_vif(&mut router, 3, Vif::Register).unwrap();
    (daemon, router)
}

#[test]
fn d135_a_router_of_pim_wants_everything_and_switches_it_by_entries() {
    let (mut daemon, mut router) = of_pim();
    assert_eq!(router.changes(), ["+*@3", "+*@5"]);
    let on = |of: &Daemon| of.held.iter().map(|(flow, on)| (flow.group(), *on)).collect::<Vec<_>>();
    let all = Ipv4Addr::UNSPECIFIED;
    assert_eq!(on(&daemon), [(all, IN), (all, OUT)]);
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    router.changes();
    // Nothing of it is left when the entry has ended.
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    assert_eq!(router.changes(), ["-s@5", "-fs@3", "-fs@5"]);
    daemon.add_vif(&mut router, 4, Vif::Real(OTHER)).unwrap();
    assert_eq!(router.changes(), ["+*@7"]);
    daemon.lost();
    daemon.connected(&mut router, 2);
    assert_eq!(router.changes(), ["+*@3", "+*@5", "+*@7"]);
    daemon.set(&mut router, MrouteOption::DelVif { vif: 2 }).unwrap();
    assert_eq!(router.changes(), ["-*@3", "-*@5", "-*@7"], "without mgm0");
}

#[test]
fn d135_flows_that_exist_wait_for_the_daemon() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, MrouteOption::Pim(true)).unwrap();
    let row = |packets| MfeRow { oifs: vec![an_oif(OUT)], packets, ..an_mfe() };
    router.mfe = Some(row(7));
    daemon.add_vif(&mut router, 3, Vif::Register).unwrap();
    assert_eq!(router.changes(), ["+*@3", "+*@5", "-fs@5"]);
    daemon.tick(&mut router);
    assert!(!daemon.is_ready(), "no packet has arrived");
    router.mfe = Some(row(8));
    daemon.tick(&mut router);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.changes();
    // What it has said holds for the next mgmd.
    daemon.lost();
    daemon.connected(&mut router, 2);
    assert_eq!(router.changes(), ["+*@3", "+*@5", "+s@5"]);
}

#[test]
fn d137_an_entry_for_all_sources_is_for_its_own_vifs() {
    let (mut daemon, mut router) = started();
    daemon.add_vif(&mut router, 3, Vif::Real(OTHER)).unwrap();
    daemon.set(&mut router, mfc(Flow::any_source(GROUP), 0, &[0, 1])).unwrap();
    router.acks.clear();
    let iif = |router: &mut Noted| match router.said()[..] {
        [Said::Rpf { iif, .. }] => Some(iif.index),
        _ => None,
    };
    daemon.arrived(&mut router, rpf(IN));
    assert_eq!(iif(&mut router), Some(IN));
    daemon.arrived(&mut router, rpf(OUT));
    assert_eq!(iif(&mut router), Some(OUT), "against the direction");
    daemon.arrived(&mut router, rpf(OTHER));
    assert_eq!(iif(&mut router), None, "it is asked");
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 3));
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    assert_eq!(iif(&mut router), Some(OTHER));
}
