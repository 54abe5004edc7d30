//! The functions of mgmhost.h that return the state of the library.
//!
//! As in [`host`](super::host), each body is one call of
//! `entry`, and the comments here are those of the header.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::args::{group, interface, source};
use super::backend::{self, Backend};
use super::buffer::{fill_text, Buffer};
use super::entry::entry;
use super::types::*;
use crate::manager::Detail;
use crate::types::{Flow, Refusal, Result};
use std::ffi::{c_char, CStr};
use std::path::PathBuf;

/// Returns the state of the library as JSON.
///
/// It contains clients, interfaces, memberships, MFEs with 64-bit counters, and
/// the numbers of callbacks, upcalls and refused packets. Other calls can change
/// the state while the text is made: a membership or an MFE that is added or
/// deleted in the meantime may be in the text or not. docs/status.md describes
/// the text; docs/status.schema.json defines it.
///
/// # Parameters
/// - `dwFlags`: 0, MGMHOST_STATUS_NO_MEMBERSHIPS, MGMHOST_STATUS_NO_MFES, or
///   both. There may be very many memberships and MFEs.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: size of the
///   text in bytes, with the terminating zero. Pass 0 to ask for the size. The
///   text can grow until the next call: allocate some more, or try again.
/// - `pbBuffer` (out): the text in UTF-8, with a terminating zero.
///
/// # Returns
/// - `NO_ERROR`: the text is in the buffer.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small, and is not written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or dwFlags has an unknown
///   flag.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library. One million MFEs take about 0.3 s. They take longer with
/// the kernel forwarder, because the library asks the kernel for the counters
/// of each MFE. Other calls can run while the text is made.
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
        match backend::any()? {
            Backend::Here(manager) => fill_text(&mut buffer, &manager.status(detail).to_json()),
            Backend::There(router) => fill_text(&mut buffer, &router.status(detail)?),
        }
    })
}

/// Returns the metrics of the library in the text format of Prometheus.
///
/// They are the totals and counters that MgmHostGetStatus also returns.
/// docs/status.md lists them.
///
/// # Parameters
/// - `dwFlags`: 0, or MGMHOST_METRICS_MFES to include the counters of each MFE.
///   These are about six lines for each MFE, which may be too many for a time
///   series database.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: size of the
///   text in bytes, with the terminating zero. Pass 0 to ask for the size. The
///   text can grow until the next call: allocate some more, or try again.
/// - `pbBuffer` (out): the text in UTF-8, with a terminating zero.
///
/// # Returns
/// - `NO_ERROR`: the text is in the buffer.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small, and is not written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or dwFlags has an unknown
///   flag.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// As for MgmHostGetStatus.
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
        match backend::any()? {
            Backend::Here(manager) => fill_text(&mut buffer, &manager.status(detail).to_metrics()),
            Backend::There(router) => fill_text(&mut buffer, &router.metrics(detail)?),
        }
    })
}

/// Explains one flow as JSON: why its packets are forwarded, or why not.
///
/// The flow need not have an MFE. The text contains:
///
/// - the route of the source, and all interfaces on which packets may arrive;
/// - the client that RPF_CALLBACK asked, and its answer;
/// - each interface on which the flow is wanted, with its memberships and their
///   clients, its boundary and its TTL threshold;
/// - a recent refusal, the MFE with its counters, and the entry of the forwarder;
/// - the first reason why a packet would not go out.
///
/// docs/status.md describes the text; docs/explain.schema.json defines it.
///
/// # Parameters
/// - `dwSource`: address of the source, network byte order.
/// - `dwGroup`: address of the group, network byte order.
/// - `dwIfIndex`: index of the interface on which packets of the flow arrive. 0
///   selects the interface on which they arrived, or else the one on which they
///   are expected.
/// - `dwIfNextHopAddr`: next hop of this interface, network byte order.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: size of the
///   text in bytes, with the terminating zero. Pass 0 to ask for the size. The
///   text can grow until the next call: allocate some more, or try again.
/// - `pbBuffer` (out): the text in UTF-8, with a terminating zero.
///
/// # Returns
/// - `NO_ERROR`: the text is in the buffer.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small, and is not written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL; dwSource is not a unicast
///   address, or dwGroup not a multicast address; or dwIfIndex is 0 and
///   dwIfNextHopAddr is not.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library, and changes nothing. Its time does not depend on the
/// number of flows. If the route of the source is not known, the library looks
/// it up, without delaying other calls.
#[no_mangle]
pub unsafe extern "C" fn MgmHostExplain(
    dwSource: DWORD,
    dwGroup: DWORD,
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
) -> DWORD {
    entry("MgmHostExplain", || {
        // SAFETY: the caller says what is there.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        let flow = Flow::new(source(dwSource)?, group(dwGroup)?);
        let arrival = match (dwIfIndex, dwIfNextHopAddr) {
            (0, 0) => None,
            (index, next_hop) => Some(interface(index, next_hop)?),
        };
        fill_text(&mut buffer, &backend::here()?.explain(flow, arrival).to_json())
    })
}

/// Serves the status and the metrics at a UNIX socket.
///
/// mgmtop, curl and other programs can read them there. docs/status.md lists the
/// requests. The environment variable MGM_STATUS_SOCKET does the same at the
/// start of the library. Only the user of the router, and root, can connect. The
/// library replaces a socket that a router left behind when it ended. When the
/// library stops, it deletes the socket.
///
/// # Parameters
/// - `pszPath` (in): path of the socket, which the library copies. NULL stops
///   serving.
///
/// # Returns
/// - `NO_ERROR`: the library serves the status at this path only, or at no path if
///   pszPath is NULL.
/// - `ERROR_INVALID_PARAMETER`: the call would start the library, and an
///   environment variable has an invalid value.
/// - `ERROR_CAN_NOT_COMPLETE`: the socket cannot be created (the log says why),
///   and the library now serves the status at no path; another call has set another
///   path in the meantime; the library is being stopped; the system is not Linux;
///   or the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. No other
/// call waits for it. If the file system does not respond, the call returns
/// ERROR_CAN_NOT_COMPLETE after some seconds.
#[no_mangle]
pub unsafe extern "C" fn MgmHostServeStatus(pszPath: *const c_char) -> DWORD {
    entry("MgmHostServeStatus", || {
        // SAFETY: the caller says that a text ended by a zero is there, if anything.
        let path = (!pszPath.is_null()).then(|| unsafe { CStr::from_ptr(pszPath) });
        backend::here()?.serve_status(path.map(as_path).as_deref())?;
        Ok(NO_ERROR)
    })
}

/// Converts a path, byte for byte where the paths of the system are bytes.
pub(super) fn as_path(text: &CStr) -> PathBuf {
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
