/* The order of callbacks, and the threads that run them: rules 8.1 to 8.4 and 8.6 of the
 * semantics. */

#include "router.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>

static HANDLE a, b, c;

/* How many callbacks are nested now, and the greatest number so far. */
static int depth, deepest;

static void dive(const struct event *event)
{
    (void)event;
    depth++;
    if (depth > deepest)
        deepest = depth;
}

/* A and B join in turn, ten groups in all. */
static void b_joins_the_next(const struct event *event)
{
    static unsigned char next;
    char text[40];

    dive(event);
    if (event->kind == EVENT_JOIN && next < 10) {
        snprintf(text, sizeof(text), "(*, 239.2.2.%u)", (unsigned)++next);
        OK(join(event->client == 'A' ? a : b, text, event->client == 'A' ? 1 : 2));
        note("inside still");
    }
    depth--;
}

static void t8_1_alerts_inside_a_callback_follow_it(void)
{
    depth = deepest = 0;
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    on_event('A', b_joins_the_next);
    on_event('B', b_joins_the_next);
    OK(join(a, "(*, 239.2.2.200)", 1));
    CHECK_EQ(deepest, 1);
    EXPECT("B join (*, 239.2.2.200) member", "inside still",
           "A join (*, 239.2.2.1) member", "inside still",
           "B join (*, 239.2.2.2) member", "inside still",
           "A join (*, 239.2.2.3) member", "inside still",
           "B join (*, 239.2.2.4) member", "inside still",
           "A join (*, 239.2.2.5) member", "inside still",
           "B join (*, 239.2.2.6) member", "inside still",
           "A join (*, 239.2.2.7) member", "inside still",
           "B join (*, 239.2.2.8) member", "inside still",
           "A join (*, 239.2.2.9) member", "inside still",
           "B join (*, 239.2.2.10) member");
}

static void b_prunes_what_it_hears(const struct event *event)
{
    if (event->kind != EVENT_JOIN)
        return;
    OK(leave(a, "(*, 239.1.1.1)", 1));
    OK(join(b, "(*, 239.1.1.2)", 2));
}

static void t8_1_first_in_first_out(void)
{
    router_of_three(&a, &b, &c);
    on_event('B', b_prunes_what_it_hears);
    OK(join(a, "(*, 239.1.1.1)", 1));

    /* C's join was queued before B's callback caused C's prune. */
    EXPECT("B join (*, 239.1.1.1) member", "C join (*, 239.1.1.1) member",
           "B prune (*, 239.1.1.1) member on 1", "C prune (*, 239.1.1.1) member on 1",
           "A join (*, 239.1.1.2) member", "C join (*, 239.1.1.2) member");
}

static thread_id caller;
static unsigned elsewhere;

static void note_thread(const struct event *event)
{
    (void)event;
    elsewhere += !thread_same(thread_here(), caller);
}

static void t8_3_a_calls_alerts_come_on_the_calling_thread(void)
{
    caller = thread_here();
    elsewhere = 0;
    router_of_three(&a, &b, &c);
    for (char letter = 'A'; letter <= 'C'; letter++)
        on_event(letter, note_thread);

    /* They run before the call returns, which every EXPECT in these tests checks. */
    OK(join(a, "(*, 239.1.1.1)", 1));
    CHECK_EQ(log_length(), 2);
    OK(leave(a, "(*, 239.1.1.1)", 1));
    CHECK_EQ(log_length(), 4);
    CHECK_EQ(elsewhere, 0);
}

/* B's first callback does not return until the test opens the gate. */
static struct gate entered = GATE_INITIALIZER, leave_now = GATE_INITIALIZER;

static void hold(const struct event *event)
{
    (void)event;
    gate_open(&entered);
    CHECK(gate_wait(&leave_now, patience_ms(10000)));
}

static void hold_when_first(const struct event *event)
{
    if (event->group == ip("239.1.1.1") && event->kind == EVENT_JOIN)
        hold(event);
}

static void shut_gates(void)
{
    gate_shut(&entered);
    gate_shut(&leave_now);
}

static void join_the_first_group(void *client)
{
    OK(join(client, "(*, 239.1.1.1)", 1));
}

static void t8_3_a_busy_recipient_is_not_waited_for(void)
{
    struct thread *busy;

    router_of_three(&a, &b, &c);
    shut_gates();
    on_event('B', hold_when_first);
    busy = thread_start(join_the_first_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));

    /* The thread that runs B's callback also runs the next one; this thread continues. */
    OK(join(a, "(*, 239.1.1.2)", 1));
    OK(leave(a, "(*, 239.1.1.2)", 1));
    CHECK_EQ(log_count("B "), 1);
    gate_open(&leave_now);
    thread_join(busy);
    SOON(log_count("B ") == 3);
    CHECK_EQ(log_count("B join (*, 239.1.1.1) member"), 1);
    CHECK_EQ(log_count("B join (*, 239.1.1.2) member"), 1);
    CHECK_EQ(log_count("B prune (*, 239.1.1.2) member on 1"), 1);
}

static void t8_4_a_sleeper_delays_nobody_else(void)
{
    struct thread *busy;

    router_of_three(&a, &b, &c);
    shut_gates();
    on_event('B', hold_when_first);
    busy = thread_start(join_the_first_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));
    forget_log();

    /* In the meantime, calls of all kinds work and cause callbacks. */
    route("10.0.0.0/8", 1, "10.0.1.1");
    OK(join(c, "(*, 239.1.1.3)", 3));
    CHECK_EQ(log_count("A join (*, 239.1.1.3) member"), 1);
    OK(take(c, 4));
    OK(join(c, "(10.0.0.5, 239.1.1.4)", 4));
    CHECK_EQ(log_count("A join (10.0.0.5, 239.1.1.4) member"), 1);
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.3)", 1), "to 3");
    CHECK_EQ(log_count("C creation (10.0.0.5, 239.1.1.3) in 1 out 3"), 1);
    OK(release(c, 4));
    CHECK_EQ(log_count("A prune (10.0.0.5, 239.1.1.4) member on 4"), 1);
    CHECK_EQ(log_count("B "), 0);

    gate_open(&leave_now);
    thread_join(busy);
    SOON(log_count("B ") > 0);
}

static bool prune_heard(const struct event *event)
{
    return event->kind == EVENT_PRUNE && !event->member;
}

static void hold_in_mfe_prune(const struct event *event)
{
    if (prune_heard(event) && event->group == ip("239.1.1.1"))
        hold(event);
}

static void send_a_packet(void *flow)
{
    CHECK_TEXT(packet(flow, 1), "to nobody");
}

static void t8_4_a_sleeper_delays_no_other_flow(void)
{
    static char first[] = "(10.0.0.5, 239.1.1.1)";
    struct thread *busy;

    router_of_three(&a, &b, &c);
    shut_gates();
    route("10.0.0.0/8", 1, "10.0.1.1");
    route("11.0.0.0/8", 3, "11.0.3.1");
    OK(join(b, "(*, 239.1.1.3)", 2));
    on_event('A', hold_in_mfe_prune);
    busy = thread_start(send_a_packet, first);
    CHECK(gate_wait(&entered, patience_ms(5000)));

    /* A is busy with its flow; C's flows are created and deleted. */
    CHECK_TEXT(packet("(11.0.0.5, 239.1.1.3)", 3), "to 2");
    gate_open(&leave_now);
    thread_join(busy);
}

/* Whether B's callback is running, and its last alert. */
static atomic_bool running;
static atomic_int last;

static void alternate(const struct event *event)
{
    CHECK(!atomic_exchange(&running, true));
    CHECK(event->kind == EVENT_JOIN || event->kind == EVENT_PRUNE);
    CHECK(atomic_exchange(&last, event->kind) != (int)event->kind);
    running = false;
}

/* So few that B does not fall behind. A client that was behind may be told what it knows
 * already (8.9). */
enum { ACTS = 250 };

static void join_and_leave(void *client)
{
    DWORD index = client == a ? 1 : 3;

    for (size_t n = 0; n < ACTS; n++) {
        OK(join(client, "(*, 239.1.1.1)", index));
        OK(leave(client, "(*, 239.1.1.1)", index));
    }
}

static void t8_2_nobody_hears_a_prune_before_its_join(void)
{
    struct thread *first, *second;

    router_of_three(&a, &b, &c);
    running = false;
    last = EVENT_PRUNE;
    on_event('B', alternate);
    for (size_t round = 0; round < scaled(8); round++) {
        first = thread_start(join_and_leave, a);
        second = thread_start(join_and_leave, c);
        thread_join(first);
        thread_join(second);

        /* Once B has heard of this it is through with all before it: each join has had its
         * prune, and the next round begins with nothing waiting. */
        OK(join(a, "(*, 239.1.1.2)", 1));
        OK(leave(a, "(*, 239.1.1.2)", 1));
        SOON(log_count("B prune (*, 239.1.1.2)") == round + 1);
        CHECK_EQ(log_count("B join "), log_count("B prune "));
    }
}

static void a_hands_a_packet_in(const struct event *event)
{
    if (event->kind == EVENT_JOIN) {
        CHECK_CODE(packet_code("(10.0.0.5, 239.1.1.1)", 1), ERROR_CAN_NOT_COMPLETE);
        note("refused");
    }
}

static void t8_6_packets_are_not_handed_in_inside_a_callback(void)
{
    size_t lines;

    router_of_three(&a, &b, &c);
    route("10.0.0.0/8", 1, "10.0.1.1");
    on_event('A', a_hands_a_packet_in);
    lines = mgm_log_lines();
    OK(join(b, "(*, 239.1.1.1)", 2));
    EXPECT("A join (*, 239.1.1.1) member", "refused", "C join (*, 239.1.1.1) member");
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
    EXPECT_NO_MFES();
}

TEST_MAIN(
    CASE(t8_1_alerts_inside_a_callback_follow_it),
    CASE(t8_1_first_in_first_out),
    CASE(t8_3_a_calls_alerts_come_on_the_calling_thread),
    CASE(t8_3_a_busy_recipient_is_not_waited_for),
    CASE(t8_4_a_sleeper_delays_nobody_else),
    CASE(t8_4_a_sleeper_delays_no_other_flow),
    CASE(t8_2_nobody_hears_a_prune_before_its_join),
    CASE(t8_6_packets_are_not_handed_in_inside_a_callback))
