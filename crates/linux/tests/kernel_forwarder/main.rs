//! The kernel forwarder against the running kernel, each test in a network
//! namespace of its own: bursts, and opening it.
//!
//! Needs root and iproute2, and is skipped with a message without them.
#![cfg(target_os = "linux")]

mod bursts;
mod opening;
#[path = "../sink/mod.rs"]
mod sink;

use mgm_linux::kernel::KernelForwarder;
use mgm_netns::{self as netns, Wire, NEVER, SURE};
use mgm_types::forwarder::{Forwarder, ForwarderEntry, Upcall, UpcallSink};
use mgm_types::{Flow, IfId, Interface, Refusal};
use sink::sink;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

const SOURCE: [u8; 4] = [10, 1, 0, 9];
const GROUP: [u8; 4] = [239, 1, 2, 3];

fn flow() -> Flow {
    Flow::new(SOURCE.into(), GROUP.into())
}

fn open(table: u32) -> Result<(KernelForwarder, Receiver<Upcall>), Refusal> {
    let (sink, upcalls) = sink();
    KernelForwarder::open(table, sink).map(|it| (it, upcalls))
}
