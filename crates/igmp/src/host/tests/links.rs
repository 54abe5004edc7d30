//! Links that go and come (I62).

use super::*;

fn without_address() -> LinkInfo {
    LinkInfo { addresses: Vec::new(), ..info() }
}

#[test]
fn i62_an_upstream_that_is_down_or_without_address_sends_nothing() {
    for gone in [LinkInfo::default(), without_address()] {
        let mut bench = Bench::new();
        bench.want(group(1), exclude(&[]));
        bench.take();
        bench.link(gone);
        bench.want(group(2), include(&[1]));
        bench.want(group(3), include(&[1]));
        bench.want(group(3), include(&[]));
        bench.general(3, 1_000);
        bench.pass(60_000);
        assert_eq!(bench.take(), []);
        assert_eq!(bench.host.groups().collect::<Vec<_>>(), [group(1), group(2)]);
    }
}

#[test]
fn i62_an_upstream_that_comes_back_reports_everything_rv_times() {
    for gone in [LinkInfo::default(), without_address()] {
        let mut bench = Bench::new();
        bench.want(group(1), exclude(&[1]));
        bench.pass(5_000);
        bench.take();
        bench.link(gone);
        bench.want(group(2), include(&[2]));
        bench.pass(5_000);
        bench.link(info());
        bench.pass(5_000);
        let said =
            Said::V3(vec![(ToEx, group(1), sources(&[1])), (Allow, group(2), sources(&[2]))]);
        assert_eq!(bench.take(), [said.clone(), said]);
    }
}

#[test]
fn i62_a_new_address_reports_everything_from_there() {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[]));
    bench.pass(5_000);
    bench.take();
    bench.link(info());
    assert_eq!(bench.take(), [], "the same again changes nothing");
    let address = Ipv4Addr::new(10, 0, 0, 77);
    bench.link(LinkInfo { addresses: vec![LinkAddress::new(address, 24)], ..info() });
    bench.pass(5_000);
    assert_eq!(bench.take(), [v3(ToEx, group(1), &[]), v3(ToEx, group(1), &[])]);
    assert_eq!(bench.sources[2..], [address, address]);
}

#[test]
fn i62_a_link_that_went_down_has_forgotten_its_older_querier() {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[]));
    bench.general(2, 10_000);
    bench.pass(60_000);
    bench.take();
    bench.link(LinkInfo::default());
    bench.link(info());
    assert_eq!(bench.take(), [v3(ToEx, group(1), &[])]);
}

#[test]
fn i64_an_older_querier_counts_before_the_link_has_an_address() {
    let mut bench = Bench::new();
    bench.link(without_address());
    bench.want(group(1), exclude(&[]));
    bench.general(2, 10_000);
    bench.pass(5_000);
    assert_eq!(bench.take(), []);
    bench.link(info());
    assert_eq!(bench.take(), [Said::V2(group(1))]);
    bench.pass(344_999);
    assert_eq!(bench.host.version(), 2);
    bench.pass(1);
    assert_eq!(bench.host.version(), 3);
}

#[test]
fn i62_a_clean_stop_leaves_once_for_all_groups() {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[1]));
    bench.want(group(2), include(&[2]));
    bench.take();
    bench.step(|host, base, step| host.stop(base, step));
    let leave = Said::V3(vec![(ToIn, group(1), vec![]), (Block, group(2), sources(&[2]))]);
    assert_eq!(bench.take(), [leave]);
    bench.pass(60_000);
    assert_eq!(bench.take(), []);
    assert_eq!(bench.host.deadline(), NEVER);
}

#[test]
fn i62_a_clean_stop_in_v2_sends_the_leaves() {
    let mut bench = Bench::new();
    bench.general(2, 10_000);
    bench.want(group(1), exclude(&[]));
    bench.want(group(2), include(&[2]));
    bench.take();
    bench.step(|host, base, step| host.stop(base, step));
    assert_eq!(bench.take(), [Said::Leave(group(1)), Said::Leave(group(2))]);
}

#[test]
fn g30_an_upstream_with_a_configured_source_needs_no_address() {
    let config = LinkConfig {
        role: Role::Upstream,
        source: Some(Ipv4Addr::new(192, 0, 2, 1)),
        ..LinkConfig::default()
    };
    let mut bench = Bench::with(config, 1);
    bench.link(without_address());
    bench.want(group(1), exclude(&[]));
    assert_eq!(bench.take(), [v3(ToEx, group(1), &[])]);
    assert_eq!(bench.sources, [Ipv4Addr::new(192, 0, 2, 1)]);
}

#[test]
fn i1_equal_seeds_and_events_make_equal_reports() {
    let run = |seed| {
        let config = LinkConfig { role: Role::Upstream, ..LinkConfig::default() };
        let mut bench = Bench::with(config, seed);
        for n in 1..20 {
            bench.want(group(n), exclude(&[n]));
            bench.general(3, 10_000);
            bench.specific(group(n), &[1], 1_000);
            bench.pass(700);
        }
        bench.pass(60_000);
        bench.take_timed()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
