//! Captures of multicast packets on real links, in network namespaces. Without root they are
//! skipped with a message.
#![cfg(target_os = "linux")]

use mgm_net::capture::Capture;
use mgm_net::netlink::Dumper;
use mgm_net::receive::Batch;
use mgm_netns::{drop_capabilities, ip, run, wires, Capability, Packet, NEVER, SURE};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

const GROUP: [u8; 4] = [239, 1, 1, 1];

/// Waits for this many packets. Returns whether each left, its destination and its length.
fn captured(capture: &Capture, count: usize, time: Duration) -> Vec<(bool, [u8; 4], usize)> {
    let (mut batch, mut all) = (Batch::new(), Vec::new());
    let end = Instant::now() + time;
    while all.len() < count && Instant::now() < end {
        capture.read(&mut batch).unwrap();
        assert!(batch.packets().all(|packet| packet.if_index == capture.if_index()));
        all.extend(batch.packets().map(|packet| {
            let to = packet.octets[16..20].try_into().unwrap();
            (packet.is_outgoing, to, packet.octets.len())
        }));
    }
    all
}

#[test]
fn packets_of_both_directions_are_captured_up_to_96_bytes() {
    run(|| {
        let [wire] = wires();
        ip("addr add 10.0.0.1/24 dev r0");
        let capture = Capture::open(wire.router).unwrap();
        wire.send([10, 0, 0, 9], GROUP, 1);
        assert_eq!(captured(&capture, 1, SURE), [(false, GROUP, 32)]);
        let long = vec![0; 1400];
        let source = [10, 0, 0, 9];
        wire.send_packet(Packet {
            protocol: 17,
            options: &[],
            source,
            group: GROUP,
            ttl: 1,
            payload: &long,
        });
        assert_eq!(captured(&capture, 1, SURE), [(false, GROUP, 96)]);
        let socket = UdpSocket::bind("10.0.0.1:0").unwrap();
        ip("route add 224.0.0.0/4 dev r0");
        socket.send_to(&[7; 10], (Ipv4Addr::from(GROUP), 5000)).unwrap();
        assert_eq!(captured(&capture, 1, SURE), [(true, GROUP, 38)]);
        assert_eq!(capture.losses().unwrap(), 0);
    });
}

#[test]
fn nothing_else_is_captured() {
    run(|| {
        let [wire, other] = wires();
        let capture = Capture::open(wire.router).unwrap();
        other.send([10, 0, 0, 9], GROUP, 9);
        wire.send([10, 0, 0, 9], [10, 0, 0, 1], 9);
        let frame = Packet {
            protocol: 17,
            options: &[],
            source: [10, 0, 0, 9],
            group: GROUP,
            ttl: 9,
            payload: &[],
        }
        .to_frame();
        let mut elsewhere = frame.clone();
        elsewhere[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0x77]);
        wire.send_frame(&elsewhere);
        let mut version_6 = frame.clone();
        version_6[12..14].copy_from_slice(&[0x86, 0xdd]);
        wire.send_frame(&version_6);
        let mut tagged = frame[..12].to_vec();
        tagged.extend([0x81, 0, 0, 7]);
        tagged.extend(&frame[12..]);
        wire.send_frame(&tagged);
        assert_eq!(captured(&capture, 1, NEVER), []);
        // VLAN 0 is a priority and no VLAN.
        tagged[15] = 0;
        wire.send_frame(&tagged);
        assert_eq!(captured(&capture, 1, SURE), [(false, GROUP, 20)]);
    });
}

#[test]
fn a_capture_needs_a_link_and_a_capability() {
    run(|| {
        let [wire] = wires();
        let error = Capture::open(4_000).expect_err("no such link");
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
        drop_capabilities(&[Capability::CAP_NET_RAW]);
        let error = Capture::open(wire.router).expect_err("no capability");
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    });
}

#[test]
fn the_packet_filter_needs_a_capability() {
    const NFT_MSG_GETCHAIN: u16 = 10 << 8 | 4;
    run(|| {
        let mut filter = Dumper::open_netfilter().unwrap();
        match filter.dump(NFT_MSG_GETCHAIN, &[0; 4], &[], |_| panic!("no chain exists")) {
            Ok(intact) => assert!(intact),
            // A kernel without nftables.
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EINVAL)),
        }
        drop_capabilities(&[Capability::CAP_NET_ADMIN]);
        let refused = filter.dump(NFT_MSG_GETCHAIN, &[0; 4], &[], |_| {});
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EPERM));
    });
}
