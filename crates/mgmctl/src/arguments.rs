//! The commands and their arguments.

mod explain;

pub use explain::Explain;

use clap::{value_parser, Arg, ArgAction, ArgMatches, Command};
use clap_complete::Shell;
use mgm_control::request::{
    ClientsQuery, FlowsQuery, GroupsQuery, InterfaceName, InterfacesQuery, LogLevel, Membership,
    Request,
};
use mgm_control::{Page, DEFAULT_SOCKET};
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// The options that all commands have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the router listens.
    pub socket: Socket,
    /// Print the answers in JSON.
    pub json: bool,
}

/// The socket of a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    pub path: PathBuf,
    /// Whether it may be the status socket of a library, because the user named it in a place for
    /// one.
    pub may_be_library: bool,
}

/// The environment variables that name a socket.
#[derive(Debug, Default)]
pub struct Environment {
    /// The value of [`SOCKET_VARIABLE`].
    pub control: Option<OsString>,
    /// The value of [`STATUS_VARIABLE`].
    pub status: Option<OsString>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Print the answer to one request, page by page if it
    /// is a list.
    Ask(Request),
    /// Print the flows repeatedly, at this interval.
    Watch(FlowsQuery, Duration),
    /// Print the answer to one request repeatedly, at this interval.
    Repeat(Request, Duration),
    /// Show the flows on the whole terminal.
    Top(Top),
    /// Explain a flow.
    Explain(Explain),
    /// Print the completions of a shell.
    Completions(Shell),
    /// Look for the reasons why streams do not flow.
    #[cfg(target_os = "linux")]
    Doctor(crate::doctor::Options),
}

/// How `top` shows the flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// Print one table.
    pub once: bool,
    pub interval: Duration,
}

/// The environment variable with the socket of an mgmd whose configuration names another one than
/// the default. The unit's ExecReload= needs it then.
pub const SOCKET_VARIABLE: &str = "MGMCTL_SOCKET";

/// The environment variable with the status socket of a library. The library reads it, too.
pub const STATUS_VARIABLE: &str = "MGM_STATUS_SOCKET";

const AFTER_HELP: &str = "\
Without --socket, the socket is that of the environment variable MGMCTL_SOCKET,
otherwise /run/mgmd/control.

status, flows, clients, top and explain also read the status socket of another
program that uses libmgm: name it with --socket or the environment variable
MGM_STATUS_SOCKET.

Exit status:
  0  the router carried out the command
  1  the router refused the command, or the output cannot be written
  2  invalid arguments
  3  the router did not answer: it is not running, or does not let you connect
  4  doctor has found a fault, or explain a reason why packets do not go out";

const AFTER_MGMTOP_HELP: &str = "\
mgmtop is the command top of mgmctl. The key q ends it.

SOCKET is the control socket of mgmd, or the status socket of another program
that uses libmgm. The default is the value of MGM_STATUS_SOCKET, then that of
MGMCTL_SOCKET, then /run/mgmd/control.";

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
                .help("The socket of the router")
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
            clients(),
            top("top"),
            explain::command(),
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
            #[cfg(target_os = "linux")]
            crate::doctor::command(),
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
        interval("The time between two tables of --watch, 0.1 to 3600", "2"),
    ])
}

fn clients() -> Command {
    Command::new("clients")
        .about("Show IGMP and the routing protocols, their processes, and how fast they answer")
        .args([
            Arg::new("watch").long("watch").help("Repeat the table").action(ArgAction::SetTrue),
            interval("The time between two tables of --watch, 0.1 to 3600", "2"),
        ])
}

fn top(name: &'static str) -> Command {
    Command::new(name)
        .about("Show the flows on the whole terminal, the busiest first, until you press q")
        .args([
            Arg::new("SOCKET")
                .help("The socket of the router, like --socket")
                .conflicts_with("socket")
                .value_parser(value_parser!(PathBuf)),
            Arg::new("once")
                .long("once")
                .help("Print one table; its rates are measured over one interval")
                .action(ArgAction::SetTrue),
            interval("The time between two tables, 0.1 to 3600", "1"),
        ])
}

/// The program mgmtop, which is a link to mgmctl.
pub fn mgmtop() -> Command {
    let all = command();
    let common = ["socket", "json"].map(|name| {
        let option = all.get_arguments().find(|option| option.get_id() == name);
        option.expect("mgmctl has this option").clone()
    });
    top("mgmtop")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Shows the flows of a router as a live table, the busiest first")
        .after_help(AFTER_MGMTOP_HELP)
        .args(common)
}

fn interval(help: &'static str, default: &'static str) -> Arg {
    Arg::new("interval")
        .long("interval")
        .value_name("SECONDS")
        .help(help)
        .default_value(default)
        .value_parser(seconds)
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| (0.1..=3_600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or("use a number of seconds from 0.1 to 3600")
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

/// Converts the arguments of mgmctl that clap has accepted.
pub fn parse(matches: &ArgMatches, variables: Environment) -> Option<(Options, Wanted)> {
    let (name, of) = matches.subcommand()?;
    if name == "top" {
        return Some(parse_top(of, variables));
    }
    let reads_library = matches!(name, "status" | "flows" | "clients" | "explain");
    let options = options(
        of,
        Environment { status: variables.status.filter(|_| reads_library), ..variables },
    );
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
            match (of.get_flag("watch"), of.get_one::<Duration>("interval")) {
                (true, Some(interval)) => Wanted::Watch(query, *interval),
                _ => Wanted::Ask(Request::Flows(query)),
            }
        }
        "clients" => parse_clients(of),
        "explain" => Wanted::Explain(explain::parse(of)?),
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
        #[cfg(target_os = "linux")]
        "doctor" => {
            let path = options.socket.path.clone();
            Wanted::Doctor(crate::doctor::options(of, path, options.json)?)
        }
        _ => return None,
    };
    Some((options, wanted))
}

fn parse_clients(of: &ArgMatches) -> Wanted {
    let request = Request::Clients(ClientsQuery { page: largest() });
    match (of.get_flag("watch"), of.get_one::<Duration>("interval")) {
        (true, Some(interval)) => Wanted::Repeat(request, *interval),
        _ => Wanted::Ask(request),
    }
}

/// Converts the arguments of `mgmctl top` and of mgmtop.
pub fn parse_top(matches: &ArgMatches, variables: Environment) -> (Options, Wanted) {
    let interval = matches.get_one::<Duration>("interval").copied();
    let once = matches.get_flag("once");
    let top = Top { once, interval: interval.unwrap_or(Duration::from_secs(1)) };
    (options(matches, variables), Wanted::Top(top))
}

/// The options, and the socket of the first of these that is there: `--socket`, the argument of
/// `top`, the variables.
fn options(matches: &ArgMatches, variables: Environment) -> Options {
    let variable =
        |value: Option<OsString>| value.filter(|path| !path.is_empty()).map(PathBuf::from);
    let argument = |name: &str| matches.try_get_one::<PathBuf>(name).ok().flatten().cloned();
    let control = |path| Socket { path, may_be_library: false };
    let library = |path| Socket { path, may_be_library: true };
    let socket = argument("socket")
        .map(control)
        .or_else(|| argument("SOCKET").map(library))
        .or_else(|| variable(variables.status).map(library))
        .or_else(|| variable(variables.control).map(control));
    Options {
        socket: socket.unwrap_or_else(|| control(DEFAULT_SOCKET.into())),
        json: matches.get_flag("json"),
    }
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
        let parsed = parse(&matches, Environment::default());
        Ok(parsed.expect("clap has checked the arguments"))
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
        mgmtop().debug_assert();
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
        let clients = Request::Clients(ClientsQuery { page: largest() });
        assert_eq!(asked(&["clients"]), clients);
        let watch = Wanted::Repeat(clients, Duration::from_millis(500));
        let arguments = ["clients", "--watch", "--interval", "0.5"];
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
        let control = |path: &str| Socket { path: path.into(), may_be_library: false };
        let expected = Options { socket: control("/x"), json: true };
        for arguments in
            [["--socket", "/x", "--json", "status"], ["status", "--json", "--socket", "/x"]]
        {
            assert_eq!(parsed(&arguments).map(|(options, _)| options), Ok(expected.clone()));
        }
        let options = parsed(&["status"]).map(|(options, _)| options);
        assert_eq!(options, Ok(Options { socket: control(DEFAULT_SOCKET), json: false }));
    }

    #[test]
    fn the_environment_names_the_socket_unless_an_argument_does() {
        let socket = |arguments: &[&str], [control, status]: [&str; 2]| {
            let matches = command().get_matches_from(arguments);
            let variables =
                Environment { control: Some(control.into()), status: Some(status.into()) };
            let (options, _) = parse(&matches, variables).expect("clap has checked them");
            (options.socket.path.display().to_string(), options.socket.may_be_library)
        };
        let of = |path: &str, library| (path.to_owned(), library);
        let reload = ["mgmctl", "reload"];
        assert_eq!(socket(&reload, ["/x", "/status"]), of("/x", false));
        assert_eq!(socket(&reload, ["", "/status"]), of(DEFAULT_SOCKET, false));
        assert_eq!(socket(&["mgmctl", "--socket", "/y", "reload"], ["/x", ""]), of("/y", false));
        for name in ["status", "flows", "clients", "top"] {
            assert_eq!(socket(&["mgmctl", name], ["/x", "/status"]), of("/status", true));
            assert_eq!(socket(&["mgmctl", name], ["/x", ""]), of("/x", false));
            assert_eq!(socket(&["mgmctl", name], ["", ""]), of(DEFAULT_SOCKET, false));
            let named = ["mgmctl", "--socket", "/y", name];
            assert_eq!(socket(&named, ["/x", "/status"]), of("/y", false));
        }
        assert_eq!(socket(&["mgmctl", "top", "/y"], ["/x", "/status"]), of("/y", true));
        let help = command().render_help().to_string();
        for named in [SOCKET_VARIABLE, STATUS_VARIABLE, DEFAULT_SOCKET] {
            assert!(help.contains(named), "{help}");
        }
    }

    #[test]
    fn mgmtop_is_the_command_top() {
        let arguments = ["--json", "--once", "--interval", "0.5", "/y"];
        let (options, wanted) = parsed(&[&["top"][..], &arguments].concat()).expect("valid");
        let top = Top { once: true, interval: Duration::from_millis(500) };
        assert_eq!(wanted, Wanted::Top(top));
        let matches = mgmtop().get_matches_from([&["mgmtop"][..], &arguments].concat());
        assert_eq!(parse_top(&matches, Environment::default()), (options, wanted));
    }

    #[test]
    fn an_invalid_argument_is_named() {
        let cases: [(&[&str], &str); 8] = [
            (&["stauts"], "'status'"),
            (&["log", "loud"], "off, error, warn, info, debug, trace"),
            (&["join", "eth1"], "<GROUP>"),
            (&["flows", "239.1.1"], "239.1.1"),
            (&["igmp", "abcdefghijklmnop"], "1 to 15 bytes"),
            (&["flows", "--interval", "0"], "from 0.1 to 3600"),
            (&["top", "--interval", "3601"], "from 0.1 to 3600"),
            (&["top", "/x", "--socket", "/y"], "cannot be used with"),
        ];
        for (arguments, named) in cases {
            let error = parsed(arguments).expect_err("it is invalid");
            assert!(error.contains(named), "{arguments:?}: {error}");
        }
    }
}
