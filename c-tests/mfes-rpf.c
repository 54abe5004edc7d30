/* The RPF callback and MgmSetMfe: rules 5.2 and 5.9 of the semantics. */

#include "router.h"
#include "threads.h"

#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b;

/* What A answers. */
static struct {
    DWORD index;
    const char *next_hop, *upstream;
} answer;

static void a_answers(const struct event *event)
{
    if (event->kind != EVENT_RPF)
        return;
    *event->in_index = answer.index;
    *event->in_next_hop = ip(answer.next_hop);
    *event->upstream = ip(answer.upstream);
}

static void will_answer(DWORD index, const char *next_hop, const char *upstream)
{
    answer.index = index;
    answer.next_hop = next_hop;
    answer.upstream = upstream;
    on_event('A', a_answers);
}

static void t5_2_the_owner_may_name_another_neighbour(void)
{
    router_of_two(&a, &b);
    will_answer(1, "*", "10.0.1.99");
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT_MFES(FLOW " in 1 from 10.0.1.99 out 2");
}

static void t5_2_the_owner_may_name_a_neighbours_interface(void)
{
    router_of_two(&a, &b);
    OK(take_at(a, 7, "10.0.7.1"));
    OK(take_at(a, 7, "10.0.7.2"));
    will_answer(7, "10.0.7.2", "10.0.7.2");
    CHECK_TEXT(packet_at(FLOW, 7, "10.0.7.2"), "to 2");
    EXPECT_MFES(FLOW " in 7 from 10.0.7.2 out 2");
    CHECK_TEXT(packet_at(FLOW, 7, "10.0.7.1"), "refused");
}

/* The result of the look-up is used, and the log says why. */
static void check_ignored(const char *flow, DWORD index, const char *next_hop)
{
    size_t lines = mgm_log_lines();

    will_answer(index, next_hop, "10.0.2.1");
    CHECK_TEXT(packet(flow, 1), "to 2");
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
}

static void t5_2_foreign_and_unknown_interfaces_are_ignored(void)
{
    router_of_two(&a, &b);
    check_ignored("(10.0.0.1, 239.1.1.1)", 2, "*");
    check_ignored("(10.0.0.2, 239.1.1.1)", 77, "*");
    check_ignored("(10.0.0.3, 239.1.1.1)", 0, "*");
    check_ignored("(10.0.0.4, 239.1.1.1)", 4, "10.0.4.1");
    check_ignored("(10.0.0.5, 239.1.1.1)", 0xffffffff, "255.255.255.255");
    EXPECT_MFES("(10.0.0.1, 239.1.1.1) in 1 from 10.0.1.1 out 2",
                "(10.0.0.2, 239.1.1.1) in 1 from 10.0.1.1 out 2",
                "(10.0.0.3, 239.1.1.1) in 1 from 10.0.1.1 out 2",
                "(10.0.0.4, 239.1.1.1) in 1 from 10.0.1.1 out 2",
                "(10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1 out 2");
}

static void read_and_scribble(const struct event *event)
{
    BYTE expected[PACKET_HEADER_SIZE];
    RTM_DEST_INFO *info = (RTM_DEST_INFO *)(void *)event->route;

    if (event->kind != EVENT_RPF)
        return;
    packet_header(FLOW, expected);
    CHECK_EQ(event->header_size, PACKET_HEADER_SIZE);
    CHECK(memcmp(event->header, expected, PACKET_HEADER_SIZE) == 0);

    CHECK(info->DestHandle == NULL);
    CHECK_EQ(info->DestAddress.AddressFamily, 2);
    CHECK_EQ(info->DestAddress.NumBits, 8);
    CHECK_EQ(info->DestAddress.AddrBits[0], 10);
    CHECK_EQ(info->DestAddress.AddrBits[1], 0);
    CHECK_EQ(info->DestAddress.AddrBits[4], 0);
    CHECK_EQ(info->BelongsToViews, RTM_VIEW_MASK_MCAST);
    CHECK_EQ(info->NumberOfViews, 1);
    CHECK_EQ(info->ViewInfo[0].ViewId, RTM_VIEW_ID_MCAST);
    CHECK(info->ViewInfo[0].Route == NULL);
    CHECK(info->ViewInfo[0].Owner == NULL);
    CHECK(info->ViewInfo[0].HoldRoute == NULL);

    /* The library ignores what is written there. */
    memset(info, 0xa5, sizeof(*info));
}

static void t5_2_the_owner_sees_the_header_and_the_route(void)
{
    router_of_two(&a, &b);
    on_event('A', read_and_scribble);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "B creation (10.0.0.5, 239.1.1.1) in 1 out 2");
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out 2");
}

static void t5_9_the_upstream_neighbour_can_be_set(void)
{
    router_of_two(&a, &b);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    forget_log();
    OK(set_mfe(a, FLOW, "10.0.1.99", 0));
    EXPECT_MFES(FLOW " in 1 from 10.0.1.99 out 2");
    OK(set_mfe(a, FLOW, "10.0.1.98", 1));
    EXPECT_MFES(FLOW " in 1 from 10.0.1.98 out 2");
    OK(set_mfe(a, FLOW, NULL, 0));
    EXPECT_MFES(FLOW " in 1 from 0.0.0.0 out 2");
}

static void t5_9_so_can_the_incoming_interface(void)
{
    router_of_two(&a, &b);
    OK(join(a, "(*, 239.1.1.1)", 4));
    CHECK_TEXT(packet(FLOW, 1), "to 2 4");
    OK(set_mfe(a, FLOW, "10.0.4.1", 4));
    EXPECT_MFES(FLOW " in 4 from 10.0.4.1 out 2");
    CHECK_TEXT(packet(FLOW, 4), "to 2");
    CHECK_TEXT(packet(FLOW, 1), "refused");
}

static struct gate packet_is_through = GATE_INITIALIZER;
static unsigned rpfs, creations;

/* The second call belongs to the renewal: A has answered RPF_CALLBACK before it. */
static void a_sets_on_the_second_creation(const struct event *event)
{
    if (event->kind != EVENT_CREATION || ++creations != 2)
        return;
    OK(set_mfe(a, FLOW, "10.0.4.9", 4));
    note("set");
    CHECK(gate_wait(&packet_is_through, SOON_MS));
}

/* The third call belongs to the next renewal, so the previous one has finished. */
static void a_looks_on_the_third_rpf(const struct event *event)
{
    if (event->kind == EVENT_RPF && ++rpfs == 3)
        EXPECT_MFES(FLOW " in 4 from 10.0.4.9 out 2");
}

static void t5_9_what_is_set_during_a_renewal_stays(void)
{
    router_restart(1);
    router_of_two(&a, &b);
    gate_shut(&packet_is_through);
    rpfs = creations = 0;
    on_event('A', a_looks_on_the_third_rpf);
    on_event('B', a_sets_on_the_second_creation);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT_SOON("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
                "B creation (10.0.0.5, 239.1.1.1) in 1 out 2",
                "A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
                "B creation (10.0.0.5, 239.1.1.1) in 1 out 2", "set");
    CHECK_TEXT(packet(FLOW, 4), "to 2"); /* so that the MFE is renewed again */
    gate_open(&packet_is_through);
    EXPECT_SOON("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
                "B creation (10.0.0.5, 239.1.1.1) in 1 out 2");
}

static void t5_9_only_the_upstream_owner_sets(void)
{
    router_of_two(&a, &b);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    REFUSED(set_mfe(b, FLOW, "10.0.2.1", 2), ERROR_CAN_NOT_COMPLETE);
    REFUSED(set_mfe(b, FLOW, "10.0.2.1", 0), ERROR_CAN_NOT_COMPLETE);
}

static void t5_9_what_does_not_exist_is_not_set(void)
{
    router_of_two(&a, &b);
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    CHECK_CODE(set_mfe(a, "(10.0.0.6, 239.1.1.1)", "10.0.1.99", 0), ERROR_NOT_FOUND);
    CHECK_CODE(set_mfe(a, "(10.0.0.5, 239.1.1.2)", "10.0.1.99", 0), ERROR_NOT_FOUND);
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out 2");
}

TEST_MAIN(
    CASE(t5_2_the_owner_may_name_another_neighbour),
    CASE(t5_2_the_owner_may_name_a_neighbours_interface),
    CASE(t5_2_foreign_and_unknown_interfaces_are_ignored),
    CASE(t5_2_the_owner_sees_the_header_and_the_route),
    CASE(t5_9_the_upstream_neighbour_can_be_set),
    CASE(t5_9_so_can_the_incoming_interface),
    CASE(t5_9_what_is_set_during_a_renewal_stays),
    CASE(t5_9_only_the_upstream_owner_sets),
    CASE(t5_9_what_does_not_exist_is_not_set))
