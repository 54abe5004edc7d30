//! Reading what the forwarder counted.

use crate::abi::args::{mfe_key, required, stats_form};
use crate::abi::buffer::{fill_many, fill_one, Buffer};
use crate::abi::entry::entry;
use crate::abi::types::*;

/// Gives the counters of one MFE.
///
/// # Parameters
/// - `pimm` (in): its dwGroup and dwSource, network byte order, say which one; the
///   other fields are not read.
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that are needed.
/// - `pbBuffer` (out): the structure that dwFlags says. Any alignment will do.
///   NULL if *pdwBufferSize is 0.
/// - `dwFlags`: MGM_MFE_STATS_0 for a MIB_IPMCAST_MFE_STATS of
///   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes, MGM_MFE_STATS_1 for a
///   MIB_IPMCAST_MFE_STATS_EX of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf).
///
/// # Returns
/// - `NO_ERROR`: given.
/// - `ERROR_INSUFFICIENT_BUFFER`: see pdwBufferSize.
/// - `ERROR_NOT_FOUND`: there is no such MFE; also where there can be none, because
///   dwGroup is no group or dwSource no host's address.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or another flag.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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

/// Gives the counters of MFEs from the first one on, as many as the buffer holds.
/// Their order is that of the groups, then of the sources, as numbers.
///
/// # Parameters
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that the first entry needs.
/// - `pbBuffer` (out): structures as dwFlags says, back to back. Any alignment
///   will do. NULL if *pdwBufferSize is 0.
/// - `pdwNumEntries` (out): the number of entries.
/// - `dwFlags`: MGM_MFE_STATS_0 for a MIB_IPMCAST_MFE_STATS of
///   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes each, MGM_MFE_STATS_1 for a
///   MIB_IPMCAST_MFE_STATS_EX of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf).
///
/// # Returns
/// - `ERROR_MORE_DATA`: there are more; go on with MgmGetNextMfeStats.
/// - `ERROR_NO_MORE_ITEMS`: these were the last, or there are none.
/// - `ERROR_INSUFFICIENT_BUFFER`: not even one fits; see pdwBufferSize.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or another flag.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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

/// Gives the counters of the MFEs after a given one, as many as the buffer holds.
/// That one need not exist any more.
///
/// # Parameters
/// - `pimmStart` (in): its dwGroup and dwSource, network byte order, say after
///   which MFE to start, usually the last one of the call before; the other
///   fields are not read.
/// - `pdwBufferSize` (in, out): bytes in the buffer; changed only with
///   ERROR_INSUFFICIENT_BUFFER, to the bytes that the next entry needs.
/// - `pbBuffer` (out): structures as dwFlags says, back to back. Any alignment
///   will do. NULL if *pdwBufferSize is 0.
/// - `pdwNumEntries` (out): the number of entries.
/// - `dwFlags`: MGM_MFE_STATS_0 for a MIB_IPMCAST_MFE_STATS of
///   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes each, MGM_MFE_STATS_1 for a
///   MIB_IPMCAST_MFE_STATS_EX of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf).
///
/// # Returns
/// - `ERROR_MORE_DATA`: there are more.
/// - `ERROR_NO_MORE_ITEMS`: these were the last, or there are none.
/// - `ERROR_INSUFFICIENT_BUFFER`: not even one fits; see pdwBufferSize.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL, or another flag.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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
