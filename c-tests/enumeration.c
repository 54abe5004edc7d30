/* Enumerating groups: chapter 7 of the semantics. */

#include "router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static HANDLE a, b;

static void two_components(void)
{
    a = protocol('A');
    b = protocol('B');
    OK(take(a, 1));
    OK(take(a, 2));
    OK(take(b, 3));
}

static HANDLE start(MGM_ENUM_TYPES type)
{
    HANDLE groups = NULL;

    OK(MgmGroupEnumerationStart(a, type, &groups));
    return groups;
}

static void t7_1_every_membership_once(void)
{
    HANDLE i = igmp('I');

    two_components();
    OK(take(i, 1));
    OK(take(i, 9));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.1)", 2));
    OK(join(b, "(*, 239.1.1.1)", 3));
    OK(join(i, "(*, 239.1.1.1)", 1));
    OK(join(i, "(*, 239.1.1.1)", 9));
    OK(join(a, "(10.0.0.5, 239.1.1.1)", 1));
    OK(join(b, "(10.0.0.5, 239.1.1.1)", 3));
    OK(join(b, "(10.0.0.6, 239.1.1.2)", 3));
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)", "(10.0.0.5, 239.1.1.1)",
                  "(10.0.0.6, 239.1.1.2)");
}

static void t7_1_wildcards_are_one_entry(void)
{
    two_components();
    EXPECT_NO_GROUPS(ALL_SOURCES);
    OK(join(a, "(*, *)", 1));
    OK(join(a, "(*, *)", 2));
    OK(join(b, "(*, *)", 3));
    EXPECT_GROUPS(ALL_SOURCES, "(*, *)");
    EXPECT_NO_GROUPS(ANY_SOURCE);
}

static void t7_1_any_source_tells_groups_with_sources(void)
{
    two_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, *)", 1));
    EXPECT_NO_GROUPS(ANY_SOURCE);
    OK(join(a, "(10.0.0.5, 239.1.1.1)", 1));
    OK(join(b, "(10.0.0.6, 239.1.1.1)", 3));
    OK(join(b, "(10.0.0.6, 239.1.1.2)", 3));
    EXPECT_GROUPS(ANY_SOURCE, "(*, 239.1.1.1)", "(*, 239.1.1.2)");
    OK(leave(a, "(10.0.0.5, 239.1.1.1)", 1));
    EXPECT_GROUPS(ANY_SOURCE, "(*, 239.1.1.1)", "(*, 239.1.1.2)");
    OK(leave(b, "(10.0.0.6, 239.1.1.1)", 3));
    EXPECT_GROUPS(ANY_SOURCE, "(*, 239.1.1.2)");
}

static void t7_1_other_types_do_not_exist(void)
{
    static const DWORD types[] = {2, 7, 0x80000000, 0xffffffff};
    HANDLE groups = &groups;

    two_components();
    for (size_t n = 0; n < sizeof(types) / sizeof(*types); n++)
        REFUSED(MgmGroupEnumerationStart(a, (MGM_ENUM_TYPES)types[n], &groups),
                ERROR_INVALID_PARAMETER);
    CHECK(groups == &groups);
}

static void t7_1_the_group_mask_is_that_of_a_group(void)
{
    SOURCE_GROUP_ENTRY entry;
    DWORD size = sizeof(entry), count = 0;
    HANDLE groups;

    two_components();
    OK(join(a, "(10.0.0.5, 239.1.1.1)", 1));
    groups = start(ANY_SOURCE);
    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, (PBYTE)&entry, &count),
               ERROR_NO_MORE_ITEMS);
    CHECK_EQ(count, 1);
    CHECK_EQ(entry.dwSourceAddr, 0);
    CHECK_EQ(entry.dwSourceMask, 0);
    CHECK_EQ(entry.dwGroupAddr, ip("239.1.1.1"));
    CHECK_EQ(entry.dwGroupMask, 0xffffffff);
    OK(MgmGroupEnumerationEnd(groups));
}

/* Three groups, and an unaligned buffer of this many bytes. */
static void check_paging(DWORD bytes)
{
    BYTE buffer[64];
    DWORD fit = bytes / 16, seen = 0;
    HANDLE groups = start(ALL_SOURCES);
    DWORD code;

    do {
        DWORD size = bytes, count = 77;

        memset(buffer, 0xa5, sizeof(buffer));
        code = MgmGroupEnumerationGetNext(groups, &size, buffer + 1, &count);
        CHECK_EQ(size, bytes);
        CHECK_EQ(count, seen + fit < 3 ? fit : 3 - seen);
        CHECK_CODE(code, seen + count < 3 ? ERROR_MORE_DATA : ERROR_NO_MORE_ITEMS);
        CHECK_EQ(buffer[0], 0xa5);
        CHECK_EQ(buffer[1 + 16 * count], 0xa5);
        seen += count;
    } while (code == ERROR_MORE_DATA && seen < 3);

    CHECK_EQ(seen, 3);
    OK(MgmGroupEnumerationEnd(groups));
}

static void t7_2_as_many_as_fit(void)
{
    two_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.2)", 1));
    OK(join(a, "(*, 239.1.1.3)", 1));
    for (DWORD bytes = 16; bytes <= 50; bytes++)
        check_paging(bytes);
}

static void t7_2_not_even_one_fits(void)
{
    DWORD sizes[] = {0, 1, 15};
    BYTE buffer[16];
    HANDLE groups;

    two_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    groups = start(ALL_SOURCES);
    for (int n = 0; n < 3; n++) {
        DWORD size = sizes[n], count = 77;

        REFUSED_QUIETLY(MgmGroupEnumerationGetNext(groups, &size, size == 0 ? NULL : buffer,
                                                   &count),
                        ERROR_INSUFFICIENT_BUFFER);
        CHECK_EQ(size, 16);
        CHECK_EQ(count, 0);
    }

    /* The refused call skipped no entry. */
    DWORD size = sizeof(buffer), count = 0;

    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    CHECK_EQ(count, 1);
}

static void t7_2_after_the_end_it_stays_at_the_end(void)
{
    BYTE buffer[64];
    HANDLE groups;

    two_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    groups = start(ALL_SOURCES);
    for (DWORD expected = 1, round = 0; round < 4; round++, expected = 0) {
        DWORD size = round == 3 ? 0 : sizeof(buffer), given = size, count = 77;

        CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, size == 0 ? NULL : buffer, &count),
                   ERROR_NO_MORE_ITEMS);
        CHECK_EQ(count, expected);
        CHECK_EQ(size, given);
    }
}

static void t7_2_nothing_to_tell(void)
{
    DWORD size = 0, count = 77;
    HANDLE groups;

    two_components();
    groups = start(ALL_SOURCES);
    REFUSED_QUIETLY(MgmGroupEnumerationGetNext(groups, &size, NULL, &count),
                    ERROR_NO_MORE_ITEMS);
    CHECK_EQ(size, 0);
    CHECK_EQ(count, 0);
}

/* The nth group: 239.1.x.y, and a source for every third. */
static const char *nth(unsigned n)
{
    static char text[40];

    snprintf(text, sizeof(text), n % 3 == 0 ? "(10.0.0.5, 239.1.%u.%u)" : "(*, 239.1.%u.%u)",
             n / 256, n % 256);
    return text;
}

static void t7_3_changes_meanwhile_neither_repeat_nor_hide(void)
{
    enum { STAY = 600, COME_AND_GO = 600 };
    unsigned seen[STAY + COME_AND_GO] = {0}, rounds = 0;
    HANDLE groups;
    DWORD code;

    two_components();
    for (unsigned n = 0; n < STAY + COME_AND_GO; n += 2)
        OK(join(a, nth(n), 1));
    groups = start(ALL_SOURCES);
    do {
        SOURCE_GROUP_ENTRY entries[7];
        DWORD size = sizeof(entries), count = 0;
        /* Adds an odd group, deletes another, and leaves the even ones. */
        unsigned comer = rounds * 14 % (STAY + COME_AND_GO) | 1;
        unsigned goer = rounds * 10 % (STAY + COME_AND_GO) | 1;

        code = MgmGroupEnumerationGetNext(groups, &size, (PBYTE)entries, &count);
        for (DWORD n = 0; n < count; n++) {
            BYTE quad[4];

            memcpy(quad, &entries[n].dwGroupAddr, sizeof(quad));
            seen[quad[2] * 256u + quad[3]]++;
        }
        OK(join(b, nth(comer), 3));
        OK(leave(b, nth(goer), 3));
        /* The groups that stay may get another member. */
        OK(join(b, nth(comer - 1), 3));
        OK(leave(a, nth(comer - 1), 1));
        rounds++;
    } while (code == ERROR_MORE_DATA && rounds < 1000);
    CHECK_CODE(code, ERROR_NO_MORE_ITEMS);

    for (unsigned n = 0; n < STAY + COME_AND_GO; n += 2)
        CHECK_EQ(seen[n], 1);
    for (unsigned n = 1; n < STAY + COME_AND_GO; n += 2)
        CHECK(seen[n] <= 1);
}

static void t7_3_several_at_a_time(void)
{
    SOURCE_GROUP_ENTRY one, other;
    DWORD size = sizeof(one), count = 0;
    HANDLE first, second;

    two_components();
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(join(a, "(*, 239.1.1.2)", 1));
    first = start(ALL_SOURCES);
    OK(MgmGroupEnumerationStart(b, ALL_SOURCES, &second));
    CHECK(first != second);
    for (int n = 0; n < 2; n++) {
        DWORD code = n == 0 ? ERROR_MORE_DATA : ERROR_NO_MORE_ITEMS;

        CHECK_CODE(MgmGroupEnumerationGetNext(first, &size, (PBYTE)&one, &count), code);
        CHECK_CODE(MgmGroupEnumerationGetNext(second, &size, (PBYTE)&other, &count), code);
        CHECK(memcmp(&one, &other, sizeof(one)) == 0);
    }
    OK(MgmGroupEnumerationEnd(first));
    CHECK_CODE(MgmGroupEnumerationGetNext(second, &size, (PBYTE)&other, &count),
               ERROR_NO_MORE_ITEMS);
    OK(MgmGroupEnumerationEnd(second));
}

static void t7_4_what_has_ended_is_no_handle(void)
{
    BYTE buffer[16];
    DWORD size = sizeof(buffer), count = 77;
    HANDLE groups;

    two_components();
    groups = start(ALL_SOURCES);
    OK(MgmGroupEnumerationEnd(groups));
    REFUSED(MgmGroupEnumerationEnd(groups), ERROR_INVALID_PARAMETER);
    REFUSED(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_INVALID_PARAMETER);
    CHECK_EQ(size, sizeof(buffer));
    CHECK_EQ(count, 77);
}

TEST_MAIN(
    CASE(t7_1_every_membership_once),
    CASE(t7_1_wildcards_are_one_entry),
    CASE(t7_1_any_source_tells_groups_with_sources),
    CASE(t7_1_other_types_do_not_exist),
    CASE(t7_1_the_group_mask_is_that_of_a_group),
    CASE(t7_2_as_many_as_fit),
    CASE(t7_2_not_even_one_fits),
    CASE(t7_2_after_the_end_it_stays_at_the_end),
    CASE(t7_2_nothing_to_tell),
    CASE(t7_3_changes_meanwhile_neither_repeat_nor_hide),
    CASE(t7_3_several_at_a_time),
    CASE(t7_4_what_has_ended_is_no_handle))
