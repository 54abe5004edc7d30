//! Flows in ascending order, each with the number of its entry.
//!
//! A `BTreeMap` takes 50 % longer to walk, and twice as long to remove from in another order, and
//! its nodes cannot be reserved (spec 0.9).

use super::entry::{FlowEntry, Part, FETCH};
use super::paged_map::PagedMap;

use mgm_types::{grow_numbered, Flow, Result};

/// How many flows a chunk holds, twelve bytes each: a search reads a few cache lines, an insertion
/// moves half of them.
const FULL: usize = 64;

/// Neighbouring chunks with no more flows than this together are merged.
const SPARSE: usize = FULL / 4;

/// How many flows are in a cache line.
const LINE: usize = 8;

/// Merging is checked once for this number of removed flows.
const LOOK: usize = 8;

/// Consecutive flows.
#[derive(Debug)]
struct Chunk {
    /// The range of the chunk: the next chunk begins where this one ends.
    first: Flow,
    last: Flow,
    len: usize,
    /// The flows in order. No unused place holds a flow less than one of these.
    flows: [Flow; FULL],
    numbers: [u32; FULL],
}

impl Chunk {
    fn new(first: Flow, last: Flow) -> Chunk {
        Chunk { first, last, len: 0, flows: [Flow::MAX; FULL], numbers: [0; FULL] }
    }

    fn flows(&self) -> &[Flow] {
        &self.flows[..self.len]
    }

    fn numbers(&self) -> &[u32] {
        &self.numbers[..self.len]
    }

    /// The position of a flow, or where it would be inserted. Reads all cache lines at the same
    /// time, because a binary search waits for one after the other.
    fn place(&self, flow: Flow) -> usize {
        let below =
            |flows: &[Flow]| flows.iter().map(|&other| usize::from(other < flow)).sum::<usize>();
        let lines: [Flow; FULL / LINE - 1] =
            std::array::from_fn(|line| self.flows[(line + 1) * LINE]);
        let line = below(&lines) * LINE;
        line + below(&self.flows[line..line + LINE])
    }

    fn insert(&mut self, flow: Flow, number: u32) {
        let at = self.place(flow);
        self.flows.copy_within(at..self.len, at + 1);
        self.numbers.copy_within(at..self.len, at + 1);
        (self.flows[at], self.numbers[at]) = (flow, number);
        self.len += 1;
    }

    /// Searches the numbers, which need less memory than the flows. Starts at the end: of several
    /// MFEs that expire together, the last one is removed first.
    fn remove(&mut self, number: u32) {
        let Some(at) = self.numbers().iter().rposition(|&other| other == number) else { return };
        self.flows.copy_within(at + 1..self.len, at);
        self.numbers.copy_within(at + 1..self.len, at);
        self.len -= 1;
        self.flows[self.len] = Flow::MAX;
    }

    /// Takes over the flows of `other` from `from` on; all of them are greater.
    fn append(&mut self, other: &mut Chunk, from: usize) {
        let (len, more) = (self.len, other.len - from);
        self.flows[len..len + more].copy_from_slice(&other.flows[from..other.len]);
        self.numbers[len..len + more].copy_from_slice(&other.numbers[from..other.len]);
        self.len += more;
        other.flows[from..other.len].fill(Flow::MAX);
        other.len = from;
    }
}

/// The order of all entries, by group, then source (spec 6.1).
///
/// A tree of three levels: [`PagedMap`] finds the chunk that a new flow belongs to. An
/// entry stores the number of its chunk, so that later changes need not look it up. Entries
/// themselves never move.
#[derive(Debug, Default)]
pub struct Order {
    chunks: Vec<Chunk>,
    /// How many entries of each chunk have each part, so that a walk skips chunks without it. Not
    /// in the chunks, so that counting accesses little memory.
    having: Vec<[u8; 2]>,
    /// Free chunks.
    free: Vec<u32>,
    /// Chunks by the start of their range.
    by_first: PagedMap,
    /// The chunk to which a flow was added last, because the next one often belongs there, too; or
    /// that of the flow that is expected next.
    recent: u32,
    /// Whether there is room for one more flow. Updated when a chunk is added, which is seldom,
    /// because each call asks; a removal never reduces the room.
    has_room: bool,
}

impl Order {
    /// Whether there is room for one more flow.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.has_room
    }

    /// The same, determined again.
    pub fn finds_room(&self) -> bool {
        let has_chunk = !self.free.is_empty()
            || self.chunks.len() < self.chunks.capacity()
                && self.having.len() < self.having.capacity();
        has_chunk && self.by_first.has_room()
    }

    /// Makes room for one more flow, and for freeing every chunk.
    ///
    /// # Errors
    /// `NoMemory`.
    pub fn grow(&mut self) -> Result<()> {
        if self.free.is_empty() {
            self.having.try_reserve(1)?;
            grow_numbered(&mut self.chunks, &mut self.free, 1)?;
        }
        self.by_first.grow()?;
        self.has_room = self.finds_room();
        Ok(())
    }

    /// Adds a new flow, with the number of its entry and the part that the entry is about to get.
    pub fn insert(&mut self, flow: Flow, number: u32, part: Part, entries: &mut [FlowEntry]) {
        let mut at = self.chunk_of(flow);
        if self.chunks[at as usize].len == FULL {
            at = self.divide(at, flow, entries);
        }
        self.chunks[at as usize].insert(flow, number);
        self.having[at as usize][part as usize] += 1;
        entries[number as usize].chunk = at;
        self.recent = at;
    }

    /// Finds the chunk to which a flow belongs, and fetches it.
    pub fn expect(&mut self, flow: Flow) -> u64 {
        if self.is_recent(flow) {
            return 0; // it was used last
        }
        let Some((_, at)) = self.by_first.find(flow) else { return 0 };
        self.recent = at; // it need not be looked up again
        self.touch(at)
    }

    /// Whether a flow belongs to the recent chunk.
    fn is_recent(&self, flow: Flow) -> bool {
        let recent = self.chunks.get(self.recent as usize);
        recent.is_some_and(|chunk| chunk.first <= flow && flow <= chunk.last)
    }

    /// The chunk to which a flow belongs. Creates the first chunk.
    fn chunk_of(&mut self, flow: Flow) -> u32 {
        if self.is_recent(flow) {
            return self.recent;
        }
        match self.by_first.find(flow) {
            Some((_, at)) => at,
            None => self.add(Chunk::new(Flow::WILDCARD, Flow::MAX)),
        }
    }

    fn add(&mut self, chunk: Chunk) -> u32 {
        let first = chunk.first;
        let at = match self.free.pop() {
            Some(at) => {
                self.chunks[at as usize] = chunk;
                self.having[at as usize] = [0; 2];
                at
            }
            None => {
                self.chunks.push(chunk);
                self.having.push([0; 2]);
                self.chunks.len() as u32 - 1 // fewer than there are entries
            }
        };
        self.by_first.insert(first, at);
        self.has_room = self.finds_room();
        at
    }

    /// Splits a full chunk, and returns the half to which a flow belongs.
    fn divide(&mut self, at: u32, flow: Flow, entries: &mut [FlowEntry]) -> u32 {
        let lower = &mut self.chunks[at as usize];
        // Flows added in order leave full chunks; others leave half-full ones.
        let is_last = lower.place(flow) == FULL;
        let middle = if is_last { FULL } else { FULL / 2 };
        let first = if is_last { flow } else { lower.flows[middle] };
        let mut upper = Chunk::new(first, lower.last);
        upper.append(lower, middle);
        lower.last = first.predecessor();
        let new = self.add(upper);
        for &number in self.chunks[new as usize].numbers() {
            let entry = &mut entries[number as usize];
            for part in [Part::Members, Part::Mfe] {
                let has = u8::from(entry.has(part));
                self.having[at as usize][part as usize] -= has;
                self.having[new as usize][part as usize] += has;
            }
            entry.chunk = new;
        }
        if flow < first {
            at
        } else {
            new
        }
    }

    /// Removes a flow whose entry has no part any longer.
    pub fn remove(&mut self, number: u32, at: u32, entries: &mut [FlowEntry]) {
        let chunk = &mut self.chunks[at as usize];
        chunk.remove(number);
        let (first, last, len) = (chunk.first, chunk.last, chunk.len);
        if len > SPARSE || len % LOOK != 0 {
            return;
        }
        let next = self.by_first.find(last.successor()).filter(|&(_, next)| next != at);
        let next = next.map(|(_, next)| next as usize);
        if let Some(next) = next.filter(|&next| len + self.chunks[next].len <= FULL / 2) {
            let mut gone = Chunk::new(Flow::MAX, Flow::WILDCARD); // nothing is in its range
            std::mem::swap(&mut gone, &mut self.chunks[next]);
            for &number in gone.numbers() {
                entries[number as usize].chunk = at;
            }
            self.by_first.remove(gone.first);
            self.free.push(next as u32);
            for part in 0..2 {
                self.having[at as usize][part] += self.having[next][part];
            }
            let chunk = &mut self.chunks[at as usize];
            chunk.last = gone.last;
            chunk.append(&mut gone, 0);
        } else if len == 0 {
            // The previous chunk, if there is one, takes over its range.
            let below = self.by_first.find(first.predecessor()).filter(|&(_, below)| below != at);
            if let Some((_, below)) = below {
                self.chunks[below as usize].last = last;
                self.chunks[at as usize] = Chunk::new(Flow::MAX, Flow::WILDCARD);
                self.by_first.remove(first);
                self.free.push(at);
            }
        }
    }

    /// Notes that an entry in this chunk has a part now, or no longer has it.
    pub fn mark(&mut self, at: u32, part: Part, has: bool) {
        let count = &mut self.having[at as usize][part as usize];
        *count = if has { *count + 1 } else { *count - 1 };
    }

    /// How many entries have a part, in the chunks that a range of flows touches.
    pub fn having_between(&self, first: Flow, last: Flow, part: Part) -> usize {
        let start = self.by_first.find(first).map_or(first, |(key, _)| key);
        let chunks = self.by_first.range(start).take_while(|(key, _)| *key <= last);
        chunks.map(|(_, at)| usize::from(self.having[at as usize][part as usize])).sum()
    }

    /// Fetches a chunk that will be used soon, because a processor waits for several cache lines at
    /// once.
    pub fn touch(&self, at: u32) -> u64 {
        let Chunk { flows, numbers, .. } = &self.chunks[at as usize];
        let flows = flows.iter().step_by(LINE).map(|flow| u64::from(flow.has_source()));
        let numbers = numbers.iter().step_by(2 * LINE).map(|number| u64::from(*number));
        flows.chain(numbers).fold(0, |all, one| all ^ one)
    }

    /// The flows from `first` on, in order, a few at a time. With a part, most of
    /// those that lack it are left out.
    pub fn runs(&self, first: Flow, part: Option<Part>) -> impl Iterator<Item = FlowRun<'_>> + '_ {
        let start = self.by_first.find(first).map_or(first, |(key, _)| key);
        let having =
            move |at: u32| part.map(|part| usize::from(self.having[at as usize][part as usize]));
        let chunks = self.by_first.range(start).filter(move |(_, at)| having(*at) != Some(0));
        let mut chunks = chunks.peekable();
        let fetched = std::iter::from_fn(move || {
            let chunk = chunks.next()?;
            std::hint::black_box(chunks.peek().map(|&(_, next)| self.touch(next)));
            Some(chunk)
        });
        fetched.flat_map(move |(key, at)| {
            let chunk = &self.chunks[at as usize];
            let skip = if key < first { chunk.place(first) } else { 0 };
            let all_have = having(at).is_none_or(|having| having == chunk.len);
            let flows = chunk.flows()[skip..].chunks(FETCH);
            let numbers = chunk.numbers()[skip..].chunks(FETCH);
            flows.zip(numbers).map(move |(flows, numbers)| FlowRun { flows, numbers, all_have })
        })
    }
}

/// Consecutive flows, and the numbers of their entries.
pub struct FlowRun<'a> {
    pub flows: &'a [Flow],
    pub numbers: &'a [u32],
    /// Every entry has the requested part, so that the caller need not check.
    pub all_have: bool,
}

impl<'a> FlowRun<'a> {
    /// Each flow with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Flow, u32)> + 'a {
        self.flows.iter().copied().zip(self.numbers.iter().copied())
    }
}
