//! How the iifs of MFEs were found (spec 5.1, 5.2): nearly all of them by the route.

use mgm_types::{Flow, Time};
use std::collections::BTreeMap;

/// How the iif of an MFE was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IifOrigin {
    /// By the route.
    Route,
    /// RPF_CALLBACK named another one, or MgmSetMfe did.
    Client,
    /// RPF_CALLBACK named it, because no route led through a client's interface.
    Unrouted(Time),
}

/// The MFEs whose iif was not found by the route. There are few, so the MFE has no flag for it.
#[derive(Debug, Default)]
pub struct IifOrigins(BTreeMap<Flow, IifOrigin>);

impl IifOrigins {
    /// How the iif of this MFE was found.
    #[inline]
    pub fn of(&self, flow: Flow) -> IifOrigin {
        match self.0.is_empty() {
            true => IifOrigin::Route,
            false => self.0.get(&flow).copied().unwrap_or(IifOrigin::Route),
        }
    }

    #[inline(always)]
    pub fn set(&mut self, flow: Flow, origin: IifOrigin) {
        if !self.0.is_empty() || !matches!(origin, IifOrigin::Route) {
            self.set_rare(flow, origin);
        }
    }

    fn set_rare(&mut self, flow: Flow, origin: IifOrigin) {
        if origin != IifOrigin::Route {
            self.0.insert(flow, origin);
        } else {
            self.0.remove(&flow);
        }
    }

    /// The MFEs from this one on whose iif was not found by the route, in order.
    pub fn from(&self, first: Flow) -> impl Iterator<Item = (Flow, IifOrigin)> + '_ {
        self.0.range(first..).map(|(&flow, &origin)| (flow, origin))
    }
}
