//! Settings, from the environment or from the host.

use log::LevelFilter;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

/// Which forwarder to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwarderChoice {
    /// The kernel where it is there, permitted and free, else memory.
    #[default]
    Auto,
    /// Linux multicast routing, or nothing.
    Kernel,
    /// The embedded table.
    Memory,
}

impl FromStr for ForwarderChoice {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "auto" => Ok(ForwarderChoice::Auto),
            "kernel" => Ok(ForwarderChoice::Kernel),
            "memory" => Ok(ForwarderChoice::Memory),
            _ => Err(()),
        }
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Linux multicast routing or the embedded table.
    pub forwarder: ForwarderChoice,
    /// The kernel's multicast routing table (MRT_TABLE).
    pub table: u32,
    /// The unicast table that sources outside of VRFs are looked up in; `None`: as the
    /// system's policy rules say. The host names it.
    pub unicast_table: Option<u32>,
    /// ulTimeOut of new MFEs in seconds; u32::MAX never expires.
    pub mfe_timeout: u32,
    /// Lines above this level are not logged.
    pub log_level: LevelFilter,
    /// Where the status is served, if anywhere: a UNIX socket.
    pub status_socket: Option<PathBuf>,
    /// What is wrong with the environment, to be logged at the start.
    pub complaints: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            forwarder: ForwarderChoice::Auto,
            table: 0,
            unicast_table: None,
            mfe_timeout: 900,
            log_level: LevelFilter::Warn,
            status_socket: None,
            complaints: Vec::new(),
        }
    }
}

impl Settings {
    /// MGM_FORWARDER, MGM_TABLE, MGM_MFE_TIMEOUT, MGM_LOG and MGM_STATUS_SOCKET. For a value that
    /// makes no sense the default stands; the start logs a line about it.
    #[must_use]
    pub fn from_env() -> Settings {
        Settings::read(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        })
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Settings {
        let defaults = Settings::default();
        let mut complaints = Vec::new();
        let forwarder = value(&get, "MGM_FORWARDER", "auto, kernel or memory", &mut complaints);
        let table = value(&get, "MGM_TABLE", "a table number", &mut complaints);
        let timeout = value(&get, "MGM_MFE_TIMEOUT", "seconds, at least 1", &mut complaints);
        let levels = "off, error, warn, info, debug or trace";
        let log_level = value(&get, "MGM_LOG", levels, &mut complaints);
        Settings {
            forwarder: forwarder.unwrap_or(defaults.forwarder),
            table: table.unwrap_or(defaults.table),
            unicast_table: defaults.unicast_table,
            mfe_timeout: timeout.map_or(defaults.mfe_timeout, NonZeroU32::get),
            log_level: log_level.unwrap_or(defaults.log_level),
            status_socket: get("MGM_STATUS_SOCKET")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            complaints,
        }
    }
}

/// The value of a variable that is set, if it can be read.
fn value<T: FromStr>(
    get: &impl Fn(&str) -> Option<String>,
    name: &str,
    accepted: &str,
    complaints: &mut Vec<String>,
) -> Option<T> {
    let text = get(name)?;
    let parsed = text.trim().parse().ok();
    if parsed.is_none() {
        complaints.push(format!("{name}={text:?} is not {accepted}: the default stands"));
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Settings {
        Settings::read(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_string())
        })
    }

    #[test]
    fn good_values_are_taken() {
        let settings = read(&[
            ("MGM_FORWARDER", "kernel"),
            ("MGM_TABLE", "100"),
            ("MGM_MFE_TIMEOUT", "30"),
            ("MGM_LOG", "debug"),
            ("MGM_STATUS_SOCKET", "/run/mgm"),
        ]);
        assert_eq!(
            settings,
            Settings {
                forwarder: ForwarderChoice::Kernel,
                table: 100,
                unicast_table: None,
                mfe_timeout: 30,
                log_level: LevelFilter::Debug,
                status_socket: Some("/run/mgm".into()),
                complaints: Vec::new(),
            }
        );
    }

    #[test]
    fn a_bad_value_is_one_line_and_the_default() {
        for (name, bad) in [
            ("MGM_FORWARDER", "Kernel"),
            ("MGM_TABLE", "-1"),
            ("MGM_MFE_TIMEOUT", "0"),
            ("MGM_MFE_TIMEOUT", "9e9"),
            ("MGM_LOG", "loud"),
            ("MGM_LOG", ""),
        ] {
            let mut settings = read(&[(name, bad)]);
            let complaints = std::mem::take(&mut settings.complaints);
            assert_eq!(settings, Settings::default(), "{name}={bad}");
            assert_eq!(complaints.len(), 1, "{name}={bad}");
            assert!(complaints[0].starts_with(name));
        }
    }
}
