/* Rule 9.14 of docs/semantics.md: batches. In the router, and in a client library. */

#include "router.h"

static HANDLE a, b;

static void two_protocols(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
}

static DWORD end(DWORD *first)
{
    *first = 77;
    return MgmHostEndBatch(first);
}

static void t9_14_a_batch_is_made_at_its_end_and_its_callbacks_run_there(void)
{
    DWORD first;

    two_protocols();
    OK(MgmHostBeginBatch());
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.2)", 1));
    OK(leave(a, "(*, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    OK(end(&first));
    CHECK_EQ(first, 0);
    EXPECT("B join (*, 239.1.1.1) member", "B join (*, 239.1.1.2) member",
           "B prune (*, 239.1.1.1) member on 1");
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.2)");
    OK(join(a, "(*, 239.1.1.3)", 1));
    EXPECT("B join (*, 239.1.1.3) member"); /* no batch any longer */
}

static void t9_14_the_first_refusal_is_returned_and_later_calls_are_made(void)
{
    DWORD first;

    two_protocols();
    OK(MgmHostBeginBatch());
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.2)", 9)); /* nobody's */
    OK(leave(a, "(*, 239.1.1.3)", 9));
    OK(join(a, "(*, 239.1.1.4)", 1));
    CHECK_CODE(end(&first), ERROR_INVALID_PARAMETER);
    CHECK_EQ(first, 2);
    EXPECT("B join (*, 239.1.1.1) member", "B join (*, 239.1.1.4) member");
    OK(MgmHostBeginBatch());
    OK(leave(a, "(*, 239.1.1.1)", 9));
    CHECK_CODE(MgmHostEndBatch(NULL), ERROR_NOT_FOUND);
    /* More than one message of the client library. */
    OK(MgmHostBeginBatch());
    for (int n = 0; n < 700; n++)
        OK(join(a, "(*, 239.1.1.1)", n == 600 ? 9 : 1));
    CHECK_CODE(end(&first), ERROR_INVALID_PARAMETER);
    CHECK_EQ(first, 601);
}

static void t9_14_malformed_calls_are_refused_at_once_and_are_not_part_of_the_batch(void)
{
    DWORD first;

    two_protocols();
    OK(MgmHostBeginBatch());
    REFUSED(join(a, "(*, 10.0.0.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(join(NULL, "(*, 239.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostBeginBatch(), ERROR_CAN_NOT_COMPLETE);
    OK(join(a, "(*, 239.1.1.2)", 9));
    CHECK_CODE(end(&first), ERROR_INVALID_PARAMETER);
    CHECK_EQ(first, 1);
    REFUSED(MgmHostEndBatch(NULL), ERROR_CAN_NOT_COMPLETE);
}

static void t9_14_another_call_makes_what_is_collected_first(void)
{
    DWORD first;

    two_protocols();
    OK(MgmHostBeginBatch());
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.1)", 9));
    OK(release(a, 1));
    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.2)", 1));
    CHECK_CODE(end(&first), ERROR_INVALID_PARAMETER);
    CHECK_EQ(first, 2);
    EXPECT("B join (*, 239.1.1.1) member", "B prune (*, 239.1.1.1) member on 1",
           "B join (*, 239.1.1.2) member");
}

static void answer_with_a_join(const struct event *event)
{
    if (event->group == ip("239.1.1.1"))
        OK(join(b, "(*, 239.2.2.2)", 2));
}

static void t9_14_callbacks_of_a_batch_can_make_calls(void)
{
    DWORD first;

    two_protocols();
    on_event('B', answer_with_a_join);
    OK(MgmHostBeginBatch());
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(end(&first));
    EXPECT("B join (*, 239.1.1.1) member", "A join (*, 239.2.2.2) member");
}

TEST_MAIN(
    CASE(t9_14_a_batch_is_made_at_its_end_and_its_callbacks_run_there),
    CASE(t9_14_the_first_refusal_is_returned_and_later_calls_are_made),
    CASE(t9_14_malformed_calls_are_refused_at_once_and_are_not_part_of_the_batch),
    CASE(t9_14_another_call_makes_what_is_collected_first),
    CASE(t9_14_callbacks_of_a_batch_can_make_calls))
