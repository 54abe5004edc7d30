//! The arguments of mgmd.

use std::ffi::OsString;
use std::path::PathBuf;

/// The help.
pub const USAGE: &str = "\
mgmd [--config FILE] [--check]

Routes multicast, IPv4 only: IGMP, IGMP proxies, static routes, and routing protocols in modules.
It stays in the foreground, and runs until SIGTERM. After SIGHUP it reads the configuration again.

  --check        only check the configuration; exit with 0 if it is valid, otherwise with 1
  --config FILE  use FILE instead of /etc/mgmd/mgmd.toml
  --version      print the version of this program
  --help         print this text

mgmd.toml(5) documents the configuration. If mgmd cannot start, it says why, and exits with 1.
";

const VERSION: &str = concat!("mgmd ", env!("CARGO_PKG_VERSION"), "\n");

const DEFAULT_FILE: &str = "/etc/mgmd/mgmd.toml";

/// What mgmd has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Check this configuration.
    Check(PathBuf),
    /// Route by this configuration.
    Route(PathBuf),
    /// Help or the version.
    Text(String),
}

/// Reads the arguments.
///
/// # Errors
/// Which argument is invalid.
pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Wanted, String> {
    let (mut file, mut check) = (PathBuf::from(DEFAULT_FILE), false);
    while let Some(argument) = arguments.next() {
        match argument.to_string_lossy().as_ref() {
            "--check" => check = true,
            "--config" => {
                file = arguments.next().ok_or("--config needs the name of a file")?.into();
            }
            "-h" | "--help" => return Ok(Wanted::Text(USAGE.into())),
            "-V" | "--version" => return Ok(Wanted::Text(VERSION.into())),
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(if check { Wanted::Check(file) } else { Wanted::Route(file) })
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
        assert_eq!(parsed(&[]), Ok(Wanted::Route(DEFAULT_FILE.into())));
        assert_eq!(parsed(&["--config"]), Err("--config needs the name of a file".into()));
        assert_eq!(parsed(&["--chek"]), Err("unknown argument --chek".into()));
        assert_eq!(parsed(&["-V"]), Ok(Wanted::Text(VERSION.into())));
    }

    #[test]
    fn the_help_names_the_default_file() {
        assert!(USAGE.contains(DEFAULT_FILE));
    }

    #[test]
    fn the_help_says_that_there_is_no_ipv6() {
        assert!(USAGE.contains("IPv4 only"));
    }
}
