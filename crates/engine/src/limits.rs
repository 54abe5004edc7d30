//! How far packets may go: TTL thresholds, administrative boundaries and the
//! names of their scopes (spec 3.7).
//!
//! They are settings of the router, not of the owner of an interface: they can be set before
//! the interface is taken, and stay when it is released, lost or taken again.

use super::mfe::Touch;
use super::{Effects, Engine};
use crate::types::{Flow, IfId, IfSet, Interface, Ipv4Addr, Refusal, Result, Scope};
use std::collections::BTreeMap;
use widestring::{U16CStr, U16CString};

/// The threshold of an oif for which none is set: a packet is forwarded if its TTL is greater.
pub(super) const LEAST_THRESHOLD: u8 = 1;

/// All limits that have been set.
#[derive(Debug)]
pub(super) struct ForwardingLimits {
    /// Thresholds above the least one.
    thresholds: BTreeMap<Interface, u8>,
    /// The greatest threshold that is set, or the least one. A packet with a greater TTL is
    /// forwarded everywhere, without looking up the single thresholds.
    highest: u8,
    /// By interface index: MIB_IPMCAST_BOUNDARY knows no next hops.
    boundaries: BTreeMap<u32, Vec<Scope>>,
    names: BTreeMap<Scope, U16CString>,
}

impl Default for ForwardingLimits {
    fn default() -> Self {
        ForwardingLimits {
            thresholds: BTreeMap::new(),
            highest: LEAST_THRESHOLD,
            boundaries: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }
}

impl ForwardingLimits {
    /// The TTL that a packet must exceed to be forwarded on an interface.
    pub fn threshold(&self, interface: Interface) -> u8 {
        self.thresholds.get(&interface).copied().unwrap_or(LEAST_THRESHOLD)
    }

    /// The greatest threshold of all interfaces.
    pub fn highest_threshold(&self) -> u8 {
        self.highest
    }

    /// Sets a threshold; false if it already had this value.
    fn set_threshold(&mut self, interface: Interface, threshold: u8) -> bool {
        let threshold = threshold.max(LEAST_THRESHOLD);
        let before = self.threshold(interface);
        if threshold == LEAST_THRESHOLD {
            self.thresholds.remove(&interface);
        } else {
            self.thresholds.insert(interface, threshold);
        }
        self.highest = self.thresholds.values().copied().max().unwrap_or(LEAST_THRESHOLD);
        before != threshold
    }

    /// Whether a boundary blocks a group on the interfaces of this index.
    #[inline]
    pub fn bounds(&self, if_index: u32, group: Ipv4Addr) -> bool {
        Scope::is_scoped(group)
            && self
                .boundaries
                .get(&if_index)
                .is_some_and(|scopes| scopes.iter().any(|scope| scope.contains(group)))
    }
}

impl Engine {
    /// Sets the TTL that packets must exceed to be forwarded on an interface. The least value
    /// is 1; 0 is treated as 1.
    pub fn set_threshold(&mut self, interface: Interface, threshold: u8, fx: &mut Effects) {
        if !self.limits.set_threshold(interface, threshold) {
            return;
        }
        if let Some(id) = self.interfaces.find(interface) {
            let concerned = self.flows.mfes(Flow::WILDCARD);
            let concerned = concerned.filter(|(_, mfe)| mfe.oifs.contains(id));
            concerned.for_each(|(flow, _)| fx.changed(flow));
        }
    }

    /// Adds a boundary: it blocks the groups of a scope on the interfaces of this index. Adding
    /// an existing boundary changes nothing.
    pub fn add_boundary(&mut self, if_index: u32, scope: Scope, fx: &mut Effects) {
        let scopes = self.limits.boundaries.entry(if_index).or_default();
        if scopes.contains(&scope) {
            return;
        }
        scopes.push(scope);
        let bounded = self.interfaces.of_index(if_index);
        // End the MFEs that must go first, so that no PRUNE_ALERT names one of them: the
        // neighbours of an NBMA link can be iif and oif of the same MFE.
        self.remove_mfes(scope.flows(), |mfe| bounded.contains(&mfe.iif), fx);
        self.restart_outdated_resolutions(fx);
        for id in bounded {
            self.update_range(scope.flows(), id, Touch::Members, None, fx);
        }
    }

    /// Deletes a boundary. Its groups are forwarded again unless another boundary blocks them;
    /// memberships and overrides have been kept.
    ///
    /// # Errors
    /// `NoBoundary`.
    pub fn delete_boundary(&mut self, if_index: u32, scope: Scope, fx: &mut Effects) -> Result<()> {
        let none = Refusal::NoBoundary(if_index, scope);
        let Some(scopes) = self.limits.boundaries.get_mut(&if_index) else { return Err(none) };
        let Some(at) = scopes.iter().position(|other| *other == scope) else { return Err(none) };
        scopes.swap_remove(at);
        if scopes.is_empty() {
            self.limits.boundaries.remove(&if_index);
        }
        for id in self.interfaces.of_index(if_index) {
            self.update_range(scope.flows(), id, Touch::Members, None, fx);
        }
        self.wake_scope(scope, fx);
        Ok(())
    }

    /// Whether a boundary blocks a group on an interface.
    #[inline]
    pub(super) fn is_bounded(&self, id: IfId, group: Ipv4Addr) -> bool {
        // There are nearly always none, so avoid looking up the interface.
        !self.limits.boundaries.is_empty()
            && self.limits.bounds(self.interfaces.name(id).index, group)
    }

    /// Removes the interfaces on which a boundary blocks a group.
    #[inline]
    pub(super) fn subtract_bounded(&self, oifs: &mut IfSet, group: Ipv4Addr) {
        if self.limits.boundaries.is_empty() || !Scope::is_scoped(group) {
            return; // the usual case
        }
        *oifs = oifs.iter().filter(|&id| !self.is_bounded(id, group)).collect();
    }

    /// Names a scope; an empty name deletes the name.
    pub fn set_scope_name(&mut self, scope: Scope, name: &U16CStr) {
        if name.is_empty() {
            self.limits.names.remove(&scope);
        } else {
            self.limits.names.insert(scope, name.to_ucstring());
        }
    }

    /// The thresholds above the least one, by interface, whether taken or not.
    pub fn thresholds(&self) -> impl Iterator<Item = (Interface, u8)> + '_ {
        self.limits.thresholds.iter().map(|(&interface, &threshold)| (interface, threshold))
    }

    /// The boundaries, by interface index.
    pub fn boundaries(&self) -> impl Iterator<Item = (u32, Scope)> + '_ {
        let rows = |(&index, scopes): (&u32, &Vec<Scope>)| {
            scopes.iter().map(move |&scope| (index, scope)).collect::<Vec<_>>()
        };
        self.limits.boundaries.iter().flat_map(rows)
    }

    /// The name that a scope was given.
    #[must_use]
    pub fn scope_name(&self, scope: Scope) -> Option<&U16CStr> {
        self.limits.names.get(&scope).map(U16CString::as_ucstr)
    }
}
