//! What the engine wants done: notices for clients, changes for the forwarder.

use super::ClientId;
use crate::types::{Flow, IfId, Interface, Ipv4Addr, Route};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::sync::Arc;

/// Tells one question from every other: an answer counts only while the engine
/// still waits for that very question. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionId(pub u64);

/// One outgoing interface in a CREATION_ALERT (MGM_IF_ENTRY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreationOif {
    /// The interface.
    pub interface: Interface,
    /// Whether IGMP is enabled there.
    pub igmp: bool,
    /// TRUE when asked; a client sets FALSE to have it switched off.
    pub enabled: bool,
}

/// A client's outgoing interfaces in a CREATION_ALERT.
pub type CreationOifs = SmallVec<[CreationOif; 2]>;

/// A callback to be made: one variant for each kind. What it may change is its
/// answer, so that a question that nobody has changed is answered as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// IGMP deleted a membership on the owner's interface.
    LocalLeave { flow: Flow, interface: Interface },
    /// IGMP added a membership on the owner's interface.
    LocalJoin { flow: Flow, interface: Interface },
    /// JOIN_ALERT: others want the flow (`member`), or an MFE got its first oif.
    Join { flow: Flow, member: bool },
    /// PRUNE_ALERT with bMemberDelete TRUE: others want the flow no more.
    Prune { flow: Flow, interface: Interface },
    /// PRUNE_ALERT with bMemberDelete FALSE: an MFE has no oif. May change its
    /// time-out in seconds: 0 is the default, u32::MAX never.
    PruneMfe { question: QuestionId, flow: Flow, iif: Interface, timeout: u32 },
    /// WRONG_IF_CALLBACK: a packet arrived on another interface than the iif.
    WrongIf { flow: Flow, arrival: Interface, header: Arc<[u8]> },
    /// RPF_CALLBACK: may change the incoming interface and the upstream neighbour. Where the
    /// route leads to nobody there is neither, and no route.
    Rpf {
        question: QuestionId,
        flow: Flow,
        iif: Interface,
        upstream: Ipv4Addr,
        header: Arc<[u8]>,
        route: Route,
        /// Where the packet arrived, or the MFE's iif if no packet caused it.
        arrival: Interface,
    },
    /// CREATION_ALERT: may switch the client's own outgoing interfaces off, by
    /// their `enabled`.
    Creation { question: QuestionId, flow: Flow, iif: Interface, oifs: CreationOifs },
    /// DISABLE_IGMP: the interface is about to change hands.
    DisableIgmp { question: QuestionId, interface: Interface },
    /// ENABLE_IGMP: it has changed hands; IGMP adds its memberships again. Means
    /// the IGMP that came with this serial number, and none that comes later.
    EnableIgmp { interface: Interface, since: u64 },
}

/// The nine callbacks of ROUTING_PROTOCOL_CONFIG, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    Rpf,
    Creation,
    Prune,
    Join,
    WrongIf,
    LocalJoin,
    LocalLeave,
    DisableIgmp,
    EnableIgmp,
}

impl NoticeKind {
    /// All nine, in their order.
    pub const ALL: [NoticeKind; 9] = [
        NoticeKind::Rpf,
        NoticeKind::Creation,
        NoticeKind::Prune,
        NoticeKind::Join,
        NoticeKind::WrongIf,
        NoticeKind::LocalJoin,
        NoticeKind::LocalLeave,
        NoticeKind::DisableIgmp,
        NoticeKind::EnableIgmp,
    ];
}

/// Some of the nine: those that a client has callbacks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoticeKinds(u16);

impl NoticeKinds {
    /// All nine.
    pub const ALL: NoticeKinds = NoticeKinds((1 << NoticeKind::ALL.len()) - 1);

    /// Whether a kind is among them.
    #[must_use]
    pub fn has(self, kind: NoticeKind) -> bool {
        self.0 >> kind as u16 & 1 == 1
    }
}

impl FromIterator<NoticeKind> for NoticeKinds {
    fn from_iter<I: IntoIterator<Item = NoticeKind>>(kinds: I) -> NoticeKinds {
        NoticeKinds(kinds.into_iter().fold(0, |all, kind| all | 1 << kind as u16))
    }
}

impl Notice {
    /// Which callback it is for.
    #[must_use]
    pub fn kind(&self) -> NoticeKind {
        match self {
            Notice::LocalLeave { .. } => NoticeKind::LocalLeave,
            Notice::LocalJoin { .. } => NoticeKind::LocalJoin,
            Notice::Join { .. } => NoticeKind::Join,
            Notice::Prune { .. } | Notice::PruneMfe { .. } => NoticeKind::Prune,
            Notice::WrongIf { .. } => NoticeKind::WrongIf,
            Notice::Rpf { .. } => NoticeKind::Rpf,
            Notice::Creation { .. } => NoticeKind::Creation,
            Notice::DisableIgmp { .. } => NoticeKind::DisableIgmp,
            Notice::EnableIgmp { .. } => NoticeKind::EnableIgmp,
        }
    }

    /// The question it carries, if the engine waits for an answer.
    #[must_use]
    pub fn question(&self) -> Option<QuestionId> {
        match self {
            Notice::Rpf { question, .. }
            | Notice::Creation { question, .. }
            | Notice::PruneMfe { question, .. }
            | Notice::DisableIgmp { question, .. } => Some(*question),
            _ => None,
        }
    }

    /// Where it stands among the notices of one call (spec 8.2): LOCAL_*,
    /// alerts with TRUE, alerts with FALSE, then the rest.
    fn phase(&self) -> u8 {
        match self {
            Notice::LocalLeave { .. } | Notice::LocalJoin { .. } => 0,
            Notice::Prune { .. } | Notice::Join { member: true, .. } => 1,
            Notice::PruneMfe { .. } | Notice::Join { member: false, .. } => 2,
            _ => 3,
        }
    }
}

/// Everything that one call of the engine wants done. The engine only appends.
#[derive(Debug, Default)]
pub struct Effects {
    notices: VecDeque<(ClientId, Box<Notice>)>,
    /// The place of the last of them in the order of delivery, and whether one
    /// of them came too late for its own.
    last: (u8, ClientId),
    disordered: bool,
    /// Boxes of notices that are over, for the next ones.
    #[allow(clippy::vec_box)] // it is the boxes that are kept
    boxes: Vec<Box<Notice>>,
    /// Flows whose MFE changed, came or went: the forwarder is brought in line with the engine.
    pub dirty: Vec<Flow>,
    /// Interfaces that the forwarder serves no more: nobody has them, or the
    /// system has lost them.
    pub detached: Vec<IfId>,
    /// Flows whose resolution ended, one way or the other.
    pub resolved: Vec<Flow>,
    /// Flows that are being resolved, and had another packet meanwhile.
    pub again: Vec<Flow>,
    /// Lines for the operator.
    pub log: Vec<(log::Level, String)>,
}

/// So much room is kept for the next call, and so many boxes.
const USUAL: usize = 64;
const BOXES: usize = 1024;

impl Effects {
    /// A notice for a client. Inlined, so that it is made where it stays.
    #[inline(always)]
    pub(super) fn tell(&mut self, to: ClientId, notice: Notice) {
        let place = (notice.phase(), to);
        self.disordered |= place < self.last;
        self.last = place;
        let boxed = match self.boxes.pop() {
            Some(mut used) => {
                *used = notice;
                used
            }
            None => Box::new(notice),
        };
        self.notices.push_back((to, boxed));
    }

    /// Puts the notices that there are in the order of delivery: by phase, then by
    /// the recipients' order of registration, then as the state changed (spec
    /// 8.2). Tells how many there are.
    #[inline]
    pub fn order_notices(&mut self) -> usize {
        self.last = Default::default();
        if std::mem::take(&mut self.disordered) {
            self.sort_notices();
        }
        self.notices.len()
    }

    #[cold]
    fn sort_notices(&mut self) {
        let notices = self.notices.make_contiguous();
        notices.sort_by_key(|(to, notice)| (notice.phase(), *to));
    }

    /// Takes the first notice.
    pub fn next_notice(&mut self) -> Option<(ClientId, Box<Notice>)> {
        self.notices.pop_front()
    }

    /// All notices in the order of delivery.
    pub fn take_notices(&mut self) -> Vec<(ClientId, Notice)> {
        self.order_notices();
        self.notices.drain(..).map(|(to, notice)| (to, *notice)).collect()
    }

    /// A notice is over.
    pub fn reuse(&mut self, mut notice: Box<Notice>) {
        if self.boxes.len() < BOXES {
            *notice = Notice::Join { flow: Flow::WILDCARD, member: false }; // owns nothing
            self.boxes.push(notice);
        }
    }

    /// All but the notices has been carried out. Lets go of room that only a rare
    /// call needs.
    pub fn carried_out(&mut self) {
        fn empty<T>(list: &mut Vec<T>) {
            if !list.is_empty() {
                list.clear();
                list.shrink_to(USUAL);
            }
        }
        empty(&mut self.dirty);
        empty(&mut self.detached);
        empty(&mut self.resolved);
        empty(&mut self.again);
        empty(&mut self.log);
        if self.notices.is_empty() && self.notices.capacity() > USUAL {
            self.notices.shrink_to(USUAL);
        }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notices.is_empty()
            && self.dirty.is_empty()
            && self.detached.is_empty()
            && self.resolved.is_empty()
            && self.again.is_empty()
            && self.log.is_empty()
    }
}
