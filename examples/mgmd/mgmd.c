/*
 * mgmd.c - the smallest router daemon around the library: its life, and no protocol.
 *
 *     mgmd [--user NAME] [--status PATH] [--join INTERFACE=GROUP]... INTERFACE...
 *
 * Forwards with the kernel between the interfaces; what hosts would ask for by IGMP is said
 * by --join. To make a router of it, put your protocols where static_groups() is.
 * docs/host.md explains each step; mgmd.service has systemd run it.
 *
 *     --user    started as root: become NAME once the interfaces are taken
 *     --status  a socket with the status and the metrics: mgmtop PATH
 *
 * SIGTERM and SIGINT end it, and nothing is left in the kernel.
 *
 *     cc mgmd.c service.c -lmgm
 */
#define _GNU_SOURCE /* signalfd */

#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { MAX_JOINS = 64, MAX_INTERFACES = 31, EXIT_USAGE = 2 };

struct options {
    const char *user, *status;
    char *joins[MAX_JOINS];
    int join_count;
    char **interfaces;
    int interface_count;
};

static bool failed(const char *what, DWORD code)
{
    if (code != NO_ERROR)
        service_log(MGMHOST_LOG_ERROR, "%s: refused with code %u", what, (unsigned)code);
    return code != NO_ERROR;
}

/* A library of another major version is refused by the loader, an older minor one here. */
static bool library_fits(void)
{
    MGMHOST_VERSION version = {.dwSize = sizeof version};

    if (failed("MgmHostVersion", MgmHostVersion(&version)))
        return false;
    service_log(MGMHOST_LOG_INFO, "%s, API %u.%u", version.pszBuild, (unsigned)version.dwApiMajor,
                (unsigned)version.dwApiMinor);
    if (version.dwApiMajor == MGMHOST_API_MAJOR && (int)version.dwApiMinor >= MGMHOST_API_MINOR)
        return true;
    service_log(MGMHOST_LOG_ERROR, "compiled for API %d.%d: install that libmgm, or a later one",
                MGMHOST_API_MAJOR, MGMHOST_API_MINOR);
    return false;
}

/* Takes the interfaces in turn; *taken are their indices, as many as the answer. */
static int take_interfaces(HANDLE protocol, const struct options *options, DWORD *taken)
{
    for (int i = 0; i < options->interface_count; i++) {
        DWORD index = if_nametoindex(options->interfaces[i]);

        if (index == 0) {
            service_log(MGMHOST_LOG_ERROR, "%s: no such interface", options->interfaces[i]);
            return i;
        }
        /* The first one opens the kernel's table: only up to here are privileges needed. */
        if (failed(options->interfaces[i], MgmTakeInterfaceOwnership(protocol, index, 0)))
            return i;
        taken[i] = index;
    }
    return options->interface_count;
}

/* What a protocol would hear from the hosts. Here your own begin. */
static bool static_groups(HANDLE protocol, const struct options *options)
{
    for (int i = 0; i < options->join_count; i++) {
        char *interface = options->joins[i], *group = strchr(interface, '=');
        struct in_addr address;
        DWORD index;

        if (group == NULL || inet_pton(AF_INET, group + 1, &address) != 1) {
            service_log(MGMHOST_LOG_ERROR, "%s is not INTERFACE=GROUP", interface);
            return false;
        }
        *group = '\0';
        index = if_nametoindex(interface);
        if (failed(interface, MgmAddGroupMembershipEntry(protocol, 0, 0, address.s_addr, 0xffffffff,
                                                         index, 0, MGM_JOIN_STATE_FLAG)))
            return false;
    }
    return true;
}

/* Waits for the signal to stop, and tells the watchdog that MGM answers. */
static void serve(int signals, DWORD index)
{
    struct pollfd stop = {.fd = signals, .events = POLLIN};
    int interval = service_watchdog_interval();

    for (;;) {
        int ready = poll(&stop, 1, interval);
        DWORD owner, component;

        if (ready > 0 || (ready < 0 && errno != EINTR))
            return;
        /* A call that takes MGM's lock: it comes back only if nothing hangs in there. */
        if (ready == 0 && MgmGetProtocolOnInterface(index, 0, &owner, &component) == NO_ERROR)
            service_notify("WATCHDOG=1");
    }
}

static bool run(const struct options *options, int signals)
{
    ROUTING_PROTOCOL_CONFIG callbacks = {0};
    DWORD interfaces[MAX_INTERFACES];
    HANDLE protocol = NULL;
    int taken;
    bool good;

    if (failed("MgmRegisterMProtocol",
               MgmRegisterMProtocol(&callbacks, PROTO_IP_NT_STATIC, 1, &protocol)))
        return false;
    taken = take_interfaces(protocol, options, interfaces);
    good = taken == options->interface_count &&
           (options->user == NULL || service_become(options->user)) &&
           static_groups(protocol, options);
    /* After the change of user, who is then the owner of the socket and can remove it. */
    if (good && options->status != NULL)
        good = !failed(options->status, MgmHostServeStatus(options->status));
    if (good) {
        service_notify("READY=1\nSTATUS=Routing multicast");
        service_log(MGMHOST_LOG_INFO, "routing between %d interfaces", options->interface_count);
        serve(signals, interfaces[0]);
        service_notify("STOPPING=1");
        service_log(MGMHOST_LOG_INFO, "stopping");
    }
    /* With an interface goes all that was said about it. Who has one cannot deregister. */
    while (taken > 0)
        if (failed("MgmReleaseInterfaceOwnership",
                   MgmReleaseInterfaceOwnership(protocol, interfaces[--taken], 0)))
            good = false;
    return !failed("MgmDeRegisterMProtocol", MgmDeRegisterMProtocol(protocol)) && good;
}

static bool parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"user", required_argument, NULL, 'u'},
                                          {"status", required_argument, NULL, 's'},
                                          {"join", required_argument, NULL, 'j'},
                                          {0}};

    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'u')
            options->user = optarg;
        else if (option == 's')
            options->status = optarg;
        else if (option == 'j' && options->join_count < MAX_JOINS)
            options->joins[options->join_count++] = optarg;
        else
            return false;
    }
    options->interfaces = argv + optind;
    options->interface_count = argc - optind;
    return options->interface_count > 0 && options->interface_count <= MAX_INTERFACES;
}

int main(int argc, char **argv)
{
    /* Not "auto": a router that cannot route shall fail, not run on in memory. */
    MGMHOST_CONFIG config = {.dwSize = sizeof config,
                             .dwForwarder = MGMHOST_FORWARDER_KERNEL,
                             .pfnLogCallback = service_log_callback};
    struct options options = {0};
    sigset_t stops;
    int signals;
    bool good;

    if (!parse(argc, argv, &options)) {
        fprintf(stderr,
                "usage: %s [--user NAME] [--status PATH] [--join INTERFACE=GROUP]... INTERFACE...\n",
                argv[0]);
        return EXIT_USAGE;
    }
    /* Before there are threads. Those of MGM take no signals in any case. */
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    signals = signalfd(-1, &stops, SFD_CLOEXEC);

    if (signals < 0 || !library_fits() || failed("MgmHostStart", MgmHostStart(&config)))
        return EXIT_FAILURE;
    good = run(&options, signals);
    /* Whatever went wrong: nothing stays behind in the kernel, and no socket. */
    if (failed("MgmHostStop", MgmHostStop()))
        good = false;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
