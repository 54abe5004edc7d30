//! One router on one link, for the tests.

use crate::codec::{self, Datagram, Message, OwnRecord, Query, QueryBody, RecordType, SourceList};
use crate::*;
use std::net::Ipv4Addr;

/// The index of the link.
pub const LINK: u32 = 1;
/// The group of most tests.
pub const G: &str = "239.1.1.1";
/// The router's address.
pub const ROUTER: &str = "10.0.0.10";
/// A host on the link.
pub const HOST: &str = "10.0.0.50";
/// Another host.
pub const HOST2: &str = "10.0.0.51";

pub fn addr(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

/// `10.0.0.1`, `10.0.0.2` …
pub fn source(number: u32) -> Ipv4Addr {
    (0x0a00_0000 + number).into()
}

/// The configuration that most tests have.
pub fn config() -> LinkConfig {
    LinkConfig::default()
}

/// A link that is up, with these addresses of /24 networks.
pub fn up(addresses: &[&str]) -> LinkInfo {
    let addresses = addresses.iter().map(|text| LinkAddress::new(addr(text), 24)).collect();
    LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses }
}

/// The router, its clock, and what it did.
pub struct Lan {
    pub igmp: Igmp,
    pub now: u64,
    actions: Vec<(u64, Action)>,
}

impl Lan {
    /// A router whose link is up and belongs to IGMP alone. What it did at the start is forgotten.
    pub fn new(config: LinkConfig) -> Lan {
        let mut lan = Lan::down(config);
        lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
        lan.taken(Ownership::Alone);
        lan.actions.clear();
        lan
    }

    /// A router whose link is configured, and not known otherwise.
    pub fn down(config: LinkConfig) -> Lan {
        let mut lan = Lan { igmp: Igmp::new(1), now: 0, actions: Vec::new() };
        lan.configure(config);
        lan
    }

    pub fn configure(&mut self, config: LinkConfig) {
        let interface = Interface::link(LINK);
        self.event(Event::Configure { interface, config: Box::new(config) });
    }

    pub fn taken(&mut self, ownership: Ownership) {
        self.event(Event::Taken { link: LINK, result: Ok(ownership) });
    }

    /// An event, now.
    pub fn event(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.igmp.handle(Time(self.now), event, &mut actions);
        self.actions.extend(actions.into_iter().map(|action| (self.now, action)));
    }

    /// Lets time pass, and stops at every deadline on the way.
    pub fn wait(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while let Some(deadline) = self.igmp.next_deadline().filter(|at| at.0 <= end) {
            assert!(deadline.0 >= self.now, "a deadline in the past");
            self.now = deadline.0;
            self.event(Event::Time);
            assert_ne!(self.igmp.next_deadline(), Some(deadline), "a deadline that does not end");
        }
        self.now = end;
        self.event(Event::Time);
    }

    /// Lets time pass without a call.
    pub fn jump(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.event(Event::Time);
    }

    /// A datagram arrives.
    pub fn receive(&mut self, octets: &[u8]) {
        self.event(Event::Packet(Packet { link: LINK, unicast_frame: false, octets }));
    }

    /// A message arrives.
    pub fn message(&mut self, from: &str, to: &str, message: &[u8]) {
        self.receive(&codec::datagram(addr(from), addr(to), message));
    }

    /// A v3 report with one record.
    pub fn report(&mut self, host: &str, kind: RecordType, group: &str, sources: &[u32]) {
        let sources: Vec<Ipv4Addr> = sources.iter().map(|number| source(*number)).collect();
        let record = OwnRecord { kind, group: addr(group), sources: &sources };
        self.message(host, "224.0.0.22", &codec::report_v3(&[record]));
    }

    pub fn v1_report(&mut self, host: &str, group: &str) {
        self.message(host, group, &codec::report_v1(addr(group)));
    }

    pub fn v2_report(&mut self, host: &str, group: &str) {
        self.message(host, group, &codec::report_v2(addr(group)));
    }

    pub fn leave(&mut self, host: &str, group: &str) {
        self.message(host, "224.0.0.2", &codec::leave(addr(group)));
    }

    /// A v3 General Query with this QRV and QQIC.
    pub fn general_query(&mut self, from: &str, robustness: u8, interval: u16) {
        let body = v3(false, robustness, interval);
        self.query(from, "0.0.0.0", 10_000, body);
    }

    /// A query, sent where it belongs.
    pub fn query(&mut self, from: &str, group: &str, max_response: u32, body: QueryBody) {
        let query = Query { group: addr(group), max_response, body };
        let to = if query.is_general() { "224.0.0.1" } else { group };
        self.message(from, to, &query.write());
    }

    /// What was done since the last look: queries and library calls, without times.
    pub fn done(&mut self) -> Vec<String> {
        self.timed().into_iter().map(|(_, what)| what).collect()
    }

    /// The same, each with the time in milliseconds at which it was done.
    pub fn timed(&mut self) -> Vec<(u64, String)> {
        let actions = std::mem::take(&mut self.actions);
        let shown = actions.iter().filter_map(|(at, action)| show(action).map(|text| (*at, text)));
        shown.collect()
    }

    /// What was sent since the last look: whole queries.
    pub fn sent(&mut self) -> Vec<Transmission> {
        let actions = std::mem::take(&mut self.actions).into_iter();
        let sent = actions.filter_map(|(_, action)| match action {
            Action::Send(transmission) => Some(transmission),
            _ => None,
        });
        sent.collect()
    }

    /// The log since the last look.
    pub fn logged(&mut self) -> Vec<LogLine> {
        let actions = std::mem::take(&mut self.actions).into_iter();
        let lines = actions.filter_map(|(_, action)| match action {
            Action::Log(line) => Some(line),
            _ => None,
        });
        lines.collect()
    }

    /// The state of a group, as INCLUDE or EXCLUDE with the last octets of its sources.
    pub fn state(&self, group: &str) -> String {
        let saved = self.igmp.saved(LINK);
        let Some(saved) = saved.iter().find(|saved| saved.group == addr(group)) else {
            return "-".into();
        };
        let list = |sources: &[Ipv4Addr]| {
            let numbers = sources.iter().map(|s| (u32::from(*s) - 0x0a00_0000).to_string());
            numbers.collect::<Vec<_>>().join(",")
        };
        if saved.exclude {
            format!("EX({};{})", list(&saved.wanted), list(&saved.excluded))
        } else {
            format!("IN({})", list(&saved.wanted))
        }
    }

    pub fn status(&self) -> LinkStatus {
        self.igmp.status(LINK).unwrap()
    }

    pub fn counters(&self) -> &Counters {
        self.igmp.counters(LINK).unwrap()
    }

    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.counters().dropped(reason)
    }

    /// How long until the record of a group goes, or changes by itself, in milliseconds.
    pub fn ends_after(&mut self, group: &str) -> u64 {
        let (before, start) = (self.state(group), self.now);
        while self.state(group) == before {
            let deadline = self.igmp.next_deadline().expect("it never ends");
            self.wait(deadline.0 - self.now);
            assert!(self.now < start + 10_000_000, "{before} does not end");
        }
        self.now - start
    }
}

pub fn v3<'a>(suppress: bool, robustness: u8, interval: u16) -> QueryBody<'a> {
    QueryBody::V3 { suppress, robustness, interval, sources: SourceList::default() }
}

fn show(action: &Action) -> Option<String> {
    Some(match action {
        Action::Send(transmission) => show_query(&transmission.octets),
        Action::Mgm(MgmCall::Take { .. }) => "take".into(),
        Action::Mgm(MgmCall::Release { .. }) => "release".into(),
        Action::Mgm(
            call
            @ (MgmCall::AddRoute { .. } | MgmCall::DeleteRoute { .. } | MgmCall::SetMfe { .. }),
        ) => panic!("{call:?} without a proxy"),
        Action::Answer(answer @ Answer::Rpf { .. }) => format!("{answer:?}"),
        Action::Mgm(MgmCall::Add(m)) => format!("+{}", show_membership(m)),
        Action::Mgm(MgmCall::Delete(m)) => format!("-{}", show_membership(m)),
        Action::Answer(Answer::Creation { enabled, .. }) => format!("answer {enabled}"),
        Action::Log(_) => return None,
    })
}

fn show_membership(membership: &Membership) -> String {
    assert_eq!(membership.link, LINK);
    let flag = if membership.flag == Flag::Forward { "F" } else { "" };
    let flow = membership.flow;
    match flow.has_source() {
        true => format!("{flag}({},{})", flow.source(), flow.group()),
        false => format!("{flag}(*,{})", flow.group()),
    }
}

/// Also checks what all queries have in common (I18).
fn show_query(octets: &[u8]) -> String {
    let datagram = Datagram::read(octets).unwrap();
    assert!(datagram.ttl == 1 && datagram.router_alert && octets[1] == 0xc0);
    let Ok(Message::Query(query)) = Message::read(datagram.message) else {
        panic!("not a query: {octets:x?}")
    };
    let general = query.is_general();
    let to = if general { codec::ALL_SYSTEMS } else { query.group };
    assert_eq!(datagram.destination, to);
    let version = match query.version() {
        3 => String::new(),
        version => format!(" v{version}"),
    };
    let QueryBody::V3 { suppress, sources, .. } = query.body else {
        return if general {
            format!("Q{version}")
        } else {
            format!("Q({}){version}", query.group)
        };
    };
    let suppress = if suppress { " S" } else { "" };
    let list: Vec<String> = sources.iter().map(|source| source.to_string()).collect();
    match (general, list.is_empty()) {
        (true, _) => format!("Q{suppress}"),
        (false, true) => format!("Q({}){suppress}", query.group),
        (false, false) => format!("Q({},{{{}}}){suppress}", query.group, list.join(",")),
    }
}
