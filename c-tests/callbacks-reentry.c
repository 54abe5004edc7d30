/* Calls of all functions inside all callbacks: rules 8.1 and 8.6 of the semantics. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b, i;

/* The kinds of callbacks that have run. */
static bool done[EVENT_KINDS];

/* Retrieves whatever exists. */
static void retrieve(void)
{
    DWORD code, size, count;
    BYTE buffer[4096];
    MIB_IPMCAST_MFE query;
    struct flow f = flow(FLOW);

    memset(&query, 0, sizeof(query));
    query.dwGroup = f.group;
    query.dwSource = f.source;
    size = sizeof(buffer);
    code = MgmGetMfe(&query, &size, buffer);
    CHECK(code == NO_ERROR || code == ERROR_NOT_FOUND);
    size = sizeof(buffer);
    CHECK_CODE(MgmGetMfeStats(&query, &size, buffer, MGM_MFE_STATS_1), code);
    size = sizeof(buffer);
    CHECK_CODE(MgmGetFirstMfe(&size, buffer, &count), ERROR_NO_MORE_ITEMS);
    CHECK_CODE(MgmGetFirstMfeStats(&size, buffer, &count, MGM_MFE_STATS_0), ERROR_NO_MORE_ITEMS);
    CHECK_CODE(MgmGetNextMfe(&query, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    CHECK_CODE(MgmGetNextMfeStats(&query, &size, buffer, &count, MGM_MFE_STATS_0),
               ERROR_NO_MORE_ITEMS);
}

/* The host's functions, for an interface and a route that no client uses. */
static void act_as_host(DWORD index)
{
    MGMHOST_VERSION version;

    memset(&version, 0, sizeof(version));
    version.dwSize = sizeof(version);
    OK(MgmHostVersion(&version));
    OK(MgmHostAddRoute(ip("192.168.0.0"), ip("255.255.0.0"), index, 0, 0, 0));
    OK(MgmHostDeleteRoute(ip("192.168.0.0"), ip("255.255.0.0")));
    OK(MgmHostDeleteInterface(index, 0));
    OK(MgmHostAddInterface(index, 0));
    CHECK_CODE(MgmHostStart(NULL), ERROR_ALREADY_EXISTS);
    CHECK_CODE(MgmHostStop(), ERROR_CAN_NOT_COMPLETE);
    CHECK_CODE(packet_code(FLOW, 1), ERROR_CAN_NOT_COMPLETE);
}

/* Calls every function once, with its own client and interface. */
static void call_everything(DWORD number)
{
    ROUTING_PROTOCOL_CONFIG deaf;
    DWORD index = 100 + number, size, count, code;
    HANDLE guest = NULL, groups = NULL;
    BYTE buffer[1024];

    memset(&deaf, 0, sizeof(deaf));
    OK(MgmRegisterMProtocol(&deaf, 0x7000 + number, 1, &guest));
    OK(take(guest, index));
    CHECK_TEXT(owner_of(index), "?");
    OK(join(guest, FLOW, index));
    OK(join(guest, "(*, 239.7.7.7)", index));
    OK(join(guest, "(*, *)", index));
    OK(forward_on(guest, FLOW, index));
    OK(forward_off(guest, FLOW, index));
    code = set_mfe(guest, FLOW, "10.0.9.9", index);
    CHECK(code == ERROR_CAN_NOT_COMPLETE || code == ERROR_NOT_FOUND);
    retrieve();

    OK(MgmGroupEnumerationStart(guest, ALL_SOURCES, &groups));
    size = sizeof(buffer);
    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    CHECK(count >= 3);
    OK(MgmGroupEnumerationEnd(groups));

    act_as_host(1000 + index);
    OK(leave(guest, FLOW, index));
    OK(leave(guest, "(*, 239.7.7.7)", index));
    OK(leave(guest, "(*, *)", index));
    OK(release(guest, index));
    OK(quit(guest));
}

static void call_everything_once(const struct event *event)
{
    if (done[event->kind])
        return;
    done[event->kind] = true;
    call_everything(event->kind);
}

static void t8_1_every_function_from_every_callback(void)
{
    static const char *const names[EVENT_KINDS] = {
        "RPF",        "CREATION_ALERT", "PRUNE_ALERT",  "JOIN_ALERT",  "WRONG_IF",
        "LOCAL_JOIN", "LOCAL_LEAVE",    "DISABLE_IGMP", "ENABLE_IGMP",
    };

    memset(done, 0, sizeof(done));
    a = protocol('A');
    b = protocol('B');
    i = client_as('I', PROTO_IP_IGMP, 1);
    on_event('A', call_everything_once);
    on_event('B', call_everything_once);
    on_event('I', call_everything_once);
    route("10.0.0.0/8", 1, "10.0.1.1");

    OK(take(a, 1));
    OK(take(i, 2));
    OK(take(b, 2));
    OK(join(i, "(*, 239.1.1.1)", 2));
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    CHECK_TEXT(packet(FLOW, 2), "refused");
    OK(leave(i, "(*, 239.1.1.1)", 2));

    for (int kind = 0; kind < EVENT_KINDS; kind++) {
        if (!done[kind])
            fail_check(__FILE__, __LINE__, "%s never came", names[kind]);
    }
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out");
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

/* Makes all these calls in every callback. */
static unsigned calls;

static void call_everything_for_a_while(const struct event *event)
{
    (void)event;
    if (calls < 30)
        call_everything(20 + calls++);
}

static void t8_1_callbacks_that_cause_callbacks_end(void)
{
    calls = 0;
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    on_event('B', call_everything_for_a_while);
    OK(join(a, "(*, 239.1.1.1)", 1));
    CHECK_EQ(calls, 30);
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
}

static void a_gives_up_everything(const struct event *event)
{
    if (event->kind != EVENT_RPF)
        return;
    OK(release(a, 1));
    OK(quit(a));
    note("A is gone");
}

static void t8_1_a_client_may_leave_inside_its_question(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    forget_log();
    route("10.0.0.0/8", 1, "10.0.1.1");
    on_event('A', a_gives_up_everything);
    CHECK_TEXT(packet(FLOW, 1), "refused");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1", "A is gone");
    EXPECT_NO_MFES();
}

static void b_gives_up_everything(const struct event *event)
{
    if (event->kind != EVENT_CREATION)
        return;
    OK(release(b, 2));
    OK(quit(b));
    /* The list may still be written. */
    event->ifs[0].bIsEnabled = FALSE;
}

static void t8_1_a_client_may_leave_inside_creation(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    on_event('B', b_gives_up_everything);
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out");
    CHECK_TEXT(owner_of(2), "nobody");
}

static unsigned lines;

static void log_and_call(void *context, DWORD level, const char *text)
{
    CHECK(context == &lines);
    CHECK_EQ(level, MGMHOST_LOG_WARN);
    CHECK(strlen(text) > 0);
    lines++;
    /* The message that this causes goes to stderr. Otherwise the callback would recurse. */
    CHECK_CODE(take(NULL, 1), ERROR_INVALID_PARAMETER);
    retrieve();
    OK(quit(protocol('C')));
}

static void host_the_log_callback_may_call_as_well(void)
{
    a = protocol('A');
    lines = 0;
    OK(MgmHostSetLogCallback(log_and_call, &lines));
    CHECK_CODE(release(a, 1), ERROR_INVALID_PARAMETER);
    /* The message that its own call caused went to stderr. */
    CHECK_EQ(lines, 1);
}

static void log_and_join(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    OK(join(b, "(*, 239.1.1.1)", 2));
    note("the log's callback ends");
}

/* The call that logs is the outermost one, although it is refused. */
static void t8_1_alerts_of_calls_inside_the_log_callback_follow_it(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(b, 2));
    OK(MgmHostSetLogCallback(log_and_join, NULL));
    CHECK_CODE(release(a, 1), ERROR_INVALID_PARAMETER);
    EXPECT("the log's callback ends", "A join (*, 239.1.1.1) member");
}

TEST_MAIN(
    CASE(t8_1_every_function_from_every_callback),
    CASE(t8_1_callbacks_that_cause_callbacks_end),
    CASE(t8_1_a_client_may_leave_inside_its_question),
    CASE(t8_1_a_client_may_leave_inside_creation),
    CASE(t8_1_alerts_of_calls_inside_the_log_callback_follow_it),
    CASE(host_the_log_callback_may_call_as_well))
