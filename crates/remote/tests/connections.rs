//! A router with few descriptors. Alone in its program, because all threads share them.
#![cfg(target_os = "linux")]

mod served;

use mgm_linux::channel::Connection;
use mgm_remote::client::Router;
use mgm_remote::frame::{frame, FrameReader, LONGEST_TO_CLIENT};
use mgm_remote::hello::{greeting, read_greeting, Hello, Welcome};
use mgm_remote::server::{Access, Limits};
use mgm_types::Interface;
use nix::sys::resource::{setrlimit, Resource};
use served::{Deaf, Served};
use std::path::Path;

/// Connects and sends this greeting. Returns the session and the token, if the router accepts it.
fn say(path: &Path, hello: &Hello) -> (Connection, Option<(u64, u64)>) {
    let connection = Connection::open(path).unwrap();
    let (mut out, mut reader) = (Vec::new(), FrameReader::new(LONGEST_TO_CLIENT));
    frame(&mut out, |to| to.extend_from_slice(&greeting(hello)));
    connection.send_all(&out).unwrap();
    let mut piece = [0; 4096];
    loop {
        if let Some(message) = reader.take().unwrap() {
            let welcome = read_greeting::<Welcome>(message).unwrap().1;
            return match welcome {
                Welcome::Welcome { session, token, .. } => (connection, Some((session, token))),
                Welcome::Refused { .. } => (connection, None),
            };
        }
        let count = connection.receive(&mut piece).unwrap();
        assert!(count > 0, "the router answers before it closes the connection");
        reader.add(&piece[..count]);
    }
}

#[test]
fn t9_11_call_connections_leave_descriptors_for_other_processes_and_for_the_router() {
    setrlimit(Resource::RLIMIT_NOFILE, 300, 300).unwrap();
    let served = Served::new("connections", Access::OWN, Limits::default());
    let mut greedy = Vec::new();
    for _ in 0..3 {
        let (events, welcome) = say(&served.path, &Hello::Process { name: "greedy".into() });
        let (session, token) = welcome.expect("a process is welcome");
        greedy.push(events);
        let calls = std::iter::from_fn(|| {
            let (calls, welcome) = say(&served.path, &Hello::Calls { session, token });
            welcome.map(|_| calls)
        });
        let before = greedy.len();
        greedy.extend(calls);
        assert!(greedy.len() > before, "each process has a call connection");
    }
    // Of 300 descriptors, 150 are for connections. Half of these are kept for new processes.
    assert!((60..=80).contains(&greedy.len()), "{} connections", greedy.len());
    let router = Router::connect(&served.path).expect("another process is welcome");
    let client = router.register(Box::new(Deaf), 1, 0).expect("so are its calls");
    router.take(client, Interface::link(1)).unwrap();
    drop(greedy);
    router.disconnect().unwrap();
    served.end();
}
