//! Prints mgmd.toml(5): "make man". Not an argument of mgmd, which needs the library.

#[cfg(target_os = "linux")]
fn main() {
    print!("{}", mgmd::manual::page());
}

#[cfg(not(target_os = "linux"))]
fn main() {}
