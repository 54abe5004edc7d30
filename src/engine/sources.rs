//! The routes of the sources that the engine's state refers to.

use crate::types::{Ipv4Addr, Route};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// One source: its route, and how much refers to it.
#[derive(Debug)]
struct Source {
    route: Route,
    refs: u32,
}

/// Routes by source, kept while a membership, an MFE or a resolution needs them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    by_addr: HashMap<Ipv4Addr, Source, RandomState>,
}

impl Sources {
    /// Whether the route of `source` is known.
    pub fn knows(&self, source: Ipv4Addr) -> bool {
        self.by_addr.contains_key(&source)
    }

    /// The route of a source; none if it is not known.
    pub fn route(&self, source: Ipv4Addr) -> Route {
        self.by_addr.get(&source).map_or(Route::NONE, |source| source.route)
    }

    /// One more reference. `route` is used if the source was not known.
    pub fn acquire(&mut self, source: Ipv4Addr, route: Option<Route>) {
        self.by_addr
            .entry(source)
            .or_insert_with(|| Source { route: route.unwrap_or(Route::NONE), refs: 0 })
            .refs += 1;
    }

    /// One reference less.
    pub fn release(&mut self, source: Ipv4Addr) {
        if let Some(entry) = self.by_addr.get_mut(&source) {
            entry.refs -= 1;
            if entry.refs == 0 {
                self.by_addr.remove(&source);
            }
        }
    }

    /// Another route for a source that is known.
    pub fn update(&mut self, source: Ipv4Addr, route: Route) {
        if let Some(entry) = self.by_addr.get_mut(&source) {
            entry.route = route;
        }
    }

    /// All sources that are known, in no particular order.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.by_addr.keys().copied()
    }
}
