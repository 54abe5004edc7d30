/* A daemon that cancels a thread which waits in a call that receives, or with the argument "stopped" a thread
 * whose call waits for mgmd. It exits with 0 if the thread ends, and the socket works as before. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/mroute.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;

static void *receive(void *how) {
    char buffer[2048];
    struct iovec piece = {buffer, sizeof buffer};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    for (;;) {
        switch (*(const char *)how) {
        case 'r': (void)!read(fd, buffer, sizeof buffer); break;
        case 'm': recvmsg(fd, &message, 0); break;
        default: recvfrom(fd, buffer, sizeof buffer, 0, NULL, NULL);
        }
    }
    return NULL;
}

static void *ask(void *unused) {
    struct sioc_vif_req request;
    (void)unused;
    memset(&request, 0, sizeof request);
    for (;;) {
        ioctl(fd, SIOCGETVIFCNT, &request);
        pthread_testcancel();
    }
    return NULL;
}

static int ends(void *(*body)(void *), const char *how) {
    pthread_t thread;
    void *result = NULL;
    if (pthread_create(&thread, NULL, body, (void *)how) != 0)
        return 0;
    usleep(500000);
    return pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED;
}

int main(int count, char **arguments) {
    int on = 1;
    struct vifctl vif;
    fd = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, MRT_INIT, &on, sizeof on) != 0) {
        perror("MRT_INIT");
        return 1;
    }
    memset(&vif, 0, sizeof vif);
    vif.vifc_flags = VIFF_USE_IFINDEX;
    vif.vifc_lcl_ifindex = 1;
    if (setsockopt(fd, IPPROTO_IP, MRT_ADD_VIF, &vif, sizeof vif) != 0) {
        perror("MRT_ADD_VIF");
        return 2;
    }
    if (count > 1 && strcmp(arguments[1], "stopped") == 0) {
        fprintf(stderr, "ready\n");
        sleep(2); /* mgmd is stopped meanwhile */
        if (!ends(ask, NULL))
            return 3;
    } else {
        for (const char *how = "rmf"; *how != 0; how++)
            if (!ends(receive, how))
                return 4;
    }
    if (setsockopt(fd, IPPROTO_IP, MRT_ADD_VIF, &vif, sizeof vif) != -1 || errno != EADDRINUSE) {
        perror("MRT_ADD_VIF");
        return 5;
    }
    return 0;
}
