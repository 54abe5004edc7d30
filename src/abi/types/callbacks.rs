//! The nine callback types, and what one of them points to.
//!
//! `C-unwind`, so that an exception that a client lets out arrives at the
//! guard in `invoke.rs`, which ends the process with a line that says so.

use super::{BOOL, DWORD, PBYTE, PDWORD};

/// One outgoing interface in a creation alert.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct _MGM_IF_ENTRY {
    /// Index of the interface.
    pub dwIfIndex: DWORD,
    /// Its next hop, network byte order; 0 except on point-to-multipoint links.
    pub dwIfNextHopAddr: DWORD,
    /// Whether IGMP is enabled there.
    pub bIGMP: BOOL,
    /// TRUE; the client sets FALSE to have packets not go out there.
    pub bIsEnabled: BOOL,
}
pub type MGM_IF_ENTRY = _MGM_IF_ENTRY;
pub type PMGM_IF_ENTRY = *mut MGM_IF_ENTRY;

/// Asks the owner of the interface towards a source how packets of that source
/// must arrive: before an MFE is made, when it is renewed, and when its route
/// changes. The out-parameters come with what the routes say; a client that
/// agrees leaves them alone.
///
/// Where no route leads to the source through an interface that a client owns, the owner of
/// the interface where the packet arrived is called instead, with interface, next hop and
/// neighbour 0. It may name one of its own interfaces, and so accept the source without a
/// reverse-path check. If it leaves the 0 there is no MFE, and it is not asked again about
/// this source and group for 10 seconds, unless a change concerns them. MgmHostGetArrival
/// returns where the packet arrived.
///
/// # Parameters
/// - `dwSourceAddr`, `dwGroupAddr`: the source and the group, network byte order.
/// - `dwSourceMask`, `dwGroupMask`: 255.255.255.255.
/// - `pdwInIfIndex` (in, out): index of the incoming interface; 0 if no route leads to one.
/// - `pdwInIfNextHopAddr` (in, out): its next hop, network byte order. Index and
///   next hop must name an interface that the client owns; any other answer is
///   logged and has no effect.
/// - `pdwUpStreamNbr` (in, out): the neighbour towards the source, network byte
///   order; 0 if the source is directly connected.
/// - `dwHdrSize`, `pbPacketHdr`: the packet's IP header bytes. 0 bytes if there
///   is no packet (a renewal, a changed route). Bytes that the forwarder could
///   not supply are 0. Valid during the callback only.
/// - `pbRoute`: an RTM_DEST_INFO with one view, RTM_VIEW_ID_MCAST, of the route
///   that matched; its handles are NULL. Where pdwInIfIndex comes with 0 it is of
///   0.0.0.0/0, with no routes; it is never NULL. What is written there is ignored.
///   Valid during the callback only.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_RPF_CALLBACK callback function (mgm.h)".
pub type PMGM_RPF_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwSourceMask: DWORD,
        dwGroupAddr: DWORD,
        dwGroupMask: DWORD,
        pdwInIfIndex: PDWORD,
        pdwInIfNextHopAddr: PDWORD,
        pdwUpStreamNbr: PDWORD,
        dwHdrSize: DWORD,
        pbPacketHdr: PBYTE,
        pbRoute: PBYTE,
    ) -> DWORD,
>;

/// Tells a client that an MFE is being made (or renewed) and that interfaces of
/// its own are among the outgoing ones. No packet is forwarded by the MFE
/// before all clients have answered.
///
/// # Parameters
/// - `dwSourceAddr`, `dwGroupAddr`: the source and the group, network byte order.
/// - `dwSourceMask`, `dwGroupMask`: 255.255.255.255.
/// - `dwInIfIndex`, `dwInIfNextHopAddr`: the incoming interface.
/// - `dwIfCount`: number of entries in the list, at least 1.
/// - `pmieOutIfList` (in, out): the client's own outgoing interfaces. The client
///   sets bIsEnabled to FALSE where the packets shall not go out; nothing else
///   of what it writes counts. Valid during the callback only.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_CREATION_ALERT_CALLBACK callback function
/// (mgm.h)"; RFC 2715 section 3.3.
pub type PMGM_CREATION_ALERT_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwSourceMask: DWORD,
        dwGroupAddr: DWORD,
        dwGroupMask: DWORD,
        dwInIfIndex: DWORD,
        dwInIfNextHopAddr: DWORD,
        dwIfCount: DWORD,
        pmieOutIfList: PMGM_IF_ENTRY,
    ) -> DWORD,
>;

/// Tells a client that packets are no longer wanted.
///
/// bMemberDelete TRUE: nobody but the client itself wants the group (the source
/// and group, or anything at all) any more. FALSE: an MFE whose incoming
/// interface the client owns has no outgoing interface (left).
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, else the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group likewise; both 0 for every group.
/// - `dwIfIndex`, `dwIfNextHopAddr`: with TRUE the interface of the membership
///   that went (0 where there is none), with FALSE the incoming interface.
/// - `bMemberDelete`: see above.
/// - `pdwTimeout` (in, out): with FALSE the life of the MFE in seconds; what the
///   client leaves there counts. 0 is the default, 0xFFFFFFFF never expires.
///   With TRUE it points to a DWORD that nobody reads.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_PRUNE_ALERT_CALLBACK callback function (mgm.h)";
/// RFC 2715 section 3.4.
pub type PMGM_PRUNE_ALERT_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwSourceMask: DWORD,
        dwGroupAddr: DWORD,
        dwGroupMask: DWORD,
        dwIfIndex: DWORD,
        dwIfNextHopAddr: DWORD,
        bMemberDelete: BOOL,
        pdwTimeout: PDWORD,
    ) -> DWORD,
>;

/// Tells a client that packets are wanted.
///
/// bMemberUpdate TRUE: somebody else wants the group (the source and group, or
/// anything at all). FALSE: an MFE whose incoming interface the client owns has
/// outgoing interfaces again.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, else the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group likewise; both 0 for every group.
/// - `bMemberUpdate`: see above.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_JOIN_ALERT_CALLBACK callback function (mgm.h)";
/// RFC 2715 section 3.5.
pub type PMGM_JOIN_ALERT_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwSourceMask: DWORD,
        dwGroupAddr: DWORD,
        dwGroupMask: DWORD,
        bMemberUpdate: BOOL,
    ) -> DWORD,
>;

/// Tells the owner of an interface that a packet came in there although its MFE
/// has another incoming interface. At most once in three seconds for each
/// source, group and interface, and not while the client is behind.
///
/// # Parameters
/// - `dwSourceAddr`, `dwGroupAddr`: the source and the group, network byte order.
/// - `dwIfIndex`, `dwIfNextHopAddr`: the interface that the packet came in on.
/// - `dwHdrSize`, `pbPacketHdr`: the packet's IP header bytes. Bytes that the
///   forwarder could not supply are 0. Valid during the callback only.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_WRONG_IF_CALLBACK callback function (mgm.h)";
/// RFC 2715 section 3.2.
pub type PMGM_WRONG_IF_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwGroupAddr: DWORD,
        dwIfIndex: DWORD,
        dwIfNextHopAddr: DWORD,
        dwHdrSize: DWORD,
        pbPacketHdr: PBYTE,
    ) -> DWORD,
>;

/// Tells the owner of an interface that IGMP added a membership there: hosts on
/// the link want these packets.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, else the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group likewise; both 0 for every group.
/// - `dwIfIndex`, `dwIfNextHopAddr`: the interface.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_LOCAL_JOIN_CALLBACK callback function (mgm.h)".
pub type PMGM_LOCAL_JOIN_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwSourceMask: DWORD,
        dwGroupAddr: DWORD,
        dwGroupMask: DWORD,
        dwIfIndex: DWORD,
        dwIfNextHopAddr: DWORD,
    ) -> DWORD,
>;

/// Tells the owner of an interface that IGMP deleted a membership there: no
/// host on the link wants these packets any more.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, else the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group likewise; both 0 for every group.
/// - `dwIfIndex`, `dwIfNextHopAddr`: the interface.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_LOCAL_LEAVE_CALLBACK callback function (mgm.h)".
pub type PMGM_LOCAL_LEAVE_CALLBACK = Option<
    unsafe extern "C-unwind" fn(
        dwSourceAddr: DWORD,
        dwSourceMask: DWORD,
        dwGroupAddr: DWORD,
        dwGroupMask: DWORD,
        dwIfIndex: DWORD,
        dwIfNextHopAddr: DWORD,
    ) -> DWORD,
>;

/// Tells IGMP that an interface is about to change hands. Until ENABLE_IGMP,
/// IGMP's adds and deletes there are refused with ERROR_CAN_NOT_COMPLETE, and
/// the memberships that it has there are dropped.
///
/// # Parameters
/// - `dwIfIndex`, `dwIfNextHopAddr`: the interface.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_DISABLE_IGMP_CALLBACK callback function (mgm.h)".
pub type PMGM_DISABLE_IGMP_CALLBACK =
    Option<unsafe extern "C-unwind" fn(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD>;

/// Tells IGMP that an interface has changed hands: it adds all its memberships
/// there again, from inside this callback if it likes.
///
/// # Parameters
/// - `dwIfIndex`, `dwIfNextHopAddr`: the interface.
///
/// # Returns
/// Ignored.
///
/// # Threads
/// On any thread, MGM's own included; one callback of a client at a time, no
/// lock of MGM held. Any function of mgm.h may be called from here. An exception
/// that leaves it ends the process; longjmp out of it is undefined.
///
/// Source: reference page "PMGM_ENABLE_IGMP_CALLBACK callback function (mgm.h)".
pub type PMGM_ENABLE_IGMP_CALLBACK =
    Option<unsafe extern "C-unwind" fn(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD>;
