/*
 * answer.c - the least that a multicast routing daemon can be: a loop that
 * answers every upcall with the same entry.
 *
 *     answer UPSTREAM DOWNSTREAM
 *
 * What a daemon takes beyond this is its own. It has the largest buffer that
 * anybody would want and reads many upcalls at a time, as the daemons may.
 */
#define _GNU_SOURCE /* recvmmsg */

#include <netinet/in.h> /* before the kernel's headers, which then leave out the same */

#include <linux/mroute.h>
#include <net/if.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 128, CHUNK = 128, BUFFER = 64 << 20 };

static int set(int fd, int option, const void *value, socklen_t size)
{
    int result = setsockopt(fd, IPPROTO_IP, option, value, size);

    if (result != 0)
        perror("multicast routing");
    return result;
}

int main(int argc, char **argv)
{
    static struct igmpmsg upcalls[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    int one = 1, room = BUFFER, fd = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP);

    if (argc != 3 || fd < 0 || set(fd, MRT_INIT, &one, sizeof one) != 0)
        return 1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        perror("SO_RCVBUFFORCE");
    for (int i = 0; i < 2; i++) {
        struct vifctl vif = {.vifc_vifi = (vifi_t)i, .vifc_flags = VIFF_USE_IFINDEX};

        vif.vifc_lcl_ifindex = (int)if_nametoindex(argv[1 + i]);
        if (set(fd, MRT_ADD_VIF, &vif, sizeof vif) != 0)
            return 1;
    }
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){&upcalls[i], sizeof upcalls[i]};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    puts("ready");
    fflush(stdout);
    static struct igmpmsg stack[1 << 20];
    size_t waiting = 0;
    for (;;) {
        int count;
        do {
        count = recvmmsg(fd, messages, BATCH, waiting ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);

        if (count < 0 && errno != EAGAIN) {
            perror("recvmmsg");
            return 1;
        }
        for (int i = 0; i < count; i++) {
            const struct igmpmsg *upcall = &upcalls[i];
            if (messages[i].msg_len < sizeof *upcall || upcall->im_mbz != 0 ||
                upcall->im_msgtype != IGMPMSG_NOCACHE)
                continue;
            stack[waiting++] = *upcall;
        }
        } while (count == BATCH);
        for (int i = 0; waiting && i < CHUNK; i++) {
            const struct igmpmsg *upcall = &stack[--waiting];
            struct mfcctl entry = {.mfcc_origin = upcall->im_src, .mfcc_mcastgrp = upcall->im_dst};

            entry.mfcc_ttls[1] = 1;
            if (set(fd, MRT_ADD_MFC, &entry, sizeof entry) != 0)
                return 1;
        }
    }
}
