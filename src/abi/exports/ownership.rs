//! Ownership of interfaces.

use crate::abi::args::{addr, interface, required, write};
use crate::abi::backend;
use crate::abi::entry::{entry, entry_for};
use crate::abi::handle::HandleKind;
use crate::abi::types::*;
use crate::types::Interface;

/// Makes a client the owner of an interface.
///
/// A routing protocol must take an interface before it does anything else with
/// it. IGMP does not become an additional owner: it is enabled on the interface,
/// alone or beside the protocol that owns the interface.
///
/// If a protocol takes an interface on which IGMP is enabled, the library first
/// calls DISABLE_IGMP, then changes the owner, then calls ENABLE_IGMP. IGMP then
/// adds its memberships again. If the call is made inside a callback, the library
/// changes the owner before it calls DISABLE_IGMP.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: address of the neighbour on a point-to-multipoint link,
///   network byte order; 0 on any other link.
///
/// # Returns
/// - `NO_ERROR`: the client owns the interface (IGMP: is enabled on it).
/// - `ERROR_INVALID_PARAMETER`: hProtocol is invalid; dwIfIndex is 0;
///   dwIfNextHopAddr is 0, but the index is in use with next hops; dwIfNextHopAddr
///   is not 0, but the index is in use with next hop 0; the system has no such
///   interface.
/// - `ERROR_ALREADY_EXISTS`: a protocol, possibly the caller itself, already owns
///   the interface; for IGMP: IGMP is already enabled on it.
/// - `ERROR_NOT_ENOUGH_MEMORY`: the system has no memory left, or there are too
///   many interfaces.
/// - `ERROR_CAN_NOT_COMPLETE`: the forwarder cannot serve the interface (the log
///   says what to do), or the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
///
/// Source: reference page "MgmTakeInterfaceOwnership function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmTakeInterfaceOwnership(
    hProtocol: HANDLE,
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
) -> DWORD {
    entry_for("MgmTakeInterfaceOwnership", HandleKind::Protocol, hProtocol, |serial| {
        backend::take(serial, interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Releases an interface.
///
/// The library deletes the memberships of the client on the interface and alerts
/// other clients as for any delete. It deletes the MFEs with this incoming
/// interface. It removes the interface from the outgoing interfaces of all other
/// MFEs.
///
/// If IGMP releases an interface that a protocol owns, the library deletes only
/// the memberships of IGMP. The MFEs with this incoming interface stay. If a
/// protocol releases an interface on which IGMP is enabled, the library calls
/// DISABLE_IGMP and ENABLE_IGMP, as when a protocol takes such an interface.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: next hop of the interface, as passed to
///   MgmTakeInterfaceOwnership, network byte order.
///
/// # Returns
/// - `NO_ERROR`: the interface is released.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is invalid, or the client does not own
///   the interface (IGMP: is not enabled on it).
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
///
/// Source: reference page "MgmReleaseInterfaceOwnership function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmReleaseInterfaceOwnership(
    hProtocol: HANDLE,
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
) -> DWORD {
    entry_for("MgmReleaseInterfaceOwnership", HandleKind::Protocol, hProtocol, |serial| {
        backend::release(serial, interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Returns the protocol that owns an interface.
///
/// If no protocol owns the interface and IGMP is enabled on it, the call returns
/// the ids of IGMP.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface.
/// - `dwIfNextHopAddr`: next hop of the interface, network byte order.
/// - `pdwIfProtocolId` (out): the protocol id with which the owner registered.
/// - `pdwIfComponentId` (out): the component id with which the owner registered.
///
/// # Returns
/// - `NO_ERROR`: both ids are written.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_NOT_FOUND`: no client owns the interface. This includes dwIfIndex 0,
///   and a next hop that the index cannot have (see MgmTakeInterfaceOwnership).
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is a forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes no callbacks.
///
/// Source: reference page "MgmGetProtocolOnInterface function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmGetProtocolOnInterface(
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
    pdwIfProtocolId: PDWORD,
    pdwIfComponentId: PDWORD,
) -> DWORD {
    entry("MgmGetProtocolOnInterface", || {
        required("pdwIfProtocolId", pdwIfProtocolId)?;
        required("pdwIfComponentId", pdwIfComponentId)?;
        // A look-up returns ERROR_NOT_FOUND even for an invalid interface (D51).
        let interface = Interface { index: dwIfIndex, next_hop: addr(dwIfNextHopAddr) };
        let (protocol, component) = backend::protocol_on(interface)?;
        // SAFETY: not null, and the caller says that a DWORD may be written to each.
        unsafe {
            write(pdwIfProtocolId, protocol);
            write(pdwIfComponentId, component);
        }
        Ok(NO_ERROR)
    })
}
