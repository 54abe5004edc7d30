//! The routes of the sources that the engine's state refers to.

use crate::types::{Ipv4Addr, Route};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// One source, of which there may be a million: twelve bytes with its address.
#[derive(Debug)]
struct Source {
    /// The number of its route.
    route: u32,
    /// How much refers to the source.
    refs: u32,
}

/// Routes by source, kept while a membership, an MFE or a resolution needs them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    by_addr: HashMap<Ipv4Addr, Source, RandomState>,
    routes: Routes,
}

impl Sources {
    /// Whether the route of `source` is known.
    pub fn knows(&self, source: Ipv4Addr) -> bool {
        self.by_addr.contains_key(&source)
    }

    /// The route of a source; none if it is not known.
    pub fn route(&self, source: Ipv4Addr) -> Route {
        self.by_addr.get(&source).map_or(Route::NONE, |source| self.routes.get(source.route))
    }

    /// One more reference. `route` is used if the source was not known.
    pub fn acquire(&mut self, source: Ipv4Addr, route: Option<Route>) {
        let Sources { by_addr, routes } = self;
        by_addr
            .entry(source)
            .or_insert_with(|| Source {
                route: routes.acquire(route.unwrap_or(Route::NONE)),
                refs: 0,
            })
            .refs += 1;
    }

    /// One reference less.
    pub fn release(&mut self, source: Ipv4Addr) {
        if let Some(entry) = self.by_addr.get_mut(&source) {
            entry.refs -= 1;
            if entry.refs == 0 {
                self.routes.release(entry.route);
                self.by_addr.remove(&source);
            }
        }
    }

    /// Another route for a source that is known.
    pub fn update(&mut self, source: Ipv4Addr, route: Route) {
        if let Some(entry) = self.by_addr.get_mut(&source) {
            let new = self.routes.acquire(route);
            self.routes.release(std::mem::replace(&mut entry.route, new));
        }
    }

    /// All sources that are known, in no particular order.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.by_addr.keys().copied()
    }
}

/// The routes that sources have, each once and under a number.
#[derive(Debug, Default)]
struct Routes {
    /// With the number of sources that have it.
    list: Vec<(Route, u32)>,
    numbers: HashMap<Route, u32, RandomState>,
    /// Numbers of routes that no source has any more.
    free: Vec<u32>,
}

impl Routes {
    fn get(&self, number: u32) -> Route {
        self.list[number as usize].0
    }

    fn acquire(&mut self, route: Route) -> u32 {
        let Routes { list, numbers, free } = self;
        let number = *numbers.entry(route).or_insert_with(|| match free.pop() {
            Some(number) => {
                list[number as usize] = (route, 0);
                number
            }
            None => {
                list.push((route, 0));
                list.len() as u32 - 1 // no more than there are IPv4 addresses
            }
        });
        list[number as usize].1 += 1;
        number
    }

    fn release(&mut self, number: u32) {
        let (route, sources) = &mut self.list[number as usize];
        *sources -= 1;
        if *sources == 0 {
            self.numbers.remove(route);
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(gateway: u8) -> Route {
        Route { if_index: u32::from(gateway), ..Route::NONE }
    }

    #[test]
    fn sources_share_their_routes_and_free_them() {
        let mut sources = Sources::default();
        let addr = |last| Ipv4Addr::new(10, 0, 0, last);
        for last in 0..100 {
            sources.acquire(addr(last), Some(route(last % 2)));
            sources.acquire(addr(last), Some(route(99))); // known: its route stays
        }
        assert_eq!(sources.routes.list.len(), 2);
        sources.update(addr(1), route(7));
        assert_eq!((sources.route(addr(0)), sources.route(addr(1))), (route(0), route(7)));
        for last in 0..100 {
            sources.release(addr(last));
            assert!(sources.knows(addr(last)));
            sources.release(addr(last));
            assert!(!sources.knows(addr(last)));
        }
        assert_eq!(sources.routes.free.len(), 3);
        sources.acquire(addr(1), Some(route(8)));
        assert_eq!((sources.route(addr(1)), sources.routes.list.len()), (route(8), 3));
    }
}
