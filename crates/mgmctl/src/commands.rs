//! Sends requests to the router, and prints the answers.

use crate::arguments::{
    command, mgmtop, parse, parse_top, Environment, Options, Wanted, SOCKET_VARIABLE,
    STATUS_VARIABLE,
};
use crate::explain::explain;
use crate::failed::Failed;
use crate::router::{turn_page, Answer, Router};
use crate::{show, table, top};
use mgm_control::request::{FlowsQuery, Request};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The exit status if packets do not go out.
const NOT_FORWARDED: u8 = 4;

/// Clears the screen, and puts the cursor into its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Runs a command. The name of the program decides whether it is mgmctl or mgmtop.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let variables = Environment {
        control: std::env::var_os(SOCKET_VARIABLE),
        status: std::env::var_os(STATUS_VARIABLE),
    };
    let called = arguments.first().and_then(|name| Path::new(name).file_name());
    // If the help is wanted, or an argument is invalid, clap prints it, and ends with 0 or 2.
    let (program, parsed) = if called.is_some_and(|name| name == "mgmtop") {
        ("mgmtop", Some(parse_top(&mgmtop().get_matches_from(arguments), variables)))
    } else {
        ("mgmctl", parse(&command().get_matches_from(arguments), variables))
    };
    let Some((options, wanted)) = parsed else { return ExitCode::from(2) };
    #[cfg(target_os = "linux")]
    if let Wanted::Doctor(options) = &wanted {
        return crate::doctor::run(options);
    }
    match carry_out(options, wanted) {
        Ok(Done::AsWanted) => ExitCode::SUCCESS,
        Ok(Done::NotForwarded) => ExitCode::from(NOT_FORWARDED),
        Err(failed) if failed.is_closed_output() => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("{program}: {failed}");
            ExitCode::from(failed.status())
        }
    }
}

/// The end of a command that has not failed.
enum Done {
    AsWanted,
    /// `explain` has found a reason why packets do not go out.
    NotForwarded,
}

fn carry_out(options: Options, wanted: Wanted) -> Result<Done, Failed> {
    let json = options.json;
    let mut router = Router::new(options.socket);
    let done = match wanted {
        Wanted::Explain(wanted) => {
            let (text, is_forwarded) = explain(&mut router, json, &wanted)?;
            print(text.as_bytes())?;
            return Ok(if is_forwarded { Done::AsWanted } else { Done::NotForwarded });
        }
        Wanted::Ask(request) => ask(&mut router, json, request),
        Wanted::Watch(query, interval) if json => {
            repeat(&mut router, json, &Request::Flows(query), interval)
        }
        Wanted::Watch(query, interval) => watch(&mut router, &query, interval),
        Wanted::Repeat(request, interval) => repeat(&mut router, json, &request, interval),
        Wanted::Top(how) if json && how.once => ask(&mut router, json, Request::Flows(top::all())),
        Wanted::Top(how) if json => {
            repeat(&mut router, json, &Request::Flows(top::all()), how.interval)
        }
        Wanted::Top(how) => top::run(&mut router, how),
        // It needs no router, and has its own exit status.
        #[cfg(target_os = "linux")]
        Wanted::Doctor(_) => Ok(()),
        Wanted::Completions(shell) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command(), "mgmctl", &mut text);
            print(&text)
        }
    };
    done.map(|()| Done::AsWanted)
}

fn print(text: &[u8]) -> Result<(), Failed> {
    let mut output = io::stdout().lock();
    output.write_all(text)?;
    Ok(output.flush()?)
}

/// Requests one page after the other. Prints each page at once, so that no list is stored
/// whole.
fn ask(router: &mut Router, as_json: bool, mut request: Request) -> Result<(), Failed> {
    let mut is_first = true;
    loop {
        let json = match router.ask(&request)? {
            Answer::Mgmd(json) | Answer::Library(json) if as_json => {
                print(json.as_bytes())?;
                json
            }
            Answer::Mgmd(json) => {
                let text = show::answer(&request, &json, is_first).map_err(Failed::Answer)?;
                print(text.as_bytes())?;
                json
            }
            Answer::Library(json) => {
                return print(show::library(&json).map_err(Failed::Answer)?.as_bytes());
            }
        };
        is_first = false;
        if !turn_page(&mut request, &json) {
            return Ok(());
        }
    }
}

/// Prints the flows repeatedly, until a signal ends the program or the output is closed.
fn watch(router: &mut Router, query: &FlowsQuery, interval: Duration) -> Result<(), Failed> {
    let clear = if io::stdout().is_terminal() { CLEAR } else { "" };
    let (start, mut watch) = (Instant::now(), show::Watch::default());
    loop {
        let begun = Instant::now();
        watch.update(router.all_flows(query)?, begun - start);
        print(format!("{clear}{}", watch.table(table::WIDTH)).as_bytes())?;
        std::thread::sleep(interval.saturating_sub(begun.elapsed()));
    }
}

/// Prints the answer to a request repeatedly, likewise.
fn repeat(
    router: &mut Router,
    as_json: bool,
    request: &Request,
    interval: Duration,
) -> Result<(), Failed> {
    let clears = !as_json && io::stdout().is_terminal();
    loop {
        let begun = Instant::now();
        if clears {
            print(CLEAR.as_bytes())?;
        }
        ask(router, as_json, request.clone())?;
        std::thread::sleep(interval.saturating_sub(begun.elapsed()));
    }
}
