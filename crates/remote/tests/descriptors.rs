//! A router that can open no further files. Alone in its program, because all threads share them.
#![cfg(target_os = "linux")]

use mgm_linux::channel::Connection;
use mgm_manager::{ForwarderChoice, Manager, Settings};
use mgm_remote::client::Router;
use mgm_remote::server::{Access, Limits, Server};
use mgm_types::Interface;
use nix::sys::resource::{getrlimit, setrlimit, Resource};
use std::fs::File;
use std::time::{Duration, Instant};

/// How long 1,000 calls take.
fn calls(router: &Router) -> Duration {
    let begun = Instant::now();
    for _ in 0..1000 {
        assert!(router.protocol_on(Interface::link(1)).is_err());
    }
    begun.elapsed()
}

#[test]
fn t9_11_a_router_without_descriptors_serves_its_processes_as_fast_as_before() {
    let path = std::env::temp_dir().join(format!("mgm-descriptors-{}", std::process::id()));
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let server = Server::open(&manager, &path, Access::OWN, Limits::default()).unwrap();
    let router = Router::connect(&path).unwrap();
    let before = calls(&router);
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 100, hard).unwrap();
    let mut files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    files.pop();
    let waiting = Connection::open(&path).expect("it waits to be accepted");
    // A router that waits for descriptors holds up its processes each time, a busy machine does not.
    let is_fast = (0..5).any(|_| calls(&router) < before + Duration::from_millis(800));
    assert!(is_fast, "{before:?} before");
    drop((files, waiting));
    // It accepts connections again.
    let begun = Instant::now();
    let again = loop {
        match Router::connect(&path) {
            Ok(router) => break router,
            Err(refusal) => assert!(begun.elapsed() < Duration::from_secs(20), "{refusal}"),
        }
    };
    [again, router].into_iter().for_each(|router| router.disconnect().unwrap());
    server.close();
    manager.stop().unwrap();
}
