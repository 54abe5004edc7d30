/* The client processes of clients.c and grace.c: they read commands from stdin, and write the code of each as
 * "= 87", and each callback as a line "heard join (*, 239.1.1.1)". */

#include "clients-program.h"
#include "router.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 200 };

static HANDLE own, former;
/* Callbacks do not return; a callback is running. */
static volatile bool blocks, is_inside;

static void hear(const char *what, DWORD source, DWORD group)
{
    char text[40];

    is_inside = true;
    printf("heard %s %s\n", what, flow_text(source, group, text));
    fflush(stdout);
    while (blocks)
        sleep_ms(1);
    is_inside = false;
}

static void unblock_later(void *milliseconds)
{
    sleep_ms(*(unsigned *)milliseconds);
    blocks = false;
}

/* Lets callbacks return after some time. */
static DWORD unblock_after(unsigned milliseconds)
{
    static unsigned after;

    after = milliseconds;
    thread_start(unblock_later, &after);
    return NO_ERROR;
}

/* Deregisters. Adds 1000 to the code if a callback is still running after this. */
static DWORD quit_and_look(void)
{
    DWORD code = quit(own);

    return is_inside ? 1000 + code : code;
}

static DWORD on_join(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    (void)sm, (void)gm, (void)member;
    hear("join", s, g);
    return 0;
}

static DWORD on_prune(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop,
                      BOOL member, PDWORD timeout)
{
    (void)sm, (void)gm, (void)index, (void)next_hop, (void)member, (void)timeout;
    hear("prune", s, g);
    return 0;
}

static DWORD on_rpf(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD index, PDWORD next_hop,
                    PDWORD upstream, DWORD size, PBYTE header, PBYTE route)
{
    (void)sm, (void)gm, (void)index, (void)next_hop, (void)size, (void)header, (void)route;
    *upstream = ip("10.0.9.9");
    hear("rpf", s, g);
    return 0;
}

static DWORD on_local_join(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop)
{
    (void)sm, (void)gm, (void)index, (void)next_hop;
    hear("local join", s, g);
    return 0;
}

static DWORD on_igmp_change(DWORD index, DWORD next_hop)
{
    (void)index, (void)next_hop;
    hear("a change of the owner", 0, 0);
    return 0;
}

/* Opens an enumeration, and leaves it open. Returns the number of groups, or 1000 and the code. */
static DWORD count_groups(void)
{
    BYTE buffer[4096];
    DWORD size = sizeof(buffer), count = 0, code;
    HANDLE enumeration;

    code = MgmGroupEnumerationStart(own, ALL_SOURCES, &enumeration);
    if (code != NO_ERROR)
        return 1000 + code;
    code = MgmGroupEnumerationGetNext(enumeration, &size, buffer, &count);
    return code == ERROR_NO_MORE_ITEMS ? count : 1000 + code;
}

/* What a forked child of the client process gets. */
static DWORD fork_and_take(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(take(own, 77) == ERROR_CAN_NOT_COMPLETE ? 0 : 1);
    waitpid(child, &status, 0);
    return (DWORD)WEXITSTATUS(status);
}

/* Which of the host's functions does not do in a client library what it must; 0 if none. */
static DWORD call_as_host(void)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof(config)};
    MGMHOST_VERSION version = {.dwSize = sizeof(version)};
    char *status = host_text(MgmHostGetStatus, 0), *metrics = host_text(MgmHostGetMetrics, 0);
    bool is_routers = strstr(status, "\"forwarder\":\"memory\"") != NULL &&
                      strstr(metrics, "mgm_") != NULL;
    BOOL accepted;
    DWORD count = 0, index;

    free(status);
    free(metrics);
    if (!is_routers)
        return 1;
    if (MgmHostStart(&config) != ERROR_ALREADY_EXISTS || MgmHostStart(NULL) != ERROR_ALREADY_EXISTS)
        return 2;
    if (MgmHostVersion(&version) != NO_ERROR || MgmHostInterfaceIndex("lo", &index) != NO_ERROR ||
        MgmHostSetLogLevel(MGMHOST_LOG_OFF) != NO_ERROR)
        return 3;
    if (MgmHostAddInterface(1, 0) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostDeleteInterface(1, 0) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostAddRoute(ip("10.0.0.0"), ip("255.0.0.0"), 1, 0, 0, 0) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostDeleteRoute(ip("10.0.0.0"), ip("255.0.0.0")) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostPacketIn(ip("10.0.0.1"), ip("239.1.1.1"), 1, 0, 0, NULL, 0, &accepted, &count,
                        NULL) != ERROR_CAN_NOT_COMPLETE)
        return 4;
    if (MgmHostSetTtlThreshold(1, 0, 1) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostSetFlowLimit(1, 0, 0) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostServeStatus(NULL) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostServeClients("/tmp/mgm-never", 0) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostServeClientsEx("/tmp/mgm-never", NULL) != ERROR_CAN_NOT_COMPLETE ||
        MgmHostSetClientFilter(NULL, NULL) != ERROR_CAN_NOT_COMPLETE)
        return 5;
    return 0;
}

static void on_lost(void *context)
{
    ROUTING_PROTOCOL_CONFIG config = {0};
    HANDLE other;

    /* The handles are invalid already, and calls do not hang. */
    printf("heard lost %s %u %u %u\n", (const char *)context, (unsigned)take(own, 9),
           (unsigned)MgmRegisterMProtocol(&config, 99, 1, &other), (unsigned)quit(own));
    fflush(stdout);
}

static void on_end(void *context)
{
    (void)context;
    puts("lost");
    fflush(stdout);
}

static DWORD obey(const char *command, const char *flow, unsigned number)
{
    ROUTING_PROTOCOL_CONFIG config = {.pfnJoinAlertCallback = on_join,
                                      .pfnPruneAlertCallback = on_prune,
                                      .pfnLocalJoinCallback = on_local_join,
                                      .pfnDisableIgmpCallback = on_igmp_change,
                                      .pfnEnableIgmpCallback = on_igmp_change,
                                      .pfnRpfCallback = on_rpf};
    DWORD protocol_id, component_id;

    if (strcmp(command, "register") == 0) {
        former = own;
        return MgmRegisterMProtocol(&config, number, 1, &own);
    }
    if (strcmp(command, "take") == 0)
        return take(own, number);
    if (strcmp(command, "former") == 0)
        return take(former, number);
    if (strcmp(command, "release") == 0)
        return release(own, number);
    if (strcmp(command, "join") == 0)
        return join(own, flow, number);
    if (strcmp(command, "leave") == 0)
        return leave(own, flow, number);
    if (strcmp(command, "off") == 0)
        return forward_off(own, flow, number);
    if (strcmp(command, "grace") == 0)
        return MgmHostSetGrace(number);
    if (strcmp(command, "done") == 0)
        return MgmHostGraceDone(own);
    if (strcmp(command, "stop") == 0)
        return MgmHostStop();
    if (strcmp(command, "groups") == 0)
        return count_groups();
    if (strcmp(command, "crowd") == 0) {
        for (unsigned n = 0; n < 3000; n++) {
            char group[40];

            snprintf(group, sizeof(group), "(*, 239.9.%u.%u)", n >> 8, n & 0xff);
            if (join(own, group, number) != NO_ERROR)
                return n;
        }
        return NO_ERROR;
    }
    if (strcmp(command, "start") == 0) {
        MGMHOST_CONFIG host = {.dwSize = sizeof(host), .dwForwarder = number, .pszRouter = flow};

        MgmHostSetRouterLost(on_end, NULL);
        setenv("MGM_ROUTER", "/nowhere", 1);
        return MgmHostStart(&host);
    }
    if (strcmp(command, "host") == 0)
        return call_as_host();
    if (strcmp(command, "lost") == 0)
        return MgmHostSetRouterLost(on_lost, "router");
    if (strcmp(command, "why") == 0) {
        char text[1024] = "";
        DWORD size = sizeof(text), code = MgmHostGetLastMessage(&size, (PBYTE)text);

        printf("why %s\n", text);
        return code;
    }
    if (strcmp(command, "dump") == 0) {
        BYTE buffer[4096];
        DWORD size = sizeof(buffer), count;

        return MgmGetFirstMfe(&size, buffer, &count);
    }
    if (strcmp(command, "quit") == 0)
        return quit_and_look();
    if (strcmp(command, "unblock") == 0)
        return unblock_after(number);
    if (strcmp(command, "owner") == 0)
        return MgmGetProtocolOnInterface(number, 0, &protocol_id, &component_id);
    if (strcmp(command, "fork") == 0)
        return fork_and_take();
    blocks = strcmp(command, "block") == 0;
    return NO_ERROR;
}

int be_client(void)
{
    char line[LINE], command[20], flow[60];
    unsigned number;

    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (sscanf(line, "%19s %u %59[^\n]", command, &number, flow) < 2)
            return 2;
        printf("= %u\n", (unsigned)obey(command, flow, number));
        fflush(stdout);
    }
    return 0;
}
