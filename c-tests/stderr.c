/* If no program reads stderr, no call and no thread of the library waits for it: rules 8.4 and
 * 8.10 of the semantics, D76. */

#include "router.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#if defined(_WIN32)

static void no_pipes_here(void)
{
    SKIP("stderr that nobody reads is made of a pipe");
}

TEST_MAIN(CASE(no_pipes_here))

#else

#include <fcntl.h>
#include <unistd.h>

static int usual_stderr, reading, writing;

/* Replaces stderr with a pipe, and fills the pipe if asked to. */
static void redirect_stderr(bool full)
{
    int ends[2];
    char some[4096];

    fflush(stderr);
    CHECK_EQ(pipe(ends), 0);
    reading = ends[0];
    writing = ends[1];
    if (full) {
        int flags = fcntl(writing, F_GETFL);

        memset(some, 'x', sizeof(some));
        fcntl(writing, F_SETFL, flags | O_NONBLOCK);
        while (write(writing, some, sizeof(some)) > 0)
            ;
        fcntl(writing, F_SETFL, flags);
    }
    usual_stderr = dup(2);
    dup2(writing, 2);
}

/* Restores stderr, waits until no thread of the library writes to the pipe, and reads the pipe. */
static atomic_uint lines;
static atomic_bool has_drop;

static void read_all(void *unused)
{
    char some[4096], text[8192];
    size_t used = 0;
    ssize_t more;

    (void)unused;
    while ((more = read(reading, some, sizeof(some))) > 0) {
        for (ssize_t n = 0; n < more; n++) {
            if (some[n] != '\n' && used < sizeof(text) - 1) {
                text[used++] = some[n];
                continue;
            }
            text[used] = '\0';
            lines += strstr(text, "mgm: ") != NULL;
            if (strstr(text, "log messages dropped") != NULL)
                has_drop = true;
            used = 0;
        }
    }
}

static void restore_stderr(void)
{
    struct thread *reader;

    lines = 0;
    has_drop = false;
    reader = thread_start(read_all, NULL);
    OK(MgmHostStop());
    dup2(usual_stderr, 2);
    close(usual_stderr);
    close(writing);
    thread_join(reader);
    close(reading);
}

enum { CALLS = 2000 };

static void call_a_lot(void *unused)
{
    (void)unused;
    for (size_t n = 0; n < scaled(CALLS) + 10; n++)
        CHECK_CODE(release(NULL, 1), ERROR_INVALID_PARAMETER);
}

/* Calls on several threads, callbacks on the library's threads, and a stop. */
static void d76_a_stderr_that_nobody_reads_holds_up_nobody(void)
{
    MGMHOST_CONFIG config = config_with_log(MGMHOST_LOG_DEBUG, NULL, NULL);
    struct thread *callers[4];
    HANDLE a, b;

    router_stop();
    redirect_stderr(true);
    config.dwMfeTimeout = 1;
    OK(MgmHostStart(&config));
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    for (size_t n = 0; n < 4; n++)
        callers[n] = thread_start(call_a_lot, NULL);
    /* The second packet is forwarded, so the timer and a worker renew the MFE. */
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
    SOON(log_count("A rpf") >= 2);
    for (size_t n = 0; n < 4; n++)
        thread_join(callers[n]);
    OK(MgmHostStop());

    /* No line for which there was room is lost. */
    restore_stderr();
    CHECK(lines >= 4 * (scaled(CALLS) + 10));
    CHECK(!has_drop);
    recorder_reset();
}

/* While the pipe is read, a call's lines are written before it returns. */
static void d76_lines_are_there_when_the_call_returns(void)
{
    char text[512] = "";
    ssize_t length;

    restart_with_log(MGMHOST_LOG_WARN, NULL);
    redirect_stderr(false);
    CHECK_CODE(release(NULL, 1), ERROR_INVALID_PARAMETER);
    fcntl(reading, F_SETFL, O_NONBLOCK);
    length = read(reading, text, sizeof(text) - 1);
    CHECK(length > 0 && strstr(text, "MgmReleaseInterfaceOwnership") != NULL);
    fcntl(reading, F_SETFL, 0);
    restore_stderr();
}

TEST_MAIN(
    CASE(d76_a_stderr_that_nobody_reads_holds_up_nobody),
    CASE(d76_lines_are_there_when_the_call_returns))

#endif
