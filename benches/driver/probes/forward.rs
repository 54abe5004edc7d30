//! Real packets from one link to others, by the kernel's multicast routing and by the ebpf
//! forwarder, with the same library.
//!
//! Sender and router are in one namespace, the far ends of the oifs in another one. So a packet is
//! sent, forwarded and received by one processor, before the next one is sent.
//!
//! As in a router, a socket listens for IGMP on each link, and the stack gets each packet as well.

use super::{sample, Sample, Spec};
use crate::kernel::{checked, unshare};
use crate::library::{
    expect, Forwarder, Handle, Library, ProtocolConfig, HOST_MASK, MGM_JOIN_STATE_FLAG,
};
use crate::meter::median;
use std::fs::read_to_string;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often either is done, in turn.
const TURNS: usize = 5;

const SOURCE: u32 = 0x0A00_0009;
const GROUP: u32 = 0xEF01_0203;
const BYTES: usize = 128;
/// The index of the router's end of the sender's link; those of the oifs follow.
pub const IIF: u32 = 100;

pub fn run(spec: &Spec, library: &Library) -> Result<Sample, String> {
    let bed = Bed::new(spec.number("oifs")).map_err(|error| format!("links: {error}"))?;
    let packets = spec.number("packets");
    let [mut kernel, mut ebpf] = [const { Vec::new() }; 2];
    for _ in 0..TURNS {
        for (speeds, forwarder) in [(&mut kernel, Forwarder::Kernel), (&mut ebpf, Forwarder::Ebpf)]
        {
            let speed = bed.measure(library, forwarder, packets);
            speeds.push(speed.map_err(|error| format!("packets: {error}"))?);
        }
    }
    let middle = |speeds| median(speeds).expect("some");
    Ok(sample([("kernel_per_s", middle(kernel)), ("ebpf_per_s", middle(ebpf))]))
}

/// The links, and a process in the namespace of their far ends.
pub struct Bed {
    oifs: usize,
    far: Child,
    pub sender: libc::c_int,
    /// A program that speaks IGMP has such sockets.
    _listeners: Vec<OwnedFd>,
}

impl Bed {
    pub fn new(oifs: usize) -> io::Result<Bed> {
        unshare()?;
        let far = Command::new("unshare").args(["-n", "sleep", "1000"]).spawn()?;
        std::thread::sleep(Duration::from_millis(300)); // until it is there
        let mut lines = format!(
            "link add i0 index {IIF} type veth peer name s0\n\
             link set lo up\nlink set s0 up\nlink set i0 up\naddr add 10.0.0.1/24 dev i0\n"
        );
        for n in 1..=oifs {
            lines += &format!(
                "link add o{n} index {} type veth peer name f{n} netns {}\n\
                 link set o{n} up\naddr add 10.0.{n}.1/24 dev o{n}\n",
                IIF as usize + n,
                far.id()
            );
        }
        batch(&mut Command::new("ip"), &lines)?;
        let lines: String = (1..=oifs).map(|n| format!("link set f{n} up\n")).collect();
        let target = far.id().to_string();
        batch(Command::new("nsenter").args(["-n", "-t", &target, "ip"]), &lines)?;
        for name in ["all", "i0"] {
            std::fs::write(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"), "0")?;
        }
        let links = (1..=oifs).map(|n| format!("o{n}")).chain(["i0".to_owned()]);
        let listeners = links.map(|link| listen(&link)).collect::<io::Result<_>>()?;
        let sender = packet_socket("s0", 0)?.into_raw_fd();
        Ok(Bed { oifs, far, sender, _listeners: listeners })
    }

    /// Packets a second.
    fn measure(&self, library: &Library, forwarder: Forwarder, packets: usize) -> io::Result<f64> {
        library.start(forwarder);
        let mut client: Handle = std::ptr::null_mut();
        // SAFETY: the structure is copied, the handle can be written to; numbers else.
        unsafe {
            let config = ProtocolConfig::default();
            expect(
                "MgmRegisterMProtocol",
                (library.MgmRegisterMProtocol)(&config, 0x4137_0201, 0, &mut client),
            );
            for link in 0..=self.oifs as u32 {
                expect(
                    "MgmTakeInterfaceOwnership",
                    (library.MgmTakeInterfaceOwnership)(client, IIF + link, 0),
                );
            }
            for link in 1..=self.oifs as u32 {
                expect(
                    "MgmAddGroupMembershipEntry",
                    (library.MgmAddGroupMembershipEntry)(
                        client,
                        0,
                        0,
                        GROUP.to_be(),
                        HOST_MASK,
                        IIF + link,
                        0,
                        MGM_JOIN_STATE_FLAG,
                    ),
                );
            }
        }
        self.wait_for_the_flow()?;
        let before = self.sent()?;
        let begin = Instant::now();
        self.send(packets)?;
        let time = begin.elapsed();
        let all = (packets * self.oifs) as u64;
        let end = Instant::now() + Duration::from_secs(2);
        while self.sent()? - before < all {
            if Instant::now() > end {
                let sent = self.sent()? - before;
                return Err(io::Error::other(format!("only {sent} of {all} are sent on")));
            }
        }
        // SAFETY: no callback is running.
        expect("MgmHostStop", unsafe { (library.MgmHostStop)() });
        Ok(packets as f64 / time.as_secs_f64())
    }

    fn wait_for_the_flow(&self) -> io::Result<()> {
        let (before, end) = (self.sent()?, Instant::now() + Duration::from_secs(5));
        // Others, such as the system's own reports, are few.
        while self.sent()? < before + 50 * self.oifs as u64 {
            if Instant::now() > end {
                return Err(io::Error::other("nothing is sent on"));
            }
            self.send(1)?;
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(100));
        Ok(())
    }

    /// Packets that have left on all oifs.
    pub fn sent(&self) -> io::Result<u64> {
        let text = read_to_string("/proc/self/net/dev")?;
        let lines = text.lines().filter_map(|line| line.trim().split_once(':'));
        let oifs = lines.filter(|(name, _)| name.starts_with('o'));
        Ok(oifs
            .filter_map(|(_, numbers)| numbers.split_whitespace().nth(9)?.parse::<u64>().ok())
            .sum())
    }

    fn send(&self, count: usize) -> io::Result<()> {
        const AT_ONCE: usize = 32;
        let frame = frame(GROUP);
        let mut part = libc::iovec { iov_base: frame.as_ptr() as *mut _, iov_len: frame.len() };
        // SAFETY: all zeros is a valid message.
        let mut messages: [libc::mmsghdr; AT_ONCE] = unsafe { std::mem::zeroed() };
        for message in &mut messages {
            message.msg_hdr.msg_iov = &mut part;
            message.msg_hdr.msg_iovlen = 1;
        }
        let mut left = count;
        while left > 0 {
            let most = left.min(AT_ONCE);
            // SAFETY: there are so many messages, whose only part lives on.
            let sent = checked(unsafe {
                libc::sendmmsg(self.sender, messages.as_mut_ptr(), most as u32, 0)
            })?;
            left -= sent as usize;
        }
        Ok(())
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = self.far.kill();
        let _ = self.far.wait();
    }
}

/// Gives lines to `ip -batch`.
fn batch(command: &mut Command, lines: &str) -> io::Result<()> {
    let mut child = command.args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
    child.stdin.take().expect("it is piped").write_all(lines.as_bytes())?;
    match child.wait()? {
        status if status.success() => Ok(()),
        status => Err(io::Error::other(format!("ip: {status}"))),
    }
}

/// A packet socket of a link. With protocol 0 it receives nothing.
fn packet_socket(name: &str, protocol: u16) -> io::Result<OwnedFd> {
    let name = std::ffi::CString::new(name)?;
    // SAFETY: the name ends with a zero.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) } as libc::c_int;
    // SAFETY: plain system calls, with structures that are as long as is said.
    unsafe {
        let socket =
            checked(libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0))?;
        let socket = OwnedFd::from_raw_fd(socket);
        let mut address: libc::sockaddr_ll = std::mem::zeroed();
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index;
        address.sll_protocol = protocol.to_be();
        checked(libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            size_of_val(&address) as u32,
        ))?;
        Ok(socket)
    }
}

/// A socket that receives the IGMP packets of a link, like those of `crates/net`: of all protocols,
/// with a filter that refuses nearly all packets at once.
fn listen(name: &str) -> io::Result<OwnedFd> {
    let step = |code: u32, k: u32, jf: u8| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 14 + 9, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, libc::IPPROTO_IGMP as u32, 1),
        step(libc::BPF_RET | libc::BPF_K, u32::MAX, 0),
        step(libc::BPF_RET | libc::BPF_K, 0, 0),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let socket = packet_socket(name, libc::ETH_P_ALL as u16)?;
    set(&socket, (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER), &program)?;
    set(&socket, (libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING), &1i32)?;
    Ok(socket)
}

fn set<T>(
    socket: &OwnedFd,
    (level, option): (libc::c_int, libc::c_int),
    value: &T,
) -> io::Result<()> {
    // SAFETY: the kernel reads the value, and what it points to, which lives on.
    checked(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as u32,
        )
    })?;
    Ok(())
}

/// A packet of the source to a group.
pub fn frame(group: u32) -> Vec<u8> {
    let [_, b, c, d] = group.to_be_bytes();
    let mut frame = vec![1, 0, 0x5e, b & 0x7f, c, d, 2, 0, 0, 0, 0, 9, 8, 0];
    let length = (BYTES - frame.len()) as u16;
    let mut ip = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0];
    ip[2..4].copy_from_slice(&length.to_be_bytes());
    ip.extend(SOURCE.to_be_bytes());
    ip.extend(group.to_be_bytes());
    let words = ip.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    // The carries may carry once more.
    let folded = (0..2).fold(words.sum(), |sum: u32, _| (sum & 0xffff) + (sum >> 16));
    let checksum = !folded as u16;
    ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    frame.extend(ip);
    frame.extend((length - 20).to_be_bytes().iter().cycle().take(BYTES - frame.len()));
    let udp = 14 + 20;
    frame[udp + 4..udp + 6].copy_from_slice(&(length - 20).to_be_bytes());
    frame[udp + 6..udp + 8].fill(0);
    frame
}
