use super::*;
use crate::client::Router;
use crate::messages::CallbackBody;
use crate::server::{Access, Limits, Server};
use mgm_manager::{ForwarderChoice, Manager, Settings};
use mgm_types::{Flow, Ipv4Addr};

/// A callback for a client that is not in the tables.
fn callback(client: u64) -> Callback {
    let flow = Flow::any_source(Ipv4Addr::new(239, 1, 1, 1));
    Callback { client, number: 1, cause: 0, body: CallbackBody::Join { flow, member: true } }
}

/// A router that serves, and a connection to it.
fn connected(name: &str) -> (Manager, Server, Router) {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let path = std::env::temp_dir().join(format!("mgm-remote-{name}-{}", std::process::id()));
    let server = Server::open(&manager, &path, Access::OWN, Limits::default()).unwrap();
    let router = Router::connect(&path).unwrap();
    (manager, server, router)
}

#[test]
fn t9_5_answers_are_not_late_if_a_worker_is_about_to_run_a_client() {
    let (manager, server, router) = connected("about");
    let link = &router.0;
    assert_eq!(link.patience(), None, "nothing can be late");
    let place = Place(7);
    for idle in [0, 1] {
        // The worker has been notified, and does not run yet.
        let mut state = link.state.lock();
        state.idle = idle;
        state.ready.push_back(place);
        drop(state);
        assert!(link.patience().is_some(), "{idle} are idle");
        link.state.lock().ready.clear();
    }
    link.state.lock().idle = 0;
    router.disconnect().unwrap();
    server.close();
    manager.stop().unwrap();
}

#[test]
fn t9_13_callbacks_of_deregistered_clients_use_no_memory() {
    let (manager, server, router) = connected("early");
    let mut state = router.0.state.lock();
    // No registration is under way, so nobody will ask for this callback.
    router.0.take_callback(&mut state, callback(7));
    assert!(state.early.is_empty());
    // One is, so it may be for that client, until the last one is answered.
    state.registering = 2;
    router.0.take_callback(&mut state, callback(7));
    router.0.take_callback(&mut state, callback(7));
    state.registered();
    assert_eq!(state.early[&7].len(), 2);
    state.registered();
    assert!(state.early.is_empty());
    drop(state);
    router.disconnect().unwrap();
    server.close();
    manager.stop().unwrap();
}
