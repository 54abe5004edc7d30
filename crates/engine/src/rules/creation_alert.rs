//! CREATION_ALERT: asks the owners of the oifs of a flow that is about to be forwarded which
//! oifs to use (spec 5.3).

use super::{installation, oifs};
use crate::effects::Effects;
use crate::notice::{CreationOif, CreationOifs, Notice, NoticeKind, QuestionId};
use crate::tables::{AllAsked, Asked, AwaitedAnswers, ClientId, Tables};
use mgm_types::{Flow, IfId, IfSet};
use smallvec::SmallVec;

/// The CREATION_ALERTs for one flow.
#[derive(Default)]
pub struct CreationAsked {
    pub questions: AllAsked,
    /// The oifs, if no client switches one off.
    pub oifs: IfSet,
    /// All interfaces that the questions concern, also those of clients without the callback.
    pub about: IfSet,
    /// The interfaces of clients without the callback.
    pub on: IfSet,
}

/// Sends CREATION_ALERT for a flow whose iif is known.
pub fn ask(t: &mut Tables, flow: Flow, iif: IfId, fx: &mut Effects) {
    let asked = questions(t, flow, iif, fx);
    let nobody = asked.questions.is_empty();
    if let Some(resolution) = t.resolutions.get_mut(flow) {
        resolution.asked_about = asked.about;
        resolution.overrides.on = asked.on;
        resolution.waiting = AwaitedAnswers::Creation(asked.questions);
    }
    if nobody {
        installation::finish(t, flow, fx);
    }
}

/// The question for one client, while it is put together.
struct Draft {
    owner: ClientId,
    named: CreationOifs,
    oifs: IfSet,
}

/// Asks every owner of interfaces among the oifs (spec 5.3). For a client without the
/// callback all its oifs stay on.
pub fn questions(t: &mut Tables, flow: Flow, iif: IfId, fx: &mut Effects) -> CreationAsked {
    let mut asked =
        CreationAsked { oifs: oifs::possible_oifs(t, flow, iif), ..CreationAsked::default() };
    let mut drafts: SmallVec<[Draft; 1]> = SmallVec::new();
    for id in asked.oifs.iter() {
        let Some(slot) = t.interfaces.get(id) else { continue };
        let Some(owner) = slot.master() else { continue };
        asked.about.insert(id);
        let oif =
            CreationOif { interface: slot.interface, igmp: slot.igmp.is_some(), enabled: true };
        if let Some(draft) = drafts.iter_mut().find(|draft| draft.owner == owner) {
            draft.named.push(oif);
            draft.oifs.insert(id);
        } else if t.clients.has_callback(owner, NoticeKind::Creation) {
            let (mut named, mut oifs) = (CreationOifs::new(), IfSet::default());
            named.push(oif);
            oifs.insert(id);
            drafts.push(Draft { owner, named, oifs });
        } else {
            asked.on.insert(id);
        }
    }
    drafts.sort_by_key(|draft| draft.owner);
    let iif = t.interfaces.name(iif);
    for Draft { owner, named, oifs } in drafts {
        let question = QuestionId(t.next_serial());
        if fx.tell(owner, Notice::Creation { question, flow, iif, oifs: named }) {
            asked.questions.push(Asked { question, oifs, overtaken: IfSet::default() });
        } else {
            asked.on.union_with(oifs.view()); // out of memory: as if it had no callback
        }
    }
    asked
}

/// A client has said which of its oifs it wants.
pub fn answered(
    t: &mut Tables,
    flow: Flow,
    question: QuestionId,
    oifs: &[CreationOif],
    fx: &mut Effects,
) {
    let Some(resolution) = t.resolutions.get_mut(flow) else { return };
    let AwaitedAnswers::Creation(waiting) = &mut resolution.waiting else { return };
    let Some(at) = waiting.iter().position(|asked| asked.question == question) else { return };
    let asked = &waiting[at];
    for (id, answer) in asked.oifs.iter().zip(oifs) {
        if asked.overtaken.contains(id) {
            continue;
        }
        if answer.enabled {
            resolution.overrides.on.insert(id);
        } else {
            resolution.overrides.off.insert(id);
        }
    }
    if waiting.len() > 1 {
        waiting.swap_remove(at);
    } else {
        installation::finish(t, flow, fx);
    }
}
