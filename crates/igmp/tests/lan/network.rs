//! The simulated LANs, and shorthands for what tests say about them.

use mgm_igmp::codec::{self, Datagram, Message, QueryBody, RecordType};
use mgm_igmp::config::AccessList;
use mgm_igmp::{
    Action, Answer, Callback, Event, Flag, Flow, Igmp, Interface, LinkAddress, LinkConfig,
    LinkInfo, LogEvent, LogLine, MgmCall, Ownership, Packet, Prefix, ProxyUpstream, Role, Time,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// How long a packet is on its way, in milliseconds.
const DELAY: u64 = 1;

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

/// `239.1.1.1` is `(*,g)`, `10.0.0.1,239.1.1.1` is `(s,g)`.
pub fn flow(text: &str) -> Flow {
    match text.split_once(',') {
        Some((source, group)) => Flow::new(ip(source), ip(group)),
        None => Flow::any_source(ip(text)),
    }
}

pub fn net(text: &str) -> Prefix {
    let (network, length) = text.split_once('/').unwrap();
    Prefix::of(ip(network), length.parse().unwrap())
}

/// A list that permits these networks only.
pub fn only(networks: &[&str]) -> AccessList {
    use mgm_igmp::config::Rule;
    let rules = networks.iter().map(|text| Rule { permit: true, prefix: net(text) });
    AccessList { rules: rules.collect(), otherwise: false }
}

/// The state of a link that is up, with one address of a /24.
pub fn up(address: &str) -> LinkInfo {
    let addresses = vec![LinkAddress::new(ip(address), 24)];
    LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses }
}

pub fn role(role: Role) -> LinkConfig {
    LinkConfig { role, ..LinkConfig::default() }
}

/// A machine: an instance of the crate, and the calls that its library has got.
struct Machine {
    igmp: Igmp,
    /// The LAN of each link.
    lans: BTreeMap<u32, &'static str>,
    configs: BTreeMap<u32, LinkConfig>,
    memberships: BTreeSet<(u32, Flow)>,
    routes: BTreeMap<String, u32>,
    route_adds: usize,
    moved: Vec<(Flow, u32)>,
    answers: Vec<u32>,
    log: Vec<LogLine>,
}

struct Delivery {
    machine: usize,
    link: u32,
    octets: Vec<u8>,
}

/// Machines and LANs, with one clock.
#[derive(Default)]
pub struct Network {
    pub now: u64,
    machines: Vec<Machine>,
    on_the_way: BTreeMap<(u64, u64), Delivery>,
    sent: u64,
    heard: Vec<(u64, &'static str, String)>,
    /// How many of a hundred packets get lost on their way to each receiver.
    pub loss: u8,
    random: Option<fastrand::Rng>,
}

impl Network {
    pub fn new() -> Network {
        Network::default()
    }

    /// A machine without links. Its number is its name.
    pub fn machine(&mut self) -> usize {
        self.machines.push(Machine {
            igmp: Igmp::new(self.machines.len() as u64),
            lans: BTreeMap::new(),
            configs: BTreeMap::new(),
            memberships: BTreeSet::new(),
            routes: BTreeMap::new(),
            route_adds: 0,
            moved: Vec::new(),
            answers: Vec::new(),
            log: Vec::new(),
        });
        self.machines.len() - 1
    }

    /// Connects a link of a machine to a LAN; it is up.
    pub fn attach(
        &mut self,
        machine: usize,
        link: u32,
        (lan, address): (&'static str, &str),
        config: LinkConfig,
    ) {
        self.machines[machine].lans.insert(link, lan);
        self.configure(machine, link, config);
        self.set_link(machine, link, up(address));
    }

    /// A machine that is a host on one LAN.
    pub fn host(&mut self, lan: &'static str, address: &str) -> usize {
        let host = self.machine();
        self.attach(host, 1, (lan, address), role(Role::Upstream));
        host
    }

    pub fn configure(&mut self, machine: usize, link: u32, config: LinkConfig) {
        self.machines[machine].configs.insert(link, config.clone());
        let (interface, config) = (Interface::link(link), Box::new(config));
        self.event(machine, Event::Configure { interface, config });
    }

    pub fn set_link(&mut self, machine: usize, link: u32, info: LinkInfo) {
        self.event(machine, Event::Link { link, info });
    }

    /// From now on a host joins these flows, and no others.
    pub fn join(&mut self, host: usize, flows: &[&str]) {
        let join = flows.iter().map(|text| flow(text)).collect();
        let config = LinkConfig { join, ..self.machines[host].configs[&1].clone() };
        self.configure(host, 1, config);
    }

    pub fn proxies(&mut self, machine: usize, upstreams: &[ProxyUpstream]) {
        self.event(machine, Event::Proxies(upstreams.to_vec()));
    }

    pub fn event(&mut self, machine: usize, event: Event) {
        let mut actions = Vec::new();
        self.machines[machine].igmp.handle(Time(self.now), event, &mut actions);
        for action in actions {
            self.act(machine, action);
        }
    }

    /// RPF_CALLBACK: the answer is the interface that the machine names.
    pub fn ask(&mut self, machine: usize, flow_text: &str, expected: u32, arrival: u32) -> u32 {
        let (flow, neighbour) = (flow(flow_text), Ipv4Addr::UNSPECIFIED);
        let callback = Callback::Rpf { question: 1, flow, expected, neighbour, arrival };
        self.event(machine, Event::Callback(callback));
        self.machines[machine].answers.pop().expect("an answer at once")
    }

    /// A message arrives on a link of a machine, from outside of the simulation.
    pub fn inject(&mut self, machine: usize, link: u32, (from, to): (&str, &str), message: &[u8]) {
        self.inject_octets(machine, link, &codec::datagram(ip(from), ip(to), message));
    }

    /// Octets arrive on a link of a machine, from outside of the simulation.
    pub fn inject_octets(&mut self, machine: usize, link: u32, octets: &[u8]) {
        self.event(machine, Event::Packet(Packet { link, unicast_frame: false, octets }));
    }

    /// The clock jumps: no machine runs in between.
    pub fn jump(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }

    fn act(&mut self, machine: usize, action: Action) {
        let own = &mut self.machines[machine];
        match action {
            Action::Send(sent) => self.send(machine, sent.link, sent.octets),
            Action::Mgm(MgmCall::Take { link }) => {
                self.event(machine, Event::Taken { link, result: Ok(Ownership::Alone) });
            }
            Action::Mgm(MgmCall::Release { link }) => {
                own.memberships.retain(|(index, _)| *index != link);
            }
            Action::Mgm(MgmCall::Add(m)) if m.flag == Flag::Join => {
                own.memberships.insert((m.link, m.flow));
            }
            Action::Mgm(MgmCall::Delete(m)) if m.flag == Flag::Join => {
                own.memberships.remove(&(m.link, m.flow));
            }
            Action::Mgm(MgmCall::Add(_) | MgmCall::Delete(_)) => {}
            Action::Mgm(MgmCall::AddRoute { network, link }) => {
                let name = format!("{}/{}", network.network(), network.length());
                own.routes.insert(name, link);
                own.route_adds += 1;
            }
            Action::Mgm(MgmCall::DeleteRoute { network, .. }) => {
                let name = format!("{}/{}", network.network(), network.length());
                own.routes.remove(&name).expect("a route that exists");
            }
            Action::Mgm(MgmCall::SetMfe { flow, link }) => own.moved.push((flow, link)),
            Action::Answer(Answer::Rpf { link, .. }) => own.answers.push(link),
            Action::Answer(Answer::Creation { .. }) => {}
            Action::Log(line) => own.log.push(line),
        }
    }

    fn send(&mut self, machine: usize, link: u32, octets: Vec<u8>) {
        let lan = self.machines[machine].lans[&link];
        self.heard.push((self.now, lan, describe(&octets)));
        for (receiver, other) in self.machines.iter().enumerate() {
            for (index, _) in other.lans.iter().filter(|(_, on)| **on == lan) {
                let random = self.random.get_or_insert_with(|| fastrand::Rng::with_seed(1));
                let is_lost = self.loss > 0 && random.u8(..100) < self.loss;
                if (receiver, *index) != (machine, link) && !is_lost {
                    let delivery =
                        Delivery { machine: receiver, link: *index, octets: octets.clone() };
                    self.sent += 1;
                    self.on_the_way.insert((self.now + DELAY, self.sent), delivery);
                }
            }
        }
    }

    /// Lets the time pass, in milliseconds.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        loop {
            let deadlines = self.machines.iter().enumerate();
            let due = deadlines.filter_map(|(n, m)| Some((m.igmp.next_deadline()?.0, n))).min();
            let packet = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
            match (packet, due) {
                (Some(at), due) if at <= end && due.is_none_or(|(when, _)| at <= when) => {
                    self.now = at;
                    self.deliver();
                }
                (_, Some((at, machine))) if at <= end => {
                    assert!(at >= self.now, "a deadline in the past");
                    self.now = at;
                    self.event(machine, Event::Time);
                }
                _ => break,
            }
        }
        self.now = end;
    }

    fn deliver(&mut self) {
        let Some((_, Delivery { machine, link, octets })) = self.on_the_way.pop_first() else {
            return;
        };
        let packet = Packet { link, unicast_frame: false, octets: &octets };
        self.event(machine, Event::Packet(packet));
    }

    /// The memberships that a machine's library has for a link.
    pub fn memberships(&self, machine: usize, link: u32) -> Vec<String> {
        let all = self.machines[machine].memberships.iter();
        all.filter(|(index, _)| *index == link).map(|(_, flow)| flow.to_string()).collect()
    }

    /// What a machine reports on a link, group by group.
    pub fn reported(&self, machine: usize, link: u32) -> Vec<String> {
        let reported = self.machines[machine].igmp.reported(link);
        let show = |(group, filter): (Ipv4Addr, mgm_igmp::Filter)| {
            let mode = if filter.exclude { "EX" } else { "IN" };
            format!("{group} {mode}({})", list(filter.sources.into_iter()))
        };
        reported.map(show).collect()
    }

    /// What was sent on a LAN since the last look, but for queries.
    pub fn reports(&mut self, lan: &str) -> Vec<String> {
        self.take(lan).into_iter().map(|(_, text)| text).filter(|text| !is_query(text)).collect()
    }

    /// The queries that were sent on a LAN since the last look.
    pub fn queries(&mut self, lan: &str) -> Vec<String> {
        self.take(lan).into_iter().map(|(_, text)| text).filter(|text| is_query(text)).collect()
    }

    /// What was sent on a LAN since the last look, with the times.
    pub fn take(&mut self, lan: &str) -> Vec<(u64, String)> {
        let (here, elsewhere) =
            std::mem::take(&mut self.heard).into_iter().partition(|(_, on, _)| *on == lan);
        self.heard = elsewhere;
        let here: Vec<(u64, &str, String)> = here;
        here.into_iter().map(|(at, _, text)| (at, text)).collect()
    }

    pub fn routes(&self, machine: usize) -> Vec<(&str, u32)> {
        self.machines[machine].routes.iter().map(|(net, link)| (net.as_str(), *link)).collect()
    }

    /// How many times a machine has added a host route.
    pub fn adds_of_routes(&self, machine: usize) -> usize {
        self.machines[machine].route_adds
    }

    /// The MFEs that were moved since the last look.
    pub fn moved(&mut self, machine: usize) -> Vec<(Flow, u32)> {
        std::mem::take(&mut self.machines[machine].moved)
    }

    /// The log since the last look.
    pub fn log(&mut self, machine: usize) -> Vec<LogEvent> {
        let log = std::mem::take(&mut self.machines[machine].log);
        log.into_iter().map(|line| line.event).collect()
    }

    pub fn igmp(&self, machine: usize) -> &Igmp {
        &self.machines[machine].igmp
    }

    /// The library of a machine has lost its interfaces.
    pub fn forget_memberships(&mut self, machine: usize) {
        self.machines[machine].memberships.clear();
    }

    /// Disconnects a machine from all LANs: it receives and sends nothing any longer.
    pub fn kill(&mut self, machine: usize) {
        self.machines[machine].lans.clear();
        self.machines[machine].igmp = Igmp::new(0);
    }
}

fn is_query(text: &str) -> bool {
    text.starts_with('Q')
}

fn list(sources: impl Iterator<Item = Ipv4Addr>) -> String {
    sources.map(|source| source.to_string()).collect::<Vec<_>>().join(",")
}

/// A packet as text, such as `Q3`, `v2 239.1.1.1`, `ALLOW 239.1.1.1 (10.0.0.1)`.
fn describe(octets: &[u8]) -> String {
    let datagram = Datagram::read(octets).unwrap();
    assert!(datagram.router_alert && datagram.ttl == 1, "I18");
    match Message::read(datagram.message).unwrap() {
        Message::Query(query) => {
            let version = query.version();
            let sources = match query.body {
                QueryBody::V3 { sources, .. } => list(sources.iter()),
                _ => String::new(),
            };
            match query.is_general() {
                true => format!("Q{version} from {}", datagram.source),
                false => format!("Q{version} {} ({sources})", query.group),
            }
        }
        Message::ReportV1(group) => format!("v1 {group}"),
        Message::ReportV2(group) => format!("v2 {group}"),
        Message::Leave(group) => format!("leave {group}"),
        Message::ReportV3(records) => {
            let show = |record: mgm_igmp::codec::Record| {
                let kind = match record.kind {
                    RecordType::IsIn => "IS_IN",
                    RecordType::IsEx => "IS_EX",
                    RecordType::ToIn => "TO_IN",
                    RecordType::ToEx => "TO_EX",
                    RecordType::Allow => "ALLOW",
                    RecordType::Block => "BLOCK",
                };
                format!("{kind} {} ({})", record.group, list(record.sources.iter()))
            };
            records.map(show).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Routers of one LAN, each with its link 1 and one of these addresses.
pub fn routers<const N: usize>(addresses: [&str; N]) -> (Network, [usize; N]) {
    let mut network = Network::new();
    let routers = addresses.map(|_| network.machine());
    for (router, address) in routers.iter().zip(addresses) {
        network.attach(*router, 1, ("lan", address), role(Role::Router));
    }
    (network, routers)
}

/// A proxy with two upstream links, 1 and 2, and the downstream 3.
pub struct TwoUpstreams {
    pub network: Network,
    pub proxy: usize,
    /// The providers behind the upstreams.
    pub isps: [usize; 2],
}

impl TwoUpstreams {
    /// Both serve the downstream: the first upstream has link 1, the second one link 2.
    pub fn new(first: ProxyUpstream, second: ProxyUpstream) -> TwoUpstreams {
        TwoUpstreams::with(&[
            ProxyUpstream { links: vec![1], ..first },
            ProxyUpstream { links: vec![2], ..second },
        ])
    }

    /// Upstreams with these links, which serve the downstream.
    pub fn with(upstreams: &[ProxyUpstream]) -> TwoUpstreams {
        let mut network = Network::new();
        let isps = [network.machine(), network.machine()];
        let proxy = network.machine();
        network.attach(isps[0], 1, ("wan1", "10.1.0.1"), role(Role::Router));
        network.attach(isps[1], 1, ("wan2", "10.2.0.1"), role(Role::Router));
        network.attach(proxy, 1, ("wan1", "10.1.0.2"), role(Role::Upstream));
        network.attach(proxy, 2, ("wan2", "10.2.0.2"), role(Role::Upstream));
        network.attach(proxy, 3, ("lan1", "192.168.1.1"), role(Role::Downstream));
        let serve =
            |upstream: &ProxyUpstream| ProxyUpstream { downstreams: vec![3], ..upstream.clone() };
        network.proxies(proxy, &upstreams.iter().map(serve).collect::<Vec<_>>());
        TwoUpstreams { network, proxy, isps }
    }
}

/// A proxy with an upstream LAN, two downstream LANs, and a provider's router upstream.
pub struct Home {
    pub network: Network,
    pub isp: usize,
    pub proxy: usize,
}

/// The links of the proxy at home.
pub const UP: u32 = 1;
pub const DOWN1: u32 = 2;
pub const DOWN2: u32 = 3;

impl Home {
    pub fn new() -> Home {
        Home::with(ProxyUpstream::default(), LinkConfig::default())
    }

    /// A home whose provider's router is configured so.
    pub fn with(upstream: ProxyUpstream, isp_config: LinkConfig) -> Home {
        let mut network = Network::new();
        let (isp, proxy) = (network.machine(), network.machine());
        network.attach(isp, 1, ("wan", "10.1.0.1"), isp_config);
        network.attach(proxy, UP, ("wan", "10.1.0.2"), role(Role::Upstream));
        network.attach(proxy, DOWN1, ("lan1", "192.168.1.1"), role(Role::Downstream));
        network.attach(proxy, DOWN2, ("lan2", "192.168.2.1"), role(Role::Downstream));
        let links = vec![UP];
        let downstreams = vec![DOWN1, DOWN2];
        network.proxies(proxy, &[ProxyUpstream { links, downstreams, ..upstream }]);
        network.pass(60_000);
        for lan in ["wan", "lan1", "lan2"] {
            network.take(lan);
        }
        network.log(proxy);
        Home { network, isp, proxy }
    }

    /// A home where a host of the first downstream has joined these flows. Returns the host, too.
    pub fn joined(flows: &[&str]) -> (Home, usize) {
        let mut home = Home::new();
        let host = home.network.host("lan1", "192.168.1.50");
        home.network.join(host, flows);
        home.pass(5_000);
        home.upstream();
        (home, host)
    }

    /// Lets time pass.
    pub fn pass(&mut self, milliseconds: u64) {
        self.network.pass(milliseconds);
    }

    /// What the provider's router forwards to the home.
    pub fn isp_forwards(&self) -> Vec<String> {
        self.network.memberships(self.isp, 1)
    }

    /// What the proxy forwards to one of its LANs.
    pub fn forwarded(&self, link: u32) -> Vec<String> {
        self.network.memberships(self.proxy, link)
    }

    /// What was reported upstream since the last look.
    pub fn upstream(&mut self) -> Vec<String> {
        self.network.reports("wan")
    }
}
