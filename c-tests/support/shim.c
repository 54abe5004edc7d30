/* libmgm as the tests of other languages load it when their calls are to go to a test router in a
 * process of its own: see remote.h. It is linked with libmgm.so.1 and has its functions, but passes
 * those that only a router has on to the test router.
 *
 * In a program that is linked with libmgm, LD_PRELOAD puts it in front. Other programs load it instead.
 * MGM_SHIM_ROUTER names the program test-router. */

#define _GNU_SOURCE
#include "remote.h"

#include "harness.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The function of the library with this name. */
static void *real(const char *name)
{
    static void *library;
    void *found;

    if (library == NULL)
        library = dlopen("libmgm.so.1", RTLD_NOW | RTLD_NOLOAD);
    found = library != NULL ? dlsym(library, name) : NULL;
    if (found == NULL) {
        fprintf(stderr, "shim: no function %s in libmgm.so.1\n", name);
        abort();
    }
    return found;
}

/* remote.c calls the library by these names. */
#define REAL(name, parameters, arguments)        \
    DWORD real_##name parameters                 \
    {                                            \
        DWORD(*function) parameters;             \
                                                 \
        *(void **)&function = real("Mgm" #name); \
        return function arguments;               \
    }

#define PASS(name, remote, parameters, arguments) \
    REAL(name, parameters, arguments)             \
    DWORD Mgm##name parameters                    \
    {                                             \
        return remote_##remote arguments;         \
    }

REAL(HostStart, (const MGMHOST_CONFIG *config), (config))
REAL(HostStop, (void), ())
PASS(HostAddInterface, add_interface, (DWORD index, DWORD next_hop), (index, next_hop))
PASS(HostDeleteInterface, delete_interface, (DWORD index, DWORD next_hop), (index, next_hop))
PASS(HostAddRoute, add_route,
     (DWORD network, DWORD mask, DWORD index, DWORD next_hop, DWORD protocol, DWORD flags),
     (network, mask, index, next_hop, protocol, flags))
PASS(HostDeleteRoute, delete_route, (DWORD network, DWORD mask), (network, mask))
PASS(HostPacketIn, packet_in,
     (DWORD source, DWORD group, DWORD index, DWORD next_hop, DWORD header_size, const BYTE *header,
      DWORD packet_size, PBOOL accepted, PDWORD count, PMGMHOST_OIF oifs),
     (source, group, index, next_hop, header_size, header, packet_size, accepted, count, oifs))
PASS(HostSetTtlThreshold, set_threshold, (DWORD index, DWORD next_hop, DWORD threshold),
     (index, next_hop, threshold))
PASS(HostSetFlowLimit, set_flow_limit, (DWORD index, DWORD per_second, DWORD burst),
     (index, per_second, burst))
PASS(HostAddBoundary, add_boundary, (const MIB_IPMCAST_BOUNDARY *boundary), (boundary))
PASS(HostDeleteBoundary, delete_boundary, (const MIB_IPMCAST_BOUNDARY *boundary), (boundary))
PASS(HostSetScopeName, set_scope_name, (DWORD address, DWORD mask, const WCHAR *name),
     (address, mask, name))
PASS(HostGetScopeName, get_scope_name, (PMIB_IPMCAST_SCOPE scope), (scope))
PASS(HostExplain, explain,
     (DWORD source, DWORD group, DWORD index, DWORD next_hop, PDWORD size, PBYTE buffer),
     (source, group, index, next_hop, size, buffer))

/* A program need not start the library, so the router is there before it makes a call. The library
 * itself connects with the first registration. */
static void start_default_router(void)
{
    const MGMHOST_CONFIG config = {.dwSize = sizeof(config)};

    unsetenv("MGM_FORWARDER");
    remote_start_router(&config);
}

__attribute__((constructor)) static void begin(void)
{
    /* A client process of this process's router has a router already. */
    if (getenv("MGM_SHIM_ROUTER") != NULL)
        start_default_router();
}

/* A start with settings needs another router. */
DWORD MgmHostStart(const MGMHOST_CONFIG *config)
{
    MGMHOST_CONFIG client = {0};
    DWORD code;

    if (config == NULL || config->dwSize > sizeof(client) || config->dwSize < sizeof(DWORD))
        return real_HostStart(config);
    /* Some bindings pass the structure of an earlier version. */
    memcpy(&client, config, config->dwSize);
    /* The test router has the memory forwarder. */
    if (client.dwForwarder == MGMHOST_FORWARDER_MEMORY)
        client.dwForwarder = MGMHOST_FORWARDER_DEFAULT;
    /* Refused if the library runs. */
    code = real_HostStart(&client);
    if (code != NO_ERROR || (client.dwMfeTimeout == 0 && client.dwMaxFlows == 0))
        return code;
    if (real_HostStop() != NO_ERROR)
        abort();
    remote_end_router();
    remote_start_router(&client);
    return real_HostStart(&client);
}

DWORD MgmHostStop(void)
{
    DWORD code = real_HostStop();

    if (code == NO_ERROR) {
        remote_end_router();
        start_default_router();
    }
    return code;
}

/* What remote.c uses of the harness. */
void fail_check(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
}
