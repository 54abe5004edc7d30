use super::*;
use crate::frame::frame;
use crate::hello::{greeting, Hello};
use crate::messages::{encode, Request};
use mgm_engine::{Notice, NoticeKind};
use mgm_linux::channel::{Access, Connection};
use mgm_manager::{Callbacks, ForwarderChoice, Settings};

/// A service without its thread, and a process that has connected.
fn connected(name: &str) -> (Service, Connection, u64) {
    let path = std::env::temp_dir().join(format!("mgm-service-{name}-{}", std::process::id()));
    let listener = Listener::open(&path, Access::OWN).unwrap();
    let poller = Arc::new(Poller::new().unwrap());
    let limits = (Limits::default(), 100);
    let mut service = Service::new(Manager::new(), listener, poller, limits).unwrap();
    let process = Connection::open(&path).unwrap();
    service.accept_all();
    let token = service.last_link;
    send(&process, 1, &greeting(&Hello::Process { name: name.into() }));
    service.serve(token, true);
    (service, process, token)
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
    let (mut service, process, _) = connected("deferred");
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    service.manager.start(&settings, None).unwrap();
    let _owner = service.manager.register(Box::new(Deaf), 7, 0).unwrap();
    let (&session, known) = service.processes.iter().next().unwrap();
    let hello = Hello::Calls { session, token: known.token };
    let path = std::env::temp_dir().join(format!("mgm-service-deferred-{}", std::process::id()));
    let calls = Connection::open(&path).unwrap();
    service.accept_all();
    let token = service.last_link;
    send(&calls, 1, &greeting(&hello));
    service.serve(token, true);
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
