/* Sixteen threads and a dozen clients make all calls at the same time, also inside callbacks. Each
 * alert is checked when it comes (stress-clients.h). In the end each client has been told exactly
 * what the others want (4.2).
 *
 * MGM_STRESS_MS is the duration, two seconds by default.
 *
 * If MGM_STRESS_RACE is set, a counter is not protected, so that the stage with ThreadSanitizer can
 * check that a race is found. */

#include "router.h"
#include "stress-clients.h"
#include "threads.h"

#include <mgmhost.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 16, ROUND_MS = 50, USUAL_MS = 2000, MOST_TIMES = 10 };

static atomic_bool stop;
/* Guarded by nothing but the promise that callbacks come one at a time. */
static unsigned random_of[SLOTS];

static unsigned draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* Makes a random call. */
void call_back(unsigned n)
{
    HANDLE client = client_of(n), groups = NULL;
    BYTE buffer[512];
    DWORD size = sizeof(buffer), count = 0;
    char text[40];

    if (stop || client == NULL)
        return;
    group_text(GROUPS + n, text);
    switch (draw(&random_of[n], 12)) {
    case 0:
        if (n < JOINERS)
            OK(join(client, text, 1 + n));
        break;
    case 1:
        if (n < JOINERS)
            OK(leave(client, text, 1 + n));
        break;
    case 2:
        MgmGetFirstMfe(&size, buffer, &count);
        break;
    case 3:
        if (MgmGroupEnumerationStart(client, ALL_SOURCES, &groups) == NO_ERROR)
            MgmGroupEnumerationEnd(groups);
        break;
    case 4:
        CHECK_CODE(packet_code("(10.0.0.1, 239.9.0.1)", 1), ERROR_CAN_NOT_COMPLETE);
        break;
    case 5:
        /* This is its last callback, although others wait. */
        if (n >= LISTENERS && n < LANDLORD) {
            sleep_ms(1);
            go_by_itself(n);
        }
        break;
    case 6: case 8: case 9:
        if (n < JOINERS)
            send_away(LISTENERS + draw(&random_of[n], 2));
        break;
    case 7:
        /* Leaves time for a deregistration in between. */
        if (n >= LISTENERS && n < LANDLORD)
            sleep_ms(1);
        break;
    default:
        break;
    }
}

/* --- the threads ---------------------------------------------------------- */

static void be_joiner(unsigned n, unsigned *random)
{
    HANDLE client = client_of(n);
    char text[40];

    group_text(draw(random, GROUPS), text);
    switch (draw(random, 8)) {
    case 0: OK(join(client, "(*, *)", 1 + n)); break;
    case 1: case 2: OK(leave(client, "(*, *)", 1 + n)); break;
    case 3: case 4: OK(leave(client, text, 1 + n)); break;
    case 5: OK(join(client, "(" WANDERER ", 239.9.0.1)", 1 + n)); break;
    case 6: OK(leave(client, "(" WANDERER ", 239.9.0.1)", 1 + n)); break;
    default: OK(join(client, text, 1 + n)); break;
    }
}

static void be_churner(unsigned n, unsigned *random)
{
    HANDLE client = come(n);
    char text[40];

    OK(take(client, 1 + n));
    OK(join(client, group_text(draw(random, GROUPS), text), 1 + n));
    packet("(10.0.0.3, 239.9.0.1)", 1 + n);
    forward_on(client, "(10.0.0.3, 239.9.0.1)", 1 + n);
    OK(release(client, 1 + n));
    go(n);
}

static void be_listener(unsigned n)
{
    come(n);
    sleep_ms(1);
    go(n);
}

static void be_igmp(unsigned *random)
{
    HANDLE client = client_of(IGMP);
    DWORD index = draw(random, 2) ? SHARED_IF : 1;
    char text[40];

    OK(take(client, index));
    for (unsigned i = 0; i < 5; i++) {
        /* Refused between DISABLE_IGMP and ENABLE_IGMP. */
        DWORD code = join(client, group_text(draw(random, GROUPS), text), index);

        CHECK(code == NO_ERROR || code == ERROR_CAN_NOT_COMPLETE);
    }
    OK(release(client, index));
}

static void be_landlord(void)
{
    OK(take(client_of(LANDLORD), SHARED_IF));
    OK(join(client_of(LANDLORD), "(*, 239.9.0.2)", SHARED_IF));
    OK(release(client_of(LANDLORD), SHARED_IF));
}

static void be_source(unsigned *random)
{
    char text[40];
    DWORD code;

    snprintf(text, sizeof(text), "(10.0.0.%u, 239.9.0.%u)", 1 + draw(random, 4),
             draw(random, GROUPS));
    code = packet_code(text, 1 + draw(random, 3));
    CHECK_CODE(code, NO_ERROR);
}

static void be_reader(void)
{
    static MIB_IPMCAST_MFE from;
    HANDLE groups = NULL;
    BYTE buffer[4096];
    DWORD size, count = 0, code;

    size = sizeof(buffer);
    code = MgmGetFirstMfeStats(&size, buffer, &count, MGM_MFE_STATS_1);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    size = sizeof(buffer);
    code = MgmGetNextMfe(&from, &size, buffer, &count);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationStart(client_of(0), ANY_SOURCE, &groups));
    size = sizeof(buffer);
    code = MgmGroupEnumerationGetNext(groups, &size, buffer, &count);
    CHECK(code == ERROR_NO_MORE_ITEMS || code == ERROR_MORE_DATA);
    OK(MgmGroupEnumerationEnd(groups));
}

static void be_host(unsigned *random)
{
    unplug(FLAKY_IF);
    route(WANDERER "/32", 1 + draw(random, JOINERS), "10.0.1.2");
    plug_in(FLAKY_IF);
    unroute(WANDERER "/32");
}

static void work(void *argument)
{
    unsigned me = (unsigned)(size_t)argument, random = me + 1;

    while (!stop) {
        switch (me) {
        case 0: case 1: case 2: case 3: case 4: case 5: be_joiner(me, &random); break;
        case 6: be_igmp(&random); break;
        case 7: case 8: be_churner(me, &random); break;
        case 9: case 10: be_listener(me); break;
        case 11: be_landlord(); break;
        case 12: be_reader(); break;
        case 13: be_host(&random); break;
        default: be_source(&random); break;
        }
    }
}

/* The memberships at the end: for each joiner its own group, and one of two others. */
static bool is_wanted_beside(unsigned n, unsigned number)
{
    for (unsigned j = 0; j < JOINERS; j++) {
        if (j != n && (number == j % 2 || number == 2 + j))
            return true;
    }
    return false;
}

static bool all_told(void)
{
    for (unsigned n = 0; n < SLOTS; n++) {
        if (n >= JOINERS && n != LANDLORD)
            continue;
        for (unsigned g = 0; g <= KNOWN; g++) {
            if (is_joined(n, g) != is_wanted_beside(n, g))
                return false;
        }
    }
    return true;
}

/* The landlord has no interface now and no memberships, so it has been told of exactly the groups
 * that exist. Groups hidden by (*,*) are not counted. */
static bool landlord_told(void)
{
    static BYTE buffer[4096];
    HANDLE groups = NULL;
    DWORD size = sizeof(buffer), count = 0;
    bool there[KNOWN + 1] = {false};
    SOURCE_GROUP_ENTRY entry;

    OK(MgmGroupEnumerationStart(client_of(LANDLORD), ALL_SOURCES, &groups));
    CHECK_CODE(MgmGroupEnumerationGetNext(groups, &size, buffer, &count), ERROR_NO_MORE_ITEMS);
    OK(MgmGroupEnumerationEnd(groups));
    for (DWORD n = 0; n < count; n++) {
        memcpy(&entry, buffer + n * sizeof(entry), sizeof(entry));
        if (number_of(entry.dwSourceAddr, entry.dwGroupAddr) >= 0)
            there[number_of(entry.dwSourceAddr, entry.dwGroupAddr)] = true;
    }
    for (unsigned g = there[WILD] ? WILD : 0; g <= KNOWN; g++) {
        if (is_joined(LANDLORD, g) != there[g])
            return false;
    }
    return true;
}

/* Runs all threads for this time, and waits until all callbacks have been made. */
static void round_of(unsigned ms)
{
    struct thread *threads[THREADS];

    stop = false;
    for (size_t n = 0; n < THREADS; n++)
        threads[n] = thread_start(work, (void *)n);
    sleep_ms(ms);
    stop = true;
    for (size_t n = 0; n < THREADS; n++)
        thread_join(threads[n]);
    SOON(callbacks_inside() == 0 && landlord_told() && all_local_left());
}

static void leave_all_but_two(unsigned n)
{
    HANDLE client = client_of(n);
    char text[40];

    OK(leave(client, "(*, *)", 1 + n));
    OK(leave(client, "(" WANDERER ", 239.9.0.1)", 1 + n));
    for (unsigned g = 0; g < KNOWN; g++)
        OK(leave(client, group_text(g, text), 1 + n));
    OK(join(client, group_text(n % 2, text), 1 + n));
    OK(join(client, group_text(2 + n, text), 1 + n));
}

static void t8_2_everybody_at_once_and_nothing_lost(void)
{
    const char *given = getenv("MGM_STRESS_MS");
    unsigned ms = given != NULL ? (unsigned)strtoul(given, NULL, 10) : USUAL_MS;

    /* After each round all threads wait until the callbacks have been made. With a sanitizer on a
     * busy machine that takes longer than the rounds. */
    allow_ms(3 * MOST_TIMES * ms);
    if (getenv("MGM_STRESS_RACE") != NULL)
        plant_a_race();
    /* MFEs expire and are renewed, so that the library's threads make callbacks too. */
    router_restart(TIMEOUT_S);
    route("10.0.0.0/8", 1, "10.0.1.1");
    for (unsigned n = 0; n < SLOTS; n++) {
        random_of[n] = n;
        if (n <= IGMP || n == LANDLORD)
            come(n);
        if (n < JOINERS)
            OK(take(client_of(n), 1 + n));
    }
    OK(take(client_of(0), FLAKY_IF));
    /* On a busy machine, it takes longer until every kind of callback came. */
    for (unsigned spent = 0; spent < ms || (ms == USUAL_MS && !every_kind_came()); spent += ROUND_MS) {
        round_of(ROUND_MS);
        if (spent > MOST_TIMES * ms)
            break;
    }

    /* From now on no callback makes a join. */
    for (unsigned n = 0; n < JOINERS; n++)
        leave_all_but_two(n);
    SOON(all_told());

    /* The library still works, and all clients can deregister. */
    CHECK_TEXT(owner_of(SHARED_IF), "nobody");
    OK(release(client_of(0), FLAKY_IF));
    for (unsigned n = 0; n < SLOTS; n++) {
        if (n < JOINERS)
            OK(release(client_of(n), 1 + n));
        if (n <= IGMP || n == LANDLORD)
            go(n);
    }
    EXPECT_NO_GROUPS(ALL_SOURCES);
    EXPECT_NO_MFES();
    print_callbacks();
    /* A shorter run may not reach this. */
    CHECK(ms < USUAL_MS || every_kind_came());
}

TEST_MAIN(CASE(t8_2_everybody_at_once_and_nothing_lost))
