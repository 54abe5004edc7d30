//! The interfaces that the forwarder serves: their attached programs, and the ports that entries
//! name.
//!
//! A port is an interface as an oif, with the number of its [`IfId`]. If an index has next hops,
//! each pair of index and next hop has its own port, but the programs are attached once.
//!
//! System calls about interfaces may wait for the lock that all users of the kernel's links share. So
//! they are made with [`Work`] locked, for which no thread waits that installs entries, reads counters
//! or passes upcalls on: these lock only the [`View`].

use super::advice;
use super::attach::{Attached, Attachment};
use super::layout::PORTS;
use super::links::{Facts, Framing, LinkSocket};
use super::load::Loaded;
use super::requests::Netlink;
use super::view::View;
use super::work::{Served, Unfinished, Work};
use crate::types::{IfId, Interface, Refusal, Result};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering::Release;

/// All interfaces that are served. `work` is locked before `view`.
#[derive(Debug)]
pub(super) struct Interfaces {
    view: Mutex<View>,
    work: Mutex<Work>,
}

impl Interfaces {
    pub(super) fn open(how: Attachment) -> io::Result<Interfaces> {
        let work = Work {
            links: LinkSocket::open()?,
            requests: Netlink::open()?,
            how,
            by_index: BTreeMap::new(),
            unfinished: Unfinished::default(),
        };
        Ok(Interfaces { view: Mutex::default(), work: Mutex::new(work) })
    }

    /// What is known of them. Nobody makes a system call while this is locked.
    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock()
    }

    #[cfg(test)]
    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock()
    }

    /// Other threads see the state of an index.
    fn show(&self, work: &Work, if_index: u32) {
        let seen = work.by_index.get(&if_index).and_then(Served::seen);
        self.view.lock().show(if_index, seen);
    }

    /// Serves an interface.
    pub(super) fn add(&self, loaded: &Loaded, id: IfId, interface: Interface) -> Result<()> {
        if usize::from(id.0) >= PORTS {
            return Err(advice::too_many(interface));
        }
        let mut work = self.work.lock();
        let known = self.view.lock().interface(id);
        match known {
            Some(same) if same == interface => return Ok(()),
            Some(other) => return Err(advice::same_number(interface, other)),
            None => {}
        }
        let gone = Refusal::NoSuchInterface(interface.index);
        let facts = match work.links.facts(interface.index) {
            Ok(Some(facts)) => facts,
            Ok(None) => return Err(gone),
            Err(error) => return Err(advice::unknown(&error, interface)),
        };
        self.view.lock().refuse_same(interface)?;
        let Some(framing) = facts.framing else {
            return Err(advice::no_framing(interface, &facts));
        };
        if !interface.next_hop.is_unspecified() && framing != Framing::Ethernet {
            return Err(advice::no_neighbours(interface, &facts));
        }
        if let Some(served) = work.by_index.get_mut(&interface.index) {
            if served.is_lost {
                return Err(gone);
            }
            served.ports.push((id, interface.next_hop));
        } else {
            self.attach(&mut work, loaded, (id, interface), (facts, framing))?;
        }
        self.view.lock().add(id, interface);
        work.refresh(loaded, interface.index);
        self.show(&work, interface.index);
        if work.unfinished.unresolved.contains(&interface.index) {
            work.resolve(loaded, interface.index);
        }
        Ok(())
    }

    fn attach(
        &self,
        work: &mut Work,
        loaded: &Loaded,
        (id, interface): (IfId, Interface),
        (facts, framing): (Facts, Framing),
    ) -> Result<()> {
        let index = interface.index;
        work.finish_index(loaded, index);
        let arrivals = work.free_arrivals(id);
        self.view.lock().begin_counting(index, loaded.maps.arrivals.get(arrivals));
        match work.requests.has_vif(index) {
            Ok(true) => return Err(advice::has_vif(interface, &facts.name)),
            Ok(false) => {}
            // If it is one, receivers would get packets twice.
            Err(error) => return Err(advice::unknown(&error, interface)),
        }
        let attached = Attached::new(index, framing, &loaded.programs, work.how)
            .map_err(|error| advice::unattached(&error, interface, &facts.name))?;
        let is_tcx = attached.is_tcx();
        work.links
            .receive_all(index, true)
            .map_err(|error| advice::not_all(&error, interface, &facts.name))?;
        let (name, ports) = (facts.name.clone(), vec![(id, interface.next_hop)]);
        let attached = Some(attached);
        let served = Served { attached, apart: None, facts, ports, arrivals, is_lost: false };
        work.by_index.insert(index, served);
        self.show(work, index);
        // Last, because from here on the programs look at packets.
        if let Err(error) = loaded.maps.ifaces.update(&index, &(arrivals as u32)) {
            work.by_index.remove(&index);
            self.show(work, index);
            let _ = work.links.receive_all(index, false);
            return Err(advice::no_port(&error, interface, &name));
        }
        // It may have failed to leave when it was released before.
        work.unfinished.in_map.remove(&index);
        log::debug!("{interface} ({name}) is served by {}", if is_tcx { "tcx" } else { "clsact" });
        Ok(())
    }

    /// Ends serving an interface. No entry names it any longer, but programs may still use it.
    pub(super) fn remove(&self, loaded: &Loaded, id: IfId) {
        let mut work = self.work.lock();
        let Some(interface) = self.view.lock().remove(id) else { return };
        loaded.maps.ports.get(id.0.into()).flags.store(0, Release);
        let Some(served) = work.by_index.get_mut(&interface.index) else { return };
        served.ports.retain(|(other, _)| *other != id);
        if served.ports.is_empty() {
            self.detach(&mut work, loaded, interface.index);
        } else {
            self.show(&work, interface.index);
        }
    }

    fn detach(&self, work: &mut Work, loaded: &Loaded, if_index: u32) {
        let Some(served) = work.by_index.remove(&if_index) else { return };
        self.show(work, if_index);
        let is_lost = served.is_lost;
        work.leave_map(loaded, if_index, &served.facts.name);
        if let Some(mut attached) = served.attached {
            if let Err(error) = attached.detach() {
                log::debug!("{}: cannot detach: {error}", served.facts.name);
                work.unfinished.detached.insert(if_index, attached);
            }
        }
        // The request has gone with a device that is gone.
        if let Err(error) = work.links.receive_all(if_index, false) {
            if !is_lost {
                log::debug!("{}: receives all multicast packets: {error}", served.facts.name);
                work.unfinished.all_multicast.insert(if_index);
            }
        }
    }

    /// Detaches everything.
    pub(super) fn clear(&self, loaded: &Loaded) {
        let mut work = self.work.lock();
        let all: Vec<u32> = work.by_index.keys().copied().collect();
        all.into_iter().for_each(|index| self.detach(&mut work, loaded, index));
    }

    /// The interfaces whose device is gone.
    pub(super) fn lost(&self, loaded: &Loaded) -> Result<Vec<IfId>> {
        let mut work = self.work.lock();
        let all: Vec<u32> = work.by_index.keys().copied().collect();
        for index in all {
            let looked = work.look(loaded, index);
            self.show(&work, index);
            looked?;
        }
        let lost = work.by_index.values().filter(|served| served.is_lost);
        Ok(lost.flat_map(|served| served.ports.iter().map(|(id, _)| *id)).collect())
    }

    /// The state of these interfaces, or of their neighbours, has changed.
    pub(super) fn refresh(&self, loaded: &Loaded, indexes: impl IntoIterator<Item = u32>) {
        for index in indexes {
            // Others get the lock in between.
            let mut work = self.work.lock();
            work.refresh(loaded, index);
            self.show(&work, index);
        }
    }

    /// The same, for all.
    pub(super) fn refresh_all(&self, loaded: &Loaded) {
        let all: Vec<u32> = self.work.lock().by_index.keys().copied().collect();
        self.refresh(loaded, all);
    }

    /// Whether the kernel has refused something that is to be tried again.
    pub(super) fn has_unfinished(&self) -> bool {
        !self.work.lock().unfinished.is_empty()
    }

    /// Tries again what the kernel has refused, once a second.
    pub(super) fn finish(&self, loaded: &Loaded) {
        let mut work = self.work.lock();
        for index in work.finish(loaded) {
            self.show(&work, index);
        }
    }

    /// Logs that limits have refused flows.
    pub(super) fn report_refused(&self, loaded: &Loaded) {
        let lines = self.view.lock().lines_about_refused(loaded);
        lines.iter().for_each(|line| log::warn!("{line}"));
    }
}
