//! The counters of all entries of the kernel's table, read by the library, by SIOCGETSGCNT and by a
//! netlink dump.

use super::{sample, Sample, Spec};
use crate::dump;
use crate::flows::{group, Flow};
use crate::kernel::{isolate, Kernel};
use crate::library::{Forwarder, Library, ProtocolConfig};
use crate::meter::time;
use crate::router::{Router, DOWNSTREAM};

pub fn run(spec: &Spec, library: &Library) -> Result<Sample, String> {
    let flows = spec.flows();
    isolate().map_err(|error| format!("a network namespace: {error}"))?;
    let kernel = Kernel::open().map_err(|error| format!("the kernel's table: {error}"))?;
    flows.iter().for_each(|&flow| kernel.add(flow).expect("MRT_ADD_MFC"));
    let read = time(|| {
        flows.iter().for_each(|&flow| assert_eq!(kernel.read(flow).expect("SIOCGETSGCNT"), [0; 3]));
    });
    let dump = time(|| assert_eq!(dump::entries().expect("a dump"), flows.len()));
    drop(kernel);

    let router = Router::start_on(library, Forwarder::Kernel, &ProtocolConfig::default());
    for i in 0..spec.number("groups") {
        router.join(Flow { source: 0, group: group(i) }, DOWNSTREAM);
    }
    flows.iter().for_each(|&flow| assert_eq!(router.packet(flow), 1));
    let stats = time(|| assert_eq!(router.walk_stats(), flows.len()));
    router.stop();
    let each = [stats, read, dump].map(|meter| meter.each(flows.len()));
    Ok(sample([("stats_ns", each[0]), ("read_ns", each[1]), ("dump_ns", each[2])]))
}
