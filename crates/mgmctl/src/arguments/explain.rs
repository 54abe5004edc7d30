//! The arguments of `mgmctl explain`.

use clap::{value_parser, Arg, ArgMatches, Command};
use mgm_control::request::{ExplainQuery, InterfaceName};
use std::net::Ipv4Addr;

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    pub query: ExplainQuery,
    /// Only this outgoing interface decides.
    pub to: Option<InterfaceName>,
}

/// The command.
pub fn command() -> Command {
    let address =
        |name, help| Arg::new(name).required(true).help(help).value_parser(value_parser!(Ipv4Addr));
    let interface = |name: &'static str, help| {
        Arg::new(name)
            .long(name)
            .value_name("INTERFACE")
            .help(help)
            .value_parser(value_parser!(InterfaceName))
    };
    Command::new("explain")
        .about("Show all about one flow, and why its packets do not go out")
        .args([
            address("SOURCE", "The source, such as 10.1.1.1"),
            address("GROUP", "The group, such as 239.1.1.1"),
            interface("from", "Where its packets arrive; without it, where mgmd sees them"),
            interface("to", "Say why packets do not leave by this interface"),
            Arg::new("listen")
                .long("listen")
                .value_name("TIME")
                .help("How long mgmd looks for packets of the flow, 0s to 4s")
                .default_value("1s")
                .value_parser(milliseconds),
        ])
}

/// Converts the arguments.
pub fn parse(matches: &ArgMatches) -> Option<Explain> {
    let address = |name| matches.get_one::<Ipv4Addr>(name).copied();
    let interface = |name| matches.get_one::<InterfaceName>(name).cloned();
    let query = ExplainQuery {
        source: address("SOURCE")?,
        group: address("GROUP")?,
        from: interface("from"),
        listen_ms: *matches.get_one::<u32>("listen")?,
    };
    Some(Explain { query, to: interface("to") })
}

/// A time such as "500ms" or "2s".
fn milliseconds(text: &str) -> Result<u32, &'static str> {
    let number = |text: &str| text.parse::<u32>().ok();
    let time = match text.strip_suffix("ms") {
        Some(text) => number(text),
        None => text.strip_suffix('s').and_then(number).and_then(|time| time.checked_mul(1_000)),
    };
    time.filter(|time| *time <= ExplainQuery::MAX_LISTEN)
        .ok_or("use a number with ms or s, from 0s to 4s")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Explain, String> {
        let matches = command().try_get_matches_from(["explain"].iter().chain(arguments));
        let matches = matches.map_err(|error| error.to_string())?;
        Ok(parse(&matches).expect("clap has checked the arguments"))
    }

    #[test]
    fn the_arguments_are_a_request() {
        let (source, group) = (Ipv4Addr::new(10, 9, 0, 5), Ipv4Addr::new(239, 1, 1, 1));
        let query = ExplainQuery { listen_ms: 1_000, ..ExplainQuery::new(source, group) };
        let explain = Explain { query: query.clone(), to: None };
        assert_eq!(parsed(&["10.9.0.5", "239.1.1.1"]), Ok(explain));
        let from = "eth0".parse().ok();
        let query = ExplainQuery { from, listen_ms: 250, ..query };
        let explain = Explain { query, to: "eth1".parse().ok() };
        let arguments =
            ["10.9.0.5", "239.1.1.1", "--from", "eth0", "--to", "eth1", "--listen", "250ms"];
        assert_eq!(parsed(&arguments), Ok(explain));
    }

    #[test]
    fn times_have_a_unit_and_a_limit() {
        for (text, time) in [("0s", 0), ("4s", 4_000), ("1ms", 1), ("4000ms", 4_000)] {
            assert_eq!(milliseconds(text), Ok(time));
        }
        for text in ["", "1", "s", "5s", "4001ms", "-1s", "1.5s", "4294968s", "1m"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
        let error = parsed(&["10.9.0.5", "239.1.1.1", "--listen", "9s"]).expect_err("too long");
        assert!(error.contains("from 0s to 4s"), "{error}");
        assert!(parsed(&["10.9.0.5"]).expect_err("no group").contains("<GROUP>"));
    }
}
