#include "stress-clients.h"

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client that registers again passes other functions than before, so that a callback that comes
 * too late is noticed. */
enum { FACES = 4 };
enum told { NOT_HEARD, JOINED, PRUNED };

static struct slot {
    _Atomic(HANDLE) client;
    /* How often it has registered, and its last registration that has ended. */
    atomic_uint coming, gone;
    atomic_bool busy;
    /* Guarded by nothing but the promise that callbacks come one at a time: how many
     * there were; whether the present one is the last, because it has left in it. */
    unsigned long calls;
    bool has_left;
    atomic_int told[KNOWN + 1];
    atomic_int local[GROUPS];
} slots[SLOTS];

static atomic_uint inside;
static atomic_ulong heard[EVENT_KINDS];
static bool race_planted;
static unsigned long unguarded;

const char *group_text(unsigned number, char text[40])
{
    snprintf(text, 40, "(*, 239.9.%u.%u)", number >= GROUPS,
             number >= GROUPS ? number - GROUPS : number);
    return text;
}

int number_of(DWORD source, DWORD group)
{
    BYTE bytes[4];

    if (source != 0)
        return -1;
    if (group == 0)
        return WILD;
    memcpy(bytes, &group, sizeof(bytes));
    return bytes[1] != 9 ? -1 : bytes[2] == 0 ? bytes[3] : GROUPS + bytes[3];
}

/* --- the checks ---------------------------------------------------------------- */

static void enter(unsigned n, unsigned face, enum event_kind kind)
{
    const unsigned coming = slots[n].coming;

    inside++;
    heard[kind]++;
    if (coming % FACES != face || coming <= slots[n].gone)
        fail_check(__FILE__, __LINE__, "client %u: a callback after it has gone", n);
    if (atomic_exchange(&slots[n].busy, true))
        fail_check(__FILE__, __LINE__, "client %u: two callbacks at a time", n);
    slots[n].calls++;
    slots[n].has_left = false;
    if (race_planted)
        unguarded++;
}

static DWORD leave_callback(unsigned n)
{
    call_back(n);
    if (slots[n].coming <= slots[n].gone && !slots[n].has_left)
        fail_check(__FILE__, __LINE__, "client %u: it is gone, and a callback still runs", n);
    slots[n].busy = false;
    inside--;
    return 0;
}

/* Then it may be told what it knows already (8.9). */
static bool a_client_fell_behind(void)
{
    static const char name[] = "\nmgm_clients_fell_behind_total ";
    DWORD size = 1 << 16;
    char *page = malloc(size + 1), *found = NULL;

    if (page != NULL && MgmHostGetMetrics(0, &size, (PBYTE)page) == NO_ERROR)
        found = strstr(page, name);
    const bool fell_behind = found == NULL || found[sizeof(name) - 1] != '0';
    free(page);
    return fell_behind;
}

/* Records what client n was told about a group, and checks that joins and prunes alternate. */
static void hear(unsigned n, int number, enum told now)
{
    struct slot *slot = &slots[n];
    const bool was_there = n < JOINERS || n == LANDLORD;
    enum told before;

    /* IGMP's own joins count for the owner's component, and IGMP is not told of them (4.1). */
    if (number < 0 || n == IGMP)
        return;
    before = (enum told)atomic_exchange(&slot->told[number], (int)now);
    if (before == now && !a_client_fell_behind())
        fail_check(__FILE__, __LINE__, "client %u: two %s in a row of %d", n,
                   now == JOINED ? "joins" : "prunes", number);
    if (was_there && before == NOT_HEARD && now == PRUNED && !a_client_fell_behind())
        fail_check(__FILE__, __LINE__, "client %u: a prune before the join of %d", n, number);
    /* A prune of (*,*) ends everything that the client was told. */
    if (number == WILD && now == PRUNED) {
        for (unsigned g = 0; g < KNOWN; g++)
            slot->told[g] = was_there ? NOT_HEARD : PRUNED;
    }
}

/* IGMP is enabled only beside these two clients. When the landlord releases the interface there is
 * no LOCAL_LEAVE (2.5), so joins and leaves alternate only for the first joiner. */
static void hear_local(unsigned n, DWORD source, DWORD group, DWORD index, enum told now)
{
    const int number = number_of(source, group);
    enum told before;

    if (!(n == 0 && index == 1) && !(n == LANDLORD && index == SHARED_IF))
        fail_check(__FILE__, __LINE__, "client %u: IGMP is not on its interface %u", n,
                   (unsigned)index);
    if (number < 0 || number >= GROUPS) {
        fail_check(__FILE__, __LINE__, "client %u: IGMP never joins that", n);
        return;
    }
    if (n != 0)
        return;
    before = (enum told)atomic_exchange(&slots[n].local[number], (int)now);
    if ((before == now || (before == NOT_HEARD && now == PRUNED)) && !a_client_fell_behind())
        fail_check(__FILE__, __LINE__, "client %u: a LOCAL_%s of %d out of turn", n,
                   now == JOINED ? "JOIN" : "LEAVE", number);
}

static bool can_have(unsigned n, DWORD index)
{
    switch (index) {
    case 1: return n == 0 || n == IGMP;
    case SHARED_IF: return n == IGMP || n == LANDLORD;
    case FLAKY_IF: return n == 0;
    default: return index == 1 + n && n < LISTENERS && n != IGMP;
    }
}

static void check_interface(unsigned n, DWORD index, DWORD next_hop)
{
    if (!can_have(n, index) || next_hop != 0)
        fail_check(__FILE__, __LINE__, "client %u: interface %u is not its own", n,
                   (unsigned)index);
}

static void check_flow(unsigned n, DWORD source, DWORD group)
{
    BYTE bytes[4];

    memcpy(bytes, &source, sizeof(bytes));
    if (bytes[0] != 10 || number_of(0, group) < 0 || number_of(0, group) >= GROUPS)
        fail_check(__FILE__, __LINE__, "client %u: no source sends this flow", n);
}

/* An alert with FALSE: only the owner of the interface towards the source gets it. That is the
 * first joiner, except for one source. The alerts are not counted, because they depend on which
 * client caused what, and in which order. */
static void check_mfe_alert(unsigned n, DWORD s, DWORD s_mask, DWORD g, DWORD g_mask)
{
    check_flow(n, s, g);
    if (s_mask != 0xffffffff || g_mask != 0xffffffff)
        fail_check(__FILE__, __LINE__, "client %u: an MFE has one source and one group", n);
    if (n != 0 && !(n < JOINERS && s == ip(WANDERER)))
        fail_check(__FILE__, __LINE__, "client %u: it has no interface towards the source", n);
}

/* --- the callbacks ----------------------------------------------------------- */

static DWORD on_join(unsigned n, unsigned face, DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    enter(n, face, EVENT_JOIN);
    if (member)
        hear(n, number_of(s, g), JOINED);
    else
        check_mfe_alert(n, s, sm, g, gm);
    return leave_callback(n);
}

static DWORD on_prune(unsigned n, unsigned face, DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i,
                      DWORD h, BOOL member, const DWORD *timeout)
{
    enter(n, face, EVENT_PRUNE);
    if (member) {
        hear(n, number_of(s, g), PRUNED);
    } else {
        check_mfe_alert(n, s, sm, g, gm);
        check_interface(n, i, h);
        if (*timeout != TIMEOUT_S)
            fail_check(__FILE__, __LINE__, "client %u: a time-out of %u s", n,
                       (unsigned)*timeout);
    }
    return leave_callback(n);
}

static DWORD on_rpf(unsigned n, unsigned face, DWORD s, DWORD g, DWORD i, DWORD h)
{
    enter(n, face, EVENT_RPF);
    check_flow(n, s, g);
    check_interface(n, i, h);
    return leave_callback(n);
}

static DWORD on_creation(unsigned n, unsigned face, DWORD s, DWORD g, DWORD count,
                         const MGM_IF_ENTRY *oifs)
{
    enter(n, face, EVENT_CREATION);
    check_flow(n, s, g);
    for (DWORD k = 0; k < count; k++)
        check_interface(n, oifs[k].dwIfIndex, oifs[k].dwIfNextHopAddr);
    return leave_callback(n);
}

static DWORD on_wrong_if(unsigned n, unsigned face, DWORD s, DWORD g, DWORD i, DWORD h,
                         DWORD size, const BYTE *header)
{
    enter(n, face, EVENT_WRONG_IF);
    check_flow(n, s, g);
    check_interface(n, i, h);
    if (size != PACKET_HEADER_SIZE || memcmp(header + 12, &s, sizeof(s)) != 0)
        fail_check(__FILE__, __LINE__, "client %u: another packet's header", n);
    return leave_callback(n);
}

static DWORD on_local(unsigned n, unsigned face, enum event_kind kind, DWORD s, DWORD g, DWORD i,
                      DWORD h)
{
    enter(n, face, kind);
    check_interface(n, i, h);
    hear_local(n, s, g, i, kind == EVENT_LOCAL_JOIN ? JOINED : PRUNED);
    return leave_callback(n);
}

static DWORD on_change(unsigned n, unsigned face, enum event_kind kind, DWORD i, DWORD h)
{
    enter(n, face, kind);
    check_interface(n, i, h);
    if (n != IGMP)
        fail_check(__FILE__, __LINE__, "client %u: it is not IGMP", n);
    return leave_callback(n);
}

/* A callback has no context argument, so each client has its own functions, two sets of them. */
#define FACE(n, f)                                                                             \
    static DWORD join_##n##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)             \
    {                                                                                          \
        return on_join(n, f, s, sm, g, gm, member);                                            \
    }                                                                                          \
    static DWORD prune_##n##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h,       \
                                 BOOL member, PDWORD timeout)                                  \
    {                                                                                          \
        return on_prune(n, f, s, sm, g, gm, i, h, member, timeout);                            \
    }                                                                                          \
    static DWORD rpf_##n##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD i, PDWORD h,       \
                               PDWORD up, DWORD size, PBYTE header, PBYTE route)               \
    {                                                                                          \
        (void)sm, (void)gm, (void)up, (void)size, (void)header, (void)route;                   \
        return on_rpf(n, f, s, g, *i, *h);                                                     \
    }                                                                                          \
    static DWORD creation_##n##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h,    \
                                    DWORD count, PMGM_IF_ENTRY oifs)                           \
    {                                                                                          \
        (void)sm, (void)gm, (void)i, (void)h;                                                  \
        return on_creation(n, f, s, g, count, oifs);                                           \
    }                                                                                          \
    static DWORD wrong_if_##n##_##f(DWORD s, DWORD g, DWORD i, DWORD h, DWORD size,            \
                                    PBYTE header)                                              \
    {                                                                                          \
        return on_wrong_if(n, f, s, g, i, h, size, header);                                    \
    }                                                                                          \
    static DWORD local_join_##n##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h)  \
    {                                                                                          \
        (void)sm, (void)gm;                                                                    \
        return on_local(n, f, EVENT_LOCAL_JOIN, s, g, i, h);                                   \
    }                                                                                          \
    static DWORD local_leave_##n##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h) \
    {                                                                                          \
        (void)sm, (void)gm;                                                                    \
        return on_local(n, f, EVENT_LOCAL_LEAVE, s, g, i, h);                                  \
    }                                                                                          \
    static DWORD disable_##n##_##f(DWORD i, DWORD h)                                           \
    {                                                                                          \
        return on_change(n, f, EVENT_DISABLE_IGMP, i, h);                                      \
    }                                                                                          \
    static DWORD enable_##n##_##f(DWORD i, DWORD h)                                            \
    {                                                                                          \
        return on_change(n, f, EVENT_ENABLE_IGMP, i, h);                                       \
    }

#define CLIENT(n) FACE(n, 0) FACE(n, 1) FACE(n, 2) FACE(n, 3)

CLIENT(0) CLIENT(1) CLIENT(2) CLIENT(3) CLIENT(4) CLIENT(5)
CLIENT(6) CLIENT(7) CLIENT(8) CLIENT(9) CLIENT(10) CLIENT(11)

#define CONFIG(n, f)                                   \
    {                                                  \
        .pfnRpfCallback = rpf_##n##_##f,               \
        .pfnCreationAlertCallback = creation_##n##_##f, \
        .pfnPruneAlertCallback = prune_##n##_##f,      \
        .pfnJoinAlertCallback = join_##n##_##f,        \
        .pfnWrongIfCallback = wrong_if_##n##_##f,      \
        .pfnLocalJoinCallback = local_join_##n##_##f,  \
        .pfnLocalLeaveCallback = local_leave_##n##_##f, \
        .pfnDisableIgmpCallback = disable_##n##_##f,   \
        .pfnEnableIgmpCallback = enable_##n##_##f,     \
    }
#define CONFIGS(n) {CONFIG(n, 0), CONFIG(n, 1), CONFIG(n, 2), CONFIG(n, 3)}

static ROUTING_PROTOCOL_CONFIG configs[SLOTS][FACES] = {
    CONFIGS(0), CONFIGS(1), CONFIGS(2), CONFIGS(3), CONFIGS(4),  CONFIGS(5),
    CONFIGS(6), CONFIGS(7), CONFIGS(8), CONFIGS(9), CONFIGS(10), CONFIGS(11),
};

/* --- registering and deregistering --------------------------------------------- */

HANDLE come(unsigned n)
{
    struct slot *slot = &slots[n];
    HANDLE client = NULL;
    unsigned coming;

    for (unsigned g = 0; g <= KNOWN; g++)
        slot->told[g] = NOT_HEARD;
    coming = ++slot->coming;
    OK(MgmRegisterMProtocol(&configs[n][coming % FACES], n == IGMP ? PROTO_IP_IGMP : 0x100 + n,
                            1, &client));
    slot->client = client;
    return client;
}

/* From now on every callback of that registration is too late. */
static void is_over(unsigned n, unsigned coming)
{
    unsigned gone = slots[n].gone;

    while (gone < coming && !atomic_compare_exchange_weak(&slots[n].gone, &gone, coming))
        ;
}

void go(unsigned n)
{
    const bool goes_otherwise = n >= LISTENERS && n < LANDLORD;
    DWORD code = quit(slots[n].client);

    CHECK(code != NO_ERROR || !slots[n].busy);
    /* It may have deregistered in one of its callbacks, or in a callback of another client. */
    CHECK(code == NO_ERROR || (code == ERROR_INVALID_PARAMETER && goes_otherwise));
    is_over(n, slots[n].coming);
    slots[n].client = NULL;
    while (slots[n].busy)
        sleep_ms(1);
}

void go_by_itself(unsigned n)
{
    /* Refused if `go` was called before and waits for this callback. */
    if (quit(slots[n].client) == NO_ERROR) {
        slots[n].has_left = true;
        is_over(n, slots[n].coming);
    }
}

void send_away(unsigned n)
{
    /* If the client registers again in between, this number is too small, which does no harm. */
    const unsigned coming = slots[n].coming;
    HANDLE client = slots[n].client;

    /* Refused if one of its callbacks is running. */
    if (client != NULL && quit(client) == NO_ERROR)
        is_over(n, coming);
}

/* --- for the test ----------------------------------------------------------------- */

HANDLE client_of(unsigned n)
{
    return slots[n].client;
}

bool is_joined(unsigned n, unsigned number)
{
    return slots[n].told[number] == JOINED;
}

bool all_local_left(void)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        if (slots[0].local[g] == JOINED)
            return false;
    }
    return true;
}

unsigned callbacks_inside(void)
{
    return inside;
}

bool every_kind_came(void)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
        if (heard[kind] == 0)
            return false;
    }
    return true;
}

void print_callbacks(void)
{
    static const char *const names[EVENT_KINDS] = {
        "RPF", "CREATION", "PRUNE", "JOIN", "WRONG_IF",
        "LOCAL_JOIN", "LOCAL_LEAVE", "DISABLE_IGMP", "ENABLE_IGMP",
    };
    unsigned long calls = 0;

    for (unsigned n = 0; n < SLOTS; n++)
        calls += slots[n].calls;
    printf("    %lu callbacks:", calls);
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        printf(" %lu %s", (unsigned long)heard[kind], names[kind]);
    printf("\n");
}

void plant_a_race(void)
{
    race_planted = true;
}
