//! Connections that a test opens itself. These tests have a program of their own, because one of
//! them measures the processor time of all threads.
#![cfg(target_os = "linux")]

mod served;

use mgm_engine::Join;
use mgm_linux::channel::Connection;
use mgm_manager::PacketIn;
use mgm_remote::frame::{frame, FrameReader, LONGEST_TO_CLIENT};
use mgm_remote::hello::{greeting, read_greeting, Hello, Welcome};
use mgm_remote::messages::{decode_mfes, encode, Call, Request, Room};
use mgm_remote::server::{Access, Limits};
use mgm_types::{Flow, Interface, Ipv4Addr, Route, RouteOrigin};
use parking_lot::Mutex;
use served::{Deaf, Served};
use std::thread;
use std::time::Duration;

/// The tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A connection.
struct Raw {
    connection: Connection,
    reader: FrameReader,
}

impl Raw {
    /// Connects and sends this greeting. Also returns the session and the token.
    fn say(served: &Served, hello: &Hello) -> (Raw, (u64, u64)) {
        let connection = Connection::open(&served.path).unwrap();
        connection.set_patience(Some(Duration::from_secs(5))).unwrap();
        let mut raw = Raw { connection, reader: FrameReader::new(LONGEST_TO_CLIENT) };
        raw.send(&[greeting(hello)]);
        let (_, welcome) = read_greeting::<Welcome>(&raw.read()).unwrap();
        let Welcome::Welcome { session, token, .. } = welcome else { panic!("it is refused") };
        (raw, (session, token))
    }

    /// Sends messages at once.
    fn send(&self, messages: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| frame(&mut bytes, |to| to.extend_from_slice(message)));
        self.connection.send_all(&bytes).unwrap();
    }

    /// Reads the next message.
    fn read(&mut self) -> Vec<u8> {
        let mut piece = [0; 4096];
        loop {
            if let Some(message) = self.reader.take().unwrap() {
                return message.to_vec();
            }
            let count = self.connection.receive(&mut piece).expect("an answer");
            assert!(count > 0, "the router has closed the connection");
            self.reader.add(&piece[..count]);
        }
    }
}

fn call(request: Request) -> Vec<u8> {
    encode(&Call { cause: 0, inside: 0, request })
}

const MFES: u32 = 5000;

/// A router that serves, with MFEs and memberships.
fn served(name: &str) -> Served {
    let served = Served::new(name, Access::OWN, Limits::default());
    let manager = &served.manager;
    let route = Route {
        origin: RouteOrigin::Connected,
        if_index: 1,
        network: Ipv4Addr::new(10, 0, 0, 0),
        prefix_len: 8,
        paths: None,
        protocol: 2,
    };
    manager.add_route(route).unwrap();
    let [up, down] = [1, 2].map(|id| manager.register(Box::new(Deaf), id, 0).unwrap());
    manager.take(up, Interface::link(1)).unwrap();
    manager.take(down, Interface::link(2)).unwrap();
    for number in 0..MFES {
        let source = Ipv4Addr::from(0x0a00_0000 + number);
        let flow = Flow::new(source, Ipv4Addr::new(239, 1, 1, 1));
        manager.add_membership(down, flow, Interface::link(2), Join::State).unwrap();
        let arrival = Interface::link(1);
        let packet = PacketIn { flow, arrival, header: &[], length: 100, ttl: 64 };
        manager.packet_in(packet).unwrap();
    }
    served
}

#[test]
fn t9_11_requests_that_arrive_together_are_served_while_their_answers_are_read() {
    // So many that their answers do not fit into the buffer of a socket.
    const TIMES: usize = 20;
    let _turn = TURN.lock();
    let served = served("together");
    let (_events, (session, token)) =
        Raw::say(&served, &Hello::Process { name: "together".into() });
    let (mut calls, _) = Raw::say(&served, &Hello::Calls { session, token });
    let room = Room { bytes: u32::MAX, base: 40, each: 20 };
    let walk = Request::WalkMfes { start: None, stats: false, room };
    let pair = [call(walk), call(Request::WalkOn {})];
    calls.send(&vec![pair; TIMES].concat());
    thread::sleep(Duration::from_millis(200)); // meanwhile the router fills the buffer
    for time in 0..TIMES {
        let counts = [calls.read(), calls.read()].map(|answer| {
            let (listed, _) = decode_mfes(&answer).unwrap().expect("MFEs");
            listed.count
        });
        assert!(counts.iter().all(|count| *count > 500), "{counts:?} in listing {time}");
    }
    served.end();
}

/// How long the processors have worked for this process, in hundredths of a second.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    // After the name, which is in parentheses: utime and stime are the fields 14 and 15 of all.
    let fields = text.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<u64>().unwrap()).sum()
}

#[test]
fn t9_7_a_connection_that_hangs_up_while_its_call_waits_ends_its_process_and_costs_nothing() {
    let _turn = TURN.lock();
    let served = served("hung-up");
    let (events, (session, token)) = Raw::say(&served, &Hello::Process { name: "hung-up".into() });
    let [(reads, _), (hangs_up, _)] =
        [(); 2].map(|()| Raw::say(&served, &Hello::Calls { session, token }));
    // The router makes one text for a process at a time, and this one is not read.
    let status = || call(Request::Status { memberships: true, mfes: true });
    reads.send(&[status()]);
    thread::sleep(Duration::from_millis(300));
    hangs_up.send(&[status()]);
    thread::sleep(Duration::from_millis(300));
    drop(hangs_up);
    let before = processor_time();
    thread::sleep(Duration::from_millis(500));
    let used = processor_time() - before;
    assert!(used < 10, "{used} hundredths of a second of a processor are used");
    let end = events.connection.receive(&mut [0; 16]);
    assert_eq!(end.expect("the end"), 0, "the router has ended the process");
    served.end();
}
