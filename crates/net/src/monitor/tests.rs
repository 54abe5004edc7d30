use super::*;
use crate::links::tests::{address, named, take};
use crate::links::{RTM_NEWADDR, RTM_NEWLINK};
use crate::netlink::wire::attr;

const UP: u32 = libc::IFF_UP as u32;

fn table(messages: &[Vec<u8>]) -> Links {
    let mut links = Links::default();
    messages.iter().for_each(|message| drop(take(&mut links, message)));
    links
}

/// The events, in a short form and sorted within each kind.
fn between(before: &Links, after: &Links) -> Vec<String> {
    let mut events = Vec::new();
    differences(before, after, &mut events);
    events.iter().map(short).collect()
}

fn short(event: &Event) -> String {
    match event {
        Event::LinkAdded(link) => format!("+{}={}", link.index, link.name),
        Event::LinkRemoved(link) => format!("-{}={}", link.index, link.name),
        Event::LinkChanged { before, after } => {
            format!("{}: {}>{}", before.index, before.name, after.name)
        }
        Event::AddressAdded { index, address } => format!("+{index}:{}", address.local),
        Event::AddressRemoved { index, address } => format!("-{index}:{}", address.local),
    }
}

#[test]
fn i74_after_a_loss_the_differences_are_the_events() {
    let ip = |index, last| address(RTM_NEWADDR, index, [10, 0, 0, last], [10, 0, 0, last], 24);
    let before = table(&[named(2, "a", UP), named(3, "b", UP), ip(2, 1), ip(2, 2), ip(3, 3)]);
    assert_eq!(between(&before, &before), [""; 0]);
    let after = table(&[named(2, "c", UP), named(4, "b", UP), ip(2, 2), ip(4, 3), ip(2, 4)]);
    let mut events = between(&before, &after);
    assert_eq!(events[..4], ["-3=b", "-2:10.0.0.1", events[2].as_str(), events[3].as_str()]);
    events[2..].sort();
    assert_eq!(events[2..], ["+2:10.0.0.4", "+4:10.0.0.3", "+4=b", "2: a>c"]);
}

#[test]
fn i74_an_index_that_another_device_has_now_is_a_removal_and_an_addition() {
    let with = |mac: u8, name: &str| {
        let mut head = [0u8; 16];
        head[4] = 5;
        let attributes = [attr(3, name.as_bytes()), attr(1, &[2, 0, 0, 0, 0, mac])];
        crate::netlink::wire::message(RTM_NEWLINK, 0, 0, &[&head, &attributes.concat()])
    };
    let ip = address(RTM_NEWADDR, 5, [10, 0, 0, 1], [10, 0, 0, 1], 24);
    let before = table(&[with(1, "eth5"), ip.clone()]);
    let after = table(&[with(2, "eth5"), ip.clone()]);
    assert_eq!(between(&before, &after), ["-5=eth5", "+5=eth5", "+5:10.0.0.1"]);
    let renamed = table(&[with(1, "lan5"), ip]);
    assert_eq!(between(&before, &renamed), ["5: eth5>lan5"]);
}

#[test]
fn i74_a_stale_monitor_reads_all_again_although_nothing_is_announced() {
    let mut monitor = Monitor::open().unwrap();
    let (mut events, known) = (Vec::new(), monitor.links.clone());
    // As after a dump that failed: what was announced meanwhile is unknown.
    monitor.links = Links::default();
    monitor.is_stale = true;
    monitor.read(&mut events).unwrap();
    assert!(!monitor.is_stale());
    assert!(events.iter().any(|event| short(event) == "+1=lo"), "{events:?}");
    assert_eq!(monitor.links().get(1), known.get(1));
}

#[test]
fn i74_an_invalid_announcement_makes_the_monitor_stale_and_what_follows_is_not_taken() {
    let mut monitor = Monitor::open().unwrap();
    let known = monitor.links.clone();
    let mut bytes = crate::netlink::wire::message(RTM_NEWLINK, 0, 0, &[&[0; 3]]);
    bytes.resize(20, 0);
    let mut events = Vec::new();
    for invalid in [bytes, vec![0xff; 32]] {
        monitor.is_stale = false;
        let mut all = named(77, "before", UP);
        all.resize(all.len().next_multiple_of(4), 0);
        all.extend(invalid);
        let lengths = [all.len(), 0];
        monitor.buffer[..all.len()].copy_from_slice(&all);
        lengths.iter().for_each(|&length| monitor.take(length, &mut events));
        assert!(monitor.is_stale);
        let next = named(78, "behind", UP);
        monitor.buffer[..next.len()].copy_from_slice(&next);
        monitor.take(next.len(), &mut events);
        assert!(monitor.links.get(78).is_none());
    }
    assert_eq!(events.iter().map(short).collect::<Vec<_>>(), ["+77=before"]);
    events.clear();
    monitor.read(&mut events).unwrap();
    assert!(events.iter().any(|event| short(event) == "-77=before"), "{events:?}");
    assert_eq!(monitor.links.get(1), known.get(1));
}
