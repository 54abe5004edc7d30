//! Allocates the oifs of entries: runs of 2^n neighbouring elements that lie in one chunk. No I/O
//! here.

use super::layout::{CHUNK, CHUNKS, MOST_OIFS};

/// The classes of runs by size: 1, 2, 4 …, up to the most oifs of an entry.
const CLASSES: usize = MOST_OIFS.next_power_of_two().ilog2() as usize + 1;

/// The class of the smallest runs that have room for so many oifs.
pub(super) fn class_of(oifs: usize) -> u8 {
    oifs.next_power_of_two().ilog2() as u8
}

/// How many chunks are to be made if elements up to `next` are used: an eighth of that is to be
/// free, and at least as many as a burst may take until chunks are made again.
pub(super) fn missing_chunks(next: usize, chunks: usize) -> usize {
    const FREE: usize = 2 * CHUNK;
    const LEAST: usize = 4;
    let wanted = (next + FREE.max(next / 8)).div_ceil(CHUNK);
    wanted.clamp(LEAST, CHUNKS).saturating_sub(chunks)
}

/// Free runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    free: [Vec<u32>; CLASSES],
    /// From here on, everything is free.
    next: usize,
    /// The chunks that there are.
    chunks: usize,
}

impl Runs {
    /// Takes a run; `None` if that needs another chunk.
    pub(super) fn take(&mut self, class: u8) -> Option<u32> {
        let class = usize::from(class);
        if let Some(run) = self.free[class].pop() {
            return Some(run);
        }
        let size = 1 << class;
        let left = CHUNK - self.next % CHUNK;
        if size > left {
            self.free_piecewise(left);
        }
        if self.next + size <= self.chunks * CHUNK {
            let run = self.next as u32;
            self.next += size;
            return Some(run);
        }
        // Split the smallest that is large enough.
        let larger = (class + 1..CLASSES).find(|&other| !self.free[other].is_empty())?;
        let run = self.free[larger].pop()?;
        for half in (class..larger).rev() {
            self.free[half].push(run + (1 << half));
        }
        Some(run)
    }

    /// Makes runs of the next elements, the smallest first, so that they stay aligned.
    fn free_piecewise(&mut self, count: usize) {
        let end = self.next + count;
        while self.next < end {
            let class = (self.next.trailing_zeros() as usize).min(CLASSES - 1);
            self.free[class].push(self.next as u32);
            self.next += 1 << class;
        }
    }

    pub(super) fn give(&mut self, run: u32, class: u8) {
        self.free[usize::from(class)].push(run);
    }

    /// There are so many more chunks.
    pub(super) fn add_chunks(&mut self, count: usize) {
        self.chunks += count;
    }

    /// How many chunks are missing until enough is free.
    pub(super) fn missing(&self) -> usize {
        missing_chunks(self.next, self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn classes_are_the_next_powers_of_two() {
        for (oifs, class) in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (64, 6), (65, 7)] {
            assert_eq!(class_of(oifs), class, "{oifs} oifs");
        }
        assert!(usize::from(class_of(MOST_OIFS)) < CLASSES);
    }

    #[test]
    fn runs_do_not_overlap_nor_cross_a_chunk() {
        let mut runs = Runs::default();
        assert_eq!(runs.take(0), None, "there is no chunk");
        runs.add_chunks(2 * 65_536 / CHUNK);
        let mut used = BTreeSet::new();
        let mut held = Vec::new();
        for step in 0..4000usize {
            let class = (step * 7 % 9) as u8;
            let Some(run) = runs.take(class) else { continue };
            let elements = run as usize..run as usize + (1 << class);
            assert_eq!(elements.start / CHUNK, (elements.end - 1) / CHUNK, "step {step}");
            assert!(elements.clone().all(|at| used.insert(at)), "step {step} overlaps");
            held.push((run, class));
            if step % 3 == 0 {
                let (run, class) = held.swap_remove(step % held.len());
                (run as usize..run as usize + (1 << class))
                    .for_each(|at| assert!(used.remove(&at)));
                runs.give(run, class);
            }
        }
        assert!(used.len() > 80_000, "{}", used.len());
    }

    #[test]
    fn chunks_are_made_in_advance_and_not_without_end() {
        assert_eq!(missing_chunks(0, 0), 4);
        assert_eq!(missing_chunks(2 * CHUNK, 4), 0);
        assert_eq!(missing_chunks(2 * CHUNK + 1, 4), 1, "before they are full");
        assert_eq!(missing_chunks(800 * CHUNK, 802), 98, "an eighth");
        assert_eq!(missing_chunks(CHUNKS * CHUNK, CHUNKS), 0);
    }

    #[test]
    fn every_element_of_a_chunk_can_be_used() {
        let mut runs = Runs::default();
        runs.add_chunks(1);
        for _ in 0..CHUNK / 4096 - 1 {
            runs.take(12).unwrap();
        }
        runs.take(0).unwrap();
        assert_eq!(runs.take(12), None);
        let left: usize = (0..CLASSES as u8)
            .map(|class| std::iter::from_fn(|| runs.take(class)).count() << class)
            .sum();
        assert_eq!(left, 4095);
    }
}
