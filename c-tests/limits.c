/* Rules 3.7 and 0.9: TTL thresholds, administrative boundaries, names of scopes, and limits of new
 * flows. */

#include "router.h"

#include <mgmhost.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW "(10.0.0.5, 239.255.1.1)"
#define OTHER "(10.0.0.5, 239.254.1.1)"

static MIB_IPMCAST_BOUNDARY boundary(DWORD index, const char *address, const char *mask)
{
    MIB_IPMCAST_BOUNDARY row;

    row.dwIfIndex = index;
    row.dwGroupAddress = ip(address);
    row.dwGroupMask = ip(mask);
    row.dwStatus = 0xdddddddd; /* ignored */
    return row;
}

static DWORD bound(DWORD index, const char *address, const char *mask)
{
    MIB_IPMCAST_BOUNDARY row = boundary(index, address, mask);

    return MgmHostAddBoundary(&row);
}

static DWORD unbound(DWORD index, const char *address, const char *mask)
{
    MIB_IPMCAST_BOUNDARY row = boundary(index, address, mask);

    return MgmHostDeleteBoundary(&row);
}

/* The number of interfaces out of which a packet of FLOW with this TTL is forwarded, and the
 * first. */
static DWORD out_with_ttl(BYTE ttl, DWORD *first)
{
    BYTE header[PACKET_HEADER_SIZE];
    struct flow f = flow(FLOW);
    MGMHOST_OIF oifs[4];
    BOOL accepted = FALSE;
    DWORD count = 4;

    packet_header(FLOW, header);
    header[8] = ttl;
    OK(MgmHostPacketIn(f.source, f.group, 1, 0, sizeof(header), header, PACKET_LENGTH, &accepted,
                       &count, oifs));
    CHECK_EQ(accepted, TRUE);
    *first = count > 0 ? oifs[0].dwIfIndex : 0;
    return count;
}

/* A owns 1, towards the source; B owns 2 and 3, and joins (*, *) there. */
static HANDLE stage(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(b, 3));
    OK(join(b, "(*, *)", 2));
    OK(join(b, "(*, *)", 3));
    route("10.0.0.0/8", 1, "10.0.1.1");
    forget_log();
    return b;
}

static void t3_7_a_threshold_keeps_packets_back(void)
{
    BYTE buffer[SIZEOF_MIB_MFE_STATS(2)];
    MIB_IPMCAST_MFE key = {0};
    MIB_IPMCAST_OIF_STATS oif;
    struct flow f = flow(FLOW);
    DWORD first, size = sizeof(buffer);

    stage();
    OK(MgmHostSetTtlThreshold(2, 0, 16));
    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    CHECK_EQ(out_with_ttl(5, &first), 1);
    CHECK_EQ(first, 3);
    CHECK_EQ(out_with_ttl(16, &first), 1);
    CHECK_EQ(out_with_ttl(17, &first), 2);
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out 2 3");

    key.dwGroup = f.group;
    key.dwSource = f.source;
    OK(MgmGetMfeStats(&key, &size, buffer, MGM_MFE_STATS_0));
    memcpy(&oif, buffer + SIZEOF_MIB_MFE_STATS(0), sizeof(oif));
    CHECK_EQ(oif.dwOutIfIndex, 2);
    CHECK_EQ(oif.ulTtlTooLow, 2);
    CHECK_EQ(oif.ulOutPackets, 2);

    OK(MgmHostSetTtlThreshold(2, 0, 0));
    CHECK_EQ(out_with_ttl(2, &first), 2);
    CHECK_EQ(out_with_ttl(1, &first), 0);
    OK(MgmHostSetTtlThreshold(2, 0, 255));
    CHECK_EQ(out_with_ttl(255, &first), 1);
}

static void t3_7_thresholds_that_are_none(void)
{
    REFUSED(MgmHostSetTtlThreshold(0, 0, 16), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostSetTtlThreshold(1, 0, 256), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostSetTtlThreshold(1, 0, 0xffffffff), ERROR_INVALID_PARAMETER);
}

static void t3_7_a_boundary_keeps_groups_off_an_interface(void)
{
    HANDLE b = stage();

    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    CHECK_TEXT(packet(OTHER, 1), "to 2 3");
    forget_log();
    OK(bound(2, "239.255.0.0", "255.255.0.0"));
    CHECK_TEXT(packet(FLOW, 1), "to 3");
    CHECK_TEXT(packet(OTHER, 1), "to 2 3");
    EXPECT_NOTHING();
    OK(bound(3, "239.255.0.0", "255.255.0.0"));
    EXPECT("A prune " FLOW " mfe on 1 for 900");
    CHECK_TEXT(packet(FLOW, 1), "to nobody");

    /* Packets that arrive there are refused, without WRONG_IF_CALLBACK. */
    CHECK_TEXT(packet(FLOW, 2), "refused");
    EXPECT_NOTHING();

    /* Memberships that change in the meantime count when the boundary is deleted. */
    OK(leave(b, "(*, *)", 2));
    forget_log();
    OK(unbound(2, "239.255.0.0", "255.255.0.0"));
    EXPECT_NOTHING();
    OK(unbound(3, "239.255.0.0", "255.255.0.0"));
    EXPECT("A join " FLOW " mfe");
    CHECK_TEXT(packet(FLOW, 1), "to 3");
}

static void t3_7_boundaries_that_are_none(void)
{
    static const char *const prefixes[][2] = {
        {"239.255.0.0", "255.0.255.0"}, {"239.255.0.1", "255.255.0.0"}, {"238.0.0.0", "254.0.0.0"},
        {"224.0.0.0", "240.0.0.0"},     {"225.0.0.0", "255.0.0.0"},     {"10.0.0.0", "255.0.0.0"},
        {"0.0.0.0", "0.0.0.0"},         {"0.0.255.239", "0.0.255.255"},
    };

    REFUSED(MgmHostAddBoundary(NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostDeleteBoundary(NULL), ERROR_INVALID_PARAMETER);
    REFUSED(bound(0, "239.0.0.0", "255.0.0.0"), ERROR_INVALID_PARAMETER);
    REFUSED(unbound(0, "239.0.0.0", "255.0.0.0"), ERROR_INVALID_PARAMETER);
    for (size_t n = 0; n < sizeof(prefixes) / sizeof(*prefixes); n++) {
        REFUSED(bound(1, prefixes[n][0], prefixes[n][1]), ERROR_INVALID_PARAMETER);
        REFUSED(unbound(1, prefixes[n][0], prefixes[n][1]), ERROR_INVALID_PARAMETER);
    }
    OK(bound(1, "239.0.0.0", "255.0.0.0"));
    OK(bound(1, "239.0.0.0", "255.0.0.0"));
    REFUSED(unbound(1, "239.255.0.0", "255.255.0.0"), ERROR_NOT_FOUND);
    REFUSED(unbound(2, "239.0.0.0", "255.0.0.0"), ERROR_NOT_FOUND);
    OK(unbound(1, "239.0.0.0", "255.0.0.0"));
    REFUSED(unbound(1, "239.0.0.0", "255.0.0.0"), ERROR_NOT_FOUND);
}

/* Passes the first packets of 200 flows on interface 1, and writes one of those that are refused.
 * Returns how many are accepted. */
static int begin_flows(char refused[40])
{
    int accepted = 0;

    for (int n = 0; n < 200; n++) {
        char text[40];

        snprintf(text, sizeof(text), "(10.0.0.5, 239.1.1.%d)", n);
        if (strcmp(packet(text, 1), "refused") == 0)
            strcpy(refused, text);
        else
            accepted++;
    }
    return accepted;
}

static void t0_9_a_limit_of_new_flows_lets_a_burst_pass(void)
{
    char refused[40] = "";
    size_t before;
    int accepted;

    stage();
    OK(MgmHostSetFlowLimit(1, 1, 20));
    before = mgm_log_lines();
    accepted = begin_flows(refused);
    /* A slow machine may need seconds. */
    CHECK(accepted >= 20 && accepted < 100);
    CHECK_EQ(mgm_log_lines_since(before, 1), 1);
    CHECK(strstr(mgm_last_line(), "interface 1") != NULL);
    CHECK(strstr(mgm_last_line(), "MgmHostSetFlowLimit") != NULL);
    forget_log();
    CHECK_TEXT(packet(refused, 1), "refused");
    EXPECT_NOTHING();

    /* Flows that have an MFE go on. */
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2 3");

    /* Without the limit, the refused flows are resolved at once. */
    OK(MgmHostSetFlowLimit(1, 0, 0));
    CHECK_TEXT(packet(refused, 1), "to 2 3");
    CHECK_EQ(begin_flows(refused), 200);
}

static void d81_a_limit_can_be_set_before_the_interface_is_taken(void)
{
    char refused[40] = "";

    OK(MgmHostSetFlowLimit(1, 1, 1));
    stage();
    CHECK(begin_flows(refused) < 100);
}

static void d81_limits_of_new_flows_that_are_none(void)
{
    REFUSED(MgmHostSetFlowLimit(0, 1, 1), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostSetFlowLimit(0, 0, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostSetFlowLimit(1, 1, 0), ERROR_INVALID_PARAMETER);
    OK(MgmHostSetFlowLimit(1, 0xffffffff, 0xffffffff));
    OK(MgmHostSetFlowLimit(1, 0, 0xffffffff));
}

/* The name of 239.255.0.0/16, in a buffer that held other bytes before. */
static MIB_IPMCAST_SCOPE name_of_site(void)
{
    MIB_IPMCAST_SCOPE scope;

    memset(&scope, 0xdd, sizeof(scope));
    scope.dwGroupAddress = ip("239.255.0.0");
    scope.dwGroupMask = ip("255.255.0.0");
    OK(MgmHostGetScopeName(&scope));
    CHECK_EQ(scope.dwGroupAddress, ip("239.255.0.0"));
    CHECK_EQ(scope.dwGroupMask, ip("255.255.0.0"));
    return scope;
}

static void check_name(const WCHAR *name, size_t length, DWORD status)
{
    MIB_IPMCAST_SCOPE scope = name_of_site();

    CHECK_EQ(scope.dwStatus, status);
    for (size_t at = 0; at <= MAX_SCOPE_NAME_LEN; at++)
        CHECK_EQ(scope.snNameBuffer[at], at < length ? name[at] : 0);
}

static DWORD name_site(const WCHAR *name)
{
    return MgmHostSetScopeName(ip("239.255.0.0"), ip("255.255.0.0"), name);
}

static void t3_7_a_scope_without_a_name_is_called_by_its_prefix(void)
{
    static const WCHAR empty[] = u"", byname[] = u"239.255.0.0/16";

    check_name(byname, 14, 0);
    OK(name_site(u"site"));
    check_name(u"site", 4, 1);
    OK(name_site(empty));
    check_name(byname, 14, 0);
    OK(name_site(u"site"));
    OK(name_site(NULL));
    check_name(byname, 14, 0);
}

static void t3_7_names_come_back_unit_for_unit(void)
{
    /* The first half of a surrogate pair, a whole pair, and a second half. */
    static const WCHAR odd[] = {0xd83d, 'a', 0xd83d, 0xde00, 0xdc00, 0xffff, 0};
    WCHAR longest[MAX_SCOPE_NAME_LEN + 2];
    /* Unaligned, and at the end of its allocation, so that memcheck finds a read beyond it. */
    BYTE *exact = malloc(sizeof(odd) + 1);

    CHECK(exact != NULL);
    memcpy(exact + 1, odd, sizeof(odd));
    OK(name_site((const WCHAR *)(const void *)(exact + 1)));
    free(exact);
    check_name(odd, 6, 1);

    for (size_t at = 0; at < MAX_SCOPE_NAME_LEN + 1; at++)
        longest[at] = (WCHAR)(0x100 + at);
    longest[MAX_SCOPE_NAME_LEN + 1] = 0;
    REFUSED(name_site(longest), ERROR_INVALID_PARAMETER);
    check_name(odd, 6, 1);
    longest[MAX_SCOPE_NAME_LEN] = 0;
    OK(name_site(longest));
    check_name(longest, MAX_SCOPE_NAME_LEN, 1);
}

static void t3_7_names_of_nothing(void)
{
    MIB_IPMCAST_SCOPE scope;

    memset(&scope, 0, sizeof(scope));
    REFUSED(MgmHostGetScopeName(NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostGetScopeName(&scope), ERROR_INVALID_PARAMETER);
    CHECK_EQ(scope.snNameBuffer[0], 0);
    REFUSED(MgmHostSetScopeName(ip("239.255.0.0"), ip("255.0.255.0"), u"x"),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostSetScopeName(ip("224.0.0.0"), ip("240.0.0.0"), u"x"), ERROR_INVALID_PARAMETER);
}

TEST_MAIN(
    CASE(t3_7_a_threshold_keeps_packets_back),
    CASE(t3_7_thresholds_that_are_none),
    CASE(t3_7_a_boundary_keeps_groups_off_an_interface),
    CASE(t3_7_boundaries_that_are_none),
    CASE(t0_9_a_limit_of_new_flows_lets_a_burst_pass),
    CASE(d81_a_limit_can_be_set_before_the_interface_is_taken),
    CASE(d81_limits_of_new_flows_that_are_none),
    CASE(t3_7_a_scope_without_a_name_is_called_by_its_prefix),
    CASE(t3_7_names_come_back_unit_for_unit),
    CASE(t3_7_names_of_nothing))
