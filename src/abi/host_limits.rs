//! The functions of mgmhost.h that say how far packets may go (spec 3.7).
#![allow(
    non_snake_case,             // the names are C's
    clippy::missing_safety_doc, // "Parameters" says what a pointer must be
    clippy::doc_markdown
)]

use super::args::{interface, read, read_field, required, scope, threshold, write};
use super::entry::entry;
use super::types::*;
use crate::manager::Manager;
use crate::types::{Refusal, Result};
use widestring::{U16CStr, U16CString};

/// Sets the TTL threshold of an interface. It stays an outgoing interface, but only
/// packets go out whose TTL, as they come in, is greater. The setting stays until
/// MGM stops, whoever has the interface, and may be made before anybody does.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: its next hop, network byte order; 0 except on
///   point-to-multipoint links.
/// - `dwThreshold`: 0 to 255. 1 is where every interface begins and the least that
///   there is: 0 is the same. With 255 nothing goes out.
///
/// # Returns
/// - `NO_ERROR`: set.
/// - `ERROR_INVALID_PARAMETER`: index 0, or a threshold above 255.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child of
///   the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes none.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostSetTtlThreshold(
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
    dwThreshold: DWORD,
) -> DWORD {
    entry("MgmHostSetTtlThreshold", || {
        let threshold = threshold(dwThreshold)?;
        let interface = interface(dwIfIndex, dwIfNextHopAddr)?;
        Manager::global().set_ttl_threshold(interface, threshold)?;
        Ok(NO_ERROR)
    })
}

/// Makes an interface a boundary for a range of groups (RFC 2365): it is no
/// outgoing interface for them any more, and their packets that arrive there are
/// refused; MFEs that they came in by are deleted. Memberships there are kept and
/// still told to others. The setting stays until it is deleted or MGM stops,
/// whoever has the interface, and may be made before anybody does. A boundary
/// that is there already may be added again.
///
/// # Parameters
/// - `pBoundary` (in): dwIfIndex is the index of the interface, not 0, and stands
///   for all next hops; dwGroupAddress and dwGroupMask, in network byte order, are
///   a prefix inside 239.0.0.0/8; dwStatus is ignored.
///
/// # Returns
/// - `NO_ERROR`: it is a boundary.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL, index 0, or no such prefix.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child of
///   the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostAddBoundary(pBoundary: *const MIB_IPMCAST_BOUNDARY) -> DWORD {
    entry("MgmHostAddBoundary", || {
        required("pBoundary", pBoundary)?;
        // SAFETY: not null, and the caller says that it points to a boundary.
        let boundary = unsafe { read(pBoundary) };
        let scope = scope(boundary.dwGroupAddress, boundary.dwGroupMask)?;
        let interface = interface(boundary.dwIfIndex, 0)?;
        Manager::global().add_boundary(interface.index, scope)?;
        Ok(NO_ERROR)
    })
}

/// Takes a boundary away: what memberships and their owners want there goes out
/// again.
///
/// # Parameters
/// - `pBoundary` (in): as it was added.
///
/// # Returns
/// - `NO_ERROR`: it is gone.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL, index 0, or no prefix inside
///   239.0.0.0/8.
/// - `ERROR_NOT_FOUND`: there is no such boundary; one for a wider or narrower
///   range is another.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child of
///   the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostDeleteBoundary(pBoundary: *const MIB_IPMCAST_BOUNDARY) -> DWORD {
    entry("MgmHostDeleteBoundary", || {
        required("pBoundary", pBoundary)?;
        // SAFETY: not null, and the caller says that it points to a boundary.
        let boundary = unsafe { read(pBoundary) };
        let scope = scope(boundary.dwGroupAddress, boundary.dwGroupMask)?;
        let interface = interface(boundary.dwIfIndex, 0)?;
        Manager::global().delete_boundary(interface.index, scope)?;
        Ok(NO_ERROR)
    })
}

/// Gives a range of groups a name, for people: the log uses it. It needs no
/// boundary, and stays until MGM stops.
///
/// # Parameters
/// - `dwGroupAddress`, `dwGroupMask`: a prefix inside 239.0.0.0/8, network byte
///   order.
/// - `pszName` (in): the name in UTF-16, at most MAX_SCOPE_NAME_LEN units and a
///   zero; it is copied, unit for unit. NULL or an empty one: the default name
///   again, "address/length" as in "239.255.0.0/16".
///
/// # Returns
/// - `NO_ERROR`: named.
/// - `ERROR_INVALID_PARAMETER`: no such prefix, or a name that is too long.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child of
///   the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes none.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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
        Manager::global().set_scope_name(scope, &name)?;
        Ok(NO_ERROR)
    })
}

/// Tells the name of a range of groups.
///
/// # Parameters
/// - `pScope` (in, out): dwGroupAddress and dwGroupMask come with a prefix inside
///   239.0.0.0/8, network byte order. snNameBuffer goes with the name that it was
///   given, or the default one, "address/length", filled up with zeros; dwStatus
///   with 1 if it was given one, else 0.
///
/// # Returns
/// - `NO_ERROR`: told.
/// - `ERROR_INVALID_PARAMETER`: the pointer is NULL, or no such prefix.
/// - `ERROR_CAN_NOT_COMPLETE`: MGM is being stopped, or this is a forked child of
///   the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes none.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
#[no_mangle]
pub unsafe extern "C" fn MgmHostGetScopeName(pScope: PMIB_IPMCAST_SCOPE) -> DWORD {
    entry("MgmHostGetScopeName", || {
        required("pScope", pScope)?;
        // SAFETY: not null, and the caller says that it points to a scope; only
        // what must be set is read.
        let (address, mask) =
            unsafe { (read_field!(pScope, dwGroupAddress), read_field!(pScope, dwGroupMask)) };
        let scope = scope(address, mask)?;
        let given = Manager::global().scope_name(scope)?;
        let status = DWORD::from(given.is_some());
        let name = given.unwrap_or_else(|| U16CString::from_str_truncate(scope.to_string()));
        let mut units: SCOPE_NAME_BUFFER = [0; MAX_SCOPE_NAME_LEN + 1];
        // No name is longer: `scope_name` has seen to that.
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

/// Copies a name that ends in time, reading no further than its zero.
///
/// # Safety
/// A string of UTF-16 units is there, aligned or not, that ends in a zero or is
/// longer than a name may be.
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
        .map_err(|_| Refusal::BadArgument("pszName has more than MAX_SCOPE_NAME_LEN (255) units"))
}
