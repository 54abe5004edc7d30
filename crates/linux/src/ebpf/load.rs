//! Creates the maps and loads the programs.

use super::layout::{
    Arrivals, Buckets, Config, Entry, Out, Parcel, Pendings, Port, Refusal, BUCKETS, BUCKET_CHUNKS,
    CHUNK, CHUNKS, PARCELS, PORTS, SETS,
};
use super::memory::{Array, Shared};
use super::object::{BadObject, Object, OBJECT};
use super::sys::{Map, MapSpec, Program};
use std::hash::BuildHasher;
use std::io;
use std::mem::size_of;
use std::sync::atomic::Ordering::Relaxed;

/// What failed when the forwarder was opened.
#[derive(Debug)]
pub(super) enum LoadError {
    /// The object is not the one that this library was built for.
    Object(BadObject),
    /// The kernel refuses a map; its name.
    Map(&'static str, io::Error),
    /// The kernel refuses a program: its name, and the verifier's words.
    Program(&'static str, io::Error, String),
}

impl From<BadObject> for LoadError {
    fn from(error: BadObject) -> LoadError {
        LoadError::Object(error)
    }
}

/// The maps with the names that they have in `bpf/shared.h`.
#[derive(Debug)]
pub(super) struct Maps {
    pub ifaces: Map,
    pub flows: Map,
    pub entries: Map,
    pub outs: Map,
    pub ring: Map,
    /// What further inner maps are created from.
    pub flows_inner: MapSpec,
    pub entries_inner: MapSpec,
    pub outs_inner: MapSpec,
    pub config: Array<Config>,
    pub arrivals: Array<Arrivals>,
    pub ports: Array<Port>,
    pub pendings: Array<Pendings>,
    pub refusals: Array<Refusal>,
    pub parcels: Array<Parcel>,
    /// A table of flows that no program uses.
    pub unused: Map,
}

#[derive(Debug)]
pub(super) struct Programs {
    pub l2: Program,
    pub l3: Program,
    pub own: Program,
    pub own_l3: Program,
    pub resend: Program,
}

/// Everything in the kernel that is not attached to an interface.
#[derive(Debug)]
pub(super) struct Loaded {
    pub maps: Maps,
    pub programs: Programs,
    /// The kernel empties this array when its last descriptor is closed, also if the process dies.
    /// From then on the programs send no copies, wherever they are still attached.
    _tails: Map,
}

/// The key and value sizes of a map.
fn sizes<K, V>() -> (usize, usize) {
    (size_of::<K>(), size_of::<V>())
}

fn create(object: &Object<'_>, name: &'static str, inner: Option<&Map>) -> Result<Map, LoadError> {
    let spec = object.map(name)?;
    Map::create(name, spec, inner).map_err(|error| LoadError::Map(name, error))
}

/// Checks that the object and this crate were made for each other.
fn check(object: &Object<'_>) -> Result<(), BadObject> {
    for (name, (key, value), entries) in [
        ("config", sizes::<u32, Config>(), 1),
        ("ifaces", sizes::<u32, u32>(), PORTS),
        ("arrivals", sizes::<u32, Arrivals>(), PORTS),
        ("ports", sizes::<u32, Port>(), PORTS),
        ("flows", sizes::<u32, u32>(), BUCKET_CHUNKS + 1),
        ("flows_inner", sizes::<u32, Buckets>(), BUCKETS / 2),
        ("pendings", sizes::<u32, Pendings>(), SETS),
        ("refusals", sizes::<u32, Refusal>(), SETS),
        ("parcels", sizes::<u32, Parcel>(), PARCELS),
        ("entries", sizes::<u32, u32>(), CHUNKS),
        ("entries_inner", sizes::<u32, Entry>(), CHUNK),
        ("outs", sizes::<u32, u32>(), CHUNKS),
        ("outs_inner", sizes::<u32, Out>(), CHUNK),
    ] {
        let spec = object.map(name)?;
        let found = (spec.key_size as usize, spec.value_size as usize, spec.max_entries as usize);
        if found != (key, value, entries) {
            return Err(BadObject("its maps have other sizes than this library's"));
        }
    }
    Ok(())
}

impl Loaded {
    /// Loads the object of this library.
    pub(super) fn new() -> Result<Loaded, LoadError> {
        Loaded::from(OBJECT)
    }

    /// Loads an object.
    pub(super) fn from(bytes: &[u8]) -> Result<Loaded, LoadError> {
        let object = Object::parse(bytes)?;
        check(&object)?;
        let array = |name| create(&object, name, None);
        // The kernel wants a sample of the inner maps. It keeps nothing of it.
        let outer = |name, inner: &'static str| create(&object, name, Some(&array(inner)?));
        let (config_map, arrivals, ports) = (array("config")?, array("arrivals")?, array("ports")?);
        let (pendings, parcels) = (array("pendings")?, array("parcels")?);
        let (wrongs, refusals, tails) = (array("wrongs")?, array("refusals")?, array("tails")?);
        let maps = Maps {
            ifaces: array("ifaces")?,
            flows: outer("flows", "flows_inner")?,
            entries: outer("entries", "entries_inner")?,
            outs: outer("outs", "outs_inner")?,
            ring: array("ring")?,
            flows_inner: object.map("flows_inner")?,
            entries_inner: object.map("entries_inner")?,
            outs_inner: object.map("outs_inner")?,
            config: hash_secretly(mapped("config", &config_map)?),
            arrivals: mapped("arrivals", &arrivals)?,
            ports: mapped("ports", &ports)?,
            pendings: mapped("pendings", &pendings)?,
            refusals: mapped("refusals", &refusals)?,
            parcels: mapped("parcels", &parcels)?,
            unused: array("flows_inner")?,
        };
        let fd = |name: &str| {
            Some(match name {
                "config" => config_map.raw_fd(),
                "arrivals" => arrivals.raw_fd(),
                "ports" => ports.raw_fd(),
                "wrongs" => wrongs.raw_fd(),
                "refusals" => refusals.raw_fd(),
                "tails" => tails.raw_fd(),
                "ifaces" => maps.ifaces.raw_fd(),
                "flows" => maps.flows.raw_fd(),
                "entries" => maps.entries.raw_fd(),
                "outs" => maps.outs.raw_fd(),
                "pendings" => pendings.raw_fd(),
                "parcels" => parcels.raw_fd(),
                "ring" => maps.ring.raw_fd(),
                _ => return None,
            })
        };
        let program = |name: &'static str| -> Result<Program, LoadError> {
            let instructions = object.program(name)?.linked(fd)?;
            Program::load(name, &instructions, object.licence()?)
                .map_err(|(error, words)| LoadError::Program(name, error, words))
        };
        let (copies, looping) = (program("mgm_copies")?, program("mgm_loop")?);
        let programs = Programs {
            l2: program("mgm_l2")?,
            l3: program("mgm_l3")?,
            own: program("mgm_own")?,
            own_l3: program("mgm_own_l3")?,
            resend: program("mgm_resend")?,
        };
        call_by_tail(&tails, [&copies, &programs.resend, &looping])?;
        Ok(Loaded { maps, programs, _tails: tails })
    }
}

/// Makes these programs the ones that others call.
fn call_by_tail(tails: &Map, programs: [&Program; 3]) -> Result<(), LoadError> {
    (0u32..).zip(programs).try_for_each(|(element, program)| {
        tails
            .update(&element, &(program.raw_fd() as u32))
            .map_err(|error| LoadError::Map("tails", error))
    })
}

/// Senders must not be able to choose flows that are all in one bucket.
fn hash_secretly(config: Array<Config>) -> Array<Config> {
    for (factor, number) in config.get(0).factors.iter().zip(0..) {
        let secret = std::hash::RandomState::new().hash_one(number);
        factor.store(secret | 1, Relaxed);
    }
    config
}

fn mapped<T: Shared>(name: &'static str, map: &Map) -> Result<Array<T>, LoadError> {
    Array::of(map).map_err(|error| LoadError::Map(name, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ebpf::advice;
    use mgm_netns as netns;
    use nix::sys::signal::{sigaction, SaFlags, SigAction, SigHandler, SigSet, Signal};
    use std::sync::mpsc::{channel, RecvTimeoutError};
    use std::time::Duration;

    extern "C" fn ignore(_: libc::c_int) {}

    #[test]
    fn signals_do_not_make_the_kernel_refuse_a_program() {
        // The second one cannot be blocked while a program is loaded.
        let (often, rarely) = (Signal::SIGUSR2, Signal::SIGTRAP);
        for signal in [often, rarely] {
            let handler = SigHandler::Handler(ignore);
            let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
            // SAFETY: the handler does nothing.
            unsafe { sigaction(signal, &action) }.unwrap();
        }
        netns::run(|| {
            // SAFETY: has no conditions.
            let loader = unsafe { libc::pthread_self() };
            let send = move |signal: Signal| {
                // SAFETY: the thread waits for the end of this one.
                assert_eq!(unsafe { libc::pthread_kill(loader, signal as libc::c_int) }, 0);
            };
            let (over, is_over) = channel::<()>();
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    let pause = Duration::from_micros(300);
                    let mut sent = 0;
                    while is_over.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                        send(often);
                        sent += 1;
                        // Fewer than the attempts to load a program.
                        if sent % 20 == 0 && sent <= 200 {
                            send(rarely);
                        }
                    }
                });
                let loaded = Loaded::new();
                drop(over);
                assert!(loaded.is_ok(), "{:?}", loaded.err());
            });
        });
    }

    #[test]
    fn t2_7_an_object_of_another_version_is_refused_before_anything_is_loaded() {
        let object = Object::parse(OBJECT).unwrap();
        for name in ["config", "arrivals", "ports", "entries_inner", "outs_inner", "pendings"] {
            let spec = object.map(name).unwrap();
            let sizes = [spec.key_size, spec.value_size, spec.max_entries].map(u32::to_le_bytes);
            let sizes = sizes.concat();
            let at = OBJECT.windows(sizes.len()).position(|window| window == sizes).unwrap();
            let mut other = OBJECT.to_vec();
            other[at + 4] ^= 8; // its values have another size
            let error = Loaded::from(&other).err().unwrap();
            assert!(matches!(error, LoadError::Object(_)), "{name}: {error:?}");
            let text = advice::unloaded(&error).to_string();
            assert!(text.contains("do not fit this library"), "{text}");
        }
    }
}
