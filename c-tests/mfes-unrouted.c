/* Sources without a route through an interface that a client owns, and the arrival interface: rule
 * 5.2 of the semantics. */

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#include <string.h>

/* A flow whose source no route covers. */
#define FLOW "(11.0.0.5, 239.1.1.1)"
#define ROUTED "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b;

/* A also owns a neighbour on 7; the route to 12/8 leads through 9, which has no owner. */
static void two_and_a_neighbour(void)
{
    router_of_two(&a, &b);
    OK(take_at(a, 7, "10.0.7.1"));
    route("12.0.0.0/8", 9, "12.0.9.1");
    forget_log();
}

static DWORD arrival, arrival_hop, arrival_code;

static void look_where_it_arrived(void)
{
    arrival = arrival_hop = 77;
    arrival_code = MgmHostGetArrival(&arrival, &arrival_hop);
}

/* As a proxy does: accepts the packets on the interface on which they arrive. */
static void accepts_where_it_arrives(const struct event *event)
{
    if (event->kind != EVENT_RPF)
        return;
    look_where_it_arrived();
    if (*event->in_index == 0) {
        *event->in_index = arrival;
        *event->in_next_hop = arrival_hop;
    }
}

static void t5_2_the_owner_of_the_arrival_may_accept_the_source(void)
{
    two_and_a_neighbour();
    on_event('A', accepts_where_it_arrives);
    CHECK_TEXT(packet(FLOW, 4), "to 2");
    EXPECT("A rpf (11.0.0.5, 239.1.1.1) in 0 from 0.0.0.0",
           "B creation (11.0.0.5, 239.1.1.1) in 4 out 2");
    EXPECT_MFES(FLOW " in 4 from 0.0.0.0 out 2");
    /* The same if the route leads through an interface without an owner. The next hop is returned
     * too. */
    CHECK_TEXT(packet_at("(12.0.0.5, 239.1.1.1)", 7, "10.0.7.1"), "to 2");
    CHECK_EQ(arrival_hop, ip("10.0.7.1"));
    EXPECT_MFES(FLOW " in 4 from 0.0.0.0 out 2",
                "(12.0.0.5, 239.1.1.1) in 7 from 0.0.0.0 out 2");
}

static void t5_2_a_route_moves_what_was_accepted(void)
{
    two_and_a_neighbour();
    on_event('A', accepts_where_it_arrives);
    CHECK_TEXT(packet(FLOW, 4), "to 2");
    forget_log();
    route("11.0.0.0/8", 1, "10.0.1.1");
    EXPECT("A rpf (11.0.0.5, 239.1.1.1) in 1 from 10.0.1.1");
    CHECK_EQ(arrival, 4); /* the MFE's iif, because no packet caused the callback */
    EXPECT_MFES(FLOW " in 1 from 10.0.1.1 out 2");
}

static void sees_no_route(const struct event *event)
{
    RTM_DEST_INFO *info = (RTM_DEST_INFO *)(void *)event->route;
    static const BYTE zeros[RTM_MAX_ADDRESS_SIZE];
    BYTE expected[PACKET_HEADER_SIZE];

    if (event->kind != EVENT_RPF)
        return;
    packet_header(FLOW, expected);
    CHECK_EQ(event->header_size, PACKET_HEADER_SIZE);
    CHECK(memcmp(event->header, expected, PACKET_HEADER_SIZE) == 0);
    CHECK(info != NULL);
    CHECK_EQ(info->DestAddress.AddressFamily, 2);
    CHECK_EQ(info->DestAddress.NumBits, 0);
    CHECK(memcmp(info->DestAddress.AddrBits, zeros, sizeof(zeros)) == 0);
    CHECK_EQ(info->NumberOfViews, 1);
    CHECK_EQ(info->ViewInfo[0].ViewId, RTM_VIEW_ID_MCAST);
    CHECK_EQ(info->ViewInfo[0].NumRoutes, 0);
    CHECK(info->ViewInfo[0].Route == NULL);
    note("looked");
}

static void t5_2_without_a_route_the_destination_is_everything(void)
{
    two_and_a_neighbour();
    on_event('A', sees_no_route);
    CHECK_TEXT(packet(FLOW, 1), "refused");
    EXPECT("A rpf (11.0.0.5, 239.1.1.1) in 0 from 0.0.0.0", "looked");
}

static void t5_2_the_arrival_is_told_of_routed_flows_as_well(void)
{
    two_and_a_neighbour();
    on_event('A', accepts_where_it_arrives);
    CHECK_TEXT(packet(ROUTED, 2), "refused");
    CHECK_EQ(arrival_code, NO_ERROR);
    CHECK_EQ(arrival, 2);
    CHECK_EQ(arrival_hop, 0);
    EXPECT_MFES(ROUTED " in 1 from 10.0.1.1 out 2");
}

static void looks_in_creation(const struct event *event)
{
    if (event->kind == EVENT_CREATION)
        look_where_it_arrived();
}

static void look_from_here(void *unused)
{
    (void)unused;
    look_where_it_arrived();
}

static void lets_another_thread_look(const struct event *event)
{
    if (event->kind == EVENT_RPF)
        thread_join(thread_start(look_from_here, NULL));
}

static void t5_2_elsewhere_there_is_no_arrival(void)
{
    DWORD index = 77, hop = 77;

    two_and_a_neighbour();
    REFUSED(MgmHostGetArrival(&index, &hop), ERROR_NOT_FOUND);
    CHECK_EQ(index, 77);
    CHECK_EQ(hop, 77);

    on_event('B', looks_in_creation);
    CHECK_TEXT(packet(ROUTED, 1), "to 2");
    CHECK_EQ(arrival_code, ERROR_NOT_FOUND);

    arrival_code = 0;
    on_event('A', lets_another_thread_look);
    CHECK_TEXT(packet("(10.0.0.6, 239.1.1.1)", 1), "to 2");
    CHECK_EQ(arrival_code, ERROR_NOT_FOUND);
    CHECK_EQ(arrival, 77);
}

TEST_MAIN(
    CASE(t5_2_the_owner_of_the_arrival_may_accept_the_source),
    CASE(t5_2_a_route_moves_what_was_accepted),
    CASE(t5_2_without_a_route_the_destination_is_everything),
    CASE(t5_2_the_arrival_is_told_of_routed_flows_as_well),
    CASE(t5_2_elsewhere_there_is_no_arrival))
