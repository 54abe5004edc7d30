/* Reads and compares the tables of the library. */

#include "router.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BYTES = 1 << 16, LINE = 160 };

/* A text that grows. */
struct text {
    char *start;
    size_t used, room;
};

static void append(struct text *text, const char *line)
{
    size_t length = strlen(line);

    if (text->used + length + 1 > text->room) {
        text->room = 2 * text->room + length + 256;
        text->start = realloc(text->start, text->room);
        if (text->start == NULL)
            abort();
    }
    memcpy(text->start + text->used, line, length + 1);
    text->used += length;
}

DWORD get_mfe(const char *text, MIB_IPMCAST_MFE *head)
{
    DWORD buffer[TABLE_BYTES / sizeof(DWORD)];
    DWORD size = sizeof(buffer), code;
    MIB_IPMCAST_MFE query = {0};
    struct flow f = flow(text);

    query.dwGroup = f.group;
    query.dwSource = f.source;
    query.dwSrcMask = 0xffffffff;
    code = MgmGetMfe(&query, &size, (PBYTE)buffer);
    memset(head, 0, sizeof(*head));
    if (code == NO_ERROR)
        memcpy(head, buffer, SIZEOF_BASIC_MIB_MFE);
    return code;
}

static int by_interface(const void *a, const void *b)
{
    const MIB_IPMCAST_OIF *left = a, *right = b;

    if (left->dwOutIfIndex != right->dwOutIfIndex)
        return left->dwOutIfIndex < right->dwOutIfIndex ? -1 : 1;
    return memcmp(&left->dwNextHopAddr, &right->dwNextHopAddr, sizeof(DWORD));
}

/* Writes one entry as a line, and returns the size of the entry. */
static size_t append_mfe(struct text *text, const BYTE *entry)
{
    char line[LINE], flow[40], where[32], upstream[16];
    MIB_IPMCAST_OIF oifs[64];
    MIB_IPMCAST_MFE head;
    size_t count;

    memcpy(&head, entry, SIZEOF_BASIC_MIB_MFE);
    count = head.ulNumOutIf < 64 ? head.ulNumOutIf : 64;
    memcpy(oifs, entry + SIZEOF_BASIC_MIB_MFE, count * sizeof(*oifs));
    qsort(oifs, count, sizeof(*oifs), by_interface);

    snprintf(line, sizeof(line), "%s in %u from %s out",
             flow_text(head.dwSource, head.dwGroup, flow), (unsigned)head.dwInIfIndex,
             ip_text(head.dwUpStrmNgbr, upstream));
    append(text, line);
    for (size_t i = 0; i < count; i++) {
        append(text, " ");
        append(text, interface_text(oifs[i].dwOutIfIndex, oifs[i].dwNextHopAddr, where));
    }
    append(text, "\n");
    return SIZEOF_MIB_MFE(head.ulNumOutIf);
}

static void append_mfes(struct text *text)
{
    BYTE *buffer = malloc(TABLE_BYTES);
    MIB_IPMCAST_MFE last = {0};
    DWORD size = TABLE_BYTES, count = 0;
    DWORD code = MgmGetFirstMfe(&size, buffer, &count);

    while (code == ERROR_MORE_DATA || code == ERROR_NO_MORE_ITEMS) {
        const BYTE *entry = buffer;

        for (DWORD i = 0; i < count; i++) {
            memcpy(&last, entry, SIZEOF_BASIC_MIB_MFE);
            entry += append_mfe(text, entry);
        }
        if (code == ERROR_NO_MORE_ITEMS)
            break;
        size = TABLE_BYTES;
        code = MgmGetNextMfe(&last, &size, buffer, &count);
    }
    CHECK_EQ(code, ERROR_NO_MORE_ITEMS);
    free(buffer);
}

static int by_group_and_source(const void *a, const void *b)
{
    const SOURCE_GROUP_ENTRY *left = a, *right = b;
    int groups = memcmp(&left->dwGroupAddr, &right->dwGroupAddr, sizeof(DWORD));

    return groups != 0 ? groups : memcmp(&left->dwSourceAddr, &right->dwSourceAddr, sizeof(DWORD));
}

/* A client for an enumeration. It has no callbacks and no interfaces, so it causes no callbacks. */
static HANDLE observe(void)
{
    ROUTING_PROTOCOL_CONFIG deaf = {0};
    HANDLE observer = NULL;

    OK(MgmRegisterMProtocol(&deaf, 0x0b5e57e4, 1, &observer));
    return observer;
}

static void append_groups(struct text *text, MGM_ENUM_TYPES type)
{
    static SOURCE_GROUP_ENTRY entries[TABLE_BYTES / sizeof(SOURCE_GROUP_ENTRY)];
    DWORD size = sizeof(entries), count = 0;
    HANDLE observer = observe(), groups = NULL;
    char flow[40];

    OK(MgmGroupEnumerationStart(observer, type, &groups));
    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, (PBYTE)entries, &count),
               ERROR_NO_MORE_ITEMS);
    OK(MgmGroupEnumerationEnd(groups));
    OK(quit(observer));

    qsort(entries, count, sizeof(*entries), by_group_and_source);
    for (DWORD i = 0; i < count; i++) {
        CHECK_EQ(entries[i].dwSourceMask, entries[i].dwSourceAddr == 0 ? 0 : 0xffffffff);
        CHECK_EQ(entries[i].dwGroupMask, entries[i].dwGroupAddr == 0 ? 0 : 0xffffffff);
        append(text, flow_text(entries[i].dwSourceAddr, entries[i].dwGroupAddr, flow));
        append(text, "\n");
    }
}

static void compare_lines(const char *file, int line, const char *what, struct text *have,
                          const char *const *expected)
{
    struct text want = {0};

    append(&want, "");
    for (size_t i = 0; expected[i] != NULL; i++) {
        append(&want, expected[i]);
        append(&want, "\n");
    }
    append(have, "");
    if (strcmp(want.start, have->start) != 0)
        fail_check(file, line, "the %s are\n%sbut should be\n%s", what, have->start, want.start);
    free(want.start);
    free(have->start);
}

void expect_mfes(const char *file, int line, const char *const *expected)
{
    struct text have = {0};

    append_mfes(&have);
    compare_lines(file, line, "MFEs", &have, expected);
}

void expect_groups(const char *file, int line, MGM_ENUM_TYPES type, const char *const *expected)
{
    struct text have = {0};

    append_groups(&have, type);
    compare_lines(file, line, "groups", &have, expected);
}

void wait_a_little(void)
{
    sleep_ms(10);
}

/* All of the library's state that mgm.h returns, as text. */
static char *dump(void)
{
    struct text text = {0};
    char line[LINE];

    append_mfes(&text);
    append_groups(&text, ALL_SOURCES);
    append_groups(&text, ANY_SOURCE);
    for (DWORD index = 1; index < 10; index++) {
        snprintf(line, sizeof(line), "%u is %s's\n", (unsigned)index, owner_of(index));
        append(&text, line);
    }
    return text.start;
}

struct snapshot take_snapshot(void)
{
    struct snapshot snapshot;

    snapshot.dump = dump();
    snapshot.callbacks = log_length();
    snapshot.log_lines = mgm_log_lines();
    return snapshot;
}

void expect_unchanged(const char *file, int line, const char *call, struct snapshot *before,
                     DWORD code, DWORD expected, size_t log_lines)
{
    size_t lines = mgm_log_lines_since(before->log_lines, log_lines);
    char *after = dump();

    check_code(file, line, call, code, expected);
    if (lines != log_lines)
        fail_check(file, line, "%s makes %u log line(s), not %u; the last: %s", call,
                   (unsigned)lines, (unsigned)log_lines, mgm_last_line());
    if (log_length() != before->callbacks)
        fail_check(file, line, "%s makes %u callback(s)", call,
                   (unsigned)(log_length() - before->callbacks));
    if (strcmp(before->dump, after) != 0)
        fail_check(file, line, "%s changes\n%sto\n%s", call, before->dump, after);
    free(before->dump);
    free(after);
}
