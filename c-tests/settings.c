/* Settings from the environment (spec 0.10). */

#define _POSIX_C_SOURCE 200809L

#include "router.h"

#include <mgmhost.h>

#if defined(_WIN32)
#include <windows.h>
#endif

#include <stdlib.h>
#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

/* NULL removes the variable. */
static void set_variable(const char *name, const char *value)
{
#if defined(_WIN32)
    CHECK(SetEnvironmentVariableA(name, value) || value == NULL);
#else
    CHECK((value != NULL ? setenv(name, value, 1) : unsetenv(name)) == 0);
#endif
}

/* The library is stopped, and its messages are counted. */
static void begin(void)
{
    OK(MgmHostStop());
    set_variable("MGM_LOG", "warn");
    OK(MgmHostSetLogCallback(mgm_take_line, NULL));
}

/* The last line of the log is about this variable, and names the valid values. */
static void check_line(const char *name, const char *bad, const char *valid)
{
    const char *line = mgm_last_line();

    if (!strstr(line, name) || !strstr(line, bad) || !strstr(line, valid))
        fail_check(__FILE__, __LINE__, "%s=%s, valid %s: %s", name, bad, valid, line);
}

/* The call is refused, and one line says why. Not REFUSED, which reads the tables and so needs a
 * registration. */
#define NO_START(call)                                 \
    do {                                               \
        size_t lines_ = mgm_log_lines();               \
        CHECK_CODE((call), ERROR_INVALID_PARAMETER);   \
        CHECK_EQ(mgm_log_lines_since(lines_, 1), 1);   \
    } while (0)

static DWORD register_p(void)
{
    static ROUTING_PROTOCOL_CONFIG config;
    HANDLE handle;

    return MgmRegisterMProtocol(&config, 'P', 0, &handle);
}

static DWORD add_route(void)
{
    return MgmHostAddRoute(ip("10.0.0.0"), ip("255.0.0.0"), 1, ip("10.0.1.1"), 0, 0);
}

static DWORD delete_route(void)
{
    return MgmHostDeleteRoute(ip("10.0.0.0"), ip("255.0.0.0"));
}

static DWORD packet_in(void)
{
    return packet_code(FLOW, 1);
}

static DWORD add_interface(void)
{
    return MgmHostAddInterface(1, 0);
}

static DWORD delete_interface(void)
{
    return MgmHostDeleteInterface(1, 0);
}

static DWORD set_threshold(void)
{
    return MgmHostSetTtlThreshold(1, 0, 7);
}

static DWORD set_flow_limit(void)
{
    return MgmHostSetFlowLimit(1, 7, 7);
}

static MIB_IPMCAST_BOUNDARY a_boundary(void)
{
    MIB_IPMCAST_BOUNDARY boundary = {0};

    boundary.dwIfIndex = 1;
    boundary.dwGroupAddress = ip("239.192.0.0");
    boundary.dwGroupMask = ip("255.255.0.0");
    return boundary;
}

static DWORD add_boundary(void)
{
    MIB_IPMCAST_BOUNDARY boundary = a_boundary();

    return MgmHostAddBoundary(&boundary);
}

static DWORD delete_boundary(void)
{
    MIB_IPMCAST_BOUNDARY boundary = a_boundary();

    return MgmHostDeleteBoundary(&boundary);
}

static DWORD name_scope(void)
{
    return MgmHostSetScopeName(ip("239.192.0.0"), ip("255.255.0.0"), NULL);
}

static DWORD tell_scope(void)
{
    MIB_IPMCAST_SCOPE scope = {0};

    scope.dwGroupAddress = ip("239.192.0.0");
    scope.dwGroupMask = ip("255.255.0.0");
    return MgmHostGetScopeName(&scope);
}

static DWORD serve(void)
{
    return MgmHostServeStatus("/no/such/directory/at/all");
}

static DWORD start(void)
{
    return MgmHostStart(NULL);
}

static void check_that_nothing_runs(void)
{
    DWORD size = 0, count = 77;

    CHECK_CODE(MgmGetProtocolOnInterface(1, 0, &size, &count), ERROR_NOT_FOUND);
    size = 0;
    CHECK_CODE(MgmGetFirstMfe(&size, NULL, &count), ERROR_NO_MORE_ITEMS);
}

static void t0_10_every_call_that_would_start_mgm_is_refused(void)
{
    static DWORD (*const calls[])(void) = {
        register_p, start, add_interface, delete_interface, add_route, delete_route, packet_in,
        set_threshold, set_flow_limit, add_boundary, delete_boundary, name_scope, tell_scope, serve};
    static const struct {
        const char *name, *bad, *valid;
    } faults[] = {{"MGM_FORWARDER", "mem", "memory"},
                  {"MGM_TABLE", "main", "0 to 999999999"},
                  {"MGM_MFE_TIMEOUT", "0", "1 to 4294967295"}};

    begin();
    for (size_t f = 0; f < sizeof(faults) / sizeof(*faults); f++) {
        set_variable(faults[f].name, faults[f].bad);
        for (size_t n = 0; n < sizeof(calls) / sizeof(*calls); n++) {
            NO_START(calls[n]());
            check_line(faults[f].name, faults[f].bad, faults[f].valid);
        }
        check_that_nothing_runs();
        OK(MgmHostServeStatus(NULL)); /* does not start the library */
        set_variable(faults[f].name, NULL);
    }
    set_variable("MGM_FORWARDER", "memory");
    OK(register_p());
    REFUSED(start(), ERROR_ALREADY_EXISTS);
    /* A running library keeps its settings. */
    set_variable("MGM_FORWARDER", "mem");
    OK(add_route());
    REFUSED(start(), ERROR_ALREADY_EXISTS);
    set_variable("MGM_FORWARDER", "memory");
}

static void t0_10_what_the_host_sets_is_not_consulted(void)
{
    MGMHOST_CONFIG config;

    begin();
    memset(&config, 0, sizeof(config));
    config.dwSize = sizeof(config);
    config.dwTable = 7;
    set_variable("MGM_FORWARDER", "mem");
    set_variable("MGM_TABLE", "main");
    NO_START(MgmHostStart(&config));
    check_line("MGM_FORWARDER", "mem", "memory");
    CHECK(strstr(mgm_last_line(), "MGM_TABLE") == NULL);
    config.dwForwarder = MGMHOST_FORWARDER_MEMORY;
    OK(MgmHostStart(&config));
    OK(register_p());
    set_variable("MGM_FORWARDER", "memory");
    set_variable("MGM_TABLE", NULL);
}

static void t0_10_an_empty_variable_is_unset(void)
{
    begin();
    set_variable("MGM_TABLE", "");
    set_variable("MGM_MFE_TIMEOUT", "");
    set_variable("MGM_STATUS_SOCKET", "");
    OK(register_p());
    set_variable("MGM_TABLE", NULL);
    set_variable("MGM_MFE_TIMEOUT", NULL);
    set_variable("MGM_STATUS_SOCKET", NULL);
}

static void t0_10_a_valid_forwarder_that_is_not_there_refuses_takes(void)
{
    static ROUTING_PROTOCOL_CONFIG config;
    const char *said;
    HANDLE handle;

    begin();
    said = refuse_forwarder(true);
    OK(MgmRegisterMProtocol(&config, 'P', 0, &handle));
    REFUSED(MgmTakeInterfaceOwnership(handle, 1, 0), ERROR_CAN_NOT_COMPLETE);
    CHECK(strstr(mgm_last_line(), said) != NULL);
#if defined(_WIN32)
    begin();
    set_variable("MGM_FORWARDER", "ebpf");
    OK(MgmRegisterMProtocol(&config, 'P', 0, &handle));
    REFUSED(MgmTakeInterfaceOwnership(handle, 1, 0), ERROR_CAN_NOT_COMPLETE);
    CHECK(strstr(mgm_last_line(), said) != NULL);
#endif
    refuse_forwarder(false);
}

static void t0_10_the_log_alone_falls_back(void)
{
    MGMHOST_CONFIG config;
    size_t lines;

    begin();
    set_variable("MGM_LOG", "loud");
    lines = mgm_log_lines();
    OK(register_p());
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
    check_line("MGM_LOG", "loud", "trace");

    begin();
    set_variable("MGM_LOG", "loud");
    memset(&config, 0, sizeof(config));
    config.dwSize = sizeof(config);
    config.dwLogLevel = MGMHOST_LOG_WARN;
    config.pfnLogCallback = mgm_take_line;
    lines = mgm_log_lines();
    OK(MgmHostStart(&config));
    CHECK_EQ(mgm_log_lines(), lines);
}

TEST_MAIN(
    CASE(t0_10_every_call_that_would_start_mgm_is_refused),
    CASE(t0_10_what_the_host_sets_is_not_consulted),
    CASE(t0_10_an_empty_variable_is_unset),
    CASE(t0_10_a_valid_forwarder_that_is_not_there_refuses_takes),
    CASE(t0_10_the_log_alone_falls_back))
