//! The look-up of a flow's source (spec 5.1).

use crate::tables::{SourceId, Tables};
use mgm_types::{Domain, Flow, Interface, Ipv4Addr, Prefix};

/// The domain that packets on an interface belong to.
#[inline]
fn domain_of(t: &Tables, interface: Interface) -> Domain {
    if !t.interfaces.has_domains() {
        return Domain::MAIN; // the usual case
    }
    let id = t.interfaces.find(interface);
    id.map_or(Domain::MAIN, |id| t.interfaces.domain(id))
}

/// Whether a flow has an entry, so that its source is known.
#[inline]
pub fn knows_source_of(t: &Tables, flow: Flow, arrival: Interface) -> bool {
    t.flows.knows_source_of(flow, domain_of(t, arrival))
}

/// The source of a flow whose packets arrive on an interface, if it is known.
pub fn find(t: &Tables, flow: Flow, arrival: Interface) -> Option<SourceId> {
    t.flows.find_source(flow, domain_of(t, arrival))
}

/// The look-up that must precede a call that names the flow: its source, in the routing domain of
/// the arrival interface of a packet, or of the interface of a membership.
#[inline]
pub fn needs_route(t: &Tables, flow: Flow, arrival: Interface) -> Option<(Ipv4Addr, Domain)> {
    if !flow.has_source() {
        return None;
    }
    let (source, domain) = (flow.source(), domain_of(t, arrival));
    if t.flows.sources.knows(source, domain) {
        return None;
    }
    (!is_settled(t, flow)).then_some((source, domain))
}

/// A flow with an MFE has one route, wherever its packets arrive. While it is being resolved,
/// a membership in another domain is still looked up in that domain.
#[cold]
fn is_settled(t: &Tables, flow: Flow) -> bool {
    t.interfaces.has_domains() && t.flows.has_mfe(flow)
}

/// Appends known sources within the prefixes that come after `after`, in ascending order, at most
/// `most`.
pub fn sources_within(
    t: &Tables,
    prefixes: &[Prefix],
    after: Option<(Ipv4Addr, Domain)>,
    most: usize,
    out: &mut Vec<(Ipv4Addr, Domain)>,
) {
    let mut sorted: Vec<Prefix> = prefixes.to_vec();
    sorted.sort_unstable_by_key(|prefix| (prefix.network(), prefix.length()));
    let mut left = most;
    let mut last = after;
    for prefix in sorted {
        let ends = (prefix.network(), Domain(0))..=(prefix.last(), Domain(u32::MAX));
        if left == 0 {
            return;
        }
        // Sources that are also in a shorter prefix have been found already.
        let first = match last {
            Some(last) if last >= *ends.end() => continue,
            Some(last) if last >= *ends.start() => last,
            _ => *ends.start(),
        };
        let found = t.flows.sources.range(first, *ends.end());
        let before = out.len();
        out.extend(found.filter(|name| last.is_none_or(|last| *name > last)).take(left));
        left -= out.len() - before;
        last = last.max(Some(*ends.end()));
    }
}
