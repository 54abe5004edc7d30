//! Alerts to very many clients.

use super::{sample, Sample, Spec};
use crate::flows::{group, Flow};
use crate::library::Library;
use crate::meter::time;
use crate::router::{callbacks, Router, DOWNSTREAM};

pub fn run(spec: &Spec, library: &Library) -> Sample {
    let (clients, calls) = (spec.number("clients"), spec.number("calls"));
    let router = Router::start(library, true);
    (0..clients).for_each(|number| router.add_listener(number as u32));
    let groups: Vec<Flow> = (0..calls).map(|i| Flow { source: 0, group: group(i) }).collect();

    let before = callbacks();
    let join = time(|| groups.iter().for_each(|&flow| router.join(flow, DOWNSTREAM)));
    let joined = callbacks();
    let leave = time(|| groups.iter().for_each(|&flow| router.leave(flow, DOWNSTREAM)));
    // The listeners, and the protocol upstream.
    let expected = (calls * (clients + 1)) as u64;
    assert_eq!((joined - before, callbacks() - joined), (expected, expected));
    router.stop();
    sample([("join_ns", join.each(calls)), ("leave_ns", leave.each(calls))])
}
