//! MGM_LOG=debug logs what happens to a packet, in order and in plain words.
//! The log is the process's, so this is a program of its own.

use mgm_engine::{Notice, NoticeKind};
use mgm_manager::{Callbacks, ForwarderChoice, Join, Manager, PacketIn, Settings};
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};
use std::sync::mpsc;

/// A client that gives the suggested answers, and has no WRONG_IF_CALLBACK.
struct Content;

impl Callbacks for Content {
    fn has(&self, kind: NoticeKind) -> bool {
        kind != NoticeKind::WrongIf
    }

    fn call(&self, _: &mut Notice) {}
}

const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 1, 1);

#[expect(clippy::too_many_lines, reason = "the log of one packet, from the take to the release")]
#[test]
fn debug_lines_of_a_packet() {
    let (tell, told) = mpsc::channel();
    let manager = Manager::new();
    let settings = Settings {
        forwarder: ForwarderChoice::Memory,
        log_level: log::LevelFilter::Debug,
        ..Settings::default()
    };
    let sink = move |_, line: &str| tell.send(line.to_owned()).unwrap();
    manager.start(&settings, Some(Box::new(sink))).unwrap();
    let lines = || told.try_iter().collect::<Vec<String>>();
    let [a, b] = [200, 300].map(|id| manager.register(Box::new(Content), id, id - 200).unwrap());
    let (one, two) = (Interface::link(1), Interface::link(2));

    manager.take(a, one).unwrap();
    manager.take(b, two).unwrap();
    assert_eq!(
        lines(),
        [
            "using the memory forwarder",
            "protocol 200 takes ownership of interface 1",
            "owner of interface 1: protocol 200",
            "protocol 300/100 takes ownership of interface 2",
            "owner of interface 2: protocol 300/100",
        ]
    );

    manager.add_membership(b, Flow::any_source(GROUP), two, Join::State).unwrap();
    assert_eq!(
        lines(),
        [
            "protocol 300/100 joins (*, 239.1.1.1) on interface 2",
            "to protocol 200: JOIN_ALERT (*, 239.1.1.1) (another client wants it)",
        ]
    );

    let route = Route {
        origin: RouteOrigin::Connected,
        if_index: 1,
        paths: None,
        network: Ipv4Addr::new(10, 0, 0, 0),
        prefix_len: 8,
        protocol: 2,
    };
    manager.add_route(route).unwrap();
    let packet = |index| {
        let (flow, arrival) = (Flow::new(SOURCE, GROUP), Interface::link(index));
        manager.packet_in(PacketIn { flow, arrival, header: &[], length: 100, ttl: 64 }).unwrap()
    };
    assert!(packet(1).accepted);
    assert_eq!(
        lines(),
        [
            "first packet of (10.0.0.1, 239.1.1.1), on interface 1",
            "(10.0.0.1, 239.1.1.1): 10.0.0.1 is directly connected to interface 1 (route \
             10.0.0.0/8); owner: protocol 200",
            "to protocol 200: RPF_CALLBACK (10.0.0.1, 239.1.1.1) in on interface 1",
            "protocol 200 answers RPF_CALLBACK (10.0.0.1, 239.1.1.1): in on interface 1",
            "to protocol 300/100: CREATION_ALERT (10.0.0.1, 239.1.1.1) out on interface 2",
            "protocol 300/100 answers CREATION_ALERT (10.0.0.1, 239.1.1.1): out on interface 2",
            "(10.0.0.1, 239.1.1.1) installed: in on interface 1, out on interface 2",
        ]
    );

    assert!(packet(1).accepted);
    assert_eq!(lines(), [""; 0], "the fast path logs nothing");

    assert!(!packet(2).accepted);
    assert_eq!(
        lines(),
        [
            "protocol 300/100 has no callback for WRONG_IF_CALLBACK (10.0.0.1, 239.1.1.1) \
             arrived on interface 2",
            "packet of (10.0.0.1, 239.1.1.1) on interface 2 refused: its arrival interface is \
             not the iif of its MFE",
        ]
    );

    manager.delete_membership(b, Flow::any_source(GROUP), two, Join::State).unwrap();
    assert_eq!(
        lines(),
        [
            "the membership (*, 239.1.1.1) on interface 2 ends, caused by protocol 300/100",
            "(10.0.0.1, 239.1.1.1) changed: in on interface 1, no outgoing interface",
            "to protocol 200: PRUNE_ALERT (*, 239.1.1.1) (no other client wants it)",
            "to protocol 200: PRUNE_ALERT (10.0.0.1, 239.1.1.1) (its MFE has no outgoing \
             interface)",
            "protocol 200 answers PRUNE_ALERT (10.0.0.1, 239.1.1.1): time-out 900 s",
        ]
    );

    manager.release(a, one).unwrap();
    assert_eq!(
        lines(),
        [
            "protocol 200 releases ownership of interface 1",
            "(10.0.0.1, 239.1.1.1) deleted: its iif was interface 1",
            "owner of interface 1: none",
        ]
    );
    manager.stop().unwrap();
}
