//! Limits on state and rate (I52, I75, I76).

use super::lan::*;
use crate::codec::{self, OwnRecord, RecordType::*};
use crate::*;

/// The `n`th group of 239.0.0.0/8.
fn group(n: u32) -> String {
    std::net::Ipv4Addr::from(0xef01_0000 + n).to_string()
}

/// Joins groups, no faster than new groups may come.
fn join(lan: &mut Lan, groups: std::ops::Range<u32>) {
    for n in groups {
        lan.report(HOST, ToEx, &group(n), &[]);
        lan.wait(1);
    }
}

#[test]
fn i52_a_group_beyond_the_limit_is_refused_and_the_others_refresh_on() {
    let mut lan = Lan::new(config());
    join(&mut lan, 0..1_024);
    lan.logged();
    join(&mut lan, 1_024..1_026);
    assert_eq!(lan.status().groups, 1_024);
    assert_eq!(lan.counters().groups_refused, 2);
    assert_eq!(lan.logged()[0].event, LogEvent::GroupLimit(addr(&group(1_024))));
    lan.wait(100_000);
    join(&mut lan, 0..1_024);
    lan.wait(200_000);
    assert_eq!(lan.status().groups, 1_024, "they were refreshed");
    lan.report(HOST, ToIn, &group(0), &[]);
    lan.wait(2_000);
    join(&mut lan, 2_000..2_001);
    assert_eq!(lan.state(&group(2_000)), "EX(;)", "there is room again");
}

#[test]
fn t62_source_limit_exclude() {
    let mut lan = Lan::new(config());
    let all: Vec<u32> = (1..=300).collect();
    lan.report(HOST, IsEx, G, &all);
    let blocked = lan.done().iter().filter(|call| call.starts_with("-F")).count();
    assert_eq!(blocked, 256);
    assert_eq!(lan.counters().sources_refused, 44);
    for (number, answer) in [(1, "answer false"), (256, "answer false"), (257, "answer true")] {
        let flow = Flow::new(source(number), addr(G));
        lan.event(Event::Callback(Callback::CreationAlert { question: 1, link: LINK, flow }));
        assert_eq!(lan.done(), [answer], "{number}");
    }
}

#[test]
fn i52_include_takes_the_sources_that_fit_and_refreshes_them() {
    let mut lan = Lan::new(LinkConfig { max_sources: 3, ..config() });
    lan.report(HOST, Allow, G, &[1, 2, 3, 4]);
    assert_eq!(lan.state(G), "IN(1,2,3)");
    assert_eq!(lan.counters().sources_refused, 1);
    lan.wait(100_000);
    lan.report(HOST, IsIn, G, &[1, 2, 3, 4]);
    assert_eq!(lan.ends_after(G), 270_000);
}

#[test]
fn i52_groups_and_sources_of_all_links_are_limited_together() {
    let mut lan = Lan::new(config());
    lan.event(Event::Settings(Settings { max_entries: 5, ..Settings::default() }));
    lan.report(HOST, Allow, G, &[1, 2]);
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    lan.report(HOST, Allow, "239.1.1.2", &[3, 4]);
    assert_eq!(lan.state("239.1.1.2"), "EX(3;)");
    lan.report(HOST, ToEx, "239.1.1.3", &[]);
    assert_eq!(lan.state("239.1.1.3"), "-");
    lan.report(HOST, ToEx, G, &[]);
    assert_eq!(lan.state(G), "EX(;)");
    lan.report(HOST, ToEx, "239.1.1.3", &[]);
    lan.report(HOST, Allow, "239.1.1.4", &[1]);
    assert_eq!(lan.state("239.1.1.3"), "EX(;)", "what ended made room");
    assert_eq!(lan.state("239.1.1.4"), "-", "a group without its source is none");
    lan.wait(300_000);
    lan.report(HOST, Allow, G, &[1, 2, 3, 4, 5]);
    assert_eq!(lan.state(G), "IN(1,2,3,4)", "and after all have ended there are five");
}

#[test]
fn i52_the_line_names_the_key_of_the_limit_that_was_reached() {
    let mut lan = Lan::new(LinkConfig { max_groups: 2, max_sources: 2, ..config() });
    lan.report(HOST, Allow, G, &[1, 2, 3]);
    assert_line(&mut lan, &LogEvent::SourceLimit(addr(G)), "max-sources");
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    lan.report(HOST, ToEx, "239.1.1.3", &[]);
    assert_line(&mut lan, &LogEvent::GroupLimit(addr("239.1.1.3")), "max-groups");

    let mut lan = Lan::new(config());
    lan.event(Event::Settings(Settings { max_entries: 2, ..Settings::default() }));
    lan.report(HOST, Allow, G, &[1, 2]);
    assert_line(&mut lan, &LogEvent::EntryLimit(addr(G)), "max-igmp-entries");
    lan.wait(60_000);
    lan.report(HOST, ToEx, "239.1.1.2", &[]);
    assert_line(&mut lan, &LogEvent::EntryLimit(addr("239.1.1.2")), "max-igmp-entries");
}

/// The log has one line, about this event, and the line advises to raise this key alone.
fn assert_line(lan: &mut Lan, event: &LogEvent, key: &str) {
    let lines = lan.logged();
    assert_eq!(lines.iter().map(|line| &line.event).collect::<Vec<_>>(), [event]);
    let text = lines[0].to_string();
    assert_eq!(text.matches("max-").count(), 1, "{text}");
    assert!(text.contains(&format!("raise {key} if")), "{text}");
}

#[test]
fn i52_a_link_that_goes_gives_its_room_back() {
    let mut lan = Lan::new(config());
    lan.event(Event::Settings(Settings { max_entries: 3, ..Settings::default() }));
    for _ in 0..5 {
        lan.report(HOST, Allow, G, &[1, 2]);
        assert_eq!(lan.state(G), "IN(1,2)");
        lan.event(Event::LinkGone { link: LINK });
        lan.event(Event::Link { link: LINK, info: up(&[ROUTER]) });
    }
    lan.report(HOST, Allow, G, &[1, 2]);
    lan.event(Event::Unconfigure { link: LINK });
    lan.configure(config());
    lan.report(HOST, Allow, G, &[1, 2]);
    assert_eq!(lan.state(G), "IN(1,2)");
}

#[test]
fn i76_creations_are_limited_in_rate_and_refreshes_are_not() {
    let mut lan = Lan::new(LinkConfig { max_groups: 100_000, ..config() });
    for n in 0..3_000 {
        lan.report(HOST, ToEx, &group(n), &[]);
    }
    assert_eq!(lan.status().groups, 2_000, "the burst");
    assert_eq!(lan.counters().creations_limited, 1_000);
    lan.wait(500);
    for n in 0..3_000 {
        lan.report(HOST, IsEx, &group(n), &[]);
    }
    assert_eq!(lan.status().groups, 2_500, "500 in half a second");
    let lines = lan.logged();
    let limits = lines.iter().filter(|line| line.event == LogEvent::CreationLimit).count();
    assert_eq!(limits, 1, "one line a minute");
    lan.wait(60_000);
    for n in 3_000..6_000 {
        lan.report(HOST, IsEx, &group(n), &[]);
    }
    let lines = lan.logged();
    let again = lines.iter().find(|line| line.event == LogEvent::CreationLimit);
    assert_eq!(again.unwrap().left_out, 1_499);
}

#[test]
fn i76_sources_are_creations_too() {
    let mut lan = Lan::new(LinkConfig { max_sources: 5_000, ..config() });
    let all: Vec<u32> = (1..=3_000).collect();
    lan.report(HOST, Allow, G, &all);
    assert_eq!(lan.counters().creations_limited, 1_001, "the group took one of 2,000");
}

#[test]
fn i76_sequences_of_queries_are_limited_and_leaves_beyond_end_by_gmi() {
    let mut lan = Lan::new(config());
    join(&mut lan, 0..1_000);
    lan.wait(1_000);
    lan.done();
    for n in 0..1_000 {
        lan.report(HOST, ToIn, &group(n), &[]);
    }
    let asked = lan.done().iter().filter(|what| what.starts_with("Q(")).count();
    assert_eq!(asked, 400, "the burst");
    assert_eq!(lan.counters().queries_limited, 600);
    lan.wait(2_000);
    assert_eq!(lan.status().groups, 600);
    for n in 0..1_000 {
        lan.report(HOST, ToIn, &group(n), &[]);
    }
    lan.wait(2_000);
    assert_eq!(lan.status().groups, 200, "400 in two seconds");
    lan.wait(300_000);
    assert_eq!(lan.status().groups, 0);
}

#[test]
fn i75_timers_run_before_each_packet() {
    // However many packets come, a timer that is due is never kept waiting by them.
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, ToIn, G, &[]);
    lan.done();
    lan.now += 2_000;
    let record = OwnRecord { kind: Block, group: addr("239.7.7.7"), sources: &[source(1)] };
    lan.message(HOST, "224.0.0.22", &codec::report_v3(&[record]));
    assert_eq!(lan.state(G), "-");
}
