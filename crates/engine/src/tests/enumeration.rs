//! Chapter 7: enumerating groups.

use super::*;

/// A owns 1, B owns 2 with IGMP beside it.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("I", &[2]);
    r
}

fn rest(r: &Router, kind: EnumKind, mut last: Option<Flow>) -> Vec<String> {
    let mut flows = Vec::new();
    while let Some(flow) = r.engine.groups(kind, last).next() {
        flows.push(flow.to_string());
        last = Some(flow);
        assert!(flows.len() < 100, "it never ends");
    }
    flows
}

#[test]
fn t7_1_all_sources_has_every_joined_flow_once() {
    let mut r = stage();
    for text in ["(*, *)", "(*, 239.2.2.2)", "(10.0.0.1, 239.2.2.2)", "(10.0.0.1, 239.1.1.1)"] {
        for (name, interface) in [("A", 1), ("B", 2), ("I", 2)] {
            r.join(name, text, interface);
        }
    }
    assert_eq!(
        rest(&r, EnumKind::AllSources, None),
        ["(*, *)", "(10.0.0.1, 239.1.1.1)", "(*, 239.2.2.2)", "(10.0.0.1, 239.2.2.2)"]
    );
    // One membership is enough, and the last delete ends it.
    for (name, interface) in [("A", 1), ("B", 2)] {
        r.leave(name, "(*, *)", interface);
    }
    assert_eq!(rest(&r, EnumKind::AllSources, None).len(), 4);
    r.leave("I", "(*, *)", 2);
    assert_eq!(rest(&r, EnumKind::AllSources, None).len(), 3);
}

#[test]
fn t7_1_any_source_has_groups_with_a_source_specific_join() {
    let mut r = stage();
    for text in [
        "(*, *)",
        "(*, 239.1.1.1)",
        "(10.0.0.1, 239.2.2.2)",
        "(10.0.0.2, 239.2.2.2)",
        "(*, 239.3.3.3)",
        "(10.0.0.1, 239.3.3.3)",
    ] {
        r.join("A", text, 1);
    }
    assert_eq!(rest(&r, EnumKind::AnySource, None), ["(*, 239.2.2.2)", "(*, 239.3.3.3)"]);
}

#[test]
fn t7_1_link_local_groups_are_joined_and_so_listed() {
    let mut r = stage();
    r.join("I", "(*, 224.0.0.251)", 2);
    assert_eq!(rest(&r, EnumKind::AllSources, None), ["(*, 224.0.0.251)"]);
}

#[test]
fn t7_1_nobody_joined_nothing_listed() {
    let mut r = stage();
    r.forward_on("A", "(*, 239.1.1.1)", 1);
    for kind in [EnumKind::AllSources, EnumKind::AnySource] {
        assert!(rest(&r, kind, None).is_empty());
    }
}

#[test]
fn t7_3_what_stays_is_returned_once_whatever_changes_meanwhile() {
    let mut r = stage();
    for text in ["(*, 239.1.1.1)", "(10.0.0.1, 239.2.2.2)", "(10.0.0.1, 239.4.4.4)"] {
        r.join("A", text, 1);
    }
    let first = r.engine.groups(EnumKind::AllSources, None).next();
    assert_eq!(first, Some(flow("(*, 239.1.1.1)")));
    // The entry at which the enumeration is goes. Others are added before and after it.
    r.leave("A", "(*, 239.1.1.1)", 1);
    r.join("A", "(*, 239.0.0.1)", 1);
    r.join("A", "(10.0.0.1, 239.3.3.3)", 1);
    assert_eq!(
        rest(&r, EnumKind::AllSources, first),
        ["(10.0.0.1, 239.2.2.2)", "(10.0.0.1, 239.3.3.3)", "(10.0.0.1, 239.4.4.4)"]
    );
    let second = Some(flow("(*, 239.2.2.2)"));
    r.join("A", "(10.0.0.9, 239.2.2.2)", 1);
    assert_eq!(rest(&r, EnumKind::AnySource, second), ["(*, 239.3.3.3)", "(*, 239.4.4.4)"]);
}

#[test]
fn t7_3_the_very_last_group_ends_it() {
    let mut r = stage();
    r.join("A", "(*, 239.255.255.255)", 1);
    r.join("A", "(223.255.255.255, 239.255.255.255)", 1);
    for kind in [EnumKind::AllSources, EnumKind::AnySource] {
        let listed = rest(&r, kind, None);
        assert_eq!(listed.len(), if kind == EnumKind::AllSources { 2 } else { 1 });
    }
}
