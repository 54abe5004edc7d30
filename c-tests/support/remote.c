/* The control socket of the test router, from the test's side: see remote.h. */

#include "remote.h"

#include "harness.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names the program test-router. In shim.c it has another name, because tests may use both. */
#ifndef ROUTER_VARIABLE
#define ROUTER_VARIABLE "MGM_TESTS_ROUTER"
/* The recorder calls remote_begins and remote_returns, and shim.c does not. */
#define COUNTS_CALLBACKS 1
#else
#define COUNTS_CALLBACKS 0
#endif

_Thread_local unsigned remote_depth;

/* How many callbacks are running in this process. */
static _Atomic unsigned running;

void remote_begins(void)
{
    remote_depth++;
    running++;
}

void remote_returns(void)
{
    remote_depth--;
    running--;
}

#ifndef _WIN32
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    pid_t pid, owner;
    int alive;       /* the router ends when this end of a pipe is closed */
    FILE *log;
    struct thread *reader;
    MGMHOST_LOG_CALLBACK callback;
    void *context;
    unsigned serial; /* of the router */
    char service[100], control[100];
} router = {.pid = 0};

/* Each thread has a connection of its own, because a packet waits for callbacks. */
static _Thread_local struct {
    int fd;
    unsigned serial;
} line = {-1, 0};

static const char *program(void)
{
    const char *name = getenv(ROUTER_VARIABLE);

    return name != NULL && *name != '\0' ? name : NULL;
}

/* Whether the functions of the host go to a router of this process. */
static bool is_remote(void)
{
    return router.pid != 0 && router.owner == getpid(); /* a forked child has no router */
}

/* Passes the lines of the router's log to the test's log callback: "mgm: warn: text". */
static void read_log(void *unused)
{
    char text[1024];

    (void)unused;
    while (fgets(text, sizeof(text), router.log) != NULL) {
        char *end = strchr(text, '\n'), *message = strchr(text + 5, ':');

        if (end != NULL)
            *end = '\0';
        if (router.callback != NULL && message != NULL)
            router.callback(router.context, MGMHOST_LOG_WARN, message + 2);
    }
}

/* The value of MGM_LOG for a level. */
static const char *level_name(DWORD level)
{
    static const char *const names[] = {"warn", "off", "error", "warn", "info", "debug", "trace"};

    return level < sizeof(names) / sizeof(*names) ? names[level] : "warn";
}

void remote_start_router(const MGMHOST_CONFIG *config)
{
    char timeout[16], flows[16], ready;
    int alive[2], started[2], log[2];

    router.serial++;
    router.owner = getpid();
    snprintf(router.service, sizeof(router.service), "/tmp/mgm-c-%ld-%u.router", (long)getpid(),
             router.serial);
    snprintf(router.control, sizeof(router.control), "/tmp/mgm-c-%ld-%u.control", (long)getpid(),
             router.serial);
    snprintf(timeout, sizeof(timeout), "%u", (unsigned)config->dwMfeTimeout);
    snprintf(flows, sizeof(flows), "%u", (unsigned)config->dwMaxFlows);
    if (pipe(alive) != 0 || pipe(started) != 0 || pipe(log) != 0)
        abort();
    router.pid = fork();
    if (router.pid == 0) {
        dup2(alive[0], 0);
        dup2(log[1], 2);
        dup2(started[1], 60);
        for (int fd = 3; fd < 60; fd++)
            close(fd);
        unsetenv("LD_PRELOAD"); /* shim.c is not for the router */
        setenv("MGM_LOG", level_name(config->dwLogLevel), 1);
        /* In a router's own process, questions wait without a limit. */
        setenv("MGM_ANSWER_MS", "60000", 1);
        execl(program(), program(), router.service, router.control, timeout, flows, (char *)NULL);
        _exit(127);
    }
    close(alive[0]);
    close(started[1]);
    close(log[1]);
    router.alive = alive[1];
    router.callback = config->pfnLogCallback;
    router.context = config->pvLogContext;
    router.log = fdopen(log[0], "r");
    router.reader = thread_start(read_log, NULL);
    CHECK(read(started[0], &ready, 1) == 1);
    close(started[0]);
    setenv("MGM_ROUTER", router.service, 1);
}

void remote_end_router(void)
{
    close(router.alive);
    waitpid(router.pid, NULL, 0);
    thread_join(router.reader);
    fclose(router.log);
    router.pid = 0;
    unlink(router.control);
    unsetenv("MGM_ROUTER");
}

static bool send_all(int fd, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t some = send(fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);

        if (some <= 0)
            return false;
        sent += (size_t)some;
    }
    return true;
}

static bool receive_all(int fd, void *bytes, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t some = recv(fd, (char *)bytes + got, size - got, 0);

        if (some <= 0)
            return false;
        got += (size_t)some;
    }
    return true;
}

static bool connect_line(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (line.fd >= 0 && line.serial == router.serial)
        return true;
    if (line.fd >= 0)
        close(line.fd);
    line.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    line.serial = router.serial;
    strcpy(address.sun_path, router.control);
    return connect(line.fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* Makes a call. The bytes of the answer are at `answer`, which has room for REMOTE_BYTES. */
static DWORD exchange(struct remote_message *message, const void *bytes, void *answer)
{
    if (!connect_line() || !send_all(line.fd, message, sizeof(*message)) ||
        !send_all(line.fd, bytes, message->bytes) ||
        !receive_all(line.fd, message, sizeof(*message)) || message->bytes > REMOTE_BYTES ||
        (message->bytes > 0 && !receive_all(line.fd, answer, message->bytes))) {
        fail_check(__FILE__, __LINE__, "the test router does not answer");
        message->bytes = 0;
        return ERROR_CAN_NOT_COMPLETE;
    }
    return message->op;
}

/* What did not return during an earlier wait, so that no wait is for it again. */
static struct {
    struct lock lock;
    uint32_t counts[REMOTE_CLIENTS]; /* callbacks of each client that are not acknowledged */
    unsigned running;
} stuck = {LOCK_INITIALIZER, {0}, 0};

/* Whether callbacks that are not stuck have not returned, or are not acknowledged. If the wait for
 * them is over, they are stuck from now on. */
static bool callbacks_are_due(const uint32_t *counts, size_t clients, bool is_over)
{
    bool are_due;

    lock_take(&stuck.lock);
    are_due = running > stuck.running;
    for (size_t i = 0; i < clients; i++) {
        if (counts[i] < stuck.counts[i])
            stuck.counts[i] = 0;
        are_due = are_due || (counts[i] > 0 && stuck.counts[i] == 0);
        if (is_over)
            stuck.counts[i] = counts[i];
    }
    if (is_over || running < stuck.running)
        stuck.running = running;
    lock_give(&stuck.lock);
    return are_due;
}

/* In a router's own process, the calls of the host make the callbacks that they cause. So the test
 * waits until its process has made them. Callbacks that run for long are meant to: the wait ends.
 * But a callback that has not begun is late because the machine is busy. The wait counts looks and
 * not time, because all of the process may stand still meanwhile. */
static void await_callbacks(void)
{
    enum { LOOKS_WHILE_ONE_RUNS = 300, LOOKS = COUNTS_CALLBACKS ? 20000 : LOOKS_WHILE_ONE_RUNS };
    uint32_t *counts = malloc(REMOTE_BYTES);
    unsigned looks = 0, looks_while_one_runs = 0;
    bool is_over = false;

    while (!is_over) {
        struct remote_message message = {.op = OP_UNACKNOWLEDGED};
        bool one_runs = running > 0;

        if (exchange(&message, NULL, counts) != NO_ERROR)
            break;
        is_over = looks++ == LOOKS || looks_while_one_runs == LOOKS_WHILE_ONE_RUNS;
        looks_while_one_runs += one_runs;
        if (!callbacks_are_due(counts, message.bytes / sizeof(*counts), is_over))
            break;
        sleep_ms(1);
    }
    free(counts);
}

/* As in a router's own process, a call inside a callback does not wait for callbacks. */
static DWORD call(struct remote_message *message, const void *bytes, void *answer)
{
    DWORD code = exchange(message, bytes, answer);

    if (remote_depth == 0)
        await_callbacks();
    return code;
}

DWORD remote_start(const MGMHOST_CONFIG *config)
{
    MGMHOST_CONFIG client;
    DWORD code;

    if (program() == NULL || is_remote())
        return MgmHostStart(config);
    if (config == NULL || config->dwSize != sizeof(client))
        return MgmHostStart(config);
    remote_start_router(config);
    client = *config;
    client.dwForwarder = MGMHOST_FORWARDER_DEFAULT;
    code = MgmHostStart(&client);
    if (code != NO_ERROR)
        remote_end_router();
    return code;
}

DWORD remote_stop(void)
{
    DWORD code = MgmHostStop();

    if (code == NO_ERROR && is_remote())
        remote_end_router();
    return code;
}
#else
static bool is_remote(void)
{
    return false;
}

static DWORD call(struct remote_message *message, const void *bytes, void *answer)
{
    (void)message, (void)bytes, (void)answer;
    return ERROR_CAN_NOT_COMPLETE;
}

DWORD remote_start(const MGMHOST_CONFIG *config)
{
    return MgmHostStart(config);
}

DWORD remote_stop(void)
{
    return MgmHostStop();
}
#endif

/* A call whose arguments are words, and whose answer is a code. */
static DWORD call_words(enum remote_op op, const DWORD words[REMOTE_WORDS])
{
    struct remote_message message = {.op = op};

    memcpy(message.words, words, sizeof(message.words));
    return call(&message, NULL, NULL);
}

DWORD remote_add_interface(DWORD index, DWORD next_hop)
{
    if (!is_remote())
        return MgmHostAddInterface(index, next_hop);
    return call_words(OP_ADD_INTERFACE, (DWORD[REMOTE_WORDS]){index, next_hop});
}

DWORD remote_delete_interface(DWORD index, DWORD next_hop)
{
    if (!is_remote())
        return MgmHostDeleteInterface(index, next_hop);
    return call_words(OP_DELETE_INTERFACE, (DWORD[REMOTE_WORDS]){index, next_hop});
}

DWORD remote_add_route(DWORD network, DWORD mask, DWORD index, DWORD next_hop, DWORD protocol,
                       DWORD flags)
{
    if (!is_remote())
        return MgmHostAddRoute(network, mask, index, next_hop, protocol, flags);
    return call_words(OP_ADD_ROUTE, (DWORD[REMOTE_WORDS]){network, mask, index, next_hop, protocol,
                                                          flags});
}

DWORD remote_delete_route(DWORD network, DWORD mask)
{
    if (!is_remote())
        return MgmHostDeleteRoute(network, mask);
    return call_words(OP_DELETE_ROUTE, (DWORD[REMOTE_WORDS]){network, mask});
}

DWORD remote_packet_in(DWORD source, DWORD group, DWORD index, DWORD next_hop, DWORD header_size,
                       const BYTE *header, DWORD packet_size, PBOOL accepted, PDWORD count,
                       PMGMHOST_OIF oifs)
{
    struct remote_message message = {.op = OP_PACKET_IN};
    MGMHOST_OIF *answer;
    DWORD code;

    /* Invalid arguments are refused here as there. */
    if (!is_remote() || remote_depth > 0 || accepted == NULL || count == NULL || (*count > 0 && oifs == NULL) ||
        (header_size > 0 && header == NULL) || header_size > 65535)
        return MgmHostPacketIn(source, group, index, next_hop, header_size, header, packet_size,
                               accepted, count, oifs);
    answer = malloc(REMOTE_BYTES);
    message.words[0] = source;
    message.words[1] = group;
    message.words[2] = index;
    message.words[3] = next_hop;
    message.words[4] = packet_size;
    message.words[5] = *count;
    message.bytes = header_size;
    code = call(&message, header, answer);
    if (code == NO_ERROR || code == ERROR_INSUFFICIENT_BUFFER) {
        *accepted = (BOOL)message.words[0];
        *count = message.words[1];
    }
    if (code == NO_ERROR && *count > 0)
        memcpy(oifs, answer, *count * sizeof(*oifs));
    free(answer);
    return code;
}

DWORD remote_set_threshold(DWORD index, DWORD next_hop, DWORD threshold)
{
    if (!is_remote())
        return MgmHostSetTtlThreshold(index, next_hop, threshold);
    return call_words(OP_SET_THRESHOLD, (DWORD[REMOTE_WORDS]){index, next_hop, threshold});
}

DWORD remote_set_flow_limit(DWORD index, DWORD per_second, DWORD burst)
{
    if (!is_remote())
        return MgmHostSetFlowLimit(index, per_second, burst);
    return call_words(OP_SET_FLOW_LIMIT, (DWORD[REMOTE_WORDS]){index, per_second, burst});
}

static DWORD boundary(enum remote_op op, const MIB_IPMCAST_BOUNDARY *boundary)
{
    struct remote_message message = {.op = op, .bytes = sizeof(*boundary)};

    return call(&message, boundary, NULL);
}

DWORD remote_add_boundary(const MIB_IPMCAST_BOUNDARY *given)
{
    return is_remote() && given != NULL ? boundary(OP_ADD_BOUNDARY, given)
                                        : MgmHostAddBoundary(given);
}

DWORD remote_delete_boundary(const MIB_IPMCAST_BOUNDARY *given)
{
    return is_remote() && given != NULL ? boundary(OP_DELETE_BOUNDARY, given)
                                        : MgmHostDeleteBoundary(given);
}

DWORD remote_set_scope_name(DWORD address, DWORD mask, const WCHAR *name)
{
    struct remote_message message = {.op = OP_SET_SCOPE_NAME, .words = {address, mask}};
    const char *bytes = (const char *)name;
    WCHAR unit = 1;

    if (!is_remote())
        return MgmHostSetScopeName(address, mask, name);
    /* The name may lie at an odd address. */
    while (name != NULL && unit != 0) {
        memcpy(&unit, bytes + message.bytes, sizeof(unit));
        message.bytes += sizeof(unit);
    }
    return call(&message, name, NULL);
}

DWORD remote_get_scope_name(PMIB_IPMCAST_SCOPE scope)
{
    struct remote_message message = {.op = OP_GET_SCOPE_NAME, .bytes = sizeof(*scope)};
    MIB_IPMCAST_SCOPE answer;
    DWORD code;

    if (!is_remote() || scope == NULL)
        return MgmHostGetScopeName(scope);
    code = call(&message, scope, &answer);
    if (code == NO_ERROR)
        *scope = answer;
    return code;
}

DWORD remote_explain(DWORD source, DWORD group, DWORD index, DWORD next_hop, PDWORD size,
                     PBYTE buffer)
{
    struct remote_message message = {.op = OP_EXPLAIN, .words = {source, group, index, next_hop}};
    BYTE *answer;
    DWORD code;

    if (!is_remote() || size == NULL || (*size > 0 && buffer == NULL))
        return MgmHostExplain(source, group, index, next_hop, size, buffer);
    answer = malloc(REMOTE_BYTES);
    code = call(&message, NULL, answer);
    if (code == NO_ERROR && message.bytes > *size)
        code = ERROR_INSUFFICIENT_BUFFER;
    else if (code == NO_ERROR)
        memcpy(buffer, answer, message.bytes);
    if (code == NO_ERROR || code == ERROR_INSUFFICIENT_BUFFER)
        *size = message.bytes;
    free(answer);
    return code;
}
