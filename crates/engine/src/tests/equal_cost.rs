//! Chapter 5.1: sources with several paths, and flows that move from one to another.

use super::*;

const G: &str = "(*, 239.1.1.1)";
const SG: &str = "(10.0.0.1, 239.1.1.1)";

/// A owns 1, B owns 2, C wants the group on 3, D owns 4. The source is behind gateways on 1
/// and 2; the system would take 1.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B", "C", "D"]);
    r.owns("A", &[1]).owns("B", &[2]).owns("C", &[3]).owns("D", &[4]);
    r.source("10.0.0.1", equal(&[(1, "10.1.0.9"), (2, "10.2.0.9")]));
    r.join("C", G, 3);
    r.heard.clear();
    r
}

fn upstream(r: &Router) -> (Interface, Ipv4Addr) {
    let row = r.row(SG).expect("an MFE");
    (row.iif, row.upstream)
}

/// Packets on an interface, as the host passes them on with the memory forwarder.
fn packets(r: &mut Router, arrival: u32, count: usize) {
    for _ in 0..count {
        r.packet(SG, arrival);
    }
}

#[test]
fn t5_1_of_equal_ways_the_one_that_the_packet_came_by_is_the_iif() {
    for (arrival, owner, gateway) in [(1, "A", "10.1.0.9"), (2, "B", "10.2.0.9")] {
        let mut r = stage();
        r.packet(SG, arrival);
        assert_eq!(r.heard[0], format!("{owner}: rpf {SG} on interface {arrival} from {gateway}"));
        assert_eq!(upstream(&r), (arrival.there(), addr(gateway)));
    }
}

#[test]
fn t5_1_else_it_is_the_systems_choice() {
    let mut r = stage();
    r.packet(SG, 4); // not one of the ways
    assert_eq!(upstream(&r), (1.there(), addr("10.1.0.9")));
}

#[test]
fn t5_1_else_the_first_way_that_a_client_has() {
    let mut r = stage();
    r.source("10.0.0.1", equal(&[(9, "10.9.0.9"), (8, ""), (2, "10.2.0.9"), (1, "10.1.0.9")]));
    r.packet(SG, 4);
    assert_eq!(upstream(&r), (2.there(), addr("10.2.0.9")));
}

#[test]
fn t5_1_a_way_whose_interface_has_a_boundary_for_the_group_is_none() {
    let mut r = stage();
    let scope = Scope::new(addr("239.1.1.1"), 32).unwrap();
    r.run(|engine, fx| engine.add_boundary(1, scope, fx));
    r.packet(SG, 4);
    assert_eq!(upstream(&r), (2.there(), addr("10.2.0.9")));
}

#[test]
fn t5_1_equal_connected_prefixes_count_alike() {
    let mut r = stage();
    r.source("10.0.0.1", equal(&[(1, ""), (2, "")]));
    r.packet(SG, 2);
    assert_eq!(upstream(&r), (2.there(), addr("0.0.0.0")));
}

#[test]
fn t5_1_neighbours_on_one_link_are_ways_of_their_own() {
    let mut r = Router::with(&["A", "B"]);
    r.owns("A", &[(5, "10.5.0.1")]).owns("B", &[(5, "10.5.0.2")]);
    r.source("10.0.0.1", equal(&[(5, "10.5.0.1"), (5, "10.5.0.2")]));
    r.packet(SG, (5, "10.5.0.2"));
    assert_eq!(r.mfe(SG), "interface 5 (next hop 10.5.0.2) to nowhere");
}

#[test]
fn t4_6_of_equal_ways_the_systems_choice_alone_is_told() {
    let mut r = stage();
    r.join("C", SG, 3);
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) member"]);
    r.reroute("10.0.0.1", equal(&[(2, "10.2.0.9"), (1, "10.1.0.9")]));
    r.expect(&[
        "A: prune (10.0.0.1, 239.1.1.1) on interface 0",
        "B: join (10.0.0.1, 239.1.1.1) member",
    ]);
    r.reroute("10.0.0.1", equal(&[(9, "10.9.0.9"), (1, "10.1.0.9")]));
    r.expect(&["B: prune (10.0.0.1, 239.1.1.1) on interface 0"]);
}

#[test]
fn t5_8_a_forward_add_without_mfe_asks_the_systems_choice() {
    let mut r = stage();
    r.forward_on("C", SG, 3);
    r.expect(&["A: join (10.0.0.1, 239.1.1.1) mfe"]);
}

#[test]
fn t5_1_a_later_look_up_keeps_the_iif_while_it_is_legitimate() {
    let mut r = stage();
    r.packet(SG, 2);
    r.heard.clear();
    // The system chooses another path, and others come and go: no client is told.
    for route in [
        equal(&[(2, "10.2.0.9"), (1, "10.1.0.9")]),
        equal(&[(4, "10.4.0.9"), (1, "10.1.0.9"), (2, "10.2.0.9")]),
        via(2, "10.2.0.9"),
        equal(&[(1, "10.1.0.9"), (2, "10.2.0.9")]),
    ] {
        r.reroute("10.0.0.1", route);
        r.expect_nothing();
    }
    // A renewal asks the owner of the present iif.
    packets(&mut r, 2, 1);
    r.seconds_pass(900);
    r.expect(&[
        "B: rpf (10.0.0.1, 239.1.1.1) on interface 2 from 10.2.0.9",
        "C: creation (10.0.0.1, 239.1.1.1) from interface 2 to interface 3",
    ]);
    // Without it the MFE has the path that the system chooses.
    r.reroute("10.0.0.1", equal(&[(4, "10.4.0.9"), (1, "10.1.0.9")]));
    r.expect(&[
        "D: rpf (10.0.0.1, 239.1.1.1) on interface 4 from 10.4.0.9",
        "B: prune (10.0.0.1, 239.1.1.1) mfe on interface 2, 900 s",
        "D: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
}

#[test]
fn t5_10_another_gateway_on_the_iif_is_asked_about() {
    let mut r = stage();
    r.packet(SG, 2);
    r.heard.clear();
    r.reroute("10.0.0.1", equal(&[(1, "10.1.0.9"), (2, "10.2.0.8")]));
    r.expect(&["B: rpf (10.0.0.1, 239.1.1.1) on interface 2 from 10.2.0.8"]);
    assert_eq!(upstream(&r), (2.there(), addr("10.2.0.8")));
}

#[test]
fn t5_1_a_flow_that_has_moved_to_another_way_takes_its_mfe_along() {
    let mut r = stage();
    packets(&mut r, 1, 3);
    r.heard.clear();
    packets(&mut r, 2, 2);
    r.expect(&["B: wrong if (10.0.0.1, 239.1.1.1) on interface 2"]);
    r.seconds_pass(2);
    packets(&mut r, 2, 2);
    r.expect_nothing();
    r.seconds_pass(1);
    packets(&mut r, 2, 1);
    r.expect(&[
        "B: wrong if (10.0.0.1, 239.1.1.1) on interface 2", // 5.7 holds as ever
        "B: rpf (10.0.0.1, 239.1.1.1) on interface 2 from 10.2.0.9",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "B: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    assert_eq!(upstream(&r), (2.there(), addr("10.2.0.9")));
    assert!(matches!(r.packet(SG, 2), Outcome::Forwarded(_)));
}

#[test]
fn t5_1_however_late_the_second_packet_comes() {
    let mut r = stage();
    packets(&mut r, 1, 1);
    packets(&mut r, 2, 1);
    r.seconds_pass(400);
    packets(&mut r, 2, 1);
    assert_eq!(upstream(&r).0, 2.there());
}

/// Packets of so many sources arrive on 1, where each gets an MFE, and then also on 2.
fn come_in_by_both(r: &mut Router, sources: std::ops::Range<u32>) {
    for arrival in [1, 2] {
        for some in sources.clone().step_by(1_000) {
            let now = r.now;
            r.run(|engine, fx| {
                for source in some..sources.end.min(some + 1_000) {
                    comes_in(engine, now, source, arrival, fx);
                }
            });
        }
    }
}

fn comes_in(engine: &mut Engine, now: Time, source: u32, arrival: u32, fx: &mut Effects) {
    let (flow, arrival) = (numbered(source), arrival.there());
    let packet = Packet { flow, arrival, header: &[0x45], length: 0, ttl: 64 };
    engine.packet(now, &packet, Some(&equal(&[(1, "10.1.0.9"), (2, "10.2.0.9")])), fx);
}

fn numbered(source: u32) -> Flow {
    Flow::new(Ipv4Addr::from(0x1400_0000 + source), addr("239.1.1.1"))
}

/// Whether the MFE follows another packet on 2.
fn follows(r: &mut Router, source: u32) -> bool {
    let now = r.now;
    r.run(|engine, fx| comes_in(engine, now, source, 2, fx));
    let mut row = MfeRow::default();
    r.engine.read_mfe(r.now, numbered(source), &mut row) && row.iif == 2.there()
}

#[test]
fn t5_1_no_stranger_keeps_others_from_moving_by_many_flows_that_come_in_by_both() {
    let mut r = stage();
    come_in_by_both(&mut r, 0..66_000);
    assert_eq!(r.engine.tables.wrong_ifs.rivals(), 65_536);
    r.now = r.now.plus_secs(3);
    assert!(follows(&mut r, 65_999), "the newest are remembered");
    assert!(follows(&mut r, 464), "and all but those that were too many");
    assert!(!follows(&mut r, 463), "the oldest made room");
    r.now = r.now.plus_secs(3);
    assert!(follows(&mut r, 463), "which may move all the same");
}

#[test]
fn t5_1_a_flow_that_came_in_by_both_goes_out_of_mind_a_few_at_a_time() {
    let mut r = stage();
    come_in_by_both(&mut r, 0..1_000);
    // Packets of one of them arrive on both: it begins again.
    r.now = r.now.plus_secs(100);
    come_in_by_both(&mut r, 7..8);
    assert_eq!(r.engine.tables.wrong_ifs.rivals(), 1_000);
    let now = r.now.plus_secs(800);
    for left in [900, 800] {
        r.run(|engine, _| engine.tables.wrong_ifs.sweep(now, 100));
        // The one that has begun again was examined, and has stayed.
        assert_eq!(r.engine.tables.wrong_ifs.rivals(), left + 1);
        assert!(r.engine.tables.wrong_ifs.next_sweep() <= Some(now));
    }
    r.run(|engine, _| engine.tables.wrong_ifs.sweep(now, 10_000));
    assert_eq!(r.engine.tables.wrong_ifs.rivals(), 1);
    assert_eq!(r.engine.tables.wrong_ifs.next_sweep(), Some(now.plus_secs(100)));
    r.run(|engine, _| engine.tables.wrong_ifs.sweep(now.plus_secs(100), 1));
    assert_eq!(
        (r.engine.tables.wrong_ifs.rivals(), r.engine.tables.wrong_ifs.next_sweep()),
        (0, None)
    );
}

#[test]
fn t5_1_what_came_in_by_another_way_is_forgotten_with_the_mfe() {
    let mut r = stage();
    come_in_by_both(&mut r, 0..10);
    r.packet(SG, 1);
    r.packet(SG, 2);
    assert_eq!(r.engine.tables.wrong_ifs.rivals(), 11);
    r.reroute("10.0.0.1", Route::NONE);
    assert_eq!(r.engine.tables.wrong_ifs.rivals(), 10);
    r.release("A", 1);
    assert_eq!(r.engine.tables.wrong_ifs.rivals(), 0);
    // A new MFE that has accepted as many packets begins again.
    let mut r = stage();
    packets(&mut r, 1, 1);
    packets(&mut r, 2, 1);
    r.reroute("10.0.0.1", Route::NONE);
    r.reroute("10.0.0.1", equal(&[(1, "10.1.0.9"), (2, "10.2.0.9")]));
    packets(&mut r, 1, 1);
    r.seconds_pass(3);
    packets(&mut r, 2, 1);
    assert_eq!(upstream(&r).0, 1.there());
}

#[test]
fn t5_1_while_both_deliver_the_mfe_stays() {
    let mut r = stage();
    packets(&mut r, 1, 1);
    for _ in 0..30 {
        r.seconds_pass(1);
        packets(&mut r, 2, 2);
        packets(&mut r, 1, 1);
        packets(&mut r, 2, 2);
    }
    assert_eq!(upstream(&r).0, 1.there());
    // Nor does it with one packet in three seconds on each.
    for _ in 0..10 {
        packets(&mut r, 2, 1);
        r.seconds_pass(2);
        packets(&mut r, 1, 1);
        r.seconds_pass(2);
    }
    assert_eq!(upstream(&r).0, 1.there());
}

#[test]
fn t5_1_what_is_no_way_of_the_route_never_wins() {
    let mut r = stage();
    packets(&mut r, 1, 1);
    r.heard.clear();
    for _ in 0..10 {
        packets(&mut r, 4, 1);
        r.seconds_pass(3);
    }
    assert_eq!(upstream(&r).0, 1.there());
    assert!(r.heard.iter().all(|line| line == "D: wrong if (10.0.0.1, 239.1.1.1) on interface 4"));
    assert_eq!(r.heard.len(), 10);
}

#[test]
fn t5_1_an_iif_that_a_client_chose_stays() {
    // By RPF_CALLBACK.
    let mut r = stage();
    r.owns("A", &[6]);
    r.names_iif("A", 6, "10.6.0.9");
    r.packet(SG, 1);
    for _ in 0..5 {
        packets(&mut r, 2, 1);
        packets(&mut r, 1, 1);
        r.seconds_pass(3);
    }
    assert_eq!(upstream(&r), (6.there(), addr("10.6.0.9")));
    // By MgmSetMfe, although it is one of the paths.
    let mut r = stage();
    r.packet(SG, 1);
    r.set_mfe("A", SG, "10.1.0.7", 1);
    for _ in 0..5 {
        packets(&mut r, 2, 1);
        r.seconds_pass(3);
    }
    assert_eq!(upstream(&r), (1.there(), addr("10.1.0.7")));
    // A call that only sets the neighbour chooses no iif.
    let mut r = stage();
    r.packet(SG, 1);
    r.set_mfe("A", SG, "10.1.0.7", 0);
    for _ in 0..2 {
        packets(&mut r, 2, 1);
        r.seconds_pass(3);
    }
    assert_eq!(upstream(&r), (2.there(), addr("10.2.0.9")));
}

#[test]
fn t5_1_the_owner_of_the_new_way_may_name_another_interface() {
    let mut r = stage();
    r.owns("B", &[6]);
    r.names_iif("B", 6, "10.6.0.9");
    packets(&mut r, 1, 1);
    packets(&mut r, 2, 1);
    r.seconds_pass(3);
    packets(&mut r, 2, 1);
    assert_eq!(upstream(&r), (6.there(), addr("10.6.0.9")));
}

#[test]
fn t5_1_a_kernels_counters_tell_what_came_in_by_the_iif() {
    let mut r = stage();
    r.counted = Ok(Some(5));
    r.upcall(SG, 1);
    r.heard.clear();
    r.wrong_if(SG, 2);
    r.seconds_pass(3);
    r.counted = Ok(Some(6)); // one has come in
    r.wrong_if(SG, 2);
    r.seconds_pass(3);
    r.counted = Err(Refusal::Forwarder("on purpose".into()));
    r.wrong_if(SG, 2);
    assert_eq!(upstream(&r).0, 1.there(), "nobody knows");
    r.counted = Ok(Some(6));
    r.wrong_if(SG, 2);
    assert_eq!(upstream(&r).0, 2.there());
}

#[test]
fn t5_1_the_routers_own_stream_moves_its_mfe() {
    let mut r = stage();
    r.source("10.0.0.1", local());
    packets(&mut r, 1, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 3");
    r.heard.clear();
    for _ in 0..2 {
        packets(&mut r, 4, 1);
        r.seconds_pass(3);
    }
    r.expect(&[
        "D: wrong if (10.0.0.1, 239.1.1.1) on interface 4",
        "D: wrong if (10.0.0.1, 239.1.1.1) on interface 4",
        "D: rpf (10.0.0.1, 239.1.1.1) on interface 4 from 0.0.0.0",
        "A: prune (10.0.0.1, 239.1.1.1) mfe on interface 1, 900 s",
        "D: join (10.0.0.1, 239.1.1.1) mfe",
    ]);
    assert_eq!(r.mfe(SG), "interface 4 to interface 3");
}

#[test]
fn t5_6_the_routers_own_stream_is_not_renewed_where_only_a_kernel_counts() {
    // Linux counts what the router sends on whichever interface it leaves, and does not report which.
    let mut r = stage();
    r.source("10.0.0.1", local());
    r.counted = Ok(Some(0));
    r.upcall(SG, 1);
    r.counted = Ok(Some(7));
    r.seconds_pass(900);
    assert_eq!(r.mfe(SG), "no MFE");
    r.upcall(SG, 4);
    assert_eq!(r.mfe(SG), "interface 4 to interface 3");
}

#[test]
fn t5_4_a_move_whose_way_is_lost_meanwhile_stays_where_it_was() {
    let mut r = stage();
    packets(&mut r, 1, 1);
    packets(&mut r, 2, 1);
    r.seconds_pass(3);
    r.stays_in("B", NoticeKind::Rpf);
    packets(&mut r, 2, 1);
    r.heard.clear();
    r.reroute("10.0.0.1", via(1, "10.1.0.9"));
    r.expect(&["A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 10.1.0.9"]);
    r.returns("B"); // void
    assert_eq!(upstream(&r), (1.there(), addr("10.1.0.9")));
}

#[test]
fn t5_10_an_mfe_moves_when_its_own_neighbour_is_no_way_any_more() {
    let mut r = Router::with(&["A", "C"]);
    r.owns("A", &[1]).owns("C", &[3]);
    r.source("10.0.0.1", equal(&[(1, "10.1.0.8"), (1, "10.1.0.9")]));
    r.join("C", G, 3);
    r.packet(SG, 1);
    r.heard.clear();
    // The system chooses the other neighbour; both are legitimate still.
    r.reroute("10.0.0.1", equal(&[(1, "10.1.0.9"), (1, "10.1.0.8")]));
    r.expect_nothing();
    assert_eq!(upstream(&r), (1.there(), addr("10.1.0.8")));
    r.reroute("10.0.0.1", equal(&[(1, "10.1.0.9")]));
    r.expect(&["A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 10.1.0.9"]);
    assert_eq!(upstream(&r), (1.there(), addr("10.1.0.9")));
}
