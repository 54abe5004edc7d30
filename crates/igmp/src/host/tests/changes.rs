//! Reports of changes (I55).

use super::*;

#[test]
fn i55_the_first_join_of_a_source_is_allow_and_of_a_group_to_ex() {
    let mut bench = Bench::new();
    bench.want(group(1), include(&[1, 2]));
    bench.want(group(2), exclude(&[3]));
    let expected = [v3(Allow, group(1), &[1, 2]), v3(ToEx, group(2), &[3])];
    assert_eq!(bench.take(), expected);
}

#[test]
fn i55_a_report_is_sent_rv_times_within_the_unsolicited_report_interval() {
    for seed in 0..50 {
        let config = LinkConfig { robustness: 3, role: Role::Upstream, ..LinkConfig::default() };
        let mut bench = Bench::with(config, seed);
        bench.want(group(1), exclude(&[]));
        bench.pass(60_000);
        let said = bench.take_timed();
        assert_eq!(said.len(), 3);
        assert_eq!(said[0].0, 1_000, "the first at once");
        for pair in said.windows(2) {
            assert_eq!(pair[0].1, pair[1].1);
            assert!((1..=1_000).contains(&(pair[1].0 - pair[0].0)), "{pair:?}");
        }
        assert_eq!(bench.host.deadline(), NEVER);
    }
}

#[test]
fn i55_changes_of_one_mode_are_allow_and_block() {
    let mut bench = Bench::new();
    bench.want(group(1), include(&[1, 2]));
    bench.pass(5_000);
    bench.take();
    bench.want(group(1), include(&[2, 3]));
    let both = Said::V3(vec![(Allow, group(1), sources(&[3])), (Block, group(1), sources(&[1]))]);
    assert_eq!(bench.take(), std::slice::from_ref(&both));
    bench.pass(5_000);
    assert_eq!(bench.take(), [both]);

    bench.want(group(2), exclude(&[1, 2]));
    bench.pass(5_000);
    bench.take();
    bench.want(group(2), exclude(&[2, 3]));
    let both = Said::V3(vec![(Allow, group(2), sources(&[1])), (Block, group(2), sources(&[3]))]);
    assert_eq!(bench.take(), [both]);
}

#[test]
fn i55_a_mode_change_carries_the_new_list() {
    let mut bench = Bench::new();
    bench.want(group(1), include(&[1]));
    bench.pass(5_000);
    bench.want(group(1), exclude(&[2]));
    bench.pass(5_000);
    bench.want(group(1), include(&[3]));
    bench.pass(5_000);
    bench.want(group(1), exclude(&[]));
    bench.pass(5_000);
    bench.want(group(1), include(&[]));
    bench.pass(5_000);
    let expected = [
        v3(Allow, group(1), &[1]),
        v3(ToEx, group(1), &[2]),
        v3(ToIn, group(1), &[3]),
        v3(ToEx, group(1), &[]),
        v3(ToIn, group(1), &[]),
    ];
    let twice: Vec<Said> = expected.into_iter().flat_map(|said| [said.clone(), said]).collect();
    assert_eq!(bench.take(), twice);
    assert_eq!(bench.host.groups().count(), 0);
    assert_eq!(bench.host.deadline(), NEVER);
}

#[test]
fn i55_a_change_is_merged_into_the_pending_report() {
    let mut bench = Bench::new();
    bench.want(group(1), include(&[1]));
    // Before the repetition: source 1 is said once more, source 2 twice.
    bench.want(group(1), include(&[1, 2]));
    bench.pass(5_000);
    let one = v3(Allow, group(1), &[1]);
    let both = v3(Allow, group(1), &[1, 2]);
    assert_eq!(bench.take(), [one, both, v3(Allow, group(1), &[2])]);

    // A source that goes again is blocked, with the full number of reports.
    bench.want(group(1), include(&[1, 2, 3]));
    bench.want(group(1), include(&[1, 2]));
    bench.pass(5_000);
    let block = v3(Block, group(1), &[3]);
    assert_eq!(bench.take(), [v3(Allow, group(1), &[3]), block.clone(), block]);
}

#[test]
fn i55_after_a_mode_change_the_next_rv_reports_carry_the_mode() {
    let mut bench = Bench::new();
    bench.want(group(1), exclude(&[]));
    bench.want(group(1), exclude(&[1]));
    bench.pass(5_000);
    // RFC 9776, 5.1: two reports with the mode, then what is left of the source.
    let expected = [v3(ToEx, group(1), &[]), v3(ToEx, group(1), &[1])];
    let said = bench.take();
    assert_eq!(said[..2], expected);
    assert_eq!(said[2..], [v3(Block, group(1), &[1])]);
}

#[test]
fn i55_groups_that_change_in_one_step_share_a_report() {
    let mut bench = Bench::new();
    bench.step(|host, base, _| {
        for n in 1..=100 {
            host.set(group(n), exclude(&[]), &base.config);
        }
    });
    bench.pass(5_000);
    let said = bench.take();
    assert_eq!(said.len(), 2);
    for report in said {
        let Said::V3(records) = report else { panic!() };
        assert_eq!(records.len(), 100);
    }
    assert_eq!(bench.base.counters.reports_sent, 2);
}

#[test]
fn i55_a_group_that_is_left_and_forgotten_can_be_joined_again() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.want(group(1), exclude(&[]));
        bench.want(group(1), include(&[]));
        bench.want(group(1), include(&[]));
        bench.pass(5_000);
        assert_eq!(bench.take().len(), 3);
    }
    bench.want(group(7), include(&[]));
    assert_eq!(bench.take(), []);
}

#[test]
fn i56_a_host_has_more_groups_and_sources_than_a_kernel_socket() {
    let mut bench = Bench::new();
    let many: Vec<u8> = (1..=200).collect();
    bench.step(|host, base, _| {
        for n in 1..=100 {
            host.set(group(n), include(&many), &base.config);
        }
    });
    let records = bench.take().into_iter().flat_map(|said| match said {
        Said::V3(records) => records,
        _ => panic!(),
    });
    // Each first join is an ALLOW, where a kernel would send TO_IN.
    let allowed = records.filter(|record| record.0 == Allow).map(|record| record.2.len());
    assert_eq!(allowed.sum::<usize>(), 100 * 200);
    assert_eq!(bench.host.groups().count(), 100);
}
