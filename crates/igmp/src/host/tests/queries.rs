//! Answers to queries (I63).

use super::*;

/// A host that has wanted this for a while.
fn settled(wanted: &[(u8, Filter)]) -> Bench {
    let mut bench = Bench::new();
    for (n, filter) in wanted {
        bench.want(group(*n), filter.clone());
    }
    bench.pass(5_000);
    bench.take();
    bench
}

#[test]
fn i63_a_general_query_is_answered_within_the_response_time_and_not_at_once() {
    for seed in 0..50 {
        let config = LinkConfig { role: Role::Upstream, ..LinkConfig::default() };
        let mut bench = Bench::with(config, seed);
        bench.want(group(1), exclude(&[1]));
        bench.want(group(2), include(&[2]));
        bench.pass(5_000);
        bench.take();
        let asked = bench.now.0;
        bench.general(3, 2_000);
        assert_eq!(bench.take(), []);
        bench.pass(10_000);
        let said = bench.take_timed();
        let records = vec![(IsEx, group(1), sources(&[1])), (IsIn, group(2), sources(&[2]))];
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].1, Said::V3(records));
        assert!((asked + 1..=asked + 2_000).contains(&said[0].0));
    }
}

#[test]
fn i63_many_groups_are_spread_over_the_response_time() {
    let mut bench = Bench::new();
    bench.step(|host, base, _| {
        for n in 0..2_000_u32 {
            let group = Ipv4Addr::from(0xef02_0000 + n);
            host.set(group, exclude(&[]), &base.config);
        }
    });
    bench.pass(5_000);
    bench.take();
    let asked = bench.now.0;
    bench.general(3, 10_000);
    bench.pass(20_000);
    let said = bench.take_timed();
    assert_eq!(said.len(), 2_000_usize.div_ceil(183));
    assert!(said.windows(2).all(|pair| pair[0].0 < pair[1].0), "no two at once");
    assert!(said.last().unwrap().0 <= asked + 10_000);
    let groups = said.iter().map(|(_, said)| match said {
        Said::V3(records) => records.len(),
        _ => panic!(),
    });
    assert_eq!(groups.sum::<usize>(), 2_000);
}

#[test]
fn i63_a_query_in_the_middle_of_an_answer_is_answered_for_all_groups() {
    let mut bench = Bench::new();
    bench.step(|host, base, _| {
        for n in 0..1_000_u32 {
            host.set(Ipv4Addr::from(0xef02_0000 + n), exclude(&[]), &base.config);
        }
    });
    bench.pass(5_000);
    bench.general(3, 10_000);
    let mut heard = std::collections::BTreeSet::new();
    bench.take();
    while bench.said.len() < 3 {
        bench.pass(10);
    }
    bench.take();
    let asked = bench.now.0;
    bench.general(3, 10_000);
    bench.pass(20_000);
    for (time, said) in bench.take_timed() {
        assert!(time <= asked + 10_000);
        let Said::V3(records) = said else { panic!() };
        heard.extend(records.into_iter().map(|record| record.1));
    }
    assert_eq!(heard.len(), 1_000);
}

#[test]
fn g51_a_flood_of_queries_causes_two_reports_of_a_group_in_each_response_time() {
    let mut bench = Bench::new();
    bench.step(|host, base, _| {
        for n in 0..50 {
            host.set(numbered(n), exclude(&[]), &base.config);
        }
    });
    bench.general(2, 10_000);
    bench.pass(60_000);
    bench.take();
    let (mut reports, begin) = (std::collections::BTreeMap::<_, Vec<u64>>::new(), bench.now.0);
    for _ in 0..600 {
        bench.general(2, 10_000);
        bench.pass(100);
        for (time, said) in bench.take_timed() {
            let Said::V2(group) = said else { panic!("{said:?}") };
            reports.entry(group).or_default().push(time - begin);
        }
    }
    assert_eq!(reports.len(), 50);
    for times in reports.values() {
        assert!(times.len() <= 2 * 7, "{} reports of a group in a minute", times.len());
        // Each query was answered in time.
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(times[0] <= 10_000 && gaps.max().unwrap() <= 10_100, "{times:?}");
    }
}

/// A host with many groups, which sends the first packet of its answer to a General Query.
fn amid_an_answer(seed: u64, max_response: u32) -> (Bench, u64) {
    let config = LinkConfig { role: Role::Upstream, ..LinkConfig::default() };
    let mut bench = Bench::with(config, seed);
    join_every_second_group(&mut bench, 0);
    bench.pass(5_000);
    let asked = bench.now.0;
    bench.general(3, max_response);
    bench.take();
    while bench.said.is_empty() {
        bench.pass(1);
    }
    (bench, asked)
}

/// The host wants 1,000 groups, of which every second one has the same parity as `first`.
fn join_every_second_group(bench: &mut Bench, first: u32) {
    bench.step(|host, base, _| {
        for n in 0..1_000 {
            host.set(numbered(first + 2 * n), exclude(&[]), &base.config);
        }
    });
}

fn numbered(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(0xef02_0000 + n)
}

/// The groups of the current state that were reported since the last call, as often as they were.
fn answered(bench: &mut Bench) -> Vec<Ipv4Addr> {
    let said = bench.take().into_iter().flat_map(|said| match said {
        Said::V3(records) => records,
        other => panic!("{other:?}"),
    });
    said.filter(|(kind, ..)| *kind == IsEx).map(|(_, group, _)| group).collect()
}

#[test]
fn i63_groups_that_come_and_go_during_an_answer_take_no_other_group_out_of_it() {
    let (mut bench, asked) = amid_an_answer(1, 10_000);
    join_every_second_group(&mut bench, 1);
    for n in 0..50 {
        bench.want(numbered(2 * n), include(&[]));
    }
    bench.pass(asked + 10_100 - bench.now.0);
    let answered = answered(&mut bench);
    for n in 50..1_000 {
        assert!(answered.contains(&numbered(2 * n)), "{n}");
    }
}

#[test]
fn i63_a_specific_query_needs_no_answer_of_its_own_if_a_general_one_comes_sooner() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    bench.general(3, 100);
    bench.specific(group(1), &[], 30_000);
    bench.pass(40_000);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
}

#[test]
fn i63_a_specific_query_for_a_group_that_an_answer_has_passed_is_answered() {
    for seed in 0..20 {
        let (mut bench, _) = amid_an_answer(seed, 1_000);
        assert!(answered(&mut bench).contains(&numbered(0)));
        bench.specific(numbered(0), &[], 10_000);
        bench.specific(numbered(1_998), &[], 10_000);
        bench.pass(20_000);
        let answered = answered(&mut bench);
        assert_eq!(answered.iter().filter(|group| **group == numbered(0)).count(), 1);
        assert!(answered.contains(&numbered(1_998)));
    }
}

#[test]
fn i64_a_specific_query_is_answered_although_another_host_answered_the_general_one() {
    let config = LinkConfig { role: Role::Upstream, ..LinkConfig::default() };
    let mut bench = Bench::with(config, 1);
    bench.general(2, 100);
    bench.want(group(1), exclude(&[]));
    bench.pass(60_000);
    bench.general(2, 1_000);
    bench.hear(NEIGHBOUR, group(1), &codec::report_v2(group(1))).unwrap();
    bench.take();
    bench.pass(1);
    let query = query(2, group(1), &[], 10_000);
    bench.hear(QUERIER, group(1), &query).unwrap();
    bench.pass(20_000);
    assert_eq!(bench.take(), [Said::V2(group(1))]);
}

#[test]
fn i63_a_later_query_does_not_delay_an_answer_that_has_begun() {
    let (mut bench, asked) = amid_an_answer(1, 2_000);
    bench.general(3, 30_000);
    bench.pass(asked + 2_000 - bench.now.0);
    let answered = answered(&mut bench);
    for n in 0..1_000 {
        assert!(answered.contains(&numbered(2 * n)), "{n}");
    }
}

#[test]
fn i63_a_pending_earlier_answer_is_kept() {
    for seed in 0..50 {
        let config = LinkConfig { role: Role::Upstream, ..LinkConfig::default() };
        let mut bench = Bench::with(config, seed);
        bench.want(group(1), exclude(&[]));
        bench.pass(5_000);
        bench.take();
        bench.general(3, 1_000);
        let first = bench.host.deadline();
        bench.general(3, 10_000);
        assert!(bench.host.deadline() <= first);
        bench.specific(group(1), &[], 10_000);
        bench.pass(30_000);
        assert!(bench.take_timed()[0].0 <= first.0);
    }
}

#[test]
fn i63_group_queries_are_answered_with_the_whole_state() {
    let mut bench = settled(&[(1, exclude(&[1])), (2, include(&[2, 3]))]);
    bench.specific(group(1), &[], 1_000);
    bench.specific(group(2), &[], 1_000);
    bench.pass(1_000);
    let mut said = bench.take();
    said.sort_by_key(|said| matches!(said, Said::V3(records) if records[0].1 == group(2)));
    assert_eq!(said, [v3(IsEx, group(1), &[1]), v3(IsIn, group(2), &[2, 3])]);
}

#[test]
fn i63_source_queries_are_answered_by_the_table() {
    // RFC 9776, 5.2: INCLUDE(A) says A*B, EXCLUDE(A) says B-A, and nothing if that is empty.
    let mut bench = settled(&[(1, include(&[1, 2])), (2, exclude(&[1, 2]))]);
    bench.specific(group(1), &[2, 3], 1_000);
    bench.pass(1_000);
    assert_eq!(bench.take(), [v3(IsIn, group(1), &[2])]);
    bench.specific(group(2), &[2, 3], 1_000);
    bench.pass(1_000);
    assert_eq!(bench.take(), [v3(IsIn, group(2), &[3])]);
    bench.specific(group(1), &[3], 1_000);
    bench.specific(group(2), &[1], 1_000);
    bench.pass(1_000);
    assert_eq!(bench.take(), []);
}

#[test]
fn i63_queries_for_one_group_are_answered_together() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    bench.specific(group(1), &[2], 1_000);
    bench.specific(group(1), &[1, 2], 1_000);
    bench.pass(2_000);
    assert_eq!(bench.take(), [v3(IsIn, group(1), &[1, 2])]);
    // A query for the whole group replaces the list, before and after it.
    bench.specific(group(1), &[2], 1_000);
    bench.specific(group(1), &[], 1_000);
    bench.pass(2_000);
    bench.specific(group(1), &[], 1_000);
    bench.specific(group(1), &[2], 1_000);
    bench.pass(2_000);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[]), v3(IsEx, group(1), &[])]);
}

#[test]
fn i63_a_list_of_queried_sources_is_bounded() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    for n in 0..100_u32 {
        let octets: Vec<u8> =
            (0..300).flat_map(|k| Ipv4Addr::from(0x0b00_0000 + 300 * n + k).octets()).collect();
        let sources = SourceList::of(&octets);
        let body = QueryBody::V3 { suppress: false, robustness: 2, interval: 125, sources };
        let query = Query { group: group(1), max_response: 10_000, body }.write();
        bench.hear(QUERIER, group(1), &query).unwrap();
    }
    bench.pass(20_000);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
}

#[test]
fn i63_there_is_no_answer_without_state() {
    let mut bench = settled(&[]);
    bench.general(3, 1_000);
    bench.specific(group(1), &[], 1_000);
    assert_eq!(bench.host.deadline(), NEVER);
    // Nor for a group that was left, whose leave is still being repeated.
    let mut bench = settled(&[(1, exclude(&[]))]);
    bench.want(group(1), include(&[]));
    bench.specific(group(1), &[], 1_000);
    bench.general(3, 1_000);
    bench.pass(5_000);
    assert_eq!(bench.take(), [v3(ToIn, group(1), &[]), v3(ToIn, group(1), &[])]);
}

#[test]
fn i63_a_host_whose_link_has_no_address_reports_from_zero() {
    let config = LinkConfig { role: Role::Router, ..LinkConfig::default() };
    let mut bench = Bench::with(config, 1);
    bench.link(LinkInfo { addresses: Vec::new(), ..info() });
    bench.want(group(1), exclude(&[]));
    assert_eq!(bench.take(), [v3(ToEx, group(1), &[])]);
    assert_eq!(bench.sources, [Ipv4Addr::UNSPECIFIED]);
}

#[test]
fn i11_a_host_answers_queries_to_its_own_address() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    bench.hear(QUERIER, OWN, &query(3, Ipv4Addr::UNSPECIFIED, &[], 100)).unwrap();
    bench.pass(100);
    bench.hear(QUERIER, OWN, &query(3, group(1), &[], 100)).unwrap();
    bench.pass(100);
    assert_eq!(bench.take().len(), 2);
    // Not those to any other address.
    bench.hear(QUERIER, group(2), &query(3, group(1), &[], 100)).unwrap();
    bench.hear(QUERIER, codec::ALL_ROUTERS, &query(3, Ipv4Addr::UNSPECIFIED, &[], 100)).unwrap();
    bench.pass(1_000);
    assert_eq!(bench.take(), []);
    assert_eq!(bench.base.counters.dropped(DropReason::BadDestination), 2);
}

#[test]
fn i10_a_host_answers_queries_from_zero() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    let query = query(3, Ipv4Addr::UNSPECIFIED, &[], 100);
    bench.hear(Ipv4Addr::UNSPECIFIED, codec::ALL_SYSTEMS, &query).unwrap();
    bench.pass(100);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
}

#[test]
fn g31_an_upstream_answers_a_querier_of_another_network() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    let query = query(3, Ipv4Addr::UNSPECIFIED, &[], 100);
    let foreign = Ipv4Addr::new(172, 16, 0, 1);
    bench.hear(foreign, codec::ALL_SYSTEMS, &query).unwrap();
    bench.pass(100);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
    // A group or a broadcast address is no querier, and a report from there is no report.
    let no_host = Ipv4Addr::BROADCAST;
    assert_eq!(bench.hear(no_host, codec::ALL_SYSTEMS, &query), Err(DropReason::BadSource));
    let report = codec::report_v2(group(1));
    assert_eq!(bench.hear(foreign, group(1), &report), Err(DropReason::OffLink));
}

#[test]
fn i15_a_host_ignores_malformed_queries() {
    let mut bench = settled(&[(1, exclude(&[]))]);
    let with_sources = query(3, Ipv4Addr::UNSPECIFIED, &[1], 100);
    bench.hear(QUERIER, codec::ALL_SYSTEMS, &with_sources).unwrap();
    bench.hear(QUERIER, OWN, &query(3, Ipv4Addr::new(10, 1, 1, 1), &[], 100)).unwrap();
    bench.pass(1_000);
    assert_eq!(bench.take(), []);
    assert_eq!(bench.base.counters.dropped(DropReason::GeneralWithSources), 1);
    assert_eq!(bench.base.counters.dropped(DropReason::NotAGroup), 1);
}
