//! The role towards sources (spec 4.6), when the owner of an interface changes.

use super::flows::Flows;
use super::interfaces::Slot;
use super::{ClientId, Effects, Engine};
use crate::types::{Flow, IfId};
use smallvec::SmallVec;

impl Engine {
    /// Changes an interface. For every (s,g) whose role towards the source moves with it, sends
    /// PRUNE to the client that had the role, and JOIN to the client that has it now.
    ///
    /// There may be a million of them, and no memory to note the former client of each. So the
    /// function restores the former state temporarily, for a few flows at a time.
    pub(super) fn change_slot(
        &mut self,
        id: IfId,
        fx: &mut Effects,
        change: impl FnOnce(&mut Slot),
    ) {
        let Some(slot) = self.interfaces.get_mut(id) else { return };
        let mut before = slot.clone();
        change(slot);
        let index = slot.interface.index;
        let mut first = Flow::WILDCARD;
        loop {
            let concerned: SmallVec<[Flow; Flows::FETCH]> = self
                .flows
                .wanted_flows(first)
                .filter(|flow| flow.has_source() && !flow.is_link_local())
                .filter(|&flow| self.flows.sources.route(self.flows.source(flow)).if_index == index)
                .take(Flows::FETCH)
                .collect();
            let Some(last) = concerned.last() else { return };
            first = last.successor();
            self.swap_slot(id, &mut before);
            let told: SmallVec<[Option<ClientId>; Flows::FETCH]> =
                concerned.iter().map(|&flow| self.told_of_source(flow)).collect();
            self.swap_slot(id, &mut before);
            for (flow, old) in concerned.into_iter().zip(told) {
                self.tell_role(flow, old, fx);
            }
        }
    }

    fn swap_slot(&mut self, id: IfId, other: &mut Slot) {
        if let Some(slot) = self.interfaces.get_mut(id) {
            std::mem::swap(slot, other);
        }
    }
}
