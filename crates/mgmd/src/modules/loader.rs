//! Loads a shared object and calls its functions.

use super::{LogSink, Refusal};
use crate::config::LogLevel;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{c_char, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::{PoisonError, RwLock};

type Init = unsafe extern "C" fn(*const c_char, *const Host) -> u32;
type Stop = unsafe extern "C" fn();

/// struct mgmd_module_host
#[repr(C)]
#[expect(non_snake_case, reason = "the names are C's")]
struct Host {
    dwSize: u32,
    log: extern "C" fn(u32, *const c_char),
}

#[expect(clippy::cast_possible_truncation, reason = "a few bytes")]
static HOST: Host = Host { dwSize: size_of::<Host>() as u32, log: log_line };

/// Receives the lines of the modules. It is static because the C function
/// `log` has no context.
static LOG: RwLock<Option<LogSink>> = RwLock::new(None);

pub fn set_log(log: LogSink) {
    *LOG.write().unwrap_or_else(PoisonError::into_inner) = Some(log);
}

/// A function that every version of libmgm.so.1 has.
const OF_THE_LIBRARY: &str = "MgmRegisterMProtocol";

/// A module. Its code is never unloaded, because its own threads, or the library's, may
/// still run it.
#[derive(Debug)]
pub struct Object {
    handle: *mut c_void,
    init: Init,
    stop: Stop,
}

impl Object {
    pub fn load(path: &Path) -> Result<Object, Refusal> {
        // SAFETY: this runs the initialisers of the module, which is code that the administrator
        // has chosen to run in mgmd.
        let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| Refusal::Unloadable(words(&error, path)))?;
        let theirs = symbol(&library, OF_THE_LIBRARY).ok_or(Refusal::NotLinked)?;
        // Two copies of the library in a process would be two separate routers.
        if symbol(&Library::this(), OF_THE_LIBRARY) != Some(theirs) {
            return Err(Refusal::OwnLibrary);
        }
        let function = |name| symbol(&library, name).ok_or(Refusal::NoFunction(name));
        let (init, stop) = (function("mgmd_module_init")?, function("mgmd_module_stop")?);
        Ok(Object {
            // SAFETY: mgmd_module.h declares the function with this type, and the library that
            // contains it is never closed, because into_raw below gives up its ownership.
            init: unsafe { std::mem::transmute::<*mut c_void, Init>(init) },
            // SAFETY: as above.
            stop: unsafe { std::mem::transmute::<*mut c_void, Stop>(stop) },
            handle: library.into_raw(),
        })
    }

    /// Whether both are the same file: the system's loader loads a file only once.
    pub fn is_same(&self, other: &Object) -> bool {
        self.handle == other.handle
    }

    /// Calls mgmd_module_init.
    pub fn init(&self, args: &CStr) -> u32 {
        // SAFETY: the function has this type (see load), and both pointers are valid.
        unsafe { (self.init)(args.as_ptr(), &raw const HOST) }
    }

    /// Calls mgmd_module_stop.
    pub fn stop(self) {
        // SAFETY: the function has this type (see load).
        unsafe { (self.stop)() }
    }
}

/// The address of a function in a library or in what it is linked with.
fn symbol(library: &Library, name: &str) -> Option<*mut c_void> {
    // SAFETY: the address of a function has the size of a pointer. It is not called here.
    let symbol = unsafe { library.get::<*mut c_void>(name.as_bytes()) }.ok()?;
    let address = symbol.into_raw();
    (!address.is_null()).then_some(address)
}

/// The message of the system's loader, without the path before it, which mgmd's own message
/// has already.
fn words(error: &libloading::Error, path: &Path) -> String {
    let text = error.to_string();
    text.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&text).to_owned()
}

/// `log` of struct mgmd_module_host.
extern "C" fn log_line(level: u32, text: *const c_char) {
    if text.is_null() {
        return;
    }
    // SAFETY: the module passes a string of C, which stays valid during the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let level = match level {
        2 => LogLevel::Error,
        3 => LogLevel::Warn,
        5 => LogLevel::Debug,
        6 => LogLevel::Trace,
        _ => LogLevel::Info,
    };
    // The sink is called without the lock, because it may block.
    let log = LOG.read().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(log) = log {
        // A panic must not reach C. Its message has been printed already.
        let _ = catch_unwind(AssertUnwindSafe(|| log(level, &text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn host_has_the_layout_of_c() {
        let pointer = size_of::<usize>();
        assert_eq!((offset_of!(Host, dwSize), offset_of!(Host, log)), (0, pointer));
        assert_eq!(HOST.dwSize as usize, 2 * pointer);
    }
}
