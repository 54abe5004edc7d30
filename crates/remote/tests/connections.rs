//! A router with few descriptors. Alone in its program, because all threads share them.
#![cfg(target_os = "linux")]

use mgm_engine::{Notice, NoticeKind};
use mgm_linux::channel::Connection;
use mgm_manager::{Callbacks, ForwarderChoice, Manager, Settings};
use mgm_remote::client::Router;
use mgm_remote::frame::{frame, FrameReader, LONGEST_TO_CLIENT};
use mgm_remote::hello::{greeting, read_greeting, Hello, Welcome};
use mgm_remote::server::{Access, Limits, Server};
use mgm_types::Interface;
use nix::sys::resource::{setrlimit, Resource};
use std::path::Path;

struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

/// Connects and says this. The session and the token, if it is welcome.
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
    let path = std::env::temp_dir().join(format!("mgm-connections-{}", std::process::id()));
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let server = Server::open(&manager, &path, Access::OWN, Limits::default()).unwrap();
    let mut greedy = Vec::new();
    for _ in 0..3 {
        let (events, welcome) = say(&path, &Hello::Process { name: "greedy".into() });
        let (session, token) = welcome.expect("a process is welcome");
        greedy.push(events);
        let calls = std::iter::from_fn(|| {
            let (calls, welcome) = say(&path, &Hello::Calls { session, token });
            welcome.map(|_| calls)
        });
        let before = greedy.len();
        greedy.extend(calls);
        assert!(greedy.len() > before, "each process has a call connection");
    }
    // Of 300 descriptors, 150 are for connections. Half of these are kept for new processes.
    assert!((60..=80).contains(&greedy.len()), "{} connections", greedy.len());
    let router = Router::connect(&path).expect("another process is welcome");
    let client = router.register(Box::new(Deaf), 1, 0).expect("so are its calls");
    router.take(client, Interface::link(1)).unwrap();
    drop(greedy);
    router.disconnect().unwrap();
    server.close();
    manager.stop().unwrap();
}
