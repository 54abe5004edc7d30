//! The routes of the sources that the engine's state refers to.
//!
//! A source is identified by its address and the routing domain in which it is looked up. A
//! route never changes in place: the source gets another number, and its flows move to this
//! number one after the other (`reroute`). So each flow has one route at any time.

mod routes;
#[cfg(test)]
mod tests;

use foldhash::fast::RandomState;
use mgm_types::{grow_numbered, Domain, Ipv4Addr, Result, Route};
use routes::SourceRoutes;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

/// The number of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// The number for flows without a source, and for unknown sources.
    pub const NONE: SourceId = SourceId(0);
}

/// Up to this number of flows, the flows of a source are found without a walk through all flows.
pub const FEW: usize = 32;

/// One source. There may be a million of them.
#[derive(Debug)]
struct Source {
    addr: Ipv4Addr,
    domain: Domain,
    /// The number of its route.
    route: u32,
    /// The number of references to the source.
    refs: u32,
    flows: SourceFlows,
    /// The source has another number now, with another route.
    is_outdated: bool,
}

/// The entries of a source's flows. Most sources have one entry. If there are very many, they are
/// not listed, because the lists would need more memory than the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceFlows {
    None,
    One(u32),
    /// The number of a list.
    Few(u32),
    /// The number of entries.
    Many(u32),
}

/// Routes by source, kept while a flow, a resolution or a refusal needs them.
#[derive(Debug)]
pub struct Sources {
    by_name: HashMap<u64, SourceId, RandomState>,
    /// The same names in order, for route changes.
    in_order: BTreeSet<u64>,
    /// By number. The first is [`SourceId::NONE`], which always exists.
    list: Vec<Source>,
    /// Free numbers of sources.
    free: Vec<SourceId>,
    /// Lists of entries, and the free ones.
    few: Vec<Vec<u32>>,
    free_few: Vec<u32>,
    routes: SourceRoutes,
    /// The source that was found last, because a call looks up its source several times.
    recent: Cell<(u64, SourceId)>,
    /// Whether there is room for one more source and its route. Updated when one is added, because
    /// each call asks; a removal never reduces the room.
    has_room: bool,
}

/// A name that no source has: that of 0.0.0.0.
const NOBODY: (u64, SourceId) = (0, SourceId::NONE);

/// Address and domain as one number, in the same order.
fn name(addr: Ipv4Addr, domain: Domain) -> u64 {
    u64::from(u32::from(addr)) << 32 | u64::from(domain.0)
}

impl Default for Sources {
    fn default() -> Sources {
        let mut routes = SourceRoutes::default();
        let route = routes.acquire(Route::NONE);
        let none = Source {
            addr: Ipv4Addr::UNSPECIFIED,
            domain: Domain::MAIN,
            route,
            refs: 1,
            flows: SourceFlows::None,
            is_outdated: false,
        };
        Sources {
            by_name: HashMap::default(),
            in_order: BTreeSet::new(),
            list: vec![none],
            free: Vec::new(),
            few: Vec::new(),
            free_few: Vec::new(),
            routes,
            recent: Cell::new(NOBODY),
            has_room: false,
        }
    }
}

impl Sources {
    /// The number of a source, if it is known.
    #[inline]
    pub fn find(&self, addr: Ipv4Addr, domain: Domain) -> Option<SourceId> {
        let name = name(addr, domain);
        let (recent, id) = self.recent.get();
        if recent == name && name != NOBODY.0 {
            return Some(id);
        }
        self.look_up(name)
    }

    fn look_up(&self, name: u64) -> Option<SourceId> {
        let id = *self.by_name.get(&name)?;
        self.recent.set((name, id));
        Some(id)
    }

    /// Whether the route of a source is known.
    #[inline]
    pub fn knows(&self, addr: Ipv4Addr, domain: Domain) -> bool {
        self.find(addr, domain).is_some()
    }

    #[inline]
    fn at(&self, SourceId(number): SourceId) -> &Source {
        &self.list[number as usize]
    }

    #[inline]
    fn at_mut(&mut self, SourceId(number): SourceId) -> &mut Source {
        &mut self.list[number as usize]
    }

    /// A source's address.
    #[inline]
    pub fn addr(&self, id: SourceId) -> Ipv4Addr {
        self.at(id).addr
    }

    /// The domain that a source is looked up in.
    #[inline]
    pub fn domain(&self, id: SourceId) -> Domain {
        self.at(id).domain
    }

    /// A source's route.
    #[inline]
    pub fn route(&self, id: SourceId) -> &Route {
        self.routes.get(self.at(id).route)
    }

    /// Whether a source is in this domain and has its present route.
    #[inline]
    pub fn is_present(&self, id: SourceId, domain: Domain) -> bool {
        let source = self.at(id);
        source.domain == domain && !source.is_outdated
    }

    /// Whether the route has changed, and the source has another number now.
    #[inline]
    pub fn is_outdated(&self, id: SourceId) -> bool {
        self.at(id).is_outdated
    }

    /// The number that a source has now.
    pub fn current(&self, id: SourceId) -> SourceId {
        let source = self.at(id);
        match source.is_outdated {
            true => self.find(source.addr, source.domain).unwrap_or(id),
            false => id,
        }
    }

    /// Whether there is room for one more source and its route.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.has_room
    }

    /// The same, determined again.
    pub fn finds_room(&self) -> bool {
        self.by_name.len() < self.by_name.capacity()
            && (!self.free.is_empty() || self.list.len() < self.list.capacity())
            && self.routes.has_room()
    }

    /// Makes sure that there is room for this number of sources, and for releasing every source.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn grow(&mut self, more: usize) -> Result<()> {
        self.by_name.try_reserve(more)?;
        grow_numbered(&mut self.list, &mut self.free, more)?;
        self.routes.grow(more)?;
        self.has_room = self.finds_room();
        Ok(())
    }

    /// Returns the source with this address and adds a reference to it. `route` is used if the
    /// source was unknown.
    #[inline]
    pub fn acquire(&mut self, addr: Ipv4Addr, domain: Domain, route: Option<&Route>) -> SourceId {
        if addr.is_unspecified() {
            return SourceId::NONE;
        }
        let id = match self.find(addr, domain) {
            Some(id) => id,
            None => self.add(addr, domain, route.cloned().unwrap_or(Route::NONE)),
        };
        self.hold(id);
        id
    }

    /// Adds a source without references.
    #[inline(never)]
    fn add(&mut self, addr: Ipv4Addr, domain: Domain, route: Route) -> SourceId {
        let route = self.routes.acquire(route);
        let source =
            Source { addr, domain, route, refs: 0, flows: SourceFlows::None, is_outdated: false };
        let id = match self.free.pop() {
            Some(id) => {
                *self.at_mut(id) = source;
                id
            }
            None => {
                self.list.push(source);
                SourceId(self.list.len() as u32 - 1) // fewer than there are flows
            }
        };
        self.by_name.insert(name(addr, domain), id);
        self.recent.set((name(addr, domain), id));
        self.in_order.insert(name(addr, domain));
        self.has_room = self.finds_room();
        id
    }

    /// Adds a reference to a known source.
    #[inline]
    pub fn hold(&mut self, id: SourceId) {
        if id != SourceId::NONE {
            self.at_mut(id).refs += 1;
        }
    }

    /// Removes a reference.
    #[inline]
    pub fn release(&mut self, id: SourceId) {
        if id == SourceId::NONE {
            return;
        }
        let source = self.at_mut(id);
        source.refs -= 1;
        if source.refs == 0 {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: SourceId) {
        let Source { addr, domain, route, is_outdated, .. } = *self.at(id);
        self.routes.release(route);
        self.free.push(id);
        if !is_outdated {
            self.by_name.remove(&name(addr, domain));
            self.recent.set(NOBODY);
            self.in_order.remove(&name(addr, domain));
        }
    }

    /// Sets another route for a known source. References to the present number keep the present
    /// route; the new number has no references yet.
    pub fn supersede(&mut self, id: SourceId, route: Route) -> SourceId {
        let Source { addr, domain, .. } = *self.at(id);
        self.at_mut(id).is_outdated = true;
        self.add(addr, domain, route)
    }

    /// Adds the entry in this place to those of the source.
    #[inline]
    pub fn attach(&mut self, id: SourceId, place: u32) {
        if id == SourceId::NONE {
            return;
        }
        let source = self.at_mut(id);
        match source.flows {
            SourceFlows::None => source.flows = SourceFlows::One(place),
            SourceFlows::Many(count) => source.flows = SourceFlows::Many(count + 1),
            SourceFlows::One(_) | SourceFlows::Few(_) => self.attach_another(id, place),
        }
    }

    fn attach_another(&mut self, id: SourceId, place: u32) {
        let number = match self.at(id).flows {
            SourceFlows::Few(number) => number,
            SourceFlows::One(first) => match self.begin_list(first) {
                Some(number) => {
                    self.at_mut(id).flows = SourceFlows::Few(number);
                    number
                }
                None => {
                    self.at_mut(id).flows = SourceFlows::Many(2);
                    return;
                }
            },
            SourceFlows::None | SourceFlows::Many(_) => return,
        };
        let list = &mut self.few[number as usize];
        if list.len() < FEW && list.try_reserve(1).is_ok() {
            list.push(place);
        } else {
            let all = list.len() as u32 + 1;
            self.at_mut(id).flows = SourceFlows::Many(all);
            self.end_list(number);
        }
    }

    /// A new list; `None` if there is no memory for it. The flows are then found as if there were
    /// very many.
    fn begin_list(&mut self, first: u32) -> Option<u32> {
        grow_numbered(&mut self.few, &mut self.free_few, 1).ok()?;
        let mut list = Vec::new();
        list.try_reserve(2).ok()?;
        list.push(first);
        Some(match self.free_few.pop() {
            Some(number) => {
                self.few[number as usize] = list;
                number
            }
            None => {
                self.few.push(list);
                self.few.len() as u32 - 1
            }
        })
    }

    fn end_list(&mut self, number: u32) {
        self.few[number as usize] = Vec::new();
        self.free_few.push(number);
        if self.free_few.len() == self.few.len() {
            (self.few, self.free_few) = Default::default(); // frees the memory
        }
    }

    /// Removes the entry in this place from those of the source.
    #[inline]
    pub fn detach(&mut self, id: SourceId, place: u32) {
        if id == SourceId::NONE {
            return;
        }
        let source = self.at_mut(id);
        match source.flows {
            SourceFlows::None | SourceFlows::One(_) | SourceFlows::Many(1) => {
                source.flows = SourceFlows::None
            }
            SourceFlows::Many(count) => source.flows = SourceFlows::Many(count - 1),
            SourceFlows::Few(number) => {
                let list = &mut self.few[number as usize];
                if let Some(at) = list.iter().position(|other| *other == place) {
                    list.swap_remove(at);
                }
                if let [last] = list[..] {
                    self.at_mut(id).flows = SourceFlows::One(last);
                    self.end_list(number);
                }
            }
        }
    }

    /// The places of the entries of a source's flows; `None` if there are very many.
    pub fn places(&self, id: SourceId) -> Option<Vec<u32>> {
        match self.at(id).flows {
            SourceFlows::None => Some(Vec::new()),
            SourceFlows::One(place) => Some(vec![place]),
            SourceFlows::Few(number) => Some(self.few[number as usize].clone()),
            SourceFlows::Many(_) => None,
        }
    }

    /// Whether a source has any flow.
    pub fn has_flows(&self, id: SourceId) -> bool {
        self.at(id).flows != SourceFlows::None
    }

    /// Whether there is more than one reference to a source.
    pub fn is_shared(&self, id: SourceId) -> bool {
        self.at(id).refs > 1
    }

    /// The known sources from the first to the last of these names, in order.
    pub fn range(
        &self,
        first: (Ipv4Addr, Domain),
        last: (Ipv4Addr, Domain),
    ) -> impl Iterator<Item = (Ipv4Addr, Domain)> + '_ {
        let names = self.in_order.range(name(first.0, first.1)..=name(last.0, last.1));
        names.map(|&name| (Ipv4Addr::from((name >> 32) as u32), Domain(name as u32)))
    }
}
