//! The commands and their arguments.

use clap::{value_parser, Arg, ArgAction, ArgMatches, Command};
use clap_complete::Shell;
use mgm_control::request::{
    FlowsQuery, GroupsQuery, InterfaceName, InterfacesQuery, LogLevel, Membership, Request,
};
use mgm_control::{Page, DEFAULT_SOCKET};
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// The options that all commands have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// mgmd's control socket.
    pub socket: PathBuf,
    /// Print the answers of mgmd in JSON.
    pub json: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Print the answer to one request, page by page if it
    /// is a list.
    Ask(Request),
    /// Print the flows repeatedly, at this interval.
    Watch(FlowsQuery, Duration),
    /// Print the completions of a shell.
    Completions(Shell),
}

/// The environment variable with the socket of an mgmd whose configuration names another one than
/// the default. The unit's ExecReload= needs it then.
pub const SOCKET_VARIABLE: &str = "MGMCTL_SOCKET";

const AFTER_HELP: &str = "\
Without --socket, the socket is that of the environment variable MGMCTL_SOCKET,
otherwise /run/mgmd/control.

Exit status:
  0  mgmd carried out the command
  1  mgmd refused the command, or the output cannot be written
  2  invalid arguments
  3  mgmd did not answer: it is not running, or you may not connect to it";

/// All commands.
pub fn command() -> Command {
    let interface = |what: &'static str| {
        Arg::new("INTERFACE").help(what).value_parser(value_parser!(InterfaceName))
    };
    let of_interface = "Show only this interface, such as eth1";
    Command::new("mgmctl")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Shows and changes the state of mgmd, a multicast router for IPv4")
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args([
            Arg::new("socket")
                .long("socket")
                .value_name("PATH")
                .help("The control socket of mgmd")
                .global(true)
                .value_parser(value_parser!(PathBuf)),
            Arg::new("json")
                .long("json")
                .help("Print the answer of mgmd as JSON, one page on each line")
                .global(true)
                .action(ArgAction::SetTrue),
        ])
        .subcommands([
            Command::new("status").about("Show the router as a whole"),
            Command::new("interfaces").about("Show the interfaces").arg(interface(of_interface)),
            Command::new("igmp")
                .about("Show IGMP on the interfaces; with INTERFACE, all times and counters")
                .arg(interface(of_interface)),
            groups(interface("Show only the groups of this interface")),
            flows(),
            Command::new("proxies").about("Show the upstreams of the IGMP proxy"),
            Command::new("routes").about("Show the static routes"),
            membership("join", "Add a static membership until the next start of mgmd"),
            membership("leave", "Remove a membership that join has added"),
            Command::new("reload").about("Make mgmd read its configuration file again"),
            Command::new("log")
                .about("Change the level of mgmd's log until its next start or reload")
                .arg(
                    Arg::new("LEVEL")
                        .required(true)
                        .value_parser(LogLevel::ALL.map(LogLevel::name))
                        .help("Log messages of this level and of more serious ones"),
                ),
            Command::new("completions")
                .about("Print the completions of a shell")
                .arg(Arg::new("SHELL").required(true).value_parser(value_parser!(Shell))),
        ])
}

fn groups(interface: Arg) -> Command {
    Command::new("groups").about("Show the groups that hosts want").args([
        interface,
        address("group").long("group").value_name("GROUP").help("Show only this group"),
        Arg::new("hosts")
            .long("hosts")
            .help("Show the hosts of each group, where mgmd tracks them")
            .action(ArgAction::SetTrue),
    ])
}

fn flows() -> Command {
    Command::new("flows").about("Show the flows that are forwarded, with their counters").args([
        address("GROUP").help("Show only the flows to this group"),
        address("source").long("source").value_name("SOURCE").help("Show only this source"),
        Arg::new("watch")
            .long("watch")
            .help("Repeat the table, with the rates of the flows")
            .action(ArgAction::SetTrue),
        Arg::new("interval")
            .long("interval")
            .value_name("SECONDS")
            .help("The time between two tables of --watch")
            .default_value("2")
            .value_parser(value_parser!(u64).range(1..=3_600)),
    ])
}

fn membership(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).args([
        Arg::new("INTERFACE")
            .required(true)
            .help("The interface to which packets are sent, such as eth1")
            .value_parser(value_parser!(InterfaceName)),
        address("GROUP").required(true).help("The group, such as 239.1.1.1"),
        address("SOURCE").help("Only this source; without it, all sources"),
    ])
}

fn address(name: &'static str) -> Arg {
    Arg::new(name).value_parser(value_parser!(Ipv4Addr))
}

/// Converts the arguments that clap has accepted. `variable` is the value of [`SOCKET_VARIABLE`], and an empty one
/// counts as none.
pub fn parse(matches: &ArgMatches, variable: Option<OsString>) -> Option<(Options, Wanted)> {
    let variable = variable.filter(|path| !path.is_empty()).map(PathBuf::from);
    let socket = matches.get_one::<PathBuf>("socket").cloned().or(variable);
    let options = Options {
        socket: socket.unwrap_or_else(|| DEFAULT_SOCKET.into()),
        json: matches.get_flag("json"),
    };
    let (name, of) = matches.subcommand()?;
    let interface = || of.get_one::<InterfaceName>("INTERFACE").cloned();
    let address = |name: &str| of.get_one::<Ipv4Addr>(name).copied();
    let interfaces = || InterfacesQuery { interface: interface(), page: largest() };
    let wanted = match name {
        "status" => Wanted::Ask(Request::Status),
        "interfaces" => Wanted::Ask(Request::Interfaces(interfaces())),
        "igmp" => Wanted::Ask(Request::Igmp(interfaces())),
        "groups" => Wanted::Ask(Request::Groups(GroupsQuery {
            interface: interface(),
            group: address("group"),
            hosts: of.get_flag("hosts"),
            page: largest(),
        })),
        "flows" => {
            let (group, source) = (address("GROUP"), address("source"));
            let query = FlowsQuery { group, source, page: largest() };
            match (of.get_flag("watch"), of.get_one::<u64>("interval")) {
                (true, Some(seconds)) => Wanted::Watch(query, Duration::from_secs(*seconds)),
                _ => Wanted::Ask(Request::Flows(query)),
            }
        }
        "proxies" => Wanted::Ask(Request::Proxies),
        "routes" => Wanted::Ask(Request::Routes),
        "join" | "leave" => {
            let (interface, group) = (interface()?, address("GROUP")?);
            let membership = Membership { interface, source: address("SOURCE"), group };
            let join = name == "join";
            Wanted::Ask(if join { Request::Join(membership) } else { Request::Leave(membership) })
        }
        "reload" => Wanted::Ask(Request::Reload),
        "log" => {
            let name = of.get_one::<String>("LEVEL")?;
            let level = LogLevel::ALL.into_iter().find(|level| level.name() == name)?;
            Wanted::Ask(Request::LogLevel(level))
        }
        "completions" => Wanted::Completions(*of.get_one::<Shell>("SHELL")?),
        _ => return None,
    };
    Some((options, wanted))
}

/// The largest pages that mgmd makes, so that a list needs few requests.
fn largest<K>() -> Page<K> {
    Page { after: None, limit: Page::<K>::MAX_LIMIT }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<(Options, Wanted), String> {
        let all = std::iter::once("mgmctl").chain(arguments.iter().copied());
        let matches = command().try_get_matches_from(all).map_err(|error| error.to_string())?;
        Ok(parse(&matches, None).expect("clap has checked the arguments"))
    }

    fn asked(arguments: &[&str]) -> Request {
        match parsed(arguments) {
            Ok((_, Wanted::Ask(request))) => request,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn clap_finds_no_fault_in_the_description() {
        command().debug_assert();
    }

    #[test]
    fn each_command_is_a_request() {
        let name = |name: &str| name.parse::<InterfaceName>().ok();
        assert_eq!(asked(&["status"]), Request::Status);
        assert_eq!(asked(&["proxies"]), Request::Proxies);
        assert_eq!(asked(&["routes"]), Request::Routes);
        assert_eq!(asked(&["reload"]), Request::Reload);
        assert_eq!(asked(&["log", "debug"]), Request::LogLevel(LogLevel::Debug));
        let query = |interface| InterfacesQuery { interface, page: largest() };
        assert_eq!(asked(&["interfaces"]), Request::Interfaces(query(None)));
        assert_eq!(asked(&["igmp", "eth0.4"]), Request::Igmp(query(name("eth0.4"))));
        let group = "239.1.1.1".parse().ok();
        let hosts = GroupsQuery { interface: name("eth1"), group, hosts: true, page: largest() };
        assert_eq!(
            asked(&["groups", "eth1", "--group", "239.1.1.1", "--hosts"]),
            Request::Groups(hosts)
        );
        let flows = FlowsQuery { group, source: None, page: largest() };
        assert_eq!(asked(&["flows", "239.1.1.1"]), Request::Flows(flows.clone()));
        let watch = Wanted::Watch(flows, Duration::from_secs(5));
        let arguments = ["flows", "239.1.1.1", "--watch", "--interval", "5"];
        assert_eq!(parsed(&arguments).map(|(_, wanted)| wanted), Ok(watch));
        let source = "10.1.1.1".parse().ok();
        let membership = |source| Membership {
            interface: "eth1".parse().expect("a name"),
            source,
            group: Ipv4Addr::new(239, 1, 1, 1),
        };
        assert_eq!(asked(&["join", "eth1", "239.1.1.1"]), Request::Join(membership(None)));
        let arguments = ["leave", "eth1", "239.1.1.1", "10.1.1.1"];
        assert_eq!(asked(&arguments), Request::Leave(membership(source)));
    }

    #[test]
    fn options_may_be_before_and_after_the_command() {
        let expected = Options { socket: "/x".into(), json: true };
        for arguments in
            [["--socket", "/x", "--json", "status"], ["status", "--json", "--socket", "/x"]]
        {
            assert_eq!(parsed(&arguments).map(|(options, _)| options), Ok(expected.clone()));
        }
        let options = parsed(&["status"]).map(|(options, _)| options);
        assert_eq!(options, Ok(Options { socket: DEFAULT_SOCKET.into(), json: false }));
    }

    #[test]
    fn the_environment_names_the_socket_unless_an_option_does() {
        let socket = |arguments: &[&str], variable: &str| {
            let matches = command().get_matches_from(arguments);
            parse(&matches, Some(variable.into())).map(|(options, _)| options.socket)
        };
        assert_eq!(socket(&["mgmctl", "reload"], "/x"), Some("/x".into()));
        assert_eq!(socket(&["mgmctl", "--socket", "/y", "reload"], "/x"), Some("/y".into()));
        assert_eq!(socket(&["mgmctl", "reload"], ""), Some(DEFAULT_SOCKET.into()));
        let help = command().render_help().to_string();
        assert!(help.contains(SOCKET_VARIABLE) && help.contains(DEFAULT_SOCKET), "{help}");
    }

    #[test]
    fn an_invalid_argument_is_named() {
        let cases: [(&[&str], &str); 6] = [
            (&["stauts"], "'status'"),
            (&["log", "loud"], "off, error, warn, info, debug, trace"),
            (&["join", "eth1"], "<GROUP>"),
            (&["flows", "239.1.1"], "239.1.1"),
            (&["igmp", "abcdefghijklmnop"], "1 to 15 bytes"),
            (&["flows", "--interval", "0"], "1..=3600"),
        ];
        for (arguments, named) in cases {
            let error = parsed(arguments).expect_err("it is invalid");
            assert!(error.contains(named), "{arguments:?}: {error}");
        }
    }
}
