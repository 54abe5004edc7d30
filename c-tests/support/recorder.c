#include "recorder.h"
#include "remote.h"
#include "harness.h"
#include "router.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 10, LINE = 160 };

static struct {
    DWORD protocol_id, component_id;
    bool registered;
    event_hook *hook;
} clients[CLIENTS];

static struct lock log_lock = LOCK_INITIALIZER;
static char (*log_lines)[LINE];
static size_t log_used, log_room;

void note(const char *line)
{
    lock_take(&log_lock);
    if (log_used == log_room) {
        log_room = log_room * 2 + 64;
        log_lines = realloc(log_lines, log_room * sizeof(*log_lines));
        if (log_lines == NULL)
            abort();
    }
    snprintf(log_lines[log_used++], LINE, "%s", line);
    lock_give(&log_lock);
}

void forget_log(void)
{
    lock_take(&log_lock);
    log_used = 0;
    lock_give(&log_lock);
}

size_t log_length(void)
{
    return log_count("");
}

size_t log_count(const char *beginning)
{
    size_t count = 0;

    lock_take(&log_lock);
    for (size_t i = 0; i < log_used; i++)
        count += strncmp(log_lines[i], beginning, strlen(beginning)) == 0;
    lock_give(&log_lock);
    return count;
}

void recorder_reset(void)
{
    memset(clients, 0, sizeof(clients));
    lock_take(&log_lock);
    free(log_lines);
    log_lines = NULL;
    log_used = log_room = 0;
    lock_give(&log_lock);
}

/* Whether the log has exactly these lines; if not, prints both. The caller holds the lock. */
static void compare_log(const char *file, int line, const char *const *expected)
{
    size_t count = 0;
    bool same = true;

    while (expected[count] != NULL) {
        same = same && count < log_used && strcmp(log_lines[count], expected[count]) == 0;
        count++;
    }
    if (same && count == log_used)
        return;

    fail_check(file, line, "the callbacks are not as expected:");
    for (size_t i = 0; i < count || i < log_used; i++) {
        const char *want = i < count ? expected[i] : "(nothing more)";
        const char *have = i < log_used ? log_lines[i] : "(nothing more)";

        printf("      %c want %-50s have %s\n", strcmp(want, have) == 0 ? ' ' : '!', want, have);
    }
}

/* Waits until threads of the library have written as many lines as are expected. */
static void await(const char *const *expected, unsigned wait_ms)
{
    unsigned long long until = now_ms() + patience_ms(wait_ms);
    size_t count = 0;

    while (expected[count] != NULL)
        count++;
    while (wait_ms > 0 && log_length() < count && now_ms() < until)
        sleep_ms(5);
}

void expect_log(const char *file, int line, unsigned wait_ms, const char *const *expected)
{
    await(expected, wait_ms);
    lock_take(&log_lock);
    compare_log(file, line, expected);
    log_used = 0;
    lock_give(&log_lock);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int by_pointed_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void expect_log_sorted(const char *file, int line, const char *const *expected)
{
    const char *sorted[64] = {NULL};
    size_t count = 0;

    while (expected[count] != NULL && count < 63) {
        sorted[count] = expected[count];
        count++;
    }
    qsort(sorted, count, sizeof(*sorted), by_pointed_text);
    await(expected, SOON_MS);

    lock_take(&log_lock);
    if (log_used > 0)
        qsort(log_lines, log_used, sizeof(*log_lines), by_text);
    compare_log(file, line, sorted);
    log_used = 0;
    lock_give(&log_lock);
}

/* Checks the mask of an address: 0 for 0, 255.255.255.255 for any other. */
static void check_mask(DWORD address, DWORD mask)
{
    CHECK_EQ(mask, address == 0 ? 0 : 0xffffffff);
}

/* Writes the part of the line that depends on the kind of callback. */
static void describe(const struct event *event, char *text, size_t room)
{
    char where[32], upstream[16];
    size_t used;

    interface_text(event->if_index, event->next_hop, where);
    switch (event->kind) {
    case EVENT_RPF:
        interface_text(*event->in_index, *event->in_next_hop, where);
        ip_text(*event->upstream, upstream);
        snprintf(text, room, " in %s from %s", where, upstream);
        break;
    case EVENT_CREATION:
        used = (size_t)snprintf(text, room, " in %s out", where);
        for (DWORD i = 0; i < event->if_count && used < room; i++) {
            const MGM_IF_ENTRY *out = &event->ifs[i];

            CHECK_EQ(out->bIsEnabled, TRUE);
            interface_text(out->dwIfIndex, out->dwIfNextHopAddr, where);
            used += (size_t)snprintf(text + used, room - used, " %s%s", where,
                                     out->bIGMP ? "+igmp" : "");
        }
        break;
    case EVENT_PRUNE:
        CHECK(event->timeout != NULL);
        if (event->member)
            snprintf(text, room, " member on %s", where);
        else
            snprintf(text, room, " mfe on %s for %u", where, (unsigned)*event->timeout);
        break;
    case EVENT_JOIN:
        snprintf(text, room, " %s", event->member ? "member" : "mfe");
        break;
    default:
        snprintf(text, room, " on %s", where);
    }
}

static DWORD record(char letter, struct event event)
{
    static const char *const names[EVENT_KINDS] = {
        "rpf",         "creation",     "prune",       "join", "wrong-if", "local-join",
        "local-leave", "disable-igmp", "enable-igmp",
    };
    event_hook *hook = clients[letter - 'A'].hook;
    char line[2 * LINE], details[LINE] = "", flow[40] = "", where[32];

    event.client = letter;
    if (event.kind == EVENT_DISABLE_IGMP || event.kind == EVENT_ENABLE_IGMP) {
        interface_text(event.if_index, event.next_hop, where);
        snprintf(line, sizeof(line), "%c %s %s", letter, names[event.kind], where);
    } else {
        check_mask(event.source, event.source_mask);
        check_mask(event.group, event.group_mask);
        flow_text(event.source, event.group, flow);
        describe(&event, details, sizeof(details));
        snprintf(line, sizeof(line), "%c %s %s%s", letter, names[event.kind], flow, details);
    }
    note(line);

    if (hook != NULL) {
        remote_begins();
        hook(&event);
        remote_returns();
    }
    /* The library ignores what a callback returns, so return something else each time. */
    return 0xdeadbeef;
}

/* A callback has no context argument, so each letter has nine functions. */
#define RECORDING_CLIENT(L)                                                                       \
    static DWORD rpf_##L(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD index, PDWORD next_hop,    \
                         PDWORD upstream, DWORD size, PBYTE header, PBYTE route)                  \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_RPF, .source = s, .source_mask = sm,    \
                                            .group = g, .group_mask = gm, .in_index = index,      \
                                            .in_next_hop = next_hop, .upstream = upstream,        \
                                            .header_size = size, .header = header,                \
                                            .route = route});                                     \
    }                                                                                             \
    static DWORD creation_##L(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop,  \
                              DWORD count, PMGM_IF_ENTRY ifs)                                     \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_CREATION, .source = s,                  \
                                            .source_mask = sm, .group = g, .group_mask = gm,      \
                                            .if_index = index, .next_hop = next_hop,              \
                                            .if_count = count, .ifs = ifs});                      \
    }                                                                                             \
    static DWORD prune_##L(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop,     \
                           BOOL member, PDWORD timeout)                                           \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_PRUNE, .source = s, .source_mask = sm,  \
                                            .group = g, .group_mask = gm, .if_index = index,      \
                                            .next_hop = next_hop, .member = member,               \
                                            .timeout = timeout});                                 \
    }                                                                                             \
    static DWORD join_##L(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)                      \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_JOIN, .source = s, .source_mask = sm,   \
                                            .group = g, .group_mask = gm, .member = member});     \
    }                                                                                             \
    static DWORD wrong_if_##L(DWORD s, DWORD g, DWORD index, DWORD next_hop, DWORD size,          \
                              PBYTE header)                                                       \
    {                                                                                             \
        return record(#L[0],                                                                      \
                      (struct event){.kind = EVENT_WRONG_IF, .source = s,                         \
                                     .source_mask = 0xffffffff, .group = g,                       \
                                     .group_mask = 0xffffffff, .if_index = index,                 \
                                     .next_hop = next_hop, .header_size = size,                   \
                                     .header = header});                                          \
    }                                                                                             \
    static DWORD local_join_##L(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index,                \
                                DWORD next_hop)                                                   \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_LOCAL_JOIN, .source = s,                \
                                            .source_mask = sm, .group = g, .group_mask = gm,      \
                                            .if_index = index, .next_hop = next_hop});            \
    }                                                                                             \
    static DWORD local_leave_##L(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index,               \
                                 DWORD next_hop)                                                  \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_LOCAL_LEAVE, .source = s,               \
                                            .source_mask = sm, .group = g, .group_mask = gm,      \
                                            .if_index = index, .next_hop = next_hop});            \
    }                                                                                             \
    static DWORD disable_igmp_##L(DWORD index, DWORD next_hop)                                    \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_DISABLE_IGMP, .if_index = index,        \
                                            .next_hop = next_hop});                               \
    }                                                                                             \
    static DWORD enable_igmp_##L(DWORD index, DWORD next_hop)                                     \
    {                                                                                             \
        return record(#L[0], (struct event){.kind = EVENT_ENABLE_IGMP, .if_index = index,         \
                                            .next_hop = next_hop});                               \
    }

#define CALLBACKS_OF(L)                                                                          \
    {                                                                                             \
        .pfnRpfCallback = rpf_##L, .pfnCreationAlertCallback = creation_##L,                      \
        .pfnPruneAlertCallback = prune_##L, .pfnJoinAlertCallback = join_##L,                     \
        .pfnWrongIfCallback = wrong_if_##L, .pfnLocalJoinCallback = local_join_##L,               \
        .pfnLocalLeaveCallback = local_leave_##L, .pfnDisableIgmpCallback = disable_igmp_##L,     \
        .pfnEnableIgmpCallback = enable_igmp_##L                                                  \
    }

RECORDING_CLIENT(A)
RECORDING_CLIENT(B)
RECORDING_CLIENT(C)
RECORDING_CLIENT(D)
RECORDING_CLIENT(E)
RECORDING_CLIENT(F)
RECORDING_CLIENT(G)
RECORDING_CLIENT(H)
RECORDING_CLIENT(I)
RECORDING_CLIENT(J)

static const ROUTING_PROTOCOL_CONFIG configs[CLIENTS] = {
    CALLBACKS_OF(A), CALLBACKS_OF(B), CALLBACKS_OF(C), CALLBACKS_OF(D), CALLBACKS_OF(E),
    CALLBACKS_OF(F), CALLBACKS_OF(G), CALLBACKS_OF(H), CALLBACKS_OF(I), CALLBACKS_OF(J),
};

ROUTING_PROTOCOL_CONFIG config_of(char letter)
{
    return configs[letter - 'A'];
}

static HANDLE enlist(char letter, ROUTING_PROTOCOL_CONFIG config, DWORD protocol_id,
                     DWORD component_id)
{
    HANDLE handle = NULL;

    OK(MgmRegisterMProtocol(&config, protocol_id, component_id, &handle));
    clients[letter - 'A'].protocol_id = protocol_id;
    clients[letter - 'A'].component_id = component_id;
    clients[letter - 'A'].registered = true;
    return handle;
}

HANDLE client_as(char letter, DWORD protocol_id, DWORD component_id)
{
    return enlist(letter, config_of(letter), protocol_id, component_id);
}

HANDLE protocol(char letter)
{
    return client_as(letter, (DWORD)letter, 1);
}

HANDLE igmp(char letter)
{
    ROUTING_PROTOCOL_CONFIG config = config_of(letter);

    config.pfnJoinAlertCallback = NULL;
    config.pfnPruneAlertCallback = NULL;
    return enlist(letter, config, PROTO_IP_IGMP, 1);
}

char letter_of(DWORD protocol_id, DWORD component_id)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].registered && clients[i].protocol_id == protocol_id &&
            clients[i].component_id == component_id)
            return (char)('A' + i);
    }
    return '?';
}

void on_event(char letter, event_hook *hook)
{
    clients[letter - 'A'].hook = hook;
}
