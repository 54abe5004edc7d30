/* Alerts about memberships, as the callbacks receive them: chapter 4 of the semantics. The rules
 * themselves are tested in crates/engine/src/tests/alerts.rs. */

#include "router.h"

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b, c;

/* A also owns 4. */
static void three_components(void)
{
    router_of_three(&a, &b, &c);
    OK(take(a, 4));
}

static void t4_3_first_join_alerts_all_others(void)
{
    three_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member");
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

static void t4_1_igmp_speaks_for_the_owner(void)
{
    HANDLE i = igmp('I');

    three_components();
    OK(take(i, 1));
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-join (*, 239.1.1.1) on 1", "B join (*, 239.1.1.1) member",
           "C join (*, 239.1.1.1) member");

    /* A's join is not reported: its component is a member already. */
    OK(join(a, "(*, 239.1.1.1)", 4));
    EXPECT_NOTHING();
    OK(leave(i, "(*, 239.1.1.1)", 1));
    EXPECT("A local-leave (*, 239.1.1.1) on 1");
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

    /* A client that registers again is last in the order. */
    OK(quit(e));
    protocol('E');
    OK(leave(d, "(*, 239.1.1.1)", 1));
    EXPECT("C prune (*, 239.1.1.1) member on 1", "B prune (*, 239.1.1.1) member on 1",
           "E prune (*, 239.1.1.1) member on 1");
}

static void t4_6_only_the_owner_towards_the_source_is_told(void)
{
    three_components();
    OK(join(b, FLOW, 2));
    EXPECT("A join (10.0.0.5, 239.1.1.1) member");
    OK(join(c, FLOW, 3));
    EXPECT_NOTHING();
    OK(leave(b, FLOW, 2));
    EXPECT_NOTHING();
    OK(leave(c, FLOW, 3));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) member on 3");
}

static void t4_6_igmps_memberships_count_for_the_owner(void)
{
    HANDLE i = igmp('I');

    three_components();
    OK(take(i, 1));
    OK(take(i, 2));
    OK(join(i, FLOW, 1));
    EXPECT("A local-join (10.0.0.5, 239.1.1.1) on 1");
    OK(join(i, FLOW, 2));
    EXPECT("B local-join (10.0.0.5, 239.1.1.1) on 2", "A join (10.0.0.5, 239.1.1.1) member");
}

static void t4_6_the_longest_prefix_decides(void)
{
    three_components();
    route("10.0.0.0/24", 3, "10.0.3.1");
    OK(join(b, FLOW, 2));
    EXPECT("C join (10.0.0.5, 239.1.1.1) member");
    OK(join(b, "(10.0.1.5, 239.1.1.1)", 2));
    EXPECT("A join (10.0.1.5, 239.1.1.1) member");
}

static void t4_6_the_gateway_tells_the_neighbour(void)
{
    three_components();
    OK(take_at(a, 7, "11.0.7.1"));
    OK(take_at(c, 7, "11.0.7.2"));
    route("11.1.0.0/16", 7, "11.0.7.1");
    route("11.2.0.0/16", 7, "11.0.7.2");
    OK(join(b, "(11.1.0.5, 239.1.1.1)", 2));
    EXPECT("A join (11.1.0.5, 239.1.1.1) member");
    OK(join(b, "(11.2.0.5, 239.1.1.1)", 2));
    EXPECT("C join (11.2.0.5, 239.1.1.1) member");

    /* A connected source is its own neighbour. */
    route("11.0.7.0/24", 7, "0.0.0.0");
    OK(join(b, "(11.0.7.2, 239.1.1.1)", 2));
    EXPECT("C join (11.0.7.2, 239.1.1.1) member");
}

static void t4_6_a_route_change_moves_the_role(void)
{
    three_components();
    OK(join(b, FLOW, 2));
    forget_log();
    route("10.0.0.0/16", 3, "10.0.3.1");
    EXPECT_UNORDERED("A prune (10.0.0.5, 239.1.1.1) member on 0",
                     "C join (10.0.0.5, 239.1.1.1) member");
    unroute("10.0.0.0/16");
    EXPECT_UNORDERED("A join (10.0.0.5, 239.1.1.1) member",
                     "C prune (10.0.0.5, 239.1.1.1) member on 0");
    unroute("10.0.0.0/8");
    EXPECT_UNORDERED("A prune (10.0.0.5, 239.1.1.1) member on 0");
    OK(leave(b, FLOW, 2));
    EXPECT_NOTHING();
}

static void t4_6_a_route_to_the_same_owner_moves_nothing(void)
{
    three_components();
    OK(join(b, FLOW, 2));
    forget_log();
    route("10.0.0.0/16", 4, "10.0.4.1");
    OK(leave(b, FLOW, 2));
    EXPECT_SOON("A prune (10.0.0.5, 239.1.1.1) member on 2");
}

static void t4_5_a_wildcard_receiver_wants_every_group(void)
{
    three_components();
    OK(join(a, "(*, *)", 1));
    forget_log();

    /* Only A is told: A's own wildcard hides the group from C. */
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT("A join (*, 239.1.1.1) member");
    OK(join(c, "(*, 239.1.1.1)", 3));
    EXPECT_NOTHING();
    OK(leave(c, "(*, 239.1.1.1)", 3));
    EXPECT_NOTHING();
    OK(leave(b, "(*, 239.1.1.1)", 2));
    EXPECT("A prune (*, 239.1.1.1) member on 2");
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

TEST_MAIN(
    CASE(t4_3_first_join_alerts_all_others),
    CASE(t4_4_second_to_last_prune_alerts_the_remaining_component),
    CASE(t4_1_igmp_speaks_for_the_owner),
    CASE(t4_2_wildcard_joins_are_told_as_such),
    CASE(t4_7_a_prune_names_the_interface),
    CASE(t8_2_recipients_hear_in_order_of_registration),
    CASE(t4_6_only_the_owner_towards_the_source_is_told),
    CASE(t4_6_igmps_memberships_count_for_the_owner),
    CASE(t4_6_the_longest_prefix_decides),
    CASE(t4_6_the_gateway_tells_the_neighbour),
    CASE(t4_6_a_route_change_moves_the_role),
    CASE(t4_6_a_route_to_the_same_owner_moves_nothing),
    CASE(t4_5_a_wildcard_receiver_wants_every_group),
    CASE(t4_8_a_release_ends_memberships_with_the_same_alerts))
