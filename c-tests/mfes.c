/* How MFEs are created, change and end: rules 5.1, 5.3 to 5.8, 5.10 and 5.11 of the semantics, as
 * far as they show in callbacks, buffers and threads. The rules themselves are tested in
 * crates/engine/src/tests. RPF answers are in mfes-rpf.c. */

#include "router.h"
#include "threads.h"

#define FLOW "(10.0.0.5, 239.1.1.1)"
#define COMES_IN FLOW " in 1 from 10.0.1.1 out"

static HANDLE a, b, c, i;

/* B has joined the group on 2. */
static void with_a_member(void)
{
    router_of_three(&a, &b, &c);
    OK(join(b, "(*, 239.1.1.1)", 2));
    forget_log();
}

static void t5_1_a_first_packet_makes_an_mfe(void)
{
    with_a_member();
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "B creation (10.0.0.5, 239.1.1.1) in 1 out 2");
    EXPECT_MFES(COMES_IN " 2");

    /* Later packets cause no callbacks. */
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    EXPECT_NOTHING();
}

static void t5_1_the_gateways_interface_is_the_incoming_one(void)
{
    with_a_member();
    OK(take_at(a, 7, "11.0.7.1"));
    OK(take_at(c, 7, "11.0.7.9"));
    route("11.0.0.0/8", 7, "11.0.7.1");
    route("11.0.7.0/24", 7, "0.0.0.0");
    CHECK_TEXT(packet_at("(11.0.0.5, 239.1.1.1)", 7, "11.0.7.1"), "to 2");
    EXPECT("A rpf (11.0.0.5, 239.1.1.1) in 7/11.0.7.1 from 11.0.7.1",
           "B creation (11.0.0.5, 239.1.1.1) in 7/11.0.7.1 out 2");

    /* A connected source is its own neighbour. */
    CHECK_TEXT(packet_at("(11.0.7.9, 239.1.1.1)", 7, "11.0.7.9"), "to 2");
    EXPECT("C rpf (11.0.7.9, 239.1.1.1) in 7/11.0.7.9 from 0.0.0.0",
           "B creation (11.0.7.9, 239.1.1.1) in 7/11.0.7.9 out 2");
}

static void t5_1_the_routers_own_packets_come_in_where_they_arrive(void)
{
    with_a_member();
    own_address("10.0.3.77");
    CHECK_TEXT(packet("(10.0.3.77, 239.1.1.1)", 3), "to 2");
    EXPECT("C rpf (10.0.3.77, 239.1.1.1) in 3 from 0.0.0.0",
           "B creation (10.0.3.77, 239.1.1.1) in 3 out 2");
}

static void t5_3_creation_asks_each_client_about_its_own(void)
{
    HANDLE i = client_as('I', PROTO_IP_IGMP, 1);

    router_of_three(&a, &b, &c);
    OK(take(a, 4));
    OK(take(b, 5));
    OK(take(i, 5));
    OK(take(i, 6));
    OK(join(a, "(*, 239.1.1.1)", 4));
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(i, "(*, 239.1.1.1)", 5));
    OK(join(i, "(*, 239.1.1.1)", 6));
    forget_log();

    /* C owns none of them and is not asked; IGMP is asked only where it is alone. */
    CHECK_TEXT(packet(FLOW, 1), "to 2 4 5 6");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "I creation (10.0.0.5, 239.1.1.1) in 1 out 6+igmp",
           "A creation (10.0.0.5, 239.1.1.1) in 1 out 4",
           "B creation (10.0.0.5, 239.1.1.1) in 1 out 2 5+igmp");
}

static void a_is_slow(const struct event *event)
{
    if (event->kind == EVENT_RPF)
        sleep_ms(100);
}

static void one_packet(void *expected)
{
    CHECK_TEXT(packet(FLOW, 1), (const char *)expected);
}

static void t5_4_one_resolution_at_a_time(void)
{
    static char to_2[] = "to 2";
    struct thread *threads[4];

    with_a_member();
    on_event('A', a_is_slow);
    for (int n = 0; n < 4; n++)
        threads[n] = thread_start(one_packet, to_2);
    for (int n = 0; n < 4; n++)
        thread_join(threads[n]);
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "B creation (10.0.0.5, 239.1.1.1) in 1 out 2");
}

/* What A answers to PRUNE_ALERT. */
static DWORD answer;

static void a_answers(const struct event *event)
{
    if (event->kind == EVENT_PRUNE)
        *event->timeout = answer;
}

/* The ulTimeOut of a fresh negative MFE after this answer. */
static void check_timeout(const char *flow, DWORD given, DWORD expected)
{
    MIB_IPMCAST_MFE mfe;

    answer = given;
    CHECK_TEXT(packet(flow, 1), "to nobody");
    OK(get_mfe(flow, &mfe));
    CHECK_EQ(mfe.ulTimeOut, expected);
    CHECK_EQ(mfe.ulNumOutIf, 0);
}

static void t5_5_the_owner_sets_the_time_out_of_a_negative_mfe(void)
{
    MIB_IPMCAST_MFE mfe;

    router_of_three(&a, &b, &c);
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.ulTimeOut, 900);

    on_event('A', a_answers);
    check_timeout("(10.0.0.5, 239.1.2.1)", 7, 7);
    check_timeout("(10.0.0.5, 239.1.2.2)", 0, 900);
    check_timeout("(10.0.0.5, 239.1.2.3)", 0xffffffff, 0xffffffff);
    check_timeout("(10.0.0.5, 239.1.2.4)", 0xfffffffe, 0xfffffffe);
}

static void t5_5_the_configured_time_out_is_the_default(void)
{
    MIB_IPMCAST_MFE mfe;

    router_restart(77);
    router_of_three(&a, &b, &c);
    on_event('A', a_answers);
    answer = 0;
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    EXPECT("A rpf (10.0.0.5, 239.1.1.1) in 1 from 10.0.1.1",
           "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 77");
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.ulTimeOut, 77);
}

static void t5_5_a_time_out_after_a_membership_prune_is_ignored(void)
{
    MIB_IPMCAST_MFE mfe;

    router_of_three(&a, &b, &c);
    OK(join(b, FLOW, 2));
    OK(join(c, "(*, 239.1.1.1)", 3));
    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    forget_log();
    on_event('A', a_answers);
    answer = 7;
    OK(leave(b, FLOW, 2));
    EXPECT("A prune (10.0.0.5, 239.1.1.1) member on 2");
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.ulTimeOut, 900);
}

static void t5_6_an_idle_mfe_ends_after_its_time_out(void)
{
    MIB_IPMCAST_MFE mfe;

    router_of_three(&a, &b, &c);
    on_event('A', a_answers);
    answer = 1;
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    OK(get_mfe(FLOW, &mfe));
    SOON(get_mfe(FLOW, &mfe) == ERROR_NOT_FOUND);
    EXPECT_NO_MFES();

    /* The next packet is a first packet again. */
    forget_log();
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    CHECK_EQ(log_count("A rpf"), 1);
}

static void check_header(const struct event *event)
{
    BYTE expected[PACKET_HEADER_SIZE];

    if (event->kind != EVENT_WRONG_IF)
        return;
    packet_header(FLOW, expected);
    CHECK_EQ(event->header_size, PACKET_HEADER_SIZE);
    CHECK(event->header != NULL);
    for (DWORD n = 0; n < PACKET_HEADER_SIZE && event->header != NULL; n++)
        CHECK_EQ(event->header[n], expected[n]);
}

static void t5_7_a_packet_on_the_wrong_interface(void)
{
    with_a_member();
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    forget_log();
    on_event('C', check_header);

    CHECK_TEXT(packet(FLOW, 3), "refused");
    EXPECT("C wrong-if (10.0.0.5, 239.1.1.1) on 3");
    CHECK_TEXT(packet(FLOW, 3), "refused");
    EXPECT_NOTHING();
    /* Another interface, even an oif, has its own limit. */
    CHECK_TEXT(packet(FLOW, 2), "refused");
    EXPECT("B wrong-if (10.0.0.5, 239.1.1.1) on 2");
    EXPECT_MFES(COMES_IN " 2");
}

static void t5_10_a_route_change_moves_the_incoming_interface(void)
{
    with_a_member();
    CHECK_TEXT(packet(FLOW, 1), "to 2");
    forget_log();
    route("10.0.0.0/16", 3, "10.0.3.1");
    EXPECT_UNORDERED("C rpf (10.0.0.5, 239.1.1.1) in 3 from 10.0.3.1",
                     "C join (10.0.0.5, 239.1.1.1) mfe",
                     "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    EXPECT_MFES(FLOW " in 3 from 10.0.3.1 out 2");
    CHECK_TEXT(packet(FLOW, 3), "to 2");
    CHECK_TEXT(packet(FLOW, 1), "refused");
}

/* A owns 1, towards the sources, and 4; B owns 2, with IGMP beside it; IGMP is alone on 5. */
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

static void t5_11_a_lost_interface_is_cleaned_out(void)
{
    an_mfe_to_2();
    OK(release(i, 2));
    unplug(2);
    EXPECT_SOON("A prune (*, 239.1.1.1) member on 2",
                "A prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    EXPECT_NO_GROUPS(ALL_SOURCES);
    EXPECT_MFES(COMES_IN);

    /* B keeps its claim, and owns the interface again when it returns. */
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

TEST_MAIN(
    CASE(t5_1_a_first_packet_makes_an_mfe),
    CASE(t5_1_the_gateways_interface_is_the_incoming_one),
    CASE(t5_1_the_routers_own_packets_come_in_where_they_arrive),
    CASE(t5_3_creation_asks_each_client_about_its_own),
    CASE(t5_4_one_resolution_at_a_time),
    CASE(t5_5_the_owner_sets_the_time_out_of_a_negative_mfe),
    CASE(t5_5_the_configured_time_out_is_the_default),
    CASE(t5_5_a_time_out_after_a_membership_prune_is_ignored),
    CASE(t5_6_an_idle_mfe_ends_after_its_time_out),
    CASE(t5_7_a_packet_on_the_wrong_interface),
    CASE(t5_10_a_route_change_moves_the_incoming_interface),
    CASE(t5_8_the_first_outgoing_interface_is_a_join),
    CASE(t5_8_without_the_last_it_is_a_prune),
    CASE(t5_11_a_lost_interface_is_cleaned_out),
    CASE(t5_11_igmp_is_disabled_while_its_interface_is_away))
