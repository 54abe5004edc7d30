//! The probes. Each runs in a process of its own, with a new library and empty tables, so that its
//! memory can be measured.

mod burst;
mod calls;
mod ebpf;
mod expiry;
mod fanout;
mod forward;
mod forwarder;
mod joiner;
mod kernel;
mod maps;
mod noise;
mod remote;
mod served;
mod stats;
mod table;
mod threads;
mod touch;

pub use remote::KINDS as CALLBACKS;

use crate::library::Library;
use crate::meter::median;
use std::collections::BTreeMap;
use std::path::Path;

/// The figures of a probe, by name.
pub type Sample = BTreeMap<String, f64>;

/// A probe and its parameters, as on a command line: `table size=1000 hears=1`.
pub struct Spec(String);

impl Spec {
    pub fn new(words: &[String]) -> Spec {
        Spec(words.join(" "))
    }

    fn probe(&self) -> &str {
        self.0.split(' ').next().expect("the first word is always there")
    }

    fn word(&self, key: &str) -> &str {
        self.0
            .split(' ')
            .filter_map(|word| word.split_once('='))
            .find_map(|(name, value)| (name == key).then_some(value))
            .unwrap_or_else(|| panic!("{}: {key} is missing", self.0))
    }

    fn number(&self, key: &str) -> usize {
        self.word(key).parse().unwrap_or_else(|_| panic!("{}: {key} is no number", self.0))
    }

    /// The flows of the probe, in its order.
    fn flows(&self) -> Vec<crate::flows::Flow> {
        let mut flows = crate::flows::ascending(self.number("size"), self.number("groups"));
        match self.word("order") {
            "ascending" => {}
            "shuffled" => crate::flows::shuffle(&mut flows, 1),
            order => panic!("no order {order}"),
        }
        flows
    }
}

/// Why there are no figures.
pub enum Failure {
    /// It cannot be measured on this machine, or not now.
    Impossible(String),
    /// The library or the driver has a fault.
    Broken(String),
}

/// A small table is filled before the caches are warm, and in too short a time. So it is filled again
/// until so many entries were made in all, at most [`ROUNDS`] times.
const ENTRIES: usize = 50_000;
const ROUNDS: usize = 5;

/// Runs a probe.
pub fn run(spec: &Spec, library: &Path) -> Result<Sample, Failure> {
    let path = library;
    let library = Library::load(path).map_err(Failure::Broken)?;
    Ok(match spec.probe() {
        "burst" => burst::run(spec, path).map_err(Failure::Impossible)?,
        "calls" => calls::run(spec, &library).map_err(Failure::Impossible)?,
        "expiry" => expiry::run(spec, &library).map_err(Failure::Impossible)?,
        "forwarder" => forwarder::run(spec, &library).map_err(Failure::Impossible)?,
        "ebpf" => ebpf::run(spec, &library).map_err(Failure::Impossible)?,
        "forward" => forward::run(spec, &library).map_err(Failure::Impossible)?,
        "stats" => rounds(spec, || stats::run(spec, &library).map_err(Failure::Impossible))?,
        "fanout" => fanout::run(spec, &library),
        "noise" => noise::run(spec),
        "remote" => remote::run(spec, &library, path).map_err(Failure::Broken)?,
        "served" => served::run(spec, &library, path).map_err(Failure::Broken)?,
        "threads" => threads::run(spec, &library),
        "touch" => touch::run(spec, &library),
        "table" => rounds(spec, || Ok(table::run(spec, &library)))?,
        "kernel" => rounds(spec, || kernel::run(spec).map_err(Failure::Impossible))?,
        "hashmap" => rounds(spec, || Ok(maps::hash_map(spec)))?,
        "btreemap" => rounds(spec, || Ok(maps::btree_map(spec)))?,
        probe => return Err(Failure::Broken(format!("there is no probe {probe}"))),
    })
}

/// The medians of some rounds.
fn rounds(
    spec: &Spec,
    mut probe: impl FnMut() -> Result<Sample, Failure>,
) -> Result<Sample, Failure> {
    let rounds = (ENTRIES / spec.number("size")).clamp(1, ROUNDS);
    let samples = (0..rounds).map(|_| probe()).collect::<Result<Vec<Sample>, Failure>>()?;
    let figures = |name: &String| samples.iter().map(|sample| sample[name]).collect();
    Ok(samples[0].keys().filter_map(|name| Some((name.clone(), median(figures(name))?))).collect())
}

/// A sample of these figures.
fn sample<const N: usize>(figures: [(&str, f64); N]) -> Sample {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}
