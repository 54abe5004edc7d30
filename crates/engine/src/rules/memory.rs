//! Reserves the memory of a call before it changes anything (spec 0.9).
//!
//! ```text
//!  join, first packet, take … ──► reserve ──► the change, which needs no further memory
//!                                   └─ ERROR_NOT_ENOUGH_MEMORY, nothing has changed
//!  leave, release, expiry … ────────────────► the change, which needs no further memory
//! ```
//!
//! Each table can add one more flow, and remove all its flows, without growing. The notices of
//! a removal are stored as far as there is memory; alerts without memory are told later
//! ([`Effects::take_untold`]).

use crate::effects::{CallSize, Effects};
use crate::tables::reroutes::AT_ONCE;
use crate::tables::Tables;
use mgm_types::{Flow, IfId, Result};
use std::ops::RangeInclusive;

/// The memory that a change of an MFE needs: sets with interfaces beyond the 64th, and
/// counters for each oif.
const MFE_BYTES: usize = 256;

/// The number of MFEs that can change in any call; [`Effects::room`] has reserved for them.
const FEW_MFES: usize = 16;

/// The number of refused flows that a call can process again.
const PROCESSED_AGAIN: usize = 2 * AT_ONCE;

/// Reserves the memory that one call can need, for a flow, its MFE and the notices, before
/// anything has changed.
///
/// # Errors
/// `NoMemory`.
#[inline]
pub fn reserve(t: &mut Tables, fx: &mut Effects) -> Result<()> {
    t.flows.room()?;
    let (clients, interfaces) = (t.clients.len(), t.begun_flows.interfaces());
    fx.room(CallSize { clients, interfaces, flows: changeable(t) })
}

/// The most flows that can change in one call: those with an MFE, the remembered refused
/// flows, and some that are added or removed.
#[inline]
pub fn changeable(t: &Tables) -> usize {
    t.flows.capacity() + t.refusals.most() + PROCESSED_AGAIN
}

/// The same for a call that changes the MFEs that a membership concerns, possibly those of all
/// flows of its group.
///
/// # Errors
/// `NoMemory`.
#[inline]
pub fn reserve_for_mfes(t: &mut Tables, matching: Flow, id: IfId, fx: &mut Effects) -> Result<()> {
    if matching.has_source() || t.flows.mfe_len() <= FEW_MFES {
        return Ok(());
    }
    reserve_for_range(t, mfes_of(matching), id, fx)
}

/// The same for the MFEs of a range of flows.
///
/// # Errors
/// `NoMemory`.
pub fn reserve_for_range(
    t: &mut Tables,
    flows: RangeInclusive<Flow>,
    id: IfId,
    fx: &mut Effects,
) -> Result<()> {
    let wide = usize::from(id.0) / 8; // a bit for each interface up to this one
    let count = t.flows.mfes_at_most(flows);
    fx.headroom.take(count.saturating_sub(FEW_MFES) * (MFE_BYTES + wide))
}

/// The MFEs that a membership of any source concerns, or of any group.
pub fn mfes_of(matching: Flow) -> RangeInclusive<Flow> {
    match matching {
        Flow::WILDCARD => matching..=Flow::MAX,
        group => group..=group.last_of_group(),
    }
}
