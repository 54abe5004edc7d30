//! Each message is the same after it was encoded and parsed. Cut and changed messages are refused.
//! The encoding of each message is recorded, so that no later release can change it by accident.

use super::*;
use mgm_engine::OifRow;
use mgm_types::RouteOrigin;
use std::fmt::Debug;

const FLOW: [u8; 8] = [239, 1, 1, 1, 10, 0, 0, 5];

fn flow() -> Flow {
    Flow::new([10, 0, 0, 5].into(), [239, 1, 1, 1].into())
}

fn interface() -> Interface {
    Interface { index: 3, next_hop: [10, 0, 3, 9].into() }
}

fn route() -> Route {
    Route {
        origin: RouteOrigin::Connected,
        if_index: 0,
        paths: None,
        network: [10, 0, 0, 0].into(),
        prefix_len: 8,
        protocol: 3,
    }
}

fn row() -> MfeRow {
    MfeRow {
        flow: flow(),
        upstream: [10, 0, 1, 1].into(),
        iif: interface(),
        iif_protocol: 0x41,
        route: route(),
        up_ms: 1 << 40,
        timeout: 900,
        oifs: vec![
            OifRow {
                interface: interface(),
                packets: 1 << 33,
                ttl_too_low: 2,
                too_large: 3,
                discards: 4
            };
            2
        ],
        packets: 3,
        octets: 4,
        wrong_if: 5,
        negative: 6,
        sent: 7,
    }
}

/// One of each request.
fn requests() -> Vec<Request> {
    let (client, enumeration, flow, interface) = (2, 4, flow(), interface());
    let acks = vec![Ack { client, number: 9, said: Said::Nothing {} }];
    vec![
        Request::Register { protocol: 0x41, component: 1, callbacks: 0x1ff, grace: 300 },
        Request::Deregister { client },
        Request::Take { client, interface },
        Request::Release { client, interface },
        Request::ProtocolOn { interface },
        Request::Add { client, flow, interface, join: Join::State },
        Request::Delete { client, flow, interface, join: Join::Forward },
        Request::SetMfe { client, flow, upstream: [10, 0, 1, 1].into(), if_index: 3 },
        Request::GetMfe { flow, stats: true },
        Request::WalkMfes {
            start: Some(flow),
            stats: false,
            room: Room { bytes: 1 << 20, base: 60, each: 16 },
        },
        Request::EnumStart { client, kind: EnumKind::AllSources },
        Request::EnumNext { enumeration, most: 64 },
        Request::EnumEnd { enumeration },
        Request::Status { memberships: true, mfes: false },
        Request::Metrics { mfes: true },
        Request::Settle { acks },
        Request::NextPiece {},
        Request::Batch {
            changes: vec![Change { adds: true, client, flow, interface, join: Join::State }; 2],
        },
        Request::GraceDone { client: 7 },
        Request::WalkOn {},
        Request::WalkChanges { start: None, room: Room { bytes: 1 << 20, base: 60, each: 16 } },
    ]
}

/// One of each reply.
fn replies() -> Vec<Reply> {
    let refusal = WireRefusal { code: 87, is_ordinary: false, is_handle: true, text: "ö".into() };
    vec![
        Reply::Done {},
        Reply::Registered { client: 1 << 50 },
        Reply::Ids { protocol: 10, component: 1 },
        Reply::Mfe { row: row() },
        Reply::Mfes { count: 1, rows: Bytes(encode(&row())), next_oifs: Some(2), more: false },
        Reply::Enumeration { enumeration: 4 },
        Reply::Groups { flows: vec![flow(), Flow::WILDCARD], more: true },
        Reply::Text { piece: Bytes(b"{}".to_vec()), more: true },
        Reply::Refused { refusal: refusal.clone() },
        Reply::Released { last: 5 },
        Reply::Batched { refused: Some(RefusedChange { place: 3, refusal }) },
    ]
}

/// One of each callback.
fn callbacks() -> Vec<CallbackBody> {
    let (flow, interface) = (flow(), interface());
    let (iif, arrival, header) = (interface, Interface::link(7), Header::from(&[0x45, 0][..]));
    let oif = CreationOif { interface, igmp: true, enabled: true };
    vec![
        CallbackBody::Rpf {
            flow,
            iif,
            upstream: [10, 0, 1, 1].into(),
            header: header.clone(),
            route: route(),
            arrival,
        },
        CallbackBody::Creation { flow, iif, oifs: vec![oif; 3] },
        CallbackBody::Prune { flow, interface },
        CallbackBody::PruneMfe { flow, iif, timeout: 900 },
        CallbackBody::Join { flow, member: true },
        CallbackBody::WrongIf { flow, arrival, header },
        CallbackBody::LocalJoin { flow, interface },
        CallbackBody::LocalLeave { flow, interface },
        CallbackBody::DisableIgmp { interface },
        CallbackBody::EnableIgmp { interface },
    ]
}

/// One of each answer to a callback.
fn said() -> Vec<Said> {
    vec![
        Said::Nothing {},
        Said::Rpf { iif: interface(), upstream: [10, 0, 1, 1].into() },
        Said::Creation { enabled: vec![true, false, true] },
        Said::Prune { timeout: 60 },
    ]
}

/// Checks one message: whole, with bytes of a later version after it, and cut everywhere.
fn check<T: Wire + Debug + PartialEq>(message: &T) {
    let mut bytes = encode(message);
    assert!(bytes.len() >= T::LEAST, "{message:?} is shorter than LEAST");
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(message));
    for cut in 0..bytes.len() {
        assert_eq!(decode::<T>(&bytes[..cut]), Err(Malformed), "{message:?} cut to {cut}");
    }
    bytes.push(0xff);
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(message), "a later version has appended a field");
}

#[test]
fn t9_11_each_message_comes_back_as_it_went_and_is_refused_where_it_is_cut() {
    for request in requests() {
        check(&Call { cause: 7, inside: 8, request });
    }
    for reply in replies() {
        check(&Answer { events: 12, reply });
    }
    for body in callbacks() {
        check(&Callback { client: 2, number: 3, cause: 7, body });
    }
    let ack = |said| Ack { client: 2, number: 3, said };
    check(&Acks { list: said().into_iter().map(ack).collect() });
}

/// The number in front of a variant.
fn numbers<T: Wire>(all: &[T]) -> Vec<u8> {
    all.iter().map(|one| encode(one)[0]).collect()
}

#[test]
fn t9_11_the_encoding_is_what_it_was_in_the_first_release() {
    assert_eq!(numbers(&requests()), (0..=20).collect::<Vec<u8>>());
    assert_eq!(numbers(&replies()), (0..=10).collect::<Vec<u8>>());
    assert_eq!(numbers(&callbacks()), (0..=9).collect::<Vec<u8>>());
    assert_eq!(numbers(&said()), (0..=3).collect::<Vec<u8>>());
    let add = Request::Add { client: 2, flow: flow(), interface: interface(), join: Join::State };
    let mut expected =
        vec![7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0];
    expected.extend(FLOW);
    expected.extend([3, 0, 0, 0, 10, 0, 3, 9, 0]);
    assert_eq!(encode(&Call { cause: 7, inside: 0, request: add }), expected);
    let join = CallbackBody::Join { flow: flow(), member: true };
    let mut expected =
        vec![2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4];
    expected.extend(FLOW);
    expected.push(1);
    assert_eq!(encode(&Callback { client: 2, number: 3, cause: 0, body: join }), expected);
    assert_eq!(encode(&row()).len(), 90 + 2 * 40);
}

#[test]
fn t9_11_mfes_that_are_not_copied_are_the_same_message() {
    let rows = [encode(&row()), encode(&row())].concat();
    for (next_oifs, more) in [(None, true), (Some(2), false)] {
        let listed = Listed { count: 2, next_oifs, more };
        let mut bytes = Vec::new();
        put_mfes(&mut bytes, |to| {
            to.extend_from_slice(&rows);
            listed
        });
        let reply = Reply::Mfes { count: 2, rows: Bytes(rows.clone()), next_oifs, more };
        assert_eq!(bytes, encode(&Answer { events: 0, reply }));
        assert_eq!(decode_mfes(&bytes), Ok(Ok((listed, &rows[..]))));
        for cut in 0..bytes.len() {
            assert_eq!(decode_mfes(&bytes[..cut]), Err(Malformed), "cut to {cut}");
        }
    }
    for reply in replies().into_iter().filter(|reply| encode(reply)[0] != MFES) {
        let bytes = encode(&Answer { events: 0, reply: reply.clone() });
        assert_eq!(decode_mfes(&bytes), Ok(Err(reply)));
    }
}

#[test]
fn t9_11_what_no_variant_and_no_value_has_is_refused() {
    for unknown in 20..=255 {
        assert_eq!(decode::<Request>(&[unknown; 64]), Err(Malformed));
    }
    for unknown in 4..=255 {
        assert_eq!(decode::<Said>(&[unknown; 64]), Err(Malformed));
    }
    assert_eq!(decode::<bool>(&[2]), Err(Malformed));
    assert_eq!(decode::<String>(&[1, 0, 0, 0, 0xff]), Err(Malformed));
    let mut prefix = encode(&route());
    prefix[5] = 33;
    assert_eq!(decode::<Route>(&prefix), Err(Malformed));
}

#[test]
fn t9_11_a_length_that_the_message_cannot_hold_allocates_nothing() {
    // 4,294,967,295 acknowledgements in a message of 20 bytes.
    let mut bytes = u32::MAX.to_le_bytes().to_vec();
    bytes.extend([0; 16]);
    assert_eq!(decode::<Acks>(&bytes), Err(Malformed));
    // As many as fit with the least bytes each are accepted.
    let mut bytes = 2u32.to_le_bytes().to_vec();
    bytes.extend([0; 2 * Ack::LEAST]);
    assert_eq!(decode::<Acks>(&bytes).map(|acks| acks.list.len()), Ok(2));
    bytes.pop();
    assert_eq!(decode::<Acks>(&bytes), Err(Malformed));
}
