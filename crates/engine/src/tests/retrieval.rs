//! Chapter 6, the engine's part: order, walks, counters.

use super::*;
use mgm_types::Counters;
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
    // After its expiry time, the remaining time is 0 and not negative.
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
    // Off and on again: the counter continues.
    r.leave("B", "(*, *)", 2);
    r.join("B", "(*, *)", 2);
    r.packet(SG, 1);
    assert_eq!(oif_counts(&r), [(2, 3, 0), (3, 2, 0)]);
}

/// ulNegativeMfe and ulTotalOutPackets.
fn sums(r: &Router) -> (u64, u64) {
    let row = r.row(SG).expect("an MFE");
    (row.negative, row.sent)
}

/// A owns 1, towards the source; B owns 2 to 5 and wants nothing there.
fn quiet_stage() -> Router {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[1]).owns("B", &[2, 3, 4, 5]);
    r.source("10.0.0.1", via(1, "10.9.9.9"));
    r.packet(SG, 1); // makes the MFE
    r
}

fn packets(r: &mut Router, count: usize) {
    (0..count).for_each(|_| drop(r.packet(SG, 1)));
}

#[test]
fn t6_7_packets_without_an_oif_are_counted_apart_from_those_that_went_out() {
    let mut r = quiet_stage();
    packets(&mut r, 2);
    assert_eq!(sums(&r), (2, 0));
    r.join("B", "(*, 239.1.1.1)", 2);
    assert_eq!(sums(&r), (2, 0));
    packets(&mut r, 5);
    assert_eq!(sums(&r), (2, 5));
    r.leave("B", "(*, 239.1.1.1)", 2);
    assert_eq!(sums(&r), (2, 5));
    packets(&mut r, 1);
    assert_eq!(sums(&r), (3, 5));
    r.join("B", "(*, 239.1.1.1)", 3); // another one
    packets(&mut r, 4);
    assert_eq!((sums(&r), oif_counts(&r)), ((3, 9), vec![(3, 4, 0)]));
    r.join("B", "(*, 239.1.1.1)", 2);
    packets(&mut r, 1);
    assert_eq!((sums(&r), oif_counts(&r)), ((3, 11), vec![(2, 6, 0), (3, 5, 0)]));
    assert_eq!(r.row(SG).expect("an MFE").packets, 13);
}

#[test]
fn t6_7_a_receiver_that_comes_and_goes_needs_no_memory() {
    let mut r = quiet_stage();
    packets(&mut r, 1);
    for round in 1..=3 {
        r.join("B", "(*, 239.1.1.1)", 2);
        packets(&mut r, 3);
        r.leave("B", "(*, 239.1.1.1)", 2);
        packets(&mut r, 2);
        assert_eq!(sums(&r), (1 + 2 * round, 3 * round));
    }
    assert!(r.engine.tables.flows.mfe(flow(SG)).expect("an MFE").rare.is_none());
}

#[test]
fn t6_7_what_an_interface_sent_before_it_was_released_stays_in_the_sum() {
    let mut r = quiet_stage();
    for interface in [2, 3] {
        r.join("B", "(*, 239.1.1.1)", interface);
    }
    packets(&mut r, 5);
    for interface in [3, 2] {
        r.leave("B", "(*, 239.1.1.1)", interface);
        packets(&mut r, 1);
        r.release("B", interface);
        assert_eq!(sums(&r), (if interface == 2 { 1 } else { 0 }, 11), "{interface}");
    }
    // Interfaces that get their numbers have sent nothing yet.
    for interface in [8, 9] {
        r.take("B", interface);
        r.join("B", "(*, 239.1.1.1)", interface);
    }
    assert_eq!((sums(&r), oif_counts(&r)), ((1, 11), vec![(8, 0, 0), (9, 0, 0)]));
    packets(&mut r, 1);
    assert_eq!((sums(&r), oif_counts(&r)), ((1, 13), vec![(8, 1, 0), (9, 1, 0)]));
}

#[test]
fn t6_7_a_reroute_and_a_threshold_let_no_counter_fall() {
    let mut r = quiet_stage();
    r.owns("A", &[6]);
    r.join("B", "(*, 239.1.1.1)", 2);
    packets(&mut r, 3);
    r.packet_with_ttl(SG, 1, 1); // the threshold is 1
    let before = (sums(&r), oif_counts(&r));
    assert_eq!(before, ((0, 3), vec![(2, 3, 1)]));
    r.set_mfe("A", SG, "10.8.8.8", 6);
    assert_eq!(r.row(SG).expect("an MFE").iif, 6.there());
    r.leave("B", "(*, 239.1.1.1)", 2);
    r.packet(SG, 6);
    r.join("B", "(*, 239.1.1.1)", 2);
    assert_eq!((sums(&r), oif_counts(&r)), ((1, 3), vec![(2, 3, 1)]));
    assert_eq!(r.row(SG).expect("an MFE").packets, 5);
}

#[test]
fn t6_7_counters_go_on_beyond_32_bits() {
    let mut r = quiet_stage();
    packets(&mut r, 1);
    r.engine.tables.flows.mfe_mut(flow(SG)).expect("an MFE").packets += 1 << 33;
    r.join("B", "(*, 239.1.1.1)", 2);
    packets(&mut r, 1);
    assert_eq!(sums(&r), ((1 << 33) + 1, 1));
    r.leave("B", "(*, 239.1.1.1)", 2);
    packets(&mut r, 1);
    assert_eq!(sums(&r), ((1 << 33) + 2, 1));
}

fn reading(packets: u64, octets: u64, wrong_if: u64) -> Counters {
    Counters { packets, octets, wrong_if }
}

fn shown(r: &Router) -> (u64, u64, u64, u64, u64) {
    let row = r.row(SG).expect("an MFE");
    (row.packets, row.octets, row.wrong_if, row.negative, row.sent)
}

/// What the manager does before and after it installs an entry, if the forwarder counts.
fn install(r: &mut Router, counters: Counters) {
    if r.engine.next_entry(flow(SG), &mut Vec::new()).1 {
        r.engine.counted(flow(SG), counters);
        r.engine.turned(flow(SG));
    }
}

#[test]
fn t6_7_a_forwarder_that_counts_itself_is_read_at_each_turn() {
    let mut r = quiet_stage();
    assert!(!r.engine.next_entry(flow(SG), &mut Vec::new()).1);
    r.engine.counted(flow(SG), reading(2, 200, 0));
    assert_eq!(shown(&r), (2, 200, 0, 2, 0));
    r.join("B", "(*, 239.1.1.1)", 2);
    install(&mut r, reading(3, 300, 1)); // one more has come since
    r.engine.counted(flow(SG), reading(8, 800, 1));
    assert_eq!(shown(&r), (8, 800, 1, 3, 0));
    r.join("B", "(*, 239.1.1.1)", 3);
    assert!(!r.engine.next_entry(flow(SG), &mut Vec::new()).1, "it has oifs, as before");
    for interface in [2, 3] {
        r.leave("B", "(*, 239.1.1.1)", interface);
    }
    assert_eq!(shown(&r).3, 3);
    install(&mut r, reading(9, 900, 1));
    r.engine.counted(flow(SG), reading(10, 1000, 1));
    assert_eq!(shown(&r), (10, 1000, 1, 4, 0));
    // Packets that the host passes on are not counted by the forwarder.
    packets(&mut r, 3);
    r.packet(SG, 2);
    assert_eq!(shown(&r), (10, 1000, 1, 4, 0));
}

#[test]
fn t6_7_an_entry_that_was_lost_and_written_anew_lets_no_counter_fall() {
    let mut r = quiet_stage();
    r.engine.next_entry(flow(SG), &mut Vec::new());
    r.engine.counted(flow(SG), reading(5, 500, 2));
    r.engine.counted(flow(SG), reading(0, 0, 0));
    assert_eq!(shown(&r), (5, 500, 2, 5, 0));
    r.engine.counted(flow(SG), reading(3, 300, 1));
    assert_eq!(shown(&r), (8, 800, 3, 8, 0));
    r.engine.counted(flow(SG), reading(1, 900, 2)); // and once more
    assert_eq!(shown(&r), (9, 1700, 5, 9, 0));
}

#[test]
fn t6_7_a_packet_that_is_found_on_a_wrong_interface_late_doubles_no_counter() {
    let mut r = quiet_stage();
    r.engine.next_entry(flow(SG), &mut Vec::new());
    r.engine.counted(flow(SG), reading(1000, 90_000, 10));
    r.engine.counted(flow(SG), reading(1001, 90_090, 10));
    for _ in 0..2 {
        r.engine.counted(flow(SG), reading(1000, 90_090, 11));
        assert_eq!(shown(&r), (1001, 90_090, 11, 1001, 0));
    }
    // The packets that are accepted afterwards are counted once, too.
    r.engine.counted(flow(SG), reading(1001, 90_180, 11));
    assert_eq!(shown(&r), (1001, 90_180, 11, 1001, 0));
    r.engine.counted(flow(SG), reading(1003, 90_360, 11));
    assert_eq!(shown(&r), (1003, 90_360, 11, 1003, 0));
    // If the sum of all packets has fallen, it is another entry, too.
    r.engine.counted(flow(SG), reading(1005, 90_630, 12));
    r.engine.counted(flow(SG), reading(1004, 90_630, 12));
    assert_eq!(shown(&r), (2009, 181_260, 24, 2009, 0));
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
