//! What the state machine wants done.

use crate::log_event::LogLine;
use mgm_types::{Flow, Prefix};
use std::net::Ipv4Addr;

/// Something to be done outside, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a packet.
    Send(Transmission),
    /// Call the library. Report what a take returns as [`crate::Event::Taken`], and each other call
    /// that is refused as [`crate::Event::Refused`].
    Mgm(MgmCall),
    /// The answer to a question of the library.
    Answer(Answer),
    /// Write a line to the log.
    Log(LogLine),
}

/// A packet to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// The index of the interface that it leaves by.
    pub link: u32,
    /// Its destination, which is also in the header.
    pub destination: Ipv4Addr,
    /// The whole IPv4 datagram.
    pub octets: Vec<u8>,
    /// Whether this machine itself receives it, too: true for General Queries only.
    pub loop_back: bool,
}

/// A call of the library's API by the IGMP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MgmCall {
    /// MgmTakeInterfaceOwnership.
    Take {
        /// The interface index.
        link: u32,
    },
    /// MgmReleaseInterfaceOwnership.
    Release {
        /// The interface index.
        link: u32,
    },
    /// MgmAddGroupMembershipEntry.
    Add(Membership),
    /// MgmDeleteGroupMembershipEntry.
    Delete(Membership),
    /// MgmHostAddRoute: the senders of this network are behind the link. The route replaces
    /// another one to the same network.
    AddRoute {
        /// The network.
        network: Prefix,
        /// The interface index.
        link: u32,
    },
    /// MgmHostDeleteRoute.
    DeleteRoute {
        /// The network.
        network: Prefix,
        /// The interface index of the route.
        link: u32,
    },
    /// MgmSetMfe: the packets of the flow arrive on this link from now on.
    SetMfe {
        /// `(s,g)`.
        flow: Flow,
        /// The interface index.
        link: u32,
    },
}

impl MgmCall {
    /// The interface index.
    #[must_use]
    pub fn link(&self) -> u32 {
        match self {
            MgmCall::Take { link }
            | MgmCall::Release { link }
            | MgmCall::AddRoute { link, .. }
            | MgmCall::DeleteRoute { link, .. }
            | MgmCall::SetMfe { link, .. } => *link,
            MgmCall::Add(membership) | MgmCall::Delete(membership) => membership.link,
        }
    }
}

/// What is added or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// The interface index.
    pub link: u32,
    /// `(s,g)` or `(*,g)`.
    pub flow: Flow,
    /// The flag.
    pub flag: Flag,
}

/// dwFlags of an add or a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// MGM_JOIN_STATE_FLAG: the membership itself.
    Join,
    /// MGM_FORWARD_STATE_FLAG alone: only the MFEs that exist now.
    Forward,
}

/// An answer to a question of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What RPF_CALLBACK writes: where the packets have to arrive.
    Rpf {
        /// The number of the question.
        question: u64,
        /// The interface index; 0 if the source is not accepted. The next hop of the interface
        /// is that of the question, or 0 if this is another interface.
        link: u32,
        /// The upstream neighbour, 0.0.0.0 if there is none.
        neighbour: Ipv4Addr,
    },
    /// bIsEnabled of one entry of a CREATION_ALERT.
    Creation {
        /// The number of the question.
        question: u64,
        /// The interface index.
        link: u32,
        /// Whether packets of the flow may leave by the link.
        enabled: bool,
    },
}
