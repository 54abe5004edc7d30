/*
 * module.c - the protocol of protocol.c as a module of the router mgmd.
 *
 *     cc -shared -fPIC module.c ../protocol.c ../igmp.c -lmgm -o protocol.so
 *
 *     [[module]]
 *     path = "/usr/local/lib/mgmd/protocol.so"
 *     args = "1 eth0 eth1"
 *
 * args has the component id of the protocol, then the names of the interfaces that it takes. Two
 * protocols of one router need different ids, and a copy of the file for each. IGMP on the interfaces
 * is mgmd's, and the library reports its members to the protocol (LOCAL_JOIN). mgmd_module.h documents
 * the interface between mgmd and the module.
 */
#include "../protocol.h"

#include <mgmd_module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 512, LINE = 600 };

static const struct mgmd_module_host *mgmd;
/* The protocol keeps pointers to both. */
static char label[32], names[MAX_ARGS];

static void log_line(DWORD level, const char *what, const char *name)
{
    char line[LINE];

    snprintf(line, sizeof line, "%s%s %s", label, what, name);
    mgmd->log(level, line);
}

/* Takes the interfaces whose names are separated by spaces. */
static DWORD take_all(char *rest)
{
    for (char *name = strtok_r(NULL, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        DWORD index, code = MgmHostInterfaceIndex(name, &index);

        if (code == NO_ERROR)
            code = protocol_take(index, name);
        if (code != NO_ERROR) {
            log_line(MGMHOST_LOG_ERROR, "cannot take the interface", name);
            return code;
        }
        log_line(MGMHOST_LOG_INFO, "took", name);
    }
    return NO_ERROR;
}

DWORD mgmd_module_init(const char *args, const struct mgmd_module_host *host)
{
    char *component, *rest = NULL, *end;
    DWORD code, id;

    mgmd = host;
    strcpy(label, "protocol: ");
    if (strlen(args) >= sizeof names) {
        log_line(MGMHOST_LOG_ERROR, "args are too long:", args);
        return ERROR_INVALID_PARAMETER;
    }
    strcpy(names, args);
    component = strtok_r(names, " ", &rest);
    id = component == NULL ? 0 : (DWORD)strtoul(component, &end, 10);
    if (component == NULL || *end != '\0') {
        log_line(MGMHOST_LOG_ERROR, "args must begin with a component id:", args);
        return ERROR_INVALID_PARAMETER;
    }
    snprintf(label, sizeof label, "protocol %u: ", (unsigned)id);
    /* The protocol prints its callbacks to stdout, which may be a pipe. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = protocol_start(id, label, false);
    if (code == NO_ERROR)
        code = take_all(rest);
    /* mgmd does not stop a module that has not started. */
    if (code != NO_ERROR)
        protocol_stop();
    return code;
}

void mgmd_module_stop(void)
{
    if (protocol_stop() != NO_ERROR)
        log_line(MGMHOST_LOG_WARN, "did not stop", "cleanly");
}
