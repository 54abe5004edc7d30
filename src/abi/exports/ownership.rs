//! Who has which interface.

use crate::abi::args::{addr, interface, required, write};
use crate::abi::entry::{entry, entry_for};
use crate::abi::handle::Kind;
use crate::abi::types::*;
use crate::engine::ClientId;
use crate::manager::Manager;
use crate::types::Interface;

/// Makes a client the owner of an interface: every multicast protocol takes an
/// interface before it does anything there. IGMP is enabled on the interface
/// beside its owner, or alone.
///
/// Where IGMP is enabled and a protocol takes the interface, IGMP gets
/// DISABLE_IGMP, the interface changes hands, IGMP gets ENABLE_IGMP and adds its
/// memberships again.
///
/// # Parameters
/// - `hProtocol`: the client's handle.
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: the neighbour on a point-to-multipoint link, network byte
///   order; 0 on any other.
///
/// # Returns
/// - `NO_ERROR`: taken.
/// - `ERROR_INVALID_PARAMETER`: not a client's handle; index 0; one index with
///   and without next hops; the system has no such interface.
/// - `ERROR_ALREADY_EXISTS`: a protocol, the caller included, has it; for IGMP:
///   IGMP is enabled there.
/// - `ERROR_NOT_ENOUGH_MEMORY`: no memory left, or too many interfaces.
/// - `ERROR_CAN_NOT_COMPLETE`: the forwarder cannot serve the interface (the log
///   says what to do), or this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmTakeInterfaceOwnership function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmTakeInterfaceOwnership(
    hProtocol: HANDLE,
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
) -> DWORD {
    entry_for("MgmTakeInterfaceOwnership", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        Manager::global().take(client, interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Gives an interface back. The client's memberships there end, with the alerts
/// that follow from it; MFEs that come in there are deleted, and those that go
/// out there go out there no more.
///
/// # Parameters
/// - `hProtocol`: the client's handle.
/// - `dwIfIndex`: index of the interface, not 0.
/// - `dwIfNextHopAddr`: as when it was taken, network byte order.
///
/// # Returns
/// - `NO_ERROR`: released.
/// - `ERROR_INVALID_PARAMETER`: not a client's handle, or not an interface that
///   this client has.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
///
/// Source: reference page "MgmReleaseInterfaceOwnership function (mgm.h)".
#[no_mangle]
pub unsafe extern "C" fn MgmReleaseInterfaceOwnership(
    hProtocol: HANDLE,
    dwIfIndex: DWORD,
    dwIfNextHopAddr: DWORD,
) -> DWORD {
    entry_for("MgmReleaseInterfaceOwnership", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        Manager::global().release(client, interface(dwIfIndex, dwIfNextHopAddr)?)?;
        Ok(NO_ERROR)
    })
}

/// Tells which protocol owns an interface; IGMP, if only IGMP is enabled there.
///
/// # Parameters
/// - `dwIfIndex`: index of the interface.
/// - `dwIfNextHopAddr`: its next hop, network byte order; 0 except on
///   point-to-multipoint links.
/// - `pdwIfProtocolId` (out): the protocol id that the owner registered with.
/// - `pdwIfComponentId` (out): its component id.
///
/// # Returns
/// - `NO_ERROR`: told.
/// - `ERROR_INVALID_PARAMETER`: a pointer is NULL.
/// - `ERROR_NOT_FOUND`: no client owns the interface, or there can be no such
///   interface: the index is 0, or the next hop is not of the kind that the index has.
/// - `ERROR_CAN_NOT_COMPLETE`: this is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. It causes no callback.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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
        // A look-up: what cannot be an interface is one that nobody has.
        let interface = Interface { index: dwIfIndex, next_hop: addr(dwIfNextHopAddr) };
        let (protocol, component) = Manager::global().protocol_on(interface)?;
        // SAFETY: not null, and the caller says that a DWORD may be written to each.
        unsafe {
            write(pdwIfProtocolId, protocol);
            write(pdwIfComponentId, component);
        }
        Ok(NO_ERROR)
    })
}
