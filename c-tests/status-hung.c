/* A status socket on a file system that does not respond: this program replaces bind and unlink
 * with functions that hang for some paths. */

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* syscall */
#endif

#include "router.h"
#include "threads.h"

#include <mgmhost.h>

#if defined(_WIN32)

static void host_a_status_socket_that_hangs(void)
{
    SKIP("there are no such sockets here");
}

TEST_MAIN(
    CASE(host_a_status_socket_that_hangs))

#else

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_bool binds_hang, unlinks_hang;
static atomic_int stuck;

static void hang(atomic_bool *hangs, const char *path)
{
    if (!atomic_load(hangs) || !strstr(path, "mgm-c-hung"))
        return;
    atomic_fetch_add(&stuck, 1);
    while (atomic_load(hangs))
        sleep_ms(2);
    atomic_fetch_sub(&stuck, 1);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    if (address->sa_family == AF_UNIX)
        hang(&binds_hang, ((const struct sockaddr_un *)(const void *)address)->sun_path);
    return (int)syscall(SYS_bind, fd, address, size);
}

int unlink(const char *path)
{
    hang(&unlinks_hang, path);
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static char hung[64], good[64];

static void paths(void)
{
    snprintf(hung, sizeof(hung), "/tmp/mgm-c-hung-%ld.sock", (long)getpid());
    snprintf(good, sizeof(good), "/tmp/mgm-c-good-%ld.sock", (long)getpid());
    allow_ms(30000);
}

static DWORD hung_code;

static void serve_hung(void *unused)
{
    (void)unused;
    hung_code = MgmHostServeStatus(hung);
}

/* The other calls work while the system hangs. */
static void check_the_router(void)
{
    HANDLE a = protocol('A');

    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(release(a, 1));
    OK(MgmDeRegisterMProtocol(a));
}

static void host_a_status_socket_that_hangs_holds_up_nobody(void)
{
    struct thread *thread;

    paths();
    atomic_store(&binds_hang, true);
    thread = thread_start(serve_hung, NULL);
    SOON(atomic_load(&stuck) == 1);
    check_the_router();
    OK(MgmHostServeStatus(good));
    CHECK(access(good, F_OK) == 0);
    thread_join(thread);
    CHECK_EQ(hung_code, ERROR_CAN_NOT_COMPLETE);
    OK(MgmHostStop());
    CHECK(access(good, F_OK) != 0);
    atomic_store(&binds_hang, false);
    SOON(atomic_load(&stuck) == 0 && access(hung, F_OK) != 0);
}

static void host_a_start_does_not_wait_for_a_status_socket_that_hangs(void)
{
    paths();
    OK(MgmHostStop());
    setenv("MGM_STATUS_SOCKET", hung, 1);
    atomic_store(&binds_hang, true);
    check_the_router();
    SOON(atomic_load(&stuck) == 1);
    unsetenv("MGM_STATUS_SOCKET");
    check_the_router();
    OK(MgmHostStop());
    atomic_store(&binds_hang, false);
    SOON(atomic_load(&stuck) == 0 && access(hung, F_OK) != 0);
}

static void host_a_stop_does_not_wait_for_a_status_socket_that_hangs(void)
{
    paths();
    OK(MgmHostServeStatus(hung));
    atomic_store(&unlinks_hang, true);
    OK(MgmHostStop());
    CHECK_EQ(atomic_load(&stuck), 1);
    check_the_router();
    OK(MgmHostServeStatus(good));
    OK(MgmHostServeStatus(NULL));
    atomic_store(&unlinks_hang, false);
    SOON(atomic_load(&stuck) == 0 && access(hung, F_OK) != 0);
}

TEST_MAIN(
    CASE(host_a_status_socket_that_hangs_holds_up_nobody),
    CASE(host_a_start_does_not_wait_for_a_status_socket_that_hangs),
    CASE(host_a_stop_does_not_wait_for_a_status_socket_that_hangs))

#endif
