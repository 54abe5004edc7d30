/*
 * client.c - a routing protocol in a process of its own, for the tests. It obeys the commands on its
 * standard input, each on a line, and writes the code of each as "= 87".
 *
 *   register PROTOCOL COMPONENT   take INDEX   release INDEX   deregister
 *   silent PROTOCOL COMPONENT    registers without callbacks
 *   join GROUP INDEX   leave GROUP INDEX
 *   batch COUNT INDEX    joins 239.7.0.0 and so on, in one batch
 *   begin COUNT INDEX    the same, but does not end the batch: the calls are made in parts, because
 *                        another call follows every 100, and then a pause of 2 ms
 *   count                the number of memberships that the router has, as "= 12"
 *   pace MILLISECONDS    makes calls for so long, and writes the 99.9th percentile of their times in
 *                        microseconds, as "= 45"
 *   block CALLBACK       that callback does not return from now on: join, rpf or creation
 *
 * Each callback is a line such as "heard join 239.1.1.1". "lost" is the end of the router.
 */
#define _GNU_SOURCE
#include <mgmhost.h>

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 200, PART = 100, PAUSE = 2000, ENTRIES = 4096 };

static HANDLE own;
static char blocked[LINE];

static void hear(const char *what, DWORD group)
{
    char text[16];

    inet_ntop(AF_INET, &(struct in_addr){.s_addr = group}, text, sizeof text);
    printf("heard %s %s\n", what, text);
    fflush(stdout);
    while (strcmp(what, blocked) == 0)
        pause();
}

static DWORD on_join(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    (void)s, (void)sm, (void)gm;
    if (member)
        hear("join", g);
    return NO_ERROR;
}

static DWORD on_prune(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop,
                      BOOL member, PDWORD timeout)
{
    (void)s, (void)sm, (void)gm, (void)index, (void)next_hop, (void)timeout;
    if (member)
        hear("prune", g);
    return NO_ERROR;
}

static DWORD on_rpf(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD index, PDWORD next_hop,
                    PDWORD upstream, DWORD size, PBYTE header, PBYTE route)
{
    (void)s, (void)sm, (void)gm, (void)index, (void)next_hop, (void)upstream;
    (void)size, (void)header, (void)route;
    hear("rpf", g);
    return NO_ERROR;
}

static DWORD on_creation(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop,
                         DWORD count, PMGM_IF_ENTRY out)
{
    (void)s, (void)sm, (void)gm, (void)index, (void)next_hop, (void)count, (void)out;
    hear("creation", g);
    return NO_ERROR;
}

static void on_lost(void *unused)
{
    (void)unused;
    puts("lost");
    fflush(stdout);
}

static DWORD join(DWORD group, DWORD index, BOOL joins)
{
    DWORD (*call)(HANDLE, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD) =
        joins ? MgmAddGroupMembershipEntry : MgmDeleteGroupMembershipEntry;

    return call(own, 0, 0, group, 0xffffffff, index, 0, MGM_JOIN_STATE_FLAG);
}

static DWORD join_many(DWORD count, DWORD index, BOOL ends)
{
    DWORD protocol, component, code = MgmHostBeginBatch();

    for (DWORD n = 0; n < count && code == NO_ERROR; n++) {
        code = join(htonl(0xef070000u + n), index, TRUE);
        if (!ends && n % PART == PART - 1) {
            MgmGetProtocolOnInterface(index, 0, &protocol, &component);
            usleep(PAUSE);
        }
    }
    return ends && code == NO_ERROR ? MgmHostEndBatch(NULL) : code;
}

static DWORD count_groups(void)
{
    static SOURCE_GROUP_ENTRY entries[ENTRIES];
    HANDLE groups;
    DWORD all = 0, code = MgmGroupEnumerationStart(own, ALL_SOURCES, &groups);

    while (code == NO_ERROR || code == ERROR_MORE_DATA) {
        DWORD size = sizeof entries, count = 0;

        code = MgmGroupEnumerationGetNext(groups, &size, (PBYTE)entries, &count);
        all += count;
        if (code == NO_ERROR && count == 0)
            break;
        if (code == NO_ERROR)
            code = ERROR_NO_MORE_ITEMS;
    }
    MgmGroupEnumerationEnd(groups);
    return all;
}

static int compare(const void *one, const void *other)
{
    const unsigned *a = one, *b = other;

    return (*a > *b) - (*a < *b);
}

static uint64_t micros(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static DWORD pace(unsigned milliseconds)
{
    enum { MOST = 1 << 20 };
    static unsigned times[MOST];
    size_t count = 0;
    uint64_t begun = micros();

    for (uint64_t at = begun; at - begun < 1000ull * milliseconds && count < MOST; count++) {
        DWORD protocol, component;

        MgmGetProtocolOnInterface(1, 0, &protocol, &component);
        times[count] = (unsigned)(micros() - at);
        at += times[count];
    }
    qsort(times, count, sizeof *times, compare);
    return times[count - 1 - count / 1000];
}

static DWORD enroll(unsigned protocol, unsigned component, BOOL hears)
{
    ROUTING_PROTOCOL_CONFIG none = {0}, callbacks = {
        .pfnRpfCallback = on_rpf,
        .pfnCreationAlertCallback = on_creation,
        .pfnPruneAlertCallback = on_prune,
        .pfnJoinAlertCallback = on_join,
    };

    return MgmRegisterMProtocol(hears ? &callbacks : &none, protocol, component, &own);
}

static DWORD obey(const char *line)
{
    unsigned a, b;
    char text[16];

    if (sscanf(line, "register %u %u", &a, &b) == 2)
        return enroll(a, b, TRUE);
    if (sscanf(line, "silent %u %u", &a, &b) == 2)
        return enroll(a, b, FALSE);
    if (sscanf(line, "take %u", &a) == 1)
        return MgmTakeInterfaceOwnership(own, a, 0);
    if (sscanf(line, "release %u", &a) == 1)
        return MgmReleaseInterfaceOwnership(own, a, 0);
    if (sscanf(line, "join %15s %u", text, &a) == 2)
        return join(inet_addr(text), a, TRUE);
    if (sscanf(line, "leave %15s %u", text, &a) == 2)
        return join(inet_addr(text), a, FALSE);
    if (sscanf(line, "batch %u %u", &a, &b) == 2)
        return join_many(a, b, TRUE);
    if (sscanf(line, "begin %u %u", &a, &b) == 2)
        return join_many(a, b, FALSE);
    if (sscanf(line, "pace %u", &a) == 1)
        return pace(a);
    if (sscanf(line, "block %199s", blocked) == 1)
        return NO_ERROR;
    if (strcmp(line, "deregister\n") == 0)
        return MgmDeRegisterMProtocol(own);
    if (strcmp(line, "count\n") == 0)
        return count_groups();
    fprintf(stderr, "unknown command: %s", line);
    exit(2);
}

int main(void)
{
    char line[LINE];

    MgmHostSetRouterLost(on_lost, NULL);
    while (fgets(line, sizeof line, stdin)) {
        printf("= %u\n", (unsigned)obey(line));
        fflush(stdout);
    }
    return 0;
}
