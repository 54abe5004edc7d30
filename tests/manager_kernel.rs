//! MGM with the kernel forwarder, started and stopped again and again, in a
//! network namespace of its own. Needs root and iproute2; skips, and says so,
//! without.
#![cfg(target_os = "linux")]

mod netns;

use mgm::engine::{Answer, Notice, NoticeKind};
use mgm::manager::{Callbacks, ForwarderChoice, Manager, Settings};
use mgm::types::Interface;
use netns::SURE;
use std::time::{Duration, Instant};

/// A client with no callbacks.
struct Deaf;

impl Callbacks for Deaf {
    fn has(&self, _: NoticeKind) -> bool {
        false
    }

    fn call(&self, notice: &Notice) -> Answer {
        notice.default_answer()
    }
}

/// Entries of a folder in /proc/self: descriptors, or threads.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// One life of MGM that serves an interface.
fn live_once() {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Kernel, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
    manager.take(client, Interface::link(netns::index("lo"))).unwrap();
    manager.stop().unwrap();
    let vifs = std::fs::read_to_string("/proc/thread-self/net/ip_mr_vif").unwrap();
    assert_eq!(vifs.lines().count(), 1, "the kernel's table is empty after a stop:\n{vifs}");
}

#[test]
fn a_stop_gives_back_descriptors_and_threads() {
    netns::run(|| {
        live_once();
        let (descriptors, threads) = (count("fd"), count("task"));
        for _ in 0..20 {
            live_once();
        }
        // The threads leave by themselves, soon.
        let start = Instant::now();
        while count("fd") > descriptors || count("task") > threads {
            let now = (count("fd"), count("task"));
            assert!(start.elapsed() < SURE, "{now:?} and not {:?}", (descriptors, threads));
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}
