//! The explanation of one flow.
//!
//! The fields are those of the JSON text, which docs/status.md describes and
//! docs/explain.schema.json defines: a field may be added, but never renamed or removed.

use super::collect::{name_text, named, prefix};
use super::{Iface, MfeStatus, ReversePathFilter};
use crate::engine::{
    ArrivalRow, ExplainedFlow, Explanation, FoundBy, Holder, Incoming, Obstacle, OifAnswer,
    PathRow, Reason, RefusalRow, ResolutionPurpose, RpfQuestion, RpfState, WantedEntry, WantedRow,
};
use crate::forwarder::{Counters, InstalledEntry, InstalledOif};
use crate::types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin, Scope};
use crate::Manager;
use serde::Serialize;
use std::fmt::Debug;
use widestring::U16CStr;

/// The explanation of one flow.
#[derive(Clone, Debug, Serialize)]
pub struct FlowStatus {
    source: Ipv4Addr,
    group: Ipv4Addr,
    running: bool,
    verdict: Verdict,
    /// Where its packets arrive; `None` if that is not known.
    arrival: Option<ArrivalStatus>,
    route: Option<RouteStatus>,
    /// Where packets are expected by the route.
    expected: Option<IncomingStatus>,
    rpf_callback: Option<RpfStatus>,
    /// By index and next hop.
    interfaces: Vec<WantedStatus>,
    resolving: Option<&'static str>,
    refusal: Option<RefusalStatus>,
    mfe: Option<ExplainedMfe>,
    forwarder: Option<EntryStatus>,
}

/// Whether packets go out, and the first reason why not.
#[derive(Clone, Debug, Serialize)]
struct Verdict {
    forwarded: bool,
    reason: Option<String>,
    text: String,
}

/// An interface with its name in the system; the name is null as in the status.
#[derive(Clone, Debug, Serialize)]
struct NamedIface {
    #[serde(flatten)]
    iface: Iface,
    name: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct HolderStatus {
    serial: u64,
    protocol: u32,
    component: u32,
}

#[derive(Clone, Debug, Serialize)]
struct BlockedBy {
    scope: String,
    name: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct ArrivalStatus {
    #[serde(flatten)]
    interface: NamedIface,
    owner: Option<HolderStatus>,
    boundary: Option<BlockedBy>,
    reverse_path_filter: Option<ReversePathFilter>,
}

#[derive(Clone, Debug, Serialize)]
struct RouteStatus {
    kind: &'static str,
    prefix: Option<String>,
    protocol: u32,
    paths: Vec<PathStatus>,
}

#[derive(Clone, Debug, Serialize)]
struct PathStatus {
    index: u32,
    name: Option<String>,
    gateway: Option<Ipv4Addr>,
    interface: Option<Iface>,
    owner: Option<HolderStatus>,
    boundary: Option<BlockedBy>,
    legitimate: bool,
}

#[derive(Clone, Debug, Serialize)]
struct IncomingStatus {
    #[serde(flatten)]
    interface: NamedIface,
    upstream: Option<Ipv4Addr>,
}

#[derive(Clone, Debug, Serialize)]
struct RpfStatus {
    client: Option<HolderStatus>,
    state: &'static str,
    /// What the callback names; `None` is interface 0.
    about: Option<IncomingStatus>,
    /// Where packets are accepted.
    accepted: Option<IncomingStatus>,
}

#[derive(Clone, Debug, Serialize)]
struct WantedStatus {
    #[serde(flatten)]
    interface: NamedIface,
    owner: Option<HolderStatus>,
    igmp: Option<HolderStatus>,
    memberships: Vec<HeldMembership>,
    switched: Option<&'static str>,
    creation_alert: Option<&'static str>,
    boundary: Option<BlockedBy>,
    ttl_threshold: u8,
    oif: bool,
    obstacle: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct HeldMembership {
    source: Option<Ipv4Addr>,
    group: Option<Ipv4Addr>,
    holder: Option<HolderStatus>,
}

#[derive(Clone, Debug, Serialize)]
struct RefusalStatus {
    reason: String,
    text: String,
    arrival: NamedIface,
    ends_in_ms: u64,
}

#[derive(Clone, Debug, Serialize)]
struct ExplainedMfe {
    #[serde(flatten)]
    mfe: MfeStatus,
    iif_by: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct EntryStatus {
    name: Option<&'static str>,
    entry: Option<&'static str>,
    waiting: bool,
    counters: Option<EntryCounters>,
    /// What the forwarder itself has; `None` if it has none, or cannot tell.
    installed: Option<InstalledStatus>,
}

#[derive(Clone, Debug, Serialize)]
struct InstalledStatus {
    index: u32,
    name: Option<String>,
    takes_packets: bool,
    oifs: Vec<InstalledOifStatus>,
}

#[derive(Clone, Debug, Serialize)]
struct InstalledOifStatus {
    #[serde(flatten)]
    interface: NamedIface,
    ttl_threshold: u8,
    ready: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct EntryCounters {
    packets: u64,
    octets: u64,
    wrong_if: u64,
}

impl From<Counters> for EntryCounters {
    fn from(Counters { packets, octets, wrong_if }: Counters) -> EntryCounters {
        EntryCounters { packets, octets, wrong_if }
    }
}

impl From<Holder> for HolderStatus {
    fn from(Holder { id, protocol, component }: Holder) -> HolderStatus {
        HolderStatus { serial: id.0, protocol, component }
    }
}

impl FlowStatus {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists cannot fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn not_running(flow: Flow) -> FlowStatus {
        FlowStatus {
            source: flow.source(),
            group: flow.group(),
            running: false,
            verdict: Verdict::of("not_running", "the library is not running"),
            arrival: None,
            route: None,
            expected: None,
            rpf_callback: None,
            interfaces: Vec::new(),
            resolving: None,
            refusal: None,
            mfe: None,
            forwarder: None,
        }
    }
}

impl Manager {
    /// Explains an (s,g): its route, the answers of clients, the interfaces that want it, and the
    /// first reason why packets that arrive on an interface would not go out. Without that
    /// interface: the one on which they arrived, or are expected. Looks the source up if it is not
    /// known. Does not start the library.
    #[must_use]
    pub fn explain(&self, flow: Flow, arrival: Option<Interface>) -> FlowStatus {
        let mut guard = self.lock();
        let limited_on = guard.running().and_then(|run| run.system.limited_on(flow));
        // The domain of this interface decides which route the source has.
        let on = arrival.or(limited_on).unwrap_or(Interface::NONE);
        let (mut guard, route) = self.route_for(guard, flow, on);
        let Some(run) = guard.running() else { return FlowStatus::not_running(flow) };
        let has_entries = run.system.has_counters();
        let counters = if has_entries {
            run.count(&[flow]);
            run.system.counters(flow)
        } else {
            None
        };
        let now = run.now();
        let asked = ExplainedFlow { flow, arrival, route: route.as_ref(), limited_on };
        let mut all = run.engine.explain(now, asked);
        if let Some((row, _)) = &mut all.mfe {
            run.system.count_oifs(row);
        }
        let oifs_count = run.system.counts_oifs();
        let entry = EntryStatus {
            name: run.system.forwarder_name(),
            entry: if has_entries { Some(entry_code(all.entry)) } else { None },
            waiting: has_entries && run.system.is_waiting(flow),
            counters: counters.map(Into::into),
            installed: None,
        };
        let installed = run.system.installed(flow);
        let scopes = scopes_of(&all);
        let scopes = scopes.into_iter().filter_map(|scope| {
            Some((scope, run.engine.scope_name(scope).map(U16CStr::to_string_lossy)?))
        });
        let scopes = scopes.collect();
        let filter = all.arrival.and_then(|arrival| run.system.reverse_path(arrival.interface));
        drop(guard); // before the system is asked for the names
        let show = Show { has_names: has_entries, oifs_count, scopes };
        let installed = installed.map(|installed| show.installed(installed));
        show.flow(all, EntryStatus { installed, ..entry }, filter.map(Into::into))
    }
}

fn scopes_of(all: &Explanation) -> Vec<Scope> {
    let arrival = all.arrival.iter().filter_map(|arrival| arrival.boundary);
    let paths = all.paths.iter().filter_map(|path| path.boundary);
    arrival.chain(paths).chain(all.wanted_by.iter().filter_map(|row| row.boundary)).collect()
}

/// How values are shown.
struct Show {
    /// Whether the system knows the names of the interfaces: see [`Manager::status`].
    has_names: bool,
    oifs_count: bool,
    /// The names of scopes.
    scopes: Vec<(Scope, String)>,
}

impl Show {
    fn flow(
        &self,
        all: Explanation,
        entry: EntryStatus,
        filter: Option<ReversePathFilter>,
    ) -> FlowStatus {
        let verdict = match all.reason {
            None if entry.waiting => Verdict::of(
                "not_installed",
                "the forwarder refused the entry of the flow; it is retried every second",
            ),
            None => Verdict { forwarded: true, reason: None, text: "packets are forwarded".into() },
            Some(Reason::Limit(why)) => Verdict::of(&code(why), &why.to_string()),
            Some(reason) => Verdict::of(&code(reason), &reason.to_string()),
        };
        let mfe = all.mfe.as_ref().map(|(row, found)| ExplainedMfe {
            mfe: MfeStatus::of(row, self.oifs_count),
            iif_by: found_by(*found),
        });
        FlowStatus {
            source: all.flow.source(),
            group: all.flow.group(),
            running: true,
            verdict,
            arrival: all.arrival.map(|row| self.arrival(row, filter)),
            route: Some(self.route(&all.route, &all.paths)),
            expected: all.expected.map(|to| self.incoming(to)),
            rpf_callback: Some(self.question(all.question)),
            interfaces: all.wanted_by.iter().map(|row| self.wanted(row)).collect(),
            resolving: all.resolving.map(purpose),
            refusal: all.refusal.map(|row| self.refusal(row)),
            mfe,
            forwarder: Some(entry),
        }
    }

    fn name(&self, index: u32) -> Option<String> {
        let name = self.has_names.then(|| crate::interface_name(index).ok()).flatten();
        name.map(name_text)
    }

    fn interface(&self, interface: Interface) -> NamedIface {
        NamedIface { iface: interface.into(), name: self.name(interface.index) }
    }

    fn installed(&self, entry: InstalledEntry) -> InstalledStatus {
        let oif = |oif: InstalledOif| InstalledOifStatus {
            interface: self.interface(oif.interface),
            ttl_threshold: oif.threshold,
            ready: oif.is_ready,
        };
        InstalledStatus {
            index: entry.iif,
            name: self.name(entry.iif),
            takes_packets: entry.takes_packets,
            oifs: entry.oifs.into_iter().map(oif).collect(),
        }
    }

    fn boundary(&self, scope: Option<Scope>) -> Option<BlockedBy> {
        let scope = scope?;
        let name = self.scopes.iter().find(|(named, _)| *named == scope);
        Some(BlockedBy { scope: scope.to_string(), name: name.map(|(_, name)| name.clone()) })
    }

    fn arrival(&self, row: ArrivalRow, filter: Option<ReversePathFilter>) -> ArrivalStatus {
        ArrivalStatus {
            interface: self.interface(row.interface),
            owner: row.owner.map(Into::into),
            boundary: self.boundary(row.boundary),
            reverse_path_filter: filter,
        }
    }

    fn route(&self, route: &Route, paths: &[PathRow]) -> RouteStatus {
        let kind = match route.origin {
            RouteOrigin::None => "none",
            RouteOrigin::Local => "local",
            RouteOrigin::Connected => "connected",
            RouteOrigin::Via(_) => "gateway",
        };
        let has_prefix = !matches!(route.origin, RouteOrigin::None | RouteOrigin::Local);
        RouteStatus {
            kind,
            prefix: has_prefix.then(|| prefix(route)),
            protocol: route.protocol,
            paths: paths.iter().map(|path| self.path(path)).collect(),
        }
    }

    fn path(&self, path: &PathRow) -> PathStatus {
        PathStatus {
            index: path.if_index,
            name: self.name(path.if_index),
            gateway: named(path.gateway),
            interface: path.interface.map(Into::into),
            owner: path.owner.map(Into::into),
            boundary: self.boundary(path.boundary),
            legitimate: path.is_legitimate(),
        }
    }

    fn incoming(&self, Incoming { interface, upstream }: Incoming) -> IncomingStatus {
        IncomingStatus { interface: self.interface(interface), upstream: named(upstream) }
    }

    fn question(&self, question: RpfQuestion) -> RpfStatus {
        RpfStatus {
            client: question.client.map(Into::into),
            state: match question.state {
                RpfState::NoClient => "no_client",
                RpfState::NoCallback => "no_callback",
                RpfState::NotAsked => "not_asked",
                RpfState::Waiting => "waiting",
                RpfState::Answered => "answered",
                RpfState::Declined => "declined",
            },
            about: question.about.map(|about| self.incoming(about)),
            accepted: question.accepted.map(|accepted| self.incoming(accepted)),
        }
    }

    fn wanted(&self, row: &WantedRow) -> WantedStatus {
        let held = |&(flow, is_igmp): &(Flow, bool)| {
            let holder = if is_igmp { row.igmp } else { row.owner };
            HeldMembership {
                source: named(flow.source()),
                group: named(flow.group()),
                holder: holder.map(Into::into),
            }
        };
        WantedStatus {
            interface: self.interface(row.interface),
            owner: row.owner.map(Into::into),
            igmp: row.igmp.map(Into::into),
            memberships: row.memberships.iter().map(held).collect(),
            switched: row.forced.map(|on| if on { "on" } else { "off" }),
            creation_alert: row.answer.map(|answer| match answer {
                OifAnswer::Waiting => "waiting",
                OifAnswer::Off => "off",
            }),
            boundary: self.boundary(row.boundary),
            ttl_threshold: row.threshold,
            oif: row.is_oif,
            obstacle: row.obstacle.map(obstacle),
        }
    }

    fn refusal(&self, row: RefusalRow) -> RefusalStatus {
        RefusalStatus {
            reason: code(row.why),
            text: row.why.to_string(),
            arrival: self.interface(row.arrival),
            ends_in_ms: row.ends_in_ms,
        }
    }
}

impl Verdict {
    /// Packets are not forwarded.
    fn of(reason: &str, text: &str) -> Verdict {
        Verdict { forwarded: false, reason: Some(reason.into()), text: text.into() }
    }
}

/// The name of a reason in lower case, as the counters of the status write them: `NoRoute` is
/// `no_route`.
fn code(reason: impl Debug) -> String {
    let mut text = String::new();
    for letter in format!("{reason:?}").chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn entry_code(entry: WantedEntry) -> &'static str {
    match entry {
        WantedEntry::Mfe(_) => "mfe",
        WantedEntry::Refusal(_) => "refusal",
        WantedEntry::Nothing => "none",
    }
}

fn found_by(found: FoundBy) -> &'static str {
    match found {
        FoundBy::Route => "route",
        FoundBy::Client => "client",
        FoundBy::Unrouted => "unrouted",
    }
}

fn purpose(purpose: ResolutionPurpose) -> &'static str {
    match purpose {
        ResolutionPurpose::Create => "create",
        ResolutionPurpose::Renew => "renew",
        ResolutionPurpose::Reroute => "reroute",
    }
}

fn obstacle(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Iif => "iif",
        Obstacle::Boundary => "boundary",
        Obstacle::CreationAlert => "creation_alert",
        Obstacle::SwitchedOff => "switched_off",
        Obstacle::NoMember => "no_member",
    }
}
