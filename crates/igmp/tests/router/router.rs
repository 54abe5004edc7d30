//! A router: the engine, IGMP as one of its clients, a protocol P, routes and a clock.

use mgm_engine::{ClientId, Config, Effects, Engine, Join, Notice, NoticeKinds, Outcome, Packet};
use mgm_igmp::codec::{self, OwnRecord, RecordType};
use mgm_igmp::{
    Action, Answer, Callback, Event, Flag, Igmp, LinkAddress, LinkConfig, LinkInfo, LogEvent,
    Membership, MgmCall, Ownership, Role,
};
use mgm_types::{Flow, Interface, Ipv4Addr, Prefix, Route, RouteOrigin, Time};
use std::collections::{BTreeMap, VecDeque};

/// The protocol and component ids of IGMP.
const IGMP: (u32, u32) = (10, 0);

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

pub fn net(text: &str) -> Prefix {
    let (network, length) = text.split_once('/').unwrap();
    Prefix::of(ip(network), length.parse().unwrap())
}

/// `239.1.1.1` is `(*,g)`, `10.0.0.1,239.1.1.1` is `(s,g)`.
pub fn flow(text: &str) -> Flow {
    match text.split_once(',') {
        Some((source, group)) => Flow::new(ip(source), ip(group)),
        None => Flow::any_source(ip(text)),
    }
}

pub fn role(role: Role) -> LinkConfig {
    LinkConfig { role, ..LinkConfig::default() }
}

pub struct Router {
    engine: Engine,
    igmp: Igmp,
    igmp_id: ClientId,
    p: ClientId,
    now: u64,
    queue: VecDeque<(ClientId, Notice)>,
    system_routes: BTreeMap<(u8, Ipv4Addr), u32>,
    host_routes: BTreeMap<(u8, Ipv4Addr), u32>,
    /// What P was told.
    heard: Vec<String>,
    /// What IGMP sent: links and messages.
    sent: Vec<(u32, Vec<u8>)>,
    log: Vec<LogEvent>,
}

impl Router {
    pub fn new() -> Router {
        let mut engine = Engine::new(Config { mfe_timeout: 900, ..Config::default() });
        let igmp_id = engine.register(IGMP.0, IGMP.1, NoticeKinds::ALL).unwrap();
        let p = engine.register(0x200, 0, NoticeKinds::ALL).unwrap();
        Router {
            engine,
            igmp: Igmp::new(1),
            igmp_id,
            p,
            now: 1_000_000,
            queue: VecDeque::new(),
            system_routes: BTreeMap::new(),
            host_routes: BTreeMap::new(),
            heard: Vec::new(),
            sent: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A link with a connected network, on which IGMP is configured.
    pub fn link(&mut self, link: u32, network: &str, address: &str, config: LinkConfig) {
        self.route(network, link);
        let prefix = net(network);
        let addresses = vec![LinkAddress { address: ip(address), prefix }];
        let (interface, config) = (Interface::link(link), Box::new(config));
        self.event(Event::Configure { interface, config });
        let info = LinkInfo { up: true, mtu: 1_500, point_to_point: false, addresses };
        self.event(Event::Link { link, info });
    }

    /// A route of the system.
    pub fn route(&mut self, network: &str, link: u32) {
        let prefix = net(network);
        self.system_routes.insert((prefix.length(), prefix.network()), link);
        self.routes_changed();
    }

    /// The longest prefix decides, and the host's route if both are equally long.
    fn look_up_source(&self, source: Ipv4Addr) -> Route {
        let best = |routes: &BTreeMap<(u8, Ipv4Addr), u32>| {
            let mut covering = routes
                .iter()
                .filter(|((length, network), _)| Prefix::of(*network, *length).contains(source));
            covering.next_back().map(|((length, network), link)| (*length, *network, *link))
        };
        let (system, host) = (best(&self.system_routes), best(&self.host_routes));
        let is_host = host.is_some_and(|host| system.is_none_or(|system| host.0 >= system.0));
        let Some((prefix_len, network, if_index)) = (if is_host { host } else { system }) else {
            return Route::NONE;
        };
        let origin = RouteOrigin::Connected;
        Route { origin, if_index, paths: None, network, prefix_len, protocol: 3 }
    }

    fn routes_changed(&mut self) {
        let mut known = Vec::new();
        self.engine.sources_within(&[Prefix::ALL], None, usize::MAX, &mut known);
        let routes: Vec<_> =
            known.iter().map(|(source, d)| (*source, *d, self.look_up_source(*source))).collect();
        self.run(|engine, fx| engine.update_routes(&routes, fx)).unwrap();
    }

    fn needed_route(&self, flow: Flow, interface: Interface) -> Option<Route> {
        let (source, _) = self.engine.needs_route(flow, interface)?;
        Some(self.look_up_source(source))
    }

    /// A call of the engine, and all callbacks that it causes.
    fn run<R>(&mut self, call: impl FnOnce(&mut Engine, &mut Effects) -> R) -> R {
        let mut fx = Effects::default();
        self.engine.set_now(Time(self.now));
        let result = call(&mut self.engine, &mut fx);
        self.queue.extend(fx.take_notices());
        while let Some((to, notice)) = self.queue.pop_front() {
            if self.engine.starting(to, &notice) {
                self.deliver(to, notice);
            }
        }
        result
    }

    fn deliver(&mut self, to: ClientId, mut notice: Notice) {
        let mut calls = Vec::new();
        if to == self.igmp_id {
            calls = self.tell_igmp(&mut notice);
        } else {
            self.heard.push(in_words(&notice));
        }
        if notice.question().is_some() {
            let mut fx = Effects::default();
            let now = Time(self.now);
            self.engine.answer(now, to, &notice, |_| Ok(None), &mut fx);
            self.queue.extend(fx.take_notices());
        }
        for action in calls {
            self.act(action);
        }
    }

    /// Makes a callback of IGMP, and writes its answer into the notice.
    fn tell_igmp(&mut self, notice: &mut Notice) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut tell = |callback| {
            self.igmp.handle(Time(self.now), Event::Callback(callback), &mut actions);
        };
        match notice {
            Notice::Rpf { flow, iif, upstream, arrival, .. } => {
                let (expected, neighbour, arrival) = (iif.index, *upstream, arrival.index);
                let (question, flow) = (1, *flow);
                tell(Callback::Rpf { question, flow, expected, neighbour, arrival });
            }
            Notice::Creation { flow, oifs, .. } => {
                for oif in oifs.iter() {
                    let (link, flow) = (oif.interface.index, *flow);
                    tell(Callback::CreationAlert { question: 1, link, flow });
                }
            }
            Notice::Join { flow, member: true } => tell(Callback::JoinAlert(*flow)),
            Notice::Prune { flow, .. } => tell(Callback::PruneAlert(*flow)),
            Notice::DisableIgmp { interface, .. } => {
                tell(Callback::DisableIgmp { link: interface.index });
            }
            Notice::EnableIgmp { interface, .. } => {
                let ownership = ownership(&self.engine, *interface);
                tell(Callback::EnableIgmp { link: interface.index, ownership });
            }
            _ => {}
        }
        actions.retain(|action| match (action, &mut *notice) {
            (Action::Answer(Answer::Rpf { link, neighbour, .. }), n) => {
                let Notice::Rpf { iif, upstream, .. } = n else { panic!("{n:?}") };
                if iif.index != *link {
                    *iif = Interface::link(*link);
                }
                *upstream = *neighbour;
                false
            }
            (Action::Answer(Answer::Creation { link, enabled, .. }), n) => {
                let Notice::Creation { oifs, .. } = n else { panic!("{n:?}") };
                let mut oifs = oifs.iter_mut();
                oifs.find(|oif| oif.interface.index == *link).unwrap().enabled = *enabled;
                false
            }
            _ => true,
        });
        actions
    }

    pub fn event(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.igmp.handle(Time(self.now), event, &mut actions);
        for action in actions {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        let igmp = self.igmp_id;
        match action {
            Action::Send(sent) => {
                let message = codec::Datagram::read(&sent.octets).unwrap().message;
                self.sent.push((sent.link, message.to_vec()));
            }
            Action::Log(line) => self.log.push(line.event),
            Action::Answer(answer) => panic!("{answer:?} without a question"),
            Action::Mgm(call) => {
                let result = match call {
                    MgmCall::Take { link } => return self.take(link),
                    MgmCall::Release { link } => {
                        self.run(|engine, fx| engine.release(igmp, Interface::link(link), true, fx))
                    }
                    MgmCall::Add(membership) => self.join(igmp, membership),
                    MgmCall::Delete(Membership { link, flow, flag }) => {
                        let (interface, join) = (Interface::link(link), join_of(flag));
                        self.run(|engine, fx| engine.leave(igmp, flow, interface, join, fx))
                    }
                    MgmCall::AddRoute { network, link } => {
                        self.host_routes.insert((network.length(), network.network()), link);
                        self.routes_changed();
                        Ok(())
                    }
                    MgmCall::DeleteRoute { network, .. } => {
                        self.host_routes.remove(&(network.length(), network.network()));
                        self.routes_changed();
                        Ok(())
                    }
                    MgmCall::SetMfe { flow, link } => {
                        let none = Ipv4Addr::UNSPECIFIED;
                        self.run(|engine, fx| engine.set_mfe(igmp, flow, none, link, fx))
                    }
                };
                if let Err(refusal) = result {
                    self.event(Event::Refused { call, code: refusal.code() });
                }
            }
        }
    }

    fn take(&mut self, link: u32) {
        let (igmp, interface) = (self.igmp_id, Interface::link(link));
        let (number, _) =
            self.engine.prepare_take(igmp, interface, &mut Effects::default()).unwrap();
        self.run(|engine, fx| engine.take(igmp, number, true, fx));
        let result = Ok(ownership(&self.engine, interface));
        self.event(Event::Taken { link, result });
    }

    fn join(&mut self, client: ClientId, membership: Membership) -> mgm_types::Result<()> {
        let Membership { link, flow, flag } = membership;
        let (interface, join) = (Interface::link(link), join_of(flag));
        let route = self.needed_route(flow, interface);
        self.run(|engine, fx| engine.join(client, flow, interface, join, route.as_ref(), fx))
    }

    /// P takes an interface.
    pub fn p_takes(&mut self, link: u32) {
        let p = self.p;
        let interface = Interface::link(link);
        let (number, _) = self.engine.prepare_take(p, interface, &mut Effects::default()).unwrap();
        self.run(|engine, fx| engine.take(p, number, false, fx));
    }

    pub fn p_releases(&mut self, link: u32) {
        let p = self.p;
        self.run(|engine, fx| engine.release(p, Interface::link(link), false, fx)).unwrap();
    }

    pub fn p_joins(&mut self, link: u32, text: &str) {
        let membership = Membership { link, flow: flow(text), flag: Flag::Join };
        self.join(self.p, membership).unwrap();
    }

    pub fn p_leaves(&mut self, link: u32, text: &str) {
        let (p, flow, interface) = (self.p, flow(text), Interface::link(link));
        self.run(|engine, fx| engine.leave(p, flow, interface, Join::State, fx)).unwrap();
    }

    /// A packet of a stream arrives, and is sent again if its flow was resolved first. Returns
    /// the links that it leaves by; `None` if it is refused.
    pub fn packet(&mut self, text: &str, link: u32) -> Option<Vec<u32>> {
        let (flow, arrival) = (flow(text), Interface::link(link));
        let mut outcome = Outcome::Resolving;
        for _ in 0..2 {
            if outcome != Outcome::Resolving {
                break;
            }
            let packet = Packet { flow, arrival, header: &[0x45], length: 100, ttl: 64 };
            let (now, route) = (Time(self.now), self.needed_route(flow, arrival));
            outcome = self.run(|engine, fx| engine.packet(now, &packet, route.as_ref(), fx));
        }
        match outcome {
            Outcome::Forwarded(out) => {
                let mut out: Vec<u32> = out.iter().map(|interface| interface.index).collect();
                out.sort_unstable();
                Some(out)
            }
            Outcome::Refused(_) => None,
            Outcome::Resolving => panic!("{flow} is still being resolved"),
        }
    }

    /// A host reports a record.
    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of a report with one record, in their order"
    )]
    pub fn report(&mut self, link: u32, host: &str, kind: RecordType, group: &str, list: &[&str]) {
        let sources: Vec<Ipv4Addr> = list.iter().map(|text| ip(text)).collect();
        let record = OwnRecord { kind, group: ip(group), sources: &sources };
        let to = codec::ALL_V3_ROUTERS;
        let octets = codec::datagram(ip(host), to, &codec::report_v3(&[record]));
        let packet = mgm_igmp::Packet { link, unicast_frame: false, octets: &octets };
        self.event(Event::Packet(packet));
    }

    /// Lets time pass for IGMP and for the library, in milliseconds.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        loop {
            let deadlines = [self.igmp.next_deadline(), self.engine.next_deadline()];
            let due = deadlines.into_iter().flatten().map(|at| at.0).min();
            let Some(at) = due.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            self.event(Event::Time);
            let now = Time(self.now);
            self.run(|engine, fx| engine.tick(now, usize::MAX, |_| Ok(None), fx));
        }
        self.now = end;
    }

    /// The memberships that the library has, of all clients, as `link flow`.
    pub fn memberships(&self) -> Vec<String> {
        let rows = self.engine.memberships(Flow::WILDCARD);
        let of_row = |row: mgm_engine::MembershipRow| {
            let interfaces = row.owner.into_iter().chain(row.igmp);
            interfaces.map(move |interface| format!("{} {}", interface.index, row.flow))
        };
        rows.flat_map(of_row).collect()
    }

    /// What P was told since the last look.
    pub fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard)
    }

    pub fn log(&mut self) -> Vec<LogEvent> {
        std::mem::take(&mut self.log)
    }

    pub fn igmp(&self) -> &Igmp {
        &self.igmp
    }

    /// How many queries IGMP has sent on a link since the last look.
    pub fn queries(&mut self, link: u32) -> usize {
        let sent = std::mem::take(&mut self.sent);
        sent.iter().filter(|(on, message)| *on == link && message[0] == 0x11).count()
    }
}

fn ownership(engine: &Engine, interface: Interface) -> Ownership {
    match engine.protocol_on(interface) {
        Ok(IGMP) => Ownership::Alone,
        _ => Ownership::BesideOwner,
    }
}

fn join_of(flag: Flag) -> Join {
    match flag {
        Flag::Join => Join::State,
        Flag::Forward => Join::Forward,
    }
}

/// What a client is told, without questions that every flow causes.
fn in_words(notice: &Notice) -> String {
    match notice {
        Notice::Join { flow, member } => format!("join {flow} {member}"),
        Notice::Prune { flow, .. } => format!("prune {flow}"),
        Notice::LocalJoin { flow, interface } => {
            format!("local join {flow} on {}", interface.index)
        }
        Notice::LocalLeave { flow, interface } => {
            format!("local leave {flow} on {}", interface.index)
        }
        other => format!("{:?}", other.kind()),
    }
}
