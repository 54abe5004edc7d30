//! Makes a stub of libmgm.so to link against, so that the library need not be built or installed
//! first. The stub has the name and the symbol versions of the real library, from the list of
//! exports, but no code: the system's loader finds the real library when the program starts.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The list of exports: a name and a symbol version in each line.
const EXPORTS: &str = "../../src/abi/exports.txt";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={EXPORTS}");
    println!("cargo:rerun-if-env-changed=CC");
    println!("cargo:rerun-if-env-changed=AR");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return; // the crate is empty there
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let list = fs::read_to_string(EXPORTS).unwrap_or_else(|error| panic!("{EXPORTS}: {error}"));
    let exports: Vec<(&str, &str)> = list
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(' ').expect("a line has a name and a version"))
        .collect();
    write(&out.join("stub.c"), &source(&exports));
    write(&out.join("stub.map"), &version_script(&exports));
    let cc = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let ar = env::var_os("AR").unwrap_or_else(|| "ar".into());
    // The name is libmgm.so and not libmgm.so.1, so that no loader uses the stub as the library.
    run(Command::new(&cc).current_dir(&out).args([
        "-shared",
        "-fPIC",
        "-nostdlib",
        "-Wl,-soname,libmgm.so.1,--version-script=stub.map",
        "-o",
        "libmgm.so",
        "stub.c",
    ]));
    // For the unit tests, which run without the library.
    run(Command::new(&cc).current_dir(&out).args(["-c", "-fPIC", "-o", "stub.o", "stub.c"]));
    run(Command::new(&ar).current_dir(&out).args(["crs", "libmgm_stub.a", "stub.o"]));
    println!("cargo:rustc-link-search=native={}", out.display());
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Functions that only return ERROR_CAN_NOT_COMPLETE.
fn source(exports: &[(&str, &str)]) -> String {
    exports.iter().fold(String::new(), |mut text, (name, _)| {
        writeln!(text, "unsigned {name}(void) {{ return 1003; }}").expect("a string takes all");
        text
    })
}

/// Writes a node for each version, in the order in which the versions first occur, as
/// scripts/link-versioned does.
fn version_script(exports: &[(&str, &str)]) -> String {
    let mut versions: Vec<&str> = Vec::new();
    for (_, version) in exports {
        if !versions.contains(version) {
            versions.push(version);
        }
    }
    let mut text = String::new();
    for (i, version) in versions.iter().enumerate() {
        let names = exports.iter().filter(|(_, of)| of == version).map(|(name, _)| *name);
        let names: Vec<&str> = names.collect();
        let (hidden, parent) = match i.checked_sub(1) {
            None => (" local: *;", String::new()),
            Some(before) => ("", format!(" {}", versions[before])),
        };
        writeln!(text, "{version} {{ global: {};{hidden} }}{parent};", names.join("; "))
            .expect("a string takes all");
    }
    text
}

fn run(command: &mut Command) {
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{command:?}: {status}"),
        Err(error) => panic!("{command:?}: {error}: a C compiler and binutils are needed"),
    }
}
