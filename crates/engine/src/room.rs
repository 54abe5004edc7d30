//! Reserves the memory of a call before it changes anything (spec 0.9).
//!
//! ```text
//!  join, first packet, take … ──► room ──► the change, which needs no further memory
//!                                  └─ ERROR_NOT_ENOUGH_MEMORY, nothing has changed
//!  leave, release, expiry … ─────────────► the change, which needs no further memory
//! ```
//!
//! Each table can add one more flow, and remove all its flows, without growing. The notices of
//! a removal are stored as far as there is memory; alerts without memory are told later
//! ([`Effects::take_untold`]).

use super::resolution::{Purpose, Resolution};
use super::sources::SourceId;
use super::wakes::AT_ONCE;
use super::{Effects, Engine, Refused};
use crate::types::{Flow, IfId, Result};
use std::ops::RangeInclusive;

/// The memory that a change of an MFE needs: sets with interfaces beyond the 64th, and
/// counters for each oif.
const MFE_BYTES: usize = 256;

/// The number of MFEs that can change in any call; [`Effects::room`] has reserved for them.
const FEW_MFES: usize = 16;

/// The number of refused flows that a call can process again.
const COMING_AND_GOING: usize = 2 * AT_ONCE;

impl Engine {
    /// Reserves the memory that one call can need, for a flow, its MFE and the notices, before
    /// anything has changed.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub(super) fn room(&mut self, fx: &mut Effects) -> Result<()> {
        self.flows.room()?;
        fx.room(self.clients.len(), self.flow_limit.interfaces(), self.changeable())
    }

    /// The most flows that can change in one call: those with an MFE, the remembered refused
    /// flows, and some that are added or removed.
    #[inline]
    pub(super) fn changeable(&self) -> usize {
        self.flows.capacity() + self.refusals.most() + COMING_AND_GOING
    }

    /// The same for a call that changes the MFEs that a membership concerns, possibly those of all
    /// flows of its group.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub(super) fn room_for_mfes(
        &mut self,
        matching: Flow,
        id: IfId,
        fx: &mut Effects,
    ) -> Result<()> {
        if matching.has_source() || self.flows.mfe_len() <= FEW_MFES {
            return Ok(());
        }
        self.room_for_range(mfes_of(matching), id, fx)
    }

    /// The same for the MFEs of a range of flows.
    ///
    /// # Errors
    /// `NoMemory`.
    pub(super) fn room_for_range(
        &mut self,
        flows: RangeInclusive<Flow>,
        id: IfId,
        fx: &mut Effects,
    ) -> Result<()> {
        let wide = usize::from(id.0) / 8; // a bit for each interface up to this one
        let count = self.flows.mfes_at_most(flows);
        fx.headroom.take(count.saturating_sub(FEW_MFES) * (MFE_BYTES + wide))
    }

    /// There is no memory for a question about a flow, or for its MFE. A new flow is refused; an
    /// existing MFE ends, because no client was asked about it. The next packet of the flow
    /// starts again. Takes over the reference to the source of a new flow.
    #[cold]
    pub(super) fn give_up_unasked(
        &mut self,
        flow: Flow,
        purpose: Purpose,
        source: SourceId,
        fx: &mut Effects,
    ) {
        if purpose == Purpose::Create {
            self.flows.sources.release(source);
            fx.ended(flow);
            self.count_refused(Refused::NoMemory);
        } else {
            self.remove_mfe(flow, fx);
        }
        self.debug(fx, || format!("out of memory: {flow} dropped"));
    }

    /// There is no memory to pass a question to its client.
    pub fn unasked(&mut self, flow: Flow, fx: &mut Effects) {
        let Some(resolution) = self.end_resolution(flow) else { return };
        let Resolution { purpose, source, .. } = *resolution;
        self.give_up_unasked(flow, purpose, source, fx);
    }
}

/// The MFEs that a membership of any source concerns, or of any group.
pub(super) fn mfes_of(matching: Flow) -> RangeInclusive<Flow> {
    match matching {
        Flow::WILDCARD => matching..=Flow::MAX,
        group => group..=group.last_of_group(),
    }
}
