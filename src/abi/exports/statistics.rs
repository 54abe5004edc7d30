//! Reading the counters of MFEs.

use crate::abi::args::{mfe_key, required, stats_form};
use crate::abi::buffer::{fill_many, fill_one, Buffer};
use crate::abi::entry::entry;
use crate::abi::types::*;

/// Returns the counters of one MFE.
///
/// # Parameters
/// - `pimm` (in): dwGroup and dwSource, network byte order, select the MFE. The
///   library reads no other field.
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: the size that
///   is needed, written only with ERROR_INSUFFICIENT_BUFFER.
/// - `pbBuffer` (out): the structure that dwFlags selects.
/// - `dwFlags`: MGM_MFE_STATS_0 for MIB_IPMCAST_MFE_STATS, of
///   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes; MGM_MFE_STATS_1 for
///   MIB_IPMCAST_MFE_STATS_EX, of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf) bytes.
///
/// # Returns
/// - `NO_ERROR`: the counters are in the buffer.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small.
/// - `ERROR_NOT_FOUND`: there is no such MFE, or there can be none, because
///   dwGroup is not a multicast group or dwSource is not a unicast address.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or dwFlags has another value.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGetMfeStats function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetMfeStats(
    pimm: PMIB_IPMCAST_MFE,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    dwFlags: DWORD,
) -> DWORD {
    entry("MgmGetMfeStats", || {
        required("pimm", pimm)?;
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::new(pdwBufferSize, pbBuffer)? };
        // SAFETY: not null, and the caller says that it points to an MFE.
        let flow = unsafe { mfe_key(pimm) };
        fill_one(&mut buffer, flow, stats_form(dwFlags)?)
    })
}

/// Returns the counters of the first MFEs, as many as fit in the buffer.
///
/// The entries are in ascending order of group, then of source, compared as
/// numbers.
///
/// # Parameters
/// - `pdwBufferSize` (in, out): size of the buffer in bytes. Out: the size that
///   the first entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
/// - `pbBuffer` (out): the entries, one directly after the other. Each is the
///   structure that dwFlags selects.
/// - `pdwNumEntries` (out): the number of entries in the buffer.
/// - `dwFlags`: MGM_MFE_STATS_0 for MIB_IPMCAST_MFE_STATS, of
///   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes; MGM_MFE_STATS_1 for
///   MIB_IPMCAST_MFE_STATS_EX, of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf) bytes.
///
/// # Returns
/// The call never returns NO_ERROR.
///
/// - `ERROR_MORE_DATA`: the buffer holds *pdwNumEntries entries, and there are
///   more. Continue with MgmGetNextMfeStats.
/// - `ERROR_NO_MORE_ITEMS`: the buffer holds the last entries. *pdwNumEntries may
///   be 0.
/// - `ERROR_INSUFFICIENT_BUFFER`: the buffer is too small for one entry.
///   *pdwNumEntries is 0.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or dwFlags has another value.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGetFirstMfeStats function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetFirstMfeStats(
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    pdwNumEntries: PDWORD,
    dwFlags: DWORD,
) -> DWORD {
    entry("MgmGetFirstMfeStats", || {
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::counting(pdwBufferSize, pbBuffer, pdwNumEntries)? };
        fill_many(&mut buffer, None, stats_form(dwFlags)?)
    })
}

/// Returns the counters of the MFEs that follow a given one, as many as fit in
/// the buffer.
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
/// - `pbBuffer` (out): the entries, one directly after the other. Each is the
///   structure that dwFlags selects.
/// - `pdwNumEntries` (out): the number of entries in the buffer.
/// - `dwFlags`: MGM_MFE_STATS_0 for MIB_IPMCAST_MFE_STATS, of
///   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes; MGM_MFE_STATS_1 for
///   MIB_IPMCAST_MFE_STATS_EX, of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf) bytes.
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
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or dwFlags has another value.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGetNextMfeStats function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetNextMfeStats(
    pimmStart: PMIB_IPMCAST_MFE,
    pdwBufferSize: PDWORD,
    pbBuffer: PBYTE,
    pdwNumEntries: PDWORD,
    dwFlags: DWORD,
) -> DWORD {
    entry("MgmGetNextMfeStats", || {
        required("pimmStart", pimmStart)?;
        // SAFETY: the caller says what the pointers point to.
        let mut buffer = unsafe { Buffer::counting(pdwBufferSize, pbBuffer, pdwNumEntries)? };
        // SAFETY: not null, and the caller says that it points to an MFE.
        let start = unsafe { mfe_key(pimmStart) };
        fill_many(&mut buffer, Some(start), stats_form(dwFlags)?)
    })
}
