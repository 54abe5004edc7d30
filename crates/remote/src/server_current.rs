//! The service of this process, if it is a router.

use mgm_manager::Manager;
use mgm_types::{Refusal, Result};
use std::path::Path;

#[cfg(target_os = "linux")]
mod here {
    use super::*;
    use crate::server::{Limits, Server};
    use parking_lot::Mutex;

    static CURRENT: Mutex<Option<Server>> = Mutex::new(None);

    /// Serves client processes at a path, and no longer at the former one.
    ///
    /// # Errors
    /// `Router`, with the reason.
    pub fn serve(manager: &Manager, path: &Path, mode: u32) -> Result<()> {
        stop();
        let server = Server::open(manager, path, mode, Limits::default()).map_err(|error| {
            Refusal::Router(format!("cannot serve client processes at {}: {error}", path.display()))
        })?;
        *CURRENT.lock() = Some(server);
        Ok(())
    }

    /// Serves client processes no longer. Their connections end.
    pub fn stop() {
        let server = CURRENT.lock().take();
        if let Some(server) = server {
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
    pub fn serve(_: &Manager, _: &Path, _: u32) -> Result<()> {
        Err(Refusal::Router("client processes are supported only on Linux".into()))
    }

    /// There is nothing to stop.
    pub fn stop() {}
}

pub use here::{serve, stop};
