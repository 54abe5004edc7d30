//! Specific queries (I35 to I38).

use super::lan::*;
use crate::codec::RecordType::*;
use crate::*;

fn queries(lan: &mut Lan) -> Vec<(u64, String)> {
    lan.timed().into_iter().filter(|(_, what)| what.starts_with("Q(")).collect()
}

/// EXCLUDE({};{}) for G since 10 s ago; the clock stands at 10 s.
fn joined(config: LinkConfig) -> Lan {
    let mut lan = Lan::new(config);
    lan.report(HOST, ToEx, G, &[]);
    lan.wait(10_000);
    lan.done();
    lan
}

#[test]
fn i35_a_leave_is_asked_about_lmqc_times_and_ends_after_lmqt() {
    let mut lan = joined(config());
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!(lan.ends_after(G), 2_000);
    assert_eq!(
        queries(&mut lan),
        [(10_000, "Q(239.1.1.1)".into()), (11_000, "Q(239.1.1.1)".into())]
    );
    let mut lan = joined(LinkConfig {
        last_member_query_count: Some(4),
        last_member_query_interval: 500,
        ..config()
    });
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!(lan.ends_after(G), 2_000);
    let times: Vec<u64> = queries(&mut lan).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [10_000, 10_500, 11_000, 11_500]);
}

/// T30: after an answer the second query has S set, and the group stays.
#[test]
fn t30_s_flag_after_report() {
    let mut lan = joined(config());
    lan.report(HOST, ToIn, G, &[]);
    lan.wait(500);
    lan.report(HOST2, IsEx, G, &[]);
    assert_eq!(lan.ends_after(G), 270_000);
    assert_eq!(
        queries(&mut lan),
        [(10_000, "Q(239.1.1.1)".into()), (11_000, "Q(239.1.1.1) S".into())]
    );
}

#[test]
fn t31_two_messages() {
    let mut lan = Lan::new(config());
    lan.report(HOST, Allow, G, &[1, 2, 3]);
    lan.wait(10_000);
    lan.done();
    lan.report(HOST, Block, G, &[1, 2]);
    lan.wait(500);
    lan.report(HOST2, IsIn, G, &[1]);
    lan.wait(10_000);
    assert_eq!(
        queries(&mut lan),
        [
            (10_000, "Q(239.1.1.1,{10.0.0.1,10.0.0.2})".into()),
            (11_000, "Q(239.1.1.1,{10.0.0.1}) S".into()),
            (11_000, "Q(239.1.1.1,{10.0.0.2})".into()),
        ]
    );
    assert_eq!(lan.state(G), "IN(1,3)");
}

#[test]
fn i35_a_further_leave_starts_nothing_until_a_report_comes() {
    let mut lan = joined(config());
    lan.report(HOST, ToIn, G, &[]);
    for _ in 0..4 {
        lan.wait(400);
        lan.report(HOST2, ToIn, G, &[]);
    }
    assert_eq!(lan.ends_after(G), 400);
    assert_eq!(queries(&mut lan).len(), 2);
    let mut lan = joined(config());
    lan.report(HOST, ToIn, G, &[]);
    lan.report(HOST2, IsEx, G, &[]);
    lan.wait(500);
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!(lan.ends_after(G), 2_000);
    let times: Vec<u64> = queries(&mut lan).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [10_000, 10_500, 11_500], "the new sequence takes over");
}

#[test]
fn t34_leave_storm() {
    let mut lan = joined(config());
    for n in 0..1_000 {
        lan.leave(&format!("10.0.0.{}", 20 + n % 200), G);
        lan.wait(1);
    }
    lan.wait(1_000);
    assert_eq!(queries(&mut lan).len(), 2);
    assert_eq!(lan.state(G), "-");
}

#[test]
fn i36_only_timers_above_lmqt_are_lowered_and_asked_about() {
    let mut lan = Lan::new(config());
    lan.report(HOST, Allow, G, &[1]);
    lan.wait(269_000);
    lan.report(HOST, Allow, G, &[2]);
    lan.done();
    lan.report(HOST, Block, G, &[1, 2]);
    assert_eq!(lan.ends_after(G), 1_000, "source 1 keeps its second");
    assert_eq!(
        queries(&mut lan),
        [(269_000, "Q(239.1.1.1,{10.0.0.2})".into()), (270_000, "Q(239.1.1.1,{10.0.0.2})".into())]
    );
    lan.report(HOST, Allow, G, &[3]);
    lan.wait(2_000);
    assert_eq!(lan.state(G), "IN(3)");
}

#[test]
fn i36_new_sources_are_sent_at_once_and_share_the_running_schedule() {
    let mut lan = Lan::new(LinkConfig { last_member_query_count: Some(3), ..config() });
    lan.report(HOST, Allow, G, &[1, 2]);
    lan.wait(10_000);
    lan.done();
    lan.report(HOST, Block, G, &[1]);
    lan.wait(400);
    lan.report(HOST, Block, G, &[2]);
    lan.wait(20_000);
    let all = queries(&mut lan);
    assert_eq!(
        all,
        [
            (10_000, "Q(239.1.1.1,{10.0.0.1})".into()),
            (10_400, "Q(239.1.1.1,{10.0.0.2})".into()),
            (11_000, "Q(239.1.1.1,{10.0.0.1,10.0.0.2})".into()),
            (12_000, "Q(239.1.1.1,{10.0.0.1,10.0.0.2})".into()),
        ]
    );
    assert_eq!(lan.state(G), "-");
}

#[test]
fn i36_the_query_with_s_is_left_out_when_the_group_is_asked_about_too() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, G, &[1, 2]);
    lan.wait(10_000);
    lan.done();
    lan.report(HOST, ToIn, G, &[]);
    lan.wait(500);
    lan.report(HOST2, IsIn, G, &[1]);
    lan.wait(1_000);
    assert_eq!(
        queries(&mut lan),
        [
            (10_000, "Q(239.1.1.1,{10.0.0.1,10.0.0.2})".into()),
            (10_000, "Q(239.1.1.1)".into()),
            (11_000, "Q(239.1.1.1,{10.0.0.2})".into()),
            (11_000, "Q(239.1.1.1)".into()),
        ]
    );
}

/// 1,000 sources that are blocked, on a link of this MTU: the sources of each query.
fn split(mtu: u32, sources: u32) -> Vec<usize> {
    let mut lan = Lan::new(LinkConfig { max_sources: 2_000, ..config() });
    lan.event(Event::Link { link: LINK, info: LinkInfo { mtu, ..up(&[ROUTER]) } });
    let all: Vec<u32> = (1..=sources).collect();
    for part in all.chunks(300) {
        lan.report(HOST, Allow, G, part);
    }
    lan.done();
    for part in all.chunks(1_000) {
        lan.report(HOST, Block, G, part);
    }
    let sent = lan.sent();
    assert!(sent.iter().all(|sent| sent.octets.len() <= mtu as usize));
    let mut asked: Vec<u8> = sent.iter().flat_map(|sent| sent.octets[36..].to_vec()).collect();
    asked.sort_unstable();
    assert_eq!(asked.len(), 4 * sources as usize);
    sent.iter().map(|sent| (sent.octets.len() - 36) / 4).collect()
}

#[test]
fn i37_a_query_has_as_many_sources_as_the_mtu_allows() {
    assert_eq!(split(1_500, 1_000), [366, 366, 268]);
}

#[test]
fn t88_mtu_576() {
    assert_eq!(split(576, 500), [135, 135, 135, 95]);
}

#[test]
fn i37_no_query_is_longer_than_a_datagram_can_be() {
    let mut lan = Lan::new(LinkConfig { max_sources: 20_000, ..config() });
    // The MTU of lo; a datagram says its length in 16 bits.
    lan.event(Event::Link { link: LINK, info: LinkInfo { mtu: 65_536, ..up(&[ROUTER]) } });
    let all: Vec<u32> = (1..=17_000).collect();
    for part in all.chunks(1_000) {
        lan.report(HOST, Allow, G, part);
        lan.wait(1_000);
    }
    lan.done();
    lan.report(HOST, ToIn, G, &[]);
    let lengths: Vec<usize> = lan.sent().iter().map(|sent| sent.octets.len()).collect();
    assert_eq!(lengths, [36 + 4 * 16_374, 36 + 4 * 626]);
}

#[test]
fn i38_a_non_querier_lowers_no_timer_and_what_is_asked_about_stays_a_member() {
    let mut lan = joined(config());
    lan.general_query("10.0.0.1", 2, 125);
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!(lan.ends_after(G), 260_000);
    let mut lan = joined(config());
    lan.report(HOST, ToIn, G, &[]);
    lan.wait(1_999);
    assert_eq!(lan.state(G), "EX(;)");
    assert!(!lan.done().contains(&"-(*,239.1.1.1)".into()));
    lan.wait(1);
    assert_eq!(lan.done(), ["-(*,239.1.1.1)"]);
}
