//! The kernel forwarder against the running kernel, each test in a network
//! namespace of its own: bursts, and opening it.
//!
//! Needs root and iproute2; skips, and says so, without.
#![cfg(target_os = "linux")]

mod bursts;
mod opening;

use mgm_linux::kernel::KernelForwarder;
use mgm_netns::{self as netns, Wire, NEVER, SURE};
use mgm_types::forwarder::{Forwarder, ForwarderEntry, Upcall, UpcallSink};
use mgm_types::{Flow, IfId, Interface, Refusal};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

const SOURCE: [u8; 4] = [10, 1, 0, 9];
const GROUP: [u8; 4] = [239, 1, 2, 3];

fn flow() -> Flow {
    Flow::new(SOURCE.into(), GROUP.into())
}

/// Hands upcalls to the test.
struct Sink(Mutex<Sender<Upcall>>);

impl UpcallSink for Sink {
    fn upcalls(&self, upcalls: Vec<Upcall>) -> Vec<Upcall> {
        let sender = self.0.lock().unwrap();
        // The test may be over.
        upcalls.into_iter().for_each(|upcall| drop(sender.send(upcall)));
        Vec::new()
    }
}

fn open(table: u32) -> Result<(KernelForwarder, Receiver<Upcall>), Refusal> {
    let (sender, receiver) = mpsc::channel();
    KernelForwarder::open(table, Arc::new(Sink(Mutex::new(sender)))).map(|it| (it, receiver))
}
