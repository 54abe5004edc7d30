/* A forwarder that cannot be opened, whoever runs the tests. */

#include "harness.h"
#include "router.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#if defined(_WIN32)

const char *refuse_forwarder(bool refused)
{
    CHECK(SetEnvironmentVariableA("MGM_FORWARDER", refused ? "kernel" : "memory"));
    return "only on Linux";
}

#else

/* From linux/mroute.h, which does not get on with netinet/in.h everywhere. */
enum { INIT = 200, TABLE = 209 };

/* Makes the descriptor the owner of a table that has none, and returns the number of the table. Another
 * test may run at the same time and own the first tables that are tried. If this process may not own a
 * table, the library may not open one either. */
static unsigned hold_a_table(int holder)
{
    unsigned table = 76543210;
    int on = 1;

    while (setsockopt(holder, IPPROTO_IP, TABLE, &table, sizeof(table)) == 0) {
        if (setsockopt(holder, IPPROTO_IP, INIT, &on, sizeof(on)) == 0)
            break;
        CHECK_EQ(errno, EADDRINUSE);
        table++;
    }
    return table;
}

const char *refuse_forwarder(bool refused)
{
    static int holder = -1;
    char table[16];

    if (refused) {
        holder = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP);
        snprintf(table, sizeof(table), "%u", hold_a_table(holder));
        CHECK_EQ(setenv("MGM_TABLE", table, 1), 0);
    } else {
        if (holder >= 0)
            CHECK_EQ(close(holder), 0);
        holder = -1;
        CHECK_EQ(unsetenv("MGM_TABLE"), 0);
    }
    CHECK_EQ(setenv("MGM_FORWARDER", refused ? "kernel" : "memory", 1), 0);
    return "multicast routing";
}

#endif
