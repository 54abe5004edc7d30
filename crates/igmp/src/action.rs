//! What the state machine wants done.

use crate::log_event::LogLine;
use mgm_types::Flow;
use std::net::Ipv4Addr;

/// Something to be done outside, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a packet.
    Send(Transmission),
    /// Call MGM. Report what a take returns as [`crate::Event::Taken`], and each other call
    /// that is refused as [`crate::Event::Refused`].
    Mgm(MgmCall),
    /// The answer to a question of MGM's.
    Answer(Answer),
    /// Write a line to the log.
    Log(LogLine),
}

/// A packet to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// The index of the interface that it leaves by.
    pub link: u32,
    /// Its destination, which also stands in the header.
    pub destination: Ipv4Addr,
    /// The whole IPv4 datagram.
    pub octets: Vec<u8>,
    /// Whether this machine's own hosts shall hear it: true for General Queries only.
    pub loop_back: bool,
}

/// A call of the MGM API by the IGMP client.
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
}

impl MgmCall {
    /// The interface index.
    #[must_use]
    pub fn link(&self) -> u32 {
        match self {
            MgmCall::Take { link } | MgmCall::Release { link } => *link,
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

/// An answer to a question of MGM's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
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
