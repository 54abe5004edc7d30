//! A file system that does not answer, and calls that meet.

use super::*;
use crate::platform::hang;
use crate::{ForwarderChoice, Settings};
use std::os::unix::net::UnixStream;

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("mgm-{}-serving-{name}", std::process::id()))
}

fn settings(status_socket: Option<PathBuf>) -> Settings {
    Settings { forwarder: ForwarderChoice::Memory, status_socket, ..Settings::default() }
}

fn running() -> Manager {
    let manager = Manager::new();
    manager.start(&settings(None), None).unwrap();
    manager
}

fn soon(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "not in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Far less than what would be waited for on a path that hangs for ever.
fn at_once<R>(call: impl FnOnce() -> R) -> R {
    let began = Instant::now();
    let result = call();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    result
}

#[test]
fn t8_4_a_path_that_hangs_holds_up_nobody() {
    let (manager, hung, good) = (running(), path("hung"), path("good"));
    let hanging = hang::at(&hung);
    let caller = std::thread::spawn({
        let (manager, hung) = (manager.clone(), hung.clone());
        move || manager.serve_status(Some(&hung))
    });
    hanging.wait();
    at_once(|| assert!(manager.status(crate::Detail::FULL).running));
    // Elsewhere it can be served, and the one that hangs hears of that.
    at_once(|| manager.serve_status(Some(&good))).unwrap();
    let refusal = caller.join().unwrap().unwrap_err();
    assert!(refusal.to_string().contains("another path was set"), "{refusal}");
    assert!(UnixStream::connect(&good).is_ok());
    at_once(|| manager.stop()).unwrap();
    assert!(!good.exists());
    // Once it answers, what it was asked for matters no more.
    drop(hanging);
    soon(|| !hung.exists() && hang::none_at(&hung));
}

#[test]
fn t8_4_a_path_that_hangs_for_long_is_refused() {
    let (manager, hung) = (running(), path("long"));
    let hanging = hang::at(&hung);
    let refusal = manager.serve_status(Some(&hung)).unwrap_err();
    assert!(refusal.to_string().contains("does not respond"), "{refusal}");
    at_once(|| manager.serve_status(None)).unwrap();
    drop(hanging);
    soon(|| !hung.exists() && hang::none_at(&hung));
    // What hung may open its socket late, just to remove it.
    soon(|| manager.serve_status(Some(&hung)).is_ok());
    manager.stop().unwrap();
}

#[test]
fn t8_4_neither_start_nor_stop_waits_for_a_path_that_hangs() {
    let (manager, hung) = (Manager::new(), path("start"));
    let hanging = hang::at(&hung);
    at_once(|| manager.start(&settings(Some(hung.clone())), None)).unwrap();
    hanging.wait();
    at_once(|| manager.stop()).unwrap();
    at_once(|| manager.start(&settings(None), None)).unwrap();
    drop(hanging);
    soon(|| !hung.exists() && hang::none_at(&hung));

    // It hangs at the end only. What hung before may open its socket late, just to remove it.
    soon(|| manager.serve_status(Some(&hung)).is_ok());
    let hanging = hang::at(&hung);
    at_once(|| manager.stop()).unwrap();
    drop(hanging);
    soon(|| !hung.exists());
}

#[test]
fn the_environments_socket_is_served_soon_after_the_start() {
    let (manager, path) = (Manager::new(), path("soon"));
    manager.start(&settings(Some(path.clone())), None).unwrap();
    soon(|| UnixStream::connect(&path).is_ok());
    manager.stop().unwrap();
    assert!(!path.exists());
}

#[test]
fn of_calls_that_meet_one_stays_and_a_stop_leaves_none() {
    let paths: Vec<_> = (0..4).map(|n| path(&format!("meet{n}"))).collect();
    for round in 0..20 {
        let manager = running();
        std::thread::scope(|scope| {
            for path in &paths {
                scope.spawn(|| drop(manager.serve_status(Some(path))));
            }
            scope.spawn(|| drop(manager.serve_status(None)));
            if round % 2 == 1 {
                manager.stop().unwrap();
            }
        });
        let there = paths.iter().filter(|path| path.exists()).count();
        assert!(there <= 1, "{there} sockets");
        manager.stop().unwrap();
        soon(|| paths.iter().all(|path| !path.exists()));
    }
}

#[test]
fn nothing_to_serve_starts_nothing() {
    let manager = Manager::new();
    manager.serve_status(None).unwrap();
    assert!(!manager.status(crate::Detail::SUMMARY).running);
}

#[test]
fn without_a_thread_it_is_refused() {
    let (manager, path) = (running(), path("thread"));
    crate::threads::REFUSING.set(true);
    let refused = manager.serve_status(Some(&path));
    crate::threads::REFUSING.set(false);
    assert!(matches!(refused, Err(Refusal::StatusSocket(_))) && !path.exists());
    manager.serve_status(Some(&path)).unwrap();
    manager.stop().unwrap();
}
