//! Listings of many MFEs, which the router sends in parts.

use super::{link, Detail, Fixture};
use mgm_engine::{Join, MfeRow, OifRow};
use mgm_manager::PacketIn;
use mgm_remote::client::Router;
use mgm_remote::frame::{frame, FrameReader, LONGEST_TO_CLIENT};
use mgm_remote::hello::{greeting, Welcome};
use mgm_remote::messages::{encode, put_mfes, Answer, Listed, Reply, Room};
use mgm_types::{Code, Flow, Ipv4Addr, Route, RouteOrigin};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

/// More than fit into one part.
const MFES: u32 = 5000;
/// The bytes of an entry in the caller's buffer, without and for each outgoing interface.
const BASE: u32 = 40;
const EACH: u32 = 20;

fn flow(number: u32) -> Flow {
    Flow::new(Ipv4Addr::from(0x0a00_0000 + number), Ipv4Addr::new(239, 1, 1, 1))
}

/// A router with MFEs. Each has one outgoing interface; every tenth has two.
fn router_with_mfes() -> Fixture {
    let fixture = Fixture::new();
    let (up, down) = (fixture.local(1, |_| ()), fixture.local(2, |_| ()));
    let manager = &fixture.manager;
    let route = Route {
        origin: RouteOrigin::Connected,
        if_index: 1,
        network: Ipv4Addr::new(10, 0, 0, 0),
        prefix_len: 8,
        paths: None,
        protocol: 2,
    };
    manager.add_route(route).unwrap();
    manager.take(up, link(1)).unwrap();
    for index in [2, 3] {
        manager.take(down, link(index)).unwrap();
    }
    for number in 0..MFES {
        let flow = flow(number);
        manager.add_membership(down, flow, link(2), Join::State).unwrap();
        if number % 10 == 0 {
            manager.add_membership(down, flow, link(3), Join::State).unwrap();
        }
        let header = &[0x45; 20];
        let packet = PacketIn { flow, arrival: link(1), header, length: 100, ttl: 64 };
        assert_eq!(
            manager.packet_in(packet).unwrap().oifs.len(),
            if number % 10 == 0 { 2 } else { 1 }
        );
    }
    fixture
}

/// What is compared of an MFE: not its age, and not what only the router knows of its route. Without
/// statistics, a listing has no counters.
fn row(row: &MfeRow, stats: bool) -> MfeRow {
    let route = Route { if_index: 0, paths: None, ..row.route.clone() };
    let mut row = MfeRow { up_ms: 0, route, ..row.clone() };
    if !stats {
        (row.packets, row.octets, row.wrong_if, row.negative, row.sent) = (0, 0, 0, 0, 0);
        for OifRow { packets, ttl_too_low, too_large, discards, .. } in &mut row.oifs {
            (*packets, *ttl_too_low, *too_large, *discards) = (0, 0, 0, 0);
        }
    }
    row
}

fn here(fixture: &Fixture, stats: bool) -> Vec<MfeRow> {
    let mut rows = Vec::new();
    fixture.manager.walk_mfes(None, stats, |found| {
        rows.push(row(found, stats));
        ControlFlow::Continue(())
    });
    rows
}

/// Lists everything with buffers of this size, as callers do.
fn listed(router: &Router, bytes: u32, stats: bool) -> Vec<MfeRow> {
    let mut rows: Vec<MfeRow> = Vec::new();
    let mut start = None;
    loop {
        let room = Room { bytes, base: BASE, each: EACH };
        let mut used = 0;
        let left = router.walk_mfes(start, stats, room, |found| {
            used += BASE + EACH * found.oifs.len() as u32;
            rows.push(row(found, stats));
            ControlFlow::Continue(())
        });
        assert!(used <= bytes, "{used} of {bytes} bytes are used");
        let Some(oifs) = left.unwrap() else { return rows };
        assert!(used + BASE + EACH * oifs as u32 > bytes, "there was room for another MFE");
        start = rows.last().map(|row| row.flow);
    }
}

fn check(fixture: &Fixture, router: &Router) {
    for stats in [false, true] {
        let all = here(fixture, stats);
        assert_eq!(all.len(), MFES as usize);
        for bytes in [u32::MAX, 1 << 20, 300_000, 100_000, 1000] {
            assert!(listed(router, bytes, stats) == all, "buffers of {bytes} bytes, {stats}");
        }
    }
}

#[test]
fn t9_2_a_listing_in_parts_has_each_mfe_once_and_fills_each_buffer() {
    let fixture = router_with_mfes();
    let router = fixture.connect();
    check(&fixture, &router);
    // Parts that were asked for in vain disturb no later call.
    let room = || Room { bytes: u32::MAX, base: BASE, each: EACH };
    for most in [1, 100, 3000] {
        let mut count = 0;
        let found = router.walk_mfes(None, false, room(), |_| {
            count += 1;
            if count < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        assert_eq!((found, count), (Ok(None), most));
        assert_eq!(router.protocol_on(link(1)), Ok((1, 0)));
    }
}

/// Passes the bytes of one connection on. `minor` is the version that the router says, and no request
/// of a later one may pass: each minor version has added one.
fn relay(client: UnixStream, router: UnixStream, minor: u16) {
    let (mut to_router, mut from_client) =
        (router.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let (mut reader, mut piece, mut is_greeted) =
            (FrameReader::new(LONGEST_TO_CLIENT), [0; 4096], false);
        while let Ok(count @ 1..) = from_client.read(&mut piece) {
            reader.add(&piece[..count]);
            while let Some(message) = reader.take().unwrap() {
                // The number of a request follows its cause and its client.
                let is_known = !is_greeted
                    || message.get(16).is_none_or(|number| u16::from(*number) <= 18 + minor);
                is_greeted = true;
                let mut bytes = Vec::new();
                frame(&mut bytes, |to| to.extend_from_slice(message));
                if !is_known || to_router.write_all(&bytes).is_err() {
                    let _ = to_router.shutdown(std::net::Shutdown::Both);
                    return;
                }
            }
        }
        let _ = to_router.shutdown(std::net::Shutdown::Both);
    });
    let (mut from_router, mut to_client) = (router, client);
    thread::spawn(move || {
        let (mut piece, mut is_greeted) = ([0; 4096], false);
        while let Ok(count @ 1..) = from_router.read(&mut piece) {
            if !is_greeted {
                piece[10..12].copy_from_slice(&minor.to_le_bytes());
                is_greeted = true;
            }
            if to_client.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn t9_11_a_router_of_an_older_minor_version_lists_too() {
    let fixture = router_with_mfes();
    for minor in [0, 1] {
        let place = PathBuf::from(format!("{}.old{minor}", fixture.path.display()));
        let listener = UnixListener::bind(&place).unwrap();
        let real = fixture.path.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                relay(client, UnixStream::connect(&real).unwrap(), minor);
            }
        });
        let router = Router::connect(&place).unwrap();
        check(&fixture, &router);
        router.disconnect().unwrap();
        std::fs::remove_file(&place).unwrap();
    }
}

/// A router that welcomes everybody, and gives this answer to all calls.
fn router_that_answers(place: &Path, answer: Vec<u8>) {
    let listener = UnixListener::bind(place).unwrap();
    let welcome = greeting(&Welcome::Welcome { session: 1, token: 1, answer_ms: 1000 });
    let serve = move |mut client: UnixStream, answer: &[u8]| {
        let (mut reader, mut piece, mut says) =
            (FrameReader::new(LONGEST_TO_CLIENT), [0; 4096], &*welcome);
        while let Ok(count @ 1..) = client.read(&mut piece) {
            reader.add(&piece[..count]);
            while reader.take().unwrap().is_some() {
                let mut bytes = Vec::new();
                frame(&mut bytes, |to| to.extend_from_slice(says));
                says = answer;
                if client.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
    };
    thread::spawn(move || {
        thread::scope(|scope| {
            for client in listener.incoming().map_while(Result::ok) {
                let (serve, answer) = (&serve, &answer);
                scope.spawn(move || serve(client, answer));
            }
        });
    });
}

#[test]
fn t9_11_a_router_whose_answer_is_no_protocol_is_lost() {
    let place = std::env::temp_dir().join(format!("mgm-remote-wrong-{}", std::process::id()));
    let connect = |answer| {
        let _ = std::fs::remove_file(&place);
        router_that_answers(&place, answer);
        Router::connect(&place).unwrap()
    };
    // A listing that lacks its last byte.
    let mut mfes = Vec::new();
    put_mfes(&mut mfes, |_| Listed { count: 1, next_oifs: None, more: false });
    mfes.truncate(mfes.len() - 1);
    let router = connect(mfes);
    let room = Room { bytes: u32::MAX, base: BASE, each: EACH };
    let listed = router.walk_mfes(None, false, room, |_| ControlFlow::Continue(()));
    assert_eq!(listed.unwrap_err().code(), Code::CanNotComplete);
    assert!(router.is_over(), "its connection would be missing from now on");
    // An answer of another kind than the call expects.
    let router = connect(encode(&Answer { events: 0, reply: Reply::Done {} }));
    let status = router.status(Detail::SUMMARY);
    assert_eq!(status.unwrap_err().code(), Code::CanNotComplete);
    assert!(router.is_over());
    std::fs::remove_file(&place).unwrap();
}
