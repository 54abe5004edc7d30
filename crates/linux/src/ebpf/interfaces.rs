//! The interfaces that the forwarder serves: their attached programs, and the ports that entries
//! name.
//!
//! A port is an interface as an oif, with the number of its [`IfId`]. If an index has next hops,
//! each pair of index and next hop has its own port, but the programs are attached once.

use super::advice;
use super::attach::{Attached, Attachment};
use super::layout::{Arrivals, NEIGHBOUR, PORTS, UP};
use super::links::{Facts, Framing, LinkSocket};
use super::load::Loaded;
use super::ports::{reset, set_limit, set_port};
use super::requests::Netlink;
use crate::types::{IfId, Interface, Ipv4Addr, Rate, Refusal, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::{Duration, Instant};

/// The interfaces of an index.
#[derive(Debug)]
struct Served {
    /// `None` while the kernel's multicast routing has a VIF there.
    attached: Option<Attached>,
    facts: Facts,
    /// Its ports with their next hops. The counters of arrivals are those of the first.
    ports: Vec<(IfId, Ipv4Addr)>,
    /// The number of the element that counts arrivals.
    arrivals: usize,
    /// Its device is gone, also if another one has the index by now.
    is_lost: bool,
}

/// How many flows may begin on an index in a second.
#[derive(Debug)]
struct Limit {
    rate: Rate,
    /// The refused packets that a message has reported, and when.
    reported: u64,
    last_line: Option<Instant>,
}

/// The time between two messages about refused flows of an interface.
const LINES: Duration = Duration::from_secs(60);

/// All interfaces that are served.
#[derive(Debug)]
pub(super) struct Interfaces {
    links: LinkSocket,
    requests: Netlink,
    how: Attachment,
    by_index: BTreeMap<u32, Served>,
    by_id: BTreeMap<IfId, Interface>,
    /// Numbers of ports that programs may still use for the former interface.
    stale: BTreeSet<IfId>,
    /// How many flows may begin on an index in a second. Kept when the interface goes.
    limits: BTreeMap<u32, Limit>,
    unfinished: Unfinished,
}

/// What the kernel has refused. It is tried again every second.
#[derive(Debug, Default)]
struct Unfinished {
    /// Indexes whose state could not be read, or whose programs could not be attached again.
    unread: BTreeSet<u32>,
    /// What could not be detached, by index.
    detached: BTreeMap<u32, Attached>,
    /// Indexes that the programs still take for served ones.
    in_map: BTreeSet<u32>,
    /// Indexes that still receive all multicast packets.
    all_multicast: BTreeSet<u32>,
    /// Indexes with a next hop whose Ethernet address the kernel does not know.
    unresolved: BTreeSet<u32>,
    last_try: Option<Instant>,
}

impl Unfinished {
    fn is_empty(&self) -> bool {
        self.unread.is_empty()
            && self.detached.is_empty()
            && self.in_map.is_empty()
            && self.all_multicast.is_empty()
            && self.unresolved.is_empty()
    }
}

/// The time until what the kernel has refused is tried again.
const RETRY: Duration = Duration::from_secs(1);

impl Interfaces {
    pub(super) fn open(how: Attachment) -> io::Result<Interfaces> {
        Ok(Interfaces {
            links: LinkSocket::open()?,
            requests: Netlink::open()?,
            how,
            by_index: BTreeMap::new(),
            by_id: BTreeMap::new(),
            stale: BTreeSet::new(),
            limits: BTreeMap::new(),
            unfinished: Unfinished::default(),
        })
    }

    /// The interface of a number.
    pub(super) fn interface(&self, id: IfId) -> Option<Interface> {
        self.by_id.get(&id).copied()
    }

    /// The index of an interface, if it is served.
    pub(super) fn index(&self, id: IfId) -> Option<u32> {
        self.by_id.get(&id).map(|interface| interface.index)
    }

    /// The interface that packets arrive on at an index. Of several next hops the first: frames do
    /// not say which neighbour sent them.
    pub(super) fn arrival(&self, if_index: u32) -> Option<Interface> {
        let (_, next_hop) = *self.by_index.get(&if_index)?.ports.first()?;
        Some(Interface { index: if_index, next_hop })
    }

    /// Whether the programs look at packets of an index.
    pub(super) fn is_attached(&self, if_index: u32) -> bool {
        let served = self.by_index.get(&if_index);
        served.is_some_and(|served| served.attached.is_some() && !served.is_lost)
    }

    /// Whether an interface of this index is served.
    pub(super) fn has(&self, if_index: u32) -> bool {
        self.by_index.contains_key(&if_index)
    }

    /// Whether programs may still use the port for its former interface.
    pub(super) fn is_stale(&self, id: IfId) -> bool {
        self.stale.contains(&id)
    }

    /// There was a grace period: no program uses the former interface of any port.
    pub(super) fn settle(&mut self) {
        self.stale.clear();
    }

    /// Serves an interface.
    pub(super) fn add(&mut self, loaded: &Loaded, id: IfId, interface: Interface) -> Result<()> {
        if usize::from(id.0) >= PORTS {
            return Err(advice::too_many(interface));
        }
        match self.by_id.get(&id) {
            Some(same) if *same == interface => return Ok(()),
            Some(other) => return Err(advice::same_number(interface, *other)),
            None => {}
        }
        let gone = Refusal::NoSuchInterface(interface.index);
        let facts = match self.links.facts(interface.index) {
            Ok(Some(facts)) => facts,
            Ok(None) => return Err(gone),
            Err(error) => return Err(advice::unknown(&error, interface)),
        };
        if let Some((other, _)) = self.by_id.iter().find(|(_, other)| **other == interface) {
            return Err(advice::same_interface(interface, *other));
        }
        let Some(framing) = facts.framing else {
            return Err(advice::no_framing(interface, &facts));
        };
        if !interface.next_hop.is_unspecified() && framing != Framing::Ethernet {
            return Err(advice::no_neighbours(interface, &facts));
        }
        if let Some(served) = self.by_index.get_mut(&interface.index) {
            if served.is_lost {
                return Err(gone);
            }
            served.ports.push((id, interface.next_hop));
        } else {
            let served = self.attach(loaded, (id, interface), facts, framing)?;
            self.by_index.insert(interface.index, served);
        }
        self.by_id.insert(id, interface);
        self.refresh_index(loaded, interface.index);
        if self.unfinished.unresolved.contains(&interface.index) {
            self.resolve(loaded, interface.index);
        }
        Ok(())
    }

    fn attach(
        &mut self,
        loaded: &Loaded,
        (id, interface): (IfId, Interface),
        facts: Facts,
        framing: Framing,
    ) -> Result<Served> {
        let index = interface.index;
        self.finish_index(loaded, index);
        let arrivals = self.free_arrivals(id);
        let counters = loaded.maps.arrivals.get(arrivals);
        reset(counters);
        set_limit(counters, self.limits.get(&index).map(|limit| limit.rate));
        self.limits.entry(index).and_modify(|limit| limit.reported = 0);
        // An error is not a reason to refuse: kernels without multicast routing have none.
        if self.requests.has_vif(index).unwrap_or(false) {
            return Err(advice::has_vif(interface, &facts.name));
        }
        let attached = Attached::new(index, framing, &loaded.programs, self.how)
            .map_err(|error| advice::unattached(&error, interface, &facts.name))?;
        let is_tcx = attached.is_tcx();
        self.links
            .receive_all(index, true)
            .map_err(|error| advice::not_all(&error, interface, &facts.name))?;
        // Last, because from here on the programs look at packets.
        if let Err(error) = loaded.maps.ifaces.update(&index, &(arrivals as u32)) {
            let _ = self.links.receive_all(index, false);
            return Err(advice::no_port(&error, interface, &facts.name));
        }
        log::debug!(
            "{interface} ({}) is served by {}",
            facts.name,
            if is_tcx { "tcx" } else { "clsact" }
        );
        let ports = vec![(id, interface.next_hop)];
        Ok(Served { attached: Some(attached), facts, ports, arrivals, is_lost: false })
    }

    /// An element for arrivals that no other index uses: the one with the number of the port, unless
    /// that port was the first of an index whose other ports are still served.
    fn free_arrivals(&self, id: IfId) -> usize {
        let used: BTreeSet<usize> = self.by_index.values().map(|served| served.arrivals).collect();
        let mut numbers = (0..PORTS).map(|step| (usize::from(id.0) + step) % PORTS);
        numbers.find(|number| !used.contains(number)).unwrap_or_default()
    }

    /// Sets how many flows may begin on the interfaces of an index in a second.
    pub(super) fn set_limit(&mut self, loaded: &Loaded, if_index: u32, rate: Option<Rate>) {
        match rate {
            Some(rate) => {
                let reported = self.refused(loaded, if_index);
                let limit = Limit { rate, reported, last_line: None };
                self.limits.insert(if_index, limit)
            }
            None => self.limits.remove(&if_index),
        };
        if let Some(served) = self.by_index.get(&if_index) {
            set_limit(loaded.maps.arrivals.get(served.arrivals), rate);
        }
    }

    /// How many packets of new flows the limit of an index has refused.
    pub(super) fn refused(&self, loaded: &Loaded, if_index: u32) -> u64 {
        let served = self.by_index.get(&if_index);
        served.map_or(0, |served| loaded.maps.arrivals.get(served.arrivals).refused.load(Relaxed))
    }

    /// Logs that a limit has refused flows: at most once a minute for an interface.
    pub(super) fn report_refused(&mut self, loaded: &Loaded) {
        for (if_index, limit) in &mut self.limits {
            let Some(served) = self.by_index.get(if_index) else { continue };
            let refused = loaded.maps.arrivals.get(served.arrivals).refused.load(Relaxed);
            let may_log = limit.last_line.is_none_or(|last| last.elapsed() >= LINES);
            if refused > limit.reported && may_log {
                limit.last_line = Some(Instant::now());
                let rate = limit.rate;
                log::warn!(
                    "{}",
                    advice::refused(*if_index, &served.facts.name, rate, refused - limit.reported)
                );
                limit.reported = refused;
            }
        }
    }

    /// Ends serving an interface. No entry names it any longer, but programs may still use it.
    pub(super) fn remove(&mut self, loaded: &Loaded, id: IfId) {
        let Some(interface) = self.by_id.remove(&id) else { return };
        loaded.maps.ports.get(id.0.into()).flags.store(0, Release);
        self.stale.insert(id);
        let Some(served) = self.by_index.get_mut(&interface.index) else { return };
        served.ports.retain(|(other, _)| *other != id);
        if !served.ports.is_empty() {
            return;
        }
        self.detach(loaded, interface.index);
    }

    fn detach(&mut self, loaded: &Loaded, if_index: u32) {
        let Some(served) = self.by_index.remove(&if_index) else { return };
        let is_lost = served.is_lost;
        self.leave_map(loaded, if_index, &served.facts.name);
        if let Some(mut attached) = served.attached {
            if let Err(error) = attached.detach() {
                log::debug!("{}: cannot detach: {error}", served.facts.name);
                self.unfinished.detached.insert(if_index, attached);
            }
        }
        // If the device is gone, the request has ended with it.
        if let Err(error) = self.links.receive_all(if_index, false) {
            if !is_lost {
                log::debug!("{}: receives all multicast packets: {error}", served.facts.name);
                self.unfinished.all_multicast.insert(if_index);
            }
        }
    }

    /// The programs no longer take packets of the index for those of an interface.
    fn leave_map(&mut self, loaded: &Loaded, if_index: u32, name: &str) {
        if let Err(error) = loaded.maps.ifaces.delete(&if_index) {
            log::debug!("{name}: cannot stop serving it: {error}");
            self.unfinished.in_map.insert(if_index);
        }
    }

    /// Whether the kernel has refused something that is to be tried again.
    pub(super) fn has_unfinished(&self) -> bool {
        !self.unfinished.is_empty()
    }

    /// Tries again what the kernel has refused, once a second.
    pub(super) fn finish(&mut self, loaded: &Loaded) {
        let unfinished = &mut self.unfinished;
        let is_due = unfinished.last_try.is_none_or(|last| last.elapsed() >= RETRY);
        if unfinished.is_empty() || !is_due {
            return;
        }
        unfinished.last_try = Some(Instant::now());
        let unread = std::mem::take(&mut unfinished.unread);
        let mut left: BTreeSet<u32> = unfinished.detached.keys().copied().collect();
        left.extend(unfinished.in_map.union(&unfinished.all_multicast));
        left.into_iter().for_each(|index| self.finish_index(loaded, index));
        unread.into_iter().for_each(|index| self.refresh_index(loaded, index));
        let unresolved: Vec<u32> = self.unfinished.unresolved.iter().copied().collect();
        unresolved.into_iter().for_each(|index| self.resolve(loaded, index));
    }

    /// Makes the kernel find out the addresses of those next hops of an index that it does not know.
    fn resolve(&mut self, loaded: &Loaded, if_index: u32) {
        let Some(served) = self.by_index.get(&if_index) else {
            self.unfinished.unresolved.remove(&if_index);
            return;
        };
        for (id, next_hop) in &served.ports {
            let flags = loaded.maps.ports.get(id.0.into()).flags.load(Relaxed);
            if flags & NEIGHBOUR == 0 || flags & UP != 0 {
                continue;
            }
            if let Err(error) = self.requests.resolve(if_index, *next_hop) {
                // CAP_NET_ADMIN is missing. Then only other packets to the neighbour make the
                // kernel ask for its address.
                log::debug!("{next_hop} on {}: cannot be resolved: {error}", served.facts.name);
            }
        }
    }

    /// The same for what is left of an index that is no longer served.
    fn finish_index(&mut self, loaded: &Loaded, if_index: u32) {
        let Unfinished { detached, in_map, all_multicast, .. } = &mut self.unfinished;
        if detached.get_mut(&if_index).is_some_and(|attached| attached.detach().is_ok()) {
            detached.remove(&if_index);
        }
        if in_map.contains(&if_index) && loaded.maps.ifaces.delete(&if_index).is_ok() {
            in_map.remove(&if_index);
        }
        if all_multicast.contains(&if_index) {
            match self.links.receive_all(if_index, false) {
                Err(error) if !is_gone(&error) => {}
                _ => drop(all_multicast.remove(&if_index)),
            }
        }
    }

    /// Detaches everything.
    pub(super) fn clear(&mut self, loaded: &Loaded) {
        let all: Vec<u32> = self.by_index.keys().copied().collect();
        all.into_iter().for_each(|index| self.detach(loaded, index));
    }

    /// The interfaces whose device is gone.
    pub(super) fn lost(&mut self, loaded: &Loaded) -> Result<Vec<IfId>> {
        let all: Vec<u32> = self.by_index.keys().copied().collect();
        for index in all {
            self.look(loaded, index)?;
        }
        let lost = self.by_index.values().filter(|served| served.is_lost);
        Ok(lost.flat_map(|served| served.ports.iter().map(|(id, _)| *id)).collect())
    }

    /// Finds out whether the device of an index is still the one that is served. If not, its ports
    /// are down from now on.
    fn look(&mut self, loaded: &Loaded, if_index: u32) -> Result<()> {
        let Some(served) = self.by_index.get_mut(&if_index) else { return Ok(()) };
        if served.is_lost {
            return Ok(());
        }
        let unknown = |error| advice::unknown(&error, Interface::link(if_index));
        let facts = self.links.facts(if_index).map_err(unknown)?;
        let attached = served.attached.as_mut().map(Attached::is_attached);
        let is_attached = attached.unwrap_or(Ok(true)).map_err(unknown)?;
        if facts.is_some() && is_attached {
            return Ok(());
        }
        served.is_lost = true;
        for (id, _) in &served.ports {
            loaded.maps.ports.get(id.0.into()).flags.store(0, Release);
        }
        let name = served.facts.name.clone();
        // A program stays attached to a device that has moved to another namespace. There it must
        // not take packets for those of an interface of this one.
        self.leave_map(loaded, if_index, &name);
        Ok(())
    }

    /// The state of an interface, or of its neighbours, has changed.
    pub(super) fn refresh_index(&mut self, loaded: &Loaded, if_index: u32) {
        // Another device may have the index by now.
        let mut is_known = self.look(loaded, if_index).is_ok();
        let Some(served) = self.by_index.get_mut(&if_index) else { return };
        if served.is_lost {
            return;
        }
        let mut note = |name: &str, error: &dyn std::fmt::Display| {
            log::debug!("{name}: {error}: trying again in a second");
            is_known = false;
        };
        match self.requests.has_vif(if_index) {
            Ok(has_vif) => {
                if let Err(refusal) = keep_apart(served, (if_index, has_vif), loaded, self.how) {
                    note(&served.facts.name, &refusal);
                }
            }
            // Kernels without multicast routing have no VIFs.
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {}
            Err(error) => note(&served.facts.name, &error),
        }
        match self.links.facts(if_index) {
            Ok(Some(facts)) => served.facts = facts,
            Ok(None) => served.facts.is_up = false,
            Err(error) => note(&served.facts.name, &error),
        }
        let mut is_resolved = true;
        for &(id, next_hop) in &served.ports {
            let neighbour = (!next_hop.is_unspecified()).then(|| {
                self.links.neighbour(&served.facts.name, next_hop).unwrap_or_else(|error| {
                    note(&served.facts.name, &error);
                    None
                })
            });
            is_resolved &= neighbour != Some(None) || !served.facts.is_up;
            let port = loaded.maps.ports.get(id.0.into());
            let is_ours = served.attached.is_some();
            set_port(port, (if_index, &served.facts), (is_ours, neighbour));
        }
        if is_resolved {
            self.unfinished.unresolved.remove(&if_index);
        } else {
            self.unfinished.unresolved.insert(if_index);
        }
        if !is_known {
            self.unfinished.last_try = Some(Instant::now());
            self.unfinished.unread.insert(if_index);
        }
    }

    /// The same, for all.
    pub(super) fn refresh_all(&mut self, loaded: &Loaded) {
        let all: Vec<u32> = self.by_index.keys().copied().collect();
        all.into_iter().for_each(|index| self.refresh_index(loaded, index));
    }

    /// The elements that count arrivals.
    pub(super) fn arrivals<'a>(
        &'a self,
        loaded: &'a Loaded,
    ) -> impl Iterator<Item = (u32, &'a Arrivals)> {
        self.by_index
            .iter()
            .map(|(index, served)| (*index, loaded.maps.arrivals.get(served.arrivals)))
    }
}

/// The device is gone, and what was asked of it with it.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENODEV | libc::EADDRNOTAVAIL))
}

/// Another daemon may add a VIF to an interface that is served, or delete it again. Meanwhile the
/// programs are detached, because the kernel would forward the same packets.
fn keep_apart(
    served: &mut Served,
    (if_index, has_vif): (u32, bool),
    loaded: &Loaded,
    how: Attachment,
) -> Result<()> {
    let name = served.facts.name.clone();
    if let (true, Some(attached)) = (has_vif, &mut served.attached) {
        let unattached = |error: &io::Error| advice::undetached(error, if_index, &name);
        attached.detach().map_err(|error| unattached(&error))?;
        served.attached = None;
        log::warn!(
            "{name} (index {if_index}): another multicast daemon (pimd, smcrouted, mrouted, \
             igmpproxy ...) has added it to the kernel's multicast routing: the ebpf forwarder \
             forwards nothing there until that daemon releases it, because receivers would get \
             packets twice"
        );
    } else if !has_vif && served.attached.is_none() {
        let Some(framing) = served.facts.framing else { return Ok(()) };
        let attached = Attached::new(if_index, framing, &loaded.programs, how)
            .map_err(|error| advice::unattached(&error, Interface::link(if_index), &name))?;
        served.attached = Some(attached);
        log::info!(
            "{name} (index {if_index}): the other multicast daemon has released it: the ebpf \
             forwarder serves it again"
        );
    }
    Ok(())
}
