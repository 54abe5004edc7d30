/*
 * protocol.c - a routing protocol as a module of mgmd, for the tests.
 *
 * args is the path of a FIFO. Each line in it is a command: "take INDEX", "release INDEX", or
 * "refuse INDEX", after which new flows are not forwarded out of this interface, until "refuse 0".
 * The module logs the code of each, and its callbacks about members and joins.
 */
#define _GNU_SOURCE
#include <mgmd_module.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROTOCOL = 200, LINE = 160, TICK = 20 };

static const struct mgmd_module_host *mgmd;
static HANDLE client;
static pthread_t thread;
static atomic_bool ended;
static atomic_uint refused; /* an interface, or 0 */
static int commands;

static void say(const char *what, DWORD source, DWORD group, DWORD number)
{
    char line[LINE], from[16], to[16];

    inet_ntop(AF_INET, &(struct in_addr){.s_addr = source}, from, sizeof from);
    inet_ntop(AF_INET, &(struct in_addr){.s_addr = group}, to, sizeof to);
    snprintf(line, sizeof line, "module: %s (%s, %s) %u", what, source ? from : "*", to,
             (unsigned)number);
    mgmd->log(MGMHOST_LOG_INFO, line);
}

static DWORD on_local_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                           DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    say("LOCAL_JOIN", source, group, index);
    return NO_ERROR;
}

static DWORD on_local_leave(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                            DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    say("LOCAL_LEAVE", source, group, index);
    return NO_ERROR;
}

static DWORD on_join_alert(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                           BOOL is_join)
{
    (void)source_mask, (void)group_mask;
    say("JOIN_ALERT", source, group, (DWORD)is_join);
    return NO_ERROR;
}

static DWORD on_creation(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                         DWORD in_index, DWORD in_next_hop, DWORD count, PMGM_IF_ENTRY out)
{
    (void)source, (void)source_mask, (void)group, (void)group_mask;
    (void)in_index, (void)in_next_hop;
    for (DWORD i = 0; i < count; i++)
        if (out[i].dwIfIndex == refused)
            out[i].bIsEnabled = FALSE;
    return NO_ERROR;
}

static void obey(const char *line)
{
    unsigned index;

    if (sscanf(line, "take %u", &index) == 1)
        say("take", index, MgmTakeInterfaceOwnership(client, index, 0), index);
    else if (sscanf(line, "release %u", &index) == 1)
        say("release", index, MgmReleaseInterfaceOwnership(client, index, 0), index);
    else if (sscanf(line, "refuse %u", &index) == 1) {
        refused = index;
        say("refuse", index, 0, index);
    }
}

static void *run(void *unused)
{
    char line[LINE];
    size_t length = 0;
    struct pollfd ready = {.fd = commands, .events = POLLIN};

    (void)unused;
    while (!ended) {
        if (poll(&ready, 1, TICK) <= 0 || read(commands, line + length, 1) != 1)
            continue;
        if (line[length] != '\n' && length < sizeof line - 2) {
            length++;
            continue;
        }
        line[length] = '\0';
        length = 0;
        obey(line);
    }
    return NULL;
}

DWORD mgmd_module_init(const char *args, const struct mgmd_module_host *host)
{
    /* Callbacks that are null are not called. */
    ROUTING_PROTOCOL_CONFIG callbacks = {
        .pfnLocalJoinCallback = on_local_join,
        .pfnLocalLeaveCallback = on_local_leave,
        .pfnJoinAlertCallback = on_join_alert,
        .pfnCreationAlertCallback = on_creation,
    };
    sigset_t all, former;
    DWORD code;

    mgmd = host;
    commands = open(args, O_RDWR | O_CLOEXEC);
    if (commands < 0)
        return ERROR_INVALID_PARAMETER;
    code = MgmRegisterMProtocol(&callbacks, PROTOCOL, 1, &client);
    if (code != NO_ERROR)
        return code;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    code = pthread_create(&thread, NULL, run, NULL) == 0 ? NO_ERROR : ERROR_NOT_ENOUGH_MEMORY;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    return code;
}

void mgmd_module_stop(void)
{
    ended = true;
    pthread_join(thread, NULL);
    MgmDeRegisterMProtocol(client);
}
