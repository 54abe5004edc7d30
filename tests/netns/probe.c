/*
 * probe.c - how long the first datagram of a new flow takes through a router.
 *
 *     probe FROM SOURCE TO GROUP FLOWS PAUSE ROUTER
 *
 * FROM and TO are the network namespaces of a source and of a receiver, each with the interface
 * eth0. Sends one datagram to each of FLOWS consecutive groups, the first of which is GROUP, and
 * waits until it has come through, before the next one follows after PAUSE microseconds. A
 * datagram that does not come through within 100 ms is sent again, because a flood on another
 * link fills the kernel's own queues, too. Prints a line for each flow: the microseconds from the
 * last sending to the arrival, which the kernel notes; how often it was sent; the microseconds by
 * which this program woke up too late from its pause; and the microseconds of processor time that
 * the process ROUTER took meanwhile. The last two tell whether the router or a busy machine is slow.
 */
#define _GNU_SOURCE /* setns */

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

enum { TRIES = 100, WAIT_MS = 100 };

/* The processor time of the router. */
static clockid_t router;

static int64_t micros(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

/* A packet socket on eth0 of a network namespace, or -1. */
static int open_in(const char *space)
{
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
    char path[256];
    int one = 1, fd = -1;

    snprintf(path, sizeof path, "/var/run/netns/%s", space);
    int there = open(path, O_RDONLY | O_CLOEXEC);

    if (there >= 0 && setns(there, CLONE_NEWNET) == 0) {
        link.sll_ifindex = (int)if_nametoindex("eth0");
        fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof one) != 0 ||
                        bind(fd, (struct sockaddr *)&link, sizeof link) != 0)) {
            close(fd);
            fd = -1;
        }
    }
    if (fd < 0)
        perror(space);
    if (there >= 0)
        close(there);
    return fd;
}

/* When a datagram to the group arrived, in microseconds; -1 if there is none any more. */
static int64_t received(int fd, uint32_t group)
{
    for (;;) {
        struct frame frame;
        struct iovec part = {&frame, sizeof frame};
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(struct timeval))];
        } control;
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                                 .msg_controllen = sizeof control};
        ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);

        if (size < 0)
            return -1;
        struct cmsghdr *note = CMSG_FIRSTHDR(&message);

        if (size < (ssize_t)sizeof frame || frame.ip.daddr != htonl(group) || !note ||
            note->cmsg_type != SCM_TIMESTAMP)
            continue;
        struct timeval time;

        memcpy(&time, CMSG_DATA(note), sizeof time);
        return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
    }
}

/* Sends until the datagram comes through. False if it never does. */
static int probe(int out, int in, uint32_t source, uint32_t group, long late)
{
    struct frame frame;

    fill(&frame, source, group);
    for (int sent = 1; sent <= TRIES; sent++) {
        int64_t begin = micros(CLOCK_REALTIME), end = micros(CLOCK_MONOTONIC) + WAIT_MS * 1000;
        int64_t work = micros(router);

        if (send(out, &frame, sizeof frame, 0) < 0 && errno != ENOBUFS) {
            perror("send");
            return 0;
        }
        for (int64_t left = WAIT_MS; left > 0; left = (end - micros(CLOCK_MONOTONIC)) / 1000) {
            struct pollfd wait = {.fd = in, .events = POLLIN};

            poll(&wait, 1, (int)left);
            int64_t arrived = received(in, group);

            if (arrived >= 0) {
                printf("%lld %d %ld %lld\n", (long long)(arrived - begin), sent, late,
                       (long long)(micros(router) - work));
                fflush(stdout);
                return 1;
            }
        }
    }
    fprintf(stderr, "nothing has come through after %d datagrams\n", TRIES);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: %s FROM SOURCE TO GROUP FLOWS PAUSE ROUTER\n", argv[0]);
        return 2;
    }
    if (clock_getcpuclockid((pid_t)strtol(argv[7], NULL, 0), &router) != 0) {
        fprintf(stderr, "no process %s\n", argv[7]);
        return 1;
    }
    int out = open_in(argv[1]), in = open_in(argv[3]);
    uint32_t source = ntohl(inet_addr(argv[2])), group = ntohl(inet_addr(argv[4]));
    uint32_t flows = (uint32_t)strtoul(argv[5], NULL, 0);
    long pause = strtol(argv[6], NULL, 0);

    if (out < 0 || in < 0)
        return 1;
    for (uint32_t i = 0; i < flows; i++) {
        struct timespec time = {.tv_sec = pause / 1000000, .tv_nsec = pause % 1000000 * 1000};
        int64_t begin = micros(CLOCK_MONOTONIC);

        clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
        long late = (long)(micros(CLOCK_MONOTONIC) - begin - pause);

        if (!probe(out, in, source, group + i, late))
            return 1;
    }
    return 0;
}
