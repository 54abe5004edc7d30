//! The routes of sources, each stored once.

use foldhash::fast::RandomState;
use mgm_types::{grow_numbered, Result, Route};
use std::collections::HashMap;
/// The routes of sources, each stored once, under a number.
#[derive(Debug, Default)]
pub struct SourceRoutes {
    /// Each route with the number of sources that have it.
    pub(super) list: Vec<(Route, u32)>,
    numbers: HashMap<Route, u32, RandomState>,
    /// Free numbers of routes.
    pub(super) free: Vec<u32>,
}

impl SourceRoutes {
    pub fn has_room(&self) -> bool {
        self.numbers.len() < self.numbers.capacity()
            && (!self.free.is_empty() || self.list.len() < self.list.capacity())
    }

    pub fn grow(&mut self, more: usize) -> Result<()> {
        self.numbers.try_reserve(more)?;
        grow_numbered(&mut self.list, &mut self.free, more)
    }

    #[inline]
    pub fn get(&self, number: u32) -> &Route {
        &self.list[number as usize].0
    }

    pub fn acquire(&mut self, route: Route) -> u32 {
        let SourceRoutes { list, numbers, free } = self;
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

    pub fn release(&mut self, number: u32) {
        let (route, sources) = &mut self.list[number as usize];
        *sources -= 1;
        if *sources == 0 {
            self.numbers.remove(route);
            self.free.push(number);
        }
    }
}
