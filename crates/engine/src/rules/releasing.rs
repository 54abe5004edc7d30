//! The release of an interface in portions, when the process of its client has ended (D115).

use super::{deletion, leaving, ownership};
use crate::effects::Effects;
use crate::tables::{ClientId, ReleasePart, ReleaseProgress, Tables};
use mgm_types::{Flow, Interface};

/// How often the MFEs of an interface are walked. Packets may create some again meanwhile. The
/// release deletes the rest.
const WALKS: u32 = 4;

/// Ends at most `most` memberships of a client on an interface, or MFEs whose iif it is. When all
/// have ended, releases the interface, and `at` is the beginning again.
pub fn release_portion(
    t: &mut Tables,
    of: (ClientId, Interface),
    at: &mut ReleaseProgress,
    most: usize,
    fx: &mut Effects,
) {
    let mfes = |walks, deleted| ReleasePart::Mfes { walks, deleted };
    let (part, next) = match at.part {
        ReleasePart::Memberships => {
            let first = at.next.max(Flow::WILDCARD.successor());
            match leaving::leave_portion(t, of, first, most, fx) {
                Some(next) => (at.part, next),
                None => (mfes(0, 0), Flow::WILDCARD),
            }
        }
        ReleasePart::Mfes { walks, deleted } => {
            match deletion::delete_portion(t, of, at.next, most, fx) {
                Some((next, some)) => (mfes(walks, deleted + some), next),
                None if deleted > most && walks + 1 < WALKS => (mfes(walks + 1, 0), Flow::WILDCARD),
                None => {
                    // Refused only if the client has lost the interface meanwhile.
                    let _ = ownership::release(t, of.0, of.1, false, fx);
                    (ReleasePart::Memberships, Flow::WILDCARD)
                }
            }
        }
    };
    *at = ReleaseProgress { part, next };
}
