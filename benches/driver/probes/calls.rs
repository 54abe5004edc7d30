//! So many calls of each kind and nothing else, for a tool that counts their
//! instructions: scripts/check-instructions.

use super::{sample, Sample, Spec};
use crate::flows::shuffle;
use crate::library::{Library, MFE_BYTES};
use crate::router::{Router, DOWNSTREAM};

pub fn run(spec: &Spec, library: &Library) -> Sample {
    let mut flows = spec.flows();
    let router = Router::start(library, spec.number("hears") == 1);
    flows.iter().for_each(|&flow| router.join(flow, DOWNSTREAM));
    flows.iter().for_each(|&flow| assert_eq!(router.packet(flow), 1));
    shuffle(&mut flows, 2);
    let mut buffer = [0; MFE_BYTES];
    for &flow in &flows {
        router.get_mfe(flow, &mut buffer);
    }
    flows.iter().for_each(|&flow| router.leave(flow, DOWNSTREAM));
    router.stop();
    sample([("calls", flows.len() as f64)])
}
