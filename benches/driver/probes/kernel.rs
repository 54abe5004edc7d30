//! Entries in the kernel's table, without the library.

use super::{sample, Sample, Spec};
use crate::kernel::{isolate, Kernel};
use crate::meter::Meter;

pub fn run(spec: &Spec) -> Result<Sample, String> {
    let flows = spec.flows();
    let kernel = isolate()
        .and_then(|()| Kernel::open())
        .map_err(|error| format!("the kernel's table: {error}"))?;
    let mut add = Meter::default();
    add.time(|| flows.iter().try_for_each(|&flow| kernel.add(flow)))
        .map_err(|error| format!("MRT_ADD_MFC: {error}"))?;
    Ok(sample([("add_ns", add.each(flows.len()))]))
}
