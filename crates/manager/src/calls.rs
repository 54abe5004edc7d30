//! The functions of mgm.h, on checked arguments.

use super::client_records::ClientRecord;
use super::context::{self, Inside};
use super::dispatch::Backlog;
use super::incoming_events::EventSink;
use super::state::{step_aside, Enumeration, Run};
use super::system_state::SystemState;
use super::{Callbacks, EnumId, EnumKind, Join, Manager, MfeRow};
use crate::engine::{ClientId, MembershipRow, NoticeKind, NoticeKinds};
use crate::types::{Flow, Interface, Ipv4Addr, Refusal, Result, Route};
use smallvec::SmallVec;
use std::ops::ControlFlow;
use std::time::Instant;

/// After how many rows a walk checks whether other threads wait for the lock. Handing the lock
/// over costs as much as reading some rows. A walk that reads counters, each with a system call,
/// checks after fewer rows.
const WALK_ROWS: u32 = 64;
const WALK_ROWS_COUNTED: u32 = READ as u32;

/// The number of MFEs whose counters are read at a time.
const READ: usize = 8;

impl Manager {
    /// Registers a client (spec 1.1).
    ///
    /// # Errors
    /// `AlreadyRegistered`, `BadSetting`, `NoMemory`, `Stopping`.
    pub fn register(
        &self,
        callbacks: Box<dyn Callbacks>,
        protocol: u32,
        component: u32,
    ) -> Result<ClientId> {
        let mut guard = self.lock();
        let run = guard.started()?;
        let kinds: NoticeKinds =
            NoticeKind::ALL.into_iter().filter(|kind| callbacks.has(*kind)).collect();
        run.clients.room()?;
        let client = run.engine.register(protocol, component, kinds)?;
        run.clients.insert(client, ClientRecord::new(Some(callbacks), kinds));
        run.pool.make_room(run.clients.len());
        Ok(client)
    }

    /// Deregisters a client. Afterwards no callback of it runs or will run,
    /// except a callback from which this call is made (spec 1.5, 1.6). That also holds if the
    /// handle was invalid before (D124).
    ///
    /// # Errors
    /// `BadHandle`, `StillOwns`, `CallbackRunning`.
    pub fn deregister(&self, client: ClientId) -> Result<()> {
        let inside = context::inside();
        let mut guard = self.lock();
        let checked = guard.run_for(client.0).and_then(|run| run.engine.check_deregister(client));
        if !matches!(checked, Ok(()) | Err(Refusal::BadHandle(_))) {
            return checked;
        }
        let elsewhere = guard.is_calling(client) && inside != Some(Inside::Client(client));
        if elsewhere && inside.is_some() {
            return Err(Refusal::CallbackRunning);
        }
        if checked.is_ok() {
            let run = guard.run_for(client.0)?;
            run.set_clock();
            run.engine.grace_done(client);
            run.engine.deregister(client, &mut run.fx)?;
            run.forget(client);
            self.publish_all(guard);
        } else {
            drop(guard);
        }
        if elsewhere {
            drop(self.wait_until(|state| !state.is_calling(client)));
        }
        checked
    }

    /// Takes an interface, or enables IGMP on it (spec 2.1 to 2.4, 2.7).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `Owned`, `MixedNextHops`, `NoMemory`, and the forwarder's.
    pub fn take(&self, client: ClientId, interface: Interface) -> Result<()> {
        let at_once = context::inside().is_some();
        self.act(
            |state| state.run_for(client.0),
            |run| {
                run.set_clock();
                let (id, is_new) = run.engine.prepare_take(client, interface, &mut run.fx)?;
                if is_new {
                    let Run { engine, system, fx, .. } = run;
                    let events = |system: &SystemState| EventSink::start_both(self, system);
                    if let Err(refusal) = system.attach(&events, (id, interface), engine, fx) {
                        run.engine.abandon_take(id);
                        return Err(refusal);
                    }
                }
                run.engine.take(client, id, at_once, &mut run.fx);
                Ok(())
            },
        )
    }

    /// Releases an interface, or disables IGMP on it (spec 2.5).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `NotOwner`.
    pub fn release(&self, client: ClientId, interface: Interface) -> Result<()> {
        let at_once = context::inside().is_some();
        self.act(
            |state| state.run_for(client.0),
            |run| {
                run.set_clock();
                run.engine.release(client, interface, at_once, &mut run.fx)
            },
        )
    }

    /// The protocol and component ids of the owner of an interface (spec 2.6).
    ///
    /// # Errors
    /// `NoProtocol`, also for an invalid interface.
    pub fn protocol_on(&self, interface: Interface) -> Result<(u32, u32)> {
        match self.lock().running() {
            Some(run) => run.engine.protocol_on(interface),
            None => Err(Refusal::NoProtocol(interface)),
        }
    }

    /// Adds a membership, or switches an interface on (spec 3.1, 3.3).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `NotOwner`, `IgmpDisabled`, `NoMemory`.
    pub fn add_membership(
        &self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
    ) -> Result<()> {
        self.act_with_route(client, flow, interface, |run, route| {
            run.engine.join(client, flow, interface, join, route, &mut run.fx)
        })
    }

    /// Deletes a membership, or switches an interface off (spec 3.1, 3.3).
    ///
    /// # Errors
    /// `BadHandle`, `ZeroInterface`, `NobodyOwns`, `NotOwner`, `IgmpDisabled`.
    pub fn delete_membership(
        &self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        join: Join,
    ) -> Result<()> {
        self.act(
            |state| state.run_for(client.0),
            |run| run.engine.leave(client, flow, interface, join, &mut run.fx),
        )
    }

    /// [`Manager::act`] with the route of the flow's source looked up before, in the domain
    /// of the interface.
    fn act_with_route(
        &self,
        client: ClientId,
        flow: Flow,
        interface: Interface,
        call: impl FnOnce(&mut Run, Option<&Route>) -> Result<()>,
    ) -> Result<()> {
        let (mut guard, route) = self.route_for(self.lock(), flow, interface);
        let result = call(guard.run_for(client.0)?, route.as_ref());
        self.publish_all(guard);
        result
    }

    /// Changes the upstream neighbour of an MFE, and its iif if the caller
    /// owns `if_index` (spec 5.9).
    ///
    /// # Errors
    /// `BadHandle`, `NoMfe`, `NotUpstreamOwner`.
    pub fn set_mfe(
        &self,
        client: ClientId,
        flow: Flow,
        upstream: Ipv4Addr,
        if_index: u32,
    ) -> Result<()> {
        self.act(
            |state| state.run_for(client.0),
            |run| {
                run.set_clock();
                run.engine.set_mfe(client, flow, upstream, if_index, &mut run.fx)
            },
        )
    }

    /// Reads one MFE under the lock; with `stats`, the forwarder's counters too.
    ///
    /// # Errors
    /// `NoMfe`.
    pub fn with_mfe<R>(
        &self,
        flow: Flow,
        stats: bool,
        read: impl FnOnce(&MfeRow) -> R,
    ) -> Result<R> {
        let mut guard = self.lock();
        let run = guard.running().ok_or(Refusal::NoMfe(flow))?;
        let now = run.now();
        if stats {
            run.count(&[flow]);
        }
        let Run { engine, system, row, .. } = run;
        if !engine.read_mfe(now, flow, row) {
            return Err(Refusal::NoMfe(flow));
        }
        if stats {
            system.count_oifs(row);
        }
        let result = read(row);
        guard.release();
        Ok(result)
    }

    /// Walks the MFEs after `start` (all, if `None`) in order until `visit` breaks.
    /// Other threads get the lock in between; the walk then continues after the last MFE that it
    /// has visited.
    pub fn walk_mfes(
        &self,
        mut start: Option<Flow>,
        stats: bool,
        mut visit: impl FnMut(&MfeRow) -> ControlFlow<()>,
    ) {
        self.in_turns(if stats { WALK_ROWS_COUNTED } else { WALK_ROWS }, |run, turn| {
            let now = run.now();
            let is_read = stats && run.system.has_counters();
            loop {
                // Read the counters of a few MFEs, visit these, and so on.
                let mut most = usize::MAX;
                if is_read {
                    let flows = run.engine.mfe_flows(start);
                    let flows: SmallVec<[Flow; READ]> = flows.take(READ).collect();
                    run.count(&flows);
                    most = flows.len();
                }
                let mut goes_on = most > 0;
                if goes_on {
                    let Run { engine, system, row, .. } = &mut *run;
                    engine.walk_mfes(now, start, row, |row| {
                        start = Some(row.flow);
                        most -= 1;
                        if is_read {
                            system.count_oifs(row);
                        }
                        goes_on = visit(row).is_continue() && turn.goes_on();
                        goes_on && most > 0
                    });
                }
                if !goes_on || most > 0 {
                    break;
                }
            }
        });
    }

    /// Walks all memberships in order, in the same way.
    pub(super) fn walk_memberships(&self, mut visit: impl FnMut(MembershipRow)) {
        let mut first = Flow::WILDCARD;
        self.in_turns(WALK_ROWS, |run, turn| {
            for row in run.engine.memberships(first) {
                first = row.flow.successor();
                visit(row);
                if !turn.goes_on() {
                    break;
                }
            }
        });
    }

    /// Walks a table that may have a million rows. Other threads can get the lock after `most`
    /// rows; then `walk` is called again and continues.
    fn in_turns(&self, most: u32, mut walk: impl FnMut(&mut Run, &mut WalkTurn<'_>)) {
        loop {
            let mut guard = self.lock();
            let began = Instant::now();
            let Some(run) = guard.running() else { return };
            let mut turn = WalkTurn { manager: self, most, rows: 0, is_over: false };
            walk(run, &mut turn);
            if !turn.is_over {
                return;
            }
            drop(guard);
            step_aside(began.elapsed());
        }
    }

    /// Opens a group enumeration (spec 7.1).
    ///
    /// # Errors
    /// `BadHandle`, `NoMemory`.
    pub fn enum_start(&self, client: ClientId, kind: EnumKind) -> Result<EnumId> {
        let mut guard = self.lock();
        let run = guard.run_for(client.0)?;
        run.engine.client_key(client).ok_or(Refusal::BadHandle(client.0))?;
        run.enumerations.try_reserve(1)?;
        let id = run.next_enumeration();
        run.enumerations.insert(id, Enumeration { client, kind, last: None, ended: false });
        Ok(id)
    }

    /// Visits up to `capacity` entries and moves the enumeration on; true if
    /// there are more (spec 7.2, 7.3). ANY_SOURCE entries are (*,g).
    ///
    /// # Errors
    /// `BadHandle`.
    pub fn enum_next(
        &self,
        id: EnumId,
        capacity: usize,
        visit: &mut dyn FnMut(Flow),
    ) -> Result<bool> {
        let mut guard = self.lock();
        let Run { engine, enumerations, .. } = guard.run_for(id.0)?;
        let at = enumerations.get_mut(&id).ok_or(Refusal::BadHandle(id.0))?;
        if at.ended {
            return Ok(false);
        }
        let mut groups = engine.groups(at.kind, at.last);
        for flow in groups.by_ref().take(capacity) {
            at.last = Some(flow);
            visit(flow);
        }
        at.ended = groups.next().is_none();
        Ok(!at.ended)
    }

    /// Whether an enumeration is open.
    #[must_use]
    pub fn has_enumeration(&self, id: EnumId) -> bool {
        self.lock().running().is_some_and(|run| run.enumerations.contains_key(&id))
    }

    /// Closes a group enumeration (spec 7.4).
    ///
    /// # Errors
    /// `BadHandle`.
    pub fn enum_end(&self, id: EnumId) -> Result<()> {
        let mut guard = self.lock();
        let run = guard.run_for(id.0)?;
        run.enumerations.remove(&id).map(drop).ok_or(Refusal::BadHandle(id.0))
    }
}

/// The rows that a walk may visit before it gives the lock to other threads.
struct WalkTurn<'a> {
    manager: &'a Manager,
    most: u32,
    rows: u32,
    is_over: bool,
}

impl WalkTurn<'_> {
    /// Counts a visited row. Returns whether the next may be visited in this turn.
    #[inline]
    fn goes_on(&mut self) -> bool {
        self.rows += 1;
        self.is_over = self.rows % self.most == 0 && self.manager.is_wanted();
        !self.is_over
    }
}

impl Run {
    /// Passes the forwarder's counters of these flows to the engine, if the forwarder counts.
    pub(super) fn count(&mut self, flows: &[Flow]) {
        for &flow in flows {
            if let Some(counters) = self.system.counters(flow) {
                self.engine.counted(flow, counters);
            }
        }
    }

    /// Ends a client's enumerations, empties its queue, and forgets the client unless a callback is
    /// running.
    pub(super) fn forget(&mut self, client: ClientId) {
        self.enumerations.retain(|_, enumeration| enumeration.client != client);
        if let Some((_, record)) = self.clients.find(client, None) {
            record.queue.close();
            record.backlog = Backlog::default();
            record.gone = true;
            if !record.queue.is_running() {
                self.clients.remove(client);
            }
        }
    }
}
