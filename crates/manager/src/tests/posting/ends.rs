//! The end of a process, with and without grace.

use super::*;

#[test]
fn t9_7_the_end_of_a_process_is_a_release_and_a_deregistration_with_the_alerts() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let log = Arc::default();
    fixture.recorder(1, &log);
    let (b, igmp) = (process.client(&fixture, 2), process.client(&fixture, 10));
    let stays = Process::new(8).client(&fixture, 4);
    fixture.0.take(b, link(2)).unwrap();
    fixture.0.take(igmp, link(2)).unwrap();
    fixture.0.take(igmp, link(3)).unwrap();
    fixture.0.add_membership(b, Flow::WILDCARD, link(2), Join::State).unwrap();
    for n in 0..200 {
        fixture.0.add_membership(igmp, group(n), link(3), Join::State).unwrap();
    }
    log.lock().clear();
    process.take();
    let mut departure = fixture.0.begin_departure(7);
    let mut portions = 0;
    while fixture.0.depart_some(&mut departure) {
        portions += 1;
    }
    assert!(portions > 3, "{portions} portions");
    assert_eq!(process.take(), [], "the process is sent nothing");
    let totals = fixture.0.status(Detail::SUMMARY).totals;
    assert_eq!((totals.clients, totals.interfaces, totals.memberships), (2, 0, 0));
    for _ in 0..1000 {
        if log.lock().iter().any(|line| line.starts_with("1: prune (*, *)")) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let heard = log.lock().clone();
    assert_eq!(heard.last().map(String::as_str), Some("1: prune (*, *)"), "{heard:?}");
    fixture.0.take(stays, link(2)).expect("the interface is free");
    process.client(&fixture, 2);
}

/// A router with so many MFEs whose iif a client process owns, and as many of another client.
fn with_mfes(process: &Arc<Process>, count: u32) -> Fixture {
    let fixture = Fixture::new();
    let (outlet, none): (Arc<dyn Outlet>, _) = (process.clone(), NoticeKinds::default());
    let registered = fixture.0.register_posted(outlet, none, (1, 0), 0);
    let (client, other) = (registered.unwrap(), fixture.client(2, |_| ()));
    let elsewhere = Ipv4Addr::new(172, 16, 0, 1);
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.add_route(Route { network: elsewhere, prefix_len: 32, ..source_route(3) }).unwrap();
    fixture.0.take(client, link(1)).unwrap();
    fixture.0.take(other, link(3)).unwrap();
    for n in 0..count {
        let group = Ipv4Addr::from(0xef02_0000 + n);
        for (source, index) in [(SOURCE, 1), (elsewhere, 3)] {
            let flow = Flow::new(source, group);
            assert!(fixture.0.packet_in(PacketIn { flow, ..packet(1, index) }).unwrap().accepted);
        }
    }
    fixture
}

#[test]
fn t9_7_mfes_of_an_interface_are_deleted_in_portions_between_which_calls_go_on() {
    let process = Process::new(7);
    let fixture = with_mfes(&process, 200);
    let mfes = || fixture.0.status(Detail::SUMMARY).totals.mfes;
    assert_eq!(mfes(), 400);
    let mut departure = fixture.0.begin_departure(7);
    let (mut before, mut largest) = (mfes(), 0);
    while fixture.0.depart_some(&mut departure) {
        let now = mfes();
        largest = largest.max(before - now);
        before = now;
    }
    assert_eq!(before, 200, "the other client's MFEs stay");
    assert!((1..=64).contains(&largest), "{largest} MFEs in a portion");
}

#[test]
fn t9_7_a_question_to_a_process_that_ends_takes_the_default() {
    let process = Process::new(7);
    let (fixture, _) = asked(&process);
    let decision = packet_elsewhere(&fixture, 1);
    await_sent(&process);
    let mut departure = fixture.0.begin_departure(7);
    decision.join().unwrap();
    while fixture.0.depart_some(&mut departure) {}
    assert_eq!(fixture.0.status(Detail::SUMMARY).totals.clients, 1);
}

#[test]
fn t9_8_state_stays_and_the_enumerations_of_the_process_are_closed() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let manager = &fixture.0;
    let a = process.try_client(&fixture, 1, 60).unwrap();
    let b = process.client(&fixture, 2); // it has not asked for grace
    manager.take(a, link(1)).unwrap();
    manager.add_membership(a, group(1), link(1), Join::State).unwrap();
    manager.take(b, link(2)).unwrap();
    let [of_a, of_b] = [a, b].map(|one| manager.enum_start(one, EnumKind::AllSources).unwrap());
    let mut departure = manager.begin_departure(7);
    assert!(!manager.has_enumeration(of_a));
    while manager.depart_some(&mut departure) {}
    assert!(!manager.has_enumeration(of_b));
    assert_eq!(manager.protocol_on(link(1)), Ok((1, 0)));
    assert!(manager.protocol_on(link(2)).is_err());
    let status = manager.status(Detail { memberships: true, ..Detail::SUMMARY });
    assert_eq!(status.clients.len(), 1);
    let left = status.clients[0].process.as_ref().and_then(|process| process.grace_ends_in_ms);
    assert!(left.is_some_and(|left| left > 50_000 && left <= 60_000), "{left:?}");
    assert_eq!(status.memberships.map(|all| all.len()), Some(1));
}

#[test]
fn t9_8_a_process_of_the_same_user_takes_over_and_the_former_record_goes() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let manager = &fixture.0;
    let a = process.try_client(&fixture, 1, 60).unwrap();
    manager.take(a, link(1)).unwrap();
    manager.begin_departure(7);
    let refused = Process::new(107).try_client(&fixture, 1, 60); // another user
    assert_eq!(refused, Err(Refusal::AlreadyRegistered(1, 0)));
    let deaf = Script { lacks: NoticeKind::ALL.to_vec(), on_call: Box::new(|_| ()) };
    let here = manager.register(Box::new(deaf), 1, 0); // a client in the router's process
    assert_eq!(here, Err(Refusal::AlreadyRegistered(1, 0)));
    let second = Process::new(8).try_client(&fixture, 1, 60).unwrap();
    assert!(second > a);
    manager.take(second, link(1)).unwrap();
    manager.grace_done(second).unwrap();
    assert!(manager.end_graces());
    while manager.end_graces() {}
    assert_eq!(manager.status(Detail::SUMMARY).clients.len(), 1);
    assert_eq!(manager.grace_done(a), Err(Refusal::BadHandle(a.0)));
}

#[test]
fn t9_8_the_timer_ends_what_no_process_has_taken_over() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let manager = &fixture.0;
    let a = process.try_client(&fixture, 1, 1).unwrap();
    manager.take(a, link(1)).unwrap();
    for number in 0..200 {
        manager.add_membership(a, group(number), link(1), Join::State).unwrap();
    }
    let began = std::time::Instant::now();
    manager.begin_departure(7);
    while manager.protocol_on(link(1)).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it stays for longer than its time");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(began.elapsed() >= Duration::from_millis(990), "{:?}", began.elapsed());
    while manager.status(Detail::SUMMARY).totals.clients > 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "its record stays");
        std::thread::sleep(Duration::from_millis(5));
    }
}
