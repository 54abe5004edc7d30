/*
 * A client as Windows programs are: Windows' own headers, Windows' own import
 * library (-lrtm), and nothing of ours in its build. It drives all sixteen
 * functions that the original's DLL exports, prints what comes, and stops at the
 * first thing that is not as documented.
 *
 * The same source, and the same transcript, on Linux: tests/windows/run.
 */
#include <winsock2.h>
#include <windows.h>
#include <iprtrmib.h>
#include <rtmv2.h>
#include <routprot.h>
#include <mgm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST 0xffffffff

static void expect(const char *call, DWORD code, DWORD expected)
{
    printf("%s: %lu\n", call, (unsigned long)code);
    fflush(stdout);
    if (code != expected) {
        printf("not %lu\n", (unsigned long)expected);
        exit(1);
    }
}

#define EXPECT(code, call) expect(#call, call, code)
#define OK(call) expect(#call, call, NO_ERROR)

static const char *text(DWORD address)
{
    struct in_addr in;

    in.s_addr = address;
    return address == 0 ? "*" : inet_ntoa(in);
}

static void say(const char *what, DWORD source, DWORD group)
{
    printf("  %s (%s, ", what, text(source));
    printf("%s)", text(group));
}

static DWORD on_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask, BOOL member)
{
    say("JOIN", source, group);
    printf(" %s, masks %s\n", member ? "by a member" : "of an MFE",
           source_mask == (source ? HOST : 0) && group_mask == HOST ? "right" : "wrong");
    return NO_ERROR;
}

static DWORD on_prune(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                      DWORD index, DWORD next_hop, BOOL member, PDWORD timeout)
{
    say("PRUNE", source, group);
    printf(" %s on %lu/%s, masks %s, timeout %s\n", member ? "by a member" : "of an MFE",
           (unsigned long)index, text(next_hop),
           source_mask == (source ? HOST : 0) && group_mask == HOST ? "right" : "wrong",
           timeout != NULL ? "there" : "missing");
    return NO_ERROR;
}

static DWORD on_local_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                           DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask;
    say("LOCAL JOIN", source, group);
    printf(" on %lu/%s\n", (unsigned long)index, text(next_hop));
    return NO_ERROR;
}

static DWORD on_local_leave(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                            DWORD index, DWORD next_hop)
{
    (void)source_mask, (void)group_mask;
    say("LOCAL LEAVE", source, group);
    printf(" on %lu/%s\n", (unsigned long)index, text(next_hop));
    return NO_ERROR;
}

static DWORD on_disable(DWORD index, DWORD next_hop)
{
    printf("  DISABLE IGMP on %lu/%s\n", (unsigned long)index, text(next_hop));
    return NO_ERROR;
}

static DWORD on_enable(DWORD index, DWORD next_hop)
{
    printf("  ENABLE IGMP on %lu/%s\n", (unsigned long)index, text(next_hop));
    return NO_ERROR;
}

static void memberships(HANDLE p, HANDLE q, HANDLE igmp)
{
    DWORD g = inet_addr("239.1.2.3"), s = inet_addr("10.0.0.5");

    OK(MgmAddGroupMembershipEntry(p, 0, 0, g, HOST, 1, 0, MGM_JOIN_STATE_FLAG));
    OK(MgmAddGroupMembershipEntry(q, s, HOST, g, HOST, 2, 0, MGM_JOIN_STATE_FLAG));
    OK(MgmAddGroupMembershipEntry(igmp, 0, 0, g, HOST, 2, 0, MGM_JOIN_STATE_FLAG));
    EXPECT(ERROR_INVALID_PARAMETER,
           MgmAddGroupMembershipEntry(p, 0, 0, g, HOST, 2, 0, MGM_JOIN_STATE_FLAG));
    EXPECT(ERROR_INVALID_PARAMETER,
           MgmAddGroupMembershipEntry(p, s, 0, g, HOST, 1, 0, MGM_JOIN_STATE_FLAG));
    EXPECT(ERROR_NOT_FOUND,
           MgmDeleteGroupMembershipEntry(p, 0, 0, g, HOST, 9, 0, MGM_JOIN_STATE_FLAG));
}

static void enumeration(HANDLE p, MGM_ENUM_TYPES type)
{
    SOURCE_GROUP_ENTRY entries[1];
    HANDLE walk;
    DWORD size, count, code;

    OK(MgmGroupEnumerationStart(p, type, &walk));
    do {
        size = sizeof(entries);
        count = 0;
        code = MgmGroupEnumerationGetNext(walk, &size, (PBYTE)entries, &count);
        printf("MgmGroupEnumerationGetNext: %lu, %lu", (unsigned long)code, (unsigned long)count);
        if (count == 1)
            say("", entries[0].dwSourceAddr, entries[0].dwGroupAddr);
        printf("\n");
    } while (code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationEnd(walk));
    EXPECT(ERROR_INVALID_PARAMETER, MgmGroupEnumerationEnd(walk));
}

/* There are no MFEs: no packet came. So each reader says that there is none. */
static void tables(void)
{
    BYTE buffer[SIZEOF_MIB_MFE_STATS_EX(4)];
    MIB_IPMCAST_MFE start;
    DWORD size = sizeof(buffer), count = 7;

    memset(&start, 0, sizeof(start));
    start.dwGroup = inet_addr("239.1.2.3");
    start.dwSource = inet_addr("10.0.0.5");
    EXPECT(ERROR_NOT_FOUND, MgmGetMfe(&start, &size, buffer));
    EXPECT(ERROR_NO_MORE_ITEMS, MgmGetFirstMfe(&size, buffer, &count));
    EXPECT(ERROR_NO_MORE_ITEMS, MgmGetNextMfe(&start, &size, buffer, &count));
    EXPECT(ERROR_NOT_FOUND, MgmGetMfeStats(&start, &size, buffer, MGM_MFE_STATS_0));
    EXPECT(ERROR_NO_MORE_ITEMS, MgmGetFirstMfeStats(&size, buffer, &count, MGM_MFE_STATS_1));
    EXPECT(ERROR_NO_MORE_ITEMS, MgmGetNextMfeStats(&start, &size, buffer, &count, MGM_MFE_STATS_0));
    EXPECT(ERROR_INVALID_PARAMETER, MgmGetFirstMfeStats(&size, buffer, &count, 4));
    printf("count %lu, size %s\n", (unsigned long)count,
           size == sizeof(buffer) ? "as it was" : "changed");
}

int main(void)
{
    ROUTING_PROTOCOL_CONFIG config;
    HANDLE p, q, igmp, none;
    DWORD protocol = 0, component = 0;

    memset(&config, 0, sizeof(config));
    config.pfnJoinAlertCallback = on_join;
    config.pfnPruneAlertCallback = on_prune;
    config.pfnLocalJoinCallback = on_local_join;
    config.pfnLocalLeaveCallback = on_local_leave;
    OK(MgmRegisterMProtocol(&config, PROTO_IP_OTHER, 1, &p));
    OK(MgmRegisterMProtocol(&config, PROTO_IP_BGMP, 1, &q));
    EXPECT(ERROR_ALREADY_EXISTS, MgmRegisterMProtocol(&config, PROTO_IP_BGMP, 1, &none));
    memset(&config, 0, sizeof(config));
    config.pfnDisableIgmpCallback = on_disable;
    config.pfnEnableIgmpCallback = on_enable;
    OK(MgmRegisterMProtocol(&config, PROTO_IP_IGMP, 1, &igmp));

    OK(MgmTakeInterfaceOwnership(p, 1, 0));
    OK(MgmTakeInterfaceOwnership(igmp, 2, 0));
    OK(MgmTakeInterfaceOwnership(q, 2, 0));
    EXPECT(ERROR_ALREADY_EXISTS, MgmTakeInterfaceOwnership(p, 2, 0));
    OK(MgmGetProtocolOnInterface(2, 0, &protocol, &component));
    printf("%lu, %lu\n", (unsigned long)protocol, (unsigned long)component);
    EXPECT(ERROR_NOT_FOUND, MgmGetProtocolOnInterface(3, 0, &protocol, &component));

    memberships(p, q, igmp);
    enumeration(p, ALL_SOURCES);
    enumeration(q, ANY_SOURCE);
    tables();

    EXPECT(ERROR_CAN_NOT_COMPLETE, MgmDeRegisterMProtocol(q));
    OK(MgmReleaseInterfaceOwnership(q, 2, 0));
    OK(MgmReleaseInterfaceOwnership(igmp, 2, 0));
    OK(MgmReleaseInterfaceOwnership(p, 1, 0));
    OK(MgmDeRegisterMProtocol(igmp));
    OK(MgmDeRegisterMProtocol(q));
    OK(MgmDeRegisterMProtocol(p));
    EXPECT(ERROR_INVALID_PARAMETER, MgmDeRegisterMProtocol(p));
    return 0;
}
