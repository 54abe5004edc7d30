/* Large numbers of clients, handles and threads: rules 1.2, 7.3 and 8.6 of the semantics. */

#include "router.h"
#include "threads.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client that only counts its callbacks. */
static atomic_size_t heard;

static DWORD count_join(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)member;
    heard++;
    return 0;
}

static DWORD count_prune(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD next_hop,
                         BOOL member, PDWORD timeout)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)index, (void)next_hop, (void)member;
    (void)timeout;
    heard++;
    return 0;
}

static ROUTING_PROTOCOL_CONFIG counting(void)
{
    ROUTING_PROTOCOL_CONFIG config;

    memset(&config, 0, sizeof(config));
    config.pfnJoinAlertCallback = count_join;
    config.pfnPruneAlertCallback = count_prune;
    return config;
}

static void t1_2_ten_thousand_clients(void)
{
    size_t crowd = scaled(10000), failures = 0;
    HANDLE *clients = calloc(crowd, sizeof(*clients));
    ROUTING_PROTOCOL_CONFIG config = counting();
    HANDLE a = protocol('A');

    heard = 0;
    for (size_t n = 0; n < crowd; n++)
        failures += MgmRegisterMProtocol(&config, 0x10000, (DWORD)n, &clients[n]) != NO_ERROR;
    CHECK_EQ(failures, 0);
    CHECK_CODE(MgmRegisterMProtocol(&config, 0x10000, (DWORD)crowd / 2, &clients[0]),
               ERROR_ALREADY_EXISTS);

    OK(take(a, 1));
    /* A call makes 1,024 of the callbacks that it causes; workers make the others (8.3). */
    OK(join(a, "(*, 239.1.1.1)", 1));
    CHECK(heard >= (crowd < 1024 ? crowd : 1024));
    SOON(heard == crowd);
    OK(leave(a, "(*, 239.1.1.1)", 1));
    SOON(heard == 2 * crowd);

    for (size_t n = 0; n < crowd; n++)
        failures += quit(clients[n]) != NO_ERROR;
    CHECK_EQ(failures, 0);
    OK(join(a, "(*, 239.1.1.1)", 1));
    CHECK_EQ(heard, 2 * crowd);
    free(clients);
}

static void t7_3_ten_thousand_enumerations(void)
{
    size_t crowd = scaled(10000), failures = 0;
    HANDLE *groups = calloc(crowd, sizeof(*groups)), a = protocol('A');
    SOURCE_GROUP_ENTRY entry;
    DWORD size = sizeof(entry), count;

    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.2)", 1));
    for (size_t n = 0; n < crowd; n++)
        failures += MgmGroupEnumerationStart(a, ALL_SOURCES, &groups[n]) != NO_ERROR;
    for (size_t n = 0; n < crowd; n++)
        failures += MgmGroupEnumerationGetNext(groups[n], &size, (PBYTE)&entry, &count) !=
                    ERROR_MORE_DATA;
    for (size_t n = 0; n < crowd; n += 2)
        failures += MgmGroupEnumerationEnd(groups[n]) != NO_ERROR;
    CHECK_EQ(failures, 0);

    /* A client that deregisters without ending its enumerations leaves nothing behind. */
    OK(release(a, 1));
    OK(quit(a));
    for (size_t n = 1; n < crowd; n += 2)
        failures += MgmGroupEnumerationEnd(groups[n]) != ERROR_INVALID_PARAMETER;
    CHECK_EQ(failures, 0);
    free(groups);
}

static void t6_3_ten_thousand_mfes(void)
{
    size_t crowd = scaled(10000), failures = 0, seen = 0;
    HANDLE a = protocol('A'), b = protocol('B');
    BYTE *table = malloc(1000 * SIZEOF_MIB_MFE(1));
    MIB_IPMCAST_MFE last;
    char text[40];
    DWORD code;

    OK(take(a, 1));
    OK(take(b, 2));
    OK(join(b, "(*, *)", 2));
    route("10.0.0.0/8", 1, "10.0.1.1");
    for (size_t n = 0; n < crowd; n++) {
        snprintf(text, sizeof(text), "(10.0.%u.%u, 239.1.1.1)", (unsigned)(n >> 8 & 0xff),
                 (unsigned)(n & 0xff));
        failures += packet_out_count(text, 1) != 1;
    }
    CHECK_EQ(failures, 0);

    memset(&last, 0, sizeof(last));
    do {
        DWORD size = 1000 * (DWORD)SIZEOF_MIB_MFE(1), count = 0;

        code = MgmGetNextMfe(&last, &size, table, &count);
        seen += count;
        if (count > 0)
            memcpy(&last, table + (count - 1) * SIZEOF_MIB_MFE(1), SIZEOF_BASIC_MIB_MFE);
    } while (code == ERROR_MORE_DATA);
    CHECK_CODE(code, ERROR_NO_MORE_ITEMS);
    CHECK_EQ(seen, crowd);

    forget_log();
    OK(release(b, 2));
    CHECK_EQ(log_count("A prune (*, *) member on 2"), 1);
    /* If more callbacks wait than the queue holds, the client is told the present state later
     * (8.9). */
    SOON(log_count("A prune (10.0.") == crowd);
    OK(release(a, 1));
    EXPECT_NO_MFES();
    free(table);
}

/* One of the threads of t8_6, with its own client and interface. All its calls run at the same time
 * as those of the other threads. */
struct worker {
    unsigned number;
    struct gate *stop;
    struct thread *thread;
};

static void look_around(HANDLE client)
{
    BYTE buffer[2048];
    DWORD size = sizeof(buffer), count = 0, code;
    HANDLE groups = NULL;

    code = MgmGetFirstMfeStats(&size, buffer, &count, MGM_MFE_STATS_1);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationStart(client, ANY_SOURCE, &groups));
    code = MgmGroupEnumerationGetNext(groups, &size, buffer, &count);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationEnd(groups));
}

static void work(void *argument)
{
    struct worker *worker = argument;
    ROUTING_PROTOCOL_CONFIG config = counting();
    DWORD index = 10 + worker->number;
    char flow[40];

    for (unsigned n = 0; !gate_wait(worker->stop, 0); n++) {
        HANDLE client = NULL;
        DWORD code;

        OK(MgmRegisterMProtocol(&config, worker->number, 1, &client));
        OK(take(client, index));
        /* A group that all clients join. */
        code = take(client, 50);
        snprintf(flow, sizeof(flow), "(10.0.0.%u, 239.1.1.%u)", n % 5 + 1, n % 3);
        OK(join(client, flow, index));
        OK(join(client, "(*, 239.1.1.1)", index));
        OK(join(client, "(*, *)", index));
        packet(flow, 1);
        packet(flow, index);
        OK(forward_off(client, flow, index));
        look_around(client);
        OK(leave(client, "(*, *)", index));
        if (code == NO_ERROR)
            OK(release(client, 50));
        OK(release(client, index));
        OK(quit(client));
    }
}

static void t8_6_everybody_at_once(void)
{
    struct gate stop = GATE_INITIALIZER;
    struct worker workers[4];
    HANDLE a = protocol('A'), i = igmp('I');

    route("10.0.0.0/8", 1, "10.0.1.1");
    OK(take(a, 1));
    OK(take(i, 1));
    for (unsigned n = 0; n < 4; n++) {
        workers[n].number = 100 + n;
        workers[n].stop = &stop;
        workers[n].thread = thread_start(work, &workers[n]);
    }
    for (unsigned n = 0; n < 50; n++) {
        route("10.0.0.4/32", n % 2 ? 1 : 110, "10.0.1.2");
        OK(join(i, "(*, 239.1.1.2)", 1));
        OK(leave(i, "(*, 239.1.1.2)", 1));
        sleep_ms(10);
    }
    gate_open(&stop);
    for (unsigned n = 0; n < 4; n++)
        thread_join(workers[n].thread);

    /* In the end the state is the same as at the start. */
    EXPECT_NO_GROUPS(ALL_SOURCES);
    CHECK_TEXT(owner_of(1), "A");
    OK(release(i, 1));
    OK(release(a, 1));
    EXPECT_NO_MFES();
}

TEST_MAIN(
    CASE(t1_2_ten_thousand_clients),
    CASE(t7_3_ten_thousand_enumerations),
    CASE(t6_3_ten_thousand_mfes),
    CASE(t8_6_everybody_at_once))
