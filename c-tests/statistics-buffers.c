/* MFEs in buffers: rules 6.1 to 6.5 of the semantics, for all three structures. */

#include "forms.h"
#include "router.h"

#include <stdlib.h>
#include <string.h>

enum { FLOWS = 4 };

/* The flows in the order of retrieval, and the number of oifs of each. */
static const char *const flows[FLOWS] = {
    "(10.0.0.5, 225.0.0.255)",
    "(9.0.0.1, 239.1.0.0)",
    "(200.0.0.1, 239.1.0.0)",
    "(10.0.0.5, 239.2.0.0)",
};
static const DWORD out[FLOWS] = {0, 3, 3, 1};

/* A owns 1, towards all sources; B owns 2, 3 and 4. */
static void four_mfes(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    for (DWORD index = 2; index <= 4; index++) {
        OK(take(b, index));
        OK(join(b, "(*, 239.1.0.0)", index));
    }
    OK(join(b, "(*, 239.2.0.0)", 2));
    route("0.0.0.0/0", 1, "10.0.1.1");

    /* Created in another order than that of retrieval. */
    for (int n = FLOWS - 1; n >= 0; n--)
        CHECK_EQ(packet_out_count(flows[n], 1), out[n]);
    forget_log();
}

static DWORD all_bytes(const struct form *form)
{
    DWORD size = 0;

    for (int n = 0; n < FLOWS; n++)
        size += entry_size(form, out[n]);
    return size;
}

/* Checks the entries from the nth flow on, and returns their size in bytes. */
static DWORD check_entries(const struct form *form, const BYTE *buffer, int from, DWORD count)
{
    DWORD used = 0;
    char text[40];

    for (int n = from; n < from + (int)count && n < FLOWS; n++) {
        CHECK_TEXT(entry_flow(buffer + used, text), flows[n]);
        CHECK_EQ(entry_oifs(form, buffer + used), out[n]);
        used += entry_size(form, out[n]);
    }
    return used;
}

static void t6_1_order_is_group_then_source(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        BYTE buffer[1024];
        DWORD size = sizeof(buffer), count = 0;

        CHECK_CODE(form->first(&size, buffer, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(count, FLOWS);
        CHECK_EQ(size, sizeof(buffer));
        CHECK_EQ(check_entries(form, buffer, 0, count), all_bytes(form));
    }
}

static void t6_2_sizes_are_as_documented(void)
{
    CHECK_EQ(SIZEOF_MIB_MFE(0), 60);
    CHECK_EQ(SIZEOF_MIB_MFE(5), 140);
    CHECK_EQ(SIZEOF_MIB_MFE_STATS(0), 64);
    CHECK_EQ(SIZEOF_MIB_MFE_STATS(5), 204);
    CHECK_EQ(SIZEOF_MIB_MFE_STATS_EX(0), 84);
    CHECK_EQ(SIZEOF_MIB_MFE_STATS_EX(5), 224);
}

/* Checks that nothing outside the returned entries was written. */
static void t6_2_buffers_may_be_unaligned_and_exact(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        for (DWORD offset = 0; offset < 4; offset++) {
            DWORD need = all_bytes(form), size = need, count = 0;
            BYTE *buffer = malloc(offset + need + 8);

            memset(buffer, 0xa5, offset + need + 8);
            CHECK_CODE(form->first(&size, buffer + offset, &count), ERROR_NO_MORE_ITEMS);
            CHECK_EQ(size, need);
            CHECK_EQ(count, FLOWS);
            CHECK_EQ(check_entries(form, buffer + offset, 0, count), need);
            for (DWORD n = 0; n < offset; n++)
                CHECK_EQ(buffer[n], 0xa5);
            for (DWORD n = offset + need; n < offset + need + 8; n++)
                CHECK_EQ(buffer[n], 0xa5);
            free(buffer);
        }
    }
}

static void t6_3_as_many_whole_entries_as_fit(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        /* One byte too few for all entries: the last one is left for the next call. */
        DWORD size = all_bytes(form) - 1, given = size, count = 0;
        BYTE buffer[1024];
        MIB_IPMCAST_MFE last = named(flows[2]);

        CHECK_CODE(form->first(&size, buffer, &count), ERROR_MORE_DATA);
        CHECK_EQ(size, given);
        CHECK_EQ(count, FLOWS - 1);
        check_entries(form, buffer, 0, count);

        size = entry_size(form, out[3]);
        CHECK_CODE(form->next(&last, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(count, 1);
        check_entries(form, buffer, 3, 1);
    }
}

static void t6_3_entry_by_entry(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        for (int n = 0; n < FLOWS; n++) {
            DWORD size = entry_size(form, out[n]), count = 0;
            DWORD last = n == FLOWS - 1 ? ERROR_NO_MORE_ITEMS : ERROR_MORE_DATA;
            BYTE buffer[256];

            if (n == 0) {
                CHECK_CODE(form->first(&size, buffer, &count), last);
            } else {
                MIB_IPMCAST_MFE start = named(flows[n - 1]);

                CHECK_CODE(form->next(&start, &size, buffer, &count), last);
            }
            CHECK_EQ(count, 1);
            CHECK_EQ(check_entries(form, buffer, n, 1), size);
        }
    }
}

static void t6_3_not_even_one_fits(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        MIB_IPMCAST_MFE start = named(flows[0]);
        DWORD first = entry_size(form, out[0]), second = entry_size(form, out[1]);
        DWORD sizes[] = {0, 1, 59, first - 1};

        for (int n = 0; n < 4; n++) {
            DWORD size = sizes[n], count = 77;
            BYTE buffer[256], untouched[256];

            memset(buffer, 0xa5, sizeof(buffer));
            memset(untouched, 0xa5, sizeof(untouched));
            REFUSED_QUIETLY(form->first(&size, size == 0 ? NULL : buffer, &count),
                            ERROR_INSUFFICIENT_BUFFER);
            CHECK_EQ(size, first);
            CHECK_EQ(count, 0);

            size = n == 3 ? second - 1 : sizes[n];
            count = 77;
            REFUSED_QUIETLY(form->next(&start, &size, size == 0 ? NULL : buffer, &count),
                            ERROR_INSUFFICIENT_BUFFER);
            CHECK_EQ(size, second);
            CHECK_EQ(count, 0);
            CHECK(memcmp(buffer, untouched, sizeof(buffer)) == 0);
        }
    }
}

/* At the end, the size of the buffer does not matter. */
static void check_nothing_more(const struct form *form, DWORD given)
{
    MIB_IPMCAST_MFE last = named(flows[FLOWS - 1]);
    DWORD size = given, count = 77;
    BYTE buffer[256];

    REFUSED_QUIETLY(form->next(&last, &size, given == 0 ? NULL : buffer, &count),
                    ERROR_NO_MORE_ITEMS);
    CHECK_EQ(size, given);
    CHECK_EQ(count, 0);
}

static void t6_3_after_the_last_there_is_nothing(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        check_nothing_more(form, 0);
        check_nothing_more(form, 1);
        check_nothing_more(form, 256);
    }
}

static void t6_3_an_empty_table(void)
{
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        DWORD size = 0, count = 77;
        BYTE buffer[256];

        REFUSED_QUIETLY(form->first(&size, NULL, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(size, 0);
        CHECK_EQ(count, 0);
        size = sizeof(buffer);
        count = 77;
        REFUSED_QUIETLY(form->first(&size, buffer, &count), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(size, sizeof(buffer));
        CHECK_EQ(count, 0);
        check_nothing_more(form, 256);
    }
}

/* Checks that the nth flow follows this start. */
static void check_after(const struct form *form, const char *start, int n)
{
    MIB_IPMCAST_MFE from = named(start);
    DWORD size = 1024, count = 0;
    BYTE buffer[1024];

    CHECK_CODE(form->next(&from, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    CHECK_EQ(count, FLOWS - n);
    check_entries(form, buffer, n, count);
}

static void t6_4_next_starts_after_what_does_not_exist(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        check_after(form, "(*, *)", 0);
        check_after(form, "(10.0.0.4, 225.0.0.255)", 0);
        check_after(form, "(10.0.0.6, 225.0.0.255)", 1);
        check_after(form, "(*, 239.1.0.0)", 1);
        /* Addresses are compared as numbers, whatever the machine's byte order. */
        check_after(form, "(9.0.0.2, 239.1.0.0)", 2);
        check_after(form, "(10.0.0.0, 239.1.0.0)", 2);
        check_after(form, "(255.255.255.255, 239.1.0.0)", 3);
        check_after(form, "(10.0.0.5, 239.255.255.255)", 4);
        check_after(form, "(255.255.255.255, 255.255.255.255)", 4);
    }
}

static void t6_4_next_starts_after_what_has_gone(void)
{
    HANDLE c = protocol('C');

    /* A fifth MFE, second in order, whose iif is C's. */
    OK(take(c, 9));
    route("10.0.0.7/32", 9, "10.0.9.1");
    CHECK_TEXT(packet("(10.0.0.7, 225.0.0.255)", 9), "to nobody");
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++)
        check_after(form, "(10.0.0.7, 225.0.0.255)", 1);

    OK(release(c, 9));
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        check_after(form, "(10.0.0.7, 225.0.0.255)", 1);
        check_after(form, "(*, *)", 0);
    }
}

static void t6_5_one_mfe_by_name(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        for (int n = 0; n < FLOWS; n++) {
            MIB_IPMCAST_MFE query = named(flows[n]);
            DWORD need = entry_size(form, out[n]), size = need;
            BYTE buffer[256];

            OK(form->get(&query, &size, buffer + 1));
            CHECK_EQ(size, need);
            check_entries(form, buffer + 1, n, 1);
        }
    }
}

static void t6_5_codes_of_get(void)
{
    four_mfes();
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        MIB_IPMCAST_MFE there = named(flows[1]), missing = named("(10.0.0.5, 239.1.0.0)");
        DWORD need = entry_size(form, out[1]);
        DWORD sizes[] = {0, 1, need - 1};
        BYTE buffer[256], untouched[256];
        DWORD size = sizeof(buffer);

        memset(buffer, 0xa5, sizeof(buffer));
        memset(untouched, 0xa5, sizeof(untouched));
        REFUSED_QUIETLY(form->get(&missing, &size, buffer), ERROR_NOT_FOUND);
        CHECK_EQ(size, sizeof(buffer));
        for (int n = 0; n < 3; n++) {
            size = sizes[n];
            REFUSED_QUIETLY(form->get(&there, &size, size == 0 ? NULL : buffer),
                            ERROR_INSUFFICIENT_BUFFER);
            CHECK_EQ(size, need);
        }
        CHECK(memcmp(buffer, untouched, sizeof(buffer)) == 0);
    }
}

static void t6_5_what_can_be_no_mfe_is_not_found(void)
{
    static const struct {
        const char *source, *group;
    } none[] = {{"0.0.0.0", "0.0.0.0"}, {"10.0.0.5", "0.0.0.0"}, {"0.0.0.0", "239.1.1.1"},
                {"10.0.0.5", "10.0.0.6"}, {"239.1.1.1", "239.1.1.1"}, {"127.0.0.1", "239.1.1.1"},
                {"0.0.0.9", "239.1.1.1"}, {"10.0.0.5", "224.0.0.5"},
                {"255.255.255.255", "255.255.255.255"}};
    BYTE buffer[256], untouched[256];
    DWORD size = sizeof(buffer), count;

    four_mfes();
    memset(buffer, 0xa5, sizeof(buffer));
    memset(untouched, 0xa5, sizeof(untouched));
    for (const struct form *form = forms; form < forms + FORMS; form++) {
        for (size_t n = 0; n < sizeof(none) / sizeof(*none); n++) {
            MIB_IPMCAST_MFE query = named(flows[0]);

            query.dwSource = ip(none[n].source);
            query.dwGroup = ip(none[n].group);
            REFUSED_QUIETLY(form->get(&query, &size, buffer), ERROR_NOT_FOUND);
            REFUSED(form->get(&query, NULL, buffer), ERROR_INVALID_PARAMETER);
            CHECK_EQ(size, sizeof(buffer));
            CHECK(memcmp(buffer, untouched, sizeof(buffer)) == 0);
            REFUSED(MgmGetMfeStats(&query, &size, buffer, 4), ERROR_INVALID_PARAMETER);

            /* As a start it is a valid place in the order. */
            size = 0;
            count = 77;
            (void)form->next(&query, &size, NULL, &count);
            CHECK_EQ(count, 0);
            size = sizeof(buffer);
        }
    }
}

TEST_MAIN(
    CASE(t6_1_order_is_group_then_source),
    CASE(t6_2_sizes_are_as_documented),
    CASE(t6_2_buffers_may_be_unaligned_and_exact),
    CASE(t6_3_as_many_whole_entries_as_fit),
    CASE(t6_3_entry_by_entry),
    CASE(t6_3_not_even_one_fits),
    CASE(t6_3_after_the_last_there_is_nothing),
    CASE(t6_3_an_empty_table),
    CASE(t6_4_next_starts_after_what_does_not_exist),
    CASE(t6_4_next_starts_after_what_has_gone),
    CASE(t6_5_one_mfe_by_name),
    CASE(t6_5_codes_of_get),
    CASE(t6_5_what_can_be_no_mfe_is_not_found))
