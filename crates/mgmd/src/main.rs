//! The program mgmd.
//!
//! - `run`: does what the arguments ask for: starts and stops the daemon.
//! - `devices`: the interfaces that mgmd makes.
//! - `library`: libmgm, as the daemon uses it.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod devices;
#[cfg(target_os = "linux")]
mod library;
#[cfg(target_os = "linux")]
mod run;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::run(std::env::args_os().skip(1))
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("mgmd: runs on Linux only");
    std::process::exit(1);
}
