//! Chapter 3: memberships, and their effects on MFEs.

use super::*;

const G: &str = "(*, 239.1.1.1)";
const ALL: &str = "(*, *)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";

/// A owns 1, towards the source, and 4; B owns 2 with IGMP beside it; IGMP has 3 alone.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1, 4]).owns("B", &[2]).owns("I", &[2, 3]);
    r.source("10.0.0.1", connected(1));
    r
}

/// The same with an MFE that no client wants.
fn negative() -> Router {
    let mut r = stage();
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.heard.clear();
    r.dirty.clear();
    r
}

#[test]
fn t3_1_adding_needs_an_interface_of_the_callers() {
    let mut r = stage();
    for (name, interface) in [("A", 2), ("A", 3), ("I", 1), ("A", 99), ("I", 99)] {
        for join in [Join::State, Join::Forward] {
            r.refuses(Code::InvalidParameter, |r| r.try_join(name, flow(G), interface, join));
        }
    }
    // The index alone is not the interface.
    r.refuses(Code::InvalidParameter, |r| r.try_join("A", flow(G), (1, "10.0.0.9"), Join::State));
}

#[test]
fn t3_1_deleting_tells_nobodys_interface_from_anothers() {
    let mut r = stage();
    r.join("B", G, 2);
    for join in [Join::State, Join::Forward] {
        r.refuses(Code::InvalidParameter, |r| r.try_leave("A", flow(G), 2, join));
        r.refuses(Code::InvalidParameter, |r| r.try_leave("I", flow(G), 1, join));
        r.refuses(Code::NotFound, |r| r.try_leave("A", flow(G), 99, join));
        r.refuses(Code::NotFound, |r| r.try_leave("A", flow(G), (1, "10.0.0.9"), join));
    }
}

#[test]
fn t3_2_link_local_groups_are_joined_but_never_told_nor_forwarded() {
    let mut r = stage();
    for text in ["(*, 224.0.0.251)", "(10.0.0.1, 224.0.0.251)"] {
        r.join("A", text, 4);
        r.join("I", text, 2);
        r.forward_on("A", text, 4);
        r.forward_off("A", text, 4);
        r.leave("I", text, 2);
        r.expect(&[
            &format!("B: local join {text} on interface 2"),
            &format!("B: local leave {text} on interface 2"),
        ]);
        assert!(r.engine.tables.flows.members(flow(text)).is_some());
    }
    let outcome = r.packet("(10.0.0.1, 224.0.0.251)", 1);
    assert_eq!(outcome, Outcome::Refused(Refused::LinkLocal));
    // Nor does a change of the route or of the owner, or the end of a wildcard, cause alerts about them.
    r.join("B", ALL, 2);
    r.leave("B", ALL, 2);
    r.reroute("10.0.0.1", connected(2));
    r.release("A", 4);
    let told = r.heard.iter().filter(|line| line.contains("224.0.0.251")).count();
    assert_eq!(told, 0, "{:?}", r.heard);
    assert!(r.engine.tables.flows.mfe_len() == 0 && r.engine.tables.flows.wanted_len() == 0);
    r.expect(&[
        "A: join (*, *) member",
        "I: join (*, *) member",
        "A: prune (*, *) on interface 2",
        "I: prune (*, *) on interface 2",
    ]);
}

#[test]
fn t3_2_source_specific_multicast_is_nothing_special() {
    let mut r = stage();
    r.join("B", "(*, 232.1.1.1)", 2);
    r.expect(&["A: join (*, 232.1.1.1) member", "I: join (*, 232.1.1.1) member"]);
}

#[test]
fn t3_3_join_records_and_updates_the_mfes() {
    for text in [SG, G, ALL] {
        let mut r = negative();
        r.join("B", text, 2);
        assert_eq!(r.mfe(SG), "interface 1 to interface 2", "{text}");
        assert!(r.engine.tables.flows.members(flow(text)).is_some());
        assert_eq!(r.dirty, [flow(SG)]);
        r.leave("B", text, 2);
        assert_eq!(r.mfe(SG), "interface 1 to nowhere", "{text}");
        assert!(r.engine.tables.flows.wanted_len() == 0);
        assert_eq!(r.dirty, [flow(SG), flow(SG)]);
    }
}

#[test]
fn t3_3_other_flows_are_left_alone() {
    let mut r = negative();
    for text in ["(10.0.0.2, 239.1.1.1)", "(*, 239.1.1.2)", "(*, 239.1.1.0)"] {
        r.join("B", text, 2);
        r.forward_on("B", text, 2);
    }
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    assert!(r.dirty.is_empty());
}

#[test]
fn t3_3_forward_records_nothing_and_switches_what_exists() {
    for text in [SG, G, ALL] {
        let mut r = negative();
        r.forward_on("B", text, 2);
        assert_eq!(r.mfe(SG), "interface 1 to interface 2", "{text}");
        assert!(r.engine.tables.flows.wanted_len() == 0);
        r.expect(&["A: join (10.0.0.1, 239.1.1.1) mfe"]);
        r.forward_off("B", text, 2);
        assert_eq!(r.mfe(SG), "interface 1 to nowhere", "{text}");
        r.expect(&["A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s"]);
    }
}

#[test]
fn t3_3_forward_has_no_effect_on_mfes_to_come() {
    let mut r = stage();
    r.forward_on("B", G, 2);
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t3_4_repetition_is_no_error_and_no_news() {
    let mut r = stage();
    for text in [SG, G, ALL] {
        r.leave("B", text, 2);
        r.expect_nothing();
        r.join("B", text, 2);
        r.heard.clear();
        r.join("B", text, 2);
        r.expect_nothing();
        // Memberships are a set, not a count: one delete undoes both.
        r.leave("B", text, 2);
        assert!(r.engine.tables.flows.wanted_len() == 0);
        r.heard.clear();
        r.leave("B", text, 2);
        r.expect_nothing();
    }
    assert!(r.known_sources().is_empty());
}

#[test]
fn t3_4_the_owners_and_igmps_entries_are_kept_apart() {
    let mut r = negative();
    r.join("B", G, 2);
    r.join("I", G, 2);
    r.leave("B", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    // IGMP cannot delete for the owner, nor the owner for IGMP.
    r.leave("B", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    r.leave("I", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t3_5_an_oif_stays_as_long_as_any_membership_matches() {
    let mut r = negative();
    for text in [SG, G, ALL] {
        r.join("B", text, 2);
    }
    for text in [ALL, SG, G] {
        assert_eq!(r.mfe(SG), "interface 1 to interface 2");
        r.leave("B", text, 2);
    }
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t3_5_the_iif_is_never_an_oif() {
    let mut r = negative();
    r.join("A", ALL, 1);
    r.forward_on("A", SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t3_5_a_creation_answer_switches_off_until_the_owner_joins() {
    let mut r = stage();
    r.switches_off("B", 2);
    r.join("I", G, 2);
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    // IGMP never touches an override …
    r.leave("I", G, 2);
    r.join("I", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    // … a join of the owner's ends it, and so does a leave: IGMP's entry decides.
    r.leave("B", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t3_5_forward_on_holds_against_memberships_that_end() {
    let mut r = negative();
    r.join("I", G, 2);
    r.forward_on("B", SG, 2);
    r.leave("I", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    // After a delete by the owner, even a redundant one, memberships decide again.
    r.leave("B", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t3_5_forward_off_holds_against_igmps_joins() {
    let mut r = negative();
    r.join("B", G, 2);
    r.forward_off("B", ALL, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.join("I", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    // A redundant add by the owner clears the override.
    r.join("B", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t3_5_only_a_matching_join_clears_an_override() {
    let mut r = negative();
    r.forward_on("B", SG, 2);
    r.leave("B", "(*, 239.1.1.2)", 2);
    r.leave("B", "(10.0.0.2, 239.1.1.1)", 2);
    r.leave("A", G, 4);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    r.leave("B", ALL, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t3_5_overrides_are_per_mfe_and_interface() {
    let mut r = negative();
    r.packet("(10.0.0.1, 239.1.1.2)", 1);
    r.forward_on("B", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    assert_eq!(r.mfe("(10.0.0.1, 239.1.1.2)"), "interface 1 to nowhere");
    r.forward_on("A", SG, 4);
    r.forward_off("B", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 4");
}

#[test]
fn t3_5_igmp_beside_an_owner_cannot_override() {
    let mut r = negative();
    r.forward_on("I", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.join("B", G, 2);
    r.forward_off("I", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t3_5_igmp_alone_acts_as_the_owner() {
    let mut r = negative();
    r.forward_on("I", SG, 3);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    r.leave("I", G, 3);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.join("I", G, 3);
    r.forward_off("I", SG, 3);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.join("I", G, 3);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
}

#[test]
fn t3_5_overrides_go_when_the_interface_changes_hands() {
    let mut r = negative();
    r.forward_on("B", SG, 2);
    r.release("B", 2);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    r.take("A", 2);
    r.join("A", G, 2);
    r.forward_off("A", SG, 2);
    r.release("A", 2);
    r.join("I", G, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t3_6_the_owner_hears_what_igmp_does_on_its_interface() {
    let mut r = stage();
    for text in [SG, G, ALL] {
        r.join("I", text, 2);
        r.join("I", text, 2);
        r.leave("I", text, 2);
        r.leave("I", text, 2);
        let local: Vec<_> = r.heard.drain(..).filter(|line| line.contains("local")).collect();
        assert_eq!(
            local,
            [
                format!("B: local join {text} on interface 2"),
                format!("B: local leave {text} on interface 2")
            ]
        );
    }
    // On an interface that only IGMP has, no owner is told.
    r.join("I", G, 3);
    assert!(r.heard.iter().all(|line| !line.contains("local")));
}

#[test]
fn t3_6_forward_alone_is_no_local_join() {
    let mut r = negative();
    r.forward_on("I", SG, 2);
    r.forward_off("I", SG, 2);
    r.expect_nothing();
}

#[test]
fn a_source_is_known_as_long_as_a_membership_names_it() {
    let mut r = stage();
    r.join("A", SG, 4);
    r.join("B", "(10.0.0.1, 239.2.2.2)", 2);
    r.join("I", SG, 2);
    r.leave("A", SG, 4);
    r.leave("I", SG, 2);
    assert_eq!(r.known_sources(), [addr("10.0.0.1")]);
    assert_eq!(r.engine.needs_route(flow(SG), 1.there()), None);
    r.leave("B", "(10.0.0.1, 239.2.2.2)", 2);
    assert!(r.known_sources().is_empty());
    let needs = |text| r.engine.needs_route(flow(text), 1.there());
    assert_eq!((needs(SG), needs(G)), (Some((addr("10.0.0.1"), Domain::MAIN)), None));
}
