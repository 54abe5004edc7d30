//! What is kept of a flow while its clients are being asked: data, whose rules are in
//! `resolve`, `creation`, `answers` and `restart`.

use super::mfe::Touch;
use super::origins::IifOrigin;
use super::planted::{self, Bug};
use super::sources::SourceId;
use super::QuestionId;
use crate::types::{IfId, IfSet, Interface, Ipv4Addr};
use smallvec::SmallVec;
use std::sync::Arc;

/// What a resolution is to bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The MFE of a new flow.
    Create,
    /// Another life for an MFE that forwarded; it goes on doing so (spec 5.6).
    Renew,
    /// The iif that the new route gives; until then the old one serves (spec 5.10).
    Reroute,
}

/// The packet that a flow began with.
#[derive(Clone, Debug)]
pub(super) struct FirstPacket {
    pub arrival: Interface,
    pub header: Arc<[u8]>,
    /// The forwarder told of it, and of no further one: it wants an entry.
    pub by_forwarder: bool,
}

/// A flow whose clients are being asked.
#[derive(Debug)]
pub(super) struct Resolution {
    pub purpose: Purpose,
    /// Of a new flow, which holds a reference. An MFE's source is that of its entry.
    pub source: SourceId,
    /// What it began with. Where an MFE is asked about, the interface where its packets arrive.
    pub packet: FirstPacket,
    /// The number of that interface, which a new flow counts for (spec 0.9).
    pub arrived: IfId,
    /// What the route gave, when RPF_CALLBACK was asked; `None` if it led to nobody.
    pub expected: Option<(IfId, Ipv4Addr)>,
    /// The interface whose owner was asked.
    pub asked: IfId,
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    /// How the iif was found.
    pub origin: IifOrigin,
    pub waiting: AwaitedAnswers,
    /// Interfaces whose owners were asked: should one change hands, all starts again.
    pub asked_about: IfSet,
    /// Interfaces that CREATION_ALERT answers switched off, and left on.
    pub off: IfSet,
    pub on: IfSet,
}

/// The answers that a resolution waits for.
#[derive(Debug)]
pub(super) enum AwaitedAnswers {
    Rpf(QuestionId),
    Creation(AllAsked),
}

impl AwaitedAnswers {
    pub fn is_for(&self, question: QuestionId) -> bool {
        match self {
            AwaitedAnswers::Rpf(due) => *due == question,
            AwaitedAnswers::Creation(asked) => asked.iter().any(|asked| asked.question == question),
        }
    }
}

/// A CREATION_ALERT that is out.
#[derive(Debug)]
pub(super) struct Asked {
    pub question: QuestionId,
    /// The client's oifs, in the order of the question.
    pub oifs: IfSet,
    /// Those where a JOIN of the owner's has overtaken the answer (spec 3.5).
    pub overtaken: IfSet,
}

/// Those of one flow: seldom are there more than one.
pub(super) type AllAsked = SmallVec<[Asked; 1]>;

impl Resolution {
    /// The owner of an interface has acted on it meanwhile: that beats what it
    /// answers (spec 3.5). A FORWARD acts on MFEs that exist, so it beats the
    /// answers of a renewal only.
    pub fn overtaken(&mut self, id: IfId, touch: Touch) {
        match touch {
            Touch::Members => return,
            Touch::Force(_) if self.purpose == Purpose::Create => return,
            Touch::Clear | Touch::Gone | Touch::Force(_) => {}
        }
        if planted::has(Bug::AnswerBeatsJoin) {
            return;
        }
        self.off.remove(id);
        self.on.remove(id);
        if let AwaitedAnswers::Creation(asked) = &mut self.waiting {
            for asked in asked.iter_mut().filter(|asked| asked.oifs.contains(id)) {
                asked.overtaken.insert(id);
            }
        }
    }
}
