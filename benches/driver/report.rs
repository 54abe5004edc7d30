//! The results: a table to read, and JSON.

use crate::plan::{Results, Scale};
use crate::rows::{round, Goal, Line, Row};
use serde_json::{json, Map, Value};
use std::io;
use std::path::Path;
use std::process::Command;

impl Line {
    /// The comparison with the goal: met, or missed by how much.
    pub fn verdict(&self) -> String {
        match (self.goal, self.value) {
            (None, _) => String::new(),
            (Some(_), None) => "not measured".to_owned(),
            (Some(goal), Some(value)) => {
                let over = match goal {
                    Goal::AtMost(most) | Goal::Stretch(most, _) => value / most - 1.0,
                    Goal::AtLeast(least) => 1.0 - value / least,
                };
                match goal {
                    _ if over > 0.0 => format!("missed by {} %", (over * 100.0).ceil()),
                    Goal::Stretch(_, stretch) if value <= stretch => {
                        "met, and the stretch goal".to_owned()
                    }
                    _ => "met".to_owned(),
                }
            }
        }
    }

    fn goal(&self) -> String {
        match self.goal {
            None => String::new(),
            Some(Goal::AtMost(most)) => format!("≤ {most} {}", self.unit),
            Some(Goal::Stretch(most, stretch)) => {
                format!("≤ {most} {}, stretch goal {stretch}", self.unit)
            }
            Some(Goal::AtLeast(least)) => format!("≥ {least} {}", self.unit),
        }
    }

    fn value(&self) -> String {
        self.value.map_or_else(String::new, |value| format!("{} {}", round(value), self.unit))
    }
}

/// Prints the lines of a row.
pub fn print(row: &Row, lines: &[Line]) {
    println!("\n## {}", row.name);
    for line in lines {
        let beside =
            if line.baseline.is_empty() { String::new() } else { format!(" | {}", line.baseline) };
        println!(
            "{}\n    {}{beside} | {} | {} | {}",
            line.measure,
            line.ours,
            line.value(),
            line.goal(),
            line.verdict()
        );
    }
}

/// The lines of a row, and everything that was measured for them, as JSON.
pub fn whole(row: &Row, lines: &[Line], results: &Results, scale: Scale, library: &str) -> Value {
    let samples: Map<String, Value> = (row.needs)(scale)
        .into_iter()
        .filter_map(|spec| Some((spec.clone(), json!(results.0.get(&spec)?))))
        .collect();
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({
                "measure": line.measure,
                "ours": line.ours,
                "baseline": line.baseline,
                "value": line.value(),
                "goal": line.goal(),
                "verdict": line.verdict(),
                "point": line.point.as_ref().map(|(curve, size)| json!([curve, size, line.value])),
            })
        })
        .collect();
    json!({
        "row": row.name,
        "library": library,
        "machine": machine(),
        "date": output("date", "+%Y-%m-%d"),
        "repeats": scale.repeats,
        "lines": lines,
        "samples": samples,
    })
}

/// Writes what [`whole`] returned into a file for the row.
pub fn save(row: &Row, whole: &Value, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    std::fs::write(directory.join(format!("{}.json", row.name)), format!("{whole:#}\n"))
}

/// Processor, cores, kernel.
fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = model.map_or("unknown processor", |(_, model)| model);
    format!("{model}, {cores} cores, {} {}", output("uname", "-s"), output("uname", "-r"))
}

fn output(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map_or_else(|_| String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().into())
}
