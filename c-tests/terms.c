/* The terms of the rules: chapter 0 of the semantics. Interfaces (0.2) are in ownership.c, kinds of
 * membership (0.4) in membership.c. */

#include "router.h"

#include <string.h>

static HANDLE a, b, i;

static void t0_3_addresses_are_in_network_byte_order(void)
{
    static const BYTE group_bytes[4] = {239, 1, 2, 3};
    DWORD group;
    MIB_IPMCAST_MFE head;

    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));

    /* On every machine, the bytes in memory are those on the wire. */
    memcpy(&group, group_bytes, sizeof(group));
    OK(MgmAddGroupMembershipEntry(a, 0, 0, group, 0xffffffff, 1, 0, MGM_JOIN_STATE_FLAG));
    EXPECT("B join (*, 239.1.2.3) member");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.2.3)");

    /* In host byte order the same number is another address, or an invalid one. */
    if (group != 0xef010203)
        REFUSED(MgmAddGroupMembershipEntry(a, 0, 0, 0xef010203, 0xffffffff, 1, 0,
                                           MGM_JOIN_STATE_FLAG),
                ERROR_INVALID_PARAMETER);

    route("0.0.0.0/0", 2, "10.2.0.1");
    CHECK_TEXT(packet("(9.0.0.1, 239.1.2.3)", 2), "to 1");
    CHECK_EQ(get_mfe("(9.0.0.1, 239.1.2.3)", &head), NO_ERROR);
    CHECK(memcmp(&head.dwGroup, group_bytes, sizeof(group_bytes)) == 0);

    /* Addresses are compared as numbers. */
    CHECK_TEXT(packet("(200.0.0.1, 239.1.2.3)", 2), "to 1");
    CHECK_TEXT(packet("(9.0.0.200, 239.1.2.3)", 2), "to 1");
    EXPECT_MFES("(9.0.0.1, 239.1.2.3) in 2 from 10.2.0.1 out 1",
                "(9.0.0.200, 239.1.2.3) in 2 from 10.2.0.1 out 1",
                "(200.0.0.1, 239.1.2.3) in 2 from 10.2.0.1 out 1");
}

/* The macros of the headers, and the structure that describes a route. */
static void t0_3_routes_have_their_addresses_byte_by_byte(void)
{
    static const BYTE expected[4] = {10, 1, 128, 0};
    RTM_NET_ADDRESS address;
    DWORD back, mask;
    USHORT length;

    memset(&address, 0, sizeof(address));
    RTM_IPV4_SET_ADDR_AND_MASK(&address, ip("10.1.128.0"), ip("255.255.128.0"));
    CHECK_EQ(address.AddressFamily, 2);
    CHECK_EQ(address.NumBits, 17);
    CHECK(memcmp(address.AddrBits, expected, sizeof(expected)) == 0);
    RTM_IPV4_GET_ADDR_AND_MASK(back, mask, &address);
    CHECK_EQ(back, ip("10.1.128.0"));
    CHECK_EQ(mask, ip("255.255.128.0"));
    RTM_IPV4_SET_ADDR_AND_LEN(&address, ip("192.0.2.1"), 32);
    RTM_IPV4_GET_ADDR_AND_LEN(back, length, &address);
    CHECK_EQ(back, ip("192.0.2.1"));
    CHECK_EQ(length, 32);

    /* Not inside another macro, because the one of mingw-w64 ends in a semicolon. */
    mask = RTM_IPV4_MASK_FROM_LEN(0);
    CHECK_EQ(mask, 0);
    mask = RTM_IPV4_MASK_FROM_LEN(1);
    CHECK_EQ(mask, ip("128.0.0.0"));
    mask = RTM_IPV4_MASK_FROM_LEN(32);
    CHECK_EQ(mask, ip("255.255.255.255"));
    RTM_IPV4_LEN_FROM_MASK(length, 0);
    CHECK_EQ(length, 0);
    RTM_IPV4_LEN_FROM_MASK(length, ip("255.255.255.254"));
    CHECK_EQ(length, 31);
}

/* Each call has one invalid argument less than the one before. The log shows which argument was
 * checked first. */
static void t0_8_arguments_are_looked_at_in_order(void)
{
    const DWORD group = ip("239.1.1.1"), host = 0xffffffff;
    HANDLE made_up = (HANDLE)(size_t)0x7777;

    a = protocol('A');
    REFUSED(MgmAddGroupMembershipEntry(made_up, 0, 0, group, 7, 9, 0, 8), ERROR_INVALID_PARAMETER);
    CHECK(strstr(mgm_last_line(), "handle") != NULL);
    REFUSED(MgmAddGroupMembershipEntry(a, 0, 0, group, 7, 9, 0, 8), ERROR_INVALID_PARAMETER);
    CHECK(strstr(mgm_last_line(), "mask") != NULL);
    REFUSED(MgmAddGroupMembershipEntry(a, 0, 0, group, host, 9, 0, 8), ERROR_INVALID_PARAMETER);
    CHECK(strstr(mgm_last_line(), "dwFlags") != NULL);
    REFUSED(MgmAddGroupMembershipEntry(a, 0, 0, group, host, 9, 0, 1), ERROR_INVALID_PARAMETER);
    CHECK(strstr(mgm_last_line(), "interface 9") != NULL);

    /* A delete also returns different codes for them. */
    REFUSED(MgmDeleteGroupMembershipEntry(made_up, 0, 0, group, host, 9, 0, 1),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmDeleteGroupMembershipEntry(a, 0, 0, group, host, 9, 0, 8),
            ERROR_INVALID_PARAMETER);
    REFUSED(MgmDeleteGroupMembershipEntry(a, 0, 0, group, host, 9, 0, 1), ERROR_NOT_FOUND);

    /* The handle is checked before the pointers. */
    REFUSED(MgmGroupEnumerationStart(made_up, ALL_SOURCES, NULL), ERROR_INVALID_PARAMETER);
    CHECK(strstr(mgm_last_line(), "handle") != NULL);
    REFUSED(MgmGroupEnumerationStart(a, ALL_SOURCES, NULL), ERROR_INVALID_PARAMETER);
    CHECK(strstr(mgm_last_line(), "phEnumHandle") != NULL);
}

static void t0_1_igmps_own_links_are_one_component(void)
{
    a = protocol('A');
    i = client_as('I', PROTO_IP_IGMP, 1);
    OK(take(a, 1));
    OK(take(i, 2));
    OK(take(i, 3));
    OK(take(i, 1));

    /* On A's interface IGMP belongs to A's component. Elsewhere it is another component. */
    OK(join(i, "(*, 239.1.1.1)", 2));
    EXPECT("A join (*, 239.1.1.1) member");
    OK(join(i, "(*, 239.1.1.1)", 3));
    EXPECT_NOTHING();
    OK(leave(i, "(*, 239.1.1.1)", 2));
    EXPECT_NOTHING();
    OK(leave(i, "(*, 239.1.1.1)", 3));
    EXPECT("A prune (*, 239.1.1.1) member on 3");
}

static void t0_7_igmp_alone_is_the_owner(void)
{
    a = protocol('A');
    b = protocol('B');
    i = client_as('I', PROTO_IP_IGMP, 1);
    OK(take(i, 1));
    OK(take(i, 2));
    OK(take(b, 3));
    route("10.0.0.0/8", 1, "0.0.0.0");
    CHECK_TEXT(owner_of(1), "I");

    /* IGMP gets all callbacks of an owner, about routes and about packets on the wrong interface. */
    OK(join(b, "(10.0.0.5, 239.1.1.1)", 3));
    EXPECT("I join (10.0.0.5, 239.1.1.1) member");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 3");
    EXPECT("I rpf (10.0.0.5, 239.1.1.1) in 1 from 0.0.0.0",
           "B creation (10.0.0.5, 239.1.1.1) in 1 out 3");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 2), "refused");
    EXPECT("I wrong-if (10.0.0.5, 239.1.1.1) on 2");
    OK(leave(b, "(10.0.0.5, 239.1.1.1)", 3));
    EXPECT("I prune (10.0.0.5, 239.1.1.1) member on 3",
           "I prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    OK(set_mfe(i, "(10.0.0.5, 239.1.1.1)", "10.1.1.1", 0));
    EXPECT_MFES("(10.0.0.5, 239.1.1.1) in 1 from 10.1.1.1 out");

    /* Until a protocol takes the interface. */
    OK(take(a, 1));
    CHECK_TEXT(owner_of(1), "A");
    forget_log();
    OK(join(b, "(10.0.0.5, 239.1.1.1)", 3));
    EXPECT("A join (10.0.0.5, 239.1.1.1) member");
}

TEST_MAIN(
    CASE(t0_3_addresses_are_in_network_byte_order),
    CASE(t0_3_routes_have_their_addresses_byte_by_byte),
    CASE(t0_8_arguments_are_looked_at_in_order),
    CASE(t0_1_igmps_own_links_are_one_component),
    CASE(t0_7_igmp_alone_is_the_owner))
