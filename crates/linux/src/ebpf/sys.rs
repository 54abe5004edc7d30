//! The system call bpf().
//!
//! This module uses only libc, because the library needs just eleven commands of this system call. The
//! root Cargo.toml, at `libc`, compares that with the crates aya and libbpf-rs.

use crate::fork::GuardedFd;
use crate::threads::without_signals;
use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Commands of bpf(), from <linux/bpf.h>.
const MAP_CREATE: libc::c_int = 0;
const MAP_UPDATE_ELEM: libc::c_int = 2;
const MAP_DELETE_ELEM: libc::c_int = 3;
const PROG_LOAD: libc::c_int = 5;
const PROG_TEST_RUN: libc::c_int = 10;
const OBJ_GET_INFO_BY_FD: libc::c_int = 15;
const PROG_GET_FD_BY_ID: libc::c_int = 13;
const PROG_QUERY: libc::c_int = 16;
const MAP_UPDATE_BATCH: libc::c_int = 26;
const LINK_CREATE: libc::c_int = 28;
const LINK_DETACH: libc::c_int = 34;

const PROG_TYPE_SCHED_CLS: u32 = 3;

/// The hook of an interface that a program is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Ingress,
    Egress,
}

impl Hook {
    /// BPF_TCX_INGRESS and BPF_TCX_EGRESS.
    fn attach_type(self) -> u32 {
        match self {
            Hook::Ingress => 46,
            Hook::Egress => 47,
        }
    }
}

/// One command. `attributes` is the part of `union bpf_attr` that it reads and writes.
fn bpf<T>(command: libc::c_int, attributes: &mut T) -> io::Result<RawFd> {
    // SAFETY: the kernel reads and writes the bytes of `attributes`, and the memory that it names:
    // the callers name their own arguments, which live until this returns, with their lengths.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), size_of::<T>())
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result as RawFd)
}

/// A command that opens a descriptor.
fn bpf_open<T>(command: libc::c_int, attributes: &mut T) -> io::Result<GuardedFd> {
    GuardedFd::open(|| {
        let fd = bpf(command, attributes)?;
        // SAFETY: the kernel has just opened it for this call. It is close-on-exec.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    })
}

fn address<T: ?Sized>(value: &T) -> u64 {
    std::ptr::from_ref(value).cast::<u8>() as usize as u64
}

/// A name as the kernel takes it: at most 15 bytes.
fn object_name(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    let length = name.len().min(15);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    bytes
}

/// What a map is created from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(super) struct MapSpec {
    pub kind: u32,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    pub flags: u32,
}

/// A map of the kernel.
#[derive(Debug)]
pub(super) struct Map {
    fd: GuardedFd,
    pub spec: MapSpec,
}

#[repr(C)]
struct ElementAttributes {
    map: u32,
    unused: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct BatchAttributes {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map: u32,
    element_flags: u64,
    flags: u64,
}

impl Map {
    /// Creates a map. A map of maps needs a sample of its inner maps.
    pub(super) fn create(name: &str, spec: MapSpec, inner: Option<&Map>) -> io::Result<Map> {
        #[repr(C)]
        struct Attributes {
            spec: MapSpec,
            inner_map: u32,
            numa_node: u32,
            name: [u8; 16],
        }
        let inner_map = inner.map_or(0, |inner| inner.fd.as_raw_fd() as u32);
        let mut attributes = Attributes { spec, inner_map, numa_node: 0, name: object_name(name) };
        Ok(Map { fd: bpf_open(MAP_CREATE, &mut attributes)?, spec })
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// The attributes of a command about one element, whose sizes must be those of the map.
    fn element<K>(&self, key: &K, value: u64) -> ElementAttributes {
        assert_eq!(size_of::<K>(), self.spec.key_size as usize);
        ElementAttributes {
            map: self.fd.as_raw_fd() as u32,
            unused: 0,
            key: address(key),
            value,
            flags: 0,
        }
    }

    /// Sets an element.
    pub(super) fn update<K, V>(&self, key: &K, value: &V) -> io::Result<()> {
        assert_eq!(size_of::<V>(), self.spec.value_size as usize);
        bpf(MAP_UPDATE_ELEM, &mut self.element(key, address(value))).map(drop)
    }

    /// Makes maps the elements of this map of maps, from `first` on. The kernel waits for an RCU
    /// grace period at each change, but since Linux 5.16 many changes can be made at a time.
    pub(super) fn insert_maps(&self, first: usize, maps: &[Map]) -> io::Result<()> {
        let numbers: Vec<u32> = (first as u32..).take(maps.len()).collect();
        let fds: Vec<u32> = maps.iter().map(|map| map.raw_fd() as u32).collect();
        let mut attributes = BatchAttributes {
            keys: address(numbers.as_slice()),
            values: address(fds.as_slice()),
            count: maps.len() as u32,
            map: self.fd.as_raw_fd() as u32,
            ..BatchAttributes::default()
        };
        if maps.len() > 1 && bpf(MAP_UPDATE_BATCH, &mut attributes).is_ok() {
            return Ok(());
        }
        numbers.iter().zip(&fds).try_for_each(|(number, fd)| self.update(number, fd))
    }

    /// Deletes an element; false if there is none.
    pub(super) fn delete<K>(&self, key: &K) -> io::Result<bool> {
        absent_is_false(bpf(MAP_DELETE_ELEM, &mut self.element(key, 0)))
    }
}

fn absent_is_false(result: io::Result<RawFd>) -> io::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A program in the kernel.
#[derive(Debug)]
pub(super) struct Program(GuardedFd);

impl Program {
    /// Loads a program, after the verifier has checked it. The text of an error is the end of what
    /// the verifier says.
    pub(super) fn load(
        name: &str,
        instructions: &[u64],
        licence: &CStr,
    ) -> Result<Program, (io::Error, String)> {
        let mut attributes = LoadAttributes {
            kind: PROG_TYPE_SCHED_CLS,
            count: instructions.len() as u32,
            instructions: address(instructions),
            licence: licence.as_ptr() as usize as u64,
            log_level: 0,
            log_size: 0,
            log: 0,
            kernel_version: 0,
            flags: 0,
            name: object_name(name),
        };
        let error = match verify(&mut attributes) {
            Ok(fd) => return Ok(Program(fd)),
            Err(error) => error,
        };
        // Once more, for the verifier's words.
        let mut log = vec![0u8; 1 << 20];
        attributes.log_level = 1;
        attributes.log_size = log.len() as u32;
        attributes.log = log.as_mut_ptr() as usize as u64;
        match verify(&mut attributes) {
            Ok(fd) => Ok(Program(fd)),
            Err(_) => Err((error, last_words(&log))),
        }
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Runs the program for a frame as if it had arrived on an interface of the namespace of the
    /// calling thread, with a number in its fourth control word. Returns what the program returns.
    pub(super) fn run(&self, frame: &[u8], ifindex: u32, number: u32) -> io::Result<u32> {
        let context = SkbContext {
            ingress_ifindex: ifindex,
            ifindex,
            control: [0, 0, 0, number, 0],
            // SAFETY: numbers, for which 0 means that the kernel sets them.
            ..unsafe { zeroed() }
        };
        let mut attributes = RunAttributes {
            program: self.0.as_raw_fd() as u32,
            length_in: frame.len() as u32,
            data_in: address(frame),
            repeat: 1,
            context_in_length: size_of::<SkbContext>() as u32,
            context_in: address(&context),
            // SAFETY: numbers and addresses; 0 means none.
            ..unsafe { zeroed() }
        };
        bpf(PROG_TEST_RUN, &mut attributes)?;
        Ok(attributes.result)
    }

    /// Attaches the program to an interface by a link (tcx), which goes with its descriptor.
    pub(super) fn link(&self, if_index: u32, hook: Hook) -> io::Result<GuardedFd> {
        #[repr(C)]
        struct Attributes {
            program: u32,
            if_index: u32,
            attach_type: u32,
            flags: u32,
            relative: u32,
            unused: u32,
            revision: u64,
        }
        let mut attributes = Attributes {
            program: self.0.as_raw_fd() as u32,
            if_index,
            attach_type: hook.attach_type(),
            flags: 0,
            relative: 0,
            unused: 0,
            revision: 0,
        };
        bpf_open(LINK_CREATE, &mut attributes)
    }
}

#[repr(C)]
struct LoadAttributes {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

#[repr(C)]
struct RunAttributes {
    program: u32,
    result: u32,
    length_in: u32,
    length_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    context_in_length: u32,
    context_out_length: u32,
    context_in: u64,
    context_out: u64,
}

/// `struct __sk_buff`, as far as a run of a program may set it.
#[repr(C)]
struct SkbContext {
    len: u32,
    pkt_type: u32,
    mark: u32,
    queue_mapping: u32,
    protocol: u32,
    vlan: [u32; 3],
    priority: u32,
    ingress_ifindex: u32,
    ifindex: u32,
    tc_index: u32,
    control: [u32; 5],
    rest: [u32; 23],
}

/// How often a program is loaded if signals interrupt the verifier each time.
const ATTEMPTS: u32 = 20;

/// Loads a program. The verifier takes milliseconds, and gives up with EAGAIN when a signal arrives.
/// So signals are blocked meanwhile. Some cannot be blocked, such as those that stop the process and
/// let it continue: after them the program is loaded again.
fn verify(attributes: &mut LoadAttributes) -> io::Result<GuardedFd> {
    without_signals(|| {
        let mut attempts = 1;
        loop {
            match bpf_open(PROG_LOAD, attributes) {
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) && attempts < ATTEMPTS => {
                    attempts += 1;
                }
                result => return result,
            }
        }
    })
}

fn last_words(log: &[u8]) -> String {
    let text = CStr::from_bytes_until_nul(log).unwrap_or_default().to_string_lossy();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(3);
    lines[last..].join("; ")
}

/// The names of the programs on a hook that were attached by tcx, in their order.
pub(super) fn attached(if_index: u32, hook: Hook) -> io::Result<Vec<String>> {
    #[repr(C)]
    struct Query {
        target: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        programs: u64,
        count: u32,
        unused: u32,
        program_flags: u64,
        links: u64,
        link_flags: u64,
        revision: u64,
    }
    let ids = [0u32; 64];
    let mut query = Query {
        target: if_index,
        attach_type: hook.attach_type(),
        programs: address(&ids),
        count: ids.len() as u32,
        // SAFETY: numbers and addresses; 0 means none.
        ..unsafe { zeroed() }
    };
    bpf(PROG_QUERY, &mut query)?;
    let count = (query.count as usize).min(ids.len());
    // Volatile, because the compiler does not know that the kernel has written them.
    // SAFETY: an element of the array.
    let ids = ids[..count].iter().map(|id| unsafe { std::ptr::read_volatile(id) });
    Ok(ids.filter_map(|id| program_name(id).ok()).collect())
}

/// The name of a program with this number.
fn program_name(id: u32) -> io::Result<String> {
    let mut by_id = [id, 0, 0];
    let fd = bpf_open(PROG_GET_FD_BY_ID, &mut by_id)?;
    #[repr(C)]
    struct Attributes {
        fd: u32,
        length: u32,
        info: u64,
    }
    /// The start of `struct bpf_prog_info`.
    #[repr(C)]
    struct Info {
        before: [u32; 10],
        load_time: u64,
        user: u32,
        maps: u32,
        map_ids: u64,
        name: [u8; 16],
    }
    // SAFETY: numbers and addresses; 0 means none.
    let mut info: Info = unsafe { zeroed() };
    let mut attributes = Attributes {
        fd: fd.as_raw_fd() as u32,
        length: size_of::<Info>() as u32,
        info: std::ptr::from_mut(&mut info) as usize as u64,
    };
    bpf(OBJ_GET_INFO_BY_FD, &mut attributes)?;
    let name = CStr::from_bytes_until_nul(&info.name).unwrap_or_default();
    Ok(name.to_string_lossy().into_owned())
}

/// The index of the interface that a tcx link is attached to; 0 after the device is gone.
pub(super) fn link_interface(link: &GuardedFd) -> io::Result<u32> {
    #[repr(C)]
    struct Attributes {
        fd: u32,
        length: u32,
        info: u64,
    }
    // `struct bpf_link_info`: kind, id, program, padding, interface, hook.
    let mut info = [0u32; 16];
    let mut attributes = Attributes {
        fd: link.as_raw_fd() as u32,
        length: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as usize as u64,
    };
    bpf(OBJ_GET_INFO_BY_FD, &mut attributes)?;
    Ok(info[4])
}

/// Detaches the program of a tcx link, which also ends with its last descriptor. A child that another
/// thread has just forked still has a copy of that.
pub(super) fn detach_link(link: &GuardedFd) -> io::Result<()> {
    bpf(LINK_DETACH, &mut (link.as_raw_fd() as u32)).map(drop)
}

/// Before Linux 5.11, maps count as locked memory. Where the limit cannot be raised, maps may be
/// refused.
pub(super) fn raise_memory_limit() {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: reads one rlimit.
    unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &unlimited) };
}
