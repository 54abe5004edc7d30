/*
 * mgmtypes.h - what mgm.h takes from the Windows headers, for other systems:
 * scalar types, error codes, protocol numbers, the MIB and RTM structures.
 *
 * Generated from src/abi: change it there, then "make headers".
 *
 * On Windows use the SDK's own headers; mgm.h does. A program that brings its
 * own definitions of these names defines MGM_NO_TYPES before it includes mgm.h.
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

/** Truth value: 0 is FALSE, anything else TRUE. */
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

/** 32 bits, also where C's long has 64. */
typedef int32_t LONG;

/** 32 bits, also where C's unsigned long has 64. */
typedef uint32_t ULONG;
typedef ULONG *PULONG;

/** 32 bits, also where C's unsigned long has 64. */
typedef uint32_t DWORD;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef uint64_t ULONGLONG;
typedef void *PVOID;
typedef void *LPVOID;

/** A number that names something inside the library. It points to nothing. */
typedef void *HANDLE;
typedef HANDLE *PHANDLE;

/** A moment: hundreds of nanoseconds since 1601, in two halves. */
struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
};
typedef struct _FILETIME FILETIME;
typedef FILETIME *PFILETIME;

/** UTF-16, to which u"..." can be assigned; not the wchar_t of this system. */
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
/* Calling conventions: there is only one here. */
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

/** Done. */
#define NO_ERROR 0

/** Done; the other name. */
#define ERROR_SUCCESS 0

/** The system has no memory left. */
#define ERROR_NOT_ENOUGH_MEMORY 8

/** An argument that makes no sense: the log says which. */
#define ERROR_INVALID_PARAMETER 87

/** The buffer cannot hold even one entry; the size that it needs is told. */
#define ERROR_INSUFFICIENT_BUFFER 122

/** Somebody has it, or is it, already. */
#define ERROR_ALREADY_EXISTS 183

/** The buffer is full and there is more. */
#define ERROR_MORE_DATA 234

/** These were the last entries. */
#define ERROR_NO_MORE_ITEMS 259

/** Not now, not here: the log says why. */
#define ERROR_CAN_NOT_COMPLETE 1003

/** There is no such thing. */
#define ERROR_NOT_FOUND 1168

/* ---------------------------- Protocol numbers ---------------------------- */

/* Where a route comes from, and who a client is: the numbers of RFC 1354. */
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

/* Multicast protocols, numbered apart from those above. */
#define PROTO_IP_MSDP 9
#define PROTO_IP_IGMP 10
#define PROTO_IP_BGMP 11

/* The router's own. */
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

/* A protocol id of the router: type, vendor, and the vendor's number. */
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

/** One element here, as many as the count before it says in memory. */
#define ANY_SIZE 1

/** Longest scope name in UTF-16 units, without the terminating zero. */
#define MAX_SCOPE_NAME_LEN 255

/** One outgoing interface of an MFE. */
struct _MIB_IPMCAST_OIF {
    /** Index of the interface. */
    DWORD dwOutIfIndex;
    /** Next hop on point-to-multipoint links, else 0. Network byte order. */
    DWORD dwNextHopAddr;
    /** 0. */
    DWORD dwReserved;
    /** 0. */
    DWORD dwReserved1;
};
typedef struct _MIB_IPMCAST_OIF MIB_IPMCAST_OIF;
typedef MIB_IPMCAST_OIF *PMIB_IPMCAST_OIF;
typedef struct _MIB_IPMCAST_OIF MIB_IPMCAST_OIF_XP;
typedef MIB_IPMCAST_OIF_XP *PMIB_IPMCAST_OIF_XP;

/**
 * A multicast forwarding entry. One with n outgoing interfaces takes
 * SIZEOF_MIB_MFE(n) bytes.
 */
struct _MIB_IPMCAST_MFE {
    /** Group. Network byte order. */
    DWORD dwGroup;
    /** Source. Network byte order. */
    DWORD dwSource;
    /** 255.255.255.255. */
    DWORD dwSrcMask;
    /** Neighbour towards the source, 0 if that is directly connected. Network byte order. */
    DWORD dwUpStrmNgbr;
    /** Index of the incoming interface. */
    DWORD dwInIfIndex;
    /** Protocol id of the incoming interface's owner. */
    DWORD dwInIfProtocol;
    /** Protocol of the route to the source, PROTO_IP_*. */
    DWORD dwRouteProtocol;
    /** Network of that route. Network byte order. */
    DWORD dwRouteNetwork;
    /** Mask of that route. Network byte order. */
    DWORD dwRouteMask;
    /** Seconds since the entry was made or renewed. */
    ULONG ulUpTime;
    /** Seconds until it expires; 0 if it never does. */
    ULONG ulExpiryTime;
    /** Its life in seconds, 0xFFFFFFFF if it never expires. */
    ULONG ulTimeOut;
    /** Number of outgoing interfaces, 0 in a negative entry. */
    ULONG ulNumOutIf;
    /** 0. */
    DWORD fFlags;
    /** 0. */
    DWORD dwReserved;
    /** The outgoing interfaces. */
    MIB_IPMCAST_OIF rgmioOutInfo[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_MFE MIB_IPMCAST_MFE;
typedef MIB_IPMCAST_MFE *PMIB_IPMCAST_MFE;

/** A table of entries. */
struct _MIB_MFE_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE table[ANY_SIZE];
};
typedef struct _MIB_MFE_TABLE MIB_MFE_TABLE;
typedef MIB_MFE_TABLE *PMIB_MFE_TABLE;

/**
 * Counters of one outgoing interface of an MFE. They wrap at 32 bits, and go on where
 * they were if the interface leaves the MFE and comes back, unless it changed hands or
 * was lost meanwhile. The kernel forwarder counts for the MFE as a whole: with it they
 * are 0.
 */
struct _MIB_IPMCAST_OIF_STATS {
    /** Index of the interface. */
    DWORD dwOutIfIndex;
    /** Next hop on point-to-multipoint links, else 0. Network byte order. */
    DWORD dwNextHopAddr;
    /** 0. */
    DWORD dwDialContext;
    /**
     * Packets that stayed here because their TTL was not above the threshold. 0 with
     * the kernel forwarder.
     */
    ULONG ulTtlTooLow;
    /** 0: no forwarder counts it. */
    ULONG ulFragNeeded;
    /** Packets that went out. 0 with the kernel forwarder. */
    ULONG ulOutPackets;
    /** 0: no forwarder counts it. */
    ULONG ulOutDiscards;
};
typedef struct _MIB_IPMCAST_OIF_STATS MIB_IPMCAST_OIF_STATS;
typedef MIB_IPMCAST_OIF_STATS *PMIB_IPMCAST_OIF_STATS;
typedef struct _MIB_IPMCAST_OIF_STATS MIB_IPMCAST_OIF_STATS_LH;
typedef MIB_IPMCAST_OIF_STATS_LH *PMIB_IPMCAST_OIF_STATS_LH;

/**
 * Counters of an MFE (MGM_MFE_STATS_0). They wrap at 32 bits and never fall otherwise
 * as long as the MFE lives. What the kernel forwarder cannot tell is in
 * docs/differences.md, "Counters". One with n outgoing interfaces takes SIZEOF_MIB_MFE_STATS(n) bytes.
 */
struct _MIB_IPMCAST_MFE_STATS {
    /** Group. Network byte order. */
    DWORD dwGroup;
    /** Source. Network byte order. */
    DWORD dwSource;
    /** 255.255.255.255. */
    DWORD dwSrcMask;
    /** Neighbour towards the source, 0 if that is directly connected. Network byte order. */
    DWORD dwUpStrmNgbr;
    /** Index of the incoming interface. */
    DWORD dwInIfIndex;
    /** Protocol id of the incoming interface's owner. */
    DWORD dwInIfProtocol;
    /** Protocol of the route to the source, PROTO_IP_*. */
    DWORD dwRouteProtocol;
    /** Network of that route. Network byte order. */
    DWORD dwRouteNetwork;
    /** Mask of that route. Network byte order. */
    DWORD dwRouteMask;
    /** Hundredths of a second since the entry was made or renewed. */
    ULONG ulUpTime;
    /** Hundredths of a second until it expires; 0 if it never does. */
    ULONG ulExpiryTime;
    /** Number of outgoing interfaces, 0 in a negative entry. */
    ULONG ulNumOutIf;
    /** Packets accepted on the incoming interface. */
    ULONG ulInPkts;
    /** Octets of these. The kernel forwarder also counts those of ulPktsDifferentIf. */
    ULONG ulInOctets;
    /** Packets that arrived on another interface, and were not forwarded. */
    ULONG ulPktsDifferentIf;
    /** 0: no packet waits in a queue. */
    ULONG ulQueueOverflow;
    /** Counters of the outgoing interfaces. */
    MIB_IPMCAST_OIF_STATS rgmiosOutStats[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_MFE_STATS MIB_IPMCAST_MFE_STATS;
typedef MIB_IPMCAST_MFE_STATS *PMIB_IPMCAST_MFE_STATS;

/** A table of counters. */
struct _MIB_MFE_STATS_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE_STATS table[ANY_SIZE];
};
typedef struct _MIB_MFE_STATS_TABLE MIB_MFE_STATS_TABLE;
typedef MIB_MFE_STATS_TABLE *PMIB_MFE_STATS_TABLE;

/**
 * More counters of an MFE (MGM_MFE_STATS_1). They wrap at 32 bits and never fall otherwise
 * as long as the MFE lives. What the kernel forwarder cannot tell is in
 * docs/differences.md, "Counters". One with n outgoing interfaces takes SIZEOF_MIB_MFE_STATS_EX(n) bytes.
 */
struct _MIB_IPMCAST_MFE_STATS_EX {
    /** Group. Network byte order. */
    DWORD dwGroup;
    /** Source. Network byte order. */
    DWORD dwSource;
    /** 255.255.255.255. */
    DWORD dwSrcMask;
    /** Neighbour towards the source, 0 if that is directly connected. Network byte order. */
    DWORD dwUpStrmNgbr;
    /** Index of the incoming interface. */
    DWORD dwInIfIndex;
    /** Protocol id of the incoming interface's owner. */
    DWORD dwInIfProtocol;
    /** Protocol of the route to the source, PROTO_IP_*. */
    DWORD dwRouteProtocol;
    /** Network of that route. Network byte order. */
    DWORD dwRouteNetwork;
    /** Mask of that route. Network byte order. */
    DWORD dwRouteMask;
    /** Hundredths of a second since the entry was made or renewed. */
    ULONG ulUpTime;
    /** Hundredths of a second until it expires; 0 if it never does. */
    ULONG ulExpiryTime;
    /** Number of outgoing interfaces, 0 in a negative entry. */
    ULONG ulNumOutIf;
    /** Packets accepted on the incoming interface. */
    ULONG ulInPkts;
    /** Octets of these. The kernel forwarder also counts those of ulPktsDifferentIf. */
    ULONG ulInOctets;
    /** Packets that arrived on another interface, and were not forwarded. */
    ULONG ulPktsDifferentIf;
    /** 0: no packet waits in a queue. */
    ULONG ulQueueOverflow;
    /** 0: what came before the entry is not counted in it. */
    ULONG ulUninitMfe;
    /** Packets accepted while the entry had no outgoing interface. */
    ULONG ulNegativeMfe;
    /** 0: no forwarder counts it. */
    ULONG ulInDiscards;
    /** 0: no forwarder counts it. */
    ULONG ulInHdrErrors;
    /**
     * Packets sent out, on all interfaces that are or were outgoing ones. 0 with the
     * kernel forwarder.
     */
    ULONG ulTotalOutPackets;
    /** Counters of the outgoing interfaces. */
    MIB_IPMCAST_OIF_STATS rgmiosOutStats[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_MFE_STATS_EX;
typedef MIB_IPMCAST_MFE_STATS_EX *PMIB_IPMCAST_MFE_STATS_EX;
typedef struct _MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_MFE_STATS_EX_XP;
typedef MIB_IPMCAST_MFE_STATS_EX_XP *PMIB_IPMCAST_MFE_STATS_EX_XP;

/** A table of more counters. */
struct _MIB_MFE_STATS_TABLE_EX {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE_STATS_EX table[ANY_SIZE];
};
typedef struct _MIB_MFE_STATS_TABLE_EX MIB_MFE_STATS_TABLE_EX;
typedef MIB_MFE_STATS_TABLE_EX *PMIB_MFE_STATS_TABLE_EX;

/** Whether multicast routing is on. */
struct _MIB_IPMCAST_GLOBAL {
    DWORD dwEnable;
};
typedef struct _MIB_IPMCAST_GLOBAL MIB_IPMCAST_GLOBAL;
typedef MIB_IPMCAST_GLOBAL *PMIB_IPMCAST_GLOBAL;

/** A multicast interface. */
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

/** A table of multicast interfaces. */
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
    /** First group of the range. Network byte order. */
    DWORD dwGroupAddress;
    /** Mask of the range. Network byte order. */
    DWORD dwGroupMask;
    DWORD dwStatus;
};
typedef struct _MIB_IPMCAST_BOUNDARY MIB_IPMCAST_BOUNDARY;
typedef MIB_IPMCAST_BOUNDARY *PMIB_IPMCAST_BOUNDARY;

/** A table of boundaries. */
struct _MIB_IPMCAST_BOUNDARY_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_BOUNDARY table[ANY_SIZE];
};
typedef struct _MIB_IPMCAST_BOUNDARY_TABLE MIB_IPMCAST_BOUNDARY_TABLE;
typedef MIB_IPMCAST_BOUNDARY_TABLE *PMIB_IPMCAST_BOUNDARY_TABLE;

/** A boundary's range of groups. */
struct _MIB_BOUNDARYROW {
    DWORD dwGroupAddress;
    DWORD dwGroupMask;
};
typedef struct _MIB_BOUNDARYROW MIB_BOUNDARYROW;
typedef MIB_BOUNDARYROW *PMIB_BOUNDARYROW;

/** An interface's limits for multicast packets. */
struct _MIB_MCAST_LIMIT_ROW {
    DWORD dwTtl;
    DWORD dwRateLimit;
};
typedef struct _MIB_MCAST_LIMIT_ROW MIB_MCAST_LIMIT_ROW;
typedef MIB_MCAST_LIMIT_ROW *PMIB_MCAST_LIMIT_ROW;
typedef WCHAR SN_CHAR;

/** A scope's name in UTF-16, MAX_SCOPE_NAME_LEN units and a zero. */
typedef SN_CHAR SCOPE_NAME_BUFFER[256];
typedef SN_CHAR *SCOPE_NAME;

/** The name of an administrative scope. */
struct _MIB_IPMCAST_SCOPE {
    /** First group of the range. Network byte order. */
    DWORD dwGroupAddress;
    /** Mask of the range. Network byte order. */
    DWORD dwGroupMask;
    /** The name. */
    SCOPE_NAME_BUFFER snNameBuffer;
    DWORD dwStatus;
};
typedef struct _MIB_IPMCAST_SCOPE MIB_IPMCAST_SCOPE;
typedef MIB_IPMCAST_SCOPE *PMIB_IPMCAST_SCOPE;

/* Bytes of an entry before its outgoing interfaces, and with X of them. */
#define SIZEOF_BASIC_MIB_MFE ((ULONG)offsetof(MIB_IPMCAST_MFE, rgmioOutInfo))
#define SIZEOF_MIB_MFE(X) (SIZEOF_BASIC_MIB_MFE + ((X) * sizeof(MIB_IPMCAST_OIF)))
#define SIZEOF_BASIC_MIB_MFE_STATS ((ULONG)offsetof(MIB_IPMCAST_MFE_STATS, rgmiosOutStats))
#define SIZEOF_MIB_MFE_STATS(X)                                                                \
    (SIZEOF_BASIC_MIB_MFE_STATS + ((X) * sizeof(MIB_IPMCAST_OIF_STATS)))
#define SIZEOF_BASIC_MIB_MFE_STATS_EX                                                          \
    ((ULONG)offsetof(MIB_IPMCAST_MFE_STATS_EX, rgmiosOutStats))
#define SIZEOF_MIB_MFE_STATS_EX(X)                                                             \
    (SIZEOF_BASIC_MIB_MFE_STATS_EX + ((X) * sizeof(MIB_IPMCAST_OIF_STATS)))

/* Bytes of a table with X entries. */
#ifndef ALIGN_SIZE
#define ALIGN_SIZE 0x00000008
#endif
#define SIZEOF_MCAST_IF_TABLE(X)                                                               \
    (offsetof(MIB_IPMCAST_IF_TABLE, table) + ((X) * sizeof(MIB_IPMCAST_IF_ENTRY)) + ALIGN_SIZE)
#define SIZEOF_BOUNDARY_TABLE(X)                                                               \
    (offsetof(MIB_IPMCAST_BOUNDARY_TABLE, table) + ((X) * sizeof(MIB_IPMCAST_BOUNDARY)) +      \
     ALIGN_SIZE)

/* ------------------- Routes (the routing table manager) ------------------- */

/** Bytes in the longest address. */
#define RTM_MAX_ADDRESS_SIZE 16

/** Number of a view. */
typedef INT RTM_VIEW_ID;
typedef RTM_VIEW_ID *PRTM_VIEW_ID;

/** Set of views, one bit each. */
typedef DWORD RTM_VIEW_SET;
typedef RTM_VIEW_SET *PRTM_VIEW_SET;

/** Always NULL in what MGM shows: MGM is not the routing table manager. */
typedef HANDLE RTM_ENTITY_HANDLE;
typedef RTM_ENTITY_HANDLE *PRTM_ENTITY_HANDLE;

/** Always NULL in what MGM shows. */
typedef HANDLE RTM_DEST_HANDLE;
typedef RTM_DEST_HANDLE *PRTM_DEST_HANDLE;

/** Always NULL in what MGM shows. */
typedef HANDLE RTM_ROUTE_HANDLE;
typedef RTM_ROUTE_HANDLE *PRTM_ROUTE_HANDLE;

/** An address prefix. */
struct _RTM_NET_ADDRESS {
    /** AF_INET. */
    USHORT AddressFamily;
    /** Length of the prefix in bits. */
    USHORT NumBits;
    /** The address in network byte order; the first four bytes count. */
    UCHAR AddrBits[RTM_MAX_ADDRESS_SIZE];
};
typedef struct _RTM_NET_ADDRESS RTM_NET_ADDRESS;
typedef RTM_NET_ADDRESS *PRTM_NET_ADDRESS;

/** What one view knows of a destination. */
struct _RTM_DEST_VIEW_INFO {
    /** The view: RTM_VIEW_ID_MCAST. */
    RTM_VIEW_ID ViewId;
    /** Number of routes in this view. */
    UINT NumRoutes;
    /** The best route: NULL. */
    RTM_ROUTE_HANDLE Route;
    /** Its owner: NULL. */
    RTM_ENTITY_HANDLE Owner;
    /** 0. */
    DWORD DestFlags;
    /** The route in hold-down: NULL. */
    RTM_ROUTE_HANDLE HoldRoute;
};

/**
 * A destination and the routes to it: pbRoute of PMGM_RPF_CALLBACK points to
 * one, with one view.
 */
struct _RTM_DEST_INFO {
    /** NULL. */
    RTM_DEST_HANDLE DestHandle;
    /** The network of the route that matched. */
    RTM_NET_ADDRESS DestAddress;
    /** 0. */
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

/** The unicast view's number. */
#define RTM_VIEW_ID_UCAST 0

/** The multicast view's number: the one that RPF checks go by. */
#define RTM_VIEW_ID_MCAST 1

/** Set of views: none. */
#define RTM_VIEW_MASK_NONE 0

/** Set of views: whichever. */
#define RTM_VIEW_MASK_ANY 0

/** Set of views: unicast. */
#define RTM_VIEW_MASK_UCAST 1

/** Set of views: multicast. */
#define RTM_VIEW_MASK_MCAST 2

/** Set of views: all. */
#define RTM_VIEW_MASK_ALL 4294967295

/* Bytes of a destination before its views, of a view, and with NumViews of them. */
#define RTM_BASIC_DEST_INFO_SIZE offsetof(RTM_DEST_INFO, ViewInfo)
#define RTM_DEST_VIEW_INFO_SIZE (sizeof(RTM_DEST_INFO) - RTM_BASIC_DEST_INFO_SIZE)
#define RTM_SIZE_OF_DEST_INFO(NumViews)                                                        \
    (RTM_BASIC_DEST_INFO_SIZE + (NumViews) * RTM_DEST_VIEW_INFO_SIZE)

#ifdef __cplusplus
} /* extern "C" */
#endif

/*
 * Between an RTM_NET_ADDRESS and an IPv4 address (network byte order) with its
 * prefix length or mask. Inline functions behind the names of the macros, so
 * that arguments are evaluated once and alignment does not matter. No casts: C++
 * programs may be compiled with -Wold-style-cast.
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
