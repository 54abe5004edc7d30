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
