/* From some outgoing interfaces to none and back: rules 5.8 and 5.11 of the
 * semantics. */

#include "router.h"
#include "threads.h"

#define FLOW "(10.0.0.5, 239.1.1.1)"
#define COMES_IN FLOW " in 1 from 10.0.1.1 out"

static HANDLE a, b, i;

/* A is towards the sources on 1 and has 4, B and IGMP are on 2, IGMP alone on 5. */
static void two_components(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(a, 4));
    OK(take(b, 2));
    OK(take(i, 2));
    OK(take(i, 5));
    route("10.0.0.0/8", 1, "10.0.1.1");
}

static void a_negative_mfe(void)
{
    two_components();
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    forget_log();
}

static void an_mfe_to_2(void)
{
    two_components();
    OK(join(b, "(*, 239.1.1.1)", 2));
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    forget_log();
}

static void t5_8_the_first_outgoing_interface_is_a_join(void)
{
    a_negative_mfe();
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT("A join (*, 239.1.1.1) member", "A join (10.0.0.5, 239.1.1.1) mfe");
    EXPECT_MFES(COMES_IN " 2");
    OK(join(i, "(*, 239.1.1.1)", 5));
    CHECK_EQ(log_count("A join (10.0.0.5, 239.1.1.1) mfe"), 0);
}

static void t5_8_without_the_last_it_is_a_prune(void)
{
    an_mfe_to_2();
    OK(leave(b, "(*, 239.1.1.1)", 2));
    EXPECT("A prune (*, 239.1.1.1) member on 2",
           "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    EXPECT_MFES(COMES_IN);
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    EXPECT_NOTHING();
}

static void t5_8_one_of_two_is_no_news(void)
{
    an_mfe_to_2();
    OK(join(i, "(*, 239.1.1.1)", 5));
    forget_log();
    OK(leave(b, "(*, 239.1.1.1)", 2));
    EXPECT_NOTHING();
    EXPECT_MFES(COMES_IN " 5");
}

static void t5_8_igmp_is_a_cause_as_any_other(void)
{
    a_negative_mfe();
    OK(join(i, FLOW, 2));
    EXPECT("B local-join (10.0.0.5, 239.1.1.1) on 2", "A join (10.0.0.5, 239.1.1.1) member",
           "A join (10.0.0.5, 239.1.1.1) mfe");
    OK(leave(i, FLOW, 2));
    EXPECT("B local-leave (10.0.0.5, 239.1.1.1) on 2",
           "A prune (10.0.0.5, 239.1.1.1) member on 2",
           "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
}

static void t5_8_forward_flags_are_a_cause_too(void)
{
    an_mfe_to_2();
    OK(forward_off(b, FLOW, 2));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    OK(forward_on(b, "(*, 239.1.1.1)", 2));
    EXPECT("A join (10.0.0.5, 239.1.1.1) mfe");
}

static void t5_8_so_is_a_release(void)
{
    an_mfe_to_2();
    OK(release(i, 2));
    EXPECT_NOTHING();
    OK(release(b, 2));
    EXPECT("A prune (*, 239.1.1.1) member on 2",
           "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
}

static void t5_8_what_the_owner_does_itself_it_knows(void)
{
    a_negative_mfe();
    OK(join(a, "(*, 239.1.1.1)", 4));
    EXPECT("B join (*, 239.1.1.1) member");
    EXPECT_MFES(COMES_IN " 4");
    OK(leave(a, "(*, 239.1.1.1)", 4));
    EXPECT("B prune (*, 239.1.1.1) member on 4");
    EXPECT_MFES(COMES_IN);
    OK(forward_on(a, FLOW, 4));
    OK(forward_off(a, FLOW, 4));
    EXPECT_NOTHING();
}

static void t5_8_every_mfe_of_the_group_is_told_of(void)
{
    a_negative_mfe();
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to nobody");
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.2)", 1), "to nobody");
    forget_log();
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT_UNORDERED("A join (*, 239.1.1.1) member", "A join (10.0.0.5, 239.1.1.1) mfe",
                     "A join (10.0.0.6, 239.1.1.1) mfe");
    OK(join(b, "(*, *)", 2));
    EXPECT("A join (*, *) member", "A join (10.0.0.6, 239.1.1.2) mfe");
}

static void t5_8_a_forward_that_finds_no_mfe_asks_for_the_flow(void)
{
    two_components();
    OK(forward_on(b, FLOW, 2));
    EXPECT("A join (10.0.0.5, 239.1.1.1) mfe");

    /* Only an (s,g) names a source, and only a route its owner. */
    OK(forward_on(b, "(*, 239.1.1.1)", 2));
    OK(forward_on(b, "(11.0.0.5, 239.1.1.1)", 2));
    OK(forward_off(b, FLOW, 2));
    EXPECT_NOTHING();
    EXPECT_NO_MFES();
}

/* A answers PRUNE_ALERT (FALSE) with this. */
static DWORD answer;

static void a_answers(const struct event *event)
{
    if (event->kind == EVENT_PRUNE && !event->member)
        *event->timeout = answer;
}

static void t5_5_the_answer_to_a_later_prune_counts_as_well(void)
{
    MIB_IPMCAST_MFE mfe;

    an_mfe_to_2();
    on_event('A', a_answers);
    answer = 33;
    sleep_ms(1200);
    OK(get_mfe(FLOW, &mfe));
    CHECK(mfe.ulUpTime >= 1);

    /* The MFE's life begins again with it. */
    OK(leave(b, "(*, 239.1.1.1)", 2));
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.ulTimeOut, 33);
    CHECK_EQ(mfe.ulUpTime, 0);
    CHECK(mfe.ulExpiryTime >= 32);
}

static void t5_11_a_lost_interface_is_cleaned_out(void)
{
    an_mfe_to_2();
    OK(release(i, 2));
    unplug(2);
    EXPECT_SOON("A prune (*, 239.1.1.1) member on 2",
                "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    EXPECT_NO_GROUPS(ALL_SOURCES);
    EXPECT_MFES(COMES_IN);

    /* The claim stays, and is good again when the interface returns. */
    CHECK_CODE(take(a, 2), ERROR_ALREADY_EXISTS);
    plug_in(2);
    CHECK_TEXT(owner_of(2), "B");
    forget_log();
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT_SOON("A join (*, 239.1.1.1) member", "A join (10.0.0.5, 239.1.1.1) mfe");
}

static void t5_11_igmp_is_disabled_while_its_interface_is_away(void)
{
    two_components();
    OK(join(i, "(*, 239.1.1.1)", 2));
    forget_log();
    unplug(2);
    EXPECT_SOON("A prune (*, 239.1.1.1) member on 2", "I disable-igmp 2");
    plug_in(2);
    EXPECT_SOON("I enable-igmp 2");
    OK(join(i, "(*, 239.1.1.1)", 2));
    EXPECT("B local-join (*, 239.1.1.1) on 2", "A join (*, 239.1.1.1) member");
}

static void t5_11_mfes_that_come_in_on_a_lost_interface_end(void)
{
    MIB_IPMCAST_MFE mfe;

    an_mfe_to_2();
    unplug(1);
    SOON(get_mfe(FLOW, &mfe) == ERROR_NOT_FOUND);
    plug_in(1);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
}

TEST_MAIN(
    CASE(t5_8_the_first_outgoing_interface_is_a_join),
    CASE(t5_8_without_the_last_it_is_a_prune),
    CASE(t5_8_one_of_two_is_no_news),
    CASE(t5_8_igmp_is_a_cause_as_any_other),
    CASE(t5_8_forward_flags_are_a_cause_too),
    CASE(t5_8_so_is_a_release),
    CASE(t5_8_what_the_owner_does_itself_it_knows),
    CASE(t5_8_every_mfe_of_the_group_is_told_of),
    CASE(t5_8_a_forward_that_finds_no_mfe_asks_for_the_flow),
    CASE(t5_5_the_answer_to_a_later_prune_counts_as_well),
    CASE(t5_11_a_lost_interface_is_cleaned_out),
    CASE(t5_11_igmp_is_disabled_while_its_interface_is_away),
    CASE(t5_11_mfes_that_come_in_on_a_lost_interface_end))
