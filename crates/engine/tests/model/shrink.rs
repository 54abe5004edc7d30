//! Runs sequences of steps, and reduces those that fail to the steps that are needed.

use crate::drive::{Drive, Stage};
use crate::steps::Step;
use crate::Seen;
use std::cell::Cell;
use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe};
use std::sync::Once;

/// How a sequence failed.
#[derive(Debug)]
pub struct Failure {
    /// The step that failed.
    pub at: usize,
    pub what: String,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics of the engine are failures, too. They are printed when the sequence has been reduced.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
}

/// Makes the steps until the first difference.
pub fn try_walk(steps: &[Step], stage: Stage) -> Result<Seen, Failure> {
    quiet_panics();
    let mut drive = Drive::new(stage);
    for (at, step) in steps.iter().enumerate() {
        QUIET.set(true);
        let result = catch_unwind(AssertUnwindSafe(|| drive.step(*step)));
        QUIET.set(false);
        let what = match result {
            Ok(Ok(())) => continue,
            Ok(Err(what)) => what,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                format!("a panic: {}", text.unwrap_or_default())
            }
        };
        return Err(Failure { at, what: format!("at {step:?}: {what}") });
    }
    let fell_behind = drive.alerted.fell_behind;
    Ok(Seen {
        alerts: drive.alerts,
        installed: drive.installed,
        fell_behind,
        taken_over: drive.taken_over,
    })
}

/// Leaves out all steps that are not needed: at first half of them, then smaller and smaller parts.
/// Replaces operands that do not matter by 0.
pub fn shrink(steps: &[Step], stage: Stage, failure: Failure) -> (Vec<Step>, Failure) {
    let (mut steps, mut failure) = (steps.to_vec(), failure);
    let mut piece = steps.len().div_ceil(2);
    loop {
        let mut at = 0;
        let mut is_better = false;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + piece).min(steps.len()));
            if let Err(other) = try_walk(&fewer, stage) {
                fewer.truncate(other.at + 1);
                (steps, failure, is_better) = (fewer, other, true);
            } else {
                at += piece;
            }
        }
        if piece == 1 && !is_better {
            break;
        }
        piece = piece.div_ceil(2);
    }
    for at in 0..steps.len() {
        for operand in 0..4 {
            let mut simpler = steps.clone();
            let Step { a, b, c, d, .. } = &mut simpler[at];
            *[a, b, c, d][operand] = 0;
            if let Err(other) = try_walk(&simpler, stage) {
                if other.at + 1 == steps.len() {
                    (steps, failure) = (simpler, other);
                }
            }
        }
    }
    (steps, failure)
}
