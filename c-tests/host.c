/* The functions of the host, as far as they are documented in mgmhost.h and not in the semantics. */

#include "router.h"

#include "threads.h"

#include <mgmhost.h>

#include <stdatomic.h>
#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static MGMHOST_CONFIG config_for_memory(void)
{
    MGMHOST_CONFIG config;

    memset(&config, 0, sizeof(config));
    config.dwSize = sizeof(config);
    config.dwForwarder = MGMHOST_FORWARDER_MEMORY;
    config.dwLogLevel = MGMHOST_LOG_OFF;
    return config;
}

static void host_the_version_is_told(void)
{
    MGMHOST_VERSION version;

    memset(&version, 0, sizeof(version));
    version.dwSize = sizeof(version);
    OK(MgmHostVersion(&version));
    CHECK_EQ(version.dwSize, sizeof(version));
    CHECK_EQ(version.dwApiMajor, MGMHOST_API_MAJOR);
    CHECK_EQ(version.dwApiMinor, MGMHOST_API_MINOR);
    CHECK(version.pszBuild != NULL && strncmp(version.pszBuild, "mgm ", 4) == 0);
}

static void host_a_caller_of_another_age_gets_its_part_of_the_version(void)
{
    union {
        MGMHOST_VERSION version;
        BYTE bytes[2 * sizeof(MGMHOST_VERSION)];
    } room;

    for (DWORD size = 0; size < sizeof(room); size++) {
        memset(&room, 0xa5, sizeof(room));
        room.version.dwSize = size;
        if (size < sizeof(DWORD)) {
            CHECK_CODE(MgmHostVersion(&room.version), ERROR_INVALID_PARAMETER);
            continue;
        }
        OK(MgmHostVersion(&room.version));
        CHECK_EQ(room.version.dwSize, size < sizeof(MGMHOST_VERSION) ? size : sizeof(MGMHOST_VERSION));
        CHECK_EQ(room.bytes[room.version.dwSize], 0xa5);
    }
}

static void host_starting_twice_is_refused(void)
{
    MGMHOST_CONFIG config = config_for_memory();

    CHECK_CODE(MgmHostStart(&config), ERROR_ALREADY_EXISTS);
    OK(MgmHostStop());
    OK(MgmHostStop());
    OK(MgmHostStart(&config));
    CHECK_CODE(MgmHostStart(&config), ERROR_ALREADY_EXISTS);
}

static void check_refused_config(const MGMHOST_CONFIG *config)
{
    CHECK_CODE(MgmHostStart(config), ERROR_INVALID_PARAMETER);
}

static void host_configs_that_make_no_sense(void)
{
    struct {
        MGMHOST_CONFIG config;
        BYTE tail[16];
    } large;
    MGMHOST_CONFIG config;

    OK(MgmHostStop());
    memset(&large, 0, sizeof(large));
    large.config = config_for_memory();

    config = config_for_memory(), config.dwForwarder = 99, check_refused_config(&config);
    config = config_for_memory(), config.dwLogLevel = 99, check_refused_config(&config);
    config = config_for_memory(), config.dwReserved = 1, check_refused_config(&config);
    config = config_for_memory(), config.dwMaxFlows = (1 << 24) + 1, check_refused_config(&config);
    config = config_for_memory(), config.dwSize = 0, check_refused_config(&config);
    config = config_for_memory(), config.dwSize = 7, check_refused_config(&config);
    config = config_for_memory(), config.dwSize = 0xffffffff, check_refused_config(&config);

    /* A setting of a later version is refused, unless it is the default. */
    large.config.dwSize = sizeof(large);
    large.tail[15] = 1;
    check_refused_config(&large.config);
    large.tail[15] = 0;
    OK(MgmHostStart(&large.config));
}

static void host_an_older_caller_gets_the_defaults(void)
{
    MGMHOST_CONFIG config = config_for_memory();
    MIB_IPMCAST_MFE mfe;
    HANDLE a;

    /* A caller that knows only dwForwarder and dwTable. */
    OK(MgmHostStop());
    config.dwSize = 12;
    config.dwMfeTimeout = 5;
    config.dwLogLevel = 99;
    config.dwReserved = 99;
    OK(MgmHostStart(&config));
    a = protocol('A');
    OK(take(a, 1));
    route("10.0.0.0/8", 1, "10.0.1.1");
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.ulTimeOut, 900);
}

static unsigned lines;

static void count_line(void *context, DWORD level, const char *text)
{
    CHECK(context == &lines);
    CHECK_EQ(level, MGMHOST_LOG_WARN);
    CHECK(strstr(text, "MgmReleaseInterfaceOwnership") != NULL);
    lines++;
}

static void host_the_log_goes_where_it_is_wanted(void)
{
    HANDLE a = protocol('A');

    lines = 0;
    OK(MgmHostSetLogCallback(count_line, &lines));
    CHECK_CODE(release(a, 1), ERROR_INVALID_PARAMETER);
    CHECK_EQ(lines, 1);
    OK(MgmHostSetLogCallback(NULL, NULL));
    OK(take(a, 1));
    OK(release(a, 1));
    CHECK_EQ(lines, 1);
}

static struct gate inside_log = GATE_INITIALIZER, let_go = GATE_INITIALIZER;
enum { PATIENCE_MS = 10000 };
static atomic_bool has_left_log;

static void dawdle(void *context, DWORD level, const char *text)
{
    (void)context, (void)level, (void)text;
    gate_open(&inside_log);
    gate_wait(&let_go, PATIENCE_MS);
    has_left_log = true;
}

static void release_what_nobody_has(void *client)
{
    CHECK_CODE(release((HANDLE)client, 1), ERROR_INVALID_PARAMETER);
}

static void have_no_callback(void *unused)
{
    (void)unused;
    OK(MgmHostSetLogCallback(NULL, NULL));
    CHECK(has_left_log);
}

static void host_a_log_callback_that_is_replaced_runs_no_more(void)
{
    struct thread *logs, *replaces;

    OK(MgmHostSetLogCallback(dawdle, NULL));
    logs = thread_start(release_what_nobody_has, (void *)protocol('A'));
    CHECK(gate_wait(&inside_log, PATIENCE_MS));
    replaces = thread_start(have_no_callback, NULL);
    sleep_ms(20);
    gate_open(&let_go);
    thread_join(replaces);
    thread_join(logs);
}

static void host_a_start_without_a_callback_forgets_the_last_one(void)
{
    MGMHOST_CONFIG config = config_for_memory();

    OK(MgmHostStop());
    lines = 0;
    config.dwLogLevel = MGMHOST_LOG_WARN;
    config.pfnLogCallback = count_line;
    config.pvLogContext = &lines;
    OK(MgmHostStart(&config));
    CHECK_CODE(release(NULL, 1), ERROR_INVALID_PARAMETER);
    CHECK_EQ(lines, 1);

    /* NULL sends the log to stderr. */
    OK(MgmHostStop());
    config.pfnLogCallback = NULL;
    OK(MgmHostStart(&config));
    CHECK_CODE(release(NULL, 1), ERROR_INVALID_PARAMETER);
    CHECK_EQ(lines, 1);
}

static void host_a_packet_without_room_for_its_interfaces(void)
{
    BYTE header[PACKET_HEADER_SIZE];
    struct flow f = flow(FLOW);
    MGMHOST_OIF oifs[2] = {{77, 77}, {77, 77}};
    HANDLE a = protocol('A'), b = protocol('B');
    BOOL accepted = FALSE;
    DWORD count = 1;

    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(b, 3));
    OK(join(b, "(*, *)", 2));
    OK(join(b, "(*, *)", 3));
    route("10.0.0.0/8", 1, "10.0.1.1");
    packet_header(FLOW, header);

    /* The decision is made, and the count is the room that was needed. */
    CHECK_CODE(MgmHostPacketIn(f.source, f.group, 1, 0, sizeof(header), header, PACKET_LENGTH,
                               &accepted, &count, oifs),
               ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(accepted, TRUE);
    CHECK_EQ(count, 2);
    CHECK_EQ(oifs[0].dwIfIndex, 77);

    /* Neither a header nor room for interfaces is needed. */
    count = 0;
    CHECK_CODE(MgmHostPacketIn(f.source, f.group, 2, 0, 0, NULL, PACKET_LENGTH, &accepted, &count,
                               NULL),
               NO_ERROR);
    CHECK_EQ(accepted, FALSE);
    CHECK_EQ(count, 0);
}

static void host_a_route_replaces_that_of_the_same_network(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    OK(take(b, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    route("10.0.0.0/8", 2, "10.0.2.1");
    CHECK_TEXT(packet(FLOW, 2), "to nobody");
    EXPECT_MFES(FLOW " in 2 from 10.0.2.1 out");
    unroute("10.0.0.0/8");
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 2), "refused");
}

static void host_the_longest_prefix_wins(void)
{
    HANDLE a = protocol('A');

    for (DWORD index = 1; index <= 4; index++)
        OK(take(a, index));
    route("10.0.0.5/32", 1, "10.9.1.1");
    route("10.0.0.0/24", 2, "10.9.2.1");
    route("10.0.0.0/8", 3, "10.9.3.1");
    route("0.0.0.0/0", 4, "10.9.4.1");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 2), "to nobody");
    CHECK_TEXT(packet("(10.0.1.5, 239.1.1.1)", 3), "to nobody");
    CHECK_TEXT(packet("(11.0.0.5, 239.1.1.1)", 4), "to nobody");
}

static void host_a_preferred_route_is_deleted_like_any_other(void)
{
    HANDLE a = protocol('A');
    DWORD net = ip("10.0.0.0"), mask = ip("255.0.0.0");

    for (DWORD index = 1; index <= 2; index++)
        OK(take(a, index));
    OK(MgmHostAddRoute(net, mask, 1, 0, 0, MGMHOST_ROUTE_PREFERRED));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");
    /* The longest of the host's routes is used. */
    route("10.0.1.0/24", 2, "10.9.2.1");
    CHECK_TEXT(packet("(10.0.1.5, 239.1.1.1)", 2), "to nobody");
    OK(MgmHostAddRoute(ip("10.0.2.1"), 0xffffffff, 0, 0, 0,
                       MGMHOST_ROUTE_LOCAL | MGMHOST_ROUTE_PREFERRED));
    CHECK_TEXT(packet("(10.0.2.1, 239.1.1.1)", 2), "to nobody");
    unroute("10.0.0.0/8");
    CHECK_CODE(MgmHostDeleteRoute(net, mask), ERROR_NOT_FOUND);
}

TEST_MAIN(
    CASE(host_the_version_is_told),
    CASE(host_a_caller_of_another_age_gets_its_part_of_the_version),
    CASE(host_starting_twice_is_refused),
    CASE(host_configs_that_make_no_sense),
    CASE(host_an_older_caller_gets_the_defaults),
    CASE(host_the_log_goes_where_it_is_wanted),
    CASE(host_a_log_callback_that_is_replaced_runs_no_more),
    CASE(host_a_start_without_a_callback_forgets_the_last_one),
    CASE(host_a_packet_without_room_for_its_interfaces),
    CASE(host_a_route_replaces_that_of_the_same_network),
    CASE(host_the_longest_prefix_wins),
    CASE(host_a_preferred_route_is_deleted_like_any_other))
