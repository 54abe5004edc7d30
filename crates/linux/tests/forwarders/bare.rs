//! Links without an Ethernet header: a tun device.

use super::ebpf::{on_both, udp};
use super::*;
use mgm_netns::ip_batch;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Instant;

/// The far end of the new tun device t0.
struct Tun(File);

impl Tun {
    fn new() -> Tun {
        const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .expect("/dev/net/tun");
        // SAFETY: all zeros is a valid ifreq.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        request.ifr_name[..2].copy_from_slice(&[b't' as _, b'0' as _]);
        request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as _;
        // SAFETY: reads and writes one ifreq.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF as _, &mut request) };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
        ip_batch("addr add 10.8.0.9/24 dev t0\nlink set t0 up\nroute add 239.0.0.0/8 dev t0\n");
        Tun(file)
    }

    /// The next packet to our group that leaves by the device.
    fn receive(&self) -> Option<Vec<u8>> {
        let end = Instant::now() + SURE;
        while Instant::now() < end {
            let mut packet = [0; 2000];
            match (&self.0).read(&mut packet) {
                Ok(length) if packet[16..20] == GROUP => return Some(packet[..length].to_vec()),
                Ok(_) => {}
                Err(_) => std::thread::sleep(NEVER / 20),
            }
        }
        None
    }
}

#[test]
fn links_without_ethernet_header_are_served_in_both_directions() {
    on_both(|kind| {
        let wires: [Wire; 2] = netns::wires();
        let tun = Tun::new();
        let (mut forwarder, upcalls) = open(kind).unwrap();
        let link = Interface::link(netns::index("t0"));
        for (id, link) in [(0, Interface::link(wires[0].router)), (1, link)] {
            forwarder.add_interface(IfId(id), link).unwrap();
        }
        forwarder.add_interface(IfId(2), Interface::link(wires[1].router)).unwrap();
        let frame = udp(64, &[0, 1, 0, 2, 0, 12, 0, 0, 1, 2, 3, 4]).to_frame();

        // In by tun, out by Ethernet.
        (&tun.0).write_all(&frame[14..]).unwrap();
        assert_eq!(upcalls.recv_timeout(SURE).unwrap().arrival, link);
        let oifs = &[(IfId(0), 1), (IfId(2), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(1), oifs }).unwrap();
        for round in ["the first packet", "a later one"] {
            for wire in &wires {
                let out = wire.receive_frame(17, SURE).expect(round);
                assert_eq!(out[..6], frame[..6], "{round}");
                assert_eq!((out[22], &out[26..]), (63, &frame[26..]), "{round}");
            }
            (&tun.0).write_all(&frame[14..]).unwrap();
        }

        // In by Ethernet, out by tun.
        let oifs = &[(IfId(1), 1), (IfId(2), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs }).unwrap();
        wires[0].send_frame(&frame);
        let out = tun.receive().expect("out by tun");
        assert_eq!((out[0], out[8], &out[12..]), (0x45, 63, &frame[26..]));

        // The router's own.
        forwarder.remove(flow()).unwrap();
        let own = Flow::new([10, 8, 0, 9].into(), GROUP.into());
        let oifs = &[(IfId(0), 1)];
        forwarder.install(&ForwarderEntry { flow: own, iif: IfId(1), oifs }).unwrap();
        while wires[0].receive(NEVER).is_some() {}
        let socket = UdpSocket::bind("10.8.0.9:0").unwrap();
        socket.set_multicast_ttl_v4(9).unwrap();
        socket.send_to(b"own", (Ipv4Addr::from(GROUP), 5000)).unwrap();
        let seen = wires[0].receive(SURE).expect("the router's own packet");
        assert_eq!((seen.source, seen.ttl), (own.source(), 8));
        assert_eq!(wires[0].receive(NEVER), None, "once");
    });
}

#[test]
fn members_on_the_router_hear_what_arrives_without_an_ethernet_header() {
    on_both(|kind| {
        let wires: [Wire; 1] = netns::wires();
        let tun = Tun::new();
        let (mut forwarder, _upcalls) = open(kind).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        forwarder.add_interface(IfId(1), Interface::link(netns::index("t0"))).unwrap();
        let oifs = &[(IfId(0), 1)];
        forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(1), oifs }).unwrap();
        let member = UdpSocket::bind((Ipv4Addr::from(GROUP), 2)).unwrap();
        member.join_multicast_v4(&GROUP.into(), &[10, 8, 0, 9].into()).unwrap();
        member.set_read_timeout(Some(SURE)).unwrap();
        let packet = udp(64, &[0, 1, 0, 2, 0, 12, 0, 0, 1, 2, 3, 4]).to_frame();
        for _ in 0..2 {
            (&tun.0).write_all(&packet[14..]).unwrap();
            let mut data = [0; 100];
            assert_eq!(member.recv(&mut data).expect("the member hears it"), 4);
            assert_eq!(data[..4], [1, 2, 3, 4]);
            assert!(wires[0].receive(SURE).is_some(), "and it is forwarded");
        }
    });
}

/// A WireGuard device has the same type.
#[test]
fn t2_7_a_next_hop_on_a_link_without_ethernet_addresses_is_refused_with_the_reason() {
    on_both(|kind| {
        let _tun = Tun::new();
        let (mut forwarder, _upcalls) = open(kind).unwrap();
        let next_hop = Interface { index: netns::index("t0"), next_hop: [10, 8, 0, 1].into() };
        let refusal = forwarder.add_interface(IfId(0), next_hop).unwrap_err().to_string();
        for words in ["t0", "next hops need Ethernet", "use next hop 0"] {
            assert!(refusal.contains(words), "{refusal}");
        }
        assert_eq!(netns::filters("t0"), "", "nothing is half attached");
        forwarder.add_interface(IfId(0), Interface::link(next_hop.index)).unwrap();
    });
}
