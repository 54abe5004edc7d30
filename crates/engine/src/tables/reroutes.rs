//! The remaining work of changes that concern too many flows for one call (spec 5.10).

use super::sources::SourceId;
use mgm_types::Flow;
use std::collections::VecDeque;

/// How many flows a call changes beyond those that it names; `Engine::reroute_some` does the rest.
pub const AT_ONCE: usize = 64;

/// The former and the present number of a source; a reference is held to both.
#[derive(Clone, Copy, Debug)]
pub struct Superseded {
    pub old: SourceId,
    pub new: SourceId,
}

/// The work that remains.
#[derive(Debug, Default)]
pub struct Reroutes {
    /// Sources whose flows have not all moved to their present numbers yet.
    pub pending: VecDeque<Superseded>,
    /// Where the walk through the flows continues, if some of them must still move.
    pub next: Option<Flow>,
    /// Where the walk through the MFEs without a route continues.
    pub unrouted: Option<Flow>,
    /// Another walk through these MFEs must follow.
    pub unrouted_again: bool,
}

impl Reroutes {
    /// Whether any work remains.
    #[inline]
    pub fn is_on(&self) -> bool {
        !self.pending.is_empty() | self.unrouted.is_some()
    }
}
