/* After a stop no callback runs, not even a log callback: rule 8.10 of the semantics. How long a
 * slow log callback delays a stop: D45. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* A stop that does not wait takes less than this. */
enum { A_WHILE_MS = 200, PATIENCE_MS = 10000 };

/* Causes one line, at level warn. */
static void be_refused(void *unused)
{
    (void)unused;
    CHECK_CODE(release(NULL, 1), ERROR_INVALID_PARAMETER);
}

/* --- a callback that is running ------------------------------------------ */

static struct gate inside = GATE_INITIALIZER, let_go = GATE_INITIALIZER;
static atomic_bool has_left, has_stopped;
static atomic_uint lines;

static void dawdle(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    lines++;
    gate_open(&inside);
    gate_wait(&let_go, PATIENCE_MS);
    has_left = true;
}

static void begin_dawdling(void)
{
    gate_shut(&inside);
    gate_shut(&let_go);
    has_left = has_stopped = false;
    lines = 0;
}

static void stop(void *unused)
{
    DWORD code = MgmHostStop();

    (void)unused;
    CHECK(has_left);
    CHECK_CODE(code, NO_ERROR);
    has_stopped = true;
}

/* A thread is inside the log callback until the gate opens. */
static void check_that_stops_wait(struct thread *logs)
{
    struct thread *stops[2];

    CHECK(gate_wait(&inside, PATIENCE_MS));
    stops[0] = thread_start(stop, NULL);
    sleep_ms(A_WHILE_MS);
    stops[1] = thread_start(stop, NULL);
    sleep_ms(A_WHILE_MS);
    CHECK(!has_stopped);
    gate_open(&let_go);
    thread_join(stops[0]);
    thread_join(stops[1]);
    thread_join(logs);

    /* It is not called again. */
    lines = 0;
    be_refused(NULL);
    CHECK_EQ(lines, 0);
}

static void t8_10_a_stop_waits_for_the_log_callback(void)
{
    restart_with_log(MGMHOST_LOG_WARN, dawdle);
    begin_dawdling();
    check_that_stops_wait(thread_start(be_refused, NULL));
}

static void t8_10_so_does_a_stop_of_what_does_not_run(void)
{
    OK(MgmHostStop());
    OK(MgmHostSetLogCallback(dawdle, NULL));
    begin_dawdling();
    check_that_stops_wait(thread_start(be_refused, NULL));
}

/* Inside a callback MgmHostSetLogCallback does not wait, but the stop does. */
static void log_to_stderr(const struct event *event)
{
    (void)event;
    OK(MgmHostSetLogCallback(NULL, NULL));
}

static void t8_10_a_stop_waits_for_a_log_callback_that_was_replaced(void)
{
    HANDLE a = protocol('A'), b = protocol('B');
    struct thread *logs;

    OK(take(a, 1));
    OK(take(b, 2));
    OK(MgmHostSetLogCallback(dawdle, NULL));
    begin_dawdling();
    logs = thread_start(be_refused, NULL);
    CHECK(gate_wait(&inside, PATIENCE_MS));
    on_event('A', log_to_stderr);
    OK(join(b, "(*, 239.1.1.1)", 2));
    check_that_stops_wait(logs);
}

static DWORD code_inside;

static void stop_inside(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    if (strstr(text, "MgmReleaseInterfaceOwnership") != NULL)
        code_inside = MgmHostStop();
}

static void t8_10_a_stop_inside_the_log_callback_is_refused(void)
{
    restart_with_log(MGMHOST_LOG_WARN, stop_inside);
    code_inside = NO_ERROR;
    be_refused(NULL);
    CHECK_CODE(code_inside, ERROR_CAN_NOT_COMPLETE);
    OK(MgmHostStop());
}

/* --- a context that is freed ---------------------------------------------- */

/* The host frees it after the stop. */
struct context {
    atomic_bool is_gone;
};

static atomic_bool enough;
static atomic_uint late;

static void use_context(void *pointer, DWORD level, const char *text)
{
    struct context *context = pointer;

    (void)level, (void)text;
    late += context->is_gone;
    sleep_ms(1);
    late += context->is_gone;
    lines++;
}

static void make_lines(void *unused)
{
    HANDLE client = NULL;
    ROUTING_PROTOCOL_CONFIG deaf;

    (void)unused;
    memset(&deaf, 0, sizeof(deaf));
    while (!enough) {
        release(NULL, 1);
        MgmRegisterMProtocol(&deaf, 'X', 1, &client);
        MgmDeRegisterMProtocol(client);
        /* Without a rest six threads would leave a slow machine no time for anything else. */
        sleep_ms(1);
    }
}

static void t8_10_no_log_callback_runs_after_a_stop(void)
{
    static struct context contexts[200];
#if defined(_WIN32)
    size_t rounds = scaled(30); /* a sleep of a millisecond takes up to 16 there */
#else
    size_t rounds = scaled(200);
#endif
    struct thread *threads[6];

    router_stop();
    allow_ms(60000);
    enough = false;
    late = 0;
    lines = 0;
    memset(contexts, 0, sizeof(contexts));
    for (size_t n = 0; n < 6; n++)
        threads[n] = thread_start(make_lines, NULL);
    for (size_t n = 0; n < rounds; n++) {
        MGMHOST_CONFIG config =
            config_with_log(n % 4 == 0 ? MGMHOST_LOG_TRACE : MGMHOST_LOG_WARN, use_context, &contexts[n]);

        /* The other threads may have started the library before. */
        if (n % 2 == 0 || MgmHostStart(&config) != NO_ERROR)
            OK(MgmHostSetLogCallback(use_context, &contexts[n]));
        sleep_ms(n % 3);
        CHECK_CODE(MgmHostStop(), NO_ERROR);
        contexts[n].is_gone = true;
    }
    enough = true;
    for (size_t n = 0; n < 6; n++)
        thread_join(threads[n]);
    CHECK_EQ(late, 0);
    CHECK(lines > 0);
}

/* --- a log callback that sleeps ------------------------------------------ */

enum { THREADS = 16, CALLS = 100, SLEEP_MS = 1000 };

static void sleep_a_line(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    lines++;
    sleep_ms(SLEEP_MS);
}

static void call_a_lot(void *argument)
{
    ROUTING_PROTOCOL_CONFIG deaf;
    HANDLE client = NULL;
    char flow[32];

    memset(&deaf, 0, sizeof(deaf));
    OK(MgmRegisterMProtocol(&deaf, 'X', *(DWORD *)argument, &client));
    snprintf(flow, sizeof(flow), "(*, 239.3.3.%u)", (unsigned)*(DWORD *)argument);
    for (size_t n = 0; n < CALLS; n++)
        CHECK_CODE(join(client, flow, 1), ERROR_INVALID_PARAMETER);
}

/* If each line took a second, each thread would be busy for minutes. */
static void d45_a_slow_log_callback_holds_up_a_call_for_a_line_at_a_time(void)
{
    static DWORD numbers[THREADS];
    struct thread *threads[THREADS];
    unsigned long long begun = now_ms();

    restart_with_log(MGMHOST_LOG_TRACE, sleep_a_line);
    allow_ms(30000);
    lines = 0;
    for (size_t n = 0; n < THREADS; n++) {
        numbers[n] = (DWORD)n;
        threads[n] = thread_start(call_a_lot, &numbers[n]);
    }
    for (size_t n = 0; n < THREADS; n++)
        thread_join(threads[n]);
    CHECK(now_ms() - begun < patience_ms(15000));
    CHECK(lines > 0);

    begun = now_ms();
    OK(MgmHostStop());
    CHECK(now_ms() - begun < patience_ms(10000));
    lines = 0;
    sleep_ms(SLEEP_MS);
    CHECK_EQ(lines, 0);
}

/* It delays only the threads that are inside it. */
static void d45_a_log_callback_that_never_returns_holds_up_no_other_call(void)
{
    struct thread *stuck;
    HANDLE a, b;

    restart_with_log(MGMHOST_LOG_TRACE, dawdle);
    begin_dawdling();
    stuck = thread_start(be_refused, NULL);
    CHECK(gate_wait(&inside, PATIENCE_MS));
    sleep_ms(A_WHILE_MS);
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    for (size_t n = 0; n < scaled(1000); n++) {
        OK(join(a, "(*, 239.1.1.1)", 1));
        OK(leave(a, "(*, 239.1.1.1)", 1));
    }
    CHECK(log_count("B join") > 0);
    CHECK(!has_left);
    gate_open(&let_go);
    thread_join(stuck);
}

/* The lines of one thread keep their order, whichever thread writes them. */
static unsigned last_number, misplaced;

static void check_order(void *context, DWORD level, const char *text)
{
    (void)context, (void)level;
    if (strstr(text, "MgmGetMfeStats") == NULL)
        return;
    misplaced += strstr(text, last_number % 2 ? "0x6" : "0x4") == NULL;
    /* Slow at times, so the caller writes, then mgm-log, then the caller again. */
    if (last_number++ % 8 == 0)
        sleep_ms(30);
}

static void d45_the_lines_of_a_thread_keep_their_order(void)
{
    enum { CALLS_IN_ORDER = 200 };
    BYTE buffer[64];
    MIB_IPMCAST_MFE mfe;

    memset(&mfe, 0, sizeof(mfe));
    restart_with_log(MGMHOST_LOG_WARN, check_order);
    last_number = misplaced = 0;
    for (unsigned n = 0; n < CALLS_IN_ORDER; n++) {
        DWORD size = sizeof(buffer);

        mfe.dwSource = ip("10.0.0.5");
        mfe.dwGroup = ip("239.1.1.1");
        CHECK_CODE(MgmGetMfeStats(&mfe, &size, buffer, n % 2 ? 6 : 4), ERROR_INVALID_PARAMETER);
    }
    SOON(last_number == CALLS_IN_ORDER);
    OK(MgmHostStop());
    CHECK_EQ(misplaced, 0);
}

TEST_MAIN(
    CASE(t8_10_a_stop_waits_for_the_log_callback),
    CASE(t8_10_so_does_a_stop_of_what_does_not_run),
    CASE(t8_10_a_stop_waits_for_a_log_callback_that_was_replaced),
    CASE(t8_10_a_stop_inside_the_log_callback_is_refused),
    CASE(t8_10_no_log_callback_runs_after_a_stop),
    CASE(d45_a_slow_log_callback_holds_up_a_call_for_a_line_at_a_time),
    CASE(d45_a_log_callback_that_never_returns_holds_up_no_other_call),
    CASE(d45_the_lines_of_a_thread_keep_their_order))
