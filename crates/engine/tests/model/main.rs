//! Compares the engine with a second, deliberately naive implementation of the specification
//! ([`spec`]). Both get the same calls, also invalid ones: packets, answers in any order and twice,
//! time-outs, route changes, interfaces that disappear and return, calls inside and outside callbacks.
//! After each step the codes, the notices and all tables must be the same. Clients get their alerts late
//! and fall behind. A client that has caught up must know the current state.
//!
//! - `cargo test -p mgm-engine --test model` makes 50,000 steps, or `MGM_MODEL_STEPS`.
//! - `MGM_MODEL_SEED=17 cargo test -p mgm-engine --test model walks` begins with that seed.
//! - A sequence that fails is reduced to the steps that are needed, and printed. `MGM_MODEL_SHRINK=no`
//!   leaves out the reduction, which takes time.

mod drive;
mod shrink;
mod spec;
mod steps;
mod tables;

use drive::Stage;
use proptest::prelude::*;
use shrink::{shrink, try_walk};
use std::time::Instant;
use steps::{Dice, Step};

/// The steps of one walk: enough to reach all states, and few enough to be reduced.
const WALK: usize = 2_500;

fn steps_of(seed: u64) -> Vec<Step> {
    let mut dice = Dice(seed);
    (0..WALK).map(|_| dice.step()).collect()
}

/// One walk in eight has very many interfaces, one in two a kernel that forwards, one in five room for
/// a few flows only, one in three two routing domains, and one in five a source with very many flows.
fn stage_of(seed: u64) -> Stage {
    Stage {
        crowded: seed % 8 == 7,
        kernel: seed % 4 >= 2,
        tight: seed % 5 == 4,
        domains: seed % 3 == 1,
        wide: seed % 5 == 2,
    }
}

/// Makes walks with one seed after the other. Returns the first failure.
fn walks(first_seed: u64, steps: usize) -> Result<Seen, String> {
    let mut sum = Seen::default();
    for seed in (first_seed..).take(steps.div_ceil(WALK)) {
        let (steps, stage) = (steps_of(seed), stage_of(seed));
        match try_walk(&steps, stage) {
            Ok(seen) => {
                sum.alerts += seen.alerts;
                sum.installed += seen.installed;
                sum.fell_behind += seen.fell_behind;
                sum.taken_over += seen.taken_over;
            }
            Err(failure) if setting("MGM_MODEL_SHRINK").is_some_and(|it: String| it == "no") => {
                return Err(format!("seed {seed} on {stage:?}: {}", failure.what));
            }
            Err(failure) => {
                let (fewest, failure) = shrink(&steps[..=failure.at], stage, failure);
                return Err(format!(
                    "seed {seed} on {stage:?}, after {} steps that it takes:\n{fewest:#?}\n\n{}",
                    fewest.len(),
                    failure.what
                ));
            }
        }
    }
    Ok(sum)
}

/// What happened in the walks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    alerts: usize,
    installed: usize,
    fell_behind: usize,
    taken_over: usize,
}

/// A number from the environment.
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn walks_keep_every_rule() {
    let seed = setting("MGM_MODEL_SEED").unwrap_or(1);
    let steps: usize = setting("MGM_MODEL_STEPS").unwrap_or(50_000);
    let started = Instant::now();
    match walks(seed, steps) {
        Err(text) => panic!("engine and model disagree, {text}"),
        Ok(seen) => {
            #[allow(clippy::cast_precision_loss)]
            let rate = steps as f64 / started.elapsed().as_secs_f64();
            println!("{steps} steps from seed {seed}, {rate:.0} a second: {seen:?}");
            // The walks were not empty: there was something to compare.
            assert!(seen.alerts > steps / 8 && seen.installed > steps / 400, "{seen:?}");
            assert!(seen.fell_behind > steps / 400, "{seen:?}");
            assert!(seen.taken_over > steps / 1000, "{seen:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_steps_keep_every_rule(
        raw in prop::collection::vec(any::<[u8; 5]>(), 1..250),
        crowded in any::<bool>(),
        kernel in any::<bool>(),
        tight in any::<bool>(),
        domains in any::<bool>(),
        wide in any::<bool>(),
    ) {
        let stage = Stage { crowded, kernel, tight, domains, wide };
        let steps: Vec<Step> = raw.into_iter().map(Step::new).collect();
        if let Err(failure) = try_walk(&steps, stage) {
            prop_assert!(false, "{}\n{:#?}", failure.what, &steps[..=failure.at]);
        }
    }
}
