//! What the engine wants done: notices for clients, changes for the forwarder.

use super::truth::Topic;
use super::ClientId;
use crate::types::{Flow, IfId, Interface, Ipv4Addr, Route};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
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

    /// Whether it holds memory of its own.
    fn owns(&self) -> bool {
        matches!(self, Notice::WrongIf { .. } | Notice::Rpf { .. } | Notice::Creation { .. })
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

/// A notice in a box of its own, in which it goes from hand to hand. Unlike a `Box` one can
/// be made where memory may be short.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeBox(Box<[Notice; 1]>);

impl NoticeBox {
    /// Boxes a notice; gives it back if there is no memory.
    ///
    /// # Errors
    /// The notice.
    pub fn new(notice: Notice) -> Result<NoticeBox, Notice> {
        let mut one = Vec::new();
        if one.try_reserve_exact(1).is_err() {
            return Err(notice);
        }
        one.push(notice);
        match <Box<[Notice; 1]>>::try_from(one.into_boxed_slice()) {
            Ok(array) => Ok(NoticeBox(array)),
            Err(_) => unreachable!("one was pushed"),
        }
    }
}

impl Deref for NoticeBox {
    type Target = Notice;

    fn deref(&self) -> &Notice {
        &self.0[0]
    }
}

impl DerefMut for NoticeBox {
    fn deref_mut(&mut self) -> &mut Notice {
        &mut self.0[0]
    }
}

impl fmt::Debug for NoticeBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[0].fmt(f)
    }
}

/// Everything that one call of the engine wants done. The engine only appends.
#[derive(Debug, Default)]
pub struct Effects {
    notices: VecDeque<(ClientId, NoticeBox)>,
    /// The place of the last of them in the order of delivery, and whether one
    /// of them came too late for its own.
    last: (u8, ClientId),
    disordered: bool,
    /// Boxes of notices that are over, for the next ones.
    boxes: Vec<NoticeBox>,
    /// The last ones, for when there is no memory.
    spare: Vec<NoticeBox>,
    /// Clients that are to be told all of a topic, because there is too much to tell them
    /// singly, or no memory for it.
    untold: Vec<(ClientId, Topic)>,
    /// There was not even memory for that: it goes for everybody.
    untold_to_all: bool,
    /// Interfaces that clients have given up or lost: what waits there for these has lost
    /// its sense.
    pub released: Vec<(ClientId, Interface)>,
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
const SPARE: usize = 16;

/// Owns nothing.
const NOTHING: Notice = Notice::Join { flow: Flow::WILDCARD, member: false };

/// With so many notices, a client is told only that groups have changed.
const MANY: usize = 65_536;

impl Effects {
    /// A notice for a client. Inlined, so that it is made where it stays.
    #[inline(always)]
    pub(super) fn tell(&mut self, to: ClientId, notice: Notice) {
        let place = (notice.phase(), to);
        if self.notices.len() == self.notices.capacity() && !self.grow(to, &notice) {
            return;
        }
        let boxed = match self.boxes.pop() {
            Some(mut used) => {
                // What was there is over, and owns nothing.
                std::mem::forget(std::mem::replace(&mut *used, notice));
                used
            }
            None => match NoticeBox::new(notice) {
                Ok(boxed) => boxed,
                Err(notice) => return self.put_in_spare_box(to, notice),
            },
        };
        self.disordered |= place < self.last;
        self.last = place;
        self.notices.push_back((to, boxed));
    }

    /// Makes room for another notice. One about a group may have to be told later: what
    /// one call does to a million groups is told to a thousand clients.
    #[cold]
    fn grow(&mut self, to: ClientId, notice: &Notice) -> bool {
        let topic = notice.thing().map(|(thing, _)| thing.topic);
        let is_too_much = topic == Some(Topic::Groups) && self.notices.len() >= MANY;
        if !is_too_much && self.notices.try_reserve(self.notices.len().max(USUAL)).is_ok() {
            return true;
        }
        match topic {
            Some(topic) => self.tell_all_later(to, topic),
            None if matches!(notice, Notice::WrongIf { .. }) => {}
            None => {
                // Somebody waits for it. The first of a call have room.
                self.notices.reserve(1);
                return true;
            }
        }
        false
    }

    /// There is no memory for a notice. Those that somebody waits for have a few boxes.
    #[cold]
    fn put_in_spare_box(&mut self, to: ClientId, notice: Notice) {
        if let Some((thing, _)) = notice.thing() {
            return self.tell_all_later(to, thing.topic);
        }
        match self.spare.pop() {
            Some(mut spare) => {
                *spare = notice;
                self.disordered = true;
                self.notices.push_back((to, spare));
            }
            None => ::log::error!("no memory: a client does not hear {notice}"),
        }
    }

    /// A client is to be told all of a topic, in its own time (spec 8.9).
    pub(super) fn tell_all_later(&mut self, to: ClientId, topic: Topic) {
        let one = (to, topic);
        if let Err(place) = self.untold.binary_search(&one) {
            match self.untold.try_reserve(1) {
                Ok(()) => self.untold.insert(place, one),
                Err(_) => self.untold_to_all = true,
            }
        }
    }

    /// Whether a client is to be told all of a topic.
    #[must_use]
    pub fn has_untold(&self) -> bool {
        !self.untold.is_empty() || self.untold_to_all
    }

    /// Takes out who is to be told all of a topic, and whether everybody is told all.
    pub fn take_untold(&mut self) -> (Vec<(ClientId, Topic)>, bool) {
        (std::mem::take(&mut self.untold), std::mem::take(&mut self.untold_to_all))
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
    pub fn next_notice(&mut self) -> Option<(ClientId, NoticeBox)> {
        self.notices.pop_front()
    }

    /// All notices in the order of delivery.
    pub fn take_notices(&mut self) -> Vec<(ClientId, Notice)> {
        self.order_notices();
        self.notices.drain(..).map(|(to, notice)| (to, Notice::clone(&notice))).collect()
    }

    /// A notice is over.
    #[inline]
    pub fn reuse(&mut self, mut notice: NoticeBox) {
        if self.boxes.len() < BOXES {
            if notice.owns() {
                *notice = NOTHING;
            } else {
                std::mem::forget(std::mem::replace(&mut *notice, NOTHING));
            }
            self.boxes.push(notice);
        }
    }

    #[cold]
    fn fill_spare(&mut self) {
        while self.spare.len() < SPARE && self.spare.try_reserve(1).is_ok() {
            let Ok(one) = NoticeBox::new(NOTHING) else { break };
            self.spare.push(one);
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
        empty(&mut self.resolved);
        if self.has_rare() {
            empty(&mut self.detached);
            empty(&mut self.again);
            empty(&mut self.log);
            empty(&mut self.released);
        }
        if self.notices.is_empty() && self.notices.capacity() > USUAL {
            self.notices.shrink_to(USUAL);
        }
        if self.spare.len() < SPARE {
            self.fill_spare();
        }
    }

    /// Whether there is something that few calls cause. All lengths at once, because each
    /// call asks.
    #[inline]
    fn has_rare(&self) -> bool {
        let Effects { detached, again, log, released, .. } = self;
        detached.len() | again.len() | log.len() | released.len() != 0
    }

    /// Whether there is nothing to do.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        let Effects { notices, untold, released, dirty, detached, resolved, again, log, .. } = self;
        let usual = notices.len() | dirty.len() | resolved.len();
        let rare = detached.len() | again.len() | log.len() | released.len() | untold.len();
        usual | rare | usize::from(self.untold_to_all) == 0
    }
}
