//! The cost of route changes: processor time, and the time of calls that other threads make meanwhile.
//! MGM_SOURCES and MGM_MFES set larger sizes than those of the tests.
#![cfg(target_os = "linux")]

mod deaf;

use deaf::Deaf;
use mgm_engine::ClientId;
use mgm_manager::{ForwarderChoice, Join, Manager, PacketIn, Settings};
use mgm_netns::{self as netns, index, ip_batch};
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn size(variable: &str, default: u32) -> u32 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// The processor time of the thread that looks up routes.
fn busy() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let found = tasks.filter(|task| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "mgm-route\n")
    });
    let nanoseconds = found.map(|task| {
        let text = std::fs::read_to_string(task.join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    });
    Duration::from_nanos(nanoseconds.sum())
}

fn source(n: u32) -> Ipv4Addr {
    (0x0a01_0000 + n).into()
}

/// Changes this prefix a thousand times a second. Returns the share of a processor that this costs.
fn churn(prefix: &str, time: Duration) -> f64 {
    let mut ip =
        Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().expect("iproute2");
    let mut commands = ip.stdin.take().unwrap();
    let (begin, busy_before, mut changes) = (Instant::now(), busy(), 0u32);
    while begin.elapsed() < time {
        while changes < (begin.elapsed().as_secs_f64() * 1000.0) as u32 {
            let gateway = 1 + changes % 2;
            writeln!(commands, "route replace {prefix} via 192.0.2.{gateway}").unwrap();
            changes += 1;
        }
        commands.flush().unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    let share = (busy() - busy_before).as_secs_f64() / begin.elapsed().as_secs_f64();
    drop(commands);
    assert!(ip.wait().unwrap().success());
    share
}

#[test]
fn t5_10_changes_cost_the_look_ups_of_the_sources_within_only() {
    netns::run(|| {
        let _wires: [netns::Wire; 2] = netns::wires();
        ip_batch(
            "addr add 192.0.2.9/24 dev r0\n\
             route add 10.0.0.0/8 via 192.0.2.1\n\
             route add 172.16.0.0/16 via 192.0.2.1\n",
        );
        let manager = Manager::new();
        let settings = Settings { forwarder: ForwarderChoice::Kernel, ..Settings::default() };
        manager.start(&settings, None).unwrap();
        let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
        let link = Interface::link(index("r1"));
        manager.take(client, link).unwrap();
        for n in 0..size("MGM_SOURCES", 20_000) {
            let flow = Flow::new(source(n), [239, 1, 1, 1].into());
            manager.add_membership(client, flow, link, Join::State).unwrap();
        }
        std::thread::sleep(Duration::from_millis(200));
        // Before it was by prefix: all of a processor, in both cases.
        for (prefix, what) in [("172.16.0.0/16", "none"), ("10.1.0.64/29", "eight")] {
            let share = churn(prefix, Duration::from_secs(2));
            println!("changes that concern {what}: {:.1} % of a processor", 100.0 * share);
            assert!(share < 0.4, "{what}: {share}");
        }
        manager.stop().unwrap();
    });
}

/// Changes the route of many MFEs while another thread makes calls: the longest time that one
/// of these took, and how long the change took.
fn time_a_change(
    manager: &Manager,
    client: ClientId,
    route: Route,
    mfes: u32,
) -> (Duration, Duration) {
    let (is_over, begin) = (AtomicBool::new(false), Instant::now());
    let flow = Flow::any_source([239, 9, 9, 9].into());
    let third = Interface::link(3);
    let (waits, took) = std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut waits = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                manager.add_membership(client, flow, third, Join::State).unwrap();
                manager.delete_membership(client, flow, third, Join::State).unwrap();
                waits.push(begin.elapsed());
                std::thread::sleep(Duration::from_micros(50));
            }
            waits.sort_unstable();
            waits
        });
        manager.add_route(route).unwrap();
        let took = begin.elapsed();
        is_over.store(true, Ordering::Relaxed);
        (caller.join().unwrap(), took)
    });
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize];
    println!(
        "{mfes} MFEs moved in {took:?}; {} calls waited {:?} at p50, {:?} at p99, {:?} at p99.9, {:?} at most",
        waits.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
    );
    (at(1.0), took)
}

#[test]
fn t5_10_a_change_for_many_mfes_holds_up_no_other_call() {
    let manager = Manager::new();
    let settings = Settings { forwarder: ForwarderChoice::Memory, ..Settings::default() };
    manager.start(&settings, None).unwrap();
    let client = manager.register(Box::new(Deaf), 1, 1).unwrap();
    let link = Interface::link;
    (1..=3).for_each(|n| manager.take(client, link(n)).unwrap());
    let route = |if_index| Route {
        origin: RouteOrigin::Connected,
        if_index,
        paths: None,
        network: [10, 0, 0, 0].into(),
        prefix_len: 8,
        protocol: 2,
    };
    manager.add_route(route(1)).unwrap();
    let mfes = size("MGM_MFES", 50_000);
    // Half of them of one source each, half of a few sources.
    let flow = |n: u32| {
        let group = Ipv4Addr::from(0xef01_0000 + n);
        Flow::new(source(if n % 2 == 0 { n } else { n % 64 }), group)
    };
    for n in 0..mfes {
        let packet = PacketIn { flow: flow(n), arrival: link(1), header: &[], length: 100, ttl: 9 };
        assert!(manager.packet_in(packet).unwrap().accepted);
    }
    // In one hold of the lock some call waits for most of the change, each time. On a busy machine
    // one may wait so long for a processor, but not each time.
    let is_short = (0..5).any(|round| {
        let to = 2 - round % 2;
        let (longest, took) = time_a_change(&manager, client, route(to), mfes);
        for n in (0..mfes).step_by(997) {
            let begin = Instant::now();
            while manager.with_mfe(flow(n), false, |row| row.iif).unwrap() != link(to) {
                assert!(begin.elapsed() < netns::SURE, "{} stays", flow(n));
                std::thread::yield_now();
            }
        }
        longest < took / 2
    });
    assert!(is_short, "some call waits for most of the change");
    manager.stop().unwrap();
}
