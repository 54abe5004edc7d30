/*
 * client.c - up to four routing protocols in one process, driven by a script.
 *
 * Uses only libmgm and its headers. Reads one command per line from standard input, and writes one
 * JSON object per line to standard output: {"reply": ...} for a command, {"event": ...} for a
 * callback. CLIENT is A, B, C or D; IF is the name or the number of an interface; "*" is any source
 * or group.
 *
 *     register CLIENT PROTOCOL COMPONENT      deregister CLIENT
 *     take CLIENT IF [NEXTHOP]                release CLIENT IF [NEXTHOP]
 *     join CLIENT SOURCE GROUP IF [FLAGS]     leave CLIENT SOURCE GROUP IF [FLAGS]
 *     owner IF                                rpf CLIENT IF   (the answer from now on)
 *     permit CLIENT IF [SOURCE MASK]          (the answer if interface 0 is suggested)
 *     setmfe CLIENT SOURCE GROUP IF
 *     route NETWORK MASK IF NEXTHOP [preferred]   unroute NETWORK MASK
 *     start TABLE                             (with this unicast table)
 *     start-open                              (with the forwarder open; fails if it cannot be)
 *     start-ebpf                              (with the ebpf forwarder, whatever the environment says)
 *     dump                                    groups CLIENT
 *     threshold IF TTL                        (0 to 255)
 *     boundary IF ADDRESS MASK                unbound IF ADDRESS MASK
 *     status                                  (without memberships and MFEs)
 *     slow CLIENT MILLISECONDS                (the duration of each callback from now on)
 *     mute CLIENT                             (prints no callbacks from now on)
 *     fork          unprivileged              stop              quit
 *     done CLIENT                             (MgmHostGraceDone)
 */
#define _GNU_SOURCE /* open_memstream, which C11 lacks */

#include <mgm.h>
#include <mgmhost.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLIENTS = 4, WORDS = 8, PERMITS = 8 };

static HANDLE handles[CLIENTS];
static _Atomic DWORD rpf_answers[CLIENTS];
static _Atomic DWORD delays[CLIENTS];
static atomic_bool is_mute[CLIENTS];

/* The sources without a route that a client accepts on one of its interfaces. */
static struct {
    atomic_int count; /* increased after the entry is complete */
    struct {
        DWORD index, source, mask;
    } entries[PERMITS];
} permits[CLIENTS];

struct text {
    char s[INET_ADDRSTRLEN];
};

static struct text address(DWORD value)
{
    struct text text;
    struct in_addr in = {.s_addr = value};

    inet_ntop(AF_INET, &in, text.s, sizeof text.s);
    return text;
}

/* ---- callbacks ----------------------------------------------------------- */

/* The interface of `client` on which a source is permitted, or 0. */
static DWORD permitted(int client, DWORD source)
{
    for (int i = 0; i < permits[client].count; i++)
        if ((source & permits[client].entries[i].mask) == permits[client].entries[i].source)
            return permits[client].entries[i].index;
    return 0;
}

/* The part that most callbacks share. */
static void tell(const char *event, int client, DWORD source, DWORD group, DWORD index,
                 const char *more)
{
    if (!is_mute[client])
        printf("{\"event\": \"%s\", \"client\": \"%c\", \"source\": \"%s\", \"group\": \"%s\", "
               "\"interface\": %u%s}\n",
               event, 'A' + client, address(source).s, address(group).s, (unsigned)index, more);
    if (delays[client])
        usleep(delays[client] * 1000);
}

static DWORD rpf(int client, DWORD source, DWORD group, PDWORD index, PDWORD upstream, DWORD size,
                 PBYTE header)
{
    char more[128];
    DWORD arrival = 0, next_hop;

    MgmHostGetArrival(&arrival, &next_hop);
    /* The first byte shows whether there is a header: 0x45 or more. */
    snprintf(more, sizeof more,
             ", \"upstream\": \"%s\", \"size\": %u, \"version\": %u, \"arrival\": %u",
             address(*upstream).s, (unsigned)size, size ? header[0] >> 4u : 0u, (unsigned)arrival);
    tell("RPF", client, source, group, *index, more);
    if (rpf_answers[client])
        *index = rpf_answers[client];
    else if (*index == 0)
        *index = permitted(client, source);
    return NO_ERROR;
}

static DWORD creation(int client, DWORD source, DWORD group, DWORD index, DWORD count,
                      PMGM_IF_ENTRY outs)
{
    char more[1024] = ", \"outs\": [";

    for (DWORD i = 0; i < count && strlen(more) < sizeof more - 32; i++)
        snprintf(more + strlen(more), 32, "%s%u", i ? ", " : "", (unsigned)outs[i].dwIfIndex);
    strcat(more, "]");
    tell("CREATION", client, source, group, index, more);
    return NO_ERROR;
}

/*
 * A callback has no context argument, so each client has its own functions. They add the number of
 * the client, and omit masks and next hops.
 */
#define CALLBACKS(n)                                                                         \
    static DWORD rpf_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD i, PDWORD nh, PDWORD u, \
                         DWORD size, PBYTE header, PBYTE route)                              \
    {                                                                                        \
        (void)sm, (void)gm, (void)nh, (void)route;                                           \
        return rpf(n, s, g, i, u, size, header);                                             \
    }                                                                                        \
    static DWORD creation_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh,       \
                              DWORD count, PMGM_IF_ENTRY outs)                               \
    {                                                                                        \
        (void)sm, (void)gm, (void)nh;                                                        \
        return creation(n, s, g, i, count, outs);                                            \
    }                                                                                        \
    static DWORD prune_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh,          \
                           BOOL member, PDWORD timeout)                                      \
    {                                                                                        \
        (void)sm, (void)gm, (void)nh, (void)timeout;                                         \
        tell("PRUNE", n, s, g, i, member ? ", \"member\": true" : ", \"member\": false");    \
        return NO_ERROR;                                                                     \
    }                                                                                        \
    static DWORD join_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)                 \
    {                                                                                        \
        (void)sm, (void)gm;                                                                  \
        tell("JOIN", n, s, g, 0, member ? ", \"member\": true" : ", \"member\": false");     \
        return NO_ERROR;                                                                     \
    }                                                                                        \
    static DWORD wrong_if_##n(DWORD s, DWORD g, DWORD i, DWORD nh, DWORD size, PBYTE header) \
    {                                                                                        \
        (void)nh, (void)size, (void)header;                                                  \
        tell("WRONG_IF", n, s, g, i, "");                                                    \
        return NO_ERROR;                                                                     \
    }                                                                                        \
    static DWORD local_join_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh)     \
    {                                                                                        \
        (void)sm, (void)gm, (void)nh;                                                        \
        tell("LOCAL_JOIN", n, s, g, i, "");                                                  \
        return NO_ERROR;                                                                     \
    }                                                                                        \
    static DWORD local_leave_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh)    \
    {                                                                                        \
        (void)sm, (void)gm, (void)nh;                                                        \
        tell("LOCAL_LEAVE", n, s, g, i, "");                                                 \
        return NO_ERROR;                                                                     \
    }                                                                                        \
    static DWORD disable_##n(DWORD i, DWORD nh)                                              \
    {                                                                                        \
        (void)nh;                                                                            \
        tell("DISABLE_IGMP", n, 0, 0, i, "");                                                \
        return NO_ERROR;                                                                     \
    }                                                                                        \
    static DWORD enable_##n(DWORD i, DWORD nh)                                               \
    {                                                                                        \
        (void)nh;                                                                            \
        tell("ENABLE_IGMP", n, 0, 0, i, "");                                                 \
        return NO_ERROR;                                                                     \
    }

#define CONFIG(n)                                                                            \
    {0,           rpf_##n,        creation_##n,    prune_##n,   join_##n,                    \
     wrong_if_##n, local_join_##n, local_leave_##n, disable_##n, enable_##n}

CALLBACKS(0)
CALLBACKS(1)
CALLBACKS(2)
CALLBACKS(3)

static ROUTING_PROTOCOL_CONFIG configs[CLIENTS] = {CONFIG(0), CONFIG(1), CONFIG(2), CONFIG(3)};

/* ---- commands ------------------------------------------------------------ */

/* The words of a line; missing words are empty. */
struct words {
    const char *at[WORDS];
};

static int client_in(const char *word)
{
    return word[0] >= 'A' && word[0] < 'A' + CLIENTS ? word[0] - 'A' : 0;
}

static DWORD number_in(const char *word)
{
    return (DWORD)strtoul(word, NULL, 0);
}

static DWORD interface_in(const char *word)
{
    DWORD index = if_nametoindex(word);

    return index ? index : number_in(word);
}

static DWORD address_in(const char *word)
{
    struct in_addr in = {0};

    inet_pton(AF_INET, word, &in); /* "*" and an empty word give 0 */
    return in.s_addr;
}

static DWORD mask_of(DWORD value)
{
    return value ? 0xffffffffu : 0;
}

typedef DWORD membership_fn(HANDLE, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD);

static DWORD member(membership_fn *change, HANDLE handle, const struct words *words)
{
    DWORD source = address_in(words->at[2]), group = address_in(words->at[3]);
    DWORD flags = words->at[5][0] ? number_in(words->at[5]) : MGM_JOIN_STATE_FLAG;

    return change(handle, source, mask_of(source), group, mask_of(group),
                  interface_in(words->at[4]), 0, flags);
}

static DWORD limit(DWORD (*change)(const MIB_IPMCAST_BOUNDARY *), const struct words *words)
{
    MIB_IPMCAST_BOUNDARY boundary = {.dwIfIndex = interface_in(words->at[1])};

    boundary.dwGroupAddress = address_in(words->at[2]);
    boundary.dwGroupMask = address_in(words->at[3]);
    return change(&boundary);
}

/* The client accepts these sources, or all, on this interface if they have no route. */
static DWORD permit(int client, const struct words *words)
{
    int count = permits[client].count;

    if (count == PERMITS)
        return 9998; /* the test permits too many */
    permits[client].entries[count].index = interface_in(words->at[2]);
    permits[client].entries[count].source = address_in(words->at[3]);
    permits[client].entries[count].mask = address_in(words->at[4]);
    permits[client].count = count + 1;
    return NO_ERROR;
}

static DWORD add_route(const struct words *words)
{
    BOOL preferred = strcmp(words->at[5], "preferred") == 0;

    return MgmHostAddRoute(address_in(words->at[1]), address_in(words->at[2]),
                           interface_in(words->at[3]), address_in(words->at[4]), 0,
                           preferred ? MGMHOST_ROUTE_PREFERRED : 0);
}

static DWORD start(const struct words *words)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof config};

    config.dwUnicastTable = number_in(words->at[1]);
    return MgmHostStart(&config);
}

/* With the forwarder open, or not at all. */
static DWORD start_open(void)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof config, .dwFlags = MGMHOST_START_OPEN_FORWARDER};

    return MgmHostStart(&config);
}

static DWORD start_ebpf(void)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof config, .dwForwarder = MGMHOST_FORWARDER_EBPF};

    return MgmHostStart(&config);
}

static DWORD set_mfe(HANDLE handle, const struct words *words)
{
    MIB_IPMCAST_MFE mfe = {.dwSource = address_in(words->at[2])};

    mfe.dwSrcMask = 0xffffffffu;
    mfe.dwGroup = address_in(words->at[3]);
    mfe.dwInIfIndex = interface_in(words->at[4]);
    return MgmSetMfe(handle, &mfe);
}

static DWORD owner(const struct words *words)
{
    DWORD protocol = 0, component = 0;
    DWORD code = MgmGetProtocolOnInterface(interface_in(words->at[1]), 0, &protocol, &component);

    printf("{\"reply\": \"owner\", \"code\": %u, \"protocol\": %u, \"component\": %u}\n",
           (unsigned)code, (unsigned)protocol, (unsigned)component);
    return code;
}

/* Writes all MFEs with their counters as one reply. */
static void dump(FILE *reply)
{
    static DWORD room[16384];
    MIB_IPMCAST_MFE last = {.dwGroup = 0};
    DWORD size = sizeof room, count = 0, total = 0;
    DWORD code = MgmGetFirstMfeStats(&size, (PBYTE)room, &count, MGM_MFE_STATS_1);

    fprintf(reply, "{\"reply\": \"dump\", \"mfes\": [");
    for (;;) {
        const BYTE *at = (const BYTE *)room;

        for (DWORD i = 0; i < count; i++, total++) {
            const MIB_IPMCAST_MFE_STATS_EX *mfe = (const void *)at;

            fprintf(reply,
                    "%s{\"source\": \"%s\", \"group\": \"%s\", \"in\": %u, "
                    "\"upstream\": \"%s\", \"protocol\": %u, \"packets\": %u, "
                    "\"octets\": %u, \"wrong\": %u, \"negative\": %u, \"outs\": [",
                    total ? ", " : "", address(mfe->dwSource).s, address(mfe->dwGroup).s,
                    (unsigned)mfe->dwInIfIndex, address(mfe->dwUpStrmNgbr).s,
                    (unsigned)mfe->dwInIfProtocol, (unsigned)mfe->ulInPkts,
                    (unsigned)mfe->ulInOctets, (unsigned)mfe->ulPktsDifferentIf,
                    (unsigned)mfe->ulNegativeMfe);
            for (ULONG k = 0; k < mfe->ulNumOutIf; k++)
                fprintf(reply, "%s%u", k ? ", " : "",
                        (unsigned)mfe->rgmiosOutStats[k].dwOutIfIndex);
            fprintf(reply, "], \"sent\": %u, \"counts\": [", (unsigned)mfe->ulTotalOutPackets);
            for (ULONG k = 0; k < mfe->ulNumOutIf; k++) {
                const MIB_IPMCAST_OIF_STATS *oif = &mfe->rgmiosOutStats[k];

                fprintf(reply, "%s[%u, %u, %u, %u]", k ? ", " : "", (unsigned)oif->ulOutPackets,
                        (unsigned)oif->ulTtlTooLow, (unsigned)oif->ulFragNeeded,
                        (unsigned)oif->ulOutDiscards);
            }
            fprintf(reply, "]}");
            last.dwGroup = mfe->dwGroup;
            last.dwSource = mfe->dwSource;
            at += SIZEOF_MIB_MFE_STATS_EX(mfe->ulNumOutIf);
        }
        if (code != ERROR_MORE_DATA)
            break;
        size = sizeof room;
        code = MgmGetNextMfeStats(&last, &size, (PBYTE)room, &count, MGM_MFE_STATS_1);
    }
    fprintf(reply, "], \"code\": %u}\n", (unsigned)code);
}

static void groups(FILE *reply, HANDLE handle)
{
    SOURCE_GROUP_ENTRY entries[8];
    HANDLE enumeration;
    DWORD count = 0, total = 0;
    DWORD code = MgmGroupEnumerationStart(handle, ALL_SOURCES, &enumeration);

    fprintf(reply, "{\"reply\": \"groups\", \"groups\": [");
    while (code == NO_ERROR || code == ERROR_MORE_DATA) {
        DWORD size = sizeof entries;

        code = MgmGroupEnumerationGetNext(enumeration, &size, (PBYTE)entries, &count);
        if (code != ERROR_MORE_DATA && code != ERROR_NO_MORE_ITEMS)
            break;
        for (DWORD i = 0; i < count; i++, total++)
            fprintf(reply, "%s[\"%s\", \"%s\"]", total ? ", " : "",
                    address(entries[i].dwSourceAddr).s, address(entries[i].dwGroupAddr).s);
    }
    if (code == ERROR_NO_MORE_ITEMS)
        code = MgmGroupEnumerationEnd(enumeration);
    fprintf(reply, "], \"code\": %u}\n", (unsigned)code);
}

static void status(void)
{
    static char text[1 << 16];
    DWORD size = sizeof text;
    DWORD code = MgmHostGetStatus(MGMHOST_STATUS_NO_MEMBERSHIPS | MGMHOST_STATUS_NO_MFES, &size,
                                  (PBYTE)text);

    printf("{\"reply\": \"status\", \"code\": %u, \"status\": %s}\n", (unsigned)code,
           code == NO_ERROR ? text : "null");
}

/*
 * Prints a list at once, so that no event is printed inside it. It must not lock stdout instead,
 * because callbacks take that lock, and no such lock may be held during calls of Mgm functions.
 */
static void list(const char *command, HANDLE handle)
{
    char *text = NULL;
    size_t size;
    FILE *reply = open_memstream(&text, &size);

    if (strcmp(command, "dump") == 0)
        dump(reply);
    else
        groups(reply, handle);
    fclose(reply);
    fputs(text, stdout);
    free(text);
}

/* Forks a child that outlives the router, like a program that a router starts. */
static void leave_a_child(void)
{
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        DWORD size = 0, count = 0;
        DWORD code = MgmGetFirstMfe(&size, NULL, &count);

        printf("{\"event\": \"CHILD\", \"code\": %u}\n", (unsigned)code);
        fflush(stdout);
        /* Closes the pipes. Otherwise the reader of the router's output would wait for the child. */
        fclose(stdin);
        fclose(stdout);
        fclose(stderr);
        sleep(60);
        _exit(0);
    }
    printf("{\"reply\": \"fork\", \"code\": 0, \"child\": %d}\n", (int)child);
}

static void obey(const struct words *words)
{
    const char *command = words->at[0];
    int client = client_in(words->at[1]);
    HANDLE handle = handles[client];
    DWORD code = NO_ERROR;

    if (strcmp(command, "owner") == 0) {
        owner(words);
        return;
    }
    if (strcmp(command, "dump") == 0 || strcmp(command, "groups") == 0) {
        list(command, handle);
        return;
    }
    if (strcmp(command, "status") == 0) {
        status();
        return;
    }
    if (strcmp(command, "fork") == 0) {
        leave_a_child();
        return;
    }
    if (strcmp(command, "rpf") == 0)
        rpf_answers[client] = interface_in(words->at[2]);
    else if (strcmp(command, "permit") == 0)
        code = permit(client, words);
    else if (strcmp(command, "setmfe") == 0)
        code = set_mfe(handle, words);
    else if (strcmp(command, "route") == 0)
        code = add_route(words);
    else if (strcmp(command, "unroute") == 0)
        code = MgmHostDeleteRoute(address_in(words->at[1]), address_in(words->at[2]));
    else if (strcmp(command, "slow") == 0)
        delays[client] = number_in(words->at[2]);
    else if (strcmp(command, "mute") == 0)
        is_mute[client] = true;
    else if (strcmp(command, "unprivileged") == 0)
        code = setgid(65534) || setuid(65534) ? 1 : NO_ERROR; /* the user nobody, permanently */
    else if (strcmp(command, "start") == 0)
        code = start(words);
    else if (strcmp(command, "start-open") == 0)
        code = start_open();
    else if (strcmp(command, "start-ebpf") == 0)
        code = start_ebpf();
    else if (strcmp(command, "stop") == 0)
        code = MgmHostStop();
    else if (strcmp(command, "register") == 0)
        code = MgmRegisterMProtocol(&configs[client], number_in(words->at[2]),
                                    number_in(words->at[3]), &handles[client]);
    else if (strcmp(command, "deregister") == 0)
        code = MgmDeRegisterMProtocol(handle);
    else if (strcmp(command, "done") == 0)
        code = MgmHostGraceDone(handle);
    else if (strcmp(command, "take") == 0)
        code = MgmTakeInterfaceOwnership(handle, interface_in(words->at[2]),
                                         address_in(words->at[3]));
    else if (strcmp(command, "release") == 0)
        code = MgmReleaseInterfaceOwnership(handle, interface_in(words->at[2]),
                                            address_in(words->at[3]));
    else if (strcmp(command, "join") == 0)
        code = member(MgmAddGroupMembershipEntry, handle, words);
    else if (strcmp(command, "leave") == 0)
        code = member(MgmDeleteGroupMembershipEntry, handle, words);
    else if (strcmp(command, "threshold") == 0)
        code = MgmHostSetTtlThreshold(interface_in(words->at[1]), 0, number_in(words->at[2]));
    else if (strcmp(command, "flow-limit") == 0)
        code = MgmHostSetFlowLimit(interface_in(words->at[1]), number_in(words->at[2]),
                                   number_in(words->at[3]));
    else if (strcmp(command, "boundary") == 0)
        code = limit(MgmHostAddBoundary, words);
    else if (strcmp(command, "unbound") == 0)
        code = limit(MgmHostDeleteBoundary, words);
    else
        code = 9999; /* an unknown command */
    printf("{\"reply\": \"%s\", \"code\": %u}\n", command, (unsigned)code);
}

int main(void)
{
    char line[256];

    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    while (fgets(line, sizeof line, stdin)) {
        struct words words;
        char *rest = line, *word;
        int count = 0;

        for (int i = 0; i < WORDS; i++)
            words.at[i] = "";
        while (count < WORDS && (word = strtok_r(count ? NULL : line, " \n", &rest)))
            words.at[count++] = word;
        if (strcmp(words.at[0], "quit") == 0)
            break;
        obey(&words);
    }
    return 0;
}
