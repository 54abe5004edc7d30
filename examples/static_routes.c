/*
 * static_routes.c - static multicast routes from a file. Each line of the file is a route:
 *
 *     # source   group        in  out
 *     10.0.0.5   239.1.1.1    1   2 3
 *     *          239.2.2.2    1   3
 *
 * The flow of a line must arrive on "in", and is forwarded out of "out". The protocol takes the
 * interfaces of all lines, and adds memberships on the outgoing ones. In the RPF callback it
 * names the incoming one.
 *
 * This program was written for Windows, and compiles unchanged on Linux: docs/porting.md.
 */
#include <winsock2.h>
#include <windows.h>
#include <iprtrmib.h>
#include <rtmv2.h>
#include <routprot.h>
#include <mgm.h>

#include "lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MASK 0xffffffff

enum { MOST_ROUTES = 64, MOST_OUT = 16 };

typedef struct _STATIC_ROUTE {
    DWORD dwSource, dwGroup; /* source 0 means any source */
    DWORD dwIn;
    DWORD dwNumOut, rgdwOut[MOST_OUT];
} STATIC_ROUTE, *PSTATIC_ROUTE;

/* Written before the registration and only read by callbacks, so it needs no lock. */
static STATIC_ROUTE g_routes[MOST_ROUTES];
static DWORD g_dwNumRoutes;
static HANDLE g_hProtocol;

static void fail(const char *what, DWORD dwCode)
{
    fprintf(stderr, "static_routes: %s: error %lu\n", what, (unsigned long)dwCode);
    exit(1);
}

static VOID print_flow(const char *what, DWORD dwSource, DWORD dwGroup)
{
    struct in_addr in;

    in.s_addr = dwSource;
    printf("%s (%s, ", what, dwSource == 0 ? "*" : inet_ntoa(in));
    in.s_addr = dwGroup;
    printf("%s)", inet_ntoa(in));
}

/* The route of a flow. A route with the source is preferred to one with any source. */
static PSTATIC_ROUTE find_route(DWORD dwSource, DWORD dwGroup)
{
    PSTATIC_ROUTE pAny = NULL;
    DWORD i;

    for (i = 0; i < g_dwNumRoutes; i++) {
        if (g_routes[i].dwGroup != dwGroup)
            continue;
        if (g_routes[i].dwSource == dwSource)
            return &g_routes[i];
        if (g_routes[i].dwSource == 0)
            pAny = &g_routes[i];
    }
    return pAny;
}

/* ---- callbacks --------------------------------------------------------- */

/* Called if the unicast route leads through an interface of this protocol, or (with interface 0)
 * if no route does and the packet arrived on one. The route of the file decides. */
static DWORD WINAPI on_rpf(DWORD dwSource, DWORD dwSourceMask, DWORD dwGroup, DWORD dwGroupMask,
                           PDWORD pdwInIfIndex, PDWORD pdwInIfNextHopAddr,
                           PDWORD pdwUpStreamNbr, DWORD dwHdrSize, PBYTE pbPacketHdr,
                           PBYTE pbRoute)
{
    PSTATIC_ROUTE pRoute = find_route(dwSource, dwGroup);
    PRTM_DEST_INFO pDest = (PRTM_DEST_INFO)pbRoute;
    DWORD dwNetwork;
    USHORT usLength;

    UNREFERENCED_PARAMETER(dwSourceMask);
    UNREFERENCED_PARAMETER(dwGroupMask);
    UNREFERENCED_PARAMETER(dwHdrSize);
    UNREFERENCED_PARAMETER(pbPacketHdr);
    RTM_IPV4_GET_ADDR_AND_LEN(dwNetwork, usLength, &pDest->DestAddress);
    print_flow("rpf", dwSource, dwGroup);
    if (*pdwInIfIndex == 0)
        printf(": by no route");
    else
        printf(": by the route to %s/%u it comes in on %lu",
               inet_ntoa(*(struct in_addr *)&dwNetwork), (unsigned)usLength,
               (unsigned long)*pdwInIfIndex);
    if (pRoute != NULL && pRoute->dwIn != *pdwInIfIndex) {
        *pdwInIfIndex = pRoute->dwIn;
        *pdwInIfNextHopAddr = 0;
        *pdwUpStreamNbr = 0;
        printf(", by the file on %lu", (unsigned long)pRoute->dwIn);
    }
    printf("\n");
    return NO_ERROR;
}

/* The group may have memberships on interfaces to which this flow has no route. */
static DWORD WINAPI on_creation(DWORD dwSource, DWORD dwSourceMask, DWORD dwGroup,
                                DWORD dwGroupMask, DWORD dwInIfIndex, DWORD dwInIfNextHopAddr,
                                DWORD dwIfCount, PMGM_IF_ENTRY pmieOutIfList)
{
    PSTATIC_ROUTE pRoute = find_route(dwSource, dwGroup);
    DWORD i, j;

    UNREFERENCED_PARAMETER(dwSourceMask);
    UNREFERENCED_PARAMETER(dwGroupMask);
    UNREFERENCED_PARAMETER(dwInIfIndex);
    UNREFERENCED_PARAMETER(dwInIfNextHopAddr);
    for (i = 0; i < dwIfCount; i++) {
        pmieOutIfList[i].bIsEnabled = FALSE;
        for (j = 0; pRoute != NULL && j < pRoute->dwNumOut; j++) {
            if (pRoute->rgdwOut[j] == pmieOutIfList[i].dwIfIndex)
                pmieOutIfList[i].bIsEnabled = TRUE;
        }
    }
    print_flow("creation", dwSource, dwGroup);
    printf(": %lu outgoing\n", (unsigned long)dwIfCount);
    return NO_ERROR;
}

static DWORD WINAPI on_wrong_if(DWORD dwSource, DWORD dwGroup, DWORD dwIfIndex,
                                DWORD dwIfNextHopAddr, DWORD dwHdrSize, PBYTE pbPacketHdr)
{
    UNREFERENCED_PARAMETER(dwIfNextHopAddr);
    UNREFERENCED_PARAMETER(pbPacketHdr);
    print_flow("wrong interface", dwSource, dwGroup);
    printf(": %lu, header of %lu bytes\n", (unsigned long)dwIfIndex, (unsigned long)dwHdrSize);
    return NO_ERROR;
}

/* ---- the file ---------------------------------------------------------- */

static VOID parse(char *line)
{
    PSTATIC_ROUTE pRoute = &g_routes[g_dwNumRoutes];
    char *source = strtok(line, " \t\r\n"), *group = strtok(NULL, " \t\r\n");
    char *in = strtok(NULL, " \t\r\n"), *out;

    if (source == NULL || *source == '#' || group == NULL || in == NULL)
        return;
    if (g_dwNumRoutes == MOST_ROUTES)
        fail("too many routes", ERROR_NOT_ENOUGH_MEMORY);
    pRoute->dwSource = strcmp(source, "*") == 0 ? 0 : inet_addr(source);
    pRoute->dwGroup = inet_addr(group);
    pRoute->dwIn = (DWORD)atoi(in);
    while ((out = strtok(NULL, " \t\r\n")) != NULL && pRoute->dwNumOut < MOST_OUT)
        pRoute->rgdwOut[pRoute->dwNumOut++] = (DWORD)atoi(out);
    g_dwNumRoutes++;
}

static VOID read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    char line[256];

    if (file == NULL)
        fail(name, ERROR_FILE_NOT_FOUND);
    while (fgets(line, sizeof(line), file) != NULL)
        parse(line);
    fclose(file);
}

/* ---- start and end ----------------------------------------------------- */

/* Several routes may use one interface. */
static VOID take(DWORD dwIfIndex)
{
    DWORD dwProtocol, dwComponent, dwCode;

    if (MgmGetProtocolOnInterface(dwIfIndex, 0, &dwProtocol, &dwComponent) == NO_ERROR &&
        dwProtocol == PROTO_IP_NT_STATIC)
        return;
    dwCode = MgmTakeInterfaceOwnership(g_hProtocol, dwIfIndex, 0);
    if (dwCode != NO_ERROR)
        fail("MgmTakeInterfaceOwnership", dwCode);
}

static VOID start(VOID)
{
    ROUTING_PROTOCOL_CONFIG config;
    DWORD dwCode, i, j;

    ZeroMemory(&config, sizeof(config));
    config.pfnRpfCallback = on_rpf;
    config.pfnCreationAlertCallback = on_creation;
    config.pfnWrongIfCallback = on_wrong_if;
    dwCode = MgmRegisterMProtocol(&config, PROTO_IP_NT_STATIC, 1, &g_hProtocol);
    if (dwCode != NO_ERROR)
        fail("MgmRegisterMProtocol", dwCode);
    for (i = 0; i < g_dwNumRoutes; i++) {
        PSTATIC_ROUTE pRoute = &g_routes[i];

        take(pRoute->dwIn);
        for (j = 0; j < pRoute->dwNumOut; j++) {
            take(pRoute->rgdwOut[j]);
            dwCode = MgmAddGroupMembershipEntry(
                g_hProtocol, pRoute->dwSource, pRoute->dwSource == 0 ? 0 : HOST_MASK,
                pRoute->dwGroup, HOST_MASK, pRoute->rgdwOut[j], 0, MGM_JOIN_STATE_FLAG);
            if (dwCode != NO_ERROR)
                fail("MgmAddGroupMembershipEntry", dwCode);
        }
    }
    printf("routes: %lu\n", (unsigned long)g_dwNumRoutes);
}

/* The release of an interface that the protocol does not own is refused, which does no harm. */
static VOID stop(VOID)
{
    DWORD i, j, dwCode;

    for (i = 0; i < g_dwNumRoutes; i++) {
        MgmReleaseInterfaceOwnership(g_hProtocol, g_routes[i].dwIn, 0);
        for (j = 0; j < g_routes[i].dwNumOut; j++)
            MgmReleaseInterfaceOwnership(g_hProtocol, g_routes[i].rgdwOut[j], 0);
    }
    dwCode = MgmDeRegisterMProtocol(g_hProtocol);
    if (dwCode != NO_ERROR)
        fail("MgmDeRegisterMProtocol", dwCode);
}

static int no_command(int count, char **words)
{
    UNREFERENCED_PARAMETER(count);
    UNREFERENCED_PARAMETER(words);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        fail("static_routes FILE", ERROR_INVALID_PARAMETER);
    read_file(argv[1]);
    start();
    lab_run(no_command);
    stop();
    return 0;
}
