//! Chapter 5.1: refused flows, if the forwarder reports no further packet.

use super::*;

const SG: &str = "(10.0.0.1, 239.1.1.1)";
const NO_WAY: Outcome = Outcome::Refused(Refused::NoUpstream);

/// A owns 1, Q, which has no callbacks, owns 4; B owns 2, where the group is wanted. There is no
/// route to the source.
fn stage() -> Router {
    let mut r = Router::with(&["A", "B"]);
    let id = r.engine.register(0x200, 0, NoticeKinds::default()).unwrap();
    r.enters("Q", id);
    r.owns("A", &[1]).owns("B", &[2]).owns("Q", &[4]);
    r.join("B", "(*, 239.1.1.1)", 2);
    r.heard.clear();
    r
}

fn scope() -> Scope {
    Scope::new(addr("239.1.1.0"), 24).unwrap()
}

fn bound(r: &mut Router, index: u32, on: bool) {
    r.run(|engine, fx| match on {
        true => engine.add_boundary(index, scope(), fx),
        false => engine.delete_boundary(index, scope(), fx).expect("it is there"),
    });
}

fn remembered(r: &Router) -> usize {
    r.engine.sizes().refused_flows
}

#[test]
fn t5_1_a_refused_flow_has_an_entry_without_oifs_for_ten_seconds() {
    let mut r = stage();
    assert_eq!(r.upcall(SG, 4), NO_WAY);
    assert_eq!(
        (r.entry(SG), r.dirty.as_slice()),
        ("refusal from interface 4".into(), &[flow(SG)][..])
    );
    // It is no MFE.
    assert_eq!((r.mfe(SG), r.engine.mfe_count(), remembered(&r)), ("no MFE".into(), 0, 1));
    assert_eq!(r.known_sources(), [addr("10.0.0.1")]);
    r.dirty.clear();
    r.seconds_pass(9);
    assert_eq!((r.entry(SG), r.dirty.as_slice()), ("refusal from interface 4".into(), &[][..]));
    r.seconds_pass(1);
    assert_eq!((r.entry(SG), r.dirty.as_slice()), ("nothing".into(), &[flow(SG)][..]));
    assert_eq!((r.known_sources(), remembered(&r)), (vec![], 0));
    // The next packet asks again.
    r.source("10.0.0.1", connected(1));
    assert_eq!(r.upcall(SG, 4), Outcome::Resolving);
}

#[test]
fn t5_1_no_gap_in_the_routes_mutes_it_longer() {
    let mut r = stage();
    r.upcall(SG, 4);
    r.dirty.clear();
    r.reroute("10.0.0.1", via(1, "10.1.0.9"));
    r.expect(&[
        "A: rpf (10.0.0.1, 239.1.1.1) on interface 1 from 10.1.0.9",
        "B: creation (10.0.0.1, 239.1.1.1) from interface 1 to interface 2",
    ]);
    assert_eq!(r.entry(SG), "MFE from interface 1");
    assert!(r.dirty.contains(&flow(SG)) && remembered(&r) == 0);
    // The question contains what is known of its packet.
    let mut r = stage();
    r.upcall(SG, 4);
    r.stays_in("A", NoticeKind::Rpf);
    r.reroute("10.0.0.1", via(1, "10.1.0.9"));
    match r.party("A").inside.as_ref().expect("is asked") {
        Notice::Rpf { header, arrival, .. } => {
            assert_eq!((&**header, *arrival), (&[0x45, 1][..], 4.there()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(r.entry(SG), "nothing", "it is on its way");
}

#[test]
fn t5_1_the_mfe_of_a_lost_route_goes_and_returns_with_it() {
    let mut r = stage();
    r.source("10.0.0.1", via(1, "10.1.0.9"));
    r.upcall(SG, 1);
    r.reroute("10.0.0.1", Route::NONE);
    assert_eq!(r.entry(SG), "nothing");
    r.upcall(SG, 1); // A is asked, and leaves the 0
    assert_eq!(r.entry(SG), "refusal from interface 1");
    r.reroute("10.0.0.1", via(4, "10.4.0.9"));
    assert_eq!(r.mfe(SG), "interface 4 to interface 2");
}

#[test]
fn t5_1_a_new_owner_of_its_expected_interface_resolves_it() {
    for route in [via(9, "10.9.0.9"), equal(&[(8, "10.8.0.9"), (9, "10.9.0.9")])] {
        let mut r = stage();
        r.source("10.0.0.1", route);
        assert_eq!(r.upcall(SG, 4), NO_WAY);
        r.take("A", 7); // another one is no news
        r.expect_nothing();
        r.take("A", 9);
        assert_eq!(r.heard[0], "A: rpf (10.0.0.1, 239.1.1.1) on interface 9 from 10.9.0.9");
        assert_eq!(r.mfe(SG), "interface 9 to interface 2");
    }
}

#[test]
fn t5_1_a_new_owner_of_its_arrival_is_asked() {
    let mut r = Router::with(&["A", "I"]);
    r.owns("I", &[1]);
    r.upcall(SG, 1);
    r.expect(&["I: rpf (10.0.0.1, 239.1.1.1) on interface 0 from 0.0.0.0"]);
    r.names_iif("A", 1, "0.0.0.0");
    r.take("A", 1);
    assert!(r.heard.contains(&"A: rpf (10.0.0.1, 239.1.1.1) on interface 0 from 0.0.0.0".into()));
    assert_eq!(r.mfe(SG), "interface 1 to nowhere");
}

#[test]
fn t5_1_without_an_owner_of_its_arrival_it_is_forgotten() {
    for lose in [false, true] {
        let mut r = stage();
        r.upcall(SG, 4);
        r.dirty.clear();
        if lose {
            let number = r.number(4);
            r.run(|engine, fx| engine.interface_lost(number, fx));
        } else {
            r.release("Q", 4);
        }
        // The forwarder's entry goes before its interface does.
        assert_eq!((r.entry(SG), r.dirty.as_slice()), ("nothing".into(), &[flow(SG)][..]));
        assert_eq!(remembered(&r), 0);
    }
}

#[test]
fn t5_1_without_the_boundary_it_is_resolved() {
    // On the interface where it arrives.
    let mut r = stage();
    r.source("10.0.0.1", connected(1));
    bound(&mut r, 1, true);
    assert_eq!(r.upcall(SG, 1), Outcome::Refused(Refused::Boundary));
    assert_eq!(r.entry(SG), "refusal from interface 1");
    bound(&mut r, 1, false);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
    // On the one where it is expected.
    let mut r = stage();
    r.source("10.0.0.1", connected(1));
    bound(&mut r, 1, true);
    assert_eq!(r.upcall(SG, 4), NO_WAY);
    bound(&mut r, 1, false);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_1_a_boundary_that_stays_refuses_it_again() {
    let mut r = stage();
    bound(&mut r, 4, true);
    r.upcall(SG, 4);
    r.reroute("10.0.0.1", connected(1));
    assert_eq!((r.entry(SG), remembered(&r)), ("refusal from interface 4".into(), 1));
    r.expect_nothing();
}

#[test]
fn t5_1_what_came_where_it_may_not_comes_where_it_may_at_once() {
    // A copy by another router arrives first, and a boundary stops it. Then the stream itself arrives.
    let mut r = stage();
    r.source("10.0.0.1", connected(1));
    bound(&mut r, 4, true);
    r.upcall(SG, 4);
    assert_eq!(r.entry(SG), "refusal from interface 4");
    r.wrong_if(SG, 1); // the entry's iif is 4
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_1_nobody_is_told_of_a_refused_flow_on_another_interface() {
    let mut r = stage();
    r.upcall(SG, 1); // A is asked, and leaves the 0
    r.heard.clear();
    r.wrong_if(SG, 2);
    r.expect_nothing();
    assert_eq!((r.entry(SG), remembered(&r)), ("refusal from interface 1".into(), 1));
}

#[test]
fn t5_1_the_kernel_gets_a_lost_entry_again() {
    let mut r = stage();
    r.upcall(SG, 4);
    r.dirty.clear();
    assert_eq!(r.upcall(SG, 4), NO_WAY);
    assert_eq!(r.dirty, [flow(SG)]);
    bound(&mut r, 4, true);
    r.dirty.clear();
    assert_eq!(r.upcall(SG, 4), Outcome::Refused(Refused::Boundary));
    assert_eq!(r.dirty, [flow(SG)]);
}

#[test]
fn t5_1_a_packet_of_the_hosts_needs_no_entry() {
    let mut r = stage();
    assert_eq!(r.packet(SG, 4), NO_WAY);
    assert_eq!((r.entry(SG), r.dirty.len(), remembered(&r)), ("nothing".into(), 0, 1));
    r.source("10.0.0.1", connected(1));
    assert_eq!(r.packet(SG, 4), NO_WAY, "the change has not been told");
    r.reroute("10.0.0.1", connected(1));
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_1_each_packet_of_a_refused_flow_is_counted_once() {
    let mut r = stage();
    for _ in 0..3 {
        r.packet(SG, 4);
    }
    assert_eq!(r.engine.refused(Refused::NoUpstream), 3);
    // One that A declines is counted, too.
    r.upcall("(10.0.0.1, 239.1.1.2)", 1);
    assert_eq!(r.engine.refused(Refused::NoUpstream), 4);
}

#[test]
fn t5_1_no_more_than_65536_are_remembered_the_newest() {
    let mut r = stage();
    let number = |i: u32| Flow::new(Ipv4Addr::from(0x1400_0000 + i), addr("239.1.1.1"));
    let now = r.now;
    r.run(|engine, fx| {
        for i in 0..70_000 {
            let (flow, arrival) = (number(i), 4.there());
            let packet = Packet { flow, arrival, header: &[0x45], length: 0, ttl: 0 };
            engine.no_entry(now, &packet, Some(&Route::NONE), fx);
            assert!(engine.sizes().refused_flows <= 65_536);
        }
    });
    let is_there = |r: &Router, i| r.engine.needs_route(number(i), 4.there()).is_none();
    assert_eq!(remembered(&r), 65_536);
    assert!(!is_there(&r, 4_463) && is_there(&r, 4_464) && is_there(&r, 69_999));
    // They are forgotten a few at a time.
    let now = r.now.plus_secs(10);
    let mut turns = 0;
    while r.engine.next_deadline().is_some_and(|due| due <= now) {
        r.run(|engine, fx| engine.tick(now, 256, |_| Ok(None), fx));
        turns += 1;
    }
    assert!(remembered(&r) == 0 && turns >= 256, "{turns} turns");
}

#[test]
fn t5_1_very_many_that_one_change_concerns_are_resolved_in_turns() {
    let mut r = stage();
    let source = addr("10.0.0.1");
    let now = r.now;
    r.run(|engine, fx| {
        for i in 0..1000u32 {
            let flow = Flow::new(source, Ipv4Addr::from(0xef02_0000 + i));
            let packet = Packet { flow, arrival: 4.there(), header: &[], length: 0, ttl: 0 };
            engine.no_entry(now, &packet, Some(&Route::NONE), fx);
        }
    });
    r.reroute("10.0.0.1", connected(1));
    assert_eq!(r.engine.mfe_count(), 64, "with the call");
    assert_eq!(r.engine.next_deadline(), Some(Time(0)), "the timer goes on with it");
    // A packet of a flow that waits is a first packet.
    assert_eq!(r.upcall("(10.0.0.1, 239.2.3.231)", 4), Outcome::Resolving);
    assert_eq!(r.engine.mfe_count(), 65);
    r.seconds_pass(0);
    assert_eq!(r.engine.mfe_count(), 65 + 64);
    let turns = r.goes_on(16);
    assert_eq!((r.engine.mfe_count(), remembered(&r)), (1000, 0));
    assert!(turns > 50, "{turns} turns");
}

#[test]
fn t5_1_sources_whose_flows_must_wait_keep_their_new_routes() {
    let mut r = stage();
    let sources = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    let now = r.now;
    r.run(|engine, fx| {
        for (source, i) in
            sources.into_iter().flat_map(|source| (0..50u32).map(move |i| (source, i)))
        {
            let flow = Flow::new(addr(source), Ipv4Addr::from(0xef02_0000 + i));
            let packet = Packet { flow, arrival: 4.there(), header: &[], length: 0, ttl: 0 };
            engine.no_entry(now, &packet, Some(&Route::NONE), fx);
        }
    });
    // All at once: at the turn of the last source's flows nothing else refers to it.
    let routes = sources.map(|source| (addr(source), Domain::MAIN, via(1, "10.1.0.9")));
    r.run(|engine, fx| engine.update_routes(&routes, fx)).unwrap();
    assert_eq!(r.engine.mfe_count(), 64, "with the call");
    r.goes_on(16);
    assert_eq!((r.engine.mfe_count(), remembered(&r)), (200, 0));
    assert_eq!(r.known_sources(), sources.map(addr));
}

/// B accepts the flow where it arrives; the upcall on another interface came first.
fn accepted_elsewhere(mut r: Router, first: u32, why: Refused) {
    r.names_iif("B", 2, "0.0.0.0");
    r.heard.clear();
    assert_eq!(r.upcall(SG, first), Outcome::Refused(why));
    r.expect_nothing();
    r.wrong_if(SG, 2);
    assert_eq!(r.heard[0], "B: rpf (10.0.0.1, 239.1.1.1) on interface 0 from 0.0.0.0");
    assert_eq!(r.mfe(SG), "interface 2 to interface 1");
}

/// As [`stage`], with the group wanted on 1 as well, so that there is an oif.
fn wanted_on_1() -> Router {
    let mut r = stage();
    r.join("A", "(*, 239.1.1.1)", 1);
    r
}

#[test]
fn t5_2_a_boundary_on_one_arrival_does_not_mute_another_one() {
    let mut r = wanted_on_1();
    bound(&mut r, 4, true);
    accepted_elsewhere(r, 4, Refused::Boundary);
}

#[test]
fn t5_2_an_owner_without_callbacks_does_not_mute_another_arrival() {
    accepted_elsewhere(wanted_on_1(), 4, Refused::NoUpstream);
}

#[test]
fn t5_1_a_refused_flow_is_looked_up_in_the_domain_of_another_arrival() {
    let mut r = stage();
    r.domains.insert((addr("10.0.0.1"), Domain(7)), connected(1));
    r.moves_to_domain(1, 7);
    assert_eq!(r.upcall(SG, 4), NO_WAY);
    r.wrong_if(SG, 1);
    assert_eq!(r.mfe(SG), "interface 1 to interface 2");
}

#[test]
fn t5_1_numbers_of_refusals_go_on_when_none_is_left() {
    let mut r = stage();
    r.upcall(SG, 4);
    let (last, most) = (r.engine.tables.refusals.last(), r.engine.tables.refusals.most());
    r.seconds_pass(10);
    assert_eq!(remembered(&r), 0);
    // Otherwise an earlier change would concern what is refused later.
    assert_eq!(r.engine.tables.refusals.last(), last);
    // Otherwise there would be less room for entries that are to be deleted.
    assert!(most > 0 && r.engine.tables.refusals.most() == most);
}
