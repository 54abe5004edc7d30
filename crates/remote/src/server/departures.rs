//! Processes that have ended, and whose state is not deleted yet.

/// They are deleted a portion at a time. Every other portion is of the oldest one, so that
/// processes that end later delay it little. The rest take turns, so that a small one need not wait
/// for a large one.
#[derive(Debug)]
pub(super) struct Departures<D> {
    /// The oldest one is first.
    list: Vec<D>,
    /// How many portions were deleted.
    portions: usize,
}

impl<D> Default for Departures<D> {
    fn default() -> Self {
        Departures { list: Vec::new(), portions: 0 }
    }
}

impl<D> Departures<D> {
    pub fn push(&mut self, departure: D) {
        self.list.push(departure);
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Deletes one portion. `step` returns false if nothing is left of its process. `None` if there
    /// is no process; otherwise whether one is finished.
    pub fn step(&mut self, step: impl FnOnce(&mut D) -> bool) -> Option<bool> {
        let others = self.list.len().checked_sub(1)?;
        self.portions = self.portions.wrapping_add(1);
        let at = match self.portions % 2 == 0 && others > 0 {
            true => 1 + (self.portions / 2) % others,
            false => 0,
        };
        let is_over = !step(&mut self.list[at]);
        if is_over {
            self.list.remove(at);
        }
        Some(is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processes as their portions, of which the last is 1.
    fn take_one(left: &mut u32) -> bool {
        *left -= 1;
        *left > 0
    }

    #[test]
    fn t9_7_new_deaths_at_most_double_the_time_of_an_old_one() {
        let mut departures = Departures::default();
        departures.push(100);
        let mut steps = 0;
        while departures.list[0] != 1000 {
            departures.push(1000);
            departures.step(take_one);
            steps += 1;
            assert!(steps <= 200, "the oldest one has {} portions left", departures.list[0]);
        }
    }

    #[test]
    fn t9_7_a_small_one_does_not_wait_for_large_ones() {
        let mut departures = Departures::default();
        [1000, 1000, 3].into_iter().for_each(|portions| departures.push(portions));
        let mut steps = 1;
        while departures.step(take_one) != Some(true) {
            steps += 1;
        }
        assert!(steps <= 12, "{steps} steps");
        assert_eq!(departures.list.len(), 2);
    }

    #[test]
    fn t9_7_each_process_ends() {
        let mut departures = Departures::default();
        [2, 3, 1, 5].into_iter().for_each(|portions| departures.push(portions));
        let (mut steps, mut ends) = (0, 0);
        while let Some(is_over) = departures.step(take_one) {
            (steps, ends) = (steps + 1, ends + u32::from(is_over));
        }
        assert_eq!((steps, ends, departures.is_empty()), (2 + 3 + 1 + 5, 4, true));
    }
}
