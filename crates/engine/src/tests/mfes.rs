//! Chapter 5, second half: MFEs from their installation to their end.

use super::*;
use smallvec::smallvec;

const G: &str = "(*, 239.1.1.1)";
const ALL: &str = "(*, *)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";
const SG2: &str = "(10.0.0.1, 239.1.1.2)";

const TURNED_OFF: &str = "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s";
const TURNED_ON: &str = "A: join (10.0.0.1, 239.1.1.1) mfe";

/// A owns 1, towards the source, and 4; B owns 2; C owns 3. The MFE has the iif 1 and no oif.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "C", "I"]);
    r.owns("A", &[1, 4]).owns("B", &[2]).owns("C", &[3]);
    r.source("10.0.0.1", connected(1));
    r.packet(SG, 1);
    r.heard.clear();
    r.dirty.clear();
    r
}

/// The alerts about first and last oifs.
fn turns(r: &mut Router) -> Vec<String> {
    r.heard.drain(..).filter(|line| line.contains(" mfe")).collect()
}

#[test]
fn t0_7_igmp_alone_is_the_owner_and_gives_way_to_a_protocol() {
    let mut r = Router::with(&["I", "A", "B"]);
    r.owns("I", &[1, 2]).owns("B", &[3]).source("10.0.0.1", connected(1));
    let sg = "(10.0.0.1, 239.1.1.1)";
    r.join("B", sg, 3);
    r.packet(sg, 1);
    r.packet(sg, 2);
    r.leave("B", sg, 3);
    // IGMP gets all alerts that an owner gets.
    r.expect(&[
        "I: join (10.0.0.1, 239.1.1.1) member",
        "I: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3",
        "I: wrong if (10.0.0.1, 239.1.1.1) on interface 2",
        "I: prune (10.0.0.1, 239.1.1.1) on interface 3",
        "I: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
    ]);
    r.set_mfe("I", sg, "10.9.9.9", 0);
    r.take("A", 1);
    r.heard.clear();
    r.join("B", sg, 3);
    r.packet(sg, 1);
    r.expect(&[
        "A: join (10.0.0.1, 239.1.1.1) member",
        "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 3",
    ]);
    r.refuses(Code::CanNotComplete, |r| r.try_set_mfe("I", flow(sg), "10.9.9.9", 0));
}

#[test]
fn t0_5_a_negative_mfe_drops_what_it_accepts() {
    let mut r = stage();
    assert_eq!(r.packet(SG, 1), Outcome::Forwarded(smallvec![]));
    assert_eq!(r.row(SG).expect("an MFE").packets, 1);
}

#[test]
fn t5_5_the_answer_is_the_mfes_time_out() {
    let mut r = stage();
    for (answer, timeout, expiry) in [
        (30, 30, Some(30_000)),
        (0, 900, Some(900_000)),
        (u32::MAX, u32::MAX, None),
        (7, 7, Some(7_000)),
    ] {
        r.join("B", SG, 2);
        r.answers_time_out("A", answer);
        r.leave("B", SG, 2);
        let row = r.row(SG).expect("an MFE");
        assert_eq!((row.timeout, row.expiry_ms(), row.up_ms), (timeout, expiry, 0));
    }
}

#[test]
fn t5_5_the_question_comes_with_the_default_whatever_was_answered_before() {
    let mut r = stage();
    r.answers_time_out("A", 30);
    for _ in 0..2 {
        r.join("B", SG, 2);
        r.leave("B", SG, 2);
        assert_eq!(turns(&mut r), [TURNED_ON, TURNED_OFF]);
    }
}

#[test]
fn t5_5_an_answer_begins_the_mfes_life_anew() {
    let mut r = stage();
    r.seconds_pass(800);
    r.join("B", SG, 2);
    r.answers_time_out("A", 200);
    r.leave("B", SG, 2);
    r.seconds_pass(150);
    assert_eq!(r.row(SG).expect("still alive").expiry_ms(), Some(50_000));
    r.seconds_pass(50);
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t5_5_a_late_answer_about_a_former_mfe_is_void() {
    let mut r = stage();
    r.join("B", SG, 2);
    r.stays_in("A", NoticeKind::Prune);
    r.answers_time_out("A", 1);
    r.leave("B", SG, 2);
    r.seconds_pass(900);
    // The next MFE is A's as well, which needs no answer of A's where it has no RPF_CALLBACK.
    let late = r.party("A").inside.take();
    r.party("A").habits.time_out = Some(60);
    r.packet(SG, 1);
    r.party("A").inside = late;
    r.answers_time_out("A", 1);
    r.returns("A");
    assert_eq!(r.row(SG).expect("an MFE").timeout, 60);
}

#[test]
fn t5_5_a_late_answer_of_one_who_lost_the_iif_is_void() {
    let mut r = stage();
    r.join("B", SG, 2);
    r.stays_in("A", NoticeKind::Prune);
    r.answers_time_out("A", 1);
    r.leave("B", SG, 2);
    r.release("A", 1);
    r.take("C", 1);
    r.packet(SG, 1);
    r.returns("A");
    assert_eq!(r.row(SG).expect("C's MFE").timeout, 900);
}

#[test]
fn t5_6_an_mfe_that_forwards_nothing_ends_in_silence() {
    let mut r = stage();
    assert_eq!(r.engine.next_deadline(), Some(r.now.plus_secs(900)));
    r.seconds_pass(899);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.seconds_pass(1);
    assert_eq!(r.mfe(SG), "no MFE");
    r.expect_nothing();
    assert_eq!(r.dirty, [flow(SG)]);
    assert_eq!(r.engine.next_deadline(), None);
    assert!(r.known_sources().is_empty());
}

#[test]
fn t5_6_a_tick_takes_no_more_than_its_share() {
    let mut r = stage();
    r.packet(SG2, 1);
    let now = Time(u64::MAX / 2);
    let mut ticks = 0;
    while r.engine.next_deadline().is_some_and(|deadline| deadline <= now) {
        let before = r.engine.mfe_count();
        r.run(|engine, fx| engine.tick(now, 1, |_| Ok(None), fx));
        assert!(r.engine.mfe_count() + 1 >= before);
        ticks += 1;
    }
    assert_eq!(r.engine.mfe_count(), 0);
    assert!(ticks >= 2);
}

#[test]
fn t5_6_an_outdated_end_is_not_the_end_of_a_newer_mfe() {
    let mut r = stage();
    r.seconds_pass(300);
    r.release("A", 1); // ends it 600 s before its time
    r.take("A", 1);
    r.packet(SG, 1);
    r.seconds_pass(600);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.seconds_pass(300);
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t5_7_wrong_if_goes_to_the_owner_of_the_arrival_interface() {
    let mut r = stage();
    r.owns("I", &[3, 7]);
    for arrival in [2, 3, 7] {
        let outcome = r.packet(SG, arrival);
        assert_eq!(outcome, Outcome::Refused(Refused::WrongInterface));
    }
    r.expect(&[
        "B: wrong if (10.0.0.1, 239.1.1.1) on interface 2",
        "C: wrong if (10.0.0.1, 239.1.1.1) on interface 3",
        "I: wrong if (10.0.0.1, 239.1.1.1) on interface 7",
    ]);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.wrong_if, row.packets), (3, 0));
}

#[test]
fn t5_7_at_most_once_in_three_seconds_a_flow_and_interface() {
    let mut r = stage();
    r.packet(SG2, 1);
    r.heard.clear();
    r.packet(SG, 2);
    r.now = Time(r.now.0 + 2999);
    r.packet(SG, 2);
    r.expect(&["B: wrong if (10.0.0.1, 239.1.1.1) on interface 2"]);
    r.packet(SG2, 2);
    r.packet(SG, 3);
    r.expect(&[
        "B: wrong if (10.0.0.1, 239.1.1.2) on interface 2",
        "C: wrong if (10.0.0.1, 239.1.1.1) on interface 3",
    ]);
    r.now = Time(r.now.0 + 1);
    r.packet(SG, 2);
    r.expect(&["B: wrong if (10.0.0.1, 239.1.1.1) on interface 2"]);
}

#[test]
fn t5_7_the_memory_of_it_is_thrown_out_in_time() {
    let mut r = stage();
    r.packet(SG, 2);
    assert_eq!(r.engine.next_deadline(), Some(r.now.plus_secs(3)));
    r.seconds_pass(3);
    assert!(format!("{:?}", r.engine.tables.wrong_ifs).contains("told: {}"));
    assert_eq!(r.engine.next_deadline(), Some(r.now.plus_secs(897)));
}

#[test]
fn t5_8_the_last_oif_gone_prunes_and_the_first_one_joins() {
    let mut r = stage();
    r.join("B", G, 2);
    assert_eq!(turns(&mut r), [TURNED_ON]);
    r.join("C", G, 3);
    r.leave("B", G, 2);
    assert!(turns(&mut r).is_empty());
    r.leave("C", G, 3);
    assert_eq!(turns(&mut r), [TURNED_OFF]);
}

#[test]
fn t5_8_each_mfe_speaks_for_itself() {
    let mut r = stage();
    r.packet(SG2, 1);
    r.heard.clear();
    r.join("B", SG2, 2);
    r.heard.clear();
    r.join("B", ALL, 2);
    assert_eq!(turns(&mut r), [TURNED_ON]);
    r.leave("B", ALL, 2);
    assert_eq!(turns(&mut r), [TURNED_OFF]);
}

#[test]
fn t5_8_not_when_the_iifs_owner_itself_caused_it() {
    let mut r = stage();
    r.join("A", G, 4);
    r.leave("A", G, 4);
    r.forward_on("A", SG, 4);
    r.forward_off("A", SG, 4);
    r.join("A", G, 4);
    assert_eq!(r.mfe(SG), "interface 1 to interface 4");
    r.release("A", 4);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    assert!(turns(&mut r).is_empty());
}

#[test]
fn t5_8_igmps_act_on_its_interface_is_news_to_the_owner() {
    let mut r = stage();
    r.owns("I", &[4]);
    r.join("I", G, 4);
    r.leave("I", G, 4);
    assert_eq!(turns(&mut r), [TURNED_ON, TURNED_OFF]);
}

#[test]
fn t5_8_by_whatever_cause() {
    let mut r = stage();
    r.owns("I", &[2, 7]);
    type Act = fn(&mut Router);
    let ups_and_downs: [(&str, Act, Act); 5] = [
        (
            "release",
            |r| r.join("B", G, 2),
            |r| {
                r.release("B", 2);
                r.take("B", 2);
            },
        ),
        (
            "igmp leaves",
            |r| r.join("I", G, 2),
            |r| {
                r.release("I", 2);
                r.take("I", 2);
            },
        ),
        ("forward", |r| r.forward_on("B", SG, 2), |r| r.forward_off("B", SG, 2)),
        ("override cleared", |r| r.forward_on("B", SG, 2), |r| r.leave("B", SG, 2)),
        (
            "taken from igmp",
            |r| r.join("I", G, 7),
            |r| {
                r.take("C", 7);
                r.release("C", 7);
            },
        ),
    ];
    for (what, up, down) in ups_and_downs {
        up(&mut r);
        assert_eq!(turns(&mut r), [TURNED_ON], "{what}");
        down(&mut r);
        assert_eq!(turns(&mut r), [TURNED_OFF], "{what}");
    }
}

#[test]
fn t5_8_a_forward_add_without_an_mfe_asks_upstream() {
    let mut r = stage();
    r.source("10.0.0.9", connected(1));
    r.forward_on("B", "(10.0.0.9, 239.1.1.1)", 2);
    r.expect(&["A: join (10.0.0.9, 239.1.1.1) mfe"]);
    // Not itself, not for a group, not for a source nobody is towards, not to switch off.
    r.forward_on("A", "(10.0.0.9, 239.1.1.1)", 4);
    r.forward_on("B", "(*, 239.7.7.7)", 2);
    r.forward_on("B", "(10.0.0.8, 239.1.1.1)", 2);
    r.forward_off("B", "(10.0.0.9, 239.1.1.1)", 2);
    r.expect_nothing();
    assert_eq!(r.known_sources(), [addr("10.0.0.1")]);
}

#[test]
fn t5_9_the_upstream_neighbour_changes() {
    let mut r = stage();
    r.set_mfe("A", SG, "10.9.9.9", 0);
    let row = r.row(SG).expect("an MFE");
    assert_eq!((row.upstream, row.iif), (addr("10.9.9.9"), 1.there()));
    assert!(r.log.is_empty());
}

#[test]
fn t5_9_an_interface_of_the_callers_becomes_the_iif() {
    let mut r = stage();
    r.join("B", G, 2);
    r.join("A", G, 4);
    r.join("A", G, 1);
    r.heard.clear();
    assert_eq!(r.mfe(SG), "interface 1 to interface 4, interface 2");
    r.set_mfe("A", SG, "10.9.9.9", 4);
    // The new iif is no longer an oif, and the former iif is one.
    assert_eq!(r.mfe(SG), "interface 4 to interface 1, interface 2");
    assert_eq!(r.packet(SG, 1), Outcome::Refused(Refused::WrongInterface));
    r.set_mfe("A", SG, "10.9.9.9", 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 4, interface 2");
}

#[test]
fn t5_9_what_the_caller_does_to_its_own_oifs_it_is_not_told() {
    let mut r = stage();
    r.join("A", G, 4);
    r.heard.clear();
    r.set_mfe("A", SG, "10.9.9.9", 4);
    assert_eq!(r.mfe(SG), "interface 4 to nowhere");
    r.expect_nothing();
}

#[test]
fn t5_9_a_foreign_interface_leaves_the_iif() {
    let mut r = stage();
    for interface in [2, 99] {
        r.set_mfe("A", SG, "10.9.9.9", interface);
        assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    }
    assert_eq!(r.row(SG).expect("an MFE").upstream, addr("10.9.9.9"));
    assert_eq!(r.log.len(), 2);
}

#[test]
fn t5_9_only_for_the_owner_of_the_iif() {
    let mut r = stage();
    r.refuses(Code::CanNotComplete, |r| r.try_set_mfe("B", flow(SG), "10.9.9.9", 2));
    r.refuses(Code::NotFound, |r| r.try_set_mfe("A", flow(SG2), "10.9.9.9", 1));
    r.refuses(Code::NotFound, |r| r.try_set_mfe("A", flow(G), "10.9.9.9", 1));
}

#[test]
fn t5_9_an_override_waits_under_the_iif() {
    let mut r = stage();
    r.forward_on("A", SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.set_mfe("A", SG, "0.0.0.0", 4);
    assert_eq!(r.mfe(SG), "interface 4 to interface 1");
}
