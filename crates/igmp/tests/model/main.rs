//! Compares the router side with a second, deliberately naive implementation of its rules ([`spec`]):
//! flat lists that are searched from the beginning each time.
//!
//! Both get the same reports, queries, times, configurations and callbacks of the library, at
//! random. After every step both must agree on the queries that were sent, the state of every
//! group, the election, and what the library would forward.
//!
//! - `cargo test -p mgm-igmp --test model` walks 100,000 steps; `MGM_MODEL_STEPS` is another number.
//! - `MGM_MODEL_SEED=17` begins with that seed.
//! - A walk that fails is reduced to the steps that are needed, and printed with its seed.

mod compare;
mod mgm;
mod spec;
mod steps;

use compare::{walk, Failure};
use steps::{Dice, Step};

/// The steps of one walk: enough to reach all states, and few enough to be reduced.
const WALK: usize = 1_000;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

/// Leaves out steps as long as the walk still fails: first many at a time, then single ones.
fn cut_down(mut steps: Vec<Step>, seed: u64) -> (Vec<Step>, Failure) {
    let mut failure = walk(&steps, seed).expect_err("it failed before");
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + size).min(steps.len()));
            match walk(&fewer, seed) {
                Err(found) => {
                    fewer.truncate(found.at + 1);
                    (steps, failure) = (fewer, found);
                }
                Ok(_) => start += size,
            }
        }
        size /= 2;
    }
    (steps, failure)
}

/// T25: each row of the table, and everything around it.
#[test]
fn t25_table_all_rows() {
    let steps = setting("MGM_MODEL_STEPS").unwrap_or(100_000) as usize;
    let first = setting("MGM_MODEL_SEED").unwrap_or(1);
    let mut seen = compare::Seen::default();
    for seed in (first..).take(steps.div_ceil(WALK)) {
        let mut dice = Dice::new(seed);
        let steps: Vec<Step> = (0..WALK).map(|_| dice.step()).collect();
        match walk(&steps, seed) {
            Ok(more) => seen.add(&more),
            Err(failure) => {
                let (fewest, failure) = cut_down(steps[..=failure.at].to_vec(), seed);
                panic!("seed {seed}, {} steps:\n{fewest:#?}\n\n{}", fewest.len(), failure.what);
            }
        }
    }
    println!("{seen:?}");
    // Walks in which nothing happens prove nothing.
    for (what, count, least) in seen.per_thousand(steps) {
        assert!(count >= least, "{what}: {count} of {least} in 1,000 steps");
    }
}
