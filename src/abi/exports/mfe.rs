//! Reading MFEs, and changing one.

use crate::abi::args::{mfe_flow, mfe_key, neighbour, read_field, required};
use crate::abi::buffer::{fill_many, fill_one, Buffer};
use crate::abi::entry::{entry, entry_for};
use crate::abi::handle::Kind;
use crate::abi::rows::Form;
use crate::abi::types::*;
use crate::engine::ClientId;
use crate::manager::Manager;

/// Gives one MFE: where packets of a source and group come in and go out.
///
/// # Parameters
/// - `pimm` (in): its dwGroup and dwSource, network byte order, say which one; the
///   other fields are not read.
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that are needed.
/// - `pbBuffer` (out): a MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes. Any
///   alignment will do. NULL if *pdwBufferSize is 0.
///
/// # Returns
/// - `NO_ERROR`: given.
/// - `ERROR_INSUFFICIENT_BUFFER`: see pdwBufferSize.
/// - `ERROR_NOT_FOUND`: there is no such MFE; also where there can be none, because
///   dwGroup is no group or dwSource no host's address.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmGetMfe function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetMfe(
    pimm: PMIB_IPMCAST_MFE,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
) -> DWORD {
    entry("MgmGetMfe", || {
        required("pimm", pimm)?;
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        // SAFETY: not null, and the caller says that it points to an MFE.
        let flow = unsafe { mfe_key(pimm) };
        fill_one(&mut buffer, flow, Form::Mfe)
    })
}

/// Gives MFEs from the first one on, as many as the buffer holds. Their order is
/// that of the groups, then of the sources, as numbers.
///
/// # Parameters
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that the first MFE needs.
/// - `pbBuffer` (out): the MFEs back to back, each a MIB_IPMCAST_MFE of
///   SIZEOF_MIB_MFE(ulNumOutIf) bytes. Any alignment will do. NULL if
///   *pdwBufferSize is 0.
/// - `pdwNumEntries` (out): the number of MFEs.
///
/// # Returns
/// - `ERROR_MORE_DATA`: there are more; go on with MgmGetNextMfe.
/// - `ERROR_NO_MORE_ITEMS`: these were the last, or there are none.
/// - `ERROR_INSUFFICIENT_BUFFER`: not even one fits; see pdwBufferSize.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmGetFirstMfe function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetFirstMfe(
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    pdwNumEntries: PDWORD,
) -> DWORD {
    entry("MgmGetFirstMfe", || {
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::counting(pdwBufferSize, pbBuffer, pdwNumEntries)? };
        fill_many(&mut buffer, None, Form::Mfe)
    })
}

/// Gives the MFEs after a given one, as many as the buffer holds. That one need
/// not exist any more.
///
/// # Parameters
/// - `pimmStart` (in): its dwGroup and dwSource, network byte order, say after
///   which MFE to start, usually the last one of the call before; the other
///   fields are not read.
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that the next MFE needs.
/// - `pbBuffer` (out): the MFEs back to back, each a MIB_IPMCAST_MFE of
///   SIZEOF_MIB_MFE(ulNumOutIf) bytes. Any alignment will do. NULL if
///   *pdwBufferSize is 0.
/// - `pdwNumEntries` (out): the number of MFEs.
///
/// # Returns
/// - `ERROR_MORE_DATA`: there are more.
/// - `ERROR_NO_MORE_ITEMS`: these were the last, or there are none.
/// - `ERROR_INSUFFICIENT_BUFFER`: not even one fits; see pdwBufferSize.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmGetNextMfe function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetNextMfe(
    pimmStart: PMIB_IPMCAST_MFE,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    pdwNumEntries: PDWORD,
) -> DWORD {
    entry("MgmGetNextMfe", || {
        required("pimmStart", pimmStart)?;
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::counting(pdwBufferSize, pbBuffer, pdwNumEntries)? };
        // SAFETY: not null, and the caller says that it points to an MFE.
        let start = unsafe { mfe_key(pimmStart) };
        fill_many(&mut buffer, Some(start), Form::Mfe)
    })
}

/// Changes the upstream neighbour of an MFE, and its incoming interface if
/// another one is given. Only the owner of the incoming interface may do so.
///
/// The original's documentation has this function but its DLL lacks it.
///
/// # Parameters
/// - `hProtocol`: the client's handle.
/// - `pmimm` (in): dwGroup and dwSource say which MFE, dwUpStrmNgbr is its new
///   neighbour towards the source (0: the source is directly connected), all in
///   network byte order. A dwInIfIndex that the client owns becomes the incoming
///   interface, with next hop 0; any other one (not the client's, unknown, 0, or
///   one that a boundary keeps the group off) leaves the incoming interface as it
///   is, and only the neighbour changes. The other fields are not read.
///
/// # Returns
/// - `NO_ERROR`: changed.
/// - `ERROR_INVALID_PARAMETER`: not a client's handle; a pointer is NULL; a group,
///   source or neighbour that is none.
/// - `ERROR_NOT_FOUND`: there is no such MFE.
/// - `ERROR_CAN_NOT_COMPLETE`: the client does not own the incoming interface, or
///   this is a forked child of the router.
/// - `ERROR_NOT_ENOUGH_MEMORY`: no memory left.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmSetMfe function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmSetMfe(hProtocol: HANDLE, pmimm: PMIB_IPMCAST_MFE) -> DWORD {
    entry_for("MgmSetMfe", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        required("pmimm", pmimm)?;
        // SAFETY: not null, and the caller says that it points to an MFE.
        let (flow, upstream, if_index) = unsafe {
            (mfe_flow(pmimm)?, read_field!(pmimm, dwUpStrmNgbr), read_field!(pmimm, dwInIfIndex))
        };
        Manager::global().set_mfe(client, flow, neighbour(upstream)?, if_index)?;
        Ok(NO_ERROR)
    })
}
