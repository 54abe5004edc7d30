//! Paths at which the file system does not answer, for tests.

use parking_lot::{Condvar, Mutex};
use std::path::{Path, PathBuf};

static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static STUCK: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static CHANGED: Condvar = Condvar::new();

/// While this exists, operations at the path do not return.
pub(crate) struct Hanging(PathBuf);

pub(crate) fn at(path: &Path) -> Hanging {
    PATHS.lock().push(path.into());
    Hanging(path.into())
}

impl Hanging {
    /// Waits until a thread is stuck there.
    pub fn wait(&self) {
        while none_at(&self.0) {
            std::thread::yield_now();
        }
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        PATHS.lock().retain(|path| *path != self.0);
        CHANGED.notify_all();
    }
}

pub(crate) fn none_at(path: &Path) -> bool {
    STUCK.lock().iter().all(|other| other != path)
}

/// Dropped before the status socket's file is removed.
pub(super) struct HangingEnd(pub PathBuf);

impl Drop for HangingEnd {
    fn drop(&mut self) {
        pass(&self.0);
    }
}

/// Does not return while the path hangs.
pub(super) fn pass(path: &Path) {
    let mut paths = PATHS.lock();
    if !paths.iter().any(|other| other == path) {
        return;
    }
    STUCK.lock().push(path.into());
    while paths.iter().any(|other| other == path) {
        CHANGED.wait(&mut paths);
    }
    STUCK.lock().retain(|other| other != path);
}
