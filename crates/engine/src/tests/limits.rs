//! Rule 3.7: TTL thresholds and administrative boundaries.

use super::*;
use mgm_types::Scope;
use widestring::{u16cstr, U16Str};

const G: &str = "(*, 239.255.1.1)";
const SG: &str = "(10.0.0.1, 239.255.1.1)";
/// Outside of the scope.
const SG2: &str = "(10.0.0.1, 239.254.1.1)";

const TURNED_OFF: &str = "A: prune (10.0.0.1, 239.255.1.1) mfe on interface 1, 900 s";
const TURNED_ON: &str = "A: join (10.0.0.1, 239.255.1.1) mfe";

/// 239.255.0.0/16, the IPv4 local scope.
fn site() -> Scope {
    scope("239.255.0.0", 16)
}

fn scope(address: &str, length: u8) -> Scope {
    Scope::new(addr(address), length).expect("inside 239/8")
}

/// A owns 1, towards the source; B owns 2 and 3 and wants everything there.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "I"]);
    r.owns("A", &[1]).owns("B", &[2, 3]);
    r.source("10.0.0.1", connected(1));
    r.join("B", "(*, *)", 2);
    r.join("B", "(*, *)", 3);
    r.heard.clear();
    r
}

fn threshold(r: &mut Router, interface: impl Where, least: u8) {
    r.run(|engine, fx| engine.set_threshold(interface.there(), least, fx));
}

fn bound(r: &mut Router, if_index: u32, scope: Scope) {
    r.run(|engine, fx| engine.add_boundary(if_index, scope, fx));
}

fn unbound(r: &mut Router, if_index: u32, scope: Scope) {
    r.run(|engine, fx| engine.delete_boundary(if_index, scope, fx)).expect("is there");
}

fn out(interfaces: &[u32]) -> Outcome {
    Outcome::Forwarded(interfaces.iter().map(|&index| index.there()).collect())
}

/// Packets out and held back, by oif.
fn counts(r: &Router) -> Vec<(u32, u64, u64)> {
    let row = r.row(SG).expect("an MFE");
    row.oifs.iter().map(|oif| (oif.interface.index, oif.packets, oif.ttl_too_low)).collect()
}

#[test]
fn t3_7_a_threshold_keeps_packets_back_and_the_oif_listed() {
    let mut r = stage();
    r.packet(SG, 1);
    r.packet(SG, 1);
    threshold(&mut r, 2, 16);
    r.heard.clear();
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    for ttl in [5, 16] {
        assert_eq!(r.packet_with_ttl(SG, 1, ttl), out(&[3]));
    }
    assert_eq!(r.packet_with_ttl(SG, 1, 17), out(&[2, 3]));
    assert_eq!(r.packet_with_ttl(SG, 1, 1), out(&[]));
    assert_eq!(counts(&r), [(2, 2, 3), (3, 4, 1)]);
}

#[test]
fn t3_7_a_packet_of_a_known_flow_passes_as_any_other_does() {
    let forward = |r: &mut Router, arrival: u32| {
        let (flow, arrival) = (flow(SG), arrival.there());
        let packet = Packet { flow, arrival, header: &[0x45], length: 100, ttl: 16 };
        r.run(|engine, fx| engine.forward_known(&packet, fx)).map(Outcome::Forwarded)
    };
    let mut r = stage();
    assert_eq!(forward(&mut r, 1), None, "it has no MFE");
    r.packet(SG, 1);
    assert_eq!(forward(&mut r, 1), Some(out(&[2, 3])));
    assert_eq!(forward(&mut r, 2), None, "not the iif");
    threshold(&mut r, 2, 16);
    assert_eq!(forward(&mut r, 1), Some(out(&[3])));
    assert_eq!(counts(&r), [(2, 1, 1), (3, 2, 0)]);
    bound(&mut r, 1, site());
    assert_eq!(forward(&mut r, 1), None);
}

#[test]
fn t3_7_the_greatest_threshold_lets_nothing_out() {
    let mut r = stage();
    threshold(&mut r, 2, 255);
    r.packet(SG, 1);
    assert_eq!(r.packet_with_ttl(SG, 1, 255), out(&[3]));
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_a_changed_threshold_reaches_the_forwarder() {
    let mut r = stage();
    threshold(&mut r, 2, 16);
    for text in [SG, SG2] {
        r.packet(text, 1);
    }
    let mut oifs = Vec::new();
    r.engine.forwarding(flow(SG), &mut oifs);
    assert_eq!(oifs, [(r.number(2), 16), (r.number(3), 1)]);
    r.dirty.clear();
    threshold(&mut r, 2, 32);
    assert_eq!(r.dirty, [flow(SG2), flow(SG)]);
    r.engine.forwarding(flow(SG), &mut oifs);
    assert_eq!(oifs, [(r.number(2), 32), (r.number(3), 1)]);
    // Changes without effect cause no alert: the same value again, and an interface without packets.
    r.dirty.clear();
    threshold(&mut r, 2, 32);
    threshold(&mut r, 1, 32);
    threshold(&mut r, 7, 32);
    assert!(r.dirty.is_empty());
}

#[test]
fn t3_7_thresholds_of_0_and_1_are_the_least_one() {
    let mut r = stage();
    r.packet(SG, 1);
    for none in [0, 1] {
        threshold(&mut r, 2, 64);
        threshold(&mut r, 2, none);
        assert_eq!(r.packet_with_ttl(SG, 1, 2), out(&[2, 3]));
        assert_eq!(r.packet_with_ttl(SG, 1, 1), out(&[]));
    }
}

#[test]
fn t3_7_each_next_hop_has_a_threshold_of_its_own() {
    let mut r = stage();
    r.take("A", (5, "10.5.0.1"));
    r.take("A", (5, "10.5.0.2"));
    r.join("A", "(*, *)", (5, "10.5.0.1"));
    r.join("A", "(*, *)", (5, "10.5.0.2"));
    threshold(&mut r, (5, "10.5.0.2"), 100);
    r.packet(SG, 1);
    let Outcome::Forwarded(oifs) = r.packet(SG, 1) else { panic!("is forwarded") };
    assert!(oifs.contains(&(5, "10.5.0.1").there()) && !oifs.contains(&(5, "10.5.0.2").there()));
}

#[test]
fn t3_7_limits_stay_whoever_has_the_interface() {
    let mut r = stage();
    threshold(&mut r, 4, 100);
    bound(&mut r, 4, site());
    for _ in 0..2 {
        r.take("B", 4);
        r.join("B", "(*, *)", 4);
        for text in [SG, SG2] {
            r.packet(text, 1);
        }
        assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
        assert_eq!(r.mfe(SG2), "interface 1 to interface 2, interface 3, interface 4");
        assert_eq!(r.packet(SG2, 1), out(&[2, 3]));
        // Lost and back: its owner joins again.
        let id = r.number(4);
        r.run(|engine, fx| engine.interface_lost(id, fx));
        r.run(|engine, fx| engine.interface_back(id, fx));
        r.join("B", "(*, *)", 4);
        assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
        assert_eq!(r.packet(SG2, 1), out(&[2, 3]));
        r.release("B", 4);
    }
}

#[test]
fn t3_7_a_boundary_keeps_an_interface_out_and_gives_it_back() {
    let mut r = stage();
    for text in [SG, SG2] {
        r.packet(text, 1);
    }
    r.heard.clear();
    bound(&mut r, 2, site());
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    assert_eq!(r.mfe(SG2), "interface 1 to interface 2, interface 3");
    assert_eq!(r.dirty.pop(), Some(flow(SG)));
    r.expect_nothing();
    bound(&mut r, 3, site());
    r.expect(&[TURNED_OFF]);
    bound(&mut r, 3, site()); // a set, not a count
    unbound(&mut r, 3, site());
    r.expect(&[TURNED_ON]);
    unbound(&mut r, 2, site());
    r.expect_nothing();
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_a_new_mfe_respects_boundaries() {
    let mut r = stage();
    bound(&mut r, 2, site());
    r.packet(SG, 1);
    r.expect(&[
        "A: rpf (10.0.0.1, 239.255.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.255.1.1) from interface 1 to interface 3",
    ]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    unbound(&mut r, 2, site());
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_a_boundary_that_comes_while_clients_are_asked_is_honoured() {
    let mut r = stage();
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    bound(&mut r, 2, site());
    r.returns("B");
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    // On the way in: there is no MFE.
    for kind in [NoticeKind::Rpf, NoticeKind::Creation] {
        bound(&mut r, 1, site());
        unbound(&mut r, 1, site());
        let asked = if kind == NoticeKind::Rpf { "A" } else { "B" };
        r.stays_in(asked, kind);
        assert_eq!(r.packet(SG, 1), Outcome::Resolving);
        r.resolved.clear();
        bound(&mut r, 1, site());
        assert_eq!(r.resolved, [flow(SG)], "without waiting for the answer");
        r.returns(asked);
        assert_eq!(r.mfe(SG), "no MFE");
        unbound(&mut r, 1, site());
    }
}

#[test]
fn t3_7_overlapping_boundaries_hold_until_the_last_goes() {
    let mut r = stage();
    r.packet(SG, 1);
    let all = scope("239.0.0.0", 8);
    bound(&mut r, 2, site());
    bound(&mut r, 2, all);
    unbound(&mut r, 2, site());
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    unbound(&mut r, 2, all);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_overrides_and_memberships_made_inside_return_when_the_boundary_goes() {
    let mut r = stage();
    r.packet(SG, 1);
    bound(&mut r, 2, site());
    bound(&mut r, 3, site());
    r.leave("B", "(*, *)", 2);
    r.forward_on("B", SG, 2);
    r.forward_off("B", SG, 3);
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
    unbound(&mut r, 2, site());
    unbound(&mut r, 3, site());
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    bound(&mut r, 3, site());
    r.join("B", SG, 3); // clears the override, and is recorded
    unbound(&mut r, 3, site());
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_a_boundary_holds_whoever_overrides() {
    let mut r = stage();
    bound(&mut r, 2, site());
    r.packet(SG, 1);
    r.forward_on("B", SG, 2);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
}

#[test]
fn t3_7_packets_from_beyond_a_boundary_are_refused() {
    let mut r = stage();
    bound(&mut r, 1, site());
    let before = r.engine.refused(Refused::Boundary);
    assert_eq!(r.packet(SG, 1), Outcome::Refused(Refused::Boundary));
    assert_eq!((r.mfe(SG), r.engine.refused(Refused::Boundary)), ("no MFE".into(), before + 1));
    assert_eq!(r.packet(SG2, 1), Outcome::Resolving);
    assert_eq!(r.packet(SG2, 1), out(&[2, 3]));
    // As the kernel's upcalls report it.
    let packet =
        Packet { flow: flow(SG), arrival: 1.there(), header: &[0x45], length: 100, ttl: 64 };
    let route = r.look_up(flow(SG), 1.there());
    let now = r.now;
    let outcome = r.run(|engine, fx| engine.no_entry(now, &packet, route.as_ref(), fx));
    assert_eq!(outcome, Outcome::Refused(Refused::Boundary));
    // The kernel reports no further packet. Without the boundary the flow begins by itself.
    unbound(&mut r, 1, site());
    assert_eq!(r.packet(SG, 1), out(&[2, 3]));
}

#[test]
fn t3_7_packets_from_beyond_a_boundary_make_no_wrong_if_callback() {
    let mut r = stage();
    r.packet(SG, 1);
    r.heard.clear();
    bound(&mut r, 2, site());
    assert_eq!(r.packet(SG, 2), Outcome::Refused(Refused::Boundary));
    let now = r.now;
    r.run(|engine, fx| engine.wrong_if(now, &wrong(flow(SG), 2.there()), None, |_| Ok(None), fx));
    r.expect_nothing();
}

#[test]
fn t3_7_a_boundary_on_the_iif_ends_its_mfes() {
    let mut r = stage();
    for text in [SG, SG2] {
        r.packet(text, 1);
    }
    r.heard.clear();
    r.dirty.clear();
    bound(&mut r, 1, site());
    assert_eq!(r.mfe(SG), "no MFE");
    assert_eq!(r.mfe(SG2), "interface 1 to interface 2, interface 3");
    assert_eq!(r.dirty, [flow(SG)]);
    r.expect_nothing();
    // A first packet elsewhere does not bring it back either.
    assert_eq!(r.packet(SG, 2), Outcome::Refused(Refused::NoUpstream));
    unbound(&mut r, 1, site());
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_nobody_moves_an_mfe_into_a_boundary() {
    let mut r = stage();
    r.take("A", 4);
    bound(&mut r, 4, site());
    // RPF_CALLBACK names it: the interface of the look-up is used.
    r.names_iif("A", 4, "10.4.0.9");
    r.packet(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    // MgmSetMfe names it: only the neighbour changes.
    r.set_mfe("A", SG, "10.1.0.9", 4);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
    assert_eq!(r.row(SG).expect("an MFE").upstream, addr("10.1.0.9"));
    assert_eq!(r.log.len(), 2);
    // The route moves there: the MFE ends, as where there is no route.
    r.reroute("10.0.0.1", connected(4));
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t3_7_a_boundary_that_comes_towards_the_source_while_clients_are_asked_counts() {
    let mut r = stage();
    r.take("A", 4);
    r.names_iif("A", 4, "10.4.0.9");
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    bound(&mut r, 1, site());
    r.returns("B");
    assert_eq!(r.mfe(SG), "no MFE");
}

#[test]
fn t3_7_a_boundary_on_the_iif_that_was_named_asks_again_without_the_answer() {
    let mut r = stage();
    r.take("A", 4);
    r.names_iif("A", 4, "10.4.0.9");
    r.stays_in("B", NoticeKind::Creation);
    r.packet(SG, 1);
    r.heard.clear();
    bound(&mut r, 4, site());
    // A names it again, and B is still inside the question before.
    r.expect(&["A: rpf (10.0.0.1, 239.255.1.1) on interface 1 from 0.0.0.0"]);
    r.returns("B");
    r.expect(&["B: creation (10.0.0.1, 239.255.1.1) from interface 1 to interface 2, interface 3"]);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2, interface 3");
}

#[test]
fn t3_7_a_boundary_towards_the_source_ends_a_renewal_without_its_answers() {
    for (asked, kind) in [("A", NoticeKind::Rpf), ("B", NoticeKind::Creation)] {
        let mut r = stage();
        r.take("A", 4);
        r.packet(SG, 1);
        r.set_mfe("A", SG, "10.4.0.9", 4);
        r.packet(SG, 4);
        r.stays_in(asked, kind);
        r.seconds_pass(900);
        r.heard.clear();
        bound(&mut r, 1, site());
        r.expect_nothing();
        assert_eq!(r.mfe(SG), "no MFE");
        r.returns(asked);
        assert_eq!(r.mfe(SG), "no MFE");
    }
}

#[test]
fn t3_7_a_former_iif_with_a_boundary_ends_the_mfe_while_it_moves() {
    let mut r = stage();
    r.take("A", 4);
    r.join("A", "(*, *)", 1);
    r.packet(SG, 1);
    r.stays_in("A", NoticeKind::Rpf);
    r.reroute("10.0.0.1", connected(4));
    bound(&mut r, 1, scope("239.254.0.0", 15));
    assert_eq!(r.mfe(SG), "no MFE");
    r.returns("A");
    assert_eq!(r.mfe(SG), "no MFE");
    r.packet(SG, 4);
    assert_eq!(r.mfe(SG), "interface 4 to interface 2, interface 3");
}

#[test]
fn t3_7_memberships_inside_a_boundary_count_in_alerts() {
    let mut r = stage();
    r.leave("B", "(*, *)", 2);
    r.leave("B", "(*, *)", 3);
    bound(&mut r, 2, site());
    r.heard.clear();
    r.join("B", G, 2);
    r.expect(&["A: join (*, 239.255.1.1) member", "I: join (*, 239.255.1.1) member"]);
    r.leave("B", G, 2);
    assert_eq!(r.heard.len(), 2);
}

#[test]
fn t3_7_a_boundary_is_for_every_next_hop_of_its_index() {
    let mut r = stage();
    for next_hop in ["10.5.0.1", "10.5.0.2"] {
        r.take("A", (5, next_hop));
        r.join("A", "(*, *)", (5, next_hop));
    }
    r.packet(SG, 1);
    assert_eq!(r.row(SG).expect("an MFE").oifs.len(), 4);
    bound(&mut r, 5, site());
    assert_eq!(r.row(SG).expect("an MFE").oifs.len(), 2);
}

#[test]
fn t3_7_a_renewed_mfe_keeps_out_of_boundaries_and_keeps_its_overrides() {
    let mut r = stage();
    r.switches_off("B", 2);
    r.packet(SG, 1);
    r.packet(SG, 1);
    bound(&mut r, 2, site());
    r.heard.clear();
    r.seconds_pass(900);
    r.expect(&[
        "A: rpf (10.0.0.1, 239.255.1.1) on interface 1 from 0.0.0.0",
        "B: creation (10.0.0.1, 239.255.1.1) from interface 1 to interface 3",
    ]);
    unbound(&mut r, 2, site());
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
}

#[test]
fn t3_7_a_boundary_that_is_not_there_is_not_found() {
    let mut r = stage();
    bound(&mut r, 2, site());
    for (index, scope) in [(3, site()), (2, scope("239.255.0.0", 17)), (2, scope("239.0.0.0", 8))] {
        r.refuses(Code::NotFound, |r| r.run(|engine, fx| engine.delete_boundary(index, scope, fx)));
    }
}

#[test]
fn t3_7_scopes_have_the_names_they_were_given() {
    let mut r = stage();
    assert_eq!(r.engine.scope_name(site()), None);
    r.engine.set_scope_name(site(), u16cstr!("Büro"));
    assert_eq!(r.engine.scope_name(site()), Some(u16cstr!("Büro")));
    assert_eq!(r.engine.scope_name(scope("239.0.0.0", 8)), None);
    // Half a surrogate pair is no character, but it is returned as it was given.
    let half = widestring::U16CString::from_vec([0xd83d, 0x41]).expect("no zero in it");
    r.engine.set_scope_name(site(), &half);
    let name = r.engine.scope_name(site()).expect("has one");
    assert_eq!(name.as_ustr(), U16Str::from_slice(&[0xd83d, 0x41]));
    r.engine.set_scope_name(site(), u16cstr!(""));
    assert_eq!(r.engine.scope_name(site()), None);
}
