//! Registration (spec section 1).

use super::{change_of_owner, grace};
use crate::effects::Effects;
use crate::tables::{ClientId, Tables};
use mgm_types::{Refusal, Result};

/// Whether `Engine::deregister` would succeed.
pub fn check_deregister(t: &Tables, id: ClientId) -> Result<()> {
    match t.clients.record(id)?.interfaces {
        0 => Ok(()),
        n => Err(Refusal::StillOwns(n)),
    }
}

/// Deregisters a client that owns no interface (spec 1.5).
pub fn deregister(t: &mut Tables, id: ClientId, fx: &mut Effects) -> Result<()> {
    check_deregister(t, id)?;
    // No resolution waits for it: each change of owner has restarted those that did.
    change_of_owner::finish_releases_of(t, id, fx);
    grace::lose_successor(t, id);
    Ok(())
}
