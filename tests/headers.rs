//! The committed headers are what the sources say, and C and C++ take them.
#![cfg(unix)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

const HEADERS: [&str; 3] = ["mgmtypes.h", "mgm.h", "mgmhost.h"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn committed_headers_are_the_generated_ones() {
    for name in HEADERS.into_iter().chain(["mgm.ffi.h"]) {
        let generated = read(Path::new(env!("MGM_HEADERS_DIR")).join(name));
        let committed = read(root().join("include").join(name));
        assert!(
            generated == committed,
            "include/{name} is not what src/abi says: run `make headers` and commit it"
        );
    }
}

#[test]
fn every_export_has_its_prototype() {
    let headers = read(root().join("include/mgm.h")) + &read(root().join("include/mgmhost.h"));
    let exports = read(root().join("src/abi/exports.txt"));
    let names: Vec<_> = exports
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(names.len() >= 17);
    for name in &names {
        assert!(headers.contains(&format!("\nDWORD {name}(")), "no prototype of {name}");
    }
    let prototypes = headers.lines().filter(|line| line.starts_with("DWORD Mgm")).count();
    assert_eq!(prototypes, names.len(), "a header has a prototype that exports.txt lacks");
}

/// The rules that hold for all functions, and for all callbacks: told once, at the top.
const LOCK_RULE: &str =
    "Lock rule. While you call an Mgm function, do not hold a lock that one of your";
const CALLBACK_RULES: &str = "Callback rules. ";

/// What each prototype and callback type has to have above it.
#[test]
fn every_function_is_described() {
    let text = read(root().join("include/mgm.h"));
    for rule in [LOCK_RULE, CALLBACK_RULES] {
        assert_eq!(text.matches(rule).count(), 1, "mgm.h: not once \"{rule}\"");
    }
    for (at, _) in text.match_indices("\nDWORD Mgm") {
        let name: String = text[at + 7..].chars().take_while(|c| *c != '(').collect();
        let above = text[..at].rsplit("/**").next().unwrap();
        for part in [
            "Parameters:",
            "Returns:",
            "Threads:",
            "ERROR_CAN_NOT_COMPLETE",
            &format!("Source: reference page \"{name} function (mgm.h)\""),
        ] {
            assert!(above.contains(part), "{name}: no \"{part}\"");
        }
        check_threads(&name, above);
    }
    for (at, _) in text.match_indices("\ntypedef DWORD (*PMGM_") {
        let name: String = text[at + 17..].chars().take_while(|c| *c != ')').collect();
        let above = text[..at].rsplit("/**").next().unwrap();
        for part in [
            "Parameters:",
            "Returns:",
            "Threads:\n * The callback rules apply.",
            "Source: reference page",
        ] {
            assert!(above.contains(part), "{name}: no \"{part}\"");
        }
    }
}

/// The same for the functions of mgmhost.h, which have no page of the reference.
#[test]
fn every_host_function_is_described() {
    let text = read(root().join("include/mgmhost.h"));
    for (at, _) in text.match_indices("\nDWORD Mgm") {
        let name: String = text[at + 7..].chars().take_while(|c| *c != '(').collect();
        let above = text[..at].rsplit("/**").next().unwrap();
        for part in ["Returns:", "Threads:", "ERROR_CAN_NOT_COMPLETE"] {
            assert!(above.contains(part), "{name}: no \"{part}\"");
        }
        check_threads(&name, above);
    }
}

/// A function that can run or wait for callbacks names the lock rule; the others say
/// that they cause none.
fn check_threads(name: &str, above: &str) {
    let text = above.split_whitespace().filter(|word| *word != "*").collect::<Vec<_>>().join(" ");
    let said =
        ["The lock rule applies.", "The call causes no callbacks.", "As for MgmHostGetStatus."];
    let count = said.iter().filter(|part| text.contains(*part)).count();
    assert_eq!(count, 1, "{name}: \"Threads\" has to say one of {said:?}");
}

/// Compiles a C text with all warnings as errors; `None` if there is no such compiler.
fn compile(
    compiler: &str,
    standard: &str,
    warnings: &[&str],
    source: &Path,
) -> Option<Result<(), String>> {
    let language = if standard.starts_with("c++") { "c++" } else { "c" };
    let output = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-fsyntax-only"])
        .args(warnings)
        .arg(format!("-std={standard}"))
        .args(["-x", language, "-I"])
        .arg(root().join("include"))
        .arg("-I")
        .arg(root().join("include/win32"))
        .arg(source)
        .output()
        .ok()?;
    Some(match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    })
}

/// Reports once that a compiler is missing. Not by eprintln, which the test harness captures: a skip
/// must be seen.
fn skip(compiler: &'static str) {
    static MISSING: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut missing = MISSING.lock().unwrap();
    if !missing.contains(&compiler) {
        missing.push(compiler);
        let line = format!("SKIPPED in part: there is no {compiler} here\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}

fn compile_everywhere(standards: &[&str], source: &Path) {
    compile_with(&[], standards, source);
}

/// The same with more warnings.
fn compile_with(warnings: &[&str], standards: &[&str], source: &Path) {
    let mut compiled = 0;
    for compiler in ["gcc", "clang"] {
        for standard in standards {
            match compile(compiler, standard, warnings, source) {
                None => skip(compiler),
                Some(Ok(())) => compiled += 1,
                Some(Err(text)) => panic!("{compiler} -std={standard}: {text}"),
            }
        }
    }
    assert!(compiled > 0, "neither gcc nor clang: nothing has been tested");
}

fn temporary(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn headers_compile_alone_and_twice() {
    for name in HEADERS.into_iter().chain(["mgmd_module.h"]) {
        let text = format!("#include \"{name}\"\n#include \"{name}\"\nint mgm_unused;\n");
        let source = temporary(&format!("include_{name}.c"), &text);
        compile_everywhere(&["c99", "c11"], &source);
        // What C++ programs are warned of in their own code they see in our functions.
        compile_with(&["-Wold-style-cast"], &["c++17"], &source);
    }
}

#[test]
fn classes_compile_alone_and_twice() {
    let text = "#include <mgm.hpp>\n#include <mgm.hpp>\n";
    let source = temporary("classes.cpp", text);
    compile_with(&["-Wold-style-cast", "-Wshadow"], &["c++17", "c++20"], &source);
}

#[test]
fn stand_ins_compile_alone_and_twice() {
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("include/win32")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = format!("#include <{name}>\n#include <{name}>\n#include <mgm.h>\n");
        let source = temporary(&format!("win32_{name}.c"), &text);
        compile_everywhere(&["c99", "c11", "c++17"], &source);
        count += 1;
    }
    assert!(count > 8, "only {count} replacement headers");
}

#[test]
fn a_program_may_bring_its_own_types() {
    let own = "#define MGM_NO_TYPES\n#include \"../own_types.h\"\n#include \"mgm.h\"\n\
               #ifdef MGMTYPES_H\n#error \"mgmtypes.h all the same\"\n#endif\n";
    let types = "#include <stdint.h>\ntypedef uint32_t DWORD, *PDWORD; typedef int32_t BOOL;\n\
                 typedef uint8_t BYTE, *PBYTE; typedef void *HANDLE;\n\
                 typedef struct own_mfe MIB_IPMCAST_MFE, *PMIB_IPMCAST_MFE;\n";
    std::fs::create_dir_all(Path::new(env!("CARGO_TARGET_TMPDIR")).join("own")).unwrap();
    temporary("own_types.h", types);
    compile_everywhere(&["c99", "c11", "c++17"], &temporary("own/own.c", own));
}

#[test]
fn t_abi_layout_in_c() {
    compile_everywhere(&["c11", "c++17"], &root().join("c-tests/layout.c"));
}

// --- mgm.ffi.h -------------------------------------------------------------------------

/// Parsers of declarations know no preprocessor, and some no comment in the middle of a line.
#[test]
fn the_ffi_header_has_only_declarations() {
    let text = read(root().join("include/mgm.ffi.h"));
    for line in text.lines() {
        let comment = line.starts_with("/*") || line.starts_with(" *");
        assert!(!line.trim_start().starts_with('#'), "a directive: {line}");
        assert!(comment || !line.contains("/*") && !line.contains("//"), "a comment: {line}");
        assert!(
            comment
                || line.is_empty()
                || line.ends_with(['{', ',', ';', '}'])
                || line.contains(" = "),
            "half a declaration: {line}"
        );
    }
    let source = temporary("ffi_alone.c", &text);
    compile_everywhere(&["c99", "c11", "c++17"], &source);
}

/// What the header leaves out: a number that no int can hold, and one for Windows' own headers.
const NOT_IN_FFI: [&str; 2] = ["RTM_VIEW_MASK_ALL", "MPR50"];

#[test]
fn the_ffi_header_lacks_no_name() {
    let ffi = read(root().join("include/mgm.ffi.h"));
    let mut found = 0;
    for header in HEADERS {
        for line in read(root().join("include").join(header)).lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let needle = match words[..] {
                ["#define", name, value, ..]
                    if value.starts_with(|c: char| c.is_ascii_digit())
                        && !NOT_IN_FFI.contains(&name) =>
                {
                    format!("    {name} = ")
                }
                ["struct", name, "{"] => format!("struct {name} {{"),
                ["DWORD", function, ..] if line.starts_with("DWORD Mgm") => {
                    format!("DWORD {}(", function.split('(').next().unwrap())
                }
                ["typedef", _, pointer, ..] if pointer.starts_with("(*") => {
                    format!("{})(", pointer.split(')').next().unwrap())
                }
                ["typedef", .., name] if name.ends_with(';') => format!("{name}\n"),
                _ => continue,
            };
            assert!(ffi.contains(&needle), "mgm.ffi.h lacks \"{needle}\" of {header}");
            found += 1;
        }
    }
    assert!(found > 200, "only {found} names found in the headers");
}

/// A C compiler compares each declaration with that of the other headers.
#[test]
fn the_ffi_header_agrees_with_the_others() {
    let ffi = read(root().join("include/mgm.ffi.h"));
    let mut lines = ffi.lines();
    let mut c = String::from("#include <mgmhost.h>\n");
    while let Some(line) = lines.next() {
        let members =
            lines.clone().take_while(|member| member.starts_with(' ')).collect::<Vec<_>>();
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["enum", "{"] | ["typedef", "enum", _, "{"] => {
                for member in &members {
                    let equal = member.trim().trim_end_matches(',').replace(" = ", " == ");
                    c += &format!("_Static_assert({equal}, \"{equal}\");\n");
                }
            }
            ["struct", name, "{"] => c += &same_structure(name, &members),
            // The two C types of this size differ for the compiler.
            [.., "ULONGLONG;"] => {
                c += "_Static_assert(sizeof(ULONGLONG) == sizeof(unsigned long long), \"\");\n"
            }
            _ if !line.starts_with(['}', ' ', '/']) => c += &format!("{line}\n"),
            _ => {}
        }
    }
    let compared = c.matches("_Static_assert").count();
    assert!(compared > 200, "only {compared} things are compared");
    compile_everywhere(&["c11"], &temporary("ffi_agrees.c", &c));
}

/// Assertions in C that a structure of the other headers has these members.
fn same_structure(name: &str, members: &[&str]) -> String {
    let copy = format!("struct copy{name}");
    let mut c = format!("{copy} {{\n{}\n}};\n", members.join("\n"));
    c += &format!("_Static_assert(sizeof({copy}) == sizeof(struct {name}), \"{name}\");\n");
    for member in members {
        let field = member.trim_end_matches(';').split('[').next().unwrap();
        let field = field.rsplit([' ', '*']).next().unwrap();
        c += &format!(
            "_Static_assert(offsetof({copy}, {field}) == offsetof(struct {name}, {field}) && \
             __builtin_types_compatible_p(__typeof__((({copy} *)0)->{field}), \
             __typeof__(((struct {name} *)0)->{field})), \"{name}.{field}\");\n"
        );
    }
    c
}
