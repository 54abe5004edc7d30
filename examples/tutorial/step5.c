/* Step 5 of docs/tutorial.md: nobody wants the group any longer. */
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

/* A flow is new. The library has looked up the route to the source; this protocol agrees. */
static DWORD on_rpf(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                    PDWORD in_index, PDWORD in_next_hop, PDWORD upstream, DWORD header_size,
                    PBYTE header, PBYTE route)
{
    (void)source_mask, (void)group_mask, (void)in_next_hop, (void)upstream;
    (void)header_size, (void)header, (void)route;
    printf("RPF          %s: expected on interface %u\n", flow(source, group).s,
           (unsigned)*in_index);
    return NO_ERROR;
}

/* An MFE is about to be created. FALSE in bIsEnabled would keep the flow off an interface. */
static DWORD on_creation(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                         DWORD in_index, DWORD in_next_hop, DWORD count, PMGM_IF_ENTRY outs)
{
    (void)source_mask, (void)group_mask, (void)in_next_hop;
    for (DWORD i = 0; i < count; i++)
        printf("CREATION     %s: from interface %u to %u\n", flow(source, group).s,
               (unsigned)in_index, (unsigned)outs[i].dwIfIndex);
    return NO_ERROR;
}

/* The packets are not wanted any longer: a protocol with neighbours would send a prune. */
static DWORD on_prune(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                      DWORD index, DWORD next_hop, BOOL member_delete, PDWORD timeout)
{
    (void)source_mask, (void)group_mask, (void)next_hop;
    if (member_delete)
        printf("PRUNE        %s: no other client has members\n", flow(source, group).s);
    else
        printf("PRUNE        %s: no outgoing interface; the MFE from %u expires in %u s\n",
               flow(source, group).s, (unsigned)index, (unsigned)*timeout);
    return NO_ERROR;
}

/* The packets are wanted again: a protocol with neighbours would send a join. */
static DWORD on_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                     BOOL member_update)
{
    (void)source_mask, (void)group_mask;
    printf("JOIN         %s: %s\n", flow(source, group).s,
           member_update ? "another client has members" : "an outgoing interface again");
    return NO_ERROR;
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

    config.pfnRpfCallback = on_rpf;
    config.pfnCreationAlertCallback = on_creation;
    config.pfnPruneAlertCallback = on_prune;
    config.pfnJoinAlertCallback = on_join;
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

/* Each call returns as many whole entries as fit; "next" continues after the last of them. */
static void protocol_print_mfes(void)
{
    MIB_IPMCAST_MFE last = {0};
    BYTE buffer[4096];
    DWORD size = sizeof buffer, count, code = MgmGetFirstMfe(&size, buffer, &count);

    while (code == ERROR_MORE_DATA || code == ERROR_NO_MORE_ITEMS) {
        for (BYTE *at = buffer; count > 0; count--) {
            const MIB_IPMCAST_MFE *mfe = (const void *)at;

            printf("MFE          %s: from interface %u to", flow(mfe->dwSource, mfe->dwGroup).s,
                   (unsigned)mfe->dwInIfIndex);
            for (ULONG i = 0; i < mfe->ulNumOutIf; i++)
                printf(" %u", (unsigned)mfe->rgmioOutInfo[i].dwOutIfIndex);
            puts(mfe->ulNumOutIf == 0 ? " no interface" : "");
            last.dwGroup = mfe->dwGroup;
            last.dwSource = mfe->dwSource;
            at += SIZEOF_MIB_MFE(mfe->ulNumOutIf);
        }
        if (code == ERROR_NO_MORE_ITEMS)
            return;
        size = sizeof buffer;
        code = MgmGetNextMfe(&last, &size, buffer, &count);
    }
    check("get MFEs", code);
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

/* The router's part: a packet has arrived. The library returns where it must go. */
static void packet_in(const char *source, const char *group, DWORD index)
{
    MGMHOST_OIF outs[8];
    DWORD count = 8;
    BOOL accepted = FALSE;

    if (check("packet", MgmHostPacketIn(address(source), address(group), index, 0, 0, NULL, 100,
                                        &accepted, &count, outs)) != NO_ERROR)
        return;
    printf("packet       on interface %u: %s\n", (unsigned)index,
           !accepted ? "refused" : count == 0 ? "dropped" : "accepted");
    for (DWORD i = 0; accepted && i < count; i++)
        printf("packet       goes out on interface %u\n", (unsigned)outs[i].dwIfIndex);
}

int main(void)
{
    MGMHOST_CONFIG config = {.dwSize = sizeof config,
                             .dwForwarder = MGMHOST_FORWARDER_MEMORY,
                             .dwLogLevel = MGMHOST_LOG_OFF};

    if (check("start", MgmHostStart(&config)) != NO_ERROR || protocol_start(1) != NO_ERROR)
        return 1;
    check("route", MgmHostAddRoute(address("10.1.0.0"), address("255.255.0.0"), 1, 0, 0, 0));
    protocol_take(1);
    protocol_take(2);
    protocol_hear(2, address("239.1.2.3"), TRUE);
    packet_in("10.1.0.2", "239.1.2.3", 1);
    packet_in("10.1.0.2", "239.1.2.3", 2);
    protocol_print_mfes();
    protocol_hear(2, address("239.1.2.3"), FALSE);
    packet_in("10.1.0.2", "239.1.2.3", 1);
    protocol_print_mfes();
    protocol_hear(2, address("239.1.2.3"), TRUE);
    packet_in("10.1.0.2", "239.1.2.3", 1);
    protocol_release(2);
    protocol_release(1);
    return protocol_stop() == NO_ERROR && MgmHostStop() == NO_ERROR ? 0 : 1;
}
