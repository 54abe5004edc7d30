//! Reserves room for one more flow, before anything has changed (spec 0.9).

use super::Flows;
use mgm_types::Result;

impl Flows {
    /// Makes sure that there is room for one more flow and its source. Must be called before
    /// [`Flows::make`], [`Flows::insert_mfe`] and [`Flows::hold_source`], and before anything has
    /// changed.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub fn room(&mut self) -> Result<()> {
        let has_entry = self.free.is_some() || self.entries.len() < self.entries.capacity();
        if has_entry && self.index.has_room() && self.order.has_room() && self.sources.has_room() {
            return Ok(());
        }
        self.grow()
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        if self.free.is_none() {
            self.entries.try_reserve(1)?;
        }
        self.index.grow()?;
        self.order.grow()?;
        self.sources.grow(1)
    }

    /// The most flows that can have an MFE until [`Flows::room`] makes more room.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}
