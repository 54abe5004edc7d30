//! The program, where there are UNIX sockets.
//!
//! - `table`: the lines of the table, sorted and cut to the screen.
//! - `terminal`: the terminal's keys and size.

mod table;
mod terminal;

use terminal::{Input, CONTROL_C};

const USAGE: &str = "\
mgmtop [--once] [--interval SECONDS] [SOCKET]

Shows the MFEs of the router that serves its status at SOCKET, the busiest first.
The default of SOCKET is the value of MGM_STATUS_SOCKET. The key q ends the program.

  --once      print one table; the rates are measured over one interval
  --interval  update the table every SECONDS (0.1 to 3600), 1 by default
  --version   print the version of this program
  --help      print this text
";

const VERSION: &str = concat!("mgmtop ", env!("CARGO_PKG_VERSION"), "\n");

pub fn main() {
    let options = match Wanted::parse(std::env::args().skip(1)) {
        Ok(Wanted::Table(options)) => options,
        Ok(Wanted::Text(text)) => return print!("{text}"),
        Err(what) => {
            eprint!("mgmtop: {what}\n\n{USAGE}");
            std::process::exit(2);
        }
    };
    if let Err(error) = run(&options) {
        eprintln!(
            "mgmtop: {}: {error} (is the router running, with MGM_STATUS_SOCKET set to this \
             path, and may you access it?)",
            options.socket
        );
        std::process::exit(1);
    }
}

struct Options {
    socket: String,
    once: bool,
    interval: std::time::Duration,
}

/// What the arguments ask for.
enum Wanted {
    Table(Options),
    /// Help, or the version.
    Text(&'static str),
}

impl Wanted {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Wanted, String> {
        let (mut socket, mut once, mut seconds) = (None, false, 1.0);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--once" => once = true,
                "--interval" => {
                    let value = args.next().unwrap_or_default();
                    seconds = value.parse().unwrap_or(0.0);
                    if !(0.1..=3600.0).contains(&seconds) {
                        return Err(format!("--interval {value}: must be 0.1 to 3600 seconds"));
                    }
                }
                "-h" | "--help" => return Ok(Wanted::Text(USAGE)),
                "-V" | "--version" => return Ok(Wanted::Text(VERSION)),
                _ if arg.starts_with('-') || socket.is_some() => {
                    return Err(format!("unknown argument {arg}"));
                }
                _ => socket = Some(arg),
            }
        }
        let socket = socket
            .or_else(|| std::env::var("MGM_STATUS_SOCKET").ok())
            .ok_or("no SOCKET given, and MGM_STATUS_SOCKET is not set")?;
        let interval = std::time::Duration::from_secs_f64(seconds);
        Ok(Wanted::Table(Options { socket, once, interval }))
    }
}

/// The router's status, now.
fn ask(socket: &str) -> std::io::Result<serde_json::Value> {
    use std::io::{Error, ErrorKind, Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    // A line, so that the answer is the bare JSON.
    stream.write_all(b"status\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    serde_json::from_str(&text).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

fn run(options: &Options) -> std::io::Result<()> {
    use std::io::Write;
    let mut table = table::Table::new(ask(&options.socket)?);
    if options.once {
        std::thread::sleep(options.interval);
        table.update(ask(&options.socket)?);
        let page = table.lines().join("\n");
        // A reader that has enough, such as head, is no error.
        return writeln!(std::io::stdout(), "{page}").or(Ok(()));
    }
    let terminal = terminal::Terminal::take()?;
    let mut waited = std::time::Duration::ZERO;
    loop {
        terminal.show(&table.lines())?;
        let begun = std::time::Instant::now();
        match terminal.input(options.interval.saturating_sub(waited)) {
            Some(Input::Key(b'q' | b'Q' | CONTROL_C)) => return Ok(()),
            Some(_) => waited += begun.elapsed(),
            None => waited = options.interval,
        }
        if waited >= options.interval {
            waited = std::time::Duration::ZERO;
            table.update(ask(&options.socket)?);
        }
    }
}
