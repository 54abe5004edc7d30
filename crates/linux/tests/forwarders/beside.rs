//! The ebpf forwarder beside others on the same interfaces: filters, other forwarders, other
//! multicast routers, and packet filters that it bypasses.

use super::ebpf::on_both;
use super::*;
use mgm_netns::ip;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn interfaces_receive_all_multicast_while_they_are_served() {
    on_both(|kind| {
        let router = Router::<1>::new(kind);
        let all = || ip("-d link show dev r0").contains("allmulti 1");
        assert!(all());
        drop(router);
        let end = Instant::now() + SURE;
        while all() {
            assert!(Instant::now() < end, "it stays so");
        }
    });
}

/// Adds what tc is told, and returns whether tc is there.
fn tc(arguments: &str) -> bool {
    let done = Command::new("tc").args(arguments.split_whitespace()).status();
    done.is_ok_and(|status| status.success())
}

#[test]
fn filters_of_others_stay() {
    on_both(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        let _ = Command::new("tc").args(["qdisc", "add", "dev", "r0", "clsact"]).output();
        // Without an action, which a kernel may lack as a module.
        let filter =
            "filter add dev r0 ingress protocol ip prio 60000 u32 match u32 0 0 flowid 1:1";
        if !tc(filter) {
            return netns::skip("this kernel has no filter u32, or tc is not there");
        }
        router.packet(0, 64);
        router.assert_out(1, 63);
        drop(router);
        assert!(netns::filters("r0").contains("60000"), "{}", netns::filters("r0"));
        assert!(!netns::filters("r0").contains("mgm"));
    });
}

/// A command of bpf() that opens a descriptor. `words` are the first words of `union bpf_attr`.
fn bpf(command: libc::c_int, words: &[u64]) -> std::io::Result<OwnedFd> {
    // SAFETY: the kernel reads the words, and the memory that they name, which lives on.
    let fd = unsafe {
        libc::syscall(libc::SYS_bpf, command, words.as_ptr(), std::mem::size_of_val(words))
    };
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: it has just been opened.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Another program behind all others at the ingress of an interface, by tcx. It drops all packets.
fn drop_all_behind(if_index: u32) -> std::io::Result<[OwnedFd; 2]> {
    const PROG_LOAD: libc::c_int = 5;
    const LINK_CREATE: libc::c_int = 28;
    const SCHED_CLS: u64 = 3;
    const TCX_INGRESS: u64 = 46;
    let instructions = [0x0000_0002_0000_00b7u64, 0x0000_0000_0000_0095]; // r0 = 2; exit
    let address = |bytes: *const u8| bytes as usize as u64;
    let code = address(instructions.as_ptr().cast());
    let program = bpf(PROG_LOAD, &[2 << 32 | SCHED_CLS, code, address(c"MIT".as_ptr().cast())])?;
    let number = program.as_raw_fd() as u64;
    let link = bpf(LINK_CREATE, &[u64::from(if_index) << 32 | number, TCX_INGRESS])?;
    Ok([program, link])
}

#[test]
fn programs_of_others_see_the_packets_and_decide_about_them() {
    netns::run(|| {
        ip("link set lo up");
        let mut router = Router::<2>::new(Kind::Ebpf);
        ip("addr add 10.1.0.1/24 dev r0");
        let member = UdpSocket::bind((Ipv4Addr::from(GROUP), 5000)).unwrap();
        member.join_multicast_v4(&GROUP.into(), &[10, 1, 0, 1].into()).unwrap();
        member.set_read_timeout(Some(NEVER)).unwrap();
        let hears = || member.recv(&mut [0; 100]).is_ok();
        router.install(0, &[(1, 1)]);
        let other = match drop_all_behind(router.wires[0].router) {
            Ok(other) => other,
            Err(error) => return netns::skip(&format!("this kernel has no tcx ({error})")),
        };
        router.packet(0, 64);
        router.assert_out(1, 63);
        assert!(!hears(), "the other program drops it after ours has sent copies");
        drop(other);
        router.packet(0, 64);
        router.assert_out(1, 63);
        assert!(hears(), "without it, the packet comes to the stack");
    });
}

#[test]
fn one_forwarder_serves_an_interface() {
    on_both(|kind| {
        let router = Router::<1>::new(kind);
        let (mut second, _upcalls) = open(kind).unwrap();
        let link = Interface::link(router.wires[0].router);
        let refusal = second.add_interface(IfId(0), link).unwrap_err().to_string();
        assert!(refusal.contains("another ebpf forwarder"), "{refusal}");
        assert_eq!(second.lost_interfaces(), Ok(vec![]), "nothing is half attached");
        drop(router);
        assert_eq!(second.add_interface(IfId(0), link), Ok(()));
    });
}

#[test]
fn an_interface_belongs_to_one_multicast_router() {
    on_both(|kind| {
        let mut router = Router::<3>::new(kind);
        let [others, spare] = [1, 2].map(|wire| Interface::link(router.wires[wire].router));
        router.install(0, &[(1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
        router.forwarder.remove_interface(IfId(2));
        // Another daemon gets the kernel's multicast routing, with an interface of ours.
        let (mut kernel, _upcalls) = open(Kind::Kernel).unwrap();
        kernel.add_interface(IfId(0), others).unwrap();
        kernel.add_interface(IfId(1), spare).unwrap();
        let end = Instant::now() + SURE;
        loop {
            router.packet(0, 64);
            if router.wires[1].receive(NEVER).is_none() {
                break;
            }
            assert!(Instant::now() < end, "it goes on there");
        }
        let refusal = router.forwarder.add_interface(IfId(2), spare).unwrap_err().to_string();
        assert!(refusal.contains("another multicast daemon"), "{refusal}");
        drop(kernel);
        let end = Instant::now() + SURE;
        loop {
            router.packet(0, 64);
            if router.wires[1].receive(NEVER).is_some() {
                break;
            }
            assert!(Instant::now() < end, "it does not come back");
        }
        assert_eq!(router.forwarder.add_interface(IfId(2), spare), Ok(()));
    });
}

#[test]
fn beside_another_daemon_each_has_its_interfaces_and_no_packet_comes_twice() {
    on_both(|kind| {
        let wires: [Wire; 4] = netns::wires();
        let (mut kernel, kernels_upcalls) = open(Kind::Kernel).unwrap();
        let (mut ebpf, ebpfs_upcalls) = open(kind).unwrap();
        for (forwarder, first) in [(&mut kernel, 0), (&mut ebpf, 2)] {
            for id in [first, first + 1] {
                let link = Interface::link(wires[usize::from(id)].router);
                forwarder.add_interface(IfId(id), link).unwrap();
            }
            let oifs = &[(IfId(first + 1), 1)];
            forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(first), oifs }).unwrap();
        }
        for (from, to) in [(0, 1), (2, 3)] {
            wires[from].send(SOURCE, GROUP, 64);
            let seen = wires[to].receive(SURE).expect("it is forwarded");
            assert_eq!(seen.ttl, 63);
            for wire in &wires {
                assert_eq!(wire.receive(NEVER), None, "from {from}: once, and nowhere else");
            }
        }
        // Nor is a flow of one a new flow of the other.
        for upcalls in [kernels_upcalls, ebpfs_upcalls] {
            assert_eq!(upcalls.recv_timeout(NEVER), Err(RecvTimeoutError::Timeout));
        }
    });
}

#[test]
fn d94_a_vif_of_another_daemon_ends_our_part_within_100_ms() {
    on_both(|kind| {
        let _ = log::set_logger(&Lines);
        log::set_max_level(log::LevelFilter::Warn);
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        let others = Interface::link(router.wires[1].router);
        // A busy machine may hold up the thread once, but not each time.
        let fastest = (0..10)
            .map(|_| {
                let (mut kernel, _upcalls) = open(Kind::Kernel).unwrap();
                let begin = Instant::now();
                kernel.add_interface(IfId(0), others).unwrap();
                wait_until(|| !router.sends_to(1));
                let time = begin.elapsed();
                drop(kernel);
                wait_until(|| router.sends_to(1));
                time
            })
            .min();
        assert!(fastest < Some(Duration::from_millis(100)), "{fastest:?}");
        let line = format!("r1 (index {}): another multicast daemon", others.index);
        assert!(LINES.lock().unwrap().iter().any(|it| it.contains(&line)), "{line}");
    });
}

impl<const N: usize> Router<N> {
    /// Whether the programs send a packet to this oif. Other daemons' copies do not count.
    fn sends_to(&mut self, wire: usize) -> bool {
        let before = self.oif(wire).packets;
        self.packet(0, 64);
        std::thread::sleep(Duration::from_millis(2));
        self.oif(wire).packets > before
    }
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + SURE;
    while !condition() {
        assert!(Instant::now() < end);
    }
}

/// Adds a chain to nftables that drops what is forwarded.
fn drop_what_is_forwarded() {
    assert!(drop_all(2, FORWARD, None), "nftables in the kernel");
}

/// NF_INET_FORWARD, and NF_NETDEV_* of the family netdev.
const FORWARD: u32 = 2;
const INGRESS: u32 = 0;
const EGRESS: u32 = 1;

/// Adds the chain `drops` to the table `mgm_test` of a family, at this hook. Its policy is to drop.
/// Returns whether the kernel can.
fn drop_all(family: u8, hook: u32, device: Option<&str>) -> bool {
    use mgm_net::netlink::wire::{attr, message};
    const NFTABLES: u16 = 10 << 8;
    let head = [family, 0, 0, 0];
    let table = attr(1, b"mgm_test\0");
    let mut hook = [attr(1, &hook.to_be_bytes()), attr(2, &0u32.to_be_bytes())].concat();
    hook.extend(device.map(|name| attr(3, format!("{name}\0").as_bytes())).unwrap_or_default());
    let chain = [
        table.clone(),
        attr(3, b"drops\0"),
        attr(4 | 0x8000, &hook),
        attr(5, &0u32.to_be_bytes()),
        attr(7, b"filter\0"),
    ]
    .concat();
    let batch = [
        message(0x10, 1, 1, &[&[0, 0, 0, 10]]),
        message(NFTABLES, 0x401, 2, &[&head, &attr(1, b"mgm_test\0")]),
        message(NFTABLES | 3, 0x405, 3, &[&head, &chain]),
        message(0x11, 1, 4, &[&[0, 0, 0, 10]]),
    ]
    .concat();
    let socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_NETFILTER).unwrap();
    socket.send(&batch, 0).unwrap();
    let (answer, _) = socket.recv_from_full().unwrap();
    answer[16..20] == [0; 4]
}

/// Log lines of all tests.
struct Lines;

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(format!("{}: {}", record.level(), record.args()));
    }
    fn flush(&self) {}
}

#[test]
fn chains_that_are_gone_round_are_named() {
    netns::run(|| {
        let _ = log::set_logger(&Lines);
        log::set_max_level(log::LevelFilter::Warn);
        drop_what_is_forwarded();
        let mut router = Router::<2>::new(Kind::Ebpf);
        let named =
            |line: &String| line.contains("ip mgm_test drops") && line.contains("hook egress");
        assert_eq!(LINES.lock().unwrap().iter().filter(|line| named(line)).count(), 1);
        router.install(0, &[(1, 1)]);
        router.packet(0, 64);
        router.assert_out(1, 63);
    });
}

#[test]
fn chains_of_a_device_are_gone_round_and_named() {
    for (hook, device) in [(INGRESS, "r0"), (EGRESS, "r1")] {
        on_both(|kind| {
            let mut router = Router::<2>::new(kind);
            if !drop_all(5, hook, Some(device)) {
                return netns::skip(&format!(
                    "this kernel has no chains at hook {hook} of a device"
                ));
            }
            assert_eq!(router.forwarder.bypassed_chains(), ["netdev mgm_test drops"]);
            // Not by first packets, which the kernel passes to chains at egress.
            router.install(0, &[(1, 1)]);
            router.packet(0, 64);
            router.assert_out(1, 63);
        });
    }
}
