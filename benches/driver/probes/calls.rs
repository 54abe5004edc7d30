//! Makes a number of calls of each kind and nothing else. scripts/check-instructions counts their
//! instructions.

use super::{sample, Sample, Spec};
use crate::flows::shuffle;
use crate::kernel::isolate;
use crate::library::{Forwarder, Library, ProtocolConfig, MFE_BYTES};
use crate::router::{listener, Router, DOWNSTREAM};

pub fn run(spec: &Spec, library: &Library) -> Result<Sample, String> {
    let mut flows = spec.flows();
    let config = if spec.number("hears") == 1 { listener() } else { ProtocolConfig::default() };
    let forwarder = match spec.word("forwarder") {
        "kernel" => {
            isolate().map_err(|error| format!("a network namespace: {error}"))?;
            Forwarder::Kernel
        }
        _ => Forwarder::Memory,
    };
    let router = Router::start_on(library, forwarder, &config);
    flows.iter().for_each(|&flow| router.join(flow, DOWNSTREAM));
    flows.iter().for_each(|&flow| assert_eq!(router.packet(flow), 1));
    shuffle(&mut flows, 2);
    let mut buffer = [0; MFE_BYTES];
    for &flow in &flows {
        router.get_mfe(flow, &mut buffer);
    }
    flows.iter().for_each(|&flow| router.leave(flow, DOWNSTREAM));
    router.stop();
    Ok(sample([("calls", flows.len() as f64)]))
}
