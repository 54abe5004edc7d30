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

fn soon(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: not in time");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn ends_soon(router: &Router) {
    let (done, is_done) = std::sync::mpsc::channel();
    let router = router.clone();
    std::thread::spawn(move || done.send(router.disconnect()).unwrap());
    assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(Ok(())));
}

#[test]
fn t9_3_a_panic_on_a_thread_of_the_library_does_not_keep_the_process_from_disconnecting() {
    let (manager, server, router) = connected("panic");
    // On the worker.
    struct Bad;
    impl mgm_manager::Callbacks for Bad {
        fn has(&self, _: mgm_engine::NoticeKind) -> bool {
            true
        }

        fn call(&self, _: &mut Notice) {}
    }
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("planted");
        }
    }
    let serial = router.register(Box::new(Bad), 1, 0).unwrap();
    let mut state = router.0.state.lock();
    let place = Place(serial);
    let Callback { client, number, body, .. } = callback(1);
    let arrived = Arrived { client, number, notice: Notice::from(body) };
    router.0.queue(&mut state, place, 0, arrived);
    // As if it had deregistered inside the callback.
    state.clients.get_mut(&place).unwrap().gone = true;
    drop(state);
    soon("the worker has removed it", || !router.0.state.lock().clients.contains_key(&place));
    // On `mgm-events`.
    crate::client::set_lost(Some(Box::new(|| panic!("planted"))));
    server.close();
    soon("the loss is seen", || router.is_over());
    ends_soon(&router);
    crate::client::set_lost(None);
    manager.stop().unwrap();
}

#[test]
fn t8_4_another_thread_logs_without_the_lock_that_no_worker_can_be_started() {
    let (manager, server, router) = connected("refused");
    let mut state = router.0.state.lock();
    state.refused_worker = Some(std::io::ErrorKind::WouldBlock.into());
    router.0.poller.wake();
    drop(state);
    soon("it is logged", || router.0.state.lock().refused_worker.is_none());
    router.disconnect().unwrap();
    server.close();
    manager.stop().unwrap();
}
