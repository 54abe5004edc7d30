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
}

impl Flows {
    fn find(&self, flow: Flow) -> Option<u32> {
        self.index.find(flow, |number| self.entries[number as usize].flow)
    }

    fn entry(&self, flow: Flow) -> Option<&Entry> {
        Some(&self.entries[self.find(flow)? as usize])
    }

    fn entry_mut(&mut self, flow: Flow) -> Option<&mut Entry> {
        let number = self.find(flow)?;
        Some(&mut self.entries[number as usize])
    }

    /// The entry of a flow, made if need be.
    fn make(&mut self, flow: Flow) -> &mut Entry {
        let number = match self.find(flow) {
            Some(number) => number,
            None => self.add(flow),
        };
        &mut self.entries[number as usize]
    }

    fn add(&mut self, flow: Flow) -> u32 {
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
        number
    }

    /// Forgets an entry that has nothing left.
    fn tidy(&mut self, flow: Flow) {
        let Some(number) = self.find(flow) else { return };
        let entry = &self.entries[number as usize];
        if entry.has(Part::Members) || entry.has(Part::Mfe) {
            return;
        }
        self.index.remove(flow, number);
        self.order.remove(flow);
        self.free.push(number);
        if self.free.len() == self.entries.len() {
            (self.entries, self.free) = Default::default(); // gives the memory back
        }
    }

    /// Who wants exactly this flow; `None` if nobody does.
    pub fn members(&self, flow: Flow) -> Option<&Members> {
        Some(&self.entry(flow)?.members).filter(|members| !members.is_empty())
    }

    /// The MFE of a flow.
    pub fn mfe(&self, flow: Flow) -> Option<&Mfe> {
        self.entry(flow)?.mfe.as_ref()
    }

    /// The MFE of a flow, to be changed.
    pub fn mfe_mut(&mut self, flow: Flow) -> Option<&mut Mfe> {
        self.entry_mut(flow)?.mfe.as_mut()
    }

    /// Whether a flow has an MFE.
    pub fn has_mfe(&self, flow: Flow) -> bool {
        self.mfe(flow).is_some()
    }

    /// Adds a membership; false if it was there.
    pub fn insert_member(&mut self, flow: Flow, side: Side, id: IfId) -> bool {
        let entry = self.make(flow);
        let was_wanted = entry.has(Part::Members);
        let is_new = entry.members.insert(side, id);
        if !was_wanted {
            self.wanted += 1;
            self.order.mark(flow, Part::Members, true);
        }
        is_new
    }

    /// Removes a membership; false if it was not there.
    pub fn remove_member(&mut self, flow: Flow, side: Side, id: IfId) -> bool {
        let Some(entry) = self.entry_mut(flow) else { return false };
        if !entry.members.remove(side, id) {
            return false;
        }
        if !entry.has(Part::Members) {
            self.wanted -= 1;
            self.order.mark(flow, Part::Members, false);
            self.tidy(flow);
        }
        true
    }

    /// Adds an MFE; there is none of this flow.
    pub fn insert_mfe(&mut self, flow: Flow, mfe: Mfe) {
        if self.make(flow).mfe.replace(mfe).is_none() {
            self.mfes += 1;
            self.order.mark(flow, Part::Mfe, true);
        }
    }

    /// Removes an MFE.
    pub fn remove_mfe(&mut self, flow: Flow) -> Option<Mfe> {
        let mfe = self.entry_mut(flow)?.mfe.take()?;
        self.mfes -= 1;
        self.order.mark(flow, Part::Mfe, false);
        self.tidy(flow);
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
        let wild = wants(self.members(Flow::WILDCARD));
        if first == last {
            let shared = wild || wants(self.members(first.shared()));
            if let Some(Entry { members, mfe: Some(mfe), .. }) = self.entry_mut(first) {
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
