//! Upcalls, and the entries that answer them.

use super::*;

#[test]
fn an_entry_is_the_answer_to_the_upcall() {
    let (mut daemon, mut router) = started();
    daemon.arrived(&mut router, rpf(IN));
    assert!(daemon.is_ready() && router.acks.is_empty());
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    assert_eq!(daemon.set(&mut router, mfc(flow(), 0, &[1])), Ok(()));
    assert_eq!(router.changes(), ["+s@5"], "before the answer");
    let said = Said::Rpf { iif: Interface::link(IN), upstream: SOURCE };
    assert_eq!(router.said(), [said]);
    assert!(!daemon.is_ready());
    // CREATION_ALERT of the same flow needs no second upcall.
    daemon.arrived(&mut router, creation(IN, &[OUT]));
    assert_eq!(router.said(), [Said::Creation { enabled: vec![true] }]);
    assert_eq!(daemon.read(&mut router, false), None);
}

#[test]
fn a_daemon_that_reads_again_has_said_no() {
    let (mut daemon, mut router) = started();
    daemon.arrived(&mut router, rpf(IN));
    daemon.arrived(&mut router, creation(IN, &[OUT]));
    assert!(daemon.read(&mut router, true).is_some() && router.acks.is_empty(), "a peek");
    assert!(daemon.read(&mut router, false).is_some() && daemon.is_ready());
    assert_eq!(daemon.read(&mut router, false), None);
    let said = [
        Said::Rpf { iif: Interface::link(IN), upstream: SOURCE },
        Said::Creation { enabled: vec![false] },
    ];
    assert_eq!(router.said(), said, "without a second upcall");
    assert!(!daemon.is_ready());
}

#[test]
fn packets_of_the_rest_arrive_on_mgm0() {
    let (mut daemon, mut router) = started();
    daemon.arrived(&mut router, creation(OTHER, &[IN, OUT]));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 2));
    assert_eq!(daemon.set(&mut router, mfc(flow(), 2, &[1])), Ok(()));
    assert_eq!(router.said(), [Said::Creation { enabled: vec![false, true] }]);
}

#[test]
fn the_parent_of_an_entry_is_where_packets_arrive() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 1, &[0])).unwrap();
    daemon.arrived(&mut router, rpf(IN));
    let said = Said::Rpf { iif: Interface::link(OUT), upstream: Ipv4Addr::UNSPECIFIED };
    assert_eq!(router.said(), [said]);
    router.calls.clear();
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    let moved = |call: &Request| matches!(call, Request::SetMfe { if_index: IN, .. });
    assert!(router.calls.iter().any(moved));
}

#[test]
fn wrong_vif_is_for_a_daemon_that_asks_for_it() {
    let (mut daemon, mut router) = started();
    let body = || CallbackBody::WrongIf {
        flow: flow(),
        arrival: Interface::link(OUT),
        header: Header::from(&[0u8; 20][..]),
    };
    daemon.arrived(&mut router, callback(body()));
    assert_eq!(daemon.read(&mut router, false), None);
    daemon.set(&mut router, MrouteOption::Assert(true)).unwrap();
    daemon.arrived(&mut router, callback(body()));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (2, 1));
    assert!(!daemon.is_ready(), "it is no question");
    assert_eq!(daemon.modes(), (true, false));
    daemon.set(&mut router, MrouteOption::Pim(false)).unwrap();
    assert_eq!(daemon.modes(), (false, false));
}

#[test]
fn a_daemon_is_asked_again_after_it_has_said_no_to_an_earlier_flow() {
    let (mut daemon, mut router) = started();
    let says_no = |daemon: &mut Daemon, router: &mut Noted, what: Callback| {
        daemon.arrived(router, what);
        let is_asked = daemon.read(router, false).is_some();
        assert_eq!(daemon.read(router, false), None);
        is_asked
    };
    assert!(says_no(&mut daemon, &mut router, rpf(IN)));
    assert!(!says_no(&mut daemon, &mut router, creation(IN, &[OUT])), "has said no");
    // A later MFE, whose packets arrive on an interface of others.
    assert!(says_no(&mut daemon, &mut router, creation(OTHER, &[OUT])));
    assert!(says_no(&mut daemon, &mut router, creation(OTHER, &[OUT])));
    assert!(says_no(&mut daemon, &mut router, rpf(IN)));
    daemon.lost();
    daemon.connected(&mut router, 2);
    assert!(says_no(&mut daemon, &mut router, creation(IN, &[OUT])), "of another mgmd");
}

#[test]
fn the_next_packet_of_a_deleted_entry_is_an_upcall() {
    let (mut daemon, mut router) = started();
    let row = |packets| MfeRow { flow: flow(), iif: Interface::link(IN), packets, ..an_mfe() };
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.mfe = Some(row(7));
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.tick(&mut router);
    assert!(daemon.wants_ticks() && !daemon.is_ready(), "no packet has arrived");
    router.mfe = Some(row(8));
    daemon.tick(&mut router);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    // If the daemon does not answer, it is asked again after some time, as by the kernel.
    for packets in 9..18 {
        router.mfe = Some(row(packets));
        daemon.tick(&mut router);
        assert!(!daemon.is_ready());
    }
    daemon.tick(&mut router);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    // Without an MFE, mgmd asks.
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.mfe = None;
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    assert!(!daemon.wants_ticks());
    // Or the entry is back.
    router.mfe = Some(row(8));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.set(&mut router, mfc(Flow::any_source(GROUP), 0, &[0, 1])).unwrap();
    router.mfe = Some(row(9));
    daemon.tick(&mut router);
    assert!(!daemon.wants_ticks() && !daemon.is_ready());
}

#[test]
fn d136_a_daemon_that_has_not_answered_is_asked_again() {
    let (mut daemon, mut router) = started();
    let row = |packets| MfeRow { flow: flow(), iif: Interface::link(IN), packets, ..an_mfe() };
    daemon.arrived(&mut router, rpf(IN));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    assert!(daemon.read(&mut router, false).is_none() && daemon.wants_ticks());
    for (tick, packets) in (1..=9).chain([4; 3]).enumerate() {
        router.mfe = Some(row(packets));
        assert!(!daemon.is_ready(), "tick {tick}");
        daemon.tick(&mut router);
        if tick == 9 {
            assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
        }
    }
    // Flows take turns, and each is looked at in the end.
    for number in 0..100 {
        let source = Ipv4Addr::from(0x0a02_0000 + number);
        daemon.watch_silent(Flow::new(source, GROUP));
    }
    router.mfe = None;
    for _ in 0..20 {
        daemon.tick(&mut router);
    }
    assert!(!daemon.wants_ticks(), "their MFEs have ended");
}
