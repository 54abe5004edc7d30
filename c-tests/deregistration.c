/* After MgmDeRegisterMProtocol has returned, no callback of the client runs: rule 1.6 of the
 * semantics. */

#include "router.h"
#include "threads.h"

#include <stdatomic.h>

static HANDLE a, b, e, f;

/* A and B own interfaces; E and F own none, so they may deregister at any time. */
static void two_components_and_two_listeners(void)
{
    a = protocol('A');
    b = protocol('B');
    e = protocol('E');
    f = protocol('F');
    OK(take(a, 1));
    OK(take(b, 2));
}

static struct gate entered = GATE_INITIALIZER, other_entered = GATE_INITIALIZER;
static struct gate leave_now = GATE_INITIALIZER;

static void shut_gates(void)
{
    gate_shut(&entered);
    gate_shut(&other_entered);
    gate_shut(&leave_now);
}

static void hold(const struct event *event)
{
    (void)event;
    gate_open(&entered);
    CHECK(gate_wait(&leave_now, patience_ms(10000)));
    note("E's callback ends");
}

static void join_group(void *client)
{
    OK(join(client, "(*, 239.1.1.1)", 1));
}

static void quit_e(void *unused)
{
    (void)unused;
    OK(quit(e));
    CHECK_EQ(log_count("E's callback ends"), 1);
    note("E is gone");
}

static void t1_6_it_waits_for_a_callback_on_another_thread(void)
{
    struct thread *joining, *quitting;

    two_components_and_two_listeners();
    shut_gates();
    on_event('E', hold);
    joining = thread_start(join_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));
    quitting = thread_start(quit_e, NULL);

    /* Callbacks that still wait for E are not made. */
    OK(join(a, "(*, 239.1.1.2)", 1));
    sleep_ms(100);
    CHECK_EQ(log_count("E is gone"), 0);
    gate_open(&leave_now);
    thread_join(quitting);
    thread_join(joining);
    forget_log();
    OK(join(a, "(*, 239.1.1.3)", 1));
    EXPECT("B join (*, 239.1.1.3) member", "F join (*, 239.1.1.3) member");
}

static void t1_6_nothing_runs_after_it(void)
{
    struct thread *joining, *quitting;

    two_components_and_two_listeners();
    shut_gates();
    on_event('E', hold);
    joining = thread_start(join_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));
    quitting = thread_start(quit_e, NULL);
    sleep_ms(50);
    gate_open(&leave_now);
    thread_join(quitting);
    thread_join(joining);

    /* E's only callback returned before the call did. */
    EXPECT_UNORDERED("B join (*, 239.1.1.1) member", "E join (*, 239.1.1.1) member",
                     "E's callback ends", "E is gone", "F join (*, 239.1.1.1) member");
}

static void quit_e_too(void *code)
{
    *(DWORD *)code = quit(e);
    CHECK_EQ(log_count("E's callback ends"), 1);
}

static void t1_6_d124_of_two_at_a_time_both_wait_for_the_callback(void)
{
    struct thread *joining, *quitting[2];
    DWORD codes[2];

    two_components_and_two_listeners();
    shut_gates();
    on_event('E', hold);
    joining = thread_start(join_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));
    for (size_t n = 0; n < 2; n++)
        quitting[n] = thread_start(quit_e_too, &codes[n]);
    sleep_ms(100);
    gate_open(&leave_now);
    thread_join(quitting[0]);
    thread_join(quitting[1]);
    thread_join(joining);

    /* For one of them the handle was invalid. */
    CHECK_EQ(codes[0] + codes[1], NO_ERROR + ERROR_INVALID_PARAMETER);
}

static void e_quits_itself(const struct event *event)
{
    (void)event;
    OK(quit(e));
    /* The client is deregistered at once, while this callback still runs. */
    CHECK_CODE(quit(e), ERROR_INVALID_PARAMETER);
    OK(join(a, "(*, 239.1.1.2)", 1));
    note("E's last words");
}

static void t1_6_inside_its_own_callback_it_does_not_wait(void)
{
    two_components_and_two_listeners();
    on_event('E', e_quits_itself);
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member", "E join (*, 239.1.1.1) member", "E's last words",
           "F join (*, 239.1.1.1) member", "B join (*, 239.1.1.2) member",
           "F join (*, 239.1.1.2) member");
}

static void f_quits_e(const struct event *event)
{
    if (event->group == ip("239.1.1.1"))
        OK(quit(e));
}

static void t1_6_inside_anothers_callback_it_works_if_nothing_runs(void)
{
    two_components_and_two_listeners();
    on_event('F', f_quits_e);
    OK(join(a, "(*, 239.1.1.1)", 1));
    forget_log();
    OK(join(a, "(*, 239.1.1.2)", 1));
    EXPECT("B join (*, 239.1.1.2) member", "F join (*, 239.1.1.2) member");
}

static void b_quits_e(const struct event *event)
{
    if (event->client == 'B' && event->group == ip("239.1.1.1"))
        OK(quit(e));
}

static void t8_2_who_left_meanwhile_is_skipped(void)
{
    two_components_and_two_listeners();
    on_event('B', b_quits_e);
    OK(join(a, "(*, 239.1.1.1)", 1));
    EXPECT("B join (*, 239.1.1.1) member", "F join (*, 239.1.1.1) member");
}

/* Two callbacks on two threads deregister each other's client. Each waits until the other runs,
 * and returns after the other has tried. */
static struct gate tried = GATE_INITIALIZER, other_tried = GATE_INITIALIZER;

static void e_quits_f(const struct event *event)
{
    if (event->group != ip("239.1.1.1"))
        return;
    gate_open(&entered);
    CHECK(gate_wait(&other_entered, patience_ms(5000)));
    CHECK_CODE(quit(f), ERROR_CAN_NOT_COMPLETE);
    gate_open(&tried);
    CHECK(gate_wait(&other_tried, patience_ms(5000)));
}

static void f_quits_e_too(const struct event *event)
{
    if (event->group != ip("239.1.1.2"))
        return;
    gate_open(&other_entered);
    CHECK_CODE(quit(e), ERROR_CAN_NOT_COMPLETE);
    gate_open(&other_tried);
    CHECK(gate_wait(&tried, patience_ms(5000)));
}

static void t1_6_two_callbacks_do_not_wait_for_each_other(void)
{
    struct thread *joining;

    two_components_and_two_listeners();
    shut_gates();
    on_event('E', e_quits_f);
    on_event('F', f_quits_e_too);
    joining = thread_start(join_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));

    /* E is busy on the other thread, so F's callback runs on this one. */
    OK(join(a, "(*, 239.1.1.2)", 1));
    thread_join(joining);
    SOON(log_length() == 6);
    EXPECT_UNORDERED("B join (*, 239.1.1.1) member", "B join (*, 239.1.1.2) member",
                     "E join (*, 239.1.1.1) member", "E join (*, 239.1.1.2) member",
                     "F join (*, 239.1.1.1) member", "F join (*, 239.1.1.2) member");

    /* Outside callbacks both calls succeed. */
    OK(quit(e));
    OK(quit(f));
}

/* F's callback deregisters E while E's runs on another thread. */
static void f_is_refused(const struct event *event)
{
    /* F's earlier callbacks run first, on the same thread. */
    if (event->group != ip("239.1.1.2"))
        return;
    CHECK_CODE(quit(e), ERROR_CAN_NOT_COMPLETE);
    note("F is refused");
}

static void t1_6_inside_anothers_callback_a_running_one_refuses(void)
{
    struct thread *joining;
    size_t lines;

    two_components_and_two_listeners();
    shut_gates();
    on_event('E', hold);
    joining = thread_start(join_group, a);
    CHECK(gate_wait(&entered, patience_ms(5000)));

    on_event('F', f_is_refused);
    lines = mgm_log_lines();
    OK(join(a, "(*, 239.1.1.2)", 1));
    CHECK_EQ(log_count("F is refused"), 1);
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
    on_event('F', NULL);
    gate_open(&leave_now);
    thread_join(joining);

    /* Nothing has changed: E gets its waiting callbacks, and may deregister now. */
    SOON(log_count("E join (*, 239.1.1.2) member") == 1);
    OK(quit(e));
}

/* A client registers and deregisters during many alerts, and gets none after it has deregistered. */
static atomic_bool e_is_there;

static void e_must_be_there(const struct event *event)
{
    (void)event;
    CHECK(e_is_there);
}

static void rain(void *stop)
{
    while (!gate_wait(stop, 0)) {
        OK(join(a, "(*, 239.1.1.1)", 1));
        OK(leave(a, "(*, 239.1.1.1)", 1));
    }
}

static void t1_6_never_a_callback_too_many(void)
{
    struct gate stop = GATE_INITIALIZER;
    struct thread *raining;

    a = protocol('A');
    OK(take(a, 1));
    on_event('E', e_must_be_there);
    raining = thread_start(rain, &stop);
    for (size_t n = 0; n < scaled(3000); n++) {
        e_is_there = true;
        e = protocol('E');
        OK(quit(e));
        e_is_there = false;
    }
    gate_open(&stop);
    thread_join(raining);
}

TEST_MAIN(
    CASE(t1_6_it_waits_for_a_callback_on_another_thread),
    CASE(t1_6_nothing_runs_after_it),
    CASE(t1_6_d124_of_two_at_a_time_both_wait_for_the_callback),
    CASE(t1_6_inside_its_own_callback_it_does_not_wait),
    CASE(t1_6_inside_anothers_callback_it_works_if_nothing_runs),
    CASE(t8_2_who_left_meanwhile_is_skipped),
    CASE(t1_6_two_callbacks_do_not_wait_for_each_other),
    CASE(t1_6_inside_anothers_callback_a_running_one_refuses),
    CASE(t1_6_never_a_callback_too_many))
