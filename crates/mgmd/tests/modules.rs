//! Modules in C, built with the C compiler and loaded beside the real library.

#![cfg(target_os = "linux")]

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use mgmd::config::{LogLevel, Module};
use mgmd::modules::{LoadError, LogSink, Modules, Refusal};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The log of the modules is one for the whole process.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn run(program: impl AsRef<OsStr>, arguments: &[&str]) {
    let mut command = Command::new(program);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The folder of the built library, which this process loads as mgmd does.
fn library() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // This test is <target>/<profile>/deps/modules-<hash>.
        let test = std::env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).unwrap();
        if !folder.join("libmgm.so").exists() {
            let profile = folder.file_name().unwrap().to_str().unwrap();
            let profile = if profile == "debug" { "dev" } else { profile };
            let target = folder.parent().unwrap().to_str().unwrap();
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let manifest = format!("{TOP}/Cargo.toml");
            let arguments = ["--manifest-path", &manifest, "--target-dir", target];
            let what = ["build", "--locked", "-p", "mgm", "--lib", "--profile", profile];
            run(cargo, &[&what[..], &arguments].concat());
        }
        let path = folder.join("libmgm.so.1");
        // SAFETY: the library's initialisers have no requirements. It is never closed.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }.unwrap();
        library.into_raw();
        folder.to_owned()
    })
}

/// A folder for the files of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn compile(source: &[&str], out: &Path, options: &[&str]) {
    let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let include = format!("-I{TOP}/include");
    let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", &include];
    run(cc, &[&flags[..], source, &["-o", out.to_str().unwrap()], options].concat());
}

/// Builds a variant of modules/module.c.
fn module(test: &str, name: &str, options: &[&str]) -> Module {
    let path = folder(test).join(format!("{name}.so"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/modules/module.c");
    let named = format!("-DNAME=\"{name}\"");
    compile(&[source], &path, &[&[named.as_str()], options].concat());
    Module { path, args: format!("for {name}") }
}

/// A variant that is linked with the library, as mgmd_module.h says.
fn linked(test: &str, name: &str, options: &[&str]) -> Module {
    let folder = format!("-L{}", library().display());
    module(test, name, &[&["-DUSES_LIBRARY"], options, &[&folder, "-lmgm"]].concat())
}

/// Takes the lines of the log.
fn recorder() -> (LogSink, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let of_sink = Arc::clone(&lines);
    let sink = move |level: LogLevel, text: &str| {
        of_sink.lock().unwrap().push(format!("{level:?} {text}"));
    };
    (Arc::new(sink), lines)
}

fn refused(modules: &[Module]) -> (LoadError, Vec<String>) {
    let (sink, lines) = recorder();
    let error = Modules::load(modules, sink).unwrap_err();
    let lines = lines.lock().unwrap().clone();
    (error, lines)
}

/// The files of libraries that are mapped into this process and have this word in their name.
fn mapped(word: &str) -> BTreeSet<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let files = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| path));
    files
        .filter(|path| path.rsplit('/').next().unwrap().contains(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn modules_start_in_order_and_stop_in_reverse_order() {
    let _turn = turn();
    let modules = [linked("order", "one", &[]), linked("order", "two", &[])];
    let (sink, lines) = recorder();
    let running = Modules::load(&modules, sink).unwrap();
    running.stop();
    let expected = [
        "Debug one: version 0",
        "Info one: init \"for one\", size 1",
        "Debug two: version 0",
        "Info two: init \"for two\", size 1",
        "Warn two: stop",
        "Warn one: stop",
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}

/// The library of a module may be found in another folder when it is alone, but mgmd's is loaded
/// already.
#[test]
fn the_process_has_one_library() {
    let _turn = turn();
    let other = folder("one-library");
    let source = other.join("other.c");
    let mut text = String::new();
    for name in ["MgmRegisterMProtocol", "MgmHostVersion"] {
        writeln!(text, "unsigned {name}(void) {{ return 1003; }}").unwrap();
    }
    std::fs::write(&source, text).unwrap();
    let (file, link) = (other.join("libmgm.so.1"), other.join("libmgm.so"));
    compile(&[source.to_str().unwrap()], &file, &["-Wl,-soname,libmgm.so.1"]);
    std::fs::copy(&file, &link).unwrap();
    library();
    let path = other.to_str().unwrap();
    let options = [format!("-L{path}"), "-lmgm".into(), format!("-Wl,-rpath,{path}")];
    let options = ["-DUSES_LIBRARY", &options[0], &options[1], &options[2]];
    let module = module("one-library", "elsewhere", &options);

    let (sink, lines) = recorder();
    let running = Modules::load(&[module], sink).unwrap();
    assert_eq!(lines.lock().unwrap()[0], "Debug elsewhere: version 0");
    let libraries = mapped("libmgm");
    assert_eq!(libraries.len(), 1, "{libraries:?}");
    let name = library().join("libmgm.so").display().to_string();
    assert!(name.ends_with(libraries.first().unwrap()), "{libraries:?}");
    running.stop();
}

#[test]
fn a_module_with_its_own_library_is_refused() {
    let _turn = turn();
    library();
    let (error, lines) = refused(&[module("own", "own", &["-DOWN_LIBRARY"])]);
    assert_eq!((error.why, lines.len()), (Refusal::OwnLibrary, 0));
}

#[test]
fn a_module_that_is_not_linked_with_the_library_is_refused() {
    let _turn = turn();
    library();
    // Its calls would find the library all the same, as long as mgmd happens to have it.
    let (error, lines) = refused(&[module("unlinked", "unlinked", &["-DUSES_LIBRARY"])]);
    assert_eq!((error.why, lines.len()), (Refusal::NotLinked, 0));
}

#[test]
fn a_module_without_a_function_is_refused() {
    let _turn = turn();
    for (option, function) in [("-DNO_INIT", "mgmd_module_init"), ("-DNO_STOP", "mgmd_module_stop")]
    {
        let force = ["-Wl,--no-as-needed", "-Wno-unused-variable"];
        let (error, lines) =
            refused(&[linked("function", function, &[&[option], &force[..]].concat())]);
        assert_eq!((error.why, lines.len()), (Refusal::NoFunction(function), 0));
    }
}

#[test]
fn a_file_that_is_missing_or_no_module_is_named() {
    let _turn = turn();
    let missing = PathBuf::from("/nowhere/protocol.so");
    let (error, _) = refused(&[Module { path: missing, args: String::new() }]);
    assert_eq!(
        error.to_string(),
        "module /nowhere/protocol.so: cannot be loaded: cannot open shared object file: No such \
         file or directory"
    );
    let text = folder("text").join("text.so");
    std::fs::write(&text, "no shared object, but long enough for a head of one: ".repeat(4))
        .unwrap();
    let (error, _) = refused(&[Module { path: text.clone(), args: String::new() }]);
    let begin = format!("module {}: cannot be loaded: ", text.display());
    assert_eq!(error.to_string(), format!("{begin}invalid ELF header"));
}

#[test]
fn if_a_module_fails_the_modules_before_it_stop() {
    let _turn = turn();
    let modules = [
        linked("fails", "first", &[]),
        linked("fails", "second", &[]),
        linked("fails", "broken", &["-DRETURNS=87"]),
        linked("fails", "never", &[]),
    ];
    let (error, lines) = refused(&modules);
    assert_eq!((error.path, error.why), (modules[2].path.clone(), Refusal::Failed(87)));
    let starts_and_stops: Vec<&String> = lines.iter().filter(|l| !l.contains("version")).collect();
    let expected = [
        "Info first: init \"for first\", size 1",
        "Info second: init \"for second\", size 1",
        "Info broken: init \"for broken\", size 1",
        "Warn second: stop",
        "Warn first: stop",
    ];
    assert_eq!(starts_and_stops, expected);
}

#[test]
fn a_module_does_not_run_twice() {
    let _turn = turn();
    let first = linked("twice", "twice", &[]);
    let link = folder("twice").join("link.so");
    std::fs::remove_file(&link).ok();
    std::os::unix::fs::symlink(&first.path, &link).unwrap();
    let second = Module { path: link.clone(), args: String::new() };
    let (error, lines) = refused(&[first, second]);
    assert_eq!((error.path, error.why), (link, Refusal::LoadedTwice));
    assert_eq!(lines.last().unwrap(), "Warn twice: stop");
}

#[test]
fn arguments_with_a_null_character_are_refused() {
    let _turn = turn();
    let mut module = linked("null", "null", &[]);
    module.args = "a\0b".into();
    assert_eq!(refused(&[module]).0.why, Refusal::NullInArguments);
}

/// A panic of the sink would be undefined behaviour in C.
#[test]
fn a_panic_in_the_log_does_not_reach_the_module() {
    let _turn = turn();
    let module = linked("panic", "panic", &[]);
    let running = Modules::load(&[module], Arc::new(|_, text: &str| panic!("{text}"))).unwrap();
    let (sink, lines) = recorder();
    Modules::load(&[], sink).unwrap();
    running.stop();
    assert_eq!(*lines.lock().unwrap(), ["Warn panic: stop"]);
}

/// The example runs the protocol of examples/protocol.c.
#[test]
fn the_example_takes_the_interfaces_of_its_arguments() {
    let _turn = turn();
    let link = [format!("-L{}", library().display()), "-lmgm".into()];
    let link: Vec<&str> = link.iter().map(String::as_str).collect();
    let built = |name: &str, sources: &[&str], args: &str| {
        let path = folder("example").join(format!("{name}.so"));
        let sources: Vec<String> = sources.iter().map(|s| format!("{TOP}/{s}.c")).collect();
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        compile(&sources, &path, &[&["-Wpedantic", "-D_DEFAULT_SOURCE"], &link[..]].concat());
        Module { path, args: args.into() }
    };
    // The start of the router and its end are a module here; in mgmd they are mgmd's.
    let router = built("router", &["crates/mgmd/tests/modules/router"], "");
    let sources = ["examples/module/module", "examples/protocol", "examples/igmp"];
    let example = built("protocol", &sources, "1 lo");

    let (sink, lines) = recorder();
    let running = Modules::load(&[router.clone(), example.clone()], sink).unwrap();
    assert_eq!(lines.lock().unwrap()[..], ["Info protocol 1: took lo"]);
    running.stop();
    assert_eq!(lines.lock().unwrap().last().unwrap(), "Info router: stopped with 0");

    let without = Module { args: "1 lo nosuch0".into(), ..example.clone() };
    let (error, lines) = refused(&[router, without]);
    assert!(matches!(error.why, Refusal::Failed(code) if code != 0), "{error}");
    assert_eq!(lines[1], "Error protocol 1: cannot take the interface nosuch0");
    assert_eq!(lines[2], "Info router: stopped with 0");

    let unnumbered = Module { args: "lo".into(), ..example };
    let (_, lines) = refused(&[unnumbered]);
    assert_eq!(lines[0], "Error protocol: args must begin with a component id: lo");
}
