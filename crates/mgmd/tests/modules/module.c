/*
 * The modules of the tests: variants of this file.
 *
 * NAME is the name in the log lines. RETURNS is what init returns.
 */
#include <mgmd_module.h>

#include <stdio.h>

#ifndef RETURNS
#define RETURNS NO_ERROR
#endif

static const struct mgmd_module_host *mgmd;

#ifdef OWN_LIBRARY
/* As libmgm.a would define it. */
DWORD MgmRegisterMProtocol(PROUTING_PROTOCOL_CONFIG info, DWORD protocol, DWORD component,
                           HANDLE *handle)
{
    (void)info, (void)protocol, (void)component, (void)handle;
    return NO_ERROR;
}
#endif

#ifndef NO_INIT
DWORD mgmd_module_init(const char *args, const struct mgmd_module_host *host)
{
    char line[200];

    mgmd = host;
#ifdef USES_LIBRARY
    MGMHOST_VERSION version = {.dwSize = sizeof version};
    snprintf(line, sizeof line, NAME ": version %u", (unsigned)MgmHostVersion(&version));
    host->log(MGMHOST_LOG_DEBUG, line);
#endif
    snprintf(line, sizeof line, NAME ": init \"%s\", size %d", args,
             host->dwSize == sizeof *host);
    host->log(MGMHOST_LOG_INFO, line);
    host->log(MGMHOST_LOG_ERROR, NULL);
    return RETURNS;
}
#endif

#ifndef NO_STOP
void mgmd_module_stop(void)
{
    mgmd->log(MGMHOST_LOG_WARN, NAME ": stop");
}
#endif
