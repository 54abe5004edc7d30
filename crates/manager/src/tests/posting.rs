//! Clients in other processes, with an outlet that keeps what is sent.

mod absence;
mod ends;
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
    // Acknowledged again, never sent, or acknowledged by another process: nothing happens.
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

/// Passes a packet on, on another thread, which waits for the resolution.
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
    // The default is used for all questions that wait, and for new ones, which are not sent.
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

/// `silent_ms` is the difference of two times of the coarse clock, whose ticks are at most so long.
const TICK: Duration = Duration::from_millis(10);

/// Whether the process counts as silent for at most the time since then.
fn is_silent_since(begun: std::time::Instant, behind: &Backlogged) -> bool {
    u128::from(behind.silent_ms) <= (begun.elapsed() + TICK).as_millis()
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
