//! Sets of interfaces.

use super::IfId;

/// A set of interfaces: one word while all numbers are below 64, which the kernel's 32 VIFs
/// guarantee with the kernel forwarder; otherwise a boxed bit set.
///
/// Not larger than 16 bytes, because the MFE table can hold a million of these.
#[derive(Clone, Debug)]
pub enum IfSet {
    /// Numbers 0 to 63.
    Small(u64),
    /// Any numbers, 64 a word.
    Large(Box<Vec<u64>>),
}

impl Default for IfSet {
    fn default() -> Self {
        IfSet::Small(0)
    }
}

impl IfSet {
    /// The words of the set, lowest numbers first.
    fn words(&self) -> &[u64] {
        match self {
            IfSet::Small(word) => std::slice::from_ref(word),
            IfSet::Large(words) => words,
        }
    }

    /// The word that holds `id`. Grows the set if necessary.
    #[inline]
    fn word_mut(&mut self, id: IfId) -> &mut u64 {
        let index = usize::from(id.0 / 64);
        if index > 0 {
            self.enlarge(index);
        }
        match self {
            IfSet::Small(word) => word,
            IfSet::Large(words) => &mut words[index],
        }
    }

    #[cold]
    fn enlarge(&mut self, index: usize) {
        if let IfSet::Small(word) = *self {
            *self = IfSet::Large(Box::new(vec![word]));
        }
        if let IfSet::Large(words) = self {
            words.resize(words.len().max(index + 1), 0);
        }
    }

    /// Adds `id`; true if it was not there.
    pub fn insert(&mut self, id: IfId) -> bool {
        let word = self.word_mut(id);
        let before = *word;
        *word |= 1 << (id.0 % 64);
        *word != before
    }

    /// Removes `id`; true if it was there.
    pub fn remove(&mut self, id: IfId) -> bool {
        if !self.contains(id) {
            return false;
        }
        *self.word_mut(id) &= !(1 << (id.0 % 64));
        true
    }

    /// A borrowed view of the set.
    #[must_use]
    pub fn view(&self) -> IfView<'_> {
        IfView(self.words())
    }

    /// Whether `id` is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: IfId) -> bool {
        match self {
            IfSet::Small(word) => id.0 < 64 && word >> id.0 & 1 == 1,
            IfSet::Large(_) => self.view().contains(id),
        }
    }

    /// Whether nothing is in the set.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        match self {
            IfSet::Small(word) => *word == 0,
            IfSet::Large(_) => self.view().is_empty(),
        }
    }

    /// Whether the set has exactly one member, and that member is below 64.
    #[must_use]
    #[inline]
    pub fn is_one(&self) -> bool {
        matches!(self, IfSet::Small(word) if word.is_power_of_two())
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words().iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds all members of `other`.
    pub fn union_with(&mut self, other: IfView<'_>) {
        if let (IfSet::Small(word), [more]) = (&mut *self, other.0) {
            *word |= more;
            return;
        }
        for (index, word) in other.0.iter().enumerate() {
            if *word != 0 {
                *self.word_mut(IfId((index * 64) as u16)) |= word;
            }
        }
    }

    /// Removes all members of `other`.
    pub fn subtract(&mut self, other: &IfSet) {
        let mine = match self {
            IfSet::Small(word) => std::slice::from_mut(word),
            IfSet::Large(words) => words,
        };
        for (word, gone) in mine.iter_mut().zip(other.words()) {
            *word &= !gone;
        }
    }

    /// The members, ascending.
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }
}

/// A borrowed view of a set of interfaces.
#[derive(Clone, Copy, Debug, Default)]
pub struct IfView<'a>(&'a [u64]);

impl<'a> IfView<'a> {
    /// A set of numbers below 64.
    #[must_use]
    pub fn of_word(word: &'a u64) -> IfView<'a> {
        IfView(std::slice::from_ref(word))
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub fn contains(self, id: IfId) -> bool {
        self.0.get(usize::from(id.0 / 64)).is_some_and(|word| word >> (id.0 % 64) & 1 == 1)
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The members, ascending.
    pub fn iter(self) -> Iter<'a> {
        let (rest, later) =
            self.0.split_first().map_or((0, &[][..]), |(word, later)| (*word, later));
        Iter { rest, base: 0, later }
    }
}

/// The members of a set, ascending.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    /// The bits of the current word that are still to be returned.
    rest: u64,
    /// The interface number of the current word's lowest bit.
    base: u16,
    /// The words after it.
    later: &'a [u64],
}

impl Iterator for Iter<'_> {
    type Item = IfId;

    fn next(&mut self) -> Option<IfId> {
        while self.rest == 0 {
            let (word, later) = self.later.split_first()?;
            (self.rest, self.later) = (*word, later);
            self.base += u64::BITS as u16;
        }
        let bit = self.rest.trailing_zeros() as u16;
        self.rest &= self.rest - 1;
        Some(IfId(self.base + bit))
    }
}

impl PartialEq for IfSet {
    fn eq(&self, other: &IfSet) -> bool {
        let (a, b) = (self.words(), other.words());
        let common = a.len().min(b.len());
        a[..common] == b[..common] && a[common..].iter().chain(&b[common..]).all(|word| *word == 0)
    }
}

impl Eq for IfSet {}

impl FromIterator<IfId> for IfSet {
    fn from_iter<I: IntoIterator<Item = IfId>>(ids: I) -> IfSet {
        let mut set = IfSet::default();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn behaves_as_a_set_across_the_inline_border() {
        let (mut set, mut model) = (IfSet::default(), BTreeSet::new());
        let mut seed = 1u32;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let id = (seed >> 16) as u16 % if seed & 1 == 0 { 64 } else { 300 };
            if seed & 2 == 0 {
                assert_eq!(set.insert(IfId(id)), model.insert(id));
            } else {
                assert_eq!(set.remove(IfId(id)), model.remove(&id));
            }
            assert_eq!(set.contains(IfId(id)), model.contains(&id));
        }
        assert_eq!(set.len(), model.len());
        assert!(set.iter().map(|id| id.0).eq(model.iter().copied()));
        assert_eq!(set.is_empty(), model.is_empty());
    }

    #[test]
    fn equality_ignores_the_form() {
        let mut large: IfSet = [IfId(3), IfId(100)].into_iter().collect();
        large.remove(IfId(100));
        assert_eq!(large, [IfId(3)].into_iter().collect());
        large.insert(IfId(70));
        assert_ne!(large, [IfId(3)].into_iter().collect());
    }

    #[test]
    fn union_and_difference() {
        let mut set: IfSet = [IfId(1), IfId(2)].into_iter().collect();
        let other: IfSet = [IfId(2), IfId(65)].into_iter().collect();
        set.union_with(other.view());
        assert!(set.iter().eq([IfId(1), IfId(2), IfId(65)]));
        set.subtract(&[IfId(1), IfId(65)].into_iter().collect());
        assert!(set.iter().eq([IfId(2)]));
    }

    #[test]
    fn takes_sixteen_bytes() {
        assert_eq!(std::mem::size_of::<IfSet>(), 16);
    }
}
