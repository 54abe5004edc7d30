//! mgmctl looks into a running mgmd, and steers it.
//!
//! - `arguments`: the commands and their arguments.
//! - `commands`: asks mgmd, and prints what it answers.
//! - `show`: the answers as text for people; `table`: columns that fit a terminal.
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
