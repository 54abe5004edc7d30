/*
 * interpose.c - makes selected system calls fail, for LD_PRELOAD.
 *
 * It replaces functions of the C library, so the tested libmgm is the one that is shipped. Calls are
 * counted by kind, such as "setsockopt 0 204" (level and option), "ioctl 89e1" or "bpf 2" (the
 * command). The order of calls of different kinds depends on the threads; the order of calls of one
 * kind hardly does.
 *
 *     MGM_CALLS=FILE                     writes kind and number of each call, one per line
 *     MGM_FAULT="HOW FIRST TIMES KIND"   from call FIRST of this kind on, TIMES calls fail;
 *                                        HOW is an errno, "short", "garbage" or "slow"
 *     MGM_FAULT_WHILE=FILE               only while this file exists
 *
 * A call that fails with an errno is not made. "short" transfers half of the bytes, "garbage"
 * overwrites everything that was read, and "slow" delays the call for a second, as if it waited for a
 * lock in the kernel.
 */
#define _GNU_SOURCE /* RTLD_NEXT, recvmmsg */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KINDS = 64, LENGTH = 48 };
enum how { AS_EVER, FAIL, SHORT, GARBAGE, SLOW };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[LENGTH];
    unsigned calls;
} kinds[KINDS];
static struct {
    char kind[LENGTH];
    enum how how;
    int error;
    unsigned first, times;
} fault;
static const char *switch_path;
static int calls_fd = -1;

__attribute__((constructor)) static void read_orders(void)
{
    const char *order = getenv("MGM_FAULT"), *path = getenv("MGM_CALLS");
    char how[16];

    if (path)
        calls_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    switch_path = getenv("MGM_FAULT_WHILE");
    if (!order)
        return;
    if (sscanf(order, "%15s %u %u %47[^\n]", how, &fault.first, &fault.times, fault.kind) != 4)
        abort();
    fault.error = atoi(how);
    fault.how = fault.error ? FAIL : strcmp(how, "short") == 0 ? SHORT : strcmp(how, "slow") == 0 ? SLOW : GARBAGE;
}

/* Counts a call, and returns how it must fail. */
__attribute__((format(printf, 1, 2))) static enum how order(const char *format, ...)
{
    char kind[LENGTH], line[LENGTH + 32];
    unsigned at = 0, number;
    enum how how = AS_EVER;
    va_list list;

    va_start(list, format);
    vsnprintf(kind, sizeof kind, format, list);
    va_end(list);
    pthread_mutex_lock(&lock);
    while (at < KINDS && kinds[at].name[0] && strcmp(kinds[at].name, kind) != 0)
        at++;
    if (at == KINDS)
        abort();
    memcpy(kinds[at].name, kind, sizeof kind);
    number = ++kinds[at].calls;
    if (strcmp(kind, fault.kind) == 0 && number - fault.first < fault.times &&
        (!switch_path || access(switch_path, F_OK) == 0))
        how = fault.how;
    if (calls_fd >= 0) {
        int length = snprintf(line, sizeof line, "%s#%u%s\n", kind, number, how ? " !" : "");

        if (write(calls_fd, line, (size_t)length) != length)
            abort();
    }
    pthread_mutex_unlock(&lock);
    if (how == SLOW) {
        sleep(1);
        return AS_EVER;
    }
    if (how == FAIL)
        errno = fault.error;
    return how;
}

static void overwrite(void *buffer, size_t length)
{
    static unsigned seed = 1;
    unsigned char *at = buffer;

    while (length-- > 0) {
        seed = seed * 1664525u + 1013904223u;
        *at++ = (unsigned char)(seed >> 24);
    }
}

/* The function of this name in the C library. */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int socket(int domain, int type, int protocol)
{
    return order("socket %d", domain) ? -1 : REAL(socket)(domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return order("bind") ? -1 : REAL(bind)(fd, address, size);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return order("connect") ? -1 : REAL(connect)(fd, address, size);
}

int eventfd(unsigned count, int flags)
{
    return order("eventfd") ? -1 : REAL(eventfd)(count, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return order("poll") ? -1 : REAL(poll)(fds, count, timeout);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    if (order("setsockopt %d %d", level, option))
        return -1;
    return REAL(setsockopt)(fd, level, option, value, size);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
    if (order("getsockopt %d %d", level, option))
        return -1;
    return REAL(getsockopt)(fd, level, option, value, size);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    void *argument;

    va_start(list, request);
    argument = va_arg(list, void *);
    va_end(list);
    return order("ioctl %lx", request) ? -1 : REAL(ioctl)(fd, request, argument);
}

/* Of the calls that have no function of their own, only bpf() may fail. */
long syscall(long number, ...)
{
    static _Atomic(__typeof__(&syscall)) real; /* threads that wait for a lock call this, too */
    long given[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        given[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_bpf && order("bpf %ld", given[0]))
        return -1;
    if (!real)
        real = REAL(syscall);
    return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

/* Only memory that is shared with the kernel. */
void *mmap(void *address, size_t length, int access, int flags, int fd, off_t offset)
{
    if (fd >= 0 && flags & MAP_SHARED && order("mmap"))
        return MAP_FAILED;
    return REAL(mmap)(address, length, access, flags, fd, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    if (order("pthread_create"))
        return errno; /* pthread_create returns its error */
    return REAL(pthread_create)(thread, attributes, start, argument);
}

ssize_t send(int fd, const void *buffer, size_t length, int flags)
{
    enum how how = order("send");

    return how == FAIL ? -1 : REAL(send)(fd, buffer, how == SHORT ? length / 2 : length, flags);
}

ssize_t recv(int fd, void *buffer, size_t length, int flags)
{
    enum how how = order("recv");
    ssize_t got = how == FAIL ? -1 : REAL(recv)(fd, buffer, length, flags);

    if (got > 0 && how == GARBAGE)
        overwrite(buffer, (size_t)got);
    return got > 0 && how == SHORT ? got / 2 : got;
}

int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    enum how how = order("recvmmsg");
    int got = how == FAIL ? -1 : REAL(recvmmsg)(fd, messages, count, flags, timeout);

    for (int i = 0; i < got; i++) {
        if (how == GARBAGE)
            overwrite(messages[i].msg_hdr.msg_iov->iov_base, messages[i].msg_len);
        else if (how == SHORT)
            messages[i].msg_len /= 2;
    }
    return got;
}
