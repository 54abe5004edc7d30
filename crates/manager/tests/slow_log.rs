//! Upcalls are taken in while whoever takes the log lines takes his time. The log is the
//! process's, so this is a program of its own. Needs root and iproute2; skips, and says
//! so, without.
#![cfg(target_os = "linux")]

mod deaf;

use deaf::Deaf;
use mgm_manager::{ForwarderChoice, Manager, Settings};
use mgm_netns::{self as netns, Wire, SURE};
use mgm_types::{Flow, Interface, Route, RouteOrigin};
use std::sync::{mpsc, Mutex};
use std::time::{Duration, Instant};

const SOURCE: [u8; 4] = [10, 1, 0, 9];
const UNKNOWN: [u8; 4] = [10, 2, 0, 9];

#[test]
fn t8_4_a_slow_log_holds_up_no_upcall() {
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (tell, told) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let sink = move |_, line: &str| {
            if line.starts_with("packet of") {
                let _ = tell.send(());
                let _ = wait.lock().unwrap().recv();
            }
        };
        let settings = Settings {
            forwarder: ForwarderChoice::Kernel,
            log_level: log::LevelFilter::Debug,
            ..Settings::default()
        };
        let manager = Manager::new();
        manager.start(&settings, Some(Box::new(sink))).unwrap();
        let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
        let link = Interface::link(wires[0].router);
        manager.take(client, link).unwrap();
        let (origin, if_index) = (RouteOrigin::Connected, link.index);
        let (network, prefix_len) = ([10, 1, 0, 0].into(), 16);
        manager
            .add_route(Route { origin, if_index, paths: None, network, prefix_len, protocol: 2 })
            .unwrap();

        wires[0].send(UNKNOWN, [239, 1, 1, 1], 64);
        told.recv_timeout(SURE).expect("a packet without a route is refused, and the log told");
        let groups: Vec<[u8; 4]> = (0..200).map(|n| [239, 7, 0, n]).collect();
        groups.iter().for_each(|group| wires[0].send(SOURCE, *group, 64));
        let start = Instant::now();
        for group in groups {
            let flow = Flow::new(SOURCE.into(), group.into());
            while manager.with_mfe(flow, false, |_| ()).is_err() {
                assert!(start.elapsed() < SURE, "{flow} waits for the log");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        drop(go_on); // the log took no line until now
        manager.stop().unwrap();
    });
}
