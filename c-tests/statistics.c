/* The values that the retrieval functions return: rules 6.6 to 6.8 of the semantics. Their buffers
 * are tested in statistics-buffers.c. */

#include "forms.h"
#include "router.h"
#include "threads.h"

#include <string.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

static HANDLE a, b;

/* A owns 1, towards the sources; B has joined the group on 2 and 3. */
static void two_components(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    OK(take(b, 3));
    OK(join(b, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    route("10.0.0.0/8", 1, "10.0.1.1");
}

/* Both structures for statistics, with room for four oifs. */
static struct {
    union {
        MIB_IPMCAST_MFE_STATS head;
        BYTE bytes[64 + 4 * 28];
    } plain;
    union {
        MIB_IPMCAST_MFE_STATS_EX head;
        BYTE bytes[84 + 4 * 28];
    } ex;
} stats;

static void read_stats(const char *flow)
{
    MIB_IPMCAST_MFE query = named(flow);
    DWORD size = sizeof(stats.plain);

    memset(&stats, 0xa5, sizeof(stats));
    OK(MgmGetMfeStats(&query, &size, stats.plain.bytes, MGM_MFE_STATS_0));
    CHECK_EQ(size, sizeof(stats.plain));
    size = sizeof(stats.ex);
    OK(MgmGetMfeStats(&query, &size, stats.ex.bytes, MGM_MFE_STATS_1));
    CHECK_EQ(size, sizeof(stats.ex));
}

static MIB_IPMCAST_OIF_STATS oif_stats(DWORD index)
{
    MIB_IPMCAST_OIF_STATS oif;

    for (DWORD n = 0; n < stats.plain.head.ulNumOutIf; n++) {
        memcpy(&oif, stats.plain.bytes + 64 + n * sizeof(oif), sizeof(oif));
        /* The EX structure has the same oifs. */
        CHECK(memcmp(&oif, stats.ex.bytes + 84 + n * sizeof(oif), sizeof(oif)) == 0);
        if (oif.dwOutIfIndex == index)
            return oif;
    }
    CHECK(!"the outgoing interface is there");
    memset(&oif, 0, sizeof(oif));
    return oif;
}

static void t6_7_packets_and_octets_are_counted(void)
{
    two_components();
    for (int n = 0; n < 5; n++)
        CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    CHECK_TEXT(packet(FLOW, 3), "refused");
    CHECK_TEXT(packet(FLOW, 2), "refused");

    read_stats(FLOW);
    CHECK_EQ(stats.plain.head.ulInPkts, 5);
    CHECK_EQ(stats.plain.head.ulInOctets, 5 * PACKET_LENGTH);
    CHECK_EQ(stats.plain.head.ulPktsDifferentIf, 2);
    CHECK_EQ(stats.plain.head.ulQueueOverflow, 0);
    CHECK_EQ(stats.plain.head.ulNumOutIf, 2);
    CHECK_EQ(oif_stats(2).ulOutPackets, 5);
    CHECK_EQ(oif_stats(3).ulOutPackets, 5);
    CHECK_EQ(oif_stats(2).dwNextHopAddr, 0);
    CHECK_EQ(oif_stats(2).ulTtlTooLow, 0);
    CHECK_EQ(oif_stats(2).ulFragNeeded, 0);
    CHECK_EQ(oif_stats(2).ulOutDiscards, 0);

    CHECK_EQ(stats.ex.head.ulInPkts, 5);
    CHECK_EQ(stats.ex.head.ulInOctets, 5 * PACKET_LENGTH);
    CHECK_EQ(stats.ex.head.ulPktsDifferentIf, 2);
    CHECK_EQ(stats.ex.head.ulTotalOutPackets, 10);
    CHECK_EQ(stats.ex.head.ulInHdrErrors, 0);
}

static void t6_7_times_are_seconds_in_an_mfe(void)
{
    MIB_IPMCAST_MFE mfe;

    two_components();
    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.ulTimeOut, 900);
    CHECK_EQ(mfe.ulUpTime, 0);
    CHECK(mfe.ulExpiryTime == 900 || mfe.ulExpiryTime == 899);
    CHECK_EQ(mfe.fFlags, 0);
    CHECK_EQ(mfe.dwReserved, 0);

    sleep_ms(2100);
    OK(get_mfe(FLOW, &mfe));
    CHECK(mfe.ulUpTime >= 2 && mfe.ulUpTime < 60);
    CHECK(mfe.ulExpiryTime <= 898 && mfe.ulExpiryTime > 840);
    CHECK_EQ(mfe.ulTimeOut, 900);
}

static void t6_7_times_are_hundredths_in_statistics(void)
{
    two_components();
    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    sleep_ms(300);
    read_stats(FLOW);
    /* The library's clock advances by the ticks of the kernel, of at most 10 ms. */
    CHECK(stats.plain.head.ulUpTime >= 29 && stats.plain.head.ulUpTime < 6000);
    CHECK(stats.plain.head.ulExpiryTime <= 90000 - 29);
    CHECK(stats.plain.head.ulExpiryTime > 84000);
    CHECK(stats.ex.head.ulUpTime >= stats.plain.head.ulUpTime);
    CHECK(stats.ex.head.ulExpiryTime <= stats.plain.head.ulExpiryTime);
}

/* What A answers to PRUNE_ALERT. */
static DWORD answer;

static void a_answers(const struct event *event)
{
    if (event->kind == EVENT_PRUNE)
        *event->timeout = answer;
}

static void t6_7_what_never_expires_says_0(void)
{
    MIB_IPMCAST_MFE mfe;

    two_components();
    on_event('A', a_answers);
    answer = 0xffffffff;
    CHECK_TEXT(packet("(10.0.0.5, 239.2.2.2)", 1), "to nobody");
    read_stats("(10.0.0.5, 239.2.2.2)");
    CHECK_EQ(stats.plain.head.ulExpiryTime, 0);
    CHECK_EQ(stats.ex.head.ulExpiryTime, 0);
    OK(get_mfe("(10.0.0.5, 239.2.2.2)", &mfe));
    CHECK_EQ(mfe.ulTimeOut, 0xffffffff);
}

static void t6_7_hundredths_saturate(void)
{
    two_components();
    on_event('A', a_answers);
    answer = 0x7fffffff;
    CHECK_TEXT(packet("(10.0.0.5, 239.2.2.2)", 1), "to nobody");
    read_stats("(10.0.0.5, 239.2.2.2)");
    CHECK_EQ(stats.plain.head.ulExpiryTime, 0xffffffff);
    CHECK_EQ(stats.ex.head.ulExpiryTime, 0xffffffff);
}

static void t6_8_an_mfe_tells_where_it_comes_from(void)
{
    MIB_IPMCAST_MFE mfe;

    two_components();
    route("10.0.0.0/24", 1, "0.0.0.0");
    CHECK_TEXT(packet("(10.1.0.5, 239.1.1.1)", 1), "to 2 3");
    OK(get_mfe("(10.1.0.5, 239.1.1.1)", &mfe));
    CHECK_EQ(mfe.dwGroup, ip("239.1.1.1"));
    CHECK_EQ(mfe.dwSource, ip("10.1.0.5"));
    CHECK_EQ(mfe.dwSrcMask, 0xffffffff);
    CHECK_EQ(mfe.dwUpStrmNgbr, ip("10.0.1.1"));
    CHECK_EQ(mfe.dwInIfIndex, 1);
    CHECK_EQ(mfe.dwInIfProtocol, 'A');
    CHECK_EQ(mfe.dwRouteProtocol, PROTO_IP_NETMGMT);
    CHECK_EQ(mfe.dwRouteNetwork, ip("10.0.0.0"));
    CHECK_EQ(mfe.dwRouteMask, ip("255.0.0.0"));

    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    OK(get_mfe(FLOW, &mfe));
    CHECK_EQ(mfe.dwUpStrmNgbr, 0);
    CHECK_EQ(mfe.dwRouteProtocol, PROTO_IP_LOCAL);
    CHECK_EQ(mfe.dwRouteNetwork, ip("10.0.0.0"));
    CHECK_EQ(mfe.dwRouteMask, ip("255.255.255.0"));
}

static void t6_8_all_forms_tell_the_same(void)
{
    MIB_IPMCAST_MFE mfe;

    two_components();
    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    OK(get_mfe(FLOW, &mfe));
    read_stats(FLOW);
    /* The first nine fields are the same in all three structures. */
    CHECK(memcmp(&mfe, stats.plain.bytes, 9 * sizeof(DWORD)) == 0);
    CHECK(memcmp(&mfe, stats.ex.bytes, 9 * sizeof(DWORD)) == 0);
    CHECK_EQ(mfe.ulNumOutIf, stats.plain.head.ulNumOutIf);
    CHECK_EQ(mfe.ulNumOutIf, stats.ex.head.ulNumOutIf);
}

static void t6_8_igmps_interface_has_igmps_protocol(void)
{
    HANDLE i = igmp('I');
    MIB_IPMCAST_MFE mfe;

    two_components();
    OK(take(i, 9));
    route("11.0.0.0/8", 9, "11.0.9.1");
    CHECK_TEXT(packet("(11.0.0.5, 239.1.1.1)", 9), "to 2 3");
    OK(get_mfe("(11.0.0.5, 239.1.1.1)", &mfe));
    CHECK_EQ(mfe.dwInIfProtocol, PROTO_IP_IGMP);
}

static void t6_8_negative_mfes_are_there_too(void)
{
    two_components();
    CHECK_TEXT(packet("(10.0.0.5, 239.2.2.2)", 1), "to nobody");
    read_stats("(10.0.0.5, 239.2.2.2)");
    CHECK_EQ(stats.plain.head.ulNumOutIf, 0);
    CHECK_EQ(stats.ex.head.ulNumOutIf, 0);
    EXPECT_MFES("(10.0.0.5, 239.2.2.2) in 1 from 10.0.1.1 out");
}

static void t6_6_other_forms_do_not_exist(void)
{
    static const DWORD flags[] = {0, 3, 4, 5, 0x80000000, 0xffffffff};
    MIB_IPMCAST_MFE query = named(FLOW);
    BYTE buffer[200], untouched[200];
    DWORD size = sizeof(buffer), count = 77;

    two_components();
    CHECK_TEXT(packet(FLOW, 1), "to 2 3");
    memset(buffer, 0xa5, sizeof(buffer));
    memset(untouched, 0xa5, sizeof(untouched));
    for (size_t n = 0; n < sizeof(flags) / sizeof(*flags); n++) {
        REFUSED(MgmGetMfeStats(&query, &size, buffer, flags[n]), ERROR_INVALID_PARAMETER);
        REFUSED(MgmGetFirstMfeStats(&size, buffer, &count, flags[n]), ERROR_INVALID_PARAMETER);
        REFUSED(MgmGetNextMfeStats(&query, &size, buffer, &count, flags[n]),
                ERROR_INVALID_PARAMETER);
    }
    CHECK_EQ(size, sizeof(buffer));
    CHECK_EQ(count, 77);
    CHECK(memcmp(buffer, untouched, sizeof(buffer)) == 0);
}

/* A's answers alternate while another thread reads. */
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

        if (get_mfe(FLOW, &head) != NO_ERROR) {
            CHECK(!"the MFE was always there");
            return;
        }
        /* Both are rounded down, so their sum may be one second too small. */
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

    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(b, 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    on_event('A', change_time_out);
    next_time_out = 900;
    CHECK_TEXT(packet(FLOW, 1), "to nobody");
    gate_shut(&done);
    reader = thread_start(read_and_compare, &reads);
    for (size_t n = 0; n < scaled(2000); n++) {
        next_time_out = n % 2 ? 40 : 5000;
        OK(join(b, "(*, 239.1.1.1)", 2));
        OK(leave(b, "(*, 239.1.1.1)", 2));
    }
    gate_open(&done);
    thread_join(reader);
    CHECK(reads > 0);
    forget_log();
}

TEST_MAIN(
    CASE(t6_7_packets_and_octets_are_counted),
    CASE(t6_7_times_are_seconds_in_an_mfe),
    CASE(t6_7_times_are_hundredths_in_statistics),
    CASE(t6_7_what_never_expires_says_0),
    CASE(t6_7_hundredths_saturate),
    CASE(t6_8_an_mfe_tells_where_it_comes_from),
    CASE(t6_8_all_forms_tell_the_same),
    CASE(t6_8_igmps_interface_has_igmps_protocol),
    CASE(t6_8_negative_mfes_are_there_too),
    CASE(t6_6_other_forms_do_not_exist),
    CASE(t6_7_timers_change_under_a_reader))
