//! The memberships in one flow.

use mgm_types::{IfId, IfSet, IfView};

/// The side of a membership: the owner's and IGMP's are stored separately (spec 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Owner,
    Igmp,
}

/// The interfaces with memberships in one flow. There can be a million of these, and nearly all
/// have one side with interfaces below 64: those need 16 bytes.
#[derive(Debug)]
pub enum Members {
    Owner(u64),
    Igmp(u64),
    Both(Box<[IfSet; 2]>),
}

impl Default for Members {
    fn default() -> Members {
        Members::Owner(0)
    }
}

impl Members {
    /// The interfaces of one side.
    pub fn side(&self, side: Side) -> IfView<'_> {
        match (self, side) {
            (Members::Owner(word), Side::Owner) | (Members::Igmp(word), Side::Igmp) => {
                IfView::of_word(word)
            }
            (Members::Both(sets), side) => sets[side as usize].view(),
            _ => IfView::default(),
        }
    }

    /// Whether it needs no further allocation.
    pub fn is_small(&self) -> bool {
        !matches!(self, Members::Both(_))
    }

    /// Whether there is a membership on this interface.
    pub fn contains(&self, id: IfId) -> bool {
        match self {
            Members::Owner(word) | Members::Igmp(word) => IfView::of_word(word).contains(id),
            Members::Both(sets) => sets.iter().any(|side| side.contains(id)),
        }
    }

    /// The interfaces of both sides; some may occur twice.
    pub fn all(&self) -> impl Iterator<Item = IfId> + '_ {
        [Side::Owner, Side::Igmp].into_iter().flat_map(|side| self.side(side).iter())
    }

    /// Adds the interfaces of both sides to a set.
    pub fn add_to(&self, set: &mut IfSet) {
        match self {
            Members::Owner(word) | Members::Igmp(word) => set.union_with(IfView::of_word(word)),
            Members::Both(sets) => sets.iter().for_each(|side| set.union_with(side.view())),
        }
    }

    /// Whether there are no memberships.
    pub fn is_empty(&self) -> bool {
        match self {
            Members::Owner(word) | Members::Igmp(word) => *word == 0,
            Members::Both(sets) => sets.iter().all(IfSet::is_empty),
        }
    }

    /// The word of the only side, if all its interfaces are below 64.
    fn word_mut(&mut self, side: Side, id: IfId) -> Option<&mut u64> {
        if side == Side::Igmp && matches!(self, Members::Owner(0)) {
            *self = Members::Igmp(0);
        } else if side == Side::Owner && matches!(self, Members::Igmp(0)) {
            *self = Members::Owner(0);
        }
        match (self, side) {
            (Members::Owner(word), Side::Owner) | (Members::Igmp(word), Side::Igmp)
                if id.0 < u64::BITS as u16 =>
            {
                Some(word)
            }
            _ => None,
        }
    }

    /// Both sides in full.
    fn sets_mut(&mut self) -> &mut [IfSet; 2] {
        if !matches!(self, Members::Both(_)) {
            let sides = [Side::Owner, Side::Igmp];
            *self = Members::Both(Box::new(sides.map(|side| self.side(side).iter().collect())));
        }
        match self {
            Members::Both(sets) => sets,
            _ => unreachable!("set above"),
        }
    }

    /// Adds an interface to a side; true if it was new.
    #[inline]
    pub fn insert(&mut self, side: Side, id: IfId) -> bool {
        let is_new = !self.side(side).contains(id);
        if is_new {
            match self.word_mut(side, id) {
                Some(word) => *word |= 1 << id.0,
                None => {
                    self.sets_mut()[side as usize].insert(id);
                }
            }
        }
        is_new
    }

    /// Removes an interface from a side; true if it existed.
    #[inline]
    pub fn remove(&mut self, side: Side, id: IfId) -> bool {
        let was_there = self.side(side).contains(id);
        if was_there {
            match self.word_mut(side, id) {
                Some(word) => *word &= !(1 << id.0),
                None => {
                    self.sets_mut()[side as usize].remove(id);
                }
            }
        }
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn sides_are_sets_of_their_own_in_every_form() {
        let (mut members, mut model) = (Members::default(), BTreeSet::new());
        let mut seed = 7u32;
        for round in 0..20_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let side = if seed >> 8 & 3 == 0 { Side::Igmp } else { Side::Owner };
            let id = (seed >> 16) as u16 % if round % 1_000 < 900 { 10 } else { 200 };
            if seed & 1 == 0 {
                let is_new = model.insert((side as u8, id));
                assert_eq!(members.insert(side, IfId(id)), is_new);
            } else {
                let was_there = model.remove(&(side as u8, id));
                assert_eq!(members.remove(side, IfId(id)), was_there);
            }
            assert_eq!(members.is_empty(), model.is_empty());
            for (number, side) in [Side::Owner, Side::Igmp].into_iter().enumerate() {
                let ids = members.side(side).iter().map(|id| (number as u8, id.0));
                assert!(ids.eq(model.iter().copied().filter(|(of, _)| *of == number as u8)));
            }
            if members.is_empty() && seed >> 12 & 7 == 0 {
                members = Members::default(); // as for a new entry
            }
        }
    }

    #[test]
    fn takes_sixteen_bytes() {
        assert_eq!(std::mem::size_of::<Members>(), 16);
    }
}
