//! Checks a configuration, or starts and stops the daemon, as the
//! arguments say.

use crate::devices::Devices;
use crate::library::Mgm;
use mgmd::arguments::{parse, Wanted, USAGE};
use mgmd::config::{Config, Forwarder, LogLevel};
use mgmd::daemon::library::in_words_of_the_file;
use mgmd::daemon::reactor::Reactor;
use mgmd::daemon::shared::{now, Shared};
use mgmd::daemon::{Daemon, Parts};
use mgmd::holders::candidates;
use mgmd::log::Log;
use mgmd::modules::Modules;
use mgmd::notify::Notify;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Runs mgmd with these arguments. The exit status is 2 if an argument is invalid.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match parse(arguments) {
        Ok(Wanted::Check(file)) => check(&file),
        Ok(Wanted::Route(file)) => route(file),
        Ok(Wanted::Text(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprint!("mgmd: {what}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn check(file: &Path) -> ExitCode {
    match Config::load(file) {
        Ok(_) => {
            println!("{}: valid", file.display());
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::from(1)
        }
    }
}

/// Runs the daemon until SIGTERM. The exit status is 1 if it cannot start.
fn route(file: PathBuf) -> ExitCode {
    let config = match Config::load(&file) {
        Ok(config) => config,
        Err(problems) => {
            let log = Log::new(LogLevel::Error);
            problems.iter().for_each(|problem| log.write(LogLevel::Error, &problem.to_string()));
            return ExitCode::FAILURE;
        }
    };
    let log = Arc::new(Log::new(config.router.log_level));
    match level_of_environment().and_then(|level| start(file, config, level, &log)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            log.write(LogLevel::Error, &text);
            ExitCode::FAILURE
        }
    }
}

/// Ignores the library's environment variables, except MGM_LOG (M7).
fn level_of_environment() -> Result<Option<LogLevel>, String> {
    let names = std::env::vars_os().map(|(name, _)| name);
    let names: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("MGM_")).collect();
    let level = std::env::var_os("MGM_LOG").filter(|level| !level.is_empty());
    // There is only one thread yet.
    names.iter().for_each(|name| std::env::remove_var(name));
    let Some(level) = level else { return Ok(None) };
    let level = level.to_string_lossy();
    LogLevel::named(&level).map(Some).ok_or_else(|| {
        format!("MGM_LOG={level} is invalid: use off, error, warn, info, debug or trace")
    })
}

fn start(
    file: PathBuf,
    config: Config,
    level: Option<LogLevel>,
    log: &Arc<Log>,
) -> Result<(), String> {
    let level = level.unwrap_or(config.router.log_level);
    log.set_level(level);
    let failed = |error: nix::Error| format!("cannot start: {error}");
    let reactor = Reactor::open().map_err(failed)?;
    let seed = now().0 ^ u64::from(std::process::id()) << 32;
    let shared = Arc::new(Shared::new(&config, seed).map_err(failed)?);
    let devices = Devices::open(&config.router)?;
    let library = Mgm::start(&config.router, level, log, &shared)
        .map_err(|error| refusal(&config, &error))?;
    let (log, of_modules) = (Arc::clone(log), Arc::clone(log));
    let notify = Notify::from_environment();
    let modules = config.modules.clone();
    let register = devices.as_ref().map(|devices| Arc::clone(&devices.register));
    let parts = Parts { file, config, library, shared, reactor, log, notify, register };
    let daemon = Daemon::start(parts)?;
    // After IGMP is registered, so that IGMP is alerted of all memberships of the
    // modules.
    let sink = Arc::new(move |level, text: &str| of_modules.write(level, text));
    let modules = match Modules::load(&modules, sink) {
        Ok(modules) => modules,
        Err(error) => {
            // The reason why the module does not run says more than an error of this stop.
            let _ = daemon.give_up().stop();
            return Err(error.to_string());
        }
    };
    let library = daemon.run();
    modules.stop();
    let stopped = library?.stop().map_err(|error| error.to_string());
    // Not earlier: the library would log that an interface has gone.
    drop(devices);
    stopped
}

/// Why the library did not start, in one line.
fn refusal(config: &Config, error: &mgm_client::Error) -> String {
    let mut reason = match error {
        mgm_client::Error::Library { reason, .. } => in_words_of_the_file(reason).into_owned(),
        other => other.to_string(),
    };
    // The table is in use. The library does not know by whom.
    if reason.contains("another multicast routing daemon") {
        let candidates = candidates();
        if !candidates.is_empty() {
            reason += &format!("; the daemon is probably {}", candidates.join(" or "));
        }
    }
    match config.router.forwarder {
        Forwarder::Kernel | Forwarder::Ebpf => format!("cannot forward packets: {reason}"),
        Forwarder::Memory => format!("cannot start the library: {reason}"),
    }
}
