/*
 * burst.c - one datagram for each flow, as fast as the link carries them.
 *
 *     burst INTERFACE SOURCE SOURCES GROUP GROUPS [RATE [ROUNDS]]
 *
 * SOURCE and GROUP are the first of SOURCES and GROUPS consecutive addresses. All groups of one
 * source are sent before those of the next. RATE is in datagrams per second, 0 for no limit.
 * Everything is sent ROUNDS times. Prints the times of the first and after the last datagram, in
 * nanoseconds of CLOCK_MONOTONIC.
 *
 * The frames are sent with a packet socket, which bypasses routing and queueing.
 */
#define _GNU_SOURCE /* sendmmsg */

#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "frame.h"

enum { BATCH = 32 };

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void sleep_until(uint64_t when)
{
    struct timespec time = {.tv_sec = (time_t)(when / 1000000000u),
                            .tv_nsec = (long)(when % 1000000000u)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

int main(int argc, char **argv)
{
    static struct frame frames[BATCH];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_halen = ETH_ALEN};
    int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);

    if (argc < 6) {
        fprintf(stderr, "usage: %s INTERFACE SOURCE SOURCES GROUP GROUPS [RATE [ROUNDS]]\n", argv[0]);
        return 2;
    }
    uint32_t source = ntohl(inet_addr(argv[2])), group = ntohl(inet_addr(argv[4]));
    uint64_t sources = strtoul(argv[3], NULL, 0), groups = strtoul(argv[5], NULL, 0);
    uint64_t rate = argc > 6 ? strtoul(argv[6], NULL, 0) : 0;
    uint64_t count = sources * groups, rounds = argc > 7 ? strtoul(argv[7], NULL, 0) : 1;

    link.sll_ifindex = (int)if_nametoindex(argv[1]);
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&link, sizeof link) != 0) {
        perror(argv[1]);
        return 1;
    }
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){&frames[i], sizeof frames[i]};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }

    uint64_t begin = now();

    for (uint64_t sent = 0; sent < count * rounds;) {
        uint64_t left = count * rounds - sent;
        unsigned batch = left < BATCH ? (unsigned)left : BATCH;

        for (unsigned i = 0; i < batch; i++) {
            uint64_t number = (sent + i) % count;

            fill(&frames[i], source + (uint32_t)(number / groups), group + (uint32_t)(number % groups));
        }
        if (rate)
            sleep_until(begin + sent * 1000000000u / rate);
        for (unsigned done = 0; done < batch;) {
            int result = sendmmsg(fd, messages + done, batch - done, 0);

            if (result < 0) {
                perror("sendmmsg");
                return 1;
            }
            done += (unsigned)result;
        }
        sent += batch;
    }
    printf("%llu %llu\n", (unsigned long long)begin, (unsigned long long)now());
    return 0;
}
