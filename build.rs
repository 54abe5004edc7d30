//! Generates the C headers into OUT_DIR, and names the shared library.
//!
//! `make headers` copies them to include/, and tests/headers.rs fails if they
//! differ from those there. This script writes nothing into the source tree.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "src/abi/headers/ffi.rs"]
mod ffi;

const HEADERS: [&str; 3] = ["mgmtypes.h", "mgm.h", "mgmhost.h"];
/// Marks a line of a template that names a source file. The declarations that
/// cbindgen generates from the file replace the line.
const MARK: &str = "//@ ";

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for watched in ["src/abi", "cbindgen.toml", "build.rs", "scripts/link-versioned"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let headers = HEADERS.map(|name| (name, header(&root, name)));
    for (name, text) in &headers {
        fs::write(out.join(name), text).expect("OUT_DIR can be written to");
    }
    fs::write(out.join("mgm.ffi.h"), ffi::header(&headers)).expect("OUT_DIR can be written to");
    println!("cargo:rustc-env=MGM_TARGET={}", env::var("TARGET").expect("cargo sets it"));
    // For the test that compares these headers with the committed ones.
    println!("cargo:rustc-env=MGM_HEADERS_DIR={}", out.display());
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        soname(&out);
    }
}

/// Sets the SONAME libmgm.so.1, so that an incompatible libmgm.so.2 can be
/// installed beside it. Makes a link of that name in the build folder, so that
/// programs can run there. `nodelete` keeps the library loaded when a program
/// closes it, because its threads may still be running.
fn soname(out: &Path) {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libmgm.so.1,-z,nodelete");
    // OUT_DIR is <profile>/build/mgm-<hash>/out
    let Some(profile) = out.ancestors().nth(3) else { return };
    for dir in [profile.to_path_buf(), profile.join("deps")] {
        let link = dir.join("libmgm.so.1");
        if fs::symlink_metadata(&link).is_err() {
            #[cfg(unix)]
            std::os::unix::fs::symlink("libmgm.so", &link).ok();
        }
    }
}

/// Returns the template of a header with its marked lines replaced.
fn header(root: &Path, name: &str) -> String {
    let template = root.join(format!("src/abi/headers/{name}.in"));
    let template = fs::read_to_string(&template)
        .unwrap_or_else(|error| panic!("{}: {error}", template.display()));
    let mut header = String::new();
    for line in template.lines() {
        match line.strip_prefix(MARK) {
            Some(source) => header.push_str(&section(&root.join(source))),
            None => writeln!(header, "{line}").expect("writing to a String cannot fail"),
        }
    }
    header
}

/// Returns the declarations that cbindgen generates from the public items of one source file.
fn section(source: &Path) -> String {
    let mut config = cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml is valid");
    // cbindgen exports all functions, but only those types that are named here.
    let text =
        fs::read_to_string(source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
    config.export.include = text.lines().filter_map(public_type).map(str::to_owned).collect();
    let mut bytes = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(source)
        .generate()
        .unwrap_or_else(|error| panic!("{}: {error}", source.display()))
        .write(&mut bytes);
    polish(&String::from_utf8(bytes).expect("cbindgen writes UTF-8"))
}

/// Returns the name of the public type that a line declares, if it declares one.
fn public_type(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub type ").or_else(|| line.strip_prefix("pub struct "))?;
    Some(rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(rest))
}

/// Turns comments of rustdoc into comments of a header: no markdown, short
/// comments on one line, one-line declarations without blank lines between
/// them.
fn polish(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out: Vec<String> = Vec::new();
    let mut i = 0;
    while i < lines.len() {
        let line = lines[i];
        let indent = &line[..line.len() - line.trim_start().len()];
        match lines[i..] {
            [open, text, close, ..]
                if open.trim() == "/**" && close.trim() == "*/" && text.len() < 90 =>
            {
                let text = text.trim_start().trim_start_matches("* ");
                out.push(format!("{indent}/** {} */", plain(text)));
                i += 3;
            }
            _ => {
                out.push(if line.trim_start().starts_with('*') {
                    plain(line)
                } else {
                    line.to_owned()
                });
                i += 1;
            }
        }
    }
    let one_line = |line: &String| line.starts_with("typedef ") && line.ends_with(';');
    let mut tight = String::new();
    for (i, line) in out.iter().enumerate() {
        let between = line.is_empty() && i > 0 && i + 1 < out.len();
        let closes_struct = between && out[i - 1] == "};" && one_line(&out[i + 1]);
        if between && (closes_struct || one_line(&out[i - 1]) && one_line(&out[i + 1])) {
            continue;
        }
        tight.push_str(line);
        tight.push('\n');
    }
    format!("{}\n", tight.trim_matches('\n'))
}

/// Removes the markdown from a line of a comment.
fn plain(line: &str) -> String {
    let line = line.replace('`', "");
    match line.split_once("* # ") {
        Some((before, title)) => format!("{before}* {title}:"),
        None => line,
    }
}
