/*
 * mgmhost.h - the multicast group manager API for the host: the program that embeds the
 * library and provides interfaces, routes and packets. A routing protocol needs only
 * mgm.h.
 *
 * Generated from src/abi: edit the files there, then run "make headers".
 *
 * The terms, conventions and rules of mgm.h apply. Windows has no such header: all
 * functions here are additions of this library.
 *
 * Start. A host need not call any of these functions. The first registration starts the
 * library with the default settings. The functions of this header that concern interfaces,
 * routes, packets, thresholds, limits of new flows, boundaries or scope names start it,
 * too, except MgmHostInterfaceIndex, MgmHostInterfaceName and MgmHostGetArrival. So do
 * MgmHostServeStatus and MgmHostServeClients, if a path is passed to them. Environment
 * variables can change the defaults:
 *
 *   MGM_FORWARDER    the forwarder: auto (default), kernel, ebpf or memory
 *   MGM_TABLE        the multicast routing table of the kernel, 0 by default
 *   MGM_TC           how the ebpf forwarder attaches programs: auto (default) or clsact
 *   MGM_MFE_TIMEOUT  lifetime of new MFEs in seconds, 900 by default
 *   MGM_MAX_FLOWS    maximum number of flows that packets create, 2097152 by default
 *   MGM_LOG          level of the log: off, error, warn (default), info, debug or trace
 *   MGM_STATUS_SOCKET  path at which to serve the status: see MgmHostServeStatus
 *   MGM_ROUTER       path at which a router serves client processes: see below
 *   MGM_ANSWER_MS    how long a router waits for an answer of a client process, in
 *                    milliseconds, 1000 by default
 *   MGM_UNANSWERED   in a client process: whether its outgoing interfaces are on (default)
 *                    or off if it does not answer CREATION_ALERT in time
 *   MGM_GRACE        in a client library: see MgmHostSetGrace, 0 s by default
 *
 * An empty variable counts as unset. If a variable has an invalid value, every call that
 * would start the library returns ERROR_INVALID_PARAMETER, and the log names the valid
 * values. MGM_LOG is the exception: an invalid value selects the default, with a
 * warning. The library does not read a variable if the host sets the same setting with
 * MgmHostStart.
 *
 * Client processes. If MGM_ROUTER is set when the library would start, or the host sets
 * MGMHOST_CONFIG.pszRouter, the library connects to that router instead, and is a client
 * library: the functions of mgm.h act on the router, and callbacks run in this process.
 * The router is a process that has called MgmHostServeClients, such as mgmd. A host that
 * passes a forwarder to MgmHostStart, or that serves client processes itself, ignores
 * MGM_ROUTER. In a client library, MgmHostStart connects, and MgmHostStop disconnects.
 * MgmHostGetStatus and MgmHostGetMetrics return the status and the metrics of the router.
 * The functions for the log, the version, names of interfaces and batches,
 * MgmHostGetLastMessage and MgmHostGetArrival work as in a router. MgmHostSetRouterLost
 * sets a callback that reports the end of the router. MgmHostSetGrace lets the state of a
 * client stay for a successor. All other functions of this header return
 * ERROR_CAN_NOT_COMPLETE. So does any call that cannot connect to the router, or during
 * which the connection ends. When the router ends, all handles become invalid, and the
 * next registration connects again.
 *
 * Forwarders. With the kernel and the ebpf forwarder (Linux) the kernel provides
 * interfaces, routes and packets. With the memory forwarder the host provides them with
 * the functions below.
 */

#ifndef MGMHOST_H
#define MGMHOST_H

#ifndef _MGM_H_ /* the guard of Windows' own mgm.h, which may be used instead */
#include "mgm.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------- Structures and constants ----------------------- */

/** The version of the library. */
struct _MGMHOST_VERSION {
    /** In: sizeof(MGMHOST_VERSION). Out: the number of bytes written. */
    DWORD dwSize;
    /** MGMHOST_API_MAJOR of the library. */
    DWORD dwApiMajor;
    /** MGMHOST_API_MINOR of the library. */
    DWORD dwApiMinor;
    /** First number of the build version. */
    DWORD dwBuildMajor;
    /** Second number of the build version. */
    DWORD dwBuildMinor;
    /** Third number of the build version. */
    DWORD dwBuildPatch;
    /** Description of the build. Valid while the library is loaded. */
    const char *pszBuild;
};
typedef struct _MGMHOST_VERSION MGMHOST_VERSION;
typedef MGMHOST_VERSION *PMGMHOST_VERSION;

/**
 * Receives one message of the log.
 *
 * Parameters:
 * - pvContext: the context that the host passed with the callback.
 * - dwLevel: level of the message, MGMHOST_LOG_ERROR to MGMHOST_LOG_TRACE.
 * - pszText (in): the message in UTF-8, without a line end. Valid only during
 *   the callback.
 *
 * Threads:
 * The library calls it on the thread of the call that logs, before that call
 * returns. The library may call it on several threads at the same time. It holds
 * no lock of its own while the callback runs. An exception must not leave the
 * callback: it would end the process.
 *
 * A call waits for the callback at most 0.1 s in each second, plus the time
 * for one message. A thread that has used up this time leaves its messages to
 * the library's thread mgm-log. A thread also does so if the callback is
 * stuck: other threads are inside it, and none has returned from it for 0.1 s.
 * The threads of the library leave all their messages to mgm-log. The messages
 * of one thread keep their order. At most 65,536 messages, or 8 MiB of them,
 * wait for mgm-log. The library drops further messages, and a later message
 * reports how many.
 *
 * The callback may call any Mgm function that other callbacks may call. Messages
 * that such a call causes go to stderr. The callback may fork: in the child, the
 * Mgm call that ran the callback returns ERROR_CAN_NOT_COMPLETE. If the callback
 * ran on mgm-log, the child ends with _exit(1) when the callback returns.
 */
typedef void (*MGMHOST_LOG_CALLBACK)(void *pvContext, DWORD dwLevel, const char *pszText);

/**
 * Reports that the router of a client library is lost.
 *
 * Parameters:
 * - pvContext: the context that the program passed with the callback.
 *
 * Threads:
 * A thread of the library calls it, once for each router that is lost, after all
 * handles have become invalid. It may call the functions that other callbacks may
 * call, and register again. An exception must not leave the callback: it would end
 * the process.
 */
typedef void (*MGMHOST_ROUTER_LOST)(void *pvContext);

/**
 * The settings with which the host starts the library. A field that is 0 selects
 * the default.
 */
struct _MGMHOST_CONFIG {
    /** sizeof(MGMHOST_CONFIG). */
    DWORD dwSize;
    /** The forwarder, MGMHOST_FORWARDER_*. */
    DWORD dwForwarder;
    /**
     * The multicast routing table of the kernel (MRT_TABLE). 0 selects the value
     * of MGM_TABLE, by default the kernel's default table.
     */
    DWORD dwTable;
    /**
     * Lifetime of new MFEs in seconds; 0xFFFFFFFF means that they never expire.
     * 0 selects the value of MGM_MFE_TIMEOUT, by default 900.
     */
    DWORD dwMfeTimeout;
    /** The level of the log, MGMHOST_LOG_*. */
    DWORD dwLogLevel;
    /** Must be 0. */
    DWORD dwReserved;
    /** Receives the log; NULL sends the log to stderr. */
    MGMHOST_LOG_CALLBACK pfnLogCallback;
    /** The library passes it to pfnLogCallback. */
    void *pvLogContext;
    /**
     * The unicast routing table of the system in which the library looks up
     * sources. Sources of packets on interfaces in a VRF are looked up in the
     * table of the VRF instead. 0 selects the routes that the system itself
     * would use.
     */
    DWORD dwUnicastTable;
    /**
     * The maximum number of flows that packets create, up to 16,777,216. 0
     * selects the value of MGM_MAX_FLOWS, by default 2,097,152.
     */
    DWORD dwMaxFlows;
    /** 0, or MGMHOST_START_OPEN_FORWARDER. */
    DWORD dwFlags;
    /** Must be 0. */
    DWORD dwReserved1;
    /**
     * The path of the socket of a router, at most 107 bytes. MgmHostStart connects
     * to the router, and the library is a client library until MgmHostStop. NULL
     * selects the value of MGM_ROUTER, by default none. With a path, dwForwarder
     * must be 0.
     */
    const char *pszRouter;
};
typedef struct _MGMHOST_CONFIG MGMHOST_CONFIG;
typedef MGMHOST_CONFIG *PMGMHOST_CONFIG;

/** An interface out of which a packet is to be forwarded. */
struct _MGMHOST_OIF {
    /** Index of the interface. */
    DWORD dwIfIndex;
    /** Next hop of the interface, network byte order. */
    DWORD dwIfNextHopAddr;
};
typedef struct _MGMHOST_OIF MGMHOST_OIF;
typedef MGMHOST_OIF *PMGMHOST_OIF;

/** How client processes are served. A field that is 0 selects the default. */
struct _MGMHOST_CLIENTS {
    /** sizeof(MGMHOST_CLIENTS). */
    DWORD dwSize;
    /** 0, or a combination of MGMHOST_CLIENTS_OWNER and MGMHOST_CLIENTS_GROUP. */
    DWORD dwFlags;
    /** Mode of the socket's file, at most 0777 (octal); 0 selects 0660. */
    DWORD dwMode;
    /**
     * The user that owns the socket's file; without MGMHOST_CLIENTS_OWNER, that of
     * this process.
     */
    DWORD dwOwner;
    /**
     * The group of the socket's file; without MGMHOST_CLIENTS_GROUP, that of this
     * process.
     */
    DWORD dwGroup;
    /**
     * The maximum number of processes that are connected, up to 65,536; 0 selects
     * 1,000. The library raises the soft limit on open files for them, as far as
     * the hard limit permits.
     */
    DWORD dwMaxProcesses;
    /**
     * How long a question waits for its answer, up to 3,600,000 milliseconds. 0
     * selects the value of MGM_ANSWER_MS, by default 1,000.
     */
    DWORD dwAnswerMs;
    /**
     * The maximum number of processes of one user that are connected, up to
     * 65,536; 0 selects no other limit than dwMaxProcesses.
     */
    DWORD dwMaxUserProcesses;
};
typedef struct _MGMHOST_CLIENTS MGMHOST_CLIENTS;
typedef MGMHOST_CLIENTS *PMGMHOST_CLIENTS;

/** What a client process asks for. */
struct _MGMHOST_CLIENT_REQUEST {
    /**
     * sizeof(MGMHOST_CLIENT_REQUEST) of the library. A later version may append
     * fields.
     */
    DWORD dwSize;
    /** The process id of the client process. */
    DWORD dwProcess;
    /** The effective user of the client process when it connected. */
    DWORD dwUser;
    /** The protocol id of the client. */
    DWORD dwProtocolId;
    /** The component id of the client. */
    DWORD dwComponentId;
    /** Index of the interface that the client takes; 0 if it registers. */
    DWORD dwIfIndex;
    /** Next hop of that interface, network byte order. */
    DWORD dwIfNextHopAddr;
};
typedef struct _MGMHOST_CLIENT_REQUEST MGMHOST_CLIENT_REQUEST;
typedef MGMHOST_CLIENT_REQUEST *PMGMHOST_CLIENT_REQUEST;

/**
 * Decides whether a client process may register a client, or take an interface.
 *
 * Parameters:
 * - pvContext: the context that the host passed with the callback.
 * - pRequest (in): what the client process asks for. Valid only during the
 *   callback.
 *
 * Returns:
 * TRUE if it is permitted. Otherwise the call of the client process returns
 * ERROR_CAN_NOT_COMPLETE, and the log of the router has a line.
 *
 * Threads:
 * A thread of the library calls it, without a lock. All client processes wait for
 * it, so it must return at once. It must not call functions of the library, except
 * MgmHostInterfaceName. An exception must not leave the callback: it would end the
 * process.
 */
typedef BOOL (*MGMHOST_CLIENT_FILTER)(void *pvContext, const MGMHOST_CLIENT_REQUEST *pRequest);

/**
 * Major version of this API. Versions with different major numbers are
 * incompatible.
 */
#define MGMHOST_API_MAJOR 1

/** Minor version of this API. It grows with each addition. */
#define MGMHOST_API_MINOR 0

/** MGMHOST_CONFIG.dwForwarder: the value of MGM_FORWARDER, by default auto. */
#define MGMHOST_FORWARDER_DEFAULT 0

/**
 * The kernel forwarder if it is available, permitted and not in use; otherwise
 * the memory forwarder.
 */
#define MGMHOST_FORWARDER_AUTO 1

/** The kernel forwarder: Linux multicast routing. */
#define MGMHOST_FORWARDER_KERNEL 2

/**
 * The memory forwarder: a table in the library. The host passes packets to
 * MgmHostPacketIn.
 */
#define MGMHOST_FORWARDER_MEMORY 3

/**
 * The ebpf forwarder: eBPF programs that the library attaches to the interfaces. It needs
 * Linux 5.8 or later, and the capabilities CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and
 * CAP_NET_RAW.
 */
#define MGMHOST_FORWARDER_EBPF 4

/** MGMHOST_CONFIG.dwLogLevel: the value of MGM_LOG, by default warn. */
#define MGMHOST_LOG_DEFAULT 0

/** Log nothing. */
#define MGMHOST_LOG_OFF 1

/** Log errors: something does not work. */
#define MGMHOST_LOG_ERROR 2

/** Log warnings too: a call failed, or something works less well than it could. */
#define MGMHOST_LOG_WARN 3

/** Log messages for operators too. */
#define MGMHOST_LOG_INFO 4

/** Log messages for developers too. */
#define MGMHOST_LOG_DEBUG 5

/** Log every call too. */
#define MGMHOST_LOG_TRACE 6

/**
 * MGMHOST_CONFIG.dwFlags: open the forwarder at the start. If it cannot be
 * opened, MgmHostStart returns an error, and the library does not start.
 */
#define MGMHOST_START_OPEN_FORWARDER 1

/** MGMHOST_CLIENTS.dwFlags: dwOwner is the user that owns the socket's file. */
#define MGMHOST_CLIENTS_OWNER 1

/** MGMHOST_CLIENTS.dwFlags: dwGroup is the group of the socket's file. */
#define MGMHOST_CLIENTS_GROUP 2

/** MgmHostAddRoute: the network is an address of this router. */
#define MGMHOST_ROUTE_LOCAL 1

/**
 * MgmHostAddRoute: prefer the route to all routes of the system, even to longer
 * prefixes.
 */
#define MGMHOST_ROUTE_PREFERRED 2

/** MgmHostGetStatus: leave out the memberships. */
#define MGMHOST_STATUS_NO_MEMBERSHIPS 1

/** MgmHostGetStatus: leave out the MFEs. */
#define MGMHOST_STATUS_NO_MFES 2

/** MgmHostGetMetrics: include the counters of each MFE. */
#define MGMHOST_METRICS_MFES 1

/* -------------------------------- Functions ------------------------------- */

/**
 * Returns the version of the library.
 *
 * Parameters:
 * - pVersion (in, out): In: dwSize is sizeof(MGMHOST_VERSION). Out: dwSize is
 *   the number of bytes written, never more than that; the other fields hold the
 *   version.
 *
 * Returns:
 * - NO_ERROR: the version is written.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL, or dwSize is less than 4.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library.
 */
DWORD MgmHostVersion(PMGMHOST_VERSION pVersion);

/**
 * Starts the library with settings of the host.
 *
 * A host that needs no settings of its own need not call this function. The
 * first registration starts the library, as do the first interface, route or
 * packet from the host. Each of these also starts it again after MgmHostStop.
 *
 * Parameters:
 * - pConfig (in): the settings, which the library copies. NULL selects the
 *   environment variables and the defaults. dwSize is the size of the structure
 *   that the caller knows: fields beyond it get their defaults. If the structure
 *   is larger than the one this library knows, the additional bytes must be 0.
 *
 * Returns:
 * - NO_ERROR: the library is started.
 * - ERROR_INVALID_PARAMETER: dwSize is not the size of any version of the
 *   structure; a value is unknown; an additional byte of a larger structure is
 *   not 0; or a setting is left to an environment variable that has an invalid
 *   value; or pszRouter is empty or too long, or is set together with a forwarder.
 * - ERROR_ALREADY_EXISTS: the library is already running. Its settings and its
 *   log stay as they are.
 * - ERROR_CAN_NOT_COMPLETE: MGMHOST_START_OPEN_FORWARDER is set, and the
 *   forwarder cannot be opened; no router listens at the path that pszRouter or
 *   MGM_ROUTER names; or the caller is a forked child of the router.
 *
 * Threads:
 * Any thread. The lock rule applies.
 */
DWORD MgmHostStart(const MGMHOST_CONFIG *pConfig);

/**
 * Stops the library.
 *
 * The library deletes all clients, interfaces, memberships and MFEs, and its
 * state in the kernel. It runs no callbacks for this. All handles become
 * invalid. The log goes to stderr.
 *
 * When the call has returned, no callback runs any more, not even a log
 * callback, so everything that the callbacks use can be freed. Callbacks run
 * again only after the next start of the library or the next
 * MgmHostSetLogCallback. The next registration starts the library again, with
 * the log on stderr.
 *
 * Messages that wait for a slow log callback get one second. The library then
 * drops the rest and reports their number on stderr.
 *
 * Returns:
 * - NO_ERROR: the library is stopped. If it was not running, the log goes to
 *   stderr nevertheless.
 * - ERROR_CAN_NOT_COMPLETE: the call is made inside a callback; another thread
 *   is stopping the library; or the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, but not inside a callback: the call waits until all running
 * callbacks have returned. The lock rule applies.
 */
DWORD MgmHostStop(void);

/**
 * Reports that the system has an interface, or has it again.
 *
 * If a client owns the interface, or IGMP is enabled on it, the library serves
 * the interface again.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: next hop of the interface, network byte order.
 *
 * Returns:
 * - NO_ERROR: the interface is recorded. If the forwarder cannot serve it, the
 *   log says why.
 * - ERROR_INVALID_PARAMETER: dwIfIndex is 0.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostAddInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Reports that the system has lost an interface.
 *
 * The library deletes the memberships on the interface and the MFEs with this
 * incoming interface. It removes the interface from the outgoing interfaces of
 * all other MFEs. It sends the same alerts as for a release. The owner stays the
 * owner: the library serves the interface again after MgmHostAddInterface.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: next hop of the interface, network byte order.
 *
 * Returns:
 * - NO_ERROR: the loss is recorded.
 * - ERROR_INVALID_PARAMETER: dwIfIndex is 0.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostDeleteInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr);

/**
 * Adds a route to the multicast view, or replaces the route to the same network.
 *
 * The library looks up sources in the multicast view. With the kernel and the
 * ebpf forwarder the view also contains the routes of the kernel, so no route of
 * the host is needed. If a route of the host and a route of the kernel cover a source, the
 * longer prefix is used; if both are equally long, the route of the host is
 * used. A route with MGMHOST_ROUTE_PREFERRED has priority over longer prefixes
 * of the kernel, too.
 *
 * Parameters:
 * - dwNetwork: the network, network byte order.
 * - dwMask: mask of the network, network byte order; it must be contiguous.
 * - dwIfIndex: index of the interface towards the network, not 0. The library
 *   ignores it if MGMHOST_ROUTE_LOCAL is set.
 * - dwNextHopAddr: the gateway, network byte order; 0 if the network is
 *   directly connected.
 * - dwProtocol: where the route comes from, PROTO_IP_*; MFEs return it as
 *   dwRouteProtocol. 0 selects PROTO_IP_LOCAL if dwNextHopAddr is 0, otherwise
 *   PROTO_IP_NETMGMT.
 * - dwFlags: 0, or a combination of MGMHOST_ROUTE_LOCAL and
 *   MGMHOST_ROUTE_PREFERRED. MGMHOST_ROUTE_LOCAL means that dwNetwork is an
 *   address of this router; dwMask must then be 255.255.255.255 and
 *   dwNextHopAddr 0.
 *
 * Returns:
 * - NO_ERROR: the route is added.
 * - ERROR_INVALID_PARAMETER: the network, mask, gateway, interface or a flag
 *   is invalid.
 * - ERROR_NOT_ENOUGH_MEMORY: the system has no memory left.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostAddRoute(DWORD dwNetwork,
                      DWORD dwMask,
                      DWORD dwIfIndex,
                      DWORD dwNextHopAddr,
                      DWORD dwProtocol,
                      DWORD dwFlags);

/**
 * Deletes a route of the host from the multicast view, whatever its flags are.
 *
 * Parameters:
 * - dwNetwork: the network, network byte order.
 * - dwMask: mask of the network, network byte order.
 *
 * Returns:
 * - NO_ERROR: the route is deleted.
 * - ERROR_INVALID_PARAMETER: the network or mask is invalid.
 * - ERROR_NOT_FOUND: the host has added no such route.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostDeleteRoute(DWORD dwNetwork, DWORD dwMask);

/**
 * Passes a packet to the library and returns where it must be forwarded.
 *
 * A host with the memory forwarder calls this function for each packet. With the
 * other forwarders it is not needed, because the kernel itself reports packets.
 * The first packet of a flow makes the library ask its clients, and the call
 * waits for their answers.
 *
 * Parameters:
 * - dwSource, dwGroup: source and group of the packet, network byte order.
 * - dwIfIndex, dwIfNextHopAddr: index and next hop of the interface on which
 *   the packet arrived; the next hop in network byte order.
 * - dwHdrSize: number of bytes at pbPacketHdr, 0 to 65535.
 * - pbPacketHdr (in): IP header of the packet, which the library passes to
 *   callbacks. Its ninth byte is the TTL; with fewer bytes, the TTL is 255. May
 *   be NULL if dwHdrSize is 0.
 * - dwPacketSize: size of the whole packet in octets, for the counters. 0
 *   means dwHdrSize; otherwise it must not be less than dwHdrSize.
 * - pbAccepted (out): TRUE if the packet arrived on the incoming interface of
 *   its MFE, otherwise FALSE.
 * - pdwOifCount (in, out): In: number of entries that pOifs has room for. Out:
 *   number of interfaces out of which the packet must be forwarded.
 * - pOifs (out): the interfaces out of which the packet must be forwarded. May
 *   be NULL if *pdwOifCount is 0.
 *
 * Returns:
 * - NO_ERROR: all out-parameters are written.
 * - ERROR_INSUFFICIENT_BUFFER: pOifs has too little room and is not written.
 *   *pbAccepted and *pdwOifCount are written, and the packet is counted: do not
 *   pass the same packet again.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL; an address is invalid; a
 *   size is out of range; or dwIfIndex is 0.
 * - ERROR_CAN_NOT_COMPLETE: the call is made inside a callback; the library is
 *   being stopped; or the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, but not inside a callback: the call may wait for other callbacks.
 * The lock rule applies.
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
 * Returns the arrival interface of the packet that caused the current RPF
 * callback.
 *
 * If no packet caused the callback (a renewal, or a change of the route), the
 * call returns the interface on which the packets of the MFE arrive. That is the
 * incoming interface of the MFE or, if its packets have moved to another
 * interface, that other interface.
 *
 * Parameters:
 * - pdwIfIndex (out): index of the interface.
 * - pdwIfNextHopAddr (out): next hop of the interface, network byte order.
 *
 * Returns:
 * - NO_ERROR: both values are written.
 * - ERROR_NOT_FOUND: this thread is not inside an RPF callback.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Only the thread that runs the RPF callback, inside that callback. The call
 * causes no callbacks. It does not start the library.
 */
DWORD MgmHostGetArrival(PDWORD pdwIfIndex, PDWORD pdwIfNextHopAddr);

/**
 * Sends the log to a callback of the host, or to stderr.
 *
 * Parameters:
 * - pfnLogCallback: receives the messages from now on; NULL sends them to
 *   stderr.
 * - pvContext: the library passes it to the callback.
 *
 * Returns:
 * - NO_ERROR: the callback is set.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. When the call has returned, the previous
 * callback does not run any more, so what it uses can be freed. Inside a
 * callback the call does not wait, so the previous callback may still be
 * running afterwards; MgmHostStop waits for it. The lock rule applies.
 */
DWORD MgmHostSetLogCallback(MGMHOST_LOG_CALLBACK pfnLogCallback, void *pvContext);

/**
 * Sets the TTL threshold of an interface.
 *
 * A packet is forwarded out of the interface only if its TTL on arrival is
 * greater than the threshold. The interface stays in the outgoing interfaces of
 * MFEs. The setting lasts until the library stops, whichever client owns the
 * interface. It may be made before a client owns the interface.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwIfNextHopAddr: next hop of the interface, network byte order.
 * - dwThreshold: the threshold, 0 to 255. The default and the minimum is 1; 0
 *   means 1. With 255 no packet is forwarded.
 *
 * Returns:
 * - NO_ERROR: the threshold is set.
 * - ERROR_INVALID_PARAMETER: dwIfIndex is 0, or dwThreshold is greater than
 *   255.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 */
DWORD MgmHostSetTtlThreshold(DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD dwThreshold);

/**
 * Limits how many flows may begin on an interface in a second.
 *
 * A flow counts for the interface on which its first packet arrives. The limit is
 * a token bucket: it holds dwBurst tokens at first, each flow that begins takes
 * one, and dwFlowsPerSecond tokens a second are added, up to dwBurst. The
 * library refuses flows beyond the limit for 10 s each, without asking any
 * client. It counts them, and logs one line a minute. Packets of flows that have
 * an MFE are not limited. There is no limit by default.
 *
 * A new limit starts with dwBurst tokens. Flows that the former limit has
 * refused are resolved, as far as the new limit permits. The setting lasts until
 * the library stops, whichever client owns the interface. It may be made before
 * a client owns the interface. It applies to all next hops of the index together.
 *
 * Parameters:
 * - dwIfIndex: index of the interface, not 0.
 * - dwFlowsPerSecond: flows a second; 0 removes the limit.
 * - dwBurst: flows at once, at least 1. Ignored if dwFlowsPerSecond is 0.
 *
 * Returns:
 * - NO_ERROR: the limit is set or removed.
 * - ERROR_INVALID_PARAMETER: dwIfIndex is 0, or dwBurst is 0 and
 *   dwFlowsPerSecond is not.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostSetFlowLimit(DWORD dwIfIndex, DWORD dwFlowsPerSecond, DWORD dwBurst);

/**
 * Makes an interface an administrative boundary for a range of groups (RFC
 * 2365).
 *
 * The library removes the interface from the outgoing interfaces of the MFEs of
 * these groups. It deletes the MFEs of these groups with this incoming
 * interface. It drops packets of these groups that arrive on the interface.
 * Memberships on the interface stay, and the library still reports them to other
 * clients.
 *
 * The setting lasts until it is deleted or the library stops, whichever client
 * owns the interface. It may be made before a client owns the interface. Adding
 * a boundary that already exists is not an error.
 *
 * Parameters:
 * - pBoundary (in): dwIfIndex is the index of the interface, not 0; the
 *   boundary is valid for all its next hops. dwGroupAddress and dwGroupMask,
 *   network byte order, are a prefix inside 239.0.0.0/8. The library ignores
 *   dwStatus.
 *
 * Returns:
 * - NO_ERROR: the boundary exists.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL; dwIfIndex is 0; or address
 *   and mask are not a prefix inside 239.0.0.0/8.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostAddBoundary(const MIB_IPMCAST_BOUNDARY *pBoundary);

/**
 * Deletes an administrative boundary.
 *
 * Memberships and the owner of the interface then decide again whether it is an
 * outgoing interface of the MFEs of the groups in the range.
 *
 * Parameters:
 * - pBoundary (in): the same values as for MgmHostAddBoundary.
 *
 * Returns:
 * - NO_ERROR: the boundary is deleted.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL; dwIfIndex is 0; or address
 *   and mask are not a prefix inside 239.0.0.0/8.
 * - ERROR_NOT_FOUND: there is no such boundary. A boundary for a wider or
 *   narrower range does not count.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostDeleteBoundary(const MIB_IPMCAST_BOUNDARY *pBoundary);

/**
 * Sets the name of a range of groups.
 *
 * The log shows the name. The range need not be that of a boundary. The name
 * lasts until the library stops.
 *
 * Parameters:
 * - dwGroupAddress, dwGroupMask: a prefix inside 239.0.0.0/8, network byte
 *   order.
 * - pszName (in): the name in UTF-16, with at most MAX_SCOPE_NAME_LEN units
 *   and a terminating zero. The library copies it without any check of the
 *   units. NULL or an empty name restores the default name, "address/length",
 *   for example "239.255.0.0/16".
 *
 * Returns:
 * - NO_ERROR: the name is set.
 * - ERROR_INVALID_PARAMETER: address and mask are not a prefix inside
 *   239.0.0.0/8, or the name is too long.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 */
DWORD MgmHostSetScopeName(DWORD dwGroupAddress, DWORD dwGroupMask, const WCHAR *pszName);

/**
 * Returns the name of a range of groups.
 *
 * Parameters:
 * - pScope (in, out): In: dwGroupAddress and dwGroupMask, network byte order,
 *   are a prefix inside 239.0.0.0/8. Out: snNameBuffer holds the name, filled up
 *   with zeros. dwStatus is 1 if the name was set with MgmHostSetScopeName, and
 *   0 if it is the default name, "address/length".
 *
 * Returns:
 * - NO_ERROR: the name is written.
 * - ERROR_INVALID_PARAMETER: the pointer is NULL, or address and mask are
 *   not a prefix inside 239.0.0.0/8.
 * - ERROR_CAN_NOT_COMPLETE: the library is being stopped, or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks.
 */
DWORD MgmHostGetScopeName(PMIB_IPMCAST_SCOPE pScope);

/**
 * Sets the level of the log.
 *
 * The level lasts until the next start of the library, which sets it again: from
 * MGMHOST_CONFIG, otherwise from MGM_LOG.
 *
 * Parameters:
 * - dwLogLevel: the level, MGMHOST_LOG_*. MGMHOST_LOG_DEFAULT selects the value
 *   of MGM_LOG, or warn if that is unset or invalid.
 *
 * Returns:
 * - NO_ERROR: messages that are more detailed than this level are not
 *   logged any more.
 * - ERROR_INVALID_PARAMETER: dwLogLevel is not one of MGMHOST_LOG_*.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library. A call that is running on another thread may still log at
 * the former level.
 */
DWORD MgmHostSetLogLevel(DWORD dwLogLevel);

/**
 * Returns the reason for the last refusal on the calling thread.
 *
 * The text is that of the log message about the call: the name of the function,
 * a colon, and the reason. The library also keeps it if the message was not
 * logged, for example because of the level of the log. Calls that succeed do not
 * change it. So call this function directly after the call that has returned an
 * error code. ERROR_MORE_DATA and ERROR_NO_MORE_ITEMS are not errors.
 *
 * Parameters:
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: size of the
 *   text in bytes, with the terminating zero. Pass 0 to ask for the size; 1,024
 *   bytes always suffice. A longer text is cut.
 * - pbBuffer (out): the text in UTF-8, with a terminating zero.
 *
 * Returns:
 * - NO_ERROR: the text is in the buffer.
 * - ERROR_NOT_FOUND: no call of this thread has been refused.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small, and is not written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. Each thread has its own text. Calls made
 * inside a callback count for the thread that runs the callback. The call
 * causes no callbacks. It does not start the library. ERROR_NOT_FOUND and
 * ERROR_INSUFFICIENT_BUFFER from this function leave the text as it is.
 */
DWORD MgmHostGetLastMessage(PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Returns the index of the interface that has a given name in the system.
 *
 * Parameters:
 * - pszName (in): the name, for example "eth0", or an alternative name of the
 *   interface.
 * - pdwIfIndex (out): index of the interface.
 *
 * Returns:
 * - NO_ERROR: the index is written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_NOT_FOUND: the system has no interface of this name.
 * - ERROR_CAN_NOT_COMPLETE: the system is not Linux, or the caller is a forked
 *   child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library. It looks in the network namespace of the calling thread.
 * The next call can return another index, because interfaces can be renamed.
 */
DWORD MgmHostInterfaceIndex(const char *pszName, PDWORD pdwIfIndex);

/**
 * Returns the name of the interface that has a given index in the system.
 *
 * Parameters:
 * - dwIfIndex: index of the interface.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: size of the
 *   name in bytes, with the terminating zero. Pass 0 to ask for the size; 16
 *   bytes (IF_NAMESIZE) always suffice.
 * - pbBuffer (out): the name, with a terminating zero. It need not be UTF-8.
 *
 * Returns:
 * - NO_ERROR: the name is in the buffer.
 * - ERROR_NOT_FOUND: the system has no interface with this index.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small, and is not written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL.
 * - ERROR_CAN_NOT_COMPLETE: the system is not Linux, or the caller is a forked
 *   child of the router.
 *
 * Threads:
 * As for MgmHostInterfaceIndex. The call causes no callbacks.
 */
DWORD MgmHostInterfaceName(DWORD dwIfIndex, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Returns the state of the library as JSON.
 *
 * It contains clients, interfaces, memberships, MFEs with 64-bit counters, and
 * the numbers of callbacks, upcalls and refused packets. Other calls can change
 * the state while the text is made: a membership or an MFE that is added or
 * deleted in the meantime may be in the text or not. docs/status.md describes
 * the text; docs/status.schema.json defines it.
 *
 * Parameters:
 * - dwFlags: 0, MGMHOST_STATUS_NO_MEMBERSHIPS, MGMHOST_STATUS_NO_MFES, or
 *   both. There may be very many memberships and MFEs.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: size of the
 *   text in bytes, with the terminating zero. Pass 0 to ask for the size. The
 *   text can grow until the next call: allocate some more, or try again.
 * - pbBuffer (out): the text in UTF-8, with a terminating zero.
 *
 * Returns:
 * - NO_ERROR: the text is in the buffer.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small, and is not written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or dwFlags has an unknown
 *   flag.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library. One million MFEs take about 0.3 s. They take longer with
 * the kernel forwarder, because the library asks the kernel for the counters
 * of each MFE. Other calls can run while the text is made.
 */
DWORD MgmHostGetStatus(DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Returns the metrics of the library in the text format of Prometheus.
 *
 * They are the totals and counters that MgmHostGetStatus also returns.
 * docs/status.md lists them.
 *
 * Parameters:
 * - dwFlags: 0, or MGMHOST_METRICS_MFES to include the counters of each MFE.
 *   These are about six lines for each MFE, which may be too many for a time
 *   series database.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: size of the
 *   text in bytes, with the terminating zero. Pass 0 to ask for the size. The
 *   text can grow until the next call: allocate some more, or try again.
 * - pbBuffer (out): the text in UTF-8, with a terminating zero.
 *
 * Returns:
 * - NO_ERROR: the text is in the buffer.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small, and is not written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL, or dwFlags has an unknown
 *   flag.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * As for MgmHostGetStatus.
 */
DWORD MgmHostGetMetrics(DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer);

/**
 * Explains one flow as JSON: why its packets are forwarded, or why not.
 *
 * The flow need not have an MFE. The text contains:
 *
 * - the route of the source, and all interfaces on which packets may arrive;
 * - the client that RPF_CALLBACK asked, and its answer;
 * - each interface on which the flow is wanted, with its memberships and their
 *   clients, its boundary and its TTL threshold;
 * - a recent refusal, the MFE with its counters, and the entry of the forwarder;
 * - the first reason why a packet would not go out.
 *
 * docs/status.md describes the text; docs/explain.schema.json defines it.
 *
 * Parameters:
 * - dwSource: address of the source, network byte order.
 * - dwGroup: address of the group, network byte order.
 * - dwIfIndex: index of the interface on which packets of the flow arrive. 0
 *   selects the interface on which they arrived, or else the one on which they
 *   are expected.
 * - dwIfNextHopAddr: next hop of this interface, network byte order.
 * - pdwBufferSize (in, out): size of the buffer in bytes. Out: size of the
 *   text in bytes, with the terminating zero. Pass 0 to ask for the size. The
 *   text can grow until the next call: allocate some more, or try again.
 * - pbBuffer (out): the text in UTF-8, with a terminating zero.
 *
 * Returns:
 * - NO_ERROR: the text is in the buffer.
 * - ERROR_INSUFFICIENT_BUFFER: the buffer is too small, and is not written.
 * - ERROR_INVALID_PARAMETER: a pointer is NULL; dwSource is not a unicast
 *   address, or dwGroup not a multicast address; or dwIfIndex is 0 and
 *   dwIfNextHopAddr is not.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library, and changes nothing. Its time does not depend on the
 * number of flows. If the route of the source is not known, the library looks
 * it up, without delaying other calls.
 */
DWORD MgmHostExplain(DWORD dwSource,
                     DWORD dwGroup,
                     DWORD dwIfIndex,
                     DWORD dwIfNextHopAddr,
                     PDWORD pdwBufferSize,
                     PBYTE pbBuffer);

/**
 * Serves the status and the metrics at a UNIX socket.
 *
 * mgmtop, curl and other programs can read them there. docs/status.md lists the
 * requests. The environment variable MGM_STATUS_SOCKET does the same at the
 * start of the library. Only the user of the router, and root, can connect. The
 * library replaces a socket that a router left behind when it ended. When the
 * library stops, it deletes the socket.
 *
 * Parameters:
 * - pszPath (in): path of the socket, which the library copies. NULL stops
 *   serving.
 *
 * Returns:
 * - NO_ERROR: the library serves the status at this path only, or at no path if
 *   pszPath is NULL.
 * - ERROR_INVALID_PARAMETER: the call would start the library, and an
 *   environment variable has an invalid value.
 * - ERROR_CAN_NOT_COMPLETE: the socket cannot be created (the log says why),
 *   and the library now serves the status at no path; another call has set another
 *   path in the meantime; the library is being stopped; the system is not Linux;
 *   or the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. No other
 * call waits for it. If the file system does not respond, the call returns
 * ERROR_CAN_NOT_COMPLETE after some seconds.
 */
DWORD MgmHostServeStatus(const char *pszPath);

/**
 * Serves client processes: routing protocols in other processes, which use this
 * library and have the path of the socket in the environment variable MGM_ROUTER.
 *
 * The calls of client processes are made in the library of this process, and
 * their callbacks run in their own processes. If the library is not running, the
 * call starts it, regardless of MGM_ROUTER. If the library serves client processes
 * at another path, it closes that socket first. If it serves them at the same path,
 * the processes that are connected stay. MgmHostStop ends the service, too.
 *
 * A client process can do everything that a client in this process can: each
 * process that may open the socket can take interfaces and change memberships,
 * unless MgmHostSetClientFilter restricts it. So choose the mode of the socket's
 * file with care. MgmHostServeClientsEx also sets owner, group and limits.
 *
 * Parameters:
 * - pszPath (in): path of a UNIX stream socket, at most 107 bytes. The library
 *   creates the socket, and replaces one on which no process listens any more.
 *   NULL ends the service: all client processes are disconnected, as if they had
 *   ended.
 * - dwMode: mode of the socket's file, at most 0777 (octal); 0 selects 0660.
 *   The file belongs to the user and group of this process.
 *
 * Returns:
 * - NO_ERROR: client processes can connect; with NULL, the socket is closed and
 *   its file is removed.
 * - ERROR_INVALID_PARAMETER: the path is empty or longer than 107 bytes; dwMode
 *   is greater than 0777; or the call would start the library, and an environment
 *   variable has an invalid value.
 * - ERROR_CAN_NOT_COMPLETE: the socket cannot be opened (the log says why); the
 *   system is not Linux; this process is itself a client process; the call is
 *   made inside a callback; the library is being stopped; or the caller is a
 *   forked child of the router.
 *
 * Threads:
 * Any thread, but not inside a callback. The call causes no callbacks. Those that
 * follow from the end of client processes run on threads of the library.
 */
DWORD MgmHostServeClients(const char *pszPath, DWORD dwMode);

/**
 * Serves client processes like MgmHostServeClients, with more settings.
 *
 * If the library serves at the same path already, the settings change, and the
 * processes that are connected stay.
 *
 * Parameters:
 * - pszPath (in): as for MgmHostServeClients.
 * - pSettings (in): the settings, which the library copies. NULL selects the
 *   defaults. dwSize is the size of the structure that the caller knows: fields
 *   beyond it get their defaults. If the structure is larger than the one this
 *   library knows, the additional bytes must be 0.
 *
 * Returns:
 * - NO_ERROR: client processes can connect; with NULL as the path, the socket is
 *   closed and its file is removed.
 * - ERROR_INVALID_PARAMETER: the path is empty or longer than 107 bytes; dwSize
 *   is not the size of any version of the structure; a value is out of range; an
 *   additional byte of a larger structure is not 0; or the call would start the
 *   library, and an environment variable has an invalid value.
 * - ERROR_CAN_NOT_COMPLETE: as for MgmHostServeClients; or this process
 *   has no permission to give the file to that user or group.
 *
 * Threads:
 * Any thread, but not inside a callback. The call causes no callbacks. Those that
 * follow from the end of client processes run on threads of the library.
 */
DWORD MgmHostServeClientsEx(const char *pszPath, const MGMHOST_CLIENTS *pSettings);

/**
 * Sets the callback that decides whether a client process may register a client,
 * or take an interface.
 *
 * The callback applies from now on: clients that are registered keep what they
 * have. Everything else that a client process can do needs an interface that it
 * has taken, or only reads. Without a callback, client processes may register with
 * all ids and take all interfaces. MgmHostStop does not remove the callback.
 *
 * Parameters:
 * - pfnFilter: the callback; NULL for none. It replaces the former one, which may
 *   still be running on another thread.
 * - pvContext: the library passes it to the callback.
 *
 * Returns:
 * - NO_ERROR: the callback is set.
 * - ERROR_CAN_NOT_COMPLETE: this process is itself a client process; or the caller
 *   is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library.
 */
DWORD MgmHostSetClientFilter(MGMHOST_CLIENT_FILTER pfnFilter, void *pvContext);

/**
 * Sets the callback that reports that the router of a client library is lost: it
 * has ended, or the connection to it is broken.
 *
 * Calls that are running then return ERROR_CAN_NOT_COMPLETE, and all handles are
 * invalid. The next registration connects again. MgmHostStop and the end of this
 * process are not reported.
 *
 * Parameters:
 * - pfnLost: the callback; NULL for none. It replaces the former one, which may
 *   still be running on another thread.
 * - pvContext: the library passes it to the callback.
 *
 * Returns:
 * - NO_ERROR: the callback is set. In a router it is never called.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library.
 */
DWORD MgmHostSetRouterLost(MGMHOST_ROUTER_LOST pfnLost, void *pvContext);

/**
 * Asks that the state of a client stays for some time when this process ends
 * without deregistering the client, so that a successor can take over.
 *
 * The call concerns the clients that this process registers afterwards, in a
 * client library. Without it, the environment variable MGM_GRACE decides.
 *
 * When the process ends, its interfaces, memberships and MFEs stay. The MFEs
 * go on forwarding packets, other clients get no callbacks about the end, and
 * each question about these interfaces and MFEs gets the default answer. A
 * process of the same user takes over when it registers a client with the same
 * ids. This client has a new handle, and is not told of existing memberships.
 * It takes each interface with MgmTakeInterfaceOwnership, which does not
 * disable IGMP there. A protocol gets a LOCAL_JOIN callback for each
 * membership of IGMP on the interface. Then the client adds its memberships
 * again, and calls MgmHostGraceDone. No other client can take the interfaces
 * meanwhile: MgmTakeInterfaceOwnership returns ERROR_ALREADY_EXISTS. IGMP can
 * be enabled on an interface beside a protocol that has ended.
 *
 * The time begins when the process ends. At the end of the time, the library
 * deletes everything that the successor has not taken or added again. If the
 * successor ends meanwhile, too, that does not lengthen the time.
 *
 * Parameters:
 * - dwSeconds: the time, at most 300 s. 0: the end of the process deletes
 *   everything at once.
 *
 * Returns:
 * - NO_ERROR: later registrations ask for this time. In a router the call has no
 *   effect, because its clients end with it.
 * - ERROR_INVALID_PARAMETER: dwSeconds is greater than 300.
 * - ERROR_CAN_NOT_COMPLETE: the caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes no callbacks. It does not
 * start the library.
 */
DWORD MgmHostSetGrace(DWORD dwSeconds);

/**
 * Says that a client has taken over from the client of an ended process: it has
 * taken the interfaces and added the memberships that it wants.
 *
 * The library deletes the rest: the interfaces that the client has not taken
 * again, with their memberships and MFEs, and the memberships that it has not
 * added again. Other clients get the alerts about this. MFEs and overrides on the
 * interfaces that the client has taken again stay. MgmDeRegisterMProtocol includes
 * this call.
 *
 * Parameters:
 * - hProtocol: the handle of the client.
 *
 * Returns:
 * - NO_ERROR: the rest is deleted; or there is none, because the client has
 *   taken over from no other client, or the time of MgmHostSetGrace has ended.
 * - ERROR_INVALID_PARAMETER: hProtocol is not the handle of a registered client.
 * - ERROR_CAN_NOT_COMPLETE: the connection to the router has ended, or the
 *   caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. Threads of the library run the callbacks that
 * the call causes. The lock rule applies.
 */
DWORD MgmHostGraceDone(HANDLE hProtocol);

/**
 * Begins a batch: from now on the library collects the adds and deletes of this
 * thread.
 *
 * MgmAddGroupMembershipEntry and MgmDeleteGroupMembershipEntry only check their
 * arguments, and return NO_ERROR if these are valid. MgmHostEndBatch makes the
 * collected calls, in their order. If this thread makes any other Mgm call before
 * that, the library first makes the calls that it has collected so far. In a client
 * library, a batch needs far fewer messages than single calls. In a router, a batch
 * has the same effect as single calls, and no advantage.
 *
 * If a client process ends within a batch, the first calls of the batch may have
 * been made, but never a later call without all earlier ones.
 *
 * Returns:
 * - NO_ERROR: the batch has begun.
 * - ERROR_CAN_NOT_COMPLETE: a batch of this thread has begun already; or the
 *   caller is a forked child of the router.
 *
 * Threads:
 * Any thread, also inside callbacks. The batch concerns only this thread. The
 * call causes no callbacks. It does not start the library.
 */
DWORD MgmHostBeginBatch(void);

/**
 * Ends a batch: makes the adds and deletes that the library has collected since
 * MgmHostBeginBatch.
 *
 * The library makes all calls, even if it has to refuse one of them. The callbacks
 * that the calls cause run before this call returns, by the same rules as for a
 * single call.
 *
 * Parameters:
 * - pdwFirst (out): the number of the first call of the batch that was refused;
 *   the first call of the batch has the number 1. 0 if no call was refused, also if
 *   the connection to the router has ended. May be NULL.
 *
 * Returns:
 * - NO_ERROR: no call was refused.
 * - ERROR_CAN_NOT_COMPLETE: no batch of this thread has begun; the connection to
 *   the router has ended before a call was refused, so that some calls may not have
 *   been made (pdwFirst is 0); or the caller is a forked child of the router.
 * - any code of MgmAddGroupMembershipEntry and MgmDeleteGroupMembershipEntry: that
 *   of the first call that was refused.
 *
 * Threads:
 * Any thread, also inside callbacks. The call causes callbacks. The lock rule
 * applies.
 */
DWORD MgmHostEndBatch(PDWORD pdwFirst);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MGMHOST_H */
