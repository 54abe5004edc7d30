// The functions of the library as Go calls them: call_MgmSetMfe is MgmSetMfe, and so on. The library keeps the
// reason of a refusal for the thread of the call, and Go may continue on another thread. So each of these
// functions also reads the reason.
#ifndef MGM_GO_CALLS_H
#define MGM_GO_CALLS_H

#include <mgmhost.h>

// What a call has returned: its code, and the message of the library if it was refused. The message is NULL if
// there is none; otherwise it is freed with free().
typedef struct {
    DWORD code;
    char *message;
} mgm_go_outcome;

// Returns the outcome of a call that this thread has just made.
mgm_go_outcome mgm_go_outcome_of(DWORD code);

#define MGM_GO_CALL(name, parameters, arguments)                                                   \
    static inline mgm_go_outcome call_##name parameters { return mgm_go_outcome_of(name arguments); }

MGM_GO_CALL(MgmRegisterMProtocol,
            (PROUTING_PROTOCOL_CONFIG prpiInfo, DWORD dwProtocolId, DWORD dwComponentId, HANDLE *phProtocol),
            (prpiInfo, dwProtocolId, dwComponentId, phProtocol))
MGM_GO_CALL(MgmDeRegisterMProtocol, (HANDLE hProtocol), (hProtocol))
MGM_GO_CALL(MgmTakeInterfaceOwnership,
            (HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr),
            (hProtocol, dwIfIndex, dwIfNextHopAddr))
MGM_GO_CALL(MgmReleaseInterfaceOwnership,
            (HANDLE hProtocol, DWORD dwIfIndex, DWORD dwIfNextHopAddr),
            (hProtocol, dwIfIndex, dwIfNextHopAddr))
MGM_GO_CALL(MgmGetProtocolOnInterface,
            (DWORD dwIfIndex, DWORD dwIfNextHopAddr, PDWORD pdwIfProtocolId, PDWORD pdwIfComponentId),
            (dwIfIndex, dwIfNextHopAddr, pdwIfProtocolId, pdwIfComponentId))
MGM_GO_CALL(MgmAddGroupMembershipEntry,
            (HANDLE hProtocol, DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD
             dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopIPAddr, DWORD dwFlags),
            (hProtocol, dwSourceAddr, dwSourceMask, dwGroupAddr, dwGroupMask, dwIfIndex,
             dwIfNextHopIPAddr, dwFlags))
MGM_GO_CALL(MgmDeleteGroupMembershipEntry,
            (HANDLE hProtocol, DWORD dwSourceAddr, DWORD dwSourceMask, DWORD dwGroupAddr, DWORD
             dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopIPAddr, DWORD dwFlags),
            (hProtocol, dwSourceAddr, dwSourceMask, dwGroupAddr, dwGroupMask, dwIfIndex,
             dwIfNextHopIPAddr, dwFlags))
MGM_GO_CALL(MgmGetMfe,
            (PMIB_IPMCAST_MFE pimm, PDWORD pdwBufferSize, PBYTE pbBuffer),
            (pimm, pdwBufferSize, pbBuffer))
MGM_GO_CALL(MgmGetFirstMfe,
            (PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries),
            (pdwBufferSize, pbBuffer, pdwNumEntries))
MGM_GO_CALL(MgmGetNextMfe,
            (PMIB_IPMCAST_MFE pimmStart, PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries),
            (pimmStart, pdwBufferSize, pbBuffer, pdwNumEntries))
MGM_GO_CALL(MgmSetMfe, (HANDLE hProtocol, PMIB_IPMCAST_MFE pmimm), (hProtocol, pmimm))
MGM_GO_CALL(MgmGetMfeStats,
            (PMIB_IPMCAST_MFE pimm, PDWORD pdwBufferSize, PBYTE pbBuffer, DWORD dwFlags),
            (pimm, pdwBufferSize, pbBuffer, dwFlags))
MGM_GO_CALL(MgmGetFirstMfeStats,
            (PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries, DWORD dwFlags),
            (pdwBufferSize, pbBuffer, pdwNumEntries, dwFlags))
MGM_GO_CALL(MgmGetNextMfeStats,
            (PMIB_IPMCAST_MFE pimmStart, PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD
             pdwNumEntries, DWORD dwFlags),
            (pimmStart, pdwBufferSize, pbBuffer, pdwNumEntries, dwFlags))
MGM_GO_CALL(MgmGroupEnumerationStart,
            (HANDLE hProtocol, MGM_ENUM_TYPES metEnumType, HANDLE *phEnumHandle),
            (hProtocol, metEnumType, phEnumHandle))
MGM_GO_CALL(MgmGroupEnumerationGetNext,
            (HANDLE hEnum, PDWORD pdwBufferSize, PBYTE pbBuffer, PDWORD pdwNumEntries),
            (hEnum, pdwBufferSize, pbBuffer, pdwNumEntries))
MGM_GO_CALL(MgmHostVersion, (PMGMHOST_VERSION pVersion), (pVersion))
MGM_GO_CALL(MgmHostStart, (const MGMHOST_CONFIG *pConfig), (pConfig))
MGM_GO_CALL(MgmHostStop, (void), ())
MGM_GO_CALL(MgmHostAddInterface,
            (DWORD dwIfIndex, DWORD dwIfNextHopAddr),
            (dwIfIndex, dwIfNextHopAddr))
MGM_GO_CALL(MgmHostDeleteInterface,
            (DWORD dwIfIndex, DWORD dwIfNextHopAddr),
            (dwIfIndex, dwIfNextHopAddr))
MGM_GO_CALL(MgmHostAddRoute,
            (DWORD dwNetwork, DWORD dwMask, DWORD dwIfIndex, DWORD dwNextHopAddr, DWORD
             dwProtocol, DWORD dwFlags),
            (dwNetwork, dwMask, dwIfIndex, dwNextHopAddr, dwProtocol, dwFlags))
MGM_GO_CALL(MgmHostDeleteRoute, (DWORD dwNetwork, DWORD dwMask), (dwNetwork, dwMask))
MGM_GO_CALL(MgmHostPacketIn,
            (DWORD dwSource, DWORD dwGroup, DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD
             dwHdrSize, const BYTE *pbPacketHdr, DWORD dwPacketSize, PBOOL pbAccepted, PDWORD
             pdwOifCount, PMGMHOST_OIF pOifs),
            (dwSource, dwGroup, dwIfIndex, dwIfNextHopAddr, dwHdrSize, pbPacketHdr, dwPacketSize,
             pbAccepted, pdwOifCount, pOifs))
MGM_GO_CALL(MgmHostGetArrival,
            (PDWORD pdwIfIndex, PDWORD pdwIfNextHopAddr),
            (pdwIfIndex, pdwIfNextHopAddr))
MGM_GO_CALL(MgmHostSetTtlThreshold,
            (DWORD dwIfIndex, DWORD dwIfNextHopAddr, DWORD dwThreshold),
            (dwIfIndex, dwIfNextHopAddr, dwThreshold))
MGM_GO_CALL(MgmHostSetFlowLimit,
            (DWORD dwIfIndex, DWORD dwFlowsPerSecond, DWORD dwBurst),
            (dwIfIndex, dwFlowsPerSecond, dwBurst))
MGM_GO_CALL(MgmHostAddBoundary, (const MIB_IPMCAST_BOUNDARY *pBoundary), (pBoundary))
MGM_GO_CALL(MgmHostDeleteBoundary, (const MIB_IPMCAST_BOUNDARY *pBoundary), (pBoundary))
MGM_GO_CALL(MgmHostSetScopeName,
            (DWORD dwGroupAddress, DWORD dwGroupMask, const WCHAR *pszName),
            (dwGroupAddress, dwGroupMask, pszName))
MGM_GO_CALL(MgmHostGetScopeName, (PMIB_IPMCAST_SCOPE pScope), (pScope))
MGM_GO_CALL(MgmHostSetLogLevel, (DWORD dwLogLevel), (dwLogLevel))
MGM_GO_CALL(MgmHostInterfaceIndex,
            (const char *pszName, PDWORD pdwIfIndex),
            (pszName, pdwIfIndex))
MGM_GO_CALL(MgmHostInterfaceName,
            (DWORD dwIfIndex, PDWORD pdwBufferSize, PBYTE pbBuffer),
            (dwIfIndex, pdwBufferSize, pbBuffer))
MGM_GO_CALL(MgmHostGetStatus,
            (DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer),
            (dwFlags, pdwBufferSize, pbBuffer))
MGM_GO_CALL(MgmHostGetMetrics,
            (DWORD dwFlags, PDWORD pdwBufferSize, PBYTE pbBuffer),
            (dwFlags, pdwBufferSize, pbBuffer))
MGM_GO_CALL(MgmHostExplain,
            (DWORD dwSource, DWORD dwGroup, DWORD dwIfIndex, DWORD dwIfNextHopAddr, PDWORD
             pdwBufferSize, PBYTE pbBuffer),
            (dwSource, dwGroup, dwIfIndex, dwIfNextHopAddr, pdwBufferSize, pbBuffer))
MGM_GO_CALL(MgmHostServeStatus, (const char *pszPath), (pszPath))
MGM_GO_CALL(MgmHostServeClients, (const char *pszPath, DWORD dwMode), (pszPath, dwMode))
MGM_GO_CALL(MgmHostServeClientsEx,
            (const char *pszPath, const MGMHOST_CLIENTS *pSettings),
            (pszPath, pSettings))
MGM_GO_CALL(MgmHostBeginBatch, (void), ())
MGM_GO_CALL(MgmHostEndBatch, (PDWORD pdwFirst), (pdwFirst))
MGM_GO_CALL(MgmHostSetGrace, (DWORD dwSeconds), (dwSeconds))
MGM_GO_CALL(MgmHostGraceDone, (HANDLE hProtocol), (hProtocol))

#undef MGM_GO_CALL

#endif
