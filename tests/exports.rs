//! What the shared library exports, and that nothing gets in by another way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// name@@version, as exports.txt has them.
fn listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("src/abi/exports.txt")).unwrap();
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, version) = line.split_once(' ').expect("name and version");
            format!("{name}@@{version}")
        })
        .collect()
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Each exported function is `#[no_mangle] pub unsafe extern "C" fn`, its whole
/// body one `entry("its name", …)`, or `entry_for`; and together they are exports.txt.
#[test]
fn every_export_goes_through_entry() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let exported = text.matches("\n#[no_mangle]").count() + text.matches("export_name").count();
        let pieces: Vec<_> = text.split("\n#[no_mangle]\n").skip(1).collect();
        assert_eq!(pieces.len(), exported, "{}: an odd #[no_mangle]", file.display());
        for piece in pieces {
            let rest = piece
                .strip_prefix("pub unsafe extern \"C\" fn ")
                .unwrap_or_else(|| panic!("{}: not an export as usual", file.display()));
            let (name, rest) = rest.split_once('(').unwrap();
            let function = rest.split("\n}\n").next().unwrap();
            let (_, body) = function.split_once("-> DWORD {").expect("a body");
            let body = body.trim();
            let ways_in =
                [format!("entry(\"{name}\", || {{"), format!("entry_for(\"{name}\", HandleKind::")];
            let closes = body.find("\n    })").map(|at| at + "\n    })".len());
            assert!(
                ways_in.iter().any(|way| body.starts_with(way)) && closes == Some(body.len()),
                "{name} does not do all its work in entry(\"{name}\", ...) or entry_for"
            );
            found.insert(name.to_owned());
        }
    }
    let names: BTreeSet<_> =
        listed().iter().map(|line| line.split('@').next().unwrap().to_owned()).collect();
    assert_eq!(found, names, "the sources and src/abi/exports.txt differ");
}

#[cfg(target_os = "linux")]
mod elf {
    use super::listed;
    use std::collections::BTreeSet;
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::Once;

    /// The shared library, built in the same profile as this test. Cargo does not build it for
    /// a test, because no test can link it.
    fn library() -> PathBuf {
        static BUILT: Once = Once::new();
        let program = std::env::current_exe().unwrap(); // <target>/<profile>/deps/exports-<hash>
        let profile = program.ancestors().nth(2).unwrap();
        BUILT.call_once(|| {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.current_dir(super::root()).args(["build", "--quiet", "--locked", "--lib"]);
            cargo.arg("--target-dir").arg(profile.parent().unwrap());
            if profile.ends_with("release") {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success(), "the library cannot be built");
        });
        profile.join("libmgm.so")
    }

    fn run(tool: &str, args: &[&str]) -> String {
        let output = Command::new(tool).args(args).arg(library()).output();
        let output = output.unwrap_or_else(|error| panic!("{tool} (binutils): {error}"));
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn the_library_exports_what_is_listed_and_no_more() {
        let symbols = run("nm", &["-D", "--defined-only", "--with-symbol-versions"]);
        let exported: BTreeSet<_> = symbols
            .lines()
            .filter_map(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                // GNU ld also lists the versions themselves, as absolute symbols.
                (words[1] != "A").then(|| words[2].to_owned())
            })
            .collect();
        assert_eq!(
            exported,
            listed(),
            "the library and src/abi/exports.txt differ (no versions at all? scripts/link-versioned \
             is the linker by .cargo/config.toml, which cargo reads in this folder only)"
        );
    }

    #[test]
    fn the_library_knows_its_name() {
        let dynamic = run("readelf", &["-d"]);
        assert!(dynamic.contains("Library soname: [libmgm.so.1]"), "{dynamic}");
        let link = library().with_file_name("libmgm.so.1");
        assert!(link.exists(), "no {}", link.display());
    }
}
