//! Reserves memory before a call changes anything (spec 0.9).
//!
//! Tables grow by `try_reserve`, and `?` turns its error into
//! [`Refusal::NoMemory`]. Boxes and tree nodes cannot be reserved: for those there
//! is [`Headroom`].

use super::{Refusal, Result};
use std::collections::TryReserveError;

impl From<TryReserveError> for Refusal {
    fn from(_: TryReserveError) -> Refusal {
        Refusal::NoMemory
    }
}

/// Reserves room for `more` items in a list of numbered items, and for all their numbers in
/// the list of free numbers. Reserves the free numbers first: if the second step fails, the
/// list is as full as before, and the next call does both again.
///
/// # Errors
/// `NoMemory`.
pub fn grow_numbered<T, N>(list: &mut Vec<T>, free: &mut Vec<N>, more: usize) -> Result<()> {
    let needed = list.len() + more.saturating_sub(free.len());
    if needed > list.capacity() {
        let capacity = (2 * list.len()).max(needed).max(4);
        free.try_reserve_exact(capacity - free.len())?;
        list.try_reserve_exact(capacity - list.len())?;
    }
    Ok(())
}

/// The allocator is asked again after this many bytes of small allocations.
const CREDIT: usize = 1 << 20;

/// This much must be available beyond that: for other threads, for calls that remove
/// something, and for the log message that reports the shortage.
const MARGIN: usize = 1 << 20;

/// If memory is short, it is requested in blocks of this size. The C library maps each larger block
/// from the system by itself. Once it has freed such a block, it takes blocks of that size from its
/// heap instead, where a table that grows has to be copied.
const BLOCK: usize = 120 << 10;

/// Usually there is much memory. Then one block of this size is requested, because the small
/// blocks take some 20 system calls and page faults, and this one takes three. The C library never
/// takes blocks of more than 32 MB from its heap, so freeing this one does not change where it
/// takes others from.
const LARGE: usize = 33 << 20;

/// If there is that much, the allocator is asked again after this many bytes.
const LARGE_CREDIT: usize = 8 << 20;

/// If there is not, this many requests for small blocks follow: after a refusal, the C library
/// tries other ways to get the memory, which takes more system calls.
const SMALL_ASKS: u8 = 64;

/// Makes sure that small allocations succeed: from time to time it allocates much more, and
/// frees it at once.
///
/// The blocks are not touched, so they cost hardly any memory, only address space.
#[derive(Debug, Default)]
pub struct Headroom {
    left: usize,
    /// How often small blocks are requested before a large one is tried again.
    small_asks: u8,
}

impl Headroom {
    /// Announces small allocations of this many bytes in total.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
            return Ok(());
        }
        self.ask(bytes)
    }

    /// Asks again at the next announcement: a table has grown, perhaps by most of the memory that
    /// was available.
    pub fn forget(&mut self) {
        self.left = 0;
    }

    #[cold]
    fn ask(&mut self, bytes: usize) -> Result<()> {
        if self.small_asks > 0 {
            self.small_asks -= 1;
        } else if bytes <= LARGE_CREDIT {
            let mut large: Vec<u8> = Vec::new();
            if large.try_reserve_exact(LARGE).is_ok() {
                // Otherwise the compiler would remove the unused allocation.
                std::hint::black_box(&mut large);
                self.left = LARGE_CREDIT - bytes;
                return Ok(());
            }
            self.small_asks = SMALL_ASKS;
        }
        let mut blocks: [Vec<u8>; (CREDIT + MARGIN) / BLOCK + 1] = Default::default();
        for block in &mut blocks {
            block.try_reserve_exact(BLOCK)?;
        }
        let mut more: Vec<u8> = Vec::new();
        if bytes > CREDIT {
            more.try_reserve_exact(bytes)?;
            self.left = CREDIT;
        } else {
            self.left = CREDIT - bytes;
        }
        std::hint::black_box((&mut blocks, &mut more)); // as above
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t0_9_headroom_is_asked_for_in_advance_and_refused_where_there_is_none() {
        let mut room = Headroom::default();
        assert_eq!(room.take(1), Ok(()));
        assert_eq!(room.left, LARGE_CREDIT - 1);
        assert_eq!(room.take(LARGE_CREDIT - 1), Ok(()));
        assert_eq!(room.left, 0);
        assert_eq!(room.take(LARGE_CREDIT + 1), Ok(()));
        assert_eq!(room.left, CREDIT, "more than a large block covers");
        assert_eq!(room.take(usize::MAX / 4), Err(Refusal::NoMemory));
        assert_eq!(room.left, CREDIT);
        room.forget();
        assert_eq!(room.left, 0, "the next call asks again");
    }

    #[test]
    fn t0_9_after_a_refusal_of_a_large_block_small_ones_are_requested_for_a_while() {
        let mut room = Headroom { left: 0, small_asks: 1 };
        assert_eq!(room.take(1), Ok(()));
        assert_eq!((room.left, room.small_asks), (CREDIT - 1, 0));
        room.forget();
        assert_eq!(room.take(1), Ok(()));
        assert_eq!((room.left, room.small_asks), (LARGE_CREDIT - 1, 0));
    }
}
