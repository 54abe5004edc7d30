//! The structures of the host that contain their size, and its log callback.

use super::args::read_field;
use super::host_status::as_path;
use super::invoke::call_out;
use super::types::*;
use crate::manager::{ForwarderChoice, HostSettings, LogSink, MOST_FLOWS};
use crate::types::{Refusal, Result};
use log::{Level, LevelFilter};
use std::ffi::{c_void, CStr, CString};
use std::mem::offset_of;
use std::path::PathBuf;
use std::ptr::{null, null_mut};

/// The sizes that MGMHOST_CONFIG has if its last fields are missing, as in older callers.
const CONFIG_SIZES: [usize; 12] = [
    offset_of!(MGMHOST_CONFIG, dwForwarder),
    offset_of!(MGMHOST_CONFIG, dwTable),
    offset_of!(MGMHOST_CONFIG, dwMfeTimeout),
    offset_of!(MGMHOST_CONFIG, dwLogLevel),
    offset_of!(MGMHOST_CONFIG, dwReserved),
    offset_of!(MGMHOST_CONFIG, pfnLogCallback),
    offset_of!(MGMHOST_CONFIG, pvLogContext),
    offset_of!(MGMHOST_CONFIG, dwUnicastTable),
    offset_of!(MGMHOST_CONFIG, dwMaxFlows),
    offset_of!(MGMHOST_CONFIG, dwFlags),
    offset_of!(MGMHOST_CONFIG, dwReserved1),
    offset_of!(MGMHOST_CONFIG, pszRouter),
];

/// The longest path of a UNIX socket in bytes.
pub const LONGEST_PATH: usize = 107;

/// No version of these structures will ever be larger, so a larger dwSize is an error.
const CONFIG_LIMIT: usize = 4096;

const DEFAULTS: MGMHOST_CONFIG = MGMHOST_CONFIG {
    dwSize: size_of::<MGMHOST_CONFIG>() as DWORD,
    dwForwarder: MGMHOST_FORWARDER_DEFAULT,
    dwTable: 0,
    dwMfeTimeout: 0,
    dwLogLevel: MGMHOST_LOG_DEFAULT,
    dwReserved: 0,
    pfnLogCallback: None,
    pvLogContext: null_mut(),
    dwUnicastTable: 0,
    dwMaxFlows: 0,
    dwFlags: 0,
    dwReserved1: 0,
    pszRouter: null(),
};

/// The sizes that MGMHOST_CLIENTS has if its last fields are missing.
const CLIENTS_SIZES: [usize; 7] = [
    offset_of!(MGMHOST_CLIENTS, dwFlags),
    offset_of!(MGMHOST_CLIENTS, dwMode),
    offset_of!(MGMHOST_CLIENTS, dwOwner),
    offset_of!(MGMHOST_CLIENTS, dwGroup),
    offset_of!(MGMHOST_CLIENTS, dwMaxProcesses),
    offset_of!(MGMHOST_CLIENTS, dwAnswerMs),
    offset_of!(MGMHOST_CLIENTS, dwMaxUserProcesses),
];

const NO_CLIENTS: MGMHOST_CLIENTS = MGMHOST_CLIENTS {
    dwSize: size_of::<MGMHOST_CLIENTS>() as DWORD,
    dwFlags: 0,
    dwMode: 0,
    dwOwner: 0,
    dwGroup: 0,
    dwMaxProcesses: 0,
    dwAnswerMs: 0,
    dwMaxUserProcesses: 0,
};

/// Reads the fields that the caller has. The other fields get their defaults.
///
/// # Safety
/// The pointer is valid for a DWORD, and for as many bytes as it says. It need not be
/// aligned.
pub unsafe fn read_config(from: *const MGMHOST_CONFIG) -> Result<MGMHOST_CONFIG> {
    // SAFETY: the caller's promise. All bits are valid for each field except the pointers, which
    // the caller promised to be what the header says.
    unsafe { read_sized(from, DEFAULTS, &CONFIG_VERSIONS) }
}

/// Likewise.
///
/// # Safety
/// As for [`read_config`].
pub unsafe fn read_clients(from: *const MGMHOST_CLIENTS) -> Result<MGMHOST_CLIENTS> {
    // SAFETY: the caller's promise. All bits are valid for each field.
    unsafe { read_sized(from, NO_CLIENTS, &CLIENTS_VERSIONS) }
}

/// The versions of a structure that begins with its size.
struct Versions {
    /// The sizes of older versions.
    sizes: &'static [usize],
    /// What is wrong with another size.
    no_version: &'static str,
    /// What is wrong with a later version that has more to say.
    later: &'static str,
}

const CONFIG_VERSIONS: Versions = Versions {
    sizes: &CONFIG_SIZES,
    no_version: "invalid MGMHOST_CONFIG.dwSize: no version of the structure has this size",
    later: "MGMHOST_CONFIG has settings that this version of the library does not support",
};

const CLIENTS_VERSIONS: Versions = Versions {
    sizes: &CLIENTS_SIZES,
    no_version: "invalid MGMHOST_CLIENTS.dwSize: no version of the structure has this size",
    later: "MGMHOST_CLIENTS has settings that this version of the library does not support",
};

/// Reads a structure that begins with its size.
///
/// # Safety
/// The pointer is valid for a DWORD, and for as many bytes as it says. It need not be aligned. The
/// bytes there are valid for the fields of `T`.
unsafe fn read_sized<T: Copy>(from: *const T, defaults: T, versions: &Versions) -> Result<T> {
    let known = size_of::<T>();
    // SAFETY: the caller's promise.
    let size = unsafe { from.cast::<DWORD>().read_unaligned() } as usize;
    if size > CONFIG_LIMIT || (size < known && !versions.sizes.contains(&size)) {
        return Err(Refusal::BadArgument(versions.no_version));
    }
    for i in known..size {
        // SAFETY: `i` is less than the size that the caller promised.
        if unsafe { from.cast::<u8>().add(i).read() } != 0 {
            return Err(Refusal::BadArgument(versions.later));
        }
    }
    let mut structure = defaults;
    // SAFETY: `from` has `size` bytes, as the caller promised, and `structure` has `known`. Each
    // field is copied whole or not at all, and the caller promised that its bits are valid.
    unsafe {
        from.cast::<u8>().copy_to_nonoverlapping((&raw mut structure).cast(), size.min(known));
    }
    Ok(structure)
}

impl MGMHOST_CONFIG {
    /// Returns the settings of the host. The environment variables set the other ones.
    pub(super) fn settings(&self) -> Result<HostSettings> {
        if self.dwReserved != 0 || self.dwReserved1 != 0 {
            return Err(Refusal::BadArgument("a reserved field of MGMHOST_CONFIG is not 0"));
        }
        if self.dwFlags & !MGMHOST_START_OPEN_FORWARDER != 0 {
            return Err(Refusal::BadFlags(self.dwFlags));
        }
        if self.dwMaxFlows > MOST_FLOWS {
            return Err(Refusal::BadArgument("MGMHOST_CONFIG.dwMaxFlows is greater than 16777216"));
        }
        let forwarder = match self.dwForwarder {
            MGMHOST_FORWARDER_DEFAULT => None,
            MGMHOST_FORWARDER_AUTO => Some(ForwarderChoice::Auto),
            MGMHOST_FORWARDER_KERNEL => Some(ForwarderChoice::Kernel),
            MGMHOST_FORWARDER_MEMORY => Some(ForwarderChoice::Memory),
            MGMHOST_FORWARDER_EBPF => Some(ForwarderChoice::Ebpf),
            _ => return Err(Refusal::BadArgument("MGMHOST_CONFIG.dwForwarder is invalid")),
        };
        let log_level = log_level(self.dwLogLevel)
            .ok_or(Refusal::BadArgument("MGMHOST_CONFIG.dwLogLevel is invalid"))?;
        let given = |value: DWORD| (value != 0).then_some(value);
        Ok(HostSettings {
            forwarder,
            table: given(self.dwTable),
            unicast_table: given(self.dwUnicastTable),
            mfe_timeout: given(self.dwMfeTimeout),
            max_flows: given(self.dwMaxFlows),
            log_level,
            open_forwarder: self.dwFlags & MGMHOST_START_OPEN_FORWARDER != 0,
        })
    }
}

/// The path of the router that the host names, if any.
///
/// # Safety
/// A text ended by a zero is there, if pszRouter is not NULL.
pub unsafe fn router_of(config: &MGMHOST_CONFIG) -> Result<Option<PathBuf>> {
    if config.pszRouter.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let path = as_path(unsafe { CStr::from_ptr(config.pszRouter) });
    if path.as_os_str().is_empty() || path.as_os_str().len() > LONGEST_PATH {
        let text = "MGMHOST_CONFIG.pszRouter is empty or longer than 107 bytes";
        return Err(Refusal::BadArgument(text));
    }
    if config.dwForwarder != MGMHOST_FORWARDER_DEFAULT {
        let text = "MGMHOST_CONFIG has a forwarder and a router: a client library has no forwarder";
        return Err(Refusal::BadArgument(text));
    }
    Ok(Some(path))
}

/// Returns the level with this number, `Some(None)` for the default; `None` if there is no such
/// level.
pub fn log_level(number: DWORD) -> Option<Option<LevelFilter>> {
    match number {
        MGMHOST_LOG_DEFAULT => Some(None),
        MGMHOST_LOG_OFF => Some(Some(LevelFilter::Off)),
        MGMHOST_LOG_ERROR => Some(Some(LevelFilter::Error)),
        MGMHOST_LOG_WARN => Some(Some(LevelFilter::Warn)),
        MGMHOST_LOG_INFO => Some(Some(LevelFilter::Info)),
        MGMHOST_LOG_DEBUG => Some(Some(LevelFilter::Debug)),
        MGMHOST_LOG_TRACE => Some(Some(LevelFilter::Trace)),
        _ => None,
    }
}

/// Writes the version of the library, as much of it as the caller has room for.
///
/// # Safety
/// The pointer is valid for a DWORD, and for as many bytes as it says. It need not be
/// aligned.
pub unsafe fn write_version(to: PMGMHOST_VERSION) -> Result<()> {
    const TEXT: &str =
        concat!("mgm ", env!("CARGO_PKG_VERSION"), " for ", env!("MGM_TARGET"), "\0");
    // SAFETY: the caller's promise.
    let room = unsafe { read_field!(to, dwSize) } as usize;
    if room < size_of::<DWORD>() {
        return Err(Refusal::BadArgument("MGMHOST_VERSION.dwSize is less than 4"));
    }
    let size = room.min(size_of::<MGMHOST_VERSION>());
    let number = |text: &str| text.parse().unwrap_or(0);
    let version = MGMHOST_VERSION {
        dwSize: size as DWORD,
        dwApiMajor: MGMHOST_API_MAJOR,
        dwApiMinor: MGMHOST_API_MINOR,
        dwBuildMajor: number(env!("CARGO_PKG_VERSION_MAJOR")),
        dwBuildMinor: number(env!("CARGO_PKG_VERSION_MINOR")),
        dwBuildPatch: number(env!("CARGO_PKG_VERSION_PATCH")),
        pszBuild: TEXT.as_ptr().cast(),
    };
    // SAFETY: the caller promised `room` bytes, and ours are no fewer than `size`.
    unsafe { (&raw const version).cast::<u8>().copy_to_nonoverlapping(to.cast(), size) };
    Ok(())
}

/// The log callback of a host, with its context.
struct HostLog {
    pfn: unsafe extern "C-unwind" fn(*mut c_void, DWORD, *const std::ffi::c_char),
    context: *mut c_void,
}

// SAFETY: the library only passes the context to the callback. mgmhost.h documents that the
// callback is called on any thread, and on several threads at the same time.
unsafe impl Send for HostLog {}
// SAFETY: as above.
unsafe impl Sync for HostLog {}

impl HostLog {
    fn line(&self, level: Level, text: &str) {
        let level = match level {
            Level::Error => MGMHOST_LOG_ERROR,
            Level::Warn => MGMHOST_LOG_WARN,
            Level::Info => MGMHOST_LOG_INFO,
            Level::Debug => MGMHOST_LOG_DEBUG,
            Level::Trace => MGMHOST_LOG_TRACE,
        };
        // CString refuses zero bytes, so they are replaced.
        let text = CString::new(text.replace('\0', "?")).unwrap_or_default();
        // SAFETY: the host passed this function and this context as its log callback.
        call_out("pfnLogCallback", || unsafe { (self.pfn)(self.context, level, text.as_ptr()) });
    }
}

/// Returns a sink that passes messages to the callback of a host; `None` for stderr.
pub fn log_sink(pfn: MGMHOST_LOG_CALLBACK, context: *mut c_void) -> Option<LogSink> {
    let host = HostLog { pfn: pfn?, context };
    Some(Box::new(move |level, text| host.line(level, text)))
}

#[cfg(test)]
mod tests;
