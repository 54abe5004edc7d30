//! The command line.

use crate::library::Library;
use crate::plan::{run_here, Results, Scale};
use crate::report;
use crate::rows::{Row, ROWS};
use std::path::PathBuf;
use std::process::ExitCode;

struct Options {
    library: PathBuf,
    out: PathBuf,
    scale: Scale,
    rows: Vec<Row>,
    /// The words of one probe. The process then runs this probe instead of rows.
    probe: Vec<String>,
}

pub fn main() -> ExitCode {
    let result = options().and_then(|options| {
        if options.probe.is_empty() {
            run(options).map(|()| ExitCode::SUCCESS)
        } else {
            Ok(run_here(&options.probe, &options.library))
        }
    });
    result.unwrap_or_else(|why| {
        eprintln!("bench: {why}");
        ExitCode::FAILURE
    })
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        library: "target/release/libmgm.so".into(),
        out: "build/bench".into(),
        scale: Scale::FULL,
        rows: Vec::new(),
        probe: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} what?"));
        match word.as_str() {
            "--library" => options.library = value()?.into(),
            "--out" => options.out = value()?.into(),
            "--quick" => options.scale = Scale::QUICK,
            "--bench" => {} // from cargo
            "--probe" => {
                options.probe = words.by_ref().collect();
            }
            name => {
                let row = ROWS.into_iter().find(|row| row.name == name);
                options.rows.push(row.ok_or_else(|| {
                    format!("no row {name}; there are: {}", ROWS.map(|row| row.name).join(" "))
                })?);
            }
        }
    }
    if options.rows.is_empty() {
        options.rows = ROWS.into();
    }
    // An absolute path, because dlopen would search for a mere name in the directories of libraries.
    options.library = std::path::absolute(&options.library).map_err(|error| error.to_string())?;
    Ok(options)
}

fn run(options: Options) -> Result<(), String> {
    let version = Library::load(&options.library)?.version();
    let mut specs = Vec::new();
    for spec in options.rows.iter().flat_map(|row| (row.needs)(options.scale)) {
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    let results = Results::of(&specs, options.scale, &options.library)?;
    println!("{version}, {}", options.library.display());
    for row in &options.rows {
        let lines = (row.judge)(options.scale, &results);
        report::print(row, &lines);
        let whole = report::whole(row, &lines, &results, options.scale, &version);
        report::save(row, &whole, &options.out)
            .map_err(|error| format!("{}: {error}", options.out.display()))?;
    }
    Ok(())
}
