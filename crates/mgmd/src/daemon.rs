//! The daemon: one thread that waits for packets, changes of interfaces, signals and timers, and
//! drives IGMP and libmgm.
//!
//! ```text
//!   packets ─────┐                      ┌─► sockets: IGMP packets
//!   netlink ─────┤   ┌──────────────┐   │
//!   signals ─────┼──►│  event loop  │───┼─► library (trait Library): take, join, leave …
//!   timer ───────┤   └──┬────────▲──┘   │
//!   wake-up ─────┘      │ events │ jobs └─► log, service manager
//!                    ┌──▼────────┴──┐
//!   callbacks ──────►│    Shared    │  IGMP and the static routes, behind one lock
//!                    └──────────────┘
//! ```
//! - `reactor`: waits for events. `sockets`: receives and sends IGMP packets.
//! - `device`: an interface of the system. `plan`: how the configuration wants it served, and the
//!   steps that lead to this. `interfaces`: carries out these steps.
//! - `registers`: the packets in PIM registers. `reverse_path`: what the kernel may drop of them.
//! - `state`, `shared`: IGMP, and its answers to the library's callbacks. `jobs`: carries out
//!   what IGMP wants done.
//! - `routes`: static routes. `proxies`: the interfaces of the IGMP proxies.
//! - `answers`: answers the requests at the control socket. `reload`: the log lines of a reload.
//! - `saved`: the groups that a restart keeps. `number`: "1 group". `report`: log lines about the whole router.
//! - `library`: the functions of libmgm that the daemon needs; the program implements them.
//!   `names`: the names of interfaces in the library's log.

mod answers;
mod context;
mod device;
mod interfaces;
mod jobs;
pub mod library;
pub mod names;
mod number;
mod plan;
mod proxies;
pub mod reactor;
mod registers;
mod reload;
mod report;
mod reverse_path;
mod routes;
mod saved;
pub mod shared;
mod sockets;
mod state;

pub use device::{REGISTER, REST};
pub use state::Question;

use crate::config::clients::user_id;
use crate::config::{ClientRules, Config, Forwarder, LogLevel, Router};
use crate::control::{Inbox, Options, Outcome, Server};
use crate::log::Log;
use crate::notify::Notify;
use answers::{Life, View};
use context::Context;
use interfaces::Interfaces;
use library::Library;
use mgm_control::{changes, Answer, ErrorCode, Failure, Request};
use mgm_igmp::Event;
use mgm_net::tap::Tap;
use mgm_types::Time;
use nix::sys::signal::Signal;
use reactor::{Reactor, Source};
use registers::Registers;
use saved::Saved;
use shared::{now, Shared};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often kernel losses are counted and the status line is written.
const TICK: Duration = Duration::from_secs(10);

/// How long the former control socket stays open after a reload has moved it, in milliseconds. Its
/// clients have as long for an answer (M21).
const FORMER: u64 = 5_000;

/// The parts of the daemon, which exist before it starts.
pub struct Parts<L> {
    /// The file of the configuration, for reloads.
    pub file: PathBuf,
    /// The configuration in this file.
    pub config: Config,
    /// libmgm, started, with IGMP registered.
    pub library: L,
    /// IGMP and the static routes, which the callbacks of
    /// the library use, too.
    pub shared: Arc<Shared>,
    /// It waits for events. It was opened before any thread
    /// began.
    pub reactor: Reactor,
    /// The log.
    pub log: Arc<Log>,
    /// The service manager.
    pub notify: Notify,
    /// The interface on which the packets in PIM registers arrive, if there is one.
    pub register: Option<Arc<Tap>>,
}

/// mgmd while it runs.
pub struct Daemon<L> {
    parts: Parts<L>,
    interfaces: Interfaces,
    registers: Option<Registers>,
    control: Control,
    former_control: Option<FormerControl>,
    life: Life,
    next_tick: Time,
    /// Whether the last message to the service manager failed,
    /// and this was logged.
    is_notify_failing: bool,
}

/// The control socket.
struct Control {
    inbox: Inbox,
    /// Dropping it closes the socket.
    server: Server,
}

/// A control socket that a reload has replaced. It only sends the answers that it has.
struct FormerControl {
    _server: Server,
    until: Time,
}

impl<L: Library> Daemon<L> {
    /// Serves the interfaces that are there. The start is not complete yet: the caller loads the
    /// modules, and then calls [`Daemon::run`], or [`Daemon::give_up`] if that failed.
    ///
    /// # Errors
    /// Why mgmd cannot start, and what to do.
    pub fn start(parts: Parts<L>) -> Result<Daemon<L>, String> {
        let (saved, problem) = Saved::read(&saved::path(&parts.config.router.control));
        if let Some(text) = problem {
            parts.log.write(LogLevel::Warn, &text);
        }
        parts.shared.handle(Event::Found(parts.library.groups()));
        let added = parts.reactor.add(&*parts.shared, Source::Wake);
        added.map_err(|error| format!("cannot wait for callbacks: {error}"))?;
        let interfaces = Interfaces::open(context(&parts), saved)?;
        let device = parts.register.clone();
        let registers =
            device.map(|device| Registers::open(device, context(&parts))).transpose()?;
        let control = open_control(&parts, &parts.config)?;
        restrict_clients(&parts);
        serve_clients(&parts);
        let life = Life { started: now(), configured: now(), reloads: 0, refused: 0 };
        let next_tick = Time(0);
        let mut daemon = Daemon {
            parts,
            interfaces,
            registers,
            control,
            former_control: None,
            life,
            next_tick,
            is_notify_failing: false,
        };
        daemon.interfaces.serve_all(context(&daemon.parts));
        daemon.interfaces.work(context(&daemon.parts));
        Ok(daemon)
    }

    /// Ends a start that has failed: leaves what mgmd has joined, and keeps the file of saved
    /// groups for the next start (M17). Returns the library, which is still to be stopped.
    pub fn give_up(mut self) -> L {
        self.leave();
        self.parts.library
    }

    /// Completes the start, and runs until SIGTERM or SIGINT. Returns the library, which is still
    /// to be stopped.
    ///
    /// # Errors
    /// The system does not let mgmd wait.
    pub fn run(mut self) -> Result<L, String> {
        self.started();
        let mut ready = Vec::new();
        loop {
            let former = self.former_control.as_ref().map(|former| former.until);
            let due = [self.parts.shared.deadline(), self.interfaces.deadline(), former];
            let due = due.into_iter().flatten().fold(self.next_tick, Time::min);
            let reactor = &mut self.parts.reactor;
            let result = reactor.set_timer(Some(due)).and_then(|()| reactor.wait(&mut ready));
            result.map_err(|error| format!("cannot wait for events: {error}"))?;
            for source in ready.drain(..) {
                if self.serve(source) {
                    self.stop();
                    return Ok(self.parts.library);
                }
            }
        }
    }

    /// The start is complete: says so, and deletes the file of saved groups (M17).
    fn started(&mut self) {
        let path = saved::path(&self.parts.config.router.control);
        if let Err(error) = saved::delete(&path) {
            let text = format!(
                "{}: cannot be deleted: {error}: delete it, because the next start would read \
                 these groups again",
                path.display()
            );
            self.parts.log.write(LogLevel::Warn, &text);
        }
        for line in report::start(context(&self.parts), &self.interfaces) {
            self.parts.log.write(LogLevel::Info, &line);
        }
        self.tell(Notify::ready);
    }

    /// Serves a source that is ready. Returns whether mgmd has to stop.
    fn serve(&mut self, source: Source) -> bool {
        let context = context(&self.parts);
        match source {
            Source::Monitor => self.interfaces.changed(context),
            Source::Link(index) => self.interfaces.receive(index, context),
            Source::Register => {
                if let Some(registers) = &mut self.registers {
                    registers.receive(&self.interfaces, context);
                }
            }
            Source::Wake => self.parts.shared.awake(),
            Source::Timer => self.timer(),
            Source::Control => self.answer(),
            Source::Signal => match self.parts.reactor.signal() {
                Some(Signal::SIGHUP) => {
                    // Both outcomes are in the log.
                    let _ = self.reload_and_tell();
                }
                Some(_) => return true,
                None => {}
            },
        }
        self.parts.shared.run_timers();
        self.interfaces.work(self::context(&self.parts));
        false
    }

    fn timer(&mut self) {
        self.parts.reactor.timer_came();
        self.interfaces.try_again(context(&self.parts));
        self.former_control.take_if(|former| former.until <= now());
        if now() < self.next_tick {
            return;
        }
        self.next_tick = Time(now().0 + self.tick().as_millis() as u64);
        let context = context(&self.parts);
        self.interfaces.count_losses(context);
        report::limits(context);
        let status = report::status(context, &self.interfaces);
        self.tell(|notify| notify.status(&status));
        self.tell(Notify::watchdog);
    }

    fn tick(&self) -> Duration {
        self.parts.notify.watchdog_interval().map_or(TICK, |interval| interval.min(TICK))
    }

    fn tell(&mut self, tell: impl FnOnce(&Notify) -> std::io::Result<()>) {
        let result = tell(&self.parts.notify);
        if let (Err(error), false) = (&result, self.is_notify_failing) {
            let text = format!("cannot notify the service manager: {error}");
            self.parts.log.write(LogLevel::Warn, &text);
        }
        self.is_notify_failing = result.is_err();
    }

    /// Answers one request of the control socket. If more wait, the reactor
    /// reports the socket again.
    fn answer(&mut self) {
        let Some(asked) = self.control.inbox.receive() else { return };
        let request = asked.request().clone();
        let view = View {
            context: context(&self.parts),
            interfaces: &self.interfaces,
            registers: self.registers.as_ref(),
            life: self.life,
            file: &self.parts.file,
        };
        let outcome = view.answer(&request, asked.evidence());
        let outcome = outcome.unwrap_or_else(|| self.change(&request));
        asked.answer(outcome);
    }

    fn change(&mut self, request: &Request) -> Outcome {
        match request {
            Request::LogLevel(level) => {
                let before = self.parts.log.level();
                self.parts.log.set_level(*level);
                self.parts.library.set_log_level(*level);
                Ok(Answer::LogLevel(changes::LogLevelChanged { before, level: *level }))
            }
            _ => match self.reload_and_tell() {
                Ok(changes) => {
                    let file = self.parts.file.display().to_string();
                    Ok(Answer::Reload(changes::Reloaded { file, changes }))
                }
                Err(problems) => {
                    let text = "mgmd refuses the reload: nothing has changed";
                    Err(Failure::new(ErrorCode::Refused, text).with_details(problems))
                }
            },
        }
    }

    /// Reloads, and tells the service manager and the log.
    fn reload_and_tell(&mut self) -> Result<Vec<String>, Vec<String>> {
        self.tell(Notify::reloading);
        let result = self.reload();
        match &result {
            Ok(changes) => {
                self.life = Life { configured: now(), reloads: self.life.reloads + 1, ..self.life };
                changes.iter().for_each(|line| self.parts.log.write(LogLevel::Info, line));
                self.parts.log.write(LogLevel::Info, "configuration reloaded");
            }
            Err(problems) => {
                self.life.refused += 1;
                problems.iter().for_each(|line| self.parts.log.write(LogLevel::Error, line));
            }
        }
        self.tell(Notify::ready);
        result
    }

    /// Reads the configuration again, and applies the difference. Returns what has changed.
    fn reload(&mut self) -> Result<Vec<String>, Vec<String>> {
        let file = &self.parts.file;
        let config = Config::load(file).map_err(|problems| {
            let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.push(format!("{}: invalid: the former configuration stays", file.display()));
            lines
        })?;
        let changes = Config::difference(&self.parts.config, &config)
            .map_err(|error| vec![format!("{}: {error}", file.display())])?;
        if changes.control {
            // It may have been the socket that is to be opened now.
            self.former_control = None;
            // First, because it may fail, and then nothing must have changed.
            let control = open_control(&self.parts, &config).map_err(|error| vec![error])?;
            self.move_control(control);
        }
        self.parts.config = config;
        let Parts { config, log, shared, library, .. } = &self.parts;
        if changes.log_level {
            log.set_level(config.router.log_level);
            library.set_log_level(config.router.log_level);
        }
        if changes.max_igmp_entries {
            shared.handle(Event::Settings(state::settings(config)));
        }
        if changes.client_rules {
            restrict_clients(&self.parts);
        }
        if changes.clients || changes.client_socket {
            serve_clients(&self.parts);
        }
        self.interfaces.serve_all(context(&self.parts));
        self.interfaces.work(context(&self.parts));
        Ok(reload::lines(&changes))
    }

    /// Uses another control socket from now on. The reload may have been requested at the former
    /// one, so its client still gets the answer there (M21).
    fn move_control(&mut self, control: Control) {
        let former = std::mem::replace(&mut self.control, control);
        // Without its inbox, it passes no more requests to the event loop.
        drop(former.inbox);
        let until = Time(now().0 + FORMER);
        self.former_control = Some(FormerControl { _server: former.server, until });
    }

    /// Saves the groups, and leaves what mgmd has joined.
    fn stop(&mut self) {
        self.tell(Notify::stopping);
        let context = context(&self.parts);
        let mut saved = Saved::at(now());
        self.interfaces.save(&mut saved, context);
        let path = saved::path(&context.config.router.control);
        if let Err(error) = saved.write(&path) {
            let text = format!(
                "{}: cannot be written: {error}: the next start has to wait for reports of hosts",
                path.display()
            );
            context.log.write(LogLevel::Warn, &text);
        }
        self.leave();
        self.parts.log.write(LogLevel::Info, "stopped");
    }

    /// Leaves the groups that mgmd itself has joined, and deletes the host routes. When the
    /// program stops the library, the library ends everything else.
    fn leave(&mut self) {
        let context = context(&self.parts);
        context.shared.handle(Event::Stop);
        self.interfaces.work(context);
    }
}

/// Serves routing protocols in other processes. Everything else works without them, so an error is
/// only logged.
fn serve_clients<L: Library>(parts: &Parts<L>) {
    let Router { clients, client_socket, .. } = &parts.config.router;
    if let Err(reason) = parts.library.serve_clients(clients, client_socket) {
        let text = format!("no routing protocol in another process can connect: {reason}");
        parts.log.write(LogLevel::Error, &text);
    }
}

/// Restricts users from now on. Those that the system does not have are logged.
fn restrict_clients<L: Library>(parts: &Parts<L>) {
    let rules = ClientRules::of(&parts.config.clients, user_id);
    for user in rules.unknown() {
        let text = format!(
            "client.user: there is no user {user}, so the table has no effect until the user is \
             created"
        );
        parts.log.write(LogLevel::Warn, &text);
    }
    parts.library.restrict_clients(rules);
}

/// Opens the control socket of a configuration. mgmd creates its folder if it is missing (M15).
fn open_control<L: Library>(parts: &Parts<L>, config: &Config) -> Result<Control, String> {
    let path = config.router.control.clone();
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        let created = std::fs::create_dir(folder);
        created.map_err(|error| format!("{}: cannot be created: {error}", folder.display()))?;
    }
    let (status, explain) = (parts.library.status_reader(), parts.library.explain_reader());
    let mut options = Options::new(path, status, explain, Arc::clone(&parts.log));
    let router = &config.router;
    options.table = (router.forwarder == Forwarder::Kernel).then_some(router.table);
    let (server, inbox) = Server::open(options)?;
    let added = parts.reactor.add(&inbox, Source::Control);
    added.map_err(|error| format!("cannot wait for requests: {error}"))?;
    Ok(Control { inbox, server })
}

fn context<L: Library>(parts: &Parts<L>) -> Context<'_> {
    Context {
        config: &parts.config,
        shared: &parts.shared,
        library: &parts.library,
        reactor: &parts.reactor,
        log: &parts.log,
    }
}
