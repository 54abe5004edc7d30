//! Many upcalls at once, and the threads that process them.

use super::*;
use mgm_netns::Capability;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

#[test]
fn a_burst_of_new_flows_is_not_lost_while_the_sink_is_slow() {
    const FLOWS: u16 = 3000;
    struct Slow(Mutex<Sender<usize>>);
    impl UpcallSink for Slow {
        fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
            std::thread::sleep(Duration::from_millis(2));
            let _ = self.0.lock().unwrap().send(upcalls.len());
            Vec::new()
        }
    }
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (sender, batches) = mpsc::channel();
        let mut forwarder = KernelForwarder::open(0, Arc::new(Slow(Mutex::new(sender)))).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        for n in 0..FLOWS {
            let [high, low] = n.to_be_bytes();
            wires[0].send(SOURCE, [239, 7, high, low], 64);
        }
        let mut heard = 0;
        while heard < usize::from(FLOWS) {
            heard += batches.recv_timeout(SURE).expect("upcalls are missing");
        }
        assert_eq!(heard, usize::from(FLOWS));
    });
}

/// Notes which thread passed an upcall on.
struct Threads(Mutex<Sender<(ThreadId, Flow)>>);

impl UpcallSink for Threads {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        let sender = self.0.lock().unwrap();
        let own = std::thread::current().id();
        for upcall in upcalls {
            let _ = sender.send((own, upcall.flow));
        }
        Vec::new()
    }
}

#[test]
fn upcalls_come_in_once_whoever_looks_for_them() {
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (sender, upcalls) = mpsc::channel();
        let mut forwarder =
            KernelForwarder::open(0, Arc::new(Threads(Mutex::new(sender)))).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        let source = forwarder.upcalls().unwrap();
        let mut sent = 0u16;
        let mut send = || {
            let [high, low] = sent.to_be_bytes();
            wires[0].send(SOURCE, [239, 7, high, low], 64);
            sent += 1;
            Flow::new(SOURCE.into(), [239, 7, high, low].into())
        };
        // Until this thread is quicker than the forwarder's own.
        let own = std::thread::current().id();
        loop {
            let flow = send();
            source.look();
            let (thread, heard) = upcalls.recv_timeout(SURE).expect("the upcall is missing");
            assert_eq!(heard, flow);
            if thread == own {
                break;
            }
        }
        // Then no other thread reads any longer.
        let flow = send();
        let (thread, heard) = upcalls.recv_timeout(SURE).expect("the thread does not take over");
        assert!(thread != own && heard == flow);
        assert!(upcalls.recv_timeout(NEVER).is_err(), "each came in once");
    });
}

/// Takes no upcalls for now, but notes how many there are.
struct Busy {
    is_busy: AtomicBool,
    offers: Mutex<Sender<usize>>,
    lost: AtomicU32,
}

impl UpcallSink for Busy {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        std::thread::sleep(Duration::from_millis(1));
        let _ = self.offers.lock().unwrap().send(upcalls.len());
        if self.is_busy.load(Ordering::Relaxed) {
            upcalls
        } else {
            Vec::new()
        }
    }

    fn lost(&self, count: u32) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }
}

#[test]
fn more_than_the_buffer_holds_is_kept_while_the_sink_is_busy() {
    // 256 or 512 fit, unless the system allows for more.
    const STEP: u8 = 100;
    netns::run(|| {
        let wires: [Wire; 1] = netns::wires();
        let (sender, offers) = mpsc::channel();
        let sink = Arc::new(Busy {
            is_busy: AtomicBool::new(true),
            offers: Mutex::new(sender),
            lost: AtomicU32::new(0),
        });
        // Without it, the socket cannot have a larger buffer than usual.
        netns::drop_capabilities(&[Capability::CAP_NET_ADMIN]);
        let mut forwarder = KernelForwarder::open(0, sink.clone()).unwrap();
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        let mut offered = 0;
        for step in 1..=20 {
            for n in 0..STEP {
                wires[0].send(SOURCE, [239, 7, step, n], 64);
            }
            let start = Instant::now();
            while offered < usize::from(step) * usize::from(STEP) {
                offered = offers.recv_timeout(SURE).expect("nothing is offered any more");
                assert!(start.elapsed() < SURE, "nobody reads: there are {offered}");
            }
        }
        assert_eq!((offered, sink.lost.load(Ordering::Relaxed)), (20 * usize::from(STEP), 0));
        sink.is_busy.store(false, Ordering::Relaxed);
        while offers.recv_timeout(NEVER).is_ok() {}
    });
}

/// Is stuck in its first upcall until it may go on.
struct Stuck {
    heard: Mutex<Sender<Upcall>>,
    go_on: Mutex<Receiver<()>>,
}

impl UpcallSink for Stuck {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        upcalls.into_iter().for_each(|upcall| drop(self.heard.lock().unwrap().send(upcall)));
        let _ = self.go_on.lock().unwrap().recv();
        Vec::new()
    }
}

#[test]
fn an_upcall_that_waits_is_not_the_next_devices_with_its_vif() {
    netns::run(|| {
        let wires: [Wire; 2] = netns::wires();
        // All VIFs are in use: the one that becomes free is used again at once.
        let more: String = (0..31).map(|n| format!("link add d{n} type veth\n")).collect();
        netns::ip_batch(&more);
        let (heard, upcalls) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let sink = Stuck { heard: Mutex::new(heard), go_on: Mutex::new(wait) };
        let mut forwarder = KernelForwarder::open(0, Arc::new(sink)).unwrap();
        let devices = wires.iter().map(|wire| wire.router);
        let devices: Vec<u32> =
            devices.chain((0..31).map(|n| netns::index(&format!("d{n}")))).collect();
        for (device, id) in devices[..32].iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(*device)).unwrap();
        }
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(upcalls.recv_timeout(SURE).unwrap().flow, flow());
        let waiting = [239, 9, 9, 9];
        wires[1].send(SOURCE, waiting, 64);
        std::thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let (forwarder, device) = (&mut forwarder, devices[32]);
            scope.spawn(move || {
                forwarder.remove_interface(IfId(1));
                forwarder.add_interface(IfId(32), Interface::link(device)).unwrap();
                let _ = tell.send(());
            });
            // It may wait for the thread that reads, or not.
            let _ = told.recv_timeout(NEVER);
            drop(go_on);
        });
        // The last one comes after those that waited.
        let last = Flow::new(SOURCE.into(), [239, 9, 9, 10].into());
        wires[0].send(SOURCE, [239, 9, 9, 10], 64);
        loop {
            let upcall = upcalls.recv_timeout(SURE).unwrap();
            assert_ne!(upcall.arrival, Interface::link(devices[32]), "{}", upcall.flow);
            if upcall.flow == last {
                assert_eq!(upcall.arrival, Interface::link(devices[0]));
                break;
            }
        }
    });
}
