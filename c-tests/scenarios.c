/* Stories of several protocols in one router, after RFC 2715: who hears what,
 * in which order, and who hears nothing. Their twins in Rust are in
 * crates/engine/src/tests/scenarios.rs.
 *
 *   D  a dense mode protocol, a wildcard receiver; has 1, where the sources are, and 4
 *   S  a sparse mode protocol; has 2
 *   B  a border protocol; has 3
 *   I  IGMP; has 5 and 6 alone, and is elsewhere beside the owner
 *
 * In the recorder they go by the letters D, E, F and I. */

#include "router.h"
#include "threads.h"

static HANDLE d, s, b, i;

static void cast(void)
{
    d = protocol('D');
    s = protocol('E');
    b = protocol('F');
    i = client_as('I', PROTO_IP_IGMP, 1);
    OK(take(d, 1));
    OK(take(d, 4));
    OK(take(s, 2));
    OK(take(b, 3));
    OK(take(i, 5));
    OK(take(i, 6));
    route("10.0.0.0/8", 1, "0.0.0.0");
}

static void t5_2_everybody_has_a_say_about_his_own(void)
{
    cast();
    OK(join(s, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    OK(join(i, "(*, 239.1.1.1)", 5));
    forget_log();
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2 3 5");
    EXPECT("D rpf (10.0.0.5, 239.1.1.1) in 1 from 0.0.0.0",
           "E creation (10.0.0.5, 239.1.1.1) in 1 out 2",
           "F creation (10.0.0.5, 239.1.1.1) in 1 out 3",
           "I creation (10.0.0.5, 239.1.1.1) in 1 out 5+igmp");
}

static void t5_10_both_owners_hear_when_the_way_to_the_source_moves(void)
{
    cast();
    OK(join(s, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2 3");
    forget_log();
    route("10.0.0.0/8", 3, "10.3.0.1");
    EXPECT("F rpf (10.0.0.5, 239.1.1.1) in 3 from 10.3.0.1",
           "D prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900",
           "F join (10.0.0.5, 239.1.1.1) mfe");
    EXPECT_MFES("(10.0.0.5, 239.1.1.1) in 3 from 10.3.0.1 out 2");
}

static void t5_8_the_last_oif_goes_and_the_first_comes(void)
{
    cast();
    OK(take(i, 2));
    OK(join(i, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2 3");
    forget_log();
    OK(leave(i, "(*, 239.1.1.1)", 2));
    EXPECT("E local-leave (*, 239.1.1.1) on 2", "F prune (*, 239.1.1.1) member on 2");
    OK(leave(b, "(*, 239.1.1.1)", 3));
    EXPECT("D prune (*, 239.1.1.1) member on 3", "E prune (*, 239.1.1.1) member on 3",
           "I prune (*, 239.1.1.1) member on 3",
           "D prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
    OK(join(i, "(*, 239.1.1.1)", 6));
    EXPECT("D join (*, 239.1.1.1) member", "E join (*, 239.1.1.1) member",
           "F join (*, 239.1.1.1) member", "D join (10.0.0.5, 239.1.1.1) mfe");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 6");
}

static void t4_2_a_wildcard_receiver_leaves_while_others_hold_the_group(void)
{
    cast();
    OK(join(s, "(*, 239.1.1.1)", 2));
    OK(join(d, "(*, *)", 4));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2 4");
    forget_log();

    /* "Everything" is taken back, but for what S still wants. */
    OK(leave(d, "(*, *)", 4));
    EXPECT("E prune (*, *) member on 4", "F prune (*, *) member on 4",
           "F join (*, 239.1.1.1) member", "I prune (*, *) member on 4",
           "I join (*, 239.1.1.1) member");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
}

static void veto_2(const struct event *event)
{
    for (DWORD n = 0; event->kind == EVENT_CREATION && n < event->if_count; n++) {
        if (event->ifs[n].dwIfIndex == 2)
            event->ifs[n].bIsEnabled = FALSE;
    }
}

static void t3_5_after_a_veto_a_host_joins(void)
{
    cast();
    OK(take(i, 2));
    OK(join(s, "(*, 239.1.1.1)", 2));
    on_event('E', veto_2);
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");
    forget_log();

    /* The veto is the owner's, and outlives the host's join ... */
    OK(join(i, "(*, 239.1.1.1)", 2));
    EXPECT("E local-join (*, 239.1.1.1) on 2");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");

    /* ... until the owner, told of the host, joins again. */
    OK(join(s, "(*, 239.1.1.1)", 2));
    EXPECT("D join (10.0.0.5, 239.1.1.1) mfe");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
}

static void t4_6_the_owner_of_the_way_to_the_source_leaves_its_own_join(void)
{
    cast();
    OK(join(d, "(10.0.0.5, 239.1.1.1)", 4));
    EXPECT_NOTHING();
    OK(join(b, "(10.0.0.5, 239.1.1.1)", 3));
    EXPECT("D join (10.0.0.5, 239.1.1.1) member");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 3 4");
    forget_log();
    OK(leave(d, "(10.0.0.5, 239.1.1.1)", 4));
    EXPECT_NOTHING();
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 3");
    OK(leave(b, "(10.0.0.5, 239.1.1.1)", 3));
    EXPECT("D prune (10.0.0.5, 239.1.1.1) member on 3",
           "D prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900");
}

static void t0_5_a_receiver_on_the_senders_own_lan(void)
{
    cast();
    OK(take(i, 1));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");
    forget_log();

    /* KB279096: it hears the sender without any router, so the negative MFE
     * stays what it is, whoever asks. */
    OK(join(i, "(*, 239.1.1.1)", 1));
    EXPECT("D local-join (*, 239.1.1.1) on 1", "E join (*, 239.1.1.1) member",
           "F join (*, 239.1.1.1) member");
    OK(join(d, "(*, 239.1.1.1)", 1));
    OK(forward_on(d, "(10.0.0.5, 239.1.1.1)", 1));
    EXPECT_NOTHING();
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");
    OK(join(s, "(*, 239.1.1.1)", 2));
    EXPECT("D join (*, 239.1.1.1) member", "D join (10.0.0.5, 239.1.1.1) mfe");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 2");
}

static void add_again(const struct event *event)
{
    if (event->kind == EVENT_ENABLE_IGMP) {
        OK(join(i, "(*, 239.1.1.1)", event->if_index));
        note("I has added again");
    }
}

static void t2_4_igmp_adds_inside_enable_while_a_flow_is_on(void)
{
    cast();
    OK(join(i, "(*, 239.1.1.1)", 5));
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 5");
    forget_log();
    on_event('I', add_again);

    /* On the original this is where it hung. */
    OK(take(s, 5));
    EXPECT("I disable-igmp 5",
           "D prune (*, 239.1.1.1) member on 5", "E prune (*, 239.1.1.1) member on 5",
           "F prune (*, 239.1.1.1) member on 5",
           "D prune (10.0.0.5, 239.1.1.1) mfe on 1 for 900",
           "I enable-igmp 5", "I has added again",
           "E local-join (*, 239.1.1.1) on 5", "D join (*, 239.1.1.1) member",
           "F join (*, 239.1.1.1) member", "D join (10.0.0.5, 239.1.1.1) mfe");
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to 5");
}

/* D's answers alternate while another thread reads. */
static DWORD next_time_out;

static void change_time_out(const struct event *event)
{
    if (event->kind == EVENT_PRUNE && !event->member)
        *event->timeout = next_time_out;
}

static struct gate done = GATE_INITIALIZER;

static void read_and_compare(void *argument)
{
    unsigned *reads = argument;

    do {
        MIB_IPMCAST_MFE head;
        DWORD lived_and_left;

        if (get_mfe("(10.0.0.5, 239.1.1.1)", &head) != NO_ERROR) {
            CHECK(!"the MFE was always there");
            return;
        }
        /* Both are rounded down, so a second may be missing between them. */
        lived_and_left = head.ulUpTime + head.ulExpiryTime;
        CHECK(head.ulTimeOut == 900 || head.ulTimeOut == 40 || head.ulTimeOut == 5000);
        CHECK(lived_and_left == head.ulTimeOut || lived_and_left + 1 == head.ulTimeOut);
        ++*reads;
    } while (!gate_wait(&done, 0));
}

static void t6_7_timers_change_under_a_reader(void)
{
    unsigned reads = 0;
    struct thread *reader;

    cast();
    on_event('D', change_time_out);
    next_time_out = 900;
    CHECK_TEXT(packet("(10.0.0.5, 239.1.1.1)", 1), "to nobody");
    gate_shut(&done);
    reader = thread_start(read_and_compare, &reads);
    for (size_t n = 0; n < scaled(2000); n++) {
        next_time_out = n % 2 ? 40 : 5000;
        OK(join(s, "(*, 239.1.1.1)", 2));
        OK(leave(s, "(*, 239.1.1.1)", 2));
    }
    gate_open(&done);
    thread_join(reader);
    CHECK(reads > 0);
    forget_log();
}

TEST_MAIN(
    CASE(t5_2_everybody_has_a_say_about_his_own),
    CASE(t5_10_both_owners_hear_when_the_way_to_the_source_moves),
    CASE(t5_8_the_last_oif_goes_and_the_first_comes),
    CASE(t4_2_a_wildcard_receiver_leaves_while_others_hold_the_group),
    CASE(t3_5_after_a_veto_a_host_joins),
    CASE(t4_6_the_owner_of_the_way_to_the_source_leaves_its_own_join),
    CASE(t0_5_a_receiver_on_the_senders_own_lan),
    CASE(t2_4_igmp_adds_inside_enable_while_a_flow_is_on),
    CASE(t6_7_timers_change_under_a_reader))
