//! mgm-run starts a multicast routing daemon as a client of mgmd: see mgm-run(1).

mod program;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage: mgm-run [--router PATH] [--library PATH] [--] PROGRAM [ARGUMENT...]

Starts a multicast routing daemon, such as smcrouted or igmpproxy, as a client of mgmd.

  --router PATH    the socket of mgmd, its key router.clients; default: the environment variable
                   MGM_ROUTER, otherwise /run/mgmd/router
  --library PATH   libmgm-mroute.so; default: the one that was installed with mgm-run
  -h, --help       print this text
  -V, --version    print the version
";

/// The exit status if the daemon was not started, as of env(1) and others.
const FAILED: u8 = 125;

/// How long mgmd is waited for: when the system starts, it may become ready after the daemon.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match run(env::args_os().skip(1).collect()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("mgm-run: {why}");
            ExitCode::from(FAILED)
        }
    }
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    router: Option<OsString>,
    library: Option<PathBuf>,
    /// The program and its arguments.
    command: Vec<OsString>,
}

/// Starts the daemon in the place of this process, or returns the text to print.
fn run(arguments: Vec<OsString>) -> Result<String, String> {
    match arguments.first().and_then(|first| first.to_str()) {
        Some("-h" | "--help") => return Ok(USAGE.into()),
        Some("-V" | "--version") => return Ok(format!("mgm-run {}\n", env!("CARGO_PKG_VERSION"))),
        _ => {}
    }
    let wanted = parse(arguments)?;
    let (name, rest) = wanted.command.split_first().ok_or_else(|| USAGE.to_string())?;
    let path = program::find(name, env::var_os("PATH").as_deref())?;
    program::check(&path)?;
    let library = match wanted.library {
        Some(library) => library,
        None => library_of(&env::current_exe().map_err(|error| error.to_string())?)?,
    };
    let preload = preload(&library, env::var_os("LD_PRELOAD").as_deref())?;
    let router = wanted.router.or_else(|| env::var_os("MGM_ROUTER"));
    let router = router.unwrap_or_else(|| "/run/mgmd/router".into());
    wait_for(Path::new(&router), PATIENCE)?;
    let error = Command::new(&path)
        .arg0(name)
        .args(rest)
        .env("LD_PRELOAD", preload)
        .env("MGM_ROUTER", router)
        .exec();
    Err(format!("{}: cannot be started: {error}", path.display()))
}

/// Waits until mgmd listens. Without it, some daemons would go on without IPv4.
fn wait_for(router: &Path, patience: Duration) -> Result<(), String> {
    let end = Instant::now() + patience;
    loop {
        let Err(error) = UnixStream::connect(router) else { return Ok(()) };
        let may_start = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
        if !may_start || Instant::now() >= end {
            return Err(format!(
                "cannot connect to mgmd at {} ({error}): start mgmd, or name the key \
                 router.clients of its configuration with --router, or add this user to the \
                 group of this socket",
                router.display()
            ));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn parse(arguments: Vec<OsString>) -> Result<Wanted, String> {
    let mut wanted = Wanted { router: None, library: None, command: Vec::new() };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let value = |arguments: &mut dyn Iterator<Item = OsString>| {
            let missing = || format!("{} needs a path\n\n{USAGE}", argument.to_string_lossy());
            arguments.next().ok_or_else(missing)
        };
        match argument.to_str() {
            Some("--router") => wanted.router = Some(value(&mut arguments)?),
            Some("--library") => wanted.library = Some(value(&mut arguments)?.into()),
            Some("--") => {
                wanted.command = arguments.collect();
                break;
            }
            Some(option) if option.starts_with('-') => {
                return Err(format!("unknown option {option}\n\n{USAGE}"));
            }
            _ => {
                wanted.command = std::iter::once(argument).chain(arguments).collect();
                break;
            }
        }
    }
    match wanted.command.is_empty() {
        true => Err(format!("which program?\n\n{USAGE}")),
        false => Ok(wanted),
    }
}

/// The library that was installed with this program.
fn library_of(program: &Path) -> Result<PathBuf, String> {
    let folder = program.parent().unwrap_or(Path::new("/"));
    let triple = format!("{}-linux-gnu", env::consts::ARCH);
    let places = [
        folder.join("libmgm_mroute.so"), // as cargo builds it
        folder.join("../lib").join(triple).join("libmgm-mroute.so"),
        folder.join("../lib/libmgm-mroute.so"),
        folder.join("../lib64/libmgm-mroute.so"),
    ];
    let found = places.iter().find_map(|place| place.canonicalize().ok());
    found.ok_or_else(|| {
        "libmgm-mroute.so is not installed beside this program: name it with --library".into()
    })
}

/// The value of LD_PRELOAD. The dynamic linker ignores what it does not find.
fn preload(library: &Path, former: Option<&OsStr>) -> Result<OsString, String> {
    let library = library.canonicalize().map_err(|error| {
        format!("{}: {error}: name libmgm-mroute.so with --library", library.display())
    })?;
    let mut value = library.into_os_string();
    if value.to_string_lossy().contains([' ', ':']) {
        return Err(format!(
            "{}: the dynamic linker cannot load a library whose path has a space or a colon: move it",
            value.to_string_lossy()
        ));
    }
    if let Some(former) = former.filter(|former| !former.is_empty()) {
        value.push(":");
        value.push(former);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn options_end_with_the_program() {
        let wanted = parse(words("--router /r --library /l smcrouted -n --router x")).unwrap();
        assert_eq!(wanted.router, Some("/r".into()));
        assert_eq!(wanted.library, Some("/l".into()));
        assert_eq!(wanted.command, words("smcrouted -n --router x"));
        assert_eq!(parse(words("-- -odd")).unwrap().command, words("-odd"));
        for bad in ["", "--router", "--library", "--wrong smcrouted", "--router /r", "--"] {
            assert!(parse(words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn mgmd_is_waited_for() {
        let path = env::temp_dir().join(format!("mgm-run-router-{}", std::process::id()));
        let short = Duration::from_millis(60);
        assert!(wait_for(&path, short).unwrap_err().contains("start mgmd"));
        let later = path.clone();
        let listens = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            std::os::unix::net::UnixListener::bind(later).unwrap()
        });
        assert_eq!(wait_for(&path, PATIENCE), Ok(()));
        drop(listens.join().unwrap());
        std::fs::remove_file(&path).unwrap();
        let began = Instant::now();
        assert!(wait_for(&Path::new("/dev/null").join("router"), PATIENCE).is_err());
        assert!(began.elapsed() < PATIENCE, "that does not become better");
    }

    #[test]
    fn the_library_is_loaded_before_what_is_there() {
        let library = std::env::current_exe().unwrap();
        let value = |former: Option<&str>| preload(&library, former.map(OsStr::new)).unwrap();
        assert_eq!(value(None), library.as_os_str());
        assert_eq!(value(Some("")), library.as_os_str());
        assert!(value(Some("/x.so")).to_string_lossy().ends_with(":/x.so"));
        assert!(preload(Path::new("/no/such.so"), None).unwrap_err().contains("--library"));
    }
}
