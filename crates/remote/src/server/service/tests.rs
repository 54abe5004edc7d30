use super::*;
use crate::frame::frame;
use crate::hello::{greeting, Hello};
use crate::messages::encode;
use mgm_linux::channel::{Access, Connection};

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
fn t9_7_while_the_thread_deletes_state_it_lets_others_have_the_processor() {
    let (mut service, _process, _) = connected("way");
    let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
    service.working_since = long_ago;
    service.departures.push(service.manager.begin_departure(7));
    service.turn(&mut Vec::new());
    assert!(service.working_since > long_ago);
}
