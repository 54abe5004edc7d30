//! Who queries, and when (I19 to I28).

use super::lan::*;
use crate::codec::{self, Datagram, Message, QueryBody, RecordType::*};
use crate::*;

const LOWER: &str = "10.0.0.1";
const OQPI: u64 = 255_000;

/// The source of the next query, and its octets.
fn query_of(transmission: &Transmission) -> (String, Vec<u8>) {
    let datagram = Datagram::read(&transmission.octets).unwrap();
    (datagram.source.to_string(), datagram.message.to_vec())
}

#[test]
fn t24_startup_queries() {
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    lan.wait(300_000);
    let sent = lan.timed();
    let times: Vec<u64> = sent.iter().filter(|(_, what)| what == "Q").map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 31_250, 156_250, 281_250]);
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    let (source, octets) = query_of(&lan.sent()[0]);
    assert_eq!(source, ROUTER);
    // S clear, QRV 2, QQIC 125, 10 s.
    assert_eq!(octets, [0x11, 0x64, 0xec, 0x1e, 0, 0, 0, 0, 2, 125, 0, 0]);
}

#[test]
fn i19_startup_count_and_interval_can_be_configured() {
    let startup = LinkConfig {
        startup_query_count: Some(4),
        startup_query_interval: Some(5_000),
        ..config()
    };
    let mut lan = Lan::down(startup);
    lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    lan.wait(150_000);
    let times: Vec<u64> =
        lan.timed().iter().filter(|(_, what)| what == "Q").map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 5_000, 10_000, 15_000, 140_000]);
}

#[test]
fn i19_one_query_a_link_that_this_machine_hears_itself() {
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&["10.0.1.3", ROUTER, "10.0.0.2"]) });
    let sent = lan.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(query_of(&sent[0]).0, "10.0.0.2");
    assert!(sent[0].loop_back);
    assert_eq!(sent[0].destination, codec::ALL_SYSTEMS);
}

#[test]
fn i20_the_election_address() {
    let first_source = |config: LinkConfig, addresses: &[&str]| {
        let mut lan = Lan::down(config);
        lan.event(Event::Link { link: LINK, info: up(addresses) });
        lan.sent().first().map(|sent| query_of(sent).0)
    };
    let of = |addresses: &[&str]| first_source(config(), addresses);
    assert_eq!(of(&["10.0.0.9", "10.0.0.10"]).unwrap(), "10.0.0.9", "by value, not by text");
    assert_eq!(of(&["169.254.1.1", "192.168.1.1"]).unwrap(), "192.168.1.1");
    assert_eq!(of(&["169.254.1.1"]).unwrap(), "169.254.1.1");
    let source = Some(addr("10.9.9.9"));
    let configured = first_source(LinkConfig { source, ..config() }, &[ROUTER]);
    assert_eq!(configured.unwrap(), "10.9.9.9");
}

#[test]
fn i21_without_an_address_nothing_is_sent_and_reports_are_heard() {
    let mut lan = Lan::down(config());
    lan.event(Event::Link { link: LINK, info: up(&[]) });
    lan.taken(Ownership::Alone);
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, G, &[]);
    lan.wait(200_000);
    assert_eq!(lan.done(), ["take", "+(*,239.1.1.1)"]);
    assert_eq!(lan.status().other_querier, None);
    lan.general_query("10.0.0.200", 2, 125);
    assert_eq!(lan.status().other_querier, Some(addr("10.0.0.200")));
    assert_eq!(lan.state(G), "EX(;)");
}

#[test]
fn i22_a_lower_address_of_any_version_wins() {
    for body in [QueryBody::V1, QueryBody::V2, v3(false, 2, 125)] {
        let mut lan = Lan::new(config());
        lan.query("10.0.0.11", "0.0.0.0", 10_000, body);
        assert!(lan.status().querier, "a higher address does not count");
        lan.query("10.0.0.9", "0.0.0.0", 10_000, body);
        assert!(!lan.status().querier);
        lan.wait(OQPI - 1);
        assert_eq!(lan.done(), [""; 0]);
        lan.wait(1);
        assert_eq!(lan.done(), ["Q"]);
    }
}

#[test]
fn i22_each_query_of_the_winner_starts_the_timer_anew() {
    let mut lan = Lan::new(config());
    for _ in 0..3 {
        lan.general_query(LOWER, 2, 125);
        lan.wait(200_000);
    }
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(OQPI - 200_000);
    assert_eq!(lan.done(), ["Q"]);
}

#[test]
fn i23_a_non_querier_starts_no_query_and_ends_those_that_run() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, G, &[]);
    lan.general_query(LOWER, 2, 125);
    lan.done();
    lan.wait(1_500);
    assert_eq!(lan.done(), ["Q(239.1.1.1)"], "the second one of the sequence");
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    lan.report(HOST, ToIn, "239.1.1.2", &[]);
    lan.wait(10_000);
    let queries = lan.done().into_iter().filter(|what| what.starts_with('Q')).count();
    assert_eq!(queries, 0);
}

#[test]
fn t37_resume_after_oqpi() {
    let mut lan = Lan::new(config());
    lan.general_query(LOWER, 7, 20);
    // 7 × 20 s + 5 s.
    lan.wait(145_000 - 1);
    assert_eq!(lan.done(), [""; 0]);
    let mut lan = Lan::new(config());
    lan.general_query(LOWER, 0, 0);
    lan.wait(OQPI - 1);
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(1);
    let sent = lan.sent();
    assert_eq!(query_of(&sent[0]).1[8..10], [2, 125], "its own values again");
    lan.wait(125_000);
    assert_eq!(lan.timed(), [(OQPI + 125_000, "Q".into())]);
}

#[test]
fn i24_the_reported_querier_is_the_lowest_heard_within_oqpi() {
    let mut lan = Lan::new(LinkConfig { source: Some(addr("10.0.0.20")), ..config() });
    lan.general_query("10.0.0.5", 2, 125);
    lan.wait(100_000);
    lan.general_query("10.0.0.12", 2, 125);
    assert_eq!(lan.status().other_querier, Some(addr("10.0.0.5")));
    // 10.0.0.5 dies: the one above it follows, without a query of our own.
    lan.wait(OQPI - 100_000);
    assert_eq!(lan.status().other_querier, Some(addr("10.0.0.12")));
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(100_000);
    assert_eq!(lan.done(), ["Q"]);
    assert_eq!(lan.status().other_querier, None);
}

#[test]
fn i24_many_lower_addresses_are_remembered_in_bounded_memory() {
    let mut lan = Lan::new(LinkConfig { source: Some(addr("10.0.0.200")), ..config() });
    for last in (20..120).rev() {
        lan.general_query(&format!("10.0.0.{last}"), 2, 125);
    }
    assert_eq!(lan.status().other_querier, Some(addr("10.0.0.20")));
    lan.wait(OQPI);
    assert_eq!(lan.done(), ["Q"]);
}

#[test]
fn t38_adopt_qrv_qqi() {
    let mut lan = Lan::new(config());
    lan.general_query(LOWER, 3, 20);
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    lan.wait(65_000 - 1);
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(1);
    assert_eq!(lan.done(), ["Q"], "OQPI is 65 s");
    lan.wait(14_999);
    assert_eq!(lan.state(G), "EX(;)");
    lan.wait(1);
    assert_eq!(lan.state(G), "-", "GMI was 80 s");
}

#[test]
fn t39_qqic_cap() {
    let mut lan = Lan::new(config());
    lan.query(LOWER, "0.0.0.0", 10_000, v3(false, 7, 31_744));
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    lan.wait(1_020_000 - 1);
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(1);
    assert_eq!(lan.done(), ["Q"]);
    lan.wait(60_000 - 1);
    assert_eq!(lan.state(G), "EX(;)");
    lan.wait(1);
    assert_eq!(lan.state(G), "-", "GMI was 1,080 s");
}

#[test]
fn i25_zero_means_the_own_values_and_the_querier_adopts_nothing() {
    let mut lan = Lan::new(config());
    lan.general_query(LOWER, 0, 20);
    lan.wait(45_000 - 1);
    assert!(!lan.status().querier);
    lan.wait(1);
    assert!(lan.status().querier, "2 × 20 s + 5 s");
    lan.general_query("10.0.0.99", 7, 20);
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.ends_after(G), 270_000);
}

#[test]
fn g47_a_query_that_lets_hosts_answer_very_late_elects_nobody() {
    let mut lan = Lan::new(config());
    for slow in [41_600, 3_174_400, 3_174_400] {
        lan.query(LOWER, "0.0.0.0", slow, v3(false, 2, 125));
    }
    assert!(lan.status().querier);
    assert_eq!(lan.dropped(DropReason::SlowQuery), 3);
    let event = LogEvent::SlowQuery { querier: addr(LOWER), response: 41_600, limit: 40_000 };
    let logged: Vec<LogEvent> = lan.logged().into_iter().map(|line| line.event).collect();
    assert_eq!(logged, [event], "once a minute");
    lan.query(LOWER, "0.0.0.0", 40_000, v3(false, 2, 125));
    assert!(!lan.status().querier, "four times QRI is not too long");
    // The ten seconds of most routers never are.
    let mut lan = Lan::new(LinkConfig { query_response_interval: 1_000, ..config() });
    lan.general_query(LOWER, 2, 125);
    assert!(!lan.status().querier);
}

#[test]
fn g50_a_querier_that_gives_hosts_more_time_keeps_memberships_longer() {
    let mut lan = Lan::new(config());
    lan.query(LOWER, "0.0.0.0", 25_600, v3(false, 2, 60));
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.ends_after(G), 171_200, "GMI is 2 × 60 s + 2 × 25.6 s");
    let mut lan = Lan::new(config());
    lan.query(LOWER, "0.0.0.0", 25_600, v3(false, 2, 60));
    lan.done();
    lan.wait(132_800 - 1);
    assert_eq!(lan.done(), [""; 0]);
    lan.wait(1);
    assert_eq!(lan.done(), ["Q"], "OQPI is 2 × 60 s + 25.6 s / 2");
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.ends_after(G), 270_000, "the own values count again");
    // Less time changes nothing: hosts that answered the router before may have taken more.
    let mut lan = Lan::new(config());
    lan.query(LOWER, "0.0.0.0", 1_000, v3(false, 2, 60));
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.ends_after(G), 140_000);
    // A v2 query says it, too, and hosts take ten seconds for the answer to a v1 query.
    let mut lan = Lan::new(config());
    lan.query(LOWER, "0.0.0.0", 20_000, QueryBody::V2);
    lan.v2_report(HOST, G);
    assert_eq!(lan.ends_after(G), 290_000);
    let mut lan = Lan::new(LinkConfig { query_response_interval: 1_000, ..config() });
    lan.query(LOWER, "0.0.0.0", 0, QueryBody::V1);
    lan.v2_report(HOST, G);
    assert_eq!(lan.ends_after(G), 270_000);
}

#[test]
fn g48_a_specific_query_ends_nothing_before_its_answers_can_come() {
    let mut lan = non_querier();
    lan.query(LOWER, G, 5_000, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 10_000);
    let mut lan = non_querier();
    lan.query(LOWER, G, 3_174_400, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 270_000);
    let mut lan = non_querier();
    lan.query(LOWER, G, 100, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 2_000, "not before LMQT");
}

/// A non-querier with EXCLUDE({1};{}) for G.
fn non_querier() -> Lan {
    let mut lan = Lan::new(config());
    lan.general_query(LOWER, 2, 125);
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, G, &[1]);
    lan
}

#[test]
fn t42_nonquerier_hears_q() {
    let mut lan = non_querier();
    lan.query(LOWER, G, 1_000, v3(true, 2, 125));
    assert_eq!(lan.ends_after(G), 270_000);
    let mut lan = non_querier();
    lan.query(LOWER, G, 1_000, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 2_000);
    assert_eq!(lan.state(G), "IN(1)", "the source is not lowered");
    let mut lan = non_querier();
    lan.query(LOWER, G, 3_000, QueryBody::V2);
    assert_eq!(lan.ends_after(G), 6_000);
}

#[test]
fn i26_sources_are_lowered_and_nothing_is_raised() {
    let list = source(1).octets();
    let sources = codec::SourceList::of(&list);
    let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
    let mut lan = non_querier();
    lan.query(LOWER, G, 1_000, body);
    assert_eq!(lan.ends_after(G), 2_000);
    assert_eq!(lan.state(G), "EX(;1)");
    let mut lan = non_querier();
    lan.query(LOWER, G, 1_000, v3(false, 2, 125));
    lan.wait(1_000);
    lan.query(LOWER, G, 1_000, v3(false, 2, 125));
    lan.query(LOWER, G, 25_500, QueryBody::V2);
    assert_eq!(lan.ends_after(G), 1_000);
}

#[test]
fn i26_only_the_elected_querier_lowers_timers() {
    let mut lan = non_querier();
    lan.general_query("10.0.0.2", 2, 125);
    lan.query("10.0.0.2", G, 1_000, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 270_000);
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.query(LOWER, G, 1_000, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 270_000, "the querier ignores it");
    assert!(lan.status().querier, "and a specific query elects nobody");
}

#[test]
fn i27_a_new_election_address() {
    let change = |lan: &mut Lan, addresses: &[&str]| {
        lan.event(Event::Link { link: LINK, info: up(addresses) });
        lan.sent().iter().map(|sent| query_of(sent).0).collect::<Vec<_>>()
    };
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.done();
    assert_eq!(change(&mut lan, &[ROUTER, "10.0.0.30"]), [""; 0], "the lowest stays");
    assert_eq!(change(&mut lan, &["10.0.0.30"]), ["10.0.0.30"]);
    assert_eq!(lan.state(G), "EX(;)", "memberships stay");
    lan.general_query("10.0.0.20", 2, 125);
    assert!(!lan.status().querier);
    assert_eq!(change(&mut lan, &["10.0.0.30", "10.0.0.5"]), ["10.0.0.5"], "lowest again");
    assert_eq!(change(&mut lan, &[]), [""; 0]);
    lan.wait(100_000);
    assert!(!lan.status().querier);
    assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()));
    assert_eq!(change(&mut lan, &["10.0.0.5"]), ["10.0.0.5"]);
}

#[test]
fn i28_only_listed_routers_win_if_there_is_a_list() {
    let querier_allow = Some(vec![addr("10.0.0.2")]);
    let mut lan = Lan::new(LinkConfig { querier_allow, ..config() });
    lan.query(LOWER, "0.0.0.0", 10_000, QueryBody::V2);
    assert!(lan.status().querier);
    assert_eq!(lan.status().version, 3, "nor does its version count");
    assert_eq!(lan.dropped(DropReason::QuerierNotAllowed), 1);
    assert_eq!(lan.logged()[0].event, LogEvent::QuerierNotAllowed(addr(LOWER)));
    lan.general_query("10.0.0.2", 2, 125);
    assert!(!lan.status().querier);
}

#[test]
fn i28_a_passive_link_never_queries() {
    let mut lan = Lan::new(LinkConfig { passive: true, ..config() });
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, G, &[]);
    lan.wait(269_000);
    assert_eq!(lan.done(), ["+(*,239.1.1.1)"]);
    lan.general_query("10.0.0.200", 2, 125);
    lan.query("10.0.0.200", G, 1_000, v3(false, 2, 125));
    assert_eq!(lan.ends_after(G), 1_000, "it hears the querier: 270 s are over first");
}

#[test]
fn i18_the_message_of_a_query_has_the_group_of_its_header() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, G, &[]);
    let sent = lan.sent();
    let datagram = Datagram::read(&sent[0].octets).unwrap();
    let Ok(Message::Query(query)) = Message::read(datagram.message) else { panic!() };
    assert_eq!((query.group, datagram.destination), (addr(G), addr(G)));
    assert_eq!(query.max_response, 1_000);
    assert!(!sent[0].loop_back);
}

#[test]
fn g21_a_link_that_begins_to_query_starts_up() {
    let passive = LinkConfig { passive: true, ..config() };
    for gets_address in [false, true] {
        let mut lan = Lan::down(if gets_address { config() } else { passive.clone() });
        let addresses: &[&str] = if gets_address { &[] } else { &[ROUTER] };
        lan.event(Event::Link { link: LINK, info: up(addresses) });
        lan.wait(1_000);
        lan.done();
        if gets_address {
            lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
        } else {
            lan.configure(config());
        }
        lan.wait(200_000);
        let sent = lan.timed();
        let times: Vec<u64> = sent.into_iter().map(|(at, _)| at).collect();
        assert_eq!(times, [1_000, 32_250, 157_250]);
    }
}

#[test]
fn i24_the_status_tells_since_and_until_when() {
    let mut lan = Lan::new(config());
    lan.wait(5_000);
    let election = |lan: &Lan| lan.status().election.unwrap();
    assert_eq!(election(&lan), QuerierStatus { since: Time(0), other_until: None, v1_until: None });
    lan.query(LOWER, "0.0.0.0", 0, QueryBody::V1);
    lan.wait(1_000);
    let until = Some(Time(5_000 + OQPI));
    let other = QuerierStatus { since: Time(5_000), other_until: until, v1_until: until };
    assert_eq!(election(&lan), other);
    lan.wait(OQPI);
    let since = Time(5_000 + OQPI);
    assert_eq!(election(&lan), QuerierStatus { since, other_until: None, v1_until: None });
}
