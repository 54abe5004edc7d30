//! The table of I32 and its timers (I32 to I34).

use super::lan::*;
use crate::codec::RecordType::{self, *};

const GMI: u64 = 270_000;

/// A group in INCLUDE({1,2}), or EXCLUDE({1,2};{3,4}).
fn lan_in(exclude: bool) -> Lan {
    let mut lan = Lan::new(config());
    if exclude {
        lan.report(HOST, ToEx, G, &[3, 4]);
    }
    lan.report(HOST, Allow, G, &[1, 2]);
    assert_eq!(lan.state(G), if exclude { "EX(1,2;3,4)" } else { "IN(1,2)" });
    lan.wait(100_000);
    lan.done();
    lan
}

/// The state after the record, and the queries of the table.
fn after(exclude: bool, kind: RecordType, sources: &[u32]) -> (String, Vec<String>) {
    let mut lan = lan_in(exclude);
    lan.report(HOST2, kind, G, sources);
    let done = lan.done();
    (lan.state(G), done.into_iter().filter(|what| what.starts_with('Q')).collect())
}

fn q(list: &str) -> String {
    format!("Q(239.1.1.1{list})")
}

#[test]
fn i32_include_rows() {
    let none: Vec<String> = Vec::new();
    assert_eq!(after(false, IsIn, &[2, 5]), ("IN(1,2,5)".into(), none.clone()));
    assert_eq!(after(false, Allow, &[2, 5]), ("IN(1,2,5)".into(), none.clone()));
    assert_eq!(after(false, IsEx, &[2, 5]), ("EX(2;5)".into(), none));
    assert_eq!(after(false, Block, &[2, 5]), ("IN(1,2)".into(), vec![q(",{10.0.0.2}")]));
    assert_eq!(after(false, ToEx, &[2, 5]), ("EX(2;5)".into(), vec![q(",{10.0.0.2}")]));
    assert_eq!(after(false, ToIn, &[2, 5]), ("IN(1,2,5)".into(), vec![q(",{10.0.0.1}")]));
}

#[test]
fn i32_exclude_rows() {
    let none: Vec<String> = Vec::new();
    let asks = |list: &str| vec![q(list)];
    assert_eq!(after(true, IsIn, &[2, 3, 5]), ("EX(1,2,3,5;4)".into(), none.clone()));
    assert_eq!(after(true, Allow, &[2, 3, 5]), ("EX(1,2,3,5;4)".into(), none.clone()));
    assert_eq!(after(true, IsEx, &[2, 3, 5]), ("EX(2,5;3)".into(), none));
    let two_and_five = asks(",{10.0.0.2,10.0.0.5}");
    assert_eq!(after(true, Block, &[2, 3, 5]), ("EX(1,2,5;3,4)".into(), two_and_five.clone()));
    assert_eq!(after(true, ToEx, &[2, 3, 5]), ("EX(2,5;3)".into(), two_and_five));
    let mut both = asks(",{10.0.0.1}");
    both.extend(asks(""));
    assert_eq!(after(true, ToIn, &[2, 3, 5]), ("EX(1,2,3,5;4)".into(), both));
}

#[test]
fn i32_timers_of_new_sources() {
    // (A-X-Y) = GMI for IS_EX, the group timer for BLOCK and TO_EX, which is then lowered.
    let mut lan = lan_in(true);
    lan.report(HOST2, IsEx, G, &[5]);
    assert_eq!(lan.state(G), "EX(5;)");
    assert_eq!(lan.ends_after(G), GMI);
    let mut lan = lan_in(true);
    // Another router queries, so that no query lowers a timer here.
    lan.general_query("10.0.0.1", 2, 125);
    lan.report(HOST2, Block, G, &[5]);
    lan.wait(GMI - 100_000);
    assert_eq!(lan.state(G), "-", "sources and group ended together");
}

#[test]
fn t26_is_in_empty() {
    let mut lan = Lan::new(config());
    lan.report(HOST, Allow, G, &[1]);
    lan.done();
    lan.report(HOST2, IsIn, G, &[]);
    assert_eq!(lan.state(G), "IN(1)");
    assert_eq!(lan.done(), [""; 0]);
}

#[test]
fn t27_allow_empty() {
    let mut lan = Lan::new(config());
    for kind in [Allow, IsIn, Block, ToIn] {
        lan.report(HOST, kind, G, &[]);
        assert_eq!(lan.state(G), "-", "{kind:?}");
    }
    lan.report(HOST, Block, G, &[1]);
    assert_eq!(lan.state(G), "-");
    assert_eq!(lan.done(), [""; 0]);
}

#[test]
fn i33_empty_lists_change_nothing() {
    for exclude in [false, true] {
        for kind in [IsIn, Allow, Block] {
            let before = if exclude { "EX(1,2;3,4)" } else { "IN(1,2)" };
            assert_eq!(after(exclude, kind, &[]), (before.into(), Vec::new()));
        }
    }
}

#[test]
fn i34_a_source_of_include_ends_and_the_group_with_its_last() {
    let mut lan = Lan::new(config());
    lan.report(HOST, Allow, G, &[1]);
    lan.wait(10_000);
    lan.report(HOST, Allow, G, &[2]);
    assert_eq!(lan.ends_after(G), GMI - 10_000);
    assert_eq!(lan.state(G), "IN(2)");
    assert_eq!(lan.ends_after(G), 10_000);
    assert_eq!(lan.state(G), "-");
}

#[test]
fn i34_a_source_of_exclude_moves_to_the_excluded_ones() {
    let mut lan = lan_in(true);
    lan.report(HOST2, IsEx, G, &[1, 3]);
    assert_eq!(lan.state(G), "EX(1;3)");
    assert_eq!(lan.ends_after(G), GMI - 100_000);
    assert_eq!(lan.state(G), "EX(;1,3)");
    assert_eq!(lan.ends_after(G), 100_000);
    assert_eq!(lan.state(G), "-");
}

/// T33: the group timer ends, X stays, and the library gets the add before the delete.
#[test]
fn t33_group_timer_to_include() {
    let mut lan = Lan::new(config());
    lan.report(HOST, ToEx, G, &[2]);
    lan.wait(50_000);
    lan.report(HOST2, Allow, G, &[1]);
    assert_eq!(lan.state(G), "EX(1;2)");
    lan.done();
    lan.wait(GMI - 50_000);
    assert_eq!(lan.state(G), "IN(1)");
    let calls = lan.done().into_iter().filter(|what| !what.starts_with('Q'));
    assert_eq!(calls.collect::<Vec<_>>(), ["+(10.0.0.1,239.1.1.1)", "-(*,239.1.1.1)"]);
}
