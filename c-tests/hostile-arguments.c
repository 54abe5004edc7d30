/* Invalid arguments: rules 0.4, 0.8, 3.2 and 3.3 of the semantics. Each refused call returns the
 * right code, changes nothing and logs one line. */

#include "forms.h"
#include "router.h"

#include <mgmhost.h>

#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b;

/* Creates clients, memberships and MFEs, so that a refused call could change something. */
static void a_busy_router(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(b, FLOW, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    forget_log();
}

static void t0_8_null_pointers_at_registration(void)
{
    ROUTING_PROTOCOL_CONFIG config = config_of('C');
    HANDLE untouched = &config;

    a_busy_router();
    REFUSED(MgmRegisterMProtocol(NULL, 'C', 1, &untouched), ERROR_INVALID_PARAMETER);
    REFUSED(MgmRegisterMProtocol(&config, 'C', 1, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmRegisterMProtocol(NULL, 'C', 1, NULL), ERROR_INVALID_PARAMETER);
    /* Pointers are checked first. */
    REFUSED(MgmRegisterMProtocol(&config, 'A', 1, NULL), ERROR_INVALID_PARAMETER);
    CHECK(untouched == &config);
    protocol('C');
}

static void t0_8_null_pointers_elsewhere(void)
{
    DWORD untouched = 77;

    a_busy_router();
    REFUSED(MgmGetProtocolOnInterface(1, 0, NULL, &untouched), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGetProtocolOnInterface(1, 0, &untouched, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGetProtocolOnInterface(9, 0, NULL, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostGetArrival(NULL, &untouched), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostGetArrival(&untouched, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmSetMfe(a, NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGroupEnumerationStart(a, ALL_SOURCES, NULL), ERROR_INVALID_PARAMETER);
    CHECK_EQ(untouched, 77);
}

static void t0_8_null_pointers_in_enumerations(void)
{
    BYTE buffer[64];
    DWORD size = sizeof(buffer), count = 77;
    HANDLE groups = NULL;

    a_busy_router();
    OK(MgmGroupEnumerationStart(a, ALL_SOURCES, &groups));
    REFUSED(MgmGroupEnumerationGetNext(groups, NULL, buffer, &count), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGroupEnumerationGetNext(groups, &size, NULL, &count), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGroupEnumerationGetNext(groups, &size, buffer, NULL), ERROR_INVALID_PARAMETER);
    CHECK_EQ(size, sizeof(buffer));
    CHECK_EQ(count, 77);

    /* The enumeration has not moved. */
    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    CHECK_EQ(count, 2);
}

static void t0_8_null_pointers_in_retrieval(void)
{
    MIB_IPMCAST_MFE query = named(FLOW);
    BYTE buffer[256], before[256];
    DWORD size = sizeof(buffer), count = 77;

    a_busy_router();
    memset(buffer, 0xa5, sizeof(buffer));
    memset(before, 0xa5, sizeof(before));
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        REFUSED(form->get(NULL, &size, buffer), ERROR_INVALID_PARAMETER);
        REFUSED(form->get(&query, NULL, buffer), ERROR_INVALID_PARAMETER);
        REFUSED(form->get(&query, &size, NULL), ERROR_INVALID_PARAMETER);
        REFUSED(form->first(NULL, buffer, &count), ERROR_INVALID_PARAMETER);
        REFUSED(form->first(&size, NULL, &count), ERROR_INVALID_PARAMETER);
        REFUSED(form->first(&size, buffer, NULL), ERROR_INVALID_PARAMETER);
        REFUSED(form->next(NULL, &size, buffer, &count), ERROR_INVALID_PARAMETER);
        REFUSED(form->next(&query, NULL, buffer, &count), ERROR_INVALID_PARAMETER);
        REFUSED(form->next(&query, &size, NULL, &count), ERROR_INVALID_PARAMETER);
        REFUSED(form->next(&query, &size, buffer, NULL), ERROR_INVALID_PARAMETER);
    }
    CHECK_EQ(size, sizeof(buffer));
    CHECK_EQ(count, 77);
    CHECK(memcmp(buffer, before, sizeof(buffer)) == 0);
}

static void host_null_pointers(void)
{
    BYTE header[PACKET_HEADER_SIZE];
    BOOL accepted = 77;
    DWORD count = 4;
    MGMHOST_OIF oifs[4];
    struct flow f = flow(FLOW);

    a_busy_router();
    packet_header(FLOW, header);
    REFUSED(MgmHostVersion(NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostPacketIn(f.source, f.group, 1, 0, 20, NULL, 100, &accepted, &count, oifs),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostPacketIn(f.source, f.group, 1, 0, 20, header, 100, NULL, &count, oifs),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostPacketIn(f.source, f.group, 1, 0, 20, header, 100, &accepted, NULL, oifs),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostPacketIn(f.source, f.group, 1, 0, 20, header, 100, &accepted, &count, NULL),
            ERROR_INVALID_PARAMETER);
    CHECK_EQ(accepted, 77);
    CHECK_EQ(count, 4);
}

static void host_a_second_start_changes_nothing(void)
{
    MGMHOST_CONFIG config;
    MIB_IPMCAST_MFE mfe;

    a_busy_router();
    memset(&config, 0, sizeof(config));
    config.dwSize = sizeof(config);
    config.dwMfeTimeout = 5;
    config.dwLogLevel = MGMHOST_LOG_OFF;
    REFUSED(MgmHostStart(&config), ERROR_ALREADY_EXISTS);
    REFUSED(MgmHostStart(NULL), ERROR_ALREADY_EXISTS);

    /* Neither these settings nor those of the environment take effect. */
    REFUSED(take(b, 1), ERROR_ALREADY_EXISTS);
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to 2");
    OK(get_mfe("(10.0.0.6, 239.1.1.1)", &mfe));
    CHECK_EQ(mfe.ulTimeOut, 900);
}

static void host_packets_that_are_none(void)
{
    a_busy_router();
    REFUSED(packet_code("(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(packet_code("(127.0.0.1, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(packet_code("(224.0.0.1, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(packet_code("(10.0.0.5, 10.0.0.6)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(packet_code("(10.0.0.5, *)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(packet_code("(10.0.0.7, 239.1.1.1)", 0), ERROR_INVALID_PARAMETER);
}

static void host_routes_that_are_none(void)
{
    DWORD net = ip("11.0.0.0"), mask = ip("255.0.0.0");

    a_busy_router();
    REFUSED(MgmHostAddRoute(net, ip("255.0.255.0"), 1, 0, 0, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostAddRoute(net, ip("0.255.0.0"), 1, 0, 0, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostAddRoute(ip("11.0.0.1"), mask, 1, 0, 0, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostAddRoute(net, mask, 0, 0, 0, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostAddRoute(net, mask, 1, ip("239.1.1.1"), 0, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostAddRoute(net, mask, 1, 0, 0, 0x80000000), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostAddRoute(net, mask, 1, 0, 0, MGMHOST_ROUTE_PREFERRED | 4),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostDeleteRoute(net, mask), ERROR_NOT_FOUND);
    REFUSED(MgmHostDeleteRoute(net, ip("255.0.255.0")), ERROR_INVALID_PARAMETER);
}

/* Both the add and the delete refuse these arguments. */
static void check_membership(const char *source, const char *source_mask, const char *group,
                             const char *group_mask, DWORD flags)
{
    DWORD s = ip(source), sm = ip(source_mask), g = ip(group), gm = ip(group_mask);

    REFUSED(MgmAddGroupMembershipEntry(b, s, sm, g, gm, 2, 0, flags), ERROR_INVALID_PARAMETER);
    REFUSED(MgmDeleteGroupMembershipEntry(b, s, sm, g, gm, 2, 0, flags),
            ERROR_INVALID_PARAMETER);
    /* These arguments are checked before the interface. */
    REFUSED(MgmDeleteGroupMembershipEntry(b, s, sm, g, gm, 9, 0, flags),
            ERROR_INVALID_PARAMETER);
}

static void t0_4_masks_that_do_not_fit(void)
{
    const char *full = "255.255.255.255";

    a_busy_router();
    check_membership("*", full, "239.1.1.1", full, MGM_JOIN_STATE_FLAG);
    check_membership("*", "*", "239.1.1.1", "*", MGM_JOIN_STATE_FLAG);
    check_membership("*", "*", "239.1.1.0", "255.255.255.0", MGM_JOIN_STATE_FLAG);
    check_membership("*", "*", "*", full, MGM_JOIN_STATE_FLAG);
    check_membership("*", "*", "*", "240.0.0.0", MGM_JOIN_STATE_FLAG);
    check_membership("10.0.0.5", "*", "239.1.1.1", full, MGM_JOIN_STATE_FLAG);
    check_membership("10.0.0.0", "255.0.0.0", "239.1.1.1", full, MGM_JOIN_STATE_FLAG);
    check_membership("10.0.0.5", "255.255.255.254", "239.1.1.1", full, MGM_JOIN_STATE_FLAG);
}

static void t0_4_a_source_without_a_group(void)
{
    a_busy_router();
    check_membership("10.0.0.5", "255.255.255.255", "*", "*", MGM_JOIN_STATE_FLAG);
    check_membership("10.0.0.5", "255.255.255.255", "*", "255.255.255.255", MGM_JOIN_STATE_FLAG);
}

static void t3_2_groups_that_are_none(void)
{
    /* The last one is 239.1.1.1 in the wrong byte order. */
    static const char *const groups[] = {"0.0.0.1",   "10.0.0.1",        "223.255.255.255",
                                         "240.0.0.0", "255.255.255.255", "1.1.1.239"};

    a_busy_router();
    for (size_t n = 0; n < sizeof(groups) / sizeof(*groups); n++)
        check_membership("*", "*", groups[n], "255.255.255.255", MGM_JOIN_STATE_FLAG);
}

static void t3_2_sources_that_are_none(void)
{
    static const char *const sources[] = {"0.0.0.1",         "0.255.255.255",   "127.0.0.0",
                                          "127.255.255.255", "224.0.0.0",       "239.1.1.1",
                                          "240.0.0.1",       "255.255.255.255"};

    a_busy_router();
    for (size_t n = 0; n < sizeof(sources) / sizeof(*sources); n++)
        check_membership(sources[n], "255.255.255.255", "239.1.1.1", "255.255.255.255",
                         MGM_JOIN_STATE_FLAG);
}

static void t3_3_flags_that_are_none(void)
{
    static const DWORD flags[] = {0, 4, 5, 6, 7, 0x80000000, 0x80000001, 0xffffffff};

    a_busy_router();
    for (size_t n = 0; n < sizeof(flags) / sizeof(*flags); n++)
        check_membership("*", "*", "239.1.1.1", "255.255.255.255", flags[n]);
}

static void t0_8_set_mfe_of_nonsense(void)
{
    MIB_IPMCAST_MFE mfe;

    a_busy_router();
    memset(&mfe, 0xff, sizeof(mfe));
    CHECK(MgmSetMfe(a, &mfe) != NO_ERROR);
    memset(&mfe, 0, sizeof(mfe));
    CHECK(MgmSetMfe(a, &mfe) != NO_ERROR);
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out 2");

    /* The other fields are not read. */
    memset(&mfe, 0xff, sizeof(mfe));
    mfe.dwGroup = ip("239.1.1.1");
    mfe.dwSource = ip("10.0.0.5");
    mfe.dwUpStrmNgbr = ip("10.0.1.2");
    OK(MgmSetMfe(a, &mfe));
    EXPECT_MFES(FLOW " in 1 from 10.0.1.2 out 2");
}

static void t6_5_queries_of_nonsense(void)
{
    MIB_IPMCAST_MFE query;
    BYTE buffer[256];

    a_busy_router();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        DWORD size = sizeof(buffer), count = 0;

        memset(&query, 0xff, sizeof(query));
        CHECK_CODE(form->get(&query, &size, buffer), ERROR_NOT_FOUND);
        CHECK_CODE(form->next(&query, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(count, 0);
        memset(&query, 0, sizeof(query));
        CHECK_CODE(form->get(&query, &size, buffer), ERROR_NOT_FOUND);
        CHECK_CODE(form->next(&query, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(count, 1);
    }
}

static void t6_3_a_buffer_that_claims_to_be_huge(void)
{
    BYTE buffer[256];

    a_busy_router();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        MIB_IPMCAST_MFE query = named(FLOW);
        DWORD size = 0xffffffff, count = 0;

        CHECK_CODE(form->first(&size, buffer, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(count, 1);
        CHECK_EQ(size, 0xffffffff);
        OK(form->get(&query, &size, buffer));
    }
}

TEST_MAIN(
    CASE(t0_8_null_pointers_at_registration),
    CASE(t0_8_null_pointers_elsewhere),
    CASE(t0_8_null_pointers_in_enumerations),
    CASE(t0_8_null_pointers_in_retrieval),
    CASE(host_null_pointers),
    CASE(host_a_second_start_changes_nothing),
    CASE(host_packets_that_are_none),
    CASE(host_routes_that_are_none),
    CASE(t0_4_masks_that_do_not_fit),
    CASE(t0_4_a_source_without_a_group),
    CASE(t3_2_groups_that_are_none),
    CASE(t3_2_sources_that_are_none),
    CASE(t3_3_flags_that_are_none),
    CASE(t0_8_set_mfe_of_nonsense),
    CASE(t6_5_queries_of_nonsense),
    CASE(t6_3_a_buffer_that_claims_to_be_huge))
