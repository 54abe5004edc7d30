/* Step 2 of docs/tutorial.md: it takes interfaces. */
#include "texts.h"

#include <mgmhost.h>

#include <stdio.h>

/* An id that no other kind of protocol on this router uses. */
#define OUR_PROTOCOL_ID 200

/* Callbacks have no context argument, so their data is static. */
static struct {
    HANDLE protocol;
} us;

/* Reports a call that failed, with the library's reason, and returns its code. */
static DWORD check(const char *what, DWORD code)
{
    char reason[256] = "";
    DWORD size = sizeof reason;

    if (code != NO_ERROR) {
        MgmHostGetLastMessage(&size, (PBYTE)reason);
        printf("ERROR        %s: code %u: %s\n", what, (unsigned)code, reason);
    }
    return code;
}

static DWORD protocol_start(DWORD component)
{
    ROUTING_PROTOCOL_CONFIG config = {.dwCallbackFlags = 0};
    DWORD code;

    code = check("register",
                 MgmRegisterMProtocol(&config, OUR_PROTOCOL_ID, component, &us.protocol));
    if (code != NO_ERROR)
        return code;
    printf("registered   protocol %d, component %u\n", OUR_PROTOCOL_ID, (unsigned)component);
    return NO_ERROR;
}

static DWORD protocol_take(DWORD index)
{
    DWORD code = check("take interface", MgmTakeInterfaceOwnership(us.protocol, index, 0));

    if (code == NO_ERROR)
        printf("took         interface %u\n", (unsigned)index);
    return code;
}

/* A release also deletes the memberships there, and the MFEs of flows that arrive there. */
static DWORD protocol_release(DWORD index)
{
    DWORD code = check("release", MgmReleaseInterfaceOwnership(us.protocol, index, 0));

    if (code == NO_ERROR)
        printf("released     interface %u\n", (unsigned)index);
    return code;
}

static DWORD protocol_stop(void)
{
    DWORD code = check("deregister", MgmDeRegisterMProtocol(us.protocol));

    if (code == NO_ERROR)
        puts("deregistered no further callbacks");
    return code;
}

int main(void)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof config,
                             .dwForwarder = MGMHOST_FORWARDER_MEMORY,
                             .dwLogLevel = MGMHOST_LOG_OFF};

    if (check("start", MgmHostStart(&config)) != NO_ERROR || protocol_start(1) != NO_ERROR)
        return 1;
    protocol_take(1);
    protocol_take(2);
    protocol_stop(); /* refused: the protocol still owns interfaces */
    protocol_release(2);
    protocol_release(1);
    return protocol_stop() == NO_ERROR && MgmHostStop() == NO_ERROR ? 0 : 1;
}
