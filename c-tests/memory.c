/* Out of memory (rule 0.9): in a process that has used up its address space, calls return
 * ERROR_NOT_ENOUGH_MEMORY, and the process continues. */

#include "router.h"

#include <mgmhost.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The address space that remains at the start: enough for some hundred thousand flows. At first there
 * is room for the 33 MB that the library asks for, later only for the small blocks. */
enum { MORE_MB = 64 };

static HANDLE a;
static DWORD flows;

/* The size of the address space in kilobytes. */
static unsigned long address_space(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (file != NULL) {
        if (fscanf(file, "%lu", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return pages * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

static bool limit_memory(void)
{
    unsigned long size = address_space();
    struct rlimit limit;

    /* Sanitizers reserve terabytes. */
    if (size == 0 || size > 16UL << 20)
        return false;
    if (getrlimit(RLIMIT_AS, &limit) != 0)
        return false;
    limit.rlim_cur = ((rlim_t)size << 10) + ((rlim_t)MORE_MB << 20);
    return setrlimit(RLIMIT_AS, &limit) == 0;
}

static void lift_limit(void)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* A client without callbacks has two interfaces; sources are connected on the first. */
static void start(void)
{
    ROUTING_PROTOCOL_CONFIG config;

    memset(&config, 0, sizeof(config));
    allow_ms(60000);
    OK(MgmRegisterMProtocol(&config, 200, 1, &a));
    OK(take(a, 1));
    OK(take(a, 2));
    route("10.0.0.0/8", 1, "0.0.0.0");
}

static DWORD source(DWORD n)
{
    return htonl(0x0a000001 + n);
}

static DWORD call_join(DWORD n)
{
    return MgmAddGroupMembershipEntry(a, source(n), 0xffffffff, ip("239.1.1.1"), 0xffffffff, 2, 0,
                                      MGM_JOIN_STATE_FLAG);
}

static DWORD call_leave(DWORD n)
{
    return MgmDeleteGroupMembershipEntry(a, source(n), 0xffffffff, ip("239.1.1.1"), 0xffffffff, 2,
                                         0, MGM_JOIN_STATE_FLAG);
}

/* Whether a packet of the n-th flow is accepted. */
static bool begins(DWORD n)
{
    BYTE header[PACKET_HEADER_SIZE] = {0x45};
    DWORD from = source(n), to = ip("239.1.1.1"), oifs = 4;
    MGMHOST_OIF out[4];
    BOOL accepted = FALSE;

    header[8] = 64;
    memcpy(header + 12, &from, 4);
    memcpy(header + 16, &to, 4);
    OK(MgmHostPacketIn(from, to, 1, 0, sizeof(header), header, 100, &accepted, &oifs, out));
    return accepted;
}

/* The results of the other functions when no memory is left for flows. */
static void all_else_works(void)
{
    ROUTING_PROTOCOL_CONFIG config;
    BYTE buffer[4096];
    DWORD size = sizeof(buffer), count = 0, code;
    HANDLE other, groups;
    DWORD protocol = 0, component = 0;

    OK(MgmGetProtocolOnInterface(1, 0, &protocol, &component));
    CHECK_EQ(protocol, 200);
    OK(MgmGroupEnumerationStart(a, ALL_SOURCES, &groups));
    code = MgmGroupEnumerationGetNext(groups, &size, buffer, &count);
    CHECK(code == ERROR_MORE_DATA || code == ERROR_NO_MORE_ITEMS);
    CHECK(count > 0);
    OK(MgmGroupEnumerationEnd(groups));
    memset(&config, 0, sizeof(config));
    code = MgmRegisterMProtocol(&config, 201, 1, &other);
    if (code == NO_ERROR)
        OK(MgmDeRegisterMProtocol(other));
    else
        CHECK_CODE(code, ERROR_NOT_ENOUGH_MEMORY);
}

static void t0_9_joins_without_memory_are_refused_and_all_else_works(void)
{
    DWORD code = NO_ERROR, again;

    start();
    if (!limit_memory())
        SKIP("the address space cannot be limited");

    for (flows = 0; code == NO_ERROR && flows < 1u << 22; flows += code == NO_ERROR)
        code = call_join(flows);
    CHECK_CODE(code, ERROR_NOT_ENOUGH_MEMORY);
    CHECK(flows > 10000);
    CHECK_CODE(call_join(flows), ERROR_NOT_ENOUGH_MEMORY);
    /* A refused membership does not exist: deleting it is no error and changes nothing. */
    OK(call_leave(flows));
    all_else_works();

    for (DWORD n = 0; n < flows; n++)
        OK(call_leave(n));
    EXPECT_NO_GROUPS(ALL_SOURCES);
    for (again = 0; again < flows / 2; again++)
        OK(call_join(again));
    OK(release(a, 2));
    EXPECT_NO_GROUPS(ALL_SOURCES);
    lift_limit();
}

static void t0_9_flows_without_memory_are_refused_and_counted(void)
{
    static BYTE json[1 << 16];
    DWORD size = sizeof(json), n;
    MIB_IPMCAST_MFE mfe;

    start();
    if (!limit_memory())
        SKIP("the address space cannot be limited");
    OK(call_join(0));
    for (flows = 0; flows < 1u << 21 && begins(flows);)
        flows++;
    CHECK(flows > 10000 && flows < 1u << 21);
    CHECK(!begins(flows));
    CHECK(begins(0) && begins(flows - 1)); /* existing flows continue */
    CHECK_CODE(get_mfe("(10.0.0.1, 239.1.1.1)", &mfe), NO_ERROR);
    OK(MgmHostGetStatus(MGMHOST_STATUS_NO_MEMBERSHIPS | MGMHOST_STATUS_NO_MFES, &size, json));
    CHECK(strstr((const char *)json, "\"no_memory\":2") != NULL);
    all_else_works();
    OK(release(a, 1)); /* deletes all MFEs */
    CHECK_CODE(get_mfe("(10.0.0.1, 239.1.1.1)", &mfe), ERROR_NOT_FOUND);
    OK(take(a, 1));
    for (n = 0; n < flows / 2; n++)
        CHECK(begins(n));
    lift_limit();
}

static void t0_9_a_flood_from_one_interface_leaves_room_for_others(void)
{
    MGMHOST_CONFIG config;
    DWORD accepted = 0;

    OK(MgmHostStop());
    memset(&config, 0, sizeof(config));
    config.dwSize = sizeof(config);
    config.dwForwarder = MGMHOST_FORWARDER_MEMORY;
    config.dwMaxFlows = 1000;
    OK(MgmHostStart(&config));
    start();
    route("11.0.0.0/8", 2, "0.0.0.0");
    for (DWORD n = 0; n < 5000; n++) {
        accepted += begins(n);
        if (n % 50 == 49) {
            char flow[40];

            snprintf(flow, sizeof(flow), "(11.0.0.%u, 239.1.1.1)", n / 50 + 1);
            CHECK_TEXT(packet(flow, 2), "to nobody");
        }
    }
    /* Half of the limit, less the few flows that the other interfaces had. */
    CHECK(accepted >= 480 && accepted <= 501);
    config.dwMaxFlows = (1 << 24) + 1;
    OK(MgmHostStop());
    CHECK_CODE(MgmHostStart(&config), ERROR_INVALID_PARAMETER);
}

TEST_MAIN(
    CASE(t0_9_joins_without_memory_are_refused_and_all_else_works),
    CASE(t0_9_flows_without_memory_are_refused_and_counted),
    CASE(t0_9_a_flood_from_one_interface_leaves_room_for_others))
