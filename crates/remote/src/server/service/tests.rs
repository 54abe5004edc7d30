use super::*;
use crate::frame::{frame, FrameReader};
use crate::hello::{greeting, Hello};
use crate::messages::{encode, Reply, Request};
use mgm_engine::{ClientId, Join, Notice, NoticeKind};
use mgm_linux::channel::{Access, Connection};
use mgm_manager::{Callbacks, ForwarderChoice, Outlet, PostedCallback, Settings};
use mgm_types::{Flow, Interface};
use std::net::Ipv4Addr;

/// A service without its thread, and a process that has connected.
fn connected(name: &str) -> (Service, Connection, u64) {
    let path = std::env::temp_dir().join(format!("mgm-service-{name}-{}", std::process::id()));
    let listener = Listener::open(&path, Access::OWN).unwrap();
    let poller = Arc::new(Poller::new().unwrap());
    let limits = (Limits::default(), 100);
    let mut service = Service::new(Manager::new(), listener, poller, limits).unwrap();
    let (process, token) = greet(&mut service, name, &Hello::Process { name: name.into() });
    (service, process, token)
}

/// A further connection to the service of this name, and its token.
fn greet(service: &mut Service, name: &str, hello: &Hello) -> (Connection, u64) {
    let path = std::env::temp_dir().join(format!("mgm-service-{name}-{}", std::process::id()));
    let connection = Connection::open(&path).unwrap();
    service.accept_all();
    let token = service.last_link;
    send(&connection, 1, &greeting(hello));
    service.serve(token, true);
    (connection, token)
}

/// The session of an event connection.
fn session_of(service: &Service, token: u64) -> u64 {
    let Role::Events(session) = service.links[&token].role else { panic!("it is welcome") };
    session
}

/// A call connection of a process.
fn calls_of(service: &mut Service, name: &str, session: u64) -> (Connection, u64) {
    let hello = Hello::Calls { session, token: service.processes[&session].token };
    greet(service, name, &hello)
}

fn send(process: &Connection, times: usize, message: &[u8]) {
    let mut bytes = Vec::new();
    (0..times).for_each(|_| frame(&mut bytes, |to| to.extend_from_slice(message)));
    process.send_all(&bytes).unwrap();
}

#[test]
fn t9_11_a_process_that_sends_much_is_read_when_its_messages_are_taken() {
    let (mut service, process, token) = connected("behind");
    assert!(matches!(service.links[&token].role, Role::Events(_)));
    let nothing = encode(&Acks { list: Vec::new() });
    send(&process, 3 * MESSAGES, &nothing);
    service.serve(token, true);
    assert_eq!(service.behind, [token]);
    // What arrives meanwhile stays in the socket, and the connection is on the list once.
    send(&process, 10 * MESSAGES, b"this is no message");
    service.serve(token, true);
    service.take_messages(token);
    assert_eq!(service.behind, [token]);
    let is_open = |service: &Service| service.links.contains_key(&token);
    let mut turns = 0;
    while is_open(&service) {
        turns += 1;
        service.turn(&mut Vec::new());
        assert!(service.behind.len() <= 1 && turns < 10, "after {turns} turns");
    }
    assert!(turns >= 2, "the malformed message is read when the others were taken");
}

#[test]
fn t9_11_after_a_panic_messages_that_were_left_are_taken() {
    let (mut service, process, token) = connected("panic");
    // The panic comes before the connection has its turn, or during it.
    for has_turn in [false, true] {
        send(&process, 2 * MESSAGES, &encode(&Acks { list: Vec::new() }));
        service.serve(token, true);
        assert_eq!(service.behind, [token]);
        service.survive(|service| {
            service.behind.clear();
            service.links.get_mut(&token).unwrap().is_behind = !has_turn;
            panic!("a planted one");
        });
        for _ in 0..2 {
            service.turn(&mut Vec::new());
        }
        let link = service.links.get_mut(&token).unwrap();
        assert!(!link.is_behind && link.take().unwrap().is_none(), "{has_turn}");
    }
}

/// A call that is made at once.
fn brief_call() -> Vec<u8> {
    encode(&Call { cause: 0, inside: 0, request: Request::WalkOn {} })
}

#[test]
fn t9_11_a_text_that_is_not_read_is_dropped_though_other_calls_are_made() {
    let (mut service, _process, events) = connected("unread");
    let session = session_of(&service, events);
    let (calls, token) = calls_of(&mut service, "unread", session);
    let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
    let link = service.links.get_mut(&token).unwrap();
    (link.text, link.text_since, link.since) = (vec![b' '; 9], long_ago, long_ago);
    send(&calls, 1, &brief_call());
    service.serve(token, true);
    let link = &service.links[&token];
    assert!(link.since > long_ago && link.is_ready(), "the call is made");
    assert!(!link.text.is_empty());
    service.drop_unread(Instant::now());
    assert!(service.links[&token].text.is_empty());
}

#[test]
fn t9_11_a_call_behind_a_text_that_cannot_be_made_is_made() {
    let (mut service, _process, events) = connected("refused");
    let session = session_of(&service, events);
    let (calls, token) = calls_of(&mut service, "refused", session);
    // As if its text waited for those of other processes.
    service.links.get_mut(&token).unwrap().is_busy = true;
    service.serve(token, false);
    send(&calls, 1, &brief_call());
    assert!(service.links.get_mut(&token).unwrap().read(&mut Vec::new()));
    service.refuse_text(token);
    service.turn(&mut Vec::new());
    let mut answers = [0; 1000];
    // The first answer is that to the greeting.
    let count = calls.receive(&mut answers).unwrap();
    let mut reader = FrameReader::new(answers.len());
    reader.add(&answers[..count]);
    let mut next = || reader.take().unwrap().map(<[u8]>::to_vec);
    assert!(next().is_some() && next().is_some(), "the text is refused");
    assert!(next().is_some(), "the other call is answered");
    assert_eq!(next(), None);
}

#[test]
fn t9_11_after_a_panic_processes_that_were_left_get_their_callbacks() {
    let (mut service, _process, first) = connected("unsent");
    let hello = Hello::Process { name: "second".into() };
    let (_second, second) = greet(&mut service, "unsent", &hello);
    let sessions = [first, second].map(|token| session_of(&service, token));
    let waiting = |service: &Service| {
        sessions.map(|session| service.processes[&session].holdings.outlet.is_waiting())
    };
    for session in sessions {
        let notice = Notice::Join { flow: Flow::any_source(Ipv4Addr::UNSPECIFIED), member: true };
        let callback = PostedCallback { client: ClientId(1), number: 1, cause: 0, notice: &notice };
        service.processes[&session].holdings.outlet.post(callback);
    }
    assert_eq!(waiting(&service), [true, true]);
    service.unsent.extend(service.changed.take());
    service.survive(|service| {
        let panics = |_: &mut Service, session| panic!("a planted one for process {session}");
        service.work_off(|service| &mut service.unsent, panics);
    });
    service.turn(&mut Vec::new());
    assert_eq!(waiting(&service), [true, false]);
}

#[test]
fn t9_7_after_a_panic_calls_that_were_left_are_made_again() {
    let (mut service, _process, events) = connected("left");
    let session = session_of(&service, events);
    let [(first, one), (_second, other)] =
        [(); 2].map(|()| calls_of(&mut service, "left", session));
    for token in [one, other] {
        service.links.get_mut(&token).unwrap().is_busy = true;
        let call = Call { cause: 0, inside: 0, request: Request::GraceDone { client: 1 } };
        service.deferred.push_back(Deferred { token, call, until: 0 });
    }
    // After the call that has waited comes one that panics.
    let request = Request::NextPiece {};
    send(&first, 1, &encode(&Call { cause: 0, inside: 0, request }));
    let link = service.links.get_mut(&one).unwrap();
    assert!(link.read(&mut Vec::new()));
    (link.text, link.text_at) = (vec![0], 2);
    let mut has_ended = false;
    service.survive(|service| {
        service.depart_some();
        has_ended = true;
    });
    assert!(!has_ended && service.links[&other].is_busy, "the panic comes first");
    service.depart_some();
    assert!(service.deferred.is_empty() && !service.links[&other].is_busy);
}

#[test]
fn t9_11_d85_a_connection_that_makes_room_is_a_refusal_of_its_user() {
    let (mut service, process, token) = connected("crowd");
    let user = service.links[&token].user;
    let path = std::env::temp_dir().join(format!("mgm-service-crowd-{}", std::process::id()));
    let open = |_| Connection::open(&path).unwrap();
    let _silent: Vec<Connection> = (1..service.most_links).map(open).collect();
    service.accept_all();
    assert_eq!(service.links.len(), service.most_links);
    let now = Instant::now();
    assert!(service.refusals.note(user, now).is_some(), "none was logged yet");
    let _further = open(0);
    service.accept_all();
    assert_eq!(service.links.len(), service.most_links, "one was closed");
    let later = service.refusals.note(user, now + DAWDLING).expect("a line is due");
    assert!(later.contains("(1 more"), "{later}");
    drop(process);
}

#[test]
fn t9_7_while_the_thread_deletes_state_it_lets_others_have_the_processor() {
    let (mut service, _process, _) = connected("way");
    let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
    service.working_since = long_ago;
    service.departures.push(service.manager.begin_departure(7));
    service.turn(&mut Vec::new());
    assert!(service.working_since > long_ago);
}

/// A client without callbacks.
struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

#[test]
fn t9_7_d86_a_call_waits_only_for_processes_that_have_ended_before_it() {
    let (mut service, process, events) = connected("deferred");
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    service.manager.start(&settings, None).unwrap();
    let _owner = service.manager.register(Box::new(Deaf), 7, 0).unwrap();
    let session = session_of(&service, events);
    let (calls, token) = calls_of(&mut service, "deferred", session);
    let ends = |service: &mut Service| {
        service.departures.push(service.manager.begin_departure(u64::MAX));
    };
    ends(&mut service);
    let request = Request::Register { protocol: 7, component: 0, callbacks: 0, grace: 0 };
    send(&calls, 1, &encode(&Call { cause: 0, inside: 0, request }));
    service.serve(token, true);
    assert!(service.links[&token].is_busy && service.deferred.len() == 1, "its ids may be freed");
    // Another process ends before the call is made again.
    ends(&mut service);
    assert!(service.depart_some());
    assert!(service.deferred.is_empty() && !service.links[&token].is_busy, "it is refused now");
    service.manager.stop().unwrap();
    drop(process);
}

#[test]
fn t9_7_d86_a_call_that_waits_for_stale_state_does_not_wait_for_later_processes() {
    let (mut service, _process, events) = connected("grace");
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    service.manager.start(&settings, None).unwrap();
    let (_other, other) = greet(&mut service, "grace", &Hello::Process { name: "other".into() });
    let (session, other) = (session_of(&service, events), session_of(&service, other));
    let client = register(&mut service, session, 7, 0);
    register(&mut service, other, 8, 200);
    let (_before, before) = calls_of(&mut service, "grace", session);
    let (_after, after) = calls_of(&mut service, "grace", session);
    // The timer may end stale state at any moment, so the calls are deferred by hand.
    let defer = |service: &mut Service, token| {
        let call = Call { cause: 0, inside: 0, request: Request::GraceDone { client } };
        let until = service.departures.last();
        service.links.get_mut(&token).unwrap().is_busy = true;
        service.deferred.push_back(Deferred { token, call, until });
    };
    defer(&mut service, before);
    service.end_process(other);
    defer(&mut service, after);
    let is_busy = |service: &Service| [before, after].map(|token| service.links[&token].is_busy);
    assert!(service.depart_some() && !service.departures.is_empty(), "it has more state than that");
    assert_eq!(is_busy(&service), [false, true]);
    while service.depart_some() {}
    assert_eq!(is_busy(&service), [false, false]);
    service.manager.stop().unwrap();
}

/// Registers a client of a process with this protocol, which has so many memberships on the
/// interface whose index is the protocol.
fn register(service: &mut Service, session: u64, protocol: u32, count: u32) -> u64 {
    let Service { processes, manager, .. } = service;
    let holdings = &mut processes.get_mut(&session).unwrap().holdings;
    let mut make = |request| holdings.make(manager, &Call { cause: 0, inside: 0, request });
    let request = Request::Register { protocol, component: 0, callbacks: 0, grace: 0 };
    let Reply::Registered { client } = make(request) else { panic!("{protocol} is registered") };
    let interface = Interface::link(protocol);
    assert_eq!(make(Request::Take { client, interface }), Reply::Done {});
    for number in 0..count {
        let flow = Flow::any_source(Ipv4Addr::from(0xef02_0000 + number));
        let request = Request::Add { client, flow, interface, join: Join::State };
        assert_eq!(make(request), Reply::Done {});
    }
    client
}
