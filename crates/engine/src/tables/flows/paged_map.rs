//! Finds the chunk of the order to which a flow belongs.
//!
//! A `BTreeMap` is as fast, but its nodes cannot be reserved (spec 0.9); one sorted `Vec` would be
//! moved for each new chunk.

use mgm_types::{Flow, Result};

/// The most keys on a page.
const FULL: usize = 512;

/// A sorted map with some ten thousand keys.
#[derive(Debug, Default)]
pub struct PagedMap {
    /// The pages in order of their first keys; none is empty.
    pages: Vec<(Flow, MapPage)>,
    /// A spare page, for the next that is needed.
    spare: MapPage,
    /// A page became nearly full while there was no spare page.
    is_crowded: bool,
}

/// Keys with their values, in order. Has room for all its keys from the beginning.
type MapPage = Vec<(Flow, u32)>;

impl PagedMap {
    /// The position of a key, or where it would be inserted: a page, and a place on it.
    fn place(&self, key: Flow) -> (usize, usize) {
        let page = self.pages.partition_point(|(first, _)| *first <= key).saturating_sub(1);
        let at = self
            .pages
            .get(page)
            .map_or(0, |(_, keys)| keys.partition_point(|(other, _)| *other < key));
        (page, at)
    }

    /// The greatest key that is not greater than this one.
    pub fn find(&self, key: Flow) -> Option<(Flow, u32)> {
        let page = self.pages.partition_point(|(first, _)| *first <= key).checked_sub(1)?;
        let keys = &self.pages[page].1;
        keys.get(keys.partition_point(|(other, _)| *other <= key).checked_sub(1)?).copied()
    }

    /// All from this key on, in order.
    pub fn range(&self, key: Flow) -> impl Iterator<Item = (Flow, u32)> + '_ {
        let (page, at) = self.place(key);
        let first = self.pages.get(page).map_or(&[][..], |(_, keys)| &keys[at..]);
        let later = self.pages.iter().skip(page + 1).flat_map(|(_, keys)| keys);
        first.iter().chain(later).copied()
    }

    /// Whether there is room for one more key.
    pub fn has_room(&self) -> bool {
        let needs_spare = self.is_crowded || self.pages.is_empty();
        self.pages.len() < self.pages.capacity() && !(needs_spare && self.spare.capacity() < FULL)
    }

    /// Makes room for one more key.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn grow(&mut self) -> Result<()> {
        self.pages.try_reserve(1)?;
        self.spare.try_reserve_exact(FULL)?;
        Ok(())
    }

    /// Adds a new key.
    pub fn insert(&mut self, key: Flow, value: u32) {
        let (page, at) = self.place(key);
        let Some((first, keys)) = self.pages.get_mut(page) else {
            let mut keys = std::mem::take(&mut self.spare);
            keys.push((key, value));
            self.pages.push((key, keys));
            return;
        };
        keys.insert(at, (key, value));
        *first = keys[0].0;
        if keys.len() == FULL {
            let mut upper = std::mem::take(&mut self.spare);
            upper.extend_from_slice(&keys[FULL / 2..]);
            keys.truncate(FULL / 2);
            self.pages.insert(page + 1, (upper[0].0, upper));
        } else if keys.len() == FULL - 1 {
            self.is_crowded = true;
        }
    }

    /// Removes an existing key.
    pub fn remove(&mut self, key: Flow) {
        let (page, at) = self.place(key);
        let (first, keys) = &mut self.pages[page];
        keys.remove(at);
        match keys.first() {
            Some((least, _)) => *first = *least,
            None => drop(self.pages.remove(page)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn behaves_as_an_ordered_map() {
        let (mut map, mut model) = (PagedMap::default(), BTreeMap::new());
        let mut seed = 9u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        };
        for round in 0..60_000u32 {
            let growing = round / 15_000 % 2 == 0;
            let key = Flow::any_source((random() % 8_000).into());
            if model.remove(&key).is_some() {
                map.remove(key);
            }
            if growing || random() % 16 == 0 {
                map.insert(key, round);
                model.insert(key, round);
            }
            let key = Flow::any_source((random() % 8_000).into());
            let found = model.range(..=key).next_back();
            assert_eq!(map.find(key), found.map(|(key, value)| (*key, *value)));
            if round % 1_000 == 0 {
                assert!(map.range(key).eq(model.range(key..).map(|(key, value)| (*key, *value))));
            }
        }
        for key in model.into_keys() {
            map.remove(key);
        }
        assert!(map.pages.is_empty());
    }
}
