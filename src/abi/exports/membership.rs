//! Who wants which packets where.

use crate::abi::args::{interface, join, membership};
use crate::abi::entry::entry_for;
use crate::abi::handle::Kind;
use crate::abi::types::*;
use crate::engine::ClientId;
use crate::manager::Manager;

/// Says that packets are wanted on an interface.
///
/// A membership is of a source and a group, of a group from any source (source
/// 0), or of everything (both 0). Other clients hear of it by JOIN_ALERT as RFC
/// 2715 has it, the owner of an interface where IGMP adds by LOCAL_JOIN. Adding
/// what is there changes nothing and is no error.
///
/// # Parameters
/// - `hProtocol`: the client's handle.
/// - `dwSourceAddr`: a unicast address, network byte order; 0 for any source.
/// - `dwSourceMask`: 255.255.255.255 with a source, 0 with none.
/// - `dwGroupAddr`: a group in 224.0.0.0/4, network byte order; 0, without a
///   source, for every group.
/// - `dwGroupMask`: 255.255.255.255 with a group, 0 with none.
/// - `dwIfIndex`, `dwIfNextHopIPAddr`: an interface that the client owns (IGMP:
///   is enabled on). The next hop in network byte order.
/// - `dwFlags`: MGM_JOIN_STATE_FLAG records the membership and has the MFEs that
///   match go out there. MGM_FORWARD_STATE_FLAG alone does the second only, to
///   the MFEs that are there now. Both together are MGM_JOIN_STATE_FLAG.
///
/// # Returns
/// - `NO_ERROR`: added.
/// - `ERROR_INVALID_PARAMETER`: not a client's handle; a source, group, mask or
///   flag that is none; not the client's interface.
/// - `ERROR_CAN_NOT_COMPLETE`: IGMP between DISABLE_IGMP and ENABLE_IGMP; or this
///   is a forked child of the router.
/// - `ERROR_NOT_ENOUGH_MEMORY`: no memory left.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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
    entry_for("MgmAddGroupMembershipEntry", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        let flow = membership(dwSourceAddr, dwSourceMask, dwGroupAddr, dwGroupMask)?;
        let join = join(dwFlags)?;
        let interface = interface(dwIfIndex, dwIfNextHopIPAddr)?;
        Manager::global().add_membership(client, flow, interface, join)?;
        Ok(NO_ERROR)
    })
}

/// Says that packets are no longer wanted on an interface: the reverse of
/// MgmAddGroupMembershipEntry. Other clients hear of it by PRUNE_ALERT, the owner
/// of an interface where IGMP deletes by LOCAL_LEAVE. Deleting what is not there
/// changes nothing and is no error.
///
/// # Parameters
/// - `hProtocol`: the client's handle.
/// - `dwSourceAddr`: a unicast address, network byte order; 0 for any source.
/// - `dwSourceMask`: 255.255.255.255 with a source, 0 with none.
/// - `dwGroupAddr`: a group in 224.0.0.0/4, network byte order; 0, without a
///   source, for every group.
/// - `dwGroupMask`: 255.255.255.255 with a group, 0 with none.
/// - `dwIfIndex`, `dwIfNextHopIPAddr`: an interface that the client owns (IGMP:
///   is enabled on). The next hop in network byte order.
/// - `dwFlags`: MGM_JOIN_STATE_FLAG removes the membership, and the interface
///   from MFEs that nothing else keeps it in. MGM_FORWARD_STATE_FLAG alone
///   removes no membership, only the interface from the MFEs that are there now.
///   Both together are MGM_JOIN_STATE_FLAG.
///
/// # Returns
/// - `NO_ERROR`: deleted.
/// - `ERROR_INVALID_PARAMETER`: not a client's handle; a source, group, mask or
///   flag that is none; somebody else's interface.
/// - `ERROR_NOT_FOUND`: nobody has the interface.
/// - `ERROR_CAN_NOT_COMPLETE`: IGMP between DISABLE_IGMP and ENABLE_IGMP; or this
///   is a forked child of the router.
///
/// # Threads
/// Any thread, any time, also inside callbacks. The callbacks that it causes
/// run before it returns, or, if it is called inside a callback, after that one.
///
/// Never hold a lock that your callbacks take while you call Mgm functions.
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
    entry_for("MgmDeleteGroupMembershipEntry", Kind::Protocol, hProtocol, |serial| {
        let client = ClientId(serial);
        let flow = membership(dwSourceAddr, dwSourceMask, dwGroupAddr, dwGroupMask)?;
        let join = join(dwFlags)?;
        let interface = interface(dwIfIndex, dwIfNextHopIPAddr)?;
        Manager::global().delete_membership(client, flow, interface, join)?;
        Ok(NO_ERROR)
    })
}
