//! Passes the answers of clients to the rules that asked (spec 5.2 to 5.5, 2.3).

use super::rpf_callback::{self, RpfAnswer};
use super::timeouts::{self, PruneAnswer};
use super::{change_of_owner, creation_alert, restart};
use crate::effects::Effects;
use crate::notice::Notice;
use crate::tables::{ClientId, Tables};
use mgm_types::{Flow, Result};

/// Processes the answer to a question; the notice contains it.
pub fn answer(
    t: &mut Tables,
    client: ClientId,
    notice: &Notice,
    packets: impl FnOnce(Flow) -> Result<Option<u64>>,
    fx: &mut Effects,
) {
    if t.reroutes.is_on() {
        if let Notice::Rpf { flow, .. } | Notice::Creation { flow, .. } = notice {
            restart::follow_before_answer(t, *flow, fx);
        }
    }
    match notice {
        Notice::Rpf { question, flow, iif, upstream, .. } => {
            let (flow, question, iif, upstream) = (*flow, *question, *iif, *upstream);
            let answer = RpfAnswer { client, flow, question, iif, upstream };
            rpf_callback::answered(t, answer, fx);
        }
        Notice::Creation { question, flow, oifs, .. } => {
            creation_alert::answered(t, *flow, *question, oifs, fx);
        }
        Notice::PruneMfe { question, flow, timeout, .. } => {
            let (flow, question, timeout) = (*flow, *question, *timeout);
            timeouts::set(t, PruneAnswer { client, flow, question, timeout }, packets, fx);
        }
        Notice::DisableIgmp { question, interface } => {
            change_of_owner::igmp_disabled(t, client, *interface, *question, fx);
        }
        _ => {}
    }
}
