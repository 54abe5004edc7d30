//! How far packets may go: TTL thresholds, administrative boundaries and the names of their
//! scopes (spec 3.7).
//!
//! They are settings of the router, not of the owner of an interface: they can be set before
//! the interface is taken, and stay when it is released, lost or taken again.

use crate::effects::Effects;
use crate::tables::Tables;
use mgm_types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Scope};

/// Whether a boundary blocks a group on an interface.
#[inline]
pub fn is_bounded(t: &Tables, id: IfId, group: Ipv4Addr) -> bool {
    // There are nearly always none, so avoid looking up the interface.
    !t.limits.has_no_boundary() && t.limits.bounds(t.interfaces.name(id).index, group)
}

/// Removes the interfaces on which a boundary blocks a group.
#[inline]
pub fn subtract_bounded(t: &Tables, oifs: &mut IfSet, group: Ipv4Addr) {
    if !t.limits.has_no_boundary() {
        subtract_scoped(t, oifs, group);
    }
}

/// The same if there are boundaries.
#[cold]
fn subtract_scoped(t: &Tables, oifs: &mut IfSet, group: Ipv4Addr) {
    if Scope::is_scoped(group) {
        *oifs = oifs.iter().filter(|&id| !is_bounded(t, id, group)).collect();
    }
}

/// Sets the TTL that packets must exceed to be forwarded on an interface.
pub fn set_threshold(t: &mut Tables, interface: Interface, threshold: u8, fx: &mut Effects) {
    if !t.limits.set_threshold(interface, threshold) {
        return;
    }
    if let Some(id) = t.interfaces.find(interface) {
        let concerned = t.flows.mfes(Flow::WILDCARD);
        let concerned = concerned.filter(|(_, mfe)| mfe.oifs.contains(id));
        concerned.for_each(|(flow, _)| fx.changed(flow));
    }
}
