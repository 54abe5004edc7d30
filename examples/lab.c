/*
 * lab.c - the host's functions for the examples. See lab.h.
 */
#include "lab.h"

#include "viewer.h"

#include <mgmhost.h>

#ifndef _WIN32
#include <arpa/inet.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 16, MOST_OIFS = 64, HEADER = 20, LENGTH = 100, TTL = 64, UDP = 17 };

/* "10.0.0.0/8", in network byte order. */
static void route(char *network, const char *index, const char *gateway)
{
    char *slash = strchr(network, '/');
    unsigned length = 32;
    DWORD code;

    if (slash != NULL) {
        *slash = '\0';
        length = (unsigned)atoi(slash + 1);
    }
    code = MgmHostAddRoute(inet_addr(network),
                           length == 0 ? 0 : htonl(0xffffffffu << (32 - length)),
                           (DWORD)atoi(index), gateway ? inet_addr(gateway) : 0, 0, 0);
    if (code != NO_ERROR)
        printf("no route: %u\n", (unsigned)code);
}

static void packet(const char *source, const char *group, const char *index)
{
    BYTE header[HEADER] = {0x45, 0, 0, LENGTH, 0, 0, 0, 0, TTL, UDP};
    DWORD s = inet_addr(source), g = inet_addr(group), count = MOST_OIFS, code;
    MGMHOST_OIF out[MOST_OIFS];
    BOOL accepted = FALSE;

    memcpy(header + 12, &s, sizeof s);
    memcpy(header + 16, &g, sizeof g);
    code = MgmHostPacketIn(s, g, (DWORD)atoi(index), 0, HEADER, header, LENGTH, &accepted, &count,
                           out);
    printf("packet (%s, %s) on %s:", source, group, index);
    if (code != NO_ERROR)
        printf(" error %u", (unsigned)code);
    else if (!accepted)
        printf(" refused");
    else if (count == 0)
        printf(" to no interface");
    for (DWORD i = 0; code == NO_ERROR && i < count; i++)
        printf(" %s%u", i == 0 ? "to " : "", (unsigned)out[i].dwIfIndex);
    printf("\n");
}

void lab_run(lab_command *command)
{
    char line[256], *words[MOST_WORDS];

    while (fgets(line, sizeof line, stdin) != NULL) {
        int count = 0;

        line[strcspn(line, "#\r\n")] = '\0';
        for (char *word = strtok(line, " "); word != NULL && count < MOST_WORDS;
             word = strtok(NULL, " "))
            words[count++] = word;
        if (count == 0)
            continue;
        if (strcmp(words[0], "route") == 0 && (count == 3 || count == 4))
            route(words[1], words[2], count == 4 ? words[3] : NULL);
        else if (strcmp(words[0], "packet") == 0 && count == 4)
            packet(words[1], words[2], words[3]);
        else if (strcmp(words[0], "show") == 0 && count == 1)
            viewer_show();
        else if (!command(count, words))
            printf("unknown command: %s\n", words[0]);
        fflush(stdout);
    }
}
