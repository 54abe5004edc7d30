//! A live table of the MFEs of a running router, by its status socket.

#[cfg(unix)]
mod live;

#[cfg(unix)]
fn main() {
    live::main();
}

#[cfg(not(unix))]
fn main() {
    eprintln!("mgmtop: there are no status sockets on this system");
    std::process::exit(1);
}
