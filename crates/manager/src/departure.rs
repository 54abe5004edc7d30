//! The end of another process: its clients release their interfaces and deregister, in portions
//! (spec 9.7), or leave their state to a successor for some time (9.8).

use super::client_records::ClientPlace;
use super::dispatch::Lane;
use super::state::Run;
use super::Manager;
use crate::engine::{is_igmp, ClientId, ReleaseProgress};
use crate::types::{Interface, Refusal, Result};

/// How many memberships or MFEs end, or questions get the default, while the lock is held once.
pub(super) const PORTION: usize = 64;

/// A process that has ended, and the part of its state that is not deleted yet.
#[derive(Debug, Default)]
pub struct Departure {
    /// The clients with questions that have not got the default answer yet, with the seconds for
    /// which their state stays. The last one is next.
    undecided: Vec<(ClientPlace, u32)>,
    /// The clients that are still registered. The last one is next.
    clients: Vec<ClientId>,
    /// How far the release of the first interface of that client has come.
    at: ReleaseProgress,
}

impl Manager {
    /// A process has ended: from now on its clients are sent nothing, and their questions get the
    /// default answer. [`Manager::depart_some`] answers those for which one portion is not enough,
    /// and deletes the state of clients that have asked for no grace.
    pub fn begin_departure(&self, session: u64) -> Departure {
        let mut departure = Departure::default();
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return departure };
        let (mut next, mut most) = (run.clients.after(None), PORTION);
        while let Some(place) = next {
            next = run.clients.after(Some(place));
            let Some(seconds) = run.has_ended(place, session) else { continue };
            if seconds == 0 {
                departure.clients.push(place.client);
            }
            most -= run.decide_some(place, most);
            if run.has_undecided(place) {
                departure.undecided.push((place, seconds));
            } else {
                run.leave_state(place.client, seconds);
            }
        }
        // IGMP first: then no protocol's release asks it.
        departure.clients.sort_by_key(|client| {
            run.engine.client_key(*client).is_some_and(|(protocol, _)| is_igmp(protocol))
        });
        self.publish(&mut guard, Lane::Worker);
        departure
    }

    /// A client has taken and added again what it wants of its predecessor's state. The rest ends:
    /// see [`Manager::end_graces`].
    ///
    /// # Errors
    /// `BadHandle`.
    pub fn grace_done(&self, client: ClientId) -> Result<()> {
        self.act(
            |state| state.run_for(client.0),
            |run| {
                run.engine.client_key(client).ok_or(Refusal::BadHandle(client.0))?;
                run.set_clock();
                run.engine.grace_done(client);
                Ok(())
            },
        )
    }

    /// Ends a portion of the state whose time of grace has ended. False if there is nothing to end.
    /// The timer calls this, too.
    pub fn end_graces(&self) -> bool {
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return false };
        run.set_clock();
        let goes_on = run.engine.end_graces(PORTION, &mut run.fx);
        self.publish(&mut guard, Lane::Worker);
        goes_on
    }

    /// Ends the next portion; false if nothing is left.
    pub fn depart_some(&self, departure: &mut Departure) -> bool {
        let mut guard = self.lock();
        let Some(run) = guard.running() else { return false };
        if let Some(&(place, seconds)) = departure.undecided.last() {
            run.decide_some(place, PORTION);
            if !run.has_undecided(place) {
                run.leave_state(place.client, seconds);
                departure.undecided.pop();
            }
            self.publish(&mut guard, Lane::Worker);
            return true;
        }
        let Some(&client) = departure.clients.last() else { return false };
        run.set_clock();
        if let Some(interface) = run.first_interface(client) {
            let Run { engine, fx, .. } = run;
            engine.release_portion((client, interface), &mut departure.at, PORTION, fx);
        } else {
            // It owns nothing any longer, so the engine cannot refuse this.
            let _ = run.engine.deregister(client, &mut run.fx);
            run.forget(client);
            departure.clients.pop();
        }
        self.publish(&mut guard, Lane::Worker);
        true
    }
}

impl Run {
    /// If the client is in the process that has ended, it is sent nothing any longer. Returns for
    /// how many seconds its state stays.
    fn has_ended(&mut self, place: ClientPlace, session: u64) -> Option<u32> {
        let record = self.clients.at(place).filter(|record| record.is_in(session))?;
        let posted = record.posted.as_mut().filter(|posted| !posted.has_ended)?;
        posted.has_ended = true;
        let grace = posted.grace;
        self.becomes_absent(place);
        if let Some(record) = self.clients.at(place) {
            record.queue.close();
        }
        Some(grace)
    }

    /// The state of a client whose process has ended stays for some time, unless it has asked for
    /// no grace. Its enumerations end. No question waits for it any longer.
    fn leave_state(&mut self, client: ClientId, seconds: u32) {
        if seconds == 0 {
            return;
        }
        self.set_clock();
        ::log::info!(
            "the process of {} has ended: its interfaces, memberships and MFEs stay for {seconds} s",
            self.engine.who(client)
        );
        self.enumerations.retain(|_, enumeration| enumeration.client != client);
        self.engine.begin_grace(client, seconds, &mut self.fx);
    }

    /// The client with these ids whose state is left to a process of this user.
    pub(super) fn left_by(&self, ids: (u32, u32), user: u32) -> Option<ClientId> {
        let left = self.engine.left_by(ids)?;
        let posted = self.clients.get(left)?.posted.as_ref()?;
        (posted.outlet.process().user == user).then_some(left)
    }

    /// An interface that the client owns, or on which it is enabled.
    fn first_interface(&self, client: ClientId) -> Option<Interface> {
        let mut rows = self.engine.interfaces();
        let found = rows.find(|row| row.owner == Some(client) || row.igmp == Some(client));
        found.map(|row| row.interface)
    }
}
