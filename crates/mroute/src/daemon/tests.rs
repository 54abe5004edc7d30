//! A daemon, and a router that records the requests.

mod connection;
mod memberships;
mod pim;
mod random;
mod registers;
mod upcalls;

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
    /// Interfaces that others own.
    taken: Vec<u32>,
    /// Interfaces on which no membership can be added.
    full: Vec<u32>,
    /// The MFE of every flow.
    mfe: Option<MfeRow>,
    /// The groups of an enumeration.
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
    /// The changes of memberships since the last call: `+` adds, `-` deletes, `f` FORWARD.
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
