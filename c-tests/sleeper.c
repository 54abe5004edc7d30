/* A callback that sleeps delays only its own client, and the callbacks that wait on the same
 * calling thread: rule 8.4 of the semantics. It does not keep an iif that is no longer right: rule
 * 5.4. The callbacks wait for gates, except in the last case, which sleeps for MGM_TESTS_SLEEP_MS. */

#include "router.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* The longest time that a packet may take while a callback sleeps much longer. */
enum { SLOWEST_MS = 1000 };

static HANDLE a, b, c;
static struct gate asleep = GATE_INITIALIZER, wake_up = GATE_INITIALIZER;
static atomic_bool sleeping;
static unsigned sleep_for;

/* A sleeps in its first RPF callback. B's flows arrive on 2, and their oif is C's 3. */
static void sleep_in_rpf(const struct event *event)
{
    if (event->kind != EVENT_RPF || event->group != ip("239.1.1.1") || sleeping)
        return;
    sleeping = true;
    gate_open(&asleep);
    if (sleep_for > 0)
        sleep_ms(sleep_for);
    else
        CHECK(gate_wait(&wake_up, patience_ms(50000)));
    sleeping = false;
}

static void three_components(void)
{
    router_of_three(&a, &b, &c);
    route("11.0.0.0/8", 2, "11.0.2.1");
    OK(join(c, "(*, 239.1.1.1)", 3));
    OK(join(c, "(*, 239.1.1.2)", 3));
    forget_log();
    gate_shut(&asleep);
    gate_shut(&wake_up);
    sleeping = false;
    sleep_for = 0;
    on_event('A', sleep_in_rpf);
}

static void send_to_a(void *unused)
{
    (void)unused;
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 3");
}

static void send_to_b(unsigned n)
{
    char flow[40];

    snprintf(flow, sizeof(flow), "(11.0.%u.%u, 239.1.1.2)", n >> 8 & 0xff, n & 0xff);
    CHECK_TEXT(packet(flow, 2), "to 3");
}

static void t8_4_flows_of_another_owner_go_on(void)
{
    struct thread *sender;
    size_t flows = scaled(1000);

    three_components();
    sender = thread_start(send_to_a, NULL);
    CHECK(gate_wait(&asleep, patience_ms(30000)));

    /* New flows, existing flows, and calls about them. */
    for (unsigned n = 0; n < flows; n++)
        send_to_b(n);
    CHECK_EQ(log_count("B rpf (11.0."), flows);
    CHECK_EQ(log_count("C creation (11.0."), flows);
    send_to_b(0);
    OK(leave(c, "(*, 239.1.1.2)", 3));
    CHECK_EQ(log_count("B prune (11.0."), flows);
    CHECK_TEXT(packet("(11.0.0.0, 239.1.1.2)", 2), "to nobody");
    CHECK(sleeping);
    gate_open(&wake_up);
    thread_join(sender);
}

/* The same on the library's threads: A's MFE is renewed, and A is asked about it. */
static void t8_4_nor_do_lives_of_others_end_late(void)
{
    three_components();
    router_restart(1);
    three_components();
    on_event('A', NULL);
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 3");
    on_event('A', sleep_in_rpf);
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 3");
    CHECK(gate_wait(&asleep, patience_ms(30000)));

    /* In the meantime B's second flow starts and ends, and the first is renewed many times. */
    forget_log();
    send_to_b(1);
    send_to_b(2);
    send_to_b(1);
    SOON(log_count("B rpf (11.0.0.1, 239.1.1.2)") == 2);
    CHECK(sleeping);
    gate_open(&wake_up);
    SOON(!sleeping);
}

static void send_on_the_old_way(void *unused)
{
    (void)unused;
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "refused");
}

static void t5_4_a_route_that_moves_does_not_wait_for_a_sleeper(void)
{
    struct thread *sender;

    three_components();
    sender = thread_start(send_on_the_old_way, NULL);
    CHECK(gate_wait(&asleep, patience_ms(30000)));
    forget_log();
    route("10.0.0.0/16", 2, "10.0.2.1");
    EXPECT_SOON("B rpf (10.0.0.5, 239.1.1.1) in 2 from 10.0.2.1",
                "C creation (10.0.0.5, 239.1.1.1) in 2 out 3");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 2), "to 3");
    CHECK(sleeping);
    gate_open(&wake_up);
    thread_join(sender);
    EXPECT_MFES("(10.0.0.5, 239.1.1.1) in 2 from 10.0.2.1 out 3");
}

/* How long the call takes. */
static unsigned long long time_of_b(unsigned n)
{
    const unsigned long long begun = now_ms();

    send_to_b(n);
    return now_ms() - begun;
}

static void t8_4_a_real_sleep(void)
{
    const char *given = getenv("MGM_TESTS_SLEEP_MS");
    unsigned long long first, second, slowest = 0;
    struct thread *sender;
    unsigned flows = 0;

    three_components();
    sleep_for = given ? (unsigned)strtoul(given, NULL, 10) : 300;
    allow_ms(sleep_for);
    sender = thread_start(send_to_a, NULL);
    CHECK(gate_wait(&asleep, patience_ms(30000)));
    /* Until A wakes up: new flows, about which B and C are asked, and an existing flow. */
    while (sleeping) {
        first = time_of_b(flows++);
        second = time_of_b(0);
        slowest = first > slowest ? first : slowest;
        slowest = second > slowest ? second : slowest;
        sleep_ms(1);
    }
    thread_join(sender);
    /* If a packet had waited for the sleeping callback, there would be only one. */
    CHECK(flows > 2);
    CHECK_EQ(log_count("B rpf (11.0."), flows);
    CHECK_EQ(log_count("C creation (11.0."), flows);
    /* On a busy machine a packet may take as long as a short sleep. */
    if (sleep_for > 2 * SLOWEST_MS)
        CHECK(slowest < SLOWEST_MS);
    printf("    %u flows in %u ms, the slowest packet took %llu ms\n", flows, sleep_for, slowest);
}

TEST_MAIN(
    CASE(t8_4_flows_of_another_owner_go_on),
    CASE(t8_4_nor_do_lives_of_others_end_late),
    CASE(t5_4_a_route_that_moves_does_not_wait_for_a_sleeper),
    CASE(t8_4_a_real_sleep))
