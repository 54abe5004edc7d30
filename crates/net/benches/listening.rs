//! What it costs a link that somebody listens for IGMP on it.
//!
//! A multicast stream crosses a router: h0 → r0, the kernel's multicast forwarding, r1 → h1, over
//! veth, as fast as one processor can: the system call that sends also does the work of the router.
//! Packets are sent with nobody listening on r0, with one socket for ETH_P_IP, and with the
//! [`Receiver`] of this crate, which uses ETH_P_ALL. Rounds alternate. The time of each system
//! call, of 64 packets, is one sample, so that the median says little of other programs that run
//! meanwhile.
//!
//! ```sh
//! sudo -E cargo bench -p mgm-net --bench listening     # MGM_ROUNDS=300
//! ```

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    mgm_netns::run(linux::measure);
}

#[cfg(target_os = "linux")]
mod linux {
    use mgm_net::monitor::Monitor;
    use mgm_net::receive::Receiver;
    use mgm_netns::{index, ip_batch};
    use nix::ifaddrs::getifaddrs;
    use nix::sched::{unshare, CloneFlags};
    use nix::sys::socket::{bind, sendmmsg, MsgFlags, MultiHeaders, SockaddrIn};
    use socket2::{Domain, Protocol, SockFilter, Socket, Type};
    use std::io::IoSlice;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;
    use std::sync::mpsc::{channel, Receiver as Inbox, Sender as Outbox};
    use std::time::{Duration, Instant};

    /// Packets of one round, and of one system call.
    const PACKETS: usize = 12_800;
    const AT_ONCE: usize = 64;

    #[derive(Clone, Copy, Debug)]
    enum Way {
        Nobody,
        EthPIp,
        EthPAll,
    }

    const WAYS: [Way; 3] = [Way::Nobody, Way::EthPIp, Way::EthPAll];

    /// A host in a namespace of its own that sends a round of packets of the length it is told,
    /// and returns the time that each system call took.
    fn sender(lengths: &Inbox<usize>, times: &Outbox<Vec<Duration>>) {
        let socket = UdpSocket::bind("10.0.0.2:5000").unwrap();
        socket.set_multicast_ttl_v4(9).unwrap();
        socket.set_multicast_loop_v4(false).unwrap();
        let to = SockaddrIn::new(239, 1, 1, 1, 5000);
        let mut headers = MultiHeaders::preallocate(AT_ONCE, None);
        for length in lengths {
            let payload = vec![0u8; length];
            let slices = [[IoSlice::new(&payload)]; AT_ONCE];
            let all = (0..PACKETS / AT_ONCE).map(|_| {
                let start = Instant::now();
                let to = [Some(to); AT_ONCE];
                let flags = MsgFlags::empty();
                let sent =
                    sendmmsg(socket.as_raw_fd(), &mut headers, &slices, to, [], flags).unwrap();
                assert_eq!(sent.count(), AT_ONCE);
                start.elapsed()
            });
            times.send(all.collect()).unwrap();
        }
    }

    fn received() -> u64 {
        let text = mgm_netns::ip("-s -j link show dev h1");
        let from = text.find("\"rx\":{").expect("counters");
        let number = text[from..].find("\"packets\":").unwrap() + from + 10;
        text[number..].split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    /// The other way to listen.
    fn eth_p_ip(name: &str) -> Socket {
        let protocol = Protocol::from(i32::from((libc::ETH_P_IP as u16).to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)).unwrap();
        let igmp = [
            SockFilter::new((libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16, 0, 0, 9),
            SockFilter::new((libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, 0, 1, 2),
            SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, u32::MAX),
            SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0),
        ];
        socket.attach_filter(&igmp).unwrap();
        let link = getifaddrs()
            .unwrap()
            .filter(|link| link.interface_name == name)
            .find_map(|link| link.address?.as_link_addr().copied());
        bind(socket.as_raw_fd(), &link.expect(name)).unwrap();
        socket
    }

    /// Makes the router in this namespace, and the sender on a thread in another.
    fn topology() -> (Outbox<usize>, Inbox<Vec<Duration>>) {
        ip_batch("link add r0 type veth peer name h0\nlink add r1 type veth peer name h1\n");
        let ((lengths, inbox), (outbox, times)) = (channel(), channel());
        let ((say_id, id), (say_ready, ready)) = (channel(), channel());
        std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            say_id.send(nix::unistd::gettid()).unwrap();
            let () = ready.recv().unwrap();
            ip_batch(
                "addr add 10.0.0.2/24 dev h0\nlink set h0 up\nroute add default via 10.0.0.1\n",
            );
            sender(&inbox, &outbox);
        });
        ip_batch(&format!(
            "link set h0 netns {}\naddr add 10.0.0.1/24 dev r0\naddr add 10.0.1.1/24 dev r1\n\
             link set r0 up\nlink set r1 up\nlink set h1 up\n",
            id.recv().unwrap()
        ));
        say_ready.send(()).unwrap();
        (lengths, times)
    }

    /// Calls setsockopt of multicast routing (MRT_*).
    fn mrt(socket: &Socket, name: libc::c_int, value: &[u8]) {
        // SAFETY: the value has the length given, and the kernel only reads it.
        let result = unsafe {
            let length = value.len() as libc::socklen_t;
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_IP,
                name,
                value.as_ptr().cast(),
                length,
            )
        };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    }

    /// Forwards (10.0.0.2, 239.1.1.1) from r0 to r1 as long as the socket is open.
    fn forward() -> Socket {
        const MRT_INIT: libc::c_int = 200;
        let protocol = Protocol::from(libc::IPPROTO_IGMP);
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(protocol)).unwrap();
        mrt(&socket, MRT_INIT, &1i32.to_ne_bytes());
        for (vif, name) in [(0u16, "r0"), (1, "r1")] {
            // struct vifctl: VIF, VIFF_USE_IFINDEX, threshold, rate limit, index, remote end.
            let mut vifctl = [0u8; 16];
            vifctl[..2].copy_from_slice(&vif.to_ne_bytes());
            (vifctl[2], vifctl[3]) = (8, 1);
            vifctl[8..12].copy_from_slice(&index(name).to_ne_bytes());
            mrt(&socket, MRT_INIT + 2, &vifctl);
        }
        // struct mfcctl: source, group, the VIF of arrival, a TTL for each VIF, counters.
        let mut mfcctl = [0u8; 60];
        mfcctl[..8].copy_from_slice(&[10, 0, 0, 2, 239, 1, 1, 1]);
        mfcctl[11] = 1;
        mrt(&socket, MRT_INIT + 4, &mfcctl);
        socket
    }

    pub fn measure() {
        let rounds = std::env::var("MGM_ROUNDS").map_or(300, |text| text.parse().unwrap());
        let (lengths, times) = topology();
        let _forwarding = forward();
        let links = Monitor::open().unwrap().links().clone();
        println!("{PACKETS} packets a round, {rounds} rounds, time of a packet");
        for length in [18, 1316] {
            let mut found = [const { Vec::new() }; 3];
            for round in 0..=rounds {
                for way in WAYS {
                    let socket = matches!(way, Way::EthPIp).then(|| eth_p_ip("r0"));
                    let receiver = matches!(way, Way::EthPAll)
                        .then(|| Receiver::open(&links, index("r0")).unwrap());
                    let before = received();
                    lengths.send(length).unwrap();
                    let time = times.recv().unwrap();
                    drop((socket, receiver));
                    let lost = before + PACKETS as u64 - received();
                    assert!(round == 0 || lost < PACKETS as u64 / 100 + 9, "{lost} lost");
                    if round > 0 {
                        found[way as usize].extend(time);
                    }
                }
            }
            let mut base = None;
            for (way, times) in WAYS.iter().zip(&mut found) {
                times.sort();
                let at = |percent: usize| {
                    times[times.len() * percent / 100].as_secs_f64() * 1e9 / AT_ONCE as f64
                };
                let all = [10, 25, 50].map(at);
                let first = *base.get_or_insert(all);
                let line: String = [0, 1, 2]
                    .map(|n| {
                        format!("  {:6.0} ns {:+5.1} %", all[n], (all[n] / first[n] - 1.0) * 100.0)
                    })
                    .concat();
                println!("{:4} bytes  {:8} p10, p25, p50: {line}", length + 28, format!("{way:?}"));
            }
        }
    }
}
