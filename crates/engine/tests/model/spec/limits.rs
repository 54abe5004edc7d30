//! TTL thresholds and administrative boundaries (spec 3.7, D30 to D32).

use super::{Answered, Model};
use mgm_types::{Code, Interface, Ipv4Addr, Scope};

impl Model {
    /// The TTL that a packet must exceed to go out there (D15).
    pub fn threshold(&self, name: Interface) -> u8 {
        let set = self.thresholds.iter().find(|(other, _)| *other == name);
        set.map_or(1, |(_, threshold)| (*threshold).max(1))
    }

    pub fn set_threshold(&mut self, name: Interface, threshold: u8) {
        self.thresholds.retain(|(other, _)| *other != name);
        self.thresholds.push((name, threshold));
    }

    /// Whether a boundary keeps a group off an interface.
    pub fn is_bounded(&self, name: Interface, group: Ipv4Addr) -> bool {
        self.boundaries.iter().any(|(index, scope)| *index == name.index && scope.contains(group))
    }

    pub fn add_boundary(&mut self, index: u32, scope: Scope) {
        if !self.boundaries.contains(&(index, scope)) {
            self.boundaries.push((index, scope));
        }
        let ended: Vec<_> = self
            .mfes
            .iter()
            .filter(|mfe| self.is_bounded(mfe.iif, mfe.flow.group()))
            .map(|mfe| mfe.flow)
            .collect();
        for flow in ended {
            self.delete_mfe(flow);
        }
        self.restart_outdated();
        self.settle(None);
    }

    pub fn delete_boundary(&mut self, index: u32, scope: Scope) -> Answered {
        if !self.boundaries.contains(&(index, scope)) {
            return Err(Code::NotFound);
        }
        self.boundaries.retain(|other| *other != (index, scope));
        self.settle(None);
        self.wake_scope(scope);
        Ok(())
    }
}
