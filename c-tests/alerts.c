/* Alerts on group and wildcard membership: chapter 4 of the semantics. Source
 * specific ones (4.6) are in alerts-by-source.c. */

#include "router.h"

static HANDLE a, b, c;

/* A on 1 and 4, B on 2, C on 3. */
static void three_components(void)
{
    a = protocol('A');
    b = protocol('B');
    c = protocol('C');
    OK(take(a, 1));
    OK(take(a, 4));
    OK(take(b, 2));
    OK(take(c, 3));
}

static void t4_3_first_join_alerts_all_others(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member");
}

static void t4_3_second_join_alerts_the_first_component_alone(void)
{
    three_components();
    OK(join(b, "(*, 239.1.1.1)", 2));
    forget_log();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member");
    OK(join(c, "(*, 239.1.1.1)", 3));
    EXPECT_NOTHING();
}

static void t4_3_more_interfaces_of_a_component_are_no_news(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();
    OK(join(a, "(*, 239.1.1.1)", 4));
    EXPECT_NOTHING();
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    OK(leave(a, "(*, 239.1.1.1)", 4));
    EXPECT("B prune (*, 239.1.1.1) member on 4", "C prune (*, 239.1.1.1) member on 4");
}

static void t4_3_a_component_without_interfaces_is_told_too(void)
{
    three_components();
    protocol('D');
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member",
           "D join (*, 239.1.1.1) member");
}

static void t4_4_second_to_last_prune_alerts_the_remaining_component(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(c, "(*, 239.1.1.1)", 3));
    forget_log();
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    OK(leave(c, "(*, 239.1.1.1)", 3));
    EXPECT("B prune (*, 239.1.1.1) member on 3");
    OK(leave(b, "(*, 239.1.1.1)", 2));
    EXPECT("A prune (*, 239.1.1.1) member on 2", "C prune (*, 239.1.1.1) member on 2");
}

static void t4_3_groups_do_not_mix(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();
    OK(join(b, "(*, 239.1.1.2)", 2));
    EXPECT("A join (*, 239.1.1.2) member", "C join (*, 239.1.1.2) member");
}

static void t4_1_igmp_speaks_for_the_owner(void)
{
    HANDLE i = igmp('I');

    three_components();
    OK(take(i, 1));
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-join (*, 239.1.1.1) on 1", "B join (*, 239.1.1.1) member",
           "C join (*, 239.1.1.1) member");

    /* A joining too is nothing new: the component has been there. */
    OK(join(a, "(*, 239.1.1.1)", 4));
    EXPECT_NOTHING();
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-leave (*, 239.1.1.1) on 1");
}

static void t4_1_igmp_alone_is_a_component_of_its_own(void)
{
    HANDLE i = client_as('I', PROTO_IP_IGMP, 1);

    three_components();
    OK(take(i, 5));
    OK(take(i, 6));
    OK(join(i, "(*, 239.1.1.1)", 5));
    EXPECT("A join (*, 239.1.1.1) member", "B join (*, 239.1.1.1) member",
           "C join (*, 239.1.1.1) member");
    OK(join(i, "(*, 239.1.1.1)", 6));
    EXPECT_NOTHING();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("I join (*, 239.1.1.1) member");
    OK(leave(i, "(*, 239.1.1.1)", 5));
    EXPECT_NOTHING();
    OK(leave(i, "(*, 239.1.1.1)", 6));
    EXPECT("A prune (*, 239.1.1.1) member on 6");
}

static void t4_2_wildcard_joins_are_told_as_such(void)
{
    three_components();
    OK(join(a, "(*, *)", 1));
    EXPECT("B join (*, *) member", "C join (*, *) member");
    OK(join(b, "(*, *)", 2));
    EXPECT("A join (*, *) member");
    OK(join(c, "(*, *)", 3));
    EXPECT_NOTHING();
    OK(leave(c, "(*, *)", 3));
    EXPECT_NOTHING();
    OK(leave(b, "(*, *)", 2));
    EXPECT("A prune (*, *) member on 2");
    OK(leave(a, "(*, *)", 1));
    EXPECT("B prune (*, *) member on 1", "C prune (*, *) member on 1");
}

static void t4_5_a_wildcard_receiver_wants_every_group(void)
{
    three_components();
    OK(join(a, "(*, *)", 1));
    forget_log();

    /* A is the one who has not heard; for C, A's wildcard covers it. */
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT("A join (*, 239.1.1.1) member");
    OK(join(c, "(*, 239.1.1.1)", 3));
    EXPECT_NOTHING();
    OK(leave(c, "(*, 239.1.1.1)", 3));
    EXPECT_NOTHING();
    OK(leave(b, "(*, 239.1.1.1)", 2));
    EXPECT("A prune (*, 239.1.1.1) member on 2");
}

static void t4_2_groups_under_a_wildcard_are_no_news(void)
{
    three_components();
    OK(join(a, "(*, *)", 1));
    forget_log();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
}

static void t4_2_after_a_wildcard_prune_the_groups_are_joined_again(void)
{
    three_components();
    OK(join(a, "(*, *)", 1));
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.2)", 2));
    OK(join(a, "(*, 239.1.1.2)", 1));
    forget_log();

    /* The prune ends all that B and C were told. What others still want they
     * hear again, each by itself. */
    OK(leave(a, "(*, *)", 1));
    EXPECT("B prune (*, *) member on 1", "B join (*, 239.1.1.2) member",
           "C prune (*, *) member on 1", "C join (*, 239.1.1.1) member",
           "C join (*, 239.1.1.2) member");
}

static void t4_2_a_wildcard_join_after_groups(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();
    OK(join(b, "(*, *)", 2));
    EXPECT("A join (*, *) member", "C join (*, *) member");

    /* Its end takes nothing back that A's own membership says to the others. */
    OK(leave(b, "(*, *)", 2));
    EXPECT("A prune (*, *) member on 2", "C prune (*, *) member on 2",
           "C join (*, 239.1.1.1) member");
}

static void t4_7_a_prune_names_the_interface(void)
{
    three_components();
    OK(take_at(a, 7, "10.0.7.1"));
    OK(join_at(a, "(*, 239.1.1.1)", 7, "10.0.7.1"));
    forget_log();
    OK(leave_at(a, "(*, 239.1.1.1)", 7, "10.0.7.1"));
    EXPECT("B prune (*, 239.1.1.1) member on 7/10.0.7.1",
           "C prune (*, 239.1.1.1) member on 7/10.0.7.1");
}

static void t4_8_a_release_ends_memberships_with_the_same_alerts(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.2)", 1));
    OK(join(b, "(*, 239.1.1.2)", 2));
    OK(join(a, "(*, 239.1.1.3)", 1));
    OK(join(a, "(*, 239.1.1.3)", 4));
    forget_log();
    OK(release(a, 1));
    EXPECT_UNORDERED("B prune (*, 239.1.1.1) member on 1", "C prune (*, 239.1.1.1) member on 1",
                     "B prune (*, 239.1.1.2) member on 1");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.2)", "(*, 239.1.1.3)");
}

static void t4_8_a_release_ends_the_wildcard_last(void)
{
    three_components();
    OK(join(a, "(*, *)", 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();

    /* So nobody is told of a group only to be told of its end. */
    OK(release(a, 1));
    EXPECT("B prune (*, *) member on 1", "C prune (*, *) member on 1");
}

static void t4_8_a_take_from_igmp_ends_its_memberships(void)
{
    HANDLE i = igmp('I');

    three_components();
    OK(take(i, 5));
    OK(join(i, "(*, 239.1.1.1)", 5));
    forget_log();

    /* The taker is told as well: others wanted the group, and want it no more. */
    OK(take(a, 5));
    EXPECT_UNORDERED("I disable-igmp 5", "A prune (*, 239.1.1.1) member on 5",
                     "B prune (*, 239.1.1.1) member on 5", "C prune (*, 239.1.1.1) member on 5",
                     "I enable-igmp 5");
}

static void t8_2_recipients_hear_in_order_of_registration(void)
{
    HANDLE d, e;

    /* The letters are deliberately not in that order. */
    e = protocol('E');
    protocol('C');
    d = protocol('D');
    protocol('B');
    OK(take(d, 1));
    OK(join(d, "(*, 239.1.1.1)", 1));
    EXPECT("E join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member",
           "B join (*, 239.1.1.1) member");

    /* Who comes again is the last. */
    OK(quit(e));
    protocol('E');
    OK(leave(d, "(*, 239.1.1.1)", 1));
    EXPECT("C prune (*, 239.1.1.1) member on 1", "B prune (*, 239.1.1.1) member on 1",
           "E prune (*, 239.1.1.1) member on 1");
}

TEST_MAIN(
    CASE(t4_3_first_join_alerts_all_others),
    CASE(t4_3_second_join_alerts_the_first_component_alone),
    CASE(t4_3_more_interfaces_of_a_component_are_no_news),
    CASE(t4_3_a_component_without_interfaces_is_told_too),
    CASE(t4_4_second_to_last_prune_alerts_the_remaining_component),
    CASE(t4_3_groups_do_not_mix),
    CASE(t4_1_igmp_speaks_for_the_owner),
    CASE(t4_1_igmp_alone_is_a_component_of_its_own),
    CASE(t4_2_wildcard_joins_are_told_as_such),
    CASE(t4_5_a_wildcard_receiver_wants_every_group),
    CASE(t4_2_groups_under_a_wildcard_are_no_news),
    CASE(t4_2_after_a_wildcard_prune_the_groups_are_joined_again),
    CASE(t4_2_a_wildcard_join_after_groups),
    CASE(t4_7_a_prune_names_the_interface),
    CASE(t4_8_a_release_ends_memberships_with_the_same_alerts),
    CASE(t4_8_a_release_ends_the_wildcard_last),
    CASE(t4_8_a_take_from_igmp_ends_its_memberships),
    CASE(t8_2_recipients_hear_in_order_of_registration))
