//! Arrays that grow. Each consists of chunks, which are arrays of the kernel that are mapped into
//! memory; an array of maps contains the chunks.

use super::layout::CHUNK;
use super::sys::{Array, Map, MapSpec, Shared};
use std::io;

/// The elements, by number.
#[derive(Debug)]
pub(super) struct Chunks<T>(Vec<Array<T>>);

/// A chunk that programs know already.
#[derive(Debug)]
pub(super) struct NewChunk<T>(Array<T>);

impl<T: Shared> Chunks<T> {
    pub(super) fn new() -> Chunks<T> {
        Chunks(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Makes the chunk of this number. The kernel waits for an RCU grace period, some 10 ms, so it
    /// is better made in advance and without a lock.
    pub(super) fn make(outer: &Map, spec: MapSpec, number: usize) -> io::Result<NewChunk<T>> {
        let map = Map::create("mgm_chunk", spec, None)?;
        let array = Array::of(&map)?;
        outer.update(&(number as u32), &(map.raw_fd() as u32), 0)?;
        Ok(NewChunk(array))
    }

    /// Adds what was made as the chunk of number [`Chunks::len`].
    pub(super) fn add(&mut self, chunk: NewChunk<T>) {
        self.0.push(chunk.0);
    }

    /// An element.
    ///
    /// # Panics
    /// If its chunk does not exist.
    pub(super) fn get(&self, index: u32) -> &T {
        self.0[index as usize / CHUNK].get(index as usize % CHUNK)
    }
}
