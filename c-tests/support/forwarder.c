/* A forwarder that cannot be opened, whoever runs the tests. */

#include "harness.h"
#include "router.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <netinet/in.h>
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

#define HELD_TABLE "76543210"

const char *refuse_forwarder(bool refused)
{
    static int holder = -1;
    unsigned table = 76543210;
    int on = 1;

    if (refused) {
        /* Where this is not permitted, the library is not permitted to open the table, either. */
        holder = socket(AF_INET, SOCK_RAW, IPPROTO_IGMP);
        if (holder >= 0 && setsockopt(holder, IPPROTO_IP, TABLE, &table, sizeof(table)) == 0)
            CHECK_EQ(setsockopt(holder, IPPROTO_IP, INIT, &on, sizeof(on)), 0);
        CHECK_EQ(setenv("MGM_TABLE", HELD_TABLE, 1), 0);
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
