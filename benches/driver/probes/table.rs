//! Fills a table, reads it, and empties it.

use super::{sample, Sample, Spec};
use crate::flows::{shuffle, Flow};
use crate::library::{Library, MFE_BYTES};
use crate::meter::{peak, resident, time, Meter};
use crate::router::{callbacks, Router, DOWNSTREAM};
use std::hint::black_box;

/// Joins and packets take turns in blocks of this size, so that each can be measured.
const BLOCK: usize = 1000;

pub fn run(spec: &Spec, library: &Library) -> Sample {
    let flows = spec.flows();
    let router = Router::start(library, spec.number("hears") == 1);
    // The first entry starts threads and allocates what all share.
    let first = Flow::beyond(0);
    router.join(first, DOWNSTREAM);
    router.packet(first);
    router.leave(first, DOWNSTREAM);

    let mut found = fill(&router, &flows);
    found.extend(look(&router, &flows));
    found.extend(empty(&router, &flows));
    router.stop();
    found
}

/// Joins every flow and sends it a packet.
fn fill(router: &Router<'_>, flows: &[Flow]) -> Sample {
    let count = flows.len();
    let (mut join, mut packet) = (Meter::default(), Meter::default());
    let (before, heard) = (resident(), callbacks());
    for block in flows.chunks(BLOCK) {
        join.time(|| block.iter().for_each(|&flow| router.join(flow, DOWNSTREAM)));
        packet.time(|| {
            for &flow in block {
                assert_eq!(router.packet(flow), 1, "{flow:?} has one oif");
            }
        });
    }
    sample([
        ("join_ns", join.each(count)),
        ("packet_ns", packet.each(count)),
        ("install_ns", join.each(count) + packet.each(count)),
        ("bytes", (resident() - before) / count as f64),
        ("peak_bytes", (peak() - before) / count as f64),
        ("fill_callbacks", (callbacks() - heard) as f64 / count as f64),
    ])
}

/// Reads MFEs in random order, then walks all of them, then all groups.
fn look(router: &Router<'_>, flows: &[Flow]) -> Sample {
    let count = flows.len();
    let mut asked = flows.to_vec();
    shuffle(&mut asked, 2);
    let mut buffer = [0; MFE_BYTES];
    let get = time(|| {
        for &flow in &asked {
            router.get_mfe(flow, &mut buffer);
            black_box(&buffer);
        }
    });
    // One more is that of the first entry. It is the last one, and has no oif any longer.
    let mfes = time(|| assert_eq!(router.walk_mfes(), count + 1));
    let groups = time(|| assert_eq!(router.walk_groups(), count));
    sample([
        ("get_ns", get.each(count)),
        ("walk_ns", mfes.each(count)),
        ("groups_ns", groups.each(count)),
    ])
}

/// Leaves all flows, joins them again, and releases the interface.
fn empty(router: &Router<'_>, flows: &[Flow]) -> Sample {
    let count = flows.len();
    let heard = callbacks();
    let leave = time(|| flows.iter().for_each(|&flow| router.leave(flow, DOWNSTREAM)));
    let heard_left = callbacks();
    let rejoin = time(|| flows.iter().for_each(|&flow| router.join(flow, DOWNSTREAM)));
    let heard_joined = callbacks();
    let release = time(|| router.release(router.downstream, DOWNSTREAM));
    let heard_released = callbacks();
    assert_eq!(router.walk_groups(), 0, "the interface's memberships went with it");
    sample([
        ("leave_ns", leave.each(count)),
        ("leave_callbacks", (heard_left - heard) as f64),
        ("rejoin_ns", rejoin.each(count)),
        ("release_s", release.seconds()),
        ("release_callbacks", (heard_released - heard_joined) as f64),
    ])
}
