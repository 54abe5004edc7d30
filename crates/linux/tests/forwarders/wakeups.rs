//! Threads that read the ring of the ebpf forwarder beside its own: what they leave must not wait
//! for the next packet, and what they find must not keep them long.

use super::ebpf::{on_both, udp};
use super::*;
use mgm_types::forwarder::UpcallSource;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Refuses upcalls on all threads but the forwarder's own.
struct Refuses {
    sender: Mutex<Sender<Upcall>>,
    has_refused: AtomicBool,
}

impl UpcallSink for Refuses {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        if std::thread::current().name() != Some("mgm-upcall") {
            self.has_refused.store(true, Ordering::SeqCst);
            return upcalls;
        }
        let sender = self.sender.lock().unwrap();
        upcalls.into_iter().for_each(|upcall| drop(sender.send(upcall)));
        Vec::new()
    }
}

#[test]
fn the_upcall_thread_passes_on_what_another_thread_has_read() {
    on_both(|kind| {
        let wires: [Wire; 2] = netns::wires();
        let (sender, upcalls) = mpsc::channel();
        let sink = Arc::new(Refuses { sender: Mutex::new(sender), has_refused: false.into() });
        let mut forwarder = kind.open(sink.clone()).unwrap();
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        let source: Arc<dyn UpcallSource> = forwarder.upcalls().unwrap();
        let mut late = |round| {
            // Packets on the wrong interface: no first packet makes the thread wake up now and then.
            let groups = (0..50).map(|number| [239, 2, round, number]);
            for group in groups.clone() {
                let flow = Flow::new(SOURCE.into(), group.into());
                forwarder.install(&ForwarderEntry { flow, iif: IfId(1), oifs: &[] }).unwrap();
            }
            let times = groups.map(|group| {
                send_while_another_thread_reads(&*source, &sink, || {
                    wires[0].send(SOURCE, group, 64)
                });
                let sent = Instant::now();
                upcalls.recv_timeout(SURE).expect("the upcall");
                sent.elapsed()
            });
            // A wait without the signal would last for a second.
            times.filter(|time| *time > Duration::from_millis(500)).count()
        };
        // Without the signal, about two upcalls of each round are late. A busy machine may hold up a
        // thread for so long, but less often.
        if late(0) > 0 {
            let more: usize = (1..5).map(&mut late).sum();
            assert!(more < 3, "{more} of 200 upcalls wait for the next wakeup of the thread");
        }
    });
}

/// Sends while another thread reads the ring, and the forwarder's own sleeps.
fn send_while_another_thread_reads(source: &dyn UpcallSource, sink: &Refuses, send: impl FnOnce()) {
    std::thread::sleep(Duration::from_millis(10)); // the forwarder's thread sleeps
    sink.has_refused.store(false, Ordering::SeqCst);
    let is_looking = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let end = Instant::now() + Duration::from_millis(20);
            while !sink.has_refused.load(Ordering::SeqCst) && Instant::now() < end {
                source.look();
                is_looking.store(true, Ordering::SeqCst);
            }
        });
        while !is_looking.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        send();
    });
}

#[test]
fn a_fast_flow_does_not_keep_the_lock_of_who_installs_its_entry() {
    const WIRES: usize = 32;
    on_both(|kind| {
        let Router { mut forwarder, upcalls, wires } = Router::<WIRES>::new(kind);
        let frame = udp(64, &[0; 12]).to_frame();
        let oifs: Vec<(IfId, u8)> = (1..WIRES as u16).map(|n| (IfId(n), 1)).collect();
        let is_done = AtomicBool::new(false);
        let took = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    wires[0].send_frame(&frame);
                }
            });
            upcalls.recv_timeout(SURE).unwrap();
            let start = Instant::now();
            let entry = ForwarderEntry { flow: flow(), iif: IfId(0), oifs: &oifs };
            forwarder.install(&entry).unwrap();
            let took = start.elapsed();
            is_done.store(true, Ordering::Relaxed);
            took
        });
        // Packets arrive faster than the copies of the first ones are sent.
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
}

/// Panics at the first upcall.
struct PanicsOnce(AtomicBool, Mutex<Sender<Upcall>>);

impl UpcallSink for PanicsOnce {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        if !self.0.swap(true, Ordering::SeqCst) {
            // Not by panic!: with RUST_BACKTRACE, the thread would look up the names of the backtrace
            // first, which takes seconds on a busy machine, and read no upcalls meanwhile.
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        let sender = self.1.lock().unwrap();
        upcalls.into_iter().for_each(|upcall| drop(sender.send(upcall)));
        Vec::new()
    }
}

#[test]
fn a_flow_whose_upcall_is_dropped_is_told_again() {
    on_both(|kind| {
        let wires: [Wire; 2] = netns::wires();
        let (sender, upcalls) = mpsc::channel();
        let sink = Arc::new(PanicsOnce(false.into(), Mutex::new(sender)));
        let mut forwarder = kind.open(sink.clone()).unwrap();
        for (wire, id) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(id), Interface::link(wire.router)).unwrap();
        }
        wires[0].send(SOURCE, GROUP, 64);
        let end = Instant::now() + SURE;
        while !sink.0.load(Ordering::SeqCst) && Instant::now() < end {
            std::thread::yield_now();
        }
        std::thread::sleep(NEVER);
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(upcalls.recv_timeout(SURE).expect("after a panic").flow, flow());
        // The manager forgets the flows of an interface that is released.
        forwarder.remove_interface(IfId(0));
        forwarder.add_interface(IfId(0), Interface::link(wires[0].router)).unwrap();
        wires[0].send(SOURCE, GROUP, 64);
        assert_eq!(upcalls.recv_timeout(SURE).expect("of a new interface").flow, flow());
    });
}
