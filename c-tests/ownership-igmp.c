/* IGMP beside an owner, and its callbacks when the owner changes: rules 2.2 to 2.4 of the
 * semantics. */

#include "router.h"
#include "threads.h"

/* The clients, which callbacks use too. */
static HANDLE a, b, i;

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
        /* IGMP is barred only on that interface. */
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

/* Takes and releases the interface, whenever that is possible. */
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

/* Used only in I's callbacks, which run one at a time. */
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

    /* Another thread may still run the last callback. */
    SOON(enabled);
    CHECK_TEXT(owner_of(1), "I");
    OK(join(i, "(*, 239.1.1.1)", 1));
}

static void t2_2_igmp_is_enabled_beside_an_owner(void)
{
    a = protocol('A');
    i = igmp('I');
    OK(take(a, 1));
    OK(take(i, 1));
    OK(take(i, 2));
    CHECK_TEXT(owner_of(1), "A");
    CHECK_TEXT(owner_of(2), "I");

    /* The owner does not change when IGMP comes and goes. */
    OK(release(i, 1));
    OK(take(i, 1));
    EXPECT_NOTHING();
}

TEST_MAIN(
    CASE(t0_6_igmp_goes_by_two_protocol_ids),
    CASE(t2_3_a_take_disables_and_enables_igmp),
    CASE(t2_3_next_hops_are_told),
    CASE(t2_3_igmp_may_not_add_between_disable_and_enable),
    CASE(t2_4_igmp_adds_again_inside_enable),
    CASE(t2_3_an_accepted_take_counts_before_the_change),
    CASE(t2_3_inside_a_callback_the_change_is_immediate),
    CASE(t2_3_igmp_that_has_come_back_is_not_enabled_for_its_former_self),
    CASE(t2_3_changes_of_one_interface_never_interleave),
    CASE(t2_2_igmp_is_enabled_beside_an_owner))
