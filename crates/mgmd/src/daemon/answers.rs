//! Answers the requests at the control socket: reads the state of the router, and makes the
//! changes that an operator asks for.
//! A list may have a million entries, so each answer contains only a page of it.

mod explain;
mod forwarding;
mod groups;
mod igmp;
mod interfaces;
mod links;

use super::context::Context;
use super::interfaces::Interfaces;
use super::registers::Registers;
use super::shared::now;
use crate::config::{Config, Forwarder};
use crate::control::Evidence;
use mgm_control::clients::Clients;
use mgm_control::status::{ConfigStatus, Counts, Status};
use mgm_control::{request, Answer, ErrorCode, Failure, Request};
use mgm_types::{Flow, Time};
use std::net::Ipv4Addr;
use std::path::Path;

/// How many memberships operators may add.
const MOST_JOINS: usize = 65_536;

/// What the daemon counts about itself.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// When mgmd started.
    pub started: Time,
    /// When the configuration was read.
    pub configured: Time,
    /// How many reloads were carried out.
    pub reloads: u64,
    /// How many reloads were refused.
    pub refused: u64,
}

/// Everything from which an answer is made.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What most parts of the daemon use.
    pub context: Context<'a>,
    /// The interfaces.
    pub interfaces: &'a Interfaces,
    /// The PIM registers, if they are received.
    pub registers: Option<&'a Registers>,
    /// What the daemon counts about itself.
    pub life: Life,
    /// The file of the configuration.
    pub file: &'a Path,
}

impl View<'_> {
    /// Answers a request that changes nothing, or only a membership. `None` if the daemon itself
    /// must carry out the request.
    #[must_use]
    pub fn answer(
        &self,
        request: &Request,
        evidence: Option<&Evidence>,
    ) -> Option<Result<Answer, Failure>> {
        Some(match request {
            Request::Status => self.status().map(|status| Answer::Status(Box::new(status))),
            Request::Interfaces(query) => interfaces::page(self, query).map(Answer::Interfaces),
            Request::Igmp(query) => igmp::page(self, query).map(Answer::Igmp),
            Request::Groups(query) => groups::page(self, query).map(Answer::Groups),
            Request::Clients(query) => self.clients(query).map(Answer::Clients),
            Request::Explain(query) => explain::flow(self, query, evidence)
                .map(|explanation| Answer::Explanation(Box::new(explanation))),
            Request::Proxies => Ok(Answer::Proxies(forwarding::proxies(self))),
            Request::Routes => Ok(Answer::Routes(forwarding::routes(self))),
            Request::Join(membership) => self.join(membership, true),
            Request::Leave(membership) => self.join(membership, false),
            // The control socket answers these itself.
            Request::Flows(_) => {
                Err(Failure::new(ErrorCode::Internal, "the event loop has no list of flows"))
            }
            Request::Reload | Request::LogLevel(_) => return None,
        })
    }

    fn join(&self, membership: &request::Membership, wanted: bool) -> Result<Answer, Failure> {
        let name = membership.interface.as_str();
        if self.context.config.link(name).is_none() {
            return Err(links::not_configured(name));
        }
        let source = membership.source.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let flow = Flow::new(source, membership.group);
        let changed = self.context.shared.with(|state| {
            let joins: usize = state.joins.values().map(std::collections::BTreeSet::len).sum();
            if wanted && joins >= MOST_JOINS {
                let text = format!("{MOST_JOINS} memberships were added already: remove some");
                return Err(Failure::new(ErrorCode::Refused, text));
            }
            Ok(state.join(now(), name, flow, wanted))
        })?;
        if !wanted && !changed {
            let text = format!("no join has added {flow:?} on {name}");
            return Err(Failure::new(ErrorCode::NotFound, text));
        }
        let membership = membership.clone();
        let changed = mgm_control::changes::MembershipChanged { membership, changed };
        Ok(Answer::Membership(changed))
    }

    fn clients(&self, query: &request::ClientsQuery) -> Result<Clients, Failure> {
        let Context { library, shared, .. } = self.context;
        let status = library.status(false).map_err(internal)?;
        let clients = mgm_control::library::clients(&status, query, |index| shared.name(index));
        clients.map_err(|error| internal(format!("the status of the library: {error}")))
    }

    fn status(&self) -> Result<Status, Failure> {
        let View { context: Context { config, library, .. }, life, .. } = self;
        let now = now();
        let json = library.status(false).map_err(internal)?;
        let known: serde_json::Value =
            serde_json::from_str(&json).map_err(|error| internal(error.to_string()))?;
        let chains = known["bypassed_chains"].as_array().into_iter().flatten();
        let chains = chains.filter_map(serde_json::Value::as_str).map(Into::into);
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").into(),
            library_version: library.version(),
            pid: std::process::id(),
            forwarder: match config.router.forwarder {
                Forwarder::Kernel => "kernel".into(),
                Forwarder::Ebpf => "ebpf".into(),
                Forwarder::Memory => "memory".into(),
            },
            bypassed_chains: chains.collect(),
            table: config.router.table,
            uptime_ms: now.since(life.started),
            config: ConfigStatus {
                file: self.file.display().to_string(),
                age_ms: now.since(life.configured),
                reloads: life.reloads,
                reloads_refused: life.refused,
            },
            log_level: self.context.log.level(),
            counts: self.counts(&known),
            registers: self.registers.map(Registers::counts),
        })
    }

    /// `status` is that of the library.
    fn counts(&self, status: &serde_json::Value) -> Counts {
        let total = |name: &str| status["totals"][name].as_u64().unwrap_or(0);
        let config: &Config = self.context.config;
        let links = links::all(self);
        let is_up =
            |link: &&links::Link| link.state() == mgm_control::interfaces::InterfaceState::Up;
        let (groups, joins) = self.context.shared.with(|state| {
            let links = self.interfaces.plans().keys();
            let groups: usize =
                links.filter_map(|link| state.igmp.status(*link)).map(|known| known.groups).sum();
            let joins: usize = state.joins.values().map(std::collections::BTreeSet::len).sum();
            (groups as u64, joins as u64)
        });
        Counts {
            interfaces_configured: links.len() as u64,
            interfaces_up: links.values().filter(is_up).count() as u64,
            groups,
            flows: total("mfes"),
            flows_resolving: total("resolving"),
            flows_not_installed: total("not_installed"),
            proxies: config.proxies.len() as u64,
            routes: config.routes.len() as u64,
            joins,
            modules: config.modules.len() as u64,
            clients: total("clients"),
        }
    }
}

fn internal(text: String) -> Failure {
    Failure::new(ErrorCode::Internal, text)
}
