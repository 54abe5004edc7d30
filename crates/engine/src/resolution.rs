//! What is kept of a flow while its clients are being asked: data, whose rules are in
//! `resolve`, `creation`, `answers` and `restart`.

use super::mfe::Touch;
use super::origins::IifOrigin;
use super::sources::SourceId;
use super::QuestionId;
use crate::types::{IfId, IfSet, Interface, Ipv4Addr};
use smallvec::SmallVec;
use std::sync::Arc;

/// The purpose of a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To create the MFE of a new flow.
    Create,
    /// To renew an MFE that has forwarded; it keeps forwarding meanwhile (spec 5.6).
    Renew,
    /// To change the iif after a route change; meanwhile the old iif stays (spec 5.10).
    Reroute,
}

/// The packet that a flow began with.
#[derive(Clone, Debug)]
pub(super) struct FirstPacket {
    pub arrival: Interface,
    pub header: Arc<[u8]>,
    /// The forwarder reported it and reports no further packet: it needs an entry.
    pub by_forwarder: bool,
}

/// A flow whose clients are being asked.
#[derive(Debug)]
pub(super) struct Resolution {
    pub purpose: Purpose,
    /// The source of a new flow; the resolution holds a reference. The entry has that of an MFE.
    pub source: SourceId,
    /// The first packet. If there is an MFE: the interface on which its packets arrive.
    pub packet: FirstPacket,
    /// The number of that interface, for which a new flow counts (spec 0.9).
    pub arrived: IfId,
    /// The iif and neighbour by the route when RPF_CALLBACK was called; `None` if the route leads
    /// through no interface of a client.
    pub expected: Option<(IfId, Ipv4Addr)>,
    /// The interface whose owner was asked.
    pub asked: IfId,
    pub iif: IfId,
    pub upstream: Ipv4Addr,
    /// How the iif was found.
    pub origin: IifOrigin,
    pub waiting: AwaitedAnswers,
    /// Interfaces whose owners were asked. If one changes its owner, the resolution starts again.
    pub asked_about: IfSet,
    /// Interfaces that CREATION_ALERT answers switched off, and those left on.
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

/// A CREATION_ALERT that has not been answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub question: QuestionId,
    /// The client's oifs, in the order of the question.
    pub oifs: IfSet,
    /// The oifs where the owner has joined meanwhile, so that its answer does not count (spec 3.5).
    pub overtaken: IfSet,
}

/// The CREATION_ALERTs of one flow: seldom more than one.
pub(super) type AllAsked = SmallVec<[Asked; 1]>;

impl Resolution {
    /// The owner of an interface has called meanwhile: the call overrules its answer (spec 3.5).
    /// A FORWARD acts on existing MFEs, so it overrules only the answers of a renewal.
    pub fn overtaken(&mut self, id: IfId, touch: Touch) {
        match touch {
            Touch::Members => return,
            Touch::Force(_) if self.purpose == Purpose::Create => return,
            Touch::Clear | Touch::Gone | Touch::Force(_) => {}
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
