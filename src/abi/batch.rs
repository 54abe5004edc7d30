//! The batch of a thread: adds and deletes that are made together (spec 9.14).

use super::backend;
use crate::manager::Manager;
use crate::remote::client;
use crate::remote::messages::Change;
use crate::types::{Refusal, Result};
use std::cell::RefCell;
use std::mem::ManuallyDrop;

/// A batch that has begun.
struct Batch {
    changes: Vec<Change>,
    /// How many were made already, because of other calls in between.
    made: usize,
    /// The first one that was refused: its number, from 1, and why.
    first: Option<(usize, Refusal)>,
    /// The router was lost, so it is unknown which further changes were made.
    lost: Option<Refusal>,
}

// Without a destructor, because a thread that is ending can still call the library (see
// manager::context).
thread_local! {
    static BATCH: RefCell<ManuallyDrop<Option<Batch>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// Begins a batch of this thread.
pub fn begin() -> Result<()> {
    BATCH.with_borrow_mut(|batch| {
        if batch.is_some() {
            return Err(Refusal::BatchBegun);
        }
        **batch = Some(Batch { changes: Vec::new(), made: 0, first: None, lost: None });
        Ok(())
    })
}

/// Adds a change to the batch of this thread. Returns the change if there is no batch.
#[inline]
pub fn collect(change: Change) -> std::result::Result<Result<()>, Change> {
    BATCH.with_borrow_mut(|batch| match &mut **batch {
        None => Err(change),
        Some(batch) => Ok(batch.add(change)),
    })
}

/// Makes the changes that this thread has collected, because another call follows.
#[inline]
pub fn flush() {
    let has_some = BATCH.with_borrow(|batch| batch.as_ref().is_some_and(|b| !b.changes.is_empty()));
    if has_some {
        flush_some();
    }
}

#[cold]
fn flush_some() {
    // Meanwhile there is no batch, so that callbacks can make calls and have batches of their own.
    let Some(mut batch) = BATCH.with_borrow_mut(|batch| batch.take()) else { return };
    batch.make();
    BATCH.with_borrow_mut(|now| **now = Some(batch));
}

/// Ends the batch of this thread. Returns the number of the first change that was refused, from 1,
/// and why; the number 0 if the router was lost before a change was refused.
pub fn end() -> Result<Option<(usize, Refusal)>> {
    let mut batch = BATCH.with_borrow_mut(|batch| batch.take()).ok_or(Refusal::NoBatch)?;
    batch.make();
    Ok(batch.first.or(batch.lost.map(|refusal| (0, refusal))))
}

impl Batch {
    fn add(&mut self, change: Change) -> Result<()> {
        self.changes.try_reserve(1).map_err(|_| Refusal::NoMemory)?;
        self.changes.push(change);
        Ok(())
    }

    /// Makes what is collected.
    fn make(&mut self) {
        match make(&self.changes) {
            // What is refused after the loss is no refusal of the router.
            Ok(Some((place, refusal))) if self.first.is_none() && self.lost.is_none() => {
                self.first = Some((self.made + place + 1, refusal));
            }
            Ok(_) => {}
            Err(lost) => drop(self.lost.get_or_insert(lost)),
        }
        self.made += self.changes.len();
        self.changes.clear();
    }
}

/// Makes all changes. Returns the place of the first one that is refused. An error if the router is
/// lost before one is.
fn make(changes: &[Change]) -> Result<Option<(usize, Refusal)>> {
    // A batch is for one manager; its handles show for which.
    let router = changes.iter().find_map(|change| client::of_serial(change.client).ok().flatten());
    match router {
        Some(router) => router.change_all(changes),
        None => Ok(make_here(changes)),
    }
}

fn make_here(changes: &[Change]) -> Option<(usize, Refusal)> {
    let mut first = None;
    for (place, change) in changes.iter().enumerate() {
        let Change { adds, client, flow, interface, join } = *change;
        let manager = Manager::global();
        let client_id = backend::ClientId(client);
        let result = match adds {
            true => manager.add_membership(client_id, flow, interface, join),
            false => manager.delete_membership(client_id, flow, interface, join),
        };
        if let (Err(refusal), None) = (result, &first) {
            first = Some((place, refusal));
        }
    }
    first
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
