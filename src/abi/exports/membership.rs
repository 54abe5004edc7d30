//! Memberships.

use crate::abi::args::{interface, join, membership};
use crate::abi::backend;
use crate::abi::entry::entry_for;
use crate::abi::handle::HandleKind;
use crate::abi::types::*;

/// Adds a membership: packets are wanted on an interface.
///
/// A membership is for one flow (source and group), for one group from any source
/// (source 0), or for all groups (source and group 0). The library reports it to
/// other clients with JOIN_ALERT, by the rules of RFC 2715. If IGMP adds the
/// membership, the library also reports it to the owner of the interface with
/// LOCAL_JOIN. If the membership already exists, the call returns NO_ERROR, and
/// no second membership is recorded.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
/// - `dwSourceAddr`: a unicast address, network byte order; 0 for any source.
/// - `dwSourceMask`: 255.255.255.255; 0 if dwSourceAddr is 0.
/// - `dwGroupAddr`: a group in 224.0.0.0/4, network byte order; 0 for all groups.
///   If it is 0, dwSourceAddr must be 0 too.
/// - `dwGroupMask`: 255.255.255.255; 0 if dwGroupAddr is 0.
/// - `dwIfIndex`, `dwIfNextHopIPAddr`: index and next hop of an interface that
///   the client owns (IGMP: on which it is enabled); the next hop in network byte
///   order.
/// - `dwFlags`: MGM_JOIN_STATE_FLAG records the membership and adds the interface
///   to the outgoing interfaces of all matching MFEs. MGM_FORWARD_STATE_FLAG
///   alone records nothing: it only adds the interface to the matching MFEs that
///   exist now. Both flags together mean MGM_JOIN_STATE_FLAG.
///
/// # Returns
/// - `NO_ERROR`: the membership is added.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is invalid; a source, group, mask or
///   flag is invalid; the client does not own the interface (IGMP: is not enabled
///   on it).
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is IGMP, and the library has called
///   DISABLE_IGMP but not yet ENABLE_IGMP for the interface; the system has lost
///   the interface; or the caller is a forked child of the router.
/// - `ERROR_NOT_ENOUGH_MEMORY`: the system has no memory left.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
///
/// Source: reference page "MgmAddGroupMembershipEntry function (mgm.h)"; RFC 2715
/// section 3.5.
#[no_mangle]
pub unsafe extern "C" fn MgmAddGroupMembershipEntry(
    hProtocol: HANDLE,
    dwSourceAddr: DWORD,
    dwSourceMask: DWORD,
    dwGroupAddr: DWORD,
    dwGroupMask: DWORD,
    dwIfIndex: DWORD,
    dwIfNextHopIPAddr: DWORD,
    dwFlags: DWORD,
) -> DWORD {
    entry_for("MgmAddGroupMembershipEntry", HandleKind::Protocol, hProtocol, |serial| {
        let flow = membership(dwSourceAddr, dwSourceMask, dwGroupAddr, dwGroupMask)?;
        let join = join(dwFlags)?;
        let interface = interface(dwIfIndex, dwIfNextHopIPAddr)?;
        backend::add_membership(serial, flow, interface, join)?;
        Ok(NO_ERROR)
    })
}

/// Deletes a membership: packets are no longer wanted on an interface.
///
/// This is the reverse of MgmAddGroupMembershipEntry. The library reports the
/// deletion to other clients with PRUNE_ALERT. If IGMP deletes the membership,
/// the library also reports it to the owner of the interface with LOCAL_LEAVE. If
/// the membership does not exist, the call returns NO_ERROR.
///
/// # Parameters
/// - `hProtocol`: the handle of the client.
/// - `dwSourceAddr`: a unicast address, network byte order; 0 for any source.
/// - `dwSourceMask`: 255.255.255.255; 0 if dwSourceAddr is 0.
/// - `dwGroupAddr`: a group in 224.0.0.0/4, network byte order; 0 for all groups.
///   If it is 0, dwSourceAddr must be 0 too.
/// - `dwGroupMask`: 255.255.255.255; 0 if dwGroupAddr is 0.
/// - `dwIfIndex`, `dwIfNextHopIPAddr`: index and next hop of an interface that
///   the client owns (IGMP: on which it is enabled); the next hop in network byte
///   order.
/// - `dwFlags`: MGM_JOIN_STATE_FLAG removes the membership. It also removes the
///   interface from the outgoing interfaces of the matching MFEs, unless another
///   membership still needs it there. MGM_FORWARD_STATE_FLAG alone removes no
///   membership: it only removes the interface from the matching MFEs that exist
///   now. Both flags together mean MGM_JOIN_STATE_FLAG.
///
/// # Returns
/// - `NO_ERROR`: the membership is deleted.
/// - `ERROR_INVALID_PARAMETER`: hProtocol is invalid; a source, group, mask or
///   flag is invalid; dwIfIndex is 0; another client owns the interface.
/// - `ERROR_NOT_FOUND`: no client owns the interface.
/// - `ERROR_CAN_NOT_COMPLETE`: the caller is IGMP, and the library has called
///   DISABLE_IGMP but not yet ENABLE_IGMP for the interface; or the caller is a
///   forked child of the router.
///
/// # Threads
/// Any thread, also inside callbacks. The call causes callbacks. The lock rule
/// applies.
///
/// Source: reference page "MgmDeleteGroupMembershipEntry function (mgm.h)"; RFC
/// 2715 section 3.4.
#[no_mangle]
pub unsafe extern "C" fn MgmDeleteGroupMembershipEntry(
    hProtocol: HANDLE,
    dwSourceAddr: DWORD,
    dwSourceMask: DWORD,
    dwGroupAddr: DWORD,
    dwGroupMask: DWORD,
    dwIfIndex: DWORD,
    dwIfNextHopIPAddr: DWORD,
    dwFlags: DWORD,
) -> DWORD {
    entry_for("MgmDeleteGroupMembershipEntry", HandleKind::Protocol, hProtocol, |serial| {
        let flow = membership(dwSourceAddr, dwSourceMask, dwGroupAddr, dwGroupMask)?;
        let join = join(dwFlags)?;
        let interface = interface(dwIfIndex, dwIfNextHopIPAddr)?;
        backend::delete_membership(serial, flow, interface, join)?;
        Ok(NO_ERROR)
    })
}
