//! The end of interfaces, threads and routers, with upcalls at the same time.

use super::*;
use mgm_netns::{ip, ip_batch, Packet};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn the_kernel_is_clean_as_soon_as_the_forwarder_is_dropped() {
    on_each(|kind| {
        for _ in 0..3 {
            let wires: [Wire; 1] = std::array::from_fn(|_| {
                ip("link add r0 type veth peer name h0");
                ip_batch("link set r0 up\nlink set h0 up\n");
                Wire::new("r0", "h0")
            });
            let (mut forwarder, _upcalls) = open(kind).unwrap();
            forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
            forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &[] }).unwrap();
            drop(forwarder);
            assert_clean();
            ip("link del r0");
        }
    });
}

#[test]
fn the_upcall_thread_leaves_after_the_drop() {
    on_each(|kind| {
        let (forwarder, upcalls) = open(kind).unwrap();
        drop(forwarder);
        // The sink goes with the thread, and the channel's sender with the sink.
        assert_eq!(upcalls.recv_timeout(SURE), Err(RecvTimeoutError::Disconnected));
    });
}

#[test]
fn a_sink_that_panics_does_not_end_the_upcalls() {
    struct Panics(Mutex<Sender<()>>);
    impl UpcallSink for Panics {
        fn upcalls(&self, _: Vec<Upcall>) -> Vec<Upcall> {
            // Poisoned by the panics.
            let sender = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            sender.send(()).unwrap();
            panic!("on purpose");
        }
    }
    on_each(|kind| {
        let wires: [Wire; 1] = netns::wires();
        let (sender, called) = mpsc::channel();
        let sink = Arc::new(Panics(Mutex::new(sender)));
        let mut forwarder = kind.open(sink).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        for last in 1..3 {
            wires[0].send(SOURCE, [239, 0, 0, last], 64);
            called.recv_timeout(SURE).unwrap();
        }
    });
}

#[test]
fn t5_11_the_kernel_loses_an_interface_with_its_device() {
    on_each(|kind| {
        let mut router = Router::<3>::new(kind);
        let link = Interface::link(router.wires[1].router);
        router.install(0, &[(1, 1), (2, 1)]);
        ip("link set r1 down");
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![]), "a link that is down stays");
        ip("link del r1");
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![IfId(1)]));
        assert_eq!(
            router.forwarder.add_interface(IfId(3), link),
            Err(Refusal::NoSuchInterface(link.index))
        );

        // A new device under the old index is another one.
        ip(&format!("link add r1 index {} type veth peer name h1", link.index));
        ip_batch("link set r1 up\nlink set h1 up\n");
        netns::await_up(&["r1", "h1"]);
        let wire = Wire::new("r1", "h1");
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![IfId(1)]));
        router.packet(0, 64);
        router.assert_out(2, 63);
        assert_eq!(wire.receive(NEVER), None);

        router.install(0, &[(2, 1)]);
        router.forwarder.remove_interface(IfId(1));
        router.forwarder.add_interface(IfId(1), link).unwrap();
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![]));
        router.install(0, &[(1, 1), (2, 1)]);
        router.packet(0, 64);
        router.assert_out(2, 63);
        assert!(wire.receive(SURE).is_some());
    });
}

#[test]
fn a_renamed_interface_stays() {
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        router.install(0, &[(1, 1)]);
        for (name, wire) in [("r0", 0), ("r1", 1)] {
            ip_batch(&format!("link set {name} down\nlink set {name} name n{wire}\n"));
            ip(&format!("link set n{wire} up"));
        }
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![]));
        let end = Instant::now() + SURE;
        // The forwarder learns in a moment that they are up.
        while router.wires[1].receive(NEVER).is_none() {
            assert!(Instant::now() < end, "nothing is forwarded");
            router.packet(0, 64);
        }
        router.forwarder.remove_interface(IfId(1));
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![]));
        router.packet(0, 64);
        router.assert_silent(1);
    });
}

#[test]
fn t5_11_an_interface_that_moves_to_another_namespace_is_lost_until_it_comes_back() {
    on_each(|kind| {
        let mut router = Router::<3>::new(kind);
        let link = Interface::link(router.wires[1].router);
        router.install(1, &[(2, 1)]);
        router.packet(1, 64);
        router.assert_out(2, 63);
        let mut other = Command::new("unshare").args(["-n", "sleep", "60"]).spawn().unwrap();
        let there = |arguments: &str| {
            let target = other.id().to_string();
            let mut command = Command::new("nsenter");
            command.args(["-n", "-t", &target, "ip"]).args(arguments.split_whitespace());
            command.status().is_ok_and(|status| status.success())
        };
        let is_apart = || namespace(&other.id().to_string()) != namespace("thread-self");
        let end = Instant::now() + SURE;
        while !is_apart() {
            assert!(Instant::now() < end);
        }
        ip(&format!("link set r1 netns {}", other.id()));
        assert_eq!(router.forwarder.lost_interfaces(), Ok(vec![IfId(1)]));
        // It has kept its index, and with tcx our program. Packets there are none of ours.
        assert!(there("link set r1 up"));
        router.packet(1, 64);
        router.assert_silent(2);
        // SAFETY: it has no conditions.
        let thread = unsafe { libc::gettid() };
        assert!(there(&format!("link set r1 netns {thread}")));
        ip("link set r1 up");
        assert_eq!(
            router.forwarder.lost_interfaces(),
            Ok(vec![IfId(1)]),
            "until it is taken again"
        );
        router.packet(1, 64);
        router.assert_silent(2);
        router.forwarder.remove_interface(IfId(1));
        router.forwarder.add_interface(IfId(1), link).unwrap();
        router.install(1, &[(2, 1)]);
        router.packet(1, 64);
        router.assert_out(2, 63);
        other.kill().unwrap();
        other.wait().unwrap();
    });
}

/// The network namespace of a process, by its name in /proc.
fn namespace(process: &str) -> std::path::PathBuf {
    std::fs::read_link(format!("/proc/{process}/ns/net")).unwrap()
}

#[test]
fn a_released_interface_makes_no_upcalls() {
    on_each(|kind| {
        let mut router = Router::<2>::new(kind);
        router.forwarder.remove_interface(IfId(0));
        router.forwarder.remove_interface(IfId(0));
        router.packet(0, 64);
        router.assert_no_upcall();
        router.packet(1, 64);
        assert_eq!(router.upcall().arrival, Interface::link(router.wires[1].router));
    });
}

#[test]
fn igmp_packets_are_not_upcalls() {
    on_each(|kind| {
        let router = Router::<1>::new(kind);
        let alert = [0x94, 4, 0, 0];
        // A report of version 2; to the raw socket with and without Router Alert.
        let report = [0x16, 0, 0xfa, 0xf9, 239, 1, 2, 4];
        for options in [&alert[..], &[]] {
            for group in [[239, 1, 2, 4], [224, 0, 0, 2]] {
                router.wires[0].send_packet(Packet {
                    protocol: 2,
                    options,
                    source: SOURCE,
                    group,
                    ttl: 1,
                    payload: &report,
                });
            }
        }
        router.packet(0, 64);
        let mut flows = vec![router.upcall().flow];
        while let Ok(upcall) = router.upcalls.recv_timeout(NEVER) {
            flows.push(upcall.flow);
        }
        assert!(flows.contains(&flow()), "{flows:?}");
        assert!(flows.iter().all(|flow| !flow.is_link_local()), "{flows:?}");
    });
}

/// How long a child of the killed router lives.
const LIFE_OF_A_CHILD: Duration = Duration::from_secs(20);

/// The variable that makes the test below the process that is to be killed.
const TO_BE_KILLED: &str = "MGM_TEST_TO_BE_KILLED";

/// Starts this test in another process, which is a router in this thread's namespace.
fn start_router(kind: Kind, with: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "teardown::t8_7_nothing_is_left_of_a_router_that_was_killed",
            "--nocapture",
        ])
        .env(TO_BE_KILLED, format!("{kind:?} {with}"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("ROUTING")), "no router");
    child
}

/// Routes until it is killed. `words`: the forwarder, then whether it has a child.
fn route_for_ever(words: &str) {
    let kind = Kind::ALL.into_iter().find(|kind| words.starts_with(&format!("{kind:?} ")));
    let (mut forwarder, _upcalls) = open(kind.unwrap()).unwrap();
    for (name, id) in [("r0", 0), ("r1", 1)] {
        forwarder.add_interface(IfId(id), Interface::link(netns::index(name))).unwrap();
    }
    let oifs = &[(IfId(1), 1)];
    forwarder.install(&ForwarderEntry { flow: flow(), iif: IfId(0), oifs }).unwrap();
    if words.ends_with("with a child") {
        // The fork handler has run when the child says so. Then it must not keep anything.
        let (mut says, childs) = UnixStream::pair().unwrap();
        // SAFETY: the child only closes a descriptor, writes a byte, sleeps, then exits.
        unsafe {
            if libc::fork() == 0 {
                libc::close(2); // a program that reads what the tests write need not wait for the child
                libc::write(childs.as_raw_fd(), b"x".as_ptr().cast(), 1);
                libc::sleep(LIFE_OF_A_CHILD.as_secs() as u32);
                libc::_exit(0);
            }
        }
        says.read_exact(&mut [0]).unwrap();
    }
    println!("\nROUTING");
    std::thread::sleep(Duration::from_secs(60));
}

/// Nothing of a forwarder is left in this namespace.
fn assert_clean() {
    assert_eq!(ip("mroute show"), "");
    let filters = netns::filters("r0");
    assert!(filters.is_empty(), "{filters}");
}

/// A member on the router itself gets what arrives: filters that are left let packets pass.
fn assert_local_member_hears(wire: &Wire) {
    let member = UdpSocket::bind((Ipv4Addr::from(GROUP), 5000)).unwrap();
    member.join_multicast_v4(&GROUP.into(), &[10, 1, 0, 1].into()).unwrap();
    member.set_read_timeout(Some(SURE)).unwrap();
    wire.send(SOURCE, GROUP, 64);
    assert_eq!(member.recv(&mut [0; 100]).expect("the packet passes"), 4);
}

#[test]
fn t8_7_nothing_is_left_of_a_router_that_was_killed() {
    if let Ok(words) = std::env::var(TO_BE_KILLED) {
        return route_for_ever(&words);
    }
    for with in ["alone", "with a child", "that aborts"] {
        on_each(|kind| {
            let wires: [Wire; 2] = netns::wires();
            ip_batch("link set lo up\naddr add 10.1.0.1/24 dev r0\n");
            // A busy machine may hold up the kernel for a moment, but not each time.
            let mut times = (0..5).map(|_| kill_a_router(&wires, kind, with));
            let is_in_time = times.any(|time| time < Duration::from_millis(100));
            assert!(is_in_time || kind == Kind::Kernel, "{with}: it still forwards");
        });
    }
}

/// How long a router that was killed has gone on forwarding.
fn kill_a_router(wires: &[Wire; 2], kind: Kind, with: &str) -> Duration {
    let mut child = start_router(kind, with);
    wires[0].send(SOURCE, GROUP, 64);
    assert!(wires[1].receive(SURE).is_some(), "{with}: it does not forward");
    // The kernel's multicast routing has one owner, an interface one ebpf forwarder.
    let taken = || {
        let (mut forwarder, upcalls) = open(kind)?;
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router))?;
        Ok::<_, Refusal>((forwarder, upcalls))
    };
    let held = taken().map(drop).unwrap_err().to_string();
    assert!(held.contains("another"), "{held}");
    let signal = if with == "that aborts" { libc::SIGABRT } else { libc::SIGKILL };
    // SAFETY: the process is our child, and has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
    child.wait().unwrap();
    let (dead, end) = (Instant::now(), Instant::now() + LIFE_OF_A_CHILD / 2);
    let mut last_forwarded = Duration::ZERO;
    loop {
        let sent = dead.elapsed();
        wires[0].send(SOURCE, GROUP, 64);
        if wires[1].receive(netns::NEVER).is_none() {
            break;
        }
        last_forwarded = sent;
        assert!(Instant::now() < end, "{with}: it still forwards");
    }
    if kind == Kind::EbpfClsact {
        assert!(netns::filters("r0").contains("mgm"), "{with}: the kernel keeps them");
        assert_local_member_hears(&wires[0]);
    }
    let forwarder = loop {
        match taken() {
            Ok(opened) => break opened,
            Err(error) => assert!(Instant::now() < end, "{with}: {error}"),
        }
        std::thread::sleep(netns::NEVER);
    };
    drop(forwarder);
    assert_clean();
    let qdiscs = netns::qdiscs("r0");
    assert!(!qdiscs.contains("clsact"), "{with}: {qdiscs}");
    last_forwarded
}
