//! TTL thresholds and administrative boundaries (spec 3.7, D30 to D32), and how many flows may
//! begin in a second (spec 0.9, D81).

use super::{Answered, LimitedIndex, Model};
use mgm_engine::Refused;
use mgm_types::{Code, Interface, Ipv4Addr, Rate, Scope};

impl Model {
    /// The TTL threshold of an interface (D15).
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

    /// Sets a limit of new flows, or removes it (D81).
    pub fn set_rate(&mut self, index: u32, limit: Option<Rate>) {
        let before = self.rates.iter().find(|rate| rate.index == index).copied();
        if before.map(|rate| rate.limit) == limit {
            return;
        }
        self.rates.retain(|rate| rate.index != index);
        if let Some(limit) = limit {
            let refused = before.map_or(0, |rate| rate.refused);
            let left = u64::from(limit.burst) * 1000;
            self.rates.push(LimitedIndex { index, limit, left, refused });
        }
        self.rates.sort_by_key(|rate| rate.index);
        self.wake_rate(index);
    }

    /// The limits permit more flows as time passes.
    pub fn fill_rates(&mut self, ms: u64) {
        for LimitedIndex { limit, left, .. } in &mut self.rates {
            let more = *left + ms * u64::from(limit.per_second);
            *left = more.min(1000 * u64::from(limit.burst));
        }
    }

    /// Why another flow may not begin on an interface. If it may, it is counted.
    pub fn begin_flow(&mut self, arrival: Interface) -> Option<Refused> {
        if let Some(why) = self.over_limit(arrival) {
            return Some(why);
        }
        let rate = self.rates.iter_mut().find(|rate| rate.index == arrival.index)?;
        if rate.left < 1000 {
            rate.refused += 1;
            return Some(Refused::FlowRate);
        }
        rate.left -= 1000;
        None
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
