/* Membership: rules 3.1 to 3.4, 3.6 and 0.4 of the semantics. What overrides
 * do to MFEs (3.5) is in overrides.c. */

#include "router.h"

static void t3_1_members_need_an_interface_of_their_own(void)
{
    HANDLE a = protocol('A'), b = protocol('B'), i = igmp('I');

    OK(take(a, 1));
    REFUSED(join(b, "(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(join(b, "(*, 239.1.1.1)", 2), ERROR_INVALID_PARAMETER);
    REFUSED(join(i, "(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(join_at(a, "(*, 239.1.1.1)", 1, "10.0.1.1"), ERROR_INVALID_PARAMETER);
    REFUSED(forward_on(b, "(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    OK(join(a, "(*, 239.1.1.1)", 1));
}

static void t3_1_a_delete_tells_nobodys_from_anothers(void)
{
    HANDLE a = protocol('A'), b = protocol('B'), i = igmp('I');

    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();
    REFUSED(leave(b, "(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(leave(i, "(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(leave(b, "(*, 239.1.1.1)", 2), ERROR_NOT_FOUND);
    REFUSED(leave(a, "(*, 239.1.1.1)", 2), ERROR_NOT_FOUND);
    REFUSED(leave_at(a, "(*, 239.1.1.1)", 2, "10.0.1.1"), ERROR_NOT_FOUND);
    REFUSED(forward_off(b, "(*, 239.1.1.1)", 2), ERROR_NOT_FOUND);
    OK(leave(a, "(*, 239.1.1.1)", 1));
}

static void t0_4_three_kinds_of_membership(void)
{
    HANDLE a = protocol('A');

    OK(take(a, 1));
    OK(join(a, "(10.0.0.5, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, *)", 1));
    EXPECT_GROUPS(ALL_SOURCES, "(*, *)", "(*, 239.1.1.1)", "(10.0.0.5, 239.1.1.1)");

    /* Each is its own. */
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_GROUPS(ALL_SOURCES, "(*, *)", "(10.0.0.5, 239.1.1.1)");
    OK(leave(a, "(*, *)", 1));
    EXPECT_GROUPS(ALL_SOURCES, "(10.0.0.5, 239.1.1.1)");
    OK(leave(a, "(10.0.0.5, 239.1.1.1)", 1));
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

static void t3_2_every_multicast_group_may_be_joined(void)
{
    HANDLE a = protocol('A');

    OK(take(a, 1));
    OK(join(a, "(*, 224.0.0.0)", 1));
    OK(join(a, "(*, 224.0.1.0)", 1));
    OK(join(a, "(*, 232.1.1.1)", 1));
    OK(join(a, "(10.0.0.5, 232.1.1.1)", 1));
    OK(join(a, "(*, 239.255.255.255)", 1));
    OK(join(a, "(1.0.0.0, 239.1.1.1)", 1));
    OK(join(a, "(126.255.255.255, 239.1.1.1)", 1));
    OK(join(a, "(128.0.0.0, 239.1.1.1)", 1));
    OK(join(a, "(223.255.255.255, 239.1.1.1)", 1));
    EXPECT_GROUPS(ALL_SOURCES, "(*, 224.0.0.0)", "(*, 224.0.1.0)", "(*, 232.1.1.1)",
                  "(10.0.0.5, 232.1.1.1)", "(1.0.0.0, 239.1.1.1)", "(126.255.255.255, 239.1.1.1)",
                  "(128.0.0.0, 239.1.1.1)", "(223.255.255.255, 239.1.1.1)",
                  "(*, 239.255.255.255)");
}

static void t3_2_the_link_local_block_stays_on_its_link(void)
{
    HANDLE a = protocol('A'), b = protocol('B'), i = igmp('I');

    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(i, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");

    OK(join(i, "(*, 224.0.0.9)", 2));
    EXPECT("B local-join (*, 224.0.0.9) on 2");
    OK(join(b, "(*, 224.0.0.255)", 2));
    OK(join(b, "(10.0.0.5, 224.0.0.9)", 2));
    EXPECT_NOTHING();
    EXPECT_GROUPS(ALL_SOURCES, "(*, 224.0.0.9)", "(10.0.0.5, 224.0.0.9)", "(*, 224.0.0.255)");

    /* Whatever the answer, never an MFE. */
    packet_code("(10.0.0.5, 224.0.0.9)", 1);
    EXPECT_NO_MFES();
    EXPECT_NOTHING();

    OK(leave(i, "(*, 224.0.0.9)", 2));
    EXPECT("B local-leave (*, 224.0.0.9) on 2");
    OK(leave(b, "(*, 224.0.0.255)", 2));
    EXPECT_NOTHING();
}

static void t3_3_both_flags_act_as_join(void)
{
    HANDLE a = protocol('A');
    struct flow f = flow("(*, 239.1.1.1)");
    DWORD both = MGM_JOIN_STATE_FLAG | MGM_FORWARD_STATE_FLAG;

    protocol('B');
    OK(take(a, 1));
    OK(MgmAddGroupMembershipEntry(a, f.source, f.source_mask, f.group, f.group_mask, 1, 0, both));
    EXPECT("B join (*, 239.1.1.1) member");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    OK(MgmDeleteGroupMembershipEntry(a, f.source, f.source_mask, f.group, f.group_mask, 1, 0,
                                     both));
    EXPECT("B prune (*, 239.1.1.1) member on 1");
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

static void t3_3_forward_alone_records_nothing(void)
{
    HANDLE a = protocol('A');

    protocol('B');
    OK(take(a, 1));
    OK(forward_on(a, "(*, 239.1.1.1)", 1));
    OK(forward_on(a, "(*, *)", 1));
    EXPECT_NO_GROUPS(ALL_SOURCES);
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();
    OK(forward_off(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
}

static void t3_4_membership_is_a_set(void)
{
    HANDLE a = protocol('A');

    protocol('B');
    OK(take(a, 1));
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member");
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT("B prune (*, 239.1.1.1) member on 1");
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

static void t3_4_the_owners_and_igmps_entries_are_kept_apart(void)
{
    HANDLE a = protocol('A'), i = igmp('I');

    protocol('B');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member");

    /* To others both are A's component. */
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-join (*, 239.1.1.1) on 1");
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-leave (*, 239.1.1.1) on 1", "B prune (*, 239.1.1.1) member on 1");
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

static void t3_4_what_one_did_not_add_one_does_not_delete(void)
{
    HANDLE a = protocol('A'), i = igmp('I');

    OK(take(a, 1));
    OK(take(i, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
}

static void t3_6_the_owner_hears_what_igmp_does(void)
{
    HANDLE a = protocol('A'), i = igmp('I');

    OK(take(a, 1));
    OK(take_at(a, 4, "10.0.4.1"));
    OK(take(i, 1));
    OK(take_at(i, 4, "10.0.4.1"));

    OK(join(i, "(10.0.0.5, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, *)", 1));
    OK(join_at(i, "(*, 239.1.1.1)", 4, "10.0.4.1"));
    EXPECT("A local-join (10.0.0.5, 239.1.1.1) on 1", "A local-join (*, 239.1.1.1) on 1",
           "A local-join (*, *) on 1", "A local-join (*, 239.1.1.1) on 4/10.0.4.1");

    OK(leave(i, "(10.0.0.5, 239.1.1.1)", 1));
    OK(leave(i, "(*, 239.1.1.1)", 1));
    OK(leave(i, "(*, *)", 1));
    OK(leave_at(i, "(*, 239.1.1.1)", 4, "10.0.4.1"));
    EXPECT("A local-leave (10.0.0.5, 239.1.1.1) on 1", "A local-leave (*, 239.1.1.1) on 1",
           "A local-leave (*, *) on 1", "A local-leave (*, 239.1.1.1) on 4/10.0.4.1");
}

static void t3_6_only_changes_are_told(void)
{
    HANDLE a = protocol('A'), i = igmp('I');

    OK(take(a, 1));
    OK(take(i, 1));
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    OK(join(i, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-join (*, 239.1.1.1) on 1");

    /* What the owner does is no news to the owner. */
    OK(join(a, "(*, 239.1.1.2)", 1));
    OK(leave(a, "(*, 239.1.1.2)", 1));
    EXPECT_NOTHING();
}

static void t3_6_without_an_owner_nobody_hears(void)
{
    HANDLE i = igmp('I');

    OK(take(i, 1));
    OK(join(i, "(*, 239.1.1.1)", 1));
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
}

TEST_MAIN(
    CASE(t3_1_members_need_an_interface_of_their_own),
    CASE(t3_1_a_delete_tells_nobodys_from_anothers),
    CASE(t0_4_three_kinds_of_membership),
    CASE(t3_2_every_multicast_group_may_be_joined),
    CASE(t3_2_the_link_local_block_stays_on_its_link),
    CASE(t3_3_both_flags_act_as_join),
    CASE(t3_3_forward_alone_records_nothing),
    CASE(t3_4_membership_is_a_set),
    CASE(t3_4_the_owners_and_igmps_entries_are_kept_apart),
    CASE(t3_4_what_one_did_not_add_one_does_not_delete),
    CASE(t3_6_the_owner_hears_what_igmp_does),
    CASE(t3_6_only_changes_are_told),
    CASE(t3_6_without_an_owner_nobody_hears))
