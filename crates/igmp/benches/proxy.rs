//! What the proxy costs, with 10,000 groups on a downstream.
//!
//!     cargo bench -p mgm-igmp --bench proxy
//!
//! Processor time of whole events, the reports upstream included. The limit is 5 µs a record.

use mgm_igmp::codec::{datagram, report_v3, OwnRecord, Query, QueryBody, RecordType, SourceList};
use mgm_igmp::{
    Action, Callback, Event, Flow, Igmp, Interface, LinkAddress, LinkConfig, LinkInfo, Ownership,
    Packet, ProxyUpstream, Role, Settings, Time,
};
use nix::time::ClockId;
use std::net::Ipv4Addr;
use std::time::Duration;

const UP: u32 = 1;
const DOWN: u32 = 2;
const GROUPS: u32 = 10_000;
const IN_A_REPORT: u32 = 180;
/// The limit, in microseconds.
const LIMIT: f64 = 5.0;

/// The processor time that this program has used: other programs do not count.
fn used() -> Duration {
    Duration::from(ClockId::CLOCK_PROCESS_CPUTIME_ID.now().expect("the system has this clock"))
}

struct Proxy {
    igmp: Igmp,
    now: u64,
    actions: Vec<Action>,
}

impl Proxy {
    fn new() -> Proxy {
        let mut proxy = Proxy { igmp: Igmp::new(1), now: 0, actions: Vec::new() };
        proxy.event(Event::Settings(Settings { max_entries: u32::MAX, ..Settings::default() }));
        for (link, role) in [(UP, Role::Upstream), (DOWN, Role::Downstream)] {
            let config = Box::new(LinkConfig { role, max_groups: GROUPS, ..LinkConfig::default() });
            proxy.event(Event::Configure { interface: Interface::link(link), config });
            proxy.event(Event::Link { link, info: info(link) });
            proxy.event(Event::Taken { link, result: Ok(Ownership::Alone) });
        }
        let (links, downstreams) = (vec![UP], vec![DOWN]);
        let upstream = ProxyUpstream { links, downstreams, ..ProxyUpstream::default() };
        proxy.event(Event::Proxies(vec![upstream]));
        proxy
    }

    fn event(&mut self, event: Event) {
        self.actions.clear();
        self.igmp.handle(Time(self.now), event, &mut self.actions);
    }

    /// One record for each group, `pace` milliseconds apart; returns the time spent.
    fn records(&mut self, kind: RecordType, sources: &[Ipv4Addr], pace: u64) -> Duration {
        let reports: Vec<Vec<u8>> = (0..GROUPS)
            .step_by(IN_A_REPORT as usize)
            .map(|first| {
                let groups = first..GROUPS.min(first + IN_A_REPORT);
                let record =
                    |n| OwnRecord { kind, group: Ipv4Addr::from(0xef00_0000 + n), sources };
                let records: Vec<OwnRecord> = groups.map(record).collect();
                datagram([10, 2, 0, 9].into(), [224, 0, 0, 22].into(), &report_v3(&records))
            })
            .collect();
        let start = used();
        for octets in &reports {
            self.now += pace * u64::from(IN_A_REPORT);
            self.event(Event::Packet(Packet { link: DOWN, unicast_frame: false, octets }));
        }
        used() - start
    }

    /// Lets time pass with all timers on the way; returns the time spent.
    fn pass(&mut self, milliseconds: u64) -> Duration {
        let (start, end) = (used(), self.now + milliseconds);
        while let Some(at) = self.igmp.next_deadline().filter(|at| at.0 <= end) {
            self.now = at.0;
            self.event(Event::Time);
        }
        self.now = end;
        used() - start
    }
}

fn info(link: u32) -> LinkInfo {
    let addresses = vec![LinkAddress::new(Ipv4Addr::new(10, link as u8, 0, 1), 16)];
    LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses }
}

/// Prints a row; returns whether it is within the limit.
fn row(name: &str, spent: Duration, count: u32) -> bool {
    let microseconds = spent.as_secs_f64() * 1e6 / f64::from(count);
    println!("{name:<44} {microseconds:>8.3} µs each  ({count})");
    microseconds <= LIMIT
}

fn main() {
    let mut proxy = Proxy::new();
    let spent = proxy.records(RecordType::ToEx, &[], 1);
    let mut good = row("a new group, reported upstream", spent, GROUPS);
    proxy.pass(5_000);
    let spent = proxy.records(RecordType::IsEx, &[], 0);
    good &= row("a refresh", spent, GROUPS);

    let sources = SourceList::default();
    let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
    let query = Query { group: Ipv4Addr::UNSPECIFIED, max_response: 10_000, body }.write();
    let octets = datagram([10, 1, 0, 9].into(), [224, 0, 0, 1].into(), &query);
    let start = used();
    proxy.event(Event::Packet(Packet { link: UP, unicast_frame: false, octets: &octets }));
    println!("{:<44} {:>8.3} µs", "a General Query", (used() - start).as_secs_f64() * 1e6);
    let spent = proxy.pass(10_000);
    good &= row("its answer, a group", spent, GROUPS);

    let start = used();
    proxy.event(Event::Link { link: UP, info: LinkInfo::default() });
    proxy.event(Event::Link { link: UP, info: info(UP) });
    good &= row("the upstream goes and comes, a group", used() - start, GROUPS);
    proxy.pass(5_000);

    let start = used();
    for n in 0..4_096_u32 {
        let flow = Flow::new(Ipv4Addr::from(0x0a02_1000 + n), Ipv4Addr::new(239, 9, 9, 9));
        let neighbour = Ipv4Addr::UNSPECIFIED;
        let (expected, arrival) = (DOWN, DOWN);
        let callback = Callback::Rpf { question: 1, flow, expected, neighbour, arrival };
        proxy.event(Event::Callback(callback));
    }
    good &= row("a flow that is sent up", used() - start, 4_096);

    let spent = proxy.records(RecordType::ToIn, &[], 10) + proxy.pass(10_000);
    good &= row("a leave, with queries and reports", spent, GROUPS);
    if !good {
        std::process::exit(1);
    }
}
