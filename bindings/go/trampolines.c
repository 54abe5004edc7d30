#include "trampolines.h"

#include <stdlib.h>

#include "_cgo_export.h"

#define SLOT(n)                                                                                    \
    static DWORD rpf_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD index, PDWORD hop,           \
                         PDWORD upstream, DWORD size, PBYTE header, PBYTE route)                   \
    {                                                                                              \
        (void)sm, (void)gm, (void)route;                                                           \
        goRpf(n, s, g, index, hop, upstream, size, header);                                        \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD creation_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD hop,        \
                              DWORD count, PMGM_IF_ENTRY entries)                                  \
    {                                                                                              \
        (void)sm, (void)gm;                                                                        \
        goCreationAlert(n, s, g, index, hop, count, entries);                                      \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD prune_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD hop,           \
                           BOOL member, PDWORD timeout)                                            \
    {                                                                                              \
        (void)sm, (void)gm;                                                                        \
        goPruneAlert(n, s, g, index, hop, member, timeout);                                        \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD join_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)                       \
    {                                                                                              \
        (void)sm, (void)gm;                                                                        \
        goJoinAlert(n, s, g, member);                                                              \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD wrong_if_##n(DWORD s, DWORD g, DWORD index, DWORD hop, DWORD size, PBYTE header)  \
    {                                                                                              \
        goWrongIf(n, s, g, index, hop, size, header);                                              \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD local_join_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD hop)      \
    {                                                                                              \
        (void)sm, (void)gm;                                                                        \
        goLocal(n, s, g, index, hop, TRUE);                                                        \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD local_leave_##n(DWORD s, DWORD sm, DWORD g, DWORD gm, DWORD index, DWORD hop)     \
    {                                                                                              \
        (void)sm, (void)gm;                                                                        \
        goLocal(n, s, g, index, hop, FALSE);                                                       \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD disable_igmp_##n(DWORD index, DWORD hop)                                          \
    {                                                                                              \
        goIgmp(n, index, hop, FALSE);                                                              \
        return NO_ERROR;                                                                           \
    }                                                                                              \
    static DWORD enable_igmp_##n(DWORD index, DWORD hop)                                           \
    {                                                                                              \
        goIgmp(n, index, hop, TRUE);                                                               \
        return NO_ERROR;                                                                           \
    }

#define CONFIG(n)                                                                                  \
    {                                                                                              \
        0, rpf_##n, creation_##n, prune_##n, join_##n, wrong_if_##n, local_join_##n,               \
            local_leave_##n, disable_igmp_##n, enable_igmp_##n                                     \
    }

#define EACH_SLOT(X, SEPARATOR)                                                                    \
    X(0) SEPARATOR() X(1) SEPARATOR() X(2) SEPARATOR() X(3) SEPARATOR() X(4) SEPARATOR()           \
    X(5) SEPARATOR() X(6) SEPARATOR() X(7) SEPARATOR() X(8) SEPARATOR() X(9) SEPARATOR()           \
    X(10) SEPARATOR() X(11) SEPARATOR() X(12) SEPARATOR() X(13) SEPARATOR() X(14) SEPARATOR()      \
    X(15) SEPARATOR() X(16) SEPARATOR() X(17) SEPARATOR() X(18) SEPARATOR() X(19) SEPARATOR()      \
    X(20) SEPARATOR() X(21) SEPARATOR() X(22) SEPARATOR() X(23) SEPARATOR() X(24) SEPARATOR()      \
    X(25) SEPARATOR() X(26) SEPARATOR() X(27) SEPARATOR() X(28) SEPARATOR() X(29) SEPARATOR()      \
    X(30) SEPARATOR() X(31)
#define NOTHING()
#define COMMA() ,

EACH_SLOT(SLOT, NOTHING)

static const ROUTING_PROTOCOL_CONFIG all[MGM_GO_SLOTS] = {EACH_SLOT(CONFIG, COMMA)};

ROUTING_PROTOCOL_CONFIG mgm_go_config(int slot, unsigned wanted)
{
    ROUTING_PROTOCOL_CONFIG config = {0};
    const ROUTING_PROTOCOL_CONFIG *full = &all[slot];

#define WANTED(bit, field) config.field = wanted & 1u << (bit) ? full->field : NULL
    WANTED(0, pfnRpfCallback);
    WANTED(1, pfnCreationAlertCallback);
    WANTED(2, pfnPruneAlertCallback);
    WANTED(3, pfnJoinAlertCallback);
    WANTED(4, pfnWrongIfCallback);
    WANTED(5, pfnLocalJoinCallback);
    WANTED(6, pfnLocalLeaveCallback);
    WANTED(7, pfnDisableIgmpCallback);
    WANTED(8, pfnEnableIgmpCallback);
    return config;
}

static void log_line(void *context, DWORD level, const char *text)
{
    /* Go has no const pointers. */
    goLog((uintptr_t)context, level, (char *)text);
}

void mgm_go_log_to(MGMHOST_CONFIG *config, uintptr_t number)
{
    config->pfnLogCallback = number ? log_line : NULL;
    config->pvLogContext = (void *)number;
}

mgm_go_outcome mgm_go_set_log(uintptr_t number)
{
    return mgm_go_outcome_of(MgmHostSetLogCallback(number ? log_line : NULL, (void *)number));
}

static void router_lost(void *context)
{
    (void)context;
    goRouterLost();
}

mgm_go_outcome mgm_go_report_router_lost(int wanted)
{
    return mgm_go_outcome_of(MgmHostSetRouterLost(wanted ? router_lost : NULL, NULL));
}

static BOOL client_filter(void *context, const MGMHOST_CLIENT_REQUEST *request)
{
    (void)context;
    /* Go has no const pointers. */
    return goClientFilter((MGMHOST_CLIENT_REQUEST *)request);
}

mgm_go_outcome mgm_go_filter_clients(int wanted)
{
    return mgm_go_outcome_of(MgmHostSetClientFilter(wanted ? client_filter : NULL, NULL));
}

mgm_go_outcome mgm_go_outcome_of(DWORD code)
{
    mgm_go_outcome outcome = {code, NULL};
    DWORD size = 1024; /* always suffices */

    switch (code) {
    case NO_ERROR:
    case ERROR_INSUFFICIENT_BUFFER:
    case ERROR_MORE_DATA:
    case ERROR_NO_MORE_ITEMS:
        return outcome;
    }
    outcome.message = malloc(size);
    if (outcome.message != NULL && MgmHostGetLastMessage(&size, (PBYTE)outcome.message) != NO_ERROR) {
        free(outcome.message);
        outcome.message = NULL;
    }
    return outcome;
}
