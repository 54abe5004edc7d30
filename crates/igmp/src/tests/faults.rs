//! Faults and attacks (I77 to I80, T84, T85).

use super::lan::*;
use crate::codec::tests::{headed, valid_messages};
use crate::codec::{self, QueryBody, RecordType::*};
use crate::*;

#[test]
fn t84_silent_forger() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.report(HOST, Allow, "239.1.1.2", &[1]);
    lan.done();
    // One that hosts answer within 3,174 s (code 0xff) elects nobody.
    lan.query("10.0.0.1", "0.0.0.0", 3_174_400, v3(false, 2, 125));
    assert!(lan.status().querier);
    lan.query("10.0.0.1", "0.0.0.0", 10_000, QueryBody::V2);
    assert!(!lan.status().querier);
    // The hosts answer as v2 hosts, then nobody asks them until OQPI is over.
    lan.wait(9_000);
    lan.v2_report(HOST, G);
    lan.v2_report(HOST, "239.1.1.2");
    lan.wait(246_000);
    assert!(lan.status().querier);
    assert_eq!(lan.status().version, 3);
    lan.wait(10_000);
    lan.report(HOST, IsEx, G, &[]);
    lan.report(HOST, IsIn, "239.1.1.2", &[1]);
    let deletes = lan.done().into_iter().filter(|what| what.starts_with("-(*"));
    assert_eq!(deletes.count(), 0, "nothing that hosts want was lost");
    assert_eq!(lan.state(G), "EX(;)");
}

#[test]
fn i77_leaves_wait_while_a_forger_counts_as_querier() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.general_query("10.0.0.1", 2, 125);
    lan.done();
    lan.report(HOST, ToIn, G, &[]);
    assert_eq!((lan.done(), lan.state(G)), (vec![], "EX(;)".into()));
    assert!(lan.ends_after(G) <= 270_000);
}

#[test]
fn i77_the_forger_is_named() {
    let mut lan = Lan::new(config());
    lan.general_query("10.0.0.1", 2, 125);
    assert_eq!(lan.logged()[0].event, LogEvent::OtherQuerier(addr("10.0.0.1")));
}

#[test]
fn i78_a_forged_leave_costs_queries_and_no_stream_whose_host_answers() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[]);
    lan.wait(10_000);
    lan.done();
    for _ in 0..10 {
        lan.leave("10.0.0.66", G);
        lan.wait(900);
        lan.report(HOST, IsEx, G, &[]);
        lan.wait(2_000);
        let done: Vec<String> = lan.done().into_iter().filter(|what| what != "Q").collect();
        assert_eq!(done, ["Q(239.1.1.1)", "Q(239.1.1.1) S"], "LMQC queries, no library call");
    }
}

#[test]
fn i78_a_forged_join_ends_after_gmi() {
    let mut lan = Lan::new(config());
    lan.report("10.0.0.66", ToEx, G, &[]);
    assert_eq!(lan.ends_after(G), 270_000);
}

#[test]
fn i79_a_send_that_fails_is_counted_and_the_schedule_goes_on() {
    let mut lan = Lan::new(config());
    lan.event(Event::SendFailed { link: LINK, errno: 105 });
    lan.event(Event::SendFailed { link: LINK, errno: 105 });
    assert_eq!(lan.counters().send_failures, 2);
    let lines = lan.logged();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].event, LogEvent::SendFailed(105));
    lan.wait(31_250);
    assert_eq!(lan.done(), ["Q"]);
}

#[test]
fn i79_lost_packets_are_counted_and_reported() {
    let mut lan = Lan::new(config());
    lan.event(Event::PacketsLost { link: LINK, packets: 17 });
    assert_eq!(lan.counters().packets_lost, 17);
    assert_eq!(lan.logged()[0].to_string(), "the receive buffer was full: 17 packets were lost");
}

/// T85: the clock jumps three days.
#[test]
fn t85_suspend() {
    let mut lan = Lan::new(config());
    for n in 0..100 {
        lan.report(HOST, ToEx, &format!("239.1.2.{n}"), &[]);
    }
    lan.report(HOST, Allow, G, &[1, 2, 3]);
    lan.report(HOST, Block, G, &[1, 2]);
    lan.report(HOST, ToIn, "239.1.2.5", &[]);
    lan.done();
    lan.jump(3 * 24 * 3_600_000);
    let done = lan.done();
    let queries: Vec<&String> = done.iter().filter(|what| what.starts_with('Q')).collect();
    assert_eq!(queries, ["Q"]);
    assert_eq!(done.len(), 1 + 103, "and one delete for each membership");
    assert_eq!(lan.status().groups, 0);
    assert_eq!(lan.igmp.next_deadline(), Some(Time(lan.now + 125_000)));
}

#[test]
fn i2_a_late_call_of_a_non_querier_sends_one_query_too() {
    let mut lan = Lan::new(config());
    lan.general_query("10.0.0.1", 2, 125);
    lan.jump(3 * 24 * 3_600_000);
    assert_eq!(lan.done(), ["Q"]);
}

#[test]
fn i80_a_restart_takes_over_what_was_saved() {
    let mut former = Lan::new(config());
    former.report(HOST, ToEx, G, &[2]);
    former.report(HOST, Allow, G, &[1]);
    former.report(HOST, Allow, "239.1.1.2", &[3]);
    let saved = former.igmp.saved(LINK);
    let mut lan = Lan::new(config());
    lan.event(Event::Restore { link: LINK, groups: saved.clone() });
    assert_eq!(lan.igmp.saved(LINK), saved);
    assert_eq!(lan.done(), ["+(*,239.1.1.1)", "-F(10.0.0.2,239.1.1.1)", "+(10.0.0.3,239.1.1.2)"]);
    lan.wait(5_000);
    lan.report(HOST, IsEx, G, &[2]);
    lan.wait(7_000 - 1);
    assert_eq!(lan.state("239.1.1.2"), "IN(3)");
    lan.wait(1);
    assert_eq!(lan.state("239.1.1.2"), "-", "QRI + LMQT without a report");
    assert_eq!(lan.state(G), "EX(;2)");
}

#[test]
fn i80_what_is_read_again_passes_the_lists_and_limits() {
    let saved = |group: &str, exclude, wanted: &[u32]| SavedGroup {
        group: addr(group),
        exclude,
        wanted: wanted.iter().map(|number| source(*number)).collect(),
        excluded: vec![source(9), addr("127.0.0.1")],
    };
    let mut lan = Lan::new(LinkConfig { max_groups: 3, max_sources: 2, ..config() });
    lan.report(HOST, ToEx, "239.1.1.9", &[]);
    let groups = vec![
        saved("10.1.1.1", true, &[]),
        saved("224.0.0.5", true, &[]),
        saved("232.1.1.1", true, &[1]),
        saved("239.1.1.9", false, &[1]),
        saved(G, true, &[1]),
        saved("239.1.1.2", false, &[1, 2, 3]),
        saved("239.1.1.3", true, &[]),
    ];
    lan.event(Event::Restore { link: LINK, groups });
    assert_eq!(lan.status().groups, 3);
    assert_eq!(lan.state(G), "EX(1;9)");
    assert_eq!(lan.state("239.1.1.2"), "IN(1,2)");
    assert_eq!(lan.state("239.1.1.9"), "EX(;)", "what hosts have reported is newer");
}

/// A router that gets messages and parts of messages from everywhere to everywhere.
fn bombard(lan: &mut Lan, random: &mut fastrand::Rng, message: &[u8]) {
    let from = ["0.0.0.0", HOST, "10.0.0.1", ROUTER, "224.0.0.1", "11.1.1.1"];
    let to = ["224.0.0.1", "224.0.0.2", "224.0.0.22", G, "224.0.0.251", ROUTER];
    let (from, to) = (random.choice(from).unwrap(), random.choice(to).unwrap());
    let mut octets = codec::datagram(addr(from), addr(to), message);
    if random.u8(..4) == 0 {
        let at = random.usize(..octets.len());
        octets[at] = random.u8(..);
        if random.bool() {
            octets = headed(octets);
        }
    }
    octets.truncate(octets.len() - random.usize(..octets.len()) * usize::from(random.u8(..8) == 0));
    lan.receive(&octets);
}

/// T86: random and mutated packets, and each truncation of 20 valid ones, with right checksums. The
/// fuzz targets go on from here.
#[test]
fn t86_fuzz_any_bytes() {
    let mut random = fastrand::Rng::with_seed(86);
    let mut lan = Lan::new(LinkConfig { leave: LeaveMode::Tracked, ..config() });
    let messages = valid_messages();
    for message in &messages {
        for length in 0..=message.len() {
            let mut message = message[..length].to_vec();
            if length >= 4 {
                message[2..4].fill(0);
                let sum = codec::checksum(&message).to_be_bytes();
                message[2..4].copy_from_slice(&sum);
            }
            bombard(&mut lan, &mut random, &message);
        }
    }
    for _ in 0..20_000 {
        let mut message = random.choice(&messages).unwrap().clone();
        for _ in 0..random.usize(..5) {
            let at = random.usize(..message.len());
            message[at] = random.u8(..);
        }
        message[2..4].fill(0);
        let sum = codec::checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
        bombard(&mut lan, &mut random, &message);
        if random.u8(..8) == 0 {
            lan.wait(random.u64(..3_000));
        }
    }
    let saved = lan.igmp.saved(LINK);
    let entries: usize = saved.iter().map(|g| 1 + g.wanted.len() + g.excluded.len()).sum();
    assert!(entries <= 65_536 && saved.len() <= 1_024);
    let drops: u64 = DropReason::ALL.iter().map(|reason| lan.dropped(*reason)).sum();
    assert!(drops > 5_000 && lan.counters().reports > 1_000, "both kinds came: {drops}");
}
