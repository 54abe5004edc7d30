//! Flows in ascending order, each with the number of its entry.

use super::Flows;
use crate::types::Flow;
use std::collections::BTreeMap;

/// So many flows stand together. Twelve bytes each: a search reads a few cache
/// lines, an insertion moves half of them.
const FULL: usize = 64;

/// Neighbours that have no more than so many together become one.
const SPARSE: usize = FULL / 4;

/// What an entry holds beside its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Somebody wants the flow.
    Members,
    /// There is an MFE.
    Mfe,
}

/// Flows that follow one another.
#[derive(Debug)]
struct Chunk {
    len: usize,
    /// How many of the entries have each part: a walk skips those without.
    having: [u16; 2],
    flows: [Flow; FULL],
    numbers: [u32; FULL],
}

impl Chunk {
    fn new() -> Box<Chunk> {
        Box::new(Chunk {
            len: 0,
            having: [0; 2],
            flows: [Flow::WILDCARD; FULL],
            numbers: [0; FULL],
        })
    }

    fn flows(&self) -> &[Flow] {
        &self.flows[..self.len]
    }

    /// Where a flow is, or where it would have to be.
    fn place(&self, flow: Flow) -> usize {
        self.flows().partition_point(|&other| other < flow)
    }

    fn insert(&mut self, flow: Flow, number: u32, part: Part) {
        let at = self.place(flow);
        self.flows.copy_within(at..self.len, at + 1);
        self.numbers.copy_within(at..self.len, at + 1);
        (self.flows[at], self.numbers[at]) = (flow, number);
        self.len += 1;
        self.having[part as usize] += 1;
    }

    fn remove(&mut self, at: usize) {
        self.flows.copy_within(at + 1..self.len, at);
        self.numbers.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }

    /// Appends what `other` has from `from` on; all of that is greater.
    fn append(&mut self, other: &Chunk, from: usize) {
        let (len, more) = (self.len, other.len - from);
        self.flows[len..len + more].copy_from_slice(&other.flows[from..other.len]);
        self.numbers[len..len + more].copy_from_slice(&other.numbers[from..other.len]);
        self.len += more;
    }
}

/// The order of all entries, by group, then source (spec 6.1).
///
/// A B-tree of full leaves: [`BTreeMap`] keeps the chunks, each under a flow
/// that none of its own is below, and none of an earlier chunk reaches. Entries
/// themselves never move.
#[derive(Debug, Default)]
pub struct Order {
    chunks: BTreeMap<Flow, Box<Chunk>>,
}

impl Order {
    /// The chunk that a flow belongs to.
    fn chunk_mut(&mut self, flow: Flow) -> Option<(Flow, &mut Chunk)> {
        let (&key, chunk) = self.chunks.range_mut(..=flow).next_back()?;
        Some((key, chunk))
    }

    /// Adds a flow that is not there, with the number of its entry and the part
    /// that this is about to get. `having` tells, of the entry of a number, which
    /// it has: asked where a chunk is divided.
    pub fn insert(
        &mut self,
        flow: Flow,
        number: u32,
        part: Part,
        having: impl Fn(u32, Part) -> bool,
    ) {
        let Some((_, chunk)) = self.chunk_mut(flow) else {
            // Below all others: the first chunk's key is below everything.
            let mut first = Chunk::new();
            first.insert(flow, number, part);
            self.chunks.insert(Flow::WILDCARD, first);
            return;
        };
        if chunk.len < FULL {
            return chunk.insert(flow, number, part);
        }
        // Flows that come in order leave full chunks behind, others halves.
        let is_last = chunk.place(flow) == FULL;
        let middle = if is_last { FULL } else { FULL / 2 };
        let mut upper = Chunk::new();
        upper.append(chunk, middle);
        chunk.len = middle;
        for part in [Part::Members, Part::Mfe] {
            let numbers = &upper.numbers[..upper.len];
            let count = numbers.iter().filter(|&&number| having(number, part)).count() as u16;
            upper.having[part as usize] = count;
            chunk.having[part as usize] -= count;
        }
        let key = if is_last { flow } else { upper.flows[0] };
        if flow < key {
            chunk.insert(flow, number, part);
        } else {
            upper.insert(flow, number, part);
        }
        self.chunks.insert(key, upper);
    }

    /// Removes a flow whose entry has no part any more.
    pub fn remove(&mut self, flow: Flow) {
        let Some((key, chunk)) = self.chunk_mut(flow) else { return };
        let at = chunk.place(flow);
        if chunk.flows().get(at) != Some(&flow) {
            return;
        }
        chunk.remove(at);
        let len = chunk.len;
        if len > SPARSE {
            return;
        }
        let next = self.chunks.range(Flow::successor(key)..).next();
        let next = next.filter(|(_, next)| len + next.len <= FULL / 2).map(|(&key, _)| key);
        if let Some(next) = next.and_then(|key| self.chunks.remove(&key)) {
            if let Some(chunk) = self.chunks.get_mut(&key) {
                chunk.append(&next, 0);
                chunk.having[0] += next.having[0];
                chunk.having[1] += next.having[1];
            }
        } else if len == 0 && key != Flow::WILDCARD {
            self.chunks.remove(&key);
        }
    }

    /// Says that the entry of a flow has a part now, or has it no more.
    pub fn mark(&mut self, flow: Flow, part: Part, has: bool) {
        if let Some((_, chunk)) = self.chunk_mut(flow) {
            let count = &mut chunk.having[part as usize];
            *count = if has { *count + 1 } else { *count - 1 };
        }
    }

    /// The flows from `first` on, in order, a few at a time. With a part, most of
    /// those that lack it are left out.
    pub fn runs(&self, first: Flow, part: Option<Part>) -> impl Iterator<Item = Run<'_>> + '_ {
        let start = self.chunks.range(..=first).next_back().map_or(first, |(&key, _)| key);
        self.chunks
            .range(start..)
            .filter(move |(_, chunk)| part.is_none_or(|part| chunk.having[part as usize] > 0))
            .flat_map(move |(&key, chunk)| {
                let skip = if key < first { chunk.place(first) } else { 0 };
                let all_have =
                    part.is_none_or(|part| usize::from(chunk.having[part as usize]) == chunk.len);
                let flows = chunk.flows()[skip..].chunks(Flows::FETCH);
                let numbers = chunk.numbers[skip..chunk.len].chunks(Flows::FETCH);
                flows.zip(numbers).map(move |(flows, numbers)| Run { flows, numbers, all_have })
            })
    }
}

/// Flows that follow one another, and the numbers of their entries.
pub struct Run<'a> {
    pub flows: &'a [Flow],
    pub numbers: &'a [u32],
    /// Every entry has the part that was asked for: nobody needs to look.
    pub all_have: bool,
}

impl<'a> Run<'a> {
    /// Each flow with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Flow, u32)> + 'a {
        self.flows.iter().copied().zip(self.numbers.iter().copied())
    }
}
