//! The functions of mgmhost.h that show what MGM is doing.
//!
//! As in [`host`](super::host), each body is one call of
//! `entry`, and the text here is the header's.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::buffer::{fill_text, Buffer};
use super::entry::entry;
use super::types::*;
use crate::manager::{Detail, Manager};
use crate::types::{Refusal, Result};
use std::ffi::{c_char, CStr};
use std::path::PathBuf;

/// Tells all that can be seen of MGM as JSON: clients, interfaces, memberships,
/// MFEs with 64-bit counters, callbacks made, upcalls, refused packets. Others
/// may go on meanwhile: memberships and MFEs may come and go. docs/status.md describes
/// it, docs/status.schema.json defines it.
///
/// # Parameters
/// - `dwFlags`: 0, MGMHOST_STATUS_NO_MEMBERSHIPS, MGMHOST_STATUS_NO_MFES, or both:
///   of these there may be very many.
/// - `pdwBufferSize` (in, out): bytes at pbBuffer. Goes with the number of bytes
///   that the text takes, with the zero at its end; ask with 0 for it. What there
///   is to tell may have grown by the next call: leave some room, or try again.
/// - `pbBuffer` (out): the text, UTF-8, and a zero. NULL if *pdwBufferSize is 0.
///
/// # Returns
/// - `NO_ERROR`: told.
/// - `ERROR_INSUFFICIENT_BUFFER`: there is no room; pbBuffer is as it was.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or an unknown flag.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It does not start MGM. A
/// million MFEs take some 0.3 s, more with the kernel forwarder, which is asked for each
/// one's counters; other calls come in between.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGetStatus(
    dwFlags: DWORD,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
) -> DWORD {
    entry("MgmHostGetStatus", || {
        let detail = status_detail(dwFlags)?;
        // SAFETY: the caller says what is there.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        fill_text(&mut buffer, &Manager::global().status(detail).to_json())
    })
}

/// Tells the same, as far as it can be counted, as a page of metrics in the text
/// form of Prometheus. docs/status.md lists them.
///
/// # Parameters
/// - `dwFlags`: 0, or MGMHOST_METRICS_MFES: with the counters of each MFE. That
///   makes some six lines for each, which may be more than a time series
///   database likes.
/// - `pdwBufferSize` (in, out): bytes at pbBuffer. Goes with the number of bytes
///   that the text takes, with the zero at its end; ask with 0 for it. What there
///   is to tell may have grown by the next call: leave some room, or try again.
/// - `pbBuffer` (out): the text, UTF-8, and a zero. NULL if *pdwBufferSize is 0.
///
/// # Returns
/// - `NO_ERROR`: told.
/// - `ERROR_INSUFFICIENT_BUFFER`: there is no room; pbBuffer is as it was.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or an unknown flag.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// As MgmHostGetStatus.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGetMetrics(
    dwFlags: DWORD,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
) -> DWORD {
    entry("MgmHostGetMetrics", || {
        known_flags(dwFlags, MGMHOST_METRICS_MFES)?;
        // SAFETY: the caller says what is there.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        let detail = Detail { mfes: dwFlags & MGMHOST_METRICS_MFES != 0, ..Detail::SUMMARY };
        fill_text(&mut buffer, &Manager::global().status(detail).to_metrics())
    })
}

/// Serves both at a UNIX socket, for mgmtop, curl and the like, until MGM is
/// stopped; the file goes then. Only this user, and root, can connect. A socket
/// that a router left which is gone is replaced. What the environment's
/// MGM_STATUS_SOCKET does. docs/status.md tells what can be asked there.
///
/// # Parameters
/// - `pszPath` (in): where; it is copied. NULL: nowhere any more.
///
/// # Returns
/// - `NO_ERROR`: served there from now on, and nowhere else.
/// - `ERROR_INVALID_PARAMETER`: this call would start MGM, and a variable of the
///   environment is invalid.
/// - `ERROR_CAN_NOT_COMPLETE`: there cannot be a socket there (the log says why),
///   and it is served nowhere now; another call has it served elsewhere meanwhile;
///   MGM is being stopped; this is not Linux; or this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. No other call waits for it. Where the
/// file system does not answer it takes at most some seconds, and is refused.
#[no_mangle]
pub unsafe extern "C" fn MgmHostServeStatus(pszPath: *const c_char) -> DWORD {
    entry("MgmHostServeStatus", || {
        // SAFETY: the caller says that a text ended by a zero is there, if anything.
        let path = (!pszPath.is_null()).then(|| unsafe { CStr::from_ptr(pszPath) });
        Manager::global().serve_status(path.map(as_path).as_deref())?;
        Ok(NO_ERROR)
    })
}

/// A path as the caller has it, byte for byte where the system takes bytes.
fn as_path(text: &CStr) -> PathBuf {
    #[cfg(unix)]
    return <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(text.to_bytes()).into();
    #[cfg(not(unix))]
    text.to_string_lossy().into_owned().into()
}

fn status_detail(flags: DWORD) -> Result<Detail> {
    known_flags(flags, MGMHOST_STATUS_NO_MEMBERSHIPS | MGMHOST_STATUS_NO_MFES)?;
    Ok(Detail {
        memberships: flags & MGMHOST_STATUS_NO_MEMBERSHIPS == 0,
        mfes: flags & MGMHOST_STATUS_NO_MFES == 0,
    })
}

fn known_flags(flags: DWORD, known: DWORD) -> Result<()> {
    if flags & !known == 0 {
        Ok(())
    } else {
        Err(Refusal::BadFlags(flags))
    }
}
