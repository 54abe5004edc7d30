//! What is saved at a clean stop, so that the next start need not wait for reports (I80).

use std::net::Ipv4Addr;

/// The state of a group, without its timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedGroup {
    /// The group.
    pub group: Ipv4Addr,
    /// Whether the group is in EXCLUDE mode.
    pub exclude: bool,
    /// The sources that hosts want: A of INCLUDE(A), X of EXCLUDE(X,Y).
    pub wanted: Vec<Ipv4Addr>,
    /// The sources that no host wants: Y of EXCLUDE(X,Y).
    pub excluded: Vec<Ipv4Addr>,
}
