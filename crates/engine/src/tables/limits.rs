//! TTL thresholds, administrative boundaries and the names of their scopes (spec 3.7).

use mgm_types::{Interface, Ipv4Addr, Refusal, Result, Scope};
use std::collections::BTreeMap;
use widestring::{U16CStr, U16CString};

/// The threshold of an oif for which none is set: a packet is forwarded if its TTL is greater.
pub const LEAST_THRESHOLD: u8 = 1;

/// All limits that have been set.
#[derive(Debug)]
pub struct ForwardingLimits {
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
    pub fn set_threshold(&mut self, interface: Interface, threshold: u8) -> bool {
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

    /// A boundary that blocks a group on the interfaces of this index.
    pub fn boundary_of(&self, if_index: u32, group: Ipv4Addr) -> Option<Scope> {
        let scopes = self.boundaries.get(&if_index)?;
        scopes.iter().copied().find(|scope| scope.contains(group))
    }

    /// Whether there is no boundary.
    #[inline]
    pub fn has_no_boundary(&self) -> bool {
        self.boundaries.is_empty()
    }

    /// Adds a boundary; false if it existed already.
    pub fn add_boundary(&mut self, if_index: u32, scope: Scope) -> bool {
        let scopes = self.boundaries.entry(if_index).or_default();
        let is_new = !scopes.contains(&scope);
        if is_new {
            scopes.push(scope);
        }
        is_new
    }

    /// Deletes a boundary.
    ///
    /// # Errors
    /// `NoBoundary`.
    pub fn delete_boundary(&mut self, if_index: u32, scope: Scope) -> Result<()> {
        let none = Refusal::NoBoundary(if_index, scope);
        let Some(scopes) = self.boundaries.get_mut(&if_index) else { return Err(none) };
        let Some(at) = scopes.iter().position(|other| *other == scope) else { return Err(none) };
        scopes.swap_remove(at);
        if scopes.is_empty() {
            self.boundaries.remove(&if_index);
        }
        Ok(())
    }

    /// Names a scope; an empty name deletes the name.
    pub fn set_name(&mut self, scope: Scope, name: &U16CStr) {
        if name.is_empty() {
            self.names.remove(&scope);
        } else {
            self.names.insert(scope, name.to_ucstring());
        }
    }

    /// The thresholds above the least one, by interface, whether taken or not.
    pub fn thresholds(&self) -> impl Iterator<Item = (Interface, u8)> + '_ {
        self.thresholds.iter().map(|(&interface, &threshold)| (interface, threshold))
    }

    /// The boundaries, by interface index.
    pub fn boundaries(&self) -> impl Iterator<Item = (u32, Scope)> + '_ {
        let rows = |(&index, scopes): (&u32, &Vec<Scope>)| {
            scopes.iter().map(move |&scope| (index, scope)).collect::<Vec<_>>()
        };
        self.boundaries.iter().flat_map(rows)
    }

    /// The name that a scope was given.
    pub fn name(&self, scope: Scope) -> Option<&U16CStr> {
        self.names.get(&scope).map(U16CString::as_ucstr)
    }
}
