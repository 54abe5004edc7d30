/*
 * answer.c - the least that a multicast routing daemon can be: a loop that
 * answers every upcall with the same entry.
 *
 *     answer UPSTREAM DOWNSTREAM ORDER
 *
 * ORDER is "oldest" or "newest": the upcall that is answered first. What a daemon
 * takes beyond this is its own. It has the largest buffer that anybody would want
 * and reads many upcalls at a time, as the daemons may.
 */
#define _GNU_SOURCE /* recvmmsg */

#include <netinet/in.h> /* before the kernel's headers, which then leave out the same */

#include <errno.h>
#include <linux/mroute.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BATCH = 128,         /* upcalls that are read at a time */
    CHUNK = 128,         /* and answered, before the next look at the socket */
    WAITING = 1 << 20,   /* upcalls that can wait */
    BUFFER = 64 << 20
};

/* Upcalls that wait for their answer: taken at either end. */
static struct igmpmsg waiting[WAITING];
static size_t oldest, newest;

static int set(int fd, int option, const void *value, socklen_t size)
{
    int result = setsockopt(fd, IPPROTO_IP, option, value, size);

    if (result != 0)
        perror("multicast routing");
    return result;
}

/* Reads all that there is; waits for some if none is waiting. */
static int take_in(int fd)
{
    static struct igmpmsg upcalls[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    int count;

    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){&upcalls[i], sizeof upcalls[i]};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    do {
        int flags = oldest < newest ? MSG_DONTWAIT : MSG_WAITFORONE;

        count = recvmmsg(fd, messages, BATCH, flags, NULL);
        if (count < 0)
            return errno == EAGAIN ? 0 : -1;
        for (int i = 0; i < count; i++)
            if (messages[i].msg_len >= sizeof upcalls[i] && upcalls[i].im_mbz == 0 &&
                upcalls[i].im_msgtype == IGMPMSG_NOCACHE && newest < WAITING)
                waiting[newest++] = upcalls[i];
    } while (count == BATCH);
    return 0;
}

static int answer(int fd, bool newest_first)
{
    for (int i = 0; i < CHUNK && oldest < newest; i++) {
        const struct igmpmsg *upcall = &waiting[newest_first ? --newest : oldest++];
        struct mfcctl entry = {.mfcc_origin = upcall->im_src, .mfcc_mcastgrp = upcall->im_dst};

        entry.mfcc_ttls[1] = 1;
        if (set(fd, MRT_ADD_MFC, &entry, sizeof entry) != 0)
            return -1;
    }
    if (oldest == newest)
        oldest = newest = 0;
    return 0;
}

int main(int argc, char **argv)
{
    int one = 1, room = BUFFER, fd = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP);

    if (argc != 4 || fd < 0 || set(fd, MRT_INIT, &one, sizeof one) != 0)
        return 1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        perror("SO_RCVBUFFORCE");
    for (int i = 0; i < 2; i++) {
        struct vifctl vif = {.vifc_vifi = (vifi_t)i, .vifc_flags = VIFF_USE_IFINDEX};

        vif.vifc_lcl_ifindex = (int)if_nametoindex(argv[1 + i]);
        if (set(fd, MRT_ADD_VIF, &vif, sizeof vif) != 0)
            return 1;
    }
    while (take_in(fd) == 0 && answer(fd, strcmp(argv[3], "newest") == 0) == 0)
        ;
    perror("answering upcalls");
    return 1;
}
