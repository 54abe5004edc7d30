//! Who queries on a link, and when the General Queries are due (I19 to I28).

use crate::codec::{self, Query, QueryBody, SourceList};
use crate::config::{Intervals, LinkConfig};
use crate::counters::DropReason;
use crate::link_base::{Addressing, LinkBase};
use crate::log_event::LogEvent;
use crate::router::version::OlderQueriers;
use crate::step::Step;
use crate::NEVER;
use mgm_types::Time;
use std::net::Ipv4Addr;

/// How many other queriers are remembered. Beyond them only lower addresses count.
const REMEMBERED: usize = 4;
/// The intervals that follow from a querier's values are at most this many times a router's own.
const CAP: u64 = 4;

/// How long most routers let hosts take for their answers, in milliseconds; v1 queries mean it.
const USUAL_RESPONSE: u32 = 10_000;

/// The election, and the schedule of General Queries.
#[derive(Debug)]
pub(super) struct Querier {
    /// Whether this router queries.
    active: bool,
    /// When the next General Query is due.
    next_query: Time,
    /// Startup queries that are left after the next one.
    startup_left: u8,
    /// Routers with lower addresses that queried within OQPI, by address.
    others: Vec<Other>,
    /// When this router, or another one, became the querier.
    changed: Time,
    /// Queriers of older versions, which lower that of the link.
    older: OlderQueriers,
}

/// Another querier.
#[derive(Clone, Copy, Debug)]
struct Other {
    address: Ipv4Addr,
    /// When it counts as gone.
    until: Time,
    /// QRV of its latest v3 General Query, 0 if unknown.
    robustness: u8,
    /// QQI of its latest v3 General Query in seconds, 0 if unknown.
    interval: u16,
    /// How long its latest General Query lets hosts take for their answers, in milliseconds.
    response: u32,
}

impl Querier {
    pub fn new() -> Querier {
        Querier {
            active: false,
            next_query: NEVER,
            startup_left: 0,
            others: Vec::new(),
            changed: Time(0),
            older: OlderQueriers::default(),
        }
    }

    /// Whether this router queries.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// The other router that queries: the lowest address heard within OQPI (I24).
    pub fn elected(&self) -> Option<Ipv4Addr> {
        self.others.first().map(|other| other.address)
    }

    /// When the querier changed last.
    pub fn changed(&self) -> Time {
        self.changed
    }

    /// When the elected router counts as gone, if it does not query again.
    pub fn elected_until(&self) -> Option<Time> {
        self.others.first().map(|other| other.until)
    }

    /// When a v1 querier counts as gone, if there is one.
    pub fn v1_until(&self, now: Time) -> Option<Time> {
        self.older.v1_until(now)
    }

    /// The version of the link: 1, 2 or 3.
    pub fn version(&self, config: &LinkConfig, now: Time) -> u8 {
        self.older.version(config, now)
    }

    /// When something is due.
    pub fn deadline(&self) -> Time {
        self.others.iter().map(|other| other.until).fold(self.next_query, Time::min)
    }

    /// GMI, OHPI and OQPI: the elected querier's values, within bounds, or the link's own (I25).
    pub fn intervals(&self, config: &LinkConfig) -> Intervals {
        let own = config.intervals();
        let Some(elected) = self.others.first().filter(|_| !self.active) else { return own };
        let robustness = match elected.robustness {
            0 => config.robustness,
            robustness => robustness,
        };
        let interval = match elected.interval {
            0 => u64::from(config.query_interval),
            seconds => u64::from(seconds) * 1_000,
        };
        // Hosts answer its queries, not ours (G50).
        let response = elected.response.max(config.query_response_interval);
        let theirs = Intervals::of(robustness, interval, response.into());
        Intervals {
            group_membership: theirs.group_membership.min(CAP * own.group_membership),
            older_host_present: theirs.older_host_present.min(CAP * own.older_host_present),
            other_querier_present: theirs
                .other_querier_present
                .min(CAP * own.other_querier_present),
        }
    }

    /// The link came up, or its addresses or configuration changed: adapts to the election
    /// address that it has now. `former` is the one that it had.
    pub fn address_changed(
        &mut self,
        former: Option<Ipv4Addr>,
        base: &mut LinkBase,
        step: &mut Step,
    ) {
        let own = base.query_address();
        let Some(address) = own else {
            self.active = false;
            self.next_query = NEVER;
            return;
        };
        self.others.retain(|other| other.address < address);
        if self.active {
            if former != own {
                self.query(base, step);
                self.schedule(base, step.now);
            }
        } else if self.others.is_empty() {
            // A router that has been silent starts up: it may be the only one.
            self.startup_left = if former.is_none() { base.config.startup_count() } else { 1 };
            self.begin(base, step);
        }
    }

    fn begin(&mut self, base: &mut LinkBase, step: &mut Step) {
        self.active = true;
        self.changed = step.now;
        base.log(step, LogEvent::BecameQuerier);
        self.query(base, step);
        self.startup_left = self.startup_left.saturating_sub(1);
        self.schedule(base, step.now);
    }

    /// Sets when the next General Query is due, counted from `from`.
    fn schedule(&mut self, base: &LinkBase, from: Time) {
        let config = &base.config;
        let startup = self.startup_left > 0;
        let interval = if startup { config.startup_interval() } else { config.query_interval };
        self.next_query = Time(from.0 + u64::from(interval));
    }

    /// Runs what was due at `at`. Late or not, one General Query goes out at most (I2).
    pub fn run(&mut self, at: Time, base: &mut LinkBase, step: &mut Step) {
        if self.active && self.next_query <= at {
            self.query(base, step);
            self.startup_left = self.startup_left.saturating_sub(1);
            self.schedule(base, at);
            if self.next_query <= step.now {
                self.schedule(base, step.now);
            }
        }
        let heard = self.others.len();
        let elected = self.elected();
        self.others.retain(|other| other.until > at);
        if self.elected() != elected {
            self.changed = step.now;
        }
        if heard > 0 && self.others.is_empty() && base.query_address().is_some() {
            self.startup_left = 1;
            self.begin(base, step);
        }
    }

    /// A General Query of another router.
    pub fn heard(&mut self, source: Ipv4Addr, query: &Query, base: &mut LinkBase, step: &mut Step) {
        let former = self.elected();
        if base.query_address().is_none_or(|own| source < own) {
            self.note(source, query, base, step.now);
        }
        if self.elected() != former {
            self.changed = step.now;
            base.log(step, LogEvent::OtherQuerier(source));
        }
        let ours = base.config.version;
        if query.version() != ours {
            base.counters.wrong_version_queries += 1;
            let theirs = query.version();
            base.log(step, LogEvent::VersionMismatch { querier: source, theirs, ours });
        }
        let present = self.intervals(&base.config).other_querier_present;
        self.older.heard(query.version(), Time(step.now.0 + present));
    }

    /// Remembers a querier with a lower address than ours.
    fn note(&mut self, source: Ipv4Addr, query: &Query, base: &LinkBase, now: Time) {
        let at = match self.others.binary_search_by_key(&source, |other| other.address) {
            Ok(at) => at,
            Err(REMEMBERED) => return,
            Err(at) => {
                self.others.truncate(REMEMBERED - 1);
                let other = Other {
                    address: source,
                    until: NEVER,
                    robustness: 0,
                    interval: 0,
                    response: 0,
                };
                self.others.insert(at, other);
                at
            }
        };
        if let QueryBody::V3 { robustness, interval, .. } = query.body {
            self.others[at].robustness = robustness;
            self.others[at].interval = interval;
        }
        self.others[at].response = match query.body {
            QueryBody::V1 => USUAL_RESPONSE,
            QueryBody::V2 | QueryBody::V3 { .. } => query.max_response,
        };
        self.active = false;
        self.next_query = NEVER;
        let present = self.intervals(&base.config).other_querier_present;
        self.others[at].until = Time(now.0 + present);
    }

    /// Sends a General Query.
    fn query(&self, base: &mut LinkBase, step: &mut Step) {
        let config = &base.config;
        let body = match self.version(config, step.now) {
            1 => QueryBody::V1,
            2 => QueryBody::V2,
            _ => v3_body(config, false, SourceList::default()),
        };
        let max_response = config.query_response_interval;
        let query = Query { group: Ipv4Addr::UNSPECIFIED, max_response, body };
        let Some(source) = base.query_address() else { return };
        let to = Addressing { source, destination: codec::ALL_SYSTEMS, loop_back: true };
        base.counters.queries_sent += 1;
        base.send(step, &query.write(), to);
    }
}

/// Whether a router may be querier here (I28). The configured list holds for its version, too.
pub(super) fn check_allowed(
    source: Ipv4Addr,
    base: &mut LinkBase,
    step: &mut Step,
) -> Result<(), DropReason> {
    if base.config.querier_allow.as_ref().is_none_or(|allowed| allowed.contains(&source)) {
        return Ok(());
    }
    base.log(step, LogEvent::QuerierNotAllowed(source));
    Err(DropReason::QuerierNotAllowed)
}

/// Whether hosts must answer a General Query soon. If a query gives them very long, memberships
/// would end before the answers come, and no router would query again (G47).
pub(super) fn check_response(
    source: Ipv4Addr,
    query: &Query,
    base: &mut LinkBase,
    step: &mut Step,
) -> Result<(), DropReason> {
    let limit = base.config.query_response_interval.saturating_mul(CAP as u32).max(USUAL_RESPONSE);
    let response = query.max_response;
    if !query.is_general() || response <= limit {
        return Ok(());
    }
    base.log(step, LogEvent::SlowQuery { querier: source, response, limit });
    Err(DropReason::SlowQuery)
}

/// What the v3 queries of a link have in common.
pub(super) fn v3_body<'a>(
    config: &LinkConfig,
    suppress: bool,
    sources: SourceList<'a>,
) -> QueryBody<'a> {
    let interval = (config.query_interval / 1_000).min(u32::from(codec::LARGEST)) as u16;
    QueryBody::V3 { suppress, robustness: config.robustness, interval, sources }
}
