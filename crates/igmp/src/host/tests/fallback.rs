//! Queriers of older versions (I64).

use super::*;

/// A host that has wanted group 1 for a while, and hears a General Query of this version.
fn fallen(version: u8) -> Bench {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[]));
    bench.pass(5_000);
    bench.take();
    bench.general(version, 10_000);
    bench
}

#[test]
fn i64_a_v2_query_makes_the_host_v2_for_350_s() {
    let mut bench = fallen(2);
    assert_eq!(bench.host.version(), 2);
    bench.pass(10_000);
    assert_eq!(bench.take(), [Said::V2(group(1))]);
    bench.want(group(2), include(&[1]));
    bench.pass(339_999);
    assert_eq!(bench.host.version(), 2);
    assert_eq!(bench.take(), [Said::V2(group(2)), Said::V2(group(2))]);
    bench.pass(1);
    assert_eq!(bench.host.version(), 3);
}

#[test]
fn i64_the_fallback_lasts_as_long_as_the_last_query_says() {
    let mut bench = fallen(2);
    bench.pass(100_000);
    bench.general(2, 2_000);
    bench.pass(269_999);
    assert_eq!(bench.host.version(), 2);
    bench.pass(1);
    assert_eq!(bench.host.version(), 3);
}

#[test]
fn i64_a_v1_query_makes_the_host_v1_which_never_leaves() {
    let mut bench = fallen(1);
    bench.pass(10_000);
    assert_eq!(bench.take(), [Said::V1(group(1))]);
    bench.want(group(1), include(&[]));
    bench.pass(20_000);
    assert_eq!(bench.take(), []);
}

#[test]
fn i64_version_1_wins_and_version_2_follows_it() {
    let mut bench = fallen(1);
    bench.pass(100_000);
    bench.general(2, 10_000);
    assert_eq!(bench.host.version(), 1);
    bench.pass(250_000);
    assert_eq!(bench.host.version(), 2);
    bench.pass(100_000);
    assert_eq!(bench.host.version(), 3);
}

#[test]
fn i64_a_v2_specific_query_does_not_lower_the_version() {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[]));
    bench.pass(5_000);
    bench.take();
    bench.hear(QUERIER, group(1), &query(2, group(1), &[], 1_000)).unwrap();
    bench.pass(1_000);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
}

#[test]
fn i64_a_change_of_version_drops_pending_reports() {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[]));
    bench.want(group(2), exclude(&[]));
    bench.want(group(2), include(&[]));
    bench.take();
    bench.general(2, 10_000);
    bench.pass(10_000);
    // No repetition of the v3 reports, and no word of the group that was left.
    assert_eq!(bench.take(), [Said::V2(group(1))]);
}

#[test]
fn i64_a_v2_query_from_zero_counts() {
    let mut bench = Bench::new();
    let general = query(2, Ipv4Addr::UNSPECIFIED, &[], 10_000);
    bench.hear(Ipv4Addr::UNSPECIFIED, codec::ALL_SYSTEMS, &general).unwrap();
    assert_eq!(bench.host.version(), 2);
}

#[test]
fn i64_a_fixed_version_3_never_falls_back() {
    let config = LinkConfig { role: Role::Upstream, keep_version: true, ..LinkConfig::default() };
    let mut bench = Bench::with(config, 1);
    bench.want(group(1), exclude(&[]));
    bench.pass(5_000);
    bench.take();
    bench.general(2, 1_000);
    bench.pass(1_000);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
}

#[test]
fn i64_in_v2_another_hosts_report_suppresses_ours_and_our_leave() {
    let mut bench = fallen(2);
    bench.hear(NEIGHBOUR, group(1), &codec::report_v2(group(1))).unwrap();
    bench.pass(20_000);
    assert_eq!(bench.take(), []);
    bench.want(group(1), include(&[]));
    bench.pass(20_000);
    assert_eq!(bench.take(), [], "the other host is the last reporter");

    // A query makes both report again; whoever was last sends the Leave.
    let mut bench = fallen(2);
    bench.pass(10_000);
    assert_eq!(bench.take(), [Said::V2(group(1))]);
    bench.want(group(1), include(&[]));
    bench.pass(20_000);
    assert_eq!(bench.take(), [Said::Leave(group(1))]);
}

#[test]
fn i64_a_suppressed_report_is_due_again_at_the_next_query() {
    let mut bench = fallen(2);
    bench.hear(NEIGHBOUR, group(1), &codec::report_v2(group(1))).unwrap();
    bench.pass(125_000);
    bench.general(2, 10_000);
    bench.pass(10_000);
    assert_eq!(bench.take(), [Said::V2(group(1))]);
    // Specific queries, too.
    bench.hear(QUERIER, group(1), &query(2, group(1), &[], 1_000)).unwrap();
    bench.hear(NEIGHBOUR, group(1), &codec::report_v2(group(1))).unwrap();
    bench.pass(1_000);
    assert_eq!(bench.take(), []);
    bench.hear(QUERIER, group(1), &query(2, group(1), &[], 1_000)).unwrap();
    bench.pass(1_000);
    assert_eq!(bench.take(), [Said::V2(group(1))]);
}

#[test]
fn i64_in_v2_a_group_is_reported_once_whatever_its_list() {
    let mut bench = fallen(2);
    bench.pass(10_000);
    bench.take();
    bench.want(group(2), include(&[1]));
    bench.want(group(2), include(&[1, 2]));
    bench.want(group(2), exclude(&[]));
    bench.pass(20_000);
    assert_eq!(bench.take(), [Said::V2(group(2)), Said::V2(group(2))]);
    bench.want(group(2), include(&[1]));
    assert_eq!(bench.take(), []);
    bench.want(group(2), include(&[]));
    assert_eq!(bench.take(), [Said::Leave(group(2))]);
}

#[test]
fn i64_ssm_groups_are_not_reported_in_v2_and_that_is_logged() {
    let ssm = Ipv4Addr::new(232, 1, 1, 1);
    let mut bench = fallen(2);
    bench.want(ssm, include(&[1]));
    bench.pass(10_000);
    bench.general(2, 10_000);
    bench.pass(10_000);
    assert!(bench.take().iter().all(|said| *said == Said::V2(group(1))));
    assert_eq!(bench.log.len(), 1, "once a minute");
    assert!(bench.log[0].to_string().contains("232.1.1.1"), "{}", bench.log[0]);
    bench.want(ssm, include(&[]));
    assert_eq!(bench.take(), [], "what was not reported is not left");
}

#[test]
fn g32_when_the_fallback_ends_everything_is_reported_anew() {
    let ssm = Ipv4Addr::new(232, 1, 1, 1);
    let mut bench = fallen(2);
    bench.want(ssm, include(&[1]));
    bench.pass(349_000);
    bench.take();
    bench.pass(10_000);
    let said = Said::V3(vec![(Allow, ssm, sources(&[1])), (ToEx, group(1), sources(&[]))]);
    assert_eq!(bench.take(), [said.clone(), said]);
}

#[test]
fn t70_proxy_upstream_v2() {
    let mut bench = fallen(2);
    bench.pass(10_000);
    bench.want(group(2), exclude(&[]));
    bench.want(group(2), include(&[]));
    assert_eq!(bench.take(), [Said::V2(group(1)), Said::V2(group(2)), Said::Leave(group(2))]);
    bench.pass(345_000);
    bench.take();
    bench.general(3, 1_000);
    bench.pass(1_000);
    assert_eq!(bench.take(), [v3(IsEx, group(1), &[])]);
}
