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

#include "stress-processes-program.h"
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

struct shared *memory;
struct slot *self;
unsigned me;
static unsigned first_seed;
static atomic_bool ends;
static atomic_uint registration[THREADS], gone[THREADS];
static atomic_bool busy[THREADS];

char *group_of(unsigned kind, unsigned third, unsigned fourth, char text[40])
{
    snprintf(text, 40, "(*, 239.%u.%u.%u)", kind, third, fourth);
    return text;
}

static char *batch_text(unsigned pair, unsigned n, char text[40])
{
    const unsigned rest = pair << 9 | n;

    return group_of(128, rest >> 8, rest & 255, text);
}

void die(void)
{
    raise(SIGKILL);
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
    memory->kinds[EVENT_DISABLE_IGMP]++;
    return on_igmp(index, next_hop);
}

static DWORD on_enable(DWORD index, DWORD next_hop)
{
    memory->kinds[EVENT_ENABLE_IGMP]++;
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

    group_of(9, 0, group, text);
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

    group_of(10 + self->life, pair, at, text);
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
        DWORD code = join(client, group_of(8, 0, draw(random, LOCAL_GROUPS), text), index);

        if (code != NO_ERROR && code != ERROR_CAN_NOT_COMPLETE)
            FAULT("IGMP's join returns %s", code_name((unsigned)code));
    }
    usleep(draw(random, 2000));
    EXPECT_OK(release(client, index));
}

static void wait_for_end_of_pause(void)
{
    self->paused++;
    while (memory->phase == PAUSE && !ends)
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

        if (memory->phase == PAUSE)
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

unsigned open_descriptors(void)
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

int be_process(struct shared *shared, unsigned number, unsigned seed)
{
    ROUTING_PROTOCOL_CONFIG config = listener_config;
    const pid_t parent = getppid();
    struct thread *threads[THREADS];
    HANDLE handle = NULL;

    memory = shared;
    me = number;
    self = &memory->slots[me];
    first_seed = seed;
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
