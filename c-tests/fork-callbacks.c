/* Children that are forked inside a callback and return from it: rule 8.10 of the semantics. Tests
 * every callback, including the log callback, on the caller's thread and on the library's. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#if defined(_WIN32)

static void no_forks_here(void)
{
    SKIP("there is no fork here");
}

TEST_MAIN(CASE(no_forks_here))

#else

#include <sys/wait.h>
#include <unistd.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

/* A child that hangs is killed after this time. */
enum { HANGS_AFTER_S = 20 };

static struct child newborn;
static thread_id caller;
static atomic_bool armed;

static void split_off(void)
{
    newborn = child_split_off();
    if (newborn.is_here)
        alarm(HANGS_AFTER_S);
}

/* Checks, in the child, the code of the call that made the callback, and of later calls. The parent
 * continues. */
static void look_at_the_code(DWORD code)
{
    if (newborn.is_here) {
        int wrong = code != ERROR_CAN_NOT_COMPLETE;

        wrong += take(NULL, 1) != ERROR_CAN_NOT_COMPLETE;
        wrong += MgmHostStop() != ERROR_CAN_NOT_COMPLETE;
        child_end(&newborn, wrong);
    }
}

/* --- the nine callbacks -------------------------------------------------- */

static enum event_kind forking;

static void fork_in_callback(const struct event *event)
{
    if (armed && event->kind == forking) {
        armed = false;
        CHECK(thread_same(thread_here(), caller));
        split_off();
    }
}

static HANDLE a, b, igmp_client;

/* Each call makes callbacks of one kind, and perhaps of others. */
static DWORD make_callback(enum event_kind kind)
{
    switch (kind) {
    case EVENT_JOIN:
        return join(b, "(*, 239.1.1.9)", 2);
    case EVENT_PRUNE:
        return leave(b, "(*, 239.1.1.9)", 2);
    case EVENT_RPF:
    case EVENT_CREATION:
        return packet_code(kind == EVENT_RPF ? FLOW : "(10.0.0.6, 239.1.1.1)", 1);
    case EVENT_WRONG_IF:
        return packet_code(FLOW, 2);
    case EVENT_LOCAL_JOIN:
        return join(igmp_client, "(*, 239.1.1.8)", 2);
    case EVENT_LOCAL_LEAVE:
        return leave(igmp_client, "(*, 239.1.1.8)", 2);
    case EVENT_DISABLE_IGMP:
        return release(b, 2);
    case EVENT_ENABLE_IGMP:
        return take(b, 2);
    }
    return NO_ERROR;
}

static void t8_10_a_child_of_each_callback_is_refused(void)
{
    static const enum event_kind order[] = {
        EVENT_JOIN, EVENT_PRUNE, EVENT_RPF, EVENT_CREATION, EVENT_WRONG_IF,
        EVENT_LOCAL_JOIN, EVENT_LOCAL_LEAVE, EVENT_DISABLE_IGMP, EVENT_ENABLE_IGMP,
    };

    a = protocol('A');
    b = protocol('B');
    igmp_client = igmp('I');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(igmp_client, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    on_event('A', fork_in_callback);
    on_event('B', fork_in_callback);
    on_event('I', fork_in_callback);
    caller = thread_here();
    for (size_t n = 0; n < sizeof(order) / sizeof(*order); n++) {
        DWORD code;

        forking = order[n];
        armed = true;
        code = make_callback(forking);
        look_at_the_code(code);
        CHECK(!armed);
        CHECK_CODE(code, NO_ERROR);
        if (!armed)
            CHECK_EQ(child_failures(&newborn), 0);
    }
}

/* The child leaves the inner call, then the outer one. */
static DWORD inner_code;

static void call_within(const struct event *event)
{
    if (event->client == 'A' && event->kind == EVENT_JOIN && event->group == ip("239.1.1.2"))
        inner_code = join(a, "(*, 239.1.1.3)", 1), inner_code = release(a, 7);
}

static void fork_at_a_warning(void *context, DWORD level, const char *text)
{
    (void)context, (void)text;
    if (armed && level == MGMHOST_LOG_WARN) {
        armed = false;
        split_off();
    }
}

static void t8_10_a_child_of_the_log_gets_out_of_nested_calls(void)
{
    DWORD code;

    restart_with_log(MGMHOST_LOG_WARN, fork_at_a_warning);
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    on_event('A', call_within);
    armed = true;
    code = join(b, "(*, 239.1.1.2)", 2);
    if (newborn.is_here) {
        int wrong = inner_code != ERROR_CAN_NOT_COMPLETE;

        child_end(&newborn, wrong + (code != ERROR_CAN_NOT_COMPLETE));
    }
    CHECK(!armed);
    CHECK_CODE(inner_code, ERROR_INVALID_PARAMETER);
    CHECK_CODE(code, NO_ERROR);
    CHECK_EQ(child_failures(&newborn), 0);
}

/* --- the log, while other threads hold locks ----------------------------- */

static atomic_bool stop_it;

static void fork_in_log(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    if (armed && thread_same(thread_here(), caller)) {
        armed = false;
        split_off();
    }
}

static void keep_busy(void *argument)
{
    char flow[32];

    snprintf(flow, sizeof(flow), "(*, 239.2.2.%u)", *(unsigned *)argument);
    while (!stop_it) {
        if (!armed) {
            sleep_ms(1);
            continue;
        }
        OK(join(b, flow, 2));
        OK(leave(b, flow, 2));
        MgmHostAddRoute(ip("11.0.0.0"), ip("255.0.0.0"), 1, 0, 0, 0);
    }
}

/* The calls of the child's thread: one that succeeds, one that is refused, and a packet. */
static DWORD call_number(unsigned n)
{
    switch (n % 4) {
    case 0:
        return join(a, "(*, 239.1.1.1)", 1);
    case 1:
        return leave(a, "(*, 239.1.1.1)", 1);
    case 2:
        return packet_code("(10.0.0.9, 239.1.1.7)", 1);
    default:
        return release(a, 9) == ERROR_CAN_NOT_COMPLETE ? ERROR_CAN_NOT_COMPLETE : NO_ERROR;
    }
}

static void t8_10_a_child_of_the_log_never_hangs(void)
{
    static unsigned numbers[] = {1, 2, 3};
    const size_t wanted = has_address_sanitizer() ? 8 : scaled(60) + 4;
    const unsigned long long begun = now_ms();
    struct thread *busy[3];
    unsigned children = 0, bad = 0;

    restart_with_log(MGMHOST_LOG_TRACE, fork_in_log);
    allow_ms(60000);
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    caller = thread_here();
    stop_it = false;
    for (size_t n = 0; n < 3; n++)
        busy[n] = thread_start(keep_busy, &numbers[n]);

    /* If the log callback has used up the caller's time, another thread calls it for a while:
     * until it has caught up, for which the busy threads rest. On a busy machine that takes long, so
     * fewer children are enough there. */
    for (unsigned n = 0; children < wanted && bad < 3; n++) {
        DWORD code;

        if (now_ms() - begun > patience_ms(30000) && children >= 4)
            break;

        armed = true;
        sleep_ms(n % 3);
        code = call_number(n);
        look_at_the_code(code);
        CHECK_CODE(code, NO_ERROR);
        if (!armed) {
            children++;
            bad += child_failures(&newborn) != 0;
        } else {
            armed = false;
            sleep_ms(100);
        }
    }
    stop_it = true;
    for (size_t n = 0; n < 3; n++)
        thread_join(busy[n]);
    CHECK_EQ(bad, 0);
    CHECK(children >= 4);
}

/* --- the log, while another thread stops the library --------------------- */

static struct gate in_log = GATE_INITIALIZER, stop_has_begun = GATE_INITIALIZER;
static atomic_bool has_stopped;

static void fork_when_the_stop_waits(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    if (armed) {
        armed = false;
        gate_open(&in_log);
        gate_wait(&stop_has_begun, 10000);
        CHECK(!has_stopped);
        split_off();
    }
}

static void call_with_a_line(void *unused)
{
    DWORD code = release(NULL, 1);

    (void)unused;
    look_at_the_code(code);
    CHECK_CODE(code, ERROR_INVALID_PARAMETER);
}

static void stop_meanwhile(void *unused)
{
    DWORD code = MgmHostStop();

    (void)unused;
    has_stopped = true;
    CHECK_CODE(code, NO_ERROR);
}

/* The child inherits a stop that no thread of the child will finish, and its locks. */
static void t8_10_a_child_of_the_log_during_a_stop_is_refused(void)
{
    enum { ROUNDS = 5, A_WHILE_MS = 100 };

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct thread *calls, *stops;

        restart_with_log(MGMHOST_LOG_WARN, fork_when_the_stop_waits);
        a = protocol('A');
        OK(take(a, 1));
        gate_shut(&in_log);
        gate_shut(&stop_has_begun);
        has_stopped = false;
        armed = true;
        calls = thread_start(call_with_a_line, NULL);
        CHECK(gate_wait(&in_log, 10000));
        stops = thread_start(stop_meanwhile, NULL);
        sleep_ms(A_WHILE_MS);
        gate_open(&stop_has_begun);
        thread_join(calls);
        thread_join(stops);
        CHECK(has_stopped);
        CHECK_EQ(child_failures(&newborn), 0);
    }
    /* The parent starts the library again. */
    router_start();
    OK(take(protocol('B'), 1));
}

/* --- the threads of the library ------------------------------------------ */

static atomic_int grandchild;

/* Not child_split_off, because no thread of this child reaches child_end. */
static void fork_on_another_thread(void)
{
    if (armed && !thread_same(thread_here(), caller)) {
        armed = false;
        fflush(stdout);
        grandchild = fork();
        if (grandchild == 0)
            alarm(HANGS_AFTER_S);
    }
}

static void fork_in_any(const struct event *event)
{
    (void)event;
    fork_on_another_thread();
}

static void check_that_it_ends(void)
{
    int status = 0;

    SOON(grandchild != 0);
    CHECK(grandchild > 0);
    if (grandchild > 0) {
        CHECK_EQ(waitpid(grandchild, &status, 0), grandchild);
        CHECK(WIFEXITED(status));
        /* Valgrind changes the exit status, because it reports the memory of the parent's threads
         * as lost. */
        if (WEXITSTATUS(status) != 99 || patience_ms(1) == 1)
            CHECK_EQ(WEXITSTATUS(status), 1);
    }
}

/* The second packet is forwarded, so the MFE is renewed, on a thread of the library. */
static void t8_10_a_child_on_a_worker_ends(void)
{
    router_restart(1);
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    caller = thread_here();
    grandchild = 0;
    on_event('A', fork_in_any);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    armed = true;
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    check_that_it_ends();
    SOON(log_count("A rpf") >= 2);
}

static void fork_in_log_elsewhere(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    fork_on_another_thread();
    sleep_ms(120);
}

/* The thread mgm-log calls a slow log callback. */
static void t8_10_a_child_on_the_logs_thread_ends(void)
{
    restart_with_log(MGMHOST_LOG_WARN, fork_in_log_elsewhere);
    caller = thread_here();
    grandchild = 0;
    armed = true;
    for (unsigned n = 0; n < 3; n++)
        CHECK_CODE(release(NULL, 1), ERROR_INVALID_PARAMETER);
    check_that_it_ends();
}

TEST_MAIN(
    CASE(t8_10_a_child_of_each_callback_is_refused),
    CASE(t8_10_a_child_of_the_log_gets_out_of_nested_calls),
    CASE(t8_10_a_child_of_the_log_never_hangs),
    CASE(t8_10_a_child_of_the_log_during_a_stop_is_refused),
    CASE(t8_10_a_child_on_a_worker_ends),
    CASE(t8_10_a_child_on_the_logs_thread_ends))

#endif
