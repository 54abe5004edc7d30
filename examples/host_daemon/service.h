/*
 * service.h - the interface between a daemon and the system, without a library: readiness and
 * watchdog (sd_notify), log levels (sd-daemon), privileges.
 */
#ifndef EXAMPLES_HOST_DAEMON_SERVICE_H
#define EXAMPLES_HOST_DAEMON_SERVICE_H

#include <mgmhost.h>

#include <stdbool.h>

/*
 * Reports the state to the service manager: "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…",
 * separated by line feeds. Does nothing without a service manager.
 */
void service_notify(const char *state);

/* The time in milliseconds within which it expects WATCHDOG=1, or -1 without a watchdog. */
int service_watchdog_interval(void);

/* Logs a line of the daemon. `level` is MGMHOST_LOG_ERROR and so on. */
void service_log(DWORD level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The library's log callback. Several threads may call it at the same time. */
void service_log_callback(void *context, DWORD level, const char *text);

/* Becomes another user permanently. No thread keeps a capability. */
bool service_become(const char *user);

#endif
