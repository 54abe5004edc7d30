//! How many callbacks one call makes.

use super::Bounds;

/// What caused a callback: one of the library's own threads, or a call of the program,
/// together with all calls inside the callbacks that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause(pub u64);

impl Cause {
    /// The library's own threads.
    pub const WORKER: Cause = Cause(0);
}

/// What is left of the callbacks that a thread may make before it gives the rest to a
/// worker (spec 8.3).
#[derive(Debug)]
pub struct Turn {
    cause: Cause,
    own: usize,
    others: usize,
    is_over: bool,
}

impl Turn {
    /// The turn of a call.
    #[inline]
    pub(super) fn new(bounds: &Bounds, cause: Cause) -> Turn {
        Turn { cause, own: bounds.own, others: bounds.others, is_over: false }
    }

    /// The turn of a worker, which never ends.
    pub(super) fn endless() -> Turn {
        Turn { cause: Cause::WORKER, own: usize::MAX, others: usize::MAX, is_over: false }
    }

    fn left(&mut self, cause: Cause) -> &mut usize {
        // A thread that has caused nothing yet has no cause of its own.
        if cause == self.cause && cause != Cause::WORKER {
            &mut self.own
        } else {
            &mut self.others
        }
    }

    /// Counts a callback with this cause, if another one may be made; if not, the turn is
    /// over.
    #[inline]
    pub(super) fn admits(&mut self, cause: Cause) -> bool {
        match self.left(cause).checked_sub(1) {
            Some(rest) if !self.is_over => {
                *self.left(cause) = rest;
                true
            }
            _ => {
                self.is_over = true;
                false
            }
        }
    }

    /// A callback that was counted is not made.
    pub(super) fn give_back(&mut self, cause: Cause) {
        *self.left(cause) += 1;
    }

    /// Whether the rest is a worker's.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Bounds = Bounds { own: 1, others: 1, ..crate::BOUNDS };
    const OTHER: Cause = Cause(2);

    #[test]
    fn t8_3_a_turn_that_is_over_admits_nothing_more() {
        let mut turn = Turn::new(&ONE, Cause(1));
        assert!(turn.admits(Cause(1)) && !turn.is_over());
        assert!(!turn.admits(Cause(1)) && turn.is_over());
        assert!(!turn.admits(OTHER), "though none of others was made");
    }

    #[test]
    fn t8_3_a_callback_that_is_not_made_does_not_count() {
        for cause in [Cause(1), OTHER] {
            let mut turn = Turn::new(&ONE, Cause(1));
            assert!(turn.admits(cause));
            turn.give_back(cause);
            assert!(turn.admits(cause) && !turn.admits(cause));
        }
    }
}
