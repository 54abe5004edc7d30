/* Memberships and oifs: rules 3.1 to 3.6 and 0.4 of the semantics, as far as they show in codes,
 * flags and callbacks. The rules themselves are tested in crates/engine/src/tests/membership.rs. */

#include "router.h"

#define FLOW "(10.0.0.5, 239.1.1.1)"
#define COMES_IN FLOW " in 1 from 10.0.1.1 out"

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

    /* They are independent of each other. */
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

static HANDLE a, b;

/* A owns 1, towards the sources; B owns 2 and 3. */
static void two_protocols(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(b, 3));
    route("10.0.0.0/8", 1, "10.0.1.1");
}

/* The same with an MFE whose oif is 2, because B joined there. */
static void two_protocols_and_an_mfe(void)
{
    two_protocols();
    OK(join(b, "(*, 239.1.1.1)", 2));
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT_MFES(COMES_IN " 2");
}

/* B sets bIsEnabled FALSE for interface 2. */
static void b_vetoes_2(const struct event *event)
{
    if (event->kind != EVENT_CREATION)
        return;
    for (DWORD n = 0; n < event->if_count; n++)
        event->ifs[n].bIsEnabled = event->ifs[n].dwIfIndex != 2;
}

static void t3_3_forward_switches_in_existing_mfes(void)
{
    two_protocols_and_an_mfe();
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to 2");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.2)", 1), "to nobody");

    OK(forward_on(b, "(*, 239.1.1.1)", 3));
    EXPECT_MFES(COMES_IN " 2 3", "(10.0.0.6, 239.1.1.1) in 1 from 10.0.1.1 out 2 3",
                "(10.0.0.5, 239.1.1.2) in 1 from 10.0.1.1 out");
    OK(forward_off(b, "(*, 239.1.1.1)", 2));
    OK(forward_off(b, FLOW, 3));
    EXPECT_MFES(COMES_IN, "(10.0.0.6, 239.1.1.1) in 1 from 10.0.1.1 out 3",
                "(10.0.0.5, 239.1.1.2) in 1 from 10.0.1.1 out");
    OK(forward_on(b, "(*, *)", 2));
    EXPECT_MFES(COMES_IN " 2", "(10.0.0.6, 239.1.1.1) in 1 from 10.0.1.1 out 2 3",
                "(10.0.0.5, 239.1.1.2) in 1 from 10.0.1.1 out 2");
}

static void t3_5_a_creation_veto_switches_off(void)
{
    two_protocols();
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    on_event('B', b_vetoes_2);
    CHECK_TEXT(packet(FLOW, 1), "to 3");
    EXPECT_MFES(COMES_IN " 3");

    /* The answer is valid for this MFE only: B is asked again about another source. */
    on_event('B', NULL);
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to 2 3");
}

static void b_vetoes_2_but_joins_it(const struct event *event)
{
    b_vetoes_2(event);
    if (event->kind == EVENT_CREATION)
        OK(join(b, "(*, 239.1.1.1)", 2));
}

static void t3_5_a_join_beats_the_pending_answer(void)
{
    two_protocols();
    OK(join(b, "(*, 239.1.1.1)", 2));
    on_event('B', b_vetoes_2_but_joins_it);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT_MFES(COMES_IN " 2");
}

static void t3_4_the_owners_and_igmps_entries_are_kept_apart(void)
{
    HANDLE i = igmp('I');

    a = protocol('A');
    protocol('B');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member");

    /* For the other clients, both memberships belong to A's component. */
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-join (*, 239.1.1.1) on 1");
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-leave (*, 239.1.1.1) on 1", "B prune (*, 239.1.1.1) member on 1");
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

static void t0_5_the_incoming_interface_is_never_outgoing(void)
{
    two_protocols_and_an_mfe();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT_MFES(COMES_IN " 2");
    OK(forward_on(a, "(*, 239.1.1.1)", 1));
    EXPECT_MFES(COMES_IN " 2");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
}

TEST_MAIN(
    CASE(t3_1_members_need_an_interface_of_their_own),
    CASE(t3_1_a_delete_tells_nobodys_from_anothers),
    CASE(t0_4_three_kinds_of_membership),
    CASE(t3_2_every_multicast_group_may_be_joined),
    CASE(t3_3_both_flags_act_as_join),
    CASE(t3_6_the_owner_hears_what_igmp_does),
    CASE(t3_3_forward_switches_in_existing_mfes),
    CASE(t3_5_a_creation_veto_switches_off),
    CASE(t3_5_a_join_beats_the_pending_answer),
    CASE(t3_4_the_owners_and_igmps_entries_are_kept_apart),
    CASE(t0_5_the_incoming_interface_is_never_outgoing))
