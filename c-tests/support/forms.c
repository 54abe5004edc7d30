#include "forms.h"
#include "router.h"

#include <string.h>

static DWORD stats_get(PMIB_IPMCAST_MFE mfe, PDWORD size, PBYTE buffer)
{
    return MgmGetMfeStats(mfe, size, buffer, MGM_MFE_STATS_0);
}

static DWORD stats_first(PDWORD size, PBYTE buffer, PDWORD count)
{
    return MgmGetFirstMfeStats(size, buffer, count, MGM_MFE_STATS_0);
}

static DWORD stats_next(PMIB_IPMCAST_MFE start, PDWORD size, PBYTE buffer, PDWORD count)
{
    return MgmGetNextMfeStats(start, size, buffer, count, MGM_MFE_STATS_0);
}

static DWORD stats_ex_get(PMIB_IPMCAST_MFE mfe, PDWORD size, PBYTE buffer)
{
    return MgmGetMfeStats(mfe, size, buffer, MGM_MFE_STATS_1);
}

static DWORD stats_ex_first(PDWORD size, PBYTE buffer, PDWORD count)
{
    return MgmGetFirstMfeStats(size, buffer, count, MGM_MFE_STATS_1);
}

static DWORD stats_ex_next(PMIB_IPMCAST_MFE start, PDWORD size, PBYTE buffer, PDWORD count)
{
    return MgmGetNextMfeStats(start, size, buffer, count, MGM_MFE_STATS_1);
}

/* The sizes as numbers, taken from the documentation and not from the header. */
const struct form forms[FORMS] = {
    {"MIB_IPMCAST_MFE", 60, 16, MgmGetMfe, MgmGetFirstMfe, MgmGetNextMfe},
    {"MIB_IPMCAST_MFE_STATS", 64, 28, stats_get, stats_first, stats_next},
    {"MIB_IPMCAST_MFE_STATS_EX", 84, 28, stats_ex_get, stats_ex_first, stats_ex_next},
};

DWORD entry_size(const struct form *form, DWORD oifs)
{
    return form->base + oifs * form->for_each_oif;
}

DWORD entry_oifs(const struct form *form, const BYTE *entry)
{
    /* In an MFE, ulNumOutIf follows ulTimeOut, which statistics lack. */
    DWORD oifs;

    memcpy(&oifs, entry + (form->base == 60 ? 48 : 44), sizeof(oifs));
    return oifs;
}

char *entry_flow(const BYTE *entry, char text[40])
{
    DWORD group, source;

    memcpy(&group, entry, sizeof(group));
    memcpy(&source, entry + 4, sizeof(source));
    return flow_text(source, group, text);
}

MIB_IPMCAST_MFE named(const char *text)
{
    MIB_IPMCAST_MFE mfe;
    struct flow f = flow(text);

    memset(&mfe, 0, sizeof(mfe));
    mfe.dwGroup = f.group;
    mfe.dwSource = f.source;
    mfe.dwSrcMask = f.source_mask;
    return mfe;
}
