//! The end of another process: its clients release their interfaces and deregister, in portions
//! (spec 9.7).

use super::client_records::ClientPlace;
use super::dispatch::Lane;
use super::state::Run;
use super::Manager;
use crate::engine::{is_igmp, ClientId};
use crate::types::{Flow, Interface};

/// How many memberships or MFEs end while the lock is held once.
const PORTION: usize = 64;

/// How often the MFEs of an interface are walked. Packets may create some again meanwhile. The
/// release deletes the rest.
const WALKS: u32 = 4;

/// A process that has ended, and the part of its state that is not deleted yet.
#[derive(Debug)]
pub struct Departure {
    /// The clients that are still registered. The last one is next.
    clients: Vec<ClientId>,
    /// What the next portion is of.
    part: Part,
    /// What is before this flow is deleted.
    next: Flow,
}

/// The state of an interface, in the order in which it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Memberships,
    /// The MFEs whose iif it is: how often they were walked, and how many this walk has deleted.
    Mfes(u32, usize),
}

impl Manager {
    /// A process has ended: from now on its clients are sent nothing, and the default answers
    /// their questions. [`Manager::depart_some`] deletes their state.
    pub fn begin_departure(&self, session: u64) -> Departure {
        let mut departure = Departure { clients: Vec::new(), part: Part::Memberships, next: FIRST };
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return departure };
        let mut next = run.clients.after(None);
        while let Some(place) = next {
            if run.has_ended(place, session) {
                departure.clients.push(place.client);
            }
            next = run.clients.after(Some(place));
        }
        // IGMP first: then no protocol's release asks it.
        departure.clients.sort_by_key(|client| {
            run.engine.client_key(*client).is_some_and(|(protocol, _)| is_igmp(protocol))
        });
        self.publish(&mut guard, Lane::Worker);
        departure
    }

    /// Deletes the next portion; false if nothing is left.
    pub fn depart_some(&self, departure: &mut Departure) -> bool {
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return false };
        let Some(&client) = departure.clients.last() else { return false };
        run.set_clock();
        if let Some(interface) = run.first_interface(client) {
            run.leave_some((client, interface), departure);
        } else {
            // It owns nothing any longer, so the engine cannot refuse this.
            let _ = run.engine.deregister(client, &mut run.fx);
            run.enumerations.retain(|_, enumeration| enumeration.client != client);
            run.forget(client);
            departure.clients.pop();
        }
        self.publish(&mut guard, Lane::Worker);
        true
    }
}

/// The first flow of a client's memberships after `(*,*)`, which ends with the release.
const FIRST: Flow = Flow::WILDCARD;

impl Run {
    /// Whether the client is in the process that has ended; then it is sent nothing any longer.
    fn has_ended(&mut self, place: ClientPlace, session: u64) -> bool {
        let Some(record) = self.clients.at(place).filter(|record| record.is_in(session)) else {
            return false;
        };
        let Some(posted) = &mut record.posted else { return false };
        posted.has_ended = true;
        self.becomes_absent(place);
        if let Some(record) = self.clients.at(place) {
            record.queue.close();
        }
        true
    }

    /// An interface that the client owns, or on which it is enabled.
    fn first_interface(&self, client: ClientId) -> Option<Interface> {
        let mut rows = self.engine.interfaces();
        let found = rows.find(|row| row.owner == Some(client) || row.igmp == Some(client));
        found.map(|row| row.interface)
    }

    /// Ends some memberships on an interface, or some MFEs. When all have ended, releases the
    /// interface.
    fn leave_some(&mut self, of: (ClientId, Interface), at: &mut Departure) {
        match at.part {
            Part::Memberships => {
                let first = at.next.max(FIRST.successor());
                match self.engine.end_memberships(of, first, PORTION, &mut self.fx) {
                    Some(more) => at.next = more,
                    None => (at.part, at.next) = (Part::Mfes(0, 0), FIRST),
                }
            }
            Part::Mfes(walks, deleted) => {
                match self.engine.end_mfes(of, at.next, PORTION, &mut self.fx) {
                    Some((more, some)) => {
                        (at.part, at.next) = (Part::Mfes(walks, deleted + some), more);
                    }
                    None if deleted > PORTION && walks + 1 < WALKS => {
                        (at.part, at.next) = (Part::Mfes(walks + 1, 0), FIRST);
                    }
                    None => {
                        (at.part, at.next) = (Part::Memberships, FIRST);
                        // Refused only if the client has lost the interface meanwhile.
                        let (client, interface) = of;
                        let _ = self.engine.release(client, interface, false, &mut self.fx);
                    }
                }
            }
        }
    }
}
