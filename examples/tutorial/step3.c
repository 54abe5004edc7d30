/* Step 3 of docs/tutorial.md: hosts want a group. */
#include "texts.h"

#include <mgmhost.h>

#include <stdio.h>

/* An id that no other kind of protocol on this router uses. */
#define OUR_PROTOCOL_ID 200
#define HOST_MASK 0xffffffffu

/* Callbacks have no context argument, so their data is static. */
static struct {
    HANDLE protocol;
    HANDLE igmp; /* adds what hosts want */
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

/* IGMP has added a membership on an interface of this protocol. */
static DWORD on_local_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                           DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    printf("LOCAL_JOIN   %s: members on interface %u\n", flow(source, group).s, (unsigned)index);
    return NO_ERROR;
}

static DWORD on_local_leave(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                            DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    printf("LOCAL_LEAVE  %s: no members on interface %u\n", flow(source, group).s,
           (unsigned)index);
    return NO_ERROR;
}

static DWORD protocol_start(DWORD component)
{
    ROUTING_PROTOCOL_CONFIG config = {.dwCallbackFlags = 0}, quiet = config;
    DWORD code;

    config.pfnLocalJoinCallback = on_local_join;
    config.pfnLocalLeaveCallback = on_local_leave;
    code = check("register",
                 MgmRegisterMProtocol(&config, OUR_PROTOCOL_ID, component, &us.protocol));
    if (code != NO_ERROR)
        return code;
    printf("registered   protocol %d, component %u\n", OUR_PROTOCOL_ID, (unsigned)component);
    return check("register IGMP", MgmRegisterMProtocol(&quiet, PROTO_IP_IGMP, 0, &us.igmp));
}

static DWORD protocol_take(DWORD index)
{
    DWORD code = check("take interface", MgmTakeInterfaceOwnership(us.protocol, index, 0));

    if (code == NO_ERROR)
        printf("took         interface %u\n", (unsigned)index);
    /* IGMP runs beside the owner of an interface. */
    if (code == NO_ERROR)
        code = check("enable IGMP", MgmTakeInterfaceOwnership(us.igmp, index, 0));
    return code;
}

/* A host on the interface wants the group from any source, or does not want it any longer. */
static DWORD protocol_hear(DWORD index, DWORD group, BOOL wanted)
{
    if (wanted)
        return check("add membership",
                     MgmAddGroupMembershipEntry(us.igmp, 0, 0, group, HOST_MASK, index, 0,
                                                MGM_JOIN_STATE_FLAG));
    return check("delete membership",
                 MgmDeleteGroupMembershipEntry(us.igmp, 0, 0, group, HOST_MASK, index, 0,
                                               MGM_JOIN_STATE_FLAG));
}

/* A release also deletes the memberships there, and the MFEs of flows that arrive there. */
static DWORD protocol_release(DWORD index)
{
    DWORD code = check("disable IGMP", MgmReleaseInterfaceOwnership(us.igmp, index, 0));

    if (code == NO_ERROR)
        code = check("release", MgmReleaseInterfaceOwnership(us.protocol, index, 0));
    if (code == NO_ERROR)
        printf("released     interface %u\n", (unsigned)index);
    return code;
}

static DWORD protocol_stop(void)
{
    DWORD code = check("deregister IGMP", MgmDeRegisterMProtocol(us.igmp));

    if (code == NO_ERROR)
        code = check("deregister", MgmDeRegisterMProtocol(us.protocol));
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
    protocol_hear(2, address("239.1.2.3"), TRUE);
    protocol_hear(2, address("239.1.2.3"), FALSE);
    protocol_release(2);
    protocol_release(1);
    return protocol_stop() == NO_ERROR && MgmHostStop() == NO_ERROR ? 0 : 1;
}
