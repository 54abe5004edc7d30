/*
 * crowd.c - a client process with four threads that make calls at random, until it dies.
 *
 *   crowd SEED INDEX...
 *
 * Each thread registers a client, takes one of these interfaces if it is free, joins and leaves
 * groups, one by one and in batches, enumerates, and deregisters, again and again. After a second or
 * two, one of them kills the process, wherever the others are; or the process ends without
 * deregistration. The exit status is 3 if a call returns a code that it must not.
 */
#define _GNU_SOURCE
#include <mgmhost.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, GROUPS = 40, ENTRIES = 64, ROUNDS = 30, MOST_LINKS = 16 };

static DWORD links[MOST_LINKS];
static unsigned link_count, seed;

static unsigned draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* A call returns one of two codes. */
static DWORD check(const char *call, DWORD code, DWORD other)
{
    if (code != NO_ERROR && code != other) {
        fprintf(stderr, "crowd: %s returns %u\n", call, (unsigned)code);
        _exit(3);
    }
    return code;
}

/* Some answers take long, so that the process dies inside callbacks and questions. */
static DWORD on_rpf(DWORD s, DWORD sm, DWORD g, DWORD gm, PDWORD index, PDWORD next_hop,
                    PDWORD upstream, DWORD size, PBYTE header, PBYTE route)
{
    (void)s, (void)sm, (void)gm, (void)index, (void)next_hop, (void)upstream;
    (void)size, (void)header, (void)route;
    usleep(ntohl(g) % 4 * 1000);
    return NO_ERROR;
}

static DWORD on_join(DWORD s, DWORD sm, DWORD g, DWORD gm, BOOL member)
{
    (void)s, (void)sm, (void)g, (void)gm, (void)member;
    return NO_ERROR;
}

static DWORD group(unsigned *state)
{
    return htonl(0xef0a0000u + 1 + draw(state, GROUPS));
}

static void change(HANDLE own, DWORD index, DWORD group, BOOL joins)
{
    if (joins)
        check("add", MgmAddGroupMembershipEntry(own, 0, 0, group, 0xffffffff, index, 0,
                                                MGM_JOIN_STATE_FLAG), NO_ERROR);
    else
        check("delete", MgmDeleteGroupMembershipEntry(own, 0, 0, group, 0xffffffff, index, 0,
                                                      MGM_JOIN_STATE_FLAG), NO_ERROR);
}

/* Some enumerations are left open. */
static void enumerate(HANDLE own, BOOL ends)
{
    SOURCE_GROUP_ENTRY entries[ENTRIES];
    DWORD size = sizeof entries, count = 0;
    HANDLE groups;

    check("start", MgmGroupEnumerationStart(own, ALL_SOURCES, &groups), NO_ERROR);
    MgmGroupEnumerationGetNext(groups, &size, (PBYTE)entries, &count);
    if (ends)
        check("end", MgmGroupEnumerationEnd(groups), NO_ERROR);
}

/* What a thread does with an interface of its own. */
static void use(HANDLE own, DWORD index, unsigned *state)
{
    for (unsigned round = draw(state, ROUNDS); round > 0; round--) {
        switch (draw(state, 8)) {
        case 0:
            check("begin", MgmHostBeginBatch(), NO_ERROR);
            for (int n = 0; n < 2 * GROUPS; n++)
                change(own, index, group(state), n % 3 != 0);
            MgmHostEndBatch(NULL); /* a delete of what is not there is refused */
            break;
        case 1:
            enumerate(own, draw(state, 4) != 0);
            break;
        default:
            change(own, index, group(state), TRUE);
        }
    }
}

static void *live(void *number)
{
    unsigned own_id = (unsigned)(uintptr_t)number, state = seed * THREADS + own_id;
    ROUTING_PROTOCOL_CONFIG callbacks = {
        .pfnRpfCallback = on_rpf,
        .pfnJoinAlertCallback = on_join,
    };

    for (;;) {
        DWORD index = links[draw(&state, link_count)];
        HANDLE own;

        check("register", MgmRegisterMProtocol(&callbacks, 0x5000 + seed, own_id, &own), NO_ERROR);
        if (check("take", MgmTakeInterfaceOwnership(own, index, 0), ERROR_ALREADY_EXISTS) == NO_ERROR) {
            use(own, index, &state);
            check("release", MgmReleaseInterfaceOwnership(own, index, 0), NO_ERROR);
        }
        check("deregister", MgmDeRegisterMProtocol(own), NO_ERROR);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    unsigned state;

    seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    for (int n = 2; n < argc && link_count < MOST_LINKS; n++)
        links[link_count++] = (DWORD)strtoul(argv[n], NULL, 10);
    if (link_count == 0)
        return 2;
    for (uintptr_t n = 0; n < THREADS; n++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, live, (void *)n) != 0)
            return 2;
    }
    state = seed;
    usleep(300000 + 1000 * draw(&state, 1700));
    if (draw(&state, 3) == 0)
        _exit(0);
    raise(SIGKILL);
    return 0;
}
