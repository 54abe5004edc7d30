//! MFEs of the ebpf forwarder, compared with entries that a loop makes in the kernel's table.

use super::{sample, Sample, Spec};
use crate::flows::{group, Flow};
use crate::kernel::{isolate, Kernel};
use crate::library::{Forwarder, Library, ProtocolConfig};
use crate::meter::{anonymous, bpf_maps, median, time};
use crate::router::{listener, Router, DOWNSTREAM};

/// How often each of them is measured, in turns.
const TURNS: usize = 5;

/// The memory that the forwarder may use without any MFE.
const FIXED: f64 = (32 << 20) as f64;

pub fn run(spec: &Spec, library: &Library) -> Result<Sample, String> {
    let flows = spec.flows();
    let count = flows.len();
    let config = if spec.number("hears") == 1 { listener() } else { ProtocolConfig::default() };
    isolate().map_err(|error| format!("a network namespace: {error}"))?;
    let before = anonymous();
    let mut bytes = None;
    let [mut bare, mut packet, mut install, mut stats] = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        let kernel = Kernel::open().map_err(|error| format!("the kernel's table: {error}"))?;
        let add = time(|| flows.iter().for_each(|&flow| kernel.add(flow).expect("MRT_ADD_MFC")));
        drop(kernel);

        let router = start(library, Forwarder::Ebpf, &config, spec);
        let whole = time(|| flows.iter().for_each(|&flow| assert_eq!(router.packet(flow), 1)));
        // In the first turn, because later the heap contains free memory of former turns.
        bytes.get_or_insert_with(|| anonymous() - before + bpf_maps() - FIXED);
        let walk = time(|| assert_eq!(router.walk_stats(), count));
        router.stop();

        let router = start(library, Forwarder::Memory, &config, spec);
        let engine = time(|| flows.iter().for_each(|&flow| assert_eq!(router.packet(flow), 1)));
        router.stop();

        bare.push(add.each(count));
        packet.push(whole.each(count));
        install.push(whole.each(count) - engine.each(count));
        stats.push(walk.each(count));
    }
    let middle = |figures| median(figures).expect("some");
    Ok(sample([
        ("bare_ns", middle(bare)),
        ("packet_ns", middle(packet)),
        ("install_ns", middle(install)),
        ("stats_ns", middle(stats)),
        ("bytes", bytes.expect("a turn") / count as f64),
    ]))
}

/// A router with memberships in all groups.
fn start<'a>(
    library: &'a Library,
    forwarder: Forwarder,
    config: &ProtocolConfig,
    spec: &Spec,
) -> Router<'a> {
    let router = Router::start_on(library, forwarder, config);
    for i in 0..spec.number("groups") {
        router.join(Flow { source: 0, group: group(i) }, DOWNSTREAM);
    }
    router
}
