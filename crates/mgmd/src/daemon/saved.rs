//! The groups that a clean stop saves, so that the next start need not wait for reports (I80).
//! A start deletes the file when it is complete, so that no later start uses groups that are too
//! old. After a start that has failed, the next one reads the file (M17).

use mgm_igmp::{LinkConfig, SavedGroup};
use mgm_types::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The version of the format.
const VERSION: u32 = 1;

/// A larger file is refused. 65,536 groups and sources use some 4 MB.
const LARGEST: u64 = 64 << 20;

/// The groups of all interfaces.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    /// When they were saved: the time since the system started, in milliseconds.
    time: u64,
    /// The kernel's id of the start of the system. After another start of the system, `time` is
    /// meaningless.
    boot: String,
    interfaces: BTreeMap<String, Vec<FileGroup>>,
}

/// A group, as in [`SavedGroup`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileGroup {
    group: Ipv4Addr,
    exclude: bool,
    wanted: Vec<Ipv4Addr>,
    excluded: Vec<Ipv4Addr>,
}

/// The path of the file: in the folder that systemd keeps for mgmd (StateDirectory=), otherwise
/// beside the control socket. The first is preferred because systemd deletes the folder of the
/// socket when mgmd stops.
#[must_use]
pub fn path(control: &Path) -> PathBuf {
    path_in(std::env::var_os("STATE_DIRECTORY"), control)
}

fn path_in(state: Option<OsString>, control: &Path) -> PathBuf {
    const NAME: &str = "groups.json";
    match state.map(PathBuf::from).filter(|folder| folder.is_absolute()) {
        Some(folder) => folder.join(NAME),
        None => control.with_file_name(NAME),
    }
}

/// Deletes the file, if there is one.
///
/// # Errors
/// Those of the file system.
pub fn delete(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The kernel's id of this start of the system.
fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

impl Saved {
    /// No groups yet, saved at this time.
    #[must_use]
    pub fn at(now: Time) -> Saved {
        Saved { version: VERSION, time: now.0, boot: boot(), interfaces: BTreeMap::new() }
    }

    /// Adds an interface.
    pub fn add(&mut self, name: &str, groups: Vec<SavedGroup>) {
        let groups: Vec<FileGroup> = groups
            .into_iter()
            .map(|SavedGroup { group, exclude, wanted, excluded }| FileGroup {
                group,
                exclude,
                wanted,
                excluded,
            })
            .collect();
        if !groups.is_empty() {
            self.interfaces.insert(name.to_owned(), groups);
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string(self)?;
        let new = path.with_extension("new");
        // It may be left from a stop that was interrupted.
        let _ = std::fs::remove_file(&new);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&new, path)
    }

    /// Reads the file. If there is no file, or it is unusable, the result has
    /// no groups. For an unusable file, a text for the log is returned, too.
    #[must_use]
    pub fn read(path: &Path) -> (Saved, Option<String>) {
        match Saved::try_read(path) {
            Ok(saved) => (saved, None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Saved::default(), None),
            Err(error) => {
                let text = format!(
                    "{}: cannot be read: {error}: starting without saved groups",
                    path.display()
                );
                (Saved::default(), Some(text))
            }
        }
    }

    fn try_read(path: &Path) -> io::Result<Saved> {
        let file = std::fs::File::open(path)?;
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text)?;
        let saved: Saved = serde_json::from_str(&text)?;
        if saved.version != VERSION {
            let text = format!("its version is {} and not {VERSION}", saved.version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let is_of_this_boot = saved.boot == boot() && !saved.boot.is_empty();
        Ok(if is_of_this_boot { saved } else { Saved::default() })
    }

    /// Removes and returns the groups of an interface, if they are younger than its group
    /// membership interval.
    pub fn take(&mut self, name: &str, config: &LinkConfig, now: Time) -> Option<Vec<SavedGroup>> {
        let groups = self.interfaces.remove(name)?;
        let is_young = now.0.checked_sub(self.time)? < config.intervals().group_membership;
        let groups = groups.into_iter().map(|FileGroup { group, exclude, wanted, excluded }| {
            SavedGroup { group, exclude, wanted, excluded }
        });
        is_young.then(|| groups.collect())
    }
}

#[cfg(test)]
mod tests;
