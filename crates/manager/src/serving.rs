//! Serves the status socket. All file system calls are made on the service's own thread,
//! `mgm-status`, and never with the manager's lock held, because the path may be on a file
//! system that does not respond. Callers wait for that thread for a bounded time.

use super::platform::{StatusSocket, StopSignal};
use super::{Manager, Shared};
use crate::types::{Refusal, Result};
use parking_lot::{Condvar, Mutex};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a call waits for the socket to be opened.
const OPENING: Duration = Duration::from_secs(5);
/// How long a stop, or a call that changes the path, waits until the former file is removed.
const CLOSING: Duration = Duration::from_secs(2);

/// The present service, if any. Locked only briefly, also with the manager's lock held.
#[derive(Default)]
pub(super) struct Serving(Mutex<CurrentService>);

#[derive(Default)]
struct CurrentService {
    /// The number of the start that may serve; 0 while stopped.
    start: u64,
    service: Option<Arc<Service>>,
}

impl Serving {
    /// Called at a start: from now on, only this start may serve the status.
    pub fn begin(&self, start: u64) {
        self.0.lock().start = start;
    }

    /// Called at a stop: no service can be set any longer, and the file is removed.
    pub fn end(&self) {
        let service = std::mem::take(&mut *self.0.lock()).service;
        if let Some(service) = service {
            service.close();
        }
    }

    /// Replaces the service, and returns the former one.
    ///
    /// # Errors
    /// `Stopping`, if the library was stopped.
    fn replace(&self, start: u64, new: Option<Arc<Service>>) -> Result<Option<Arc<Service>>> {
        let mut current = self.0.lock();
        if current.start != start {
            return Err(Refusal::Stopping);
        }
        Ok(std::mem::replace(&mut current.service, new))
    }

    /// Removes a service that has failed.
    fn forget(&self, failed: &Arc<Service>) {
        let mut current = self.0.lock();
        if current.service.as_ref().is_some_and(|service| Arc::ptr_eq(service, failed)) {
            current.service = None;
        }
    }
}

/// The status, served at one path.
struct Service {
    path: PathBuf,
    stop: StopSignal,
    progress: Mutex<Progress>,
    changed: Condvar,
}

struct Progress {
    phase: Phase,
    /// The service was told to stop.
    closing: bool,
}

enum Phase {
    Opening,
    Open,
    /// It could not be opened, for this reason; or it was opened and is closed.
    Over(Option<String>),
}

impl Progress {
    /// Whether it could be opened, if that is known or no longer matters.
    fn is_open(&self) -> Option<std::result::Result<(), String>> {
        match &self.phase {
            Phase::Open => Some(Ok(())),
            Phase::Over(Some(why)) => Some(Err(why.clone())),
            _ if self.closing => {
                let why = "another path was set, or the library was stopped, in the meantime";
                Some(Err(why.into()))
            }
            Phase::Over(None) => Some(Ok(())), // it was open
            Phase::Opening => None,
        }
    }
}

impl Service {
    fn new(path: &Path) -> Result<Arc<Service>> {
        let stop = StopSignal::new().map_err(|error| refusal(path, &error.to_string()))?;
        Ok(Arc::new(Service {
            path: path.into(),
            stop,
            progress: Mutex::new(Progress { phase: Phase::Opening, closing: false }),
            changed: Condvar::new(),
        }))
    }

    /// Starts the thread. If `told`, a caller waits for the result; otherwise an error is logged.
    fn launch(self: &Arc<Service>, manager: Manager, told: bool) {
        let service = Arc::clone(self);
        let run = move || {
            /// Wakes waiting callers at the end, whatever happens.
            struct EndOnDrop<'a>(&'a Service);
            impl Drop for EndOnDrop<'_> {
                fn drop(&mut self) {
                    self.0.advance(Phase::Over(None));
                }
            }
            let _end = EndOnDrop(&service);
            service.run(&manager, told);
        };
        if let Err(error) = crate::threads::spawn("mgm-status", run) {
            self.fail(&error.to_string(), told);
        }
    }

    /// The main function of the thread.
    fn run(&self, manager: &Manager, told: bool) {
        if self.progress.lock().closing {
            return;
        }
        match StatusSocket::open(&self.path) {
            Ok(socket) => {
                self.advance(Phase::Open);
                socket.serve(&self.stop, manager);
            }
            Err(error) => self.fail(&error.to_string(), told),
        }
    }

    fn fail(&self, why: &str, told: bool) {
        self.advance(Phase::Over(Some(why.into())));
        if !told {
            log::error!("MGM_STATUS_SOCKET: {}", refusal(&self.path, why));
        }
    }

    fn advance(&self, phase: Phase) {
        let mut progress = self.progress.lock();
        if !matches!(progress.phase, Phase::Over(_)) {
            progress.phase = phase;
        }
        drop(progress);
        self.changed.notify_all();
    }

    /// Waits until it is open.
    fn opened(&self) -> Result<()> {
        let end = Instant::now() + OPENING;
        let mut progress = self.progress.lock();
        let mut in_time = true;
        while in_time && progress.is_open().is_none() {
            in_time = !self.changed.wait_until(&mut progress, end).timed_out();
        }
        match progress.is_open() {
            Some(result) => result.map_err(|why| refusal(&self.path, &why)),
            None => Err(refusal(&self.path, "the file system does not respond")),
        }
    }

    /// Tells the service to stop.
    fn dismiss(&self) {
        self.progress.lock().closing = true;
        self.stop.raise();
        self.changed.notify_all();
    }

    /// The same, and waits until the file is gone.
    fn close(&self) {
        self.dismiss();
        let end = Instant::now() + CLOSING;
        let mut progress = self.progress.lock();
        while !matches!(progress.phase, Phase::Over(_)) {
            if self.changed.wait_until(&mut progress, end).timed_out() {
                drop(progress);
                log::warn!(
                    "the status socket {} was not closed in time: its file may remain",
                    self.path.display()
                );
                return;
            }
        }
    }
}

fn refusal(path: &Path, why: &str) -> Refusal {
    Refusal::StatusSocket(format!("{}: {why}", path.display()))
}

impl Shared {
    /// Serves the status at the path in the environment. The start does not wait for it.
    pub(super) fn serve_from_start(self: &Arc<Self>, start: u64, path: &Path) {
        let shared = Arc::clone(self);
        let service = Service::new(path).and_then(|service| {
            self.serving.replace(start, Some(Arc::clone(&service)))?;
            Ok(service)
        });
        match service {
            Ok(service) => service.launch(Manager { shared }, false),
            Err(refusal) => log::error!("MGM_STATUS_SOCKET: {refusal}"),
        }
    }
}

impl Manager {
    /// Serves the status at a UNIX socket; `None` ends this. Of several calls at the same time the
    /// last one decides.
    ///
    /// # Errors
    /// `StatusSocket`, with the reason; `BadSetting`, `Stopping`.
    pub fn serve_status(&self, path: Option<&Path>) -> Result<()> {
        let mut guard = self.lock();
        let start = match path {
            Some(_) => guard.started()?.start,
            None if guard.run.is_none() => return Ok(()),
            None => guard.running().ok_or(Refusal::Stopping)?.start,
        };
        drop(guard);
        let new = path.map(Service::new).transpose();
        let serving = &self.shared.serving;
        let former = serving.replace(start, new.as_ref().ok().cloned().flatten())?;
        if let Some(former) = former {
            former.close(); // first, because the path may be the same
        }
        let Some(service) = new? else { return Ok(()) };
        service.launch(self.clone(), true);
        service.opened().inspect_err(|_| {
            service.dismiss(); // should it still come to be open
            serving.forget(&service);
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
