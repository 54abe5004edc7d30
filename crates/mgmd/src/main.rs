//! The program mgmd. This version only checks configurations.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod arguments;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    arguments::run(std::env::args_os().skip(1))
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("mgmd: this system has no multicast routing of Linux");
    std::process::exit(1);
}
