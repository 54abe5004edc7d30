/* A routing protocol in a DLL of its own, which loading.c loads, starts, stops
 * and frees. Built with Windows' own headers. */
#include <winsock2.h>
#include <windows.h>
#include <iprtrmib.h>
#include <mgm.h>

#include "plugin.h"

static HANDLE protocol;
static volatile LONG alerts, elsewhere;
static DWORD starter;

static void heard(volatile LONG *count)
{
    InterlockedIncrement(count);
    if (GetCurrentThreadId() != starter)
        InterlockedIncrement(&elsewhere);
}

static DWORD on_join(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask, BOOL member)
{
    (void)source, (void)source_mask, (void)group, (void)group_mask, (void)member;
    heard(&alerts);
    return NO_ERROR;
}

static DWORD on_creation(DWORD source, DWORD source_mask, DWORD group, DWORD group_mask,
                         DWORD in_index, DWORD in_next_hop, DWORD count, PMGM_IF_ENTRY out)
{
    (void)source, (void)source_mask, (void)group, (void)group_mask;
    (void)in_index, (void)in_next_hop, (void)count, (void)out;
    heard(&alerts);
    return NO_ERROR;
}

__declspec(dllexport) DWORD plugin_start(DWORD interface_index)
{
    ROUTING_PROTOCOL_CONFIG config = {0};
    DWORD code;

    starter = GetCurrentThreadId();
    config.pfnJoinAlertCallback = on_join;
    config.pfnCreationAlertCallback = on_creation;
    code = MgmRegisterMProtocol(&config, PLUGIN_ID, 1, &protocol);
    if (code == NO_ERROR)
        code = MgmTakeInterfaceOwnership(protocol, interface_index, 0);
    if (code == NO_ERROR)
        code = MgmAddGroupMembershipEntry(protocol, 0, 0, PLUGIN_GROUP, 0xffffffff,
                                          interface_index, 0, MGM_JOIN_STATE_FLAG);
    return code;
}

__declspec(dllexport) LONG plugin_heard(BOOL elsewhere_only)
{
    return elsewhere_only ? elsewhere : alerts;
}

__declspec(dllexport) DWORD plugin_stop(DWORD interface_index)
{
    DWORD code = MgmReleaseInterfaceOwnership(protocol, interface_index, 0);

    return code == NO_ERROR ? MgmDeRegisterMProtocol(protocol) : code;
}
