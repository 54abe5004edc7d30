/* IGMP beside an owner, and the dance around a change of hands: rules 2.2 to
 * 2.5 of the semantics. */

#include "router.h"
#include "threads.h"

/* The clients, for what goes on inside callbacks. */
static HANDLE a, b, i;

static void t2_2_igmp_is_enabled_beside_an_owner(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(take(i, 2));
    CHECK_TEXT(owner_of(1), "A");
    CHECK_TEXT(owner_of(2), "I");

    /* Nobody changes hands when IGMP comes and goes. */
    OK(release(i, 1));
    OK(take(i, 1));
    EXPECT_NOTHING();
}

static void t2_2_one_igmp_an_interface(void)
{
    HANDLE second = client_as('J', PROTO_IP_IGMP, 2), other = client_as('H', MS_IP_IGMP, 1);

    i = igmp('I');
    OK(take(i, 1));
    REFUSED(take(i, 1), ERROR_ALREADY_EXISTS);
    REFUSED(take(second, 1), ERROR_ALREADY_EXISTS);
    REFUSED(take(other, 1), ERROR_ALREADY_EXISTS);
    OK(take(second, 2));
    OK(release(i, 1));
    OK(take(other, 1));
}

static void t0_6_igmp_goes_by_two_protocol_ids(void)
{
    HANDLE modern = client_as('J', MS_IP_IGMP, 1);

    a = protocol('A');
    i = igmp('I');
    CHECK_EQ(PROTO_IP_IGMP, 10);
    CHECK_EQ(MS_IP_IGMP, 0x4137000a);
    OK(take(a, 1));
    OK(take(a, 2));
    OK(take(i, 1));
    OK(take(modern, 2));
    OK(join(modern, "(*, 239.1.1.1)", 2));
    EXPECT("A local-join (*, 239.1.1.1) on 2");
}

static void t2_3_a_take_disables_and_enables_igmp(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(a, 1));
    EXPECT("I disable-igmp 1", "I enable-igmp 1");
    CHECK_TEXT(owner_of(1), "A");
}

static void t2_3_a_release_disables_and_enables_igmp(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(release(a, 1));
    EXPECT("I disable-igmp 1", "I enable-igmp 1");
    CHECK_TEXT(owner_of(1), "I");
}

static void t2_3_next_hops_are_told(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take_at(i, 4, "10.0.4.1"));
    OK(take_at(a, 4, "10.0.4.1"));
    EXPECT("I disable-igmp 4/10.0.4.1", "I enable-igmp 4/10.0.4.1");
}

static void igmp_adds_on_enable(const struct event *event)
{
    if (event->kind == EVENT_DISABLE_IGMP) {
        CHECK_CODE(join(i, "(*, 239.1.1.1)", 1), ERROR_CAN_NOT_COMPLETE);
        CHECK_CODE(leave(i, "(*, 239.1.1.1)", 1), ERROR_CAN_NOT_COMPLETE);
        /* Only there. */
        OK(join(i, "(*, 239.9.9.9)", 2));
        OK(leave(i, "(*, 239.9.9.9)", 2));
    } else if (event->kind == EVENT_ENABLE_IGMP) {
        OK(join(i, "(*, 239.1.1.1)", 1));
    }
}

static void t2_3_igmp_may_not_add_between_disable_and_enable(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(i, 2));
    on_event('I', igmp_adds_on_enable);
    OK(take(a, 1));
    CHECK_EQ(log_count("I disable-igmp 1"), 1);
    CHECK_EQ(log_count("I enable-igmp 1"), 1);
    CHECK_EQ(log_count("A local-join (*, 239.1.1.1) on 1"), 1);
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
}

static void t2_4_igmp_adds_again_inside_enable(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(i, 2));
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("A join (*, 239.1.1.1) member", "B join (*, 239.1.1.1) member");

    on_event('I', igmp_adds_on_enable);
    OK(take(a, 1));
    on_event('I', NULL);
    CHECK_EQ(log_count("I "), 2);
    CHECK_EQ(log_count("A prune (*, 239.1.1.1) member on 1"), 1);
    CHECK_EQ(log_count("B prune (*, 239.1.1.1) member on 1"), 1);
    CHECK_EQ(log_count("A local-join (*, 239.1.1.1) on 1"), 1);
    CHECK_EQ(log_count("B join (*, 239.1.1.1) member"), 1);
    CHECK_EQ(log_count("A join (*, 239.1.1.1)"), 0);
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
}

static void t2_4_a_take_drops_igmps_memberships(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(i, 2));
    OK(join(i, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.2)", 1));
    OK(join(i, "(*, 239.1.1.2)", 2));
    forget_log();

    /* 239.1.1.2 is still wanted elsewhere: nobody hears of it. */
    OK(take(a, 1));
    EXPECT_UNORDERED("I disable-igmp 1", "A prune (*, 239.1.1.1) member on 1",
                     "B prune (*, 239.1.1.1) member on 1", "I enable-igmp 1");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.2)");
}

static void t2_4_a_release_drops_igmps_memberships_too(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.2)", 1));
    forget_log();

    /* No LOCAL_LEAVE to an owner that is itself leaving. */
    OK(release(a, 1));
    EXPECT_UNORDERED("I disable-igmp 1", "B prune (*, 239.1.1.1) member on 1",
                     "B prune (*, 239.1.1.2) member on 1", "I enable-igmp 1");
    EXPECT_NO_GROUPS(ALL_SOURCES);
}

static void t2_5_igmp_leaving_takes_only_its_own_away(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.2)", 1));
    forget_log();

    OK(release(i, 1));
    EXPECT("A local-leave (*, 239.1.1.1) on 1", "A local-leave (*, 239.1.1.2) on 1",
           "B prune (*, 239.1.1.2) member on 1");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    CHECK_TEXT(owner_of(1), "A");
}

static void t2_5_a_take_from_igmp_deletes_the_mfes_that_come_in_there(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(i, 2));
    OK(join(i, "(*, 239.1.1.1)", 2));
    forget_log();
    route("10.0.0.0/8", 1, "10.0.1.1");

    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
    EXPECT("I rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "I creation (10.0.0.5, 239.1.1.1) in 1 out 2+igmp");
    OK(take(a, 1));
    EXPECT("I disable-igmp 1", "I enable-igmp 1");
    EXPECT_NO_MFES();

    /* They come again under the new owner. */
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "I creation (10.0.0.5, 239.1.1.1) in 1 out 2+igmp");
}

static void a_take_is_valid_at_once(const struct event *event)
{
    if (event->kind != EVENT_DISABLE_IGMP)
        return;
    CHECK_CODE(take(b, 1), ERROR_ALREADY_EXISTS);
    CHECK_CODE(take(a, 1), ERROR_ALREADY_EXISTS);
    CHECK_CODE(quit(a), ERROR_CAN_NOT_COMPLETE);
    OK(join(a, "(*, 239.1.1.1)", 1));
}

static void t2_3_an_accepted_take_counts_before_the_change(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    on_event('I', a_take_is_valid_at_once);
    OK(take(a, 1));
    CHECK_TEXT(owner_of(1), "A");
    CHECK_EQ(log_count("I "), 2);
    CHECK_EQ(log_count("B join (*, 239.1.1.1) member"), 1);
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
}

static void igmp_leaves_on_disable(const struct event *event)
{
    if (event->kind == EVENT_DISABLE_IGMP)
        OK(release(i, 1));
}

static void t2_3_igmp_that_leaves_in_between_is_not_enabled(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(i, 1));
    on_event('I', igmp_leaves_on_disable);
    OK(take(a, 1));
    EXPECT("I disable-igmp 1");
    CHECK_TEXT(owner_of(1), "A");
    OK(quit(i));
}

static void b_takes_on_join(const struct event *event)
{
    if (event->kind != EVENT_JOIN)
        return;
    OK(take(b, 1));
    CHECK_TEXT(owner_of(1), "B");
    note("inside");
}

static void t2_3_inside_a_callback_the_change_is_immediate(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(a, 2));
    on_event('B', b_takes_on_join);
    OK(join(a, "(*, 239.1.1.1)", 2));
    EXPECT("B join (*, 239.1.1.1) member", "inside", "I disable-igmp 1", "I enable-igmp 1");
    CHECK_TEXT(owner_of(1), "B");
}

static void igmp_comes_back_on_disable(const struct event *event)
{
    if (event->kind != EVENT_DISABLE_IGMP)
        return;
    OK(release(i, 1));
    OK(take(i, 1));
    OK(join(i, "(*, 239.1.1.2)", 1));
}

static void t2_3_igmp_that_has_come_back_is_not_enabled_for_its_former_self(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(a, 2));
    on_event('B', b_takes_on_join);
    on_event('I', igmp_comes_back_on_disable);
    OK(join(a, "(*, 239.1.1.1)", 2));
    CHECK_EQ(log_count("I disable-igmp 1"), 1);
    CHECK_EQ(log_count("I enable-igmp 1"), 0);
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)", "(*, 239.1.1.2)");
}

/* IGMP is quicker than its DISABLE_IGMP, which waits for the end of the callback. */
static void b_takes_and_igmp_adds_on_join(const struct event *event)
{
    if (event->kind != EVENT_JOIN)
        return;
    OK(take(b, 1));
    OK(join(i, "(*, 239.1.1.2)", 1));
    on_event('B', NULL);
}

static void t2_4_what_igmp_adds_ahead_of_a_late_disable_ends_with_it(void)
{
    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    OK(take(a, 2));
    on_event('B', b_takes_and_igmp_adds_on_join);
    OK(join(a, "(*, 239.1.1.1)", 2));
    EXPECT_UNORDERED("B join (*, 239.1.1.1) member", "B local-join (*, 239.1.1.2) on 1",
                     "A join (*, 239.1.1.2) member", "I disable-igmp 1", "I enable-igmp 1",
                     "B local-leave (*, 239.1.1.2) on 1", "A prune (*, 239.1.1.2) member on 1");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    CHECK_TEXT(owner_of(1), "B");
}

/* Takes and gives back, as often as it can be had. */
static void fight_for_interface_1(void *client)
{
    size_t rounds = scaled(300) + 20;

    for (size_t n = 0; n < rounds; n++) {
        DWORD code = take(client, 1);

        if (code == NO_ERROR)
            OK(release(client, 1));
        else
            CHECK_CODE(code, ERROR_ALREADY_EXISTS);
    }
}

/* Only ever touched by the thread that runs I's callbacks, one at a time. */
static bool enabled;

static void igmp_alternates(const struct event *event)
{
    if (event->kind == EVENT_DISABLE_IGMP) {
        CHECK(enabled);
        enabled = false;
        CHECK_CODE(join(i, "(*, 239.1.1.1)", 1), ERROR_CAN_NOT_COMPLETE);
    } else if (event->kind == EVENT_ENABLE_IGMP) {
        CHECK(!enabled);
        enabled = true;
    }
}

static void t2_3_changes_of_one_interface_never_interleave(void)
{
    struct thread *first, *second;

    a = protocol('A');
    b = protocol('B');
    i = igmp('I');
    OK(take(i, 1));
    enabled = true;
    on_event('I', igmp_alternates);
    first = thread_start(fight_for_interface_1, a);
    second = thread_start(fight_for_interface_1, b);
    thread_join(first);
    thread_join(second);

    /* The last callback may still be another thread's business. */
    SOON(enabled);
    CHECK_TEXT(owner_of(1), "I");
    OK(join(i, "(*, 239.1.1.1)", 1));
}

TEST_MAIN(
    CASE(t2_2_igmp_is_enabled_beside_an_owner),
    CASE(t2_2_one_igmp_an_interface),
    CASE(t0_6_igmp_goes_by_two_protocol_ids),
    CASE(t2_3_a_take_disables_and_enables_igmp),
    CASE(t2_3_a_release_disables_and_enables_igmp),
    CASE(t2_3_next_hops_are_told),
    CASE(t2_3_igmp_may_not_add_between_disable_and_enable),
    CASE(t2_4_igmp_adds_again_inside_enable),
    CASE(t2_4_a_take_drops_igmps_memberships),
    CASE(t2_4_a_release_drops_igmps_memberships_too),
    CASE(t2_5_igmp_leaving_takes_only_its_own_away),
    CASE(t2_5_a_take_from_igmp_deletes_the_mfes_that_come_in_there),
    CASE(t2_3_an_accepted_take_counts_before_the_change),
    CASE(t2_3_igmp_that_leaves_in_between_is_not_enabled),
    CASE(t2_3_inside_a_callback_the_change_is_immediate),
    CASE(t2_3_igmp_that_has_come_back_is_not_enabled_for_its_former_self),
    CASE(t2_4_what_igmp_adds_ahead_of_a_late_disable_ends_with_it),
    CASE(t2_3_changes_of_one_interface_never_interleave))
