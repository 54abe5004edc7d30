//! The entry of one flow.

use super::super::mfe::Mfe;
use super::super::sources::SourceId;
use super::members::Members;
use mgm_types::Flow;

/// How many entries are fetched at a time.
pub const FETCH: usize = 16;

/// The parts of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The flow has memberships.
    Members,
    /// The flow has an MFE.
    Mfe,
}

/// The entry of one flow.
///
/// The members are in this order to keep what MFE look-ups need together, because reading memory
/// costs more than the rest of a look-up.
#[derive(Debug)]
#[repr(C)]
pub struct FlowEntry {
    pub(super) flow: Flow,
    /// The entry holds a reference to it.
    pub source: SourceId,
    /// The position in the order. In a free entry: the next free entry.
    pub(super) chunk: u32,
    /// `(s,g)` only.
    pub mfe: Option<Mfe>,
    /// The memberships, for `(s,g)`, `(*,g)` or `(*,*)`.
    pub members: Members,
}

impl FlowEntry {
    /// The flow of the entry.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// The memberships in the flow; `None` if there are none.
    pub fn wanted_by(&self) -> Option<&Members> {
        Some(&self.members).filter(|members| !members.is_empty())
    }

    pub(super) fn is_used(&self) -> bool {
        self.has(Part::Members) || self.has(Part::Mfe)
    }

    pub(super) fn has_one(&self) -> bool {
        self.has(Part::Members) != self.has(Part::Mfe)
    }

    pub(super) fn has(&self, part: Part) -> bool {
        match part {
            Part::Members => !self.members.is_empty(),
            Part::Mfe => self.mfe.is_some(),
        }
    }
}
