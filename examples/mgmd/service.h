/*
 * service.h - what a daemon owes to the system around it, without any library:
 * readiness and watchdog (sd_notify), log levels (sd-daemon), privileges.
 */
#ifndef EXAMPLES_MGMD_SERVICE_H
#define EXAMPLES_MGMD_SERVICE_H

#include <mgmhost.h>

#include <stdbool.h>

/*
 * Tells the service manager how we are: "READY=1", "STOPPING=1", "WATCHDOG=1",
 * "STATUS=…", several by line feeds. Without one, nothing happens.
 */
void service_notify(const char *state);

/* Milliseconds after which it wants to hear WATCHDOG=1, or -1: never. */
int service_watchdog_interval(void);

/* A line of the daemon's own, `level` as with MGM (MGMHOST_LOG_ERROR …). */
void service_log(DWORD level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* MGM's lines. It is called by several threads at a time. */
void service_log_callback(void *context, DWORD level, const char *text);

/* Becomes another user for good, with no capability left in any thread. */
bool service_become(const char *user);

#endif
