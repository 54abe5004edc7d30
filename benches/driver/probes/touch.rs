//! A (*,g) join in a group with very many MFEs.

use super::{sample, Sample, Spec};
use crate::flows::{group, Flow};
use crate::library::{Library, MFE_BYTES};
use crate::meter::time;
use crate::router::{Router, DOWNSTREAM, OTHER};

/// Bytes of a `MIB_IPMCAST_OIF`.
const OIF_BYTES: usize = 16;

pub fn run(spec: &Spec, library: &Library) -> Sample {
    let flows = spec.flows();
    let groups: Vec<Flow> =
        (0..spec.number("groups")).map(|i| Flow { source: 0, group: group(i) }).collect();
    let router = Router::start(library, false);
    for &flow in &flows {
        router.join(flow, DOWNSTREAM);
        router.packet(flow);
    }
    let join = time(|| groups.iter().for_each(|&flow| router.join(flow, OTHER)));
    let mut buffer = [0; MFE_BYTES + OIF_BYTES];
    for &flow in flows.iter().step_by(997) {
        let size = router.get_mfe(flow, &mut buffer) as usize;
        assert_eq!(size, buffer.len(), "{flow:?} goes out on both interfaces");
    }
    let leave = time(|| groups.iter().for_each(|&flow| router.leave(flow, OTHER)));
    router.stop();
    sample([("join_ns", join.each(flows.len())), ("leave_ns", leave.each(flows.len()))])
}
