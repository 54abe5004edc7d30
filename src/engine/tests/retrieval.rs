//! Chapter 6, as far as it is the engine's: order, walks, counters.

use super::*;
use smallvec::smallvec;

const SG: &str = "(10.0.0.1, 239.1.1.1)";

/// A owns 1, towards all sources; B owns 2 and 3, where everything is wanted.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("B", &[2, 3]);
    for interface in [2, 3] {
        r.join("B", "(*, *)", interface);
    }
    for source in ["10.0.0.1", "9.0.0.1", "200.0.0.1"] {
        r.source(source, via(1, "10.9.9.9"));
    }
    r
}

fn walk(r: &Router, start: Option<&str>, most: usize) -> Vec<String> {
    let mut flows = Vec::new();
    r.engine.walk_mfes(r.now, start.map(flow), &mut MfeRow::default(), |row| {
        flows.push(row.flow.to_string());
        flows.len() < most
    });
    flows
}

const ORDERED: [&str; 4] = [
    "(10.0.0.1, 225.0.0.255)",
    "(9.0.0.1, 239.1.0.0)",
    "(200.0.0.1, 239.1.0.0)",
    "(10.0.0.1, 239.2.0.0)",
];

#[test]
fn t6_1_mfes_come_by_group_then_source() {
    let mut r = stage();
    for at in [2, 0, 3, 1] {
        r.packet(ORDERED[at], 1);
    }
    assert_eq!(walk(&r, None, 99), ORDERED);
    assert_eq!(walk(&r, None, 1), ORDERED[..1]);
}

#[test]
fn t6_4_next_starts_after_the_given_flow_whether_it_exists_or_not() {
    let mut r = stage();
    for text in ORDERED {
        r.packet(text, 1);
    }
    assert_eq!(walk(&r, Some(ORDERED[1]), 99), ORDERED[2..]);
    assert_eq!(walk(&r, Some("(9.0.0.2, 239.1.0.0)"), 99), ORDERED[2..]);
    assert_eq!(walk(&r, Some("(*, *)"), 99), ORDERED);
    assert!(walk(&r, Some(ORDERED[3]), 99).is_empty());
    assert!(walk(&r, Some("(255.255.255.255, 255.255.255.255)"), 99).is_empty());
}

#[test]
fn t6_5_only_the_exact_flow_is_found() {
    let mut r = stage();
    r.packet(SG, 1);
    assert!(r.row(SG).is_some());
    assert!(r.row("(*, 239.1.1.1)").is_none() && r.row("(10.0.0.2, 239.1.1.1)").is_none());
}

#[test]
fn t6_7_times_run_from_the_birth_to_the_end() {
    let mut r = stage();
    r.packet(SG, 1);
    r.seconds_pass(100);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.up_ms, row.expiry_ms(), row.timeout), (100_000, Some(800_000), 900));
    // Late for its end, it has no time left rather than less than none.
    r.now = r.now.plus_secs(1000);
    assert_eq!(r.row(SG).expect("an MFE").expiry_ms(), Some(0));
}

#[test]
fn t6_7_an_mfe_that_never_expires_has_no_end() {
    let mut r = Router::with(&["A"]);
    r.engine = Engine::new(Config { mfe_timeout: u32::MAX, ..Config::default() });
    r.parties.clear();
    r.register("A");
    r.owns("A", &[1]);
    r.source("10.0.0.1", connected(1));
    r.packet(SG, 1);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.expiry_ms(), row.timeout), (None, u32::MAX));
    assert_eq!(r.engine.next_deadline(), None);
}

fn oif_counts(r: &Router) -> Vec<(u32, u64, u64)> {
    let row = r.row(SG).expect("an MFE");
    row.oifs.iter().map(|oif| (oif.interface.index, oif.packets, oif.ttl_too_low)).collect()
}

#[test]
fn t6_7_packets_are_counted_in_and_out() {
    let mut r = stage();
    r.packet(SG, 1); // resolves it, and is handed in again by the forwarder
    for _ in 0..3 {
        assert_eq!(r.packet(SG, 1), Outcome::Forwarded(smallvec![2.there(), 3.there()]));
    }
    r.packet(SG, 2);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.packets, row.octets, row.wrong_if), (3, 300, 1));
    assert_eq!(oif_counts(&r), [(2, 3, 0), (3, 3, 0)]);
}

#[test]
fn t3_7_a_packet_goes_out_only_if_its_ttl_is_greater_than_the_threshold() {
    let mut r = stage();
    r.packet(SG, 1);
    r.packet_with_ttl(SG, 1, 2);
    for ttl in [0, 1] {
        assert_eq!(r.packet_with_ttl(SG, 1, ttl), Outcome::Forwarded(smallvec![]));
    }
    r.packet_with_ttl(SG, 1, 2);
    assert_eq!(oif_counts(&r), [(2, 2, 2), (3, 2, 2)]);
    assert_eq!(r.row(SG).expect("an MFE").packets, 4);
}

#[test]
fn t6_7_an_oif_counts_from_when_it_became_one() {
    let mut r = stage();
    r.packet(SG, 1);
    r.leave("B", "(*, *)", 3);
    r.packet(SG, 1);
    r.join("B", "(*, *)", 3);
    r.packet(SG, 1);
    assert_eq!(oif_counts(&r), [(2, 2, 0), (3, 1, 0)]);
    // Off and on again: from nothing.
    r.leave("B", "(*, *)", 2);
    r.join("B", "(*, *)", 2);
    r.packet(SG, 1);
    assert_eq!(oif_counts(&r), [(2, 1, 0), (3, 2, 0)]);
}

#[test]
fn t6_8_an_mfe_tells_its_upstream_its_owner_and_its_route() {
    let mut r = stage();
    r.packet(SG, 1);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.iif, row.iif_protocol), (1.there(), Router::ids("A").0));
    assert_eq!(row.upstream, addr("10.9.9.9"));
    assert_eq!(row.route, via(1, "10.9.9.9"));
    assert_eq!((row.route.network, row.route.mask()), (addr("10.0.0.0"), addr("255.0.0.0")));
}

#[test]
fn t6_8_igmp_is_named_where_it_is_alone() {
    let mut r = Router::with(&["I"]);
    r.owns("I", &[1]);
    r.source("10.0.0.1", connected(1));
    r.packet(SG, 1);
    let row = r.row(SG).expect("a negative MFE is there too");
    assert_eq!((row.iif_protocol, row.upstream), (10, addr("0.0.0.0")));
    assert!(row.oifs.is_empty());
}

#[test]
fn the_forwarder_gets_numbers_and_thresholds() {
    let mut r = stage();
    r.packet(SG, 1);
    let mut oifs = vec![(IfId(99), 99)];
    let iif = r.engine.forwarding(flow(SG), &mut oifs);
    assert_eq!(iif, Some(r.number(1)));
    assert_eq!(oifs, [(r.number(2), 1), (r.number(3), 1)]);
    assert_eq!(r.engine.forwarding(flow("(9.0.0.1, 239.1.1.1)"), &mut oifs), None);
}
