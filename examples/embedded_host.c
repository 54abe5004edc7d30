/*
 * embedded_host.c - the example protocol with the memory forwarder.
 *
 * This program needs no kernel support, no privileges and no network. It passes routes and
 * packets to the library with the functions of mgmhost.h. The library keeps its forwarding
 * table in memory, and returns the outgoing interfaces of each packet. A data plane in user
 * space, a simulator or a test can use the library in this way. protocol.c is the same file
 * that module/module.c runs in mgmd.
 *
 *     cc embedded_host.c protocol.c igmp.c -lmgm
 *
 * The exit status is 0 if every packet was forwarded as expected.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, which C11 lacks */

#include "igmp.h"
#include "protocol.h"

#include <mgmhost.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The interfaces. With the memory forwarder the host chooses the numbers. */
enum { TO_SOURCE = 1, TO_RECEIVER = 2 };

enum { PACKETS = 20, PACKET_SIZE = 44 };

static int failures;

static void step(const char *text)
{
    printf("\n%s\n", text);
}

static void expect(const char *what, bool true_now)
{
    printf("%-12s %s\n", true_now ? "ok" : "FAILED", what);
    failures += !true_now;
}

static DWORD address(const char *text)
{
    struct in_addr in = {0};

    inet_pton(AF_INET, text, &in);
    return in.s_addr;
}

/* A directly connected network of 256 addresses. */
static DWORD connect_network(const char *network, DWORD index)
{
    return MgmHostAddRoute(address(network), address("255.255.255.0"), index, 0, 0, 0);
}

/*
 * Passes a packet to the library, which returns where to forward it. The library reads only
 * the TTL of the header, and passes the header to the callbacks. Returns the number of
 * outgoing interfaces, or -1 if the packet arrived on the wrong interface.
 */
static int packet_in(const char *source, const char *group, DWORD index, DWORD *out)
{
    BYTE header[20] = {0x45, 0, 0, PACKET_SIZE, 0, 0, 0, 0, 16, 17};
    DWORD from = address(source), to = address(group), code;
    MGMHOST_OIF oifs[8];
    DWORD count = 8;
    BOOL accepted = FALSE;

    memcpy(header + 12, &from, 4);
    memcpy(header + 16, &to, 4);
    code = MgmHostPacketIn(from, to, index, 0, sizeof header, header, PACKET_SIZE, &accepted,
                           &count, oifs);
    if (code != NO_ERROR) {
        printf("%-12s packet in: code %u\n", "ERROR", (unsigned)code);
        failures++;
        return -1;
    }
    if (!accepted)
        return -1;
    if (count > 0)
        *out = oifs[0].dwIfIndex;
    return (int)count;
}

/* A host on the receiver's link sends an IGMPv3 report. */
static void report(enum igmp_record type, const char *group)
{
    uint8_t message[20];
    size_t length = igmp_write_report(message, type, 0, address(group));

    protocol_hear(TO_RECEIVER, address("10.2.0.2"), message, length);
}

static double microseconds_since(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e6 +
           (double)(now.tv_nsec - start->tv_nsec) / 1e3;
}

static void stream(const char *source, const char *group)
{
    struct timespec start;
    DWORD out = 0;
    int forwarded = 0;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < PACKETS; i++) {
        forwarded += packet_in(source, group, TO_SOURCE, &out) == 1 && out == TO_RECEIVER;
        if (i == 0)
            printf("%-12s the first packet was decided in %.0f us, callbacks included\n", "host",
                   microseconds_since(&start));
    }
    printf("%-12s %d of %d packets forwarded\n", "host", forwarded, PACKETS);
    expect("every packet went out to the receiver, the first one too", forwarded == PACKETS);
}

int main(void)
{
    const char *source = "10.1.0.2", *group = "239.1.2.3";
    MGMHOST_CONFIG config = {.dwSize = sizeof config, .dwForwarder = MGMHOST_FORWARDER_MEMORY};
    DWORD out = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    step("1. The host starts the library and adds its routes; a protocol registers");
    expect("the library runs, with the memory forwarder", MgmHostStart(&config) == NO_ERROR);
    expect("routes to both networks", connect_network("10.1.0.0", TO_SOURCE) == NO_ERROR &&
                                          connect_network("10.2.0.0", TO_RECEIVER) == NO_ERROR);
    expect("the protocol serves both interfaces",
           protocol_start(1, "", true) == NO_ERROR &&
               protocol_take(TO_SOURCE, "to-source") == NO_ERROR &&
               protocol_take(TO_RECEIVER, "to-receiver") == NO_ERROR);

    step("2. A receiver reports that it wants the group");
    report(IGMP_CHANGE_TO_EXCLUDE, group);

    step("3. A stream arrives from the source");
    stream(source, group);

    step("4. One packet of the same source arrives on the other interface");
    expect("it is refused", packet_in(source, group, TO_RECEIVER, &out) == -1);

    step("5. The MFEs and the groups");
    protocol_print_mfes();
    protocol_print_groups();

    step("6. The receiver leaves");
    report(IGMP_CHANGE_TO_INCLUDE, group);
    expect("the next packet is not forwarded", packet_in(source, group, TO_SOURCE, &out) == 0);

    step("7. Everything is released");
    expect("the protocol has deregistered", protocol_stop() == NO_ERROR);
    expect("packets are refused", packet_in(source, group, TO_SOURCE, &out) == -1);
    expect("the library has stopped", MgmHostStop() == NO_ERROR);
    return failures == 0 ? 0 : 1;
}
