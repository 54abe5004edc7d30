//! The functions of mgmhost.h for the names of interfaces.
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::args::{required, write};
use super::buffer::{fill_text, Buffer};
use super::entry::entry;
use super::types::*;
use crate::manager;
use std::ffi::{c_char, CStr};

/// Returns the index of the interface that has a given name in the system.
///
/// # Parameters
/// - `pszName` (in): the name, for example "eth0", or an alternative name of the
///   interface.
/// - `pdwIfIndex` (out): index of the interface.
///
/// # Returns
/// - `NO_ERROR`: the index is written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_NOT_FOUND`: the system has no interface of this name.
/// - `ERROR_CAN_NOT_COMPLETE`: the system is not Linux, or the caller is a forked
///   child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks. It does not
/// start the library. It looks in the network namespace of the calling thread.
/// The next call can return another index, because interfaces can be renamed.
#[no_mangle]
pub unsafe extern "C" fn MgmHostInterfaceIndex(
    pszName: *const c_char,
    pdwIfIndex: PDWORD,
) -> DWORD {
    entry("MgmHostInterfaceIndex", || {
        required("pszName", pszName)?;
        required("pdwIfIndex", pdwIfIndex)?;
        // SAFETY: not null, and the caller says that a text ended by a zero is there.
        let index = manager::interface_index(unsafe { CStr::from_ptr(pszName) })?;
        // SAFETY: not null, and the caller says that a DWORD may be written there.
        unsafe { write(pdwIfIndex, index) };
        Ok(NO_ERROR)
    })
}

/// Returns the name of the interface that has a given index in the system.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: size of the
///   name in bytes, with the terminating zero. Pass 0 to ask for the size; 16
///   bytes (IF_NAMESIZE) always suffice.
/// - `pbBuffer` (out): the name, with a terminating zero. It need not be UTF-8.
///
/// # Returns
/// - `NO_ERROR`: the name is in the buffer.
/// - `ERROR_NOT_FOUND`: the system has no interface with this index.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small, and is not written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the system is not Linux, or the caller is a forked
///   child of the router.
///
/// # Threads
/// As for MgmHostInterfaceIndex. The call causes no callbacks.
#[no_mangle]
pub unsafe extern "C" fn MgmHostInterfaceName(
    dwIfIndex: DWORD,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
) -> DWORD {
    entry("MgmHostInterfaceName", || {
        // SAFETY: the caller says what is there.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        fill_text(&mut buffer, &manager::interface_name(dwIfIndex)?)
    })
}
