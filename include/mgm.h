/*
 * mgm.h - the multicast group manager, as routing protocols see it.
 *
 * Generated from src/abi: change it there, then "make headers".
 *
 * Conventions. Every function returns NO_ERROR or a Win32 error code. Addresses
 * and masks are in network byte order, as in struct in_addr; all other numbers
 * are in the machine's. An interface is an index together with a next hop, which
 * is 0 except on point-to-multipoint links. A handle is a number and points to
 * nothing; any value may be passed, and one that is not open is refused with
 * ERROR_INVALID_PARAMETER. When a function fails, nothing has changed and no
 * out-parameter is written, except where its description says so. Why a call was
 * refused stands in the log (MGM_LOG in the environment).
 *
 * Threads. Every function may be called from any thread at any time, also inside
 * callbacks, unless its description says otherwise. Callbacks come one at a time
 * for each client, on the thread of the call that causes them or on MGM's own, and
 * MGM holds no lock while they run. Never hold a lock that your callbacks take
 * while you call Mgm functions. A call delivers what it causes before it returns, up
 * to 1,024 callbacks; MGM's own threads deliver the rest. A client whose callbacks do
 * not keep up falls behind when 1,024 of them wait: until it has caught up, join, prune
 * and local alerts tell it how things stand and not each change, so it may hear what it
 * knows already, and WRONG_IF callbacks are dropped. MGM lives in the router's process: in a forked
 * child every function returns ERROR_CAN_NOT_COMPLETE.
 */

#ifndef MGM_H
#define MGM_H

#if defined(_WIN32) && !defined(_WIN64)
#error "mgm is for 64-bit targets"
#endif

#ifndef MGM_NO_TYPES
#ifdef _WIN32
#ifndef _WINDOWS_
#include <winsock2.h> /* has to come before windows.h */
#include <windows.h>
#endif
#include <iprtrmib.h>
#include <rtmv2.h>
#ifndef MPR50
#define MPR50 1 /* routprot.h has only this version, and wants to be told */
#endif
#include <routprot.h>
#else
#include "mgmtypes.h"
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------- Callbacks ------------------------------- */

/** One outgoing interface in a creation alert. */
struct _MGM_IF_ENTRY {
    /** Index of the interface. */
    DWORD dwIfIndex;
    /** Its next hop, network byte order; 0 except on point-to-multipoint links. */
    DWORD dwIfNextHopAddr;
    /** Whether IGMP is enabled there. */
    BOOL bIGMP;
    /** TRUE; the client sets FALSE to have packets not go out there. */
    BOOL bIsEnabled;
};
typedef struct _MGM_IF_ENTRY MGM_IF_ENTRY;
typedef MGM_IF_ENTRY *PMGM_IF_ENTRY;

/**
 * Asks the owner of the interface towards a source how packets of that source
 * must arrive: before an MFE is made, when it is renewed, and when its route
 * changes. The out-parameters come with what the routes say; a client that
 * agrees leaves them alone.
 *
 * Where no route leads to the source through an interface that a client owns, the owner of
 * the interface where the packet arrived is called instead, with interface, next hop and
 * neighbour 0. It may name one of its own interfaces, and so accept the source without a
 * reverse-path check. If it leaves the 0 there is no MFE, and it is not asked again about
 * this source and group for 10 seconds, unless a change concerns them. MgmHostGetArrival
 * returns where the packet arrived.
 *
 * Parameters:
 * - dwSourceAddr, dwGroupAddr: the source and the group, network byte order.
 * - dwSourceMask, dwGroupMask: 255.255.255.255.
 * - pdwInIfIndex (in, out): index of the incoming interface; 0 if no route leads to one.
 * - pdwInIfNextHopAddr (in, out): its next hop, network byte order. Index and
 *   next hop must name an interface that the client owns; any other answer is
 *   logged and has no effect.
 * - pdwUpStreamNbr (in, out): the neighbour towards the source, network byte
 *   order; 0 if the source is directly connected.
 * - dwHdrSize, pbPacketHdr: the packet's IP header bytes. 0 bytes if there
 *   is no packet (a renewal, a changed route). Bytes that the forwarder could
 *   not supply are 0. Valid during the callback only.
 * - pbRoute: an RTM_DEST_INFO with one view, RTM_VIEW_ID_MCAST, of the route
 *   that matched; its handles are NULL. Where pdwInIfIndex comes with 0 it is of
 *   0.0.0.0/0, with no routes; it is never NULL. What is written there is ignored.
 *   Valid during the callback only.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_RPF_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_RPF_CALLBACK)(DWORD dwSourceAddr,
                                   DWORD dwSourceMask,
                                   DWORD dwGroupAddr,
                                   DWORD dwGroupMask,
                                   PDWORD pdwInIfIndex,
                                   PDWORD pdwInIfNextHopAddr,
                                   PDWORD pdwUpStreamNbr,
                                   DWORD dwHdrSize,
                                   PBYTE pbPacketHdr,
                                   PBYTE pbRoute);

/**
 * Tells a client that an MFE is being made (or renewed) and that interfaces of
 * its own are among the outgoing ones. No packet is forwarded by the MFE
 * before all clients have answered.
 *
 * Parameters:
 * - dwSourceAddr, dwGroupAddr: the source and the group, network byte order.
 * - dwSourceMask, dwGroupMask: 255.255.255.255.
 * - dwInIfIndex, dwInIfNextHopAddr: the incoming interface.
 * - dwIfCount: number of entries in the list, at least 1.
 * - pmieOutIfList (in, out): the client's own outgoing interfaces. The client
 *   sets bIsEnabled to FALSE where the packets shall not go out; nothing else
 *   of what it writes counts. Valid during the callback only.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_CREATION_ALERT_CALLBACK callback function
 * (mgm.h)"; RFC 2715 section 3.3.
 */
typedef DWORD (*PMGM_CREATION_ALERT_CALLBACK)(DWORD dwSourceAddr,
                                              DWORD dwSourceMask,
                                              DWORD dwGroupAddr,
                                              DWORD dwGroupMask,
                                              DWORD dwInIfIndex,
                                              DWORD dwInIfNextHopAddr,
                                              DWORD dwIfCount,
                                              PMGM_IF_ENTRY pmieOutIfList);

/**
 * Tells a client that packets are no longer wanted.
 *
 * bMemberDelete TRUE: nobody but the client itself wants the group (the source
 * and group, or anything at all) any more. FALSE: an MFE whose incoming
 * interface the client owns has no outgoing interface (left).
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, else the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group likewise; both 0 for every group.
 * - dwIfIndex, dwIfNextHopAddr: with TRUE the interface of the membership
 *   that went (0 where there is none), with FALSE the incoming interface.
 * - bMemberDelete: see above.
 * - pdwTimeout (in, out): with FALSE the life of the MFE in seconds; what the
 *   client leaves there counts. 0 is the default, 0xFFFFFFFF never expires.
 *   With TRUE it points to a DWORD that nobody reads.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_PRUNE_ALERT_CALLBACK callback function (mgm.h)";
 * RFC 2715 section 3.4.
 */
typedef DWORD (*PMGM_PRUNE_ALERT_CALLBACK)(DWORD dwSourceAddr,
                                           DWORD dwSourceMask,
                                           DWORD dwGroupAddr,
                                           DWORD dwGroupMask,
                                           DWORD dwIfIndex,
                                           DWORD dwIfNextHopAddr,
                                           BOOL bMemberDelete,
                                           PDWORD pdwTimeout);

/**
 * Tells a client that packets are wanted.
 *
 * bMemberUpdate TRUE: somebody else wants the group (the source and group, or
 * anything at all). FALSE: an MFE whose incoming interface the client owns has
 * outgoing interfaces again.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, else the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group likewise; both 0 for every group.
 * - bMemberUpdate: see above.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_JOIN_ALERT_CALLBACK callback function (mgm.h)";
 * RFC 2715 section 3.5.
 */
typedef DWORD (*PMGM_JOIN_ALERT_CALLBACK)(DWORD dwSourceAddr,
                                          DWORD dwSourceMask,
                                          DWORD dwGroupAddr,
                                          DWORD dwGroupMask,
                                          BOOL bMemberUpdate);

/**
 * Tells the owner of an interface that a packet came in there although its MFE
 * has another incoming interface. At most once in three seconds for each
 * source, group and interface, and not while the client is behind.
 *
 * Parameters:
 * - dwSourceAddr, dwGroupAddr: the source and the group, network byte order.
 * - dwIfIndex, dwIfNextHopAddr: the interface that the packet came in on.
 * - dwHdrSize, pbPacketHdr: the packet's IP header bytes. Bytes that the
 *   forwarder could not supply are 0. Valid during the callback only.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_WRONG_IF_CALLBACK callback function (mgm.h)";
 * RFC 2715 section 3.2.
 */
typedef DWORD (*PMGM_WRONG_IF_CALLBACK)(DWORD dwSourceAddr,
                                        DWORD dwGroupAddr,
                                        DWORD dwIfIndex,
                                        DWORD dwIfNextHopAddr,
                                        DWORD dwHdrSize,
                                        PBYTE pbPacketHdr);

/**
 * Tells the owner of an interface that IGMP added a membership there: hosts on
 * the link want these packets.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, else the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group likewise; both 0 for every group.
 * - dwIfIndex, dwIfNextHopAddr: the interface.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_LOCAL_JOIN_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_LOCAL_JOIN_CALLBACK)(DWORD dwSourceAddr,
                                          DWORD dwSourceMask,
                                          DWORD dwGroupAddr,
                                          DWORD dwGroupMask,
                                          DWORD dwIfIndex,
                                          DWORD dwIfNextHopAddr);

/**
 * Tells the owner of an interface that IGMP deleted a membership there: no
 * host on the link wants these packets any more.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, else the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group likewise; both 0 for every group.
 * - dwIfIndex, dwIfNextHopAddr: the interface.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_LOCAL_LEAVE_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_LOCAL_LEAVE_CALLBACK)(DWORD dwSourceAddr,
                                           DWORD dwSourceMask,
                                           DWORD dwGroupAddr,
                                           DWORD dwGroupMask,
                                           DWORD dwIfIndex,
                                           DWORD dwIfNextHopAddr);

/**
 * Tells IGMP that an interface is about to change hands. Until ENABLE_IGMP,
 * IGMP's adds and deletes there are refused with ERROR_CAN_NOT_COMPLETE, and
 * the memberships that it has there are dropped.
 *
 * Parameters:
 * - dwIfIndex, dwIfNextHopAddr: the interface.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_DISABLE_IGMP_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_DISABLE_IGMP_CALLBACK)(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Tells IGMP that an interface has changed hands: it adds all its memberships
 * there again, from inside this callback if it likes.
 *
 * Parameters:
 * - dwIfIndex, dwIfNextHopAddr: the interface.
 *
 * Returns:
 * Ignored.
 *
 * Threads:
 * On any thread, MGM's own included; one callback of a client at a time, no
 * lock of MGM held. Any function of mgm.h may be called from here. An exception
 * that leaves it ends the process; longjmp out of it is undefined.
 *
 * Source: reference page "PMGM_ENABLE_IGMP_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_ENABLE_IGMP_CALLBACK)(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/* ------------------------- Structures and constants ----------------------- */

/** What a group enumeration is to give. */
typedef enum _MGM_ENUM_TYPES {
    /** Each group that somebody has joined with a source. */
    ANY_SOURCE = 0,
    /** Each source and group, each group, and everything, that somebody has joined. */
    ALL_SOURCES = 1
} MGM_ENUM_TYPES;

/** The callbacks of a client. Any of them may be NULL: it is then skipped. */
struct _ROUTING_PROTOCOL_CONFIG {
    /** Reserved, ignored. */
    DWORD dwCallbackFlags;
    /** Asks for the incoming interface of a new MFE. */
    PMGM_RPF_CALLBACK pfnRpfCallback;
    /** Asks about the outgoing interfaces of a new MFE. */
    PMGM_CREATION_ALERT_CALLBACK pfnCreationAlertCallback;
    /** Packets are no longer wanted. */
    PMGM_PRUNE_ALERT_CALLBACK pfnPruneAlertCallback;
    /** Packets are wanted. */
    PMGM_JOIN_ALERT_CALLBACK pfnJoinAlertCallback;
    /** A packet came in on the wrong interface. */
    PMGM_WRONG_IF_CALLBACK pfnWrongIfCallback;
    /** IGMP added a membership on an interface of the client's. */
    PMGM_LOCAL_JOIN_CALLBACK pfnLocalJoinCallback;
    /** IGMP deleted one. */
    PMGM_LOCAL_LEAVE_CALLBACK pfnLocalLeaveCallback;
    /** For IGMP: an interface is about to change hands. */
    PMGM_DISABLE_IGMP_CALLBACK pfnDisableIgmpCallback;
    /** For IGMP: it has changed hands. */
    PMGM_ENABLE_IGMP_CALLBACK pfnEnableIgmpCallback;
};
typedef struct _ROUTING_PROTOCOL_CONFIG ROUTING_PROTOCOL_CONFIG;
typedef ROUTING_PROTOCOL_CONFIG *PROUTING_PROTOCOL_CONFIG;

/** One entry of a group enumeration. */
struct _SOURCE_GROUP_ENTRY {
    /** Source, network byte order; 0 for any. */
    DWORD dwSourceAddr;
    /** 255.255.255.255, or 0 with source 0. */
    DWORD dwSourceMask;
    /** Group, network byte order; 0 for every. */
    DWORD dwGroupAddr;
    /** 255.255.255.255, or 0 with group 0. */
    DWORD dwGroupMask;
};
typedef struct _SOURCE_GROUP_ENTRY SOURCE_GROUP_ENTRY;
typedef SOURCE_GROUP_ENTRY *PSOURCE_GROUP_ENTRY;

/** Record the membership, and change the MFEs that it matches. */
#define MGM_JOIN_STATE_FLAG 1

/** Record nothing; change the MFEs that are there and match. */
#define MGM_FORWARD_STATE_FLAG 2

/** The other name that the reference uses for MGM_FORWARD_STATE_FLAG. */
#define MGM_FORWARD_STATE 2

/** Statistics as MIB_IPMCAST_MFE_STATS. */
#define MGM_MFE_STATS_0 1

/** Statistics as MIB_IPMCAST_MFE_STATS_EX. */
#define MGM_MFE_STATS_1 2

/* ------------------------------ Registration ------------------------------ */

/**
 * Registers a client, a routing protocol or IGMP, with MGM.
 *
 * What others joined before is not reported to a newcomer: it learns that by
 * enumerating the groups.
 *
 * Parameters:
 * - prpiInfo (in): the client's callbacks. It is copied, and may be freed
 *   after the call.
 * - dwProtocolId: the protocol, PROTO_IP_* or MS_IP_*. IGMP is whoever says
 *   PROTO_IP_IGMP or MS_IP_IGMP.
 * - dwComponentId: tells components of the same protocol apart.
 * - phProtocol (out): the handle for all other calls. It points to nothing.
 *
 * Returns:
 * - NO_ERROR: registered.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL; or this call would start MGM, and a
 *   variable of the environment is invalid.
 * - ERROR_ALREADY_EXISTS: this protocol and component are registered.
 * - ERROR_NOT_ENOUGH_MEMORY: no memory left.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child
 *   of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmRegisterMProtocol function (mgm.h)".
 */
DWORD MgmRegisterMProtocol(PROUTING_PROTOCOL_CONFIG prpiInfo,
                           DWORD dwProtocolId,
                           DWORD dwComponentId,
                           HANDLE *phProtocol);

/**
 * Takes a client out of MGM. It must have released all its interfaces.
 *
 * Once this returns NO_ERROR no callback of the client runs or will run, so
 * that its module may be unloaded: the call waits for one that is running on
 * another thread. Called from inside one of the client's own callbacks it does
 * not wait; that callback is the last. The client's open enumerations are
 * closed.
 *
 * Parameters:
 * - hProtocol: the client's handle, invalid afterwards.
 *
 * Returns:
 * - NO_ERROR: gone.
 * - ERROR_INVALID_PARAMETER: not the handle of a registered client.
 * - ERROR_CAN_NOT_COMPLETE: the client still owns an interface (IGMP: is
 *   enabled on one); or one of its callbacks is running on another thread and
 *   this is a call from inside another client's callback, where waiting could
 *   be for ever; or this is a forked child of the router. Nothing has changed.
 *
 * Threads:
 * Any thread, any time, also inside callbacks; see above for how it waits.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions:
 * this one waits for a callback, which would wait for the lock.
 *
 * Source: reference page "MgmDeRegisterMProtocol function (mgm.h)".
 */
DWORD MgmDeRegisterMProtocol(HANDLE hProtocol);

/* --------------------------- Interface ownership -------------------------- */

/**
 * Makes a client the owner of an interface: every multicast protocol takes an
 * interface before it does anything there. IGMP is enabled on the interface
 * beside its owner, or alone.
 *
 * Where IGMP is enabled and a protocol takes the interface, IGMP gets
 * DISABLE_IGMP, the interface changes hands, IGMP gets ENABLE_IGMP and adds its
 * memberships again.
 *
 * Parameters:
 * - hProtocol: the client's handle.
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: the neighbour on a point-to-multipoint link, network byte
 *   order; 0 on any other.
 *
 * Returns:
 * - NO_ERROR: taken.
 * - ERROR_INVALID_PARAMETER: not a client's handle; index 0; one index with
 *   and without next hops; the system has no such interface.
 * - ERROR_ALREADY_EXISTS: a protocol, the caller included, has it; for IGMP:
 *   IGMP is enabled there.
 * - ERROR_NOT_ENOUGH_MEMORY: no memory left, or too many interfaces.
 * - ERROR_CAN_NOT_COMPLETE: the forwarder cannot serve the interface (the log
 *   says what to do), or this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmTakeInterfaceOwnership function (mgm.h)".
 */
DWORD MgmTakeInterfaceOwnership(HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Gives an interface back. The client's memberships there end, with the alerts
 * that follow from it; MFEs that come in there are deleted, and those that go
 * out there go out there no more.
 *
 * Parameters:
 * - hProtocol: the client's handle.
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: as when it was taken, network byte order.
 *
 * Returns:
 * - NO_ERROR: released.
 * - ERROR_INVALID_PARAMETER: not a client's handle, or not an interface that
 *   this client has.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmReleaseInterfaceOwnership function (mgm.h)".
 */
DWORD MgmReleaseInterfaceOwnership(HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Tells which protocol owns an interface; IGMP, if only IGMP is enabled there.
 *
 * Parameters:
 * - dwIfIndex: index of the interface.
 * - dwIfNextHopAddr: its next hop, network byte order; 0 except on
 *   point-to-multipoint links.
 * - pdwIfProtocolId (out): the protocol id that the owner registered with.
 * - pdwIfComponentId (out): its component id.
 *
 * Returns:
 * - NO_ERROR: told.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_NOT_FOUND: no client owns the interface, or there can be no such
 *   interface: the index is 0, or the next hop is not of the kind that the index has.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetProtocolOnInterface function (mgm.h)".
 */
DWORD MgmGetProtocolOnInterface(DWORD dwIfIndex,
                                DWORD dwIfNextHopAddr,
                                PDWORD pdwIfProtocolId,
                                PDWORD pdwIfComponentId);

/* ---------------------------- Group memberships --------------------------- */

/**
 * Says that packets are wanted on an interface.
 *
 * A membership is of a source and a group, of a group from any source (source
 * 0), or of everything (both 0). Other clients hear of it by JOIN_ALERT as RFC
 * 2715 has it, the owner of an interface where IGMP adds by LOCAL_JOIN. Adding
 * what is there changes nothing and is no error.
 *
 * Parameters:
 * - hProtocol: the client's handle.
 * - dwSourceAddr: a unicast address, network byte order; 0 for any source.
 * - dwSourceMask: 255.255.255.255 with a source, 0 with none.
 * - dwGroupAddr: a group in 224.0.0.0/4, network byte order; 0, without a
 *   source, for every group.
 * - dwGroupMask: 255.255.255.255 with a group, 0 with none.
 * - dwIfIndex, dwIfNextHopIPAddr: an interface that the client owns (IGMP:
 *   is enabled on). The next hop in network byte order.
 * - dwFlags: MGM_JOIN_STATE_FLAG records the membership and has the MFEs that
 *   match go out there. MGM_FORWARD_STATE_FLAG alone does the second only, to
 *   the MFEs that are there now. Both together are MGM_JOIN_STATE_FLAG.
 *
 * Returns:
 * - NO_ERROR: added.
 * - ERROR_INVALID_PARAMETER: not a client's handle; a source, group, mask or
 *   flag that is none; not the client's interface.
 * - ERROR_CAN_NOT_COMPLETE: IGMP between DISABLE_IGMP and ENABLE_IGMP; or this
 *   is a forked child of the router.
 * - ERROR_NOT_ENOUGH_MEMORY: no memory left.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmAddGroupMembershipEntry function (mgm.h)"; RFC 2715
 * section 3.5.
 */
DWORD MgmAddGroupMembershipEntry(HANDLE hProtocol,
                                 DWORD dwSourceAddr,
                                 DWORD dwSourceMask,
                                 DWORD dwGroupAddr,
                                 DWORD dwGroupMask,
                                 DWORD dwIfIndex,
                                 DWORD dwIfNextHopIPAddr,
                                 DWORD dwFlags);

/**
 * Says that packets are no longer wanted on an interface: the reverse of
 * MgmAddGroupMembershipEntry. Other clients hear of it by PRUNE_ALERT, the owner
 * of an interface where IGMP deletes by LOCAL_LEAVE. Deleting what is not there
 * changes nothing and is no error.
 *
 * Parameters:
 * - hProtocol: the client's handle.
 * - dwSourceAddr: a unicast address, network byte order; 0 for any source.
 * - dwSourceMask: 255.255.255.255 with a source, 0 with none.
 * - dwGroupAddr: a group in 224.0.0.0/4, network byte order; 0, without a
 *   source, for every group.
 * - dwGroupMask: 255.255.255.255 with a group, 0 with none.
 * - dwIfIndex, dwIfNextHopIPAddr: an interface that the client owns (IGMP:
 *   is enabled on). The next hop in network byte order.
 * - dwFlags: MGM_JOIN_STATE_FLAG removes the membership, and the interface
 *   from MFEs that nothing else keeps it in. MGM_FORWARD_STATE_FLAG alone
 *   removes no membership, only the interface from the MFEs that are there now.
 *   Both together are MGM_JOIN_STATE_FLAG.
 *
 * Returns:
 * - NO_ERROR: deleted.
 * - ERROR_INVALID_PARAMETER: not a client's handle; a source, group, mask or
 *   flag that is none; somebody else's interface.
 * - ERROR_NOT_FOUND: nobody has the interface.
 * - ERROR_CAN_NOT_COMPLETE: IGMP between DISABLE_IGMP and ENABLE_IGMP; or this
 *   is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmDeleteGroupMembershipEntry function (mgm.h)"; RFC
 * 2715 section 3.4.
 */
DWORD MgmDeleteGroupMembershipEntry(HANDLE hProtocol,
                                    DWORD dwSourceAddr,
                                    DWORD dwSourceMask,
                                    DWORD dwGroupAddr,
                                    DWORD dwGroupMask,
                                    DWORD dwIfIndex,
                                    DWORD dwIfNextHopIPAddr,
                                    DWORD dwFlags);

/* ---------------------- Multicast forwarding entries ---------------------- */

/**
 * Gives one MFE: where packets of a source and group come in and go out.
 *
 * Parameters:
 * - pimm (in): its dwGroup and dwSource, network byte order, say which one; the
 *   other fields are not read.
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that are needed.
 * - pbBuffer (out): a MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes. Any
 *   alignment will do. NULL if *pdwBufferSize is 0.
 *
 * Returns:
 * - NO_ERROR: given.
 * - ERROR_INSUFFICIENT_BUFFER: see pdwBufferSize.
 * - ERROR_NOT_FOUND: there is no such MFE; also where there can be none, because
 *   dwGroup is no group or dwSource no host's address.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetMfe function (mgm.h)".
 */
DWORD MgmGetMfe(PMIB_IPMCAST_MFE pimm, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Gives MFEs from the first one on, as many as the buffer holds. Their order is
 * that of the groups, then of the sources, as numbers.
 *
 * Parameters:
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that the first MFE needs.
 * - pbBuffer (out): the MFEs back to back, each a MIB_IPMCAST_MFE of
 *   SIZEOF_MIB_MFE(ulNumOutIf) bytes. Any alignment will do. NULL if
 *   *pdwBufferSize is 0.
 * - pdwNumEntries (out): the number of MFEs.
 *
 * Returns:
 * - ERROR_MORE_DATA: there are more; go on with MgmGetNextMfe.
 * - ERROR_NO_MORE_ITEMS: these were the last, or there are none.
 * - ERROR_INSUFFICIENT_BUFFER: not even one fits; see pdwBufferSize.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetFirstMfe function (mgm.h)".
 */
DWORD MgmGetFirstMfe(PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries);

/**
 * Gives the MFEs after a given one, as many as the buffer holds. That one need
 * not exist any more.
 *
 * Parameters:
 * - pimmStart (in): its dwGroup and dwSource, network byte order, say after
 *   which MFE to start, usually the last one of the call before; the other
 *   fields are not read.
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that the next MFE needs.
 * - pbBuffer (out): the MFEs back to back, each a MIB_IPMCAST_MFE of
 *   SIZEOF_MIB_MFE(ulNumOutIf) bytes. Any alignment will do. NULL if
 *   *pdwBufferSize is 0.
 * - pdwNumEntries (out): the number of MFEs.
 *
 * Returns:
 * - ERROR_MORE_DATA: there are more.
 * - ERROR_NO_MORE_ITEMS: these were the last, or there are none.
 * - ERROR_INSUFFICIENT_BUFFER: not even one fits; see pdwBufferSize.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetNextMfe function (mgm.h)".
 */
DWORD MgmGetNextMfe(PMIB_IPMCAST_MFE pimmStart,
                    PDWORD pdwBufferSize,
                    PBYTE pbBuffer,
                    PDWORD pdwNumEntries);

/**
 * Changes the upstream neighbour of an MFE, and its incoming interface if
 * another one is given. Only the owner of the incoming interface may do so.
 *
 * The original's documentation has this function but its DLL lacks it.
 *
 * Parameters:
 * - hProtocol: the client's handle.
 * - pmimm (in): dwGroup and dwSource say which MFE, dwUpStrmNgbr is its new
 *   neighbour towards the source (0: the source is directly connected), all in
 *   network byte order. A dwInIfIndex that the client owns becomes the incoming
 *   interface, with next hop 0; any other one (not the client's, unknown, 0, or
 *   one that a boundary keeps the group off) leaves the incoming interface as it
 *   is, and only the neighbour changes. The other fields are not read.
 *
 * Returns:
 * - NO_ERROR: changed.
 * - ERROR_INVALID_PARAMETER: not a client's handle; a pointer is NULL; a group,
 *   source or neighbour that is none.
 * - ERROR_NOT_FOUND: there is no such MFE.
 * - ERROR_CAN_NOT_COMPLETE: the client does not own the incoming interface, or
 *   this is a forked child of the router.
 * - ERROR_NOT_ENOUGH_MEMORY: no memory left.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmSetMfe function (mgm.h)".
 */
DWORD MgmSetMfe(HANDLE hProtocol, PMIB_IPMCAST_MFE pmimm);

/* ------------------------------- Statistics ------------------------------- */

/**
 * Gives the counters of one MFE.
 *
 * Parameters:
 * - pimm (in): its dwGroup and dwSource, network byte order, say which one; the
 *   other fields are not read.
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that are needed.
 * - pbBuffer (out): the structure that dwFlags says. Any alignment will do.
 *   NULL if *pdwBufferSize is 0.
 * - dwFlags: MGM_MFE_STATS_0 for a MIB_IPMCAST_MFE_STATS of
 *   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes, MGM_MFE_STATS_1 for a
 *   MIB_IPMCAST_MFE_STATS_EX of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf).
 *
 * Returns:
 * - NO_ERROR: given.
 * - ERROR_INSUFFICIENT_BUFFER: see pdwBufferSize.
 * - ERROR_NOT_FOUND: there is no such MFE; also where there can be none, because
 *   dwGroup is no group or dwSource no host's address.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or another flag.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetMfeStats function (mgm.h)".
 */
DWORD MgmGetMfeStats(PMIB_IPMCAST_MFE pimm,
                     PDWORD pdwBufferSize,
                     PBYTE pbBuffer,
                     DWORD dwFlags);

/**
 * Gives the counters of MFEs from the first one on, as many as the buffer holds.
 * Their order is that of the groups, then of the sources, as numbers.
 *
 * Parameters:
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that the first entry needs.
 * - pbBuffer (out): structures as dwFlags says, back to back. Any alignment
 *   will do. NULL if *pdwBufferSize is 0.
 * - pdwNumEntries (out): the number of entries.
 * - dwFlags: MGM_MFE_STATS_0 for a MIB_IPMCAST_MFE_STATS of
 *   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes each, MGM_MFE_STATS_1 for a
 *   MIB_IPMCAST_MFE_STATS_EX of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf).
 *
 * Returns:
 * - ERROR_MORE_DATA: there are more; go on with MgmGetNextMfeStats.
 * - ERROR_NO_MORE_ITEMS: these were the last, or there are none.
 * - ERROR_INSUFFICIENT_BUFFER: not even one fits; see pdwBufferSize.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or another flag.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetFirstMfeStats function (mgm.h)".
 */
DWORD MgmGetFirstMfeStats(PDWORD pdwBufferSize,
                          PBYTE pbBuffer,
                          PDWORD pdwNumEntries,
                          DWORD dwFlags);

/**
 * Gives the counters of the MFEs after a given one, as many as the buffer holds.
 * That one need not exist any more.
 *
 * Parameters:
 * - pimmStart (in): its dwGroup and dwSource, network byte order, say after
 *   which MFE to start, usually the last one of the call before; the other
 *   fields are not read.
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that the next entry needs.
 * - pbBuffer (out): structures as dwFlags says, back to back. Any alignment
 *   will do. NULL if *pdwBufferSize is 0.
 * - pdwNumEntries (out): the number of entries.
 * - dwFlags: MGM_MFE_STATS_0 for a MIB_IPMCAST_MFE_STATS of
 *   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes each, MGM_MFE_STATS_1 for a
 *   MIB_IPMCAST_MFE_STATS_EX of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf).
 *
 * Returns:
 * - ERROR_MORE_DATA: there are more.
 * - ERROR_NO_MORE_ITEMS: these were the last, or there are none.
 * - ERROR_INSUFFICIENT_BUFFER: not even one fits; see pdwBufferSize.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or another flag.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGetNextMfeStats function (mgm.h)".
 */
DWORD MgmGetNextMfeStats(PMIB_IPMCAST_MFE pimmStart,
                         PDWORD pdwBufferSize,
                         PBYTE pbBuffer,
                         PDWORD pdwNumEntries,
                         DWORD dwFlags);

/* ---------------------------- Group enumeration --------------------------- */

/**
 * Starts an enumeration of the groups that anyone has joined.
 *
 * Entries that are there from start to end are given exactly once, whatever
 * comes and goes meanwhile.
 *
 * Parameters:
 * - hProtocol: the client's handle.
 * - metEnumType: ALL_SOURCES for an entry for each source and group, each
 *   group from any source, and everything, that somebody has joined. ANY_SOURCE
 *   for an entry, with source 0, for each group that somebody has joined with a
 *   source.
 * - phEnumHandle (out): the handle of the enumeration. MgmGroupEnumerationEnd
 *   closes it, and MgmDeRegisterMProtocol does.
 *
 * Returns:
 * - NO_ERROR: started.
 * - ERROR_INVALID_PARAMETER: not a client's handle, a pointer is NULL, or
 *   another type.
 * - ERROR_NOT_ENOUGH_MEMORY: no memory left.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGroupEnumerationStart function (mgm.h)".
 */
DWORD MgmGroupEnumerationStart(HANDLE hProtocol,
                               MGM_ENUM_TYPES metEnumType,
                               HANDLE *phEnumHandle);

/**
 * Gives the next entries of an enumeration, as many as the buffer holds.
 *
 * Parameters:
 * - hEnum: the handle of the enumeration.
 * - pdwBufferSize (in, out): bytes in the buffer; changed only with
 *   ERROR_INSUFFICIENT_BUFFER, to the bytes that one entry needs.
 * - pbBuffer (out): SOURCE_GROUP_ENTRY structures, back to back. Any alignment
 *   will do. NULL if *pdwBufferSize is 0.
 * - pdwNumEntries (out): the number of entries.
 *
 * Returns:
 * - ERROR_MORE_DATA: there are more; call again.
 * - ERROR_NO_MORE_ITEMS: these were the last, or there are none; also in
 *   every later call.
 * - ERROR_INSUFFICIENT_BUFFER: not even one fits; see pdwBufferSize.
 * - ERROR_INVALID_PARAMETER: not the handle of an open enumeration, or a
 *   pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGroupEnumerationGetNext function (mgm.h)".
 */
DWORD MgmGroupEnumerationGetNext(HANDLE hEnum,
                                 PDWORD pdwBufferSize,
                                 PBYTE pbBuffer,
                                 PDWORD pdwNumEntries);

/**
 * Closes an enumeration.
 *
 * Parameters:
 * - hEnum: the handle of the enumeration, invalid afterwards.
 *
 * Returns:
 * - NO_ERROR: closed.
 * - ERROR_INVALID_PARAMETER: not the handle of an open enumeration.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes no callback.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 *
 * Source: reference page "MgmGroupEnumerationEnd function (mgm.h)".
 */
DWORD MgmGroupEnumerationEnd(HANDLE hEnum);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MGM_H */
