//! Fills the kernel's table by the library, and by a loop alone.

use super::{sample, Sample, Spec};
use crate::flows::{group, Flow};
use crate::kernel::{isolate, Kernel};
use crate::library::ProtocolConfig;
use crate::library::{Forwarder, Library};
use crate::meter::{median, time};
use crate::router::{listener, Router, DOWNSTREAM};

/// How often each of them is measured, in turns.
const TURNS: usize = 5;

pub fn run(spec: &Spec, library: &Library) -> Result<Sample, String> {
    let flows = spec.flows();
    let config = if spec.number("hears") == 1 { listener() } else { ProtocolConfig::default() };
    isolate().map_err(|error| format!("a network namespace: {error}"))?;
    let (mut bare, mut ours, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        let kernel = Kernel::open().map_err(|error| format!("the kernel's table: {error}"))?;
        let add = time(|| flows.iter().for_each(|&flow| kernel.add(flow).expect("MRT_ADD_MFC")));
        drop(kernel);

        let router = Router::start_on(library, Forwarder::Kernel, &config);
        for i in 0..spec.number("groups") {
            router.join(Flow { source: 0, group: group(i) }, DOWNSTREAM);
        }
        let packet = time(|| flows.iter().for_each(|&flow| assert_eq!(router.packet(flow), 1)));
        router.stop();

        bare.push(add.each(flows.len()));
        ours.push(packet.each(flows.len()));
        own.push(packet.each(flows.len()) - add.each(flows.len()));
    }
    own.sort_by(f64::total_cmp);
    Ok(sample([
        ("bare_ns", median(bare).expect("some")),
        ("packet_ns", median(ours).expect("some")),
        ("own_ns", own[TURNS / 2]),
        ("least_own_ns", own[0]),
        ("most_own_ns", own[TURNS - 1]),
    ]))
}
