//! The service of this process, if it is a router.

use mgm_manager::Manager;
use mgm_types::{Refusal, Result};
use std::path::Path;

/// How client processes are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The user that owns the socket's file; `None` for that of this process.
    pub owner: Option<u32>,
    /// The group of the socket's file; `None` for that of this process.
    pub group: Option<u32>,
    /// The mode of the socket's file.
    pub mode: u32,
    /// How many processes may be connected.
    pub processes: usize,
    /// How many processes of one user may be connected; `None` for no other limit.
    pub user_processes: Option<usize>,
    /// How long a question waits for its answer, in milliseconds; `None` for MGM_ANSWER_MS.
    pub answer_ms: Option<u32>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            owner: None,
            group: None,
            mode: 0o660,
            processes: 1000,
            user_processes: None,
            answer_ms: None,
        }
    }
}

#[cfg(target_os = "linux")]
mod here {
    use super::*;
    use crate::server::{Access, Limits, Server};
    use parking_lot::Mutex;
    use std::path::PathBuf;

    static CURRENT: Mutex<Option<(PathBuf, Server)>> = Mutex::new(None);

    /// Serves client processes at a path, and no longer at the former one. If the path is the same,
    /// the processes that are connected stay.
    ///
    /// # Errors
    /// `Router`, with the reason. `BadSetting` for an invalid MGM_ANSWER_MS.
    pub fn serve(manager: &Manager, path: &Path, settings: Settings) -> Result<()> {
        let Settings { owner, group, mode, processes, user_processes, .. } = settings;
        let answer_ms = match settings.answer_ms {
            Some(answer_ms) => answer_ms,
            None => mgm_manager::answer_ms()?,
        };
        let user_processes = user_processes.unwrap_or(processes);
        let limits = Limits { processes, user_processes, answer_ms, ..Limits::default() };
        let access = Access { owner, group, mode };
        let refused = |error: std::io::Error| {
            Refusal::Router(format!("cannot serve client processes at {}: {error}", path.display()))
        };
        let mut current = CURRENT.lock();
        if let Some((_, server)) = current.as_ref().filter(|(known, _)| known == path) {
            access.apply(path).map_err(refused)?;
            server.set_limits(limits);
            return Ok(());
        }
        if let Some((_, former)) = current.take() {
            former.close();
        }
        let server = Server::open(manager, path, access, limits).map_err(refused)?;
        *current = Some((path.into(), server));
        Ok(())
    }

    /// Serves client processes no longer. Their connections end.
    pub fn stop() {
        let server = CURRENT.lock().take();
        if let Some((_, server)) = server {
            server.close();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod here {
    use super::*;

    /// Refuses.
    ///
    /// # Errors
    /// `Router`.
    pub fn serve(_: &Manager, _: &Path, _: Settings) -> Result<()> {
        Err(Refusal::Router("client processes are supported only on Linux".into()))
    }

    /// There is nothing to stop.
    pub fn stop() {}
}

pub use here::{serve, stop};
