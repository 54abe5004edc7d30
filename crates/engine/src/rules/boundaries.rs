//! Boundaries that are added and deleted (spec 3.7).

use super::oifs::{self, OifChange, Touch};
use super::{deletion, reconsider, restart};
use crate::effects::Effects;
use crate::tables::Tables;
use mgm_types::{Result, Scope};

/// Adds a boundary: it blocks the groups of a scope on the interfaces of this index.
pub fn add_boundary(t: &mut Tables, if_index: u32, scope: Scope, fx: &mut Effects) {
    if !t.limits.add_boundary(if_index, scope) {
        return;
    }
    let bounded = t.interfaces.of_index(if_index);
    // End the MFEs that must go first, so that no PRUNE_ALERT names one of them: the
    // neighbours of an NBMA link can be iif and oif of the same MFE.
    deletion::delete_all(t, scope.flows(), |mfe| bounded.contains(&mfe.iif), fx);
    restart::all_outdated(t, fx);
    for id in bounded {
        oifs::update_range(
            t,
            scope.flows(),
            OifChange { id, touch: Touch::Members, caller: None },
            fx,
        );
    }
}

/// Deletes a boundary.
pub fn delete_boundary(
    t: &mut Tables,
    if_index: u32,
    scope: Scope,
    fx: &mut Effects,
) -> Result<()> {
    t.limits.delete_boundary(if_index, scope)?;
    for id in t.interfaces.of_index(if_index) {
        oifs::update_range(
            t,
            scope.flows(),
            OifChange { id, touch: Touch::Members, caller: None },
            fx,
        );
    }
    reconsider::scope(t, scope, fx);
    Ok(())
}
