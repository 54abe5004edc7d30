//! A client process: this one. Its router is another process, see `served`. All times are those of
//! the clock, because several processes work.

use super::served::{
    now, ANSWER, CALL, CLIENT_DOWNSTREAM, CLIENT_IGMP, CLIENT_UPSTREAM, IGMP, VICTIM,
};
use super::{sample, Sample, Spec};
use crate::flows::{group, Flow};
use crate::library::{expect, Callback, ClientProcesses, Handle, Library, ProtocolConfig};
use crate::meter::median;
use crate::router::{join_as, register, walk_mfes, Router, DOWNSTREAM};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ROOM: usize = 1 << 20;
const OWN: u32 = 14;
const BATCH: usize = 1000;

pub fn run(spec: &Spec, library: &Library, path: &Path) -> Result<Sample, String> {
    let size = spec.number("size");
    if spec.word("what") == "dump-here" {
        return Ok(dump_here(library, size));
    }
    let place = std::env::temp_dir().join(format!("mgm-bench-{}", std::process::id()));
    let in_router = if spec.word("what") == "dump" { size } else { 0 };
    let mut router = Served::start(path, &format!("as=router size={in_router}"), &place)?;
    // The library reads it at its first call.
    std::env::set_var("MGM_ROUTER", &place);
    let found = match spec.word("what") {
        "join" => join(library, path, size)?,
        "batch" => batch(library, &ClientProcesses::load(path)?, size),
        "dump" => dump(library, size),
        "killed" => killed(library, path, size)?,
        "latency" => latency(library, &mut router, size)?,
        other => return Err(format!("nothing to measure is {other}")),
    };
    // SAFETY: no callback is running on this thread.
    expect("MgmHostStop", unsafe { (library.MgmHostStop)() });
    Ok(found)
}

/// Another process of this program.
pub struct Served {
    process: Child,
    commands: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Served {
    pub fn start(library: &Path, spec: &str, place: &Path) -> Result<Served, String> {
        let why = |error: std::io::Error| error.to_string();
        let me = std::env::current_exe().map_err(why)?;
        let mut command = Command::new(me);
        command.arg("--library").arg(library).args(["--probe", "served"]).args(spec.split(' '));
        command.arg(format!("path={}", place.display()));
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(why)?;
        let commands = process.stdin.take();
        let said = BufReader::new(process.stdout.take().ok_or("no stdout")?);
        let mut served = Served { process, commands, said };
        match served.line()?.as_str() {
            "ready" => Ok(served),
            other => Err(format!("{spec} says {other}")),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.said.read_line(&mut line).map_err(|error| error.to_string())?;
        Ok(line.trim_end().into())
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Gives it an order, which it answers with a number.
    pub fn order(&mut self, what: &str) -> Result<u64, String> {
        let commands = self.commands.as_mut().ok_or("no stdin")?;
        writeln!(commands, "{what}").map_err(|error| error.to_string())?;
        self.line()?.parse().map_err(|_| format!("{what} has failed"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.commands.take()); // it ends with its stdin
        let _ = self.process.wait();
    }
}

fn take(library: &Library, client: Handle, interface: u32) {
    // SAFETY: numbers only.
    expect("MgmTakeInterfaceOwnership", unsafe {
        (library.MgmTakeInterfaceOwnership)(client, interface, 0)
    });
}

/// A client of this process that owns an interface.
fn client(library: &Library, interface: u32) -> Handle {
    let handle = register(library, &ProtocolConfig::default(), 0x4137_0300, interface);
    take(library, handle, interface);
    handle
}

fn any_source(i: usize) -> Flow {
    Flow { source: 0, group: group(i) }
}

/// The median and p99.9, in nanoseconds.
fn spread(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let late = times[(times.len() * 999 / 1000).min(times.len() - 1)];
    (median(times).expect("there are times"), late)
}

fn nanoseconds(since: Instant) -> f64 {
    since.elapsed().as_nanos() as f64
}

/// Joins that alert nobody elsewhere, and a UNIX socket with as many bytes.
fn join(library: &Library, path: &Path, size: usize) -> Result<Sample, String> {
    let handle = client(library, OWN);
    let place = PathBuf::from(format!("{}.echo", std::env::temp_dir().join("mgm").display()))
        .with_extension(std::process::id().to_string());
    let echo = Served::start(path, "as=echo size=0", &place)?;
    let mut peer = UnixStream::connect(&place).map_err(|error| error.to_string())?;
    let (mut joins, mut bare) = (Vec::new(), Vec::new());
    for i in 0..size {
        let begun = Instant::now();
        join_as(library, handle, any_source(i), OWN);
        joins.push(nanoseconds(begun));
        let begun = Instant::now();
        let mut answer = [0; ANSWER];
        peer.write_all(&[0; CALL])
            .and_then(|()| peer.read_exact(&mut answer))
            .map_err(|error| format!("the bare socket: {error}"))?;
        bare.push(nanoseconds(begun));
    }
    drop(peer);
    drop(echo);
    let _ = std::fs::remove_file(&place);
    let ((join_ns, join_late_ns), (bare_ns, _)) = (spread(joins), spread(bare));
    Ok(sample([("join_ns", join_ns), ("join_late_ns", join_late_ns), ("bare_ns", bare_ns)]))
}

/// Joins many groups, in batches.
pub fn join_in_batches(
    library: &Library,
    clients: &ClientProcesses,
    (client, interface): (Handle, u32),
    size: usize,
) {
    let mut number = 0;
    while number < size {
        let (end, mut first) = ((number + BATCH).min(size), 0);
        // SAFETY: the number of the first refused call can be written to.
        unsafe {
            expect("MgmHostBeginBatch", (clients.MgmHostBeginBatch)());
            (number..end).for_each(|i| join_as(library, client, any_source(i), interface));
            expect("MgmHostEndBatch", (clients.MgmHostEndBatch)(&mut first));
        }
        number = end;
    }
}

fn batch(library: &Library, clients: &ClientProcesses, size: usize) -> Sample {
    let handle = client(library, OWN);
    let begun = Instant::now();
    join_in_batches(library, clients, (handle, OWN), size);
    sample([("join_ns", nanoseconds(begun) / size as f64)])
}

fn walk(library: &Library, size: usize) -> Sample {
    let mut total = 0;
    let begun = Instant::now();
    walk_mfes(library, ROOM, |count| {
        total += count;
        true
    });
    let time = nanoseconds(begun);
    assert_eq!(total, size);
    sample([("walk_ns", time / size as f64)])
}

fn dump(library: &Library, size: usize) -> Sample {
    let _own = client(library, OWN);
    walk(library, size)
}

fn dump_here(library: &Library, size: usize) -> Sample {
    let router = Router::start(library, false);
    for i in 0..size {
        let flow = Flow { source: crate::flows::source(i % 1000), group: group(i / 1000) };
        router.join(flow, DOWNSTREAM);
        router.packet(flow);
    }
    let found = walk(library, size);
    router.stop();
    found
}

/// Ten processes are killed in turn. One end gives some 1,600 calls, too few for p99.9.
const VICTIMS: usize = 10;

/// What others' calls take while the memberships of killed processes are deleted.
fn killed(library: &Library, path: &Path, size: usize) -> Result<Sample, String> {
    let clients = ClientProcesses::load(path)?;
    let handle = client(library, OWN);
    let (mut calls, mut times) = (Vec::new(), Vec::new());
    // Each join adds a membership, because none has a group of an earlier one.
    let mut groups = 0..;
    for _ in 0..VICTIMS {
        times.push(kill_one(path, size, || {
            let flow = any_source(groups.next().expect("the range has no end"));
            let (mut protocol, mut component) = (0, 0);
            let begun = Instant::now();
            // SAFETY: both can be written to.
            let code = unsafe {
                (clients.MgmGetProtocolOnInterface)(VICTIM, 0, &mut protocol, &mut component)
            };
            calls.push(nanoseconds(begun));
            let begun = Instant::now();
            join_as(library, handle, flow, OWN);
            calls.push(nanoseconds(begun));
            code == 0
        })?);
    }
    let (count, seconds) = (calls.len(), median(times).expect("there are some"));
    let (call_ns, late_ns) = spread(calls);
    Ok(sample([
        ("call_ns", call_ns),
        ("late_ns", late_ns),
        ("seconds", seconds),
        ("calls", count as f64),
    ]))
}

/// Kills a process, and makes calls until they say that the process no longer owns the interface.
/// Returns the seconds.
fn kill_one(path: &Path, size: usize, mut call: impl FnMut() -> bool) -> Result<f64, String> {
    let place = std::env::var_os("MGM_ROUTER").ok_or("no router")?;
    let mut victim = Served::start(path, &format!("as=victim size={size}"), Path::new(&place))?;
    victim.process.kill().map_err(|error| error.to_string())?;
    let killed = Instant::now();
    while call() {}
    Ok(killed.elapsed().as_secs_f64())
}

/// The callbacks whose latency is measured.
pub const KINDS: [&str; 9] = [
    "join",
    "prune",
    "rpf",
    "creation",
    "wrong_if",
    "local_join",
    "local_leave",
    "disable_igmp",
    "enable_igmp",
];

/// When each callback came last.
static CAME: [AtomicU64; KINDS.len()] = [const { AtomicU64::new(0) }; KINDS.len()];

/// May be called with any parameters: C's callers clean up.
unsafe extern "C" fn note<const KIND: usize>() {
    CAME[KIND].store(now(), Ordering::Release);
}

/// What the router's calls, and packets, take until a callback of this process begins.
fn latency(library: &Library, router: &mut Served, size: usize) -> Result<Sample, String> {
    let callback = |kind| -> Callback { Some(kind) };
    let config = ProtocolConfig {
        join_alert: callback(note::<0>),
        prune_alert: callback(note::<1>),
        rpf: callback(note::<2>),
        creation_alert: callback(note::<3>),
        wrong_if: callback(note::<4>),
        local_join: callback(note::<5>),
        local_leave: callback(note::<6>),
        ..ProtocolConfig::default()
    };
    let handle = register(library, &config, 0x4137_0300, 0);
    take(library, handle, CLIENT_UPSTREAM);
    take(library, handle, CLIENT_DOWNSTREAM);
    join_as(library, handle, Flow { source: 0, group: 0xEF01_0101 }, CLIENT_DOWNSTREAM);
    let config = ProtocolConfig {
        disable_igmp: callback(note::<7>),
        enable_igmp: callback(note::<8>),
        ..ProtocolConfig::default()
    };
    let igmp = register(library, &config, IGMP, 2);
    take(library, igmp, CLIENT_IGMP);
    let mut found = Sample::new();
    for (kind, what) in KINDS.into_iter().enumerate() {
        // Each change of an owner disables IGMP, then enables it.
        let (order, last) = match what {
            "disable_igmp" | "enable_igmp" => ("change_owner", KINDS.len() - 1),
            _ => (what, kind),
        };
        let mut times = Vec::new();
        for _ in 0..size {
            let begun = router.order(order)?;
            await_callback(last, begun).ok_or_else(|| format!("no {what}"))?;
            times.push((CAME[kind].load(Ordering::Acquire) - begun) as f64);
        }
        let (median, late) = spread(times);
        found.insert(format!("{what}_ns"), median);
        found.insert(format!("{what}_late_ns"), late);
    }
    Ok(found)
}

/// Waits for a callback of this kind since then; none if it does not come.
fn await_callback(kind: usize, since: u64) -> Option<()> {
    let begun = Instant::now();
    while CAME[kind].load(Ordering::Acquire) < since {
        if begun.elapsed() > Duration::from_secs(10) {
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Some(())
}
