//! What a client is told that has missed alerts, and calls that cause too many alerts.

use super::*;
use crate::AlertTopic;

/// A group of its own.
fn group(number: u32) -> Flow {
    Flow::any_source(Ipv4Addr::from(0xEF01_0000 + number))
}

/// A protocol joins so many groups on its interface 1.
fn joiner(engine: &mut Engine, groups: u32) -> ClientId {
    let client = engine.register(1, 0, NoticeKinds::ALL).unwrap();
    let fx = &mut Effects::default();
    let (id, _) = engine.prepare_take(client, Interface::link(1), fx).unwrap();
    engine.take(client, id, false, fx);
    for number in 0..groups {
        engine.join(client, group(number), Interface::link(1), Join::State, None, fx).unwrap();
        while fx.next_notice().is_some() {}
    }
    client
}

#[test]
fn t8_9_what_one_call_does_to_many_groups_is_not_told_to_many_clients_one_by_one() {
    const CLIENTS: usize = 70;
    let mut engine = Engine::new(Config::default());
    let listeners: Vec<ClientId> = (0..CLIENTS)
        .map(|n| engine.register(100 + n as u32, 0, NoticeKinds::ALL).unwrap())
        .collect();
    let client = joiner(&mut engine, 1_000);
    let mut fx = Effects::default();
    engine.release(client, Interface::link(1), false, &mut fx).unwrap();
    assert_eq!(fx.order_notices(), 65_536);
    let (untold, everybody) = fx.take_untold();
    assert!(!everybody);
    assert!(untold.iter().map(|(client, _)| *client).eq(listeners), "the rest goes for all");
    assert!(untold.iter().all(|(_, topic)| *topic == AlertTopic::Groups));
}

#[test]
fn t8_9_many_joins_behind_a_prune_are_told_later() {
    let mut engine = Engine::new(Config::default());
    let listener = engine.register(100, 0, NoticeKinds::ALL).unwrap();
    let client = joiner(&mut engine, 5_000);
    let mut fx = Effects::default();
    engine.join(client, Flow::WILDCARD, Interface::link(1), Join::State, None, &mut fx).unwrap();
    engine.leave(client, Flow::WILDCARD, Interface::link(1), Join::State, &mut fx).unwrap();
    assert!(fx.order_notices() < 1_100);
    assert_eq!(fx.take_untold(), (vec![(listener, AlertTopic::Groups)], false));
    // And then a few at a time.
    let (mut after, mut told, mut steps) = (None, 0, 0);
    assert!(engine.tell_all(listener, AlertTopic::Groups, &mut Effects::default()));
    loop {
        let mut fx = Effects::default();
        after = engine.tell_after(listener, AlertTopic::Groups, after, 64, &mut fx);
        told += fx.order_notices();
        steps += 1;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((told, steps), (5_000, 5_000 / 64 + 1));
}
