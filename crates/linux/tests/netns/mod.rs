//! A router of one test's own: a network namespace with pairs of virtual
//! Ethernet devices, whose far ends speak raw frames, so that any source can be
//! played without a host.
#![allow(dead_code)] // each test file uses its part

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long anything may take that is sure to happen.
pub const SURE: Duration = Duration::from_secs(5);

/// How long to wait for what must not happen.
pub const NEVER: Duration = Duration::from_millis(60);

/// Runs a test in a network namespace of its own, on a thread of its own:
/// what it starts from there, threads and programs, is inside too.
pub fn run(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || {
            // SAFETY: changes this thread only.
            if unsafe { libc::unshare(libc::CLONE_NEWNET) } == -1 {
                let error = io::Error::last_os_error();
                // Past the capture of the test harness: a skip must be seen.
                let line = format!("SKIPPED: needs root for a network namespace ({error})\n");
                io::stderr().write_all(line.as_bytes()).unwrap();
                return;
            }
            for file in ["ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"] {
                std::fs::write(format!("/proc/sys/net/{file}"), "0").unwrap();
            }
            // No neighbour discovery in the way. Kernels without IPv6 have none.
            let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            ip("link set lo up");
            test();
        });
        if let Err(panic) = thread.unwrap().join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Runs "ip" with these arguments.
pub fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("iproute2");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs many "ip" commands, one a line, as one.
pub fn ip_batch(lines: &str) {
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("iproute2");
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "ip -batch:\n{lines}");
}

/// The index of a device.
pub fn index(name: &str) -> u32 {
    let name = std::ffi::CString::new(name).unwrap();
    // SAFETY: a string that ends with zero.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => panic!("no device {name:?}"),
        index => index,
    }
}

/// The far end of a router's interface.
pub struct Wire {
    /// Index of the router's end.
    pub router: u32,
    fd: std::os::fd::OwnedFd,
}

/// A UDP packet as seen on a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub source: Ipv4Addr,
    pub group: Ipv4Addr,
    pub ttl: u8,
}

/// Creates the devices r0, r1 … of the router, and their far ends h0, h1 …
pub fn wires<const N: usize>() -> [Wire; N] {
    let lines: String = (0..N)
        .map(|n| {
            format!("link add r{n} type veth peer name h{n}\nlink set r{n} up\nlink set h{n} up\n")
        })
        .collect();
    ip_batch(&lines);
    std::array::from_fn(|n| Wire::new(&format!("r{n}"), &format!("h{n}")))
}

impl Wire {
    pub fn new(router: &str, far: &str) -> Wire {
        use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
        let protocol = (libc::ETH_P_IP as u16).to_be();
        // SAFETY: opens a socket, which is then this value's own.
        let fd = unsafe {
            let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
            let fd = libc::socket(libc::AF_PACKET, kind, protocol.into());
            assert!(fd >= 0, "AF_PACKET: {}", io::Error::last_os_error());
            OwnedFd::from_raw_fd(fd)
        };
        // SAFETY: all zeros is a valid address, and its size is given.
        unsafe {
            let mut address: libc::sockaddr_ll = std::mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = protocol;
            address.sll_ifindex = index(far) as i32;
            let size = std::mem::size_of_val(&address) as u32;
            assert_eq!(libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size), 0);
            let wait = libc::timeval { tv_sec: 0, tv_usec: 10_000 };
            let size = std::mem::size_of_val(&wait) as u32;
            let option = (libc::SOL_SOCKET, libc::SO_RCVTIMEO);
            libc::setsockopt(fd.as_raw_fd(), option.0, option.1, (&raw const wait).cast(), size);
        }
        Wire { router: index(router), fd }
    }

    /// A UDP packet arrives at the router.
    pub fn send(&self, source: [u8; 4], group: [u8; 4], ttl: u8) {
        self.send_ip(
            17,
            &[],
            source,
            group,
            ttl,
            &[0x13, 0x88, 0x13, 0x88, 0, 12, 0, 0, 1, 2, 3, 4],
        );
    }

    /// Any IPv4 packet arrives at the router.
    pub fn send_ip(
        &self,
        protocol: u8,
        options: &[u8],
        source: [u8; 4],
        group: [u8; 4],
        ttl: u8,
        payload: &[u8],
    ) {
        use std::os::fd::AsRawFd;
        let mut header = vec![0x45 + (options.len() / 4) as u8, 0];
        header.extend(((20 + options.len() + payload.len()) as u16).to_be_bytes());
        header.extend([0xab, 0xcd, 0, 0, ttl, protocol, 0, 0]);
        header.extend(source);
        header.extend(group);
        header.extend(options);
        let sum: u32 =
            header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        let checksum = !((sum & 0xffff) as u16 + (sum >> 16) as u16);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        let mut frame = vec![1, 0, 0x5e, group[1] & 0x7f, group[2], group[3]];
        frame.extend([2, 0, 0, 0, 0, 9, 8, 0]);
        frame.extend(header);
        frame.extend(payload);
        // SAFETY: sends a buffer of the length given.
        let sent =
            unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        assert_eq!(sent, frame.len() as isize, "{}", io::Error::last_os_error());
    }

    /// The next UDP packet that the router sent out here within `time`.
    pub fn receive(&self, time: Duration) -> Option<Seen> {
        use std::os::fd::AsRawFd;
        let end = Instant::now() + time;
        while Instant::now() < end {
            let mut frame = [0u8; 2000];
            // SAFETY: receives into a buffer and an address of the sizes given.
            let (length, outgoing) = unsafe {
                let mut address: libc::sockaddr_ll = std::mem::zeroed();
                let mut size = std::mem::size_of_val(&address) as u32;
                let length = libc::recvfrom(
                    self.fd.as_raw_fd(),
                    frame.as_mut_ptr().cast(),
                    frame.len(),
                    0,
                    (&raw mut address).cast(),
                    &mut size,
                );
                (length, address.sll_pkttype == libc::PACKET_OUTGOING)
            };
            if length < 34 || outgoing || frame[23] != 17 {
                continue;
            }
            let address =
                |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
            return Some(Seen { source: address(26), group: address(30), ttl: frame[22] });
        }
        None
    }
}
