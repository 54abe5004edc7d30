//! A daemon with a router that notes what it is asked.

mod random;
mod registers;

use super::*;
use crate::options::MAXVIFS;
use crate::packets::Datagram;
use mgm_engine::{CreationOif, Header, MfeRow, OifRow};
use mgm_remote::messages::{encode, CallbackBody, Said, WireRefusal};
use mgm_remote::wire::Bytes;
use mgm_types::{Route, RouteOrigin};

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
const HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 77, 2);
const IN: u32 = 3;
const OUT: u32 = 5;
const OTHER: u32 = 7;

fn flow() -> Flow {
    Flow::new(SOURCE, GROUP)
}

#[derive(Default)]
struct Noted {
    calls: Vec<Request>,
    acks: Vec<Ack>,
    /// Interfaces of others.
    taken: Vec<u32>,
    /// Interfaces on which no membership can be added.
    full: Vec<u32>,
    /// What there is of any flow.
    mfe: Option<MfeRow>,
    /// What an enumeration finds.
    groups: Vec<Flow>,
}

impl Router for Noted {
    fn call(&mut self, request: Request) -> Result<Reply, Lost> {
        self.calls.push(request.clone());
        let refused = |code: Code, text: &str| {
            let (code, text) = (code as u32, text.into());
            let refusal = WireRefusal { code, is_ordinary: false, is_handle: false, text };
            Reply::Refused { refusal }
        };
        Ok(match request {
            Request::Take { interface, .. } if self.taken.contains(&interface.index) => {
                refused(Code::AlreadyExists, "owned by protocol 5")
            }
            Request::Add { interface, .. } if self.full.contains(&interface.index) => {
                refused(Code::NotEnoughMemory, "no memory")
            }
            Request::GetMfe { .. } if self.mfe.is_some() => {
                Reply::Mfe { row: self.mfe.clone().unwrap() }
            }
            Request::WalkMfes { start: None, .. } if self.mfe.is_some() => {
                let rows = Bytes(encode(self.mfe.as_ref().unwrap()));
                Reply::Mfes { count: 1, rows, next_oifs: None, more: false }
            }
            Request::EnumStart { .. } => Reply::Enumeration { enumeration: 9 },
            Request::EnumNext { .. } => Reply::Groups { flows: self.groups.clone(), more: false },
            _ => Reply::Done {},
        })
    }

    fn acknowledge(&mut self, ack: Ack) {
        self.acks.push(ack);
    }

    fn name(&self, index: u32) -> String {
        format!("eth{index}")
    }
}

impl Noted {
    /// The changes of memberships since the last look: `+` adds, `-` deletes, `f` FORWARD.
    fn changes(&mut self) -> Vec<String> {
        let text = |request: Request| match request {
            Request::Add { flow, interface, join, .. } => Some(("+", flow, interface, join)),
            Request::Delete { flow, interface, join, .. } => Some(("-", flow, interface, join)),
            _ => None,
        };
        let calls = std::mem::take(&mut self.calls).into_iter().filter_map(text);
        calls
            .map(|(sign, flow, interface, join)| {
                let join = if join == Join::Forward { "f" } else { "" };
                let source = if flow.has_source() { "s" } else { "*" };
                format!("{sign}{join}{source}@{}", interface.index)
            })
            .collect()
    }

    fn said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.acks).into_iter().map(|ack| ack.said).collect()
    }
}

/// VIF 0 is IN, 1 is OUT, 2 is mgm0.
fn started() -> (Daemon, Noted) {
    let (mut daemon, mut router) = (Daemon::default(), Noted::default());
    daemon.set_peer(HOST);
    daemon.connected(&mut router, 1);
    for (at, vif) in [Vif::Real(IN), Vif::Real(OUT), Vif::Rest].into_iter().enumerate() {
        assert_eq!(daemon.add_vif(&mut router, at as u16, vif), Ok(()));
    }
    router.calls.clear();
    (daemon, router)
}

fn mfc(flow: Flow, parent: u16, oifs: &[usize]) -> MrouteOption {
    let mut ttls = [0; MAXVIFS];
    oifs.iter().for_each(|&vif| ttls[vif] = 1);
    MrouteOption::AddMfc(Mfc { flow, parent, ttls })
}

fn callback(body: CallbackBody) -> Callback {
    Callback { client: 1, number: 1, cause: 0, body }
}

fn rpf(index: u32) -> Callback {
    let header = Header::from(&[0u8; 20][..]);
    let route = Route {
        origin: RouteOrigin::Connected,
        if_index: 0,
        paths: None,
        network: Ipv4Addr::new(10, 1, 0, 0),
        prefix_len: 24,
        protocol: 2,
    };
    let (iif, upstream, arrival) = (Interface::link(index), SOURCE, Interface::link(index));
    callback(CallbackBody::Rpf { flow: flow(), iif, upstream, header, route, arrival })
}

fn creation(iif: u32, oifs: &[u32]) -> Callback {
    let oif =
        |&index| CreationOif { interface: Interface::link(index), igmp: false, enabled: true };
    let (iif, oifs) = (Interface::link(iif), oifs.iter().map(oif).collect());
    callback(CallbackBody::Creation { flow: flow(), iif, oifs })
}

/// The kind and the VIF of an upcall.
fn is_upcall(datagram: Option<Datagram>) -> (u8, u8) {
    let bytes = datagram.expect("an upcall").bytes;
    assert_eq!((bytes[9], &bytes[12..20]), (0, &[10, 1, 0, 2, 239, 1, 2, 3][..]));
    (bytes[8], bytes[10])
}

#[test]
fn an_entry_is_the_answer_to_the_upcall() {
    let (mut daemon, mut router) = started();
    daemon.arrived(&mut router, rpf(IN));
    assert!(daemon.is_ready() && router.acks.is_empty());
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    assert_eq!(daemon.set(&mut router, mfc(flow(), 0, &[1])), Ok(()));
    assert_eq!(router.changes(), ["+s@5"], "before the answer");
    let said = Said::Rpf { iif: Interface::link(IN), upstream: SOURCE };
    assert_eq!(router.said(), [said]);
    assert!(!daemon.is_ready());
    // CREATION_ALERT of the same flow needs no second upcall.
    daemon.arrived(&mut router, creation(IN, &[OUT]));
    assert_eq!(router.said(), [Said::Creation { enabled: vec![true] }]);
    assert_eq!(daemon.read(&mut router, false), None);
}

#[test]
fn a_daemon_that_reads_again_has_said_no() {
    let (mut daemon, mut router) = started();
    daemon.arrived(&mut router, rpf(IN));
    daemon.arrived(&mut router, creation(IN, &[OUT]));
    assert!(daemon.read(&mut router, true).is_some() && router.acks.is_empty(), "a peek");
    assert!(daemon.read(&mut router, false).is_some() && daemon.is_ready());
    assert_eq!(daemon.read(&mut router, false), None);
    let said = [
        Said::Rpf { iif: Interface::link(IN), upstream: SOURCE },
        Said::Creation { enabled: vec![false] },
    ];
    assert_eq!(router.said(), said, "without a second upcall");
    assert!(!daemon.is_ready());
}

#[test]
fn packets_of_the_rest_arrive_on_mgm0() {
    let (mut daemon, mut router) = started();
    daemon.arrived(&mut router, creation(OTHER, &[IN, OUT]));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 2));
    assert_eq!(daemon.set(&mut router, mfc(flow(), 2, &[1])), Ok(()));
    assert_eq!(router.said(), [Said::Creation { enabled: vec![false, true] }]);
}

#[test]
fn the_parent_of_an_entry_is_where_packets_arrive() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 1, &[0])).unwrap();
    daemon.arrived(&mut router, rpf(IN));
    let said = Said::Rpf { iif: Interface::link(OUT), upstream: Ipv4Addr::UNSPECIFIED };
    assert_eq!(router.said(), [said]);
    router.calls.clear();
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    let moved = |call: &Request| matches!(call, Request::SetMfe { if_index: IN, .. });
    assert!(router.calls.iter().any(moved));
}

#[test]
fn a_group_joined_on_mgm0_is_wanted_on_all_interfaces_and_switched_by_entries() {
    let (mut daemon, mut router) = started();
    let shared = Flow::any_source(GROUP);
    daemon.join(&mut router, shared).unwrap();
    assert_eq!(router.changes(), ["+*@3", "+*@5"]);
    daemon.join(&mut router, shared).unwrap();
    assert_eq!(router.changes(), [""; 0], "a second socket");
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    assert_eq!(router.changes(), ["+s@5", "-fs@3"]);
    daemon.set(&mut router, mfc(flow(), 2, &[])).unwrap();
    assert_eq!(router.changes(), ["-s@5", "-fs@5"]);
    daemon.set(&mut router, mfc(flow(), 2, &[])).unwrap();
    assert_eq!(router.changes(), [""; 0], "the same again");
    daemon.leave(&mut router, shared);
    assert_eq!(router.changes(), [""; 0]);
    daemon.leave(&mut router, shared);
    assert_eq!(router.changes(), ["-*@3", "-*@5"]);
    assert_eq!(daemon.join(&mut router, Flow::any_source(SOURCE)), Err(libc::EINVAL));
}

#[test]
fn errors_are_those_of_the_kernel() {
    let (mut daemon, mut router) = started();
    router.taken = vec![OTHER];
    assert_eq!(daemon.add_vif(&mut router, 3, Vif::Real(OTHER)), Err(libc::EADDRINUSE));
    let begin = format!("eth{OTHER} ");
    let names = |line: &String| line.starts_with(&begin) && line.contains("protocol 5");
    assert!(daemon.log.iter().any(names), "{:?}", daemon.log);
    assert_eq!(daemon.add_vif(&mut router, 0, Vif::Real(9)), Err(libc::EADDRINUSE));
    assert_eq!(daemon.add_vif(&mut router, 4, Vif::Real(IN)), Err(libc::EADDRINUSE));
    assert_eq!(daemon.set(&mut router, MrouteOption::DelVif { vif: 9 }), Err(libc::EADDRNOTAVAIL));
    assert_eq!(daemon.set(&mut router, MrouteOption::DelMfc(flow())), Err(libc::ENOENT));
    assert_eq!(daemon.set(&mut router, mfc(flow(), 32, &[])), Err(libc::ENFILE));
    assert_eq!(daemon.set(&mut router, mfc(Flow::new(SOURCE, SOURCE), 0, &[])), Err(libc::EINVAL));
    assert_eq!(daemon.counters(&mut router, flow()), Err(libc::EADDRNOTAVAIL));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    assert_eq!(daemon.counters(&mut router, flow()), Ok([0; 3]), "before the first packet");
}

#[test]
fn a_vif_that_is_deleted_takes_its_memberships_along() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.calls.clear();
    daemon.set(&mut router, MrouteOption::DelVif { vif: 1 }).unwrap();
    let released = Request::Release { client: 1, interface: Interface::link(OUT) };
    assert_eq!(router.calls, [released]);
    daemon.add_vif(&mut router, 1, Vif::Real(OUT)).unwrap();
    assert_eq!(router.changes(), ["+s@5"], "the entry still names the VIF");
    daemon.set(&mut router, MrouteOption::Flush { entries: true, vifs: true }).unwrap();
    assert!(daemon.interfaces().is_empty() && daemon.entries.is_empty());
}

#[test]
fn what_others_want_is_heard_as_reports_and_leaves() {
    let (mut daemon, mut router) = started();
    let shared = Flow::any_source(GROUP);
    let mut hear = |daemon: &mut Daemon, body| {
        daemon.arrived(&mut router, callback(body));
        let datagram = daemon.read(&mut router, false)?;
        assert_eq!((datagram.source(), datagram.is_of_rest), (HOST, true));
        Some((datagram.bytes[24], datagram.destination()))
    };
    let join = |flow| CallbackBody::Join { flow, member: true };
    let prune = |flow| CallbackBody::Prune { flow, interface: Interface::link(OTHER) };
    let leave = (0x17, Ipv4Addr::new(224, 0, 0, 2));
    assert_eq!(hear(&mut daemon, join(shared)), Some((0x16, GROUP)));
    assert_eq!(hear(&mut daemon, join(shared)), None, "known already");
    assert_eq!(hear(&mut daemon, join(flow())), Some((0x16, GROUP)));
    assert_eq!(hear(&mut daemon, prune(shared)), None, "one source is still wanted");
    assert_eq!(hear(&mut daemon, prune(flow())), Some(leave));
    let mfe = CallbackBody::Join { flow: shared, member: false };
    assert_eq!(hear(&mut daemon, mfe), None, "JOIN_ALERT about an MFE");
    assert_eq!(router.said(), vec![Said::Nothing {}; 6]);
}

#[test]
fn queries_on_mgm0_are_answered() {
    let (mut daemon, mut router) = started();
    let second = Ipv4Addr::new(239, 1, 2, 4);
    for group in [GROUP, second] {
        let flow = Flow::any_source(group);
        daemon.arrived(&mut router, callback(CallbackBody::Join { flow, member: true }));
    }
    let mut heard = |daemon: &mut Daemon, query: [u8; 4]| {
        while daemon.read(&mut router, false).is_some() {}
        let [a, b, c, d] = query;
        daemon.sent_on_rest(&[0x11, 10, 0, 0, a, b, c, d], false);
        let mut groups = Vec::new();
        while let Some(datagram) = daemon.read(&mut router, false) {
            groups.push(datagram.destination());
        }
        groups
    };
    assert_eq!(heard(&mut daemon, [0; 4]), [GROUP, second]);
    assert_eq!(heard(&mut daemon, second.octets()), [second]);
    assert_eq!(heard(&mut daemon, [239, 9, 9, 9]), [Ipv4Addr::UNSPECIFIED; 0]);
    let third = Ipv4Addr::new(239, 9, 9, 9);
    daemon.set(&mut Noted::default(), mfc(Flow::new(SOURCE, third), 0, &[])).unwrap();
    assert_eq!(heard(&mut daemon, [0; 4]), [GROUP, second], "others do not want all groups");
    daemon.wanted(Flow::any_source(Ipv4Addr::UNSPECIFIED));
    assert_eq!(heard(&mut daemon, [0; 4]), [GROUP, second, third]);
}

#[test]
fn a_newcomer_learns_what_others_want_already() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, MrouteOption::DelVif { vif: 2 }).unwrap();
    let own = Flow::any_source(Ipv4Addr::new(239, 5, 5, 5));
    daemon.join(&mut router, own).unwrap();
    router.groups = vec![own, Flow::any_source(GROUP)];
    daemon.add_vif(&mut router, 2, Vif::Rest).unwrap();
    let heard = daemon.read(&mut router, false).expect("a report");
    assert_eq!((heard.bytes[24], heard.destination()), (0x16, GROUP));
    assert_eq!(daemon.read(&mut router, false), None, "its own group is not wanted by others");
}

#[test]
fn wrong_vif_is_for_a_daemon_that_asks_for_it() {
    let (mut daemon, mut router) = started();
    let body = || CallbackBody::WrongIf {
        flow: flow(),
        arrival: Interface::link(OUT),
        header: Header::from(&[0u8; 20][..]),
    };
    daemon.arrived(&mut router, callback(body()));
    assert_eq!(daemon.read(&mut router, false), None);
    daemon.set(&mut router, MrouteOption::Assert(true)).unwrap();
    daemon.arrived(&mut router, callback(body()));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (2, 1));
    assert!(!daemon.is_ready(), "it is no question");
    assert_eq!(daemon.modes(), (true, false));
    daemon.set(&mut router, MrouteOption::Pim(false)).unwrap();
    assert_eq!(daemon.modes(), (false, false));
}

#[test]
fn everything_is_said_again_after_a_lost_connection() {
    let (mut daemon, mut router) = started();
    daemon.join(&mut router, Flow::any_source(GROUP)).unwrap();
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    daemon.arrived(&mut router, rpf(IN));
    daemon.lost();
    assert!(!daemon.is_connected());
    router.calls.clear();
    daemon.set(&mut router, mfc(flow(), 2, &[0, 1])).unwrap();
    assert!(router.calls.is_empty(), "nobody to tell");
    daemon.connected(&mut router, 2);
    let is_take = |call: &&Request| matches!(call, Request::Take { client: 2, .. });
    assert_eq!(router.calls.iter().filter(is_take).count(), 2);
    assert_eq!(router.changes(), ["+*@3", "+*@5", "+s@3", "+s@5"]);
}

#[test]
fn what_is_refused_after_a_lost_connection_is_asked_for_again() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 2, &[0, 1])).unwrap();
    daemon.lost();
    assert!(!daemon.wants_ticks());
    (router.taken, router.full) = (vec![OUT], vec![IN]);
    router.calls.clear();
    daemon.connected(&mut router, 2);
    assert_eq!(router.changes(), ["+s@3"], "OUT belongs to another");
    assert_eq!(daemon.log.len(), 2, "{:?}", daemon.log);
    daemon.tick(&mut router);
    assert_eq!(router.changes(), ["+s@3"]);
    assert_eq!(daemon.log.len(), 2, "logged once: {:?}", daemon.log);
    router.full.clear();
    daemon.tick(&mut router);
    assert_eq!(router.changes(), ["+s@3"]);
    assert!(daemon.wants_ticks());
    router.taken.clear();
    daemon.tick(&mut router);
    assert_eq!(router.changes(), ["+s@5"]);
    assert!(!daemon.wants_ticks());
    assert!(daemon.log[2].contains("again"), "{:?}", daemon.log);
}

#[test]
fn what_is_no_longer_wanted_is_not_asked_for_again() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 2, &[0])).unwrap();
    daemon.lost();
    (router.taken, router.full) = (vec![OUT], vec![IN]);
    daemon.connected(&mut router, 2);
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.set(&mut router, MrouteOption::DelVif { vif: 1 }).unwrap();
    assert!(!daemon.wants_ticks());
}

#[test]
fn a_call_that_mgmd_refuses_fails_and_changes_nothing() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, mfc(flow(), 2, &[0])).unwrap();
    router.full = vec![OUT];
    router.calls.clear();
    assert_eq!(daemon.set(&mut router, mfc(flow(), 2, &[1])), Err(libc::ENOBUFS));
    assert_eq!(router.changes(), ["+s@5"]);
    let other = Flow::new(SOURCE, Ipv4Addr::new(239, 1, 2, 4));
    assert_eq!(daemon.set(&mut router, mfc(other, 2, &[0, 1])), Err(libc::ENOBUFS));
    assert_eq!(daemon.set(&mut router, MrouteOption::DelMfc(other)), Err(libc::ENOENT));
    router.calls.clear();
    assert_eq!(daemon.join(&mut router, Flow::any_source(GROUP)), Err(libc::ENOBUFS));
    assert_eq!(router.changes(), ["+*@3", "+*@5", "-*@3"]);
    assert!(!daemon.wants_ticks());
    router.full.clear();
    assert_eq!(daemon.set(&mut router, mfc(flow(), 2, &[1])), Ok(()));
    assert_eq!(router.changes(), ["+s@5", "-s@3"]);
    assert_eq!(daemon.set(&mut router, mfc(other, 2, &[0, 1])), Ok(()));
    assert_eq!(router.changes(), ["+s@3", "+s@5"]);
}

#[test]
fn a_daemon_is_asked_again_after_it_has_said_no_to_an_earlier_flow() {
    let (mut daemon, mut router) = started();
    let says_no = |daemon: &mut Daemon, router: &mut Noted, what: Callback| {
        daemon.arrived(router, what);
        let is_asked = daemon.read(router, false).is_some();
        assert_eq!(daemon.read(router, false), None);
        is_asked
    };
    assert!(says_no(&mut daemon, &mut router, rpf(IN)));
    assert!(!says_no(&mut daemon, &mut router, creation(IN, &[OUT])), "has said no");
    // A later MFE, whose packets arrive on an interface of others.
    assert!(says_no(&mut daemon, &mut router, creation(OTHER, &[OUT])));
    assert!(says_no(&mut daemon, &mut router, creation(OTHER, &[OUT])));
    assert!(says_no(&mut daemon, &mut router, rpf(IN)));
    daemon.lost();
    daemon.connected(&mut router, 2);
    assert!(says_no(&mut daemon, &mut router, creation(IN, &[OUT])), "of another mgmd");
}

#[test]
fn the_next_packet_of_a_deleted_entry_is_an_upcall() {
    let (mut daemon, mut router) = started();
    let row = |packets| MfeRow { flow: flow(), iif: Interface::link(IN), packets, ..an_mfe() };
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.mfe = Some(row(7));
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.tick(&mut router);
    assert!(daemon.wants_ticks() && !daemon.is_ready(), "no packet has arrived");
    router.mfe = Some(row(8));
    daemon.tick(&mut router);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    // If the daemon does not answer, it is asked again after some time, as by the kernel.
    for packets in 9..18 {
        router.mfe = Some(row(packets));
        daemon.tick(&mut router);
        assert!(!daemon.is_ready());
    }
    daemon.tick(&mut router);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    // Without an MFE, mgmd asks.
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.mfe = None;
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    assert!(!daemon.wants_ticks());
    // Or the entry is back.
    router.mfe = Some(row(8));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    daemon.set(&mut router, mfc(Flow::any_source(GROUP), 0, &[0, 1])).unwrap();
    router.mfe = Some(row(9));
    daemon.tick(&mut router);
    assert!(!daemon.wants_ticks() && !daemon.is_ready());
}

/// As `started`, of PIM-SM: the register interface is VIF 3.
fn of_pim() -> (Daemon, Noted) {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, MrouteOption::Pim(true)).unwrap();
    assert_eq!(router.changes(), [""; 0], "smcroute sets MRT_PIM, too");
    daemon.add_vif(&mut router, 3, Vif::Register).unwrap();
    (daemon, router)
}

#[test]
fn d135_a_router_of_pim_wants_everything_and_switches_it_by_entries() {
    let (mut daemon, mut router) = of_pim();
    assert_eq!(router.changes(), ["+*@3", "+*@5"]);
    let on = |of: &Daemon| of.held.iter().map(|(flow, on)| (flow.group(), *on)).collect::<Vec<_>>();
    let all = Ipv4Addr::UNSPECIFIED;
    assert_eq!(on(&daemon), [(all, IN), (all, OUT)]);
    daemon.set(&mut router, mfc(flow(), 2, &[1])).unwrap();
    router.changes();
    // Nothing of it is left when the entry has ended.
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    assert_eq!(router.changes(), ["-s@5", "-fs@3", "-fs@5"]);
    daemon.add_vif(&mut router, 4, Vif::Real(OTHER)).unwrap();
    assert_eq!(router.changes(), ["+*@7"]);
    daemon.lost();
    daemon.connected(&mut router, 2);
    assert_eq!(router.changes(), ["+*@3", "+*@5", "+*@7"]);
    daemon.set(&mut router, MrouteOption::DelVif { vif: 2 }).unwrap();
    assert_eq!(router.changes(), ["-*@3", "-*@5", "-*@7"], "without mgm0");
}

#[test]
fn d135_flows_that_exist_wait_for_the_daemon() {
    let (mut daemon, mut router) = started();
    daemon.set(&mut router, MrouteOption::Pim(true)).unwrap();
    let row = |packets| MfeRow { oifs: vec![an_oif(OUT)], packets, ..an_mfe() };
    router.mfe = Some(row(7));
    daemon.add_vif(&mut router, 3, Vif::Register).unwrap();
    assert_eq!(router.changes(), ["+*@3", "+*@5", "-fs@5"]);
    daemon.tick(&mut router);
    assert!(!daemon.is_ready(), "no packet has arrived");
    router.mfe = Some(row(8));
    daemon.tick(&mut router);
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    router.changes();
    // What it has said holds for the next mgmd.
    daemon.lost();
    daemon.connected(&mut router, 2);
    assert_eq!(router.changes(), ["+*@3", "+*@5", "+s@5"]);
}

#[test]
fn the_counters_of_a_vif_are_those_of_its_flows() {
    let (mut daemon, mut router) = started();
    let oifs = vec![an_oif(OUT), an_oif(OTHER)];
    router.mfe = Some(MfeRow { oifs, packets: 7, octets: 700, wrong_if: 2, ..an_mfe() });
    let mut of = |vif| daemon.vif_counters(&mut router, vif);
    assert_eq!(of(0), Ok([7, 0, 700, 0]), "in");
    assert_eq!(of(1), Ok([0, 7, 0, 700]), "out");
    assert_eq!(of(2), Ok([0, 7, 0, 700]), "mgm0 stands for what others own");
    assert_eq!(of(9), Err(libc::EADDRNOTAVAIL));
    assert_eq!(daemon.counters(&mut router, flow()), Ok([9, 700, 2]), "as the kernel counts");
    let shared = flow().shared();
    assert_eq!(daemon.counters(&mut router, shared), Err(libc::EADDRNOTAVAIL));
    daemon.set(&mut router, mfc(shared, 0, &[0, 1])).unwrap();
    assert_eq!(daemon.counters(&mut router, shared), Ok([9, 700, 2]));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    assert_eq!(daemon.counters(&mut router, shared), Ok([0; 3]), "the other entry is used");
    daemon.set(&mut router, MrouteOption::DelMfc(flow())).unwrap();
    router.mfe = None;
    assert_eq!(daemon.counters(&mut router, flow()), Err(libc::EADDRNOTAVAIL));
    daemon.set(&mut router, mfc(flow(), 0, &[1])).unwrap();
    assert_eq!(daemon.counters(&mut router, flow()), Ok([0; 3]));
}

#[test]
fn d137_an_entry_for_all_sources_is_for_its_own_vifs() {
    let (mut daemon, mut router) = started();
    daemon.add_vif(&mut router, 3, Vif::Real(OTHER)).unwrap();
    daemon.set(&mut router, mfc(Flow::any_source(GROUP), 0, &[0, 1])).unwrap();
    router.acks.clear();
    let iif = |router: &mut Noted| match router.said()[..] {
        [Said::Rpf { iif, .. }] => Some(iif.index),
        _ => None,
    };
    daemon.arrived(&mut router, rpf(IN));
    assert_eq!(iif(&mut router), Some(IN));
    daemon.arrived(&mut router, rpf(OUT));
    assert_eq!(iif(&mut router), Some(OUT), "against the direction");
    daemon.arrived(&mut router, rpf(OTHER));
    assert_eq!(iif(&mut router), None, "it is asked");
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 3));
    daemon.set(&mut router, mfc(flow(), 3, &[1])).unwrap();
    assert_eq!(iif(&mut router), Some(OTHER));
}

#[test]
fn d136_a_daemon_that_has_not_answered_is_asked_again() {
    let (mut daemon, mut router) = started();
    let row = |packets| MfeRow { flow: flow(), iif: Interface::link(IN), packets, ..an_mfe() };
    daemon.arrived(&mut router, rpf(IN));
    assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
    assert!(daemon.read(&mut router, false).is_none() && daemon.wants_ticks());
    for (tick, packets) in (1..=9).chain([4; 3]).enumerate() {
        router.mfe = Some(row(packets));
        assert!(!daemon.is_ready(), "tick {tick}");
        daemon.tick(&mut router);
        if tick == 9 {
            assert_eq!(is_upcall(daemon.read(&mut router, false)), (1, 0));
        }
    }
    // Flows take turns, and each is looked at in the end.
    for number in 0..100 {
        let source = Ipv4Addr::from(0x0a02_0000 + number);
        daemon.watch_silent(Flow::new(source, GROUP));
    }
    router.mfe = None;
    for _ in 0..20 {
        daemon.tick(&mut router);
    }
    assert!(!daemon.wants_ticks(), "their MFEs have ended");
}

#[test]
fn what_others_want_is_learnt_before_the_daemon_says_what_it_wants() {
    let (mut daemon, mut router) = started();
    daemon.join(&mut router, Flow::any_source(GROUP)).unwrap();
    router.groups = vec![Flow::any_source(GROUP)];
    daemon.lost();
    daemon.connected(&mut router, 2);
    let heard = daemon.read(&mut router, false).expect("a report");
    assert_eq!(heard.destination(), GROUP);
}

fn an_oif(index: u32) -> OifRow {
    let interface = Interface::link(index);
    OifRow { interface, packets: 0, ttl_too_low: 0, too_large: 0, discards: 0 }
}

fn an_mfe() -> MfeRow {
    let CallbackBody::Rpf { route, .. } = rpf(IN).body else { unreachable!() };
    MfeRow {
        flow: flow(),
        upstream: SOURCE,
        iif: Interface::link(IN),
        iif_protocol: 0,
        route,
        up_ms: 0,
        timeout: 0,
        oifs: Vec::new(),
        packets: 0,
        octets: 0,
        wrong_if: 0,
        negative: 0,
        sent: 0,
    }
}
