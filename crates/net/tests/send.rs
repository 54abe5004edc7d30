//! Sending IGMP packets and joining groups on real links, in network namespaces. Without root they
//! are skipped with a message.
#![cfg(target_os = "linux")]

use mgm_net::join::HostJoin;
use mgm_net::links::{Link, Links};
use mgm_net::monitor::Monitor;
use mgm_net::receive::{Batch, Receiver};
use mgm_net::send::{Outgoing, Sender};
use mgm_netns::{index, ip, ip_batch, run, wires, Wire, NEVER, SURE};
use std::time::{Duration, Instant};

/// A v3 General Query with a response time of 0.1 s.
const QUERY: [u8; 12] = [0x11, 1, 0xec, 0x81, 0, 0, 0, 0, 2, 125, 0, 0];
const ALL_HOSTS: [u8; 4] = [224, 0, 0, 1];

fn links() -> Links {
    Monitor::open().unwrap().links().clone()
}

/// A packet as a router sends it, without length and checksum.
fn packet(source: [u8; 4], destination: [u8; 4], message: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x46, 0xc0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0];
    octets.extend(source);
    octets.extend(destination);
    octets.extend([148, 4, 0, 0]);
    octets.extend(message);
    octets
}

fn send(sender: &mut Sender, link: &Link, octets: &[u8], loop_back: bool) -> Option<i32> {
    let result = sender.send(&Outgoing { link, octets, loop_back });
    result.err().map(|error| error.raw_os_error().expect("a number"))
}

/// Waits for the next IGMP frame on a wire that has this first byte of the message.
fn sees(wire: &Wire, kind: u8, time: Duration) -> Option<Vec<u8>> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        let frame = wire.receive_frame(2, left)?;
        if frame[14 + usize::from(frame[14] & 0xf) * 4] == kind {
            return Some(frame);
        }
    }
    None
}

#[test]
fn i69_a_packet_leaves_by_the_link_named_with_the_source_given() {
    run(|| {
        let [one, other] = wires();
        // Routes and addresses speak for the other link, and r0 has none.
        ip_batch("addr add 10.0.1.1/24 dev r1\nroute add default dev r1\n");
        let (links, mut sender) = (links(), Sender::open().unwrap());
        let link = links.get(one.router).unwrap();
        for (source, group) in [
            ([10, 7, 7, 7], ALL_HOSTS),
            ([10, 0, 1, 1], [239, 129, 2, 3]),
            ([0; 4], [224, 0, 0, 22]),
            ([0; 4], [239, 129, 2, 3]),
        ] {
            let octets = packet(source, group, &QUERY);
            assert_eq!(send(&mut sender, link, &octets, false), None);
            let frame = sees(&one, 0x11, SURE).expect("it was sent");
            let mac = [1, 0, 0x5e, group[1] & 0x7f, group[2], group[3]];
            assert_eq!((&frame[..6], &frame[12..14]), (&mac[..], &[8, 0][..]));
            let (sent, wanted) = (&frame[14..], &octets[..]);
            assert_eq!(sent.len(), 36, "no more octets");
            assert_eq!(sent[..2], [0x46, 0xc0]);
            assert_eq!(sent[2..4], [0, 36], "the length is filled in");
            assert_eq!(sent[8..10], [1, 2], "TTL and protocol");
            assert_eq!(sent[12..], wanted[12..], "addresses, Router Alert and message");
            let sum: u32 =
                sent[..24].chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum();
            assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "the checksum is filled in");
        }
        assert_eq!(sees(&other, 0x11, NEVER), None);
    });
}

#[test]
fn i69_what_one_end_sends_the_other_receives() {
    run(|| {
        let [wire] = wires();
        let (links, mut sender) = (links(), Sender::open().unwrap());
        let far = Receiver::open(&links, index("h0")).unwrap();
        let near = Receiver::open(&links, wire.router).unwrap();
        let octets = packet([10, 7, 7, 7], ALL_HOSTS, &QUERY);
        let mut batch = Batch::new();
        let end = Instant::now() + SURE;
        // Again and again: a link that has just come up may lose packets.
        loop {
            assert_eq!(send(&mut sender, links.get(wire.router).unwrap(), &octets, true), None);
            std::thread::sleep(Duration::from_millis(50));
            if far.read(&mut batch).unwrap() > 0 {
                break;
            }
            assert!(Instant::now() < end);
        }
        let received = batch.packets().next().unwrap();
        assert_eq!((received.if_index, received.is_unicast_frame), (far.if_index(), false));
        assert_eq!(received.octets[12..], octets[12..]);
        std::thread::sleep(NEVER);
        assert_eq!(near.read(&mut batch).unwrap(), 0, "own packets are not received");
    });
}

#[test]
fn i69_a_general_query_that_loops_back_makes_the_own_kernel_answer() {
    run(|| {
        let [wire] = wires();
        ip("addr add 10.0.0.1/24 dev r0");
        let (links, mut sender) = (links(), Sender::open().unwrap());
        let link = links.get(wire.router).unwrap();
        let _join = HostJoin::open(link.index).unwrap();
        while sees(&wire, 0x22, Duration::from_millis(1500)).is_some() {} // the joins themselves
        let octets = packet([10, 0, 0, 1], ALL_HOSTS, &QUERY);
        for (loop_back, answers) in [(false, false), (true, true), (false, false)] {
            assert_eq!(send(&mut sender, link, &octets, loop_back), None);
            let report = sees(&wire, 0x22, if answers { SURE } else { NEVER * 5 });
            assert_eq!(report.is_some(), answers);
        }
    });
}

#[test]
fn i79_a_packet_that_cannot_be_sent_returns_the_errno() {
    run(|| {
        let [wire] = wires();
        let (links, mut sender) = (links(), Sender::open().unwrap());
        let link = links.get(wire.router).unwrap();
        for source in [[10, 7, 7, 7], [0; 4]] {
            let octets = packet(source, ALL_HOSTS, &QUERY);
            let invalid = send(&mut sender, link, &octets[..19], false);
            assert_eq!(invalid, Some(libc::EINVAL));
            let long = packet(source, ALL_HOSTS, &[0; 1480]);
            assert_eq!(send(&mut sender, link, &long, false), Some(libc::EMSGSIZE));
            ip("link set r0 down");
            let down = send(&mut sender, link, &octets, false).expect("it is down");
            assert!([libc::ENETDOWN, libc::ENETUNREACH].contains(&down), "{down}");
            ip("link set r0 up");
        }
        ip("link del r0");
        for source in [[10, 7, 7, 7], [0; 4]] {
            let octets = packet(source, ALL_HOSTS, &QUERY);
            let gone = send(&mut sender, link, &octets, false).expect("it has gone");
            assert!([libc::ENODEV, libc::ENXIO].contains(&gone), "{gone}");
        }
    });
}

#[test]
fn i70_the_groups_of_routers_are_joined_on_each_link_and_reported() {
    run(|| {
        let wires: [Wire; 25] = wires();
        let groups = |name: &str| {
            let text = ip(&format!("maddr show dev {name}"));
            ["224.0.0.2", "224.0.0.22"].map(|group| text.lines().any(|line| line.ends_with(group)))
        };
        // More links than one socket could join the groups on, none with an address.
        let joins: Vec<HostJoin> =
            wires.iter().map(|wire| HostJoin::open(wire.router).unwrap()).collect();
        for (n, wire) in wires.iter().enumerate() {
            assert_eq!(groups(&format!("r{n}")), [true, true]);
            assert!(sees(wire, 0x22, SURE).is_some(), "the kernel reports them");
        }
        ip_batch("link set r0 down\nlink set r0 up\n");
        assert_eq!(groups("r0"), [true, true]);
        drop(joins);
        assert_eq!(groups("r7"), [false, false]);
        ip("link del r7");
        let gone = HostJoin::open(wires[7].router).unwrap_err();
        assert_eq!(gone.raw_os_error(), Some(libc::ENODEV));
    });
}
