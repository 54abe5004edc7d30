/*
 * viewer.c - prints the MFEs, their counters, and the owners of their interfaces. It does not
 * register, because functions that only read need no handle. It must run in the router's
 * process.
 *
 * This program was written for Windows, and compiles unchanged on Linux: docs/porting.md.
 */
#include <winsock2.h>
#include <windows.h>
#include <iprtrmib.h>
#include <mgm.h>

#include "viewer.h"

#include <stdio.h>

/* Small, so that the listing takes several calls. Any size works if the caller can enlarge it. */
enum { ROOM = 512 };

static void print_address(const char *before, DWORD address)
{
    const BYTE *byte = (const BYTE *)&address; /* network byte order */

    printf("%s%u.%u.%u.%u", before, byte[0], byte[1], byte[2], byte[3]);
}

static void print_owner(DWORD index, DWORD next_hop)
{
    DWORD protocol, component;

    if (MgmGetProtocolOnInterface(index, next_hop, &protocol, &component) == NO_ERROR)
        printf(" (protocol %lu.%lu)", (unsigned long)protocol, (unsigned long)component);
}

/* Prints one entry, and returns its size in bytes. */
static DWORD print_entry(const MIB_IPMCAST_MFE_STATS *entry)
{
    ULONG i;

    print_address("(", entry->dwSource);
    print_address(", ", entry->dwGroup);
    printf(") in %lu", (unsigned long)entry->dwInIfIndex);
    print_owner(entry->dwInIfIndex, 0);
    if (entry->dwUpStrmNgbr != 0)
        print_address(" from ", entry->dwUpStrmNgbr);
    printf(" out");
    for (i = 0; i < entry->ulNumOutIf; i++) {
        const MIB_IPMCAST_OIF_STATS *out = &entry->rgmiosOutStats[i];

        printf(" %lu", (unsigned long)out->dwOutIfIndex);
        print_owner(out->dwOutIfIndex, out->dwNextHopAddr);
    }
    if (entry->ulNumOutIf == 0)
        printf(" nobody");
    printf(", packets %lu, on other interfaces %lu\n", (unsigned long)entry->ulInPkts,
           (unsigned long)entry->ulPktsDifferentIf);
    return (DWORD)SIZEOF_MIB_MFE_STATS(entry->ulNumOutIf);
}

void viewer_show(void)
{
    /* The fields of the entries have four bytes, so the buffer is aligned for them. */
    DWORD buffer[ROOM / sizeof(DWORD)];
    MIB_IPMCAST_MFE last = {0};
    DWORD size = sizeof(buffer), count = 0, total = 0;
    DWORD code = MgmGetFirstMfeStats(&size, (PBYTE)buffer, &count, MGM_MFE_STATS_0);

    while (code == NO_ERROR || code == ERROR_MORE_DATA || code == ERROR_NO_MORE_ITEMS) {
        const BYTE *at = (const BYTE *)buffer;

        for (total += count; count > 0; count--) {
            const MIB_IPMCAST_MFE_STATS *entry = (const MIB_IPMCAST_MFE_STATS *)at;

            last.dwGroup = entry->dwGroup;
            last.dwSource = entry->dwSource;
            at += print_entry(entry);
        }
        if (code != ERROR_MORE_DATA)
            break;
        size = sizeof(buffer);
        code = MgmGetNextMfeStats(&last, &size, (PBYTE)buffer, &count, MGM_MFE_STATS_0);
    }
    if (code == ERROR_INSUFFICIENT_BUFFER)
        printf("an entry of %lu bytes is too long for this viewer\n", (unsigned long)size);
    else if (code != ERROR_NO_MORE_ITEMS)
        printf("error %lu\n", (unsigned long)code);
    printf("entries: %lu\n", (unsigned long)total);
}
