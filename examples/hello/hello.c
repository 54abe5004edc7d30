/*
 * Two routing protocols share one router. `pim` owns interface 1, towards the sources, and
 * `edge` owns interface 2, where hosts join. With the memory forwarder this program passes the
 * packets to the library.
 */
#include <arpa/inet.h>
#include <mgmhost.h>
#include <stdio.h>

static void print_flow(DWORD source, DWORD group)
{
    char s[INET_ADDRSTRLEN] = "*", g[INET_ADDRSTRLEN] = "*";

    if (source)
        inet_ntop(AF_INET, &source, s, sizeof s);
    if (group)
        inet_ntop(AF_INET, &group, g, sizeof g);
    printf("(%s, %s)", s, g);
}

static DWORD rpf(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask, PDWORD index,
                 PDWORD next_hop, PDWORD upstream, DWORD header_size, PBYTE header, PBYTE route)
{
    (void)source_mask, (void)group_mask, (void)next_hop, (void)upstream;
    (void)header_size, (void)header, (void)route;
    printf("rpf: ");
    print_flow(source, group);
    printf(" has to arrive on interface %u\n", *index);
    return NO_ERROR;
}

static DWORD join_alert(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                        BOOL somebody_else)
{
    (void)source_mask, (void)group_mask;
    printf(somebody_else ? "join: somebody else wants " : "join: ");
    print_flow(source, group);
    puts(somebody_else ? "" : " has an outgoing interface again");
    return NO_ERROR;
}

static DWORD prune_alert(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                         DWORD index, DWORD next_hop, BOOL nobody_else, PDWORD timeout)
{
    (void)source_mask, (void)group_mask, (void)index, (void)next_hop, (void)timeout;
    printf(nobody_else ? "prune: nobody else wants " : "prune: ");
    print_flow(source, group);
    puts(nobody_else ? "" : " has no outgoing interface");
    return NO_ERROR;
}

int main(void)
{
    ROUTING_PROTOCOL_CONFIG listens = {.pfnRpfCallback = rpf,
                                       .pfnJoinAlertCallback = join_alert,
                                       .pfnPruneAlertCallback = prune_alert};
    ROUTING_PROTOCOL_CONFIG silent = {0};
    MGMHOST_CONFIG settings = {.dwSize = sizeof settings,
                               .dwForwarder = MGMHOST_FORWARDER_MEMORY,
                               .dwLogLevel = MGMHOST_LOG_OFF};
    MGMHOST_VERSION version = {.dwSize = sizeof version};
    DWORD source = inet_addr("10.0.0.5"), group = inet_addr("239.1.2.3"), host = 0xFFFFFFFF;
    DWORD count = 8, bytes, code;
    MGMHOST_OIF out[8];
    MIB_IPMCAST_MFE mfe, last; /* with room for one outgoing interface */
    BOOL accepted;
    HANDLE pim, edge;

    MgmHostVersion(&version);
    printf("mgm %u.%u\n", version.dwApiMajor, version.dwApiMinor);
    MgmHostStart(&settings);
    MgmHostAddRoute(inet_addr("10.0.0.0"), inet_addr("255.0.0.0"), 1, 0, 0, 0);
    if (MgmRegisterMProtocol(&listens, PROTO_IP_OTHER, 1, &pim) != NO_ERROR ||
        MgmRegisterMProtocol(&silent, PROTO_IP_OTHER, 2, &edge) != NO_ERROR)
        return 1;
    MgmTakeInterfaceOwnership(pim, 1, 0);
    MgmTakeInterfaceOwnership(edge, 2, 0);
    if ((code = MgmTakeInterfaceOwnership(edge, 1, 0)) != NO_ERROR)
        printf("refused: code %u\n", code);

    MgmAddGroupMembershipEntry(edge, 0, 0, group, host, 2, 0, MGM_JOIN_STATE_FLAG);
    if (MgmHostPacketIn(source, group, 1, 0, 0, NULL, 100, &accepted, &count, out) == NO_ERROR)
        printf("packet: goes out on interface %u\n", out[0].dwIfIndex);
    bytes = sizeof mfe;
    code = MgmGetFirstMfe(&bytes, (PBYTE)&mfe, &count);
    while (count == 1) {
        printf("mfe: ");
        print_flow(mfe.dwSource, mfe.dwGroup);
        printf(" from %u to %u\n", mfe.dwInIfIndex, mfe.rgmioOutInfo[0].dwOutIfIndex);
        if (code != ERROR_MORE_DATA)
            break;
        last = mfe;
        code = MgmGetNextMfe(&last, &bytes, (PBYTE)&mfe, &count);
    }
    MgmDeleteGroupMembershipEntry(edge, 0, 0, group, host, 2, 0, MGM_JOIN_STATE_FLAG);

    MgmReleaseInterfaceOwnership(edge, 2, 0);
    MgmReleaseInterfaceOwnership(pim, 1, 0);
    MgmDeRegisterMProtocol(edge);
    MgmDeRegisterMProtocol(pim);
    return 0;
}
