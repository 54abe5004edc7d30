/* The library works only in the router's process: rule 8.7 of the semantics. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b, groups;

static void two_components(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    OK(MgmGroupEnumerationStart(a, ALL_SOURCES, &groups));
    forget_log();
}

static int wrong;

static void refused(DWORD code)
{
    wrong += code != ERROR_CAN_NOT_COMPLETE;
}

/* Every function, with arguments that are valid in the parent, and some that are not: a child is
 * refused before the arguments are checked. */
static int call_everything(void)
{
    ROUTING_PROTOCOL_CONFIG config = config_of('C');
    HANDLE handle = &config;
    DWORD x = 77, y = 77, size = 64;
    BYTE buffer[64];
    MGMHOST_VERSION version;
    MIB_IPMCAST_MFE mfe;

    wrong = 0;
    memset(&version, 0, sizeof(version));
    memset(&mfe, 0, sizeof(mfe));
    version.dwSize = sizeof(version);
    refused(MgmRegisterMProtocol(&config, 'C', 1, &handle));
    refused(MgmRegisterMProtocol(NULL, 'C', 1, NULL));
    refused(quit(a));
    refused(quit(NULL));
    refused(take(a, 3));
    refused(release(a, 1));
    refused(MgmGetProtocolOnInterface(1, 0, &x, &y));
    refused(join(a, "(*, 239.1.1.2)", 1));
    refused(leave(b, "(*, 239.1.1.1)", 2));
    refused(set_mfe(a, FLOW, "10.0.1.9", 1));
    refused(MgmGetMfe(&mfe, &size, buffer));
    refused(MgmGetFirstMfe(&size, buffer, &x));
    refused(MgmGetNextMfe(&mfe, &size, buffer, &x));
    refused(MgmGetMfeStats(&mfe, &size, buffer, MGM_MFE_STATS_0));
    refused(MgmGetFirstMfeStats(&size, buffer, &x, MGM_MFE_STATS_0));
    refused(MgmGetNextMfeStats(&mfe, &size, buffer, &x, MGM_MFE_STATS_0));
    refused(MgmGroupEnumerationStart(a, ALL_SOURCES, &handle));
    refused(MgmGroupEnumerationGetNext(groups, &size, buffer, &x));
    refused(MgmGroupEnumerationEnd(groups));
    refused(MgmHostVersion(&version));
    refused(MgmHostStart(NULL));
    refused(MgmHostStop());
    refused(MgmHostAddInterface(3, 0));
    refused(MgmHostDeleteInterface(1, 0));
    refused(MgmHostAddRoute(ip("11.0.0.0"), ip("255.0.0.0"), 1, 0, 0, 0));
    refused(MgmHostDeleteRoute(ip("10.0.0.0"), ip("255.0.0.0")));
    refused(packet_code(FLOW, 1));
    refused(MgmHostSetFlowLimit(1, 1, 1));
    refused(MgmHostSetLogCallback(NULL, NULL));
    refused(MgmHostSetLogLevel(MGMHOST_LOG_OFF));
    refused(MgmHostGetLastMessage(&size, buffer));
    refused(MgmHostInterfaceIndex("lo", &x));
    refused(MgmHostInterfaceName(1, &size, buffer));
    refused(MgmHostExplain(ip("10.0.0.5"), ip("239.1.1.1"), 0, 0, &size, buffer));

    /* No out-parameter was written. */
    wrong += handle != &config;
    wrong += x != 77 || y != 77 || size != 64;
    return wrong;
}

static void check_child(int failures)
{
    CHECK_EQ(failures, 0);
}

/* The library still works in the parent, and its state is unchanged. */
static void check_parent(void)
{
    CHECK_TEXT(owner_of(1), "A");
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out 2");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    OK(leave(b, "(*, 239.1.1.1)", 2));
    CHECK_EQ(log_count("A prune (*, 239.1.1.1) member on 2"), 1);
    CHECK_EQ(log_count("A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900"), 1);
}

static void t8_7_a_child_has_no_mgm(void)
{
    int failures;

    two_components();
    failures = run_in_child(call_everything);
    if (failures < 0)
        SKIP("there is no fork here");
    check_child(failures);
    check_parent();
}

/* The child returns from the callback in which it was forked. It leaves the call that made the
 * callback, and no other callback runs in the child. */
static struct child newborn;

static void fork_and_return(const struct event *event)
{
    if (event->client == 'A' && event->kind == EVENT_JOIN) {
        newborn = child_split_off();
    } else if (newborn.is_here) {
        wrong++;
    }
}

static void t8_7_a_child_may_return_from_the_callback(void)
{
    HANDLE c;
    DWORD code;

    two_components();
    if (run_in_child(call_everything) < 0)
        SKIP("there is no fork here");
    c = protocol('C');
    OK(take(c, 3));
    wrong = 0;
    on_event('A', fork_and_return);
    on_event('B', fork_and_return);
    code = join(c, "(*, 239.1.1.7)", 3);
    if (newborn.is_here) {
        refused(code);
        refused(quit(c));
        child_end(&newborn, wrong);
    }
    check_child(child_failures(&newborn));
    CHECK_CODE(code, NO_ERROR);
    OK(release(c, 3));
    OK(quit(c));
    forget_log();
    check_parent();
}

static void fork_inside(const struct event *event)
{
    if (event->kind == EVENT_JOIN)
        check_child(run_in_child(call_everything));
}

static void t8_7_a_child_born_inside_a_callback_has_none_either(void)
{
    two_components();
    if (run_in_child(call_everything) < 0)
        SKIP("there is no fork here");
    on_event('B', fork_inside);
    OK(join(a, "(*, 239.1.1.9)", 1));
    EXPECT("B join (*, 239.1.1.9) member");
    OK(leave(a, "(*, 239.1.1.9)", 1));
    forget_log();
    check_parent();
}

static int have_children(void)
{
    return call_everything() + run_in_child(call_everything);
}

static void t8_7_nor_has_a_childs_child(void)
{
    int failures;

    two_components();
    failures = run_in_child(have_children);
    if (failures < 0)
        SKIP("there is no fork here");
    check_child(failures);
    check_parent();
}

/* Another thread may hold the library's lock at the moment of the fork. */
static void keep_busy(void *stop)
{
    while (!gate_wait(stop, 0)) {
        OK(join(a, "(*, 239.1.1.9)", 1));
        OK(leave(a, "(*, 239.1.1.9)", 1));
    }
}

static void t8_7_a_child_never_waits_for_a_lock_it_inherited(void)
{
    struct gate stop = GATE_INITIALIZER;
    struct thread *busy;
    int failures = 0;

    two_components();
    if (run_in_child(call_everything) < 0)
        SKIP("there is no fork here");
    busy = thread_start(keep_busy, &stop);
    for (size_t n = 0; n < scaled(200) && failures == 0; n++)
        failures = run_in_child(call_everything);
    gate_open(&stop);
    thread_join(busy);
    check_child(failures);
    forget_log();
    check_parent();
}

TEST_MAIN(
    CASE(t8_7_a_child_has_no_mgm),
    CASE(t8_7_a_child_born_inside_a_callback_has_none_either),
    CASE(t8_7_a_child_may_return_from_the_callback),
    CASE(t8_7_nor_has_a_childs_child),
    CASE(t8_7_a_child_never_waits_for_a_lock_it_inherited))
