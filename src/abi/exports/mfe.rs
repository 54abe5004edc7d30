//! Reading and changing MFEs.

use crate::abi::args::{mfe_flow, mfe_key, neighbour, read_field, required};
use crate::abi::backend;
use crate::abi::buffer::{fill_many, fill_one, Buffer};
use crate::abi::entry::{entry, entry_for};
use crate::abi::handle::HandleKind;
use crate::abi::rows::Form;
use crate::abi::types::*;

/// Returns one MFE.
///
/// # Parameters
/// - `pimm` (in): dwGroup and dwSource, network byte order, select the MFE. The
///   library reads no other field.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: the size that
///   is needed, written only with ERROR_INSUFFICIENT_BUFFER.
/// - `pbBuffer` (out): a MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes.
///
/// # Returns
/// - `NO_ERROR`: the MFE is in the buffer.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small.
/// - `ERROR_NOT_FOUND`: there is no such MFE, or there can be none, because
///   dwGroup is not a multicast group or dwSource is not a unicast address.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
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

/// Returns the first MFEs, as many as fit in the buffer.
///
/// The entries are in ascending order of group, then of source, compared as
/// numbers.
///
/// # Parameters
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: the size that
///   the first entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
/// - `pbBuffer` (out): the entries, one directly after the other. Each is a
///   MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes.
/// - `pdwNumEntries` (out): the number of entries in the buffer.
///
/// # Returns
/// The call never returns NO_ERROR.
///
/// - `ERROR_MORE_DATA`: the buffer holds *pdwNumEntries entries, and there are
///   more. Continue with MgmGetNextMfe.
/// - `ERROR_NO_MORE_ITEMS`: the buffer holds the last entries. *pdwNumEntries may
///   be 0.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small for one entry.
///   *pdwNumEntries is 0.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
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

/// Returns the MFEs that follow a given one, as many as fit in the buffer.
///
/// The given MFE need not exist any more. The entries are in ascending order of
/// group, then of source, compared as numbers.
///
/// # Parameters
/// - `pimmStart` (in): dwGroup and dwSource, network byte order, give the place
///   at which to continue: usually those of the last entry of the previous call.
///   The library reads no other field.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: the size that
///   the next entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
/// - `pbBuffer` (out): the entries, one directly after the other. Each is a
///   MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes.
/// - `pdwNumEntries` (out): the number of entries in the buffer.
///
/// # Returns
/// The call never returns NO_ERROR.
///
/// - `ERROR_MORE_DATA`: the buffer holds *pdwNumEntries entries, and there are
///   more. Call the function again.
/// - `ERROR_NO_MORE_ITEMS`: the buffer holds the last entries. *pdwNumEntries may
///   be 0.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small for one entry.
///   *pdwNumEntries is 0.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
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

/// Changes the upstream neighbour of an MFE, and optionally its incoming
/// interface.
///
/// Only the owner of the present incoming interface may call this function. The
/// Windows documentation describes the function, but the Windows DLL does not
/// export it.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
/// - `pmimm` (in): dwGroup and dwSource, network byte order, select the MFE.
///   dwUpStrmNgbr is the new upstream neighbour, network byte order; 0 if the
///   source is directly connected. If dwInIfIndex is the index of an interface
///   that the client owns, with next hop 0, that interface becomes the incoming
///   interface. Otherwise the incoming interface stays as it is, and only the
///   neighbour changes. The incoming interface also stays if an administrative
///   boundary on the new interface covers the group. The library reads no other
///   field.
///
/// # Returns
/// - `NO_ERROR`: the MFE is changed.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is invalid; a pointer is NULL; the
///   group, the source or the neighbour is invalid.
/// - `ERROR_NOT_FOUND`: there is no such MFE.
/// - `ERROR_CAN_NOT_COMPLETE`: the client does not own the incoming interface of
///   the MFE, or the caller is a forked child of the router.
/// - `ERROR_NOT_ENOUGH_MEMORY`: the system has no memory left.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
///
/// Source: reference page "MgmSetMfe function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmSetMfe(hProtocol: HANDLE, pmimm: PMIB_IPMCAST_MFE) -> DWORD {
    entry_for("MgmSetMfe", HandleKind::Protocol, hProtocol, |serial| {
        required("pmimm", pmimm)?;
        // SAFETY: not null, and the caller says that it points to an MFE.
        let (flow, upstream, if_index) = unsafe {
            (mfe_flow(pmimm)?, read_field!(pmimm, dwUpStrmNgbr), read_field!(pmimm, dwInIfIndex))
        };
        backend::set_mfe(serial, flow, neighbour(upstream)?, if_index)?;
        Ok(NO_ERROR)
    })
}
