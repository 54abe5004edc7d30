/* Everybody does everything at once: sixteen threads and a dozen clients, whose
 * callbacks call back. What each client is told is checked callback by callback:
 *
 * - one at a time, and none once its deregistration has returned (1.6, 8.2);
 * - never a prune before its join, never two of a kind in a row (8.2);
 * - in the end it has been told exactly what the others want (4.2).
 *
 * MGM_STRESS_MS makes it take longer than the two seconds of every day.
 *
 * With MGM_STRESS_RACE in the environment a counter goes unguarded: proof for
 * ThreadSanitizer's stage that it would see one. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOINERS = 6, IGMP = 6, CHURNERS = 7, LISTENERS = 9, LANDLORD = 11, SLOTS = 12 };
enum { GROUPS = 8, KNOWN = GROUPS + SLOTS, WILD = KNOWN };
enum { SHARED_IF = 90, FLAKY_IF = 91, THREADS = 16, ROUND_MS = 50 };
enum told { NOT_HEARD, JOINED, PRUNED };

static struct slot {
    _Atomic(HANDLE) client;
    /* From before the registration until after the deregistration. */
    atomic_bool there;
    atomic_bool busy;
    /* Guarded by nothing but the promise that callbacks come one at a time. */
    unsigned long calls;
    atomic_int told[KNOWN + 1];
    unsigned random;
} slots[SLOTS];

static atomic_bool stop;
static atomic_int inside;
static bool plant_a_race;
static unsigned long unguarded;

static unsigned draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* Where in `told` a flow is; -1 if it is not one whose alerts are checked. */
static int number_of(DWORD source, DWORD group)
{
    BYTE bytes[4];

    if (source != 0)
        return -1;
    if (group == 0)
        return WILD;
    memcpy(bytes, &group, sizeof(bytes));
    return bytes[1] != 9 ? -1 : bytes[2] == 0 ? bytes[3] : GROUPS + bytes[3];
}

static const char *group_text(unsigned number, char text[40])
{
    snprintf(text, 40, "(*, 239.9.%u.%u)", number >= GROUPS,
             number >= GROUPS ? number - GROUPS : number);
    return text;
}

static void hear(unsigned n, int number, enum told now)
{
    struct slot *slot = &slots[n];
    bool was_there = n < JOINERS || n == LANDLORD;
    enum told before;

    /* IGMP's own joins count for the owner's component, and of those it is not
     * told itself (4.1). */
    if (number < 0 || n == IGMP)
        return;
    before = (enum told)atomic_exchange(&slot->told[number], (int)now);
    if (before == now)
        fail_check(__FILE__, __LINE__, "client %u: two %s in a row of %d", n,
                   now == JOINED ? "joins" : "prunes", number);
    if (was_there && before == NOT_HEARD && now == PRUNED)
        fail_check(__FILE__, __LINE__, "client %u: a prune before the join of %d", n, number);
    /* The end of (*,*) ends all that it was told. */
    if (number == WILD && now == PRUNED) {
        for (unsigned g = 0; g < KNOWN; g++)
            slot->told[g] = was_there ? NOT_HEARD : PRUNED;
    }
}

/* A prune that ended everything counts as none heard; so does one that was. */
static bool is_joined(unsigned n, unsigned number)
{
    return slots[n].told[number] == JOINED;
}

/* What a client does inside its callbacks: a little of everything. */
static void call_back(unsigned n)
{
    struct slot *slot = &slots[n];
    HANDLE client = slot->client, groups = NULL;
    BYTE buffer[512];
    DWORD size = sizeof(buffer), count = 0;
    char text[40];

    if (stop || client == NULL)
        return;
    group_text(GROUPS + n, text);
    switch (draw(&slot->random, 12)) {
    case 0:
        if (n < JOINERS)
            OK(join(client, text, 1 + n));
        break;
    case 1:
        if (n < JOINERS)
            OK(leave(client, text, 1 + n));
        break;
    case 2:
        MgmGetFirstMfe(&size, buffer, &count);
        break;
    case 3:
        if (MgmGroupEnumerationStart(client, ALL_SOURCES, &groups) == NO_ERROR)
            MgmGroupEnumerationEnd(groups);
        break;
    case 4:
        CHECK_CODE(packet_code("(10.0.0.1, 239.9.0.1)", 1), ERROR_CAN_NOT_COMPLETE);
        break;
    case 5:
        /* That is its last callback. */
        if (n >= LISTENERS && n < LANDLORD && quit(client) == NO_ERROR)
            slot->there = false;
        break;
    case 6:
        /* Another's: refused, if one of its callbacks runs. */
        client = slots[LISTENERS + draw(&slot->random, 2)].client;
        if (n < JOINERS && client != NULL)
            quit(client);
        break;
    case 7:
        /* Time for its deregistration to come in between. */
        if (n >= LISTENERS && n < LANDLORD)
            sleep_ms(1);
        break;
    default:
        break;
    }
}

static void enter(unsigned n)
{
    inside++;
    if (!slots[n].there)
        fail_check(__FILE__, __LINE__, "client %u: a callback after it has gone", n);
    if (atomic_exchange(&slots[n].busy, true))
        fail_check(__FILE__, __LINE__, "client %u: two callbacks at a time", n);
    slots[n].calls++;
    if (plant_a_race)
        unguarded++;
}

static DWORD leave_callback(unsigned n)
{
    call_back(n);
    slots[n].busy = false;
    inside--;
    return 0;
}

/* Callbacks are not told whose they are, so each client has its own. */
#define CLIENT(n)                                                                              \
    static DWORD join_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)                   \
    {                                                                                          \
        (void)sm, (void)gm;                                                                    \
        enter(n);                                                                              \
        hear(n, member ? number_of(s, g) : -1, JOINED);                                        \
        return leave_callback(n);                                                              \
    }                                                                                          \
    static DWORD prune_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h, BOOL member, \
                           PDWORD timeout)                                                     \
    {                                                                                          \
        (void)sm, (void)gm, (void)i, (void)h, (void)timeout;                                   \
        enter(n);                                                                              \
        hear(n, member ? number_of(s, g) : -1, PRUNED);                                        \
        return leave_callback(n);                                                              \
    }                                                                                          \
    static DWORD rpf_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD i, PDWORD h, PDWORD up,   \
                         DWORD size, PBYTE header, PBYTE route)                                \
    {                                                                                          \
        (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)h, (void)up, (void)size;          \
        (void)header, (void)route;                                                             \
        enter(n);                                                                              \
        return leave_callback(n);                                                              \
    }                                                                                          \
    static DWORD creation_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h,           \
                              DWORD count, PMGM_IF_ENTRY oifs)                                 \
    {                                                                                          \
        (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)h, (void)count, (void)oifs;       \
        enter(n);                                                                              \
        return leave_callback(n);                                                              \
    }                                                                                          \
    static DWORD change_##n(DWORD i, DWORD h)                                                  \
    {                                                                                          \
        (void)i, (void)h;                                                                      \
        enter(n);                                                                              \
        return leave_callback(n);                                                              \
    }

CLIENT(0) CLIENT(1) CLIENT(2) CLIENT(3) CLIENT(4) CLIENT(5)
CLIENT(6) CLIENT(7) CLIENT(8) CLIENT(9) CLIENT(10) CLIENT(11)

#define CONFIG(n)                               \
    {                                           \
        .pfnRpfCallback = rpf_##n,              \
        .pfnCreationAlertCallback = creation_##n, \
        .pfnPruneAlertCallback = prune_##n,     \
        .pfnJoinAlertCallback = join_##n,       \
        .pfnDisableIgmpCallback = change_##n,   \
        .pfnEnableIgmpCallback = change_##n,    \
    }

static ROUTING_PROTOCOL_CONFIG configs[SLOTS] = {
    CONFIG(0), CONFIG(1), CONFIG(2), CONFIG(3), CONFIG(4),  CONFIG(5),
    CONFIG(6), CONFIG(7), CONFIG(8), CONFIG(9), CONFIG(10), CONFIG(11),
};

static HANDLE come(unsigned n)
{
    HANDLE client = NULL;

    for (unsigned g = 0; g <= KNOWN; g++)
        slots[n].told[g] = NOT_HEARD;
    slots[n].there = true;
    OK(MgmRegisterMProtocol(&configs[n], n == IGMP ? PROTO_IP_IGMP : 0x100 + n, 1, &client));
    slots[n].client = client;
    return client;
}

static void go(unsigned n)
{
    DWORD code = quit(slots[n].client);

    CHECK(code != NO_ERROR || !slots[n].busy);
    /* It may have gone by itself, or another's callback may have sent it away. */
    CHECK(code == NO_ERROR || (code == ERROR_INVALID_PARAMETER && n >= LISTENERS && n < LANDLORD));
    slots[n].client = NULL;
    while (code != NO_ERROR && slots[n].busy)
        sleep_ms(1);
    slots[n].there = false;
}

/* --- the threads ---------------------------------------------------------- */

static void be_joiner(unsigned n, unsigned *random)
{
    HANDLE client = slots[n].client;
    char text[40];

    group_text(draw(random, GROUPS), text);
    switch (draw(random, 8)) {
    case 0: OK(join(client, "(*, *)", 1 + n)); break;
    case 1: case 2: OK(leave(client, "(*, *)", 1 + n)); break;
    case 3: case 4: OK(leave(client, text, 1 + n)); break;
    case 5: OK(join(client, "(10.0.0.2, 239.9.0.1)", 1 + n)); break;
    case 6: OK(leave(client, "(10.0.0.2, 239.9.0.1)", 1 + n)); break;
    default: OK(join(client, text, 1 + n)); break;
    }
}

static void be_churner(unsigned n, unsigned *random)
{
    HANDLE client = come(n);
    char text[40];

    OK(take(client, 1 + n));
    OK(join(client, group_text(draw(random, GROUPS), text), 1 + n));
    packet("(10.0.0.3, 239.9.0.1)", 1 + n);
    forward_on(client, "(10.0.0.3, 239.9.0.1)", 1 + n);
    OK(release(client, 1 + n));
    go(n);
}

static void be_listener(unsigned n)
{
    come(n);
    sleep_ms(1);
    go(n);
}

static void be_igmp(unsigned *random)
{
    HANDLE client = slots[IGMP].client;
    DWORD index = draw(random, 2) ? SHARED_IF : 1;
    char text[40];

    OK(take(client, index));
    for (unsigned i = 0; i < 5; i++) {
        /* Refused between DISABLE_IGMP and ENABLE_IGMP. */
        DWORD code = join(client, group_text(draw(random, GROUPS), text), index);

        CHECK(code == NO_ERROR || code == ERROR_CAN_NOT_COMPLETE);
    }
    OK(release(client, index));
}

static void be_landlord(void)
{
    OK(take(slots[LANDLORD].client, SHARED_IF));
    OK(join(slots[LANDLORD].client, "(*, 239.9.0.2)", SHARED_IF));
    OK(release(slots[LANDLORD].client, SHARED_IF));
}

static void be_source(unsigned *random)
{
    char text[40];
    DWORD code;

    snprintf(text, sizeof(text), "(10.0.0.%u, 239.9.0.%u)", 1 + draw(random, 4),
             draw(random, GROUPS));
    code = packet_code(text, 1 + draw(random, 3));
    CHECK_CODE(code, NO_ERROR);
}

static void be_reader(void)
{
    static MIB_IPMCAST_MFE from;
    HANDLE groups = NULL;
    BYTE buffer[4096];
    DWORD size, count = 0, code;

    size = sizeof(buffer);
    code = MgmGetFirstMfeStats(&size, buffer, &count, MGM_MFE_STATS_1);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    size = sizeof(buffer);
    code = MgmGetNextMfe(&from, &size, buffer, &count);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationStart(slots[0].client, ANY_SOURCE, &groups));
    size = sizeof(buffer);
    code = MgmGroupEnumerationGetNext(groups, &size, buffer, &count);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationEnd(groups));
}

static void be_host(unsigned *random)
{
    unplug(FLAKY_IF);
    route("10.0.0.2/32", 1 + draw(random, JOINERS), "10.0.1.2");
    plug_in(FLAKY_IF);
    unroute("10.0.0.2/32");
}

static void work(void *argument)
{
    unsigned me = (unsigned)(size_t)argument, random = me + 1;

    while (!stop) {
        switch (me) {
        case 0: case 1: case 2: case 3: case 4: case 5: be_joiner(me, &random); break;
        case 6: be_igmp(&random); break;
        case 7: case 8: be_churner(me, &random); break;
        case 9: case 10: be_listener(me); break;
        case 11: be_landlord(); break;
        case 12: be_reader(); break;
        case 13: be_host(&random); break;
        default: be_source(&random); break;
        }
    }
}

/* What is wanted in the end: of the groups, each joiner's own and one of two. */
static bool is_wanted_beside(unsigned n, unsigned number)
{
    for (unsigned j = 0; j < JOINERS; j++) {
        if (j != n && (number == j % 2 || number == 2 + j))
            return true;
    }
    return false;
}

static bool all_told(void)
{
    for (unsigned n = 0; n < SLOTS; n++) {
        if (n >= JOINERS && n != LANDLORD)
            continue;
        for (unsigned g = 0; g <= KNOWN; g++) {
            if (is_joined(n, g) != is_wanted_beside(n, g))
                return false;
        }
    }
    return true;
}

/* The landlord has no interface now: it wants nothing itself, and so has been told
 * of exactly the groups that there are. Those below a (*,*) are not told apart. */
static bool landlord_told(void)
{
    static BYTE buffer[4096];
    HANDLE groups = NULL;
    DWORD size = sizeof(buffer), count = 0;
    bool there[KNOWN + 1] = {false};
    SOURCE_GROUP_ENTRY entry;

    OK(MgmGroupEnumerationStart(slots[LANDLORD].client, ALL_SOURCES, &groups));
    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    OK(MgmGroupEnumerationEnd(groups));
    for (DWORD n = 0; n < count; n++) {
        memcpy(&entry, buffer + n * sizeof(entry), sizeof(entry));
        if (number_of(entry.dwSourceAddr, entry.dwGroupAddr) >= 0)
            there[number_of(entry.dwSourceAddr, entry.dwGroupAddr)] = true;
    }
    for (unsigned g = there[WILD] ? WILD : 0; g <= KNOWN; g++) {
        if (is_joined(LANDLORD, g) != there[g])
            return false;
    }
    return true;
}

/* All threads for so long; then everything has been told, without another call. */
static void round_of(unsigned ms)
{
    struct thread *threads[THREADS];

    stop = false;
    for (size_t n = 0; n < THREADS; n++)
        threads[n] = thread_start(work, (void *)n);
    sleep_ms(ms);
    stop = true;
    for (size_t n = 0; n < THREADS; n++)
        thread_join(threads[n]);
    SOON(inside == 0 && landlord_told());
}

static void leave_all_but_two(unsigned n)
{
    HANDLE client = slots[n].client;
    char text[40];

    OK(leave(client, "(*, *)", 1 + n));
    OK(leave(client, "(10.0.0.2, 239.9.0.1)", 1 + n));
    for (unsigned g = 0; g < KNOWN; g++)
        OK(leave(client, group_text(g, text), 1 + n));
    OK(join(client, group_text(n % 2, text), 1 + n));
    OK(join(client, group_text(2 + n, text), 1 + n));
}

static void t8_2_everybody_at_once_and_nothing_lost(void)
{
    const char *given = getenv("MGM_STRESS_MS");
    unsigned ms = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 2000;
    unsigned long calls = 0;

    allow_ms(ms);
    plant_a_race = getenv("MGM_STRESS_RACE") != NULL;
    /* MFEs end and are renewed, so that MGM's own threads have their share. */
    router_restart(1);
    route("10.0.0.0/8", 1, "10.0.1.1");
    for (unsigned n = 0; n < SLOTS; n++) {
        slots[n].random = n;
        if (n <= IGMP || n == LANDLORD)
            come(n);
        if (n < JOINERS)
            OK(take(slots[n].client, 1 + n));
    }
    OK(take(slots[0].client, FLAKY_IF));
    for (unsigned spent = 0; spent < ms; spent += ROUND_MS)
        round_of(ROUND_MS);

    /* No callback joins anything any more. */
    for (unsigned n = 0; n < JOINERS; n++)
        leave_all_but_two(n);
    SOON(all_told());

    /* It works as it did, and everybody can leave. */
    CHECK_TEXT(owner_of(SHARED_IF), "nobody");
    OK(release(slots[0].client, FLAKY_IF));
    for (unsigned n = 0; n < SLOTS; n++) {
        if (n < JOINERS)
            OK(release(slots[n].client, 1 + n));
        if (n <= IGMP || n == LANDLORD)
            go(n);
        calls += slots[n].calls;
    }
    EXPECT_NO_GROUPS(ALL_SOURCES);
    EXPECT_NO_MFES();
    printf("    %lu callbacks\n", calls);
}

TEST_MAIN(CASE(t8_2_everybody_at_once_and_nothing_lost))
