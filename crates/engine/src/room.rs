//! Room that a call makes sure of before it changes anything (spec 0.9).
//!
//! ```text
//!  join, first packet, take … ──► room ──► the change, which needs no more
//!                                  └─ ERROR_NOT_ENOUGH_MEMORY, nothing has changed
//!  leave, release, expiry … ─────────────► the change, which needs no more
//! ```
//!
//! Each table can take one flow more without growing, and give up all that it has
//! without growing. What a removal tells is stored as far as there is memory; alerts that
//! find none are told in the clients' own time ([`Effects::take_untold`]).

use super::resolve::{Purpose, Resolution};
use super::sources::SourceId;
use super::wakes::AT_ONCE;
use super::{Effects, Engine, Refused};
use crate::types::{Flow, IfId, Result};
use std::ops::RangeInclusive;

/// What a change takes in an MFE: sets with interfaces beyond the 64th, and counters
/// of its own for each oif.
const MFE_BYTES: usize = 256;

/// As many MFEs may change in any call: for those [`Effects::room`] has provided.
const FEW_MFES: usize = 16;

/// Refused flows that a call looks at again become others.
const COMING_AND_GOING: usize = 2 * AT_ONCE;

impl Engine {
    /// Makes sure of the memory that one call may need: for a flow, its MFE, and what
    /// clients are told. Before anything has changed.
    ///
    /// # Errors
    /// `NoMemory`.
    #[inline]
    pub(super) fn room(&mut self, fx: &mut Effects) -> Result<()> {
        self.flows.room()?;
        fx.room(self.clients.len(), self.flow_limit.interfaces(), self.changeable())
    }

    /// So many flows at the most may change in one call: those with an MFE, those that are
    /// remembered as refused, and some that come and go.
    #[inline]
    pub(super) fn changeable(&self) -> usize {
        self.flows.capacity() + self.refusals.most() + COMING_AND_GOING
    }

    /// The same for a call that changes the MFEs of a membership, maybe those of all
    /// its group's flows.
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

    /// There is no memory for a question about a flow, or for its MFE. One that was to
    /// be created is refused; one that is there ends: better no MFE than one of which
    /// nobody was asked. Its next packet begins it anew. Takes over the reference to the
    /// source of a new flow.
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
        self.story(fx, || format!("out of memory: {flow} dropped"));
    }

    /// A question that was told of finds no memory on its way to the client.
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
