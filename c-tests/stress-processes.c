/* Sixteen client processes with four threads each make all calls at the same time, and die at random
 * (section 9 of docs/semantics.md). This program is the router. The client processes are this program
 * again, see stress-processes-program.c: they check each callback when it comes.
 *
 * Now and then all of them pause. Then every listener has been told exactly what the others want.
 * In the end, the router has as many descriptors and as much memory as after its first processes.
 *
 * MGM_STRESS_MS is the duration, MGM_STRESS_SEED the seed of the random numbers. */

#include "router.h"
#include "stress-processes.h"
#include "threads.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USUAL_MS = 5000, ROUND_MS = 500, SOURCES = 2, SLACK = 1 << 20, MEMORY_FD = 60 };

static struct shared *shared;
static pid_t pids[PROCESSES];
static char path[80];
static unsigned seed, ended[ORDERS + 2];
/* How often clients fell behind before the last pause, and whether some did since. */
static unsigned long fell_behind;
static bool has_gaps;
static atomic_bool sends;

/* --- the processes --------------------------------------------------------------------------- */

static struct shared *map(int fd)
{
    void *found = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (found == MAP_FAILED)
        abort();
    return found;
}

static void share_memory(void)
{
    char name[] = "/tmp/mgm-stress-XXXXXX";
    int fd = mkstemp(name);

    CHECK(fd >= 0 && unlink(name) == 0 && ftruncate(fd, sizeof(struct shared)) == 0);
    CHECK(dup2(fd, MEMORY_FD) == MEMORY_FD);
    close(fd);
    shared = map(MEMORY_FD);
}

static void launch(unsigned n)
{
    struct slot *slot = &shared->slots[n];
    char number[20], random[20];

    for (unsigned k = 0; k < GROUPS; k++) {
        slot->wants[k] = false;
        slot->told[k] = NOT_HEARD;
    }
    for (unsigned pair = 0; pair < PAIRS; pair++)
        slot->expects[pair] = UNKNOWN;
    for (unsigned t = 0; t < THREADS; t++)
        slot->position[t] = 0;
    slot->paused = 0;
    slot->batch_groups = slot->local_groups = 0;
    slot->order = LIVE;
    slot->life = (slot->life + 1) % LIVES;
    slot->serial++;
    snprintf(number, sizeof(number), "%u", n);
    snprintf(random, sizeof(random), "%u", seed + PROCESSES * slot->serial + n);
    pids[n] = fork();
    if (pids[n] == 0) {
        for (int fd = 3; fd < MEMORY_FD; fd++)
            close(fd);
        unsetenv("MGM_FORWARDER");
        setenv("MGM_ROUTER", path, 1);
        execl("/proc/self/exe", "stress-processes", "process", number, random, (char *)NULL);
        _exit(127);
    }
}

/* Buries the processes that have ended. */
static void reap(int flags)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, flags)) > 0) {
        for (unsigned n = 0; n < PROCESSES; n++) {
            if (pids[n] != pid)
                continue;
            if ((WIFEXITED(status) && WEXITSTATUS(status) != 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
                fail_check(__FILE__, __LINE__, "process %u has ended with status %x", n,
                           (unsigned)status);
            ended[shared->slots[n].order]++;
            pids[n] = 0;
            for (unsigned k = 0; k < GROUPS; k++)
                shared->slots[n].wants[k] = false;
        }
    }
}

/* Something happens to one of them. */
static void be_fate(unsigned *random)
{
    const unsigned n = draw(random, PROCESSES), what = draw(random, ORDERS + 1);

    if (pids[n] == 0)
        launch(n);
    else if (shared->slots[n].order != LIVE)
        return;
    else if (n == IGMP_PAIR / THREADS && draw(random, 4) > 0)
        return; /* it is the only one with IGMP */
    else if (what == ORDERS) {
        kill(pids[n], SIGSTOP);
        sleep_ms(5 + draw(random, 30));
        kill(pids[n], SIGCONT);
        ended[ORDERS + 1]++;
    } else if (what == LIVE) {
        kill(pids[n], SIGKILL);
    } else {
        shared->slots[n].order = (int)what;
    }
}

/* --- the router ------------------------------------------------------------------------------ */

static unsigned long metric(const char *name)
{
    char *page = host_text(MgmHostGetMetrics, 0), line[80];
    const char *found;
    unsigned long value = ~0ul;

    snprintf(line, sizeof(line), "\n%s ", name);
    found = strstr(page, line);
    if (found != NULL)
        value = strtoul(found + strlen(line), NULL, 10);
    else
        fail_check(__FILE__, __LINE__, "no metric %s", name);
    free(page);
    return value;
}

static void be_source(void *argument)
{
    unsigned random = seed + (unsigned)(size_t)argument;
    char text[60];

    while (sends) {
        const unsigned n = draw(&random, PROCESSES);
        DWORD code;

        snprintf(text, sizeof(text), "(10.%u.0.%u, 239.9.0.%u)", n, 1 + draw(&random, 3),
                 draw(&random, SHARED_GROUPS));
        code = packet_code(text, LISTENER_IF + (draw(&random, 8) ? n : draw(&random, PROCESSES)));
        /* Without owners there is no MFE. */
        CHECK(code == NO_ERROR || code == ERROR_CAN_NOT_COMPLETE);
        sleep_ms(1 + draw(&random, 4));
    }
}

/* Waits until the condition holds, for at most a minute. */
static bool await_all(bool (*holds)(void))
{
    for (unsigned long long until = now_ms() + patience_ms(60000); now_ms() < until;) {
        reap(WNOHANG);
        if (holds())
            return true;
        sleep_ms(2);
    }
    return false;
}

/* Whether the router has sent everything, and all callbacks have returned. */
static bool all_acknowledged(void)
{
    char *status = host_text(MgmHostGetStatus, MGMHOST_STATUS_NO_MEMBERSHIPS | MGMHOST_STATUS_NO_MFES);
    bool waits = false;

    for (const char *at = status; (at = strstr(at, "\"unacknowledged\":")) != NULL; at++)
        waits = waits || strtoul(at + strlen("\"unacknowledged\":"), NULL, 10) > 0;
    free(status);
    return !waits;
}

/* Whether all threads wait, everything of ended processes is gone, and no callback is under way. */
static bool all_paused(void)
{
    unsigned clients = 0;

    for (unsigned n = 0; n < PROCESSES; n++) {
        if (pids[n] != 0 && shared->slots[n].paused < THREADS)
            return false;
        clients += pids[n] != 0 ? 1 + THREADS : 0;
    }
    return metric("mgm_clients") == clients && all_acknowledged();
}

static bool is_wanted_beside(unsigned n, unsigned group)
{
    for (unsigned other = 0; other < PROCESSES; other++) {
        if (other != n && shared->slots[other].wants[group])
            return true;
    }
    return false;
}

/* What the listener of a process has not been told; null if nothing. If it `learns`, it is known from
 * then on what it must be told next. A client that falls behind is told only what has changed in the
 * end (8.9), so then the sequences have gaps. */
static const char *lacks(unsigned n, bool learns)
{
    struct slot *slot = &shared->slots[n];

    for (unsigned k = 0; k < GROUPS; k++) {
        const bool is_wanted = is_wanted_beside(n, k);

        if (slot->told[k] != NOT_HEARD && (slot->told[k] == JOINED) != is_wanted)
            return "a join or a prune";
        /* A listener may be told of the end of a membership without having been told of its beginning:
         * a process has died and has been started again, and while it has no memberships yet, the
         * router still deletes those that it had before. */
        if (learns && (is_wanted || slot->told[k] != NOT_HEARD))
            slot->told[k] = is_wanted ? JOINED : PRUNED;
    }
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        const struct slot *sender = &shared->slots[pair / THREADS];
        const unsigned next = slot->expects[pair], position = sender->position[pair % THREADS];
        const bool is_new = slot->lives[pair] != sender->life;

        if (pids[pair / THREADS] == 0 || next == UNKNOWN || (is_new && position == 0)) {
            if (next != UNKNOWN && next % 2 == 1)
                return "the last prune of a sequence";
        } else if (next != position && !has_gaps) {
            return "an event of a sequence";
        }
        if (learns && pids[pair / THREADS] != 0) {
            slot->expects[pair] = (unsigned char)position;
            slot->lives[pair] = (unsigned char)sender->life;
        }
    }
    if (slot->batch_groups != 0 || slot->local_groups != 0)
        return "the prune of a batch, or a LOCAL_LEAVE";
    return NULL;
}

static bool all_told(void)
{
    for (unsigned n = 0; n < PROCESSES; n++) {
        if (pids[n] != 0 && lacks(n, false) != NULL)
            return false;
    }
    return true;
}

/* All processes pause, and it is checked what each has been told. */
static void pause_all(void)
{
    shared->phase = PAUSE;
    if (!await_all(all_paused))
        fail_check(__FILE__, __LINE__, "not all threads pause, or callbacks are lost");
    has_gaps = metric("mgm_clients_fell_behind_total") != fell_behind;
    await_all(all_told);
    for (unsigned n = 0; n < PROCESSES; n++) {
        const char *what = pids[n] != 0 ? lacks(n, true) : NULL;

        if (what != NULL)
            fail_check(__FILE__, __LINE__, "process %u was not told %s", n, what);
    }
    fell_behind = metric("mgm_clients_fell_behind_total");
}

/* Runs processes until their time is over, and lets all of them end. */
static void run_for(unsigned ms, unsigned *random)
{
    const unsigned long long until = now_ms() + ms;
    struct thread *sources[SOURCES];

    for (unsigned n = 0; n < PROCESSES; n++)
        launch(n);
    sends = true;
    for (size_t n = 0; n < SOURCES; n++)
        sources[n] = thread_start(be_source, (void *)n);
    while (now_ms() < until) {
        const unsigned long long end = now_ms() + ROUND_MS;

        shared->phase = RUN;
        while (now_ms() < end) {
            sleep_ms(10 + draw(random, 20));
            be_fate(random);
            reap(WNOHANG);
        }
        pause_all();
    }
    sends = false;
    for (size_t n = 0; n < SOURCES; n++)
        thread_join(sources[n]);
    for (unsigned n = 0; n < PROCESSES; n++) {
        int lives = LIVE;

        atomic_compare_exchange_strong(&shared->slots[n].order, &lives, EXIT);
    }
    shared->phase = RUN;
    reap(0);
}

/* What the router has when no process is there. Tables that have grown stay large, and refused flows
 * are kept for 10 s, so the memory varies. */
struct usage {
    unsigned descriptors;
    size_t memory;
};

static struct usage measure(void)
{
    struct usage usage = {0, 0};

    SOON(metric("mgm_clients") == 0 && metric("mgm_interfaces") == 0 && metric("mgm_mfes") == 0);
    EXPECT_NO_GROUPS(ALL_SOURCES);
    usage.descriptors = open_descriptors();
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    usage.memory = mallinfo2().uordblks;
#endif
    return usage;
}

static unsigned number_from(const char *name, unsigned otherwise)
{
    const char *given = getenv(name);

    return given != NULL ? (unsigned)strtoul(given, NULL, 10) : otherwise;
}

static void print_sums(void)
{
    static const char *const kinds[] = {"RPF", "CREATION", "PRUNE", "JOIN", "WRONG_IF",
                                        "LOCAL_JOIN", "LOCAL_LEAVE", "DISABLE_IGMP",
                                        "ENABLE_IGMP"};
    unsigned long calls = 0, callbacks = 0;

    for (unsigned n = 0; n < PROCESSES; n++) {
        calls += shared->slots[n].calls;
        callbacks += shared->slots[n].callbacks;
    }
    printf("    seed %u: %lu calls, %lu callbacks:", seed, calls, callbacks);
    for (unsigned kind = 0; kind < 9; kind++)
        printf(" %lu %s", (unsigned long)shared->kinds[kind], kinds[kind]);
    printf("; clients fell behind %lu times\n    %u killed, %u inside a callback, %u in a batch; %u ended at once, %u well, %u "
           "after MgmHostStop; %u stops\n",
           fell_behind, ended[LIVE], ended[DIE_IN_CALLBACK], ended[DIE_IN_BATCH], ended[DIE_AT_ONCE],
           ended[EXIT], ended[STOP], ended[ORDERS + 1]);
}

static void t9_7_processes_that_join_and_die_at_random_lose_and_leak_nothing(void)
{
    const unsigned ms = number_from("MGM_STRESS_MS", USUAL_MS);
    struct usage first, last;
    unsigned random;

    allow_ms(2 * ms + patience_ms(60000));
    seed = random = number_from("MGM_STRESS_SEED", 1);
    share_memory();
    router_restart(1); /* MFEs expire */
    snprintf(path, sizeof(path), "/tmp/mgm-c-stress-%ld", (long)getpid());
    OK(MgmHostServeClients(path, 0600));
    for (unsigned n = 0; n < PROCESSES; n++) {
        char prefix[40], gateway[40];

        snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", n);
        snprintf(gateway, sizeof(gateway), "10.%u.9.9", n);
        route(prefix, LISTENER_IF + n, gateway);
    }
    run_for(ms / 4, &random);
    first = measure();
    run_for(ms - ms / 4, &random);
    last = measure();
    print_sums();
    printf("    the router uses %ld bytes more than at first\n", (long)(last.memory - first.memory));
    CHECK_EQ(shared->faults, 0);
    SOON(open_descriptors() <= first.descriptors);
    if (last.memory > first.memory + SLACK)
        fail_check(__FILE__, __LINE__, "the router uses %zu bytes more than at first",
                   last.memory - first.memory);
    munmap(shared, sizeof(*shared));
    close(MEMORY_FD);
}

int main(int argc, char **argv)
{
    static const struct test_case table[] = {
        CASE(t9_7_processes_that_join_and_die_at_random_lose_and_leak_nothing),
    };

    if (argc == 4 && strcmp(argv[1], "process") == 0)
        return be_process(map(MEMORY_FD), (unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    return RUN_CASES(table, argc, argv);
}
