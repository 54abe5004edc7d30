//! The register interface of PIM, for a daemon that is the rendezvous point.

use super::*;

/// mgmreg.
const REGISTER: u32 = 9;

/// As `started`, with the register interface as VIF 3.
fn with_register() -> (Daemon, Noted) {
    let (mut daemon, mut router) = started();
    daemon.set_register(Some(REGISTER));
    daemon.add_vif(&mut router, 3, Vif::Register).unwrap();
    (daemon, router)
}

/// The interfaces that were taken (+) and released (-) since the last look.
fn owned(router: &mut Noted) -> Vec<String> {
    let text = |request| match request {
        Request::Take { interface, .. } => Some(format!("+{}", interface.index)),
        Request::Release { interface, .. } => Some(format!("-{}", interface.index)),
        _ => None,
    };
    std::mem::take(&mut router.calls).into_iter().filter_map(text).collect()
}

/// Where packets are said to arrive, since the last look.
fn moved(router: &mut Noted) -> Vec<u32> {
    let to = |request| match request {
        Request::SetMfe { if_index, .. } => Some(if_index),
        _ => None,
    };
    std::mem::take(&mut router.calls).into_iter().filter_map(to).collect()
}

fn wrong(arrival: u32) -> Callback {
    let header = Header::from(&[0u8; 20][..]);
    callback(CallbackBody::WrongIf { flow: flow(), arrival: Interface::link(arrival), header })
}

/// The question where packets of a register arrive.
fn rpf_of_register() -> Callback {
    let CallbackBody::Rpf { flow, header, route, upstream, .. } = rpf(IN).body else {
        unreachable!()
    };
    let (iif, arrival) = (Interface::link(IN), Interface::link(REGISTER));
    callback(CallbackBody::Rpf { flow, iif, upstream, header, route, arrival })
}

#[test]
fn d95_mgmreg_is_owned_as_long_as_the_register_interface_is_a_vif() {
    let (mut daemon, mut router) = with_register();
    assert_eq!(owned(&mut router), ["+9"]);
    assert_eq!(daemon.interfaces(), [IN, OUT], "nothing leaves by it");
    daemon.lost();
    daemon.set_register(Some(10));
    daemon.connected(&mut router, 2);
    assert_eq!(owned(&mut router), ["+3", "+5", "+10"], "mgmd has made it again");
    daemon.set(&mut router, MrouteOption::DelVif { vif: 3 }).unwrap();
    assert_eq!(owned(&mut router), ["-10"]);
    daemon.done(&mut router);
    assert_eq!(owned(&mut router), ["-3", "-5"]);
    let (mut daemon, mut router) = with_register();
    owned(&mut router);
    daemon.done(&mut router);
    assert_eq!(owned(&mut router), ["-3", "-5", "-9"]);
}

#[test]
fn d95_a_daemon_without_mgmreg_can_still_send_registers() {
    let (mut daemon, mut router) = started();
    router.taken = vec![REGISTER];
    daemon.set_register(Some(REGISTER));
    assert_eq!(daemon.add_vif(&mut router, 3, Vif::Register), Ok(()));
    assert!(daemon.log.concat().contains("eth9 cannot be used: owned by"), "{:?}", daemon.log);
    daemon.tick(&mut router);
    assert_eq!(daemon.log.len(), 1, "said once");
    assert!(daemon.wants_ticks());
    router.taken.clear();
    daemon.tick(&mut router);
    assert!(!daemon.wants_ticks(), "{:?}", daemon.refused);
    // Or mgmd has made none.
    let (mut daemon, mut router) = started();
    assert_eq!(daemon.add_vif(&mut router, 3, Vif::Register), Ok(()));
    assert!(daemon.log.concat().contains("router.daemons"), "{:?}", daemon.log);
    assert_eq!(owned(&mut router), [""; 0]);
    daemon.done(&mut router);
    assert_eq!(owned(&mut router), ["-3", "-5"]);
}

#[test]
fn d95_packets_in_registers_arrive_on_the_register_interface() {
    let (mut daemon, mut router) = with_register();
    daemon.arrived(&mut router, rpf_of_register());
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 3));
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    let upstream = Ipv4Addr::UNSPECIFIED;
    assert_eq!(router.said(), [Said::Rpf { iif: Interface::link(REGISTER), upstream }]);
    assert_eq!(moved(&mut router), [0u32; 0], "its answer says so");
    // The shortest path tree.
    daemon.arrived(&mut router, wrong(IN));
    assert!(!daemon.is_ready());
    daemon.set(&mut router, MrouteOption::Assert(true)).unwrap();
    daemon.arrived(&mut router, wrong(IN));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (2, 0));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    assert_eq!(moved(&mut router), [IN]);
    daemon.arrived(&mut router, wrong(REGISTER));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (2, 3));
}

#[test]
fn d95_what_has_arrived_in_registers_does_not_leave_in_registers() {
    let (mut daemon, mut router) = with_register();
    daemon.set(&mut router, mfc(flow(), 3, &[1, 3])).unwrap();
    assert_eq!(daemon.registered(), (3, vec![]));
    daemon.set(&mut router, mfc(flow(), 0, &[1, 3])).unwrap();
    assert_eq!(daemon.registered(), (3, vec![(flow(), Some(IN))]));
    daemon.set(&mut router, mfc(flow(), 2, &[1, 3])).unwrap();
    assert_eq!(daemon.registered(), (3, vec![(flow(), None)]), "anywhere");
}

#[test]
fn d96_an_entry_that_comes_late_says_where_the_packets_arrive() {
    let (mut daemon, mut router) = with_register();
    router.mfe = Some(an_mfe());
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    assert_eq!(moved(&mut router), [REGISTER]);
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    moved(&mut router);
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    assert_eq!(moved(&mut router), [0u32; 0], "they arrive there");
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    moved(&mut router);
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    assert_eq!(moved(&mut router), [0u32; 0], "mgm0 is no interface of mgmd");
}

#[test]
fn d96_a_packet_that_is_right_for_the_daemon_moves_the_flow() {
    let (mut daemon, mut router) = with_register();
    daemon.set(&mut router, MrouteOption::Assert(true)).unwrap();
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    router.calls.clear();
    daemon.arrived(&mut router, wrong(REGISTER));
    assert_eq!(moved(&mut router), [REGISTER]);
    assert!(!daemon.is_ready(), "the kernel would not tell it");
    daemon.arrived(&mut router, wrong(OTHER));
    assert!(!daemon.is_ready(), "not its interface");
    daemon.arrived(&mut router, wrong(IN));
    assert_eq!(moved(&mut router), [0u32; 0]);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (2, 0));
}

#[test]
fn d96_a_daemon_that_was_faster_than_the_question_hears_of_the_packet() {
    let upstream = Ipv4Addr::UNSPECIFIED;
    let answer = [Said::Rpf { iif: Interface::link(REGISTER), upstream }];
    // Its entry is there before the question.
    let (mut daemon, mut router) = with_register();
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    daemon.arrived(&mut router, rpf_of_register());
    assert_eq!(router.said(), answer);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 3));
    assert!(!daemon.is_ready(), "once");
    // Or it comes before the daemon reads the question.
    let (mut daemon, mut router) = with_register();
    daemon.arrived(&mut router, rpf_of_register());
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    assert_eq!(router.said(), answer);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 3));
    assert!(!daemon.is_ready(), "once");
    // On other interfaces, an entry that exists is the answer, and nothing more.
    let (mut daemon, mut router) = with_register();
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    daemon.arrived(&mut router, rpf(IN));
    assert!(!daemon.is_ready(), "the kernel would not tell it");
}

#[test]
fn d96_a_daemon_hears_of_no_packet_when_a_flow_is_renewed() {
    let renewal = || {
        let mut renewal = rpf_of_register();
        if let CallbackBody::Rpf { header, .. } = &mut renewal.body {
            *header = Header::default();
        }
        renewal
    };
    let (mut daemon, mut router) = with_register();
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    daemon.arrived(&mut router, renewal());
    assert_eq!(router.said().len(), 1);
    assert!(!daemon.is_ready(), "the kernel renews nothing");
    // If it has deleted its entry, it is asked, and may be faster.
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.arrived(&mut router, renewal());
    assert!(daemon.is_ready());
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    assert_eq!(router.said().len(), 1);
    assert!(!daemon.is_ready(), "nor here");
}

#[test]
fn the_counters_of_the_register_interface_are_those_of_mgmreg() {
    let (daemon, mut router) = with_register();
    let oifs = vec![an_oif(OUT)];
    router.mfe =
        Some(MfeRow { oifs, iif: Interface::link(REGISTER), packets: 7, octets: 700, ..an_mfe() });
    assert_eq!(daemon.vif_counters(&mut router, 3), Ok([7, 0, 700, 0]));
    assert_eq!(daemon.vif_counters(&mut router, 2), Ok([0; 4]), "not of mgm0");
}
