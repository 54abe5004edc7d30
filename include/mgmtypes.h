/*
 * mgmtypes.h - the types that mgm.h takes from the Windows headers, for other systems:
 * scalar types, error codes, protocol numbers, the MIB and RTM structures.
 *
 * Generated from src/abi: edit the files there, then run "make headers".
 *
 * On Windows, mgm.h includes the headers of the SDK instead. A program that has its own
 * definitions of these names must define MGM_NO_TYPES before it includes mgm.h.
 */

#ifndef MGMTYPES_H
#define MGMTYPES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifndef __cplusplus
#include <uchar.h>
#endif

#if UINTPTR_MAX < 0xFFFFFFFFFFFFFFFF
#error "mgm is for 64-bit targets"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------ Scalar types ------------------------------ */

/** Boolean: 0 is FALSE, any other value is TRUE. */
typedef int32_t BOOL;
typedef BOOL *PBOOL;
typedef char CHAR;
typedef uint8_t UCHAR;
typedef UCHAR *PUCHAR;
typedef uint8_t BYTE;
typedef BYTE *PBYTE;
typedef uint16_t USHORT;
typedef USHORT *PUSHORT;
typedef uint16_t WORD;
typedef int INT;
typedef unsigned int UINT;
typedef UINT *PUINT;

/** 32 bits, also where the C type long has 64. */
typedef int32_t LONG;

/** 32 bits, also where the C type unsigned long has 64. */
typedef uint32_t ULONG;
typedef ULONG *PULONG;

/** 32 bits, also where the C type unsigned long has 64. */
typedef uint32_t DWORD;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef uint64_t ULONGLONG;
typedef void *PVOID;
typedef void *LPVOID;

/** A number that identifies an object inside the library. It is not an address. */
typedef void *HANDLE;
typedef HANDLE *PHANDLE;

/** A time in units of 100 ns since 1 January 1601, as two 32-bit halves. */
struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
};
typedef struct _FILETIME FILETIME;
typedef FILETIME *PFILETIME;

/** A UTF-16 code unit, as in u"..."; not the wchar_t of this system. */
typedef char16_t WCHAR;
typedef WCHAR *PWCHAR;

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef VOID
#define VOID void
#endif
/* Empty, because there is only one calling convention on this system. */
#ifndef WINAPI
#define WINAPI
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef FIELD_OFFSET
#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#endif

/* ------------------------------- Error codes ------------------------------ */

/** Success. */
#define NO_ERROR 0

/** Success; another name for NO_ERROR. */
#define ERROR_SUCCESS 0

/** The system has no memory left, or there are too many interfaces. */
#define ERROR_NOT_ENOUGH_MEMORY 8

/** An argument or an environment variable is invalid; the log says which one. */
#define ERROR_INVALID_PARAMETER 87

/** The buffer is too small; the call returns the size that is needed. */
#define ERROR_INSUFFICIENT_BUFFER 122

/** The client or the owner already exists, or the library is already running. */
#define ERROR_ALREADY_EXISTS 183

/** Success: the buffer is full, and there are more entries. */
#define ERROR_MORE_DATA 234

/** Success: there are no more entries after these. */
#define ERROR_NO_MORE_ITEMS 259

/** The call is not possible now or here; the log says why. */
#define ERROR_CAN_NOT_COMPLETE 1003

/** The object does not exist. */
#define ERROR_NOT_FOUND 1168

/* ---------------------------- Protocol numbers ---------------------------- */

/* Protocols of routes and of clients, with the numbers of RFC 1354. */
#define PROTO_IP_OTHER 1
#define PROTO_IP_LOCAL 2
#define PROTO_IP_NETMGMT 3
#define PROTO_IP_ICMP 4
#define PROTO_IP_EGP 5
#define PROTO_IP_GGP 6
#define PROTO_IP_HELLO 7
#define PROTO_IP_RIP 8
#define PROTO_IP_IS_IS 9
#define PROTO_IP_ES_IS 10
#define PROTO_IP_CISCO 11
#define PROTO_IP_BBN 12
#define PROTO_IP_OSPF 13
#define PROTO_IP_BGP 14

/* Multicast protocols; their numbers are separate from those above. */
#define PROTO_IP_MSDP 9
#define PROTO_IP_IGMP 10
#define PROTO_IP_BGMP 11

/* Protocols of the Windows router. */
#define PROTO_IP_VRRP 112
#define PROTO_IP_BOOTP 9999
#define PROTO_IP_NT_AUTOSTATIC 10002
#define PROTO_IP_DNS_PROXY 10003
#define PROTO_IP_DHCP_ALLOCATOR 10004
#define PROTO_IP_NAT 10005
#define PROTO_IP_NT_STATIC 10006
#define PROTO_IP_NT_STATIC_NON_DOD 10007
#define PROTO_IP_DIFFSERV 10008
#define PROTO_IP_MGM 10009

/* A protocol id of the Windows router, made of a type, a vendor and the vendor's number. */
#define PROTOCOL_ID(Type, VendorId, ProtocolId)                                                \
    ((((DWORD)(Type) & 0x03) << 30) | (((DWORD)(VendorId) & 0x3FFF) << 16) |                   \
     ((DWORD)(ProtocolId) & 0xFFFF))
#define TYPE_FROM_PROTO_ID(X) (((X) >> 30) & 0x03)
#define VENDOR_FROM_PROTO_ID(X) (((X) >> 16) & 0x3FFF)
#define PROTO_FROM_PROTO_ID(X) ((X) & 0xFFFF)
#define TYPE_FROM_PROTOCOL_ID(X) TYPE_FROM_PROTO_ID(X)
#define VENDOR_FROM_PROTOCOL_ID(X) VENDOR_FROM_PROTO_ID(X)
#define PROTO_FROM_PROTOCOL_ID(X) PROTO_FROM_PROTO_ID(X)

#define PROTO_TYPE_UCAST 0
#define PROTO_TYPE_MCAST 1
#define PROTO_TYPE_MS0 2
#define PROTO_TYPE_MS1 3

#define PROTO_VENDOR_MS0 0x0000
#define PROTO_VENDOR_MS1 0x0137
#define PROTO_VENDOR_MS2 0x3FFF

#define MS_IP_BOOTP PROTOCOL_ID(PROTO_TYPE_UCAST, PROTO_VENDOR_MS0, PROTO_IP_BOOTP)
#define MS_IP_RIP PROTOCOL_ID(PROTO_TYPE_UCAST, PROTO_VENDOR_MS0, PROTO_IP_RIP)
#define MS_IP_OSPF PROTOCOL_ID(PROTO_TYPE_UCAST, PROTO_VENDOR_MS0, PROTO_IP_OSPF)
#define MS_IP_BGP PROTOCOL_ID(PROTO_TYPE_UCAST, PROTO_VENDOR_MS1, PROTO_IP_BGP)
#define MS_IP_IGMP PROTOCOL_ID(PROTO_TYPE_MCAST, PROTO_VENDOR_MS1, PROTO_IP_IGMP)
#define MS_IP_BGMP PROTOCOL_ID(PROTO_TYPE_MCAST, PROTO_VENDOR_MS1, PROTO_IP_BGMP)
#define MS_IP_MSDP PROTOCOL_ID(PROTO_TYPE_MCAST, PROTO_VENDOR_MS1, PROTO_IP_MSDP)
#define MS_IP_DNS_PROXY PROTOCOL_ID(PROTO_TYPE_MS0, PROTO_VENDOR_MS1, PROTO_IP_DNS_PROXY)
#define MS_IP_DHCP_ALLOCATOR                                                                   \
    PROTOCOL_ID(PROTO_TYPE_MS0, PROTO_VENDOR_MS1, PROTO_IP_DHCP_ALLOCATOR)
#define MS_IP_NAT PROTOCOL_ID(PROTO_TYPE_MS0, PROTO_VENDOR_MS1, PROTO_IP_NAT)
#define MS_IP_DIFFSERV PROTOCOL_ID(PROTO_TYPE_MS0, PROTO_VENDOR_MS1, PROTO_IP_DIFFSERV)
#define MS_IP_MGM PROTOCOL_ID(PROTO_TYPE_MS0, PROTO_VENDOR_MS1, PROTO_IP_MGM)
#define MS_IP_VRRP PROTOCOL_ID(PROTO_TYPE_MS0, PROTO_VENDOR_MS1, PROTO_IP_VRRP)

/* ---------------------- MFEs and statistics (the MIB) --------------------- */

/**
 * Declared length of the array at the end of a structure. Another field of the
 * structure holds its actual length.
 */
#define ANY_SIZE 1

/** Maximum length of a scope name in UTF-16 units, without the terminating zero. */
#define MAX_SCOPE_NAME_LEN 255

/** One outgoing interface of an MFE. */
struct _MIB_IPMCAST_OIF {
    /** Index of the interface. */
    DWORD dwOutIfIndex;
    /**
     * Next hop of the interface, network byte order; 0 except on
     * point-to-multipoint links.
     */
    DWORD dwNextHopAddr;
    /** Always 0. */
    DWORD dwReserved;
    /** Always 0. */
    DWORD dwReserved1;
};
typedef struct _MIB_IPMCAST_OIF MIB_IPMCAST_OIF;
typedef MIB_IPMCAST_OIF *PMIB_IPMCAST_OIF;
typedef struct _MIB_IPMCAST_OIF MIB_IPMCAST_OIF_XP;
typedef MIB_IPMCAST_OIF_XP *PMIB_IPMCAST_OIF_XP;

/**
 * A multicast forwarding entry (MFE). An MFE with n outgoing interfaces has
 * SIZEOF_MIB_MFE(n) bytes.
 */
struct _MIB_IPMCAST_MFE {
    /** Group, network byte order. */
    DWORD dwGroup;
    /** Source, network byte order. */
    DWORD dwSource;
    /** 255.255.255.255. */
    DWORD dwSrcMask;
    /**
     * Upstream neighbour, network byte order; 0 if the source is directly
     * connected.
     */
    DWORD dwUpStrmNgbr;
    /** Index of the incoming interface. */
    DWORD dwInIfIndex;
    /** Protocol id of the owner of the incoming interface. */
    DWORD dwInIfProtocol;
    /** Protocol of the route to the source, PROTO_IP_*. */
    DWORD dwRouteProtocol;
    /** Network of the route to the source, network byte order. */
    DWORD dwRouteNetwork;
    /** Mask of the route to the source, network byte order. */
    DWORD dwRouteMask;
    /** Time since the MFE was created or renewed, in seconds. */
    ULONG ulUpTime;
    /** Time until the MFE expires, in seconds; 0 if it never expires. */
    ULONG ulExpiryTime;
    /** Lifetime of the MFE, in seconds; 0xFFFFFFFF if it never expires. */
    ULONG ulTimeOut;
    /** Number of outgoing interfaces; 0 in a negative MFE. */
    ULONG ulNumOutIf;
    /** Always 0. */
    DWORD fFlags;
    /** Always 0. */
    DWORD dwReserved;
    /** The outgoing interfaces. */
    MIB_IPMCAST_OIF rgmioOutInfo[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_MFE MIB_IPMCAST_MFE;
typedef MIB_IPMCAST_MFE *PMIB_IPMCAST_MFE;

/** A table of MFEs. The library does not use it. */
struct _MIB_MFE_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE table[ANY_SIZE];
};
typedef struct _MIB_MFE_TABLE MIB_MFE_TABLE;
typedef MIB_MFE_TABLE *PMIB_MFE_TABLE;

/**
 * Counters of one outgoing interface of an MFE.
 *
 * The counters wrap at 32 bits. If the interface leaves the MFE and returns,
 * they continue from their old values, unless the interface was released, got
 * another owner or was lost in the meantime. With the kernel forwarder all of
 * them are 0, because the kernel counts only for the MFE as a whole.
 */
struct _MIB_IPMCAST_OIF_STATS {
    /** Index of the interface. */
    DWORD dwOutIfIndex;
    /**
     * Next hop of the interface, network byte order; 0 except on
     * point-to-multipoint links.
     */
    DWORD dwNextHopAddr;
    /** Always 0. */
    DWORD dwDialContext;
    /**
     * Packets not sent because their TTL was not greater than the TTL threshold.
     * Always 0 with the kernel forwarder.
     */
    ULONG ulTtlTooLow;
    /**
     * Packets not sent because they are larger than the MTU of the interface. Only
     * the ebpf forwarder counts them.
     */
    ULONG ulFragNeeded;
    /** Packets sent. Always 0 with the kernel forwarder. */
    ULONG ulOutPackets;
    /** Packets that the kernel refused to send. Only the ebpf forwarder counts them. */
    ULONG ulOutDiscards;
};
typedef struct _MIB_IPMCAST_OIF_STATS MIB_IPMCAST_OIF_STATS;
typedef MIB_IPMCAST_OIF_STATS *PMIB_IPMCAST_OIF_STATS;
typedef struct _MIB_IPMCAST_OIF_STATS MIB_IPMCAST_OIF_STATS_LH;
typedef MIB_IPMCAST_OIF_STATS_LH *PMIB_IPMCAST_OIF_STATS_LH;

/**
 * Counters of an MFE (MGM_MFE_STATS_0). With n outgoing interfaces the structure
 * has SIZEOF_MIB_MFE_STATS(n) bytes.
 *
 * The counters wrap at 32 bits. Apart from that they never decrease during the
 * life of the MFE. docs/differences.md, "Counters", lists what the kernel
 * forwarder does not count.
 */
struct _MIB_IPMCAST_MFE_STATS {
    /** Group, network byte order. */
    DWORD dwGroup;
    /** Source, network byte order. */
    DWORD dwSource;
    /** 255.255.255.255. */
    DWORD dwSrcMask;
    /**
     * Upstream neighbour, network byte order; 0 if the source is directly
     * connected.
     */
    DWORD dwUpStrmNgbr;
    /** Index of the incoming interface. */
    DWORD dwInIfIndex;
    /** Protocol id of the owner of the incoming interface. */
    DWORD dwInIfProtocol;
    /** Protocol of the route to the source, PROTO_IP_*. */
    DWORD dwRouteProtocol;
    /** Network of the route to the source, network byte order. */
    DWORD dwRouteNetwork;
    /** Mask of the route to the source, network byte order. */
    DWORD dwRouteMask;
    /** Time since the MFE was created or renewed, in hundredths of a second. */
    ULONG ulUpTime;
    /**
     * Time until the MFE expires, in hundredths of a second; 0 if it never
     * expires.
     */
    ULONG ulExpiryTime;
    /** Number of outgoing interfaces; 0 in a negative MFE. */
    ULONG ulNumOutIf;
    /** Packets accepted on the incoming interface. */
    ULONG ulInPkts;
    /**
     * Octets of the packets in ulInPkts. The kernel forwarder also counts the
     * octets of the packets in ulPktsDifferentIf.
     */
    ULONG ulInOctets;
    /** Packets that arrived on another interface and were not forwarded. */
    ULONG ulPktsDifferentIf;
    /** Always 0: the library queues no packets. */
    ULONG ulQueueOverflow;
    /** Counters of the outgoing interfaces. */
    MIB_IPMCAST_OIF_STATS rgmiosOutStats[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_MFE_STATS MIB_IPMCAST_MFE_STATS;
typedef MIB_IPMCAST_MFE_STATS *PMIB_IPMCAST_MFE_STATS;

/** A table of counters. The library does not use it. */
struct _MIB_MFE_STATS_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE_STATS table[ANY_SIZE];
};
typedef struct _MIB_MFE_STATS_TABLE MIB_MFE_STATS_TABLE;
typedef MIB_MFE_STATS_TABLE *PMIB_MFE_STATS_TABLE;

/**
 * More counters of an MFE (MGM_MFE_STATS_1). With n outgoing interfaces the
 * structure has SIZEOF_MIB_MFE_STATS_EX(n) bytes.
 *
 * The counters wrap at 32 bits. Apart from that they never decrease during the
 * life of the MFE. docs/differences.md, "Counters", lists what the kernel
 * forwarder does not count.
 */
struct _MIB_IPMCAST_MFE_STATS_EX {
    /** Group, network byte order. */
    DWORD dwGroup;
    /** Source, network byte order. */
    DWORD dwSource;
    /** 255.255.255.255. */
    DWORD dwSrcMask;
    /**
     * Upstream neighbour, network byte order; 0 if the source is directly
     * connected.
     */
    DWORD dwUpStrmNgbr;
    /** Index of the incoming interface. */
    DWORD dwInIfIndex;
    /** Protocol id of the owner of the incoming interface. */
    DWORD dwInIfProtocol;
    /** Protocol of the route to the source, PROTO_IP_*. */
    DWORD dwRouteProtocol;
    /** Network of the route to the source, network byte order. */
    DWORD dwRouteNetwork;
    /** Mask of the route to the source, network byte order. */
    DWORD dwRouteMask;
    /** Time since the MFE was created or renewed, in hundredths of a second. */
    ULONG ulUpTime;
    /**
     * Time until the MFE expires, in hundredths of a second; 0 if it never
     * expires.
     */
    ULONG ulExpiryTime;
    /** Number of outgoing interfaces; 0 in a negative MFE. */
    ULONG ulNumOutIf;
    /** Packets accepted on the incoming interface. */
    ULONG ulInPkts;
    /**
     * Octets of the packets in ulInPkts. The kernel forwarder also counts the
     * octets of the packets in ulPktsDifferentIf.
     */
    ULONG ulInOctets;
    /** Packets that arrived on another interface and were not forwarded. */
    ULONG ulPktsDifferentIf;
    /** Always 0: the library queues no packets. */
    ULONG ulQueueOverflow;
    /**
     * Always 0: packets that arrived before the MFE existed are not counted
     * here.
     */
    ULONG ulUninitMfe;
    /** Packets accepted while the MFE had no outgoing interface. */
    ULONG ulNegativeMfe;
    /** Always 0: no forwarder counts it. */
    ULONG ulInDiscards;
    /** Always 0: no forwarder counts it. */
    ULONG ulInHdrErrors;
    /**
     * Packets sent on all present and former outgoing interfaces. Always 0 with
     * the kernel forwarder.
     */
    ULONG ulTotalOutPackets;
    /** Counters of the outgoing interfaces. */
    MIB_IPMCAST_OIF_STATS rgmiosOutStats[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_MFE_STATS_EX;
typedef MIB_IPMCAST_MFE_STATS_EX *PMIB_IPMCAST_MFE_STATS_EX;
typedef struct _MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_MFE_STATS_EX_XP;
typedef MIB_IPMCAST_MFE_STATS_EX_XP *PMIB_IPMCAST_MFE_STATS_EX_XP;

/** A table of more counters. The library does not use it. */
struct _MIB_MFE_STATS_TABLE_EX {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE_STATS_EX table[ANY_SIZE];
};
typedef struct _MIB_MFE_STATS_TABLE_EX MIB_MFE_STATS_TABLE_EX;
typedef MIB_MFE_STATS_TABLE_EX *PMIB_MFE_STATS_TABLE_EX;

/** Whether multicast routing is on. The library does not use it. */
struct _MIB_IPMCAST_GLOBAL {
    DWORD dwEnable;
};
typedef struct _MIB_IPMCAST_GLOBAL MIB_IPMCAST_GLOBAL;
typedef MIB_IPMCAST_GLOBAL *PMIB_IPMCAST_GLOBAL;

/** A multicast interface. The library does not use it. */
struct _MIB_IPMCAST_IF_ENTRY {
    DWORD dwIfIndex;
    DWORD dwTtl;
    DWORD dwProtocol;
    DWORD dwRateLimit;
    ULONG ulInMcastOctets;
    ULONG ulOutMcastOctets;
};
typedef struct _MIB_IPMCAST_IF_ENTRY MIB_IPMCAST_IF_ENTRY;
typedef MIB_IPMCAST_IF_ENTRY *PMIB_IPMCAST_IF_ENTRY;

/** A table of multicast interfaces. The library does not use it. */
struct _MIB_IPMCAST_IF_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_IF_ENTRY table[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_IF_TABLE MIB_IPMCAST_IF_TABLE;
typedef MIB_IPMCAST_IF_TABLE *PMIB_IPMCAST_IF_TABLE;

/** An administrative boundary (RFC 2365) on an interface. */
struct _MIB_IPMCAST_BOUNDARY {
    /** Index of the interface. */
    DWORD dwIfIndex;
    /** First group of the range, network byte order. */
    DWORD dwGroupAddress;
    /** Mask of the range, network byte order. */
    DWORD dwGroupMask;
    /** The library ignores it. */
    DWORD dwStatus;
};
typedef struct _MIB_IPMCAST_BOUNDARY MIB_IPMCAST_BOUNDARY;
typedef MIB_IPMCAST_BOUNDARY *PMIB_IPMCAST_BOUNDARY;

/** A table of boundaries. The library does not use it. */
struct _MIB_IPMCAST_BOUNDARY_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_BOUNDARY table[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_BOUNDARY_TABLE MIB_IPMCAST_BOUNDARY_TABLE;
typedef MIB_IPMCAST_BOUNDARY_TABLE *PMIB_IPMCAST_BOUNDARY_TABLE;

/** The range of groups of a boundary. The library does not use it. */
struct _MIB_BOUNDARYROW {
    DWORD dwGroupAddress;
    DWORD dwGroupMask;
};
typedef struct _MIB_BOUNDARYROW MIB_BOUNDARYROW;
typedef MIB_BOUNDARYROW *PMIB_BOUNDARYROW;

/** The limits of an interface for multicast packets. The library does not use it. */
struct _MIB_MCAST_LIMIT_ROW {
    DWORD dwTtl;
    DWORD dwRateLimit;
};
typedef struct _MIB_MCAST_LIMIT_ROW MIB_MCAST_LIMIT_ROW;
typedef MIB_MCAST_LIMIT_ROW *PMIB_MCAST_LIMIT_ROW;
typedef WCHAR SN_CHAR;

/**
 * The name of a scope in UTF-16: at most MAX_SCOPE_NAME_LEN units and a
 * terminating zero.
 */
typedef SN_CHAR SCOPE_NAME_BUFFER[256];
typedef SN_CHAR *SCOPE_NAME;

/** The name of an administrative scope (RFC 2365), which is a range of groups. */
struct _MIB_IPMCAST_SCOPE {
    /** First group of the range, network byte order. */
    DWORD dwGroupAddress;
    /** Mask of the range, network byte order. */
    DWORD dwGroupMask;
    /** The name of the scope. */
    SCOPE_NAME_BUFFER snNameBuffer;
    /**
     * 1 if the name was set with MgmHostSetScopeName, 0 if it is the default
     * name.
     */
    DWORD dwStatus;
};
typedef struct _MIB_IPMCAST_SCOPE MIB_IPMCAST_SCOPE;
typedef MIB_IPMCAST_SCOPE *PMIB_IPMCAST_SCOPE;

/* Size in bytes of an entry without outgoing interfaces, and with X of them. */
#define SIZEOF_BASIC_MIB_MFE ((ULONG)offsetof(MIB_IPMCAST_MFE, rgmioOutInfo))
#define SIZEOF_MIB_MFE(X) (SIZEOF_BASIC_MIB_MFE + ((X) * sizeof(MIB_IPMCAST_OIF)))
#define SIZEOF_BASIC_MIB_MFE_STATS ((ULONG)offsetof(MIB_IPMCAST_MFE_STATS, rgmiosOutStats))
#define SIZEOF_MIB_MFE_STATS(X)                                                                \
    (SIZEOF_BASIC_MIB_MFE_STATS + ((X) * sizeof(MIB_IPMCAST_OIF_STATS)))
#define SIZEOF_BASIC_MIB_MFE_STATS_EX                                                          \
    ((ULONG)offsetof(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats))
#define SIZEOF_MIB_MFE_STATS_EX(X)                                                             \
    (SIZEOF_BASIC_MIB_MFE_STATS_EX + ((X) * sizeof(MIB_IPMCAST_OIF_STATS)))

/* Size in bytes of a table with X entries. */
#ifndef ALIGN_SIZE
#define ALIGN_SIZE 0x00000008
#endif
#define SIZEOF_MCAST_IF_TABLE(X)                                                               \
    (offsetof(MIB_IPMCAST_IF_TABLE, table) + ((X) * sizeof(MIB_IPMCAST_IF_ENTRY)) + ALIGN_SIZE)
#define SIZEOF_BOUNDARY_TABLE(X)                                                               \
    (offsetof(MIB_IPMCAST_BOUNDARY_TABLE, table) + ((X) * sizeof(MIB_IPMCAST_BOUNDARY)) +      \
     ALIGN_SIZE)

/* ------------------- Routes (the routing table manager) ------------------- */

/** Size of the longest address in bytes. */
#define RTM_MAX_ADDRESS_SIZE 16

/** Number of a view. */
typedef INT RTM_VIEW_ID;
typedef RTM_VIEW_ID *PRTM_VIEW_ID;

/** Set of views, one bit for each view. */
typedef DWORD RTM_VIEW_SET;
typedef RTM_VIEW_SET *PRTM_VIEW_SET;

/** The library always sets it to NULL: there is no routing table manager. */
typedef HANDLE RTM_ENTITY_HANDLE;
typedef RTM_ENTITY_HANDLE *PRTM_ENTITY_HANDLE;

/** The library always sets it to NULL. */
typedef HANDLE RTM_DEST_HANDLE;
typedef RTM_DEST_HANDLE *PRTM_DEST_HANDLE;

/** The library always sets it to NULL. */
typedef HANDLE RTM_ROUTE_HANDLE;
typedef RTM_ROUTE_HANDLE *PRTM_ROUTE_HANDLE;

/** An address prefix. */
struct _RTM_NET_ADDRESS {
    /** AF_INET. */
    USHORT AddressFamily;
    /** Length of the prefix in bits. */
    USHORT NumBits;
    /** The address in network byte order. Only the first four bytes are used. */
    UCHAR AddrBits[RTM_MAX_ADDRESS_SIZE];
};
typedef struct _RTM_NET_ADDRESS RTM_NET_ADDRESS;
typedef RTM_NET_ADDRESS *PRTM_NET_ADDRESS;

/** The routes to a destination in one view. */
struct _RTM_DEST_VIEW_INFO {
    /** Number of the view: RTM_VIEW_ID_MCAST. */
    RTM_VIEW_ID ViewId;
    /** Number of routes in this view. */
    UINT NumRoutes;
    /** The best route: always NULL. */
    RTM_ROUTE_HANDLE Route;
    /** Owner of the best route: always NULL. */
    RTM_ENTITY_HANDLE Owner;
    /** Always 0. */
    DWORD DestFlags;
    /** The route in hold-down: always NULL. */
    RTM_ROUTE_HANDLE HoldRoute;
};

/**
 * A destination and the routes to it. The parameter pbRoute of PMGM_RPF_CALLBACK
 * points to such a structure, with one view.
 */
struct _RTM_DEST_INFO {
    /** Always NULL. */
    RTM_DEST_HANDLE DestHandle;
    /** Network of the route to the source. */
    RTM_NET_ADDRESS DestAddress;
    /** Always 0. */
    FILETIME LastChanged;
    /** RTM_VIEW_MASK_MCAST. */
    RTM_VIEW_SET BelongsToViews;
    /** Number of entries in ViewInfo: 1. */
    UINT NumberOfViews;
    /** The views. */
    struct _RTM_DEST_VIEW_INFO ViewInfo[1];
};
typedef struct _RTM_DEST_INFO RTM_DEST_INFO;
typedef RTM_DEST_INFO *PRTM_DEST_INFO;

/** Number of the unicast view. */
#define RTM_VIEW_ID_UCAST 0

/** Number of the multicast view, which RPF checks use. */
#define RTM_VIEW_ID_MCAST 1

/** Set of views: no view. */
#define RTM_VIEW_MASK_NONE 0

/** Set of views: any view. */
#define RTM_VIEW_MASK_ANY 0

/** Set of views: the unicast view. */
#define RTM_VIEW_MASK_UCAST 1

/** Set of views: the multicast view. */
#define RTM_VIEW_MASK_MCAST 2

/** Set of views: all views. */
#define RTM_VIEW_MASK_ALL 4294967295

/* Sizes in bytes: a destination without views, one view, a destination with NumViews views. */
#define RTM_BASIC_DEST_INFO_SIZE offsetof(RTM_DEST_INFO, ViewInfo)
#define RTM_DEST_VIEW_INFO_SIZE (sizeof(RTM_DEST_INFO) - RTM_BASIC_DEST_INFO_SIZE)
#define RTM_SIZE_OF_DEST_INFO(NumViews)                                                        \
    (RTM_BASIC_DEST_INFO_SIZE + (NumViews) * RTM_DEST_VIEW_INFO_SIZE)

#ifdef __cplusplus
} /* extern "C" */
#endif

/*
 * The macros RTM_IPV4_* convert between an RTM_NET_ADDRESS and an IPv4 address (network
 * byte order) with its prefix length or mask. They call inline functions, so that each
 * address, length and mask is evaluated once, and an RTM_NET_ADDRESS needs no alignment.
 * The functions have no casts, because C++ programs may be compiled with -Wold-style-cast.
 */
static inline ULONG mgm_net_to_host(ULONG Addr)
{
    UCHAR b[4];
    memcpy(b, &Addr, sizeof(b));
    return b[0] * 0x1000000u + b[1] * 0x10000u + b[2] * 0x100u + b[3];
}

static inline USHORT mgm_len_from_mask(ULONG Mask)
{
    ULONG bits = mgm_net_to_host(Mask);
    USHORT len = 0;
    while (bits) {
        len++;
        bits <<= 1;
    }
    return len;
}

static inline ULONG mgm_mask_from_len(ULONG Len)
{
    return Len ? mgm_net_to_host(0xFFFFFFFFu << (32 - Len)) : 0;
}

static inline void mgm_set_addr(RTM_NET_ADDRESS *To, ULONG Addr, USHORT Len)
{
    To->AddressFamily = 2; /* AF_INET */
    To->NumBits = Len;
    memcpy(To->AddrBits, &Addr, sizeof(Addr));
}

static inline ULONG mgm_get_addr(const RTM_NET_ADDRESS *From)
{
    ULONG addr;
    memcpy(&addr, From->AddrBits, sizeof(addr));
    return addr;
}

#define RTM_IPV4_MAKE_NET_ADDRESS(NetAddress, Addr, Len)                                       \
    RTM_IPV4_SET_ADDR_AND_LEN(NetAddress, Addr, Len)
#define RTM_IPV4_LEN_FROM_MASK(Len, Mask) ((Len) = mgm_len_from_mask(Mask))
#define RTM_IPV4_MASK_FROM_LEN(Len) mgm_mask_from_len(Len)
#define RTM_IPV4_SET_ADDR_AND_LEN(NetAddress, Addr, Len)                                       \
    mgm_set_addr((NetAddress), (Addr), (USHORT)(Len))
#define RTM_IPV4_GET_ADDR_AND_LEN(Addr, Len, NetAddress)                                       \
    ((Len) = (NetAddress)->NumBits, (Addr) = mgm_get_addr(NetAddress))
#define RTM_IPV4_SET_ADDR_AND_MASK(NetAddress, Addr, Mask)                                     \
    mgm_set_addr((NetAddress), (Addr), mgm_len_from_mask(Mask))
#define RTM_IPV4_GET_ADDR_AND_MASK(Addr, Mask, NetAddress)                                     \
    ((Addr) = mgm_get_addr(NetAddress), (Mask) = mgm_mask_from_len((NetAddress)->NumBits))

#endif /* MGMTYPES_H */
