//! Many new flows of real packets, with the kernel forwarder or the ebpf forwarder. Two protocols answer
//! RPF and CREATION, in the router's process or in a client process. This process sends the packets, so
//! its processor time is separate from that of the router and of the client process.

use super::forward::{frame, Bed, IIF};
use super::remote::Served;
use super::{sample, Sample, Spec};
use crate::kernel::checked;
use crate::library::{expect, ClientProcesses, Forwarder, Library, MGM_JOIN_STATE_FLAG};
use crate::meter::processor_time_of;
use crate::router::{callbacks, listener, register};
use std::ffi::CString;
use std::io::{self, stdin, BufRead};
use std::path::Path;
use std::time::{Duration, Instant};

/// The most flows that wait for their answers. A long list of unresolved flows makes the kernel slow,
/// and it drops flows after 10 s.
const WINDOW: u64 = 1000;
/// The number of packets that are sent before the answers are read.
const AT_ONCE: u64 = 64;
/// The first group.
const GROUPS: u32 = 0xEF01_0000;
/// The answers to one flow: RPF and CREATION.
const ANSWERS: u64 = 2;

pub fn run(spec: &Spec, path: &Path) -> Result<Sample, String> {
    let size = spec.number("size") as u64;
    let bed = Bed::new(1).map_err(|error| format!("links: {error}"))?;
    let place = std::env::temp_dir().join(format!("mgm-burst-{}", std::process::id()));
    let mut processes = Vec::new();
    let in_client = spec.word("in") == "client";
    let router = if in_client { "burst-server" } else { "burst-router" };
    let forwarder = spec.word("by");
    processes.push(Served::start(path, &format!("as={router} by={forwarder} size=0"), &place)?);
    if in_client {
        std::env::set_var("MGM_ROUTER", &place); // the router has started
        processes.push(Served::start(path, "as=burst-client size=0", &place)?);
    }
    let used = |all: &[Served]| all.iter().map(|one| processor_time_of(one.id())).sum::<Duration>();
    let (before, begun) = (used(&processes), Instant::now());
    send_flows(&bed, size).map_err(|error| format!("packets: {error}"))?;
    // The last process has the protocols.
    let mut protocols = processes.pop().expect("there is one");
    let answers = all_answers(&mut protocols, ANSWERS * size)?;
    processes.push(protocols);
    let (after, seconds) = (used(&processes), begun.elapsed().as_secs_f64());
    while processes.pop().is_some() {} // the client process ends before its router
    if answers < ANSWERS * size {
        return Err(format!("only {answers} callbacks for {size} flows"));
    }
    let cpu_ns = (after - before).as_nanos() as f64 / size as f64;
    Ok(sample([("cpu_ns", cpu_ns), ("seconds", seconds)]))
}

/// Sends a packet of each flow, and waits until all of them have left on the oif. The forwarder keeps
/// the packet of a flow until its MFE is there.
fn send_flows(bed: &Bed, size: u64) -> io::Result<()> {
    let (first, mut sent, mut progress) = (bed.sent()?, 0, Instant::now());
    let mut answered = 0;
    while answered < size {
        let now = bed.sent()? - first;
        if now > answered {
            (answered, progress) = (now, Instant::now());
        }
        if progress.elapsed() > Duration::from_secs(15) {
            return Err(io::Error::other(format!("only {answered} of {size} flows are answered")));
        }
        if sent == size || sent - answered.min(sent) >= WINDOW {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        let end = size.min(sent + AT_ONCE);
        for number in sent..end {
            let frame = frame(GROUPS + number as u32);
            // SAFETY: the bytes are there.
            checked(unsafe {
                libc::send(bed.sender, frame.as_ptr().cast(), frame.len(), 0) as i32
            })?;
        }
        sent = end;
    }
    Ok(())
}

/// Asks for the number of callbacks until all have been made, or for some seconds. The system sends
/// IPv6 packets on the oif, which are counted too, so the last flows may be late.
fn all_answers(process: &mut Served, all: u64) -> Result<u64, String> {
    let begun = Instant::now();
    loop {
        let answers = process.order("answers")?;
        if answers >= all || begun.elapsed() > Duration::from_secs(5) {
            return Ok(answers);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The router, with the protocols or without them.
pub fn be_router(spec: &Spec, library: &Library, path: &Path) -> Result<(), String> {
    library.start(match spec.word("by") {
        "ebpf" => Forwarder::Ebpf,
        _ => Forwarder::Kernel,
    });
    if spec.word("as") == "burst-router" {
        register_protocols(library);
    } else {
        let clients = ClientProcesses::load(path)?;
        let name = CString::new(spec.word("path")).map_err(|error| error.to_string())?;
        // SAFETY: a text that ends with a zero, and a number.
        expect("MgmHostServeClients", unsafe {
            (clients.MgmHostServeClients)(name.as_ptr(), 0o600)
        });
    }
    answer();
    Ok(())
}

/// The client process with the protocols.
pub fn be_client(library: &Library) {
    register_protocols(library);
    answer();
}

/// Registers two protocols: one owns the interface of the senders, the other one joins all groups on
/// the oif.
fn register_protocols(library: &Library) {
    let [up, down] = [0, 1].map(|number| register(library, &listener(), 0x4137_0400, number));
    // SAFETY: numbers only.
    unsafe {
        expect("take", (library.MgmTakeInterfaceOwnership)(up, IIF, 0));
        expect("take", (library.MgmTakeInterfaceOwnership)(down, IIF + 1, 0));
        let all = MGM_JOIN_STATE_FLAG;
        expect("join", (library.MgmAddGroupMembershipEntry)(down, 0, 0, 0, 0, IIF + 1, 0, all));
    }
}

/// Prints the number of callbacks for each line of its input.
fn answer() {
    println!("ready");
    for _ in stdin().lock().lines().map_while(Result::ok) {
        println!("{}", callbacks());
    }
}
