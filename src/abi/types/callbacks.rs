//! The nine callback types, and the structure that one of them takes.
//!
//! They are `C-unwind`, so that an exception of a client reaches the guard in `invoke.rs`,
//! which ends the process with a message.

use super::{BOOL, DWORD, PBYTE, PDWORD};

/// One outgoing interface in a CREATION_ALERT callback.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct _MGM_IF_ENTRY {
    /// Index of the interface.
    pub dwIfIndex: DWORD,
    /// Next hop of the interface, network byte order.
    pub dwIfNextHopAddr: DWORD,
    /// TRUE if IGMP is enabled on the interface.
    pub bIGMP: BOOL,
    /// In: TRUE. Out: FALSE if the flow must not be forwarded out of the
    /// interface.
    pub bIsEnabled: BOOL,
}
pub type MGM_IF_ENTRY = _MGM_IF_ENTRY;
pub type PMGM_IF_ENTRY = *mut MGM_IF_ENTRY;

/// Asks the owner of the interface towards a source how packets of that source must
/// arrive: on which interface, and from which neighbour.
///
/// The library calls it before it creates an MFE, when it renews an MFE, and when
/// the route to the source changes. On entry the in-out parameters hold the
/// result of the route look-up. A client that agrees with the result leaves them
/// unchanged.
///
/// If no route leads to the source through an interface that a client owns, the
/// library asks the owner of the arrival interface instead. The arrival interface
/// is the one on which the packet arrived; MgmHostGetArrival returns it. Incoming
/// interface, next hop and neighbour are then 0 on entry. The client can accept
/// the source without a reverse-path check: it sets the incoming interface to one
/// of its own interfaces. If the client leaves the incoming interface 0, the
/// library creates no MFE. It does not ask again about this flow for 10 seconds,
/// unless a route, an owner or a boundary that concerns the flow changes.
///
/// # Parameters
/// - `dwSourceAddr`, `dwGroupAddr`: source and group of the flow, network byte
///   order.
/// - `dwSourceMask`, `dwGroupMask`: 255.255.255.255.
/// - `pdwInIfIndex` (in, out): index of the incoming interface. In: 0 if no route
///   leads through an interface that a client owns.
/// - `pdwInIfNextHopAddr` (in, out): next hop of the incoming interface, network
///   byte order. Out: index and next hop must name an interface that the client
///   owns. Only an index that is 0 on entry may stay 0. The library logs any
///   other answer and ignores it.
/// - `pdwUpStreamNbr` (in, out): the upstream neighbour, network byte order; 0 if
///   the source is directly connected.
/// - `dwHdrSize`: number of bytes at pbPacketHdr; 0 if no packet caused the
///   callback (a renewal, or a change of the route).
/// - `pbPacketHdr` (in): IP header of the packet. Bytes that the forwarder cannot
///   supply are 0. Valid only during the callback.
/// - `pbRoute` (in): a pointer to an RTM_DEST_INFO that describes the route to
///   the source; never NULL. It has one view, RTM_VIEW_ID_MCAST, and all its
///   handles are NULL. If *pdwInIfIndex is 0 on entry, it describes 0.0.0.0/0 and
///   has no routes. The library ignores what the client writes there. Valid only
///   during the callback.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
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

/// Asks a client whether a flow may be forwarded out of interfaces that it owns.
///
/// The library calls it when it creates or renews an MFE that has outgoing
/// interfaces of the client. A new MFE forwards no packet until all clients have
/// answered.
///
/// # Parameters
/// - `dwSourceAddr`, `dwGroupAddr`: source and group of the flow, network byte
///   order.
/// - `dwSourceMask`, `dwGroupMask`: 255.255.255.255.
/// - `dwInIfIndex`, `dwInIfNextHopAddr`: index and next hop of the incoming
///   interface; the next hop in network byte order.
/// - `dwIfCount`: number of entries at pmieOutIfList, at least 1.
/// - `pmieOutIfList` (in, out): the outgoing interfaces that the client owns. The
///   client sets bIsEnabled to FALSE for each interface out of which the flow
///   must not be forwarded. The library ignores all other changes. Valid only
///   during the callback.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
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
/// If bMemberDelete is TRUE, no other client wants the packets that source and
/// group describe. If bMemberDelete is FALSE, source and group are those of one
/// MFE. The library calls the callback with FALSE:
///
/// - for the owner of the incoming interface, if the MFE is created without an
///   outgoing interface, or if it loses the last one and the owner has not caused
///   that;
/// - for the former owner, if a route change gives the MFE an incoming interface
///   of another owner;
/// - for the new owner too, if such a route change concerns an MFE without an
///   outgoing interface.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, otherwise the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group, network byte order; both 0 for all
///   groups, otherwise the mask is 255.255.255.255.
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of an interface; the next
///   hop in network byte order. If bMemberDelete is TRUE, it is the interface of
///   the deleted membership, or 0 if there is none. If bMemberDelete is FALSE, it
///   is the incoming interface of the MFE; for a former owner, it is the former
///   one.
/// - `bMemberDelete`: see above.
/// - `pdwTimeout` (in, out): the lifetime of the MFE in seconds, if bMemberDelete
///   is FALSE. In: the default lifetime. Out: the lifetime that the MFE gets; 0
///   selects the default, and with 0xFFFFFFFF the MFE never expires. If
///   bMemberDelete is TRUE, the pointer is valid, but the library ignores the
///   value.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
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
/// If bMemberUpdate is TRUE, another client wants the packets that source and
/// group describe. If bMemberUpdate is FALSE, source and group are those of one
/// flow. The library calls the callback with FALSE:
///
/// - for the owner of the incoming interface of an MFE, if the MFE had no outgoing
///   interface and now has one, and the owner has not caused that;
/// - for the new owner, if a route change gives an MFE with outgoing interfaces an
///   incoming interface of another owner;
/// - for the owner of the interface towards the source, if another client adds the
///   flow with MGM_FORWARD_STATE_FLAG alone and the flow has no MFE.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, otherwise the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group, network byte order; both 0 for all
///   groups, otherwise the mask is 255.255.255.255.
/// - `bMemberUpdate`: see above.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
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

/// Tells the owner of an interface that a packet arrived there although the MFE
/// of its flow has another incoming interface.
///
/// The library calls it at most once in three seconds for each flow and
/// interface. While the client is behind, the library does not call it.
///
/// # Parameters
/// - `dwSourceAddr`, `dwGroupAddr`: source and group of the flow, network byte
///   order.
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of the interface on which
///   the packet arrived; the next hop in network byte order.
/// - `dwHdrSize`: number of bytes at pbPacketHdr.
/// - `pbPacketHdr` (in): IP header of the packet. Bytes that the forwarder cannot
///   supply are 0. Valid only during the callback.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
///
/// Source: reference page "PMGM_WRONG_IF_CALLBACK callback function (mgm.h)"; RFC
/// 2715 section 3.2.
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

/// Tells the owner of an interface that IGMP has added a membership there.
///
/// Hosts on the link want the packets.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, otherwise the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group, network byte order; both 0 for all
///   groups, otherwise the mask is 255.255.255.255.
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of the interface; the
///   next hop in network byte order.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
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

/// Tells the owner of an interface that IGMP has deleted a membership there.
///
/// No host on the link wants the packets any longer.
///
/// # Parameters
/// - `dwSourceAddr`, `dwSourceMask`: the source, network byte order; both 0 for
///   any source, otherwise the mask is 255.255.255.255.
/// - `dwGroupAddr`, `dwGroupMask`: the group, network byte order; both 0 for all
///   groups, otherwise the mask is 255.255.255.255.
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of the interface; the
///   next hop in network byte order.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
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

/// Tells IGMP that the owner of an interface is about to change, or that the
/// system has lost the interface.
///
/// The library deletes the memberships that IGMP has on the interface. Until the
/// library calls ENABLE_IGMP, each call with which IGMP adds a membership there
/// returns ERROR_CAN_NOT_COMPLETE. A call that deletes a membership there returns
/// ERROR_CAN_NOT_COMPLETE if the owner is changing, and NO_ERROR if the interface
/// is lost. If IGMP releases the interface in the meantime, the library does not
/// call ENABLE_IGMP.
///
/// # Parameters
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of the interface; the
///   next hop in network byte order.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
///
/// Source: reference page "PMGM_DISABLE_IGMP_CALLBACK callback function (mgm.h)".
pub type PMGM_DISABLE_IGMP_CALLBACK =
    Option<unsafe extern "C-unwind" fn(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD>;

/// Tells IGMP that the owner of an interface has changed, or that a lost interface
/// has returned.
///
/// IGMP must now add all its memberships on the interface again. It may do so
/// inside this callback.
///
/// # Parameters
/// - `dwIfIndex`, `dwIfNextHopAddr`: index and next hop of the interface; the
///   next hop in network byte order.
///
/// # Returns
/// The library ignores the return value.
///
/// # Threads
/// The callback rules apply.
///
/// Source: reference page "PMGM_ENABLE_IGMP_CALLBACK callback function (mgm.h)".
pub type PMGM_ENABLE_IGMP_CALLBACK =
    Option<unsafe extern "C-unwind" fn(dwIfIndex: DWORD, dwIfNextHopAddr: DWORD) -> DWORD>;
