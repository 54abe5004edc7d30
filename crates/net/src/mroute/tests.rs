//! Messages without a kernel, and the choice of a table.

use super::*;
use crate::netlink::wire::{attr, message, messages};

fn tables(ids: &[u32]) -> Vec<Table> {
    ids.iter().map(|id| Table { id: *id, links: Vec::new() }).collect()
}

fn rule_for(link: Option<&str>, table: u32) -> Rule {
    Rule { link: link.map(str::to_owned), table }
}

#[test]
fn the_first_rule_with_an_existing_table_decides() {
    let rules = [
        rule_for(Some("eth1"), 7),
        rule_for(Some("eth1"), 100),
        rule_for(None, 8),
        rule_for(None, DEFAULT_TABLE),
    ];
    assert_eq!(table_of("eth1", &rules, &tables(&[DEFAULT_TABLE, 100])), Some(100));
    assert_eq!(table_of("eth0", &rules, &tables(&[DEFAULT_TABLE, 100])), Some(DEFAULT_TABLE));
    assert_eq!(table_of("eth0", &rules, &tables(&[8, DEFAULT_TABLE])), Some(8));
    assert_eq!(table_of("eth0", &rules, &[]), None);
}

#[test]
fn without_rules_there_is_one_table() {
    assert_eq!(table_of("eth0", &[], &tables(&[DEFAULT_TABLE])), Some(DEFAULT_TABLE));
    assert_eq!(table_of("eth0", &[], &[]), None);
}

/// An entry as the kernel writes it, without its last `short` bytes.
fn entry_of(parts: &[&[u8]], short: usize) -> Option<Entry> {
    let body: Vec<u8> = [&[IPMR; ROUTE_HEAD], parts.concat().as_slice()].concat();
    let bytes = message(RTM_NEWROUTE, 0, 1, &[&body[..body.len() - short]]);
    let entry = entry(&messages(&bytes).next().expect("a message"));
    entry
}

#[test]
fn an_entry_has_its_links_and_counters() {
    let source = attr(RTA_SRC, &[10, 0, 0, 5]);
    let incoming = attr(RTA_IIF, &7u32.to_ne_bytes());
    let hop =
        |index: u32, ttl: u8| [&8u16.to_ne_bytes()[..], &[0, ttl], &index.to_ne_bytes()].concat();
    let hops = attr(RTA_MULTIPATH, &[hop(8, 1), hop(9, 16)].concat());
    let counters = [5u64, 6, 7].map(u64::to_ne_bytes).concat();
    let counters = attr(RTA_MFC_STATS, &counters);
    assert_eq!(
        entry_of(&[&source, &incoming, &hops, &counters], 0),
        Some(Entry {
            incoming: Some(7),
            outgoing: vec![(8, 1), (9, 16)],
            packets: 5,
            octets: 6,
            wrong_link: 7
        })
    );
    let empty = Entry { incoming: None, outgoing: vec![], packets: 0, octets: 0, wrong_link: 0 };
    assert_eq!(entry_of(&[&source], 0), Some(empty));
    assert_eq!(entry_of(&[&incoming], 0), None, "without a source it is another kind of entry");
}

#[test]
fn a_message_that_is_cut_off_does_no_harm() {
    let parts: [&[u8]; 3] = [
        &attr(RTA_SRC, &[10, 0, 0, 5]),
        &attr(RTA_MULTIPATH, &[8, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0]),
        &attr(RTA_MFC_STATS, &[1; 20]),
    ];
    let length = parts.concat().len();
    for short in 0..length {
        if let Some(entry) = entry_of(&parts, short) {
            assert!(entry.outgoing.len() <= 2, "{entry:?}");
        }
    }
}

#[test]
fn a_list_names_the_flow_and_the_table_of_an_entry() {
    let mut head = [0; ROUTE_HEAD];
    (head[4], head[8]) = (253, RTNH_F_OFFLOAD as u8);
    let parts = [attr(RTA_SRC, &[0; 4]), attr(RTA_DST, &[239, 1, 1, 1])].concat();
    let of = |parts: &[u8]| {
        let bytes = message(RTM_NEWROUTE, 0, 1, &[&head, parts]);
        let listed = listed(&messages(&bytes).next().expect("a message"));
        listed
    };
    let entry =
        Entry { incoming: None, outgoing: Vec::new(), packets: 0, octets: 0, wrong_link: 0 };
    let (source, group) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(239, 1, 1, 1));
    let expected = Listed { table: 253, source, group, is_offloaded: true, entry };
    assert_eq!(of(&parts), Some(expected.clone()));
    let numbered = [parts, attr(RTA_TABLE, &1000u32.to_ne_bytes())].concat();
    assert_eq!(of(&numbered), Some(Listed { table: 1000, ..expected }));
    assert_eq!(of(&attr(RTA_SRC, &[0; 4])), None);
}
