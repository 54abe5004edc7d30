//! The packets of one flow on real links, in network namespaces. Without root they are skipped
//! with a message.
#![cfg(target_os = "linux")]

use mgm_net::watch::{Direction, Sighting, Sightings, Watch};
use mgm_netns::{drop_capabilities, ip_batch, run, wires, Capability, Packet, Wire, NEVER, SURE};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);

fn is_readable(watch: &Watch, time: Duration) -> bool {
    let mut fds = [PollFd::new(watch.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::try_from(time).unwrap()).unwrap() > 0
}

/// Reads until this many packets have been seen, and for a while longer.
fn read(watch: &Watch, count: usize) -> Sightings {
    let (mut seen, mut read) = (Sightings::new(), 0);
    let end = Instant::now() + SURE;
    while read < count && Instant::now() < end {
        is_readable(watch, SURE);
        read += watch.read(&mut seen, 100).unwrap();
    }
    std::thread::sleep(NEVER);
    read += watch.read(&mut seen, 100).unwrap();
    assert_eq!(read, count, "{seen:?}");
    seen
}

/// A UDP packet in a frame, with the bit DF or not.
fn frame(source: Ipv4Addr, group: Ipv4Addr, (ttl, length): (u8, usize), df: bool) -> Vec<u8> {
    let payload = &vec![0; length - 20];
    let (source, group) = (source.octets(), group.octets());
    let packet = Packet { protocol: 17, options: &[], source, group, ttl, payload };
    let mut frame = packet.to_frame();
    frame[14 + 6] = if df { 0x40 } else { 0 };
    frame
}

#[test]
fn packets_of_the_flow_are_counted_with_ttl_and_length() {
    run(|| {
        let wires: [Wire; 2] = wires();
        let watch = Watch::open(SOURCE, GROUP).unwrap();
        for (wire, ttl, length, df) in
            [(0, 5, 60, false), (0, 3, 100, false), (0, 9, 80, true), (1, 1, 64, false)]
        {
            wires[wire].send_frame(&frame(SOURCE, GROUP, (ttl, length), df));
        }
        let other = Ipv4Addr::new(10, 0, 0, 6);
        wires[0].send_frame(&frame(other, GROUP, (9, 60), false));
        wires[0].send_frame(&frame(SOURCE, Ipv4Addr::new(239, 1, 1, 2), (9, 60), false));
        let sighting = |packets, ttl: (u8, u8), longest, longest_unfragmentable| Sighting {
            packets,
            lowest_ttl: ttl.0,
            highest_ttl: ttl.1,
            longest,
            longest_unfragmentable,
        };
        let mut seen = read(&watch, 8);
        // The far ends are in the same namespace, and they have sent these packets.
        let mine = wires.each_ref().map(|wire| wire.router);
        seen.retain(|(link, _), _| mine.contains(link));
        let expected = [
            ((mine[0], Direction::In), sighting(3, (3, 9), 100, 80)),
            ((mine[1], Direction::In), sighting(1, (1, 1), 64, 0)),
        ];
        assert_eq!(seen, Sightings::from(expected));
    });
}

#[test]
fn what_this_machine_sends_has_the_other_direction() {
    run(|| {
        let [wire] = wires();
        ip_batch("addr add 10.0.0.5/24 dev r0\nroute add 239.0.0.0/8 dev r0\n");
        let watch = Watch::open(SOURCE, GROUP).unwrap();
        let socket = UdpSocket::bind((SOURCE, 0)).unwrap();
        socket.set_multicast_loop_v4(false).unwrap();
        socket.send_to(&[0; 8], (GROUP, 5000)).unwrap();
        let seen = read(&watch, 2);
        let packets = |link, direction| seen.get(&(link, direction)).map(|seen| seen.packets);
        assert_eq!(packets(wire.router, Direction::Out), Some(1), "{seen:?}");
        assert_eq!(packets(wire.router, Direction::In), None, "{seen:?}");
    });
}

#[test]
fn a_frame_of_a_vlan_is_not_the_parents_but_one_with_a_priority_only_is() {
    run(|| {
        let [wire] = wires();
        let watch = Watch::open(SOURCE, GROUP).unwrap();
        for (priority, number, ttl) in [(0, 4, 4), (0x60, 0, 9)] {
            let mut tagged = frame(SOURCE, GROUP, (ttl, 60), false);
            tagged.splice(12..12, [0x81, 0, priority, number]);
            wire.send_frame(&tagged);
        }
        let seen = read(&watch, 1);
        let ttls: Vec<_> = seen.iter().map(|(key, seen)| (*key, seen.lowest_ttl)).collect();
        assert_eq!(ttls, [((wire.router, Direction::In), 9)]);
    });
}

#[test]
fn at_most_so_many_packets_are_read_at_once() {
    run(|| {
        let [wire] = wires();
        let watch = Watch::open(SOURCE, GROUP).unwrap();
        for _ in 0..3 {
            wire.send_frame(&frame(SOURCE, GROUP, (9, 60), false));
        }
        let mut seen = Sightings::new();
        assert!(is_readable(&watch, SURE));
        assert_eq!(watch.read(&mut seen, 2).unwrap(), 2);
        assert_eq!(seen.values().map(|seen| seen.packets).sum::<u64>(), 2);
    });
}

#[test]
fn without_the_capability_it_is_refused() {
    run(|| {
        drop_capabilities(&[Capability::CAP_NET_RAW]);
        let error = Watch::open(SOURCE, GROUP).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    });
}
