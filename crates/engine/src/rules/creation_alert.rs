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
struct CreationAsked {
    questions: AllAsked,
    /// All interfaces that the questions concern, also those of clients without the callback.
    about: IfSet,
    /// The interfaces of clients without the callback.
    on: IfSet,
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

/// An oif, and the client that is asked about it.
struct OwnedOif {
    owner: ClientId,
    id: IfId,
    named: CreationOif,
}

/// Asks every owner of interfaces among the oifs (spec 5.3). For a client without the
/// callback all its oifs stay on.
fn questions(t: &mut Tables, flow: Flow, iif: IfId, fx: &mut Effects) -> CreationAsked {
    let mut asked = CreationAsked::default();
    let mut owned: SmallVec<[OwnedOif; 8]> = SmallVec::new();
    for id in oifs::possible_oifs(t, flow, iif).iter() {
        let Some(slot) = t.interfaces.get(id) else { continue };
        let Some(owner) = slot.master() else { continue };
        asked.about.insert(id);
        if t.clients.has_callback(owner, NoticeKind::Creation) {
            let (interface, igmp) = (slot.interface, slot.igmp.is_some());
            let named = CreationOif { interface, igmp, enabled: true };
            owned.push(OwnedOif { owner, id, named });
        } else {
            asked.on.insert(id);
        }
    }
    owned.sort_unstable_by_key(|oif| (oif.owner, oif.id));
    let iif = t.interfaces.name(iif);
    for of_one in owned.chunk_by(|oif, next| oif.owner == next.owner) {
        let question = QuestionId(t.next_serial());
        let (mut named, mut oifs) = (CreationOifs::new(), IfSet::default());
        for oif in of_one {
            named.push(oif.named);
            oifs.insert(oif.id);
        }
        if fx.tell(of_one[0].owner, Notice::Creation { question, flow, iif, oifs: named }) {
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
