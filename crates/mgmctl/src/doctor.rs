//! `mgmctl doctor` looks for the reasons why streams do not flow.
//!
//! - `arguments`: its interfaces, and how long it listens.
//! - `collect` looks at the system: packets, netlink, /proc, and mgmd if it runs. `facts`,
//!   `traffic` and `firewall` are what it has seen, as data.
//! - `judge` finds the faults in these data, each with a command that mends it.
//! - `report` prints them.
//!
//! It judges by the effect where that is possible: a stream that arrives and does not leave is a
//! fault, whatever the settings are.

mod arguments;
mod collect;
mod facts;
mod firewall;
mod judge;
mod report;
#[cfg(test)]
mod schema;
mod shell;
mod traffic;

pub use arguments::{command, options};

use report::Report;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The system cannot be examined, or the output cannot be written.
const FAILED: u8 = 1;
/// There are faults.
const FOUND: u8 = 4;

/// What the user has asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long to capture packets.
    pub listen: Duration,
    /// The interfaces to listen on; empty for those of all multicast routers.
    pub interfaces: Vec<String>,
    /// mgmd's control socket.
    pub socket: PathBuf,
    /// Whether the user has named the socket.
    pub socket_is_named: bool,
    /// Print JSON.
    pub json: bool,
}

/// Examines the system, and prints what is wrong.
pub fn run(options: &Options) -> ExitCode {
    let mut report = Report { doctor: Report::VERSION, ..Report::default() };
    let facts = match collect::collect(options, &mut report) {
        Ok(facts) => facts,
        Err(error) => {
            eprintln!("mgmctl: {error}");
            return ExitCode::from(FAILED);
        }
    };
    judge::judge(&facts, &mut report);
    let text = if options.json { report.json() } else { report.text() };
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        // The reader of the output may close it early.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("mgmctl: cannot write the output: {error}");
            ExitCode::from(FAILED)
        }
        _ if report.findings.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::from(FOUND),
    }
}
