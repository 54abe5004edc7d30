//! A router with more connections than it needs, or whose host forbids and misuses what it may.
#![cfg(target_os = "linux")]

use mgm_engine::{Notice, NoticeKind};
use mgm_linux::channel::Connection;
use mgm_manager::{Callbacks, ForwarderChoice, Manager, Settings};
use mgm_remote::access::{set_filter, Wish};
use mgm_remote::client::Router;
use mgm_remote::server::{Access, Limits, Server};
use mgm_types::{Interface, Refusal};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::{mpsc, Arc};
use std::time::Duration;

/// A client without callbacks.
struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, _: &mut Notice) {}
}

/// A router that everybody can connect to.
struct Fixture {
    manager: Manager,
    server: Server,
    path: PathBuf,
}

impl Fixture {
    fn new(name: &str) -> Fixture {
        let path = std::env::temp_dir().join(format!("mgm-crowds-{name}-{}", std::process::id()));
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let access = Access { mode: 0o666, ..Access::OWN };
        let server = Server::open(&manager, &path, access, Limits::default()).unwrap();
        Fixture { manager, server, path }
    }

    fn end(self) {
        self.server.close();
        self.manager.stop().unwrap();
    }
}

#[test]
fn t9_11_connections_that_say_nothing_keep_no_process_out() {
    let fixture = Fixture::new("idle");
    let idle: Vec<Connection> =
        (0..300).map(|_| Connection::open(&fixture.path).expect("it is accepted")).collect();
    let router = Router::connect(&fixture.path).expect("a process is welcome");
    let client = router.register(Box::new(Deaf), 1, 0).expect("so are its calls");
    router.take(client, Interface::link(1)).unwrap();
    drop(idle);
    router.disconnect().unwrap();
    fixture.end();
}

#[test]
fn t9_10_the_library_cannot_be_stopped_inside_the_filter() {
    let fixture = Fixture::new("filter");
    let (manager, (tell, told)) = (fixture.manager.clone(), mpsc::channel());
    let tell = Mutex::new(tell);
    set_filter(Some(Arc::new(move |wish: &Wish| {
        if wish.protocol == 770 {
            tell.lock().send(manager.stop()).unwrap();
        }
        true
    })));
    let router = Router::connect(&fixture.path).unwrap();
    let registered = router.register(Box::new(Deaf), 770, 0);
    set_filter(None);
    let stopped = told.recv_timeout(Duration::from_secs(10)).expect("the filter is asked");
    assert_eq!(stopped, Err(Refusal::InsideCallback));
    registered.unwrap();
    router.disconnect().unwrap();
    fixture.end();
}
