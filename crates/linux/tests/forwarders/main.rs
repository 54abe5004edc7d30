//! Tests the forwarders of Linux with the running kernel, each test in a network namespace of its own.
//! This file has what the tests share.
//!
//! Needs root and iproute2, and is skipped with a message without them.
#![cfg(target_os = "linux")]

mod bare;
mod beside;
mod ebpf;
mod floods;
mod neighbours;
mod oifs;
mod packets;
#[path = "../sink/mod.rs"]
mod sink;
mod teardown;
mod wakeups;

use mgm_linux::ebpf::{Attachment, EbpfForwarder};
use mgm_linux::kernel::KernelForwarder;
use mgm_netns::{self as netns, Wire, NEVER, SURE};
use mgm_types::forwarder::{Forwarder, ForwarderEntry, Upcall, UpcallSink};
use mgm_types::{Flow, IfId, Interface, Refusal};
use sink::sink;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};

const SOURCE: [u8; 4] = [10, 1, 0, 9];
const GROUP: [u8; 4] = [239, 1, 2, 3];

fn flow() -> Flow {
    Flow::new(SOURCE.into(), GROUP.into())
}

/// The forwarders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kernel,
    /// By tcx, where the kernel has it.
    Ebpf,
    EbpfClsact,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Kernel, Kind::Ebpf, Kind::EbpfClsact];

    fn open(self, sink: Arc<dyn UpcallSink>) -> Result<Box<dyn Forwarder>, Refusal> {
        Ok(match self {
            Kind::Kernel => Box::new(KernelForwarder::open(0, sink)?),
            Kind::Ebpf => Box::new(EbpfForwarder::open(Attachment::Auto, sink)?),
            Kind::EbpfClsact => Box::new(EbpfForwarder::open(Attachment::Clsact, sink)?),
        })
    }
}

/// Runs a test with each forwarder.
fn on_each(test: impl Fn(Kind) + Send + Sync) {
    for kind in Kind::ALL {
        netns::run(|| {
            println!("with {kind:?}"); // shown if the test fails
            test(kind);
        });
    }
}

fn open(kind: Kind) -> Result<(Box<dyn Forwarder>, Receiver<Upcall>), Refusal> {
    let (sink, upcalls) = sink();
    kind.open(sink).map(|it| (it, upcalls))
}

/// A router with the interfaces 0 to N-1, their far ends, and its upcalls.
struct Router<const N: usize> {
    forwarder: Box<dyn Forwarder>,
    upcalls: Receiver<Upcall>,
    wires: [Wire; N],
}

impl<const N: usize> Router<N> {
    fn new(kind: Kind) -> Router<N> {
        let wires = netns::wires();
        let (mut forwarder, upcalls) = open(kind).unwrap();
        for (wire, n) in wires.iter().zip(0..) {
            forwarder.add_interface(IfId(n), Interface::link(wire.router)).unwrap();
        }
        Router { forwarder, upcalls, wires }
    }

    fn install(&mut self, iif: u16, oifs: &[(u16, u8)]) {
        let oifs: Vec<_> = oifs.iter().map(|(id, ttl)| (IfId(*id), *ttl)).collect();
        let entry = ForwarderEntry { flow: flow(), iif: IfId(iif), oifs: &oifs };
        self.forwarder.install(&entry).unwrap();
    }

    fn packet(&self, wire: usize, ttl: u8) {
        self.wires[wire].send(SOURCE, GROUP, ttl);
    }

    /// No packet leaves by this wire.
    fn assert_silent(&self, wire: usize) {
        assert_eq!(self.wires[wire].receive(NEVER), None);
    }

    /// A packet of the test's flow leaves by this wire, with this TTL.
    fn assert_out(&self, wire: usize, ttl: u8) {
        let seen = self.wires[wire].receive(SURE).expect("no packet came out");
        assert_eq!((seen.source, seen.group, seen.ttl), (SOURCE.into(), GROUP.into(), ttl));
    }

    fn upcall(&self) -> Upcall {
        self.upcalls.recv_timeout(SURE).expect("no upcall")
    }

    fn assert_no_upcall(&self) {
        assert_eq!(self.upcalls.recv_timeout(NEVER), Err(RecvTimeoutError::Timeout));
    }
}
