//! Bugs that are planted in the engine are found: run by scripts/check-planted,
//! in a build of its own.

use crate::walks;
use mgm_engine::planted::{plant, Bug};

/// No bug may outlive so many steps.
const STEPS: usize = 50_000;
/// Longer sequences are no help to anybody.
const SHRUNK: usize = 60;

#[test]
fn every_planted_bug_is_found_and_shrinks() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        plant(Some(bug));
        let found = walks(1, STEPS);
        plant(None);
        match found {
            Err(text) => {
                let steps = text.matches("Step {").count();
                println!("{bug:?} is found, and shrinks to {steps} steps\n{text}\n");
                if steps > SHRUNK {
                    missed.push((bug, steps));
                }
            }
            Ok(_) => missed.push((bug, 0)),
        }
    }
    assert!(missed.is_empty(), "not found (0), or not shrunk: {missed:?}");
}
