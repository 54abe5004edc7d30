//! Deregistrations with a handle that is invalid already, while a callback is running.

use super::*;
use crate::types::Result;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

/// A client with a callback that is running.
struct Held {
    manager: Manager,
    client: ClientId,
    hold: mpsc::Sender<()>,
    has_ended: Arc<AtomicBool>,
    caller: JoinHandle<()>,
}

impl Held {
    fn new(fixture: &Fixture) -> Held {
        let (entered, has_entered) = mpsc::channel();
        let (hold, held) = mpsc::channel::<()>();
        let (held, has_ended) = (PlMutex::new(held), Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&has_ended);
        let a = fixture.client(1, |_| ());
        let client = fixture.client(2, move |_| {
            entered.send(()).unwrap();
            held.lock().recv().unwrap_or_default();
            ends.store(true, Ordering::SeqCst);
        });
        fixture.0.take(a, link(1)).unwrap();
        let manager = fixture.0.clone();
        let caller = std::thread::spawn(move || {
            manager.add_membership(a, group(1), link(1), Join::State).unwrap();
        });
        has_entered.recv().unwrap();
        Held { manager: fixture.0.clone(), client, hold, has_ended, caller }
    }

    /// Deregisters the client, whose handle `first` has made invalid, on another thread.
    fn check(self, first: impl FnOnce(&Manager, ClientId) -> Result<()> + Send + 'static) {
        let Held { manager, client, hold, has_ended, caller } = self;
        let invalid = Err(Refusal::BadHandle(client.0));
        let (manager, other) = (manager.clone(), manager);
        let first = std::thread::spawn(move || first(&other, client));
        while manager.enum_start(client, EnumKind::AllSources).is_ok() {
            std::thread::yield_now();
        }
        let (done, is_done) = mpsc::channel();
        let (leaver, ends) = (manager.clone(), Arc::clone(&has_ended));
        let second = std::thread::spawn(move || {
            let result = leaver.deregister(client);
            done.send((result, ends.load(Ordering::SeqCst))).unwrap();
        });
        let early = is_done.recv_timeout(Duration::from_millis(150));
        assert!(early.is_err(), "{early:?}, and a callback is running");
        // Inside a callback it does not wait.
        let inside = |by| within(by, || manager.deregister(client));
        assert_eq!(inside(Inside::Client(client)), invalid);
        let other = Inside::Client(ClientId(client.0 + 1));
        assert_eq!(inside(other), Err(Refusal::CallbackRunning));
        assert_eq!(inside(Inside::Host), Err(Refusal::CallbackRunning));
        drop(hold);
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok((invalid.clone(), true)));
        second.join().unwrap();
        first.join().unwrap().unwrap();
        caller.join().unwrap();
        assert_eq!(manager.deregister(client), invalid);
        assert_eq!(inside(Inside::Host), invalid, "nothing is running");
    }
}

#[test]
fn t1_6_d124_a_deregistration_during_another_one_waits_for_the_callback() {
    let fixture = Fixture::new();
    Held::new(&fixture).check(|manager, client| manager.deregister(client));
}

#[test]
fn t1_6_t8_10_d124_a_deregistration_during_a_stop_waits_for_the_callback() {
    let fixture = Fixture::new();
    Held::new(&fixture).check(|manager, _| manager.stop());
}
