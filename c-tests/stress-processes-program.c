/* The client processes of stress-processes.c. Each has a *listener*, a client that hears everything,
 * and owns an interface on which all threads join and leave. Each thread has a client of its own,
 * too, which registers and deregisters again and again.
 *
 * Each callback is checked when it comes:
 *
 * - Callbacks of a client run one at a time, and none runs after a deregistration (1.6).
 * - Joins and prunes of a group alternate, so none is lost or comes twice.
 * - A thread joins and leaves groups in a fixed sequence, and each listener hears this sequence. The
 *   joins of a batch come in their order. */

#include "router.h"
#include "stress-processes.h"
#include "threads.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A registration of a thread uses other functions than the one before, to find callbacks that come
 * after a deregistration. */
enum { FACES = 2, MOST_DESCRIPTORS = 40 };

static struct shared *shared;
static struct slot *self;
static unsigned me, first_seed;
static _Atomic(HANDLE) listener;
static atomic_bool ends, is_closing, listener_busy, listener_gone;
static atomic_uint registration[THREADS], gone[THREADS];
static atomic_bool busy[THREADS];
/* Only the listener's callbacks use these. */
static unsigned char told_batch[PAIRS][BATCH], told_local[LOCAL_GROUPS];
static unsigned callback_random;

#define FAULT(...)                                  \
    do {                                            \
        fail_check(__FILE__, __LINE__, __VA_ARGS__); \
        fflush(stdout);                             \
        shared->faults++;                           \
    } while (0)
#define EXPECT_OK(call)                                                                     \
    do {                                                                                    \
        DWORD code_ = (call);                                                               \
        self->calls++;                                                                      \
        if (code_ != NO_ERROR)                                                              \
            FAULT("process %u: %s returns %s", me, #call, code_name((unsigned)code_));      \
    } while (0)

static char *text_of(unsigned kind, unsigned third, unsigned fourth, char text[40])
{
    snprintf(text, 40, "(*, 239.%u.%u.%u)", kind, third, fourth);
    return text;
}

static char *batch_text(unsigned pair, unsigned n, char text[40])
{
    const unsigned rest = pair << 9 | n;

    return text_of(128, rest >> 8, rest & 255, text);
}

static void die(void)
{
    raise(SIGKILL);
}

/* --- what the listener hears --------------------------------------------------------------- */

/* Then a client may be told what it knows already (8.9). */
static bool a_client_fell_behind(void)
{
    char *page = host_text(MgmHostGetMetrics, 0);
    const char *found = strstr(page, "\nmgm_clients_fell_behind_total ");
    const bool fell_behind = found == NULL || strtoul(found + 31, NULL, 10) > 0;

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
    if (now == JOINED && n > 0 && told[n - 1] == PRUNED)
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
    if (shared->phase == PAUSE || listener == NULL)
        return;
    switch (draw(&callback_random, 64)) {
    case 0:
        text_of(9, 0, own, text);
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
    shared->kinds[kind]++;
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
    (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)h;
    enter(EVENT_CREATION);
    for (DWORD n = 0; n < count; n++) {
        if (oifs[n].dwIfIndex != LISTENER_IF + me)
            FAULT("process %u: interface %u is not its own", me, (unsigned)oifs[n].dwIfIndex);
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

/* --- the clients of the threads ------------------------------------------------------------- */

static DWORD on_thread(unsigned t, unsigned face)
{
    const unsigned now = registration[t];

    self->callbacks++;
    if (now % FACES != face || now <= gone[t])
        FAULT("process %u, thread %u: a callback after the deregistration", me, t);
    if (atomic_exchange(&busy[t], true))
        FAULT("process %u, thread %u: two callbacks at a time", me, t);
    if (now <= gone[t])
        FAULT("process %u, thread %u: it has deregistered, and a callback still runs", me, t);
    busy[t] = false;
    return 0;
}

#define FACE(t, f)                                                                          \
    static DWORD join_##t##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)          \
    {                                                                                       \
        (void)s, (void)sm, (void)g, (void)gm, (void)member;                                 \
        return on_thread(t, f);                                                             \
    }                                                                                       \
    static DWORD prune_##t##_##f(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD h,    \
                                 BOOL member, PDWORD timeout)                               \
    {                                                                                       \
        (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)h, (void)member, (void)timeout; \
        return on_thread(t, f);                                                             \
    }
FACE(0, 0) FACE(0, 1) FACE(1, 0) FACE(1, 1)

/* The clients of two threads have callbacks: they all hear the same. */
static ROUTING_PROTOCOL_CONFIG configs[THREADS][FACES] = {
    {{.pfnJoinAlertCallback = join_0_0, .pfnPruneAlertCallback = prune_0_0},
     {.pfnJoinAlertCallback = join_0_1, .pfnPruneAlertCallback = prune_0_1}},
    {{.pfnJoinAlertCallback = join_1_0, .pfnPruneAlertCallback = prune_1_0},
     {.pfnJoinAlertCallback = join_1_1, .pfnPruneAlertCallback = prune_1_1}},
};

static DWORD on_igmp(DWORD index, DWORD next_hop)
{
    (void)next_hop;
    if (index < LISTENER_IF || index >= PAIR_IF + PAIRS)
        FAULT("IGMP was never enabled on %u", (unsigned)index);
    return 0;
}

static DWORD on_disable(DWORD index, DWORD next_hop)
{
    shared->kinds[EVENT_DISABLE_IGMP]++;
    return on_igmp(index, next_hop);
}

static DWORD on_enable(DWORD index, DWORD next_hop)
{
    shared->kinds[EVENT_ENABLE_IGMP]++;
    return on_igmp(index, next_hop);
}

static bool is_igmp(unsigned t)
{
    return me * THREADS + t == IGMP_PAIR;
}

static HANDLE come(unsigned t)
{
    const unsigned pair = me * THREADS + t, now = ++registration[t];
    ROUTING_PROTOCOL_CONFIG igmp_config = {.pfnDisableIgmpCallback = on_disable,
                                           .pfnEnableIgmpCallback = on_enable};
    ROUTING_PROTOCOL_CONFIG *config = is_igmp(t) ? &igmp_config : &configs[t][now % FACES];
    HANDLE client = NULL;

    EXPECT_OK(MgmRegisterMProtocol(config, is_igmp(t) ? PROTO_IP_IGMP : 0x2000 + pair, 1, &client));
    if (!is_igmp(t))
        EXPECT_OK(take(client, PAIR_IF + pair));
    return client;
}

static void go(unsigned t, HANDLE client)
{
    if (!is_igmp(t))
        EXPECT_OK(release(client, PAIR_IF + me * THREADS + t));
    EXPECT_OK(quit(client));
    gone[t] = registration[t];
    if (busy[t])
        FAULT("process %u, thread %u: it has deregistered, and a callback still runs", me, t);
}

/* --- what the threads do -------------------------------------------------------------------- */

static void join_or_leave(unsigned t, unsigned *random)
{
    const unsigned group = draw(random, SHARED_GROUPS / THREADS) * THREADS + t;
    char text[40];

    text_of(9, 0, group, text);
    if (draw(random, 2)) {
        EXPECT_OK(join(listener, text, LISTENER_IF + me));
        self->wants[group] = true;
    } else {
        EXPECT_OK(leave(listener, text, LISTENER_IF + me));
        self->wants[group] = false;
    }
}

static void step(unsigned t, HANDLE client)
{
    const unsigned pair = me * THREADS + t, at = self->position[t] / 2;
    char text[40];

    text_of(10 + self->life, pair, at, text);
    EXPECT_OK(join(client, text, PAIR_IF + pair));
    EXPECT_OK(leave(client, text, PAIR_IF + pair));
    self->position[t] = (2 * at + 2) % EVENTS;
}

static void kill_soon(void *random)
{
    usleep(draw(random, 4000));
    die();
}

static void batch(unsigned t, HANDLE client, unsigned *random)
{
    const unsigned pair = me * THREADS + t;
    const bool dies = self->order == DIE_IN_BATCH;
    const unsigned count = dies ? BATCH : 8;
    char text[40];
    DWORD first;

    if (dies)
        thread_start(kill_soon, random);
    for (int adds = 1; adds >= 0; adds--) {
        EXPECT_OK(MgmHostBeginBatch());
        for (unsigned n = 0; n < count; n++) {
            batch_text(pair, n, text);
            EXPECT_OK(adds ? join(client, text, PAIR_IF + pair) : leave(client, text, PAIR_IF + pair));
        }
        EXPECT_OK(MgmHostEndBatch(&first));
    }
}

static void enumerate(void)
{
    BYTE buffer[4096];
    DWORD size = sizeof(buffer), count, code;
    HANDLE groups;

    EXPECT_OK(MgmGroupEnumerationStart(listener, ALL_SOURCES, &groups));
    code = MgmGroupEnumerationGetNext(groups, &size, buffer, &count);
    if (code != NO_ERROR && code != ERROR_NO_MORE_ITEMS && code != ERROR_MORE_DATA)
        FAULT("MgmGroupEnumerationGetNext returns %s", code_name((unsigned)code));
    EXPECT_OK(MgmGroupEnumerationEnd(groups));
    size = sizeof(buffer);
    code = MgmGetFirstMfe(&size, buffer, &count);
    if (code != NO_ERROR && code != ERROR_NO_MORE_ITEMS && code != ERROR_MORE_DATA)
        FAULT("MgmGetFirstMfe returns %s", code_name((unsigned)code));
}

static void be_igmp(HANDLE client, unsigned *random)
{
    /* Threads release and take their interfaces again and again, so IGMP is asked. */
    const DWORD index = draw(random, 2) ? LISTENER_IF + draw(random, PROCESSES)
                                        : PAIR_IF + draw(random, PAIRS);
    char text[40];

    EXPECT_OK(take(client, index));
    for (unsigned n = 0; n < LOCAL_GROUPS; n++) {
        /* Refused between DISABLE_IGMP and ENABLE_IGMP. */
        DWORD code = join(client, text_of(8, 0, draw(random, LOCAL_GROUPS), text), index);

        if (code != NO_ERROR && code != ERROR_CAN_NOT_COMPLETE)
            FAULT("IGMP's join returns %s", code_name((unsigned)code));
    }
    usleep(draw(random, 2000));
    EXPECT_OK(release(client, index));
}

static void wait_for_end_of_pause(void)
{
    self->paused++;
    while (shared->phase == PAUSE && !ends)
        usleep(1000);
    self->paused--;
}

static void work(void *argument)
{
    const unsigned t = (unsigned)(size_t)argument;
    unsigned random = first_seed * 64 + me * THREADS + t;
    HANDLE client = come(t);

    while (!ends) {
        const unsigned what = draw(&random, 16);

        if (shared->phase == PAUSE)
            wait_for_end_of_pause();
        else if (is_igmp(t))
            be_igmp(client, &random);
        else if (what == 0 || self->order == DIE_IN_BATCH)
            batch(t, client, &random);
        else if (what < 3)
            enumerate();
        else if (what < 5) {
            go(t, client);
            client = come(t);
        } else if (what < 9)
            step(t, client);
        else
            join_or_leave(t, &random);
        usleep(draw(&random, is_igmp(t) ? 1000 : 8000));
    }
    if (self->order != STOP)
        go(t, client);
}

static unsigned open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void end_well(void)
{
    if (open_descriptors() > MOST_DESCRIPTORS)
        FAULT("process %u has %u descriptors open", me, open_descriptors());
    is_closing = true;
    if (self->order == STOP) {
        EXPECT_OK(MgmHostStop());
    } else {
        EXPECT_OK(release(listener, LISTENER_IF + me));
        EXPECT_OK(quit(listener));
    }
    listener_gone = true;
    usleep(20000); /* for callbacks that must not come */
}

int be_process(struct shared *memory, unsigned number, unsigned seed)
{
    ROUTING_PROTOCOL_CONFIG config = {
        .pfnRpfCallback = on_rpf,
        .pfnCreationAlertCallback = on_creation,
        .pfnPruneAlertCallback = on_prune,
        .pfnJoinAlertCallback = on_join,
        .pfnWrongIfCallback = on_wrong_if,
        .pfnLocalJoinCallback = on_local_join,
        .pfnLocalLeaveCallback = on_local_leave,
    };
    const pid_t parent = getppid();
    struct thread *threads[THREADS];
    HANDLE handle = NULL;

    shared = memory;
    me = number;
    self = &shared->slots[me];
    callback_random = first_seed = seed;
    EXPECT_OK(MgmRegisterMProtocol(&config, 0x1000 + me, 1, &handle));
    EXPECT_OK(take(handle, LISTENER_IF + me));
    listener = handle;
    for (size_t t = 0; t < THREADS; t++)
        threads[t] = thread_start(work, (void *)t);
    while (self->order < DIE_AT_ONCE && getppid() == parent)
        usleep(1000);
    if (self->order <= DIE_AT_ONCE)
        exit(0); /* the threads are still inside calls */
    ends = true;
    for (size_t t = 0; t < THREADS; t++)
        thread_join(threads[t]);
    end_well();
    return 0;
}
