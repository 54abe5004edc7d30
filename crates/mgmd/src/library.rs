//! libmgm for the daemon: its start, the client of IGMP, and the callbacks.
//!
//! Only the program links libmgm, so the tests of the daemon need no library.

use mgm_client::host::{self, Detail, Settings};
use mgm_client::remote::{set_client_filter, ClientRequest, ClientService};
use mgm_client::{owner_of, protocol, Callbacks, Client, Error, Events, Incoming, Outgoing};
use mgm_igmp::{Callback, Code, Flag, Membership, MgmCall, Ownership};
use mgm_types::{Flow, Prefix, Scope};
use mgmd::config::clients::{group_id, look_up_user, user_id, Taken, Wish};
use mgmd::config::{ClientRules, ClientSocket, Forwarder, LogLevel, Router};
use mgmd::control::{ExplainReader, StatusReader};
use mgmd::daemon::library::{in_words_of_the_file, Library};
use mgmd::daemon::names::named;
use mgmd::daemon::shared::Shared;
use mgmd::daemon::Question;
use mgmd::log::Log;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The component number of mgmd's IGMP.
const COMPONENT: u32 = 0;

/// The library, with IGMP registered. It is stopped by [`Mgm::stop`].
pub struct Mgm {
    client: Client,
    /// Knows the names of the interfaces.
    shared: Arc<Shared>,
    /// Whether the forwarder is the memory forwarder, which has to be
    /// told of each interface.
    is_memory: bool,
}

impl Mgm {
    /// Starts the library and opens its forwarder.
    ///
    /// # Errors
    /// Why, and what to do.
    pub fn start(
        router: &Router,
        log_level: LogLevel,
        log: &Arc<Log>,
        shared: &Arc<Shared>,
    ) -> Result<Mgm, Error> {
        let forwarder = match router.forwarder {
            Forwarder::Kernel => host::Forwarder::Kernel,
            Forwarder::Ebpf => host::Forwarder::Ebpf,
            Forwarder::Memory => host::Forwarder::Memory,
        };
        // Set before the start, so that a failure is not also logged by the library itself.
        let lines = Lines::new(log, shared);
        host::set_log(Some(lines.sink()))?;
        let sink = lines.sink();
        let settings = Settings::new()
            .forwarder(forwarder)
            .open_forwarder()
            .table(router.table)
            .unicast_table(router.unicast_table)
            .mfe_timeout(router.mfe_timeout)
            .max_flows(router.max_flows)
            .log_level(level(log_level))
            .log(move |level, text| sink(level, text));
        settings.start()?;
        lines.begin();
        let callbacks = Igmp { shared: Arc::clone(shared) };
        let client = Client::register(protocol::IGMP, COMPONENT, callbacks).inspect_err(|_| {
            // The first error says more.
            let _ = host::stop();
        })?;
        let is_memory = router.forwarder == Forwarder::Memory;
        Ok(Mgm { client, shared: Arc::clone(shared), is_memory })
    }

    /// The library's words, for an operator of mgmd.
    fn reason(&self, error: Error) -> String {
        match error {
            Error::Library { reason, .. } => {
                named(&in_words_of_the_file(&reason), |index| self.shared.name(index))
            }
            other => other.to_string(),
        }
    }

    /// Ends everything that the library does.
    ///
    /// # Errors
    /// None is known.
    pub fn stop(self) -> mgm_client::Result<()> {
        drop(self.client);
        host::stop()
    }
}

/// The lines of the library's log. Lines that the start causes wait until the start has
/// succeeded. If it fails, they are dropped, because mgmd logs the reason itself when it
/// exits.
struct Lines {
    log: Arc<Log>,
    /// Knows the names of the interfaces.
    shared: Arc<Shared>,
    /// `None` when the start has succeeded.
    waiting: Arc<Mutex<Option<Vec<Line>>>>,
}

/// A line of the library's log.
struct Line {
    level: LogLevel,
    text: String,
}

impl Lines {
    fn new(log: &Arc<Log>, shared: &Arc<Shared>) -> Lines {
        let waiting = Arc::new(Mutex::new(Some(Vec::new())));
        Lines { log: Arc::clone(log), shared: Arc::clone(shared), waiting }
    }

    fn sink(&self) -> host::LogSink {
        let (log, shared) = (Arc::clone(&self.log), Arc::clone(&self.shared));
        let waiting = Arc::clone(&self.waiting);
        Arc::new(move |level, text| {
            let level = of_library(level);
            // The names cost time, which a line that nobody sees does not need.
            if !log.is_enabled(level) {
                return;
            }
            let text = named(&in_words_of_the_file(text), |index| shared.name(index));
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *waiting {
                Some(lines) => lines.push(Line { level, text }),
                None => {
                    drop(waiting);
                    log.write(level, &text);
                }
            }
        })
    }

    fn begin(&self) {
        let lines = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        for Line { level, text } in lines.into_iter().flatten() {
            self.log.write(level, &text);
        }
    }
}

/// The level of the library's log.
fn level(level: LogLevel) -> host::LogLevel {
    match level {
        LogLevel::Off => host::LogLevel::Off,
        LogLevel::Error => host::LogLevel::Error,
        LogLevel::Warn => host::LogLevel::Warn,
        LogLevel::Info => host::LogLevel::Info,
        LogLevel::Debug => host::LogLevel::Debug,
        LogLevel::Trace => host::LogLevel::Trace,
    }
}

fn of_library(level: host::LogLevel) -> LogLevel {
    match level {
        host::LogLevel::Off => LogLevel::Off,
        host::LogLevel::Error => LogLevel::Error,
        host::LogLevel::Warn => LogLevel::Warn,
        host::LogLevel::Default | host::LogLevel::Info => LogLevel::Info,
        host::LogLevel::Debug => LogLevel::Debug,
        host::LogLevel::Trace => LogLevel::Trace,
    }
}

fn flow(flow: Flow) -> mgm_client::Flow {
    let source = flow.has_source().then(|| flow.source());
    let group = Some(flow.group()).filter(|group| !group.is_unspecified());
    mgm_client::Flow { source, group }
}

fn of_client(flow: mgm_client::Flow) -> Flow {
    let address = |address: Option<Ipv4Addr>| address.unwrap_or(Ipv4Addr::UNSPECIFIED);
    Flow::new(address(flow.source), address(flow.group))
}

fn prefix(prefix: Prefix) -> mgm_client::Prefix {
    mgm_client::Prefix::new(prefix.network(), prefix.length())
}

/// The prefix of a scope, whose text is "address/length".
fn scope(scope: Scope) -> Result<mgm_client::Prefix, String> {
    let text = scope.to_string();
    text.parse().map_err(|_| format!("{text} is not a prefix"))
}

fn code(error: &Error) -> Code {
    match error.code() {
        Some(mgm_client::Code::NotEnoughMemory) => Code::NotEnoughMemory,
        Some(mgm_client::Code::InvalidParameter) => Code::InvalidParameter,
        Some(mgm_client::Code::AlreadyExists) => Code::AlreadyExists,
        Some(mgm_client::Code::NotFound) => Code::NotFound,
        _ => Code::CanNotComplete,
    }
}

/// Whether a protocol owns an interface that IGMP has taken.
fn ownership(link: u32) -> Ownership {
    match owner_of(link) {
        Ok(Some(owner)) if owner.protocol != protocol::IGMP => Ownership::BesideOwner,
        _ => Ownership::Alone,
    }
}

impl Library for Mgm {
    fn call(&self, call: MgmCall) -> Result<(), (Code, String)> {
        let client = &self.client;
        let result = match call {
            MgmCall::Take { link } => client.take(link),
            MgmCall::Release { link } => client.release(link),
            MgmCall::Add(Membership { link, flow: of, flag: Flag::Join }) => {
                client.join(link, flow(of))
            }
            MgmCall::Add(Membership { link, flow: of, flag: Flag::Forward }) => {
                client.forward(link, flow(of))
            }
            MgmCall::Delete(Membership { link, flow: of, flag: Flag::Join }) => {
                client.leave(link, flow(of))
            }
            MgmCall::Delete(Membership { link, flow: of, flag: Flag::Forward }) => {
                client.stop_forwarding(link, flow(of))
            }
            MgmCall::AddRoute { network, link } => {
                let route = host::Route::connected(prefix(network), link);
                host::add_route(route.protocol(protocol::NETMGMT))
            }
            MgmCall::DeleteRoute { network, .. } => host::delete_route(prefix(network)),
            MgmCall::SetMfe { flow, link } => {
                client.set_mfe(flow.source(), flow.group(), None, link)
            }
        };
        result.map_err(|error| (code(&error), self.reason(error)))
    }

    fn ownership(&self, link: u32) -> Ownership {
        ownership(link)
    }

    fn owner(&self, link: u32) -> Option<(u32, u32)> {
        let owner = owner_of(link).ok().flatten()?;
        Some((owner.protocol, owner.component))
    }

    fn version(&self) -> String {
        let (major, minor, patch) = host::version().map_or((0, 0, 0), |version| version.build);
        format!("{major}.{minor}.{patch}")
    }

    fn groups(&self) -> Vec<Flow> {
        let groups = self.client.groups().into_iter().flatten();
        groups.map_while(Result::ok).map(of_client).collect()
    }

    fn each_mfe(&self, take: &mut dyn FnMut(Flow, u32)) {
        for mfe in mgm_client::mfes().map_while(Result::ok) {
            take(Flow::new(mfe.source, mfe.group), mfe.incoming);
        }
    }

    fn set_ttl_threshold(&self, link: u32, threshold: u8) -> Result<(), String> {
        host::set_ttl_threshold(link, threshold).map_err(|error| error.to_string())
    }

    fn set_flow_limit(&self, link: u32, flows: Option<u32>) -> Result<(), String> {
        let flows = flows.unwrap_or(0);
        host::set_flow_limit(link, flows, flows).map_err(|error| error.to_string())
    }

    fn set_boundary(&self, link: u32, of: Scope, is_there: bool) -> Result<(), String> {
        let set = if is_there { host::add_boundary } else { host::delete_boundary };
        set(link, scope(of)?).map_err(|error| error.to_string())
    }

    fn set_scope_name(&self, of: Scope, name: &str) -> Result<(), String> {
        host::set_scope_name(scope(of)?, name).map_err(|error| error.to_string())
    }

    fn set_interface(&self, link: u32, is_there: bool) {
        if self.is_memory {
            let set: fn(u32) -> _ =
                if is_there { host::add_interface } else { host::delete_interface };
            // The library logs why it refuses, which no valid index causes.
            let _ = set(link);
        }
    }

    fn serve_clients(&self, path: &Path, socket: &ClientSocket) -> Result<(), String> {
        let id = |key: &str, name: &Option<String>, find: fn(&str) -> Option<u32>| {
            let Some(name) = name else { return Ok(None) };
            let unknown = || format!("router.{key}: {name} does not exist: create it, and reload");
            find(name).map(Some).ok_or_else(unknown)
        };
        let service = ClientService {
            owner: id("clients-owner", &socket.owner, user_id)?,
            group: id("clients-group", &socket.group, group_id)?,
            mode: socket.mode,
            max_processes: socket.most,
            max_user_processes: socket.most_of_user.unwrap_or(0),
            answer_ms: socket.answer_ms,
        };
        host::serve_clients(Some(path), &service).map_err(|error| error.to_string())
    }

    fn restrict_clients(&self, rules: ClientRules) {
        let shared = Arc::clone(&self.shared);
        let filter = move |request: &ClientRequest| {
            let index = request.interface.map(|interface| interface.index);
            let name = index.and_then(|index| shared.name(index));
            let wish = Wish {
                user: request.user,
                protocol: request.protocol,
                component: request.component,
                interface: index.map(|_| Taken { name: name.as_deref() }),
            };
            rules.permits(&wish, look_up_user)
        };
        // It is refused in a forked child only.
        let _ = set_client_filter(Some(Arc::new(filter)));
    }

    fn set_log_level(&self, to: LogLevel) {
        // It is refused in a forked child only.
        let _ = host::set_log_level(level(to));
    }

    fn status(&self, is_whole: bool) -> Result<String, String> {
        status(if is_whole { Detail::ALL } else { Detail::SUMMARY })
    }

    fn status_reader(&self) -> StatusReader {
        Box::new(|| status(Detail { memberships: false, mfes: true }))
    }

    fn explain_reader(&self) -> ExplainReader {
        Arc::new(|of, arrival| {
            let arrival = arrival.map(mgm_client::Interface::from);
            host::explain(flow(of), arrival).map_err(|error| error.to_string())
        })
    }
}

fn status(detail: Detail) -> Result<String, String> {
    host::status(detail).map_err(|error| error.to_string())
}

/// The callbacks of IGMP.
struct Igmp {
    shared: Arc<Shared>,
}

impl Callbacks for Igmp {
    fn events(&self) -> Events {
        Events::RPF
            | Events::CREATION_ALERT
            | Events::PRUNE_ALERT
            | Events::JOIN_ALERT
            | Events::DISABLE_IGMP
            | Events::ENABLE_IGMP
    }

    fn rpf(&self, flow: mgm_client::Flow, suggested: Incoming, _: &[u8]) -> Incoming {
        let expected = suggested.interface;
        // At a renewal this is the interface of the MFE.
        let arrival = host::arrival().ok().flatten().map_or(expected.index, |at| at.index);
        let (link, neighbour) = self.shared.asked(Question {
            flow: of_client(flow),
            expected: expected.index,
            neighbour: suggested.upstream.unwrap_or(Ipv4Addr::UNSPECIFIED),
            arrival,
        });
        let next_hop = expected.next_hop.filter(|_| link == expected.index);
        Incoming {
            interface: mgm_client::Interface { index: link, next_hop },
            upstream: Some(neighbour).filter(|address| !address.is_unspecified()),
        }
    }

    fn creation_alert(
        &self,
        flow: mgm_client::Flow,
        _: mgm_client::Interface,
        outgoing: &mut [Outgoing],
    ) {
        for one in outgoing {
            one.enabled &= self.shared.may_forward(one.interface.index, of_client(flow));
        }
    }

    fn prune_alert(
        &self,
        flow: mgm_client::Flow,
        _: mgm_client::Interface,
        nobody_else: bool,
        timeout: u32,
    ) -> u32 {
        if nobody_else {
            self.shared.told(Callback::PruneAlert(of_client(flow)));
        }
        timeout
    }

    fn join_alert(&self, flow: mgm_client::Flow, somebody_else: bool) {
        if somebody_else {
            self.shared.told(Callback::JoinAlert(of_client(flow)));
        }
    }

    fn disable_igmp(&self, interface: mgm_client::Interface) {
        self.shared.told(Callback::DisableIgmp { link: interface.index });
    }

    fn enable_igmp(&self, interface: mgm_client::Interface) {
        let link = interface.index;
        self.shared.told(Callback::EnableIgmp { link, ownership: ownership(link) });
    }
}
