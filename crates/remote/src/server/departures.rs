//! Processes that have ended, and whose state is not deleted yet.

/// They are deleted a portion at a time. Every other portion is of the oldest one, so that
/// processes that end later delay it little. The rest take turns, so that a small one need not wait
/// for a large one.
#[derive(Debug)]
pub(super) struct Departures<D> {
    /// They are numbered; the oldest one is first.
    list: Vec<(u64, D)>,
    /// The number of the last one.
    last: u64,
    /// How many portions were deleted.
    portions: usize,
}

impl<D> Default for Departures<D> {
    fn default() -> Self {
        Departures { list: Vec::new(), last: 0, portions: 0 }
    }
}

impl<D> Departures<D> {
    pub fn push(&mut self, departure: D) {
        self.last += 1;
        self.list.push((self.last, departure));
    }

    /// The number of the last process that has ended.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Whether there is a process that has ended before the one with the next number.
    pub fn has_until(&self, number: u64) -> bool {
        self.list.iter().any(|(one, _)| *one <= number)
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
        let is_over = !step(&mut self.list[at].1);
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
        while departures.list[0].1 != 1000 {
            departures.push(1000);
            departures.step(take_one);
            steps += 1;
            assert!(steps <= 200, "the oldest one has {} portions left", departures.list[0].1);
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
    fn t9_7_d86_a_wait_for_processes_that_have_ended_is_not_for_later_ones() {
        let mut departures = Departures::default();
        assert!(!departures.has_until(departures.last()));
        [1, 2].into_iter().for_each(|portions| departures.push(portions));
        let until = departures.last();
        departures.push(9);
        assert_eq!(departures.step(take_one), Some(true));
        assert!(departures.has_until(until), "of two, one is left");
        while departures.list.len() > 1 {
            departures.step(take_one);
        }
        assert!(!departures.has_until(until) && departures.has_until(departures.last()));
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
