//! Measures the C API of a library, and compares it with its goals, the kernel's own table and the maps
//! of the standard library. docs/benchmarks.md documents what is measured, and how.
//!
//!     bench [--library PATH] [--quick] [--out DIRECTORY] [ROW …]

#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod dump;
#[cfg(target_os = "linux")]
mod flows;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod library;
#[cfg(target_os = "linux")]
mod meter;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod probes;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod router;
#[cfg(target_os = "linux")]
mod rows;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    command::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the benchmarks are for Linux");
}
