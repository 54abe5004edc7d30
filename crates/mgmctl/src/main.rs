//! mgmctl shows and changes the state of a running mgmd. The program mgmtop is a link to it.
//!
//! - `arguments`: the commands and their arguments.
//! - `commands`: sends requests to the router, and prints the answers. `failed`: why it cannot.
//! - `router`: what answers at a socket, mgmd or a library.
//! - `show`: formats the answers as text for people. `table`: columns that fit a
//!   terminal.
//! - `explain`: why the packets of a flow do not go out.
//! - `top`: the flows on the whole terminal.
//! - `doctor`: looks for the reasons why streams do not flow, also without mgmd.
#![forbid(unsafe_code)]

#[cfg(unix)]
mod arguments;
#[cfg(unix)]
mod commands;
#[cfg(target_os = "linux")]
mod doctor;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod failed;
#[cfg(unix)]
mod router;
#[cfg(unix)]
mod show;
#[cfg(unix)]
mod table;
#[cfg(unix)]
mod top;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    commands::run(std::env::args_os())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("mgmctl: this system has no UNIX sockets");
    std::process::exit(1);
}
