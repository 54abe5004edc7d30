//! CREATION_ALERT: asks the owners of the oifs of a flow that is about to be forwarded which
//! oifs to use (spec 5.3).

use super::resolution::{AllAsked, Asked, AwaitedAnswers};
use super::{ClientId, CreationOif, CreationOifs, Effects, Engine, Notice, NoticeKind, QuestionId};
use crate::types::{Flow, IfId, IfSet, Time};
use smallvec::SmallVec;

/// The CREATION_ALERTs for one flow.
#[derive(Default)]
pub(super) struct CreationAsked {
    pub questions: AllAsked,
    /// The oifs, if no client switches one off.
    pub oifs: IfSet,
    /// All interfaces that the questions concern, also those of clients without the callback.
    pub about: IfSet,
    /// The interfaces of clients without the callback.
    pub on: IfSet,
}

impl Engine {
    /// Sends CREATION_ALERT for a flow whose iif is known.
    pub(super) fn ask_creation(&mut self, now: Time, flow: Flow, iif: IfId, fx: &mut Effects) {
        let CreationAsked { questions, about, on, .. } = self.creation_questions(flow, iif, fx);
        let nobody = questions.is_empty();
        if let Some(resolution) = self.resolutions.get_mut(&flow) {
            resolution.asked_about = about;
            resolution.on = on;
            resolution.waiting = AwaitedAnswers::Creation(questions);
        }
        if nobody {
            self.finish(now, flow, fx);
        }
    }

    /// Asks every owner of interfaces among the oifs (spec 5.3). For a client without the
    /// callback all its oifs stay on.
    pub(super) fn creation_questions(
        &mut self,
        flow: Flow,
        iif: IfId,
        fx: &mut Effects,
    ) -> CreationAsked {
        let oifs = self.possible_oifs(flow, iif);
        let mut asked = CreationAsked::default();
        let mut owned: SmallVec<[(ClientId, IfId); 4]> = SmallVec::new();
        for id in oifs.iter() {
            let Some(owner) = self.interfaces.master(id) else { continue };
            asked.about.insert(id);
            if self.clients.hears(owner, NoticeKind::Creation) {
                owned.push((owner, id));
            } else {
                asked.on.insert(id);
            }
        }
        owned.sort_by_key(|(owner, _)| *owner);
        let iif = self.interfaces.name(iif);
        for of_one in owned.chunk_by(|(one, _), (other, _)| one == other) {
            let question = QuestionId(self.next_serial());
            let client = of_one[0].0;
            let (mut named, mut oifs) = (CreationOifs::new(), IfSet::default());
            for &(_, id) in of_one {
                let Some(slot) = self.interfaces.get(id) else { continue };
                let (interface, igmp) = (slot.interface, slot.igmp.is_some());
                named.push(CreationOif { interface, igmp, enabled: true });
                oifs.insert(id);
            }
            if fx.tell(client, Notice::Creation { question, flow, iif, oifs: named }) {
                asked.questions.push(Asked { question, oifs, overtaken: IfSet::default() });
            } else {
                asked.on.union_with(oifs.view()); // out of memory: as if it had no callback
            }
        }
        asked.oifs = oifs;
        asked
    }

    /// The possible oifs of a flow that arrives on `iif`: interfaces with memberships and
    /// without a boundary for the group.
    #[inline]
    pub(super) fn possible_oifs(&self, flow: Flow, iif: IfId) -> IfSet {
        let mut oifs = self.member_interfaces(flow);
        if let Some(rare) = self.flows.mfe(flow).and_then(|mfe| mfe.rare.as_ref()) {
            oifs.union_with(rare.on.view()); // the overrides of an MFE that is being renewed
        }
        self.subtract_bounded(&mut oifs, flow.group());
        oifs.remove(iif);
        oifs
    }

    /// A client has said which of its oifs it wants.
    pub(super) fn creation_answered(
        &mut self,
        now: Time,
        flow: Flow,
        question: QuestionId,
        oifs: &[CreationOif],
        fx: &mut Effects,
    ) {
        let Some(resolution) = self.resolutions.get_mut(&flow) else { return };
        let AwaitedAnswers::Creation(waiting) = &mut resolution.waiting else { return };
        let Some(at) = waiting.iter().position(|asked| asked.question == question) else { return };
        let asked = waiting.swap_remove(at);
        let is_last = waiting.is_empty();
        for (id, answer) in asked.oifs.iter().zip(oifs) {
            if asked.overtaken.contains(id) {
                continue;
            }
            if answer.enabled {
                resolution.on.insert(id);
            } else {
                resolution.off.insert(id);
            }
        }
        if is_last {
            self.finish(now, flow, fx);
        }
    }
}
