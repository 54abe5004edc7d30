//! Sends requests to mgmd, and prints the answers.

use crate::arguments::{command, parse, Options, Wanted, SOCKET_VARIABLE};
use crate::show;
use mgm_control::client::{Client, ClientError};
use mgm_control::flows::Flows;
use mgm_control::request::{FlowsQuery, Request};
use mgm_control::{Page, Versioned};
use serde_json::Value;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// mgmd refused the request, or the output cannot be written.
const REFUSED: u8 = 1;
/// mgmd did not answer.
const NO_ANSWER: u8 = 3;

/// Clears the screen, and puts the cursor into its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Why a command has failed.
enum Failed {
    Mgmd(ClientError),
    Output(io::Error),
    /// The answer lacks a member that the text needs.
    Answer(serde_json::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Mgmd(error) => error.fmt(f),
            Failed::Output(error) => write!(f, "cannot write the output: {error}"),
            Failed::Answer(error) => {
                write!(f, "the answer of this version of mgmd cannot be shown: {error}: use --json")
            }
        }
    }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Failed {
        Failed::Mgmd(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Output(error)
    }
}

/// Runs a command.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // If the help is wanted, or an argument is invalid, this prints it, and ends
    // with 0 or 2.
    let matches = command().get_matches_from(arguments);
    let variable = std::env::var_os(SOCKET_VARIABLE);
    let Some((options, wanted)) = parse(&matches, variable) else { return ExitCode::from(2) };
    let mut client = Client::new(&options.socket);
    let done = match wanted {
        Wanted::Ask(request) => ask(&mut client, &options, request),
        Wanted::Watch(query, interval) => watch(&mut client, &options, &query, interval),
        Wanted::Completions(shell) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command(), "mgmctl", &mut text);
            print(&text)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // It is not an error if the reader of the output, such as head, closes it early.
        Err(Failed::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mgmctl: {error}");
            ExitCode::from(match error {
                Failed::Mgmd(ClientError::Refused(_)) | Failed::Output(_) => REFUSED,
                Failed::Mgmd(_) | Failed::Answer(_) => NO_ANSWER,
            })
        }
    }
}

fn print(text: &[u8]) -> Result<(), Failed> {
    let mut output = io::stdout().lock();
    output.write_all(text)?;
    Ok(output.flush()?)
}

/// Requests one page after the other. Prints each page at once, so that no list is stored
/// whole.
fn ask(client: &mut Client, options: &Options, mut request: Request) -> Result<(), Failed> {
    let mut is_first = true;
    loop {
        let json = client.ask_json(&request)?;
        if options.json {
            print(json.as_bytes())?;
        } else {
            let text = show::answer(&request, &json, is_first).map_err(Failed::Answer)?;
            print(text.as_bytes())?;
        }
        is_first = false;
        if !turn_page(&mut request, &json) {
            return Ok(());
        }
    }
}

/// Makes it the request for the next page, if there is one.
fn turn_page(request: &mut Request, json: &str) -> bool {
    let answer: Value = serde_json::from_str(json).unwrap_or_default();
    let Some(next) = answer["next"].as_str() else { return false };
    match request {
        Request::Interfaces(query) | Request::Igmp(query) => turn(&mut query.page, next),
        Request::Groups(query) => turn(&mut query.page, next),
        Request::Flows(query) => turn(&mut query.page, next),
        _ => false,
    }
}

fn turn<K: std::str::FromStr + PartialEq>(page: &mut Page<K>, next: &str) -> bool {
    let next = next.parse().ok();
    let moves = next.is_some() && next != page.after;
    page.after = next;
    moves
}

/// All pages of the flows.
fn all_flows(client: &mut Client, query: &FlowsQuery) -> Result<Flows, Failed> {
    let (mut whole, mut query) = (Flows::default(), query.clone());
    loop {
        let page: Versioned<Flows> = client.ask(&Request::Flows(query.clone()))?;
        let Flows { total, flows, next } = page.answer;
        whole.total = total;
        whole.flows.extend(flows);
        if !next.is_some_and(|next| turn(&mut query.page, &next)) {
            return Ok(whole);
        }
    }
}

/// Prints the flows repeatedly, until a signal ends the program or the output is closed.
fn watch(
    client: &mut Client,
    options: &Options,
    query: &FlowsQuery,
    interval: Duration,
) -> Result<(), Failed> {
    let clear = if io::stdout().is_terminal() { CLEAR } else { "" };
    let mut rates = show::Rates::default();
    loop {
        let begun = Instant::now();
        if options.json {
            ask(client, options, Request::Flows(query.clone()))?;
        } else {
            let flows = all_flows(client, query)?;
            let text = show::watched(&flows, &mut rates, begun);
            print(format!("{clear}{text}").as_bytes())?;
        }
        std::thread::sleep(interval.saturating_sub(begun.elapsed()));
    }
}
