//! One routing daemon: its VIFs, its entries, its groups on mgm0, and what its calls cause.
//!
//! The daemon holds a membership for each entry on each outgoing interface of the entry. For each
//! group that it has joined on mgm0, it holds a membership on each of its interfaces. `held` has
//! these memberships, and `Daemon::sync` makes them follow a change.

use crate::inbox::Inbox;
use crate::options::{Errno, Mfc, MrouteOption, MAXVIFS};
use crate::refused::Refused;
use crate::watched::Watched;
use mgm_engine::Join;
use mgm_remote::messages::{Ack, Callback, Reply, Request, WireRefusal};
use mgm_types::{Code, Flow, Interface, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The connection to mgmd is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// mgmd, as a daemon uses it.
pub trait Router {
    /// Makes a call.
    ///
    /// # Errors
    /// `Lost`.
    fn call(&mut self, request: Request) -> Result<Reply, Lost>;

    /// Acknowledges a callback.
    fn acknowledge(&mut self, ack: Ack);

    /// The name of the interface with this index, for the log.
    fn name(&self, index: u32) -> String;
}

/// All groups (\*,\*).
pub(crate) fn everything() -> Flow {
    Flow::any_source(Ipv4Addr::UNSPECIFIED)
}

/// What a VIF is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vif {
    /// The interface with this index, which the daemon owns.
    Real(u32),
    /// mgm0: the rest of the router.
    Rest,
    /// The register interface of PIM. Packets in PIM registers arrive on mgmreg.
    Register,
}

/// A question whose upcall the daemon has not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub callback: Callback,
    pub flow: Flow,
    /// The VIF that the upcall names.
    pub vif: u16,
    /// The daemon has read the upcall.
    pub is_read: bool,
}

/// What the daemon hears on mgm0.
#[derive(Debug)]
pub(crate) struct Rest {
    /// The address of the host on mgm0 that speaks for all others.
    pub peer: Ipv4Addr,
    /// What others want.
    pub wanted: BTreeSet<Flow>,
}

impl Default for Rest {
    fn default() -> Rest {
        Rest { peer: Ipv4Addr::UNSPECIFIED, wanted: BTreeSet::new() }
    }
}

/// A daemon.
#[derive(Debug, Default)]
pub struct Daemon {
    /// The number of its client at mgmd; 0 while it is not connected.
    pub(crate) client: u64,
    pub(crate) vifs: [Option<Vif>; MAXVIFS],
    /// The index of mgmreg, which the daemon owns if it has the register interface.
    pub(crate) register: Option<u32>,
    pub(crate) entries: BTreeMap<Flow, Mfc>,
    /// What it has joined on mgm0, and on how many sockets.
    pub(crate) joins: BTreeMap<Flow, usize>,
    /// The memberships that mgmd has of it.
    pub(crate) held: BTreeSet<(Flow, u32)>,
    /// What mgmd refused after the connection was lost.
    pub(crate) refused: Refused,
    /// Flows without an entry that mgmd forwards.
    pub(crate) watched: Watched,
    pub(crate) asserts: bool,
    pub(crate) pims: bool,
    /// The rest of the router as the daemon hears it on mgm0.
    pub(crate) rest: Rest,
    /// Datagrams that it has not read yet.
    pub(crate) inbox: Inbox,
    /// Callbacks that wait for the answer to an earlier one.
    pub(crate) events: VecDeque<Callback>,
    pub(crate) pending: Option<Pending>,
    /// The flow for which it has just not answered where the packets arrive.
    pub(crate) silent: Option<Flow>,
    /// Lines for the log.
    pub log: Vec<String>,
}

impl Daemon {
    /// mgmd has registered the daemon, for the first time or again after the connection was lost:
    /// tells it everything that the daemon has said so far.
    pub fn connected(&mut self, router: &mut impl Router, client: u64) {
        self.client = client;
        self.held.clear();
        self.refused = Refused::default();
        for index in self.owned() {
            if self.take(router, index).is_err() {
                self.refused.takes.insert(index);
            }
        }
        // Before the daemon's own memberships are added, which mgmd's list would include.
        if self.has_rest() {
            self.learn(router);
        }
        self.sync_all(router);
    }

    /// The connection is lost. What the daemon has said is kept for the next one.
    pub fn lost(&mut self) {
        self.client = 0;
        self.pending = None;
        self.silent = None;
        self.events.clear();
        self.inbox.drop_question();
        self.held.clear();
        self.watched.clear();
        self.forget_others();
    }

    /// Whether mgmd knows the daemon.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client != 0
    }

    /// Ends the registration in order (MRT_DONE).
    pub fn done(&mut self, router: &mut impl Router) {
        let client = self.client;
        for index in self.owned() {
            let interface = Interface::link(index);
            self.ask(router, Request::Release { client, interface }).ok();
        }
        self.ask(router, Request::Deregister { client }).ok();
    }

    /// A socket option of multicast routing, except for MRT_INIT, MRT_DONE, MRT_TABLE and
    /// MRT_ADD_VIF.
    ///
    /// # Errors
    /// The errno.
    pub fn set(&mut self, router: &mut impl Router, option: MrouteOption) -> Result<(), Errno> {
        match option {
            MrouteOption::DelVif { vif } => self.delete_vif(router, vif),
            MrouteOption::AddMfc(mfc) => self.add_entry(router, mfc),
            MrouteOption::DelMfc(flow) => self.delete_entry(router, flow),
            MrouteOption::Flush { entries, vifs } => {
                if entries {
                    for flow in self.entries.keys().copied().collect::<Vec<_>>() {
                        self.delete_entry(router, flow)?;
                    }
                }
                for vif in (0..MAXVIFS).filter(|_| vifs) {
                    if self.vifs[vif].is_some() {
                        self.delete_vif(router, vif as u16)?;
                    }
                }
                Ok(())
            }
            MrouteOption::Assert(on) => {
                self.asserts = on;
                Ok(())
            }
            MrouteOption::Pim(on) => {
                (self.pims, self.asserts) = (on, on);
                self.sync(router, everything());
                Ok(())
            }
            _ => Err(libc::ENOPROTOOPT),
        }
    }

    /// The values of MRT_ASSERT and MRT_PIM.
    #[must_use]
    pub fn modes(&self) -> (bool, bool) {
        (self.asserts, self.pims)
    }

    fn add_entry(&mut self, router: &mut impl Router, mfc: Mfc) -> Result<(), Errno> {
        let flow = mfc.flow;
        if usize::from(mfc.parent) >= MAXVIFS {
            return Err(libc::ENFILE);
        }
        if !flow.group().is_multicast() && flow.group() != Ipv4Addr::UNSPECIFIED {
            return Err(libc::EINVAL);
        }
        let is_news = self.are_all_wanted()
            && !self.entries.keys().any(|known| known.group() == flow.group());
        let former = self.entries.insert(flow, mfc);
        let (added, refused) = self.add_missing(router, flow);
        if let Some(errno) = refused {
            match former {
                Some(former) => self.entries.insert(flow, former),
                None => self.entries.remove(&flow),
            };
            self.delete_others(router, flow);
            return Err(errno);
        }
        self.delete_others(router, flow);
        self.watched.remove(flow);
        if former.as_ref() != self.entries.get(&flow) {
            self.switch(router, flow, former.as_ref(), &added);
        }
        if is_news {
            self.report(flow.group());
        }
        self.answer_pending(router);
        Ok(())
    }

    fn delete_entry(&mut self, router: &mut impl Router, flow: Flow) -> Result<(), Errno> {
        self.entries.remove(&flow).ok_or(libc::ENOENT)?;
        self.sync(router, flow);
        if self.is_wild() && !self.is_joined(flow) && flow.has_source() && !flow.is_link_local() {
            for index in self.interfaces() {
                self.forward(router, (flow, index), false);
            }
        }
        self.watch_deleted(router, flow);
        Ok(())
    }

    /// The daemon joins a group on mgm0, which stands for the rest of the router.
    ///
    /// # Errors
    /// EINVAL: no group. Others: mgmd has refused a membership, and the daemon has not joined.
    pub fn join(&mut self, router: &mut impl Router, flow: Flow) -> Result<(), Errno> {
        if !flow.group().is_multicast() {
            return Err(libc::EINVAL);
        }
        *self.joins.entry(flow).or_default() += 1;
        if let (_, Some(errno)) = self.add_missing(router, flow) {
            self.leave(router, flow);
            return Err(errno);
        }
        Ok(())
    }

    /// The daemon leaves a group on mgm0.
    pub fn leave(&mut self, router: &mut impl Router, flow: Flow) {
        let Some(count) = self.joins.get_mut(&flow) else { return };
        *count -= 1;
        if *count == 0 {
            self.joins.remove(&flow);
            self.sync(router, flow);
        }
    }

    /// Makes the memberships of one flow what the entries and the groups on mgm0 say.
    pub(crate) fn sync(&mut self, router: &mut impl Router, flow: Flow) {
        self.add_missing(router, flow);
        self.delete_others(router, flow);
    }

    /// Whether there is to be a membership of this flow on this interface.
    fn is_due(&self, (flow, index): (Flow, u32)) -> bool {
        let is_wild = flow == everything() && self.is_wild();
        !flow.is_link_local()
            && (is_wild || self.joins.contains_key(&flow) || self.oifs(flow).contains(&index))
    }

    /// The memberships of a flow that are due, and that mgmd does not have.
    pub(crate) fn missing(&self, flow: Flow) -> Vec<(Flow, u32)> {
        let places = self.interfaces().into_iter().map(|index| (flow, index));
        places.filter(|place| self.is_due(*place) && !self.held.contains(place)).collect()
    }

    /// Adds the memberships that are missing. Returns the interfaces with a new membership, which
    /// are oifs of the MFE without a further call, and the errno if mgmd refuses one. On an
    /// interface that mgmd did not give back, `tick` adds it later.
    pub(crate) fn add_missing(
        &mut self,
        router: &mut impl Router,
        flow: Flow,
    ) -> (Vec<u32>, Option<Errno>) {
        let (mut added, mut errno) = (Vec::new(), None);
        for place in self.missing(flow) {
            if self.refused.takes.contains(&place.1) {
                continue;
            }
            match self.tell(router, self.change(place, true, Join::State), place) {
                Ok(()) => {
                    self.held.insert(place);
                    self.refused.adds.remove(&place);
                    added.push(place.1);
                    if flow == everything() {
                        self.ask_about_all(router, place.1);
                    }
                }
                Err(refusal) => errno = Some(refusal),
            }
        }
        (added, errno)
    }

    fn delete_others(&mut self, router: &mut impl Router, flow: Flow) {
        for index in self.interfaces() {
            let place = (flow, index);
            if self.is_due(place) {
                continue;
            }
            self.refused.adds.remove(&place);
            if self.held.remove(&place) {
                self.tell(router, self.change(place, false, Join::State), place).ok();
            }
        }
    }

    /// An entry is new or has changed: switches its outgoing interfaces in the MFE, if there is one.
    fn switch(
        &mut self,
        router: &mut impl Router,
        flow: Flow,
        former: Option<&Mfc>,
        added: &[u32],
    ) {
        if !flow.has_source() || flow.is_link_local() {
            return;
        }
        let before = former.map(|mfc| self.indices(mfc));
        let was_on =
            |index| before.as_ref().is_none_or(|before: &Vec<u32>| before.contains(&index));
        let was_off = |index| before.as_ref().is_none_or(|before| !before.contains(&index));
        let (oifs, is_joined) = (self.oifs(flow), self.is_joined(flow) || self.is_wild());
        for index in self.interfaces() {
            let is_on = oifs.contains(&index);
            if is_on && was_off(index) && !added.contains(&index) {
                self.forward(router, (flow, index), true);
            } else if !is_on && is_joined && was_on(index) {
                self.forward(router, (flow, index), false);
            }
        }
        self.move_iif(router, flow, former);
    }

    /// If an entry names another parent than before: tells mgmd where the packets arrive from now on.
    fn move_iif(&mut self, router: &mut impl Router, flow: Flow, former: Option<&Mfc>) {
        let parent = self.entries.get(&flow).map(|mfc| mfc.parent);
        let Some(index) = parent.and_then(|parent| self.index_of(parent)) else { return };
        let is_asked = self.pending.as_ref().is_some_and(|pending| pending.flow == flow);
        let moves = match former {
            Some(former) => Some(former.parent) != parent,
            // Its answer to an upcall says so.
            None if is_asked => false,
            // It has not answered when the packets began.
            None => self.mfe(router, flow).is_some_and(|row| row.iif.index != index),
        };
        if moves {
            self.set_iif(router, flow, index);
        }
    }

    /// The packets of a flow arrive on this interface of the daemon.
    pub(crate) fn set_iif(&self, router: &mut impl Router, flow: Flow, if_index: u32) {
        let (client, upstream) = (self.client, Ipv4Addr::UNSPECIFIED);
        // Refused unless the daemon owns the present incoming interface.
        self.ask(router, Request::SetMfe { client, flow, upstream, if_index }).ok();
    }

    pub(crate) fn forward(&mut self, router: &mut impl Router, of: (Flow, u32), adds: bool) {
        // Refused if there is no MFE.
        self.tell(router, self.change(of, adds, Join::Forward), of).ok();
    }

    fn change(&self, of: (Flow, u32), adds: bool, join: Join) -> Request {
        let (client, flow, interface) = (self.client, of.0, Interface::link(of.1));
        match adds {
            true => Request::Add { client, flow, interface, join },
            false => Request::Delete { client, flow, interface, join },
        }
    }

    /// Makes a change. What mgmd refuses is logged once. While mgmd is away, nothing is refused.
    fn tell(
        &mut self,
        router: &mut impl Router,
        request: Request,
        of: (Flow, u32),
    ) -> Result<(), Errno> {
        let Err(Some(refusal)) = self.ask(router, request) else { return Ok(()) };
        if !refusal.is_ordinary && !self.refused.adds.contains(&of) {
            let name = router.name(of.1);
            self.log.push(format!("{} on {name}: {}", of.0.group(), refusal.text));
        }
        Err(match Code::from_number(refusal.code) {
            Some(Code::NotEnoughMemory) => libc::ENOBUFS,
            _ => libc::EADDRNOTAVAIL,
        })
    }

    /// Makes a call. `Err(None)`: there is no connection.
    pub(crate) fn ask(
        &self,
        router: &mut impl Router,
        request: Request,
    ) -> Result<Reply, Option<WireRefusal>> {
        if self.client == 0 {
            return Err(None);
        }
        match router.call(request) {
            Ok(Reply::Refused { refusal }) => Err(Some(refusal)),
            Ok(reply) => Ok(reply),
            Err(Lost) => Err(None),
        }
    }

    // --- what is asked of the state

    /// The interfaces that the daemon owns.
    #[must_use]
    pub fn interfaces(&self) -> Vec<u32> {
        let real = |vif: &Option<Vif>| match vif {
            Some(Vif::Real(index)) => Some(*index),
            _ => None,
        };
        self.vifs.iter().filter_map(real).collect()
    }

    /// The same, and mgmreg.
    pub(crate) fn owned(&self) -> Vec<u32> {
        let register = self.vif_that_is(Vif::Register).and(self.register);
        self.interfaces().into_iter().chain(register).collect()
    }

    /// Whether the daemon has mgm0.
    pub(crate) fn has_rest(&self) -> bool {
        self.vifs.contains(&Some(Vif::Rest))
    }

    /// The entry for a flow, otherwise that for all sources of its group, which the kernel uses for
    /// packets that arrive on a VIF that is on in it. `at`: where they arrive.
    pub(crate) fn entry(&self, flow: Flow, at: Option<u16>) -> Option<&Mfc> {
        let shared =
            || self.entries.get(&flow.shared()).filter(|mfc| at.is_none_or(|at| mfc.has(at)));
        self.entries.get(&flow).or_else(shared)
    }

    /// The interfaces by which the packets of exactly this entry leave.
    pub(crate) fn oifs(&self, flow: Flow) -> Vec<u32> {
        self.entries.get(&flow).map(|mfc| self.indices(mfc)).unwrap_or_default()
    }

    /// The interfaces of an entry that exist.
    pub(crate) fn indices(&self, mfc: &Mfc) -> Vec<u32> {
        let real = |vif: usize| match self.vifs[vif] {
            Some(Vif::Real(index)) => Some(index),
            _ => None,
        };
        mfc.oifs().filter_map(real).collect()
    }

    fn is_joined(&self, flow: Flow) -> bool {
        self.joins.contains_key(&flow) || self.joins.contains_key(&flow.shared())
    }
}

#[cfg(test)]
mod tests;
