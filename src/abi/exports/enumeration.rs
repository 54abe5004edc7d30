//! Learning what others have joined.

use crate::abi::args::{enum_kind, required, write};
use crate::abi::buffer::{fill_groups, Buffer};
use crate::abi::entry::entry_for;
use crate::abi::handle::{self, Kind};
use crate::abi::types::*;
use crate::engine::ClientId;
use crate::manager::{EnumId, Manager};

/// Starts an enumeration of the groups that anyone has joined.
///
/// Entries that are there from start to end are given exactly once, whatever
/// comes and goes meanwhile.
///
/// # Parameters
/// - `hProtocol`: the client's handle.
/// - `metEnumType`: ALL_SOURCES for an entry for each source and group, each
///   group from any source, and everything, that somebody has joined. ANY_SOURCE
///   for an entry, with source 0, for each group that somebody has joined with a
///   source.
/// - `phEnumHandle` (out): the handle of the enumeration. MgmGroupEnumerationEnd
///   closes it, and MgmDeRegisterMProtocol does.
///
/// # Returns
/// - `NO_ERROR`: started.
/// - `ERROR_INVALID_PARAMETER`: not a client's handle, a pointer is NULL, or
///   another type.
/// - `ERROR_NOT_ENOUGH_MEMORY`: no memory left.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmGroupEnumerationStart function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGroupEnumerationStart(
    hProtocol: HANDLE,
    metEnumType: MGM_ENUM_TYPES,
    phEnumHandle: *mut HANDLE,
) -> DWORD {
    entry_for("MgmGroupEnumerationStart", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        required("phEnumHandle", phEnumHandle)?;
        let id = Manager::global().enum_start(client, enum_kind(metEnumType)?)?;
        // SAFETY: not null, and the caller says that a handle may be written there.
        unsafe { write(phEnumHandle, handle::encode(Kind::Enumeration, id.0)) };
        Ok(NO_ERROR)
    })
}

/// Gives the next entries of an enumeration, as many as the buffer holds.
///
/// # Parameters
/// - `hEnum`: the handle of the enumeration.
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that one entry needs.
/// - `pbBuffer` (out): SOURCE_GROUP_ENTRY structures, back to back. Any alignment
///   will do. NULL if *pdwBufferSize is 0.
/// - `pdwNumEntries` (out): the number of entries.
///
/// # Returns
/// - `ERROR_MORE_DATA`: there are more; call again.
/// - `ERROR_NO_MORE_ITEMS`: these were the last, or there are none; also in
///   every later call.
/// - `ERROR_INSUFFICIENT_BUFFER`: not even one fits; see pdwBufferSize.
/// - `ERROR_INVALID_PARAMETER`: not the handle of an open enumeration, or a
///   pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmGroupEnumerationGetNext function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGroupEnumerationGetNext(
    hEnum: HANDLE,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    pdwNumEntries: PDWORD,
) -> DWORD {
    entry_for("MgmGroupEnumerationGetNext", Kind::Enumeration, hEnum, |serial| {
        let id = EnumId(serial);
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::counting(pdwBufferSize, pbBuffer, pdwNumEntries)? };
        fill_groups(&mut buffer, |capacity, visit| Manager::global().enum_next(id, capacity, visit))
    })
}

/// Closes an enumeration.
///
/// # Parameters
/// - `hEnum`: the handle of the enumeration, invalid afterwards.
///
/// # Returns
/// - `NO_ERROR`: closed.
/// - `ERROR_INVALID_PARAMETER`: not the handle of an open enumeration.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmGroupEnumerationEnd function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGroupEnumerationEnd(hEnum: HANDLE) -> DWORD {
    entry_for("MgmGroupEnumerationEnd", Kind::Enumeration, hEnum, |serial| {
        Manager::global().enum_end(EnumId(serial))?;
        Ok(NO_ERROR)
    })
}
