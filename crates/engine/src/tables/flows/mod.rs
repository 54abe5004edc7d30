//! The table of flows, with their memberships and MFEs.
//!
//! Each flow has one entry with its memberships and its MFE, because most calls need both.
//! Entries are in one array and never move. The index finds them by flow; the order walks them
//! by group, then source. There can be a million entries, so the sizes at the end of this file
//! are limited by docs/architecture.md.

mod entry;
mod index;
mod members;
mod order;
mod paged_map;
mod room;
mod source_refs;

pub use entry::FlowEntry;
pub use members::{Members, Side};

use super::mfe::Mfe;
use super::sources::{SourceId, Sources};
use entry::Part;
use index::{Index, Vacant};
use mgm_types::{Domain, Flow, IfId, Route};
use order::Order;
use std::cell::Cell;
use std::fmt;
use std::ops::RangeInclusive;

/// All flows with memberships or an MFE.
#[derive(Default)]
pub struct Flows {
    entries: Vec<FlowEntry>,
    /// Free entries: the first, which names the next, and their number. So a removal needs no
    /// memory.
    free: Option<u32>,
    freed: usize,
    index: Index,
    /// The entry that was found last, because one call looks up its flow several times.
    recent: Cell<u32>,
    /// Whether the last membership added an entry. The next one probably does, too.
    adds: bool,
    order: Order,
    wanted: usize,
    mfes: usize,
    /// The place of `(*,*)`, and the number of entries of a `(*,g)`.
    wildcard: Option<FlowPlace>,
    groups: usize,
    /// The routes of every source that an entry or a resolution refers to.
    pub sources: Sources,
}

/// An MFE with its flow and source.
#[derive(Clone, Copy)]
pub struct MfeEntry<'a> {
    pub flow: Flow,
    pub source: SourceId,
    pub mfe: &'a Mfe,
}

/// Marks the last free entry, which has no next one.
const LAST: u32 = u32::MAX;

/// The place of an entry, valid as long as it has a membership or an MFE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowPlace(u32);

impl Flows {
    /// How many entries are fetched at a time.
    pub const FETCH: usize = entry::FETCH;

    /// The place of a flow's entry.
    #[inline]
    pub fn find(&self, flow: Flow) -> Option<FlowPlace> {
        self.find_or_room(flow).ok()
    }

    /// The same; if the flow has no entry, the place where the index has room for one.
    #[inline]
    fn find_or_room(&self, flow: Flow) -> std::result::Result<FlowPlace, Vacant> {
        let recent = self.recent.get();
        if self.entries.get(recent as usize).is_some_and(|entry| entry.flow == flow) {
            return Ok(FlowPlace(recent));
        }
        let found = self.look_up(flow)?;
        self.recent.set(found.0);
        Ok(found)
    }

    fn look_up(&self, flow: Flow) -> std::result::Result<FlowPlace, Vacant> {
        let is_it = |number: u32| self.entries[number as usize].flow == flow;
        self.index.find(self.index.key(flow), is_it).map(FlowPlace)
    }

    /// The entry in a place.
    #[inline]
    pub fn at(&self, FlowPlace(number): FlowPlace) -> &FlowEntry {
        &self.entries[number as usize]
    }

    #[inline]
    fn at_mut(&mut self, FlowPlace(number): FlowPlace) -> &mut FlowEntry {
        &mut self.entries[number as usize]
    }

    /// Fetches what [`Flows::make`] reads to add an entry for a flow: the index and the order. Each
    /// may be a wait for memory, so the processor waits for both at once, and works meanwhile. Does
    /// so only if the last membership added an entry, because an entry that exists needs no order.
    #[inline]
    pub fn expect(&mut self, flow: Flow) {
        if self.adds {
            let home = self.index.home(self.index.key(flow));
            std::hint::black_box(home ^ self.order.expect(flow));
        }
    }

    /// The place of a flow's entry for a membership, which is to be put there. A new entry
    /// refers to the source in this domain; `route` is used if that was not known.
    #[inline]
    pub fn make(&mut self, flow: Flow, domain: Domain, route: Option<&Route>) -> FlowPlace {
        let found = self.find_or_room(flow);
        self.adds = found.is_err();
        found.unwrap_or_else(|room| {
            let source = self.sources.acquire(flow.source(), domain, route);
            self.add(flow, room, Part::Members, source)
        })
    }

    #[inline]
    fn add(&mut self, flow: Flow, room: Vacant, part: Part, source: SourceId) -> FlowPlace {
        // Built in place, because it is too large to be moved.
        let entry = || FlowEntry { flow, source, chunk: 0, members: Members::default(), mfe: None };
        let number = match self.free {
            Some(number) => {
                let free = &mut self.entries[number as usize];
                self.free = Some(free.chunk).filter(|&next| next != LAST);
                *free = entry();
                self.freed -= 1;
                number
            }
            None => {
                self.entries.push(entry());
                u32::try_from(self.entries.len() - 1).expect("4 billion flows are 500 GB")
            }
        };
        self.sources.attach(source, number);
        self.index.insert(room, number);
        self.order.insert(flow, number, part, &mut self.entries);
        self.recent.set(number);
        if flow == Flow::WILDCARD {
            self.wildcard = Some(FlowPlace(number));
        } else if !flow.has_source() {
            self.groups += 1;
        }
        FlowPlace(number)
    }

    /// Frees an entry that has neither memberships nor an MFE.
    pub fn tidy(&mut self, place: FlowPlace) {
        let entry = self.at(place);
        if entry.is_used() {
            return;
        }
        let (flow, source, chunk) = (entry.flow, entry.source, entry.chunk);
        if self.recent.get() == place.0 {
            self.recent.set(u32::MAX);
        }
        self.index.remove(self.index.key(flow), place.0);
        self.order.remove(place.0, chunk, &mut self.entries);
        self.sources.detach(source, place.0);
        self.sources.release(source);
        self.at_mut(place).chunk = self.free.replace(place.0).unwrap_or(LAST);
        self.freed += 1;
        if flow == Flow::WILDCARD {
            self.wildcard = None;
        } else if !flow.has_source() {
            self.groups -= 1;
        }
        if self.freed == self.entries.len() {
            // frees the memory
            (self.entries, self.free, self.freed, self.order) = Default::default();
        }
    }

    /// The memberships in exactly this flow; `None` if there are none.
    #[inline]
    pub fn members(&self, flow: Flow) -> Option<&Members> {
        self.at(self.find(flow)?).wanted_by()
    }

    /// The memberships in `(*,*)`.
    #[inline]
    pub fn wildcard_members(&self) -> Option<&Members> {
        self.at(self.wildcard?).wanted_by()
    }

    /// Whether there is an entry of `(*,*)` or of a `(*,g)`.
    #[inline]
    pub fn has_shared(&self) -> bool {
        self.groups > 0 || self.wildcard.is_some()
    }

    /// The memberships in the `(*,g)` of this flow's group.
    #[inline]
    pub fn group_members(&self, flow: Flow) -> Option<&Members> {
        if self.groups == 0 {
            return None; // spares the look-up
        }
        self.at(self.look_up(flow.shared()).ok()?).wanted_by()
    }

    /// The MFE of a flow.
    #[inline]
    pub fn mfe(&self, flow: Flow) -> Option<&Mfe> {
        self.at(self.find(flow)?).mfe.as_ref()
    }

    /// The MFE of a flow, with its source.
    pub fn row(&self, flow: Flow) -> Option<(SourceId, &Mfe)> {
        let entry = self.at(self.find(flow)?);
        Some((entry.source, entry.mfe.as_ref()?))
    }

    /// The MFE of a flow, to be changed.
    #[inline]
    pub fn mfe_mut(&mut self, flow: Flow) -> Option<&mut Mfe> {
        let place = self.find(flow)?;
        self.at_mut(place).mfe.as_mut()
    }

    /// The flow and the MFE in a place whose entry may have been removed meanwhile.
    pub fn mfe_at(&mut self, FlowPlace(number): FlowPlace) -> Option<(Flow, &mut Mfe)> {
        let entry = self.entries.get_mut(number as usize)?;
        let mfe = entry.mfe.as_mut()?;
        self.recent.set(number);
        Some((entry.flow, mfe))
    }

    /// Whether a flow has an MFE.
    #[inline]
    pub fn has_mfe(&self, flow: Flow) -> bool {
        self.mfe(flow).is_some()
    }

    /// Adds a membership; false if it existed already.
    #[inline]
    pub fn insert_member(&mut self, place: FlowPlace, side: Side, id: IfId) -> bool {
        let entry = self.at_mut(place);
        let (chunk, was_wanted, has_mfe) =
            (entry.chunk, entry.has(Part::Members), entry.has(Part::Mfe));
        let is_new = entry.members.insert(side, id);
        if !was_wanted {
            self.wanted += 1;
            if has_mfe {
                self.order.mark(chunk, Part::Members, true); // otherwise made with it
            }
        }
        is_new
    }

    /// Removes the memberships of an interface; false if there were none. The caller must then
    /// call [`Flows::tidy`].
    pub fn remove_member(&mut self, place: FlowPlace, sides: &[Side], id: IfId) -> bool {
        let entry = self.at_mut(place);
        let mut removed = false;
        for &side in sides {
            removed |= entry.members.remove(side, id);
        }
        if removed && !entry.has(Part::Members) {
            let chunk = entry.chunk;
            self.wanted -= 1;
            self.order.mark(chunk, Part::Members, false);
        }
        removed
    }

    /// Adds an MFE for a flow that has none. A new entry refers to this source.
    #[inline]
    pub fn insert_mfe(&mut self, flow: Flow, source: SourceId, mfe: Mfe) -> FlowPlace {
        let found = self.find_or_room(flow);
        let place = found.unwrap_or_else(|room| {
            self.sources.hold(source);
            self.add(flow, room, Part::Mfe, source)
        });
        let entry = self.at_mut(place);
        let (chunk, is_wanted) = (entry.chunk, entry.has(Part::Members));
        if entry.mfe.replace(mfe).is_none() {
            self.mfes += 1;
            if is_wanted {
                self.order.mark(chunk, Part::Mfe, true); // otherwise made with it
            }
        }
        place
    }

    /// Removes an MFE.
    pub fn remove_mfe(&mut self, flow: Flow) -> Option<Mfe> {
        let place = self.find(flow)?;
        let entry = self.at_mut(place);
        let (mfe, chunk) = (entry.mfe.take()?, entry.chunk);
        self.mfes -= 1;
        self.order.mark(chunk, Part::Mfe, false);
        self.tidy(place);
        Some(mfe)
    }

    /// The number of flows with memberships.
    pub fn wanted_len(&self) -> usize {
        self.wanted
    }

    /// The number of MFEs.
    pub fn mfe_len(&self) -> usize {
        self.mfes
    }

    /// The flows from `first` on with a membership on an interface, in order, and their places.
    pub fn wanted_on<'a>(
        &'a self,
        first: Flow,
        id: IfId,
        sides: &'a [Side],
    ) -> impl Iterator<Item = (Flow, FlowPlace)> + 'a {
        let wanted = self.entries(first, Part::Members);
        wanted
            .filter(move |(_, entry)| {
                sides.iter().any(|&side| entry.members.side(side).contains(id))
            })
            .map(|(place, entry)| (entry.flow, place))
    }

    /// The places of the flows with memberships, from `first` on, in order.
    pub fn wanted_places(&self, first: Flow) -> impl Iterator<Item = FlowPlace> + '_ {
        self.entries(first, Part::Members).map(|(place, _)| place)
    }

    /// The flows with memberships, from `first` on, in order, with these.
    pub fn wanted(&self, first: Flow) -> impl Iterator<Item = (Flow, &Members)> + '_ {
        self.entries(first, Part::Members).map(|(_, entry)| (entry.flow, &entry.members))
    }

    /// The flows with memberships, from `first` on, in order.
    pub fn wanted_flows(&self, first: Flow) -> impl Iterator<Item = Flow> + '_ {
        self.order.runs(first, Some(Part::Members)).flat_map(move |run| {
            let has = move |number: u32| self.entries[number as usize].has(Part::Members);
            let wanted = run.iter().filter(move |(_, number)| run.all_have || has(*number));
            wanted.map(|(flow, _)| flow)
        })
    }

    /// The MFEs from `first` on, in order.
    pub fn mfes(&self, first: Flow) -> impl Iterator<Item = (Flow, &Mfe)> + '_ {
        let entries = self.entries(first, Part::Mfe);
        entries.filter_map(|(_, entry)| Some((entry.flow, entry.mfe.as_ref()?)))
    }

    /// The places of all MFEs.
    pub fn mfe_places(&self) -> impl Iterator<Item = (FlowPlace, &Mfe)> + '_ {
        let entries = self.entries(Flow::WILDCARD, Part::Mfe);
        entries.filter_map(|(place, entry)| Some((place, entry.mfe.as_ref()?)))
    }

    /// Visits the MFEs from `first` on, in order, until `visit` returns false.
    pub fn walk(&self, first: Flow, mut visit: impl FnMut(MfeEntry<'_>) -> bool) {
        for run in self.order.runs(first, Some(Part::Mfe)) {
            fetch(&self.entries, run.numbers.iter().copied());
            for &number in run.numbers {
                let &FlowEntry { flow, source, ref mfe, .. } = &self.entries[number as usize];
                if mfe.as_ref().is_some_and(|mfe| !visit(MfeEntry { flow, source, mfe })) {
                    return;
                }
            }
        }
    }

    /// The entries that have a part, from `first` on, in order.
    fn entries(
        &self,
        first: Flow,
        part: Part,
    ) -> impl Iterator<Item = (FlowPlace, &FlowEntry)> + '_ {
        let entries = &self.entries;
        self.order.runs(first, Some(part)).flat_map(move |run| {
            fetch(entries, run.numbers.iter().copied());
            let all = run.iter().map(|(_, number)| (FlowPlace(number), &entries[number as usize]));
            all.filter(move |(_, entry)| entry.has(part))
        })
    }

    /// Fetches the entries in these places, which will soon lose a part and be removed if it is
    /// their only one.
    pub fn fetch(&self, places: impl Iterator<Item = FlowPlace> + Clone) {
        fetch(&self.entries, places.clone().map(|place| place.0));
        let read = places.filter_map(|place| {
            let entry = self.entries.get(place.0 as usize).filter(|entry| entry.has_one())?;
            let in_order = self.order.touch(entry.chunk);
            let timeout = entry.mfe.as_ref().map_or(0, |mfe| mfe.timeout(0)); // may stand apart
            Some(self.index.home(self.index.key(entry.flow)) ^ u64::from(timeout) ^ in_order)
        });
        std::hint::black_box(read.fold(0, |all, one| all ^ one));
    }

    /// Visits the MFEs of a range of flows in order, until `visit` returns false. Passes whether a
    /// membership in the `(s,g)`, in `(*,g)` or in `(*,*)` wants it on the interface. Returns the
    /// rest of the range.
    pub fn visit_mfes(
        &mut self,
        flows: RangeInclusive<Flow>,
        id: IfId,
        mut visit: impl FnMut(Flow, &mut Mfe, bool) -> bool,
    ) -> Option<RangeInclusive<Flow>> {
        let (first, last) = flows.into_inner();
        let wants = |members: Option<&Members>| members.is_some_and(|all| all.contains(id));
        let wild = wants(self.wildcard_members());
        let mut group = (first.shared(), wants(self.group_members(first)));
        let Flows { entries, order, .. } = self;
        for run in order.runs(first, None) {
            fetch(entries, run.numbers.iter().copied());
            for (flow, number) in run.iter() {
                if flow > last {
                    return None;
                }
                let FlowEntry { members, mfe, .. } = &mut entries[number as usize];
                if group.0 != flow.shared() {
                    group = (flow.shared(), false);
                }
                if !flow.has_source() {
                    group.1 = members.contains(id);
                }
                if let Some(mfe) = mfe.as_mut() {
                    if !visit(flow, mfe, wild || group.1 || members.contains(id)) {
                        return (flow < last).then(|| flow.successor()..=last);
                    }
                }
            }
        }
        None
    }

    /// An upper bound of the number of MFEs in a range of flows, without examining them.
    pub fn mfes_at_most(&self, flows: RangeInclusive<Flow>) -> usize {
        let (first, last) = flows.into_inner();
        if (first, last) == (Flow::WILDCARD, Flow::MAX) {
            return self.mfes;
        }
        self.order.having_between(first, last, Part::Mfe)
    }
}

/// Fetches entries that are about to be used one after the other. They are scattered in memory, and
/// a processor waits for several reads at once.
fn fetch(entries: &[FlowEntry], numbers: impl Iterator<Item = u32>) {
    let read = numbers.filter_map(|number| {
        let entry = entries.get(number as usize)?;
        let mfe = entry.mfe.as_ref().map_or(0, |mfe| mfe.packets ^ u64::from(mfe.serial));
        Some(mfe ^ u64::from(entry.members.is_small()) ^ u64::from(entry.flow.has_source()))
    });
    std::hint::black_box(read.fold(0, |all, one| all ^ one));
}

impl fmt::Debug for Flows {
    /// The entries in order, regardless of how they are stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.order.runs(Flow::WILDCARD, None);
        let all = runs.flat_map(|run| run.numbers.iter());
        f.debug_list().entries(all.map(|&number| &self.entries[number as usize])).finish()
    }
}

#[cfg(test)]
mod tests;
