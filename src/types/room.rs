//! Memory that is asked for before a call changes anything (spec 0.9).
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

/// Makes room in a list of things that are numbered, if it is full, and for each number
/// in the list of those that are free. The latter first: should the second step fail, the
/// list is as full as before, and the next call does both again.
///
/// # Errors
/// `NoMemory`.
pub fn grow_numbered<T, N>(list: &mut Vec<T>, free: &mut Vec<N>) -> Result<()> {
    if list.len() == list.capacity() {
        let capacity = (2 * list.len()).max(4);
        free.try_reserve_exact(capacity - free.len())?;
        list.try_reserve_exact(capacity - list.len())?;
    }
    Ok(())
}

/// Small allocations may take so many bytes until the allocator is asked again.
const CREDIT: usize = 1 << 20;

/// So much has to be left beyond that: for other threads, for calls that remove
/// something, and for the log line that tells of the shortage.
const MARGIN: usize = 1 << 20;

/// Makes sure that small allocations find memory: once in a while it asks the
/// allocator for a large block and gives it back at once.
///
/// The block is not touched, so it costs no memory, only address space.
#[derive(Debug, Default)]
pub struct Headroom {
    left: usize,
}

impl Headroom {
    /// Announces small allocations of so many bytes in all.
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

    #[cold]
    fn ask(&mut self, bytes: usize) -> Result<()> {
        let wanted = bytes.saturating_add(CREDIT).saturating_add(MARGIN);
        let mut block: Vec<u8> = Vec::new();
        block.try_reserve_exact(wanted)?;
        // Otherwise the compiler leaves out an allocation that nobody uses.
        std::hint::black_box(block.as_mut_ptr());
        self.left = CREDIT;
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
        assert_eq!(room.left, CREDIT);
        assert_eq!(room.take(CREDIT), Ok(()));
        assert_eq!(room.left, 0);
        assert_eq!(room.take(usize::MAX / 4), Err(Refusal::NoMemory));
        assert_eq!(room.left, 0, "the next call asks again");
    }
}
