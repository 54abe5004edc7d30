//! The calls of mgm.h, with arguments that were checked: the same methods that the manager has.

use super::state::{Arrived, Record};
use super::{next_serial, Link, Place, Router};
use crate::convert::kinds_to_bits;
use crate::messages::{Change, Reply, Request, OIFS_OFF};
use mgm_dispatch::Queue;
use mgm_engine::{ClientId, EnumKind, Join, MfeRow, NoticeKind};
use mgm_manager::{inside, Callbacks, Detail, Inside, Unanswered};
use mgm_types::{Flow, Interface, Ipv4Addr, Refusal, Result};
use std::sync::Arc;

/// How many changes of a batch are in one message, so that other calls do not wait for long.
const BATCH: usize = 256;

impl Router {
    /// Registers a client. Returns its serial number.
    ///
    /// # Errors
    /// Those of the router; `Router`.
    pub fn register(
        &self,
        callbacks: Box<dyn Callbacks>,
        protocol: u32,
        component: u32,
    ) -> Result<u64> {
        let kinds = NoticeKind::ALL.into_iter().filter(|kind| callbacks.has(*kind)).collect();
        let oifs_off = match mgm_manager::unanswered()? {
            Unanswered::OifsOn => 0,
            Unanswered::OifsOff => OIFS_OFF,
        };
        let callbacks_bits = kinds_to_bits(kinds) | oifs_off;
        let grace = super::grace();
        let request = Request::Register { protocol, component, callbacks: callbacks_bits, grace };
        self.0.state.lock().registering += 1;
        let result = match self.ask(request, 0) {
            Ok(Reply::Registered { client }) => Ok(self.0.enlist(client, callbacks)),
            Ok(_) => Err(unexpected()),
            Err(refusal) => Err(refusal),
        };
        self.0.state.lock().registered();
        result
    }

    /// Deregisters a client (spec 1.6, 9.13). If the handle is invalid, or the router is lost, waits
    /// for a callback of the client that is still running (D124).
    ///
    /// # Errors
    /// `BadHandle`, `CallbackRunning`, those of the router; `Router`.
    pub fn deregister(&self, serial: u64) -> Result<()> {
        let (link, place) = (&self.0, Place(serial));
        let (own, in_callback) = (Inside::Client(ClientId(serial)), inside());
        let mut state = link.state.lock();
        let (client, elsewhere) = loop {
            let record = state.clients.get_mut(&place).ok_or(Refusal::BadHandle(serial))?;
            let elsewhere = record.queue.is_running() && in_callback != Some(own);
            if elsewhere && in_callback.is_some() {
                return Err(Refusal::CallbackRunning);
            }
            if !record.gone && !std::mem::replace(&mut record.is_closing, true) {
                break (record.remote, elsewhere);
            }
            if in_callback.is_some() {
                return Err(Refusal::BadHandle(serial));
            }
            // Another thread deregisters it, which the router may refuse, or a callback is running.
            link.ended.wait(&mut state);
        };
        drop(state);
        let result = self.ask(Request::Deregister { client }, serial);
        let has_gone = matches!(result, Ok(_) | Err(Refusal::BadHandle(_)));
        let mut state = link.state.lock();
        if let Some(record) = state.clients.get_mut(&place) {
            record.is_closing = false;
            if has_gone {
                record.gone = true;
                record.queue.close();
                if !record.queue.is_running() {
                    state.clients.remove(&place);
                }
                state.places.remove(&client);
                state.enumerations.retain(|_, (_, holder)| *holder != place);
            }
        }
        link.ended.notify_all();
        while has_gone && elsewhere && state.clients.contains_key(&place) {
            link.ended.wait(&mut state);
        }
        result.map(drop)
    }

    /// The client has taken and added again what it wants of its predecessor's state (spec 9.8).
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn grace_done(&self, serial: u64) -> Result<()> {
        let client = self.client(serial)?;
        self.ask(Request::GraceDone { client }, serial).map(drop)
    }

    /// Takes an interface.
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn take(&self, serial: u64, interface: Interface) -> Result<()> {
        let client = self.client(serial)?;
        self.ask(Request::Take { client, interface }, serial).map(drop)
    }

    /// Releases an interface.
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn release(&self, serial: u64, interface: Interface) -> Result<()> {
        let client = self.client(serial)?;
        let reply = self.ask(Request::Release { client, interface }, serial)?;
        let Reply::Released { last } = reply else { return Err(unexpected()) };
        let mut state = self.0.state.lock();
        if let Some(record) = state.clients.get_mut(&Place(serial)) {
            record.released.retain(|(former, _)| *former != interface);
            record.released.push((interface, last));
        }
        Ok(())
    }

    /// The ids of an interface's owner.
    ///
    /// # Errors
    /// Those of the router; `Router`.
    pub fn protocol_on(&self, interface: Interface) -> Result<(u32, u32)> {
        match self.ask(Request::ProtocolOn { interface }, 0)? {
            Reply::Ids { protocol, component } => Ok((protocol, component)),
            _ => Err(unexpected()),
        }
    }

    /// Adds a membership.
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn add_membership(
        &self,
        serial: u64,
        flow: Flow,
        interface: Interface,
        join: Join,
    ) -> Result<()> {
        let client = self.client(serial)?;
        self.ask(Request::Add { client, flow, interface, join }, serial).map(drop)
    }

    /// Deletes a membership.
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn delete_membership(
        &self,
        serial: u64,
        flow: Flow,
        interface: Interface,
        join: Join,
    ) -> Result<()> {
        let client = self.client(serial)?;
        self.ask(Request::Delete { client, flow, interface, join }, serial).map(drop)
    }

    /// Adds and deletes memberships, in their order. `changes` has serial numbers. Returns the
    /// place of the first change that was refused, and why, even if the router is lost afterwards.
    ///
    /// # Errors
    /// `Router`, if the router is lost before a change was refused.
    pub fn change_all(&self, changes: &[Change]) -> Result<Option<(usize, Refusal)>> {
        let mut first = None;
        let mut done = 0;
        let requests = changes.chunks(BATCH).map(|chunk| {
            let own = |change: &Change| {
                // A client that does not exist is 0, which the router refuses as an invalid handle.
                Change { client: self.client(change.client).unwrap_or(0), ..change.clone() }
            };
            Request::Batch { changes: chunk.iter().map(own).collect() }
        });
        let made = self.0.call_all(requests, |reply| {
            if let (Reply::Batched { refused: Some(refused) }, None) = (reply, &first) {
                let place = done + refused.place as usize;
                let serial = changes.get(place).map_or(0, |change| change.client);
                first = Some((place, refused.refusal.refusal(serial)));
            }
            done += BATCH;
        });
        match first {
            Some(_) => Ok(first),
            None => made.map(|()| None),
        }
    }

    /// Changes an MFE.
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn set_mfe(
        &self,
        serial: u64,
        flow: Flow,
        upstream: Ipv4Addr,
        if_index: u32,
    ) -> Result<()> {
        let client = self.client(serial)?;
        self.ask(Request::SetMfe { client, flow, upstream, if_index }, serial).map(drop)
    }

    /// Reads one MFE.
    ///
    /// # Errors
    /// Those of the router; `Router`.
    pub fn mfe(&self, flow: Flow, stats: bool) -> Result<MfeRow> {
        match self.ask(Request::GetMfe { flow, stats }, 0)? {
            Reply::Mfe { row } => Ok(row),
            _ => Err(unexpected()),
        }
    }

    /// Opens a group enumeration. Returns its serial number.
    ///
    /// # Errors
    /// `BadHandle`, those of the router; `Router`.
    pub fn enum_start(&self, serial: u64, kind: EnumKind) -> Result<u64> {
        let client = self.client(serial)?;
        match self.ask(Request::EnumStart { client, kind }, serial)? {
            Reply::Enumeration { enumeration } => {
                let own = next_serial();
                self.0.state.lock().enumerations.insert(own, (enumeration, Place(serial)));
                Ok(own)
            }
            _ => Err(unexpected()),
        }
    }

    /// Visits up to `capacity` entries; true if there are more.
    ///
    /// # Errors
    /// `BadHandle`; `Router`.
    pub fn enum_next(
        &self,
        serial: u64,
        capacity: usize,
        visit: &mut dyn FnMut(Flow),
    ) -> Result<bool> {
        let enumeration = self.enumeration(serial)?;
        let mut left = u32::try_from(capacity).unwrap_or(u32::MAX);
        loop {
            let request = Request::EnumNext { enumeration, most: left };
            let Reply::Groups { flows, more } = self.ask(request, serial)? else {
                return Err(unexpected());
            };
            left = left.saturating_sub(flows.len() as u32);
            let is_over = flows.is_empty() || !more || left == 0;
            flows.into_iter().for_each(&mut *visit);
            if is_over {
                return Ok(more);
            }
        }
    }

    /// Closes a group enumeration.
    ///
    /// # Errors
    /// `BadHandle`; `Router`.
    pub fn enum_end(&self, serial: u64) -> Result<()> {
        let enumeration = self.enumeration(serial)?;
        let ended = self.ask(Request::EnumEnd { enumeration }, serial).map(drop);
        self.0.state.lock().enumerations.remove(&serial);
        ended
    }

    /// The status of the router as JSON.
    ///
    /// # Errors
    /// Those of the router; `Router`.
    pub fn status(&self, detail: Detail) -> Result<Vec<u8>> {
        let Detail { memberships, mfes } = detail;
        self.text(Request::Status { memberships, mfes })
    }

    /// The metrics of the router.
    ///
    /// # Errors
    /// Those of the router; `Router`.
    pub fn metrics(&self, detail: Detail) -> Result<Vec<u8>> {
        self.text(Request::Metrics { mfes: detail.mfes })
    }

    /// A text comes in pieces, on one connection.
    fn text(&self, request: Request) -> Result<Vec<u8>> {
        let (mut text, mut request) = (Vec::new(), request);
        let mut channel = self.0.channel()?;
        loop {
            let call = crate::messages::Call { cause: 0, inside: 0, request };
            let answer = channel.call(&call).map_err(|_| {
                self.0.lose();
                super::lost()
            })?;
            match answer.reply {
                Reply::Text { piece, more } => {
                    text.extend_from_slice(&piece.0);
                    if !more {
                        self.0.channels.give_back(channel);
                        return Ok(text);
                    }
                    request = Request::NextPiece {};
                }
                Reply::Refused { refusal } => {
                    self.0.channels.give_back(channel);
                    return Err(refusal.refusal(0));
                }
                _ => {
                    self.0.lose(); // what the router sends is no protocol
                    return Err(unexpected());
                }
            }
        }
    }

    /// Makes a call; a refusal of the router is an error. `serial` is the handle that it names.
    fn ask(&self, request: Request, serial: u64) -> Result<Reply> {
        match self.0.call(request)? {
            Reply::Refused { refusal } => Err(refusal.refusal(serial)),
            reply => Ok(reply),
        }
    }

    /// The router's number of a client.
    fn client(&self, serial: u64) -> Result<u64> {
        let state = self.0.state.lock();
        let record = state.clients.get(&Place(serial)).filter(|record| !record.gone);
        record.map(|record| record.remote).ok_or(Refusal::BadHandle(serial))
    }

    /// The router's number of an enumeration.
    fn enumeration(&self, serial: u64) -> Result<u64> {
        let state = self.0.state.lock();
        let found = state.enumerations.get(&serial);
        found.map(|(enumeration, _)| *enumeration).ok_or(Refusal::BadHandle(serial))
    }
}

impl Link {
    /// Adds a client that the router has registered.
    fn enlist(self: &Arc<Link>, remote: u64, callbacks: Box<dyn Callbacks>) -> u64 {
        let place = Place(next_serial());
        let mut state = self.state.lock();
        if state.is_over {
            return place.0; // as if the router had ended directly after the call
        }
        let record = Record {
            remote,
            callbacks: Some(callbacks),
            queue: Queue::default(),
            released: Vec::new(),
            is_closing: false,
            gone: false,
        };
        state.clients.insert(place, record);
        state.places.insert(remote, place);
        let early: Vec<Arrived> = state.early.remove(&remote).unwrap_or_default();
        for arrived in early {
            self.queue(&mut state, place, 0, arrived);
        }
        place.0
    }
}

/// The router has sent an answer of another kind than the call needs.
pub(super) fn unexpected() -> Refusal {
    Refusal::Router("the router has sent an unexpected answer".into())
}
