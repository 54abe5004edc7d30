//! Modules: shared objects that run a routing protocol in mgmd. include/mgmd_module.h documents
//! their two functions.
//!
//! - `loader`: loads a shared object and calls its functions, with the only unsafe code of mgmd.

#[expect(unsafe_code, reason = "loads shared objects and calls their C functions")]
mod loader;

use crate::config::{LogLevel, Module};
use loader::Object;
use std::ffi::CString;
use std::path::PathBuf;
use std::sync::Arc;

/// Receives the lines that modules log, on any thread.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Why a module does not run. The text names its file and what to do.
#[derive(Debug, thiserror::Error)]
#[error("module {}: {why}", path.display())]
pub struct LoadError {
    /// The file, as in the configuration.
    pub path: PathBuf,
    /// The reason.
    pub why: Refusal,
}

/// The reasons of a [`LoadError`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message of the system's loader: the file is missing, is not a shared object, or uses an
    /// undefined symbol.
    #[error("cannot be loaded: {0}")]
    Unloadable(String),
    #[error("is not linked with libmgm.so.1: link it with -lmgm")]
    NotLinked,
    #[error("contains a library of its own: link it with -lmgm, not with libmgm.a")]
    OwnLibrary,
    #[error("has no function {0}: mgmd_module.h documents what a module defines")]
    NoFunction(&'static str),
    #[error("is loaded already, and a module cannot run twice: use a copy of the file")]
    LoadedTwice,
    #[error("args contain a null character: remove it")]
    NullInArguments,
    #[error("mgmd_module_init returned {0}: see the log for lines of the module")]
    Failed(u32),
}

/// The running modules. When this is dropped, they are stopped, the last one
/// first.
#[derive(Debug)]
pub struct Modules {
    running: Vec<Object>,
}

impl Modules {
    /// Loads and starts modules in this order. `log` receives their lines, and from now on also
    /// those of modules that an earlier call loaded.
    ///
    /// # Errors
    /// The first module that cannot be loaded or does not start. The modules before it are stopped.
    pub fn load(modules: &[Module], log: LogSink) -> Result<Modules, LoadError> {
        loader::set_log(log);
        let mut running = Modules { running: Vec::new() };
        for module in modules {
            match running.start(module) {
                Ok(object) => running.running.push(object),
                Err(why) => return Err(LoadError { path: module.path.clone(), why }),
            }
        }
        Ok(running)
    }

    /// Stops the modules, the last one first.
    pub fn stop(self) {
        drop(self);
    }

    fn start(&self, module: &Module) -> Result<Object, Refusal> {
        let args = CString::new(module.args.as_bytes()).map_err(|_| Refusal::NullInArguments)?;
        let object = Object::load(&module.path)?;
        if self.running.iter().any(|other| other.is_same(&object)) {
            return Err(Refusal::LoadedTwice);
        }
        match object.init(&args) {
            0 => Ok(object),
            code => Err(Refusal::Failed(code)),
        }
    }
}

impl Drop for Modules {
    fn drop(&mut self) {
        while let Some(module) = self.running.pop() {
            module.stop();
        }
    }
}
