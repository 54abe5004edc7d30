/*
 * border_router.c - two protocols that share a router, each with its own domain:
 *
 *   sparse   forwards only what its neighbours ask for. It asks its own neighbours for
 *            what the other domain wants.
 *   dense    forwards everything to its neighbours until they prune. So it is a wildcard
 *            receiver (RFC 2715, section 3), and prunes upstream what nobody wants.
 *
 * The protocols know of each other only through the library. Lines of standard input stand
 * for messages of neighbours:
 *
 *   sparse 1 join *|SOURCE GROUP     sparse 1 leave *|SOURCE GROUP
 *   dense 3 prune SOURCE GROUP       dense 3 graft SOURCE GROUP
 *   wanted                           prints what others want from the sparse domain
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
/* A vendor number for this example. */
#define OUR_ID(number) PROTOCOL_ID(PROTO_TYPE_MCAST, PROTO_VENDOR_MS2, number)

enum { MOST_IFS = 16, MOST_WANTED = 64 };

typedef struct _PROTOCOL {
    const char *pszName;
    DWORD dwId;
    HANDLE hMgm;
    DWORD dwNumIfs, rgdwIfs[MOST_IFS];
} PROTOCOL, *PPROTOCOL;

static PROTOCOL sparse = {.pszName = "sparse", .dwId = OUR_ID(1)};
static PROTOCOL dense = {.pszName = "dense", .dwId = OUR_ID(2)};

/*
 * What others want from the sparse domain. Callbacks change it on any thread, so it has a
 * lock. Do not hold that lock while you call an Mgm function: the call may wait for a
 * callback that waits for the lock.
 */
static CRITICAL_SECTION g_lock;
static SOURCE_GROUP_ENTRY g_wanted[MOST_WANTED];
static DWORD g_dwNumWanted;

static const char *text(DWORD dwAddress)
{
    struct in_addr in;

    in.s_addr = dwAddress;
    return dwAddress == 0 ? "*" : inet_ntoa(in);
}

static VOID print_flow(DWORD dwSource, DWORD dwGroup)
{
    printf("(%s, ", text(dwSource)); /* two calls: inet_ntoa has only one buffer */
    printf("%s)", text(dwGroup));
}

static VOID say(PPROTOCOL us, const char *what, DWORD dwSource, DWORD dwGroup, const char *where)
{
    printf("%s: %s ", us->pszName, what);
    print_flow(dwSource, dwGroup);
    printf("%s\n", where);
}

static VOID check(const char *what, DWORD dwCode)
{
    if (dwCode != NO_ERROR) {
        fprintf(stderr, "border_router: %s: error %lu\n", what, (unsigned long)dwCode);
        exit(1);
    }
}

/* ---- what others want -------------------------------------------------- */

static VOID want(DWORD dwSource, DWORD dwGroup, BOOL bWanted)
{
    DWORD i;

    EnterCriticalSection(&g_lock);
    for (i = 0; i < g_dwNumWanted; i++) {
        if (g_wanted[i].dwSourceAddr == dwSource && g_wanted[i].dwGroupAddr == dwGroup)
            break;
    }
    if (bWanted && i == g_dwNumWanted && i < MOST_WANTED) {
        g_wanted[i].dwSourceAddr = dwSource;
        g_wanted[i].dwGroupAddr = dwGroup;
        g_dwNumWanted++;
    } else if (!bWanted && i < g_dwNumWanted) {
        g_wanted[i] = g_wanted[--g_dwNumWanted];
    }
    LeaveCriticalSection(&g_lock);
}

static VOID print_wanted(VOID)
{
    DWORD i;

    EnterCriticalSection(&g_lock);
    printf("wanted of sparse:");
    for (i = 0; i < g_dwNumWanted; i++) {
        printf(" ");
        print_flow(g_wanted[i].dwSourceAddr, g_wanted[i].dwGroupAddr);
    }
    printf("%s\n", g_dwNumWanted == 0 ? " nothing" : "");
    LeaveCriticalSection(&g_lock);
}

/* ---- callbacks: they have no context argument, so each protocol has its own - */

static DWORD sparse_on_join(DWORD dwSource, DWORD dwSourceMask, DWORD dwGroup,
                            DWORD dwGroupMask, BOOL bMemberUpdate)
{
    UNREFERENCED_PARAMETER(dwSourceMask);
    UNREFERENCED_PARAMETER(dwGroupMask);
    if (bMemberUpdate)
        want(dwSource, dwGroup, TRUE);
    say(&sparse, "join", dwSource, dwGroup, bMemberUpdate ? " to the neighbours" : " upstream");
    return NO_ERROR;
}

static DWORD sparse_on_prune(DWORD dwSource, DWORD dwSourceMask, DWORD dwGroup,
                             DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopAddr,
                             BOOL bMemberDelete, PDWORD pdwTimeout)
{
    UNREFERENCED_PARAMETER(dwSourceMask);
    UNREFERENCED_PARAMETER(dwGroupMask);
    UNREFERENCED_PARAMETER(dwIfIndex);
    UNREFERENCED_PARAMETER(dwIfNextHopAddr);
    UNREFERENCED_PARAMETER(pdwTimeout);
    if (bMemberDelete)
        want(dwSource, dwGroup, FALSE);
    say(&sparse, "prune", dwSource, dwGroup, bMemberDelete ? " to the neighbours" : " upstream");
    return NO_ERROR;
}

/* A dense protocol floods whatever others want. It only grafts and prunes upstream. */
static DWORD dense_on_join(DWORD dwSource, DWORD dwSourceMask, DWORD dwGroup,
                           DWORD dwGroupMask, BOOL bMemberUpdate)
{
    UNREFERENCED_PARAMETER(dwSourceMask);
    UNREFERENCED_PARAMETER(dwGroupMask);
    if (!bMemberUpdate)
        say(&dense, "graft", dwSource, dwGroup, " upstream");
    return NO_ERROR;
}

static DWORD dense_on_prune(DWORD dwSource, DWORD dwSourceMask, DWORD dwGroup,
                            DWORD dwGroupMask, DWORD dwIfIndex, DWORD dwIfNextHopAddr,
                            BOOL bMemberDelete, PDWORD pdwTimeout)
{
    UNREFERENCED_PARAMETER(dwSourceMask);
    UNREFERENCED_PARAMETER(dwGroupMask);
    UNREFERENCED_PARAMETER(dwIfIndex);
    UNREFERENCED_PARAMETER(dwIfNextHopAddr);
    if (!bMemberDelete) {
        *pdwTimeout = 180; /* the lifetime of the prune upstream */
        say(&dense, "prune", dwSource, dwGroup, " upstream for 180 s");
    }
    return NO_ERROR;
}

/* ---- start and end ----------------------------------------------------- */

static VOID start(PPROTOCOL us, char *interfaces, PMGM_JOIN_ALERT_CALLBACK pfnJoin,
                  PMGM_PRUNE_ALERT_CALLBACK pfnPrune)
{
    ROUTING_PROTOCOL_CONFIG config;
    char *word;

    ZeroMemory(&config, sizeof(config));
    config.pfnJoinAlertCallback = pfnJoin;
    config.pfnPruneAlertCallback = pfnPrune;
    check("MgmRegisterMProtocol", MgmRegisterMProtocol(&config, us->dwId, 1, &us->hMgm));
    for (word = strtok(interfaces, ","); word != NULL && us->dwNumIfs < MOST_IFS;
         word = strtok(NULL, ",")) {
        DWORD dwIndex = (DWORD)atoi(word);

        check("MgmTakeInterfaceOwnership", MgmTakeInterfaceOwnership(us->hMgm, dwIndex, 0));
        us->rgdwIfs[us->dwNumIfs++] = dwIndex;
    }
}

/* Joins (*,*) on each of its interfaces, as a wildcard receiver. */
static VOID flood(PPROTOCOL us)
{
    DWORD i;

    for (i = 0; i < us->dwNumIfs; i++)
        check("MgmAddGroupMembershipEntry",
              MgmAddGroupMembershipEntry(us->hMgm, 0, 0, 0, 0, us->rgdwIfs[i], 0,
                                         MGM_JOIN_STATE_FLAG));
}

static VOID stop(PPROTOCOL us)
{
    while (us->dwNumIfs > 0)
        check("MgmReleaseInterfaceOwnership",
              MgmReleaseInterfaceOwnership(us->hMgm, us->rgdwIfs[--us->dwNumIfs], 0));
    check("MgmDeRegisterMProtocol", MgmDeRegisterMProtocol(us->hMgm));
}

/* ---- neighbours -------------------------------------------------------- */

static int command(int count, char **words)
{
    PPROTOCOL us = strcmp(words[0], "dense") == 0 ? &dense : &sparse;
    DWORD dwIndex, dwSource, dwGroup, dwSourceMask, dwFlags, dwCode;
    BOOL bAdd;

    if (count == 1 && strcmp(words[0], "wanted") == 0) {
        print_wanted();
        return 1;
    }
    if (count != 5 || strcmp(words[0], us->pszName) != 0)
        return 0;
    dwIndex = (DWORD)atoi(words[1]);
    dwSource = strcmp(words[3], "*") == 0 ? 0 : inet_addr(words[3]);
    dwSourceMask = dwSource == 0 ? 0 : HOST_MASK;
    dwGroup = inet_addr(words[4]);
    bAdd = strcmp(words[2], "join") == 0 || strcmp(words[2], "graft") == 0;
    /* A prune is about one flow: the membership (*,*) stays. */
    dwFlags = us == &dense ? MGM_FORWARD_STATE_FLAG : MGM_JOIN_STATE_FLAG;
    dwCode = (bAdd ? MgmAddGroupMembershipEntry : MgmDeleteGroupMembershipEntry)(
        us->hMgm, dwSource, dwSourceMask, dwGroup, HOST_MASK, dwIndex, 0, dwFlags);
    if (dwCode != NO_ERROR)
        printf("%s: error %lu\n", us->pszName, (unsigned long)dwCode);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        check("border_router SPARSE DENSE, such as 1,2 3,4", ERROR_INVALID_PARAMETER);
    InitializeCriticalSection(&g_lock);
    start(&sparse, argv[1], sparse_on_join, sparse_on_prune);
    start(&dense, argv[2], dense_on_join, dense_on_prune);
    flood(&dense);
    lab_run(command);
    stop(&dense);
    stop(&sparse);
    DeleteCriticalSection(&g_lock);
    return 0;
}
