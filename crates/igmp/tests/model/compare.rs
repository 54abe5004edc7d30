//! Walks the crate and the model through the same steps, and compares them after each.

use crate::mgm::Mgm;
use crate::spec::{General, Kind, Spec, Specific};
use crate::steps::{host, router, source, Picked, Step, GROUPS};
use mgm_igmp::codec::{
    self, Datagram, Message, OwnRecord, Query, QueryBody, RecordType, SourceList,
};
use mgm_igmp::{
    Action, Callback, Event, Igmp, Interface, LinkAddress, LinkInfo, MgmCall, Ownership, Packet,
    Settings, Time,
};
use std::net::Ipv4Addr;

const LINK: u32 = 3;
/// The limit of groups and sources together: low, so that it is reached.
const MAX_ENTRIES: u32 = 13;

/// The failure of a walk.
#[derive(Debug)]
pub struct Failure {
    pub at: usize,
    pub what: String,
}

/// What happened in the walks.
#[derive(Debug, Default)]
pub struct Seen {
    specific: usize,
    suppressed: usize,
    general: usize,
    exclude: usize,
    blocked: usize,
    calls: usize,
    other_querier: usize,
    older_version: usize,
}

impl Seen {
    pub fn add(&mut self, more: &Seen) {
        self.specific += more.specific;
        self.suppressed += more.suppressed;
        self.general += more.general;
        self.exclude += more.exclude;
        self.blocked += more.blocked;
        self.calls += more.calls;
        self.other_querier += more.other_querier;
        self.older_version += more.older_version;
    }

    /// How often something has happened in a thousand steps, and how often it must.
    pub fn per_thousand(&self, steps: usize) -> [(&'static str, usize, usize); 8] {
        let rate = |count: usize| 1_000 * count / steps.max(1);
        [
            ("specific queries", rate(self.specific), 20),
            ("queries with S", rate(self.suppressed), 1),
            ("general queries", rate(self.general), 10),
            ("groups in EXCLUDE mode", rate(self.exclude), 300),
            ("excluded sources", rate(self.blocked), 100),
            ("library calls", rate(self.calls), 100),
            ("steps with another querier", rate(self.other_querier), 100),
            ("steps in an older version", rate(self.older_version), 50),
        ]
    }
}

struct Walk {
    igmp: Igmp,
    spec: Spec,
    mgm: Mgm,
    now: u64,
    addresses: Vec<Ipv4Addr>,
    up: bool,
    disabled: bool,
    alone: bool,
    sent: Vec<(u64, String)>,
    seen: Seen,
    /// There were calls while the library accepts none, or calls of a wrong kind.
    bad_call: Option<MgmCall>,
}

/// Walks these steps. The seed chooses the first configuration.
pub fn walk(steps: &[Step], seed: u64) -> Result<Seen, Failure> {
    let picked = Picked { leave: (seed % 3) as u8, count: (seed / 3) as u8, ..Picked::default() };
    let mut walk = Walk {
        igmp: Igmp::new(seed),
        spec: Spec::new(picked.config(), MAX_ENTRIES as usize),
        mgm: Mgm::default(),
        now: 1_000,
        addresses: vec![router(30)],
        up: false,
        disabled: false,
        alone: true,
        sent: Vec::new(),
        seen: Seen::default(),
        bad_call: None,
    };
    walk.spec.now = walk.now;
    walk.event(Event::Settings(Settings { max_entries: MAX_ENTRIES, ..Settings::default() }));
    let interface = Interface::link(LINK);
    walk.event(Event::Configure { interface, config: Box::new(picked.config()) });
    walk.link(true);
    walk.event(Event::Taken { link: LINK, result: Ok(Ownership::Alone) });
    walk.sent.clear();
    walk.spec.sent.clear();
    for (at, step) in steps.iter().enumerate() {
        walk.step(step);
        walk.compare().map_err(|what| Failure { at, what: format!("{step:?}: {what}") })?;
    }
    Ok(walk.seen)
}

impl Walk {
    fn event(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.igmp.handle(Time(self.now), event, &mut actions);
        for action in actions {
            match action {
                Action::Send(sent) => self.sent.push((self.now, show(&sent.octets))),
                Action::Mgm(call) => {
                    let is_membership = !matches!(call, MgmCall::Take { .. });
                    if is_membership && self.disabled {
                        self.bad_call = Some(call);
                    }
                    self.seen.calls += 1;
                    self.mgm.call(&call);
                }
                Action::Answer(_) | Action::Log(_) => {}
            }
        }
    }

    fn receive(&mut self, from: Ipv4Addr, to: Ipv4Addr, message: &[u8]) {
        let octets = codec::datagram(from, to, message);
        self.event(Event::Packet(Packet { link: LINK, unicast_frame: false, octets: &octets }));
    }

    fn link(&mut self, up: bool) {
        self.up = up;
        let addresses = self.addresses.iter().map(|address| LinkAddress::new(*address, 16));
        let info =
            LinkInfo { up, mtu: 1_500, point_to_point: false, addresses: addresses.collect() };
        self.event(Event::Link { link: LINK, info });
        self.spec.link(up, &self.addresses);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Report { host: from, records } => self.report(host(*from), records),
            Step::V1Report { host: from, group } => self.old(Kind::V1, *from, *group),
            Step::V2Report { host: from, group } => self.old(Kind::V2, *from, *group),
            Step::Leave { host: from, group } => self.old(Kind::Leave, *from, *group),
            Step::General { from, version, robustness, interval, seconds } => {
                let (version, robustness, interval) = (*version, *robustness, *interval);
                let response = if version == 1 { 10_000 } else { 1_000 * u64::from(*seconds) };
                let from = router(*from);
                self.general(General { from, version, robustness, interval, response });
            }
            Step::Specific { from, group, version, suppress, sources, tenths } => {
                let list = if *version == 2 { vec![] } else { sources.clone() };
                self.specific(&Specific {
                    from: router(*from),
                    group: GROUPS[usize::from(*group)],
                    version: *version,
                    suppress: *suppress && *version == 3,
                    sources: list.into_iter().map(source).collect(),
                    max_response: 100 * u64::from(*tenths),
                });
            }
            Step::Wait(time) => self.wait(*time),
            Step::Jump(time) => {
                self.now += time;
                self.event(Event::Time);
                self.spec.pass(self.now, true);
            }
            Step::Configure(picked) => {
                let interface = Interface::link(LINK);
                self.event(Event::Configure { interface, config: Box::new(picked.config()) });
                self.spec.configure(picked.config());
            }
            Step::Addresses(numbers) => {
                self.addresses = numbers.iter().map(|number| router(*number)).collect();
                self.link(self.up);
            }
            Step::Link { up } => self.link(*up),
            Step::Disable => {
                self.event(Event::Callback(Callback::DisableIgmp { link: LINK }));
                self.disabled = true;
                self.mgm.clear();
            }
            Step::Enable { alone } => {
                if !self.disabled {
                    self.event(Event::Callback(Callback::DisableIgmp { link: LINK }));
                    self.mgm.clear();
                }
                (self.disabled, self.alone) = (false, *alone);
                let ownership = if *alone { Ownership::Alone } else { Ownership::BesideOwner };
                self.event(Event::Callback(Callback::EnableIgmp { link: LINK, ownership }));
            }
        }
    }

    fn wait(&mut self, time: u64) {
        let end = self.now + time;
        while let Some(at) = self.igmp.next_deadline().filter(|at| at.0 <= end) {
            self.now = at.0;
            self.event(Event::Time);
        }
        self.now = end;
        self.event(Event::Time);
        self.spec.pass(end, false);
    }

    fn report(&mut self, from: Ipv4Addr, records: &[(u8, u8, Vec<u8>)]) {
        let lists: Vec<Vec<Ipv4Addr>> =
            records.iter().map(|(_, _, list)| list.iter().map(|n| source(*n)).collect()).collect();
        let group = |number: u8| GROUPS[usize::from(number)];
        // A type of 7 is unknown: it is written over an ordinary record.
        let known = |kind: u8| RecordType::ALL[usize::from(kind - 1).min(5)];
        let own: Vec<OwnRecord> = records
            .iter()
            .zip(&lists)
            .map(|((kind, of, _), sources)| OwnRecord {
                kind: known(*kind),
                group: group(*of),
                sources,
            })
            .collect();
        let mut message = codec::report_v3(&own);
        let mut at = codec::RECORDS_OFFSET;
        for (record, (kind, ..)) in own.iter().zip(records) {
            message[at] = *kind;
            at += record.length();
        }
        message[2..4].fill(0);
        let sum = codec::checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        self.receive(from, codec::ALL_V3_ROUTERS, &message);
        for ((kind, of, _), list) in records.iter().zip(&lists) {
            if *kind <= 6 {
                self.spec.record(from, Kind::V3(known(*kind)), group(*of), list);
            }
        }
    }

    fn old(&mut self, kind: Kind, from: u8, group: u8) {
        let (from, group) = (host(from), GROUPS[usize::from(group)]);
        match kind {
            Kind::V1 => self.receive(from, group, &codec::report_v1(group)),
            Kind::V2 => self.receive(from, group, &codec::report_v2(group)),
            _ => self.receive(from, codec::ALL_ROUTERS, &codec::leave(group)),
        }
        self.spec.record(from, kind, group, &[]);
    }

    fn general(&mut self, general: General) {
        let General { from, version, robustness, interval, response } = general;
        let body = match version {
            1 => QueryBody::V1,
            2 => QueryBody::V2,
            _ => QueryBody::V3 {
                suppress: false,
                robustness,
                interval,
                sources: SourceList::default(),
            },
        };
        let max_response = response as u32;
        let query = Query { group: Ipv4Addr::UNSPECIFIED, max_response, body };
        self.receive(from, codec::ALL_SYSTEMS, &query.write());
        self.spec.general(general);
    }

    fn specific(&mut self, specific: &Specific) {
        let list: Vec<u8> = specific.sources.iter().flat_map(Ipv4Addr::octets).collect();
        let body = match specific.version {
            2 => QueryBody::V2,
            _ => QueryBody::V3 {
                suppress: specific.suppress,
                robustness: 2,
                interval: 20,
                sources: SourceList::of(&list),
            },
        };
        let max_response = specific.max_response as u32;
        let query = Query { group: specific.group, max_response, body };
        self.receive(specific.from, specific.group, &query.write());
        if !self.addresses.contains(&specific.from) {
            self.spec.specific(specific);
        }
    }

    /// Whether the crate and the model agree.
    fn compare(&mut self) -> Result<(), String> {
        self.sent.sort();
        self.spec.sent.sort();
        same("queries", &self.sent, &self.spec.sent)?;
        for (_, text) in &self.sent {
            self.seen.specific += usize::from(text.starts_with("Q("));
            self.seen.suppressed += usize::from(text.ends_with(" S"));
            self.seen.general += usize::from(!text.starts_with("Q("));
        }
        self.sent.clear();
        self.spec.sent.clear();
        self.compare_groups()?;
        let status = self.igmp.status(LINK).expect("it is configured");
        same("querier", &status.querier, &self.spec.querier)?;
        same("other querier", &status.other_querier, &self.spec.elected().map(|o| o.address))?;
        if self.up {
            same("version", &status.version, &self.spec.version())?;
        }
        self.seen.other_querier += usize::from(status.other_querier.is_some());
        self.seen.older_version += usize::from(status.version < 3);
        let next = self.igmp.next_deadline().map_or(u64::MAX, |at| at.0);
        if next > self.spec.earliest().unwrap_or(u64::MAX) {
            return Err(format!("the next deadline is {next}: {:?}", self.spec.earliest()));
        }
        self.compare_mgm()
    }

    fn compare_groups(&mut self) -> Result<(), String> {
        let saved = self.igmp.saved(LINK);
        same("number of groups", &saved.len(), &self.spec.groups.len())?;
        for group in &saved {
            let name = group.group;
            let spec = &self.spec;
            let lists = [spec.running(name), spec.excluded(name)].map(Vec::from_iter);
            let theirs = (spec.is_exclude(name), &lists[0], &lists[1]);
            let ours = (group.exclude, &group.wanted, &group.excluded);
            same(&format!("state of {name}"), &ours, &theirs)?;
            self.seen.exclude += usize::from(group.exclude);
            self.seen.blocked += group.excluded.len();
        }
        Ok(())
    }

    fn compare_mgm(&mut self) -> Result<(), String> {
        if let Some(call) = self.bad_call {
            return Err(format!("{call:?} while the library takes no calls"));
        }
        if self.disabled {
            return same("memberships", &self.mgm.joined.len(), &0);
        }
        for group in GROUPS {
            for number in 1..8 {
                let source = source(number);
                let ours = self.mgm.forwards(source, group);
                let theirs = self.spec.forwards(source, group);
                let excluded = self.spec.is_exclude(group) && !theirs;
                // Beside an owner, the library cannot be told of exclusions.
                if ours != theirs && (self.alone || !excluded) {
                    return Err(format!("the library forwards ({source},{group}): {ours}"));
                }
            }
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs {
        Ok(())
    } else {
        Err(format!("{what}\n  crate: {ours:?}\n  model: {theirs:?}"))
    }
}

/// A query as text.
fn show(octets: &[u8]) -> String {
    let datagram = Datagram::read(octets).expect("a datagram");
    let Ok(Message::Query(query)) = Message::read(datagram.message) else {
        panic!("not a query: {octets:x?}")
    };
    let group = query.group;
    let name = if query.is_general() { "Q".to_string() } else { format!("Q({group})") };
    match query.body {
        QueryBody::V1 => name + " v1",
        QueryBody::V2 => name + " v2",
        QueryBody::V3 { suppress, sources, .. } => {
            let list: Vec<String> = sources.iter().map(|source| source.to_string()).collect();
            let name = match list.is_empty() {
                true => name,
                false => format!("Q({group},{{{}}})", list.join(",")),
            };
            name + if suppress { " S" } else { "" }
        }
    }
}
