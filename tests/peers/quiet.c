/*
 * quiet.c - the example protocol without its words: what examples/igmp_router.c
 * does, at the speed of MGM rather than of printf.
 *
 * All callbacks are there, as a protocol would have them, and agree to what MGM
 * proposes.
 */
#include "protocol.h"

#include "igmp.h"

#include <stdio.h>

static HANDLE us;
static DWORD links[32];
static size_t count;

static DWORD on_rpf(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD i, PDWORD nh, PDWORD up,
                    DWORD size, PBYTE header, PBYTE route)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)nh, (void)up;
    (void)size, (void)header, (void)route;
    return NO_ERROR;
}

static DWORD on_creation(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh, DWORD outs,
                         PMGM_IF_ENTRY out)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)nh, (void)outs, (void)out;
    return NO_ERROR;
}

static DWORD on_prune(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh, BOOL member,
                      PDWORD timeout)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)nh, (void)member, (void)timeout;
    return NO_ERROR;
}

static DWORD on_join(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)member;
    return NO_ERROR;
}

static DWORD on_wrong_if(DWORD s, DWORD g, DWORD i, DWORD nh, DWORD size, PBYTE header)
{
    (void)s, (void)g, (void)i, (void)nh, (void)size, (void)header;
    return NO_ERROR;
}

DWORD protocol_start(DWORD component, const char *label, bool igmp_too)
{
    ROUTING_PROTOCOL_CONFIG config = {.dwCallbackFlags = 0};

    (void)label, (void)igmp_too;
    config.pfnRpfCallback = on_rpf;
    config.pfnCreationAlertCallback = on_creation;
    config.pfnPruneAlertCallback = on_prune;
    config.pfnJoinAlertCallback = on_join;
    config.pfnWrongIfCallback = on_wrong_if;
    return MgmRegisterMProtocol(&config, 200, component, &us);
}

DWORD protocol_take(DWORD index, const char *name)
{
    DWORD code = MgmTakeInterfaceOwnership(us, index, 0);

    if (code != NO_ERROR)
        fprintf(stderr, "%s: code %u\n", name, (unsigned)code);
    else
        links[count++] = index;
    return code;
}

static void on_wish(void *context, enum igmp_wish wish, uint32_t source, uint32_t group)
{
    const DWORD index = *(const DWORD *)context, mask = source ? 0xffffffffu : 0;

    if (wish == IGMP_JOIN)
        MgmAddGroupMembershipEntry(us, source, mask, group, 0xffffffffu, index, 0,
                                   MGM_JOIN_STATE_FLAG);
    else
        MgmDeleteGroupMembershipEntry(us, source, mask, group, 0xffffffffu, index, 0,
                                      MGM_JOIN_STATE_FLAG);
}

void protocol_hear(DWORD index, uint32_t host, const uint8_t *message, size_t length,
                   void (*left)(DWORD index, uint32_t group))
{
    (void)host, (void)left;
    igmp_read(message, length, on_wish, &index);
}

void protocol_print_mfes(void) {}
void protocol_print_groups(void) {}

DWORD protocol_stop(void)
{
    while (count > 0)
        MgmReleaseInterfaceOwnership(us, links[--count], 0);
    return us ? MgmDeRegisterMProtocol(us) : NO_ERROR;
}
