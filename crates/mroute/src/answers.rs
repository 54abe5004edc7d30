//! mgmd's callbacks, and the daemon's answers to them.
//!
//! A question becomes an upcall IGMPMSG_NOCACHE, and the daemon answers with MRT_ADD_MFC. While it
//! has not answered, later callbacks wait. A daemon that reads again without having answered has
//! refused the flow: its own interfaces are not among the outgoing ones.

use crate::daemon::{Daemon, Pending, Router, Vif};
use crate::options::Mfc;
use crate::packets::{upcall, Datagram, Upcall};
use mgm_remote::messages::{Ack, Callback, CallbackBody, Said};
use mgm_types::{Flow, Interface, Ipv4Addr};

impl Daemon {
    /// A callback has arrived.
    pub fn arrived(&mut self, router: &mut impl Router, callback: Callback) {
        self.events.push_back(callback);
        self.advance(router);
    }

    /// The daemon reads its socket: returns what it reads, if there is something.
    pub fn read(&mut self, router: &mut impl Router, peeks: bool) -> Option<Datagram> {
        if self.pending.as_ref().is_some_and(|pending| pending.is_read) {
            self.is_silent(router);
        }
        if peeks {
            return self.inbox.first().cloned();
        }
        let (datagram, is_question) = self.inbox.take()?;
        if let (true, Some(pending)) = (is_question, &mut self.pending) {
            pending.is_read = true;
        }
        Some(datagram)
    }

    /// Whether the daemon has to read.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.inbox.is_empty() || self.pending.is_some()
    }

    /// The daemon has added an entry, which may be the answer.
    pub(crate) fn answer_pending(&mut self, router: &mut impl Router) {
        let of = self.pending.as_ref().map(|pending| (pending.flow, pending.vif));
        let Some(mfc) = of.and_then(|(flow, vif)| self.entry(flow, Some(vif))).cloned() else {
            return;
        };
        let Some(pending) = self.pending.take() else { return };
        self.inbox.drop_question();
        self.silent = None;
        if !pending.is_read {
            self.tell_of_register(pending.vif, &pending.callback);
        }
        self.answer(router, &pending.callback, Some(&mfc));
        self.advance(router);
    }

    /// The daemon has read a register itself, and was faster with its entry than mgmd with its question.
    /// From the kernel it would hear of the packet nevertheless, and pimd joins the source only then.
    fn tell_of_register(&mut self, vif: u16, question: &Callback) {
        let CallbackBody::Rpf { flow, header, .. } = &question.body else { return };
        // Only the question about a first packet has a header. The kernel asks about no other packet.
        if !header.is_empty() && self.vif_that_is(Vif::Register) == Some(vif) {
            self.inbox.add_if_few(upcall(Upcall::NoCache, vif, *flow));
        }
    }

    fn is_silent(&mut self, router: &mut impl Router) {
        let Some(pending) = self.pending.take() else { return };
        let is_rpf = matches!(pending.callback.body, CallbackBody::Rpf { .. });
        self.silent = is_rpf.then_some(pending.flow);
        self.watch_silent(pending.flow);
        self.answer(router, &pending.callback, None);
        self.advance(router);
    }

    /// Works on callbacks until one of them has to wait for the daemon.
    fn advance(&mut self, router: &mut impl Router) {
        while self.pending.is_none() {
            let Some(callback) = self.events.pop_front() else { return };
            self.handle(router, callback);
        }
    }

    fn handle(&mut self, router: &mut impl Router, callback: Callback) {
        match &callback.body {
            CallbackBody::Rpf { flow, iif, arrival, .. } => {
                let (flow, places) = (*flow, [arrival.index, iif.index]);
                return self.question(router, callback, flow, places);
            }
            CallbackBody::Creation { flow, iif, .. } => {
                let (flow, places) = (*flow, [iif.index, iif.index]);
                return self.question(router, callback, flow, places);
            }
            CallbackBody::Join { flow, member: true } => self.wanted(*flow),
            CallbackBody::Prune { flow, .. } => self.unwanted(*flow),
            CallbackBody::WrongIf { flow, arrival, .. } => {
                let (flow, vif) = (*flow, self.vif_of(arrival.index));
                let said = vif.and_then(|vif| self.entry(flow, Some(vif))).map(|mfc| mfc.parent);
                if vif.is_some() && said == vif {
                    // For the daemon, it is the right interface.
                    self.set_iif(router, flow, arrival.index);
                } else if let (true, Some(vif)) = (self.asserts, vif) {
                    self.inbox.add_if_few(upcall(Upcall::WrongVif, vif, flow));
                }
            }
            _ => {}
        }
        self.answer(router, &callback, None);
    }

    /// A packet has arrived of a flow that mgmd forwards, and for which the daemon has no entry.
    pub(crate) fn ask_again(&mut self, flow: Flow, iif: Interface) {
        let Some(vif) = self.vif_or_rest(iif.index) else { return };
        self.inbox.add(upcall(Upcall::NoCache, vif, flow));
    }

    /// Answers a question from an entry, or asks the daemon.
    fn question(&mut self, router: &mut impl Router, of: Callback, flow: Flow, places: [u32; 2]) {
        let own = places.into_iter().find_map(|index| self.vif_of(index));
        let vif = own.or_else(|| self.vif_that_is(Vif::Rest));
        if let Some(mfc) = self.entry(flow, vif).cloned() {
            if let Some(vif) = vif {
                self.tell_of_register(vif, &of);
            }
            return self.answer(router, &of, Some(&mfc));
        }
        let is_creation = matches!(of.body, CallbackBody::Creation { .. });
        // It has just been asked where the packets arrive, and has not answered.
        let has_just_said_no = is_creation && self.silent == Some(flow);
        if is_creation {
            self.silent = None;
        }
        match vif {
            _ if has_just_said_no => self.answer(router, &of, None),
            None => self.answer(router, &of, None),
            Some(vif) => {
                self.inbox.ask(upcall(Upcall::NoCache, vif, flow));
                self.pending = Some(Pending { callback: of, flow, vif, is_read: false });
            }
        }
    }

    /// Acknowledges a callback with what an entry says, or without an entry with a refusal.
    fn answer(&mut self, router: &mut impl Router, callback: &Callback, mfc: Option<&Mfc>) {
        let said = match &callback.body {
            CallbackBody::Rpf { iif, upstream, .. } => self.said_of_rpf(*iif, *upstream, mfc),
            CallbackBody::Creation { oifs, .. } => {
                let on = mfc.map(|mfc| self.indices(mfc)).unwrap_or_default();
                let is_on = |interface: Interface| on.contains(&interface.index);
                Said::Creation { enabled: oifs.iter().map(|oif| is_on(oif.interface)).collect() }
            }
            CallbackBody::PruneMfe { timeout, .. } => Said::Prune { timeout: *timeout },
            _ => Said::Nothing {},
        };
        let Callback { client, number, .. } = *callback;
        router.acknowledge(Ack { client, number, said });
    }

    /// An entry whose packets arrive on an interface of the daemon names that interface. Otherwise
    /// the look-up of mgmd stands.
    fn said_of_rpf(&self, iif: Interface, upstream: Ipv4Addr, mfc: Option<&Mfc>) -> Said {
        let parent = mfc.and_then(|mfc| self.index_of(mfc.parent));
        // An entry for all sources is also for packets that arrive where they leave otherwise.
        let is_in_tree =
            mfc.is_some_and(|mfc| !mfc.flow.has_source() && self.indices(mfc).contains(&iif.index));
        match parent {
            Some(index) if index != iif.index && !is_in_tree => {
                Said::Rpf { iif: Interface::link(index), upstream: Ipv4Addr::UNSPECIFIED }
            }
            _ => Said::Rpf { iif, upstream },
        }
    }

    /// The VIF on which packets arrive for the daemon.
    pub(crate) fn vif_or_rest(&self, index: u32) -> Option<u16> {
        self.vif_of(index).or_else(|| self.vif_that_is(Vif::Rest))
    }

    fn vif_of(&self, index: u32) -> Option<u16> {
        let register = || self.vif_that_is(Vif::Register).filter(|_| self.register == Some(index));
        self.vif_that_is(Vif::Real(index)).or_else(register)
    }

    /// The index of the interface for which a VIF stands; `None` for mgm0.
    pub(crate) fn index_of(&self, vif: u16) -> Option<u32> {
        match self.vifs.get(usize::from(vif)).copied().flatten()? {
            Vif::Real(index) => Some(index),
            Vif::Register => self.register,
            Vif::Rest => None,
        }
    }

    /// The number of a VIF.
    #[must_use]
    pub fn vif_that_is(&self, vif: Vif) -> Option<u16> {
        self.vifs.iter().position(|known| *known == Some(vif)).map(|at| at as u16)
    }
}
