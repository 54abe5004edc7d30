//! mgmctl shows and changes the state of a running mgmd.
//!
//! - `arguments`: the commands and their arguments.
//! - `commands`: sends requests to mgmd, and prints the answers.
//! - `show`: formats the answers as text for people. `table`: columns that fit a
//!   terminal.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod arguments;
#[cfg(unix)]
mod commands;
#[cfg(unix)]
mod show;
#[cfg(unix)]
mod table;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    commands::run(std::env::args_os())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("mgmctl: this system has no UNIX sockets");
    std::process::exit(1);
}
