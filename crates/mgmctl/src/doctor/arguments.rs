//! The arguments of `mgmctl doctor`.

use super::Options;
use clap::{value_parser, Arg, ArgAction, ArgMatches, Command};
use mgm_control::request::InterfaceName;
use mgm_control::DEFAULT_SOCKET;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The command.
pub fn command() -> Command {
    Command::new("doctor").about("Look for the reasons why streams do not flow").args([
        Arg::new("INTERFACE")
            .help("Look at the packets of these interfaces; without it, at those of all routers")
            .action(ArgAction::Append)
            .value_parser(value_parser!(InterfaceName)),
        Arg::new("listen")
            .long("listen")
            .value_name("TIME")
            .help("How long to look at packets: 500ms, 5s, 2m; 130s finds missing queriers")
            .default_value("5s")
            .value_parser(time),
    ])
}

/// Converts the arguments that clap has accepted.
pub fn options(of: &ArgMatches, socket: PathBuf, json: bool) -> Option<Options> {
    let interfaces = of.get_many::<InterfaceName>("INTERFACE").into_iter().flatten();
    Some(Options {
        listen: *of.get_one::<Duration>("listen")?,
        interfaces: interfaces.map(ToString::to_string).collect(),
        socket_is_named: socket != Path::new(DEFAULT_SOCKET),
        socket,
        json,
    })
}

/// A time with a unit, as in the configuration of mgmd.
fn time(text: &str) -> Result<Duration, &'static str> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let time = number.parse::<u64>().ok().zip(factor);
    let time = time.and_then(|(number, factor)| number.checked_mul(factor));
    let time = time.filter(|time| (100..=3_600_000).contains(time));
    time.map(Duration::from_millis).ok_or("use a number with ms, s, m or h, from 100ms to 1h")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Options, String> {
        let all = std::iter::once("doctor").chain(arguments.iter().copied());
        let matches = command().try_get_matches_from(all).map_err(|error| error.to_string())?;
        Ok(options(&matches, "/x".into(), true).expect("clap has checked the arguments"))
    }

    #[test]
    fn interfaces_and_the_time_may_be_given() {
        let options = parsed(&[]).expect("no argument is needed");
        assert_eq!(options.listen, Duration::from_secs(5));
        assert!(options.interfaces.is_empty() && options.socket_is_named && options.json);
        let options = parsed(&["--listen", "2m", "eth1", "lan0"]).expect("they are valid");
        assert_eq!(options.listen, Duration::from_secs(120));
        assert_eq!(options.interfaces, ["eth1", "lan0"]);
        let matches = command().get_matches_from(["doctor"]);
        let options = super::options(&matches, DEFAULT_SOCKET.into(), false);
        assert!(options.is_some_and(|options| !options.socket_is_named && !options.json));
    }

    #[test]
    fn a_time_has_a_unit_and_limits() {
        for (text, milliseconds) in [("100ms", 100), ("130s", 130_000), ("1h", 3_600_000)] {
            assert_eq!(time(text), Ok(Duration::from_millis(milliseconds)));
        }
        for invalid in ["5", "s", "0s", "99ms", "61m", "1d", "-1s", "", "99999999999999999999h"] {
            let error = parsed(&[&format!("--listen={invalid}")]).expect_err("it is invalid");
            assert!(error.contains("from 100ms to 1h") || invalid.is_empty(), "{invalid}: {error}");
        }
    }
}
