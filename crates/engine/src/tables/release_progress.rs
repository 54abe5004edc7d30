//! The progress of a release that ends the state of an interface in portions.

use mgm_types::Flow;

/// How far the release of an interface has come (D115).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseProgress {
    /// What the next portion is of.
    pub part: ReleasePart,
    /// What is before this flow has ended.
    pub next: Flow,
}

/// The state of an interface, in the order in which it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleasePart {
    /// The memberships, except `(*,*)`, which ends with the release.
    Memberships,
    /// The MFEs whose iif it is.
    Mfes {
        /// How often they were walked.
        walks: u32,
        /// How many this walk has deleted.
        deleted: usize,
    },
}

impl Default for ReleaseProgress {
    /// Nothing has ended yet.
    fn default() -> Self {
        ReleaseProgress { part: ReleasePart::Memberships, next: Flow::WILDCARD }
    }
}
