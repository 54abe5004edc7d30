//! Link and address events of real devices, in network namespaces. Without root they are skipped
//! with a message.
#![cfg(target_os = "linux")]

use mgm_net::links::Link;
use mgm_net::monitor::{Event, Monitor};
use mgm_netns::{index, ip, ip_batch, run, NEVER, SURE};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::io::Write;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Whether announcements wait, or come within `time`.
fn is_readable(monitor: &Monitor, time: Duration) -> bool {
    let mut fds = [PollFd::new(monitor.as_fd(), PollFlags::POLLIN)];
    let time = PollTimeout::try_from(time).unwrap();
    poll(&mut fds, time).unwrap() > 0
}

/// Reads events until one fits, and returns all up to it in a short form.
fn until(monitor: &mut Monitor, wanted: impl Fn(&Event) -> bool) -> Vec<String> {
    let end = Instant::now() + SURE;
    let mut all = Vec::new();
    while Instant::now() < end {
        if !is_readable(monitor, Duration::from_millis(50)) {
            continue;
        }
        let from = all.len();
        monitor.read(&mut all).unwrap();
        if all[from..].iter().any(&wanted) {
            return all.iter().map(short).collect();
        }
    }
    panic!("not within {SURE:?}: {:?}", all.iter().map(short).collect::<Vec<_>>());
}

/// Reads events until the link is running, which it is a moment after both ends are up, and
/// nothing more is announced.
fn settle(monitor: &mut Monitor, name: &str) -> Vec<Event> {
    let end = Instant::now() + SURE;
    let mut events = Vec::new();
    while is_readable(monitor, NEVER) || !monitor.links().named(name).unwrap().is_running() {
        assert!(Instant::now() < end, "{name} is not running");
        monitor.read(&mut events).unwrap();
    }
    events
}

fn short(event: &Event) -> String {
    let state = |link: &Link| match (link.is_up(), link.is_running()) {
        (_, true) => "running",
        (true, false) => "up",
        (false, false) => "down",
    };
    match event {
        Event::LinkAdded(link) => format!("+{} {}", link.name, link.index),
        Event::LinkRemoved(link) => format!("-{} {}", link.name, link.index),
        Event::LinkChanged { before, after } if before.name != after.name => {
            format!("{}>{}", before.name, after.name)
        }
        Event::LinkChanged { before, after } if before.mtu != after.mtu => {
            format!("{} mtu {}", after.name, after.mtu)
        }
        Event::LinkChanged { before, after } => {
            format!("{} {}>{}", after.name, state(before), state(after))
        }
        Event::AddressAdded { address, .. } => format!("+{}", address.local),
        Event::AddressRemoved { address, .. } => format!("-{}", address.local),
    }
}

fn is(event: &Event, text: &str) -> bool {
    short(event) == text
}

#[test]
fn i74_the_links_of_the_start_are_no_events_and_what_comes_later_is() {
    run(|| {
        ip_batch(
            "link add eth7 type veth peer name far\naddr add 10.0.0.1/24 dev eth7\n\
             link set eth7 up\nlink set far up\n",
        );
        let mut monitor = Monitor::open().unwrap();
        let link = monitor.links().named("eth7").unwrap().clone();
        assert_eq!(link.index, index("eth7"));
        assert!(link.is_up() && link.is_multicast() && link.kind.as_deref() == Some("veth"));
        assert!(monitor.links().named("lo").unwrap().is_loopback());
        let addresses = monitor.links().addresses(link.index);
        assert_eq!(addresses.len(), 1);
        assert_eq!((addresses[0].local, addresses[0].prefix_len), ([10, 0, 0, 1].into(), 24));
        let late = settle(&mut monitor, "eth7");
        assert!(late.iter().all(|event| matches!(event, Event::LinkChanged { .. })), "{late:?}");

        ip_batch(
            "addr add 192.0.2.1 peer 192.0.2.2/32 dev eth7\n\
             link set eth7 mtu 1400\n\
             addr del 10.0.0.1/24 dev eth7\n\
             link set eth7 down\n",
        );
        let heard = until(&mut monitor, |event| is(event, "eth7 running>down"));
        let own: Vec<_> = heard.iter().filter(|text| !text.starts_with("far")).collect();
        assert_eq!(own, ["+192.0.2.1", "eth7 mtu 1400", "-10.0.0.1", "eth7 running>down"]);
        let peer = monitor.links().addresses(link.index)[0];
        assert_eq!((peer.peer, peer.prefix_len), ([192, 0, 2, 2].into(), 32));
        assert_eq!(monitor.links().get(link.index).unwrap().mtu, 1400);
    });
}

#[test]
fn i74_a_rename_and_a_flap_are_told_in_order() {
    run(|| {
        ip_batch("link add eth7 type veth peer name far\nlink set eth7 up\nlink set far up\n");
        let mut monitor = Monitor::open().unwrap();
        settle(&mut monitor, "eth7");
        let number = index("eth7");
        ip_batch("link set eth7 down\nlink set eth7 up\n");
        let heard = until(&mut monitor, |event| is(event, "eth7 up>running"));
        let own: Vec<_> = heard.iter().filter(|text| text.starts_with("eth7")).collect();
        assert_eq!(own[0], "eth7 running>down", "{heard:?}");
        ip("link set eth7 name lan0");
        until(&mut monitor, |event| is(event, "eth7>lan0"));
        assert!(monitor.links().named("eth7").is_none());
        assert_eq!(monitor.links().named("lan0").unwrap().index, number);
        // The carrier is lost at the other end, while the link stays up.
        ip("link set far down");
        until(&mut monitor, |event| is(event, "lan0 running>up"));
    });
}

#[test]
fn i74_an_index_that_returns_as_another_device_is_a_removal_and_an_addition() {
    run(|| {
        ip("link add eth7 index 77 type bridge");
        ip("addr add 10.0.0.1/24 dev eth7");
        let mut monitor = Monitor::open().unwrap();
        ip_batch("link del eth7\nlink add eth8 index 77 type bridge\n");
        let heard = until(&mut monitor, |event| is(event, "+eth8 77"));
        let gone = heard.iter().position(|text| text == "-eth7 77").expect("it has gone");
        let come = heard.iter().position(|text| text == "+eth8 77").expect("it has come");
        assert!(gone < come, "{heard:?}");
        assert!(monitor.links().addresses(77).is_empty(), "the addresses were eth7's");
        // The same name again under another index, as PPP does it.
        ip_batch("link del eth8\nlink add eth8 index 78 type bridge\n");
        until(&mut monitor, |event| is(event, "+eth8 78"));
        assert_eq!(monitor.links().named("eth8").unwrap().index, 78);
        assert!(monitor.links().get(77).is_none());
    });
}

#[test]
fn i74_a_link_that_moves_to_another_namespace_has_gone_and_may_come_back() {
    run(|| {
        ip("link add eth7 type veth peer name far");
        let number = index("eth7");
        let mut monitor = Monitor::open().unwrap();
        // A namespace without a name, which ends with the process that is in it.
        let mut other =
            Command::new("unshare").args(["--net", "sleep", "60"]).spawn().expect("util-linux");
        let home = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        let path = format!("/proc/{}/ns/net", other.id());
        let end = Instant::now() + SURE;
        while std::fs::read_link(&path).unwrap() == home {
            assert!(Instant::now() < end, "unshare takes too long");
            std::thread::sleep(Duration::from_millis(5));
        }
        ip(&format!("link set eth7 netns {}", other.id()));
        until(&mut monitor, |event| is(event, &format!("-eth7 {number}")));
        assert!(monitor.links().named("eth7").is_none());
        let thread = nix::unistd::gettid();
        let back = Command::new("nsenter")
            .args([&format!("--net={path}"), "ip", "link", "set", "eth7", "netns"])
            .arg(thread.to_string())
            .status();
        assert!(back.unwrap().success());
        until(&mut monitor, |event| short(event).starts_with("+eth7 "));
        assert_eq!(monitor.links().named("eth7").unwrap().index, index("eth7"));
        other.kill().unwrap();
        other.wait().unwrap();
    });
}

/// Runs an "ip" command for a device that not every kernel has; false, with a message, if this
/// one has not.
fn try_ip(arguments: &str) -> bool {
    let mut command = Command::new("ip");
    command.args(arguments.split_whitespace()).stderr(Stdio::null());
    let worked = command.status().expect("iproute2").success();
    if !worked {
        let line = format!("SKIPPED in part: this kernel has no \"ip {arguments}\"\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    worked
}

#[test]
fn i68_ports_name_their_master_and_vlans_their_parent() {
    run(|| {
        ip_batch("link add br0 type bridge\nlink add eth7 type veth peer name eth8\n");
        let mut monitor = Monitor::open().unwrap();
        let (seven, eight) = (index("eth7"), index("eth8"));
        assert_eq!(monitor.links().port(seven), None);
        let has_master = |event: &Event, number: u32| {
            matches!(event, Event::LinkChanged { after, .. }
                if after.index == number && after.master.is_some())
        };
        ip("link set eth7 master br0");
        until(&mut monitor, |event| has_master(event, seven));
        assert_eq!(
            monitor.links().port(seven).unwrap().to_string(),
            "eth7 is a port of the bridge br0, which takes its packets: configure br0 instead of \
             eth7"
        );
        ip("link set eth7 nomaster");
        until(&mut monitor, |event| {
            matches!(event, Event::LinkChanged { after, .. }
                if after.index == seven && after.master.is_none())
        });
        assert_eq!(monitor.links().port(seven), None);
        if try_ip("link add bond7 type bond") {
            ip("link set eth7 master bond7");
            until(&mut monitor, |event| has_master(event, seven));
            assert_eq!(monitor.links().port(seven).unwrap().kind, "bond");
        }
        if try_ip("link add red type vrf table 10") {
            ip("link set eth8 master red");
            until(&mut monitor, |event| has_master(event, eight));
            assert_eq!(monitor.links().port(eight), None, "a VRF takes no packets");
        }
        if try_ip("link add link eth8 name eth8.35 type vlan id 35") {
            until(&mut monitor, |event| short(event).starts_with("+eth8.35"));
            let vlan = monitor.links().named("eth8.35").unwrap().vlan.unwrap();
            assert_eq!((vlan.id, vlan.parent), (35, Some(eight)));
        }
    });
}

#[test]
fn i74_a_point_to_point_link_is_told_as_such() {
    run(|| {
        if !try_ip("tuntap add tun7 mode tun") {
            return;
        }
        let monitor = Monitor::open().unwrap();
        let link = monitor.links().named("tun7").unwrap();
        assert!(link.is_point_to_point() && link.address.is_empty());
    });
}

#[test]
fn i74_after_a_lost_announcement_all_is_read_again() {
    run(|| {
        ip("link add eth7 index 77 type bridge");
        ip("addr add 10.0.0.1/24 dev eth7");
        let mut monitor = Monitor::open().unwrap();
        // So that a few announcements are too many.
        let socket = socket2::SockRef::from(&monitor);
        socket.set_recv_buffer_size(1).unwrap();
        let mut lines = String::from("link set eth7 name lan0\nlink del lan0\n");
        lines += "link add eth8 index 77 type bridge\naddr add 10.0.0.2/24 dev eth8\n";
        for n in 0..100 {
            lines += &format!("link add name d{n} type bridge\n");
        }
        ip_batch(&lines);
        let mut events = Vec::new();
        while is_readable(&monitor, NEVER) {
            monitor.read(&mut events).unwrap();
        }
        assert!(!monitor.is_stale());
        let heard: Vec<String> = events.iter().map(short).collect();
        let at = |text: &str| heard.iter().position(|heard| heard == text).expect(text);
        let gone = heard.iter().position(|text| text == "-eth7 77" || text == "-lan0 77");
        assert!(gone.expect("it has gone") < at("+eth8 77") && at("+eth8 77") < at("+10.0.0.2"));
        assert!((0..100).all(|n| monitor.links().named(&format!("d{n}")).is_some()));
        assert_eq!(heard.iter().filter(|text| text.starts_with("+d")).count(), 100, "{heard:?}");
        assert_eq!(monitor.links(), Monitor::open().unwrap().links());
    });
}
