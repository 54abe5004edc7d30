//! IGMP packets on real links, in network namespaces. Without root they are skipped with a message.
#![cfg(target_os = "linux")]

use mgm_net::links::Links;
use mgm_net::monitor::Monitor;
use mgm_net::receive::{Batch, ListenError, Receiver, BATCH};
use mgm_netns::{
    drop_capabilities, index, ip, ip_batch, run, wires, Capability, Packet, Wire, NEVER, SURE,
};
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const ALERT: &[u8] = &[148, 4, 0, 0];
const GROUP: [u8; 4] = [239, 1, 1, 1];
/// A v2 report of 239.1.1.1.
const REPORT: &[u8] = &[0x16, 0, 0xf9, 0xfd, 239, 1, 1, 1];

/// An IGMP packet from a host, with these options and this message.
fn igmp<'a>(options: &'a [u8], group: [u8; 4], payload: &'a [u8]) -> Packet<'a> {
    Packet { protocol: 2, options, source: [10, 9, 9, 9], group, ttl: 1, payload }
}

fn links() -> Links {
    Monitor::open().unwrap().links().clone()
}

fn open(wire: &Wire) -> Receiver {
    Receiver::open(&links(), wire.router).unwrap()
}

fn is_readable(receiver: &Receiver, time: Duration) -> bool {
    let mut fds = [PollFd::new(receiver.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::try_from(time).unwrap()).unwrap() > 0
}

/// The packets until `count` have come, or until none comes for a while.
fn receive(receiver: &Receiver, count: usize) -> Vec<Vec<u8>> {
    let (mut batch, mut all) = (Batch::new(), Vec::new());
    let end = Instant::now() + SURE;
    while all.len() < count && Instant::now() < end && is_readable(receiver, SURE) {
        receiver.read(&mut batch).unwrap();
        assert!(batch.packets().all(|packet| packet.if_index == receiver.if_index()));
        all.extend(batch.packets().map(|packet| packet.octets.to_vec()));
    }
    assert_eq!(all.len(), count);
    all
}

fn receives_nothing(receiver: &Receiver) {
    let mut batch = Batch::new();
    let end = Instant::now() + NEVER;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if is_readable(receiver, left) {
            receiver.read(&mut batch).unwrap();
            let all: Vec<_> = batch.packets().collect();
            assert!(batch.is_empty(), "{all:?}");
        }
    }
}

#[test]
fn i66_every_version_is_received_with_and_without_alert_on_a_link_without_address_that_is_no_vif() {
    run(|| {
        let [wire] = wires();
        std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "1").unwrap();
        let receiver = open(&wire);
        let messages: [(&[u8], [u8; 4]); 4] = [
            (&[0x12, 0, 0xfd, 0xfd, 239, 1, 1, 1], GROUP),
            (REPORT, GROUP),
            (&[0x17, 0, 0xf8, 0xfd, 239, 1, 1, 1], [224, 0, 0, 2]),
            (&[0x22, 0, 0xea, 3, 0, 0, 0, 1, 4, 0, 0, 0, 239, 255, 255, 250], [224, 0, 0, 22]),
        ];
        for options in [&[][..], ALERT] {
            for (message, group) in messages {
                let packet = igmp(options, group, message);
                wire.send_packet(packet);
                assert_eq!(receive(&receiver, 1), [&packet.to_frame()[14..]]);
            }
        }
        assert_eq!(receiver.losses().unwrap(), 0);
    });
}

#[test]
fn i66_the_device_receives_all_groups_while_the_socket_is_open() {
    run(|| {
        let [wire] = wires();
        let allmulti = || ip("-d link show dev r0").contains("allmulti 1");
        assert!(!allmulti());
        let receiver = open(&wire);
        assert!(allmulti());
        drop(receiver);
        // A child that another test forks has a copy of the socket until it starts its program.
        let end = Instant::now() + SURE;
        while allmulti() {
            assert!(
                Instant::now() < end,
                "the socket is closed, and the device receives all groups"
            );
        }
    });
}

#[test]
fn i5_padding_and_fragments_arrive_as_they_are() {
    run(|| {
        let [wire] = wires();
        let receiver = open(&wire);
        let mut frame = igmp(ALERT, GROUP, REPORT).to_frame();
        let length = frame.len() - 14;
        frame.resize(60, 0xee);
        wire.send_frame(&frame);
        let padded = receive(&receiver, 1).remove(0);
        assert_eq!((padded.len(), usize::from(padded[3])), (46, length));
        // The first fragment of a longer packet, and one from its middle.
        for flags in [0x20, 0x05] {
            frame[14 + 6] = flags;
            wire.send_frame(&frame);
            assert_eq!(receive(&receiver, 1)[0][6], flags);
        }
        // Up to the MTU, in one piece.
        let long = vec![0x55; 1480];
        wire.send_packet(igmp(&[], GROUP, &long));
        assert_eq!(receive(&receiver, 1)[0].len(), 1500);
    });
}

#[test]
fn i67_only_igmp_for_this_machine_is_received() {
    run(|| {
        let [wire, other] = wires();
        let (receiver, second) = (open(&wire), open(&other));
        let frame = igmp(&[], GROUP, REPORT).to_frame();
        wire.send([10, 9, 9, 9], GROUP, 9);
        let mut arp = frame.clone();
        arp[13] = 6;
        wire.send_frame(&arp);
        let mut elsewhere = frame.clone();
        elsewhere[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0x77]);
        wire.send_frame(&elsewhere);
        wire.send_frame(&frame[..14 + 9]);
        receives_nothing(&receiver);

        let mut unicast = frame.clone();
        unicast[..6].copy_from_slice(&links().get(wire.router).unwrap().address);
        let mut broadcast = frame.clone();
        broadcast[..6].fill(0xff);
        for (frame, is_unicast) in [(&frame, false), (&unicast, true), (&broadcast, false)] {
            wire.send_frame(frame);
            assert!(is_readable(&receiver, SURE));
            let mut batch = Batch::new();
            assert_eq!(receiver.read(&mut batch).unwrap(), 1);
            assert_eq!(batch.packets().next().unwrap().is_unicast_frame, is_unicast);
        }
        receives_nothing(&second);
    });
}

#[test]
fn i67_own_packets_are_not_received() {
    run(|| {
        let [wire] = wires();
        ip("addr add 10.0.0.1/24 dev r0");
        let receiver = open(&wire);
        // The kernel reports this membership, and its socket hears its own packets.
        let raw = socket2::Socket::new(
            socket2::Domain::IPV4,
            socket2::Type::RAW,
            Some(socket2::Protocol::from(libc::IPPROTO_IGMP)),
        )
        .unwrap();
        let link = socket2::InterfaceIndexOrAddress::Index(wire.router);
        raw.join_multicast_v4_n(&GROUP.into(), &link).unwrap();
        raw.set_multicast_if_v4(&[10, 0, 0, 1].into()).unwrap();
        raw.set_multicast_loop_v4(true).unwrap();
        let to = std::net::SocketAddrV4::new(GROUP.into(), 0);
        raw.send_to(REPORT, &to.into()).unwrap();
        assert!(wire.receive_frame(2, SURE).is_some(), "it was sent");
        receives_nothing(&receiver);
        // The same frame arrives from outside: another router may have a wrong address.
        wire.send_packet(Packet { source: [10, 0, 0, 1], ..igmp(ALERT, GROUP, REPORT) });
        receive(&receiver, 1);
    });
}

#[test]
fn i68_frames_of_a_vlan_are_not_the_parents_but_those_with_a_priority_only_are() {
    run(|| {
        let [wire] = wires();
        let receiver = open(&wire);
        let frame = igmp(ALERT, GROUP, REPORT).to_frame();
        let tagged = |tag: u16| {
            let tag = [0x81, 0, (tag >> 8) as u8, tag as u8];
            [&frame[..12], &tag, &frame[12..]].concat()
        };
        wire.send_frame(&tagged(35));
        wire.send_frame(&tagged(7 << 13 | 35));
        receives_nothing(&receiver);
        wire.send_frame(&tagged(7 << 13));
        assert_eq!(receive(&receiver, 1), [&frame[14..]]);
    });
}

#[test]
fn i68_a_port_is_refused_with_advice_and_its_bridge_receives() {
    run(|| {
        let [wire] = wires();
        let early = open(&wire);
        ip_batch("link add br0 type bridge\nlink set r0 master br0\nlink set br0 up\n");
        wire.send_packet(igmp(ALERT, GROUP, REPORT));
        receive(&early, 1); // the packets are the bridge's, but the socket comes before it
        let links = links();
        let Err(ListenError::Port(port)) = Receiver::open(&links, wire.router) else { panic!() };
        assert_eq!(
            ListenError::Port(port).to_string(),
            "r0 is a port of the bridge br0, which takes its packets: configure br0 instead of r0"
        );
        let receiver = Receiver::open(&links, index("br0")).unwrap();
        std::fs::write("/sys/class/net/br0/bridge/forward_delay", "0").unwrap_or(());
        let end = Instant::now() + SURE;
        while !is_readable(&receiver, NEVER) {
            assert!(Instant::now() < end, "the bridge hears no query, which is for all ports");
            wire.send_packet(igmp(ALERT, [224, 0, 0, 1], &[0x11, 0, 0xee, 0xff, 0, 0, 0, 0]));
        }
    });
}

#[test]
fn i74_a_link_may_be_down_flap_and_go() {
    run(|| {
        let [wire] = wires();
        ip("link set r0 down");
        let receiver = open(&wire);
        let mut batch = Batch::new();
        assert_eq!(receiver.read(&mut batch).unwrap(), 0);
        for _ in 0..2 {
            ip("link set r0 up");
            let end = Instant::now() + SURE;
            while !is_readable(&receiver, NEVER) {
                assert!(Instant::now() < end, "the carrier comes a moment after the link is up");
                wire.send_packet(igmp(ALERT, GROUP, REPORT));
            }
            receive(&receiver, 1);
            ip("link set r0 down");
            assert!(is_readable(&receiver, SURE));
            assert_eq!(receiver.read(&mut batch).unwrap(), 0, "that is no error");
            assert!(!is_readable(&receiver, NEVER), "and is told once");
        }
        ip("link del r0");
        receiver.read(&mut batch).unwrap();
        assert!(batch.is_empty() && !is_readable(&receiver, NEVER));
        let old = links();
        assert!(matches!(Receiver::open(&old, wire.router), Err(ListenError::NoLink(_))));
    });
}

/// Waits until the device has received this number of packets.
fn has_received(name: &str, count: u32) {
    let end = Instant::now() + SURE;
    while !ip(&format!("-s -j link show dev {name}")).contains(&format!("\"packets\":{count},")) {
        assert!(Instant::now() < end, "{name} has not received {count} packets");
    }
}

#[test]
fn i75_a_read_takes_256_packets_at_most_and_losses_are_counted() {
    run(|| {
        let [wire] = wires();
        let receiver = open(&wire);
        for _ in 0..BATCH + 44 {
            wire.send_packet(igmp(ALERT, GROUP, REPORT));
        }
        let mut batch = Batch::new();
        has_received("r0", BATCH as u32 + 44);
        assert_eq!(receiver.read(&mut batch).unwrap(), BATCH);
        assert_eq!(receiver.read(&mut batch).unwrap(), 44);
        assert_eq!(receiver.read(&mut batch).unwrap(), 0);
        assert!(batch.is_empty());
        assert_eq!(receiver.losses().unwrap(), 0);

        socket2::SockRef::from(&receiver).set_recv_buffer_size(1).unwrap();
        for _ in 0..100 {
            wire.send_packet(igmp(ALERT, GROUP, REPORT));
        }
        has_received("r0", BATCH as u32 + 144);
        let kept = receiver.read(&mut batch).unwrap();
        assert!(kept > 0);
        assert_eq!(receiver.losses().unwrap() as usize, 100 - kept);
        assert_eq!(receiver.losses().unwrap(), 0, "since the last call");
    });
}

#[test]
fn i66_without_the_capability_the_refusal_names_it() {
    run(|| {
        let [wire] = wires();
        let links = links();
        drop_capabilities(&[Capability::CAP_NET_RAW]);
        let error = Receiver::open(&links, wire.router).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot listen for IGMP on r0: Operation not permitted (os error 1): give the program \
             CAP_NET_RAW"
        );
    });
}
