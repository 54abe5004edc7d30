//! What is measured, each in a process of its own: tables and libraries begin
//! afresh, and the memory is only theirs.

mod expiry;
mod fanout;
mod joiner;
mod kernel;
mod maps;
mod noise;
mod table;
mod threads;
mod touch;

use crate::library::Library;
use std::collections::BTreeMap;
use std::path::Path;

/// What a probe found: figures by name.
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

    /// The flows that it wants, in the order that it wants.
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

/// Runs a probe.
pub fn run(spec: &Spec, library: &Path) -> Result<Sample, String> {
    let load = || Library::load(library);
    Ok(match spec.probe() {
        "table" => table::run(spec, &load()?),
        "touch" => touch::run(spec, &load()?),
        "fanout" => fanout::run(spec, &load()?),
        "threads" => threads::run(spec, &load()?),
        "expiry" => expiry::run(spec, &load()?)?,
        "noise" => noise::run(spec),
        "kernel" => kernel::run(spec)?,
        "hashmap" => maps::hash_map(spec),
        "btreemap" => maps::btree_map(spec),
        probe => return Err(format!("there is no probe {probe}")),
    })
}

/// A sample of these figures.
fn sample<const N: usize>(figures: [(&str, f64); N]) -> Sample {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}
