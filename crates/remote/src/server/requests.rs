//! Makes the calls of client processes.

use super::listing::Listing;
use super::outlet::Events;
use crate::access::{Gate, Wish};
use crate::convert::kinds_from_bits;
use crate::messages::{put_mfes, Call, Change, RefusedChange, Reply, Request, OIFS_OFF};
use mgm_engine::ClientId;
use mgm_manager::{EnumId, Manager, Outlet, Unanswered, LONGEST_GRACE};
use mgm_types::{Interface, Refusal, Result};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many group enumerations a process may have open (spec 9.13).
const ENUMERATIONS: usize = 1024;

/// The most entries of an enumeration in one message.
const GROUPS: usize = 8192;

/// What the router knows of a client process, for its calls.
pub(super) struct Holdings {
    pub outlet: Arc<Events>,
    /// The clients with their protocol and component ids.
    pub clients: HashMap<u64, (u32, u32)>,
    enumerations: HashSet<u64>,
    gate: Gate,
}

impl Holdings {
    pub fn new(outlet: Arc<Events>) -> Holdings {
        Holdings {
            outlet,
            clients: HashMap::new(),
            enumerations: HashSet::new(),
            gate: Gate::default(),
        }
    }

    /// A client of this process.
    fn client(&self, number: u64) -> Result<ClientId> {
        let own = self.clients.contains_key(&number);
        own.then_some(ClientId(number)).ok_or(Refusal::BadHandle(number))
    }

    fn enumeration(&self, number: u64) -> Result<EnumId> {
        let own = self.enumerations.contains(&number);
        own.then_some(EnumId(number)).ok_or(Refusal::BadHandle(number))
    }

    /// Refuses what the host does not permit.
    fn permit(&mut self, ids: (u32, u32), interface: Option<Interface>) -> Result<()> {
        let (protocol, component) = ids;
        let process = self.outlet.process();
        self.gate.pass(&Wish { process, protocol, component, interface })
    }

    /// Makes a call.
    pub fn make(&mut self, manager: &Manager, call: &Call) -> Reply {
        let inside = self.client(call.inside).ok();
        let session = self.outlet.session();
        let reply = manager.call_for(session, call.cause, inside, |manager| match &call.request {
            Request::Settle { acks } => {
                manager.acknowledge(session, acks);
                Ok(Reply::Done {})
            }
            request => self.make_checked(manager, request),
        });
        reply.unwrap_or_else(|refusal| Reply::Refused { refusal: (&refusal).into() })
    }

    /// Appends the answer with the next part of a listing. True if more follows.
    pub fn list(
        &self,
        manager: &Manager,
        call: &Call,
        listing: &mut Listing,
        to: &mut Vec<u8>,
    ) -> bool {
        let inside = self.client(call.inside).ok();
        let mut more = false;
        manager.call_for(self.outlet.session(), call.cause, inside, |manager| {
            put_mfes(to, |to| {
                let listed = listing.put_some(manager, to);
                more = listed.more;
                listed
            });
        });
        more
    }

    fn make_checked(&mut self, manager: &Manager, request: &Request) -> Result<Reply> {
        match *request {
            Request::Register { protocol, component, callbacks, grace } => {
                let ids = (protocol, component);
                self.permit(ids, None)?;
                let outlet: Arc<dyn Outlet> = self.outlet.clone();
                let (kinds, grace) = (kinds_from_bits(callbacks), grace.min(LONGEST_GRACE));
                let id = manager.register_posted(outlet, kinds, ids, grace)?;
                if callbacks & OIFS_OFF != 0 {
                    manager.set_unanswered(id, Unanswered::OifsOff);
                }
                let client = id.0;
                self.clients.insert(client, ids);
                return Ok(Reply::Registered { client });
            }
            Request::Deregister { client } => {
                manager.deregister(self.client(client)?)?;
                self.clients.remove(&client);
            }
            Request::GraceDone { client } => manager.grace_done(self.client(client)?)?,
            Request::Take { client, interface } => {
                let id = self.client(client)?;
                self.permit(self.clients[&client], Some(interface))?;
                manager.take(id, interface)?;
            }
            Request::Release { client, interface } => {
                let client = self.client(client)?;
                manager.release(client, interface)?;
                return Ok(Reply::Released { last: manager.last_posted(client) });
            }
            Request::Add { client, flow, interface, join } => {
                manager.add_membership(self.client(client)?, flow, interface, join)?;
            }
            Request::Delete { client, flow, interface, join } => {
                manager.delete_membership(self.client(client)?, flow, interface, join)?;
            }
            Request::Batch { ref changes } => {
                return Ok(Reply::Batched { refused: self.change_all(manager, changes) });
            }
            Request::SetMfe { client, flow, upstream, if_index } => {
                manager.set_mfe(self.client(client)?, flow, upstream, if_index)?;
            }
            _ => return self.look_up(manager, request),
        }
        Ok(Reply::Done {})
    }

    /// Makes the changes of a batch. Returns the first one that is refused.
    fn change_all(&self, manager: &Manager, changes: &[Change]) -> Option<RefusedChange> {
        let mut first = None;
        for (place, change) in changes.iter().enumerate() {
            let Change { adds, client, flow, interface, join } = *change;
            let result = self.client(client).and_then(|client| match adds {
                true => manager.add_membership(client, flow, interface, join),
                false => manager.delete_membership(client, flow, interface, join),
            });
            if let (Err(refusal), None) = (result, &first) {
                first = Some(RefusedChange { place: place as u32, refusal: (&refusal).into() });
            }
        }
        first
    }

    /// The calls that only read.
    fn look_up(&mut self, manager: &Manager, request: &Request) -> Result<Reply> {
        match *request {
            Request::ProtocolOn { interface } => {
                let (protocol, component) = manager.protocol_on(interface)?;
                Ok(Reply::Ids { protocol, component })
            }
            Request::GetMfe { flow, stats } => {
                Ok(Reply::Mfe { row: manager.with_mfe(flow, stats, Clone::clone)? })
            }
            Request::EnumStart { client, kind } => {
                let client = self.client(client)?;
                self.enumerations.retain(|&id| manager.has_enumeration(EnumId(id)));
                if self.enumerations.len() >= ENUMERATIONS {
                    return Err(Refusal::TooManyEnumerations);
                }
                let enumeration = manager.enum_start(client, kind)?.0;
                self.enumerations.insert(enumeration);
                Ok(Reply::Enumeration { enumeration })
            }
            Request::EnumNext { enumeration, most } => {
                let mut flows = Vec::new();
                let id = self.enumeration(enumeration)?;
                let most = (most as usize).min(GROUPS);
                let more = manager.enum_next(id, most, &mut |flow| flows.push(flow))?;
                Ok(Reply::Groups { flows, more })
            }
            Request::EnumEnd { enumeration } => {
                manager.enum_end(self.enumeration(enumeration)?)?;
                self.enumerations.remove(&enumeration);
                Ok(Reply::Done {})
            }
            // The loop of the thread answers the others.
            _ => Err(Refusal::Router("the router does not know this call".into())),
        }
    }
}
