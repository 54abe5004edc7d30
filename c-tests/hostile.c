/* Invalid handles: rules 1.4 and 7.4 of the semantics. */

#include "router.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static HANDLE a, groups;

/* A client with an enumeration, whose handles an invalid handle could be mistaken for. */
static void a_client_with_an_enumeration(void)
{
    a = protocol('A');
    OK(take(a, 1));
    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(MgmGroupEnumerationStart(a, ALL_SOURCES, &groups));
}

static void check_named(HANDLE handle, const char *call)
{
    char words[64];

    snprintf(words, sizeof(words), "invalid handle 0x%" PRIxPTR ":", (uintptr_t)handle);
    if (strstr(mgm_last_line(), words) == NULL)
        fail_check(__FILE__, __LINE__, "%s: no \"%s\" in: %s", call, words, mgm_last_line());
}

/* The call is refused, and the log shows the handle as the caller passed it. */
#define REFUSED_HANDLE(handle, call)                                                     \
    do {                                                                                 \
        REFUSED(call, ERROR_INVALID_PARAMETER);                                          \
        check_named(handle, #call);                                                      \
    } while (0)

static void check_no_protocol(HANDLE handle)
{
    HANDLE untouched = &handle;

    REFUSED_HANDLE(handle, quit(handle));
    REFUSED_HANDLE(handle, take(handle, 2));
    REFUSED_HANDLE(handle, take(handle, 1));
    REFUSED_HANDLE(handle, release(handle, 1));
    REFUSED_HANDLE(handle, join(handle, "(*, 239.1.1.2)", 1));
    REFUSED_HANDLE(handle, leave(handle, "(*, 239.1.1.1)", 1));
    REFUSED_HANDLE(handle, forward_on(handle, "(*, 239.1.1.1)", 1));
    /* The handle is checked first: it does not matter that the interface has no owner. */
    REFUSED_HANDLE(handle, leave(handle, "(*, 239.1.1.1)", 2));
    REFUSED_HANDLE(handle, set_mfe(handle, "(10.0.0.5, 239.1.1.1)", "10.0.1.1", 1));
    REFUSED_HANDLE(handle, MgmGroupEnumerationStart(handle, ALL_SOURCES, &untouched));
    CHECK(untouched == &handle);
}

static void check_no_enumeration(HANDLE handle)
{
    BYTE buffer[16], before[16];
    DWORD size = sizeof(buffer), count = 77;

    memset(buffer, 0xa5, sizeof(buffer));
    memset(before, 0xa5, sizeof(before));
    REFUSED_HANDLE(handle, MgmGroupEnumerationGetNext(handle, &size, buffer, &count));
    REFUSED_HANDLE(handle, MgmGroupEnumerationEnd(handle));
    CHECK_EQ(size, sizeof(buffer));
    CHECK_EQ(count, 77);
    CHECK(memcmp(buffer, before, sizeof(buffer)) == 0);
}

static void t1_4_null_is_no_handle(void)
{
    a_client_with_an_enumeration();
    check_no_protocol(NULL);
    check_no_enumeration(NULL);
}

static void t1_4_made_up_handles(void)
{
    uintptr_t real;

    a_client_with_an_enumeration();
    real = (uintptr_t)a;
    check_no_protocol((HANDLE)~(uintptr_t)0);
    check_no_protocol((HANDLE)(real + 1));
    check_no_protocol((HANDLE)(real ^ (uintptr_t)1 << 63));
    check_no_protocol(&real);
    check_no_enumeration((HANDLE)~(uintptr_t)0);
    check_no_enumeration((HANDLE)((uintptr_t)groups + 1));
    check_no_enumeration(&real);
}

/* The random number generator of the example in the C standard. */
static uint64_t random_bits(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return state ^ state >> 29;
}

static void t1_4_ten_thousand_random_handles(void)
{
    size_t count = scaled(10000), wrong = 0, lines;

    a_client_with_an_enumeration();
    lines = mgm_log_lines();
    for (size_t n = 0; n < count; n++) {
        /* Numbers of all sizes, because real handles may be small. */
        uint64_t bits = random_bits() >> n % 60;
        HANDLE handle = (HANDLE)(uintptr_t)bits;
        BYTE buffer[16];
        DWORD size = sizeof(buffer), entries;

        if (handle == a || handle == groups)
            continue;
        wrong += join(handle, "(*, 239.1.1.2)", 1) != ERROR_INVALID_PARAMETER;
        wrong += quit(handle) != ERROR_INVALID_PARAMETER;
        wrong += MgmGroupEnumerationGetNext(handle, &size, buffer, &entries) !=
                 ERROR_INVALID_PARAMETER;
        wrong += MgmGroupEnumerationEnd(handle) != ERROR_INVALID_PARAMETER;
    }
    CHECK_EQ(wrong, 0);
    CHECK(mgm_log_lines_since(lines, 4 * (count - 100)) >= 4 * (count - 100));
    EXPECT_GROUPS(ALL_SOURCES, "(*, 239.1.1.1)");
    CHECK_TEXT(owner_of(1), "A");
}

static void t1_4_closed_handles(void)
{
    HANDLE gone;

    a_client_with_an_enumeration();
    gone = protocol('B');
    OK(quit(gone));
    check_no_protocol(gone);
    OK(MgmGroupEnumerationEnd(groups));
    check_no_enumeration(groups);
}

static void t1_4_handles_of_the_other_kind(void)
{
    a_client_with_an_enumeration();
    check_no_protocol(groups);
    check_no_enumeration(a);
}

static void t1_4_handles_of_another_life(void)
{
    HANDLE old_client, old_groups;

    a_client_with_an_enumeration();
    old_client = a;
    old_groups = groups;
    router_stop();
    router_start();
    a_client_with_an_enumeration();
    CHECK(a != old_client);
    CHECK(groups != old_groups);
    check_no_protocol(old_client);
    check_no_enumeration(old_groups);
}

static int by_value(const void *left, const void *right)
{
    uintptr_t x = *(const uintptr_t *)left, y = *(const uintptr_t *)right;

    return x < y ? -1 : x > y;
}

/* Handles of both kinds in one list: no value appears twice, even as the other kind. */
static void t1_4_no_handle_is_issued_twice(void)
{
    size_t cycles = scaled(100000), failures = 0, repeated = 0;
    uintptr_t *seen = malloc(2 * cycles * sizeof(*seen));
    ROUTING_PROTOCOL_CONFIG deaf;

    memset(&deaf, 0, sizeof(deaf));
    for (size_t n = 0; n < cycles; n++) {
        HANDLE client = NULL, enumeration = NULL;

        failures += MgmRegisterMProtocol(&deaf, 1, 1, &client) != NO_ERROR;
        failures += MgmGroupEnumerationStart(client, ALL_SOURCES, &enumeration) != NO_ERROR;
        failures += MgmGroupEnumerationEnd(enumeration) != NO_ERROR;
        failures += quit(client) != NO_ERROR;
        seen[2 * n] = (uintptr_t)client;
        seen[2 * n + 1] = (uintptr_t)enumeration;
    }
    CHECK_EQ(failures, 0);

    qsort(seen, 2 * cycles, sizeof(*seen), by_value);
    CHECK(seen[0] != 0);
    for (size_t n = 1; n < 2 * cycles; n++)
        repeated += seen[n] == seen[n - 1];
    CHECK_EQ(repeated, 0);
    free(seen);
}

TEST_MAIN(
    CASE(t1_4_null_is_no_handle),
    CASE(t1_4_made_up_handles),
    CASE(t1_4_ten_thousand_random_handles),
    CASE(t1_4_closed_handles),
    CASE(t1_4_handles_of_the_other_kind),
    CASE(t1_4_handles_of_another_life),
    CASE(t1_4_no_handle_is_issued_twice))
