//! The client's side: the calls of mgm.h, made at a router in another process.
//!
//! Each thread that makes a call uses a call connection, and reads its answer itself. The thread
//! `mgm-events` reads callbacks, and puts them into the queues of their clients. The calling thread
//! makes the callbacks that its call has caused. A thread `mgm-worker` makes all others.

mod calls;
mod channel;
mod current;
mod events;
mod grace;
mod listing;
mod pool;
mod portions;
mod settling;
mod shell;
mod state;
mod thread;
mod workers;

/// `tests/pool_model.rs` puts others in their place.
mod sync {
    pub(super) use parking_lot::{Condvar, Mutex};
}

pub use current::{
    connect, current, disconnect, drain_owed, of_client, of_serial, owes, set_lost, LostCallback,
};

pub use grace::{default_grace, set_grace};

use crate::hello::Hello;
use crate::messages::{Answer, Call, Reply, Request};
use channel::{Channel, Channels};
use grace::grace;
use mgm_dispatch::{drain_within, turn_of, Cause, Ticket, Turn, BOUNDS};
use mgm_linux::channel::{Connection, Poller};
use mgm_linux::threads;
use mgm_manager::{inside, Inside};
use mgm_types::{Refusal, Result};
use parking_lot::{Condvar, Mutex, MutexGuard};
use portions::portions;
use settling::{Caller, Causes};
use shell::Shell;
use state::State;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

/// The serial numbers of clients and enumerations have this bit, so that they differ from those of
/// the manager in this process.
pub const REMOTE: u64 = 1 << 39;

/// A client of this process. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place(u64);

/// The last serial number.
static SERIALS: AtomicU64 = AtomicU64::new(REMOTE);

/// The last cause of a call.
static CAUSES: AtomicU64 = AtomicU64::new(0);

fn next_serial() -> u64 {
    SERIALS.fetch_add(1, Ordering::Relaxed) + 1
}

/// A connection to a router. Clones are the same connection.
#[derive(Clone)]
pub struct Router(Arc<Link>);

/// What the threads of a connection share.
struct Link {
    path: PathBuf,
    session: u64,
    token: u64,
    /// The event connection.
    events: Arc<Connection>,
    poller: Poller,
    channels: Channels,
    state: Mutex<State>,
    /// Callbacks have arrived that a calling thread waits for.
    arrived: Condvar,
    /// A client waits for a worker.
    work: Condvar,
    /// A callback or a deregistration has ended.
    ended: Condvar,
    /// Orders the acknowledgements on the event connection.
    sending: Mutex<()>,
}

impl Router {
    /// Connects to the router that listens at a path.
    ///
    /// # Errors
    /// `Router`, with the reason.
    pub fn connect(path: &Path) -> Result<Router> {
        mgm_linux::fork::install();
        let refused = |error: io::Error| Refusal::Router(no_router(path, &error));
        let hello = Hello::Process { name: own_name() };
        let (channel, greeted) = Channel::open(path, &hello).map_err(refused)?;
        let (events, reader) = channel.into_parts();
        let poller = Poller::new().map_err(refused)?;
        poller.add(&*events, 0).map_err(refused)?;
        let link = Arc::new(Link {
            path: path.into(),
            session: greeted.session,
            token: greeted.token,
            events,
            poller,
            channels: Channels::default(),
            state: Mutex::default(),
            arrived: Condvar::new(),
            work: Condvar::new(),
            ended: Condvar::new(),
            sending: Mutex::new(()),
        });
        let thread = Arc::clone(&link);
        link.state.lock().has_events = true;
        if let Err(error) = threads::spawn("mgm-events", move || thread.be_reader(reader)) {
            return Err(refused(error));
        }
        Ok(Router(link))
    }

    /// Whether both are the same connection.
    fn is(&self, other: &Router) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether the connection is broken, or was ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.state.lock().is_over
    }

    /// Whether no callback is running and all threads have ended.
    fn is_quiet(&self) -> bool {
        self.0.state.lock().is_quiet()
    }

    /// Whether it has this client, or a callback of the client is still running.
    fn has_client(&self, serial: u64) -> bool {
        self.0.state.lock().clients.contains_key(&Place(serial))
    }

    /// Ends the connection. When it returns, no callback is running (spec 8.10, 9.3).
    ///
    /// # Errors
    /// `InsideCallback`.
    pub fn disconnect(&self) -> Result<()> {
        if inside().is_some() {
            return Err(Refusal::InsideCallback);
        }
        self.0.end();
        let mut state = self.0.state.lock();
        while !state.is_quiet() {
            self.0.ended.wait(&mut state);
        }
        Ok(())
    }
}

impl Link {
    /// Ends the connection: waiting calls are refused, and no further callback starts. False if it
    /// has ended before.
    fn end(&self) -> bool {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_over, true) {
            return false;
        }
        for record in state.clients.values_mut() {
            record.queue.close();
            record.gone = true;
        }
        state.clients.retain(|_, record| record.queue.is_running());
        state.places.clear();
        state.early.clear();
        state.enumerations.clear();
        state.ready.clear();
        drop(state);
        self.events.shut_down();
        self.poller.wake();
        self.channels.end();
        for condition in [&self.arrived, &self.work, &self.ended] {
            condition.notify_all();
        }
        true
    }

    /// The router has ended, or the connection to it is broken (spec 9.9). The thread `mgm-events`
    /// reports it.
    fn lose(&self) {
        if self.end() {
            self.state.lock().is_lost = true;
        }
    }

    /// Logs that the router is lost, and calls the program's callback.
    fn report_loss(&self) {
        log::error!(
            "the router at {} has ended, or the connection to it is broken: all handles are \
             invalid; the next MgmRegisterMProtocol connects again",
            self.path.display()
        );
        current::call_lost();
    }

    /// Makes a call of this thread, and runs the callbacks that it has caused, unless an outer call
    /// of this thread does.
    fn call(self: &Arc<Link>, request: Request) -> Result<Reply> {
        match inside() {
            None => {}
            // The call that logs runs the callbacks of calls inside the log callback (spec 8.1).
            Some(Inside::Host) if !threads::is_ours() => {
                if thread::with(|thread| thread.cause.get()) == 0 {
                    self.begin();
                }
                return self.call_plainly(request);
            }
            Some(_) => return self.call_plainly(request),
        }
        let cause = self.begin();
        let reply = self.call_plainly(request);
        if thread::with(|thread| thread.awaits.get()) > 0 {
            self.deliver(cause);
        }
        self.finish(cause);
        reply
    }

    /// Makes several calls of this thread that count as one: the callbacks run when the last one is
    /// answered. Ends with the first call that cannot be made.
    fn call_all(
        self: &Arc<Link>,
        requests: impl Iterator<Item = Request>,
        mut take: impl FnMut(Reply),
    ) -> Result<()> {
        let cause = match inside() {
            None => self.begin(),
            Some(_) => 0,
        };
        let mut result = Ok(());
        for request in requests {
            match self.call_plainly(request) {
                Ok(reply) => take(reply),
                Err(refusal) => {
                    result = Err(refusal);
                    break;
                }
            }
        }
        if cause != 0 {
            self.deliver_owed();
        }
        result
    }

    /// Runs the callbacks of calls that this thread has made inside the log callback.
    fn deliver_owed(self: &Arc<Link>) {
        let cause = thread::with(|thread| thread.cause.get());
        if thread::with(|thread| thread.awaits.get()) > 0 {
            self.deliver(cause);
        }
        self.finish(cause);
    }

    /// Makes a call without running callbacks.
    fn call_plainly(self: &Arc<Link>, request: Request) -> Result<Reply> {
        let inside = match inside() {
            Some(Inside::Client(client)) => self.number_of(client.0),
            _ => 0,
        };
        let cause = thread::with(|thread| thread.cause.get());
        let answer = self.exchange(&Call { cause, inside, request })?;
        if cause != 0 {
            thread::with(|thread| thread.awaits.set(thread.awaits.get().max(answer.events)));
        }
        Ok(answer.reply)
    }

    /// A connection for calls of this thread.
    fn channel(&self) -> Result<Channel> {
        let hello = Hello::Calls { session: self.session, token: self.token };
        let open = || Channel::open(&self.path, &hello).map(|(channel, _)| channel);
        self.channels.take(open).map_err(|error| match error.kind() {
            io::ErrorKind::NotConnected => lost(),
            _ => Refusal::Router(no_connection(&self.path, &error)),
        })
    }

    fn exchange(&self, call: &Call) -> Result<Answer> {
        let mut channel = self.channel()?;
        match channel.call(call) {
            Ok(answer) => {
                self.channels.give_back(channel);
                Ok(answer)
            }
            Err(_) => {
                // Without this connection the router ends the others, too.
                self.lose();
                Err(lost())
            }
        }
    }

    /// The router's number of a client, 0 if it has none any longer.
    fn number_of(&self, client: u64) -> u64 {
        self.state.lock().clients.get(&Place(client)).map_or(0, |record| record.remote)
    }

    /// This thread begins an outermost call.
    fn begin(&self) -> u64 {
        let cause = CAUSES.fetch_add(1, Ordering::Relaxed) + 1;
        thread::with(|thread| {
            thread.cause.set(cause);
            thread.awaits.set(0);
        });
        thread::outbox(|outbox| outbox.cause = Cause(cause));
        self.state.lock().causes.begin(cause);
        cause
    }

    /// Runs the callbacks that this thread's call has caused, and those that follow from their
    /// answers (spec 9.4).
    fn deliver(self: &Arc<Link>, cause: u64) {
        let shell = Shell(self);
        if settling::deliver(&shell, cause, &mut turn_of(&shell)) {
            self.send_acks(&mut self.state.lock());
        }
    }

    /// This thread ends its outermost call.
    fn finish(self: &Arc<Link>, cause: u64) {
        thread::with(|thread| thread.cause.set(0));
        settling::finish(&Shell(self), cause);
    }
}

impl Caller for Shell<'_> {
    type Place = Place;
    type Guard<'a>
        = MutexGuard<'a, State>
    where
        Self: 'a;

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    fn wait(&self, guard: &mut MutexGuard<'_, State>) {
        self.0.arrived.wait(guard);
    }

    fn causes<'g>(&self, guard: &'g mut MutexGuard<'_, State>) -> &'g mut Causes<Place> {
        &mut guard.causes
    }

    fn is_over(&self, guard: &MutexGuard<'_, State>) -> bool {
        guard.is_over
    }

    fn accept(&self, ticket: Ticket<Place>) -> bool {
        thread::outbox(|outbox| outbox.push(&BOUNDS, ticket))
    }

    fn leave(&self, guard: &mut MutexGuard<'_, State>, ticket: Ticket<Place>) {
        self.0.leave(guard, ticket);
    }

    fn drain(&self, turn: &mut Turn) {
        drain_within(self, turn);
    }

    fn take_awaited(&self) -> u64 {
        thread::with(|thread| thread.awaits.replace(0))
    }

    fn settle(&self) -> bool {
        let mut portions = portions(thread::take_owed());
        portions.all(|acks| self.0.call_plainly(Request::Settle { acks }).is_ok())
    }
}

/// What to do if no router can be reached.
fn no_router(path: &Path, error: &io::Error) -> String {
    format!(
        "cannot connect to a router at {} ({error}): start mgmd, whose key router.clients is this \
         path (by default /run/mgmd/router), or unset MGM_ROUTER (or pszRouter of MGMHOST_CONFIG)",
        path.display()
    )
}

/// What to do if the first connection for calls cannot be opened.
fn no_connection(path: &Path, error: &io::Error) -> String {
    format!(
        "cannot open a connection for calls to the router at {} ({error}): check \
         that the router runs, that this user may open the socket, and the limit on open files \
         (ulimit -n)",
        path.display()
    )
}

/// The refusal of a call during which the connection has ended (spec 9.9).
fn lost() -> Refusal {
    Refusal::Router(
        "the router has ended, or the connection to it is broken: it is unknown whether the call \
         took effect"
            .into(),
    )
}

/// The name of this process, for the router's log.
fn own_name() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(Path::file_name);
    name.map(|name| name.to_string_lossy().chars().take(32).collect()).unwrap_or_default()
}
