//! Enumerating groups (spec section 7).

use crate::tables::Tables;
use mgm_types::Flow;

/// What a group enumeration returns (MGM_ENUM_TYPES, spec 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnumKind {
    /// Groups that have a source-specific join.
    AnySource,
    /// Every (s,g), (*,g) and (*,*) that anyone joined.
    AllSources,
}

/// The entries of an enumeration after `last`, or all.
pub fn groups(
    t: &Tables,
    kind: EnumKind,
    last: Option<Flow>,
) -> impl Iterator<Item = Flow> + use<'_> {
    let from = match (kind, last) {
        (_, None) => Flow::WILDCARD,
        (EnumKind::AllSources, Some(flow)) => flow.successor(),
        (EnumKind::AnySource, Some(flow)) => flow.last_of_group().successor(),
    };
    let mut given = None;
    t.flows.wanted_flows(from).filter_map(move |flow| match kind {
        EnumKind::AllSources => Some(flow),
        EnumKind::AnySource => {
            let group = Some(flow.shared()).filter(|_| flow.has_source());
            group.filter(|group| given.replace(*group) != Some(*group))
        }
    })
}
