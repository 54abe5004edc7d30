//! Attaches the programs to an interface: by tcx links, or as filters of a clsact qdisc.

use super::links::Framing;
use super::load::Programs;
use super::requests::Netlink;
use super::sys::{self, Hook, Program};
use crate::fork::GuardedFd;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How programs are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By tcx, or by clsact where the kernel has no tcx.
    Auto,
    /// By clsact.
    Clsact,
}

/// Why programs cannot be attached.
#[derive(Debug)]
pub(super) enum AttachError {
    /// Another ebpf forwarder serves the interface.
    Taken,
    /// There is no such interface.
    Gone,
    /// The interface has an ingress qdisc, which leaves no room for clsact.
    OtherQdisc,
    System(&'static str, io::Error),
}

/// The programs of one interface. They are detached when this is dropped.
#[derive(Debug)]
pub(super) struct Attached {
    if_index: u32,
    means: Means,
}

#[derive(Debug)]
enum Means {
    /// The links to both hooks.
    Tcx([GuardedFd; 2]),
    Clsact {
        /// Its name can be bound once in a network namespace.
        _lock: GuardedFd,
        netlink: Netlink,
        /// Whether the qdisc is the library's: there was none before, or a killed router had left
        /// it.
        is_ours: bool,
        is_detached: bool,
    },
}

/// The names of the ingress programs, by which another forwarder is recognised.
const INGRESS: [&str; 2] = ["mgm_l2", "mgm_l3"];

impl Attached {
    /// Attaches the programs that fit the interface.
    pub(super) fn new(
        if_index: u32,
        framing: Framing,
        programs: &Programs,
        how: Attachment,
    ) -> Result<Attached, AttachError> {
        let both = match framing {
            Framing::Ethernet => [&programs.l2, &programs.own],
            Framing::Bare => [&programs.l3, &programs.own_l3],
        };
        if how == Attachment::Auto {
            match by_tcx(if_index, both) {
                Err(AttachError::System(_, error)) if is_missing(&error) => {}
                result => return result,
            }
        }
        by_clsact(if_index, both)
    }

    /// Whether the programs are attached by tcx links.
    pub(super) fn is_tcx(&self) -> bool {
        matches!(self.means, Means::Tcx(_))
    }

    /// Whether the programs are still attached: not after the device is gone, even if another one
    /// has its index.
    pub(super) fn is_attached(&mut self) -> io::Result<bool> {
        match &mut self.means {
            Means::Tcx(links) => Ok(sys::link_interface(&links[0])? == self.if_index),
            Means::Clsact { netlink, .. } => netlink.has_filter(self.if_index, Hook::Ingress),
        }
    }
}

/// What a kernel before 6.6 answers.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

fn by_tcx(if_index: u32, programs: [&Program; 2]) -> Result<Attached, AttachError> {
    let link = |program: &Program, hook| {
        program.link(if_index, hook).map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV) => AttachError::Gone,
            _ => AttachError::System("a tcx link", error),
        })
    };
    let links = [link(programs[0], Hook::Ingress)?, link(programs[1], Hook::Egress)?];
    let attached = Attached { if_index, means: Means::Tcx(links) };
    // Read after attaching: so of two forwarders that attach at the same time, at least one sees
    // the other.
    let names = sys::attached(if_index, Hook::Ingress).unwrap_or_default();
    if names.iter().filter(|name| INGRESS.contains(&name.as_str())).count() > 1 {
        return Err(AttachError::Taken);
    }
    Ok(attached)
}

/// How long a lock may still be held that this process has released: a child that another thread has
/// just forked has a copy of its descriptor until it runs another program.
const LEFT_TO_CHILDREN: Duration = Duration::from_millis(50);

/// Takes the name that only one forwarder can have.
fn lock(if_index: u32) -> io::Result<GuardedFd> {
    let name = SocketAddr::from_abstract_name(format!("mgm-ebpf/{if_index}"))?;
    let end = Instant::now() + LEFT_TO_CHILDREN;
    loop {
        match GuardedFd::open(|| UnixDatagram::bind_addr(&name)) {
            Err(error)
                if error.raw_os_error() == Some(libc::EADDRINUSE) && Instant::now() < end =>
            {
                sleep(Duration::from_millis(1));
            }
            result => return result,
        }
    }
}

fn by_clsact(if_index: u32, programs: [&Program; 2]) -> Result<Attached, AttachError> {
    let lock = lock(if_index).map_err(|error| match error.raw_os_error() {
        Some(libc::EADDRINUSE) => AttachError::Taken,
        _ => AttachError::System("a lock", error),
    })?;
    let mut netlink = Netlink::open().map_err(|error| AttachError::System("netlink", error))?;
    let is_ours = match netlink.add_clsact(if_index) {
        Ok(()) => true,
        Err(error) => match error.raw_os_error() {
            // A router that was killed has left it, with its filters.
            Some(libc::EEXIST) => [Hook::Ingress, Hook::Egress]
                .into_iter()
                .any(|hook| netlink.has_filter(if_index, hook).unwrap_or_default()),
            Some(libc::ENODEV) => return Err(AttachError::Gone),
            _ => return Err(AttachError::System("a clsact qdisc", error)),
        },
    };
    let mut attached = Attached {
        if_index,
        means: Means::Clsact { _lock: lock, netlink, is_ours, is_detached: false },
    };
    let Means::Clsact { netlink, .. } = &mut attached.means else { unreachable!() };
    for (hook, program) in [(Hook::Ingress, programs[0]), (Hook::Egress, programs[1])] {
        if let Err(error) = netlink.set_filter(if_index, hook, program) {
            return Err(match error.raw_os_error() {
                Some(libc::ENODEV) => AttachError::Gone,
                Some(libc::EINVAL) if !is_ours => AttachError::OtherQdisc,
                _ => AttachError::System("a filter of clsact", error),
            });
        }
    }
    Ok(attached)
}

impl Attached {
    /// Detaches the programs.
    ///
    /// # Errors
    /// A filter of clsact is still there. It can be tried again, and dropping this does so.
    pub(super) fn detach(&mut self) -> io::Result<()> {
        let (netlink, is_ours, is_detached) = match &mut self.means {
            Means::Tcx(links) => {
                // If one fails, its program is detached when this is dropped.
                links.iter().for_each(|link| drop(sys::detach_link(link)));
                return Ok(());
            }
            Means::Clsact { netlink, is_ours, is_detached, .. } => (netlink, is_ours, is_detached),
        };
        if *is_detached {
            return Ok(());
        }
        let mut is_empty = *is_ours;
        for hook in [Hook::Ingress, Hook::Egress] {
            match netlink.delete_filter(self.if_index, hook) {
                Err(error) if !is_absent(&error) => return Err(error),
                _ => {}
            }
            is_empty &= netlink.count_filters(self.if_index, hook).is_ok_and(|count| count == 0);
        }
        *is_detached = true;
        // Not if others have filters there, which the kernel would delete with it.
        if is_empty {
            if let Err(error) = netlink.delete_clsact(self.if_index) {
                log::debug!("interface {}: clsact: {error}", self.if_index);
            }
        }
        Ok(())
    }
}

/// The kernel's answers where the device, the qdisc or the filter is gone.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EINVAL | libc::ENOENT))
}

impl Drop for Attached {
    fn drop(&mut self) {
        if crate::fork::is_child() {
            return;
        }
        // The process may end now, so there is no later try.
        let result = self.detach().or_else(|_| self.detach());
        if let Err(error) = result {
            log::warn!(
                "interface {}: the kernel does not delete our filters of clsact ({error}). They \
                 forward nothing, and the next router replaces them",
                self.if_index
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::Loaded;
    use super::*;
    use mgm_netns::{self as netns, Wire};
    use std::os::fd::{AsFd, OwnedFd};

    /// Copies of the descriptors, as a child has them that another thread has just forked.
    fn copies(attached: &Attached) -> Vec<OwnedFd> {
        let fds = match &attached.means {
            Means::Tcx(links) => links.iter().map(AsFd::as_fd).collect(),
            Means::Clsact { _lock, .. } => vec![_lock.as_fd()],
        };
        fds.iter().map(|fd| fd.try_clone_to_owned().unwrap()).collect()
    }

    #[test]
    fn an_interface_can_be_served_again_while_a_child_holds_the_descriptors() {
        netns::run(|| {
            let [wire]: [Wire; 1] = netns::wires();
            let loaded = Loaded::new().unwrap();
            let attach = |how| Attached::new(wire.router, Framing::Ethernet, &loaded.programs, how);
            let attached = attach(Attachment::Auto).unwrap();
            if attached.is_tcx() {
                let _held = copies(&attached);
                drop(attached);
                attach(Attachment::Auto).unwrap();
            } else {
                drop(attached); // it has the lock, as those below
            }
            // Until the child runs another program. A busy machine may let that take too long.
            let is_served = (0..5).any(|_| {
                let attached = attach(Attachment::Clsact).unwrap();
                let held = copies(&attached);
                drop(attached);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        sleep(Duration::from_millis(10));
                        drop(held);
                    });
                    attach(Attachment::Clsact).is_ok()
                })
            });
            assert!(is_served);
        });
    }
}
