/*
 * igmp_router.c - the example protocol as a router daemon on Linux.
 *
 *     igmp_router [--igmp] [--interval SECONDS] INTERFACE INTERFACE...
 *
 * Receives the reports of hosts on its links (IGMPv1, v2 and v3); the kernel forwards the
 * packets. protocol.c makes all calls of the library; this file contains sockets, signals and
 * commands. The example uses only mgm.h. MGM_FORWARDER selects how packets are forwarded.
 *
 *     --igmp          a second client, IGMP, adds the memberships, and the protocol gets
 *                     LOCAL_JOIN and LOCAL_LEAVE
 *     --interval      time between two general queries, 1 to 127; 125 by default
 *
 * Commands on standard input: mfes, groups, quit. SIGUSR1 prints both tables. SIGINT and
 * SIGTERM end the program, which then releases everything.
 *
 *     cc igmp_router.c protocol.c igmp.c -lmgm
 */
#define _GNU_SOURCE /* struct packet_mreq, signalfd */

#include "igmp.h"
#include "protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MAX_LINKS = 32, SIGNALS = MAX_LINKS, COMMANDS, CLOCK, WATCHED };

/* Precedence of IGMP: internetwork control (RFC 3376, section 4). */
enum { IGMP_TOS = 0xc0 };

/* Seconds between two general queries. */
static int interval = 125;

/* A link that the router serves, with the socket for its IGMP messages. */
struct link {
    const char *name;
    DWORD index;
};

/*
 * Opens a socket that receives the IGMP messages of one link.
 *
 * A raw IGMP socket is not enough. Reports are sent to the group or to 224.0.0.22, or have the
 * Router Alert option, and a kernel that routes multicast passes them to the socket of the
 * routing daemon. A packet socket receives everything. The filter accepts only IGMP, so that
 * streams do not wake the program.
 */
static int hear_link(const struct link *link)
{
    struct sock_filter igmp_only[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* the IP header's protocol */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IGMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog filter = {.len = 4, .filter = igmp_only};
    struct sockaddr_ll here = {.sll_family = AF_PACKET,
                               .sll_protocol = htons(ETH_P_IP),
                               .sll_ifindex = (int)link->index};
    /* Version 2 reports are sent to the group, so the interface must receive all groups. */
    struct packet_mreq all = {.mr_ifindex = (int)link->index, .mr_type = PACKET_MR_ALLMULTI};
    /* Protocol 0 receives nothing until the filter is set and bind names the protocol. */
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ||
         setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0 ||
         bind(fd, (struct sockaddr *)&here, sizeof here) != 0)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        fprintf(stderr, "%s: cannot listen to IGMP: %s\n", link->name, strerror(errno));
    return fd;
}

/* Reads one packet, and passes its IGMP message to the protocol. */
static void hear_packet(int fd, const struct link *link, void (*left)(DWORD, uint32_t))
{
    uint8_t packet[2048];
    struct sockaddr_ll from;
    socklen_t from_size = sizeof from;
    ssize_t length = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &from_size);
    struct iphdr ip;

    if (length < (ssize_t)sizeof ip || from.sll_pkttype == PACKET_OUTGOING)
        return; /* the socket also receives this router's queries */
    memcpy(&ip, packet, sizeof ip);

    size_t header = ip.ihl * 4u, total = ntohs(ip.tot_len);

    /* Short frames are padded, so use the length in the IP header. */
    if (header < sizeof ip || total < header || total > (size_t)length)
        return;
    protocol_hear(link->index, ip.saddr, packet + header, total - header, left);
}

/* Sends a query to all hosts of a link (group 0), or to the members of one group. */
static void query(DWORD index, uint32_t group)
{
    static const uint8_t router_alert[4] = {148, 4, 0, 0}; /* RFC 3376, section 4 */
    uint8_t message[12];
    struct ip_mreqn by = {.imr_ifindex = (int)index};
    struct sockaddr_in to = {.sin_family = AF_INET};
    size_t length = igmp_write_query(message, group, group ? 1 : 10, (uint8_t)interval);
    int no = 0, tos = IGMP_TOS, fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IGMP);

    to.sin_addr.s_addr = group ? group : htonl(INADDR_ALLHOSTS_GROUP);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &no, sizeof no) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_OPTIONS, router_alert, sizeof router_alert) != 0 ||
        sendto(fd, message, length, 0, (struct sockaddr *)&to, sizeof to) < 0)
        fprintf(stderr, "cannot send an IGMP query: %s\n", strerror(errno));
    if (fd >= 0)
        close(fd);
}

/*
 * A host has left, and the membership was deleted at once. If the link has another member, its
 * answer to this query adds the membership again.
 */
static void ask_who_else(DWORD index, uint32_t group)
{
    query(index, group);
}

/* Executes one command. Returns false if the program must end. */
static bool obey(const char *command)
{
    if (strcmp(command, "mfes") == 0)
        protocol_print_mfes();
    else if (strcmp(command, "groups") == 0)
        protocol_print_groups();
    else if (strcmp(command, "quit") == 0)
        return false;
    else
        fprintf(stderr, "commands: mfes, groups, quit\n");
    return true;
}

/* Executes the commands on standard input. Sets *open to false at its end. */
static bool obey_input(bool *open)
{
    static char buffer[256];
    static size_t used;
    ssize_t got = read(STDIN_FILENO, buffer + used, sizeof buffer - used);
    char *line = buffer, *end;

    *open = got > 0;
    used += got > 0 ? (size_t)got : 0;
    while ((end = memchr(line, '\n', used - (size_t)(line - buffer))) != NULL) {
        *end = '\0';
        if (!obey(line))
            return false;
        line = end + 1;
    }
    used -= (size_t)(line - buffer);
    memmove(buffer, line, used);
    if (used == sizeof buffer)
        used = 0; /* the line is too long for a command */
    return true;
}

/* Handles a signal. Returns false if the program must end. */
static bool obey_signal(int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != sizeof info)
        return true;
    if (info.ssi_signo != SIGUSR1)
        return false;
    protocol_print_mfes();
    protocol_print_groups();
    return true;
}

/*
 * Sends general queries on all links. Hosts that joined before this program started report
 * again only when asked. Later the answers keep the state of switches alive.
 */
static void query_all(const struct link *links, size_t count)
{
    for (size_t i = 0; i < count; i++)
        query(links[i].index, 0);
}

static void serve(const struct link *links, size_t count, struct pollfd *watched)
{
    for (;;) {
        if (poll(watched, WATCHED, -1) < 0 && errno != EINTR)
            return;
        if (watched[CLOCK].revents) {
            uint64_t times;

            if (read(watched[CLOCK].fd, &times, sizeof times) == sizeof times)
                query_all(links, count);
        }
        for (size_t i = 0; i < count; i++)
            if (watched[i].revents & POLLIN)
                hear_packet(watched[i].fd, &links[i], ask_who_else);
        if (watched[SIGNALS].revents && !obey_signal(watched[SIGNALS].fd))
            return;
        if (watched[COMMANDS].revents) {
            bool open;

            if (!obey_input(&open))
                return;
            if (!open)
                watched[COMMANDS].fd = -1; /* a daemon continues without commands */
        }
    }
}

/* Takes all links, and opens their sockets. */
static bool take_links(struct link *links, size_t count, struct pollfd *watched)
{
    for (size_t i = 0; i < count; i++) {
        links[i].index = if_nametoindex(links[i].name);
        if (links[i].index == 0) {
            fprintf(stderr, "%s: no such interface\n", links[i].name);
            return false;
        }
        watched[i].fd = hear_link(&links[i]);
        if (watched[i].fd < 0 || protocol_take(links[i].index, links[i].name) != NO_ERROR)
            return false;
    }
    query_all(links, count);
    return true;
}

/* A descriptor that becomes readable when a general query is due. */
static int start_clock(void)
{
    struct itimerspec every = {.it_value.tv_sec = interval, .it_interval.tv_sec = interval};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

    if (fd >= 0)
        timerfd_settime(fd, 0, &every, NULL);
    return fd;
}

static bool read_options(char ***names, bool *igmp_too)
{
    char **at = *names;

    for (; *at && strncmp(*at, "--", 2) == 0; at++) {
        if (strcmp(*at, "--igmp") == 0)
            *igmp_too = true;
        else if (strcmp(*at, "--interval") == 0 && at[1])
            interval = atoi(*++at);
        else
            return false;
    }
    *names = at;
    return interval >= 1 && interval <= 127; /* greater values have another encoding */
}

int main(int argc, char **argv)
{
    char **names = argv + 1;
    bool igmp_too = false, good = read_options(&names, &igmp_too);
    size_t count = (size_t)(argv + argc - names);
    struct link links[MAX_LINKS];
    struct pollfd watched[WATCHED];
    sigset_t signals;

    if (!good || count < 2 || count > MAX_LINKS || names[0][0] == '-') {
        fprintf(stderr, "usage: %s [--igmp] [--interval SECONDS] INTERFACE INTERFACE...\n",
                argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++)
        links[i].name = names[i];
    for (size_t i = 0; i < WATCHED; i++)
        watched[i] = (struct pollfd){.fd = -1, .events = POLLIN};

    /* Block the signals before the library starts its threads, which inherit that. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    watched[SIGNALS].fd = signalfd(-1, &signals, SFD_CLOEXEC);
    watched[COMMANDS].fd = STDIN_FILENO;
    watched[CLOCK].fd = start_clock();

    good = protocol_start(1, "", igmp_too) == NO_ERROR && take_links(links, count, watched);
    if (good) {
        printf("%-12s commands: mfes, groups, quit\n", "serving");
        serve(links, count, watched);
    }
    if (protocol_stop() != NO_ERROR)
        good = false;
    return good ? 0 : 1;
}
