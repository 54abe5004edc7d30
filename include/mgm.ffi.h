/*
 * mgm.ffi.h - mgm.h and mgmhost.h for languages that read C declarations themselves, such
 * as Python with cffi, LuaJIT, and Ruby with Fiddle. C programs include mgm.h instead.
 *
 * Generated from src/abi: edit the files there, then run "make headers".
 *
 * This file needs no preprocessor: it has no directives, and its only comments are those
 * at the top of each part. Each declaration is on one line, except that structures and
 * enumerations have a line for each member. The constants are enumerators. Macros that
 * are expressions are left out. mgm.h and mgmhost.h document all names.
 */

/* mgmtypes.h */

enum {
    FALSE = 0,
    TRUE = 1,
    NO_ERROR = 0,
    ERROR_SUCCESS = 0,
    ERROR_NOT_ENOUGH_MEMORY = 8,
    ERROR_INVALID_PARAMETER = 87,
    ERROR_INSUFFICIENT_BUFFER = 122,
    ERROR_ALREADY_EXISTS = 183,
    ERROR_MORE_DATA = 234,
    ERROR_NO_MORE_ITEMS = 259,
    ERROR_CAN_NOT_COMPLETE = 1003,
    ERROR_NOT_FOUND = 1168,
    PROTO_IP_OTHER = 1,
    PROTO_IP_LOCAL = 2,
    PROTO_IP_NETMGMT = 3,
    PROTO_IP_ICMP = 4,
    PROTO_IP_EGP = 5,
    PROTO_IP_GGP = 6,
    PROTO_IP_HELLO = 7,
    PROTO_IP_RIP = 8,
    PROTO_IP_IS_IS = 9,
    PROTO_IP_ES_IS = 10,
    PROTO_IP_CISCO = 11,
    PROTO_IP_BBN = 12,
    PROTO_IP_OSPF = 13,
    PROTO_IP_BGP = 14,
    PROTO_IP_MSDP = 9,
    PROTO_IP_IGMP = 10,
    PROTO_IP_BGMP = 11,
    PROTO_IP_VRRP = 112,
    PROTO_IP_BOOTP = 9999,
    PROTO_IP_NT_AUTOSTATIC = 10002,
    PROTO_IP_DNS_PROXY = 10003,
    PROTO_IP_DHCP_ALLOCATOR = 10004,
    PROTO_IP_NAT = 10005,
    PROTO_IP_NT_STATIC = 10006,
    PROTO_IP_NT_STATIC_NON_DOD = 10007,
    PROTO_IP_DIFFSERV = 10008,
    PROTO_IP_MGM = 10009,
    PROTO_TYPE_UCAST = 0,
    PROTO_TYPE_MCAST = 1,
    PROTO_TYPE_MS0 = 2,
    PROTO_TYPE_MS1 = 3,
    PROTO_VENDOR_MS0 = 0,
    PROTO_VENDOR_MS1 = 311,
    PROTO_VENDOR_MS2 = 16383,
    ANY_SIZE = 1,
    MAX_SCOPE_NAME_LEN = 255,
    ALIGN_SIZE = 8,
    RTM_MAX_ADDRESS_SIZE = 16,
    RTM_VIEW_ID_UCAST = 0,
    RTM_VIEW_ID_MCAST = 1,
    RTM_VIEW_MASK_NONE = 0,
    RTM_VIEW_MASK_ANY = 0,
    RTM_VIEW_MASK_UCAST = 1,
    RTM_VIEW_MASK_MCAST = 2
};

typedef int BOOL;
typedef BOOL *PBOOL;
typedef char CHAR;
typedef unsigned char UCHAR;
typedef UCHAR *PUCHAR;
typedef unsigned char BYTE;
typedef BYTE *PBYTE;
typedef unsigned short USHORT;
typedef USHORT *PUSHORT;
typedef unsigned short WORD;
typedef int INT;
typedef unsigned int UINT;
typedef UINT *PUINT;
typedef int LONG;
typedef unsigned int ULONG;
typedef ULONG *PULONG;
typedef unsigned int DWORD;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef unsigned long long ULONGLONG;
typedef void *PVOID;
typedef void *LPVOID;
typedef void *HANDLE;
typedef HANDLE *PHANDLE;
struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
};
typedef struct _FILETIME FILETIME;
typedef FILETIME *PFILETIME;
typedef unsigned short WCHAR;
typedef WCHAR *PWCHAR;
struct _MIB_IPMCAST_OIF {
    DWORD dwOutIfIndex;
    DWORD dwNextHopAddr;
    DWORD dwReserved;
    DWORD dwReserved1;
};
typedef struct _MIB_IPMCAST_OIF MIB_IPMCAST_OIF;
typedef MIB_IPMCAST_OIF *PMIB_IPMCAST_OIF;
typedef struct _MIB_IPMCAST_OIF MIB_IPMCAST_OIF_XP;
typedef MIB_IPMCAST_OIF_XP *PMIB_IPMCAST_OIF_XP;
struct _MIB_IPMCAST_MFE {
    DWORD dwGroup;
    DWORD dwSource;
    DWORD dwSrcMask;
    DWORD dwUpStrmNgbr;
    DWORD dwInIfIndex;
    DWORD dwInIfProtocol;
    DWORD dwRouteProtocol;
    DWORD dwRouteNetwork;
    DWORD dwRouteMask;
    ULONG ulUpTime;
    ULONG ulExpiryTime;
    ULONG ulTimeOut;
    ULONG ulNumOutIf;
    DWORD fFlags;
    DWORD dwReserved;
    MIB_IPMCAST_OIF rgmioOutInfo[1];
};
typedef struct _MIB_IPMCAST_MFE MIB_IPMCAST_MFE;
typedef MIB_IPMCAST_MFE *PMIB_IPMCAST_MFE;
struct _MIB_MFE_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE table[1];
};
typedef struct _MIB_MFE_TABLE MIB_MFE_TABLE;
typedef MIB_MFE_TABLE *PMIB_MFE_TABLE;
struct _MIB_IPMCAST_OIF_STATS {
    DWORD dwOutIfIndex;
    DWORD dwNextHopAddr;
    DWORD dwDialContext;
    ULONG ulTtlTooLow;
    ULONG ulFragNeeded;
    ULONG ulOutPackets;
    ULONG ulOutDiscards;
};
typedef struct _MIB_IPMCAST_OIF_STATS MIB_IPMCAST_OIF_STATS;
typedef MIB_IPMCAST_OIF_STATS *PMIB_IPMCAST_OIF_STATS;
typedef struct _MIB_IPMCAST_OIF_STATS MIB_IPMCAST_OIF_STATS_LH;
typedef MIB_IPMCAST_OIF_STATS_LH *PMIB_IPMCAST_OIF_STATS_LH;
struct _MIB_IPMCAST_MFE_STATS {
    DWORD dwGroup;
    DWORD dwSource;
    DWORD dwSrcMask;
    DWORD dwUpStrmNgbr;
    DWORD dwInIfIndex;
    DWORD dwInIfProtocol;
    DWORD dwRouteProtocol;
    DWORD dwRouteNetwork;
    DWORD dwRouteMask;
    ULONG ulUpTime;
    ULONG ulExpiryTime;
    ULONG ulNumOutIf;
    ULONG ulInPkts;
    ULONG ulInOctets;
    ULONG ulPktsDifferentIf;
    ULONG ulQueueOverflow;
    MIB_IPMCAST_OIF_STATS rgmiosOutStats[1];
};
typedef struct _MIB_IPMCAST_MFE_STATS MIB_IPMCAST_MFE_STATS;
typedef MIB_IPMCAST_MFE_STATS *PMIB_IPMCAST_MFE_STATS;
struct _MIB_MFE_STATS_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE_STATS table[1];
};
typedef struct _MIB_MFE_STATS_TABLE MIB_MFE_STATS_TABLE;
typedef MIB_MFE_STATS_TABLE *PMIB_MFE_STATS_TABLE;
struct _MIB_IPMCAST_MFE_STATS_EX {
    DWORD dwGroup;
    DWORD dwSource;
    DWORD dwSrcMask;
    DWORD dwUpStrmNgbr;
    DWORD dwInIfIndex;
    DWORD dwInIfProtocol;
    DWORD dwRouteProtocol;
    DWORD dwRouteNetwork;
    DWORD dwRouteMask;
    ULONG ulUpTime;
    ULONG ulExpiryTime;
    ULONG ulNumOutIf;
    ULONG ulInPkts;
    ULONG ulInOctets;
    ULONG ulPktsDifferentIf;
    ULONG ulQueueOverflow;
    ULONG ulUninitMfe;
    ULONG ulNegativeMfe;
    ULONG ulInDiscards;
    ULONG ulInHdrErrors;
    ULONG ulTotalOutPackets;
    MIB_IPMCAST_OIF_STATS rgmiosOutStats[1];
};
typedef struct _MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_MFE_STATS_EX;
typedef MIB_IPMCAST_MFE_STATS_EX *PMIB_IPMCAST_MFE_STATS_EX;
typedef struct _MIB_IPMCAST_MFE_STATS_EX MIB_IPMCAST_MFE_STATS_EX_XP;
typedef MIB_IPMCAST_MFE_STATS_EX_XP *PMIB_IPMCAST_MFE_STATS_EX_XP;
struct _MIB_MFE_STATS_TABLE_EX {
    DWORD dwNumEntries;
    MIB_IPMCAST_MFE_STATS_EX table[1];
};
typedef struct _MIB_MFE_STATS_TABLE_EX MIB_MFE_STATS_TABLE_EX;
typedef MIB_MFE_STATS_TABLE_EX *PMIB_MFE_STATS_TABLE_EX;
struct _MIB_IPMCAST_GLOBAL {
    DWORD dwEnable;
};
typedef struct _MIB_IPMCAST_GLOBAL MIB_IPMCAST_GLOBAL;
typedef MIB_IPMCAST_GLOBAL *PMIB_IPMCAST_GLOBAL;
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
struct _MIB_IPMCAST_IF_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_IF_ENTRY table[1];
};
typedef struct _MIB_IPMCAST_IF_TABLE MIB_IPMCAST_IF_TABLE;
typedef MIB_IPMCAST_IF_TABLE *PMIB_IPMCAST_IF_TABLE;
struct _MIB_IPMCAST_BOUNDARY {
    DWORD dwIfIndex;
    DWORD dwGroupAddress;
    DWORD dwGroupMask;
    DWORD dwStatus;
};
typedef struct _MIB_IPMCAST_BOUNDARY MIB_IPMCAST_BOUNDARY;
typedef MIB_IPMCAST_BOUNDARY *PMIB_IPMCAST_BOUNDARY;
struct _MIB_IPMCAST_BOUNDARY_TABLE {
    DWORD dwNumEntries;
    MIB_IPMCAST_BOUNDARY table[1];
};
typedef struct _MIB_IPMCAST_BOUNDARY_TABLE MIB_IPMCAST_BOUNDARY_TABLE;
typedef MIB_IPMCAST_BOUNDARY_TABLE *PMIB_IPMCAST_BOUNDARY_TABLE;
struct _MIB_BOUNDARYROW {
    DWORD dwGroupAddress;
    DWORD dwGroupMask;
};
typedef struct _MIB_BOUNDARYROW MIB_BOUNDARYROW;
typedef MIB_BOUNDARYROW *PMIB_BOUNDARYROW;
struct _MIB_MCAST_LIMIT_ROW {
    DWORD dwTtl;
    DWORD dwRateLimit;
};
typedef struct _MIB_MCAST_LIMIT_ROW MIB_MCAST_LIMIT_ROW;
typedef MIB_MCAST_LIMIT_ROW *PMIB_MCAST_LIMIT_ROW;
typedef WCHAR SN_CHAR;
typedef SN_CHAR SCOPE_NAME_BUFFER[256];
typedef SN_CHAR *SCOPE_NAME;
struct _MIB_IPMCAST_SCOPE {
    DWORD dwGroupAddress;
    DWORD dwGroupMask;
    SCOPE_NAME_BUFFER snNameBuffer;
    DWORD dwStatus;
};
typedef struct _MIB_IPMCAST_SCOPE MIB_IPMCAST_SCOPE;
typedef MIB_IPMCAST_SCOPE *PMIB_IPMCAST_SCOPE;
typedef INT RTM_VIEW_ID;
typedef RTM_VIEW_ID *PRTM_VIEW_ID;
typedef DWORD RTM_VIEW_SET;
typedef RTM_VIEW_SET *PRTM_VIEW_SET;
typedef HANDLE RTM_ENTITY_HANDLE;
typedef RTM_ENTITY_HANDLE *PRTM_ENTITY_HANDLE;
typedef HANDLE RTM_DEST_HANDLE;
typedef RTM_DEST_HANDLE *PRTM_DEST_HANDLE;
typedef HANDLE RTM_ROUTE_HANDLE;
typedef RTM_ROUTE_HANDLE *PRTM_ROUTE_HANDLE;
struct _RTM_NET_ADDRESS {
    USHORT AddressFamily;
    USHORT NumBits;
    UCHAR AddrBits[16];
};
typedef struct _RTM_NET_ADDRESS RTM_NET_ADDRESS;
typedef RTM_NET_ADDRESS *PRTM_NET_ADDRESS;
struct _RTM_DEST_VIEW_INFO {
    RTM_VIEW_ID ViewId;
    UINT NumRoutes;
    RTM_ROUTE_HANDLE Route;
    RTM_ENTITY_HANDLE Owner;
    DWORD DestFlags;
    RTM_ROUTE_HANDLE HoldRoute;
};
struct _RTM_DEST_INFO {
    RTM_DEST_HANDLE DestHandle;
    RTM_NET_ADDRESS DestAddress;
    FILETIME LastChanged;
    RTM_VIEW_SET BelongsToViews;
    UINT NumberOfViews;
    struct _RTM_DEST_VIEW_INFO ViewInfo[1];
};
typedef struct _RTM_DEST_INFO RTM_DEST_INFO;
typedef RTM_DEST_INFO *PRTM_DEST_INFO;

/* mgm.h */

enum {
    MGM_JOIN_STATE_FLAG = 1,
    MGM_FORWARD_STATE_FLAG = 2,
    MGM_FORWARD_STATE = 2,
    MGM_MFE_STATS_0 = 1,
    MGM_MFE_STATS_1 = 2
};

struct _MGM_IF_ENTRY {
    DWORD dwIfIndex;
    DWORD dwIfNextHopAddr;
    BOOL bIGMP;
    BOOL bIsEnabled;
};
typedef struct _MGM_IF_ENTRY MGM_IF_ENTRY;
typedef MGM_IF_ENTRY *PMGM_IF_ENTRY;
typedef DWORD (*PMGM_RPF_CALLBACK)(DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, PDWORD pdwInIfIndex, PDWORD pdwInIfNextHopAddr, PDWORD pdwUpStreamNbr, DWORD dwHdrSize, PBYTE pbPacketHdr, PBYTE pbRoute);
typedef DWORD (*PMGM_CREATION_ALERT_CALLBACK)(DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, DWORD dwInIfIndex, DWORD dwInIfNextHopAddr, DWORD dwIfCount, PMGM_IF_ENTRY pmieOutIfList);
typedef DWORD (*PMGM_PRUNE_ALERT_CALLBACK)(DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopAddr, BOOL bMemberDelete, PDWORD pdwTimeout);
typedef DWORD (*PMGM_JOIN_ALERT_CALLBACK)(DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, BOOL bMemberUpdate);
typedef DWORD (*PMGM_WRONG_IF_CALLBACK)(DWORD dwSourceAddr, DWORD dwGroupAddr, DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD dwHdrSize, PBYTE pbPacketHdr);
typedef DWORD (*PMGM_LOCAL_JOIN_CALLBACK)(DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopAddr);
typedef DWORD (*PMGM_LOCAL_LEAVE_CALLBACK)(DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopAddr);
typedef DWORD (*PMGM_DISABLE_IGMP_CALLBACK)(DWORD dwIfIndex, DWORD dwIfNextHopAddr);
typedef DWORD (*PMGM_ENABLE_IGMP_CALLBACK)(DWORD dwIfIndex, DWORD dwIfNextHopAddr);
typedef enum _MGM_ENUM_TYPES {
    ANY_SOURCE = 0,
    ALL_SOURCES = 1
} MGM_ENUM_TYPES;
struct _ROUTING_PROTOCOL_CONFIG {
    DWORD dwCallbackFlags;
    PMGM_RPF_CALLBACK pfnRpfCallback;
    PMGM_CREATION_ALERT_CALLBACK pfnCreationAlertCallback;
    PMGM_PRUNE_ALERT_CALLBACK pfnPruneAlertCallback;
    PMGM_JOIN_ALERT_CALLBACK pfnJoinAlertCallback;
    PMGM_WRONG_IF_CALLBACK pfnWrongIfCallback;
    PMGM_LOCAL_JOIN_CALLBACK pfnLocalJoinCallback;
    PMGM_LOCAL_LEAVE_CALLBACK pfnLocalLeaveCallback;
    PMGM_DISABLE_IGMP_CALLBACK pfnDisableIgmpCallback;
    PMGM_ENABLE_IGMP_CALLBACK pfnEnableIgmpCallback;
};
typedef struct _ROUTING_PROTOCOL_CONFIG ROUTING_PROTOCOL_CONFIG;
typedef ROUTING_PROTOCOL_CONFIG *PROUTING_PROTOCOL_CONFIG;
struct _SOURCE_GROUP_ENTRY {
    DWORD dwSourceAddr;
    DWORD dwSourceMask;
    DWORD dwGroupAddr;
    DWORD dwGroupMask;
};
typedef struct _SOURCE_GROUP_ENTRY SOURCE_GROUP_ENTRY;
typedef SOURCE_GROUP_ENTRY *PSOURCE_GROUP_ENTRY;
DWORD MgmRegisterMProtocol(PROUTING_PROTOCOL_CONFIG prpiInfo, DWORD dwProtocolId, DWORD dwComponentId, HANDLE *phProtocol);
DWORD MgmDeRegisterMProtocol(HANDLE hProtocol);
DWORD MgmTakeInterfaceOwnership(HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr);
DWORD MgmReleaseInterfaceOwnership(HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr);
DWORD MgmGetProtocolOnInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr, PDWORD pdwIfProtocolId, PDWORD pdwIfComponentId);
DWORD MgmAddGroupMembershipEntry(HANDLE hProtocol, DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopIPAddr, DWORD dwFlags);
DWORD MgmDeleteGroupMembershipEntry(HANDLE hProtocol, DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopIPAddr, DWORD dwFlags);
DWORD MgmGetMfe(PMIB_IPMCAST_MFE pimm, PDWORD pdwBufferSize, PBYTE pbBuffer);
DWORD MgmGetFirstMfe(PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries);
DWORD MgmGetNextMfe(PMIB_IPMCAST_MFE pimmStart, PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries);
DWORD MgmSetMfe(HANDLE hProtocol, PMIB_IPMCAST_MFE pmimm);
DWORD MgmGetMfeStats(PMIB_IPMCAST_MFE pimm, PDWORD pdwBufferSize, PBYTE pbBuffer, DWORD dwFlags);
DWORD MgmGetFirstMfeStats(PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries, DWORD dwFlags);
DWORD MgmGetNextMfeStats(PMIB_IPMCAST_MFE pimmStart, PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries, DWORD dwFlags);
DWORD MgmGroupEnumerationStart(HANDLE hProtocol, MGM_ENUM_TYPES metEnumType, HANDLE *phEnumHandle);
DWORD MgmGroupEnumerationGetNext(HANDLE hEnum, PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries);
DWORD MgmGroupEnumerationEnd(HANDLE hEnum);

/* mgmhost.h */

enum {
    MGMHOST_API_MAJOR = 1,
    MGMHOST_API_MINOR = 0,
    MGMHOST_FORWARDER_DEFAULT = 0,
    MGMHOST_FORWARDER_AUTO = 1,
    MGMHOST_FORWARDER_KERNEL = 2,
    MGMHOST_FORWARDER_MEMORY = 3,
    MGMHOST_FORWARDER_EBPF = 4,
    MGMHOST_LOG_DEFAULT = 0,
    MGMHOST_LOG_OFF = 1,
    MGMHOST_LOG_ERROR = 2,
    MGMHOST_LOG_WARN = 3,
    MGMHOST_LOG_INFO = 4,
    MGMHOST_LOG_DEBUG = 5,
    MGMHOST_LOG_TRACE = 6,
    MGMHOST_START_OPEN_FORWARDER = 1,
    MGMHOST_CLIENTS_OWNER = 1,
    MGMHOST_CLIENTS_GROUP = 2,
    MGMHOST_ROUTE_LOCAL = 1,
    MGMHOST_ROUTE_PREFERRED = 2,
    MGMHOST_STATUS_NO_MEMBERSHIPS = 1,
    MGMHOST_STATUS_NO_MFES = 2,
    MGMHOST_METRICS_MFES = 1
};

struct _MGMHOST_VERSION {
    DWORD dwSize;
    DWORD dwApiMajor;
    DWORD dwApiMinor;
    DWORD dwBuildMajor;
    DWORD dwBuildMinor;
    DWORD dwBuildPatch;
    const char *pszBuild;
};
typedef struct _MGMHOST_VERSION MGMHOST_VERSION;
typedef MGMHOST_VERSION *PMGMHOST_VERSION;
typedef void (*MGMHOST_LOG_CALLBACK)(void *pvContext, DWORD dwLevel, const char *pszText);
typedef void (*MGMHOST_ROUTER_LOST)(void *pvContext);
struct _MGMHOST_CONFIG {
    DWORD dwSize;
    DWORD dwForwarder;
    DWORD dwTable;
    DWORD dwMfeTimeout;
    DWORD dwLogLevel;
    DWORD dwReserved;
    MGMHOST_LOG_CALLBACK pfnLogCallback;
    void *pvLogContext;
    DWORD dwUnicastTable;
    DWORD dwMaxFlows;
    DWORD dwFlags;
    DWORD dwReserved1;
    const char *pszRouter;
};
typedef struct _MGMHOST_CONFIG MGMHOST_CONFIG;
typedef MGMHOST_CONFIG *PMGMHOST_CONFIG;
struct _MGMHOST_OIF {
    DWORD dwIfIndex;
    DWORD dwIfNextHopAddr;
};
typedef struct _MGMHOST_OIF MGMHOST_OIF;
typedef MGMHOST_OIF *PMGMHOST_OIF;
struct _MGMHOST_CLIENTS {
    DWORD dwSize;
    DWORD dwFlags;
    DWORD dwMode;
    DWORD dwOwner;
    DWORD dwGroup;
    DWORD dwMaxProcesses;
    DWORD dwAnswerMs;
    DWORD dwMaxUserProcesses;
};
typedef struct _MGMHOST_CLIENTS MGMHOST_CLIENTS;
typedef MGMHOST_CLIENTS *PMGMHOST_CLIENTS;
struct _MGMHOST_CLIENT_REQUEST {
    DWORD dwSize;
    DWORD dwProcess;
    DWORD dwUser;
    DWORD dwProtocolId;
    DWORD dwComponentId;
    DWORD dwIfIndex;
    DWORD dwIfNextHopAddr;
};
typedef struct _MGMHOST_CLIENT_REQUEST MGMHOST_CLIENT_REQUEST;
typedef MGMHOST_CLIENT_REQUEST *PMGMHOST_CLIENT_REQUEST;
typedef BOOL (*MGMHOST_CLIENT_FILTER)(void *pvContext, const MGMHOST_CLIENT_REQUEST *pRequest);
DWORD MgmHostVersion(PMGMHOST_VERSION pVersion);
DWORD MgmHostStart(const MGMHOST_CONFIG *pConfig);
DWORD MgmHostStop(void);
DWORD MgmHostAddInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr);
DWORD MgmHostDeleteInterface(DWORD dwIfIndex, DWORD dwIfNextHopAddr);
DWORD MgmHostAddRoute(DWORD dwNetwork, DWORD dwMask, DWORD dwIfIndex, DWORD dwNextHopAddr, DWORD dwProtocol, DWORD dwFlags);
DWORD MgmHostDeleteRoute(DWORD dwNetwork, DWORD dwMask);
DWORD MgmHostPacketIn(DWORD dwSource, DWORD dwGroup, DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD dwHdrSize, const BYTE *pbPacketHdr, DWORD dwPacketSize, PBOOL pbAccepted, PDWORD pdwOifCount, PMGMHOST_OIF pOifs);
DWORD MgmHostGetArrival(PDWORD pdwIfIndex, PDWORD pdwIfNextHopAddr);
DWORD MgmHostSetLogCallback(MGMHOST_LOG_CALLBACK pfnLogCallback, void *pvContext);
DWORD MgmHostSetTtlThreshold(DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD dwThreshold);
DWORD MgmHostSetFlowLimit(DWORD dwIfIndex, DWORD dwFlowsPerSecond, DWORD dwBurst);
DWORD MgmHostAddBoundary(const MIB_IPMCAST_BOUNDARY *pBoundary);
DWORD MgmHostDeleteBoundary(const MIB_IPMCAST_BOUNDARY *pBoundary);
DWORD MgmHostSetScopeName(DWORD dwGroupAddress, DWORD dwGroupMask, const WCHAR *pszName);
DWORD MgmHostGetScopeName(PMIB_IPMCAST_SCOPE pScope);
DWORD MgmHostSetLogLevel(DWORD dwLogLevel);
DWORD MgmHostGetLastMessage(PDWORD pdwBufferSize, PBYTE pbBuffer);
DWORD MgmHostInterfaceIndex(const char *pszName, PDWORD pdwIfIndex);
DWORD MgmHostInterfaceName(DWORD dwIfIndex, PDWORD pdwBufferSize, PBYTE pbBuffer);
DWORD MgmHostGetStatus(DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer);
DWORD MgmHostGetMetrics(DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer);
DWORD MgmHostExplain(DWORD dwSource, DWORD dwGroup, DWORD dwIfIndex, DWORD dwIfNextHopAddr, PDWORD pdwBufferSize, PBYTE pbBuffer);
DWORD MgmHostServeStatus(const char *pszPath);
DWORD MgmHostServeClients(const char *pszPath, DWORD dwMode);
DWORD MgmHostServeClientsEx(const char *pszPath, const MGMHOST_CLIENTS *pSettings);
DWORD MgmHostSetClientFilter(MGMHOST_CLIENT_FILTER pfnFilter, void *pvContext);
DWORD MgmHostSetRouterLost(MGMHOST_ROUTER_LOST pfnLost, void *pvContext);
DWORD MgmHostSetGrace(DWORD dwSeconds);
DWORD MgmHostGraceDone(HANDLE hProtocol);
DWORD MgmHostBeginBatch(void);
DWORD MgmHostEndBatch(PDWORD pdwFirst);
