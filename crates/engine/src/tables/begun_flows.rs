//! How many flows packets have begun, in total and by arrival interface (spec 0.9).

use mgm_types::{IfId, Result, Time};

/// The default of MGM_MAX_FLOWS.
pub const USUAL_MAX_FLOWS: u32 = 2_097_152;

/// Stands for the arrival interface once that has been released.
pub const NOWHERE: IfId = IfId(u16::MAX);

/// Counts the flows that packets began: MFEs, and resolutions that are to create one.
#[derive(Debug, Default)]
pub struct BegunFlows {
    /// The limit.
    pub most: usize,
    all: usize,
    /// By the number of the interface that the first packet arrived on.
    by_arrival: Vec<u32>,
    /// No message about the limit is logged before this time.
    pub silent_until: Time,
}

impl BegunFlows {
    /// At most `most` flows; 0 means the default.
    pub fn of(most: u32) -> BegunFlows {
        let most = if most == 0 { USUAL_MAX_FLOWS } else { most };
        BegunFlows { most: most as usize, ..BegunFlows::default() }
    }

    /// Prepares the counter of a new interface.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn serve(&mut self, arrival: IfId) -> Result<()> {
        let len = usize::from(arrival.0) + 1;
        if self.by_arrival.len() < len {
            self.by_arrival.try_reserve(len - self.by_arrival.len())?;
            self.by_arrival.resize(len, 0);
        }
        Ok(())
    }

    /// An upper bound of the number of interfaces.
    #[inline]
    pub fn interfaces(&self) -> usize {
        self.by_arrival.len()
    }

    /// How many flows there are.
    pub fn len(&self) -> usize {
        self.all
    }

    /// How many of them began on an interface.
    pub fn begun_on(&self, arrival: IfId) -> usize {
        self.by_arrival.get(usize::from(arrival.0)).map_or(0, |&count| count as usize)
    }

    /// A flow begins.
    pub fn begin(&mut self, arrival: IfId) {
        self.all += 1;
        if let Some(count) = self.by_arrival.get_mut(usize::from(arrival.0)) {
            *count += 1;
        }
    }

    /// A flow ends.
    pub fn end(&mut self, arrival: IfId) {
        self.all = self.all.saturating_sub(1);
        if let Some(count) = self.by_arrival.get_mut(usize::from(arrival.0)) {
            *count = count.saturating_sub(1);
        }
    }

    /// The flows that began on an interface no longer count for it.
    pub fn forget_arrival(&mut self, arrival: IfId) {
        if let Some(count) = self.by_arrival.get_mut(usize::from(arrival.0)) {
            *count = 0;
        }
    }
}
