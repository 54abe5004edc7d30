//! The daemon's sockets that matter here: raw IGMP sockets, one of which may say MRT_INIT, and sockets
//! that have joined a group on mgm0. One lock guards all of them.

use crate::log;
use crate::mroute::{Mroute, Read};
use crate::system::{self, Marks};
use crate::word::Word;
use mgm_mroute_calls::memberships::{is_membership, Membership};
use mgm_mroute_calls::options::{
    address_at, Errno, MrouteOption, VifTarget, MRT_BASE, MRT_MAX, VERSION,
};
use mgm_mroute_calls::options::{MRT_ASSERT, MRT_PIM, MRT_VERSION};
use mgm_types::{Flow, Ipv4Addr};
use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Descriptors for which `Sockets` has something.
static MARKS: Marks = Marks::new();

/// Whether the daemon has a socket of multicast routing.
static IS_ACTIVE: AtomicBool = AtomicBool::new(false);

static SOCKETS: Lock = Lock {
    word: Word::new(),
    sockets: UnsafeCell::new(Sockets {
        mroutes: Vec::new(),
        raws: BTreeMap::new(),
        joins: Vec::new(),
    }),
    forking: UnsafeCell::new(None),
};

/// The lock. A child of a fork has a free one (`before_fork`).
struct Lock {
    word: Word,
    sockets: UnsafeCell<Sockets>,
    /// The signal mask of the thread that forks, and whether it may be cancelled.
    forking: UnsafeCell<Option<(libc::sigset_t, i32)>>,
}

// SAFETY: only the holder of the lock uses the values.
unsafe impl Sync for Lock {}

/// Holds the lock. Dropping it, also by a panic, releases the lock and restores the signals.
struct Held {
    former: libc::sigset_t,
    /// Whether the thread may be cancelled otherwise.
    cancel: i32,
}

impl Held {
    /// Signals wait until the lock is free, because their handlers may use the same socket. So does
    /// the cancellation of the thread.
    fn new() -> Held {
        let cancel = system::forbid_cancellation();
        let former = system::block_signals();
        SOCKETS.word.acquire();
        Held { former, cancel }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        SOCKETS.word.release();
        system::restore_signals(&self.former);
        system::set_cancel_state(self.cancel);
    }
}

/// Uses the sockets.
fn with<R>(use_them: impl FnOnce(&mut Sockets) -> R) -> R {
    let _held = Held::new();
    // SAFETY: this thread holds the lock, and `use_them` calls no hook that takes it.
    use_them(unsafe { &mut *SOCKETS.sockets.get() })
}

/// The process to which the sockets belong.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// The library is loaded.
pub(crate) fn begin() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
}

/// Whether the sockets are those of this process. A child of vfork shares the memory of its parent,
/// and runs no handler of fork: what it closes stays open in the parent.
fn is_own_memory() -> bool {
    PROCESS.load(Ordering::Relaxed) == std::process::id()
}

/// No other thread may be changing the sockets while the process forks, and no handler of a signal
/// may wait for the lock.
pub(crate) extern "C" fn before_fork() {
    let held = std::mem::ManuallyDrop::new(Held::new());
    // SAFETY: this thread holds the lock.
    unsafe { *SOCKETS.forking.get() = Some((held.former, held.cancel)) };
}

/// In the parent.
pub(crate) extern "C" fn after_fork() {
    // SAFETY: this thread holds the lock since `before_fork`, and the child has a copy of it.
    let former = unsafe { (*SOCKETS.forking.get()).take() };
    drop(former.map(|(former, cancel)| Held { former, cancel }));
}

/// In the child, which has a copy of the memory.
pub(crate) extern "C" fn after_fork_in_child() {
    begin();
    after_fork();
}

struct Sockets {
    mroutes: Vec<Mroute>,
    raws: BTreeMap<i32, Raw>,
    /// What each socket has joined on mgm0.
    joins: Vec<(i32, Flow)>,
}

/// What the daemon has set on a raw IGMP socket.
#[derive(Clone, Copy, Debug, Default)]
struct Raw {
    /// IP_MULTICAST_IF.
    out: Option<VifTarget>,
    /// IP_HDRINCL.
    has_header: bool,
    /// IP_PKTINFO.
    wants_info: bool,
}

impl Sockets {
    fn mroute(&mut self, fd: i32) -> Option<&mut Mroute> {
        self.mroutes.iter_mut().find(|mroute| mroute.fds.contains(&fd))
    }

    /// All numbers of a raw IGMP socket. An option that is set by one of them is set for all.
    fn numbers(&mut self, fd: i32) -> Vec<i32> {
        if let Some(mroute) = self.mroute(fd) {
            return mroute.fds.clone();
        }
        let is_it = |known: &i32| *known == fd || system::is_same_socket(*known, fd);
        let mut numbers: Vec<i32> = self.raws.keys().copied().filter(is_it).collect();
        // The one that is being used comes first.
        numbers.sort_by_key(|known| *known != fd);
        numbers
    }

    /// Whether two numbers are those of one socket.
    fn are_one(&self, one: i32, other: i32) -> bool {
        let are_its = |mroute: &Mroute| mroute.fds.contains(&one) && mroute.fds.contains(&other);
        one == other || system::is_same_socket(one, other) || self.mroutes.iter().any(are_its)
    }

    /// Another number of a socket that has joined a group. It need not be marked: it may have been made
    /// before the socket joined. A number that is about to be closed is none.
    fn other_number(&self, fd: i32, closing: &RangeInclusive<i32>) -> Option<i32> {
        (0..Marks::END).find(|other| !closing.contains(other) && self.are_one(fd, *other))
    }

    /// Forgets a descriptor. `closing`: all that are closed together with it, and itself.
    fn forget(&mut self, fd: i32, closing: &RangeInclusive<i32>) {
        MARKS.set(fd, false);
        self.raws.remove(&fd);
        let left: Vec<Flow> =
            self.joins.extract_if_fd(fd).into_iter().map(|(_, flow)| flow).collect();
        let other = if left.is_empty() { None } else { self.other_number(fd, closing) };
        for flow in left {
            // The socket stays open, and so does its membership.
            if let Some(other) = other {
                MARKS.set(other, true);
                self.joins.push((other, flow));
            } else if let Some(mroute) = self.mroutes.first_mut() {
                mroute.closes_member(flow);
            }
        }
        let Some(at) = self.mroutes.iter().position(|mroute| mroute.fds.contains(&fd)) else {
            return;
        };
        self.mroutes[at].fds.retain(|known| *known != fd);
        if self.mroutes[at].fds.is_empty() {
            self.mroutes.remove(at).done();
            IS_ACTIVE.store(!self.mroutes.is_empty(), Ordering::Relaxed);
        }
    }
}

/// `Vec::extract_if` needs a later Rust.
trait ExtractFd {
    fn extract_if_fd(&mut self, fd: i32) -> Self;
}

impl ExtractFd for Vec<(i32, Flow)> {
    fn extract_if_fd(&mut self, fd: i32) -> Self {
        let (taken, kept) = std::mem::take(self).into_iter().partition(|(of, _)| *of == fd);
        *self = kept;
        taken
    }
}

/// Whether this library has something to do with a descriptor.
pub(crate) fn is_marked(fd: i32) -> bool {
    MARKS.has(fd) && is_own_memory()
}

/// Whether the daemon has a socket of multicast routing.
pub(crate) fn is_active() -> bool {
    IS_ACTIVE.load(Ordering::Relaxed) && is_own_memory()
}

/// The daemon has opened a raw IGMP socket.
pub(crate) fn opened(fd: i32) {
    if !is_own_memory() {
        return;
    }
    if fd >= Marks::END {
        let end = Marks::END;
        return log::line(&format!(
            "the raw IGMP socket {fd} stays the kernel's, because only numbers below {end} can be \
             served: have the daemon open it earlier, or lower its limit of open files"
        ));
    }
    MARKS.set(fd, true);
    with(|sockets| sockets.raws.insert(fd, Raw::default()));
}

/// The daemon has another number for a descriptor.
pub(crate) fn copied(from: i32, to: i32) {
    with(|sockets| {
        if let Some(raw) = sockets.raws.get(&from).copied() {
            sockets.raws.insert(to, raw);
        }
        if let Some(mroute) = sockets.mroute(from) {
            mroute.fds.push(to);
        }
    });
    MARKS.set(to, true);
}

/// The daemon closes a descriptor. `closing`: all that it closes by the same call, still open.
pub(crate) fn closes(fd: i32, closing: &RangeInclusive<i32>) {
    with(|sockets| sockets.forget(fd, closing));
}

/// The descriptor on which the kernel does what the daemon asks of `fd`.
pub(crate) fn target(fd: i32) -> i32 {
    if !is_marked(fd) {
        return fd;
    }
    with(|sockets| sockets.mroute(fd).map_or(fd, |mroute| mroute.raw.0))
}

/// Sets an option at the level IPPROTO_IP. `None`: the kernel is to set it.
pub(crate) fn set_option(fd: i32, name: i32, value: &[u8]) -> Option<Result<(), Errno>> {
    if (MRT_BASE..=MRT_MAX).contains(&name) {
        return set_mroute_option(fd, name, value);
    }
    if is_membership(name) {
        return membership(fd, name, value);
    }
    let int = || i32::from(value.iter().take(4).any(|byte| *byte != 0));
    with(|sockets| {
        if !matches!(name, libc::IP_MULTICAST_IF | libc::IP_HDRINCL | libc::IP_PKTINFO) {
            return None;
        }
        for number in sockets.numbers(fd) {
            let Some(raw) = sockets.raws.get_mut(&number) else { continue };
            match name {
                libc::IP_MULTICAST_IF => raw.out = multicast_if(value),
                libc::IP_HDRINCL => raw.has_header = int() != 0,
                _ => raw.wants_info = int() != 0,
            }
        }
        None
    })
}

fn set_mroute_option(fd: i32, name: i32, value: &[u8]) -> Option<Result<(), Errno>> {
    with(|sockets| {
        if sockets.mroute(fd).is_none() && !sockets.raws.contains_key(&fd) {
            return None; // not a raw IGMP socket: the kernel refuses it
        }
        let option = match MrouteOption::parse(name, value) {
            Ok(option) => option,
            Err(errno) => return Some(Err(errno)),
        };
        let numbers = sockets.numbers(fd);
        let Some(mroute) = sockets.mroute(fd) else {
            return Some(match option {
                MrouteOption::Init => Mroute::open(numbers).map(|mut mroute| {
                    if sockets.mroutes.is_empty() {
                        mroute.adopts(&sockets.joins);
                    }
                    sockets.mroutes.push(mroute);
                    IS_ACTIVE.store(true, Ordering::Relaxed);
                }),
                MrouteOption::Table(0 | 253 | 254) => Ok(()),
                MrouteOption::Table(_) => Err(libc::EOPNOTSUPP),
                // As from the kernel, for a socket that has not said MRT_INIT.
                _ => Err(libc::EACCES),
            });
        };
        if option != MrouteOption::Done {
            return Some(mroute.set(option));
        }
        let at = sockets.mroutes.iter().position(|mroute| mroute.fds.contains(&fd))?;
        sockets.mroutes.remove(at).done();
        IS_ACTIVE.store(!sockets.mroutes.is_empty(), Ordering::Relaxed);
        Some(Ok(()))
    })
}

/// A join or leave on mgm0 is a call of mgmd; any other is the kernel's.
fn membership(fd: i32, name: i32, value: &[u8]) -> Option<Result<(), Errno>> {
    let Membership { joins, on, flow } = Membership::parse(name, value)?;
    with(|sockets| {
        let is_it = |join: &(i32, Flow)| join.1 == flow && sockets.are_one(join.0, fd);
        let known = sockets.joins.iter().position(is_it);
        let Some(mroute) = sockets.mroutes.first_mut() else {
            // After MRT_DONE, the next MRT_INIT takes over what is still joined.
            sockets.joins.swap_remove(known.filter(|_| !joins)?);
            return Some(Ok(()));
        };
        if !mroute.is_rest(on) {
            return None;
        }
        Some(match (joins, known) {
            (true, Some(_)) => Err(libc::EADDRINUSE),
            (true, None) => mroute.membership(flow, true).map(|()| {
                sockets.joins.push((fd, flow));
                MARKS.set(fd, true);
            }),
            (false, Some(at)) => {
                sockets.joins.swap_remove(at);
                mroute.membership(flow, false)
            }
            (false, None) => Err(libc::EADDRNOTAVAIL),
        })
    })
}

/// The value of IP_MULTICAST_IF: an address, an ip_mreq, or an ip_mreqn.
fn multicast_if(value: &[u8]) -> Option<VifTarget> {
    let address = |at| VifTarget::Address(address_at(value, at));
    let on = match value.len() {
        0..=3 => return None,
        4..=7 => address(0),
        8..=11 => address(4),
        _ if value[8..12] == [0; 4] => address(4),
        _ => VifTarget::Index(u32::from_ne_bytes([value[8], value[9], value[10], value[11]])),
    };
    (on != VifTarget::Address(Ipv4Addr::UNSPECIFIED)).then_some(on)
}

/// The value of an option of multicast routing. `None`: the kernel has it.
pub(crate) fn option(fd: i32, name: i32) -> Option<i32> {
    with(|sockets| {
        let (asserts, pims) = sockets.mroute(fd)?.modes();
        match name {
            MRT_VERSION => Some(VERSION),
            MRT_ASSERT => Some(asserts.into()),
            MRT_PIM => Some(pims.into()),
            _ => None,
        }
    })
}

/// SIOCGETSGCNT, on any socket. `None`: the daemon does no multicast routing.
pub(crate) fn counters(flow: Flow) -> Option<Result<[u64; 3], Errno>> {
    with(|sockets| Some(sockets.mroutes.first_mut()?.counters(flow)))
}

/// SIOCGETVIFCNT, likewise.
pub(crate) fn vif_counters(vif: u16) -> Option<Result<[u64; 4], Errno>> {
    with(|sockets| Some(sockets.mroutes.first_mut()?.vif_counters(vif)))
}

/// Whether the daemon has added the register interface of PIM.
pub(crate) fn have_register() -> bool {
    with(|sockets| sockets.mroutes.iter().any(Mroute::has_register))
}

/// Whether the daemon's descriptor is ready to read; false if it is not one of multicast routing.
pub(crate) fn is_ready(fd: i32) -> bool {
    with(|sockets| sockets.mroute(fd).is_some_and(|mroute| mroute.is_ready()))
}

/// The daemon reads: also whether it wants IP_PKTINFO. `None`: the kernel has what it reads.
pub(crate) fn read(fd: i32, peeks: bool) -> Option<(Result<Read, Errno>, bool)> {
    with(|sockets| {
        let read = sockets.mroute(fd)?.read(peeks);
        Some((read, sockets.raws.get(&fd).is_some_and(|raw| raw.wants_info)))
    })
}

/// The daemon sends a packet to an address, on an interface that it may name. Returns whether that
/// was mgm0, and the packet need not be sent. IP_MULTICAST_IF is for groups only.
pub(crate) fn sends(fd: i32, packet: &[u8], on: Option<u32>, to: Ipv4Addr) -> bool {
    with(|sockets| {
        let Some(raw) = sockets.raws.get(&fd).copied() else { return false };
        let Some(mroute) = sockets.mroute(fd) else { return false };
        let is_on_rest = match on.map(VifTarget::Index).or(raw.out) {
            Some(on) => mroute.is_rest(on) && mroute.is_group_or_rest(to),
            None => false,
        };
        if is_on_rest {
            mroute.sent_on_rest(packet, raw.has_header);
        }
        is_on_rest
    })
}
