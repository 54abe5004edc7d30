//! The functions of mgmhost.h for TTL thresholds, boundaries and scope names (spec 3.7), and for
//! limits of new flows (spec 0.9).
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::args::{flow_rate, interface, read, read_field, required, scope, threshold, write};
use super::backend;
use super::entry::entry;
use super::types::*;
use crate::types::{Refusal, Result};
use widestring::{U16CStr, U16CString};

/// Sets the TTL threshold of an interface.
///
/// A packet is forwarded out of the interface only if its TTL on arrival is
/// greater than the threshold. The interface stays in the outgoing interfaces of
/// MFEs. The setting lasts until the library stops, whichever client owns the
/// interface. It may be made before a client owns the interface.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: next hop of the interface, network byte order.
/// - `dwThreshold`: the threshold, 0 to 255. The default and the minimum is 1; 0
///   means 1. With 255 no packet is forwarded.
///
/// # Returns
/// - `NO_ERROR`: the threshold is set.
/// - `ERROR_INVALID_PARAMETER`: dwIfIndex is 0, or dwThreshold is greater than
///   255.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetTtlThreshold(
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
    dwThreshold: DWORD,
) -> DWORD {
    entry("MgmHostSetTtlThreshold", || {
        let threshold = threshold(dwThreshold)?;
        let interface = interface(dwIfIndex, dwIfNextHopAddr)?;
        backend::here()?.set_ttl_threshold(interface, threshold)?;
        Ok(NO_ERROR)
    })
}

/// Limits how many flows may begin on an interface in a second.
///
/// A flow counts for the interface on which its first packet arrives. The limit is
/// a token bucket: it holds dwBurst tokens at first, each flow that begins takes
/// one, and dwFlowsPerSecond tokens a second are added, up to dwBurst. The
/// library refuses flows beyond the limit for 10 s each, without asking any
/// client. It counts them, and logs one line a minute. Packets of flows that have
/// an MFE are not limited. There is no limit by default.
///
/// A new limit starts with dwBurst tokens. Flows that the former limit has
/// refused are resolved, as far as the new limit permits. The setting lasts until
/// the library stops, whichever client owns the interface. It may be made before
/// a client owns the interface. It applies to all next hops of the index together.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwFlowsPerSecond`: flows a second; 0 removes the limit.
/// - `dwBurst`: flows at once, at least 1. Ignored if dwFlowsPerSecond is 0.
///
/// # Returns
/// - `NO_ERROR`: the limit is set or removed.
/// - `ERROR_INVALID_PARAMETER`: dwIfIndex is 0, or dwBurst is 0 and
///   dwFlowsPerSecond is not.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetFlowLimit(
    dwIfIndex: DWORD,
    dwFlowsPerSecond: DWORD,
    dwBurst: DWORD,
) -> DWORD {
    entry("MgmHostSetFlowLimit", || {
        let rate = flow_rate(dwFlowsPerSecond, dwBurst)?;
        let interface = interface(dwIfIndex, 0)?;
        backend::here()?.set_flow_limit(interface.index, rate)?;
        Ok(NO_ERROR)
    })
}

/// Makes an interface an administrative boundary for a range of groups (RFC
/// 2365).
///
/// The library removes the interface from the outgoing interfaces of the MFEs of
/// these groups. It deletes the MFEs of these groups with this incoming
/// interface. It drops packets of these groups that arrive on the interface.
/// Memberships on the interface stay, and the library still reports them to other
/// clients.
///
/// The setting lasts until it is deleted or the library stops, whichever client
/// owns the interface. It may be made before a client owns the interface. Adding
/// a boundary that already exists is not an error.
///
/// # Parameters
/// - `pBoundary` (in): dwIfIndex is the index of the interface, not 0; the
///   boundary is valid for all its next hops. dwGroupAddress and dwGroupMask,
///   network byte order, are a prefix inside 239.0.0.0/8. The library ignores
///   dwStatus.
///
/// # Returns
/// - `NO_ERROR`: the boundary exists.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL; dwIfIndex is 0; or address
///   and mask are not a prefix inside 239.0.0.0/8.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostAddBoundary(pBoundary: *const MIB_IPMCAST_BOUNDARY) -> DWORD {
    entry("MgmHostAddBoundary", || {
        required("pBoundary", pBoundary)?;
        // SAFETY: not null, and the caller says that it points to a boundary.
        let boundary = unsafe { read(pBoundary) };
        let scope = scope(boundary.dwGroupAddress, boundary.dwGroupMask)?;
        let interface = interface(boundary.dwIfIndex, 0)?;
        backend::here()?.add_boundary(interface.index, scope)?;
        Ok(NO_ERROR)
    })
}

/// Deletes an administrative boundary.
///
/// Memberships and the owner of the interface then decide again whether it is an
/// outgoing interface of the MFEs of the groups in the range.
///
/// # Parameters
/// - `pBoundary` (in): the same values as for MgmHostAddBoundary.
///
/// # Returns
/// - `NO_ERROR`: the boundary is deleted.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL; dwIfIndex is 0; or address
///   and mask are not a prefix inside 239.0.0.0/8.
/// - `ERROR_NOT_FOUND`: there is no such boundary. A boundary for a wider or
///   narrower range does not count.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
#[no_mangle]
pub unsafe extern "C" fn MgmHostDeleteBoundary(pBoundary: *const MIB_IPMCAST_BOUNDARY) -> DWORD {
    entry("MgmHostDeleteBoundary", || {
        required("pBoundary", pBoundary)?;
        // SAFETY: not null, and the caller says that it points to a boundary.
        let boundary = unsafe { read(pBoundary) };
        let scope = scope(boundary.dwGroupAddress, boundary.dwGroupMask)?;
        let interface = interface(boundary.dwIfIndex, 0)?;
        backend::here()?.delete_boundary(interface.index, scope)?;
        Ok(NO_ERROR)
    })
}

/// Sets the name of a range of groups.
///
/// The log shows the name. The range need not be that of a boundary. The name
/// lasts until the library stops.
///
/// # Parameters
/// - `dwGroupAddress`, `dwGroupMask`: a prefix inside 239.0.0.0/8, network byte
///   order.
/// - `pszName` (in): the name in UTF-16, with at most MAX_SCOPE_NAME_LEN units
///   and a terminating zero. The library copies it without any check of the
///   units. NULL or an empty name restores the default name, "address/length",
///   for example "239.255.0.0/16".
///
/// # Returns
/// - `NO_ERROR`: the name is set.
/// - `ERROR_INVALID_PARAMETER`: address and mask are not a prefix inside
///   239.0.0.0/8, or the name is too long.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetScopeName(
    dwGroupAddress: DWORD,
    dwGroupMask: DWORD,
    pszName: *const WCHAR,
) -> DWORD {
    entry("MgmHostSetScopeName", || {
        let scope = scope(dwGroupAddress, dwGroupMask)?;
        let name = if pszName.is_null() {
            U16CString::new()
        } else {
            // SAFETY: not null, and the caller says that a string is there.
            unsafe { scope_name(pszName)? }
        };
        backend::here()?.set_scope_name(scope, &name)?;
        Ok(NO_ERROR)
    })
}

/// Returns the name of a range of groups.
///
/// # Parameters
/// - `pScope` (in, out): In: dwGroupAddress and dwGroupMask, network byte order,
///   are a prefix inside 239.0.0.0/8. Out: snNameBuffer holds the name, filled up
///   with zeros. dwStatus is 1 if the name was set with MgmHostSetScopeName, and
///   0 if it is the default name, "address/length".
///
/// # Returns
/// - `NO_ERROR`: the name is written.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL, or address and mask are
///   not a prefix inside 239.0.0.0/8.
/// - `ERROR_CAN_NOT_COMPLETE`: the library is being stopped, or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGetScopeName(pScope: PMIB_IPMCAST_SCOPE) -> DWORD {
    entry("MgmHostGetScopeName", || {
        required("pScope", pScope)?;
        // SAFETY: not null, and the caller says that it points to a scope; only
        // the fields that the caller must set are read.
        let (address, mask) =
            unsafe { (read_field!(pScope, dwGroupAddress), read_field!(pScope, dwGroupMask)) };
        let scope = scope(address, mask)?;
        let given = backend::here()?.scope_name(scope)?;
        let status = DWORD::from(given.is_some());
        let name = given.unwrap_or_else(|| U16CString::from_str_truncate(scope.to_string()));
        let mut units: SCOPE_NAME_BUFFER = [0; MAX_SCOPE_NAME_LEN + 1];
        // `scope_name` has made sure that no name is longer.
        for (to, unit) in units[..MAX_SCOPE_NAME_LEN].iter_mut().zip(name.as_slice()) {
            *to = *unit;
        }
        // SAFETY: as above; it may be written to.
        unsafe {
            write(&raw mut (*pScope).snNameBuffer, units);
            write(&raw mut (*pScope).dwStatus, status);
        }
        Ok(NO_ERROR)
    })
}

/// Copies a name, and reads no further than its zero. Refuses a name that is too long.
///
/// # Safety
/// The pointer points to UTF-16 units, which need not be aligned. They end with a zero, or
/// there are more than MAX_SCOPE_NAME_LEN of them.
unsafe fn scope_name(from: *const WCHAR) -> Result<U16CString> {
    let mut units = [0; MAX_SCOPE_NAME_LEN + 1];
    for (at, unit) in units.iter_mut().enumerate() {
        // SAFETY: the caller's promise, as no zero came before.
        *unit = unsafe { read(from.wrapping_add(at)) };
        if *unit == 0 {
            break;
        }
    }
    U16CStr::from_slice_truncate(&units)
        .map(U16CStr::to_ucstring)
        .map_err(|_| Refusal::BadArgument("pszName is longer than MAX_SCOPE_NAME_LEN (255) units"))
}
