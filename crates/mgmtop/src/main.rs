//! Shows the MFEs of a running router as a live table. Reads them from the router's status socket.

#![forbid(unsafe_code)]

#[cfg(unix)]
mod live;

#[cfg(unix)]
fn main() {
    live::main();
}

#[cfg(not(unix))]
fn main() {
    eprintln!("mgmtop: this system has no status sockets");
    std::process::exit(1);
}
