//! Runs the probes that the rows need, in turns, so that a disturbance of the machine affects all
//! figures that are compared.

use crate::meter::median;
use crate::probes::{Failure, Sample, Spec};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The sizes of the tables, and the number of turns.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Entries of the large tables.
    pub large: usize,
    /// Entries of the small tables that they are compared with.
    pub small: usize,
    /// The number of turns. The median counts.
    pub repeats: usize,
    /// Clients that get alerts.
    pub clients: usize,
    /// How long threads work at the same time.
    pub milliseconds: usize,
    /// The time in seconds in which the MFEs that are to expire must have been made.
    pub due: usize,
}

impl Scale {
    pub const FULL: Scale = Scale {
        large: 1_000_000,
        small: 10_000,
        repeats: 3,
        clients: 1000,
        milliseconds: 1000,
        due: 8,
    };
    /// Only tests that everything works.
    pub const QUICK: Scale =
        Scale { large: 5000, small: 500, repeats: 1, clients: 20, milliseconds: 50, due: 2 };
}

/// The figures of the probes, by specification, in the order of the turns.
#[derive(Default)]
pub struct Results(pub BTreeMap<String, Vec<Sample>>);

impl Results {
    /// Runs all probes once in each turn.
    pub fn of(specs: &[String], scale: Scale, library: &Path) -> Result<Results, String> {
        let mut results = Results::default();
        for repeat in 1..=scale.repeats {
            for spec in specs {
                eprintln!("{repeat}/{} {spec}", scale.repeats);
                match run_apart(spec, library) {
                    Ok(sample) => results.0.entry(spec.clone()).or_default().push(sample),
                    Err(Failure::Impossible(why)) => eprintln!("SKIPPED: {spec}: {why}"),
                    Err(Failure::Broken(why)) => return Err(why),
                }
            }
        }
        Ok(results)
    }

    /// The median of a figure; `None` if the probe could not be run.
    pub fn median(&self, spec: &str, figure: &str) -> Option<f64> {
        median(self.figures(spec, figure))
    }

    /// The median of the ratios of two figures of the same turn.
    pub fn ratio(&self, over: (&str, &str), under: (&str, &str)) -> Option<f64> {
        let over = self.figures(over.0, over.1);
        let under = self.figures(under.0, under.1);
        median(over.iter().zip(under).map(|(over, under)| over / under).collect())
    }

    fn figures(&self, spec: &str, figure: &str) -> Vec<f64> {
        let samples = self.0.get(spec).map_or(&[][..], Vec::as_slice);
        samples.iter().filter_map(|sample| sample.get(figure).copied()).collect()
    }
}

/// The exit status of a probe that cannot be measured here.
const IMPOSSIBLE: u8 = 77;

/// Runs a probe in a process of its own.
fn run_apart(spec: &str, library: &Path) -> Result<Sample, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::Broken(format!("{spec}: {error}"));
    let me = std::env::current_exe().map_err(|error| broken(&error))?;
    let output = Command::new(me)
        .arg("--library")
        .arg(library)
        .arg("--probe")
        .args(spec.split(' '))
        .output()
        .map_err(|error| broken(&error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => serde_json::from_slice(&output.stdout).map_err(|error| broken(&error)),
        Some(code) if code == i32::from(IMPOSSIBLE) => {
            Err(Failure::Impossible(said.trim().to_owned()))
        }
        _ => Err(broken(&said)),
    }
}

/// Runs a probe in this process, which [`run_apart`] has started.
pub fn run_here(words: &[String], library: &Path) -> ExitCode {
    let (why, code) = match crate::probes::run(&Spec::new(words), library) {
        Ok(sample) => {
            println!("{}", serde_json::json!(sample));
            return ExitCode::SUCCESS;
        }
        Err(Failure::Impossible(why)) => (why, IMPOSSIBLE),
        Err(Failure::Broken(why)) => (why, 1),
    };
    eprintln!("{why}");
    code.into()
}
