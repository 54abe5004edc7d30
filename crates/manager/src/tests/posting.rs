//! Clients in other processes, with an outlet that keeps what is sent.

mod absence;
mod successors;
mod unanswered;

use super::*;
use crate::engine::NoticeKinds;

/// A process with one or more clients.
#[derive(Default)]
struct Process {
    session: u64,
    sent: PlMutex<Vec<(ClientId, u64, u64, Notice)>>,
    is_full: std::sync::atomic::AtomicBool,
}

impl Outlet for Process {
    fn session(&self) -> u64 {
        self.session
    }

    fn process(&self) -> PeerProcess {
        let user = if self.session < 100 { 1000 } else { 1001 };
        PeerProcess { pid: self.session as i32, user, name: "pimd".into() }
    }

    fn post(&self, callback: PostedCallback<'_>) {
        let PostedCallback { client, number, cause, notice } = callback;
        self.sent.lock().push((client, number, cause, notice.clone()));
    }

    fn has_room(&self) -> bool {
        !self.is_full.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Process {
    fn new(session: u64) -> Arc<Process> {
        Arc::new(Process { session, ..Process::default() })
    }

    fn client(self: &Arc<Process>, fixture: &Fixture, protocol: u32) -> ClientId {
        self.try_client(fixture, protocol, 0).expect("the id is free")
    }

    /// A client whose state stays for some seconds.
    fn try_client(
        self: &Arc<Process>,
        fixture: &Fixture,
        protocol: u32,
        grace: u32,
    ) -> crate::types::Result<ClientId> {
        let outlet: Arc<dyn Outlet> = self.clone();
        fixture.0.register_posted(outlet, NoticeKinds::ALL, (protocol, 0), grace)
    }

    fn client_with(self: &Arc<Process>, fixture: &Fixture, unanswered: Unanswered) -> ClientId {
        let client = self.client(fixture, 1);
        fixture.0.set_unanswered(client, unanswered);
        client
    }

    /// What was sent since the last call: number, cause, and notice.
    fn take(&self) -> Vec<(u64, u64, Notice)> {
        self.sent
            .lock()
            .drain(..)
            .map(|(_, number, cause, notice)| (number, cause, notice))
            .collect()
    }

    fn texts(&self) -> Vec<String> {
        self.take().iter().map(|(_, _, notice)| short(notice)).collect()
    }
}

/// Acknowledges a callback; the answer changes the notice.
struct Ack(ClientId, u64, fn(&mut Notice));

impl Acknowledgement for Ack {
    fn of(&self) -> (ClientId, u64) {
        (self.0, self.1)
    }

    fn answer(&self, notice: &mut Notice) {
        (self.2)(notice);
    }
}

fn unchanged(client: ClientId, numbers: std::ops::RangeInclusive<u64>) -> Vec<Ack> {
    numbers.map(|number| Ack(client, number, |_| ())).collect()
}

#[test]
fn t9_4_callbacks_for_another_process_are_sent_when_the_call_returns_and_name_their_cause() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let (a, b) = (process.client(&fixture, 1), process.client(&fixture, 2));
    let other = Process::new(8);
    let c = other.client(&fixture, 3);
    fixture.0.take(a, link(1)).unwrap();
    let join = |flow| fixture.0.add_membership(a, flow, link(1), Join::State).unwrap();
    fixture.0.call_for(7, 55, None, |_| join(group(1)));
    join(group(2));
    let told = |flow| Notice::Join { flow, member: true };
    assert_eq!(process.take(), [(1, 55, told(group(1))), (2, 0, told(group(2)))]);
    // Another process is told too, and no call of its own is the cause.
    assert_eq!(other.take(), [(1, 0, told(group(1))), (2, 0, told(group(2)))]);
    assert!(b != c);
}

#[test]
fn t9_4_clients_in_the_routers_process_hear_calls_of_another_process_on_a_worker() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let (tell, told) = mpsc::channel();
    let tell = PlMutex::new(tell);
    fixture.client(2, move |_| tell.lock().send(std::thread::current().id()).unwrap());
    let a = process.client(&fixture, 1);
    fixture.0.call_for(7, 1, None, |manager| {
        manager.take(a, link(1)).unwrap();
        manager.add_membership(a, group(1), link(1), Join::State).unwrap();
    });
    let thread = told.recv_timeout(Duration::from_secs(10)).expect("a worker delivers it");
    assert_ne!(thread, std::thread::current().id());
}

#[test]
fn t9_5_t8_9_at_most_1024_callbacks_are_unacknowledged_and_the_rest_waits_in_order() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let (a, b) = (fixture.client(1, |_| ()), process.client(&fixture, 2));
    fixture.0.take(a, link(1)).unwrap();
    let flow = |n: u32| Flow::any_source(Ipv4Addr::from(0xef01_0000 + n));
    let most = WINDOW as u32;
    for n in 0..most + 10 {
        fixture.0.add_membership(a, flow(n), link(1), Join::State).unwrap();
    }
    assert_eq!(process.take().len(), WINDOW);
    let status = fixture.0.status(Detail::SUMMARY);
    assert!(status.clients[0].process.is_none());
    let there = status.clients[1].process.as_ref().unwrap();
    assert_eq!((there.pid, there.user, there.name.as_str()), (7, 1000, "pimd"));
    assert_eq!((there.unacknowledged, status.clients[1].queued), (WINDOW, 10));
    fixture.0.acknowledge(7, &unchanged(b, 1..=3));
    let next: Vec<_> =
        process.take().into_iter().map(|(number, _, notice)| (number, notice)).collect();
    let expected = (0..3).map(|n| {
        let n = most + n;
        (u64::from(n) + 1, Notice::Join { flow: flow(n), member: true })
    });
    assert_eq!(next, expected.collect::<Vec<_>>());
    // Acknowledged again, or never sent: nothing happens. Neither does it for another process.
    fixture.0.acknowledge(7, &unchanged(b, 1..=3));
    fixture.0.acknowledge(7, &unchanged(b, 5000..=5001));
    fixture.0.acknowledge(8, &unchanged(b, 4..=100));
    assert_eq!(process.take(), []);
    fixture.0.acknowledge(7, &unchanged(b, 4..=1027));
    assert_eq!(process.take().len(), 7);
}

#[test]
fn t9_5_a_client_behind_its_window_falls_behind_and_catches_up() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let (a, b) = (fixture.client(1, |_| ()), process.client(&fixture, 2));
    fixture.0.take(a, link(1)).unwrap();
    let flow = |n: u32| Flow::any_source(Ipv4Addr::from(0xef01_0000 + n));
    for n in 0..3000 {
        fixture.0.add_membership(a, flow(n), link(1), Join::State).unwrap();
        fixture.0.delete_membership(a, flow(n), link(1), Join::State).unwrap();
    }
    assert_eq!(fixture.0.status(Detail::SUMMARY).counters.fell_behind, 1);
    let mut all: Vec<Notice> = Vec::new();
    loop {
        let some = process.take();
        let Some(&(last, ..)) = some.last() else { break };
        fixture.0.acknowledge(7, &unchanged(b, 1..=last));
        all.extend(some.into_iter().map(|(_, _, notice)| notice));
    }
    assert!(all.len() > 2048 && all.len() < 6000, "{}", all.len());
    let about = flow(2999);
    let told =
        all.iter().rev().find(|one| one.thing().is_some_and(|(thing, _)| thing.flow == about));
    assert!(matches!(told, Some(Notice::Prune { .. })), "{told:?}");
}

#[test]
fn t8_9_a_client_that_catches_up_is_not_asked_what_its_answers_ask_of_others() {
    const FLOWS: u8 = 8;
    let (fixture, process, other) = (Fixture::new(), Process::new(7), Process::new(8));
    let (a, b) = (process.client(&fixture, 1), other.client(&fixture, 2));
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.take(a, link(1)).unwrap();
    fixture.0.take(b, link(2)).unwrap();
    for last in 0..FLOWS {
        fixture.0.add_membership(b, group(last), link(2), Join::State).unwrap();
    }
    let flow = |n: u32| Flow::any_source(Ipv4Addr::from(0xef02_0000 + n));
    for n in 0..3000 {
        fixture.0.add_membership(b, flow(n), link(2), Join::State).unwrap();
        fixture.0.delete_membership(b, flow(n), link(2), Join::State).unwrap();
    }
    let asked = |all: &[Notice], kind| all.iter().filter(|one| one.kind() == kind).count();
    let (mut heard, mut told): (Vec<Notice>, Vec<Notice>) = Default::default();
    // Not scoped: if a question is lost, its thread waits for ever.
    let packets = (0..FLOWS).map(|last| {
        let manager = fixture.0.clone();
        std::thread::spawn(move || manager.packet_in(packet(last, 1)).is_ok())
    });
    let packets: Vec<_> = packets.collect();
    let begun = std::time::Instant::now();
    let in_time = || assert!(begun.elapsed() < Duration::from_secs(20), "a question is lost");
    while fixture.0.status(Detail::SUMMARY).totals.resolving < usize::from(FLOWS) {
        in_time();
        std::thread::yield_now();
    }
    while packets.iter().any(|packet| !packet.is_finished()) {
        in_time();
        for (process, client, all) in [(&process, a, &mut heard), (&other, b, &mut told)] {
            let some = process.take();
            if let (Some(&(first, ..)), Some(&(last, ..))) = (some.first(), some.last()) {
                fixture.0.acknowledge(process.session, &unchanged(client, first..=last));
            }
            all.extend(some.into_iter().map(|(_, _, notice)| notice));
        }
    }
    assert_eq!((asked(&heard, NoticeKind::Rpf), asked(&told, NoticeKind::Rpf)), (8, 0));
    assert_eq!((asked(&heard, NoticeKind::Creation), asked(&told, NoticeKind::Creation)), (0, 8));
}

#[test]
fn t9_5_a_process_without_room_gets_the_rest_when_there_is_room() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let (a, _) = (fixture.client(1, |_| ()), process.client(&fixture, 2));
    fixture.0.take(a, link(1)).unwrap();
    process.is_full.store(true, std::sync::atomic::Ordering::Relaxed);
    fixture.0.add_membership(a, group(1), link(1), Join::State).unwrap();
    fixture.0.post_more(7);
    assert_eq!(process.texts(), [""; 0]);
    process.is_full.store(false, std::sync::atomic::Ordering::Relaxed);
    fixture.0.post_more(8);
    assert_eq!(process.texts(), [""; 0]);
    fixture.0.post_more(7);
    assert_eq!(process.texts(), ["join (*, 239.1.1.1) true"]);
}

/// A router whose interface 1, towards the source, belongs to a client of a process.
fn asked(process: &Arc<Process>) -> (Fixture, ClientId) {
    let fixture = Fixture::new();
    let client = process.client(&fixture, 1);
    let listener = fixture.client(2, |_| ());
    fixture.0.add_route(source_route(1)).unwrap();
    fixture.0.take(client, link(1)).unwrap();
    fixture.0.take(listener, link(2)).unwrap();
    fixture.0.add_membership(listener, group(1), link(2), Join::State).unwrap();
    // Groups 1 to 9, so that no MFE is negative.
    for last in 2..10 {
        fixture.0.add_membership(listener, group(last), link(2), Join::State).unwrap();
    }
    fixture.0.acknowledge(7, &unchanged(client, 1..=9));
    assert_eq!(process.take().len(), 9);
    (fixture, client)
}

/// Hands in a packet on another thread, which waits for the resolution.
fn packet_elsewhere(fixture: &Fixture, last: u8) -> std::thread::JoinHandle<Verdict> {
    let manager = fixture.0.clone();
    std::thread::spawn(move || manager.packet_in(packet(last, 1)).unwrap())
}

/// Waits until something was sent.
fn await_sent(process: &Process) -> Vec<(u64, u64, Notice)> {
    for _ in 0..10_000 {
        let sent = process.take();
        if !sent.is_empty() {
            return sent;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nothing is sent");
}

#[test]
fn t9_5_an_answer_of_another_process_counts() {
    let process = Process::new(7);
    let (fixture, client) = asked(&process);
    let decision = packet_elsewhere(&fixture, 1);
    let sent = await_sent(&process);
    assert!(matches!(sent[..], [(10, 0, Notice::Rpf { .. })]), "{sent:?}");
    fixture.0.acknowledge(
        7,
        &[Ack(client, 10, |notice| {
            if let Notice::Rpf { upstream, .. } = notice {
                *upstream = Ipv4Addr::new(10, 0, 0, 77);
            }
        })],
    );
    assert!(decision.join().unwrap().accepted);
    let flow = packet(1, 1).flow;
    let upstream = fixture.0.with_mfe(flow, false, |row| row.upstream).unwrap();
    assert_eq!(upstream, Ipv4Addr::new(10, 0, 0, 77));
}

#[test]
fn t9_5_after_the_deadline_the_default_holds_and_a_late_answer_is_void() {
    let process = Process::new(7);
    let (fixture, client) = asked(&process);
    let decision = packet_elsewhere(&fixture, 1);
    await_sent(&process);
    let left = fixture.0.check_answers(60_000).expect("a question waits");
    assert!(left > Duration::from_secs(30) && !decision.is_finished());
    fixture.0.check_answers(0);
    assert!(decision.join().unwrap().accepted, "the looked-up triple holds");
    assert_eq!(fixture.0.check_answers(60_000), None, "nothing waits any longer");
    fixture.0.acknowledge(
        7,
        &[Ack(client, 10, |notice| {
            if let Notice::Rpf { upstream, .. } = notice {
                *upstream = Ipv4Addr::new(10, 0, 0, 77);
            }
        })],
    );
    let upstream = fixture.0.with_mfe(packet(1, 1).flow, false, |row| row.upstream).unwrap();
    assert_eq!(upstream, Ipv4Addr::UNSPECIFIED, "the late answer is void");
}

#[test]
fn t9_5_the_deadline_starts_when_earlier_callbacks_are_acknowledged() {
    let process = Process::new(7);
    let (fixture, client) = asked(&process);
    let decision = packet_elsewhere(&fixture, 1);
    await_sent(&process); // the question is the first
    let second = packet_elsewhere(&fixture, 2);
    await_sent(&process);
    std::thread::sleep(Duration::from_millis(150));
    let begun = std::time::Instant::now();
    fixture.0.acknowledge(7, &unchanged(client, 10..=10));
    decision.join().unwrap();
    // A busy machine may take long for this, so the deadline is long.
    let left = fixture.0.check_answers(60_000).expect("the second question waits");
    let all = left + begun.elapsed() + Duration::from_millis(20);
    assert!(all >= Duration::from_secs(60), "{left:?} of the second's 60 s are left");
    fixture.0.acknowledge(7, &unchanged(client, 11..=11));
    second.join().unwrap();
}

#[test]
fn t9_5_after_three_deadlines_a_client_is_absent_until_it_has_acknowledged_what_waits() {
    let process = Process::new(7);
    let (fixture, client) = asked(&process);
    let mut waiting: Vec<_> = (1..=5).map(|last| packet_elsewhere(&fixture, last)).collect();
    let mut sent = 0;
    while sent < 5 {
        sent += await_sent(&process).len();
    }
    for missed in 1..=3 {
        assert_eq!(waiting.iter().filter(|one| one.is_finished()).count().min(missed), missed - 1);
        miss_one(&fixture);
        while waiting.iter().filter(|one| one.is_finished()).count() < missed {
            std::thread::yield_now();
        }
    }
    // The default holds for all questions that wait, and for new ones unasked.
    waiting.drain(..).for_each(|one| drop(one.join().unwrap()));
    packet_elsewhere(&fixture, 6).join().unwrap();
    assert!(!process.take().iter().any(|(_, _, notice)| matches!(notice, Notice::Rpf { .. })));
    // It has acknowledged everything: it is asked again.
    fixture.0.acknowledge(7, &unchanged(client, 10..=20));
    let again = packet_elsewhere(&fixture, 7);
    let asked = await_sent(&process);
    assert!(matches!(asked[0].2, Notice::Rpf { .. }), "{asked:?}");
    fixture.0.acknowledge(7, &unchanged(client, asked[0].0..=asked[0].0));
    again.join().unwrap();
}

/// Lets exactly one deadline expire.
fn miss_one(fixture: &Fixture) {
    std::thread::sleep(Duration::from_millis(30));
    fixture.0.check_answers(20);
}

/// Whether the process has not been silent for longer than since then, however long ago that is.
fn is_silent_since(begun: std::time::Instant, behind: &Backlogged) -> bool {
    u128::from(behind.silent_ms) <= begun.elapsed().as_millis()
}

#[test]
fn t9_6_the_router_sees_how_many_callbacks_wait_and_since_when() {
    let (fixture, process) = (Fixture::new(), Process::new(7));
    let (a, b) = (fixture.client(1, |_| ()), process.client(&fixture, 2));
    fixture.0.take(a, link(1)).unwrap();
    assert_eq!(fixture.0.backlogged(7), Backlogged::default());
    for last in 0..10 {
        fixture.0.add_membership(a, group(last), link(1), Join::State).unwrap();
    }
    std::thread::sleep(Duration::from_millis(60));
    let behind = fixture.0.backlogged(7);
    assert!(behind.waiting == 10 && behind.silent_ms >= 40, "{behind:?}");
    assert_eq!(fixture.0.backlogged(8).waiting, 0, "another process");
    let begun = std::time::Instant::now();
    fixture.0.acknowledge(7, &unchanged(b, 1..=1));
    let behind = fixture.0.backlogged(7);
    assert!(behind.waiting == 9 && is_silent_since(begun, &behind), "{behind:?}");
    fixture.0.acknowledge(7, &unchanged(b, 2..=10));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(fixture.0.backlogged(7), Backlogged::default(), "nothing waits");
}

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
