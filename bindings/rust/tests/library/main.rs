//! The crate with the real library: tests/languages/run runs these tests.

use mgm_client::host::{self, Decision, Forwarder, LogLevel, Packet, Route, Settings};
use mgm_client::{
    protocol, Callbacks, Client, Events, Flow, Incoming, Interface, Outgoing, Prefix,
};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod clients;
mod host_side;
mod listings;

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);

/// The library belongs to the process, so the tests take turns. It runs with the memory
/// forwarder, and is stopped at the end.
struct Router(#[allow(dead_code)] MutexGuard<'static, ()>);

static TURN: Mutex<()> = Mutex::new(());

/// The turn of a test that starts the library itself.
fn stopped() -> Router {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    host::stop().unwrap();
    Router(turn)
}

fn settings() -> Settings {
    Settings::new().forwarder(Forwarder::Memory).log_level(LogLevel::Off)
}

fn running() -> Router {
    let router = stopped();
    settings().start().unwrap();
    router
}

/// With a route to the sources through interface 1.
fn routed() -> Router {
    let router = running();
    host::add_route(Route::connected(prefix("10.0.0.0/8"), 1)).unwrap();
    router
}

impl Drop for Router {
    fn drop(&mut self) {
        host::stop().ok();
    }
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn silent(component: u32) -> Client {
    Client::register(protocol::OTHER, component, ()).unwrap()
}

fn packet(index: u32) -> Decision {
    packet_of(SOURCE, GROUP, index)
}

fn packet_of(source: Ipv4Addr, group: Ipv4Addr, index: u32) -> Decision {
    let header = [0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17];
    let interface = Interface::new(index);
    host::packet_in(Packet { source, group, interface, header: &header, size: 100 }).unwrap()
}

type Lines = Arc<Mutex<Vec<String>>>;

/// A client that writes down what it is told, and answers as it is told to.
#[derive(Clone, Default)]
struct Recorder {
    lines: Lines,
    /// The answers; otherwise the defaults.
    incoming: Option<Incoming>,
    disabled: Option<u32>,
    lifetime: Option<u32>,
}

impl Recorder {
    fn register(&self, protocol: u32, component: u32) -> Client {
        Client::register(protocol, component, self.clone()).unwrap()
    }

    fn line(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    /// What it was told since the last time.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }
}

impl Callbacks for Recorder {
    fn events(&self) -> Events {
        Events::ALL
    }

    fn rpf(&self, flow: Flow, suggested: Incoming, header: &[u8]) -> Incoming {
        let Incoming { interface, upstream } = suggested;
        let arrival = host::arrival().unwrap().expect("inside the callback");
        let size = header.len();
        self.line(format!("rpf {flow} in {interface} from {upstream:?} at {arrival} {size} bytes"));
        self.incoming.unwrap_or(suggested)
    }

    fn creation_alert(&self, flow: Flow, incoming: Interface, outgoing: &mut [Outgoing]) {
        let out: Vec<u32> = outgoing.iter().map(|one| one.interface.index).collect();
        self.line(format!("creation {flow} in {incoming} out {out:?}"));
        for one in outgoing {
            one.enabled = self.disabled != Some(one.interface.index);
        }
    }

    fn prune_alert(&self, flow: Flow, on: Interface, nobody_else: bool, timeout: u32) -> u32 {
        self.line(format!("prune {flow} on {on} {nobody_else} for {timeout}"));
        self.lifetime.unwrap_or(timeout)
    }

    fn join_alert(&self, flow: Flow, somebody_else: bool) {
        self.line(format!("join {flow} {somebody_else}"));
    }

    fn wrong_if(&self, source: Ipv4Addr, group: Ipv4Addr, on: Interface, header: &[u8]) {
        self.line(format!("wrong-if {source} {group} on {on} {} bytes", header.len()));
    }

    fn local_join(&self, flow: Flow, on: Interface) {
        self.line(format!("local-join {flow} on {on}"));
    }

    fn local_leave(&self, flow: Flow, on: Interface) {
        self.line(format!("local-leave {flow} on {on}"));
    }

    fn disable_igmp(&self, on: Interface) {
        self.line(format!("disable-igmp {on}"));
    }

    fn enable_igmp(&self, on: Interface) {
        self.line(format!("enable-igmp {on}"));
    }
}

/// A client with one callback, a closure.
struct OnJoin<F>(F);

impl<F: Fn(Flow, bool) + Send + Sync + 'static> Callbacks for OnJoin<F> {
    fn events(&self) -> Events {
        Events::JOIN_ALERT
    }

    fn join_alert(&self, flow: Flow, somebody_else: bool) {
        (self.0)(flow, somebody_else);
    }
}
