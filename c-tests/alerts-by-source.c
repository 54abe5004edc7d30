/* Source-specific alerts go to the owner towards the source alone: rule 4.6 of
 * the semantics. */

#include "router.h"

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b, c;

/* A is towards the sources on 1; B on 2, C on 3. */
static void three_components(void)
{
    a = protocol('A');
    b = protocol('B');
    c = protocol('C');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(c, 3));
    route("10.0.0.0/8", 1, "10.0.1.1");
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

static void t4_6_its_own_memberships_do_not_count(void)
{
    three_components();
    OK(take(a, 4));
    OK(join(a, FLOW, 4));
    EXPECT_NOTHING();
    OK(join(b, FLOW, 2));
    EXPECT("A join (10.0.0.5, 239.1.1.1) member");
    OK(leave(a, FLOW, 4));
    EXPECT_NOTHING();
    OK(leave(b, FLOW, 2));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) member on 2");
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

static void t4_6_without_a_route_nobody_is_told(void)
{
    three_components();
    OK(join(b, "(11.0.0.5, 239.1.1.1)", 2));
    OK(leave(b, "(11.0.0.5, 239.1.1.1)", 2));
    EXPECT_NOTHING();
}

static void t4_6_towards_nobodys_interface_nobody_is_told(void)
{
    three_components();
    route("11.0.0.0/8", 9, "11.0.9.1");
    OK(join(b, "(11.0.0.5, 239.1.1.1)", 2));
    OK(leave(b, "(11.0.0.5, 239.1.1.1)", 2));
    EXPECT_NOTHING();
}

static void t4_6_towards_igmps_interface_igmp_is_told(void)
{
    HANDLE i = client_as('I', PROTO_IP_IGMP, 1);

    three_components();
    OK(take(i, 9));
    route("11.0.0.0/8", 9, "11.0.9.1");
    OK(join(b, "(11.0.0.5, 239.1.1.1)", 2));
    EXPECT("I join (11.0.0.5, 239.1.1.1) member");
}

static void t4_6_group_memberships_are_no_source_specific_ones(void)
{
    three_components();
    OK(join(b, FLOW, 2));
    forget_log();
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT("A join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member");
    OK(leave(b, FLOW, 2));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) member on 2");
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
    OK(take(a, 4));
    OK(join(b, FLOW, 2));
    forget_log();
    route("10.0.0.0/16", 4, "10.0.4.1");
    OK(leave(b, FLOW, 2));
    EXPECT_SOON("A prune (10.0.0.5, 239.1.1.1) member on 2");
}

static void t4_6_an_ownership_change_moves_the_role(void)
{
    three_components();
    OK(join(b, FLOW, 2));
    forget_log();
    OK(release(a, 1));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) member on 0");
    OK(take(c, 1));
    EXPECT("C join (10.0.0.5, 239.1.1.1) member");
    OK(leave(b, FLOW, 2));
    EXPECT("C prune (10.0.0.5, 239.1.1.1) member on 2");
}

static void t4_8_a_release_ends_source_specific_memberships(void)
{
    three_components();
    OK(join(b, FLOW, 2));
    forget_log();
    OK(release(b, 2));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) member on 2");
}

static void t4_6_a_route_that_comes_late_is_honoured(void)
{
    three_components();
    OK(join(b, "(11.0.0.5, 239.1.1.1)", 2));
    EXPECT_NOTHING();
    route("11.0.0.0/8", 3, "11.0.3.1");
    EXPECT_SOON("C join (11.0.0.5, 239.1.1.1) member");
}

TEST_MAIN(
    CASE(t4_6_only_the_owner_towards_the_source_is_told),
    CASE(t4_6_its_own_memberships_do_not_count),
    CASE(t4_6_igmps_memberships_count_for_the_owner),
    CASE(t4_6_without_a_route_nobody_is_told),
    CASE(t4_6_towards_nobodys_interface_nobody_is_told),
    CASE(t4_6_towards_igmps_interface_igmp_is_told),
    CASE(t4_6_group_memberships_are_no_source_specific_ones),
    CASE(t4_6_the_longest_prefix_decides),
    CASE(t4_6_the_gateway_tells_the_neighbour),
    CASE(t4_6_a_route_change_moves_the_role),
    CASE(t4_6_a_route_to_the_same_owner_moves_nothing),
    CASE(t4_6_an_ownership_change_moves_the_role),
    CASE(t4_8_a_release_ends_source_specific_memberships),
    CASE(t4_6_a_route_that_comes_late_is_honoured))
