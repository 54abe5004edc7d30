//! Notices for clients: one for each callback to be made.

use crate::packet::Header;
use mgm_types::{Flow, Interface, Ipv4Addr, Route};
use smallvec::SmallVec;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Identifies a question: an answer counts only while the engine still waits for this question.
/// Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionId(pub u64);

/// One outgoing interface in a CREATION_ALERT (MGM_IF_ENTRY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreationOif {
    /// The interface.
    pub interface: Interface,
    /// Whether IGMP is enabled there.
    pub igmp: bool,
    /// TRUE in the question; a client sets FALSE to switch the interface off.
    pub enabled: bool,
}

/// A client's outgoing interfaces in a CREATION_ALERT.
pub type CreationOifs = SmallVec<[CreationOif; 2]>;

/// A callback to be made: one variant for each kind. The fields that the client may change are its
/// answer, so an unchanged question is its own answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// IGMP deleted a membership on the owner's interface.
    LocalLeave { flow: Flow, interface: Interface },
    /// IGMP added a membership on the owner's interface.
    LocalJoin { flow: Flow, interface: Interface },
    /// JOIN_ALERT: others want the flow (`member`), or an MFE got its first oif.
    Join { flow: Flow, member: bool },
    /// PRUNE_ALERT with bMemberDelete TRUE: no other client wants the flow any longer.
    Prune { flow: Flow, interface: Interface },
    /// PRUNE_ALERT with bMemberDelete FALSE: an MFE has no oif. May change its
    /// time-out in seconds: 0 is the default, u32::MAX never.
    PruneMfe { question: QuestionId, flow: Flow, iif: Interface, timeout: u32 },
    /// WRONG_IF_CALLBACK: a packet arrived on another interface than the iif.
    WrongIf { flow: Flow, arrival: Interface, header: Header },
    /// RPF_CALLBACK: may change the incoming interface and the upstream neighbour. If no route
    /// leads through a client's interface, there is neither, and no route.
    Rpf {
        question: QuestionId,
        flow: Flow,
        iif: Interface,
        upstream: Ipv4Addr,
        header: Header,
        route: Route,
        /// Where the packet arrived, or the MFE's iif if no packet caused it.
        arrival: Interface,
    },
    /// CREATION_ALERT: may switch the client's own outgoing interfaces off, by
    /// their `enabled`.
    Creation { question: QuestionId, flow: Flow, iif: Interface, oifs: CreationOifs },
    /// DISABLE_IGMP: the owner of the interface is about to change.
    DisableIgmp { question: QuestionId, interface: Interface },
    /// ENABLE_IGMP: the owner has changed; IGMP adds its memberships again. For the IGMP that was
    /// enabled with this serial number, and no later one.
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

/// The kinds for which a client has callbacks.
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
    /// The kind of callback.
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

    /// Whether it owns allocated memory.
    #[inline]
    pub(crate) fn owns(&self) -> bool {
        match self {
            Notice::WrongIf { header, .. } => header.is_allocated(),
            Notice::Rpf { header, route, .. } => header.is_allocated() || route.paths.is_some(),
            Notice::Creation { oifs, .. } => oifs.spilled(),
            _ => false,
        }
    }

    /// Its place among the notices of one call (spec 8.2): LOCAL_*,
    /// alerts with TRUE, alerts with FALSE, then the rest.
    pub(crate) fn phase(&self) -> u8 {
        match self {
            Notice::LocalLeave { .. } | Notice::LocalJoin { .. } => 0,
            Notice::Prune { .. } | Notice::Join { member: true, .. } => 1,
            Notice::PruneMfe { .. } | Notice::Join { member: false, .. } => 2,
            _ => 3,
        }
    }
}

/// A boxed notice. Unlike a `Box`, it can be allocated without aborting if there is no memory.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeBox(Box<[Notice; 1]>);

impl NoticeBox {
    /// Boxes a notice; returns it if there is no memory.
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
