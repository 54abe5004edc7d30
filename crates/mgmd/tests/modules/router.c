/* A router with the memory forwarder, which has the interface lo, as a module of the tests. */
#include <mgmd_module.h>

#include <stdio.h>

static const struct mgmd_module_host *mgmd;

DWORD mgmd_module_init(const char *args, const struct mgmd_module_host *host)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof config, .dwForwarder = MGMHOST_FORWARDER_MEMORY};
    DWORD code = MgmHostStart(&config), index;

    (void)args;
    mgmd = host;
    if (code == NO_ERROR)
        code = MgmHostInterfaceIndex("lo", &index);
    return code == NO_ERROR ? MgmHostAddInterface(index, 0) : code;
}

void mgmd_module_stop(void)
{
    char line[40];

    /* Fails if a client still owns an interface, or calls back. */
    snprintf(line, sizeof line, "router: stopped with %u", (unsigned)MgmHostStop());
    mgmd->log(MGMHOST_LOG_INFO, line);
}
