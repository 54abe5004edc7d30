/*
 * mgmhost.h - the multicast group manager, as the router itself sees it: whoever
 * brings interfaces, routes and packets. A routing protocol needs only mgm.h.
 *
 * Generated from src/abi: change it there, then "make headers".
 *
 * All conventions are those of mgm.h. None of these functions has to be called: the
 * first registration starts MGM with the defaults, which the environment can change:
 *
 *   MGM_FORWARDER    auto (default), kernel, memory, or ebpf (not built in)
 *   MGM_TABLE        the kernel's multicast routing table, 0 by default
 *   MGM_MFE_TIMEOUT  life of new MFEs in seconds, 900 by default
 *   MGM_MAX_FLOWS    how many flows packets may begin, 2097152 by default
 *   MGM_LOG          off, error, warn (default), info, debug or trace
 *   MGM_STATUS_SOCKET  where to serve the status: see MgmHostServeStatus
 *
 * An empty variable counts as unset. With an invalid value, every call that would
 * start MGM returns ERROR_INVALID_PARAMETER, and one line of the log names the valid
 * values. Only MGM_LOG falls back to its default, with a warning. A variable that
 * MgmHostStart's settings replace is not read.
 *
 * The kernel forwarder (Linux) brings interfaces, routes and packets itself. With
 * the memory forwarder the host brings them, by the functions below.
 */

#ifndef MGMHOST_H
#define MGMHOST_H

#ifndef _MGM_H_ /* Windows' own mgm.h will do as well */
#include "mgm.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------- Structures and constants ----------------------- */

/** Which library this is. */
struct _MGMHOST_VERSION {
    /** In: sizeof(MGMHOST_VERSION). Out: the number of bytes that were filled in. */
    DWORD dwSize;
    /** MGMHOST_API_MAJOR of the library. */
    DWORD dwApiMajor;
    /** MGMHOST_API_MINOR of the library. */
    DWORD dwApiMinor;
    /** Version of the build, first number. */
    DWORD dwBuildMajor;
    /** Version of the build, second number. */
    DWORD dwBuildMinor;
    /** Version of the build, third number. */
    DWORD dwBuildPatch;
    /** The build in words. Valid as long as the library is loaded. */
    const char *pszBuild;
};
typedef struct _MGMHOST_VERSION MGMHOST_VERSION;
typedef MGMHOST_VERSION *PMGMHOST_VERSION;

/**
 * Takes a line of the log, without a line end.
 *
 * Parameters:
 * - pvContext: what the host gave with the callback.
 * - dwLevel: MGMHOST_LOG_ERROR to MGMHOST_LOG_TRACE.
 * - pszText: the line, UTF-8. Valid during the callback only.
 *
 * Threads:
 * On the thread of the call that logs, before that call returns; on several threads at
 * a time; with no lock of MGM held. Lines of MGM's own threads, and those of calls while the
 * callback is slow, come on the thread mgm-log: a call waits for this callback at
 * most 0.1 s in each second, plus the line that is being handed over. The lines of one thread keep
 * their order. Of more than 65,536 lines that wait, or 8 MiB of them, further ones
 * are dropped, and a line reports how many.
 *
 * Any Mgm function may be called from here, except those that no callback may call;
 * what such a call logs goes to stderr, not here again. An exception that leaves it
 * ends the process. A child that is forked here is refused like any other: the call that it
 * returns to answers ERROR_CAN_NOT_COMPLETE; on mgm-log it ends with _exit(1) when it
 * returns.
 */
typedef void (*MGMHOST_LOG_CALLBACK)(void *pvContext, DWORD dwLevel, const char *pszText);

/** How to start MGM. A field that is 0 says: the default. */
struct _MGMHOST_CONFIG {
    /** sizeof(MGMHOST_CONFIG). */
    DWORD dwSize;
    /** MGMHOST_FORWARDER_*. */
    DWORD dwForwarder;
    /**
     * The kernel's multicast routing table (MRT_TABLE). 0: what MGM_TABLE says,
     * else the kernel's default table.
     */
    DWORD dwTable;
    /**
     * Life of new MFEs in seconds, 0xFFFFFFFF for ever. 0: what MGM_MFE_TIMEOUT
     * says, else 900.
     */
    DWORD dwMfeTimeout;
    /** MGMHOST_LOG_*. */
    DWORD dwLogLevel;
    /** 0. */
    DWORD dwReserved;
    /** Takes the log; NULL: the log goes to stderr. */
    MGMHOST_LOG_CALLBACK pfnLogCallback;
    /** Handed to pfnLogCallback. */
    void *pvLogContext;
    /**
     * The system's unicast table in which sources are looked up, except those of
     * interfaces in a VRF. 0: as the system routes packets to them.
     */
    DWORD dwUnicastTable;
    /**
     * How many flows packets may begin, at most 16,777,216. 0: what MGM_MAX_FLOWS
     * says, else 2,097,152.
     */
    DWORD dwMaxFlows;
};
typedef struct _MGMHOST_CONFIG MGMHOST_CONFIG;
typedef MGMHOST_CONFIG *PMGMHOST_CONFIG;

/** An interface that a packet goes out on. */
struct _MGMHOST_OIF {
    /** Index of the interface. */
    DWORD dwIfIndex;
    /** Its next hop, network byte order; 0 except on point-to-multipoint links. */
    DWORD dwIfNextHopAddr;
};
typedef struct _MGMHOST_OIF MGMHOST_OIF;
typedef MGMHOST_OIF *PMGMHOST_OIF;

/** Major number of this API: another one is another API. */
#define MGMHOST_API_MAJOR 1

/** Minor number: grows with each addition. */
#define MGMHOST_API_MINOR 0

/** MGMHOST_CONFIG.dwForwarder: what MGM_FORWARDER says, else auto. */
#define MGMHOST_FORWARDER_DEFAULT 0

/** The kernel where it is there, permitted and free, else memory. */
#define MGMHOST_FORWARDER_AUTO 1

/** Linux multicast routing. */
#define MGMHOST_FORWARDER_KERNEL 2

/** The embedded table: the host hands packets in with MgmHostPacketIn. */
#define MGMHOST_FORWARDER_MEMORY 3

/** MGMHOST_CONFIG.dwLogLevel: what MGM_LOG says, else warn. */
#define MGMHOST_LOG_DEFAULT 0

/** No line at all. */
#define MGMHOST_LOG_OFF 1

/** Something is broken. */
#define MGMHOST_LOG_ERROR 2

/** Something was refused, or works less well than it could. */
#define MGMHOST_LOG_WARN 3

/** What an operator likes to know. */
#define MGMHOST_LOG_INFO 4

/** What a developer likes to know. */
#define MGMHOST_LOG_DEBUG 5

/** Every call. */
#define MGMHOST_LOG_TRACE 6

/** MgmHostAddRoute: the address is one of this router's own. */
#define MGMHOST_ROUTE_LOCAL 1

/** MgmHostAddRoute: the route wins over longer ones of the system. */
#define MGMHOST_ROUTE_PREFERRED 2

/** MgmHostGetStatus: without the memberships. */
#define MGMHOST_STATUS_NO_MEMBERSHIPS 1

/** MgmHostGetStatus: without the MFEs. */
#define MGMHOST_STATUS_NO_MFES 2

/** MgmHostGetMetrics: with the counters of each MFE. */
#define MGMHOST_METRICS_MFES 1

/* -------------------------------- Functions ------------------------------- */

/**
 * Tells which library this is.
 *
 * Parameters:
 * - pVersion (in, out): dwSize comes with sizeof(MGMHOST_VERSION) and goes
 *   with the number of bytes that were filled in, at most as many.
 *
 * Returns:
 * - NO_ERROR: told.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL, or dwSize is less than 4.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It does not start MGM.
 */
DWORD MgmHostVersion(PMGMHOST_VERSION pVersion);

/**
 * Starts MGM with settings of the host's choice. A host that is content with
 * the defaults and the environment need not call it: the first registration, or
 * the first interface, route or packet of the host's, starts MGM as well, also
 * after a stop.
 *
 * Parameters:
 * - pConfig (in): the settings; it is copied. NULL for the environment's, or
 *   the defaults. dwSize says how much of it the caller knows: what is missing
 *   is the default; what this library does not know must be 0.
 *
 * Returns:
 * - NO_ERROR: started.
 * - ERROR_INVALID_PARAMETER: a dwSize that no version has, an unknown value, a
 *   setting that this library does not know, or an invalid variable of the
 *   environment that pConfig leaves to it.
 * - ERROR_ALREADY_EXISTS: MGM runs already. Its settings and its log stay as
 *   they are.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostStart(const MGMHOST_CONFIG *pConfig);

/**
 * Stops MGM: clients, interfaces, memberships and MFEs are gone, without
 * callbacks, the kernel's state too, and all handles are invalid. The log goes to
 * stderr. When this returns no callback is running, the log's included, and none runs
 * until MGM is started again or MgmHostSetLogCallback is called: what they
 * use can be freed. The next registration starts MGM by itself, with the log on stderr.
 *
 * Lines that wait for a slow log callback are given one second; then they are
 * dropped, and stderr reports how many.
 *
 * Returns:
 * - NO_ERROR: stopped. If MGM was not running, the log goes to stderr all the same.
 * - ERROR_CAN_NOT_COMPLETE: inside a callback; another thread is stopping it; or
 *   this is a forked child of the router.
 *
 * Threads:
 * Any thread, but not inside a callback: it waits for those that are running.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostStop(void);

/**
 * Says that the system has an interface (again): whoever has it is served again.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: its next hop, network byte order; 0 except on
 *   point-to-multipoint links.
 *
 * Returns:
 * - NO_ERROR: noted. Should the forwarder not be able to serve it, the log says
 *   why.
 * - ERROR_INVALID_PARAMETER: index 0.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child of the
 *   router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostAddInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Says that the system has lost an interface. Memberships there end and MFEs
 * are cleaned of it, with the alerts of a release; who owned it owns it still,
 * and is served again after MgmHostAddInterface.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: its next hop, network byte order; 0 except on
 *   point-to-multipoint links.
 *
 * Returns:
 * - NO_ERROR: noted.
 * - ERROR_INVALID_PARAMETER: index 0.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostDeleteInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Adds a route to the multicast view, or replaces the one to the same network:
 * the library looks sources up there. The kernel forwarder brings the kernel's
 * routes, and with it none of these is needed. Where both cover a source the longer
 * prefix wins, and this route if both are equally long; with
 * MGMHOST_ROUTE_PREFERRED this route wins over longer ones of the kernel, too.
 *
 * Parameters:
 * - dwNetwork: the network, network byte order.
 * - dwMask: its mask, network byte order; contiguous.
 * - dwIfIndex: index of the interface towards the network, not 0 (but ignored
 *   with MGMHOST_ROUTE_LOCAL).
 * - dwNextHopAddr: the gateway, network byte order; 0 for a directly connected
 *   network.
 * - dwProtocol: where the route comes from, PROTO_IP_*; it shows as
 *   dwRouteProtocol. 0: PROTO_IP_LOCAL if connected, else PROTO_IP_NETMGMT.
 * - dwFlags: 0, or a combination of MGMHOST_ROUTE_LOCAL (dwNetwork is an address
 *   of this router itself, dwMask 255.255.255.255, dwNextHopAddr 0) and
 *   MGMHOST_ROUTE_PREFERRED.
 *
 * Returns:
 * - NO_ERROR: added.
 * - ERROR_INVALID_PARAMETER: a network, mask, gateway, interface or flag that is
 *   none.
 * - ERROR_NOT_ENOUGH_MEMORY: no memory left.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostAddRoute(DWORD dwNetwork,
                      DWORD dwMask,
                      DWORD dwIfIndex,
                      DWORD dwNextHopAddr,
                      DWORD dwProtocol,
                      DWORD dwFlags);

/**
 * Deletes a route from the multicast view, whatever flags it was added with.
 *
 * Parameters:
 * - dwNetwork: the network, network byte order.
 * - dwMask: its mask, network byte order.
 *
 * Returns:
 * - NO_ERROR: deleted.
 * - ERROR_INVALID_PARAMETER: a network or mask that is none.
 * - ERROR_NOT_FOUND: there is no such route.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostDeleteRoute(DWORD dwNetwork, DWORD dwMask);

/**
 * Hands a packet in, and tells what MGM decided: what the kernel does by itself
 * with its forwarder, a host does with the memory forwarder. The first packet of
 * a source and group makes MGM ask its clients; the call waits for their answers.
 *
 * Parameters:
 * - dwSource, dwGroup: the packet's addresses, network byte order.
 * - dwIfIndex, dwIfNextHopAddr: the interface that it came in on. The next
 *   hop in network byte order.
 * - dwHdrSize: bytes at pbPacketHdr, 0 to 65535.
 * - pbPacketHdr (in): the packet's IP header, which callbacks are shown. Its
 *   ninth byte is the TTL; 255 if there are fewer. NULL if dwHdrSize is 0.
 * - dwPacketSize: octets in the whole packet, for the counters; 0 stands for
 *   dwHdrSize, otherwise it is not less than that.
 * - pbAccepted (out): TRUE if the packet came in where it must.
 * - pdwOifCount (in, out): entries at pOifs; goes with the number of interfaces
 *   that the packet goes out on.
 * - pOifs (out): these interfaces. NULL if *pdwOifCount is 0.
 *
 * Returns:
 * - NO_ERROR: decided.
 * - ERROR_INSUFFICIENT_BUFFER: decided, and the packet has been counted, but
 *   there is no room for the interfaces: pbAccepted and pdwOifCount are written,
 *   pOifs is not. Do not hand the same packet in again.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, an address is none, a size is
 *   out of range, or index 0.
 * - ERROR_CAN_NOT_COMPLETE: inside a callback; MGM is being stopped; or this is
 *   a forked child of the router.
 *
 * Threads:
 * Any thread, but not inside a callback: it may wait for other callbacks.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostPacketIn(DWORD dwSource,
                      DWORD dwGroup,
                      DWORD dwIfIndex,
                      DWORD dwIfNextHopAddr,
                      DWORD dwHdrSize,
                      const BYTE *pbPacketHdr,
                      DWORD dwPacketSize,
                      PBOOL pbAccepted,
                      PDWORD pdwOifCount,
                      PMGMHOST_OIF pOifs);

/**
 * Returns the interface where the packet arrived that an RPF callback is about. If no packet
 * caused the callback (a renewal, a changed route), it is the interface where the packets of
 * the MFE arrive: its incoming interface, or the one that they have moved to.
 *
 * Parameters:
 * - pdwIfIndex (out): its index.
 * - pdwIfNextHopAddr (out): its next hop, network byte order; 0 except on
 *   point-to-multipoint links.
 *
 * Returns:
 * - NO_ERROR: both are written.
 * - ERROR_NOT_FOUND: this thread is not inside an RPF callback. Nothing is written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Inside an RPF callback, on the thread that runs it. It does not start MGM.
 */
DWORD MgmHostGetArrival(PDWORD pdwIfIndex, PDWORD pdwIfNextHopAddr);

/**
 * Has the log go to a callback of the host's, from now on.
 *
 * Parameters:
 * - pfnLogCallback: takes the lines. NULL: they go to stderr again.
 * - pvContext: handed to the callback.
 *
 * Returns:
 * - NO_ERROR: done.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time. When this returns, the old callback is not running and will not
 * run again, so what it uses can be freed. Called inside a callback, this function does
 * not wait; only MgmHostStop does then.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostSetLogCallback(MGMHOST_LOG_CALLBACK pfnLogCallback, void *pvContext);
/**
 * Sets the TTL threshold of an interface. It stays an outgoing interface, but only
 * packets go out whose TTL, as they come in, is greater. The setting stays until
 * MGM stops, whoever has the interface, and may be made before anybody does.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: its next hop, network byte order; 0 except on
 *   point-to-multipoint links.
 * - dwThreshold: 0 to 255. 1 is where every interface begins and the least that
 *   there is: 0 is the same. With 255 nothing goes out.
 *
 * Returns:
 * - NO_ERROR: set.
 * - ERROR_INVALID_PARAMETER: index 0, or a threshold above 255.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child of
 *   the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes none.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostSetTtlThreshold(DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD dwThreshold);

/**
 * Makes an interface a boundary for a range of groups (RFC 2365): it is no
 * outgoing interface for them any more, and their packets that arrive there are
 * refused; MFEs that they came in by are deleted. Memberships there are kept and
 * still told to others. The setting stays until it is deleted or MGM stops,
 * whoever has the interface, and may be made before anybody does. A boundary
 * that is there already may be added again.
 *
 * Parameters:
 * - pBoundary (in): dwIfIndex is the index of the interface, not 0, and stands
 *   for all next hops; dwGroupAddress and dwGroupMask, in network byte order, are
 *   a prefix inside 239.0.0.0/8; dwStatus is ignored.
 *
 * Returns:
 * - NO_ERROR: it is a boundary.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL, index 0, or no such prefix.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child of
 *   the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostAddBoundary(const MIB_IPMCAST_BOUNDARY *pBoundary);

/**
 * Takes a boundary away: what memberships and their owners want there goes out
 * again.
 *
 * Parameters:
 * - pBoundary (in): as it was added.
 *
 * Returns:
 * - NO_ERROR: it is gone.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL, index 0, or no prefix inside
 *   239.0.0.0/8.
 * - ERROR_NOT_FOUND: there is no such boundary; one for a wider or narrower
 *   range is another.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child of
 *   the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. The callbacks that it causes
 * run before it returns, or, if it is called inside a callback, after that one.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostDeleteBoundary(const MIB_IPMCAST_BOUNDARY *pBoundary);

/**
 * Gives a range of groups a name, for people: the log uses it. It needs no
 * boundary, and stays until MGM stops.
 *
 * Parameters:
 * - dwGroupAddress, dwGroupMask: a prefix inside 239.0.0.0/8, network byte
 *   order.
 * - pszName (in): the name in UTF-16, at most MAX_SCOPE_NAME_LEN units and a
 *   zero; it is copied, unit for unit. NULL or an empty one: the default name
 *   again, "address/length" as in "239.255.0.0/16".
 *
 * Returns:
 * - NO_ERROR: named.
 * - ERROR_INVALID_PARAMETER: no such prefix, or a name that is too long.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child of
 *   the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes none.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostSetScopeName(DWORD dwGroupAddress, DWORD dwGroupMask, const WCHAR *pszName);

/**
 * Tells the name of a range of groups.
 *
 * Parameters:
 * - pScope (in, out): dwGroupAddress and dwGroupMask come with a prefix inside
 *   239.0.0.0/8, network byte order. snNameBuffer goes with the name that it was
 *   given, or the default one, "address/length", filled up with zeros; dwStatus
 *   with 1 if it was given one, else 0.
 *
 * Returns:
 * - NO_ERROR: told.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL, or no such prefix.
 * - ERROR_CAN_NOT_COMPLETE: MGM is being stopped, or this is a forked child of
 *   the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It causes none.
 *
 * Never hold a lock that your callbacks take while you call Mgm functions.
 */
DWORD MgmHostGetScopeName(PMIB_IPMCAST_SCOPE pScope);

/**
 * Tells all that can be seen of MGM as JSON: clients, interfaces, memberships,
 * MFEs with 64-bit counters, callbacks made, upcalls, refused packets. Others
 * may go on meanwhile: memberships and MFEs may come and go. docs/status.md describes
 * it, docs/status.schema.json defines it.
 *
 * Parameters:
 * - dwFlags: 0, MGMHOST_STATUS_NO_MEMBERSHIPS, MGMHOST_STATUS_NO_MFES, or both:
 *   of these there may be very many.
 * - pdwBufferSize (in, out): bytes at pbBuffer. Goes with the number of bytes
 *   that the text takes, with the zero at its end; ask with 0 for it. What there
 *   is to tell may have grown by the next call: leave some room, or try again.
 * - pbBuffer (out): the text, UTF-8, and a zero. NULL if *pdwBufferSize is 0.
 *
 * Returns:
 * - NO_ERROR: told.
 * - ERROR_INSUFFICIENT_BUFFER: there is no room; pbBuffer is as it was.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or an unknown flag.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. It does not start MGM. A
 * million MFEs take some 0.3 s, more with the kernel forwarder, which is asked for each
 * one's counters; other calls come in between.
 */
DWORD MgmHostGetStatus(DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Tells the same, as far as it can be counted, as a page of metrics in the text
 * form of Prometheus. docs/status.md lists them.
 *
 * Parameters:
 * - dwFlags: 0, or MGMHOST_METRICS_MFES: with the counters of each MFE. That
 *   makes some six lines for each, which may be more than a time series
 *   database likes.
 * - pdwBufferSize (in, out): bytes at pbBuffer. Goes with the number of bytes
 *   that the text takes, with the zero at its end; ask with 0 for it. What there
 *   is to tell may have grown by the next call: leave some room, or try again.
 * - pbBuffer (out): the text, UTF-8, and a zero. NULL if *pdwBufferSize is 0.
 *
 * Returns:
 * - NO_ERROR: told.
 * - ERROR_INSUFFICIENT_BUFFER: there is no room; pbBuffer is as it was.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or an unknown flag.
 * - ERROR_CAN_NOT_COMPLETE: this is a forked child of the router.
 *
 * Threads:
 * As MgmHostGetStatus.
 */
DWORD MgmHostGetMetrics(DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Serves both at a UNIX socket, for mgmtop, curl and the like, until MGM is
 * stopped; the file goes then. Only this user, and root, can connect. A socket
 * that a router left which is gone is replaced. What the environment's
 * MGM_STATUS_SOCKET does. docs/status.md tells what can be asked there.
 *
 * Parameters:
 * - pszPath (in): where; it is copied. NULL: nowhere any more.
 *
 * Returns:
 * - NO_ERROR: served there from now on, and nowhere else.
 * - ERROR_INVALID_PARAMETER: this call would start MGM, and a variable of the
 *   environment is invalid.
 * - ERROR_CAN_NOT_COMPLETE: there cannot be a socket there (the log says why),
 *   and it is served nowhere now; another call has it served elsewhere meanwhile;
 *   MGM is being stopped; this is not Linux; or this is a forked child of the router.
 *
 * Threads:
 * Any thread, any time, also inside callbacks. No other call waits for it. Where the
 * file system does not answer it takes at most some seconds, and is refused.
 */
DWORD MgmHostServeStatus(const char *pszPath);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MGMHOST_H */
