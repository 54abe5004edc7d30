//! The routes of the sources that the engine's state refers to.

use crate::types::{grow_numbered, Ipv4Addr, Result, Route};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// The number of a source that something refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SourceId(u32);

impl SourceId {
    /// Of flows that name no source, and of sources that are not known.
    pub const NONE: SourceId = SourceId(0);
}

/// One source, of which there may be a million.
#[derive(Debug)]
struct Source {
    addr: Ipv4Addr,
    /// The number of its route.
    route: u32,
    /// How much refers to the source.
    refs: u32,
}

/// Routes by source, kept while a flow or a resolution needs them.
#[derive(Debug)]
pub(super) struct Sources {
    by_addr: HashMap<Ipv4Addr, SourceId, RandomState>,
    /// By number. The first is [`SourceId::NONE`], which is always there.
    list: Vec<Source>,
    /// Numbers of sources that nothing refers to any more.
    free: Vec<SourceId>,
    routes: Routes,
}

impl Default for Sources {
    fn default() -> Sources {
        let mut routes = Routes::default();
        let route = routes.acquire(Route::NONE);
        Sources {
            by_addr: HashMap::default(),
            list: vec![Source { addr: Ipv4Addr::UNSPECIFIED, route, refs: 1 }],
            free: Vec::new(),
            routes,
        }
    }
}

impl Sources {
    /// The number of a source, if it is known.
    pub fn find(&self, addr: Ipv4Addr) -> Option<SourceId> {
        self.by_addr.get(&addr).copied()
    }

    /// Whether the route of a source is known.
    pub fn knows(&self, addr: Ipv4Addr) -> bool {
        self.find(addr).is_some()
    }

    /// A source's address.
    pub fn addr(&self, SourceId(number): SourceId) -> Ipv4Addr {
        self.list[number as usize].addr
    }

    /// A source's route.
    #[inline]
    pub fn route(&self, SourceId(number): SourceId) -> &Route {
        self.routes.get(self.list[number as usize].route)
    }

    /// Whether there is room for one source more, and its route.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.by_addr.len() < self.by_addr.capacity()
            && (!self.free.is_empty() || self.list.len() < self.list.capacity())
            && self.routes.has_room()
    }

    /// Makes room where there is none. Also for each source to be released.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn grow(&mut self) -> Result<()> {
        self.by_addr.try_reserve(1)?;
        if self.free.is_empty() {
            grow_numbered(&mut self.list, &mut self.free)?;
        }
        self.routes.grow()
    }

    /// The source with this address, and one more reference to it. `route` is
    /// used if it was not known.
    pub fn acquire(&mut self, addr: Ipv4Addr, route: Option<Route>) -> SourceId {
        if addr.is_unspecified() {
            return SourceId::NONE;
        }
        let Sources { by_addr, list, free, routes } = self;
        let id = *by_addr.entry(addr).or_insert_with(|| {
            let route = routes.acquire(route.unwrap_or(Route::NONE));
            let source = Source { addr, route, refs: 0 };
            match free.pop() {
                Some(id) => {
                    list[id.0 as usize] = source;
                    id
                }
                None => {
                    list.push(source);
                    SourceId(list.len() as u32 - 1) // no more than there are IPv4 addresses
                }
            }
        });
        self.hold(id);
        id
    }

    /// One more reference to a source that is known.
    #[inline]
    pub fn hold(&mut self, id: SourceId) {
        if id != SourceId::NONE {
            self.list[id.0 as usize].refs += 1;
        }
    }

    /// One reference less.
    #[inline]
    pub fn release(&mut self, id: SourceId) {
        if id == SourceId::NONE {
            return;
        }
        let source = &mut self.list[id.0 as usize];
        source.refs -= 1;
        if source.refs == 0 {
            self.routes.release(source.route);
            self.by_addr.remove(&source.addr);
            self.free.push(id);
        }
    }

    /// Another route for a source that is known.
    pub fn update(&mut self, addr: Ipv4Addr, route: Route) {
        if let Some(SourceId(number)) = self.find(addr) {
            let source = &mut self.list[number as usize];
            let new = self.routes.acquire(route);
            self.routes.release(std::mem::replace(&mut source.route, new));
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
    #[inline]
    fn has_room(&self) -> bool {
        self.numbers.len() < self.numbers.capacity()
            && (!self.free.is_empty() || self.list.len() < self.list.capacity())
    }

    fn grow(&mut self) -> Result<()> {
        self.numbers.try_reserve(1)?;
        if self.free.is_empty() {
            grow_numbered(&mut self.list, &mut self.free)?;
        }
        Ok(())
    }

    fn get(&self, number: u32) -> &Route {
        &self.list[number as usize].0
    }

    fn acquire(&mut self, route: Route) -> u32 {
        let Routes { list, numbers, free } = self;
        let number = *numbers.entry(route).or_insert_with_key(|route| match free.pop() {
            Some(number) => {
                list[number as usize] = (route.clone(), 0);
                number
            }
            None => {
                list.push((route.clone(), 0));
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
            let id = sources.acquire(addr(last), Some(route(1 + last % 2)));
            let again = sources.acquire(addr(last), Some(route(99))); // known: its route stays
            assert_eq!((again, sources.addr(id)), (id, addr(last)));
        }
        assert_eq!(sources.routes.list.len(), 3, "with that of no source");
        sources.update(addr(1), route(7));
        let route_of = |last| sources.find(addr(last)).map(|id| sources.route(id).clone());
        assert_eq!((route_of(0), route_of(1)), (Some(route(1)), Some(route(7))));
        for last in 0..99 {
            let id = sources.find(addr(last)).unwrap();
            sources.release(id);
            assert!(sources.knows(addr(last)));
            sources.release(id);
            assert!(!sources.knows(addr(last)));
        }
        assert_eq!((sources.routes.free.len(), sources.free.len()), (2, 99), "one is left");
        let id = sources.acquire(addr(1), Some(route(8)));
        assert_eq!((sources.route(id), sources.list.len()), (&route(8), 101));
    }

    #[test]
    fn no_source_has_no_route() {
        let mut sources = Sources::default();
        let none = sources.acquire(Ipv4Addr::UNSPECIFIED, Some(route(1)));
        assert_eq!((none, sources.route(none)), (SourceId::NONE, &Route::NONE));
        sources.release(none);
        assert_eq!(sources.route(none), &Route::NONE);
        assert_eq!(sources.addresses().count(), 0);
    }
}
