//! Every line of the log, and how often it may come.

use crate::config::{ConfigError, ProxyError};
use mgm_types::{Code, Flow, Prefix, Time};
use std::fmt;
use std::mem::{discriminant, Discriminant};
use std::net::Ipv4Addr;

/// How urgent a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something cannot work. Those that hosts can cause are as rare as warnings (G52).
    Error,
    /// Something may be wrong. At most one line a minute for each kind and link (I76).
    Warn,
    /// A change that an operator may want to know of. As rare as warnings.
    Info,
}

/// The name of an interface, if it is known.
pub type Names<'a> = &'a dyn Fn(u32) -> Option<String>;

/// A line of the log. Its text does not name the link: the program that writes it knows the
/// name of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The interface index.
    pub link: u32,
    /// What happened.
    pub event: LogEvent,
    /// How many lines of this kind were left out since the last one.
    pub left_out: u32,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// A configuration was refused; the former one holds.
    ConfigRefused(ConfigError),
    /// The robustness is 1.
    NoRobustness,
    /// The library refused the link.
    TakeRefused {
        /// What the library returned.
        code: Code,
        /// Seconds until the next try.
        retry: u64,
    },
    /// The library refused an add or a delete because it had no memory.
    NoMemory(Flow),
    /// The library refused an add or a delete for good.
    MembershipRefused(Flow, Code),
    /// This router queries.
    BecameQuerier,
    /// Another router queries.
    OtherQuerier(Ipv4Addr),
    /// A router queries that may not.
    QuerierNotAllowed(Ipv4Addr),
    /// A router queries in another version.
    VersionMismatch {
        /// Its address.
        querier: Ipv4Addr,
        /// Its version.
        theirs: u8,
        /// The version of this link.
        ours: u8,
    },
    /// A General Query that did not count, because it lets hosts take very long for their answers.
    SlowQuery {
        /// Who sent it.
        querier: Ipv4Addr,
        /// How long hosts may take, in milliseconds.
        response: u32,
        /// How long they may take at most.
        limit: u32,
    },
    /// A report that has no meaning in the SSM range.
    SsmReport {
        /// The host.
        host: Ipv4Addr,
        /// The group.
        group: Ipv4Addr,
    },
    /// The link has as many groups as `max-groups` permits.
    GroupLimit(Ipv4Addr),
    /// The group has as many sources as `max-sources` permits.
    SourceLimit(Ipv4Addr),
    /// All links together have as many groups and sources as `max-igmp-entries` permits. The group
    /// is the one that got no room, for itself or for a source.
    EntryLimit(Ipv4Addr),
    /// New groups or sources come too fast.
    CreationLimit,
    /// Hosts leave too fast.
    QueryLimit,
    /// The host side cannot report an SSM group, because a querier of an older version is there.
    SsmNotReported {
        /// The group.
        group: Ipv4Addr,
        /// The version in which the host side has to speak.
        version: u8,
    },
    /// A downstream does not forward, because this router is not its querier. The address is that
    /// of the querier, if it is known.
    NotForwarding(Option<Ipv4Addr>),
    /// The upstreams of a proxy were refused; the former ones hold.
    ProxyRefused(ProxyError),
    /// Another component wants all groups, which IGMP cannot report.
    WildcardNotReported,
    /// Other components have as many memberships as they may (G45).
    OthersLimit(Flow),
    /// The library refused the host route of a network of `sources`.
    RouteRefused {
        /// The network.
        network: Prefix,
        /// What the library returned.
        code: Code,
    },
    /// Too many flows are sent up.
    ForwardUpLimit(Flow),
    /// A flow arrives on an upstream where it is not accepted.
    ArrivesElsewhere {
        /// The flow.
        flow: Flow,
        /// The interface towards its source, 0 if there is no route.
        expected: u32,
    },
    /// The system did not send a packet; its error number.
    SendFailed(i32),
    /// The kernel's buffer was full; how many packets it lost.
    PacketsLost(u32),
}

impl LogEvent {
    /// How urgent it is.
    #[must_use]
    pub fn level(&self) -> Level {
        use LogEvent::*;
        match self {
            ConfigRefused(_) | ProxyRefused(_) | MembershipRefused(..) | RouteRefused { .. } => {
                Level::Error
            }
            BecameQuerier | OtherQuerier(_) => Level::Info,
            _ => Level::Warn,
        }
    }
}

impl LogEvent {
    /// Whether lines of this kind have the limit of warnings. Errors have it if hosts can cause
    /// them one after the other (G52).
    fn is_rare(&self) -> bool {
        self.level() != Level::Error || matches!(self, LogEvent::MembershipRefused(..))
    }
}

/// An interface beside the link, for a text: its name and index.
fn shown(index: u32, names: Names) -> String {
    match names(index) {
        Some(name) => format!("{name} (index {index})"),
        None => format!("interface {index}"),
    }
}

impl fmt::Display for LogEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &|_| None)
    }
}

impl LogEvent {
    #[expect(clippy::too_many_lines, reason = "an arm for each message")]
    fn write(&self, f: &mut fmt::Formatter<'_>, names: Names) -> fmt::Result {
        use LogEvent::*;
        match self {
            ConfigRefused(error) => write!(f, "{error}; the former configuration stays"),
            NoRobustness => f.write_str(
                "robustness 1: one lost packet can end a membership; use at least 2",
            ),
            TakeRefused { code, retry } => write!(
                f,
                "MgmTakeInterfaceOwnership returned {code:?}: nothing is forwarded to this link; \
                 retrying in {retry} s"
            ),
            NoMemory(flow) => write!(f, "out of memory for {flow}: retrying"),
            MembershipRefused(flow, code) => {
                write!(f, "the library refused {flow} with {code:?}: it is not forwarded to this link")
            }
            BecameQuerier => f.write_str("this router is the querier"),
            OtherQuerier(address) => write!(f, "{address} is the querier"),
            QuerierNotAllowed(address) => write!(
                f,
                "ignored a query from {address}, which querier-allow does not list"
            ),
            VersionMismatch { querier, theirs, ours } => write!(
                f,
                "{querier} queries with version {theirs}, this link has version {ours}: configure \
                 the same version on all routers of the link"
            ),
            SlowQuery { querier, response, limit } => write!(
                f,
                "ignored a query from {querier}: it gives hosts {} s for their answers, and this router \
                 permits at most {} s: configure the same query-response-interval on all routers of the link",
                response / 1_000,
                limit / 1_000
            ),
            SsmReport { host, group } => write!(
                f,
                "{host} reported {group} without sources, which has no effect in the SSM range: \
                 programs on {host} must join (source, group), or ssm-range must not include the \
                 group"
            ),
            GroupLimit(group) => {
                write!(f, "no room for group {group}: raise max-groups if the hosts are genuine")
            }
            SourceLimit(group) => write!(
                f,
                "no room for another source of {group}: raise max-sources if the hosts are genuine"
            ),
            EntryLimit(group) => write!(
                f,
                "no room for group {group}, or for a source of it, because all links together have \
                 too many groups and sources: raise max-igmp-entries if the hosts are genuine"
            ),
            CreationLimit => f.write_str(
                "new groups or sources arrive faster than 1,000 a second: dropped some of them; \
                 hosts repeat genuine reports",
            ),
            QueryLimit => f.write_str(
                "hosts leave faster than 200 times a second: memberships end later, by their timers",
            ),
            SsmNotReported { group, version } => write!(
                f,
                "could not report {group}: a router on this link queries with version {version}, \
                 which has no source-specific multicast; configure version 3 on that router, or set \
                 version = 3 here to ignore its version"
            ),
            NotForwarding(Some(querier)) => write!(
                f,
                "{querier} is the querier: nothing is forwarded to this link until this router is \
                 the querier; set forward-always if {querier} does not forward"
            ),
            NotForwarding(None) => f.write_str(
                "this router does not query here: nothing is forwarded to this link; give it an \
                 address, or set forward-always",
            ),
            ProxyRefused(ProxyError::BothRoles(link)) => write!(
                f,
                "{} cannot be upstream and downstream of a proxy; the former upstreams stay",
                shown(*link, names)
            ),
            ProxyRefused(error) => write!(f, "{error}; the former upstreams stay"),
            WildcardNotReported => f.write_str(
                "another component has a (*,*) membership, which IGMP cannot report: as long as it \
                 exists, new (*,g) memberships of other components are not reported upstream; list \
                 their groups in join",
            ),
            OthersLimit(flow) => write!(
                f,
                "other components have too many memberships: {flow} is not reported upstream until \
                 its component deletes it and adds it again; list memberships that must be reported \
                 in join"
            ),
            RouteRefused { network, code } => write!(
                f,
                "the library refused the route to {}/{} of sources with {code:?}: retrying in 60 s",
                network.network(),
                network.length()
            ),
            ForwardUpLimit(flow) => write!(
                f,
                "no room for {flow} among the flows that are sent upstream: restrict forward-up to \
                 the groups that are needed there"
            ),
            ArrivesElsewhere { flow, expected: 0 } => write!(
                f,
                "{flow} arrives on this upstream, but no route to its source leads through an \
                 interface of this router: it is accepted only if sources and groups of the \
                 upstream contain it"
            ),
            ArrivesElsewhere { flow, expected } => write!(
                f,
                "{flow} arrives on this upstream, but the route to its source leads to {}: add its \
                 network to sources",
                shown(*expected, names)
            ),
            SendFailed(errno) => write!(
                f,
                "could not send a packet (error {errno}): is the link up, and does the firewall \
                 let IGMP out?"
            ),
            PacketsLost(packets) => {
                write!(f, "the receive buffer was full: {packets} packets were lost")
            }
        }
    }
}

/// A line whose text has the names of the interfaces.
struct Named<'a> {
    line: &'a LogLine,
    names: Names<'a>,
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line.event.write(f, self.names)?;
        match self.line.left_out {
            0 => Ok(()),
            n => write!(f, " ({n} such lines left out)"),
        }
    }
}

impl LogLine {
    /// The text, with the names of other interfaces than the link. [`fmt::Display`] shows only
    /// their indexes.
    pub fn named<'a>(&'a self, names: Names<'a>) -> impl fmt::Display + 'a {
        Named { line: self, names }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Named { line: self, names: &|_| None }.fmt(f)
    }
}

/// A minute in milliseconds.
const MINUTE: u64 = 60_000;

/// Lets one line of each kind pass in a minute, and counts the others (I76).
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<WarningKind>);

#[derive(Debug)]
struct WarningKind {
    kind: Discriminant<LogEvent>,
    quiet_until: Time,
    left_out: u32,
}

impl Warnings {
    /// The line to be written, if it may be written now.
    pub(crate) fn line(&mut self, now: Time, link: u32, event: LogEvent) -> Option<LogLine> {
        if !event.is_rare() {
            return Some(LogLine { link, event, left_out: 0 });
        }
        let kind = discriminant(&event);
        let quiet_until = Time(now.0 + MINUTE);
        let Some(known) = self.0.iter_mut().find(|known| known.kind == kind) else {
            self.0.push(WarningKind { kind, quiet_until, left_out: 0 });
            return Some(LogLine { link, event, left_out: 0 });
        };
        if now < known.quiet_until {
            known.left_out = known.left_out.saturating_add(1);
            return None;
        }
        known.quiet_until = quiet_until;
        Some(LogLine { link, event, left_out: std::mem::take(&mut known.left_out) })
    }
}
