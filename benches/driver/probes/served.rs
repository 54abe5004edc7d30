//! The processes that a client process is measured with: its router, another client process, and one
//! that only returns bytes. They write "ready", then do what stdin says, and end with it.

use super::{Sample, Spec};
use crate::flows::{group, source, Flow};
use crate::library::{expect, ClientProcesses, Handle, Library, ProtocolConfig};
use crate::router::{join_as, leave_as, register, Router, DOWNSTREAM};
use std::ffi::CString;
use std::io::{stdin, BufRead, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

/// What the measured client process owns: the interface towards 11.0.0.0/8, one with receivers, and
/// the one where it is IGMP.
pub const CLIENT_UPSTREAM: u32 = 10;
pub const CLIENT_DOWNSTREAM: u32 = 12;
pub const CLIENT_IGMP: u32 = 13;
/// What the client process owns that is killed.
pub const VICTIM: u32 = 20;
/// Bytes of a call and of its answer.
pub const CALL: usize = 54;
pub const ANSWER: usize = 13;

pub const IGMP: u32 = 10;

pub fn run(spec: &Spec, library: &Library, path: &Path) -> Result<Sample, String> {
    match spec.word("as") {
        "router" => be_router(spec, library, path)?,
        "burst-router" | "burst-server" => super::burst::be_router(spec, library, path)?,
        "burst-client" => super::burst::be_client(library),
        "victim" => be_victim(spec, library, path)?,
        "echo" => be_echo(spec.word("path")).map_err(|error| error.to_string())?,
        other => return Err(format!("no process {other}")),
    }
    Ok(Sample::new())
}

/// Nanoseconds of the clock that all processes share.
pub fn now() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it can be written to.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    assert!(result == 0, "this system has no clock");
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// A flow that has not been there, from the network of this first octet.
fn flow(octet: u32, number: u32) -> Flow {
    Flow { source: octet << 24 | number, group: 0xEF01_0101 }
}

fn be_router(spec: &Spec, library: &Library, path: &Path) -> Result<(), String> {
    let clients = ClientProcesses::load(path)?;
    let router = Router::start(library, false);
    let igmp = register(library, &ProtocolConfig::default(), IGMP, 1);
    // SAFETY: numbers, and a text that ends with a zero.
    unsafe {
        let route = library.MgmHostAddRoute;
        let network = (11u32 << 24).to_be();
        expect("MgmHostAddRoute", route(network, 0xFFu32, CLIENT_UPSTREAM, 0, 0, 0));
        let name = CString::new(spec.word("path")).map_err(|error| error.to_string())?;
        expect("MgmHostServeClients", (clients.MgmHostServeClients)(name.as_ptr(), 0o600));
    }
    for i in 0..spec.number("size") {
        let flow = Flow { source: source(i % 1000), group: group(i / 1000) };
        router.join(flow, DOWNSTREAM);
        router.packet(flow);
    }
    router.take(igmp, CLIENT_DOWNSTREAM);
    println!("ready");
    let mut owns = false;
    for (number, line) in stdin().lock().lines().map_while(Result::ok).enumerate() {
        if line == "change_owner" {
            println!("{}", now());
            match owns {
                false => router.take(router.downstream, CLIENT_IGMP),
                true => router.release(router.downstream, CLIENT_IGMP),
            }
            owns = !owns;
            continue;
        }
        obey(&router, igmp, &line, number as u32);
    }
    Ok(())
}

/// Causes a callback of the client process, and writes when.
fn obey(router: &Router<'_>, igmp: Handle, what: &str, number: u32) {
    let library = router.library;
    let group = Flow { source: 0, group: 0xEF02_0000 + number };
    match what {
        "prune" => router.join(group, DOWNSTREAM),
        "wrong_if" => drop(router.packet(flow(10, number))),
        "local_leave" => join_as(library, igmp, group, CLIENT_DOWNSTREAM),
        _ => {}
    }
    // What that causes is over.
    std::thread::sleep(Duration::from_millis(1));
    let begun = now();
    match what {
        "join" => router.join(group, DOWNSTREAM),
        "prune" => router.leave(group, DOWNSTREAM),
        "rpf" => drop(router.packet_on(flow(11, number), CLIENT_UPSTREAM)),
        "creation" => drop(router.packet(flow(10, number))),
        "wrong_if" => drop(router.packet_on(flow(10, number), CLIENT_DOWNSTREAM)),
        "local_join" => join_as(library, igmp, group, CLIENT_DOWNSTREAM),
        "local_leave" => leave_as(library, igmp, group, CLIENT_DOWNSTREAM),
        other => panic!("no callback {other}"),
    }
    println!("{begun}");
}

/// A client process with memberships, which is going to be killed.
fn be_victim(spec: &Spec, library: &Library, path: &Path) -> Result<(), String> {
    let clients = ClientProcesses::load(path)?;
    let handle = register(library, &ProtocolConfig::default(), 0x4137_0200, 0);
    // SAFETY: numbers only.
    expect("take", unsafe { (library.MgmTakeInterfaceOwnership)(handle, VICTIM, 0) });
    super::remote::join_in_batches(library, &clients, (handle, VICTIM), spec.number("size"));
    println!("ready");
    std::io::copy(&mut stdin().lock(), &mut std::io::sink()).map_err(|error| error.to_string())?;
    Ok(())
}

/// Answers as many bytes as an answer of the router has.
fn be_echo(path: &str) -> std::io::Result<()> {
    let listener = UnixListener::bind(path)?;
    println!("ready");
    let (mut peer, _) = listener.accept()?;
    let mut call = [0; CALL];
    while peer.read_exact(&mut call).is_ok() {
        peer.write_all(&call[..ANSWER])?;
    }
    Ok(())
}
