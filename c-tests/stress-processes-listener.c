/* The listener of a client process of stress-processes.c, which checks each callback when it comes. */

#include "stress-processes-program.h"

#include <stdlib.h>
#include <string.h>

_Atomic(HANDLE) listener;
atomic_bool is_closing, listener_gone;
static atomic_bool listener_busy;
/* Only the listener's callbacks use these. */
static unsigned char told_batch[PAIRS][BATCH], told_local[LOCAL_GROUPS];
static unsigned callback_random = 1;

/* Then a client may be told what it knows already (8.9). */
static bool a_client_fell_behind(void)
{
    DWORD code;
    char *page = host_text_or_code(MgmHostGetMetrics, 0, &code);
    const char *found;
    bool fell_behind;

    if (page == NULL) {
        if (!is_closing)
            FAULT("process %u: the metrics return %s", me, code_name((unsigned)code));
        return true; /* MgmHostStop ends the call, so it is not known */
    }
    found = strstr(page, "\nmgm_clients_fell_behind_total ");
    fell_behind = found == NULL || strtoul(found + 31, NULL, 10) > 0;
    free(page);
    return fell_behind;
}

static void alternate(const char *what, unsigned number, enum told before, enum told now)
{
    if (before == now && !a_client_fell_behind())
        FAULT("process %u: two %s in a row of %s %u", me, now == JOINED ? "joins" : "prunes", what,
              number);
}

static void hear_step(unsigned life, unsigned pair, unsigned step, enum told now)
{
    const unsigned event = 2 * step + (now == PRUNED), expected = self->expects[pair];

    /* A successor begins again, when everything of its predecessor has been deleted. */
    const bool follows = self->lives[pair] == life ? event == expected
                                                   : event == 0 && expected % 2 == 0;

    if (expected != UNKNOWN && !follows && !a_client_fell_behind())
        FAULT("process %u: event %u of thread %u, life %u, instead of %u, life %u", me, event, pair,
              life, expected, self->lives[pair]);
    self->expects[pair] = (unsigned char)((event + 1) % EVENTS);
    self->lives[pair] = (unsigned char)life;
}

static void hear_batch(unsigned pair, unsigned n, enum told now)
{
    unsigned char *told = told_batch[pair];

    alternate("batch", pair << 9 | n, told[n], now);
    if (now == JOINED && n > 0 && told[n - 1] == PRUNED && !a_client_fell_behind())
        FAULT("process %u: join %u of a batch of thread %u is too early", me, n, pair);
    self->batch_groups += (now == JOINED) - (told[n] == JOINED);
    told[n] = (unsigned char)now;
}

static void hear(DWORD group, enum told now)
{
    BYTE bytes[4];

    memcpy(bytes, &group, sizeof(bytes));
    if (bytes[1] == 9 && bytes[3] < GROUPS)
        alternate("group", bytes[3], atomic_exchange(&self->told[bytes[3]], (unsigned char)now), now);
    else if (bytes[1] >= 10 && bytes[1] < 10 + LIVES && bytes[2] < PAIRS && bytes[3] < STEPS)
        hear_step(bytes[1] - 10u, bytes[2], bytes[3], now);
    else if (bytes[1] == 128 && bytes[2] < PAIRS * 2 && (bytes[2] % 2 * 256u + bytes[3]) < BATCH)
        hear_batch(bytes[2] / 2, bytes[2] % 2 * 256u + bytes[3], now);
    else if (bytes[1] != 8)
        FAULT("process %u: nobody joins 239.%u.%u.%u", me, bytes[1], bytes[2], bytes[3]);
}

/* A call inside a callback of the listener. It is refused while the listener goes. */
static void expect_inside(const char *what, DWORD code)
{
    if (code != NO_ERROR && !is_closing)
        FAULT("process %u: %s returns %s inside a callback", me, what, code_name((unsigned)code));
}

/* Calls inside callbacks. */
static void call_back(void)
{
    const unsigned own = SHARED_GROUPS + me;
    char text[40];
    BYTE buffer[512];
    DWORD size = sizeof(buffer), count;
    HANDLE groups = NULL;

    if (self->order == DIE_IN_CALLBACK)
        die();
    if (memory->phase == PAUSE || listener == NULL)
        return;
    switch (draw(&callback_random, 64)) {
    case 0:
        group_of(9, 0, own, text);
        if (self->wants[own])
            expect_inside("a delete", leave(listener, text, LISTENER_IF + me));
        else
            expect_inside("an add", join(listener, text, LISTENER_IF + me));
        self->wants[own] = !self->wants[own];
        break;
    case 1:
        MgmGetFirstMfe(&size, buffer, &count);
        break;
    case 2:
        expect_inside("the start of an enumeration",
                      MgmGroupEnumerationStart(listener, ALL_SOURCES, &groups));
        expect_inside("the end of an enumeration", MgmGroupEnumerationEnd(groups));
        break;
    default:
        break;
    }
}

static void enter(enum event_kind kind)
{
    self->callbacks++;
    memory->kinds[kind]++;
    if (listener_gone)
        FAULT("process %u: a callback after the deregistration", me);
    if (atomic_exchange(&listener_busy, true))
        FAULT("process %u: two callbacks at a time", me);
}

static DWORD leave_callback(void)
{
    call_back();
    listener_busy = false;
    return 0;
}

static void check_flow(DWORD source, DWORD index)
{
    BYTE bytes[4];

    memcpy(bytes, &source, sizeof(bytes));
    /* If nobody owns the interface of the route, the owner of another one is asked. */
    if (bytes[0] != 10 || (index != 0 && (bytes[1] != me || index != LISTENER_IF + me)))
        FAULT("process %u: flows of %u.%u come in by another interface than %u", me, bytes[0],
              bytes[1], (unsigned)index);
}

static DWORD on_join(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    (void)s, (void)sm, (void)gm;
    enter(EVENT_JOIN);
    if (member)
        hear(g, JOINED);
    return leave_callback();
}

static DWORD on_prune(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h, BOOL member,
                      PDWORD timeout)
{
    (void)sm, (void)gm, (void)h, (void)timeout;
    enter(EVENT_PRUNE);
    if (member)
        hear(g, PRUNED);
    else
        check_flow(s, i);
    return leave_callback();
}

static DWORD on_rpf(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD i, PDWORD h, PDWORD up, DWORD size,
                    PBYTE header, PBYTE destination)
{
    (void)sm, (void)g, (void)gm, (void)h, (void)up, (void)size, (void)header, (void)destination;
    enter(EVENT_RPF);
    check_flow(s, *i);
    return leave_callback();
}

static DWORD on_creation(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h, DWORD count,
                         PMGM_IF_ENTRY oifs)
{
    (void)sm, (void)gm, (void)h;
    enter(EVENT_CREATION);
    for (DWORD n = 0; n < count; n++) {
        if (oifs[n].dwIfIndex != LISTENER_IF + me)
            FAULT("process %u: oif %u of %u of (%08x, %08x) from %u is %u, not its own", me,
                  (unsigned)n, (unsigned)count, (unsigned)s, (unsigned)g, (unsigned)i,
                  (unsigned)oifs[n].dwIfIndex);
    }
    return leave_callback();
}

static DWORD on_wrong_if(DWORD s, DWORD g, DWORD i, DWORD h, DWORD size, PBYTE header)
{
    (void)s, (void)g, (void)i, (void)h, (void)size, (void)header;
    enter(EVENT_WRONG_IF);
    return leave_callback();
}

static void hear_local(DWORD g, DWORD i, enum told now)
{
    BYTE bytes[4];

    memcpy(bytes, &g, sizeof(bytes));
    if (i != LISTENER_IF + me || bytes[1] != 8 || bytes[3] >= LOCAL_GROUPS) {
        FAULT("process %u: IGMP never joins this", me);
        return;
    }
    if ((told_local[bytes[3]] == JOINED) == (now == JOINED) && !a_client_fell_behind())
        FAULT("process %u: a LOCAL_%s out of turn", me, now == JOINED ? "JOIN" : "LEAVE");
    self->local_groups += (now == JOINED) - (told_local[bytes[3]] == JOINED);
    told_local[bytes[3]] = (unsigned char)now;
}

static DWORD on_local_join(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h)
{
    (void)s, (void)sm, (void)gm, (void)h;
    enter(EVENT_LOCAL_JOIN);
    hear_local(g, i, JOINED);
    return leave_callback();
}

static DWORD on_local_leave(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h)
{
    (void)s, (void)sm, (void)gm, (void)h;
    enter(EVENT_LOCAL_LEAVE);
    hear_local(g, i, PRUNED);
    return leave_callback();
}

const ROUTING_PROTOCOL_CONFIG listener_config = {
    .pfnRpfCallback = on_rpf,
    .pfnCreationAlertCallback = on_creation,
    .pfnPruneAlertCallback = on_prune,
    .pfnJoinAlertCallback = on_join,
    .pfnWrongIfCallback = on_wrong_if,
    .pfnLocalJoinCallback = on_local_join,
    .pfnLocalLeaveCallback = on_local_leave,
};
