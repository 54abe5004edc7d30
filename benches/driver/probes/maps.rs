//! Maps of the standard library with the same keys: the cost of a table that contains only the rows.

use super::{sample, Sample, Spec};
use crate::flows::shuffle;
use crate::library::{GROUP_BYTES, MFE_BYTES};
use crate::meter::{time, Meter};
use crate::router::WALK_BYTES;
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::ops::Bound::{Excluded, Unbounded};

/// Random look-ups, each with a copy of the row.
pub fn hash_map(spec: &Spec) -> Sample {
    let mut flows = spec.flows();
    let mut map: HashMap<(u32, u32), [u8; MFE_BYTES]> = HashMap::new();
    let insert = time(|| {
        for (i, flow) in flows.iter().enumerate() {
            map.insert((flow.group, flow.source), [i as u8; MFE_BYTES]);
        }
    });
    shuffle(&mut flows, 2);
    let mut buffer = [0; MFE_BYTES];
    let get = time(|| {
        for flow in &flows {
            buffer.copy_from_slice(&map[&(flow.group, flow.source)]);
            black_box(&buffer);
        }
    });
    sample([("insert_ns", insert.each(flows.len())), ("get_ns", get.each(flows.len()))])
}

/// Walks that copy the rows of MFEs, and of groups, into a buffer.
pub fn btree_map(spec: &Spec) -> Sample {
    let flows = spec.flows();
    let mut map: BTreeMap<u64, [u8; 64]> = BTreeMap::new();
    let mut insert = Meter::default();
    insert.time(|| {
        for (i, flow) in flows.iter().enumerate() {
            map.insert(flow.key(), [i as u8; 64]);
        }
    });
    let mfes = time(|| {
        walk(&map, |key, value, row: &mut [u8; MFE_BYTES]| {
            row[..8].copy_from_slice(&key.to_be_bytes());
            row[8..72].copy_from_slice(value);
        });
    });
    let groups = time(|| {
        walk(&map, |key, _, row: &mut [u8; GROUP_BYTES]| {
            row[..4].copy_from_slice(&(key as u32).to_be_bytes());
            row[4..8].fill(0xFF);
            row[8..12].copy_from_slice(&((key >> 32) as u32).to_be_bytes());
            row[12..].fill(0xFF);
        });
    });
    sample([
        ("insert_ns", insert.each(flows.len())),
        ("walk_ns", mfes.each(flows.len())),
        ("groups_ns", groups.each(flows.len())),
    ])
}

/// Fills the buffer with rows until all were copied. Each time a new search finds the next row.
fn walk<const N: usize>(
    map: &BTreeMap<u64, [u8; 64]>,
    write: impl Fn(u64, &[u8; 64], &mut [u8; N]),
) {
    let mut buffer = vec![0u8; WALK_BYTES];
    let mut total = 0;
    let mut last = None;
    loop {
        let from = last.map_or(Unbounded, Excluded);
        let mut count = 0;
        for ((&key, value), row) in map.range((from, Unbounded)).zip(buffer.chunks_exact_mut(N)) {
            write(key, value, row.try_into().expect("a row's size"));
            last = Some(key);
            count += 1;
        }
        black_box(&buffer);
        total += count;
        if count == 0 {
            break;
        }
    }
    assert_eq!(total, map.len());
}
