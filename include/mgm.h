/*
 * mgm.h - the multicast group manager API for routing protocols.
 *
 * Generated from src/abi: edit the files there, then run "make headers".
 *
 * Terms. A client is a routing protocol, or IGMP, that has registered. A flow is the
 * packets of one source to one group. A membership says that packets are wanted on an
 * interface: those of one flow, those of one group from any source, or those of all
 * groups. An MFE is a multicast forwarding entry: it gives the incoming interface and
 * the outgoing interfaces of one flow. A negative MFE has no outgoing interface. The
 * forwarder is the part that forwards packets: multicast routing in the kernel, eBPF
 * programs that the library loads into the kernel, or a table in memory. The router is the
 * process whose library has the MFEs. It is this process, unless the library is a client
 * library (see mgmhost.h).
 *
 * Conventions. Every function returns NO_ERROR or a Win32 error code. Addresses and
 * masks are in network byte order, as in struct in_addr. All other numbers are in host
 * byte order. An index and a next hop together identify an interface; the next hop is 0
 * except on point-to-multipoint links. A handle is a number, not an address. Any value
 * may be passed as a handle: with an invalid handle the call returns
 * ERROR_INVALID_PARAMETER. A handle is invalid if the library never issued it, if it is
 * closed, or if it is of the wrong kind. When a call fails, it has changed nothing and
 * written no out-parameter, unless the description of the function says otherwise. A
 * buffer needs no alignment, and may be NULL if its size is 0. With
 * ERROR_INSUFFICIENT_BUFFER, *pdwBufferSize contains the size that is needed.
 *
 * Errors. The log says why a call failed (see MGM_LOG in mgmhost.h), and
 * MgmHostGetLastMessage in mgmhost.h returns the same text. Three kinds of failure are not
 * logged: the buffer is too small; the MFE, owner or interface that the call looks up does
 * not exist; or the caller is a forked child. Every function can also return
 * ERROR_CAN_NOT_COMPLETE for an internal error of the library, which the log reports.
 *
 * Threads. Every function may be called from any thread at any time, also inside a
 * callback, unless its description says otherwise. The library works only in the process
 * that started it. In a forked child every function returns ERROR_CAN_NOT_COMPLETE.
 *
 * Callback rules. A callback runs on the thread of the call that causes it, or on a
 * thread of the library. The library runs the callbacks of one client one at a time. It
 * holds no lock of its own while a callback runs. A callback may call every function of
 * mgm.h. Before a call returns, it runs up to 1,024 of the callbacks that it has caused;
 * threads of the library run the others. The callbacks that a call inside a callback
 * causes run after that callback has returned. If an exception leaves a callback, the
 * library ends the process. A longjmp out of a callback is undefined behaviour.
 *
 * Lock rule. While you call an Mgm function, do not hold a lock that one of your
 * callbacks takes. The call could run or wait for a callback that waits for the lock.
 * This also concerns functions that cause no callbacks, because every function can run
 * the log callback.
 *
 * Slow clients. A client falls behind when 1,024 callbacks wait for it, and catches up
 * when none waits any longer. While a client is behind, the library does not call
 * WRONG_IF for it, and it does not report each single change with JOIN_ALERT,
 * PRUNE_ALERT, LOCAL_JOIN or LOCAL_LEAVE. When no callback waits any longer, the
 * library reports the present state of everything that has changed in the meantime. Such
 * a report may repeat what the client already knows.
 */

#ifndef MGM_H
#define MGM_H

#if defined(_WIN32) && !defined(_WIN64)
#error "mgm is for 64-bit targets"
#endif

#ifndef MGM_NO_TYPES
#ifdef _WIN32
#ifndef _WINDOWS_
#include <winsock2.h> /* must come before windows.h */
#include <windows.h>
#endif
#include <iprtrmib.h>
#include <rtmv2.h>
#ifndef MPR50
#define MPR50 1 /* routprot.h needs it; there is no other version */
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

/** One outgoing interface in a CREATION_ALERT callback. */
struct _MGM_IF_ENTRY {
    /** Index of the interface. */
    DWORD dwIfIndex;
    /** Next hop of the interface, network byte order. */
    DWORD dwIfNextHopAddr;
    /** TRUE if IGMP is enabled on the interface. */
    BOOL bIGMP;
    /**
     * In: TRUE. Out: FALSE if the flow must not be forwarded out of the
     * interface.
     */
    BOOL bIsEnabled;
};
typedef struct _MGM_IF_ENTRY MGM_IF_ENTRY;
typedef MGM_IF_ENTRY *PMGM_IF_ENTRY;

/**
 * Asks the owner of the interface towards a source how packets of that source must
 * arrive: on which interface, and from which neighbour.
 *
 * The library calls it before it creates an MFE, when it renews an MFE, and when
 * the route to the source changes. On entry the in-out parameters hold the
 * result of the route look-up. A client that agrees with the result leaves them
 * unchanged.
 *
 * If no route leads to the source through an interface that a client owns, the
 * library asks the owner of the arrival interface instead. The arrival interface
 * is the one on which the packet arrived; MgmHostGetArrival returns it. Incoming
 * interface, next hop and neighbour are then 0 on entry. The client can accept
 * the source without a reverse-path check: it sets the incoming interface to one
 * of its own interfaces. If the client leaves the incoming interface 0, the
 * library creates no MFE. It does not ask again about this flow for 10 seconds,
 * unless a route, an owner or a boundary that concerns the flow changes.
 *
 * Parameters:
 * - dwSourceAddr, dwGroupAddr: source and group of the flow, network byte
 *   order.
 * - dwSourceMask, dwGroupMask: 255.255.255.255.
 * - pdwInIfIndex (in, out): index of the incoming interface. In: 0 if no route
 *   leads through an interface that a client owns.
 * - pdwInIfNextHopAddr (in, out): next hop of the incoming interface, network
 *   byte order. Out: index and next hop must name an interface that the client
 *   owns. Only an index that is 0 on entry may stay 0. The library logs any
 *   other answer and ignores it.
 * - pdwUpStreamNbr (in, out): the upstream neighbour, network byte order; 0 if
 *   the source is directly connected.
 * - dwHdrSize: number of bytes at pbPacketHdr; 0 if no packet caused the
 *   callback (a renewal, or a change of the route).
 * - pbPacketHdr (in): IP header of the packet. Bytes that the forwarder cannot
 *   supply are 0. Valid only during the callback.
 * - pbRoute (in): a pointer to an RTM_DEST_INFO that describes the route to
 *   the source; never NULL. It has one view, RTM_VIEW_ID_MCAST, and all its
 *   handles are NULL. If *pdwInIfIndex is 0 on entry, it describes 0.0.0.0/0 and
 *   has no routes. The library ignores what the client writes there. Valid only
 *   during the callback.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
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
 * Asks a client whether a flow may be forwarded out of interfaces that it owns.
 *
 * The library calls it when it creates or renews an MFE that has outgoing
 * interfaces of the client. A new MFE forwards no packet until all clients have
 * answered.
 *
 * Parameters:
 * - dwSourceAddr, dwGroupAddr: source and group of the flow, network byte
 *   order.
 * - dwSourceMask, dwGroupMask: 255.255.255.255.
 * - dwInIfIndex, dwInIfNextHopAddr: index and next hop of the incoming
 *   interface; the next hop in network byte order.
 * - dwIfCount: number of entries at pmieOutIfList, at least 1.
 * - pmieOutIfList (in, out): the outgoing interfaces that the client owns. The
 *   client sets bIsEnabled to FALSE for each interface out of which the flow
 *   must not be forwarded. The library ignores all other changes. Valid only
 *   during the callback.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
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
 * If bMemberDelete is TRUE, no other client wants the packets that source and
 * group describe. If bMemberDelete is FALSE, source and group are those of one
 * MFE. The library calls the callback with FALSE:
 *
 * - for the owner of the incoming interface, if the MFE is created without an
 *   outgoing interface, or if it loses the last one and the owner has not caused
 *   that;
 * - for the former owner, if a route change gives the MFE an incoming interface
 *   of another owner;
 * - for the new owner too, if such a route change concerns an MFE without an
 *   outgoing interface.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, otherwise the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group, network byte order; both 0 for all
 *   groups, otherwise the mask is 255.255.255.255.
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of an interface; the next
 *   hop in network byte order. If bMemberDelete is TRUE, it is the interface of
 *   the deleted membership, or 0 if there is none. If bMemberDelete is FALSE, it
 *   is the incoming interface of the MFE; for a former owner, it is the former
 *   one.
 * - bMemberDelete: see above.
 * - pdwTimeout (in, out): the lifetime of the MFE in seconds, if bMemberDelete
 *   is FALSE. In: the default lifetime. Out: the lifetime that the MFE gets; 0
 *   selects the default, and with 0xFFFFFFFF the MFE never expires. If
 *   bMemberDelete is TRUE, the pointer is valid, but the library ignores the
 *   value.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
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
 * If bMemberUpdate is TRUE, another client wants the packets that source and
 * group describe. If bMemberUpdate is FALSE, source and group are those of one
 * flow. The library calls the callback with FALSE:
 *
 * - for the owner of the incoming interface of an MFE, if the MFE had no outgoing
 *   interface and now has one, and the owner has not caused that;
 * - for the new owner, if a route change gives an MFE with outgoing interfaces an
 *   incoming interface of another owner;
 * - for the owner of the interface towards the source, if another client adds the
 *   flow with MGM_FORWARD_STATE_FLAG alone and the flow has no MFE.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, otherwise the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group, network byte order; both 0 for all
 *   groups, otherwise the mask is 255.255.255.255.
 * - bMemberUpdate: see above.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
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
 * Tells the owner of an interface that a packet arrived there although the MFE
 * of its flow has another incoming interface.
 *
 * The library calls it at most once in three seconds for each flow and
 * interface. While the client is behind, the library does not call it.
 *
 * Parameters:
 * - dwSourceAddr, dwGroupAddr: source and group of the flow, network byte
 *   order.
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of the interface on which
 *   the packet arrived; the next hop in network byte order.
 * - dwHdrSize: number of bytes at pbPacketHdr.
 * - pbPacketHdr (in): IP header of the packet. Bytes that the forwarder cannot
 *   supply are 0. Valid only during the callback.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
 *
 * Source: reference page "PMGM_WRONG_IF_CALLBACK callback function (mgm.h)"; RFC
 * 2715 section 3.2.
 */
typedef DWORD (*PMGM_WRONG_IF_CALLBACK)(DWORD dwSourceAddr,
                                        DWORD dwGroupAddr,
                                        DWORD dwIfIndex,
                                        DWORD dwIfNextHopAddr,
                                        DWORD dwHdrSize,
                                        PBYTE pbPacketHdr);

/**
 * Tells the owner of an interface that IGMP has added a membership there.
 *
 * Hosts on the link want the packets.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, otherwise the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group, network byte order; both 0 for all
 *   groups, otherwise the mask is 255.255.255.255.
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of the interface; the
 *   next hop in network byte order.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
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
 * Tells the owner of an interface that IGMP has deleted a membership there.
 *
 * No host on the link wants the packets any longer.
 *
 * Parameters:
 * - dwSourceAddr, dwSourceMask: the source, network byte order; both 0 for
 *   any source, otherwise the mask is 255.255.255.255.
 * - dwGroupAddr, dwGroupMask: the group, network byte order; both 0 for all
 *   groups, otherwise the mask is 255.255.255.255.
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of the interface; the
 *   next hop in network byte order.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
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
 * Tells IGMP that the owner of an interface is about to change, or that the
 * system has lost the interface.
 *
 * The library deletes the memberships that IGMP has on the interface. Until the
 * library calls ENABLE_IGMP, each call with which IGMP adds a membership there
 * returns ERROR_CAN_NOT_COMPLETE. A call that deletes a membership there returns
 * ERROR_CAN_NOT_COMPLETE if the owner is changing, and NO_ERROR if the interface
 * is lost. If IGMP releases the interface in the meantime, the library does not
 * call ENABLE_IGMP.
 *
 * Parameters:
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of the interface; the
 *   next hop in network byte order.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
 *
 * Source: reference page "PMGM_DISABLE_IGMP_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_DISABLE_IGMP_CALLBACK)(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Tells IGMP that the owner of an interface has changed, or that a lost interface
 * has returned.
 *
 * IGMP must now add all its memberships on the interface again. It may do so
 * inside this callback.
 *
 * Parameters:
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of the interface; the
 *   next hop in network byte order.
 *
 * Returns:
 * The library ignores the return value.
 *
 * Threads:
 * The callback rules apply.
 *
 * Source: reference page "PMGM_ENABLE_IGMP_CALLBACK callback function (mgm.h)".
 */
typedef DWORD (*PMGM_ENABLE_IGMP_CALLBACK)(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/* ------------------------- Structures and constants ----------------------- */

/** Selects the entries of a group enumeration. */
typedef enum _MGM_ENUM_TYPES {
    /** One entry, with source 0, for each group with a membership whose source is not 0. */
    ANY_SOURCE = 0,
    /** One entry for each source and group that any client has a membership for. */
    ALL_SOURCES = 1
} MGM_ENUM_TYPES;

/** The callbacks of a client. The library skips a callback that is NULL. */
struct _ROUTING_PROTOCOL_CONFIG {
    /** Reserved; the library ignores it. */
    DWORD dwCallbackFlags;
    /** Asks for the incoming interface of an MFE. */
    PMGM_RPF_CALLBACK pfnRpfCallback;
    /** Asks about outgoing interfaces of an MFE. */
    PMGM_CREATION_ALERT_CALLBACK pfnCreationAlertCallback;
    /** Reports that packets are no longer wanted. */
    PMGM_PRUNE_ALERT_CALLBACK pfnPruneAlertCallback;
    /** Reports that packets are wanted. */
    PMGM_JOIN_ALERT_CALLBACK pfnJoinAlertCallback;
    /** Reports a packet that arrived on the wrong interface. */
    PMGM_WRONG_IF_CALLBACK pfnWrongIfCallback;
    /** Reports that IGMP has added a membership on an interface of the client. */
    PMGM_LOCAL_JOIN_CALLBACK pfnLocalJoinCallback;
    /** Reports that IGMP has deleted a membership on an interface of the client. */
    PMGM_LOCAL_LEAVE_CALLBACK pfnLocalLeaveCallback;
    /** For IGMP only: reports that the owner of an interface is about to change. */
    PMGM_DISABLE_IGMP_CALLBACK pfnDisableIgmpCallback;
    /** For IGMP only: reports that the owner of an interface has changed. */
    PMGM_ENABLE_IGMP_CALLBACK pfnEnableIgmpCallback;
};
typedef struct _ROUTING_PROTOCOL_CONFIG ROUTING_PROTOCOL_CONFIG;
typedef ROUTING_PROTOCOL_CONFIG *PROUTING_PROTOCOL_CONFIG;

/** One entry of a group enumeration. */
struct _SOURCE_GROUP_ENTRY {
    /** Source, network byte order; 0 for any source. */
    DWORD dwSourceAddr;
    /** 255.255.255.255; 0 if dwSourceAddr is 0. */
    DWORD dwSourceMask;
    /** Group, network byte order; 0 for all groups. */
    DWORD dwGroupAddr;
    /** 255.255.255.255; 0 if dwGroupAddr is 0. */
    DWORD dwGroupMask;
};
typedef struct _SOURCE_GROUP_ENTRY SOURCE_GROUP_ENTRY;
typedef SOURCE_GROUP_ENTRY *PSOURCE_GROUP_ENTRY;

/** Record or remove the membership, and change the matching MFEs. */
#define MGM_JOIN_STATE_FLAG 1

/** Change the existing matching MFEs, but do not record or remove the membership. */
#define MGM_FORWARD_STATE_FLAG 2

/** Another name for MGM_FORWARD_STATE_FLAG. The reference uses both names. */
#define MGM_FORWARD_STATE 2

/** Return statistics as MIB_IPMCAST_MFE_STATS. */
#define MGM_MFE_STATS_0 1

/** Return statistics as MIB_IPMCAST_MFE_STATS_EX. */
#define MGM_MFE_STATS_1 2

/* ------------------------------ Registration ------------------------------ */

/**
 * Registers a client: a routing protocol, or IGMP.
 *
 * If the library is not running, the call starts it. The library does not report
 * existing memberships to a new client. The client can read them with
 * MgmGroupEnumerationStart.
 *
 * Parameters:
 * - prpiInfo (in): the callbacks of the client. The library copies the
 *   structure, so it may be freed after the call.
 * - dwProtocolId: the protocol, PROTO_IP_* or MS_IP_*. PROTO_IP_IGMP and
 *   MS_IP_IGMP register the client as IGMP.
 * - dwComponentId: distinguishes clients of the same protocol.
 * - phProtocol (out): the handle of the client, for all other calls.
 *
 * Returns:
 * - NO_ERROR: the client is registered.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL; or the call would start the
 *   library, and an environment variable has an invalid value (see mgmhost.h).
 * - ERROR_ALREADY_EXISTS: a client with this protocol and component is
 *   registered.
 * - ERROR_NOT_ENOUGH_MEMORY: the system has no memory left.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The lock rule applies.
 *
 * Source: reference page "MgmRegisterMProtocol function (mgm.h)".
 */
DWORD MgmRegisterMProtocol(PROUTING_PROTOCOL_CONFIG prpiInfo,
                           DWORD dwProtocolId,
                           DWORD dwComponentId,
                           HANDLE *phProtocol);

/**
 * Deregisters a client.
 *
 * The client must have released all its interfaces. The library closes the
 * enumerations that the client has open.
 *
 * When the call has returned NO_ERROR, no callback of the client runs any more,
 * so the module that contains the callbacks may be unloaded. If a callback of
 * the client is running on another thread, the call waits until it has returned.
 * If the call is made inside a callback of the same client, it does not wait,
 * and that callback is the last one.
 *
 * The same holds after ERROR_INVALID_PARAMETER if the handle was valid before:
 * for example, if another thread has just deregistered the client or stops the
 * library, or if the router of a client process has ended.
 *
 * Parameters:
 * - hProtocol: the handle of the client. It is invalid after the call.
 *
 * Returns:
 * - NO_ERROR: the client is deregistered.
 * - ERROR_INVALID_PARAMETER: hProtocol is not the handle of a registered
 *   client.
 * - ERROR_CAN_NOT_COMPLETE: the client still owns an interface (IGMP: is still
 *   enabled on one); or the call is made inside a callback of another client or
 *   of the host while a callback of this client is running on another thread, so
 *   that waiting could deadlock; or the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call may wait for a callback, as
 * described above. The lock rule applies.
 *
 * Source: reference page "MgmDeRegisterMProtocol function (mgm.h)".
 */
DWORD MgmDeRegisterMProtocol(HANDLE hProtocol);

/* --------------------------- Interface ownership -------------------------- */

/**
 * Makes a client the owner of an interface.
 *
 * A routing protocol must take an interface before it does anything else with
 * it. IGMP does not become an additional owner: it is enabled on the interface,
 * alone or beside the protocol that owns the interface.
 *
 * If a protocol takes an interface on which IGMP is enabled, the library first
 * calls DISABLE_IGMP, then changes the owner, then calls ENABLE_IGMP. IGMP then
 * adds its memberships again. If the call is made inside a callback, the library
 * changes the owner before it calls DISABLE_IGMP.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: address of the neighbour on a point-to-multipoint link,
 *   network byte order; 0 on any other link.
 *
 * Returns:
 * - NO_ERROR: the client owns the interface (IGMP: is enabled on it).
 * - ERROR_INVALID_PARAMETER: hProtocol is invalid; dwIfIndex is 0;
 *   dwIfNextHopAddr is 0, but the index is in use with next hops; dwIfNextHopAddr
 *   is not 0, but the index is in use with next hop 0; the system has no such
 *   interface.
 * - ERROR_ALREADY_EXISTS: a protocol, possibly the caller itself, already owns
 *   the interface; for IGMP: IGMP is already enabled on it.
 * - ERROR_NOT_ENOUGH_MEMORY: the system has no memory left, or there are too
 *   many interfaces.
 * - ERROR_CAN_NOT_COMPLETE: the forwarder cannot serve the interface (the log
 *   says what to do), or the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 *
 * Source: reference page "MgmTakeInterfaceOwnership function (mgm.h)".
 */
DWORD MgmTakeInterfaceOwnership(HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Releases an interface.
 *
 * The library deletes the memberships of the client on the interface and alerts
 * other clients as for any delete. It deletes the MFEs with this incoming
 * interface. It removes the interface from the outgoing interfaces of all other
 * MFEs.
 *
 * If IGMP releases an interface that a protocol owns, the library deletes only
 * the memberships of IGMP. The MFEs with this incoming interface stay. If a
 * protocol releases an interface on which IGMP is enabled, the library calls
 * DISABLE_IGMP and ENABLE_IGMP, as when a protocol takes such an interface.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: next hop of the interface, as passed to
 *   MgmTakeInterfaceOwnership, network byte order.
 *
 * Returns:
 * - NO_ERROR: the interface is released.
 * - ERROR_INVALID_PARAMETER: hProtocol is invalid, or the client does not own
 *   the interface (IGMP: is not enabled on it).
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 *
 * Source: reference page "MgmReleaseInterfaceOwnership function (mgm.h)".
 */
DWORD MgmReleaseInterfaceOwnership(HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Returns the protocol that owns an interface.
 *
 * If no protocol owns the interface and IGMP is enabled on it, the call returns
 * the ids of IGMP.
 *
 * Parameters:
 * - dwIfIndex: index of the interface.
 * - dwIfNextHopAddr: next hop of the interface, network byte order.
 * - pdwIfProtocolId (out): the protocol id with which the owner registered.
 * - pdwIfComponentId (out): the component id with which the owner registered.
 *
 * Returns:
 * - NO_ERROR: both ids are written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_NOT_FOUND: no client owns the interface. This includes dwIfIndex 0,
 *   and a next hop that the index cannot have (see MgmTakeInterfaceOwnership).
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGetProtocolOnInterface function (mgm.h)".
 */
DWORD MgmGetProtocolOnInterface(DWORD dwIfIndex,
                                DWORD dwIfNextHopAddr,
                                PDWORD pdwIfProtocolId,
                                PDWORD pdwIfComponentId);

/* ---------------------------- Group memberships --------------------------- */

/**
 * Adds a membership: packets are wanted on an interface.
 *
 * A membership is for one flow (source and group), for one group from any source
 * (source 0), or for all groups (source and group 0). The library reports it to
 * other clients with JOIN_ALERT, by the rules of RFC 2715. If IGMP adds the
 * membership, the library also reports it to the owner of the interface with
 * LOCAL_JOIN. If the membership already exists, the call returns NO_ERROR, and
 * no second membership is recorded.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 * - dwSourceAddr: a unicast address, network byte order; 0 for any source.
 * - dwSourceMask: 255.255.255.255; 0 if dwSourceAddr is 0.
 * - dwGroupAddr: a group in 224.0.0.0/4, network byte order; 0 for all groups.
 *   If it is 0, dwSourceAddr must be 0 too.
 * - dwGroupMask: 255.255.255.255; 0 if dwGroupAddr is 0.
 * - dwIfIndex, dwIfNextHopIPAddr: index and next hop of an interface that
 *   the client owns (IGMP: on which it is enabled); the next hop in network byte
 *   order.
 * - dwFlags: MGM_JOIN_STATE_FLAG records the membership and adds the interface
 *   to the outgoing interfaces of all matching MFEs. MGM_FORWARD_STATE_FLAG
 *   alone records nothing: it only adds the interface to the matching MFEs that
 *   exist now. Both flags together mean MGM_JOIN_STATE_FLAG.
 *
 * Returns:
 * - NO_ERROR: the membership is added.
 * - ERROR_INVALID_PARAMETER: hProtocol is invalid; a source, group, mask or
 *   flag is invalid; the client does not own the interface (IGMP: is not enabled
 *   on it).
 * - ERROR_CAN_NOT_COMPLETE: the caller is IGMP, and the library has called
 *   DISABLE_IGMP but not yet ENABLE_IGMP for the interface; the system has lost
 *   the interface; or the caller is a forked child of the router.
 * - ERROR_NOT_ENOUGH_MEMORY: the system has no memory left.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
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
 * Deletes a membership: packets are no longer wanted on an interface.
 *
 * This is the reverse of MgmAddGroupMembershipEntry. The library reports the
 * deletion to other clients with PRUNE_ALERT. If IGMP deletes the membership,
 * the library also reports it to the owner of the interface with LOCAL_LEAVE. If
 * the membership does not exist, the call returns NO_ERROR.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 * - dwSourceAddr: a unicast address, network byte order; 0 for any source.
 * - dwSourceMask: 255.255.255.255; 0 if dwSourceAddr is 0.
 * - dwGroupAddr: a group in 224.0.0.0/4, network byte order; 0 for all groups.
 *   If it is 0, dwSourceAddr must be 0 too.
 * - dwGroupMask: 255.255.255.255; 0 if dwGroupAddr is 0.
 * - dwIfIndex, dwIfNextHopIPAddr: index and next hop of an interface that
 *   the client owns (IGMP: on which it is enabled); the next hop in network byte
 *   order.
 * - dwFlags: MGM_JOIN_STATE_FLAG removes the membership. It also removes the
 *   interface from the outgoing interfaces of the matching MFEs, unless another
 *   membership still needs it there. MGM_FORWARD_STATE_FLAG alone removes no
 *   membership: it only removes the interface from the matching MFEs that exist
 *   now. Both flags together mean MGM_JOIN_STATE_FLAG.
 *
 * Returns:
 * - NO_ERROR: the membership is deleted.
 * - ERROR_INVALID_PARAMETER: hProtocol is invalid; a source, group, mask or
 *   flag is invalid; dwIfIndex is 0; another client owns the interface.
 * - ERROR_NOT_FOUND: no client owns the interface.
 * - ERROR_CAN_NOT_COMPLETE: the caller is IGMP, and the library has called
 *   DISABLE_IGMP but not yet ENABLE_IGMP for the interface; or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
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
 * Returns one MFE.
 *
 * Parameters:
 * - pimm (in): dwGroup and dwSource, network byte order, select the MFE. The
 *   library reads no other field.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size that
 *   is needed, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): a MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes.
 *
 * Returns:
 * - NO_ERROR: the MFE is in the buffer.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small.
 * - ERROR_NOT_FOUND: there is no such MFE, or there can be none, because
 *   dwGroup is not a multicast group or dwSource is not a unicast address.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGetMfe function (mgm.h)".
 */
DWORD MgmGetMfe(PMIB_IPMCAST_MFE pimm, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Returns the first MFEs, as many as fit in the buffer.
 *
 * The entries are in ascending order of group, then of source, compared as
 * numbers.
 *
 * Parameters:
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size that
 *   the first entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): the entries, one directly after the other. Each is a
 *   MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes.
 * - pdwNumEntries (out): the number of entries in the buffer.
 *
 * Returns:
 * The call never returns NO_ERROR.
 *
 * - ERROR_MORE_DATA: the buffer holds *pdwNumEntries entries, and there are
 *   more. Continue with MgmGetNextMfe.
 * - ERROR_NO_MORE_ITEMS: the buffer holds the last entries. *pdwNumEntries may
 *   be 0.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small for one entry.
 *   *pdwNumEntries is 0.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGetFirstMfe function (mgm.h)".
 */
DWORD MgmGetFirstMfe(PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries);

/**
 * Returns the MFEs that follow a given one, as many as fit in the buffer.
 *
 * The given MFE need not exist any more. The entries are in ascending order of
 * group, then of source, compared as numbers.
 *
 * Parameters:
 * - pimmStart (in): dwGroup and dwSource, network byte order, give the place
 *   at which to continue: usually those of the last entry of the previous call.
 *   The library reads no other field.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size that
 *   the next entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): the entries, one directly after the other. Each is a
 *   MIB_IPMCAST_MFE of SIZEOF_MIB_MFE(ulNumOutIf) bytes.
 * - pdwNumEntries (out): the number of entries in the buffer.
 *
 * Returns:
 * The call never returns NO_ERROR.
 *
 * - ERROR_MORE_DATA: the buffer holds *pdwNumEntries entries, and there are
 *   more. Call the function again.
 * - ERROR_NO_MORE_ITEMS: the buffer holds the last entries. *pdwNumEntries may
 *   be 0.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small for one entry.
 *   *pdwNumEntries is 0.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGetNextMfe function (mgm.h)".
 */
DWORD MgmGetNextMfe(PMIB_IPMCAST_MFE pimmStart,
                    PDWORD pdwBufferSize,
                    PBYTE pbBuffer,
                    PDWORD pdwNumEntries);

/**
 * Changes the upstream neighbour of an MFE, and optionally its incoming
 * interface.
 *
 * Only the owner of the present incoming interface may call this function. The
 * Windows documentation describes the function, but the Windows DLL does not
 * export it.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 * - pmimm (in): dwGroup and dwSource, network byte order, select the MFE.
 *   dwUpStrmNgbr is the new upstream neighbour, network byte order; 0 if the
 *   source is directly connected. If dwInIfIndex is the index of an interface
 *   that the client owns, with next hop 0, that interface becomes the incoming
 *   interface. Otherwise the incoming interface stays as it is, and only the
 *   neighbour changes. The incoming interface also stays if an administrative
 *   boundary on the new interface covers the group. The library reads no other
 *   field.
 *
 * Returns:
 * - NO_ERROR: the MFE is changed.
 * - ERROR_INVALID_PARAMETER: hProtocol is invalid; a pointer is NULL; the
 *   group, the source or the neighbour is invalid.
 * - ERROR_NOT_FOUND: there is no such MFE.
 * - ERROR_CAN_NOT_COMPLETE: the client does not own the incoming interface of
 *   the MFE, or the caller is a forked child of the router.
 * - ERROR_NOT_ENOUGH_MEMORY: the system has no memory left.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 *
 * Source: reference page "MgmSetMfe function (mgm.h)".
 */
DWORD MgmSetMfe(HANDLE hProtocol, PMIB_IPMCAST_MFE pmimm);

/* ------------------------------- Statistics ------------------------------- */

/**
 * Returns the counters of one MFE.
 *
 * Parameters:
 * - pimm (in): dwGroup and dwSource, network byte order, select the MFE. The
 *   library reads no other field.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size that
 *   is needed, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): the structure that dwFlags selects.
 * - dwFlags: MGM_MFE_STATS_0 for MIB_IPMCAST_MFE_STATS, of
 *   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes; MGM_MFE_STATS_1 for
 *   MIB_IPMCAST_MFE_STATS_EX, of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf) bytes.
 *
 * Returns:
 * - NO_ERROR: the counters are in the buffer.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small.
 * - ERROR_NOT_FOUND: there is no such MFE, or there can be none, because
 *   dwGroup is not a multicast group or dwSource is not a unicast address.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or dwFlags has another value.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGetMfeStats function (mgm.h)".
 */
DWORD MgmGetMfeStats(PMIB_IPMCAST_MFE pimm,
                     PDWORD pdwBufferSize,
                     PBYTE pbBuffer,
                     DWORD dwFlags);

/**
 * Returns the counters of the first MFEs, as many as fit in the buffer.
 *
 * The entries are in ascending order of group, then of source, compared as
 * numbers.
 *
 * Parameters:
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size that
 *   the first entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): the entries, one directly after the other. Each is the
 *   structure that dwFlags selects.
 * - pdwNumEntries (out): the number of entries in the buffer.
 * - dwFlags: MGM_MFE_STATS_0 for MIB_IPMCAST_MFE_STATS, of
 *   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes; MGM_MFE_STATS_1 for
 *   MIB_IPMCAST_MFE_STATS_EX, of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf) bytes.
 *
 * Returns:
 * The call never returns NO_ERROR.
 *
 * - ERROR_MORE_DATA: the buffer holds *pdwNumEntries entries, and there are
 *   more. Continue with MgmGetNextMfeStats.
 * - ERROR_NO_MORE_ITEMS: the buffer holds the last entries. *pdwNumEntries may
 *   be 0.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small for one entry.
 *   *pdwNumEntries is 0.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or dwFlags has another value.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGetFirstMfeStats function (mgm.h)".
 */
DWORD MgmGetFirstMfeStats(PDWORD pdwBufferSize,
                          PBYTE pbBuffer,
                          PDWORD pdwNumEntries,
                          DWORD dwFlags);

/**
 * Returns the counters of the MFEs that follow a given one, as many as fit in
 * the buffer.
 *
 * The given MFE need not exist any more. The entries are in ascending order of
 * group, then of source, compared as numbers.
 *
 * Parameters:
 * - pimmStart (in): dwGroup and dwSource, network byte order, give the place
 *   at which to continue: usually those of the last entry of the previous call.
 *   The library reads no other field.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size that
 *   the next entry needs, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): the entries, one directly after the other. Each is the
 *   structure that dwFlags selects.
 * - pdwNumEntries (out): the number of entries in the buffer.
 * - dwFlags: MGM_MFE_STATS_0 for MIB_IPMCAST_MFE_STATS, of
 *   SIZEOF_MIB_MFE_STATS(ulNumOutIf) bytes; MGM_MFE_STATS_1 for
 *   MIB_IPMCAST_MFE_STATS_EX, of SIZEOF_MIB_MFE_STATS_EX(ulNumOutIf) bytes.
 *
 * Returns:
 * The call never returns NO_ERROR.
 *
 * - ERROR_MORE_DATA: the buffer holds *pdwNumEntries entries, and there are
 *   more. Call the function again.
 * - ERROR_NO_MORE_ITEMS: the buffer holds the last entries. *pdwNumEntries may
 *   be 0.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small for one entry.
 *   *pdwNumEntries is 0.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or dwFlags has another value.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
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
 * Starts an enumeration of the memberships of all clients.
 *
 * An entry that exists from the start of the enumeration to its end is returned
 * exactly once, whatever is added or deleted in the meantime.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 * - metEnumType: ALL_SOURCES returns one entry for each source and group that
 *   any client has a membership for; several memberships that differ only in the
 *   client or the interface are one entry. ANY_SOURCE returns one entry, with
 *   source 0, for each group with at least one membership whose source is not 0.
 * - phEnumHandle (out): the handle of the enumeration. MgmGroupEnumerationEnd
 *   closes it; MgmDeRegisterMProtocol also closes it.
 *
 * Returns:
 * - NO_ERROR: the enumeration is started.
 * - ERROR_INVALID_PARAMETER: hProtocol is invalid, a pointer is NULL, or
 *   metEnumType has another value.
 * - ERROR_NOT_ENOUGH_MEMORY: the system has no memory left.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGroupEnumerationStart function (mgm.h)".
 */
DWORD MgmGroupEnumerationStart(HANDLE hProtocol,
                               MGM_ENUM_TYPES metEnumType,
                               HANDLE *phEnumHandle);

/**
 * Returns the next entries of an enumeration, as many as fit in the buffer.
 *
 * Parameters:
 * - hEnum: the handle of the enumeration.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: the size of one
 *   entry, written only with ERROR_INSUFFICIENT_BUFFER.
 * - pbBuffer (out): SOURCE_GROUP_ENTRY structures, one directly after the
 *   other.
 * - pdwNumEntries (out): the number of entries in the buffer.
 *
 * Returns:
 * The call never returns NO_ERROR.
 *
 * - ERROR_MORE_DATA: the buffer holds *pdwNumEntries entries, and there are
 *   more. Call the function again.
 * - ERROR_NO_MORE_ITEMS: the buffer holds the last entries. *pdwNumEntries may
 *   be 0. Every later call returns this code with 0 entries.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small for one entry.
 *   *pdwNumEntries is 0.
 * - ERROR_INVALID_PARAMETER: hEnum is not the handle of an open enumeration,
 *   or a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
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
 * - hEnum: the handle of the enumeration. It is invalid after the call.
 *
 * Returns:
 * - NO_ERROR: the enumeration is closed.
 * - ERROR_INVALID_PARAMETER: hEnum is not the handle of an open enumeration.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 *
 * Source: reference page "MgmGroupEnumerationEnd function (mgm.h)".
 */
DWORD MgmGroupEnumerationEnd(HANDLE hEnum);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MGM_H */
