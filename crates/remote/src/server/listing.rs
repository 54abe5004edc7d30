//! Listings of MFEs, which client processes get in parts.

use crate::messages::{Listed, Room, PART_ROWS};
use crate::rows::changes::Former;
use crate::rows::put_brief;
use crate::wire::Wire;
use mgm_manager::Manager;
use mgm_types::Flow;
use std::ops::ControlFlow;

/// A part has at most about so many bytes, so that two of them fit into the buffer of a socket: the
/// router makes one while the client reads another.
const BYTES: usize = 80 << 10;

/// How MFEs are encoded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// With counters.
    Counted,
    /// Without counters.
    Brief,
    /// Without counters, each as what differs from the one before.
    Changes,
}

/// A listing that is not finished.
pub(super) struct Listing {
    /// The last MFE that was sent; all follow, if `None`.
    pub start: Option<Flow>,
    pub form: Form,
    /// What is left in the caller's buffer.
    pub room: Room,
}

impl Listing {
    /// Appends the next MFEs, as far as there is room in the caller's buffer and in the message.
    pub fn put_some(&mut self, manager: &Manager, to: &mut Vec<u8>) -> Listed {
        let begin = to.len();
        // With room for the last MFE, which may have many oifs only seldom.
        to.reserve(BYTES + 1024);
        let Listing { start, form, room } = self;
        let (form, mut former) = (*form, Former::default());
        let mut listed = Listed { count: 0, next_oifs: None, more: false };
        manager.walk_mfes(*start, matches!(form, Form::Counted), |row| {
            if to.len() - begin >= BYTES || listed.count == PART_ROWS {
                listed.more = true;
                return ControlFlow::Break(());
            }
            let oifs = u32::try_from(row.oifs.len()).unwrap_or(u32::MAX);
            let need = room.base.saturating_add(room.each.saturating_mul(oifs));
            let Some(left) = room.bytes.checked_sub(need) else {
                listed.next_oifs = Some(oifs);
                return ControlFlow::Break(());
            };
            room.bytes = left;
            *start = Some(row.flow);
            match form {
                Form::Counted => row.put(to),
                Form::Brief => put_brief(row, to),
                Form::Changes => former.put(row, to),
            }
            listed.count += 1;
            ControlFlow::Continue(())
        });
        listed
    }
}
