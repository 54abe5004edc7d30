//! Settings: the host's, otherwise the environment's, otherwise the defaults (spec 0.10).

use crate::engine::USUAL_MAX_FLOWS;
use crate::posted_client::Unanswered;
use crate::types::{Refusal, Result};
use log::LevelFilter;
use parking_lot::Mutex;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// Which forwarder to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwarderChoice {
    /// The kernel forwarder if it exists, is permitted and is free; otherwise the memory forwarder.
    #[default]
    Auto,
    /// Only the kernel forwarder: Linux multicast routing.
    Kernel,
    /// Only the ebpf forwarder: programs of the library at the interfaces.
    Ebpf,
    /// The memory forwarder.
    Memory,
}

impl FromStr for ForwarderChoice {
    type Err = ();

    fn from_str(word: &str) -> std::result::Result<Self, ()> {
        match word {
            "auto" => Ok(ForwarderChoice::Auto),
            "kernel" => Ok(ForwarderChoice::Kernel),
            "ebpf" => Ok(ForwarderChoice::Ebpf),
            "memory" => Ok(ForwarderChoice::Memory),
            _ => Err(()),
        }
    }
}

/// How the ebpf forwarder attaches its programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrafficControl {
    /// By tcx, or by clsact where the kernel has no tcx.
    #[default]
    Auto,
    /// By clsact.
    Clsact,
}

impl FromStr for TrafficControl {
    type Err = ();

    fn from_str(word: &str) -> std::result::Result<Self, ()> {
        match word {
            "auto" => Ok(TrafficControl::Auto),
            "clsact" => Ok(TrafficControl::Clsact),
            _ => Err(()),
        }
    }
}

/// The greatest valid MGM_MAX_FLOWS (spec 0.9).
pub const MOST_FLOWS: u32 = 1 << 24;

/// How long a question waits for its answer by default, in milliseconds (spec 9.5).
const ANSWER_MS: u32 = 1000;

/// The greatest valid MGM_ANSWER_MS.
pub const LONGEST_ANSWER_MS: u32 = 3_600_000;

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The forwarder to use.
    pub forwarder: ForwarderChoice,
    /// The kernel's multicast routing table (MRT_TABLE).
    pub table: u32,
    /// How the ebpf forwarder attaches its programs.
    pub traffic_control: TrafficControl,
    /// The unicast table that sources outside of VRFs are looked up in; `None`: as the
    /// system's policy rules say. The host names it.
    pub unicast_table: Option<u32>,
    /// ulTimeOut of new MFEs in seconds; u32::MAX never expires.
    pub mfe_timeout: u32,
    /// How many flows packets may begin.
    pub max_flows: u32,
    /// Lines above this level are not logged.
    pub log_level: LevelFilter,
    /// Whether the start opens the forwarder. Otherwise the first take of an interface does.
    pub open_forwarder: bool,
    /// Where the status is served, if anywhere: a UNIX socket.
    pub status_socket: Option<PathBuf>,
    /// Messages to be logged at the start.
    pub warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            forwarder: ForwarderChoice::Auto,
            table: 0,
            traffic_control: TrafficControl::Auto,
            unicast_table: None,
            mfe_timeout: 900,
            max_flows: USUAL_MAX_FLOWS,
            log_level: LevelFilter::Warn,
            open_forwarder: false,
            status_socket: None,
            warnings: Vec::new(),
        }
    }
}

/// The host's own settings, which take precedence over the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// See [`Settings`].
    pub forwarder: Option<ForwarderChoice>,
    /// See [`Settings`].
    pub table: Option<u32>,
    /// See [`Settings`].
    pub unicast_table: Option<u32>,
    /// See [`Settings`].
    pub mfe_timeout: Option<u32>,
    /// See [`Settings`].
    pub max_flows: Option<u32>,
    /// See [`Settings`].
    pub log_level: Option<LevelFilter>,
    /// See [`Settings`].
    pub open_forwarder: bool,
}

/// The longest path of a UNIX socket in bytes.
const LONGEST_PATH: usize = 107;

const LOG_LEVELS: &str = "off, error, warn, info, debug or trace";

impl Settings {
    /// The host's settings, completed by those of the environment.
    ///
    /// # Errors
    /// `BadSetting`, for an invalid variable that matters (spec 0.10).
    pub fn resolve(host: &HostSettings) -> Result<Settings> {
        Settings::read(host, |name| std::env::var_os(name))
    }

    fn read(host: &HostSettings, get: impl Fn(&str) -> Option<OsString>) -> Result<Settings> {
        let default = Settings::default();
        let mut env = Environment { get: &get, faults: Vec::new() };
        // A new variable also needs a line in the tables of README.md and mgmhost.h.in.
        let mut settings = Settings {
            forwarder: env
                .value("MGM_FORWARDER", "auto, kernel, ebpf or memory", host.forwarder, word)
                .unwrap_or(default.forwarder),
            table: env
                .value("MGM_TABLE", "0 to 999999999", host.table, |text| {
                    number(text, 0..=999_999_999)
                })
                .unwrap_or(default.table),
            traffic_control: env
                .value("MGM_TC", "auto or clsact", None, word)
                .unwrap_or(default.traffic_control),
            mfe_timeout: env
                .value("MGM_MFE_TIMEOUT", "1 to 4294967295 seconds", host.mfe_timeout, |text| {
                    number(text, 1..=u32::MAX)
                })
                .unwrap_or(default.mfe_timeout),
            max_flows: env
                .value("MGM_MAX_FLOWS", "1 to 16777216 flows", host.max_flows, |text| {
                    number(text, 1..=MOST_FLOWS)
                })
                .unwrap_or(default.max_flows),
            status_socket: env.value(
                "MGM_STATUS_SOCKET",
                "a path of at most 107 bytes",
                None,
                |path| (path.len() <= LONGEST_PATH).then(|| path.into()),
            ),
            unicast_table: host.unicast_table,
            open_forwarder: host.open_forwarder,
            ..default
        };
        // Only a router that serves client processes needs it, but an invalid value must be
        // noticed at the start.
        env.answer_ms();
        if !env.faults.is_empty() {
            return Err(Refusal::BadSetting(env.faults.join("; ")));
        }
        let level = env.value("MGM_LOG", LOG_LEVELS, host.log_level, word);
        settings.log_level = level.unwrap_or(settings.log_level);
        let used = settings.log_level.as_str().to_ascii_lowercase();
        let warnings = env.faults.into_iter().map(|fault| format!("{fault}; using {used}"));
        settings.warnings = warnings.collect();
        Ok(settings)
    }
}

/// The router that the host has named.
static ROUTER: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Names the router, instead of MGM_ROUTER; `None` ends that.
pub fn set_router(path: Option<PathBuf>) {
    *ROUTER.lock() = path;
}

/// The router that the host has named, otherwise MGM_ROUTER (spec 9.1). A program with more
/// privileges than its caller ignores the variable.
///
/// # Errors
/// `BadSetting`.
pub fn router_path() -> Result<Option<PathBuf>> {
    match ROUTER.lock().clone() {
        Some(path) => Ok(Some(path)),
        None => read_router(super::platform::secure_variable),
    }
}

/// How long a router waits for the answers of client processes, in milliseconds: MGM_ANSWER_MS.
///
/// # Errors
/// `BadSetting`.
pub fn answer_ms() -> Result<u32> {
    let get = |name: &str| std::env::var_os(name);
    let mut env = Environment { get: &get, faults: Vec::new() };
    let value = env.answer_ms();
    env.result(value.unwrap_or(ANSWER_MS))
}

/// What holds if this client process does not answer CREATION_ALERT in time: MGM_UNANSWERED.
///
/// # Errors
/// `BadSetting`.
pub fn unanswered() -> Result<Unanswered> {
    let get = |name: &str| std::env::var_os(name);
    let mut env = Environment { get: &get, faults: Vec::new() };
    let value = env.value("MGM_UNANSWERED", "on or off", None, word);
    env.result(value.unwrap_or_default())
}

/// For how many seconds MGM_GRACE lets the state of a client process stay (spec 9.8). Read like
/// [`router_path`].
///
/// # Errors
/// `BadSetting`.
pub fn grace() -> Result<u32> {
    read_grace(super::platform::secure_variable)
}

/// The longest grace in seconds.
pub const LONGEST_GRACE: u32 = 300;

fn read_grace(get: impl Fn(&str) -> Option<OsString>) -> Result<u32> {
    let mut env = Environment { get: &get, faults: Vec::new() };
    let seconds =
        env.value("MGM_GRACE", "0 to 300 seconds", None, |text| number(text, 0..=LONGEST_GRACE));
    match env.faults.pop() {
        Some(fault) => Err(Refusal::BadSetting(fault)),
        None => Ok(seconds.unwrap_or(0)),
    }
}

fn read_router(get: impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>> {
    let mut env = Environment { get: &get, faults: Vec::new() };
    let path = env.value("MGM_ROUTER", "a path of at most 107 bytes", None, |path| {
        (path.len() <= LONGEST_PATH).then(|| path.into())
    });
    env.result(path)
}

/// The log level before the start, because calls may be refused and logged before it.
pub(super) fn log_level() -> LevelFilter {
    let level = std::env::var_os("MGM_LOG").and_then(|text| word(&text));
    level.unwrap_or(Settings::default().log_level)
}

/// The variables, and what is wrong with them.
struct Environment<'a> {
    get: &'a dyn Fn(&str) -> Option<OsString>,
    faults: Vec<String>,
}

impl Environment<'_> {
    fn answer_ms(&mut self) -> Option<u32> {
        self.value("MGM_ANSWER_MS", "1 to 3600000 milliseconds", None, |text| {
            number(text, 1..=LONGEST_ANSWER_MS)
        })
    }

    /// The value, unless a variable was invalid.
    fn result<T>(mut self, value: T) -> Result<T> {
        match self.faults.pop() {
            Some(fault) => Err(Refusal::BadSetting(fault)),
            None => Ok(value),
        }
    }

    /// The host's value, otherwise the variable's. An empty variable counts as unset.
    fn value<T>(
        &mut self,
        name: &str,
        valid: &str,
        host: Option<T>,
        read: impl FnOnce(&OsStr) -> Option<T>,
    ) -> Option<T> {
        if host.is_some() {
            return host;
        }
        let text = (self.get)(name).filter(|text| !text.is_empty())?;
        let value = read(&text);
        if value.is_none() {
            self.faults.push(format!("invalid {name}={text:?}: use {valid}"));
        }
        value
    }
}

fn word<T: FromStr>(text: &OsStr) -> Option<T> {
    text.to_str()?.trim().parse().ok()
}

fn number(text: &OsStr, valid: RangeInclusive<u32>) -> Option<u32> {
    word(text).filter(|number| valid.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(host: &HostSettings, pairs: &[(&str, &str)]) -> Result<Settings> {
        Settings::read(host, |name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Settings> {
        read_with(&HostSettings::default(), pairs)
    }

    #[test]
    fn good_values_are_taken() {
        let settings = read(&[
            ("MGM_FORWARDER", "kernel"),
            ("MGM_TABLE", " 100 "),
            ("MGM_TC", "clsact"),
            ("MGM_MFE_TIMEOUT", "30"),
            ("MGM_MAX_FLOWS", "1000"),
            ("MGM_LOG", "debug"),
            ("MGM_STATUS_SOCKET", "/run/mgm"),
        ]);
        assert_eq!(
            settings,
            Ok(Settings {
                forwarder: ForwarderChoice::Kernel,
                table: 100,
                traffic_control: TrafficControl::Clsact,
                unicast_table: None,
                mfe_timeout: 30,
                max_flows: 1000,
                log_level: LevelFilter::Debug,
                open_forwarder: false,
                status_socket: Some("/run/mgm".into()),
                warnings: Vec::new(),
            })
        );
        let settings = read(&[("MGM_FORWARDER", "ebpf")]).unwrap();
        assert_eq!(settings.forwarder, ForwarderChoice::Ebpf);
    }

    #[test]
    fn t0_10_an_invalid_value_is_refused_and_the_line_names_the_valid_ones() {
        let long = "x".repeat(LONGEST_PATH + 1);
        for (name, bad, valid) in [
            ("MGM_FORWARDER", "mem", "memory"),
            ("MGM_FORWARDER", "Kernel", "kernel"),
            ("MGM_FORWARDER", " ", "auto"),
            ("MGM_TABLE", "-1", "999999999"),
            ("MGM_TABLE", "1000000000", "999999999"),
            ("MGM_TABLE", "0x10", "999999999"),
            ("MGM_TC", "tcx", "clsact"),
            ("MGM_MFE_TIMEOUT", "0", "1 to 4294967295"),
            ("MGM_MFE_TIMEOUT", "9e9", "1 to 4294967295"),
            ("MGM_MFE_TIMEOUT", "4294967296", "1 to 4294967295"),
            ("MGM_MAX_FLOWS", "0", "1 to 16777216"),
            ("MGM_MAX_FLOWS", "16777217", "1 to 16777216"),
            ("MGM_STATUS_SOCKET", &long, "107"),
            ("MGM_ANSWER_MS", "0", "1 to 3600000"),
            ("MGM_ANSWER_MS", "3600001", "1 to 3600000"),
        ] {
            let Err(Refusal::BadSetting(line)) = read(&[(name, bad)]) else {
                panic!("{name}={bad} is taken")
            };
            assert!(line.contains(name) && line.contains(bad) && line.contains(valid), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }

    #[test]
    fn t9_5_the_deadline_of_answers_is_the_variables_or_a_second() {
        let read = |text: &str| {
            let get = |name: &str| (name == "MGM_ANSWER_MS").then(|| text.into());
            let mut env = Environment { get: &get, faults: Vec::new() };
            let value = env.answer_ms();
            env.result(value.unwrap_or(ANSWER_MS))
        };
        assert_eq!(read("250"), Ok(250));
        assert_eq!(read(""), Ok(1000));
        assert!(matches!(read("1s"), Err(Refusal::BadSetting(_))));
    }

    #[test]
    fn t9_1_the_path_of_the_host_takes_precedence() {
        set_router(Some("/run/of-the-host".into()));
        assert_eq!(router_path(), Ok(Some("/run/of-the-host".into())));
        set_router(None);
        assert_eq!(router_path(), read_router(|name| std::env::var_os(name)));
    }

    #[test]
    fn t0_10_all_that_is_invalid_stands_in_one_line() {
        let refusal = read(&[("MGM_TABLE", "x"), ("MGM_MFE_TIMEOUT", "y")]).unwrap_err();
        assert_eq!(refusal.code(), crate::types::Code::InvalidParameter);
        let line = refusal.to_string();
        assert!(line.contains("MGM_TABLE") && line.contains("MGM_MFE_TIMEOUT"), "{line}");
    }

    #[test]
    fn t0_10_what_is_empty_is_unset() {
        let names =
            ["MGM_FORWARDER", "MGM_TABLE", "MGM_MFE_TIMEOUT", "MGM_LOG", "MGM_STATUS_SOCKET"];
        assert_eq!(read(&names.map(|name| (name, ""))), Ok(Settings::default()));
    }

    #[test]
    fn t0_10_the_log_alone_falls_back_with_a_warning() {
        let mut settings = read(&[("MGM_LOG", "loud")]).unwrap();
        let warnings = std::mem::take(&mut settings.warnings);
        assert_eq!(settings, Settings::default());
        let [line] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(line.contains("MGM_LOG") && line.contains("loud") && line.contains("trace"));
        assert!(line.ends_with("using warn"), "{line}");
    }

    #[test]
    fn t0_10_what_the_host_sets_is_not_read() {
        let host = HostSettings {
            forwarder: Some(ForwarderChoice::Memory),
            table: Some(7),
            max_flows: None,
            unicast_table: Some(8),
            mfe_timeout: Some(60),
            log_level: Some(LevelFilter::Off),
            open_forwarder: true,
        };
        let bad = ["MGM_FORWARDER", "MGM_TABLE", "MGM_MFE_TIMEOUT", "MGM_LOG"];
        let settings = read_with(&host, &bad.map(|name| (name, "nonsense"))).unwrap();
        assert_eq!((settings.table, settings.mfe_timeout), (7, 60));
        assert!(settings.open_forwarder);
        assert!(settings.warnings.is_empty());
        // The others are.
        assert!(read_with(&HostSettings { table: None, ..host }, &[("MGM_TABLE", "x")]).is_err());
    }

    #[test]
    fn t9_1_the_router_is_a_path_or_none() {
        let read = |value: &str| read_router(|name| (name == "MGM_ROUTER").then(|| value.into()));
        assert_eq!(read("/run/mgmd/router"), Ok(Some("/run/mgmd/router".into())));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read_router(|_| None), Ok(None));
        let Err(Refusal::BadSetting(line)) = read(&"x".repeat(LONGEST_PATH + 1)) else {
            panic!("a path that no socket can have is taken")
        };
        assert!(line.contains("MGM_ROUTER") && line.contains("107"), "{line}");
    }

    #[test]
    fn t9_8_the_environment_asks_for_grace() {
        let read = |value: &str| read_grace(|name| (name == "MGM_GRACE").then(|| value.into()));
        assert_eq!(read_grace(|_| None), Ok(0));
        assert_eq!((read(""), read("0"), read(" 300 ")), (Ok(0), Ok(0), Ok(300)));
        for bad in ["301", "-1", "5m"] {
            let Err(Refusal::BadSetting(line)) = read(bad) else { panic!("{bad} is taken") };
            assert!(line.contains("MGM_GRACE") && line.contains("0 to 300"), "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn t0_10_a_path_is_taken_byte_for_byte() {
        use std::os::unix::ffi::OsStringExt;
        let path = OsString::from_vec(b"/run/\xff\xfe".to_vec());
        let settings = Settings::read(&HostSettings::default(), |name| {
            (name == "MGM_STATUS_SOCKET").then(|| path.clone())
        });
        assert_eq!(settings.unwrap().status_socket, Some(path.clone().into()));
        let words = Settings::read(&HostSettings::default(), |_| Some(path.clone()));
        assert!(words.is_err(), "no word is like that");
    }
}
