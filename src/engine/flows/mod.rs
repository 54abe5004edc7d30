//! The table of flows: what is wanted, and what is forwarded.
//!
//! Memberships and MFEs stand in one entry for each flow, because most calls
//! look at both. Entries lie in one array and never move; an index finds them
//! by flow, an order walks them by group, then source. A million entries: the
//! sizes at the end of this file are the budget of docs/architecture.md.

mod index;
mod members;
mod order;

pub use members::{Members, Side};

use super::mfe::Mfe;
use crate::types::{Flow, IfId};
use index::Index;
use order::{Order, Part};
use std::fmt;
use std::ops::RangeInclusive;

/// What is known of one flow.
#[derive(Debug)]
pub struct Entry {
    flow: Flow,
    /// `(s,g)`, `(*,g)` or `(*,*)`: who wants it where.
    pub members: Members,
    /// `(s,g)` only.
    pub mfe: Option<Mfe>,
}

impl Entry {
    /// Who wants the flow; `None` if nobody does.
    pub fn wanted_by(&self) -> Option<&Members> {
        Some(&self.members).filter(|members| !members.is_empty())
    }

    fn has(&self, part: Part) -> bool {
        match part {
            Part::Members => !self.members.is_empty(),
            Part::Mfe => self.mfe.is_some(),
        }
    }
}

/// All flows that somebody wants, or that have an MFE.
#[derive(Default)]
pub struct Flows {
    entries: Vec<Entry>,
    /// Entries that are of no flow at present.
    free: Vec<u32>,
    index: Index,
    order: Order,
    wanted: usize,
    mfes: usize,
    /// Where `(*,*)` is, and how many entries are of a `(*,g)`.
    wildcard: Option<Place>,
    groups: usize,
}

/// What became of memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// There were none.
    Nothing,
    /// There are others of the flow.
    Some,
    /// They were the last.
    All,
}

/// Where an entry is, as long as it has a membership or an MFE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u32);

impl Flows {
    /// The place of a flow's entry.
    pub fn find(&self, flow: Flow) -> Option<Place> {
        self.index.find(flow, |number| self.entries[number as usize].flow).map(Place)
    }

    /// The entry in a place.
    pub fn at(&self, Place(number): Place) -> &Entry {
        &self.entries[number as usize]
    }

    fn at_mut(&mut self, Place(number): Place) -> &mut Entry {
        &mut self.entries[number as usize]
    }

    /// The place of a flow's entry, which is made if need be: something has to
    /// be put there then.
    pub fn make(&mut self, flow: Flow) -> Place {
        self.find(flow).unwrap_or_else(|| self.add(flow))
    }

    fn add(&mut self, flow: Flow) -> Place {
        let entry = Entry { flow, members: Members::default(), mfe: None };
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number
            }
            None => {
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).expect("4 billion flows are 500 GB")
            }
        };
        let Flows { entries, index, order, .. } = self;
        index.insert(flow, number);
        order.insert(flow, number, |number, part| entries[number as usize].has(part));
        if flow == Flow::WILDCARD {
            self.wildcard = Some(Place(number));
        } else if !flow.has_source() {
            self.groups += 1;
        }
        Place(number)
    }

    /// Forgets an entry that has nothing left.
    fn tidy(&mut self, place: Place) {
        let entry = self.at(place);
        if entry.has(Part::Members) || entry.has(Part::Mfe) {
            return;
        }
        let flow = entry.flow;
        self.index.remove(flow, place.0);
        self.order.remove(flow);
        self.free.push(place.0);
        if flow == Flow::WILDCARD {
            self.wildcard = None;
        } else if !flow.has_source() {
            self.groups -= 1;
        }
        if self.free.len() == self.entries.len() {
            (self.entries, self.free) = Default::default(); // gives the memory back
        }
    }

    /// Who wants exactly this flow; `None` if nobody does.
    pub fn members(&self, flow: Flow) -> Option<&Members> {
        self.at(self.find(flow)?).wanted_by()
    }

    /// Who wants everything.
    pub fn wildcard_members(&self) -> Option<&Members> {
        self.at(self.wildcard?).wanted_by()
    }

    /// Who wants the group of this flow from any source.
    pub fn group_members(&self, flow: Flow) -> Option<&Members> {
        if self.groups == 0 {
            return None; // spares the look-up
        }
        self.members(flow.shared())
    }

    /// The MFE of a flow.
    pub fn mfe(&self, flow: Flow) -> Option<&Mfe> {
        self.at(self.find(flow)?).mfe.as_ref()
    }

    /// The MFE of a flow, to be changed.
    pub fn mfe_mut(&mut self, flow: Flow) -> Option<&mut Mfe> {
        let place = self.find(flow)?;
        self.at_mut(place).mfe.as_mut()
    }

    /// Whether a flow has an MFE.
    pub fn has_mfe(&self, flow: Flow) -> bool {
        self.mfe(flow).is_some()
    }

    /// Adds a membership; false if it was there.
    pub fn insert_member(&mut self, place: Place, side: Side, id: IfId) -> bool {
        let entry = self.at_mut(place);
        let (flow, was_wanted) = (entry.flow, entry.has(Part::Members));
        let is_new = entry.members.insert(side, id);
        if !was_wanted {
            self.wanted += 1;
            self.order.mark(flow, Part::Members, true);
        }
        is_new
    }

    /// Removes the memberships of an interface. Where nothing is left, the place
    /// may be no more.
    pub fn remove_member(&mut self, place: Place, sides: &[Side], id: IfId) -> Removed {
        let entry = self.at_mut(place);
        let mut removed = false;
        for &side in sides {
            removed |= entry.members.remove(side, id);
        }
        let flow = entry.flow;
        match (removed, entry.has(Part::Members)) {
            (false, _) => Removed::Nothing,
            (true, true) => Removed::Some,
            (true, false) => {
                self.wanted -= 1;
                self.order.mark(flow, Part::Members, false);
                self.tidy(place);
                Removed::All
            }
        }
    }

    /// Adds an MFE; there is none of this flow.
    pub fn insert_mfe(&mut self, flow: Flow, mfe: Mfe) {
        let place = self.make(flow);
        if self.at_mut(place).mfe.replace(mfe).is_none() {
            self.mfes += 1;
            self.order.mark(flow, Part::Mfe, true);
        }
    }

    /// Removes an MFE.
    pub fn remove_mfe(&mut self, flow: Flow) -> Option<Mfe> {
        let place = self.find(flow)?;
        let mfe = self.at_mut(place).mfe.take()?;
        self.mfes -= 1;
        self.order.mark(flow, Part::Mfe, false);
        self.tidy(place);
        Some(mfe)
    }

    /// How many flows are wanted.
    pub fn wanted_len(&self) -> usize {
        self.wanted
    }

    /// How many MFEs there are.
    pub fn mfe_len(&self) -> usize {
        self.mfes
    }

    /// The flows that somebody wants, from `first` on, in order.
    pub fn wanted(&self, first: Flow) -> impl Iterator<Item = (Flow, &Members)> + '_ {
        self.order.from(first, Some(Part::Members)).filter_map(|(flow, number)| {
            let members = &self.entries[number as usize].members;
            (!members.is_empty()).then_some((flow, members))
        })
    }

    /// The MFEs from `first` on, in order.
    pub fn mfes(&self, first: Flow) -> impl Iterator<Item = (Flow, &Mfe)> + '_ {
        self.order
            .from(first, Some(Part::Mfe))
            .filter_map(|(flow, number)| Some((flow, self.entries[number as usize].mfe.as_ref()?)))
    }

    /// Visits the MFEs of a range of flows in order, and tells of each
    /// whether a membership, of the `(s,g)`, of `(*,g)` or of `(*,*)`, wants it
    /// on the interface.
    pub fn visit_mfes(
        &mut self,
        flows: RangeInclusive<Flow>,
        id: IfId,
        mut visit: impl FnMut(Flow, &mut Mfe, bool),
    ) {
        let (first, last) = flows.into_inner();
        let wants = |members: Option<&Members>| members.is_some_and(|all| all.contains(id));
        let wild = wants(self.wildcard_members());
        if first == last {
            let Some(place) = self.find(first).filter(|&place| self.at(place).mfe.is_some()) else {
                return;
            };
            let shared = wild || wants(self.group_members(first));
            if let Entry { members, mfe: Some(mfe), .. } = self.at_mut(place) {
                visit(first, mfe, shared || members.contains(id));
            }
            return;
        }
        let mut group = (Flow::WILDCARD, false);
        let Flows { entries, order, .. } = self;
        for (flow, number) in order.from(first.shared(), None) {
            if flow > last {
                break;
            }
            let Entry { members, mfe, .. } = &mut entries[number as usize];
            if group.0 != flow.shared() {
                group = (flow.shared(), false);
            }
            if !flow.has_source() {
                group.1 = members.contains(id);
            }
            if let Some(mfe) = mfe.as_mut().filter(|_| flow >= first) {
                visit(flow, mfe, wild || group.1 || members.contains(id));
            }
        }
    }
}

impl fmt::Debug for Flows {
    /// The entries in order, and not the way in which they are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.order.from(Flow::WILDCARD, None);
        f.debug_list().entries(all.map(|(_, number)| &self.entries[number as usize])).finish()
    }
}

#[cfg(test)]
mod tests;
