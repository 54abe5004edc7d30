//! The arguments of mgmd, and what they ask for.

use mgmd::config::Config;
use mgmd::manual;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
mgmd [--config FILE] --check

Checks a configuration of mgmd, a multicast router for IPv4, and prints every error in it.
This version of mgmd does nothing else: it does not route.

  --check        check the configuration; exit with 0 if it is valid, otherwise with 1
  --config FILE  use FILE instead of /etc/mgmd/mgmd.toml
  --version      print the version of this program
  --help         print this text

mgmd.toml(5) documents the configuration.
";

const VERSION: &str = concat!("mgmd ", env!("CARGO_PKG_VERSION"), "\n");

const DEFAULT_FILE: &str = "/etc/mgmd/mgmd.toml";

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Check(PathBuf),
    Route,
    /// Help, the version or the manual page.
    Text(String),
}

/// Does what the arguments ask for. The exit status is 2 if an argument is invalid.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match parse(arguments) {
        Ok(Wanted::Check(file)) => check(&file),
        Ok(Wanted::Route) => {
            eprintln!("mgmd: this version only checks configurations: use mgmd --check");
            ExitCode::from(1)
        }
        Ok(Wanted::Text(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprint!("mgmd: {what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Wanted, String> {
    let (mut file, mut check) = (PathBuf::from(DEFAULT_FILE), false);
    while let Some(argument) = arguments.next() {
        match argument.to_string_lossy().as_ref() {
            "--check" => check = true,
            "--config" => {
                file = arguments.next().ok_or("--config needs the name of a file")?.into();
            }
            // Not in the help: it is for those who build mgmd.
            "--print-manual" => return Ok(Wanted::Text(manual::page())),
            "-h" | "--help" => return Ok(Wanted::Text(USAGE.into())),
            "-V" | "--version" => return Ok(Wanted::Text(VERSION.into())),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(if check { Wanted::Check(file) } else { Wanted::Route })
}

fn check(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(_) => {
            println!("{}: valid", file.display());
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::from(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Wanted, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_arguments() {
        assert_eq!(parsed(&["--check"]), Ok(Wanted::Check(DEFAULT_FILE.into())));
        let named = Ok(Wanted::Check("a.toml".into()));
        assert_eq!(parsed(&["--config", "a.toml", "--check"]), named);
        assert_eq!(parsed(&["--check", "--config", "a.toml"]), named);
        assert_eq!(parsed(&[]), Ok(Wanted::Route));
        assert_eq!(parsed(&["--config"]), Err("--config needs the name of a file".into()));
        assert_eq!(parsed(&["--chek"]), Err("unknown argument --chek".into()));
        assert_eq!(parsed(&["-V"]), Ok(Wanted::Text(VERSION.into())));
    }

    #[test]
    fn the_help_names_the_default_file() {
        assert!(USAGE.contains(DEFAULT_FILE));
    }
}
