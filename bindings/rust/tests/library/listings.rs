//! Listings of MFEs, counters and memberships.

use super::*;
use mgm_client::{get_mfe, get_mfe_stats, mfe_stats, mfes, Code};

fn group(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(239, 5, high, low)
}

#[test]
fn all_mfes_and_their_counters_in_order() {
    const MANY: u16 = 3000; // more than a buffer holds
    let _router = routed();
    let client = silent(1);
    client.take(1).unwrap();
    client.take(2).unwrap();
    assert_eq!(mfes().count(), 0);
    assert_eq!(mfe_stats().count(), 0);
    client.join(2, Flow::ALL).unwrap();
    for number in (0..MANY).rev() {
        assert!(packet_of(SOURCE, group(number), 1).accepted);
    }
    packet_of(SOURCE, group(7), 1);
    let found: Vec<_> = mfes().collect::<Result<_, _>>().unwrap();
    assert_eq!(found.len(), usize::from(MANY));
    for (number, mfe) in found.iter().enumerate() {
        assert_eq!(mfe.flow(), Flow::new(SOURCE, group(number as u16)));
    }
    assert_eq!(found[0].route, prefix("10.0.0.0/8"));
    assert_eq!((found[0].timeout, found[0].protocol), (Some(900), protocol::OTHER));
    assert!(found[0].expires_in.is_some_and(|seconds| (800..=900).contains(&seconds)));
    let stats: Vec<_> = mfe_stats().collect::<Result<_, _>>().unwrap();
    assert_eq!(stats.len(), usize::from(MANY));
    assert_eq!((stats[7].packets, stats[7].octets, stats[8].packets), (2, 200, 1));
    assert_eq!(get_mfe_stats(SOURCE, group(7)).unwrap(), stats[7]);
    let missing = get_mfe(SOURCE, GROUP).unwrap_err();
    assert_eq!(missing.code(), Some(Code::NotFound));
    assert!(missing.to_string().contains("no MFE for (10.0.0.5, 239.1.2.3)"), "{missing}");
}

/// An MFE that is longer than the buffers that are tried first.
#[test]
fn an_mfe_with_very_many_interfaces() {
    const MANY: u32 = 5000;
    let _router = routed();
    let client = silent(1);
    for index in 1..=MANY {
        client.take(index).unwrap();
        client.join(index, Flow::any_source(GROUP)).unwrap();
    }
    assert_eq!(packet(1).outgoing.len(), MANY as usize - 1);
    let mfe = get_mfe(SOURCE, GROUP).unwrap();
    assert_eq!(mfe.outgoing.len(), MANY as usize - 1);
    assert_eq!(mfes().collect::<Result<Vec<_>, _>>().unwrap(), [mfe]);
    let stats = get_mfe_stats(SOURCE, GROUP).unwrap();
    assert!(stats.outgoing.iter().all(|one| one.packets == 1));
    assert_eq!(mfe_stats().next().unwrap().unwrap(), stats);
}

#[test]
fn the_memberships_of_all_clients() {
    let _router = running();
    let client = silent(1);
    client.take(1).unwrap();
    assert_eq!(client.groups().unwrap().count(), 0);
    for number in 0..1000 {
        client.join(1, Flow::any_source(group(number))).unwrap();
    }
    client.join(1, Flow::new(SOURCE, GROUP)).unwrap();
    let flows: Vec<_> = client.groups().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(flows.len(), 1001);
    assert!((0..1000).all(|number| flows.contains(&Flow::any_source(group(number)))));
    assert!(flows.contains(&Flow::new(SOURCE, GROUP)));
    let with_sources: Vec<_> =
        client.groups_with_sources().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(with_sources, [Flow::any_source(GROUP)]);

    // A listing that the stop has closed ends with an error.
    let mut groups = client.groups().unwrap();
    host::stop().unwrap();
    let error = groups.next().unwrap().unwrap_err();
    assert_eq!(error.code(), Some(Code::InvalidParameter));
    assert!(groups.next().is_none());
}
