/* What is among an MFE's outgoing interfaces: rules 3.3 and 3.5 of the
 * semantics. */

#include "router.h"

#define FLOW "(10.0.0.5, 239.1.1.1)"
#define COMES_IN FLOW " in 1 from 10.0.1.1 out"

static HANDLE a, b, i;

/* A is upstream on 1, B has 2 and 3, IGMP is on 2. */
static void two_routers(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(b, 3));
    OK(take(i, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
}

/* The same with an MFE that goes out on 2 because B joined there. */
static void two_routers_and_an_mfe(void)
{
    two_routers();
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

static void t3_5_every_kind_of_membership_matches(void)
{
    two_routers();
    OK(join(b, "(10.0.0.5, 239.1.1.1)", 2));
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    OK(join(b, "(*, *)", 3));
    EXPECT_MFES(COMES_IN " 2 3");
    OK(leave(b, "(10.0.0.5, 239.1.1.1)", 2));
    EXPECT_MFES(COMES_IN " 3");
    OK(join(i, "(*, 239.1.1.1)", 2));
    EXPECT_MFES(COMES_IN " 2 3");
    OK(leave(b, "(*, *)", 3));
    EXPECT_MFES(COMES_IN " 2");

    /* Those of other sources and groups do not. */
    OK(join(b, "(10.0.0.6, 239.1.1.1)", 3));
    OK(join(b, "(10.0.0.5, 239.1.1.2)", 3));
    OK(join(b, "(*, 239.1.1.2)", 3));
    EXPECT_MFES(COMES_IN " 2");
}

static void t3_5_one_membership_of_several_is_enough(void)
{
    two_routers_and_an_mfe();
    OK(join(b, FLOW, 2));
    OK(join(i, "(*, *)", 2));
    OK(leave(b, "(*, 239.1.1.1)", 2));
    EXPECT_MFES(COMES_IN " 2");
    OK(leave(b, FLOW, 2));
    EXPECT_MFES(COMES_IN " 2");
    OK(leave(i, "(*, *)", 2));
    EXPECT_MFES(COMES_IN);
}

static void t0_5_the_incoming_interface_is_never_outgoing(void)
{
    two_routers_and_an_mfe();
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT_MFES(COMES_IN " 2");
    OK(forward_on(a, "(*, 239.1.1.1)", 1));
    EXPECT_MFES(COMES_IN " 2");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
}

static void t3_3_forward_switches_in_existing_mfes(void)
{
    two_routers_and_an_mfe();
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

static void t3_3_a_later_mfe_knows_nothing_of_a_forward(void)
{
    two_routers();
    OK(forward_on(b, "(*, 239.1.1.1)", 2));
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
}

static void t3_5_a_creation_veto_switches_off(void)
{
    two_routers();
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    on_event('B', b_vetoes_2);
    CHECK_TEXT(packet(FLOW, 1), "to 3");
    EXPECT_MFES(COMES_IN " 3");

    /* It is the MFE's, not the interface's: another source is asked about anew. */
    on_event('B', NULL);
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to 2 3");
}

static void t3_5_a_redundant_join_clears_a_veto(void)
{
    two_routers();
    OK(join(b, "(*, 239.1.1.1)", 2));
    on_event('B', b_vetoes_2);
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT_MFES(COMES_IN " 2");
}

static void t3_5_any_matching_join_clears_an_override(void)
{
    two_routers_and_an_mfe();
    OK(forward_off(b, FLOW, 2));
    EXPECT_MFES(COMES_IN);
    OK(join(b, "(*, *)", 2));
    EXPECT_MFES(COMES_IN " 2");

    OK(forward_off(b, FLOW, 2));
    OK(leave(b, "(*, *)", 2));
    EXPECT_MFES(COMES_IN " 2");

    /* A redundant delete does it too. */
    OK(forward_off(b, FLOW, 2));
    OK(leave(b, FLOW, 2));
    EXPECT_MFES(COMES_IN " 2");
    OK(forward_on(b, FLOW, 3));
    EXPECT_MFES(COMES_IN " 2 3");
    OK(leave(b, "(*, 239.1.1.1)", 3));
    EXPECT_MFES(COMES_IN " 2");
}

static void t3_5_what_does_not_match_clears_nothing(void)
{
    two_routers_and_an_mfe();
    OK(forward_off(b, FLOW, 2));
    OK(join(b, "(10.0.0.6, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.2)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    EXPECT_MFES(COMES_IN " 3");
}

static void t3_5_igmp_never_touches_an_override(void)
{
    two_routers_and_an_mfe();
    OK(forward_off(b, FLOW, 2));
    OK(join(i, "(*, 239.1.1.1)", 2));
    EXPECT_MFES(COMES_IN);
    OK(leave(i, "(*, 239.1.1.1)", 2));
    EXPECT_MFES(COMES_IN);

    OK(leave(b, "(*, 239.1.1.1)", 2));
    OK(forward_on(b, FLOW, 2));
    OK(join(i, FLOW, 2));
    OK(leave(i, FLOW, 2));
    EXPECT_MFES(COMES_IN " 2");
}

static void b_vetoes_2_but_joins_it(const struct event *event)
{
    b_vetoes_2(event);
    if (event->kind == EVENT_CREATION)
        OK(join(b, "(*, 239.1.1.1)", 2));
}

static void t3_5_a_join_beats_the_pending_answer(void)
{
    two_routers();
    OK(join(b, "(*, 239.1.1.1)", 2));
    on_event('B', b_vetoes_2_but_joins_it);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT_MFES(COMES_IN " 2");
}

static void t3_5_a_release_forgets_overrides(void)
{
    two_routers_and_an_mfe();
    OK(forward_on(b, FLOW, 3));
    OK(release(b, 3));
    OK(take(b, 3));
    EXPECT_MFES(COMES_IN " 2");
}

TEST_MAIN(
    CASE(t3_5_every_kind_of_membership_matches),
    CASE(t3_5_one_membership_of_several_is_enough),
    CASE(t0_5_the_incoming_interface_is_never_outgoing),
    CASE(t3_3_forward_switches_in_existing_mfes),
    CASE(t3_3_a_later_mfe_knows_nothing_of_a_forward),
    CASE(t3_5_a_creation_veto_switches_off),
    CASE(t3_5_a_redundant_join_clears_a_veto),
    CASE(t3_5_any_matching_join_clears_an_override),
    CASE(t3_5_what_does_not_match_clears_nothing),
    CASE(t3_5_igmp_never_touches_an_override),
    CASE(t3_5_a_join_beats_the_pending_answer),
    CASE(t3_5_a_release_forgets_overrides))
