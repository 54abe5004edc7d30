//! Network namespaces, devices and packets for tests.
//!
//! Each test runs in its own network namespace. [`wires`] creates pairs of virtual Ethernet
//! devices: the router gets one end, and the test sends and receives raw frames at the other, so
//! it can send from any source address without another host.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sched::{unshare, CloneFlags};
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{bind, recvfrom, send, setsockopt, socket};
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType};
use nix::sys::time::TimeVal;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub use caps::Capability;

/// How long a test waits for an event that must happen, however busy the machine is.
pub const SURE: Duration = Duration::from_secs(30);

/// How long a test waits for an event that must not happen.
pub const NEVER: Duration = Duration::from_millis(60);

/// Runs a test in a new network namespace, on a new thread. Threads and programs that it starts
/// are in the namespace too. Without root, skips the test with a message.
///
/// # Panics
/// If the test panics.
pub fn run(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
                return skip(&format!("needs root for a network namespace ({error})"));
            }
            for file in ["ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"] {
                std::fs::write(format!("/proc/sys/net/{file}"), "0").unwrap();
            }
            // Neighbour discovery would send multicast packets. Kernels without IPv6 lack the file.
            let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            ip("link set lo up");
            test();
        });
        if let Err(panic) = thread.unwrap().join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Reports that a test is skipped. Not by eprintln, which the test harness captures: a skip must be seen.
pub fn skip(reason: &str) {
    io::stderr().write_all(format!("SKIPPED: {reason}\n").as_bytes()).unwrap();
}

/// Takes capabilities away from the calling thread.
pub fn drop_capabilities(gone: &[Capability]) {
    for &capability in gone {
        caps::drop(None, caps::CapSet::Effective, capability).unwrap();
    }
}

/// Runs "ip" with these arguments, and returns its output.
pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("iproute2");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The filters of traffic control at both hooks of a device; nothing without the program "tc".
pub fn filters(device: &str) -> String {
    let show = |hook| Command::new("tc").args(["filter", "show", "dev", device, hook]).output();
    let outputs = ["ingress", "egress"].map(show).into_iter().flatten();
    outputs.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).collect()
}

/// The qdiscs of a device; nothing without the program "tc".
pub fn qdiscs(device: &str) -> String {
    let output = Command::new("tc").args(["qdisc", "show", "dev", device]).output();
    output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default()
}

/// Runs many "ip" commands, one a line, in one process, and returns their output.
pub fn ip_batch(lines: &str) -> String {
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("iproute2");
    let mut commands = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // On another thread, because "ip" may wait until its output is read.
        scope.spawn(move || commands.write_all(lines.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "ip -batch:\n{lines}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until these devices can send. The kernel lets a device send some time after its other end
/// is up: seconds later while many other devices on the machine change. Until then it drops packets.
pub fn await_up<S: std::fmt::Display>(names: &[S]) {
    let show: String = names.iter().map(|name| format!("link show dev {name}\n")).collect();
    let end = Instant::now() + SURE;
    while ip_batch(&show).matches("state UP").count() < names.len() {
        assert!(Instant::now() < end, "not up: {}", ip_batch(&show));
    }
}

/// The index of a device.
pub fn index(name: &str) -> u32 {
    if_nametoindex(name).unwrap_or_else(|error| panic!("no device {name}: {error}"))
}

/// The far end of an interface of the router.
pub struct Wire {
    /// The index of the router's end.
    pub router: u32,
    fd: OwnedFd,
}

/// A UDP packet that the router sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub source: Ipv4Addr,
    pub group: Ipv4Addr,
    pub ttl: u8,
}

/// An IPv4 packet that arrives at the router.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    pub protocol: u8,
    pub options: &'a [u8],
    pub source: [u8; 4],
    pub group: [u8; 4],
    pub ttl: u8,
    pub payload: &'a [u8],
}

/// Creates the devices r0, r1 … of the router, and their far ends h0, h1 …
pub fn wires<const N: usize>() -> [Wire; N] {
    let lines: String = (0..N)
        .map(|n| {
            format!("link add r{n} type veth peer name h{n}\nlink set r{n} up\nlink set h{n} up\n")
        })
        .collect();
    ip_batch(&lines);
    let names: Vec<String> = (0..N).flat_map(|n| [format!("r{n}"), format!("h{n}")]).collect();
    await_up(&names);
    std::array::from_fn(|n| Wire::new(&format!("r{n}"), &format!("h{n}")))
}

impl Packet<'_> {
    /// The Ethernet frame that carries it, to the multicast address of its group.
    pub fn to_frame(self) -> Vec<u8> {
        let header_length = 20 + self.options.len();
        let mut header = vec![0x40 + (header_length / 4) as u8, 0];
        header.extend(((header_length + self.payload.len()) as u16).to_be_bytes());
        header.extend([0xab, 0xcd, 0, 0, self.ttl, self.protocol, 0, 0]);
        header.extend(self.source);
        header.extend(self.group);
        header.extend(self.options);
        let sum: u32 =
            header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let checksum = !((folded & 0xffff) as u16 + (folded >> 16) as u16);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        let mut frame = vec![1, 0, 0x5e, self.group[1] & 0x7f, self.group[2], self.group[3]];
        frame.extend([2, 0, 0, 0, 0, 9, 8, 0]);
        frame.extend(header);
        frame.extend(self.payload);
        frame
    }
}

impl Wire {
    /// Opens the far end of the device `router`.
    pub fn new(router: &str, far: &str) -> Wire {
        let fd = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthIp,
        )
        .expect("AF_PACKET");
        let address = getifaddrs()
            .unwrap()
            .filter(|device| device.interface_name == far)
            .find_map(|device| device.address?.as_link_addr().copied());
        bind(fd.as_raw_fd(), &address.expect(far)).unwrap();
        setsockopt(&fd, ReceiveTimeout, &TimeVal::new(0, 10_000)).unwrap();
        Wire { router: index(router), fd }
    }

    /// A UDP packet arrives at the router.
    pub fn send(&self, source: [u8; 4], group: [u8; 4], ttl: u8) {
        let payload = &[0x13, 0x88, 0x13, 0x88, 0, 12, 0, 0, 1, 2, 3, 4];
        self.send_packet(Packet { protocol: 17, options: &[], source, group, ttl, payload });
    }

    /// Any IPv4 packet arrives at the router.
    pub fn send_packet(&self, packet: Packet) {
        self.send_frame(&packet.to_frame());
    }

    /// Any Ethernet frame arrives at the router.
    pub fn send_frame(&self, frame: &[u8]) {
        let sent = send(self.fd.as_raw_fd(), frame, MsgFlags::empty());
        assert_eq!(sent, Ok(frame.len()));
    }

    /// Waits at most `time` for the next UDP packet that the router sends here.
    pub fn receive(&self, time: Duration) -> Option<Seen> {
        let frame = self.receive_frame(17, time)?;
        let address =
            |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
        Some(Seen { source: address(26), group: address(30), ttl: frame[22] })
    }

    /// Waits at most `time` for the next IPv4 frame of this protocol that the router sends here.
    pub fn receive_frame(&self, protocol: u8, time: Duration) -> Option<Vec<u8>> {
        let end = Instant::now() + time;
        loop {
            let mut frame = vec![0u8; 2000];
            // An error means that no frame came within the socket's timeout. Looks once more after
            // the end, because this thread may have stood still.
            let is_over = Instant::now() >= end;
            let Ok((length, from)) = recvfrom::<LinkAddr>(self.fd.as_raw_fd(), &mut frame) else {
                if is_over {
                    return None;
                }
                continue;
            };
            // Frames of other protocols may come without end.
            if Instant::now() > end + SURE {
                return None;
            }
            let outgoing = from.is_some_and(|from| from.pkttype() == PACKET_OUTGOING);
            if length >= 34 && !outgoing && frame[23] == protocol {
                frame.truncate(length);
                return Some(frame);
            }
        }
    }
}

/// The type of a frame that this host has sent, from <linux/if_packet.h>.
const PACKET_OUTGOING: u8 = 4;
