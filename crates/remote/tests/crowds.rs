//! A router with more connections than it needs, or whose host forbids and misuses what it may.
#![cfg(target_os = "linux")]

mod served;

use mgm_linux::channel::Connection;
use mgm_remote::access::{set_filter, Wish};
use mgm_remote::client::Router;
use mgm_remote::server::{Access, Limits};
use mgm_types::{Interface, Refusal};
use parking_lot::Mutex;
use served::{Deaf, Served};
use std::sync::{mpsc, Arc};
use std::time::Duration;

/// A router that everybody can connect to.
fn served(name: &str) -> Served {
    let access = Access { mode: 0o666, ..Access::OWN };
    Served::new(&format!("crowds-{name}"), access, Limits::default())
}

#[test]
fn t9_11_connections_that_say_nothing_keep_no_process_out() {
    let served = served("idle");
    let idle: Vec<Connection> =
        (0..300).map(|_| Connection::open(&served.path).expect("it is accepted")).collect();
    let router = Router::connect(&served.path).expect("a process is welcome");
    let client = router.register(Box::new(Deaf), 1, 0).expect("so are its calls");
    router.take(client, Interface::link(1)).unwrap();
    drop(idle);
    router.disconnect().unwrap();
    served.end();
}

#[test]
fn t9_10_the_library_cannot_be_stopped_inside_the_filter() {
    let served = served("filter");
    let (manager, (tell, told)) = (served.manager.clone(), mpsc::channel());
    let tell = Mutex::new(tell);
    set_filter(Some(Arc::new(move |wish: &Wish| {
        if wish.protocol == 770 {
            tell.lock().send(manager.stop()).unwrap();
        }
        true
    })));
    let router = Router::connect(&served.path).unwrap();
    let registered = router.register(Box::new(Deaf), 770, 0);
    set_filter(None);
    let stopped = told.recv_timeout(Duration::from_secs(10)).expect("the filter is asked");
    assert_eq!(stopped, Err(Refusal::InsideCallback));
    registered.unwrap();
    router.disconnect().unwrap();
    served.end();
}
