//! Arrays that grow. Each consists of chunks, which are arrays of the kernel that are mapped into
//! memory; an array of maps contains the chunks.

use super::layout::CHUNK;
use super::memory::{Array, Shared};
use super::sys::{Map, MapSpec};
use std::io;

/// The elements, by number.
#[derive(Debug)]
pub(super) struct Chunks<T>(Vec<Array<T>>);

/// Chunks that programs know already.
#[derive(Debug)]
pub(super) struct NewChunks<T>(Vec<Array<T>>);

/// Which chunks are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// The number of the first.
    pub first: usize,
    pub count: usize,
}

impl<T: Shared> Chunks<T> {
    pub(super) fn new() -> Chunks<T> {
        Chunks(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Makes chunks. The kernel waits for an RCU grace period, some 10 ms, so they are better made in
    /// advance and without a lock.
    pub(super) fn make(outer: &Map, spec: MapSpec, missing: Missing) -> io::Result<NewChunks<T>> {
        let maps = (0..missing.count).map(|_| Map::create("mgm_chunk", spec, None));
        let maps = maps.collect::<io::Result<Vec<Map>>>()?;
        let arrays = maps.iter().map(Array::of).collect::<io::Result<Vec<Array<T>>>>()?;
        outer.insert_maps(missing.first, &maps)?;
        Ok(NewChunks(arrays))
    }

    /// Adds what was made from number [`Chunks::len`] on.
    pub(super) fn add(&mut self, chunks: NewChunks<T>) {
        self.0.extend(chunks.0);
    }

    /// An element.
    ///
    /// # Panics
    /// If its chunk does not exist.
    pub(super) fn get(&self, index: u32) -> &T {
        self.element(index as usize / CHUNK, index as usize % CHUNK)
    }

    /// An element of the chunk of this number.
    ///
    /// # Panics
    /// If it does not exist.
    pub(super) fn element(&self, chunk: usize, at: usize) -> &T {
        self.0[chunk].get(at)
    }
}
