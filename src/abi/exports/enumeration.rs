//! Enumeration of memberships.

use crate::abi::args::{enum_kind, required, write};
use crate::abi::backend;
use crate::abi::buffer::{fill_groups, Buffer};
use crate::abi::entry::entry_for;
use crate::abi::handle::{self, HandleKind};
use crate::abi::types::*;

/// Starts an enumeration of the memberships of all clients.
///
/// An entry that exists from the start of the enumeration to its end is returned
/// exactly once, whatever is added or deleted in the meantime.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
/// - `metEnumType`: ALL_SOURCES returns one entry for each source and group that
///   any client has a membership for; several memberships that differ only in the
///   client or the interface are one entry. ANY_SOURCE returns one entry, with
///   source 0, for each group with at least one membership whose source is not 0.
/// - `phEnumHandle` (out): the handle of the enumeration. MgmGroupEnumerationEnd
///   closes it; MgmDeRegisterMProtocol also closes it.
///
/// # Returns
/// - `NO_ERROR`: the enumeration is started.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is invalid, a pointer is NULL, or
///   metEnumType has another value.
/// - `ERROR_NOT_ENOUGH_MEMORY`: the system has no memory left.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGroupEnumerationStart function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGroupEnumerationStart(
    hProtocol: HANDLE,
    metEnumType: MGM_ENUM_TYPES,
    phEnumHandle: *mut HANDLE,
) -> DWORD {
    entry_for("MgmGroupEnumerationStart", HandleKind::Protocol, hProtocol, |serial| {
        required("phEnumHandle", phEnumHandle)?;
        let id = backend::enum_start(serial, enum_kind(metEnumType)?)?;
        // SAFETY: not null, and the caller says that a handle may be written there.
        unsafe { write(phEnumHandle, handle::encode(HandleKind::Enumeration, id)) };
        Ok(NO_ERROR)
    })
}

/// Returns the next entries of an enumeration, as many as fit in the buffer.
///
/// # Parameters
/// - `hEnum`: the handle of the enumeration.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: the size of one
///   entry, written only with ERROR_INSUFFICIENT_BUFFER.
/// - `pbBuffer` (out): SOURCE_GROUP_ENTRY structures, one directly after the
///   other.
/// - `pdwNumEntries` (out): the number of entries in the buffer.
///
/// # Returns
/// The call never returns NO_ERROR.
///
/// - `ERROR_MORE_DATA`: the buffer holds *pdwNumEntries entries, and there are
///   more. Call the function again.
/// - `ERROR_NO_MORE_ITEMS`: the buffer holds the last entries. *pdwNumEntries may
///   be 0. Every later call returns this code with 0 entries.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small for one entry.
///   *pdwNumEntries is 0.
/// - `ERROR_INVALID_PARAMETER`: hEnum is not the handle of an open enumeration,
///   or a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGroupEnumerationGetNext function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGroupEnumerationGetNext(
    hEnum: HANDLE,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    pdwNumEntries: PDWORD,
) -> DWORD {
    entry_for("MgmGroupEnumerationGetNext", HandleKind::Enumeration, hEnum, |serial| {
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::counting(pdwBufferSize, pbBuffer, pdwNumEntries)? };
        fill_groups(&mut buffer, |capacity, visit| backend::enum_next(serial, capacity, visit))
    })
}

/// Closes an enumeration.
///
/// # Parameters
/// - `hEnum`: the handle of the enumeration. It is invalid after the call.
///
/// # Returns
/// - `NO_ERROR`: the enumeration is closed.
/// - `ERROR_INVALID_PARAMETER`: hEnum is not the handle of an open enumeration.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGroupEnumerationEnd function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGroupEnumerationEnd(hEnum: HANDLE) -> DWORD {
    entry_for("MgmGroupEnumerationEnd", HandleKind::Enumeration, hEnum, |serial| {
        backend::enum_end(serial)?;
        Ok(NO_ERROR)
    })
}
