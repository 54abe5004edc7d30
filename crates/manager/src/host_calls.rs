//! The functions of mgmhost.h, on checked arguments.

use super::context;
use super::dispatch::Lane;
use super::incoming_events::EventSink;
use super::settings::{self, HostSettings, Settings};
use super::shell::Shell;
use super::sink::{self, LogSink};
use super::state::Guard;
use super::system_state::SystemState;
use super::{writer, Manager};
use crate::engine::{Out, Outcome, Packet};
use crate::route_view::RouteChanges;
use crate::types::{Flow, Interface, Ipv4Addr, Prefix, Refusal, Result, Route};
use log::LevelFilter;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

/// How long a stop waits for the messages that were left to `mgm-log`.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

/// A packet that the host hands in.
#[derive(Clone, Copy, Debug)]
pub struct PacketIn<'a> {
    /// Source and group.
    pub flow: Flow,
    /// The interface it arrived on.
    pub arrival: Interface,
    /// The IP header bytes, passed on to callbacks.
    pub header: &'a [u8],
    /// Length of the whole packet in octets, for the counters.
    pub length: u32,
    /// Its time to live on arrival.
    pub ttl: u8,
}

/// The decision about a packet that the host handed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the packet was accepted on the MFE's incoming interface.
    pub accepted: bool,
    /// The interfaces to send it out of.
    pub oifs: Out,
}

impl Manager {
    /// Starts the library with these settings, regardless of the environment.
    ///
    /// # Errors
    /// `AlreadyStarted`.
    pub fn start(&self, settings: &Settings, log: Option<LogSink>) -> Result<()> {
        self.start_with(|| Ok(settings.clone()), log)
    }

    /// Starts the library with the host's settings, completed by those of the environment.
    ///
    /// # Errors
    /// `AlreadyStarted`, `BadSetting`.
    pub fn start_by_host(&self, settings: &HostSettings, log: Option<LogSink>) -> Result<()> {
        self.start_with(|| Settings::resolve(settings), log)
    }

    fn start_with(
        &self,
        settings: impl FnOnce() -> Result<Settings>,
        log: Option<LogSink>,
    ) -> Result<()> {
        let mut guard = self.lock();
        if guard.run.is_some() || guard.is_ending {
            return Err(Refusal::AlreadyStarted);
        }
        let settings = settings()?;
        let system = self.system_state(&settings)?;
        let replaced = sink::set(self, log);
        guard.start(&settings, system);
        drop(guard);
        replaced.wait();
        Ok(())
    }

    /// The system's state for a start, with the forwarder open if the host wants that. If it cannot
    /// be opened, nothing has changed.
    fn system_state(&self, settings: &Settings) -> Result<SystemState> {
        let mut system = SystemState::new(settings);
        if settings.open_forwarder {
            let level_before = ::log::max_level();
            super::log::init(settings.log_level);
            super::platform::move_in();
            let events = |system: &SystemState| EventSink::start_both(self, system);
            system.open_forwarder(&events).inspect_err(|_| super::log::init(level_before))?;
        }
        Ok(system)
    }

    /// Stops the library: all handles become invalid, the kernel's state is deleted, and the log
    /// goes to stderr. No callback runs until the next start or `set_log_sink`. If the library
    /// is not running, the effect is the same.
    ///
    /// # Errors
    /// `InsideCallback`, `Stopping`.
    pub fn stop(&self) -> Result<()> {
        if context::inside().is_some() {
            return Err(Refusal::InsideCallback);
        }
        let mut guard = self.lock();
        if guard.is_ending {
            return Err(Refusal::Stopping);
        }
        let mut released = Ok(());
        if guard.run.is_some() {
            (guard, released) = self.end_run(guard)?;
        }
        // Still with the lock held, because a following start can set another log.
        let sinks = sink::end(self, writer::drop_lines);
        drop(guard);
        sinks.wait();
        writer::end(LOG_PATIENCE);
        released
    }

    /// Ends the running state and releases everything that it owns. Returns the lock, and whether
    /// this succeeded.
    fn end_run<'a>(&'a self, mut guard: Guard<'a>) -> Result<(Guard<'a>, Result<()>)> {
        let Some(run) = guard.run.as_mut() else { return Ok((guard, Ok(()))) };
        if std::mem::replace(&mut run.stopping, true) {
            return Err(Refusal::Stopping);
        }
        let clients: Vec<_> = run.clients.iter_mut().map(|(client, _)| client).collect();
        for client in clients {
            run.forget(client);
        }
        drop(guard);
        for condition in [&self.shared.ended, &self.shared.work, &self.shared.alarm] {
            condition.notify_all();
        }
        self.shared.serving.end();
        let run = self
            .wait_until(|state| state.run.as_ref().is_none_or(super::state::Run::is_quiet))
            .end();
        // Without the lock, so that the host's log callback gets the resulting messages.
        let released = catch_unwind(AssertUnwindSafe(|| drop(run)));
        // The caught panic may be that of a child that the log callback has forked (spec 8.10).
        crate::fork::after_callback();
        writer::flush(LOG_PATIENCE);
        let mut guard = self.lock();
        guard.is_ending = false;
        Ok((guard, released.map_err(|_| Refusal::Panicked)))
    }

    /// Sets the level of the log until the next start; `None` selects the environment's, otherwise
    /// the default.
    pub fn set_log_level(&self, level: Option<LevelFilter>) {
        // The lock orders it with a start, which sets the level, too.
        let mut guard = self.lock();
        super::log::init(level.unwrap_or_else(settings::log_level));
        if let Some(run) = guard.run.as_mut() {
            run.engine.set_debug(super::log::is_debug());
        }
    }

    /// Sets the destination of log messages; `None` is stderr.
    pub fn set_log_sink(&self, log: Option<LogSink>) {
        sink::set(self, log).wait();
    }

    /// An interface exists in the system, possibly again: the clients with claims to it own it
    /// again (spec 5.11).
    ///
    /// # Errors
    /// `ZeroInterface`, `BadSetting`, `Stopping`.
    pub fn host_add_interface(&self, interface: Interface) -> Result<()> {
        check(interface)?;
        self.act(super::state::State::started, |run| {
            run.system.set_present(interface, true);
            let waiting = run.engine.absent_interfaces();
            let found = waiting.into_iter().find(|(_, name)| *name == interface);
            if let Some((id, _)) = found.filter(|&(id, name)| run.system.reattach(id, name)) {
                run.set_clock();
                run.engine.interface_back(id, &mut run.fx);
            }
            Ok(())
        })
    }

    /// An interface no longer exists in the system: its memberships and MFEs end as in a release,
    /// its owners keep their claims, and no client can take it until it is added again (spec
    /// 5.11).
    ///
    /// # Errors
    /// `ZeroInterface`, `BadSetting`, `Stopping`.
    pub fn host_delete_interface(&self, interface: Interface) -> Result<()> {
        check(interface)?;
        self.act(super::state::State::started, |run| {
            run.system.set_present(interface, false);
            if let Some(id) = run.engine.interface_number(interface) {
                run.set_clock();
                run.engine.interface_lost(id, &mut run.fx);
            }
            Ok(())
        })
    }

    /// Adds a route to the multicast view, or replaces the one of the same
    /// network. The longest prefix of the host's and the system's routes is used; if both are
    /// equally long, the host's (spec 5.1).
    ///
    /// # Errors
    /// `BadSetting`, `NoMemory`, `Stopping`.
    pub fn add_route(&self, route: Route) -> Result<()> {
        self.put_route(route, false)
    }

    /// The same, but the route is preferred to longer prefixes of the system, too.
    ///
    /// # Errors
    /// `BadSetting`, `NoMemory`, `Stopping`.
    pub fn add_preferred_route(&self, route: Route) -> Result<()> {
        self.put_route(route, true)
    }

    fn put_route(&self, route: Route, is_preferred: bool) -> Result<()> {
        let prefix = route.prefix();
        self.change_table(|table| table.add(route, is_preferred))??;
        self.refresh_routes(Lane::Caller, RouteChanges::within([prefix]), &mut || {});
        Ok(())
    }

    /// Deletes a route of the host.
    ///
    /// # Errors
    /// `NoRoute`, `BadSetting`, `Stopping`.
    pub fn delete_route(&self, network: Ipv4Addr, prefix_len: u8) -> Result<()> {
        let gone = Prefix::of(network, prefix_len);
        if !self.change_table(|table| table.delete(network, prefix_len))? {
            return Err(Refusal::NoRoute(network, gone.mask()));
        }
        self.refresh_routes(Lane::Caller, RouteChanges::within([gone]), &mut || {});
        Ok(())
    }

    /// Processes a packet for the memory forwarder. Waits until the flow is resolved.
    ///
    /// # Errors
    /// `InsideCallback` (spec 8.6), `BadSetting`, `Stopping`.
    pub fn packet_in(&self, packet: PacketIn<'_>) -> Result<Verdict> {
        if context::inside().is_some() {
            return Err(Refusal::InsideCallback);
        }
        let PacketIn { flow, arrival, header, length, ttl } = packet;
        let packet = Packet { flow, arrival, header, length, ttl };
        let shell = Shell(self);
        let mut guard = self.lock();
        guard.started()?;
        loop {
            let mut route = None;
            let is_known = |run: &mut super::state::Run| run.engine.knows_source_of(flow, arrival);
            if !guard.running().is_some_and(is_known) {
                (guard, route) = self.route_for(guard, flow, arrival);
            }
            let run = guard.running().ok_or(Refusal::Stopping)?;
            let now = run.now();
            let outcome = run.engine.packet(now, &packet, route.as_ref(), &mut run.fx);
            self.publish(&mut guard, Lane::Caller);
            let verdict = match outcome {
                Outcome::Forwarded(oifs) => Verdict { accepted: true, oifs },
                Outcome::Refused(why) => {
                    ::log::debug!("packet of {flow} on {arrival} refused: {why}");
                    Verdict::default()
                }
                Outcome::Resolving => {
                    guard = shell.drain_held(guard);
                    let Some(run) = guard.running() else { continue };
                    // Nearly always, because this thread has made the callbacks.
                    if let Some(oifs) = run.engine.forward_known(&packet, &mut run.fx) {
                        Verdict { accepted: true, oifs }
                    } else {
                        if run.engine.is_resolving(flow) {
                            guard = self.wait_for_resolution(guard, flow);
                        }
                        continue;
                    }
                }
            };
            self.release_and_drain(guard);
            return Ok(verdict);
        }
    }
}

impl Manager {
    /// Releases the lock, and waits until a flow is resolved. Without worker threads it makes their
    /// callbacks (spec 8.3).
    fn wait_for_resolution<'a>(&'a self, mut guard: Guard<'a>, flow: Flow) -> Guard<'a> {
        loop {
            drop(guard);
            self.drain();
            let mut has_no_worker = false;
            guard = self.wait_until(|state| {
                let run = state.running().filter(|run| run.engine.is_resolving(flow));
                has_no_worker = run.as_ref().is_some_and(|run| Manager::has_no_worker(run));
                run.is_none() || has_no_worker
            });
            if !has_no_worker {
                return guard;
            }
            if let Some(run) = guard.running() {
                self.adopt(run);
            }
        }
    }
}

/// Refuses an interface whose index is 0.
fn check(interface: Interface) -> Result<()> {
    if interface.index == 0 {
        Err(Refusal::ZeroInterface)
    } else {
        Ok(())
    }
}
