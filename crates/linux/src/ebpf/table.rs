//! The entries: which slot a flow has, and which oifs.
//!
//! ```text
//!  buckets of (g,s)    entries                outs
//!  ┌──────┐ slot    ┌───────────┐  run   ┌──────────────────┐
//!  │ ─────┼───────→ │ iif, run ─┼──────→ │ port, threshold, │ × 2^n
//!  └──────┘         │ counters  │        │ counters         │
//!                   │ next ─────┼─→ …    └──────────────────┘
//!                   └───────────┘
//! ```
//!
//! All of it is memory that is shared with the programs, which only read buckets and chains. So an
//! entry that appears or goes needs no system call. The hash tables have a fixed size each: if one
//! is full, flows are added to the next, twice as large. So no flow ever changes its bucket, and
//! programs find each flow at any time.
//!
//! Programs run while the table changes. So an entry's oifs change in place only if none is removed
//! and the run has room for the new ones. Otherwise a single write gives the entry another run.
//! Programs may still use the former run, and the slot of a removed flow. These are reused only
//! after an RCU grace period ([`Table::retired`]).

use super::chunks::{Chunks, Missing, NewChunks};
use super::counts::OutCounts;
use super::flows::Flows;
use super::layout::{Buckets, Entry, Out, CHUNK, HELD, MOST_OIFS};
use super::runs::{class_of, missing_chunks, Runs};
use crate::types::{Counters, Flow};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// An entry as the programs need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub flow: Flow,
    /// The index of the interface.
    pub iif: u32,
    /// Ports with thresholds.
    pub oifs: &'a [(u32, u8)],
    /// Whether packets go to user space for now.
    pub is_held: bool,
}

/// Why an entry cannot be written.
#[derive(Debug)]
pub(super) enum TableError {
    /// There must be another chunk or hash table first; see [`Table::wants`].
    NoRoom,
    /// There are as many flows or oifs as possible.
    Full,
    /// More oifs than the programs can serve.
    TooManyOifs,
    System(io::Error),
}

impl From<io::Error> for TableError {
    fn from(error: io::Error) -> TableError {
        TableError::System(error)
    }
}

/// What must be made, because there is little left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Entries(Missing),
    Outs(Missing),
    /// The chunks of one more hash table.
    Generation(Missing),
}

/// A run that an entry no longer uses, but programs may.
#[derive(Debug)]
struct FormerRun {
    slot: u32,
    run: u32,
    class: u8,
    /// The counts of each of its oifs that the entry's new run includes already.
    known: Vec<OutCounts>,
}

/// Slots and runs that programs may still use.
#[derive(Debug, Default)]
pub(super) struct Retired {
    slots: Vec<u32>,
    runs: Vec<FormerRun>,
}

/// `Entry::flags` beside HELD, for this module: the class of the run, the generation, and this bit.
const CLASS_SHIFT: u32 = 8;
/// The flow of the entry was removed.
const REMOVED: u32 = 2;
const GENERATION_SHIFT: u32 = 16;

/// The entries. Empty until [`Table::add`] has been called for each need.
#[derive(Debug)]
pub(super) struct Table {
    flows: Flows,
    entries: Chunks<Entry>,
    outs: Chunks<Out>,
    free_slots: Vec<u32>,
    next_slot: u32,
    runs: Runs,
    retired: Retired,
    /// What the former oifs of each slot have counted. An oif that comes back continues from there.
    former: HashMap<u32, Vec<OutCounts>, RandomState>,
}

/// What was made for a [`Need`].
#[derive(Debug)]
pub(super) enum Made {
    Entries(NewChunks<Entry>),
    Outs(NewChunks<Out>, usize),
    Generation(NewChunks<Buckets>),
}

impl Table {
    pub(super) fn new(factors: [u64; 2]) -> Table {
        Table {
            flows: Flows::new(factors),
            entries: Chunks::new(),
            outs: Chunks::new(),
            free_slots: Vec::new(),
            next_slot: 0,
            runs: Runs::default(),
            retired: Retired::default(),
            former: HashMap::default(),
        }
    }

    /// What is to be made: at once, because there is none left, or only soon.
    pub(super) fn wants(&self) -> Option<Need> {
        let used = self.next_slot as usize - self.free_slots.len();
        let entries =
            Missing { first: self.entries.len(), count: missing_chunks(used, self.entries.len()) };
        let outs = Missing { first: self.outs.len(), count: self.runs.missing() };
        if entries.count > 0 {
            Some(Need::Entries(entries))
        } else if outs.count > 0 {
            Some(Need::Outs(outs))
        } else {
            self.flows.missing().map(Need::Generation)
        }
    }

    /// Adds what was made for a need. The programs know it already.
    pub(super) fn add(&mut self, made: Made) {
        match made {
            Made::Entries(chunks) => self.entries.add(chunks),
            Made::Outs(chunks, count) => {
                self.outs.add(chunks);
                self.runs.add_chunks(count);
            }
            Made::Generation(chunks) => self.flows.add(chunks),
        }
    }

    fn find(&self, flow: Flow) -> Option<u32> {
        self.flows.find(flow, &self.entries)
    }

    pub(super) fn has(&self, flow: Flow) -> bool {
        self.find(flow).is_some()
    }

    /// The number of oifs of a flow's entry. `None` if it has none.
    pub(super) fn oif_count(&self, flow: Flow) -> Option<usize> {
        let (_, count, _) = self.run_of(self.find(flow)?);
        Some(count)
    }

    /// Changes the entry of a flow, which keeps its counters. `None` if it has none.
    pub(super) fn change(&mut self, wanted: &Wanted<'_>) -> Option<Result<(), TableError>> {
        let slot = self.find(wanted.flow)?;
        if wanted.oifs.len() > MOST_OIFS {
            return Some(Err(TableError::TooManyOifs));
        }
        Some(self.change_slot(slot, wanted))
    }

    fn no_room(&self) -> TableError {
        match self.wants() {
            Some(_) => TableError::NoRoom,
            None => TableError::Full,
        }
    }

    fn take_slot(&mut self) -> Result<u32, TableError> {
        if let Some(slot) = self.free_slots.pop() {
            return Ok(slot);
        }
        if self.next_slot as usize == self.entries.len() * CHUNK {
            return Err(self.no_room());
        }
        self.next_slot += 1;
        Ok(self.next_slot - 1)
    }

    /// Writes oifs that no program uses. Returns the first, and the class; no run for no oifs.
    fn write_run(&mut self, oifs: &[(u32, u8)]) -> Result<(u32, u8), TableError> {
        if oifs.is_empty() {
            return Ok((0, 0));
        }
        let class = class_of(oifs.len());
        let run = self.runs.take(class).ok_or_else(|| self.no_room())?;
        for (at, oif) in (run..).zip(oifs) {
            self.outs.get(at).set(*oif);
        }
        Ok((run, class))
    }

    /// Adds the entry of a flow that has none.
    pub(super) fn create(&mut self, wanted: &Wanted<'_>) -> Result<(), TableError> {
        if wanted.oifs.len() > MOST_OIFS {
            return Err(TableError::TooManyOifs);
        }
        let generation = self.flows.with_room().ok_or_else(|| self.no_room())?;
        let (run, class) = self.write_run(wanted.oifs)?;
        let slot = match self.take_slot() {
            Ok(slot) => slot,
            Err(error) => {
                if !wanted.oifs.is_empty() {
                    self.runs.give(run, class);
                }
                return Err(error);
            }
        };
        let entry = self.entries.get(slot);
        for counter in
            [&entry.packets, &entry.octets, &entry.negative, &entry.wrong, &entry.sent_before]
        {
            counter.store(0, Relaxed);
        }
        entry.iif.store(wanted.iif, Relaxed);
        entry.run.store((wanted.oifs.len() as u64) << 32 | u64::from(run), Relaxed);
        let held = if wanted.is_held { HELD } else { 0 };
        let flags =
            held | u32::from(class) << CLASS_SHIFT | (generation as u32) << GENERATION_SHIFT;
        entry.flags.store(flags, Relaxed);
        self.flows.link(wanted.flow, slot, generation, &self.entries);
        Ok(())
    }

    /// The present oifs of an entry: the first, their number, and the class of the run.
    fn run_of(&self, slot: u32) -> (u32, usize, u8) {
        let entry = self.entries.get(slot);
        let run = entry.run.load(Relaxed);
        let class = (entry.flags.load(Relaxed) >> CLASS_SHIFT) as u8;
        (run as u32, (run >> 32) as usize, class)
    }

    fn outs_of(&self, slot: u32) -> impl Iterator<Item = &Out> {
        let (first, count, _) = self.run_of(slot);
        (first..first + count as u32).map(|at| self.outs.get(at))
    }

    fn change_slot(&mut self, slot: u32, wanted: &Wanted<'_>) -> Result<(), TableError> {
        let thresholds: HashMap<u32, u8, RandomState> = wanted.oifs.iter().copied().collect();
        let (first, count, class) = self.run_of(slot);
        let stays = |out: &Out| thresholds.contains_key(&out.port.load(Relaxed));
        let has_room = count > 0 && wanted.oifs.len() <= 1 << class;
        if has_room && self.outs_of(slot).all(stays) {
            let mut more = first + count as u32;
            let present: Vec<u32> = self.outs_of(slot).map(|out| out.port.load(Relaxed)).collect();
            for out in self.outs_of(slot) {
                let threshold = thresholds[&out.port.load(Relaxed)];
                out.threshold.store(threshold.into(), Relaxed);
            }
            for oif in wanted.oifs.iter().filter(|oif| !present.contains(&oif.0)) {
                self.outs.get(more).set(*oif);
                self.bring_back(slot, more);
                more += 1;
            }
            self.entries
                .get(slot)
                .run
                .store(u64::from(more - first) << 32 | u64::from(first), Release);
        } else if count > 0 || !wanted.oifs.is_empty() {
            self.replace_run(slot, wanted.oifs)?;
        }
        let entry = self.entries.get(slot);
        entry.iif.store(wanted.iif, Release);
        if wanted.is_held {
            entry.flags.fetch_or(HELD, Release);
        } else {
            entry.flags.fetch_and(!HELD, Release);
        }
        Ok(())
    }

    /// Gives an entry another run.
    fn replace_run(&mut self, slot: u32, oifs: &[(u32, u8)]) -> Result<(), TableError> {
        let (former, count, former_class) = self.run_of(slot);
        let (run, class) = self.write_run(oifs)?;
        for at in run..run + oifs.len() as u32 {
            self.bring_back(slot, at);
        }
        let entry = self.entries.get(slot);
        let none = |out: &Out| OutCounts { port: out.port.load(Relaxed), ..OutCounts::default() };
        let nothing = self.outs_of(slot).map(none).collect();
        let flags = entry.flags.load(Relaxed) & !(0xff << CLASS_SHIFT);
        entry.flags.store(flags | u32::from(class) << CLASS_SHIFT, Relaxed);
        entry.run.store((oifs.len() as u64) << 32 | u64::from(run), Release);
        if count > 0 {
            let mut former = FormerRun { slot, run: former, class: former_class, known: nothing };
            self.carry_over(&mut former);
            self.retired.runs.push(former);
        }
        Ok(())
    }

    /// An oif that has left before goes on counting. No program uses it yet.
    fn bring_back(&mut self, slot: u32, at: u32) {
        let Some(former) = self.former.get_mut(&slot) else { return };
        let out = self.outs.get(at);
        let port = out.port.load(Relaxed);
        if let Some(place) = former.iter().position(|counts| counts.port == port) {
            out.add(&former.swap_remove(place), &OutCounts::default());
        }
        if former.is_empty() {
            self.former.remove(&slot);
        }
    }

    /// Adds what a former run has counted since the last such call, or since it was replaced: to
    /// the entry's present run, or, if the oif has left, to what is kept of that oif.
    fn carry_over(&mut self, former: &mut FormerRun) {
        let (first, count, _) = self.run_of(former.slot);
        let present: HashMap<u32, u32, RandomState> = (first..first + count as u32)
            .map(|at| (self.outs.get(at).port.load(Relaxed), at))
            .collect();
        for (at, known) in (former.run..).zip(&mut former.known) {
            let now = self.outs.get(at).counts();
            match present.get(&now.port) {
                Some(at) => self.outs.get(*at).add(&now, known),
                None => self.keep_former(former.slot, &now, known),
            }
            *known = now;
        }
    }

    /// Keeps what a former oif has counted since its counters were `known`.
    fn keep_former(&mut self, slot: u32, now: &OutCounts, known: &OutCounts) {
        if now == known {
            return;
        }
        let has_room = self.former.try_reserve(1).is_ok();
        let kept = self.former.get_mut(&slot);
        if !has_room || kept.is_some_and(|kept| kept.try_reserve(1).is_err()) {
            // Without memory it starts at 0 when it comes back.
            let entry = self.entries.get(slot);
            entry.sent_before.fetch_add(now.packets - known.packets, Relaxed);
            return;
        }
        let all = self.former.entry(slot).or_default();
        let place = all.iter().position(|counts| counts.port == now.port).unwrap_or_else(|| {
            all.push(OutCounts { port: now.port, ..OutCounts::default() });
            all.len() - 1
        });
        let kept = &mut all[place];
        kept.packets += now.packets - known.packets;
        kept.ttl_too_low += now.ttl_too_low - known.ttl_too_low;
        kept.too_large += now.too_large - known.too_large;
        kept.discards += now.discards - known.discards;
    }

    /// A port no longer belongs to an interface. What it has sent stays part of the sums.
    pub(super) fn forget_port(&mut self, port: u32) {
        let entries = &self.entries;
        self.former.retain(|slot, all| {
            all.retain(|counts| {
                if counts.port == port {
                    entries.get(*slot).sent_before.fetch_add(counts.packets, Relaxed);
                }
                counts.port != port
            });
            !all.is_empty()
        });
    }

    #[cfg(test)]
    pub(super) fn has_former(&self) -> bool {
        !self.former.is_empty()
    }

    /// Packets of this flow no longer go to user space.
    pub(super) fn open(&self, flow: Flow) {
        if let Some(slot) = self.find(flow) {
            self.entries.get(slot).flags.fetch_and(!HELD, Release);
        }
    }

    /// Counts a packet that user space has kept, for an entry without oifs.
    pub(super) fn count_negative(&self, flow: Flow, ifindex: u32, octets: u64) {
        let Some(slot) = self.find(flow) else { return };
        let entry = self.entries.get(slot);
        if entry.iif.load(Relaxed) == ifindex {
            entry.packets.fetch_add(1, Relaxed);
            entry.octets.fetch_add(octets, Relaxed);
            entry.negative.fetch_add(1, Relaxed);
        } else {
            entry.wrong.fetch_add(1, Relaxed);
        }
    }

    /// Removes the entry of a flow. Returns whether there was one.
    pub(super) fn remove(&mut self, flow: Flow) -> bool {
        let Some(slot) = self.find(flow) else { return false };
        let flags = self.entries.get(slot).flags.load(Relaxed);
        let generation = (flags >> GENERATION_SHIFT) as usize;
        self.flows.unlink(flow, slot, generation, &self.entries);
        let (run, count, class) = self.run_of(slot);
        if count > 0 {
            let former = FormerRun { slot, run, class, known: Vec::new() };
            self.retired.runs.push(former);
        }
        self.entries.get(slot).flags.fetch_or(REMOVED, Relaxed);
        self.retired.slots.push(slot);
        self.former.remove(&slot);
        true
    }

    /// Takes what programs may still use. After a grace period it goes to [`Table::reuse`].
    pub(super) fn retired(&mut self) -> Retired {
        std::mem::take(&mut self.retired)
    }

    pub(super) fn has_retired(&self) -> bool {
        !self.retired.slots.is_empty() || !self.retired.runs.is_empty()
    }

    /// Programs may still use what [`Table::retired`] returned.
    pub(super) fn retire_again(&mut self, retired: Retired) {
        self.retired.slots.extend(retired.slots);
        self.retired.runs.extend(retired.runs);
    }

    /// No program uses it any longer.
    pub(super) fn reuse(&mut self, retired: Retired) {
        for mut former in retired.runs {
            // What was counted between the swap and now. A removed flow counts no longer.
            let is_removed = self.entries.get(former.slot).flags.load(Relaxed) & REMOVED != 0;
            if !is_removed {
                self.carry_over(&mut former);
            }
            self.runs.give(former.run, former.class);
        }
        self.free_slots.extend(retired.slots);
    }

    /// Reads an entry as the programs do: passes port and threshold of each oif to `see`, and returns
    /// the index of the iif.
    pub(super) fn installed(&self, flow: Flow, mut see: impl FnMut(u32, u8)) -> Option<u32> {
        let slot = self.find(flow)?;
        for out in self.outs_of(slot) {
            see(out.port.load(Relaxed), out.threshold.load(Relaxed) as u8);
        }
        Some(self.entries.get(slot).iif.load(Relaxed))
    }

    /// The counters of a flow's entry.
    pub(super) fn counters(&self, flow: Flow) -> Option<Counters> {
        let entry = self.entries.get(self.find(flow)?);
        Some(Counters {
            packets: entry.packets.load(Relaxed),
            octets: entry.octets.load(Relaxed),
            wrong_if: entry.wrong.load(Relaxed),
        })
    }

    /// Passes the counters of each oif of a flow's entry to `see`. Returns how many packets former
    /// oifs have sent, and how many packets were accepted without an oif.
    pub(super) fn out_counters(
        &self,
        flow: Flow,
        see: impl FnMut(OutCounts),
    ) -> Option<(u64, u64)> {
        let slot = self.find(flow)?;
        self.outs_of(slot).map(Out::counts).for_each(see);
        let entry = self.entries.get(slot);
        let former = self.former.get(&slot).into_iter().flatten();
        let sent = entry.sent_before.load(Relaxed) + former.map(|it| it.packets).sum::<u64>();
        Some((sent, entry.negative.load(Relaxed)))
    }
}
