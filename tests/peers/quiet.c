/*
 * quiet.c - a routing protocol that prints nothing, as a module of mgmd, so that the library is
 * measured and not printf.
 *
 * args is the path of a socket for the library's status, then the names of the interfaces that the
 * protocol takes. All callbacks are there, as a protocol would have them, and agree to what the
 * library suggests. The memberships are those of mgmd's IGMP.
 */
#include <mgmd_module.h>

#include <string.h>

enum { PROTOCOL = 200, MAX_LINKS = 32, MAX_ARGS = 1024 };

static HANDLE us;
static DWORD links[MAX_LINKS];
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

/* A host of an own interface joins or leaves. */
static DWORD on_local(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD i, DWORD nh)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)i, (void)nh;
    return NO_ERROR;
}

static DWORD take(const char *name)
{
    DWORD code = count < MAX_LINKS ? NO_ERROR : ERROR_CAN_NOT_COMPLETE;

    if (code == NO_ERROR)
        code = MgmHostInterfaceIndex(name, &links[count]);
    if (code == NO_ERROR)
        code = MgmTakeInterfaceOwnership(us, links[count], 0);
    if (code == NO_ERROR)
        count++;
    return code;
}

DWORD mgmd_module_init(const char *args, const struct mgmd_module_host *host)
{
    ROUTING_PROTOCOL_CONFIG config = {
        .pfnRpfCallback = on_rpf,
        .pfnCreationAlertCallback = on_creation,
        .pfnPruneAlertCallback = on_prune,
        .pfnJoinAlertCallback = on_join,
        .pfnWrongIfCallback = on_wrong_if,
        .pfnLocalJoinCallback = on_local,
        .pfnLocalLeaveCallback = on_local,
    };
    char words[MAX_ARGS], *rest = NULL, *word;
    DWORD code;

    if (strlen(args) >= sizeof words)
        return ERROR_INVALID_PARAMETER;
    strcpy(words, args);
    word = strtok_r(words, " ", &rest);
    code = word == NULL ? ERROR_INVALID_PARAMETER : MgmHostServeStatus(word);
    if (code == NO_ERROR)
        code = MgmRegisterMProtocol(&config, PROTOCOL, 1, &us);
    while (code == NO_ERROR && (word = strtok_r(NULL, " ", &rest)) != NULL) {
        code = take(word);
        if (code != NO_ERROR)
            host->log(MGMHOST_LOG_ERROR, word);
    }
    /* mgmd does not stop a module that has not started. */
    if (code != NO_ERROR)
        mgmd_module_stop();
    return code;
}

void mgmd_module_stop(void)
{
    while (count > 0)
        MgmReleaseInterfaceOwnership(us, links[--count], 0);
    if (us)
        MgmDeRegisterMProtocol(us);
}
