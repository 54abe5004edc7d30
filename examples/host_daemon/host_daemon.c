/*
 * host_daemon.c - a minimal router daemon, without a protocol.
 *
 *     host_daemon [--user NAME] [--status PATH] [--join INTERFACE=GROUP]... INTERFACE...
 *
 * The kernel forwards between the interfaces. --join adds the memberships that hosts would ask
 * for with IGMP. To build your own router, replace static_groups() with your protocols.
 * docs/host.md explains each step; host_daemon.service is the unit for systemd.
 *
 *     --user    become NAME after the interfaces are taken, if started as root
 *     --status  serve the status and the metrics at PATH, for mgmtop
 *
 * SIGTERM and SIGINT end the daemon, which then leaves nothing in the kernel.
 *
 *     cc host_daemon.c service.c -lmgm
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

/* The loader refuses a library of another major version, and this function an older minor one. */
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

/* Takes the interfaces in turn. Returns their number, and their indices in `taken`. */
static int take_interfaces(HANDLE protocol, const struct options *options, DWORD *taken)
{
    for (int i = 0; i < options->interface_count; i++) {
        DWORD index = if_nametoindex(options->interfaces[i]);

        if (index == 0) {
            service_log(MGMHOST_LOG_ERROR, "%s: no such interface", options->interfaces[i]);
            return i;
        }
        /* The first take opens the kernel's table. After it no privileges are needed. */
        if (failed(options->interfaces[i], MgmTakeInterfaceOwnership(protocol, index, 0)))
            return i;
        taken[i] = index;
    }
    return options->interface_count;
}

/* Adds the memberships of --join. Replace this with your own protocols. */
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

/* Waits for a signal, and reports to the watchdog that the library works. */
static void serve(int signals, DWORD index)
{
    struct pollfd stop = {.fd = signals, .events = POLLIN};
    int interval = service_watchdog_interval();

    for (;;) {
        int ready = poll(&stop, 1, interval);
        DWORD owner, component;

        if (ready > 0 || (ready < 0 && errno != EINTR))
            return;
        if (ready < 0)
            continue;
        /*
         * This call takes the library's lock, so it returns only if the library works. Its code
         * does not matter: an interface may go and come back, which is no fault of the router.
         */
        (void)MgmGetProtocolOnInterface(index, 0, &owner, &component);
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
    /* After the change of user, so that the new user owns the socket and can delete it. */
    if (good && options->status != NULL)
        good = !failed(options->status, MgmHostServeStatus(options->status));
    if (good) {
        service_notify("READY=1\nSTATUS=Routing multicast");
        service_log(MGMHOST_LOG_INFO, "routing between %d interfaces", options->interface_count);
        serve(signals, interfaces[0]);
        service_notify("STOPPING=1");
        service_log(MGMHOST_LOG_INFO, "stopping");
    }
    /* A release deletes the memberships on the interface. An owner cannot deregister. */
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
    /* Not "auto", so that the daemon fails if it cannot use the kernel's table. */
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
    /* Before any thread is started. The library's threads block these signals anyway. */
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    signals = signalfd(-1, &stops, SFD_CLOEXEC);

    if (signals < 0 || !library_fits() || failed("MgmHostStart", MgmHostStart(&config)))
        return EXIT_FAILURE;
    good = run(&options, signals);
    /* Also after an error, so that nothing is left in the kernel, and no socket. */
    if (failed("MgmHostStop", MgmHostStop()))
        good = false;
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
